"""How an order stands, in lines for `explain`: what is believed and until when, who is asked, what was seen."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from core.schema import cycles, orders, task_orders, tasks
from core.side_tables import install_looks
from core.tasks import OPEN
from core.words import Clock


def standing(connection: Connection, order_key: str) -> list[str]:
    """A line for everything that holds an order's steps, or stands behind its state; the newest cycle of each clock."""
    query = (
        select(cycles, install_looks.c.looked_on, install_looks.c.new_names, install_looks.c.old_names)
        .add_columns(install_looks.c.silent_names)
        .join(orders, orders.c.id == cycles.c.order_id)
        .join(install_looks, install_looks.c.cycle_id == cycles.c.id, isouter=True)
        .where(orders.c.order_key == order_key)
        .order_by(cycles.c.number)
    )
    newest = {row.clock: row for row in connection.execute(query)}
    told = [line for clock in Clock if clock in newest for line in _of_cycle(newest[clock])]
    return told + [line for row in newest.values() for line in _of_tasks(connection, row)]


def _of_cycle(row: Any) -> Iterator[str]:
    name = f"{row.clock} {row.number}"
    if row.provisional_until is not None:
        yield f"{name}: believed; runs again on {row.provisional_until} unless the CA shows it"
    if row.committed_until is not None:
        yield f"{name}: promised; believed until {row.committed_until}"
    if row.snoozed_until is not None:
        yield f"{name}: put off until {row.snoozed_until}"
    if row.calls_paused_until is not None and row.open:
        yield f"{name}: probably renewed; no calls before {row.calls_paused_until}"
    if row.lost_reason or row.lost_scope:
        again = f"; to be asked again on {row.win_back_on}" if row.win_back_on is not None else ""
        yield f"{name}: lost: {row.lost_reason or 'no reason given'} (scope: {row.lost_scope or 'order'}){again}"
    if row.looked_on is not None:
        seen = (
            f"{row.new_names} names serve the new certificate, {row.old_names} the old one, {row.silent_names} neither"
        )
        yield f"{name}: looked at on {row.looked_on}: {seen}"


def _of_tasks(connection: Connection, row: Any) -> Iterator[str]:
    query = (
        select(tasks)
        .join(task_orders, task_orders.c.task_id == tasks.c.id)
        .where(task_orders.c.cycle_id == row.id, tasks.c.state.in_(OPEN), ~task_orders.c.settled)
        .order_by(tasks.c.id)
    )
    for task in connection.execute(query):
        told = f"; the manager was told on {task.escalated_on}" if task.escalated_on is not None else ""
        yield f"task {task.task_key} of {task.owner_key or 'nobody'}, {task.urgency}, due {task.due_on}{told}"
