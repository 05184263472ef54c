"""The sections of nolapse.toml that are not a connector's own, with their defaults. Every field is a setting."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field, SecretStr

from core.policy import DeliverPolicy as DeliverSection
from core.words import ProductKind


@dataclass(frozen=True, slots=True)
class StoreSection:
    """The database: sqlite:///FILE or postgresql://USER@HOST/DATABASE, the password apart."""

    url: str = "sqlite:///nolapse.db"
    password: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class SyncSection:
    """Where orders come from, which CRM the reps work in, and how much a report may shrink (percent)."""

    sources: tuple[str, ...] = ("order_report",)
    crm: str = "embedded"
    batch_size: int = 2000
    max_shrink_percent: int = 20
    rejects_path: str = "rejects"


@dataclass(frozen=True, slots=True)
class PlanSection:
    """How many cycles are planned in one transaction, and how long a step waits for another process (seconds)."""

    batch_size: int = 1000
    lock_wait_seconds: int = 30


@dataclass(frozen=True, slots=True)
class MailSection:
    """What carries mails: embedded, smtp, or another installed connector.

    `redirect_all_to` sends every mail to that address instead; `bcc` sends a copy; `domain` is the right-hand side of
    message ids, the brand's sender's where it is empty. `dkim_selectors` are looked up by `nolapse check`, at
    `dns_servers` (addresses; none: the system's).
    """

    via: str = "embedded"
    redirect_all_to: str = ""
    bcc: str = ""
    domain: str = ""
    dkim_selectors: tuple[str, ...] = ()
    dns_servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WebSection:
    """The web app, and where the world reaches it; without `public_url` links lead to the console.

    Links lead by the web app to `shop_url`, `{order}` standing for the order's id, or to the console. One address may
    knock at the public doors within `public_limit`.

    `listen` is HOST:PORT for `nolapse serve`, empty: no web app. `proxies` is how many of ours stand before it.
    `renewals_secret` is that of POST /webhooks/renewals; `renewals_secret_before` is still taken while senders change.
    A request may have `max_body_bytes`, a sender `timeout_seconds`. Raw events are kept for `keep_events_days`.
    """

    public_url: str = ""
    link_secret: SecretStr | None = None
    shop_url: str = ""
    public_limit: str = "60 per minute"
    listen: str = ""
    threads: Annotated[int, Field(ge=1, le=256)] = 8
    proxies: Annotated[int, Field(ge=0, le=10)] = 0
    max_body_bytes: Annotated[int, Field(ge=1024)] = 262_144
    timeout_seconds: Annotated[int, Field(ge=1, le=300)] = 10
    metrics: bool = False
    keep_events_days: Annotated[int, Field(ge=1)] = 90
    renewals_secret: SecretStr | None = None
    renewals_secret_before: SecretStr | None = None


Words = str | Mapping[str, str]
"""Words of the operator's own: for every language, or by language."""

Colour = Annotated[str, Field(pattern=r"^(#[0-9a-fA-F]{6})?$")]
WebAddress = Annotated[str, Field(pattern=r"^(https://\S+)?$")]


@dataclass(frozen=True, slots=True)
class LinkSection:
    """A link at the foot of every mail."""

    label: Words
    url: WebAddress


@dataclass(frozen=True, slots=True)
class BrandSection:
    """Whose messages they are, how they look, and where the one call to action leads.

    `console` is the console in use, of those in consoles.toml; `console_name` and `console_url` stand in for its own.
    """

    company: str = "Your certificate partner"
    sender: str = "renewals@example.com"
    console: str = "certcentral"
    console_name: str = ""
    console_url: str = ""
    postal_address: str = ""
    support: str = ""
    logo_url: WebAddress = ""
    logo_alt: str = ""
    accent: Colour = ""
    link_colour: Colour = ""
    background: Colour = ""
    legal_footer: Words = ""
    links: tuple[LinkSection, ...] = ()
    seal_url: WebAddress = ""
    seal_alt: str = ""
    seal_help_url: WebAddress = ""


@dataclass(frozen=True, slots=True)
class LanguageSection:
    """Languages where nobody says one: of customers, of reps ("": the same), and by country (DE = "en")."""

    default: str = "en"
    reps: str = ""
    countries: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TasksSection:
    """One open call task per account, or one per order."""

    one_open_per_account: bool = True


@dataclass(frozen=True, slots=True)
class RepsSection:
    """The rep keys of whoever gets tasks where an account has no active owner, and of support."""

    fallback: str = ""
    support: str = ""


@dataclass(frozen=True, slots=True)
class ScopeSection:
    """Which kinds of product are followed, whether the CA's notice switch is obeyed, which mail domains are ours."""

    kinds: tuple[ProductKind, ...] = (ProductKind.TLS,)
    respect_ca_notice_switch: bool = False
    own_domains: tuple[str, ...] = ()


JOBS = ("sync", "settle", "plan", "deliver")
"""The jobs of `nolapse serve`, in the order in which they go at one moment."""


@dataclass(frozen=True, slots=True)
class ScheduleSection:
    """When `nolapse serve` does what: five cron fields in `timezone`, or `every 15m`; empty: not at all.

    `misfire_seconds`: a turn that comes later than so is left to the next one. `stop_seconds` is the time to end in
    after a signal, `longest_seconds` that after which a job counts as hanging. After `alert_after` failures in a row a
    job is told to `alert_to`.
    """

    sync: str = "*/15 * * * *"
    settle: str = "*/15 * * * *"
    plan: str = "*/15 * * * *"
    deliver: str = "*/5 * * * *"
    timezone: str = "UTC"
    misfire_seconds: Annotated[int, Field(ge=1)] = 900
    stop_seconds: Annotated[int, Field(ge=1, le=3600)] = 30
    longest_seconds: Annotated[int, Field(ge=60)] = 3600
    health_file: str = ""
    alert_to: str = ""
    alert_after: Annotated[int, Field(ge=1)] = 3


@dataclass(frozen=True, slots=True)
class LogSection:
    """How much is told on standard error: debug, info, warning or error."""

    level: str = "warning"


@dataclass(frozen=True, slots=True)
class Sections:
    """All of them, by their names in nolapse.toml."""

    store: StoreSection = field(default_factory=StoreSection)
    sync: SyncSection = field(default_factory=SyncSection)
    plan: PlanSection = field(default_factory=PlanSection)
    deliver: DeliverSection = field(default_factory=DeliverSection)
    mail: MailSection = field(default_factory=MailSection)
    web: WebSection = field(default_factory=WebSection)
    brand: BrandSection = field(default_factory=BrandSection)
    language: LanguageSection = field(default_factory=LanguageSection)
    tasks: TasksSection = field(default_factory=TasksSection)
    reps: RepsSection = field(default_factory=RepsSection)
    scope: ScopeSection = field(default_factory=ScopeSection)
    schedule: ScheduleSection = field(default_factory=ScheduleSection)
    log: LogSection = field(default_factory=LogSection)
