"""What the four steps need to know of the settings, in one place and without a file format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from core.cadence_tables import CadenceRules, Cadences
from core.calendar import Calendar
from core.eligibility import Scope
from core.messages import Brand
from core.validity_rules import ValidityRules
from core.words import Clock


@dataclass(frozen=True, slots=True)
class SyncPolicy:
    """`max_shrink_percent`: a report that names so many fewer orders than are known changes nothing."""

    batch_size: int = 2000
    max_shrink_percent: int = 20
    rejects_path: str = "rejects"


@dataclass(frozen=True, slots=True)
class DeliverPolicy:
    """How deliveries are claimed and repeated; times in seconds, ages in days.

    After `break_after` batches in a row in which a connector failed for everything it is left alone for `break_seconds`;
    0 never leaves it alone.
    """

    batch_size: int = 100
    lease_seconds: int = 300
    retry_seconds: int = 300
    max_attempts: int = 8
    max_age_days: int = 14
    uncertain_wait_seconds: int = 60
    break_after: int = 5
    break_seconds: int = 300

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)


@dataclass(frozen=True, slots=True)
class TaskPolicy:
    """Who gets tasks: rep keys where an account has no owner of its own, or the work is support's."""

    one_open_per_account: bool = True
    fallback_owner: str = ""
    support_owner: str = ""


@dataclass(frozen=True, slots=True)
class MailPolicy:
    """How mails leave. With `redirect_all_to` every mail goes to that address, whomever it names."""

    redirect_all_to: str = ""
    bcc: str = ""
    domain: str = "nolapse.invalid"


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything the engine obeys."""

    cadences: Cadences
    calendar: Calendar
    validity: ValidityRules
    brand: Brand
    scope: Scope = field(default_factory=Scope)
    sync: SyncPolicy = field(default_factory=SyncPolicy)
    deliver: DeliverPolicy = field(default_factory=DeliverPolicy)
    tasks: TaskPolicy = field(default_factory=TaskPolicy)
    plan_batch: int = 1000
    lock_wait_seconds: int = 30
    mail: MailPolicy = field(default_factory=MailPolicy)
    steps: Mapping[Clock, tuple[str, ...]] = field(default_factory=dict)

    @property
    def rules(self) -> CadenceRules:
        return self.cadences.rules
