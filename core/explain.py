"""Tells for every touchpoint of an order what happened or will happen, and why."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from core.cadence import Decision, Scheduled, decide
from core.dossiers import Dossier, load
from core.plan import LOOK_AHEAD, steps_of, why_skipped
from core.policy import Policy
from core.reasons import Reason
from core.schema import cycles, deliveries, orders, touches
from core.timing import Timer, WholeDay
from core.waiting import Why, why_waiting
from core.words import Channel, DeliveryState, Outcome, TouchState

_BY_TOUCH = {
    TouchState.SKIPPED: Outcome.SKIPPED,
    TouchState.MISSED: Outcome.MISSED,
    TouchState.MERGED: Outcome.MERGED,
    TouchState.WITHDRAWN: Outcome.WITHDRAWN,
    TouchState.DONE: Outcome.DELIVERED,
}
_BY_DELIVERY = {
    DeliveryState.FAILED: Outcome.FAILED,
    DeliveryState.UNCERTAIN: Outcome.UNCERTAIN,
    DeliveryState.WITHDRAWN: Outcome.WITHDRAWN,
    DeliveryState.DELIVERED: Outcome.DELIVERED,
}


@dataclass(frozen=True, slots=True)
class Told:
    """One touchpoint of one cycle on one channel. What waits does so `until` then, where that is known (UTC)."""

    touchpoint: str
    channel: str
    clock: str
    cycle: int
    day: date
    outcome: Outcome
    reason: str
    delivery: str
    until: datetime | None = None


def explain(
    connection: Connection, order_key: str, policy: Policy, today: date, timer: Timer | None = None
) -> list[Told]:
    """Every touchpoint of an order: those decided, as the ledger has them, and those to come, as they would be today.

    What is due is told by the `timer`; none given: by the whole of today.
    """
    ids = (
        connection.execute(
            select(cycles.c.id)
            .join(orders, orders.c.id == cycles.c.order_id)
            .where(orders.c.order_key == order_key)
            .order_by(cycles.c.ends_on, cycles.c.id)
        )
        .scalars()
        .all()
    )
    dossiers = load(connection, ids, policy)
    decided = _decided(connection, ids)
    planned = [row.delivery_id for rows in decided.values() for row in rows if row.state == TouchState.PLANNED]
    waits = why_waiting(connection, [id for id in planned if id is not None], timer or WholeDay(today))
    told: list[Told] = []
    for dossier in (dossiers.by_cycle[id] for id in ids):
        rows = decided.get(dossier.id, [])
        found = [_of_touch(dossier, row, waits) for row in rows]
        keys = {(one.touchpoint, Channel(one.channel)) for one in found}
        for scheduled, automatic in steps_of(dossier, policy):
            ahead = _ahead(dossier, scheduled, keys, policy, today)
            for entry in scheduled:
                if entry.step.key not in keys:
                    if dossier.standing.is_held(max(entry.day, today)):
                        found.append(_held(dossier, entry))
                        continue
                    reason = why_skipped(dossiers, dossier, entry.step, max(entry.day, today), automatic=automatic)
                    found.append(_to_come(dossier, entry, ahead, str(reason or "")))
        told += sorted(found, key=lambda one: (one.day, one.channel, one.touchpoint))
    return told


def _decided(connection: Connection, ids: Sequence[int]) -> dict[int, list[Any]]:
    query = (
        select(
            touches,
            deliveries.c.key.label("delivery_key"),
            deliveries.c.state.label("delivery_state"),
            deliveries.c.error.label("delivery_error"),
            deliveries.c.reason.label("delivery_reason"),
        )
        .join(deliveries, deliveries.c.id == touches.c.delivery_id, isouter=True)
        .where(touches.c.cycle_id.in_(ids))
    )
    found: dict[int, list[Any]] = {}
    for row in connection.execute(query):
        found.setdefault(row.cycle_id, []).append(row)
    return found


def _of_touch(dossier: Dossier, row: Any, waits: Mapping[int, Why]) -> Told:
    state = TouchState(row.state)
    reason, until = row.reason, None
    if state is TouchState.PLANNED:
        outcome = _BY_DELIVERY.get(row.delivery_state, Outcome.WAITING)
        if outcome in (Outcome.FAILED, Outcome.UNCERTAIN):
            reason = row.delivery_error
        elif outcome is Outcome.WITHDRAWN:
            reason = row.delivery_reason
        elif outcome is Outcome.WAITING:
            why = waits.get(row.delivery_id, Why(row.delivery_error or Reason.DUE))
            reason, until = why.reason, why.until
    else:
        outcome = _BY_TOUCH[state]
    return Told(
        row.touchpoint,
        row.channel,
        dossier.clock,
        dossier.number,
        row.day,
        outcome,
        reason,
        row.delivery_key or "",
        until,
    )


def _held(dossier: Dossier, entry: Scheduled) -> Told:
    """A step that would be planned, were the order not held; on the hold's last day it is looked at again."""
    step, until = entry.step, dossier.standing.held_until
    opens = None if until is None else datetime.combine(until, time(0), UTC)
    return Told(
        step.touchpoint, step.channel, dossier.clock, dossier.number, entry.day, Outcome.WAITING, Reason.HELD, "", opens
    )


def _ahead(
    dossier: Dossier,
    scheduled: tuple[Scheduled, ...],
    keys: Collection[tuple[str, Channel]],
    policy: Policy,
    today: date,
) -> Decision:
    """What planning would decide of these steps today."""
    return decide(
        scheduled,
        horizon=today + LOOK_AHEAD,
        today=today,
        ends_on=dossier.ends_on,
        handled=keys,
        rules=policy.rules,
    )


def _to_come(dossier: Dossier, entry: Scheduled, ahead: Decision, reason: str) -> Told:
    """A step that planning has not reached. For a cycle that has ended it never will."""
    if not dossier.standing.open:
        outcome, why = Outcome.SKIPPED, reason
    elif entry in ahead.missed:
        outcome, why = Outcome.MISSED, str(Reason.PASSED_OVER)
    elif entry.into is not None:
        outcome, why = Outcome.MERGED, str(Reason.SAME_DAY)
    else:
        outcome, why = (Outcome.SKIPPED, reason) if reason else (Outcome.PLANNED, "")
    step = entry.step
    return Told(step.touchpoint, step.channel, dossier.clock, dossier.number, entry.day, outcome, why, "")
