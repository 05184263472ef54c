"""The sections of nolapse.toml that are not a connector's own, with their defaults. Every field is a setting."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from pydantic import Field, SecretStr

from core.languages import Words
from core.policy import CertaintyPolicy as CertaintySection
from core.policy import DeliverPolicy as DeliverSection
from core.policy import OccasionPolicy as OccasionsSection
from core.retention import RetentionPolicy as RetentionSection
from core.words import ProductKind


@dataclass(frozen=True, slots=True)
class StoreSection:
    """The database: sqlite:///FILE or postgresql://USER@HOST/DATABASE, the password apart."""

    url: str = "sqlite:///nolapse.db"
    password: SecretStr | None = None


@dataclass(frozen=True, slots=True)
class SyncSection:
    """Where orders come from, which CRM the reps work in, and how much a report may shrink (percent).

    `prober` looks whether new certificates are installed: tls_probe, or nobody.
    """

    sources: tuple[str, ...] = ("order_report",)
    crm: str = "embedded"
    batch_size: int = 2000
    max_shrink_percent: int = 20
    rejects_path: str = "rejects"
    prober: str = ""


@dataclass(frozen=True, slots=True)
class PlanSection:
    """How many cycles are planned in one transaction, and how long a step waits for another process (seconds)."""

    batch_size: int = 1000
    lock_wait_seconds: int = 30


@dataclass(frozen=True, slots=True)
class MailSection:
    """What carries mails: embedded, smtp, or another installed connector.

    `redirect_all_to` sends every mail to that address instead; `bcc` sends a copy; `domain` is the right-hand side of
    message ids, the brand's sender's where it is empty. `replies` is what reads the mails that come back: imap, or nothing.
    `dkim_selectors` are looked up by `nolapse check`, at
    `dns_servers` (addresses; none: the system's).
    """

    via: str = "embedded"
    redirect_all_to: str = ""
    bcc: str = ""
    domain: str = ""
    replies: str = ""
    dkim_selectors: tuple[str, ...] = ()
    dns_servers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WebSection:
    """The web app, and where the world reaches it; without `public_url` links lead to the console.

    Links lead by the web app to `shop_url`, `{order}` standing for the order's id, or to the console; `targets` are
    further places by name, and `modes` say which it is for whom: `default`, or `account=KEY`, `segment=…`, `route=…`;
    "form" is a page of ours that asks the customer. One address may knock at the public doors within `public_limit`.

    `listen` is HOST:PORT for `nolapse serve`, empty: no web app. `proxies` is how many of ours stand before it.
    A door has a secret; the one of the same name with `_before` is still taken while senders change. `mail_secret` is
    that of POST /webhooks/mail. `certcentral_sources` are ranges of addresses from which CertCentral may come, empty:
    any. Salesforce's Outbound Messages must come from `salesforce_organisation`.
    A request may have `max_body_bytes`, a sender `timeout_seconds`. Raw events are kept for `keep_events_days`.
    """

    public_url: str = ""
    link_secret: SecretStr | None = None
    shop_url: str = ""
    targets: Mapping[str, str] = field(default_factory=dict)
    modes: Mapping[str, str] = field(default_factory=dict)
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
    certcentral_secret: SecretStr | None = None
    certcentral_secret_before: SecretStr | None = None
    certcentral_sources: tuple[str, ...] = ()
    hubspot_secret: SecretStr | None = None
    hubspot_secret_before: SecretStr | None = None
    salesforce_secret: SecretStr | None = None
    salesforce_secret_before: SecretStr | None = None
    salesforce_organisation: Annotated[str, Field(pattern=r"^(00D[0-9A-Za-z]{12}([0-9A-Za-z]{3})?)?$")] = ""
    mail_secret: SecretStr | None = None
    mail_secret_before: SecretStr | None = None


Colour = Annotated[str, Field(pattern=r"^(#[0-9a-fA-F]{6})?$")]
WebAddress = Annotated[str, Field(pattern=r"^(https://\S+)?$")]


@dataclass(frozen=True, slots=True)
class LinkSection:
    """A link at the foot of every mail."""

    label: Words
    url: WebAddress


@dataclass(frozen=True, slots=True)
class FurtherBrand:
    """What a brand may say of itself. One of brands.toml has what it leaves out from [brand]."""

    company: str = ""
    sender: str = ""
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


@dataclass(frozen=True, slots=True)
class BrandSection(FurtherBrand):
    """Whose messages they are, how they look, and where the one call to action leads.

    `console` is the console in use, of those in consoles.toml; `console_name` and `console_url` stand in for its own.
    """

    company: str = "Your certificate partner"
    sender: str = "renewals@example.com"
    console: str = "certcentral"
    seal_url: WebAddress = ""
    seal_alt: str = ""
    seal_help_url: WebAddress = ""


