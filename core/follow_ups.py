"""Tasks outside the cadence, each a step of its own that `explain` tells of.

A call again after no answer, or after a promise that was not kept; a check where a renewal has probably happened, or was
placed and is not issued while the end is near.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, exists, func, select, text, update
from sqlalchemy.engine import Connection

from core.consequences import withdraw_empty
from core.policy import Policy
from core.reasons import Reason
from core.schema import PLACED as IS_PLACED
from core.schema import accounts, cycles, deliveries, orders, touches
from core.sql import among, insert_new, unindexed
from core.tasks import Ask, Desk
from core.timing import Timer
from core.words import Channel, Clock, DeliveryState, Nature, Stage, TaskKind, TouchState, Urgency

AGAIN = "again"
PROMISED = "promised"
PROBABLE = "probable"
PLACED = "placed"
"""How their touchpoints are named, with a number: again-1, promised-1 …"""

CHECKS = (PROBABLE, PLACED)
"""Those that ask the rep to look, and not to call: no wish of the customer's speaks against them."""


def is_check(touchpoint: str) -> bool:
    """Whether a step asks a rep to look whether a renewal has happened."""
    return touchpoint.rpartition("-")[0] in CHECKS


def in_progress() -> ColumnElement[bool]:
    """The renewals that are placed and not issued, as a condition on `cycles`."""
    renewal = (cycles.c.clock == Clock.RENEWAL) & (cycles.c.closing == "")
    # In so many words, as the partial index of these has it, and not led to another one.
    return unindexed(cycles.c.open) & renewal & text(f"cycles.{IS_PLACED}")


def has_had(name: str) -> ColumnElement[bool]:
    """Whether a cycle has had a step of this name, as a condition on `cycles`."""
    return exists().where(touches.c.cycle_id == cycles.c.id, touches.c.touchpoint.startswith(f"{name}-"))


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A task that is wanted about a cycle, on a day or the working day after it."""

    cycle_id: int
    clock: Clock
    account_id: int
    country: str
    zone: str
    urgency: Urgency
    day: date


def ask(
    connection: Connection,
    wanted: Sequence[FollowUp],
    name: str,
    policy: Policy,
    timer: Timer,
    kind: TaskKind = TaskKind.CALL,
) -> None:
    """Puts tasks onto the desk, in the office hours of their customers."""
    if not wanted:
        return
    numbers = _numbers(connection, [one.cycle_id for one in wanted], name)
    asks = [_ask(one, f"{name}-{numbers.get(one.cycle_id, 0) + 1}", kind, policy, timer) for one in wanted]
    carried = Desk(connection, policy.tasks, timer).ask(asks)
    rows: list[dict[str, Any]] = [
        {
            "cycle_id": ask.cycle_id,
            "touchpoint": ask.touchpoint,
            "channel": Channel.CALL,
            "urgency": ask.urgency,
            "nature": Nature.SERVICE,
            "day": ask.due_on,
            "state": TouchState.PLANNED,
            "delivery_id": carried[ask],
            "decided_at": timer.opening,
        }
        for ask in asks
    ]
    insert_new(connection, touches, rows)


def _ask(one: FollowUp, touchpoint: str, kind: TaskKind, policy: Policy, timer: Timer) -> Ask:
    calendar = policy.calendar
    day = calendar.working_day_on_or_after(one.day, one.country)
    opens = calendar.opens_at(day, calendar.zone(one.country, one.zone))
    return Ask(
        account_id=one.account_id,
        kind=kind,
        cycle_id=one.cycle_id,
        clock=one.clock,
        urgency=one.urgency,
        due_on=day,
        touchpoint=touchpoint,
        send_after=max(opens, timer.opening),
    )


def _numbers(connection: Connection, cycle_ids: Sequence[int], name: str) -> dict[int, int]:
    """How many of these steps each cycle has had."""
    mine = among(touches.c.cycle_id, cycle_ids) & touches.c.touchpoint.startswith(f"{name}-")
    query = select(touches.c.cycle_id, func.count()).where(mine).group_by(touches.c.cycle_id)
    return {cycle_id: count for cycle_id, count in connection.execute(query).all()}


def forget(connection: Connection, cycle_ids: Sequence[int], timer: Timer) -> None:
    """What was wanted of these cycles after no answer, and nobody has got yet, falls away."""
    waiting = (
        select(touches.c.id, touches.c.delivery_id)
        .join(deliveries, deliveries.c.id == touches.c.delivery_id)
        .where(touches.c.cycle_id.in_(cycle_ids), touches.c.state == TouchState.PLANNED)
        .where(touches.c.touchpoint.startswith(f"{AGAIN}-"), deliveries.c.state == DeliveryState.PLANNED)
    )
    rows = connection.execute(waiting).all()
    if rows:
        gone = update(touches).where(touches.c.id.in_([row.id for row in rows]))
        connection.execute(gone.values(state=TouchState.WITHDRAWN, reason=Reason.CALL_ANSWERED))
        withdraw_empty(connection, [row.delivery_id for row in rows], timer)


def after_promises(connection: Connection, policy: Policy, timer: Timer) -> list[int]:
    """Wants calls about renewals that were promised for a day which has passed; gives their orders.

    Their stage is contacted again, and their cadence goes on.
    """
    query = (
        select(cycles.c.id, cycles.c.order_id, cycles.c.ends_on, orders.c.account_id)
        .add_columns(accounts.c.country, accounts.c.zone)
        .join(orders, orders.c.id == cycles.c.order_id)
        .join(accounts, accounts.c.id == orders.c.account_id)
        .where(cycles.c.open, cycles.c.closing == "", cycles.c.committed_until < timer.day)
    )
    # Sorted here: asked for the order of ids, SQLite would read the whole table and not the range of days.
    rows = sorted(connection.execute(query).all(), key=attrgetter("id"))
    if not rows:
        return []
    kept = update(cycles).where(cycles.c.id.in_([row.id for row in rows]))
    connection.execute(kept.values(committed_until=None))
    connection.execute(kept.where(cycles.c.stage == Stage.COMMITTED).values(stage=Stage.CONTACTED))
    wanted = [
        FollowUp(
            row.id,
            Clock.RENEWAL,
            row.account_id,
            row.country,
            row.zone,
            Urgency.REMINDER if row.ends_on >= timer.day else Urgency.EXPIRED,
            timer.day,
        )
        for row in rows
    ]
    ask(connection, wanted, PROMISED, policy, timer)
    return sorted({row.order_id for row in rows})
