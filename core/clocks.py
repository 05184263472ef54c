"""Which clocks run for an order, and whether a changed end amends a cycle or begins a new one."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from core.cadence_tables import CadenceRules
from core.model import OrderFacts
from core.reasons import Reason
from core.words import Clock, OrderStatus

ENDED_BY_STATUS = {
    OrderStatus.CANCELLED: Reason.CANCELLED,
    OrderStatus.REVOKED: Reason.REVOKED,
    OrderStatus.REJECTED: Reason.REJECTED,
}


@dataclass(frozen=True, slots=True)
class Span:
    """A clock that runs: from `starts_on` to the end of `ends_on`, for this certificate."""

    clock: Clock
    starts_on: date
    ends_on: date
    certificate_id: str


@dataclass(frozen=True, slots=True)
class Cycle:
    """One run of a clock for an order, as it stands in the ledger."""

    id: int
    clock: Clock
    number: int
    starts_on: date
    ends_on: date
    certificate_id: str
    open: bool
    outcome: str = ""


class Move(StrEnum):
    """What a source's new word on an end means for the cycle."""

    KEEP = "keep"
    AMEND = "amend"
    BEGIN = "begin"


def spans(order: OrderFacts, rules: CadenceRules) -> tuple[Span, ...]:
    """The clocks that run by what the source says: renewal to the order's end, reissue to the certificate's end.

    The reissue clock runs only where the order ends more than `reissue_min_gap_days` after the certificate. Nothing
    runs for orders that were never issued, cancelled, rejected or revoked.
    """
    if order.status in ENDED_BY_STATUS:
        return ()
    ends_on = order.order_expires_on or order.certificate_expires_on
    if ends_on is None:
        return ()
    starts_on = order.starts_on or order.certificate_issued_on or order.placed_on
    found = [Span(Clock.RENEWAL, starts_on, ends_on, order.certificate_id)]
    certificate_end = order.certificate_expires_on
    if certificate_end and ends_on - certificate_end > timedelta(days=rules.reissue_min_gap_days):
        issued_on = order.certificate_issued_on or starts_on
        found.append(Span(Clock.REISSUE, issued_on, certificate_end, order.certificate_id))
    return tuple(found)


def move(cycle: Cycle, span: Span, rules: CadenceRules) -> Move:
    """Whether the cycle stays, is amended, or a new one begins.

    An end that moves by less than `amend_below_days`, or moves with the same certificate, amends.
    """
    if cycle.ends_on == span.ends_on:
        same = cycle.starts_on == span.starts_on and cycle.certificate_id == span.certificate_id
        return Move.KEEP if same else Move.AMEND
    if abs((span.ends_on - cycle.ends_on).days) < rules.amend_below_days:
        return Move.AMEND
    if span.certificate_id and span.certificate_id == cycle.certificate_id:
        return Move.AMEND
    return Move.BEGIN


def lapses_on(ends_on: date, rules: CadenceRules) -> date:
    """The day on which a cycle that nobody closed lapses."""
    return ends_on + timedelta(days=rules.lapse_after_days)


@dataclass(frozen=True, slots=True)
class Window:
    """The days whose confirmations belong to a cycle, half-open."""

    opens_on: date
    closes_on: date

    def holds(self, day: date) -> bool:
        return self.opens_on <= day < self.closes_on


GRACE_DAYS = 30  # a renewal is still this order's up to so many days after its end


def windows(cycles: list[Cycle]) -> list[tuple[Cycle, Window]]:
    """The window of each cycle of one clock of one order, without overlap.

    A window opens at the cycle's start, or where the one before closes, and closes 30 days after the cycle's end.
    Of cycles with the same end the newest has it.
    """
    found: list[tuple[Cycle, Window]] = []
    opens_after = date.min
    for cycle in sorted(cycles, key=lambda one: (one.ends_on, -one.number)):
        closes_on = cycle.ends_on + timedelta(days=GRACE_DAYS + 1)
        opens_on = max(opens_after, cycle.starts_on)
        found.append((cycle, Window(opens_on, closes_on)))
        opens_after = closes_on
    return found
