"""Which discount may be promised for an order, and until when: the rules of offers.toml. Pure.

An offer rewards renewing early: it ends a set number of days before the order does, or on a last day of its own,
whichever is earlier. What was promised is kept by `core.promises`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Self
from zoneinfo import ZoneInfo

from core.products import lower_words

_LAST_SECOND = time(23, 59, 59)


@dataclass(frozen=True, slots=True)
class OfferRule:
    """One offer of offers.toml. What is left empty does not narrow it.

    `code` is the same for everybody; `codes` are single-use, one per account (from `codes_file`, one per line).
    `budget` is the number of orders it may be promised for; None: no limit. `conditions` are words by language.
    """

    percent: int
    code: str = ""
    codes_file: str = ""
    codes: tuple[str, ...] = ()
    products: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    until_days_before: int = 30
    valid_from: date | None = None
    valid_until: date | None = None
    budget: int | None = None
    conditions: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 1 <= self.percent <= 100:
            raise ValueError("percent must be from 1 to 100")
        if self.until_days_before < 0:
            raise ValueError("until_days_before must not be negative: an offer ends before the order does")
        if self.code and (self.codes or self.codes_file):
            raise ValueError("code is one for everybody, codes_file names one per account: give only one of them")
        if self.budget is not None and self.budget < 0:
            raise ValueError("budget must not be negative")
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError("valid_until is before valid_from")

    def in_lower_case(self) -> Self:
        """The same with ids and segments as orders and accounts carry them."""
        return replace(self, products=lower_words(self.products), segments=lower_words(self.segments))

    @property
    def single_use(self) -> bool:
        """Whether each account gets a code of its own."""
        return bool(self.codes or self.codes_file)

    @property
    def counted(self) -> bool:
        """Whether it can be used up."""
        return self.budget is not None or self.single_use

    def last_day(self, order_ends_on: date) -> date:
        """The last day on which an order that ends on this day may still be renewed with it."""
        before = order_ends_on - timedelta(days=self.until_days_before)
        return before if self.valid_until is None else min(before, self.valid_until)


@dataclass(frozen=True, slots=True)
class Case:
    """A renewal for which something might be promised: in which zone its reader lives, and when they are told."""

    cycle_id: int
    account_id: int
    product_id: str
    segment: str
    order_ends_on: date
    zone: ZoneInfo
    moment: datetime


@dataclass(frozen=True, slots=True)
class Promise:
    """What was promised for a renewal; it stands as it is until `ends_on`, whatever offers.toml says later."""

    cycle_id: int
    account_id: int
    offer: str
    percent: int
    code: str
    ends_on: date

    def holds(self, case: Case) -> bool:
        """Whether it may still be told in this case."""
        return case.moment <= ends_at(self.ends_on, case.zone)


Choose = Callable[[Mapping[str, OfferRule], Case], str]
"""Picks one of the offers that may be promised in a case (at least one), by its name."""


def highest(eligible: Mapping[str, OfferRule], case: Case) -> str:
    """The offer with the highest discount; of equals the one that lasts longest, then the first by name."""
    return min(
        eligible,
        key=lambda name: (-eligible[name].percent, -eligible[name].last_day(case.order_ends_on).toordinal(), name),
    )


@dataclass(frozen=True, slots=True)
class Offers:
    """All offers by name. `choose` decides where several may be promised."""

    rules: Mapping[str, OfferRule] = field(default_factory=dict)
    choose: Choose = highest

    def eligible(self, case: Case) -> dict[str, OfferRule]:
        """The offers that may be promised in a case, budgets and codes aside."""
        return {name: rule for name, rule in self.rules.items() if _fits(rule, case)}


def _fits(rule: OfferRule, case: Case) -> bool:
    if rule.products and case.product_id.lower() not in rule.products:
        return False
    if rule.segments and case.segment.lower() not in rule.segments:
        return False
    if rule.valid_from is not None and case.moment.astimezone(UTC).date() < rule.valid_from:
        return False
    return case.moment <= ends_at(rule.last_day(case.order_ends_on), case.zone)


def ends_at(last_day: date, zone: ZoneInfo) -> datetime:
    """The last second at which a promise up to a day may be told to a reader in this zone.

    It is the end of that day there. Where the day ends later than in UTC, by which shops and CAs count, it is the end of
    the day before: what the reader is told then holds to its last second.
    """
    local = datetime.combine(last_day, _LAST_SECOND, zone)
    if local > datetime.combine(last_day, _LAST_SECOND, UTC):
        local = datetime.combine(last_day - timedelta(days=1), _LAST_SECOND, zone)
    return local
