"""Holds: an order, or everything of an account, is left alone until a date.

What waits for it falls away; on the date it is planned afresh, as if first seen then: the newest step that is due goes,
what was passed over is missed. Calls that a rep has already stay with the rep.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.engine import Connection

from core.consequences import withdraw_empty
from core.cycles import plan_afresh
from core.errors import UsageError
from core.schema import accounts, cycles, deliveries, orders, touches
from core.sql import upsert
from core.steering import holds
from core.timing import Timer
from core.words import DeliveryState, TouchState


@dataclass(frozen=True, slots=True)
class Hold:
    """An order (or all orders of an account) that is left alone until the day `until`."""

    order: str
    account: str
    until: date
    reason: str

    @property
    def words(self) -> str:
        """What is held, until when and why."""
        what = self.order or f"the account {self.account}"
        return f"{what} is held until {self.until}" + (f" ({self.reason})" if self.reason else "")


def hold(connection: Connection, target: Any, until: date, reason: str, timer: Timer) -> int:
    """Holds an order or an account, a row of its table, until the day. Gives how many waiting touches fell away.

    Said again it holds until the new day. Raises `UsageError` for a day that is not ahead.
    """
    if until <= timer.day:
        raise UsageError(f"{until} is not ahead; name the day on which it may be contacted again")
    column = _column(target)
    row = {column: target.id, "until": until, "reason": reason, "since": timer.opening}
    upsert(connection, holds, [column], [row])
    return _plan_again(connection, _cycles_of(target), until, timer)


def lift(connection: Connection, target: Any, timer: Timer) -> bool:
    """Ends a hold before its day; gives whether there was one."""
    mine = holds.c[_column(target)] == target.id
    if connection.execute(delete(holds).where(mine)).rowcount == 0:
        return False
    by_target = update(cycles).where(_cycles_of(target), cycles.c.open)
    connection.execute(by_target.values(next_on=timer.day))
    return True


def listing(connection: Connection, today: date) -> Sequence[Hold]:
    """The holds that have not run out, the soonest first."""
    query = (
        select(orders.c.order_key, accounts.c.account_key, holds.c.until, holds.c.reason)
        .join(orders, orders.c.id == holds.c.order_id, isouter=True)
        .join(accounts, accounts.c.id == holds.c.account_id, isouter=True)
        .where(holds.c.until > today)
        .order_by(holds.c.until, holds.c.id)
    )
    return [
        Hold(row.order_key or "", row.account_key or "", row.until, row.reason) for row in connection.execute(query)
    ]


def on_order(connection: Connection, order_key: str, today: date) -> list[Hold]:
    """The holds of an order: its own and its account's."""
    of_account = select(accounts.c.account_key).join(orders, orders.c.account_id == accounts.c.id)
    account = connection.execute(of_account.where(orders.c.order_key == order_key)).scalar()
    return [one for one in listing(connection, today) if one.order == order_key or (account and one.account == account)]


def held_until() -> ColumnElement[Any]:
    """Of a cycle, the latest day until which its order or account is held; none where nothing holds it."""
    of_order = select(orders.c.account_id).where(orders.c.id == cycles.c.order_id)
    account_id = of_order.correlate(cycles).scalar_subquery()
    mine = or_(holds.c.order_id == cycles.c.order_id, holds.c.account_id == account_id)
    return select(func.max(holds.c.until)).where(mine).correlate(cycles).scalar_subquery()


def _column(target: Any) -> str:
    return "order_id" if hasattr(target, "order_key") else "account_id"


def _cycles_of(target: Any) -> ColumnElement[bool]:
    if _column(target) == "order_id":
        return cycles.c.order_id == int(target.id)
    return cycles.c.order_id.in_(select(orders.c.id).where(orders.c.account_id == target.id))


def _plan_again(connection: Connection, mine: ColumnElement[bool], until: date, timer: Timer) -> int:
    """Takes back what has not been handed over, and looks at the cycles again on the day."""
    ids = connection.execute(select(cycles.c.id).where(mine, cycles.c.open, cycles.c.closing == "")).scalars().all()
    waiting = lock_waiting(connection, touches.c.cycle_id.in_(ids))
    plan_afresh(connection, ids)
    connection.execute(update(cycles).where(cycles.c.id.in_(ids)).values(next_on=until))
    withdraw_empty(connection, [row.delivery_id for row in waiting if row.delivery_id is not None], timer)
    return len(waiting)


def lock_waiting(connection: Connection, mine: ColumnElement[bool]) -> Sequence[Any]:
    """Those of these touches that are planned and not being handed over, their deliveries locked against it."""
    query = (
        select(touches.c.id, touches.c.cycle_id, touches.c.delivery_id)
        .where(mine, touches.c.state == TouchState.PLANNED)
        .order_by(touches.c.id)
    )
    found = connection.execute(query).all()
    ids = {row.delivery_id for row in found if row.delivery_id is not None}
    free = (DeliveryState.PLANNED, DeliveryState.CLAIMED)
    locked = select(deliveries.c.id).where(deliveries.c.id.in_(ids), deliveries.c.state.in_(free))
    held = set(connection.execute(locked.order_by(deliveries.c.id).with_for_update()).scalars())
    return [row for row in found if row.delivery_id is None or row.delivery_id in held]
