"""What a span asked of people: mails and calls by week, rep and contact, out of a ledger in which it was played.

A week is a calendar week from Monday on (ISO 8601), and bears the day of its Monday. The first and the last may lie in
the span with some of their days only.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.engine import Connection

from core.schema import accounts, contacts, cycles, deliveries, delivery_orders, reps, tasks, touches
from core.words import DeliveryKind, DeliveryState, TaskKind, TouchState

BANDS = ((0, 0), (1, 5), (6, 10), (11, 20), (21, 50), (51, 100), (101, None))
"""How contacts are parted by the number of their mails and calls: from, and up to (None: any number more)."""


@dataclass(frozen=True, slots=True)
class Load:
    """So many mails, calls that reps are asked for, and other tasks (support, checks, contacts to find, escalations)."""

    mails: int = 0
    calls: int = 0
    other: int = 0

    def __add__(self, more: "Load") -> "Load":
        return Load(self.mails + more.mails, self.calls + more.calls, self.other + more.other)

    @property
    def contacts(self) -> int:
        """How often customers are contacted."""
        return self.mails + self.calls


@dataclass(frozen=True, slots=True)
class Share:
    """What fell to a rep or a contact. `key` is the rep's key, or the account's; `name` the rep's, or the address."""

    key: str
    name: str
    weeks: Mapping[date, Load]

    @property
    def total(self) -> Load:
        """All of it."""
        return _sum(self.weeks.values())

    @property
    def most(self) -> Load:
        """The most of each in one week, which need not be the same one."""
        return _most(self.weeks.values())


@dataclass(frozen=True, slots=True)
class Workload:
    """What a span from `first` to `last`, both included, asked for.

    `weeks` has every week of the span. `reps` are those who got a task and those whose customers were mailed: the owners
    of accounts, an empty key for the accounts of nobody. `contacts` are those who were mailed or to be called, the
    busiest first; `people` is how many the ledger has, of whom most may have heard nothing. `orders` is how many orders
    they were told of by mail.
    """

    first: date
    last: date
    weeks: Mapping[date, Load]
    reps: tuple[Share, ...]
    contacts: tuple[Share, ...]
    people: int
    orders: int

    @property
    def total(self) -> Load:
        """All of it."""
        return _sum(self.weeks.values())

    @property
    def most(self) -> Load:
        """The most of each in one week."""
        return _most(self.weeks.values())

    @property
    def busiest_week(self) -> date:
        """The Monday of the week with the most mails and tasks together, the earliest of equals."""
        return max(self.weeks, key=lambda week: (sum(_parts(self.weeks[week])), -week.toordinal()))

    @property
    def most_to_one(self) -> Load:
        """The most that one contact gets in one week."""
        return _most(one.most for one in self.contacts)

    @property
    def spread(self) -> dict[tuple[int, int | None], int]:
        """How many contacts get so many mails and calls in the whole span, by band."""
        found = dict.fromkeys(BANDS, 0)
        for one in self.contacts:
            found[_band(one.total.contacts)] += 1
        found[_band(0)] += self.people - len(self.contacts)
        return found

    def mean(self, share: Share) -> tuple[float, float]:
        """The mails and calls of a week on average, over all weeks of the span."""
        total = share.total
        return total.mails / len(self.weeks), total.calls / len(self.weeks)


def monday(day: date) -> date:
    """The first day of the week in which a day lies."""
    return day - timedelta(days=day.weekday())


