"""What a template may use: the facts of a message, made harmless and put into the forms of a language.

Every text here is one line without control characters. `state` of an order is `ended`, `today`, `tomorrow` or `ahead`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from core.errors import ConfigurationError
from core.messages import Letter, OrderLine, Script
from core.words import Clock, Nature, TaskKind, Urgency
from templates.harmless import LONGEST_NAME, SHORT_NAME, both_spellings, mail_link, plain, tail, web_link
from templates.language import Language, local_day

PLAN_ABOVE_DAYS = 30  # an early renewal that gives paid days away is not urged while more than these remain
_SHORT_ACCOUNT = 60
_MOST_NAME = 4 * LONGEST_NAME  # what is looked at of a name before it is shortened


@dataclass(frozen=True, slots=True)
class OrderView:
    """One order. `ends` is the whole end with its times, `ends_day` the day alone; both marked where worked out.

    `certificate_ends` tells that the certificate ends on that day and not the order alone; `replace_first` that the
    certificate inside ends before the order does; `paid` that the order runs on beyond the certificate. `other_end` is
    the end of the certificate where the message is about the order, and the other way round; both may be empty.
    """

    order_id: str
    name: str
    short_name: str
    product: str
    level: str
    issued: str
    ends: str
    ends_day: str
    validity: str
    state: str
    days: int
    tone: str
    inferred: bool
    end_inferred: bool
    auto_renew: bool
    certificate_ends: bool
    certificate_end: str
    order_end: str
    end_label: str
    other_label: str
    other_end: str
    replace_first: bool
    paid: bool
    value: str


@dataclass(frozen=True, slots=True)
class DigestView:
    """Several orders counted; those that renew by themselves stand aside in `renewing`, unless all do.

    `first` is the open order that ends first, `last_days` the days to the end of the last one, `far` how many end
    in more than 30 days. `certificates` tells that in all of them the certificate ends.
    """

    count: int
    ended: int
    open: int
    first: OrderView
    last_days: int
    far: int
    renewing: int
    certificates: bool
    inferred: bool
    paid: bool


@dataclass(frozen=True, slots=True)
class LetterView:
    """A letter. `tone` rises from notice to expired by urgency and by what is true; `plan` tells that renewing now
    would give paid days away, and there is time; `window_opens` is empty where it is not known."""

    kind: str
    tone: str
    commercial: bool
    language: str
    account: str
    short_account: str
    person: str
    company: str
    console: str
    steps: tuple[str, ...]
    address: str
    support: str
    rep: str
    phone: str
    written: str
    action_url: str
    unsubscribe_url: str
    plan: bool
    carried_over: bool
    given_up: int
    window_opens: str
    window_open: bool


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task for somebody of ours. `orders_left_out` counts orders beyond those listed."""

    kind: str
    clock: str
    tone: str
    account: str
    short_account: str
    company: str
    console: str
    contact: str
    email: str
    phone: str
    due: str
    written: str
    mailed: str
    certainty: str
    note: str
    action_url: str
    orders_left_out: int


@dataclass(frozen=True, slots=True)
class Passages:
    """What a mail's own template says, passage by passage, for the layouts: lines, paragraphs, lists."""

    subject: str
    headline: str
    greeting: str
    opening: tuple[str, ...]
    action: str
    steps_title: str
    steps: tuple[str, ...]
    advice: tuple[str, ...]
    invitation: tuple[str, ...]
    disregard: str
    signature: tuple[str, ...]
    reason: str
    unsubscribe: str


