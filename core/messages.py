"""What a message says, before it is worded: the facts a template may use, and the port of whoever words them."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from core.words import Certainty, Clock, Level, Nature, TaskKind, Urgency


@dataclass(frozen=True, slots=True)
class Brand:
    """Whose message it is, and where its one call to action leads."""

    company: str
    sender: str
    console_name: str
    console_url: str
    steps: tuple[str, ...] = ()
    postal_address: str = ""
    support: str = ""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One order in a message.

    `ends_on` is the end of the clock that the message is about; `ends_at` the same in the reader's zone;
    `days_left` counts full days to it; below two it counts the reader's calendar days (1: tomorrow, 0: today, negative:
    that many days ago), and `ended` says whether the instant has passed;
    `validity_days` is the length of the order (renewal) or of the certificate (reissue, install).
    """

    order_id: str
    order_key: str
    common_name: str
    product_name: str
    level: Level | None
    issued_on: date | None
    ends_on: date
    ends_at: datetime
    days_left: int
    ended: bool
    validity_days: int | None
    inferred: bool
    certificate_expires_on: date | None
    order_expires_on: date | None
    urgency: Urgency
    auto_renew: bool = False
    value_minor: int | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to one person. The first line is the most pressing; one line makes a single mail, several a digest.

    `paid_days_lost` is what renewing on the day of the mail would give away of the running order, in days; it is 0
    where the CA carries the rest over. `early_window_opens_on` is the first day on which an early renewal is possible.
    """

    clock: Clock
    touchpoint: str
    urgency: Urgency
    nature: Nature
    language: str
    account_name: str
    person_name: str
    lines: tuple[OrderLine, ...]
    brand: Brand
    written_at: datetime
    action_url: str
    unsubscribe_url: str
    unsubscribe_mailto: str
    reply_to_name: str = ""
    reply_to_phone: str = ""
    auto_renew_notice: bool = False
    early_window_opens_on: date | None = None
    carried_over: bool = False
    paid_days_lost: int = 0


@dataclass(frozen=True, slots=True)
class Script:
    """One task for somebody of ours: whom to reach, about what, and what to say.

    `certainty` is set where a renewal is thought to have happened and should be asked about.
    """

    kind: TaskKind
    clock: Clock
    urgency: Urgency
    language: str
    account_name: str
    lines: tuple[OrderLine, ...]
    brand: Brand
    written_at: datetime
    due_on: date
    action_url: str
    contact_name: str = ""
    contact_email: str = ""
    contact_phone: str = ""
    mailed_on: date | None = None
    certainty: Certainty | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class WordedMail:
    """A mail in words."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class WordedTask:
    """A task in words."""

    subject: str
    body: str


class Writer(Protocol):
    """Whoever turns facts into words. Raises `ConfigurationError` where a template is broken."""

    def mail(self, letter: Letter) -> WordedMail: ...

    def task(self, script: Script) -> WordedTask: ...

    def check(self) -> None:
        """Words samples of every kind, so that a broken template is found before it is needed."""
        ...
