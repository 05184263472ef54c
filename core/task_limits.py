"""How many new tasks a rep gets in a day, and which: the most urgent and valuable first, the others on a later day."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, func, select, text, update
from sqlalchemy.engine import Connection

from core.policy import Policy
from core.reasons import Reason
from core.schema import UNDER_WAY, accounts, cycles, deliveries, orders, task_orders, tasks
from core.sql import among
from core.store import Store
from core.timing import Timer
from core.words import DeliveryKind, DeliveryState, TaskKind, Urgency


def rank(urgency: Urgency, value_minor: int) -> tuple[bool, int]:
    """What is sorted by, the highest first: critical and expired before all others, then value times urgency."""
    return urgency.passes_limits, value_minor * (urgency.rank + 1)


def put_off(store: Store, policy: Policy, timer: Timer, gate: ColumnElement[bool]) -> int:
    """Puts new tasks that are due beyond what their reps take in a day off to the next working day; gives how many.

    Only what passes the `gate`, a condition on `deliveries`, takes a place: what waits for something else needs none.
    A task's worth is that of its orders in minor units, whatever their currencies. Support's tasks, and those of
    nobody, are not counted.
    """
    if not policy.tasks.per_day:
        return 0
    with store.read() as connection:
        if not _over(connection, policy, timer, gate):
            return 0
    with store.begin() as connection:
        return _put_off(connection, policy, timer, gate)


def _over(connection: Connection, policy: Policy, timer: Timer, gate: ColumnElement[bool]) -> set[str]:
    """The reps for whom more is due than they take."""
    due = _due(timer, gate)
    query = select(tasks.c.owner_key, func.count()).join(tasks, tasks.c.id == deliveries.c.task_id)
    wanted = {owner: count for owner, count in connection.execute(query.where(*due).group_by(tasks.c.owner_key)).all()}
    if not wanted:
        return set()
    given = _given(connection, wanted, timer)
    return {owner for owner, count in wanted.items() if count + given[owner] > policy.tasks.per_day}


def _due(timer: Timer, gate: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    return (
        gate,
        deliveries.c.kind == DeliveryKind.CALL_CREATE,
        deliveries.c.state == DeliveryState.PLANNED,
        deliveries.c.send_after <= timer.closing,
        tasks.c.kind != TaskKind.SUPPORT,
        tasks.c.owner_key != "",
    )


def _given(connection: Connection, owners: Any, timer: Timer) -> Counter[str]:
    """How many tasks each of these reps has got today, or is about to get."""
    counted = among(tasks.c.owner_key, list(owners)) & (tasks.c.kind != TaskKind.SUPPORT)
    made = select(tasks.c.owner_key, func.count()).where(counted, tasks.c.opened_on == timer.day)
    found = Counter({owner: count for owner, count in connection.execute(made.group_by(tasks.c.owner_key)).all()})
    going = (
        select(tasks.c.owner_key, func.count())
        .join(deliveries, deliveries.c.task_id == tasks.c.id)
        .where(counted, deliveries.c.kind == DeliveryKind.CALL_CREATE, text(f"deliveries.{UNDER_WAY}"))
    )
    found.update({owner: count for owner, count in connection.execute(going.group_by(tasks.c.owner_key)).all()})
    return found


def _put_off(connection: Connection, policy: Policy, timer: Timer, gate: ColumnElement[bool]) -> int:
    over = _over(connection, policy, timer, gate)
    given = _given(connection, over, timer)
    query = (
        select(deliveries.c.id, deliveries.c.task_id, deliveries.c.urgency, deliveries.c.send_after)
        .add_columns(tasks.c.owner_key, accounts.c.country, accounts.c.zone)
        .join(tasks, tasks.c.id == deliveries.c.task_id)
        .join(accounts, accounts.c.id == tasks.c.account_id)
        .where(*_due(timer, gate), tasks.c.owner_key.in_(over))
        .order_by(deliveries.c.send_after, deliveries.c.id)
    )
    rows = connection.execute(query.with_for_update(of=deliveries)).all()
    worth = _worth(connection, [row.task_id for row in rows])
    waiting: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        waiting[row.owner_key].append(row)
    late: list[dict[str, Any]] = []
    for owner, mine in waiting.items():
        mine.sort(key=lambda row: rank(Urgency(row.urgency), worth.get(row.task_id, 0)), reverse=True)
        left = max(policy.tasks.per_day - given[owner], 0)
        late += [{"which": row.id, "after": _another_day(row, policy, timer)} for row in mine[left:]]
    if late:
        by_id = update(deliveries).where(deliveries.c.id == bindparam("which"))
        connection.execute(by_id.values(send_after=bindparam("after"), reason=Reason.TASKS_OF_DAY_USED), late)
    return len(late)


def _worth(connection: Connection, task_ids: Sequence[int]) -> dict[int, int]:
    query = (
        select(task_orders.c.task_id, func.sum(func.coalesce(orders.c.value_minor, 0)))
        .join(cycles, cycles.c.id == task_orders.c.cycle_id)
        .join(orders, orders.c.id == cycles.c.order_id)
        .where(task_orders.c.task_id.in_(task_ids), ~task_orders.c.settled)
        .group_by(task_orders.c.task_id)
    )
    return {task_id: int(total) for task_id, total in connection.execute(query).all()}


def _another_day(row: Any, policy: Policy, timer: Timer) -> datetime:
    """When offices open on the customer's next working day; never still on this one, however far east they are."""
    calendar = policy.calendar
    day = calendar.working_day_on_or_after(timer.day + timedelta(days=1), row.country)
    tomorrow = datetime.combine(timer.day + timedelta(days=1), time(0), UTC)
    return max(calendar.opens_at(day, calendar.zone(row.country, row.zone)), tomorrow)