def letter_view(letter: Letter, language: Language) -> tuple[LetterView, tuple[OrderView, ...], DigestView]:
    """What a template sees of a letter. Raises ConfigurationError where it has no order or no usable link."""
    orders = order_views(letter.lines, letter.clock, letter.written_at, language)
    numbers = digest_view(orders)
    today = local_day(letter.written_at, letter.lines[0].ends_at.tzinfo)
    brand = letter.brand
    action_url = web_link(letter.action_url)
    if not action_url:
        raise ConfigurationError("A mail needs its link; set [web] public_url or [brand] console_url.")
    opens_on = letter.early_window_opens_on
    renewal = letter.clock is Clock.RENEWAL
    nearest = numbers.first.days if not numbers.ended else 0
    view = LetterView(
        kind=_kind(letter),
        tone=_loudest(letter.urgency, orders),
        commercial=letter.nature is Nature.COMMERCIAL and renewal,
        language=language.code,
        account=plain(letter.account_name),
        short_account=plain(letter.account_name, _SHORT_ACCOUNT),
        person=plain(letter.person_name),
        company=plain(brand.company),
        console=plain(brand.console_name),
        steps=tuple(text for step in brand.steps if (text := plain(step, 400))),
        address=plain(brand.postal_address, 400),
        support=plain(brand.support),
        rep=plain(letter.reply_to_name),
        phone=plain(letter.reply_to_phone),
        written=language.day(today),
        action_url=action_url,
        unsubscribe_url=web_link(letter.unsubscribe_url) or mail_link(letter.unsubscribe_mailto),
        plan=renewal and not letter.carried_over and nearest > PLAN_ABOVE_DAYS,
        carried_over=renewal and letter.carried_over,
        given_up=max(letter.paid_days_lost, 0) if renewal and not letter.carried_over else 0,
        window_opens=language.day(opens_on) if opens_on else "",
        window_open=opens_on is not None and opens_on <= today,
    )
    return view, orders, numbers


def task_view(
    script: Script, language: Language, most_orders: int
) -> tuple[TaskView, tuple[OrderView, ...], DigestView]:
    """What a template sees of a task: all orders are counted, at most `most_orders` are listed."""
    orders = order_views(script.lines, script.clock, script.written_at, language)
    listed = orders[:most_orders]
    view = TaskView(
        kind=script.kind.value,
        clock=script.clock.value,
        tone=_loudest(script.urgency, orders),
        account=plain(script.account_name),
        short_account=plain(script.account_name, _SHORT_ACCOUNT),
        company=plain(script.brand.company),
        console=plain(script.brand.console_name),
        contact=plain(script.contact_name),
        email=plain(script.contact_email, 320),
        phone=plain(script.contact_phone),
        due=language.day(script.due_on),
        written=language.day(local_day(script.written_at, script.lines[0].ends_at.tzinfo)),
        mailed=language.day(script.mailed_on) if script.mailed_on else "",
        certainty=script.certainty.value if script.certainty is not None else "",
        note=plain(script.note, 1000),
        action_url=web_link(script.action_url),
        orders_left_out=len(orders) - len(listed),
    )
    return view, listed, digest_view(orders, aside=script.kind is TaskKind.CALL)


def order_views(
    lines: Iterable[OrderLine], clock: Clock, written_at: datetime, language: Language
) -> tuple[OrderView, ...]:
    """The orders of a message about this clock, in their order. Raises ConfigurationError where there is none."""
    found = tuple(_order(line, clock, written_at, language) for line in lines)
    if not found:
        raise ConfigurationError("A message needs at least one order.")
    return found


def digest_view(orders: Sequence[OrderView], *, aside: bool = True) -> DigestView:
    """The counts of these orders. Those that renew by themselves stand aside where told, and where others remain."""
    active = [order for order in orders if not (aside and order.auto_renew)] or list(orders)
    running = [order for order in active if order.state != "ended"]
    return DigestView(
        count=len(active),
        ended=len(active) - len(running),
        open=len(running),
        first=min(running, key=lambda order: order.days, default=active[0]),
        last_days=max((order.days for order in running), default=0),
        far=sum(order.days > PLAN_ABOVE_DAYS for order in running),
        renewing=len(orders) - len(active),
        certificates=all(order.certificate_ends for order in active),
        inferred=any(order.end_inferred for order in active),
        paid=all(order.paid for order in active),
    )


