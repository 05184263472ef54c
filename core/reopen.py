"""Undoes a mistaken confirmation: the cycle runs again, its evidence is taken back, what follows from it is undone."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from core import records
from core.consequences import close_cycles
from core.cycles import Frame, plan_afresh
from core.errors import UsageError
from core.policy import Policy
from core.reasons import Reason
from core.schema import confirmations, cycles, orders
from core.timing import Timer
from core.words import Clock, ConfirmationState, Stage

_UNDONE = (Reason.RENEWED, Reason.REPLACED, Reason.REISSUED, Reason.INSTALLED, Reason.LOST)


def reopen(connection: Connection, order_key: str, clock: Clock, reason: str, policy: Policy, timer: Timer) -> int:
    """Reopens the newest cycle of a clock and gives its number.

    Raises `UsageError` where the order is unknown, has no such cycle, or it was not closed by a confirmation.
    """
    row = connection.execute(
        select(cycles)
        .join(orders, orders.c.id == cycles.c.order_id)
        .where(orders.c.order_key == order_key, cycles.c.clock == clock)
        .order_by(cycles.c.number.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise UsageError(f"{order_key} has no {clock} cycle to reopen")
    evidence = _evidence(connection, row.id, order_key, clock)
    in_progress = row.open and row.stage == Stage.IN_PROGRESS
    if row.open and not evidence and not in_progress:
        raise UsageError(f"the {clock} cycle of {order_key} is open already")
    if not row.open and row.outcome not in _UNDONE:
        raise UsageError(f"the {clock} cycle of {order_key} ended as {row.outcome}; only a confirmation can be undone")
    connection.execute(
        update(confirmations)
        .where(confirmations.c.id.in_(evidence))
        .values(state=ConfirmationState.RETRACTED, reason=f"reopened: {reason}")
    )
    _close_install(connection, row.order_id, policy, timer)
    plan_afresh(connection, [row.id])
    connection.execute(update(cycles).where(cycles.c.id == row.id).values(stage=Stage.UPCOMING, certainty=""))
    records.queue(connection, [row.order_id], timer)
    number: int = row.number
    return number


def _evidence(connection: Connection, cycle_id: int, order_key: str, clock: Clock) -> Sequence[int]:
    """The confirmations that closed the cycle, and those that wait and would close it again."""
    of_cycle = (confirmations.c.cycle_id == cycle_id) & (confirmations.c.state == ConfirmationState.APPLIED)
    waiting = (
        (confirmations.c.order_key == order_key)
        & (confirmations.c.clock == clock)
        & (confirmations.c.state == ConfirmationState.WAITING)
    )
    return connection.execute(select(confirmations.c.id).where(of_cycle | waiting)).scalars().all()


def _close_install(connection: Connection, order_id: int, policy: Policy, timer: Timer) -> None:
    """There is nothing to install where nothing was renewed."""
    query = select(cycles.c.id).where(cycles.c.order_id == order_id, cycles.c.clock == Clock.INSTALL, cycles.c.open)
    ids = connection.execute(query).scalars().all()
    frame = Frame.of(policy.cadences, timer.day)
    close_cycles(connection, dict.fromkeys(ids, Reason.REOPENED), frame, timer, records=False)
