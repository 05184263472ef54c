"""Undoes a mistaken confirmation, or a renewal given up too soon: the cycle runs again, its evidence is taken back, what
follows from it is undone."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.engine import Connection

from core import records
from core.consequences import close_cycles, withdraw_touches
from core.cycles import Frame, run_again
from core.errors import UsageError
from core.policy import Policy
from core.reasons import Reason
from core.schema import confirmations, cycles, deliveries, orders, tasks, touches
from core.timing import Timer
from core.words import Channel, Clock, ConfirmationState, Stage, TaskState, TouchState

_UNDONE = (Reason.RENEWED, Reason.REPLACED, Reason.REISSUED, Reason.INSTALLED, Reason.LOST)


def reopen(connection: Connection, order_key: str, clock: Clock, reason: str, policy: Policy, timer: Timer) -> int:
    """Reopens the newest cycle of a clock and gives its number.

    Raises `UsageError` where the order is unknown, has no such cycle, or it was not closed by a confirmation or given up.
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
    given_up = row.closing == Reason.LOST
    if row.open and not evidence and not in_progress and not given_up:
        raise UsageError(f"the {clock} cycle of {order_key} is open already")
    if not row.open and row.outcome not in _UNDONE:
        raise UsageError(
            f"the {clock} cycle of {order_key} ended as {row.outcome}; only a confirmation, or giving it up, can be undone"
        )
    connection.execute(
        update(confirmations)
        .where(confirmations.c.id.in_(evidence))
        .values(state=ConfirmationState.RETRACTED, reason=f"reopened: {reason}")
    )
    undo(connection, [row], policy, timer)
    records.queue(connection, [row.order_id], timer)
    number: int = row.number
    return number


def undo(connection: Connection, undone: Sequence[Any], policy: Policy, timer: Timer) -> None:
    """Lets cycles (rows) run again that had been closed or put aside; what followed from that is undone.

    Their tasks are asked for again, what was begun for the new certificate ends, and mails about the renewal fall away.
    The evidence is the caller's to take back, and the records theirs to queue.
    """
    again = [row.id for row in undone]
    for row in undone:
        if not row.open and row.clock != Clock.INSTALL:
            _close_install(connection, row, policy, timer)
            again += _closed_with_it(connection, row)
    _ask_again(connection, again)
    withdraw_touches(connection, dict.fromkeys(again, Reason.REOPENED), timer)
    run_again(connection, again)
    nothing_lost = {"lost_reason": "", "lost_scope": "", "win_back_on": None, "committed_until": None}
    connection.execute(update(cycles).where(cycles.c.id.in_(again)).values(nothing_lost))


def _evidence(connection: Connection, cycle_id: int, order_key: str, clock: Clock) -> Sequence[int]:
    """The confirmations that closed the cycle, and those that wait and would close it again."""
    of_cycle = (confirmations.c.cycle_id == cycle_id) & (confirmations.c.state == ConfirmationState.APPLIED)
    waiting = (
        (confirmations.c.order_key == order_key)
        & (confirmations.c.clock == clock)
        & (confirmations.c.state == ConfirmationState.WAITING)
    )
    return connection.execute(select(confirmations.c.id).where(of_cycle | waiting)).scalars().all()


def _close_install(connection: Connection, row: Any, policy: Policy, timer: Timer) -> None:
    """There is nothing to install where nothing was renewed. An earlier certificate's clock runs on."""
    end = row.ends_on
    if row.clock == Clock.RENEWAL:
        query = select(orders.c.certificate_expires_on).where(orders.c.id == row.order_id)
        end = connection.execute(query).scalar()
    mine = (cycles.c.order_id == row.order_id) & (cycles.c.clock == Clock.INSTALL) & cycles.c.open
    ids = connection.execute(select(cycles.c.id).where(mine, cycles.c.ends_on == end)).scalars().all()
    frame = Frame.of(policy.cadences, timer.day)
    close_cycles(connection, dict.fromkeys(ids, Reason.REOPENED), frame, timer, records=False)


def _closed_with_it(connection: Connection, row: Any) -> Sequence[int]:
    """The reissue cycle that was closed because the order was renewed."""
    if row.clock != Clock.RENEWAL:
        return ()
    reissue = (cycles.c.order_id == row.order_id) & (cycles.c.clock == Clock.REISSUE)
    last = connection.execute(select(cycles).where(reissue).order_by(cycles.c.number.desc()).limit(1)).one_or_none()
    return [last.id] if last is not None and last.outcome == Reason.RENEWED else ()


def _ask_again(connection: Connection, cycle_ids: Sequence[int]) -> None:
    """Forgets the last call of each cycle whose task we closed before anybody had said what came of it.

    Planning decides on it once more, and the rep has a task again.
    """
    ours = (
        tasks.c.state.in_((TaskState.CLOSING, TaskState.CLOSED))
        & (tasks.c.reason == Reason.NO_MEMBERS)
        & (tasks.c.outcome == "")
    )
    last = (
        select(func.max(touches.c.id))
        .join(deliveries, deliveries.c.id == touches.c.delivery_id)
        .join(tasks, tasks.c.id == deliveries.c.task_id)
        .where(touches.c.cycle_id.in_(cycle_ids), touches.c.channel == Channel.CALL)
        .where(touches.c.state == TouchState.DONE, ours)
        .group_by(touches.c.cycle_id)
    )
    ids = connection.execute(last).scalars().all()
    connection.execute(delete(touches).where(touches.c.id.in_(ids)))
