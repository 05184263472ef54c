"""Keeps the cycles of orders in step with what their source says: begins, amends and marks them for closing.

Consequences (touches to withdraw, tasks to close) are drawn by settle, which finds what is marked `closing`.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Self

from sqlalchemy import bindparam, case, delete, exists, insert, or_, select, update
from sqlalchemy.engine import Connection

from core.cadence_tables import CadenceRules, Cadences
from core.clocks import ENDED_BY_STATUS, Cycle, Move, Span, lapses_on, move, spans
from core.intake import Taken
from core.reasons import Reason
from core.schema import cycles, deliveries, task_orders, tasks, touches
from core.sql import among
from core.words import Clock, DeliveryState, Stage, TaskState, TouchState

UNSENT = (TouchState.PLANNED, TouchState.SKIPPED, TouchState.MISSED, TouchState.MERGED, TouchState.WITHDRAWN)


_ENDED_BY_SOURCE = frozenset({*ENDED_BY_STATUS.values(), Reason.SUPERSEDED})
LAPSED = (Reason.LAPSED, Reason.ENDED_BEFORE_GO_LIVE)

# Holidays move a step to an earlier day by less than this.
_LONGEST_MOVE = 40


@dataclass(frozen=True, slots=True)
class Frame:
    """What cycles are followed with: the day, the figures, and how early each clock may have a step (days)."""

    today: date
    rules: CadenceRules
    reach: Mapping[Clock, int]

    @classmethod
    def of(cls, cadences: Cadences, today: date) -> Self:
        reach = {
            clock: max((table.reach for table in cadences.tables if table.clock is clock), default=0) + _LONGEST_MOVE
            for clock in Clock
        }
        return cls(today, cadences.rules, reach)


@dataclass(slots=True)
class Changes:
    """What a batch of orders means for their cycles."""

    begun: list[dict[str, Any]] = field(default_factory=list)
    amended: list[dict[str, Any]] = field(default_factory=list)
    closing: list[dict[str, Any]] = field(default_factory=list)
    replanned: list[int] = field(default_factory=list)
    revived: list[int] = field(default_factory=list)


def cycles_of(connection: Connection, order_ids: Sequence[int]) -> dict[int, list[Cycle]]:
    """Every cycle of these orders, by order, in the order of their numbers."""
    found: dict[int, list[Cycle]] = defaultdict(list)
    if not order_ids:
        return found
    columns = (
        cycles.c.order_id, cycles.c.id, cycles.c.clock, cycles.c.number, cycles.c.starts_on, cycles.c.ends_on,
        cycles.c.certificate_id, cycles.c.open, cycles.c.outcome, cycles.c.closing,
    )  # fmt: skip
    query = select(*columns).where(among(cycles.c.order_id, order_ids)).order_by(cycles.c.number)
    for row in connection.execute(query).all():
        found[row.order_id].append(
            Cycle(
                row.id, Clock(row.clock), row.number, row.starts_on, row.ends_on, row.certificate_id,
                row.open and not row.closing, row.outcome or row.closing,
            )
        )  # fmt: skip
    return found


def follow(connection: Connection, taken: Sequence[Taken], frame: Frame) -> None:
    """Brings the cycles of these orders in step with what their source says now."""
    existing = cycles_of(connection, [one.id for one in taken if not one.new])
    changes = Changes()
    for one in taken:
        _follow_one(one, existing.get(one.id, []), frame, changes)
    _write(connection, changes)


def _follow_one(one: Taken, existing: list[Cycle], frame: Frame, changes: Changes) -> None:
    latest: dict[Clock, Cycle] = {cycle.clock: cycle for cycle in existing}
    ended = ENDED_BY_STATUS.get(one.facts.status)
    if ended is not None:
        changes.closing += [_closing(cycle, ended) for cycle in existing if cycle.open]
        return
    running = {span.clock: span for span in spans(one.facts, frame.rules)}
    for clock in (Clock.RENEWAL, Clock.REISSUE):
        span, cycle = running.get(clock), latest.get(clock)
        if span is None:
            if cycle is not None and cycle.open and clock is Clock.REISSUE:
                _stop_reissue(one, cycle, existing, frame, changes)
            continue
        step = Move.BEGIN if cycle is None else move(cycle, span, frame.rules)
        if cycle is None or step is Move.BEGIN:
            changes.begun.append(_begin(one.id, span, cycle.number + 1 if cycle else 1, frame))
            if cycle is not None:
                _succeeded(one, cycle, span, existing, frame, changes)
        elif step is Move.AMEND or _runs_again(cycle, span, frame):
            _amend(cycle, span, frame, changes)


def _begin(order_id: int, span: Span, number: int, frame: Frame) -> dict[str, Any]:
    over = lapses_on(span.ends_on, frame.rules) <= frame.today
    return {
        "order_id": order_id,
        "clock": span.clock,
        "number": number,
        "starts_on": span.starts_on,
        "ends_on": span.ends_on,
        "certificate_id": span.certificate_id,
        "open": not over,
        "outcome": Reason.LAPSED if over else "",
        "reason": Reason.ENDED_BEFORE_FIRST_SEEN if over else "",
        "closed_on": frame.today if over else None,
        "stage": "lapsed" if over and span.clock is Clock.RENEWAL else "upcoming",
        "next_on": None if over else span.ends_on - timedelta(days=frame.reach[span.clock]),
    }


def _runs_again(cycle: Cycle, span: Span, frame: Frame) -> bool:
    """Whether a closed cycle lives: its end was corrected after it had lapsed, or its source no longer says it is over."""
    if cycle.open or lapses_on(span.ends_on, frame.rules) <= frame.today:
        return False
    return cycle.outcome in _ENDED_BY_SOURCE or (cycle.outcome in LAPSED and cycle.ends_on != span.ends_on)


def _amend(cycle: Cycle, span: Span, frame: Frame, changes: Changes) -> None:
    moved = cycle.ends_on != span.ends_on or cycle.starts_on != span.starts_on
    changes.amended.append(
        {
            "which": cycle.id,
            "starts_on": span.starts_on,
            "ends_on": span.ends_on,
            "certificate_id": span.certificate_id or cycle.certificate_id,
        }
    )
    if _runs_again(cycle, span, frame):
        changes.revived.append(cycle.id)
    elif moved and cycle.open:
        changes.replanned.append(cycle.id)


def _closing(cycle: Cycle, reason: Reason) -> dict[str, Any]:
    return {"which": cycle.id, "closing": reason}


def _succeeded(one: Taken, cycle: Cycle, span: Span, existing: Sequence[Cycle], frame: Frame, changes: Changes) -> None:
    """A new number has begun: the order went on, its end was put back, or its certificate was reissued."""
    if cycle.clock is Clock.REISSUE:
        if cycle.open:
            changes.closing.append(_closing(cycle, Reason.REISSUED))
            _open_install(one.id, cycle, existing, frame, changes)
        return
    extended = span.ends_on > cycle.ends_on
    if cycle.open or (extended and cycle.outcome in LAPSED):
        changes.closing.append(_closing(cycle, Reason.RENEWED if extended else Reason.END_MOVED))
    # Where a reissue clock runs, it ends with the old certificate and opens the install clock itself.
    reissue_runs = any(other.clock is Clock.REISSUE and other.open for other in existing)
    end = one.facts.certificate_expires_on
    if extended and cycle.open and not reissue_runs and end is not None and end > cycle.ends_on:
        _open_install(one.id, cycle, existing, frame, changes)


def _stop_reissue(one: Taken, cycle: Cycle, existing: Sequence[Cycle], frame: Frame, changes: Changes) -> None:
    end = one.facts.certificate_expires_on
    if end is not None and (end - cycle.ends_on).days >= frame.rules.amend_below_days:
        changes.closing.append(_closing(cycle, Reason.REISSUED))
        _open_install(one.id, cycle, existing, frame, changes)
    else:
        changes.closing.append(_closing(cycle, Reason.SUPERSEDED))


def _open_install(order_id: int, old: Cycle, existing: Sequence[Cycle], frame: Frame, changes: Changes) -> None:
    row = install_cycle(order_id, old.starts_on, old.ends_on, old.certificate_id, existing, frame)
    if row is not None:
        changes.begun.append(row)


def install_cycle(
    order_id: int,
    starts_on: date,
    ends_on: date,
    certificate_id: str,
    existing: Sequence[Cycle],
    frame: Frame,
) -> dict[str, Any] | None:
    """The row of a new install cycle for an old certificate; None where that has ended or already has one."""
    installs = [cycle for cycle in existing if cycle.clock is Clock.INSTALL]
    known = any(cycle.ends_on == ends_on and cycle.outcome != Reason.REOPENED for cycle in installs)
    if ends_on < frame.today or known:
        return None
    span = Span(Clock.INSTALL, starts_on, ends_on, certificate_id)
    return _begin(order_id, span, max((cycle.number for cycle in installs), default=0) + 1, frame)


def _write(connection: Connection, changes: Changes) -> None:
    if changes.begun:
        connection.execute(insert(cycles), changes.begun)
    if changes.amended:
        named: dict[str, Any] = {name: bindparam(name) for name in ("starts_on", "ends_on", "certificate_id")}
        connection.execute(update(cycles).where(cycles.c.id == bindparam("which")).values(named), changes.amended)
    if changes.closing:
        to_close = or_(cycles.c.open, *(cycles.c.outcome == outcome for outcome in LAPSED))
        by_id = update(cycles).where(cycles.c.id == bindparam("which"), to_close)
        connection.execute(by_id.values(closing=bindparam("closing")), changes.closing)
    plan_afresh(connection, changes.replanned)
    run_again(connection, changes.revived)


def plan_afresh(connection: Connection, cycle_ids: Iterable[int]) -> None:
    """Opens cycles for planning from the beginning: what was not sent is decided again, what was sent stands."""
    ids = list(cycle_ids)
    if not ids:
        return
    # A step that was merged has been told, or is about to be, with the delivery that stands for it.
    told = (DeliveryState.SENDING, DeliveryState.UNCERTAIN, DeliveryState.DELIVERED)
    gone = exists().where(deliveries.c.id == touches.c.delivery_id, deliveries.c.state.in_(told))
    unsent = touches.c.state.in_(UNSENT) & ~gone
    connection.execute(delete(touches).where(among(touches.c.cycle_id, ids), unsent))
    connection.execute(
        update(cycles)
        .where(among(cycles.c.id, ids))
        .values(
            open=True,
            outcome="",
            reason="",
            closing="",
            closed_on=None,
            next_on=cycles.c.starts_on,
        )
    )


def run_again(connection: Connection, cycle_ids: Iterable[int]) -> None:
    """Opens cycles that had been closed or put aside: planned afresh, and listed again by the tasks still open."""
    ids = list(cycle_ids)
    if not ids:
        return
    plan_afresh(connection, ids)
    told = exists().where(touches.c.cycle_id == cycles.c.id, touches.c.state == TouchState.DONE)
    stage = case(((cycles.c.clock == Clock.RENEWAL) & told, Stage.CONTACTED), else_=Stage.UPCOMING)
    forgotten: dict[str, Any] = {"certainty": "", "lost_reason": "", "lost_scope": ""}
    forgotten |= dict.fromkeys(("provisional_until", "calls_paused_until", "committed_until", "win_back_on"))
    connection.execute(update(cycles).where(cycles.c.id.in_(ids)).values(stage=stage, **forgotten))
    still_open = select(tasks.c.id).where(tasks.c.state.in_((TaskState.PLANNED, TaskState.OPEN)))
    mine = task_orders.c.cycle_id.in_(ids) & task_orders.c.task_id.in_(still_open)
    connection.execute(update(task_orders).where(mine).values(settled=False))
