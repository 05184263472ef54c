"""A made-up portfolio as a reseller has it: an order report, accounts, reps and contacts. The same seed, the same files.

Accounts are of every size, from one order to three hundred; some belong to resellers, some are told nothing, of some
nobody can be written to. Their orders run out over the next year; some ran out lately, were renewed already, cancelled
or revoked; some are no public TLS. Every name is invented, every address reserved.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import log
from pathlib import Path
from random import Random
from typing import NamedTuple

from cli.sample_portfolio import PRODUCTS
from core.validity_rules import ValidityRules

DAY = date(2026, 11, 18)
"""The first day, a Wednesday."""

CA = "digicert"
REPS = 12
HEADER = (
    "order_id", "status", "date_created", "common_name", "valid_from", "valid_till", "order_valid_till", "validity_years",
    "certificate_id", "dns_names", "product_name_id", "product_name", "product_type", "container_id", "container_name",
    "organization_country", "tech_email", "user_email", "is_renewed",
    "renewed_order_id", "renewal_of_order_id", "auto_renew", "disable_renewal_notifications", "price", "currency",
)  # fmt: skip

_ACCOUNT = ("account", "name", "country", "language", "zone", "route", "parent", "owner")
_CONTACT = ("account", "email", "name", "roles")
_REP = ("rep_key", "name", "email", "job", "manager", "deputy", "active", "absent_from", "absent_until")

_FIRST_ORDER, _FIRST_CONTAINER = 200_000_000, 50_000
_LARGEST = 300
_SPREAD = 1.2  # of the logarithm of how many orders an account has
_LAST_END = 340  # so many days from the first one: a year later even what was renewed late is over
_EARLIEST_END = -60
_TERM = 365
_REISSUED_AHEAD = timedelta(days=20)
_PLACES = (
    ("DE", "de", "Europe/Berlin"), ("US", "en", "America/New_York"), ("FR", "fr", "Europe/Paris"),
    ("IT", "it", "Europe/Rome"), ("ES", "es", "Europe/Madrid"), ("KR", "ko", "Asia/Seoul"),
    ("CN", "zh", "Asia/Shanghai"), ("GB", "en", "Europe/London"),
)  # fmt: skip


class _Product(NamedTuple):
    id: str
    name: str
    type: str
    price: int


_SHARES = {
    "ssl_dv_geotrust_flex": 30,
    "ssl_dv_rapidssl": 20,
    "ssl_basic": 20,
    "ssl_wildcard": 10,
    "ssl_securesite_flex": 10,
    "ssl_ev_basic": 7,
    "code_signing": 3,
}
"""Which products orders are for, in a hundred."""

_PRODUCTS = tuple(_Product(id, *PRODUCTS[id]) for id in _SHARES)


@dataclass(frozen=True, slots=True)
class PortfolioSize:
    """How large the portfolio is. Some of the orders have been renewed already; their successors come on top."""

    orders: int = 30_000
    accounts: int = 4_000


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files of a portfolio are, and who refuses mails or has agreed to offers from the beginning."""

    report: Path
    accounts: Path
    contacts: Path
    reps: Path
    refusing: tuple[str, ...]
    consenting: tuple[str, ...]

    @property
    def settings(self) -> str:
        """The lines of [order_report]."""
        paths = {
            "path": self.report,
            "accounts_path": self.accounts,
            "contacts_path": self.contacts,
            "reps_path": self.reps,
        }
        return 'customer = "container"\n' + "".join(f'{name} = "{path}"\n' for name, path in paths.items())


@dataclass(frozen=True, slots=True)
class _Account:
    """A customer: its people, its size, and who looks after it. `above` is the number of its reseller."""

    number: int
    orders: int
    place: tuple[str, str, str]
    people: tuple[str, ...]
    owner: str
    route: str
    above: int | None

    @property
    def key(self) -> str:
        return f"{CA}:container:{_FIRST_CONTAINER + self.number}"

    @property
    def domain(self) -> str:
        return f"customer-{self.number}.example"


