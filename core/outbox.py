"""The outbox as an operator sees it: what is there, what is stuck and why, and the decision on what is uncertain."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.engine import Connection

from core import records
from core.errors import UsageError
from core.members import touches_done
from core.reasons import Reason, sentence
from core.schema import STUCK, cycles, deliveries, orders, task_orders, tasks, touches
from core.timing import RealTime, Timer
from core.waiting import why_waiting
from core.words import DeliveryKind, DeliveryState, TaskState, TouchState


@dataclass(frozen=True, slots=True)
class Listed:
    """One delivery. `why` says of one that waits what it waits for, `until` until when, where that is known (UTC)."""

    key: str
    kind: str
    state: str
    day: date
    send_after: datetime
    urgency: str
    orders: tuple[str, ...]
    attempts: int
    why: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stuck:
    """How many deliveries wait for a decision of the operator's."""

    uncertain: int = 0
    failed: int = 0

    @property
    def words(self) -> str:
        """One line, with where to look; empty where nothing is stuck."""
        told = [(self.uncertain, "uncertain"), (self.failed, "failed")]
        said = [f"{number:,} {word}" for number, word in told if number]
        if not said:
            return ""
        number, word = next(one for one in told if one[0])
        said[0] = f"{number:,} {'delivery is' if number == 1 else 'deliveries are'} {word}"
        if not self.uncertain:
            said[0] = f"{number:,} {'delivery has' if number == 1 else 'deliveries have'} failed"
        return f"{', '.join(said)}: see `nolapse deliveries`"


def stuck(connection: Connection) -> Stuck:
    """What is uncertain or has failed, since whenever."""
    # In so many words: with bound values SQLite does not see that the index of these states serves.
    waits = text(STUCK)
    query = select(deliveries.c.state, func.count()).where(waits).group_by(deliveries.c.state)
    found = {state: count for state, count in connection.execute(query)}
    return Stuck(found.get(DeliveryState.UNCERTAIN, 0), found.get(DeliveryState.FAILED, 0))


def listing(
    connection: Connection, states: Sequence[str], kind: str | None, limit: int, timer: Timer | None = None
) -> list[Listed]:
    """Deliveries in these states (none named: all), the newest first. What is due is told by the `timer`, else by now."""
    query = select(deliveries).order_by(deliveries.c.day.desc(), deliveries.c.id.desc()).limit(limit)
    if states:
        query = query.where(deliveries.c.state.in_(states))
    if kind is not None:
        query = query.where(deliveries.c.kind == kind)
    rows = connection.execute(query).all()
    keys = _order_keys(connection, [row.id for row in rows])
    waits = why_waiting(connection, [row.id for row in rows], timer or RealTime())
    return [
        Listed(
            row.key,
            row.kind,
            row.state,
            row.day,
            row.send_after,
            row.urgency,
            tuple(keys.get(row.id, ())),
            row.attempts,
            sentence(waits[row.id].reason) if row.id in waits else row.error or sentence(row.reason),
            waits[row.id].until if row.id in waits else None,
        )
        for row in rows
    ]


def _order_keys(connection: Connection, delivery_ids: Sequence[int]) -> dict[int, list[str]]:
    by_touch = (
        select(touches.c.delivery_id, orders.c.order_key)
        .join(cycles, cycles.c.id == touches.c.cycle_id)
        .join(orders, orders.c.id == cycles.c.order_id)
        .where(touches.c.delivery_id.in_(delivery_ids))
    )
    by_task = (
        select(deliveries.c.id, orders.c.order_key)
        .join(task_orders, task_orders.c.task_id == deliveries.c.task_id)
        .join(cycles, cycles.c.id == task_orders.c.cycle_id)
        .join(orders, orders.c.id == cycles.c.order_id)
        .where(deliveries.c.id.in_(delivery_ids))
    )
    itself = (
        select(deliveries.c.id, orders.c.order_key)
        .join(orders, orders.c.id == deliveries.c.order_id)
        .where(deliveries.c.id.in_(delivery_ids))
    )
    found: dict[int, list[str]] = {}
    for delivery_id, key in connection.execute(by_touch.union(by_task, itself)):
        found.setdefault(delivery_id, []).append(key)
    return {delivery_id: sorted(keys) for delivery_id, keys in found.items()}


def resolve(connection: Connection, key: str, verdict: str, timer: Timer, *, crm: bool) -> DeliveryState:
    """Decides on a delivery that is uncertain or has failed: `arrived`, `repeat` or `drop`. Gives its state then.

    Where there is a `crm` it is told of what has arrived. Raises `UsageError` where there is no such delivery, or
    nothing to decide.
    """
    row = connection.execute(select(deliveries).where(deliveries.c.key == key)).one_or_none()
    if row is None:
        raise UsageError(f"there is no delivery {key}; `nolapse deliveries` lists those that are stuck")
    if row.state not in (DeliveryState.UNCERTAIN, DeliveryState.FAILED):
        raise UsageError(f"{key} is {row.state}; only what is uncertain or has failed can be decided")
    if verdict == "repeat" and row.kind == DeliveryKind.CALL_CREATE and row.state == DeliveryState.FAILED:
        raise UsageError(f"{key}: the task was given up; the next touchpoint makes a new one")
    decisions: dict[str, tuple[DeliveryState, dict[str, Any]]] = {
        "arrived": (DeliveryState.DELIVERED, {"settled_at": timer.opening, "error": "", "payload": None}),
        "repeat": (DeliveryState.PLANNED, {"token": None, "attempts": 0, "send_after": timer.opening, "error": ""}),
        "drop": (DeliveryState.WITHDRAWN, {"settled_at": timer.opening, "reason": Reason.BY_OPERATOR, "payload": None}),
    }
    state, values = decisions[verdict]
    connection.execute(
        update(deliveries).where(deliveries.c.id == row.id).values(state=state, lease_until=None, **values)
    )
    if row.kind == DeliveryKind.CALL_CREATE and state is not DeliveryState.PLANNED:
        _decide_task(connection, row.task_id, state, timer)
    if state is DeliveryState.DELIVERED:
        changed = touches_done(connection, [row.id])
        if crm:
            records.queue(connection, changed, timer)
            records.queue_logs(connection, [(row, row.payload if row.kind == DeliveryKind.MAIL else None)], timer)
    elif state is DeliveryState.WITHDRAWN:
        mine = (touches.c.delivery_id == row.id) & (touches.c.state == TouchState.PLANNED)
        connection.execute(update(touches).where(mine).values(state=TouchState.WITHDRAWN, reason=Reason.BY_OPERATOR))
    return state


def _decide_task(connection: Connection, task_id: int, state: DeliveryState, timer: Timer) -> None:
    """A task whose creation arrived is open; one that was given up is closed, so that the next step makes a new one."""
    arrived = state is DeliveryState.DELIVERED
    values: dict[str, Any] = {"state": TaskState.OPEN}
    if not arrived:
        values = {"state": TaskState.CLOSED, "reason": Reason.BY_OPERATOR, "closed_at": timer.opening}
    waiting = (tasks.c.id == task_id) & (tasks.c.state == TaskState.PLANNED)
    connection.execute(update(tasks).where(waiting).values(values))