@dataclass(frozen=True, slots=True)
class LanguageSection:
    """Languages where nobody says one: of customers, of reps ("": the same), and by country (DE = "en")."""

    default: str = "en"
    reps: str = ""
    countries: Mapping[str, str] = field(default_factory=dict)


Count = Annotated[int, Field(ge=0)]


@dataclass(frozen=True, slots=True)
class CapsSection:
    """How many mails go at most: to one person in a day of theirs and in seven, and in all on the first days; 0: no limit.

    `ramp` has one figure for each of the first days of being live. Critical and expired mails pass what a person gets,
    and go first where the ramp bites.
    """

    mails_per_contact_day: Count = 1
    mails_per_contact_week: Count = 3
    ramp: tuple[Count, ...] = ()


@dataclass(frozen=True, slots=True)
class TasksSection:
    """One open call task per account or one per order, how many a rep gets in a day (0: any number), and when again.

    A call without an answer is asked for again after `no_answer_days`, `no_answer_times` at most. An open deal, or a
    human contact within `quiet_days`, turns a call into a note. After `escalate_after_days` at warning or above a call
    goes to the manager (0: never).
    """

    one_open_per_account: bool = True
    per_day: Annotated[int, Field(ge=0)] = 20
    no_answer_days: Annotated[int, Field(ge=1, le=60)] = 2
    no_answer_times: Annotated[int, Field(ge=0, le=20)] = 3
    quiet_days: Annotated[int, Field(ge=0, le=60)] = 7
    escalate_after_days: Annotated[int, Field(ge=0, le=60)] = 3


@dataclass(frozen=True, slots=True)
class RepsSection:
    """By rep keys: who gets tasks where an account has no owner who works, who is support, who is told of late calls.

    `deputies` and `managers` name those of single reps and go before what the source of reps says. `absent` says when
    somebody is away: ["2026-12-21/2027-01-03"], both days included.
    """

    fallback: str = ""
    support: str = ""
    manager: str = ""
    deputies: Mapping[str, str] = field(default_factory=dict)
    managers: Mapping[str, str] = field(default_factory=dict)
    absent: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ScopeSection:
    """Which kinds of product are followed, whether the CA's notice switch is obeyed, which mail domains are ours."""

    kinds: tuple[ProductKind, ...] = (ProductKind.TLS,)
    respect_ca_notice_switch: bool = False
    own_domains: tuple[str, ...] = ()


JOBS = ("sync", "settle", "plan", "deliver", "daily")
"""The jobs of `nolapse serve`, in the order in which they go at one moment."""


@dataclass(frozen=True, slots=True)
class ScheduleSection:
    """When `nolapse serve` does what: five cron fields in `timezone`, or `every 15m`; empty: not at all.

    `misfire_seconds`: a turn that comes later than so is left to the next one. `stop_seconds` is the time to end in
    after a signal, `longest_seconds` that after which a job counts as hanging. After `alert_after` failures in a row a
    job is told to `alert_to`. `ping_url` is asked for after each good delivery, for a service that misses it otherwise.
    """

    sync: str = "*/15 * * * *"
    settle: str = "*/15 * * * *"
    plan: str = "*/15 * * * *"
    deliver: str = "*/5 * * * *"
    daily: str = "30 5 * * *"
    timezone: str = "UTC"
    misfire_seconds: Annotated[int, Field(ge=1)] = 900
    stop_seconds: Annotated[int, Field(ge=1, le=3600)] = 30
    longest_seconds: Annotated[int, Field(ge=60)] = 3600
    health_file: str = ""
    alert_to: str = ""
    alert_after: Annotated[int, Field(ge=1)] = 3
    ping_url: Annotated[str, Field(pattern=r"^(https?://\S+)?$")] = ""


@dataclass(frozen=True, slots=True)
class ReportSection:
    """Who gets the summary of each day, by mail; empty: nobody."""

    to: str = ""


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
    caps: CapsSection = field(default_factory=CapsSection)
    web: WebSection = field(default_factory=WebSection)
    brand: BrandSection = field(default_factory=BrandSection)
    language: LanguageSection = field(default_factory=LanguageSection)
    tasks: TasksSection = field(default_factory=TasksSection)
    reps: RepsSection = field(default_factory=RepsSection)
    certainty: CertaintySection = field(default_factory=CertaintySection)
    occasions: OccasionsSection = field(default_factory=OccasionsSection)
    scope: ScopeSection = field(default_factory=ScopeSection)
    report: ReportSection = field(default_factory=ReportSection)
    retention: RetentionSection = field(default_factory=RetentionSection)
    schedule: ScheduleSection = field(default_factory=ScheduleSection)
    log: LogSection = field(default_factory=LogSection)
