"""Renewals that are not proven: believed for a while, then the clock runs again; doubtful ones are asked about."""

from collections.abc import Collection
from datetime import date, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.engine import Connection

from core import follow_ups
from core.follow_ups import FollowUp
from core.policy import CertaintyPolicy, Policy
from core.reasons import Reason
from core.reopen import undo
from core.schema import accounts, confirmations, cycles, orders
from core.sql import among
from core.timing import Timer
from core.words import Certainty, Clock, ConfirmationState, TaskKind, Urgency

_SHOWN_BY_CA = (Clock.RENEWAL, Clock.REISSUE)  # whether something is installed no CA can show


def held_until(ends_on: date, day: date, rules: CertaintyPolicy) -> date:
    """The day on which a renewal that was heard of on a day must have been shown by the CA."""
    recheck = ends_on - timedelta(days=rules.recheck_before_end_days)
    if day < recheck:
        return min(day + timedelta(days=rules.provisional_days), recheck)
    return day + timedelta(days=rules.late_days)


def _believed() -> ColumnElement[bool]:
    """The cycles that were closed because something has been renewed, as a condition on `cycles`."""
    return ~cycles.c.open & cycles.c.outcome.in_((Reason.RENEWED, Reason.REPLACED, Reason.REISSUED))


def hold(connection: Connection, cycle_ids: Collection[int], policy: Policy, timer: Timer) -> None:
    """Notes until when cycles of which something was heard are believed to be renewed; the sure ones for ever."""
    if not cycle_ids:
        return
    columns = (cycles.c.id, cycles.c.ends_on, cycles.c.certainty, cycles.c.provisional_until)
    query = select(*columns).where(_believed(), among(cycles.c.id, cycle_ids), cycles.c.clock.in_(_SHOWN_BY_CA))
    for row in connection.execute(query).all():
        until: date | None = None
        if row.certainty == Certainty.PROVISIONAL:
            until = row.provisional_until or held_until(row.ends_on, timer.day, policy.certainty)
        if until != row.provisional_until:
            connection.execute(update(cycles).where(cycles.c.id == row.id).values(provisional_until=until))


def reopen_unproven(connection: Connection, policy: Policy, timer: Timer, limit: int) -> list[int]:
    """Lets up to `limit` cycles run again whose renewal the CA has not shown in time; gives the order of each."""
    overdue = _believed() & (cycles.c.provisional_until <= timer.day)
    # Not in the order of ids: SQLite would read the whole table for it, and not the range of days.
    rows = connection.execute(select(cycles).where(overdue).limit(limit)).all()
    if not rows:
        return []
    of_cycles = confirmations.c.cycle_id.in_([row.id for row in rows])
    order_keys = select(orders.c.order_key).where(orders.c.id.in_({row.order_id for row in rows}))
    connection.execute(
        update(confirmations)
        .where(confirmations.c.order_key.in_(order_keys), of_cycles)
        .where(confirmations.c.state == ConfirmationState.APPLIED)
        .values(state=ConfirmationState.RETRACTED, reason=Reason.UNPROVEN.sentence)
    )
    undo(connection, rows, policy, timer)
    return [row.order_id for row in rows]


def ask_about(connection: Connection, cycle_ids: Collection[int], policy: Policy, timer: Timer) -> None:
    """Pauses the calls of open renewals that have probably happened, and asks their reps; each once."""
    days = policy.certainty.probable_pause_days
    doubtful = (
        among(cycles.c.id, cycle_ids)
        & cycles.c.open
        & (cycles.c.clock == Clock.RENEWAL)
        & (cycles.c.certainty == Certainty.PROBABLE)
        & cycles.c.calls_paused_until.is_(None)
    )
    rows = connection.execute(_OF_ACCOUNT.where(doubtful).order_by(cycles.c.id)).all() if cycle_ids else ()
    if not rows:
        return
    paused = update(cycles).where(cycles.c.id.in_([row.id for row in rows]))
    connection.execute(paused.values(calls_paused_until=timer.day + timedelta(days=days)))
    wanted = [_check(row, Urgency.REMINDER, timer.day) for row in rows]
    follow_ups.ask(connection, wanted, follow_ups.PROBABLE, policy, timer, TaskKind.CHECK)


def warn_of_waiting(connection: Connection, policy: Policy, timer: Timer) -> None:
    """Warns reps of renewals that are placed and not issued while the end is near; of each once."""
    near = timer.day + timedelta(days=policy.certainty.warn_before_end_days)
    waiting = follow_ups.in_progress() & (cycles.c.ends_on <= near)
    asked = follow_ups.has_had(follow_ups.PLACED)
    rows = sorted(connection.execute(_OF_ACCOUNT.where(waiting, ~asked)).all(), key=attrgetter("id"))
    wanted = [_check(row, Urgency.WARNING if row.ends_on >= timer.day else Urgency.EXPIRED, timer.day) for row in rows]
    follow_ups.ask(connection, wanted, follow_ups.PLACED, policy, timer, TaskKind.CHECK)


def _check(row: Any, urgency: Urgency, day: date) -> FollowUp:
    return FollowUp(row.id, Clock.RENEWAL, row.account_id, row.country, row.zone, urgency, day)


_OF_ACCOUNT = (
    select(cycles.c.id, cycles.c.ends_on, orders.c.account_id, accounts.c.country, accounts.c.zone)
    .join(orders, orders.c.id == cycles.c.order_id)
    .join(accounts, accounts.c.id == orders.c.account_id)
)