def workload(
    connection: Connection, first: date, last: date, since: datetime, to_call: Mapping[str, str] | None = None
) -> Workload:
    """Counts what was delivered from `first` to `last`, both included.

    `since` is the instant at which playing began: what a ledger had delivered before is not counted. `to_call` names the
    person whom each call task is about, by its key; other calls are counted for no contact.
    """
    weeks = {monday(first) + timedelta(days=7 * number): Load() for number in range(_weeks(first, last))}
    of_rep: dict[str, dict[date, Load]] = defaultdict(lambda: defaultdict(Load))
    of_contact: dict[tuple[str, str], dict[date, Load]] = defaultdict(lambda: defaultdict(Load))
    for day, rep, account, address, load in _counted(connection, first, last, since, to_call or {}):
        week = monday(day)
        weeks[week] += load
        of_rep[rep][week] += load
        if address:
            of_contact[account, address][week] += load
    names = {key: name for key, name in connection.execute(select(reps.c.rep_key, reps.c.name))}
    told = (Share(account, address, dict(sorted(load.items()))) for (account, address), load in of_contact.items())
    return Workload(
        first=first,
        last=last,
        weeks=weeks,
        reps=tuple(Share(key, names.get(key, ""), dict(sorted(of_rep[key].items()))) for key in sorted(of_rep)),
        contacts=tuple(sorted(told, key=lambda one: (-one.total.contacts, one.key, one.name))),
        people=connection.execute(select(func.count()).select_from(contacts)).scalar_one(),
        orders=connection.execute(_orders_told_of(since)).scalar_one(),
    )


def _counted(
    connection: Connection, first: date, last: date, since: datetime, to_call: Mapping[str, str]
) -> Iterator[tuple[date, str, str, str, Load]]:
    """Of what was counted: the day, the rep, the account, the address of the contact, and how many."""
    for day, rep, account, address, mails in connection.execute(_mails(since)):
        # A day is that of the reader, which begins earlier in the east and ends later in the west.
        yield min(max(day, first), last), rep, account, address, Load(mails=mails)
    for day, rep, account, key, kind in connection.execute(_tasks(first, last, since)):
        address = to_call.get(key, "")
        yield day, rep, account, address, Load(calls=1) if kind == TaskKind.CALL else Load(other=1)


def _went(kind: DeliveryKind, since: datetime) -> ColumnElement[bool]:
    delivered = (deliveries.c.kind == kind) & (deliveries.c.state == DeliveryState.DELIVERED)
    return delivered & (deliveries.c.settled_at >= since)


def _mails(since: datetime) -> Select[Any]:
    columns = (deliveries.c.day, accounts.c.owner_key, accounts.c.account_key, contacts.c.email)
    return (
        select(*columns, func.count())
        .join(accounts, accounts.c.id == deliveries.c.account_id)
        .join(contacts, contacts.c.id == deliveries.c.contact_id)
        .where(_went(DeliveryKind.MAIL, since))
        .group_by(*columns)
        .order_by(*columns)
    )


def _tasks(first: date, last: date, since: datetime) -> Select[Any]:
    """Tasks by the day on which they were opened; what became a note in place of a call never was."""
    query = select(tasks.c.opened_on, tasks.c.owner_key, accounts.c.account_key, tasks.c.task_key, tasks.c.kind)
    query = query.join(accounts, accounts.c.id == tasks.c.account_id)
    made = select(deliveries.c.task_id).where(_went(DeliveryKind.CALL_CREATE, since))
    return query.where(tasks.c.opened_on.between(first, last), tasks.c.id.in_(made)).order_by(tasks.c.id)


def _orders_told_of(since: datetime) -> Select[Any]:
    """By a step of their own, or in the list of a mail about another."""
    went = select(deliveries.c.id).where(_went(DeliveryKind.MAIL, since))
    done = (touches.c.state == TouchState.DONE) & touches.c.delivery_id.in_(went)
    listed = delivery_orders.c.delivery_id.in_(went)
    told = select(touches.c.cycle_id).where(done).union(select(delivery_orders.c.cycle_id).where(listed))
    return select(func.count(cycles.c.order_id.distinct())).where(cycles.c.id.in_(told))


def _weeks(first: date, last: date) -> int:
    return (monday(last) - monday(first)).days // 7 + 1


def _sum(loads: Iterable[Load]) -> Load:
    found = Load()
    for load in loads:
        found += load
    return found


def _most(loads: Iterable[Load]) -> Load:
    found = Load()
    for load in loads:
        found = Load(*map(max, _parts(found), _parts(load)))
    return found


def _parts(load: Load) -> tuple[int, int, int]:
    return load.mails, load.calls, load.other


def _band(count: int) -> tuple[int, int | None]:
    return next((low, high) for low, high in BANDS if high is None or count <= high)
