"""What a message says, before it is worded: the facts a template may use."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from core.answered import Answer
from core.money import Money
from core.words import (
    AdviceKind,
    Benefit,
    Block,
    Certainty,
    Channel,
    Clock,
    LetterKind,
    Level,
    Nature,
    Question,
    TaskKind,
    Urgency,
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on the operator's web server, with the text that stands in for it."""

    url: str
    alt: str


@dataclass(frozen=True, slots=True)
class Link:
    """A link of the operator's, with its words."""

    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Colours:
    """The brand's colours as `#rrggbb`; empty: those of the templates. `accent` is laid under white text."""

    accent: str = ""
    link: str = ""
    background: str = ""


@dataclass(frozen=True, slots=True)
class Brand:
    """Whose message it is, and where its one call to action leads.

    `legal_footer` and `links` are the operator's own words, in the language of the message where they have it.
    """

    company: str
    sender: str
    console_name: str
    console_url: str
    postal_address: str = ""
    support: str = ""
    logo: Picture | None = None
    colours: Colours = Colours()
    legal_footer: str = ""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction for the console in use, in the language of the message, with a screenshot where there is one."""

    text: str
    screenshot: Picture | None = None


@dataclass(frozen=True, slots=True)
class ConsoleEnd:
    """The console in use closes: until `ends_on` (a date of the operator's) it works, afterwards the `next` one does."""

    name: str
    ends_on: date
    next_name: str = ""
    next_url: str = ""


@dataclass(frozen=True, slots=True)
class Offer:
    """A discount that may be promised: it holds at this moment, for these orders, up to `ends_at` (in the reader's zone).

    `ends_on` is its last day for the reader. `percent` is whole; `code` may be empty; `conditions` are the operator's
    words in the language of the message, and may be empty. `products` are the names of the products it holds for;
    empty: for every one. `order_ids` are those of the message for which it holds.
    """

    name: str
    percent: int
    ends_on: date
    ends_at: datetime
    code: str = ""
    conditions: str = ""
    products: tuple[str, ...] = ()
    order_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BenefitUse:
    """Something bought with the product. `in_use`: None where nobody knows; False: worth asking about."""

    key: Benefit
    in_use: bool | None = None


@dataclass(frozen=True, slots=True)
class Advice:
    """One thing the customer could do better, with the facts behind it. What does not belong to its kind is empty.

    | kind | facts |
    |---|---|
    | higher_brand, higher_level | `order_ids`, `product_name` and its `brand`, `level`, and what it `gains` |
    | multi_year | `order_ids`, `years` |
    | wildcard, multi_domain | `order_ids`, `names` on them, the shared `domain` (wildcard), `product_name` |
    | consolidate | `issuers`: the other CAs; `count`: certificates of theirs |
    | automate | `order_ids`, `count`: orders renewed or replaced by hand; `days`: the longest certificate's life soon,
      `from_on`: from when on (both may be empty) |
    """

    kind: AdviceKind
    order_ids: tuple[str, ...] = ()
    product_id: str = ""
    product_name: str = ""
    brand: str = ""
    level: Level | None = None
    gains: tuple[Benefit, ...] = ()
    years: int = 0
    domain: str = ""
    names: tuple[str, ...] = ()
    issuers: tuple[str, ...] = ()
    count: int = 0
    days: int = 0
    from_on: date | None = None


@dataclass(frozen=True, slots=True)
class BrowserWarning:
    """What visitors see, or would, once the certificate has ended: on this domain, from this day on."""

    domain: str
    ends_on: date
    ended: bool


@dataclass(frozen=True, slots=True)
class Seal:
    """The trust mark that comes with the product; the picture only where the operator has set one."""

    product_name: str
    picture: Picture | None = None
    help_url: str = ""
    in_use: bool | None = None


@dataclass(frozen=True, slots=True)
class NoDaysLost:
    """What renewing on `renew_on` gives where the CA's policy carries the rest over; never there where it does not.

    `order_ends_on` is the running order's end, `rest_days` what is left of it, `term_days` the new term, and
    `new_order_ends_on` the new order's end with the rest in it: `total_days` after `renew_on`.
    """

    renew_on: date
    order_ends_on: date
    rest_days: int
    term_days: int
    new_order_ends_on: date
    order_id: str = ""

    @property
    def total_days(self) -> int:
        return self.rest_days + self.term_days


@dataclass(frozen=True, slots=True)
class Renewed:
    """A renewal that is sure. What is not known is empty; `install_by` is the old certificate's end."""

    renewed_on: date
    new_order_id: str = ""
    new_order_ends_on: date | None = None
    install_by: date | None = None


@dataclass(frozen=True, slots=True)
class LastContact:
    """When and how the account was last reached by us."""

    on: date
    channel: Channel


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One order in a message.

    `ends_on` is the end of the clock that the message is about; `ends_at` the same in the reader's zone;
    `days_left` counts full days to it; below two it counts the reader's calendar days (1: tomorrow, 0: today, negative:
    that many days ago), and `ended` says whether the instant has passed;
    `validity_days` is the length of the order (renewal) or of the certificate (reissue, install).
    `auto_renews_on` is the day on which the CA renews it by itself, where that is known.
    `value_minor` is its worth to us, which no letter holds; `price` what a renewal costs the customer, with its note.
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
    auto_renews_on: date | None = None
    account_name: str = ""
    price: Money | None = None
    price_note: str = ""


