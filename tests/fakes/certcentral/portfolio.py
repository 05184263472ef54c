"""Orders by the hundred thousand, worked out when they are asked for: the same seed and day give the same orders."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Protocol

from tests.fakes.certcentral.records import Certificate, Container, Order, Organisation, Person

FIRST_ORDER = 100_000_000
# DigiCert's longest certificate, by the days from which another one holds.
_SINCE = (date(2026, 2, 24), date(2027, 3, 15), date(2029, 3, 15))
_LONGEST = (397, 199, 99, 46)
_PRODUCTS = (
    ("ssl_basic", "268"), ("ssl_dv_rapidssl", "59"), ("ssl_securesite_flex", "439"), ("ssl_ev_basic", "372"),
    ("ssl_dv_geotrust_flex", "149"), ("ssl_wildcard", "688"), ("ssl_securesite_pro", "1095"), ("ssl_multi_domain", "412"),
)  # fmt: skip
_COUNTRIES = ("us", "de", "fr", "it", "es", "kr", "cn", "gb")
_FIRST_ORGANISATION, _FIRST_CONTAINER = 400_000, 10_000
_YEAR = 365
_REISSUED_AHEAD = 21


def longest_days(issued_on: date) -> int:
    """How many days a certificate may run that is issued on this day."""
    return _LONGEST[bisect_right(_SINCE, issued_on)]


class Portfolio(Protocol):
    """Orders that are worked out when they are asked for."""

    @property
    def ids(self) -> Sequence[int]: ...

    def order(self, order_id: int) -> Order: ...

    def organisation(self, organisation_id: int) -> Organisation | None: ...

    def container(self, container_id: int) -> Container | None: ...

    def containers(self) -> Iterable[Container]: ...


@dataclass(frozen=True, slots=True)
class SeededPortfolio:
    """`count` orders of customers with `per_customer` orders each.

    Spread evenly over them, `in_window` end from 7 days before `today` to 90 days after it; `lacking` of these name no
    person in the report, only in order info. Of the others nine in ten run on, the rest ended long ago. A fifth of
    those in the window is renewed already, where `renewed` says so; their renewals are not among these orders.
    """

    count: int
    today: date
    in_window: int = 0
    lacking: int = 0
    per_customer: int = 20
    renewed: bool = False
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.lacking <= self.in_window <= self.count:
            raise ValueError("lacking is part of in_window, and that of count")

    @property
    def ids(self) -> range:
        """The ids of all orders."""
        return range(FIRST_ORDER, FIRST_ORDER + self.count)

    def order(self, order_id: int) -> Order:
        """One order."""
        number = order_id - FIRST_ORDER
        chance = hash((self.seed, number)) & 0xFFFFFFFF  # numbers have the same hash in every process
        place = _place(number, self.in_window, self.count)
        placed_on, reissues = self._placed_on(number, chance, place)
        ends_on = placed_on + timedelta(days=_YEAR)
        certificate = self._certificate(order_id, placed_on, ends_on, reissues)
        customer = number // self.per_customer
        product, price = _PRODUCTS[chance % len(_PRODUCTS)]
        host = f"h{number}.c{customer}.example"
        names = (f"*.{host}",) if product == "ssl_wildcard" else (host, f"www.{host}")
        silent = place is not None and _place(place, self.lacking, self.in_window) is not None
        technical = None if silent else _person(customer, "tech")
        return Order(
            order_id, product, names,
            placed_at=datetime(placed_on.year, placed_on.month, placed_on.day, 8 + chance % 9, chance % 60, 7, tzinfo=UTC),
            certificate=certificate, starts_on=placed_on, ends_on=ends_on,
            organisation=0 if "_dv_" in product else _FIRST_ORGANISATION + customer,
            container=_FIRST_CONTAINER + customer, technical=technical, user=technical,
            user_id=0 if technical is None else 9000 + customer,
            organisation_contact=_person(customer, "office"),
            is_renewed=ends_on < self.today - timedelta(days=7) or (self.renewed and place is not None and place % 5 == 0),
            auto_renew=chance % 50 == 0, price=price, reissues=reissues, multi_year=True,
        )  # fmt: skip

    def organisation(self, organisation_id: int) -> Organisation | None:
        """A customer as an organisation."""
        customer = organisation_id - _FIRST_ORGANISATION
        return _organisation(customer) if 0 <= customer < self._customers else None

    def container(self, container_id: int) -> Container | None:
        """A customer as a division."""
        customer = container_id - _FIRST_CONTAINER
        return _container(customer) if 0 <= customer < self._customers else None

    def containers(self) -> Iterator[Container]:
        """Every customer as a division."""
        return map(_container, range(self._customers))

    @property
    def _customers(self) -> int:
        return -(-self.count // self.per_customer)

    def _placed_on(self, number: int, chance: int, place: int | None) -> tuple[date, int]:
        """The first day of the order, and how often it was reissued."""
        if place is not None:
            placed_on = self.today - timedelta(days=_YEAR + 7 - chance % 98)
            return placed_on, int(longest_days(placed_on) < _YEAR)
        kind = number % 10
        if kind == 0:
            return self.today - timedelta(days=_YEAR + 30 + chance % 700), 0
        if kind < 5:
            return self.today - timedelta(days=180 + chance % 80), 1
        return self.today - timedelta(days=10 + chance % 120), 0

    def _certificate(self, order_id: int, placed_on: date, ends_on: date, reissues: int) -> Certificate:
        since = placed_on
        if reissues:
            since += timedelta(days=max(longest_days(placed_on) - _REISSUED_AHEAD, _YEAR - longest_days(placed_on)))
            since = min(since, self.today)
        till = min(since + timedelta(days=longest_days(since)), ends_on)
        return Certificate(order_id * 100 + reissues + 1, since, till)


def _place(number: int, some: int, of: int) -> int | None:
    """Spreads `some` numbers evenly over `of`: the how-manieth this one is among them, or None."""
    before = number * some // of if of else 0
    return before if some and (number + 1) * some // of > before else None


@lru_cache(maxsize=64)
def _person(customer: int, part: str) -> Person:
    return Person(part.title(), f"Of{customer}", f"{part}@c{customer}.example", "+1 202 555 0100")


@lru_cache(maxsize=64)
def _organisation(customer: int) -> Organisation:
    country = _COUNTRIES[customer % len(_COUNTRIES)]
    return Organisation(_FIRST_ORGANISATION + customer, f"Customer {customer} Ltd", country)


@lru_cache(maxsize=64)
def _container(customer: int) -> Container:
    return Container(_FIRST_CONTAINER + customer, f"Customer {customer} Ltd")
