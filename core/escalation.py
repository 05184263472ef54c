"""Calls that were not made in time: the manager is told, once for each task."""

from collections.abc import Sequence
from datetime import timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import select, text, update
from sqlalchemy.engine import Connection

from core.owners import roster
from core.policy import Policy
from core.schema import ASKED, accounts, cycles, task_orders, tasks
from core.tasks import Ask, Desk
from core.timing import Timer
from core.words import Clock, TaskKind, TaskState, Urgency

PRESSING = tuple(urgency for urgency in Urgency if urgency.rank >= Urgency.WARNING.rank)
"""The urgencies from which on a call must not lie."""
NAME = "escalation"


def escalate(connection: Connection, policy: Policy, timer: Timer) -> int:
    """Asks managers to see to calls that have stood at warning or above for too long; gives how many those are.

    Where nobody is named as the manager the call is looked at again the next day.
    """
    days = policy.tasks.escalate_after_days
    if not days:
        return 0
    query = (
        select(tasks.c.id, tasks.c.account_id, tasks.c.urgency, accounts.c.owner_key)
        .join(accounts, accounts.c.id == tasks.c.account_id)
        .where(text(f"tasks.{ASKED}"), tasks.c.state == TaskState.OPEN)
        .where(tasks.c.kind == TaskKind.CALL, tasks.c.escalated_on.is_(None))
        .where(tasks.c.urgency.in_(PRESSING), tasks.c.pressing_since <= timer.day - timedelta(days=days))
    )
    # Sorted here: asked for the order of ids, SQLite would read the whole table and not what is open.
    late = sorted(connection.execute(query).all(), key=attrgetter("id"))
    if not late:
        return 0
    on = roster(connection, policy.tasks, timer.day)
    late = [row for row in late if on.manager(row.owner_key)]
    about = _about(connection, [row.id for row in late])
    late = [row for row in late if row.id in about]
    Desk(connection, policy.tasks, timer).ask([ask for row in late for ask in _asks(row, about[row.id], timer)])
    ids = [row.id for row in late]
    connection.execute(update(tasks).where(tasks.c.id.in_(ids)).values(escalated_on=timer.day))
    return len(ids)


def _about(connection: Connection, task_ids: Sequence[int]) -> dict[int, list[Any]]:
    query = (
        select(task_orders.c.task_id, cycles.c.id, cycles.c.clock)
        .join(cycles, cycles.c.id == task_orders.c.cycle_id)
        .where(task_orders.c.task_id.in_(task_ids), ~task_orders.c.settled, cycles.c.open)
        .order_by(cycles.c.id)
    )
    found: dict[int, list[Any]] = {}
    for row in connection.execute(query):
        found.setdefault(row.task_id, []).append(row)
    return found


def _asks(task: Any, about: Sequence[Any], timer: Timer) -> list[Ask]:
    return [
        Ask(
            account_id=task.account_id,
            kind=TaskKind.ESCALATION,
            cycle_id=one.id,
            clock=Clock(one.clock),
            urgency=Urgency(task.urgency),
            due_on=timer.day,
            touchpoint=NAME,
            send_after=timer.opening,
            raises=False,
        )
        for one in about
    ]