def _order(line: OrderLine, clock: Clock, written_at: datetime, language: Language) -> OrderView:
    shown, sent = both_spellings(plain(line.common_name[-_MOST_NAME:], _MOST_NAME))
    name = tail(shown, LONGEST_NAME)
    today = local_day(written_at, line.ends_at.tzinfo)
    renewal = clock is Clock.RENEWAL
    state = _state(line)
    order_end, certificate_end = line.order_expires_on, line.certificate_expires_on
    end_inferred = line.inferred and not _is_certificate_end(line, clock)
    certificate_ends = certificate_end == line.ends_on or (not renewal and order_end != line.ends_on)
    order_ends_alone = renewal and not certificate_ends
    certificate_text = language.day(certificate_end) if certificate_end else ""
    order_text = language.marked(language.day(order_end), line.inferred) if order_end else ""
    other_end = certificate_text if order_ends_alone else "" if renewal else order_text
    labels = language.labels
    return OrderView(
        order_id=plain(line.order_id, 80),
        name=f"{name} ({tail(sent, LONGEST_NAME)})" if sent else name,
        short_name=tail(shown, SHORT_NAME),
        product=plain(line.product_name),
        level=line.level.value if line.level is not None else "",
        issued=language.day(line.issued_on) if line.issued_on else labels.unknown,
        ends=language.marked(language.moment(line.ends_on, line.ends_at), end_inferred),
        ends_day=language.marked(language.day(line.ends_on), end_inferred),
        validity=language.count(line.validity_days, "day") if line.validity_days else labels.unknown,
        state=state,
        days=max(-line.days_left, 0) if state == "ended" else max(line.days_left, 0),
        tone=_tone(line.urgency, state),
        inferred=line.inferred,
        end_inferred=end_inferred,
        auto_renew=line.auto_renew and renewal,
        certificate_ends=certificate_ends,
        certificate_end=certificate_text,
        order_end=order_text,
        end_label=labels.ends_order if order_ends_alone else labels.ends_certificate,
        other_label=(labels.certificate_end if order_ends_alone else labels.order_end) if other_end else "",
        other_end=other_end,
        replace_first=renewal and _is_before(certificate_end, line.ends_on) and state != "ended",
        paid=_is_before(line.ends_on, order_end) and not _is_before(order_end, today),
        value=language.money(line.value_minor, plain(line.currency, 3)) if line.value_minor else "",
    )


def _is_certificate_end(line: OrderLine, clock: Clock) -> bool:
    """Whether the end is one that the CA gives for a certificate; only an order's end is ever worked out."""
    is_order_end = line.order_expires_on == line.ends_on
    if clock is Clock.RENEWAL:
        return line.certificate_expires_on == line.ends_on and line.order_expires_on is not None and not is_order_end
    return line.certificate_expires_on == line.ends_on or not is_order_end


def _is_before(one: date | None, other: date | None) -> bool:
    return one is not None and other is not None and one < other


def _state(line: OrderLine) -> str:
    if line.ended:
        return "ended"
    if line.days_left <= 0:
        return "today"
    return "tomorrow" if line.days_left == 1 else "ahead"


def _kind(letter: Letter) -> str:
    """The letter's template: that of its clock, or of automatic renewal where that is true of every order."""
    announced = letter.auto_renew_notice and len(letter.lines) == 1
    if letter.clock is Clock.RENEWAL and (announced or all(line.auto_renew for line in letter.lines)):
        return "auto_renew"
    return letter.clock.value


def _tone(urgency: Urgency, state: str) -> str:
    """The urgency, where it says no more and no less than what is true."""
    if state == "ended":
        return Urgency.EXPIRED.value
    if urgency is Urgency.EXPIRED or state in ("today", "tomorrow"):
        return Urgency.CRITICAL.value
    return urgency.value


def _loudest(urgency: Urgency, orders: Sequence[OrderView]) -> str:
    active = [order for order in orders if not order.auto_renew] or orders
    tones = [_tone(urgency, active[0].state), *(order.tone for order in active)]
    return Urgency.highest(Urgency(tones[0]), *map(Urgency, tones[1:])).value