def write_portfolio(folder: Path, size: PortfolioSize, validity: ValidityRules, seed: int = 20_261_118) -> Files:
    """Writes the files into the folder. Certificates are as long as the CA issues them on their day."""
    chance = Random(seed)  # noqa: S311, invented data
    customers = list(_accounts(size, chance))
    addresses = sorted({address for one in customers for address in one.people})
    files = Files(
        folder / "order-report.csv",
        folder / "accounts.csv",
        folder / "contacts.csv",
        folder / "reps.csv",
        refusing=tuple(address for address in addresses if chance.random() < 0.02),
        consenting=tuple(address for address in addresses if chance.random() < 0.5),
    )
    _write(files.report, HEADER, _report(customers, validity, chance))
    _write(files.accounts, _ACCOUNT, (_account_row(one, customers) for one in customers))
    _write(files.contacts, _CONTACT, _contact_rows(customers))
    _write(files.reps, _REP, _rep_rows())
    return files


def _write(path: Path, head: Sequence[str], rows: Iterator[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        writer.writerows(rows)


def _accounts(size: PortfolioSize, chance: Random) -> Iterator[_Account]:
    resellers = max(1, size.accounts // 200)
    for number, orders in enumerate(_sizes(size, chance)):
        drawn = chance.random()
        above = None if number < resellers or drawn >= 0.05 else chance.randrange(resellers)
        yield _Account(
            number,
            orders,
            place=_PLACES[number % len(_PLACES)],
            people=tuple(_people(number, chance)),
            owner="" if drawn > 0.99 else f"rep{number % REPS}",
            route="reseller" if number < resellers else "silent" if drawn > 0.98 else "",
            above=above,
        )


def _sizes(size: PortfolioSize, chance: Random) -> list[int]:
    """How many orders each account has, log-normally: most have few, few have many, one has three hundred."""
    middle = log(size.orders / size.accounts) - _SPREAD**2 / 2
    drawn = [max(1, min(_LARGEST, round(chance.lognormvariate(middle, _SPREAD)))) for _ in range(size.accounts)]
    largest = size.accounts // 2
    drawn[largest] = min(_LARGEST, size.orders // 4)
    while (left := size.orders - sum(drawn)) != 0:
        # What is missing, or too much, goes by how many each has.
        for number in chance.choices(range(size.accounts), weights=drawn, k=abs(left)):
            if number != largest:
                drawn[number] = min(_LARGEST, max(1, drawn[number] + (1 if left > 0 else -1)))
    return drawn


def _people(number: int, chance: Random) -> Iterator[str]:
    """The first is the technical contact. Some accounts name nobody, some share an agency's address."""
    drawn = chance.random()
    if drawn < 0.02:
        return
    if drawn < 0.03:
        yield f"team@agency-{number % 5}.example"
        return
    yield f"admin@customer-{number}.example"
    if drawn < 0.6:
        yield f"owner@customer-{number}.example"
    if drawn < 0.3:
        yield f"billing@customer-{number}.example"


def _account_row(one: _Account, customers: Sequence[_Account]) -> Sequence[object]:
    country, language, zone = one.place
    above = "" if one.above is None else customers[one.above].key
    return one.key, f"Customer {one.number}", country, language, zone, one.route, above, one.owner


_ROLES = ("technical", "organisation", "billing")


def _contact_rows(customers: Sequence[_Account]) -> Iterator[Sequence[object]]:
    for one in customers:
        for address, role in zip(one.people, _ROLES, strict=False):
            yield one.key, address, f"Person {role} {one.number}", role


def _rep_rows() -> Iterator[Sequence[object]]:
    """Twelve reps, of whom one is away at first and one has left; their manager, and support."""
    yield "manager", "The manager", "manager@ours.example", "manager", "", "", 1, "", ""
    yield "support", "Support", "support@ours.example", "support", "", "", 1, "", ""
    for number in range(REPS):
        away: tuple[object, object] = (DAY, DAY + timedelta(days=9)) if number == 3 else ("", "")
        deputy = f"rep{(number + 1) % REPS}"
        yield (
            f"rep{number}",
            f"Rep {number}",
            f"rep{number}@ours.example",
            "rep",
            "manager",
            deputy,
            int(number != 7),
            *away,
        )


@dataclass(frozen=True, slots=True)
class _Order:
    """One order as it stands on the first day."""

    number: int
    customer: _Account
    product: _Product
    names: tuple[str, ...]
    placed_on: date
    ends_on: date
    status: str
    priced: bool
    auto_renew: bool
    notices_off: bool
    renewed_by: int = 0
    renewal_of: int = 0


def _report(customers: Sequence[_Account], validity: ValidityRules, chance: Random) -> Iterator[Sequence[object]]:
    number = _FIRST_ORDER
    for one in customers:
        for nth in range(one.orders):
            for order in _orders(number, nth, one, chance):
                yield _row(order, validity)
            number += 10


def _orders(number: int, nth: int, one: _Account, chance: Random) -> Iterator[_Order]:
    """One order; where it was renewed already, with its successor."""
    product = chance.choices(_PRODUCTS, [*_SHARES.values()])[0]
    ends_on = DAY + timedelta(days=chance.randint(_EARLIEST_END, _LAST_END))
    drawn = chance.random()
    order = _Order(
        number,
        one,
        product,
        _names(nth, one, product),
        placed_on=ends_on - timedelta(days=_TERM * (3 if chance.random() < 0.1 else 1)),
        ends_on=ends_on,
        status="revoked" if drawn > 0.995 else "canceled" if drawn > 0.985 else "issued",
        priced=chance.random() < 0.97,
        auto_renew=0.9 < drawn < 0.94,
        notices_off=0.94 < drawn < 0.96,
    )
    # What ended lately was renewed mostly, and some of what ends soon has been already.
    renewed_on = ends_on - timedelta(days=chance.randint(0, 30))
    if renewed_on >= DAY or drawn >= (0.8 if ends_on < DAY else 0.5):
        yield order
        return
    yield replace(order, renewed_by=number + 5)
    # Its successor ends within the year that is played, too.
    end = min(renewed_on + timedelta(days=_TERM), DAY + timedelta(days=_LAST_END))
    yield replace(order, number=number + 5, placed_on=renewed_on, ends_on=end, renewal_of=number)


def _names(nth: int, one: _Account, product: _Product) -> tuple[str, ...]:
    if product.type == "code_signing_certificate":
        return (f"Customer {one.number}",)
    if product.id == "ssl_wildcard":
        return f"*.zone{nth}.{one.domain}", f"zone{nth}.{one.domain}"
    return (f"host{nth}.{one.domain}",)


def _row(order: _Order, validity: ValidityRules) -> Sequence[object]:
    one, product = order.customer, order.product
    country, *_ = one.place
    issued_on, expires_on = _certificate(order, validity)
    technical = one.people[0] if one.people else ""
    named = product.type != "code_signing_certificate"
    row = dict.fromkeys(HEADER, "") | {
        "order_id": order.number,
        "status": "expired" if order.status == "issued" and order.ends_on < DAY else order.status,
        "date_created": order.placed_on,
        "common_name": order.names[0],
        "valid_from": issued_on,
        "valid_till": expires_on,
        "order_valid_till": order.ends_on,
        "validity_years": max(1, round((order.ends_on - order.placed_on).days / _TERM)),
        "certificate_id": f"{order.number}{issued_on:%y%m%d}",
        "dns_names": ",".join(order.names) if named else "",
        "product_name_id": product.id,
        "product_name": product.name,
        "product_type": product.type,
        "container_id": _FIRST_CONTAINER + one.number,
        "container_name": f"Customer {one.number}",
        "organization_country": country.lower(),
        "tech_email": technical,
        "user_email": technical,
        "is_renewed": int(bool(order.renewed_by)),
        "renewed_order_id": order.renewed_by,
        "renewal_of_order_id": order.renewal_of,
        "auto_renew": int(order.auto_renew),
        "disable_renewal_notifications": int(order.notices_off),
    }
    if order.priced:
        row |= {"price": f"{product.price}.00", "currency": "USD"}
    return list(row.values())


def _certificate(order: _Order, validity: ValidityRules) -> tuple[date, date]:
    """The first and last day of the certificate in use; each was reissued some weeks before its end."""
    ca, issued_on = validity.ca(CA), order.placed_on
    expires_on = issued_on
    while True:
        expires_on = min(issued_on + timedelta(days=ca.max_certificate_days(issued_on)), order.ends_on)
        if expires_on == order.ends_on or expires_on >= DAY + _REISSUED_AHEAD / 2:
            return issued_on, expires_on
        issued_on = expires_on - _REISSUED_AHEAD
