"""The day in some lines, for the administrator: what went, what was won and lost, what waits, what is wrong."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.engine import Connection

from core import golive
from core.eligibility import Scope
from core.figures import WON, Sum, currency_of, of_ours, reachable_orders
from core.inbox import counted
from core.outbox import Stuck, stuck
from core.passes import Pass, last_passes
from core.reasons import Reason
from core.schema import accounts, cycles, deliveries, orders, reps, tasks
from core.words import DeliveryKind, DeliveryState, InboxState, TaskState

AHEAD_DAYS = (7, 30)
_SENT = (DeliveryKind.MAIL, DeliveryKind.CALL_CREATE, DeliveryKind.CALL_RAISE)
_MOST_REPS = 10


@dataclass(frozen=True, slots=True)
class Ahead:
    """Open renewals that end within so many days, worth by currency; of `unreachable` nobody can be written to."""

    days: int
    orders: int
    unreachable: int
    values: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class RepTasks:
    """The open tasks of a rep, and those of them that are late."""

    rep: str
    name: str
    open: int
    overdue: int


@dataclass(frozen=True, slots=True)
class Summary:
    """`sent` counts deliveries of the day before by kind, `closed` renewals closed since then by outcome and currency.

    `held` says why nothing is sent; empty where it is.
    """

    day: date
    held: str
    passes: Sequence[Pass]
    sent: Mapping[str, int]
    closed: Mapping[str, Mapping[str, Sum]]
    ahead: Sequence[Ahead]
    tasks: Sequence[RepTasks]
    stuck: Stuck
    quarantined: int


def summary(connection: Connection, scope: Scope, today: date) -> Summary:
    """What there is to tell on this day."""
    events = counted(connection)
    return Summary(
        day=today,
        held=golive.why_held(connection, today),
        passes=last_passes(connection),
        sent=_sent(connection, today - timedelta(days=1)),
        closed=_closed(connection, scope, today),
        ahead=[_ahead(connection, scope, today, days) for days in AHEAD_DAYS],
        tasks=_tasks(connection, today),
        stuck=stuck(connection),
        quarantined=sum(number for (_, state), number in events.items() if state == InboxState.QUARANTINED),
    )


def _sent(connection: Connection, day: date) -> dict[str, int]:
    query = (
        select(deliveries.c.kind, func.count())
        .where(deliveries.c.day == day, deliveries.c.state == DeliveryState.DELIVERED, deliveries.c.kind.in_(_SENT))
        .group_by(deliveries.c.kind)
    )
    return {kind: number for kind, number in connection.execute(query)}


def _closed(connection: Connection, scope: Scope, today: date) -> dict[str, dict[str, Sum]]:
    won = case((cycles.c.outcome.in_(WON), Reason.RENEWED), else_=cycles.c.outcome).label("outcome")
    currency = currency_of(connection).label("currency")
    query = (
        select(won, currency, func.count(), func.sum(func.coalesce(orders.c.value_minor, 0)))
        .join(orders, orders.c.id == cycles.c.order_id)
        .where(of_ours(scope), cycles.c.closed_on.between(today - timedelta(days=1), today))
        .where(cycles.c.outcome.in_((*WON, Reason.LOST, Reason.LAPSED)))
        .group_by(won, currency)
        .order_by(won, currency)
    )
    found: dict[str, dict[str, Sum]] = {}
    for outcome, unit, count, value in connection.execute(query):
        found.setdefault(outcome, {})[unit] = Sum(count, int(value))
    return found


def _ahead(connection: Connection, scope: Scope, today: date, days: int) -> Ahead:
    told = case((~accounts.c.do_not_contact & orders.c.id.in_(reachable_orders(scope)), 0), else_=1)
    currency = currency_of(connection).label("currency")
    query = (
        select(currency, func.count(), func.sum(func.coalesce(orders.c.value_minor, 0)), func.sum(told))
        .join(orders, orders.c.id == cycles.c.order_id)
        .join(accounts, accounts.c.id == orders.c.account_id)
        .where(of_ours(scope), cycles.c.open, cycles.c.ends_on.between(today, today + timedelta(days=days)))
        .group_by(currency)
        .order_by(currency)
    )
    rows = connection.execute(query).all()
    return Ahead(
        days,
        sum(count for _, count, _, _ in rows),
        sum(int(unreachable) for _, _, _, unreachable in rows),
        {currency: int(value) for currency, _, value, _ in rows if value},
    )


def _tasks(connection: Connection, today: date) -> list[RepTasks]:
    """By rep, those with the most late ones first."""
    overdue = func.sum(case((tasks.c.due_on < today, 1), else_=0))
    query = (
        select(tasks.c.owner_key, func.coalesce(func.max(reps.c.name), ""), func.count(), overdue)
        .join(reps, reps.c.rep_key == tasks.c.owner_key, isouter=True)
        .where(tasks.c.state.in_((TaskState.PLANNED, TaskState.OPEN)))
        .group_by(tasks.c.owner_key)
        .order_by(overdue.desc(), func.count().desc(), tasks.c.owner_key)
    )
    return [RepTasks(rep, name, count, int(late)) for rep, name, count, late in connection.execute(query)]


def lines(told: Summary, money: Callable[[int, str], str]) -> list[str]:
    """The summary in words; `money` words an amount in minor units of a currency. It names no customer."""
    found = [f"Summary of {told.day}", "", told.held or "Mails and calls go out."]
    found += [
        f"{one.source} was {one.words}" if one.finished_at else f"{one.source}: {one.words}" for one in told.passes
    ]
    mails = told.sent.get(DeliveryKind.MAIL, 0)
    calls = told.sent.get(DeliveryKind.CALL_CREATE, 0)
    raised = told.sent.get(DeliveryKind.CALL_RAISE, 0)
    found += ["", f"Yesterday {mails:,} mails went out, {calls:,} tasks were made and {raised:,} raised."]
    for outcome, by_currency in told.closed.items():
        count = sum(one.orders for one in by_currency.values())
        worth = _worth({currency: one.value_minor for currency, one in by_currency.items()}, money)
        found.append(f"Since yesterday {outcome}: {count:,}{worth}")
    found.append("")
    for ahead in told.ahead:
        nobody = f"; of {ahead.unreachable:,} nobody can be written to" if ahead.unreachable else ""
        found.append(f"Ending within {ahead.days} days: {ahead.orders:,}{_worth(ahead.values, money)}{nobody}")
    if told.tasks:
        found.append("")
        found.append(
            f"Open tasks: {sum(one.open for one in told.tasks):,}, late: {sum(one.overdue for one in told.tasks):,}"
        )
        late = [one for one in told.tasks if one.overdue][:_MOST_REPS]
        found += [f"  {one.name or one.rep or 'nobody'}: {one.open:,} open, {one.overdue:,} late" for one in late]
    troubles = [told.stuck.words] if told.stuck.words else []
    if told.quarantined:
        troubles.append(f"{told.quarantined:,} events are in quarantine: see `nolapse inbox list`")
    return [*found, "", *(troubles or ["Nothing waits for a decision of yours."])]


def _worth(values: Mapping[str, int], money: Callable[[int, str], str]) -> str:
    told = [money(minor, currency) for currency, minor in values.items() if minor]
    return f", worth {' and '.join(told)}" if told else ""
