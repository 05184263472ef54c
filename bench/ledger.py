"""A made-up ledger in which exactly so many orders have a step due: the same from the same figures, always.

It is as it stands on a morning: what fell due before has been decided, and what was decided is written down. Orders that
are due belong to accounts of the same make-up whatever the size, so that two ledgers differ in what is *not* due alone.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any, NamedTuple

from sqlalchemy import Table, insert

from bench.house import House
from core import golive, migrations
from core.cadence import Scheduled, schedule
from core.consent import Basis
from core.consents import consents
from core.model import order_key
from core.policy import Policy
from core.schema import accounts, contacts, cycles, meta, order_contacts, orders, reps, touches
from core.store import Store
from core.words import Channel, Clock, Level, OrderStatus, ProductKind, Role, TouchState

DAY = date(2026, 11, 18)
"""The day that is planned, a Wednesday; nothing around it is a holiday in the accounts' countries."""

FIRST_ORDER = 10_000_000
ORDERS_PER_ACCOUNT = 10
DUE_PER_ACCOUNT = 3
_REPS = 50
_CHUNK = 10_000
_COUNTRIES = (("DE", "Europe/Berlin"), ("US", "America/New_York"), ("FR", "Europe/Paris"), ("IT", "Europe/Rome"))
_TERM, _CERTIFICATE = 365, 199
_SEED = 20_261_118


