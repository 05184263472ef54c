"""Takes back what has not gone: waiting messages of an order, an account or a rep, or all that was decided since."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, select, update
from sqlalchemy.engine import Connection

from core.batches import batched
from core.consequences import withdraw_empty
from core.errors import UsageError
from core.holds import lock_waiting
from core.reasons import Reason
from core.schema import accounts, cycles, orders, task_orders, tasks, touches
from core.tasks import close
from core.timing import Timer
from core.words import Channel, TaskState, TouchState

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Which:
    """What is meant; everything that is named must hold. `since` is when it was decided, `tasks` takes open tasks too."""

    order_id: int | None = None
    account_id: int | None = None
    rep_key: str = ""
    channel: Channel | None = None
    since: datetime | None = None
    tasks: bool = False

    @property
    def names_something(self) -> bool:
        """Whether anything but a channel narrows it."""
        return self.order_id is not None or self.account_id is not None or bool(self.rep_key) or self.since is not None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """How many waiting touches were withdrawn and open tasks closed, and how many touches had gone already."""

    touches: int
    tasks: int
    gone: int


def withdraw(connection: Connection, which: Which, timer: Timer) -> Withdrawn:
    """Withdraws for good what waits: no later planning brings these steps again; the next ones go.

    What is being handed over, or has gone, stays. Raises `UsageError` where nothing narrows it.
    """
    if not which.names_something:
        raise UsageError("name an order, --account, --rep or --since; `nolapse pause` stops everything")
    waiting = lock_waiting(connection, _touches(which))
    ids = [row.id for row in waiting]
    values = {"state": TouchState.WITHDRAWN, "reason": Reason.BY_OPERATOR}
    connection.execute(update(touches).where(touches.c.id.in_(ids)).values(values))
    withdraw_empty(connection, [row.delivery_id for row in waiting if row.delivery_id is not None], timer)
    closing = connection.execute(_tasks(which)).all() if which.tasks and which.channel is not Channel.MAIL else []
    for batch in batched(closing, _BATCH):
        close(connection, batch, Reason.BY_OPERATOR, timer)
    done = select(func.count()).select_from(touches).where(_touches(which), touches.c.state == TouchState.DONE)
    return Withdrawn(len(ids), len(closing), connection.execute(done).scalar_one())


def _touches(which: Which) -> ColumnElement[bool]:
    wanted: list[ColumnElement[bool]] = [touches.c.cycle_id.in_(_cycles(which))]
    if which.channel is not None:
        wanted.append(touches.c.channel == which.channel)
    if which.since is not None:
        wanted.append(touches.c.decided_at >= which.since)
    return and_(*wanted)


def _cycles(which: Which) -> Select[tuple[int]]:
    query: Select[Any] = select(cycles.c.id)
    if which.order_id is not None:
        query = query.where(cycles.c.order_id == which.order_id)
    if which.account_id is not None or which.rep_key:
        query = query.where(cycles.c.order_id.in_(select(orders.c.id).where(orders.c.account_id.in_(_accounts(which)))))
    return query


def _accounts(which: Which) -> Select[tuple[int]]:
    query: Select[Any] = select(accounts.c.id)
    if which.account_id is not None:
        query = query.where(accounts.c.id == which.account_id)
    return query.where(accounts.c.owner_key == which.rep_key) if which.rep_key else query


def _tasks(which: Which) -> Select[Any]:
    """Open tasks; where an order is named, those about it alone."""
    query = select(tasks).where(tasks.c.state.in_((TaskState.PLANNED, TaskState.OPEN)))
    if which.order_id is not None:
        about = select(task_orders.c.task_id).where(task_orders.c.cycle_id.in_(_cycles(which)), ~task_orders.c.settled)
        others = select(task_orders.c.task_id).where(
            task_orders.c.cycle_id.not_in(_cycles(which)), ~task_orders.c.settled
        )
        query = query.where(tasks.c.id.in_(about), tasks.c.id.not_in(others))
    if which.account_id is not None:
        query = query.where(tasks.c.account_id == which.account_id)
    if which.rep_key:
        query = query.where(tasks.c.owner_key == which.rep_key)
    return query if which.since is None else query.where(tasks.c.created_at >= which.since)
