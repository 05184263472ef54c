"""What the four steps need to know of the settings, in one place and without a file format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from core.advice import AdviceRules
from core.blocks import Switches
from core.cadence_tables import CadenceRules, Cadences
from core.calendar import Calendar
from core.consent import ConsentRules
from core.consoles import Consoles
from core.eligibility import Scope
from core.languages import Languages
from core.messages import Brand, Link, Picture
from core.offers import Offers
from core.prices import Prices
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

    batch_size: int = 250
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
    """Who gets tasks, how many, and what follows from what comes of them.

    Owners, deputies and managers are rep keys: `fallback_owner` where an account has no owner who works, `support_owner`
    for what is support's, `manager` where a rep has none. `deputies` and `managers` go before what the sources of reps
    say; `absences` are first and last days. A rep gets at most `per_day` new tasks (0: any number), support's aside. A
    call without an answer is asked for again after `no_answer_days`, `no_answer_times` at most. An open deal, or a
    human contact within `quiet_days`, turns a call into a note. A call that has stood at warning or above for
    `escalate_after_days` goes to the manager (0: never).
    """

    one_open_per_account: bool = True
    fallback_owner: str = ""
    support_owner: str = ""
    manager: str = ""
    deputies: Mapping[str, str] = field(default_factory=dict)
    managers: Mapping[str, str] = field(default_factory=dict)
    absences: Mapping[str, tuple[tuple[date, date], ...]] = field(default_factory=dict)
    per_day: int = 20
    no_answer_days: int = 2
    no_answer_times: int = 3
    quiet_days: int = 7
    escalate_after_days: int = 3


@dataclass(frozen=True, slots=True)
class CertaintyPolicy:
    """How long a renewal that is not proven is believed, in days.

    A provisional one holds `provisional_days`, but is looked at `recheck_before_end_days` before the end; one that is
    heard of later than that holds `late_days`. A probable one pauses calls for `probable_pause_days`. A renewal that is
    placed but not issued is reminded of after `validation_after_days` and then every `validation_every_days`; its rep is
    warned `warn_before_end_days` before the end.
    """

    provisional_days: int = 14
    recheck_before_end_days: int = 7
    late_days: int = 3
    probable_pause_days: int = 5
    validation_after_days: int = 2
    validation_every_days: int = 7
    warn_before_end_days: int = 7


@dataclass(frozen=True, slots=True)
class OccasionPolicy:
    """Mails outside the cadence, each once for an order: thanks for a renewal, and asking a lost customer back.

    A thank-you goes within `thank_you_within_days` of the renewal's proof or not at all. Who was lost is asked back on
    the day that the rep set, else `win_back_after_days` after the order lapsed (0: only where the rep set a day).
    """

    thank_you: bool = True
    win_back: bool = True
    thank_you_within_days: int = 3
    win_back_after_days: int = 60


@dataclass(frozen=True, slots=True)
class MailPolicy:
    """How mails leave. With `redirect_all_to` every mail goes to that address, whomever it names."""

    redirect_all_to: str = ""
    bcc: str = ""
    domain: str = "nolapse.invalid"


@dataclass(frozen=True, slots=True)
class CapPolicy:
    """How much is sent at most; 0 sets no limit. Days are those of the reader.

    `ramp` is how many mails go on the first days of being live, one figure a day; after the last there is no limit.
    """

    mails_per_contact_day: int = 1
    mails_per_contact_week: int = 3
    ramp: tuple[int, ...] = ()


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
class Branding:
    """A further brand, for the accounts that have it: itself, and its own words and links by language."""

    brand: Brand
    legal_footer: Mapping[str, str] = field(default_factory=dict)
    links: tuple[Mapping[str, Link], ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything the engine obeys. `brands` are those beside `brand`, by name in lower case."""

    cadences: Cadences
    calendar: Calendar
    validity: ValidityRules
    brand: Brand
    scope: Scope = field(default_factory=Scope)
    sync: SyncPolicy = field(default_factory=SyncPolicy)
    deliver: DeliverPolicy = field(default_factory=DeliverPolicy)
    tasks: TaskPolicy = field(default_factory=TaskPolicy)
    certainty: CertaintyPolicy = field(default_factory=CertaintyPolicy)
    occasions: OccasionPolicy = field(default_factory=OccasionPolicy)
    plan_batch: int = 1000
    lock_wait_seconds: int = 30
    mail: MailPolicy = field(default_factory=MailPolicy)
    caps: CapPolicy = field(default_factory=CapPolicy)
    messages: MessagePolicy = field(default_factory=MessagePolicy)
    consent: ConsentRules = field(default_factory=ConsentRules)
    prices: Prices = field(default_factory=Prices)
    brands: Mapping[str, Branding] = field(default_factory=dict)

    @property
    def rules(self) -> CadenceRules:
        return self.cadences.rules