@dataclass(frozen=True, slots=True)
class Size:
    """How many orders there are and how many have a step due, at most three in ten.

    With `mails_only` none of these steps is a call.
    """

    orders: int
    due: int
    mails_only: bool = False

    @property
    def accounts(self) -> int:
        return -(-self.orders // ORDERS_PER_ACCOUNT)


class _Shape(NamedTuple):
    """What orders of one kind have in common."""

    clock: Clock
    level: Level
    country: str


class _End(NamedTuple):
    """A possible end of a cycle: when it is looked at next, and the steps that lie behind it."""

    ends_on: date
    next_on: date | None
    passed: tuple[Scheduled, ...]


class _Pool(NamedTuple):
    due: list[_End]
    quiet: list[_End]


class _Order(NamedTuple):
    id: int
    account: int
    shape: _Shape
    end: _End


_SHAPES = tuple(
    _Shape(clock, level, country)
    for clock, level in (
        (Clock.RENEWAL, Level.OV), (Clock.RENEWAL, Level.EV), (Clock.RENEWAL, Level.DV), (Clock.REISSUE, Level.OV),
    )
    for country, _ in _COUNTRIES
)  # fmt: skip


def make_ledger(url: str, size: Size) -> None:
    """Migrates the empty database at this URL and fills it; the installation is live."""
    with House(url) as house:
        migrations.migrate(house.store)
        _fill(house.store, house.policy, size)
        if not house.store.is_sqlite:  # a server does so by itself, but not at once
            with house.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.exec_driver_sql("VACUUM ANALYZE")


def _fill(store: Store, policy: Policy, size: Size) -> None:
    with store.begin() as connection:
        golive.go_live(connection, DAY)
        digest = f"{policy.cadences.digest}:{policy.calendar.settings.digest}"
        connection.execute(insert(meta), [{"key": "cadence", "value": digest}])
    _write(
        store, reps, ({"rep_key": f"rep{n}", "name": f"Rep {n}", "email": f"rep{n}@us.example"} for n in range(_REPS))
    )
    _write(store, accounts, map(_account, range(size.accounts)))
    _write(store, contacts, (row for number in range(size.accounts) for row in _contacts(number)))
    _write(store, consents, (_consent(number) for number in range(1, size.accounts, 2)))
    pools = {shape: _pool(shape, policy, size.mails_only) for shape in _SHAPES}

    def each(rows_of: Callable[[_Order], Iterable[dict[str, Any]]]) -> Iterator[dict[str, Any]]:
        return (row for order in _orders(size, pools) for row in rows_of(order))

    _write(store, orders, each(lambda order: [_order(order)]))
    _write(store, order_contacts, each(_order_contacts))
    _write(store, cycles, each(_cycles))
    _write(store, touches, each(_touches))


def _write(store: Store, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    iterator = iter(rows)
    while chunk := list(islice(iterator, _CHUNK)):
        with store.begin() as connection:
            connection.execute(insert(table), chunk)


def _orders(size: Size, pools: dict[_Shape, _Pool]) -> Iterator[_Order]:
    """The orders by id. Those of one account, and those that are due, are strewn over the whole table."""
    chance = Random(_SEED)  # noqa: S311, invented data
    every = size.accounts // -(-size.due // DUE_PER_ACCOUNT)
    for id in range(1, size.orders + 1):
        place, account = divmod(id - 1, size.accounts)
        nth, rest = divmod(account, every)
        shape = _SHAPES[(account + place * 5) % len(_SHAPES)]
        shape = shape._replace(country=_COUNTRIES[account % len(_COUNTRIES)][0])
        due = place < DUE_PER_ACCOUNT and not rest and nth * DUE_PER_ACCOUNT + place < size.due
        yield _Order(id, account, shape, chance.choice(pools[shape].due if due else pools[shape].quiet))


def _pool(shape: _Shape, policy: Policy, mails_only: bool) -> _Pool:
    """The ends of this kind of order from tomorrow on, parted by whether a step of theirs comes up for tomorrow."""
    table = policy.cadences.choose(
        shape.clock, level=shape.level, segment="", country=shape.country, route="", value_minor=_value(shape)
    )
    life = _TERM if shape.clock is Clock.RENEWAL else _CERTIFICATE
    pool = _Pool([], [])
    for days in range(1, life):
        ends_on = DAY + timedelta(days=days)
        laid = schedule(
            table,
            starts_on=ends_on - timedelta(days=life),
            ends_on=ends_on,
            calendar=policy.calendar,
            country=shape.country,
            rules=policy.rules,
        )
        ahead = [entry for entry in laid if entry.day > DAY]
        next_on = min((entry.day for entry in ahead), default=None)
        end = _End(ends_on, next_on, tuple(entry for entry in laid if entry.day <= DAY))
        tomorrow = [entry for entry in ahead if entry.day == DAY + timedelta(days=1)]
        if not tomorrow:
            pool.quiet.append(end)
        elif not mails_only or all(entry.step.channel is Channel.MAIL for entry in tomorrow):
            pool.due.append(end)
    return pool


def _value(shape: _Shape) -> int:
    return {Level.DV: 24_900, Level.OV: 43_900, Level.EV: 104_900}[shape.level]


def _account(number: int) -> dict[str, Any]:
    country, zone = _COUNTRIES[number % len(_COUNTRIES)]
    return {
        "id": number + 1,
        "account_key": f"digicert:organisation:{number + 400_000}",
        "source": "order_report",
        "name": f"Customer {number} Ltd",
        "country": country,
        "language": "en",
        "zone": zone,
        "owner_key": f"rep{number % _REPS}",
    }


def _contacts(number: int) -> Iterator[dict[str, Any]]:
    for place, (word, roles) in enumerate((("office", ""), ("admin", "technical"))):
        yield {
            "id": number * 2 + place + 1,
            "account_id": number + 1,
            "email": f"{word}@customer{number}.example",
            "name": f"{word.title()} of customer {number}",
            "phone": "+49 40 123456",
            "language": "en",
            "zone": "",
            "roles": roles,
            "source": "order_report",
        }


def _consent(number: int) -> dict[str, Any]:
    return {
        "address": f"office@customer{number}.example",
        "channel": Channel.MAIL,
        "basis": Basis.DOUBLE_OPT_IN,
        "since": date(2026, 1, 1),
        "proof": "a form",
        "noted_at": datetime(2026, 1, 1, tzinfo=UTC),
    }


def _order_contacts(order: _Order) -> Iterator[dict[str, Any]]:
    yield {"order_id": order.id, "contact_id": order.account * 2 + 1, "role": Role.ORGANISATION}
    if order.id % 2:
        yield {"order_id": order.id, "contact_id": order.account * 2 + 2, "role": Role.TECHNICAL}


def _order(order: _Order) -> dict[str, Any]:
    reissue = order.shape.clock is Clock.REISSUE
    certificate_end = order.end.ends_on
    order_end = certificate_end + timedelta(days=_TERM - _CERTIFICATE if reissue else 0)
    starts_on = order_end - timedelta(days=_TERM)
    name = f"www{order.id}.customer{order.account}.example"
    now = datetime(2026, 1, 1, tzinfo=UTC)
    return {
        "id": order.id,
        "order_key": order_key("digicert", str(FIRST_ORDER + order.id - 1)),
        "source": "order_report",
        "ca": "digicert",
        "outside_id": str(FIRST_ORDER + order.id - 1),
        "account_id": order.account + 1,
        "status": OrderStatus.ISSUED,
        "status_text": "issued",
        "product_id": "ssl_securesite_flex",
        "product_name": "Secure Site OV",
        "kind": ProductKind.TLS,
        "level": order.shape.level,
        "common_name": name,
        "dns_names": [name, f"customer{order.account}.example"],
        "placed_on": starts_on,
        "starts_on": starts_on,
        "order_expires_on": order_end,
        "certificate_id": f"{order.id:032x}",
        "certificate_issued_on": certificate_end - timedelta(days=_CERTIFICATE) if reissue else starts_on,
        "certificate_expires_on": certificate_end,
        "term_days": _TERM,
        "value_minor": _value(order.shape),
        "currency": "USD",
        "digest": order.id.to_bytes(8, "big"),
        "first_seen_at": now,
        "changed_at": now,
    }


def _cycles(order: _Order) -> Iterator[dict[str, Any]]:
    """The cycle that counts has the order's id; the renewal of an order in its first certificate is far away."""
    life = _TERM if order.shape.clock is Clock.RENEWAL else _CERTIFICATE
    yield _cycle(order, order.id, order.shape.clock, order.end.ends_on, life, order.end.next_on)
    if order.shape.clock is Clock.REISSUE:
        ends_on = order.end.ends_on + timedelta(days=_TERM - _CERTIFICATE)
        yield _cycle(order, order.id + 10_000_000, Clock.RENEWAL, ends_on, _TERM, ends_on - timedelta(days=130))


def _cycle(order: _Order, id: int, clock: Clock, ends_on: date, life: int, next_on: date | None) -> dict[str, Any]:
    return {
        "id": id,
        "order_id": order.id,
        "clock": clock,
        "number": 1,
        "starts_on": ends_on - timedelta(days=life),
        "ends_on": ends_on,
        "certificate_id": f"{order.id:032x}",
        "next_on": next_on,
    }


def _touches(order: _Order) -> Iterator[dict[str, Any]]:
    for step, _, day, into in order.end.passed:
        yield {
            "cycle_id": order.id,
            "touchpoint": step.touchpoint,
            "channel": step.channel,
            "urgency": step.urgency,
            "nature": step.nature,
            "day": day,
            "state": TouchState.DONE if into is None else TouchState.MERGED,
            "decided_at": datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(days=1),
        }