class Occasion(StrEnum):
    """Why a mail is written."""

    TOUCHPOINT = "touchpoint"
    WIN_BACK = "win_back"
    THANK_YOU = "thank_you"
    VALIDATION = "validation"


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to one person. The first line is the most pressing; one line makes a single mail, several a digest.

    `paid_days_lost` is what renewing on the day of the mail would give away of the running order, in days; it is 0
    where the CA carries the rest over. `early_window_opens_on` is the first day on which an early renewal is possible.

    `blocks` are the parts that are switched on and have their facts: a template shows a block if, and only if, it is
    named here. `advice` is for the blocks upsell and automation (`AdviceKind.AUTOMATE`). `steps` are the console's, in
    `language`; where there are none, the template's own general ones stand. `renewed` is set in a thank-you alone.
    `label` is what the law wants before the subject of a commercial message. Only the first `rows` lines stand in the
    mail, the list that goes along holds all; 0: all of them stand there.
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
    occasion: Occasion = Occasion.TOUCHPOINT
    country: str = ""
    segment: str = ""
    blocks: frozenset[Block] = frozenset()
    offer: Offer | None = None
    advice: tuple[Advice, ...] = ()
    benefits: tuple[BenefitUse, ...] = ()
    seal: Seal | None = None
    browser_warning: BrowserWarning | None = None
    no_days_lost: NoDaysLost | None = None
    steps: tuple[Step, ...] = ()
    console_end: ConsoleEnd | None = None
    renewed: Renewed | None = None
    label: str = ""
    rows: int = 0

    @property
    def kind(self) -> LetterKind:
        """Which mail it is, by its occasion, clock and orders."""
        if self.occasion is not Occasion.TOUCHPOINT:
            return LetterKind(self.occasion.value)
        if self.clock is not Clock.RENEWAL:
            return LetterKind(self.clock.value)
        announced = self.auto_renew_notice and len(self.lines) == 1
        if announced or all(line.auto_renew for line in self.lines):
            return LetterKind.AUTO_RENEW
        if len(self.lines) > 1:
            return LetterKind.DIGEST
        line = self.lines[0]
        if line.ended:
            return LetterKind.EXPIRED
        return LetterKind.EXPIRES_TODAY if line.days_left <= 0 else LetterKind.SINGLE


@dataclass(frozen=True, slots=True)
class Script:
    """One task for somebody of ours: whom to reach, about what, and what to say.

    `certainty` is set where a renewal is thought to have happened and should be asked about. `language` is the reader's,
    one of ours. `contact_time` is the moment of writing in the contact's zone, which `contact_zone` names. `value` is
    what the orders that run out are worth, one sum per currency. `offer` and `no_days_lost` may be told to the customer
    at this moment; `paid_days_lost` is what renewing today would give away. `steps` are the console's.
    `service_only` says that nothing may be sold on this call.
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
    country: str = ""
    rep_name: str = ""
    contact_time: datetime | None = None
    contact_zone: str = ""
    contact_language: str = ""
    last_contact: LastContact | None = None
    value: tuple[Money, ...] = ()
    offer: Offer | None = None
    advice: tuple[Advice, ...] = ()
    benefits: tuple[BenefitUse, ...] = ()
    questions: tuple[Question, ...] = ()
    no_days_lost: NoDaysLost | None = None
    paid_days_lost: int = 0
    carried_over: bool = False
    steps: tuple[Step, ...] = ()
    answers: tuple[Answer, ...] = ()
    service_only: bool = False
