"""The orders of a message as a template sees them: made harmless, and in the forms of a language.

What is made many times for every mail is not frozen, which would make the making several times as dear.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from core.errors import ConfigurationError
from core.messages import OrderLine
from core.words import Clock, Urgency
from templates.harmless import LONGEST_NAME, SHORT_NAME, both_spellings, isolated, plain, tail
from templates.language import Language, local_day
from templates.theme import COLOURS

PLAN_ABOVE_DAYS = 30  # an early renewal that gives paid days away is not urged while more than these remain
_MOST_NAME = 4 * LONGEST_NAME  # what is looked at of a name before it is shortened


@dataclass(slots=True)
class Row:
    """A fact with its label."""

    label: str
    value: str


@dataclass(slots=True)
class OrderView:
    """One order. `ends` is the whole end with its times, `ends_day` the day alone; both marked where worked out.

    `state` is `ended`, `today`, `tomorrow` or `ahead`. `certificate_ends` tells that the certificate ends on that day and
    not the order alone; `replace_first` that the certificate inside ends before the order does; `paid` that the order
    runs on beyond the certificate. `other_end` is the end of the certificate where the message is about the order, and
    the other way round; both may be empty. `own_label` is `end_label` where that is not the usual one. `rows` are the
    facts of a mail about this order alone. `badge` says how many days are left, in words, `left` as a number. `customer`
    is whose order it is, where that is not the reader; `price` what a renewal costs. Both may be empty.
    """

    order_id: str
    name: str
    short_name: str
    product: str
    level: str
    issued: str
    ends: str
    ends_day: str
    ends_time: str
    validity: str
    state: str
    days: int
    left: str
    badge: str
    colour: str
    tone: str
    inferred: bool
    end_inferred: bool
    auto_renew: bool
    renews_on: str
    certificate_ends: bool
    certificate_end: str
    order_end: str
    end_label: str
    own_label: str
    other_label: str
    other_end: str
    replace_first: bool
    paid: bool
    value: str
    customer: str
    price: str
    rows: tuple[Row, ...]


@dataclass(slots=True)
class DigestView:
    """Several orders counted; those that renew by themselves stand aside in `renewing`, unless all do.

    `first` is the open order that ends first, `last_ended` the day of the latest that has ended, `far` how many end in
    more than 30 days. `certificates` tells that in all of them the certificate ends.
    """

    count: int
    ended: int
    open: int
    first: OrderView
    last_ended: str
    far: int
    renewing: int
    certificates: bool
    paid: bool


def order_views(
    lines: Iterable[OrderLine],
    clock: Clock,
    written_at: datetime,
    language: Language,
    *,
    priced: bool = False,
    reader: str = "",
) -> tuple[OrderView, ...]:
    """The orders of a message about this clock, in their order; `priced`: with their values.

    `reader` is the account whose people read it: orders of others name their customer. Raises ConfigurationError where
    there is no order.
    """
    found = tuple(order_view(line, clock, written_at, language, priced=priced, reader=reader) for line in lines)
    if not found:
        raise ConfigurationError("A message needs at least one order.")
    return found


def list_columns(language: Language) -> tuple[str, ...]:
    """The heads of the list of orders that goes along with a mail, in the order of `core.order_list.COLUMNS`."""
    _ = language.catalogue.gettext
    return (
        _("Order ID"),
        _("Common name"),
        _("Product"),
        _("Issue date"),
        _("Expiry date"),
        _("Order runs until"),
        _("Validity"),
        _("Days left"),
    )


def digest_view(orders: Sequence[OrderView], *, aside: bool = True) -> DigestView:
    """The counts of these orders. Those that renew by themselves stand aside where told, and where others remain."""
    active = [order for order in orders if not (aside and order.auto_renew)] or list(orders)
    running = [order for order in active if order.state != "ended"]
    ended = [order for order in active if order.state == "ended"]
    return DigestView(
        count=len(active),
        ended=len(ended),
        open=len(running),
        first=min(running, key=lambda order: order.days, default=active[0]),
        last_ended=min(ended, key=lambda order: order.days).ends_day if ended else "",
        far=sum(order.days > PLAN_ABOVE_DAYS for order in running),
        renewing=len(orders) - len(active),
        certificates=all(order.certificate_ends for order in active),
        paid=all(order.paid for order in active),
    )


def order_view(
    line: OrderLine, clock: Clock, written_at: datetime, language: Language, *, priced: bool = False, reader: str = ""
) -> OrderView:
    """One order of a message about this clock, told at that moment; its value only where `priced`: customers know it."""
    _, ngettext = language.catalogue.gettext, language.catalogue.ngettext
    shown, sent = both_spellings(plain(line.common_name[-_MOST_NAME:], _MOST_NAME))
    name = tail(shown, LONGEST_NAME)
    today = local_day(written_at, line.ends_at.tzinfo)
    renewal = clock is Clock.RENEWAL
    state = _state(line)
    days = max(-line.days_left, 0) if state == "ended" else max(line.days_left, 0)
    order_end, certificate_end = line.order_expires_on, line.certificate_expires_on
    end_inferred = line.inferred and not _is_certificate_end(line, clock)
    certificate_ends = certificate_end == line.ends_on or (not renewal and order_end != line.ends_on)
    order_ends_alone = renewal and not certificate_ends
    certificate_text = language.day(certificate_end) if certificate_end else ""
    order_text = language.marked(language.day(order_end), line.inferred) if order_end else ""
    other_end = certificate_text if order_ends_alone else "" if renewal else order_text
    end_label = _("Order expiry date") if order_ends_alone else _("Expiry date")
    other_label = (_("Certificate expiry date") if order_ends_alone else _("Order runs until")) if other_end else ""
    issued = language.day(line.issued_on) if line.issued_on else _("not known")
    validity = ngettext("%(num)s day", "%(num)s days", line.validity_days) if line.validity_days else _("not known")
    ends = language.marked(language.moment(line.ends_on, line.ends_at), end_inferred)
    if state == "ended":
        # Translators: stands for the days left of an order or certificate that has ended
        left, badge = _("0 (ended)"), _("ended")
    elif state == "today":
        # Translators: stands for the days left of an order that ends today
        left, badge = _("0 (ends today)"), _("ends today")
    else:
        left, badge = language.number(days), ngettext("%(num)s day", "%(num)s days", days)
    order_id, product = plain(line.order_id, 80), isolated(plain(line.product_name))
    tone = told_tone(line.urgency, state)
    rows = [
        Row(_("Order ID"), order_id),
        Row(_("Product"), product),
        Row(_("Issue date"), issued),
        Row(end_label, ends),
        Row(other_label, other_end),
        Row(_("Validity"), validity),
        Row(_("Days left"), left),
    ]
    customer = isolated(plain(line.account_name)) if reader and line.account_name != reader else ""
    price = _price(line, language) if line.price is not None else ""
    if customer:
        # Translators: label of the company whose order it is, in a message to its reseller
        rows.insert(0, Row(_("Customer"), customer))
    if price:
        # Translators: label of what renewing the order costs
        rows.append(Row(_("Renewal price"), price))
    return OrderView(
        order_id=order_id,
        name=f"{isolated(name)} ({tail(sent, LONGEST_NAME)})" if sent else isolated(name),
        short_name=isolated(tail(shown, SHORT_NAME)),
        product=product,
        level=line.level.value if line.level is not None else "",
        issued=issued,
        ends=ends,
        ends_day=language.marked(language.day(line.ends_on), end_inferred),
        ends_time=language.time_of(line.ends_at),
        validity=validity,
        state=state,
        days=days,
        left=left,
        badge=badge,
        colour=COLOURS[tone].strong,
        tone=tone,
        inferred=line.inferred,
        end_inferred=end_inferred,
        auto_renew=line.auto_renew and renewal,
        renews_on=language.day(line.auto_renews_on) if line.auto_renews_on else "",
        certificate_ends=certificate_ends,
        certificate_end=certificate_text,
        order_end=order_text,
        end_label=end_label,
        own_label=end_label if order_ends_alone else "",
        other_label=other_label,
        other_end=other_end,
        replace_first=renewal and _is_before(certificate_end, line.ends_on) and state != "ended",
        paid=_is_before(line.ends_on, order_end) and not _is_before(order_end, today),
        value=language.money(line.value_minor, plain(line.currency, 3)) if priced and line.value_minor else "",
        customer=customer,
        price=price,
        rows=tuple(row for row in rows if row.value),
    )


def _price(line: OrderLine, language: Language) -> str:
    """What a renewal costs, with the operator's note on it."""
    if line.price is None:
        return ""
    amount = language.money(line.price.minor, plain(line.price.currency, 3))
    return f"{amount} ({plain(line.price_note)})" if line.price_note else amount


def told_tone(urgency: Urgency, state: str) -> str:
    """The urgency, where it says no more and no less than what is true."""
    if state == "ended":
        return Urgency.EXPIRED.value
    if urgency is Urgency.EXPIRED or state in ("today", "tomorrow"):
        return Urgency.CRITICAL.value
    return urgency.value


def loudest(urgency: Urgency, orders: Sequence[OrderView]) -> str:
    """The tone of a message: that of the most pressing order which does not renew by itself."""
    active = [order for order in orders if not order.auto_renew] or orders
    tones = [told_tone(urgency, active[0].state), *(order.tone for order in active)]
    return Urgency.highest(Urgency(tones[0]), *map(Urgency, tones[1:])).value


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
