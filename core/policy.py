"""What the four steps need to know of the settings, in one place and without a file format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from core.advice import AdviceRules
from core.blocks import Switches
from core.cadence_tables import CadenceRules, Cadences
from core.calendar import Calendar
from core.consoles import Consoles
from core.eligibility import Scope
from core.languages import Languages
from core.messages import Brand, Link, Picture
from core.offers import Offers
from core.products import Catalogue
from core.validity_rules import ValidityRules


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
class MessagePolicy:
    """What messages may say beside the facts of their orders.

    `console` names the console in use in `consoles`. `legal_footer` and each of `links` are words by language; those
    under "" stand for every language that has none of its own. `rep_language` is that of reps who have none of their own.
    """

    switches: Switches = field(default_factory=Switches)
    offers: Offers = field(default_factory=Offers)
    catalogue: Catalogue = field(default_factory=Catalogue)
    advice: AdviceRules = field(default_factory=AdviceRules)
    consoles: Consoles = field(default_factory=Consoles)
    console: str = ""
    languages: Languages = field(default_factory=Languages)
    rep_language: str = ""
    seal: Picture | None = None
    seal_help_url: str = ""
    legal_footer: Mapping[str, str] = field(default_factory=dict)
    links: tuple[Mapping[str, Link], ...] = ()


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
    messages: MessagePolicy = field(default_factory=MessagePolicy)

    @property
    def rules(self) -> CadenceRules:
        return self.cadences.rules
