"""Step 2, settle: applies confirmations to cycles, lapses what ended, and draws every consequence.

(1) waiting confirmations, each to the cycle whose window holds its day; (2) evidence taken back reopens; (3) cycles that
sync marked as ended close; (4) renewals that the CA does not show in time reopen; (5) cycles that nobody closed lapse;
(6) the rounds of the day are made. What closes withdraws its touches, settles its tasks and queues its record, in the
same transaction. Settle runs before plan, so nobody who has renewed is planned.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import bindparam, exists, or_, select, text, update
from sqlalchemy.engine import Connection

from core import golive, rounds, unproven
from core import records as order_records
from core.batches import batched
from core.certainty import surest
from core.clocks import Cycle, lapses_on, windows
from core.confirmations import TAKEN_BACK
from core.consequences import close_cycles
from core.cycles import Frame, cycles_of
from core.locks import Lock, holding, never
from core.policy import Policy
from core.reasons import Reason
from core.reopen import undo
from core.schema import confirmations, cycles, deliveries, orders, touches
from core.sql import among, unindexed
from core.store import Store
from core.timing import Timer
from core.words import Certainty, Clock, ConfirmationState, DeliveryState, Stage, TouchState

_BATCH = 500
_LAST_RESORT_DAYS = 6  # touches moved by days off may still go so long after the day of lapsing
_NOT_OVER = (DeliveryState.PLANNED, DeliveryState.CLAIMED, DeliveryState.SENDING, DeliveryState.UNCERTAIN)
_OUTCOME = {Clock.RENEWAL: Reason.RENEWED, Clock.REISSUE: Reason.REISSUED, Clock.INSTALL: Reason.INSTALLED}


@dataclass(slots=True)
class SettleCounts:
    """What settling did: orders renewed and lapsed, cycles reopened, touches withdrawn."""

    renewed: int = 0
    lapsed: int = 0
    reopened: int = 0
    withdrawn: int = 0


@dataclass(slots=True)
class _Run:
    lock: Lock
    timer: Timer
    policy: Policy
    frame: Frame
    records: bool
    counts: SettleCounts


def settle(
    store: Store,
    timer: Timer,
    policy: Policy,
    *,
    records: bool,
    reps: bool | None = None,
    stop: Callable[[], bool] = never,
) -> SettleCounts:
    """Settles everything that is known for the day, and gives the counts.

    `records`: a CRM wants order records. `reps`: they work in a CRM and get tasks, which is so where it wants records.
    Raises `StoppedError` between two batches where `stop` asks for it.
    """
    with holding(store, "settle", timer.day, policy.lock_wait_seconds, stop) as lock:
        run = _Run(lock, timer, policy, Frame.of(policy.cadences, timer.day), records, SettleCounts())
        _apply_confirmations(store, run)
        _follow_retractions(store, run)
        _close_marked(store, run)
        _close_ended_before_live(store, run)
        _reopen_unproven(store, run)
        _lapse(store, run)
        rounds.make(store, lock, timer, policy, crm=records if reps is None else reps)
        with store.begin() as connection:
            lock.done(connection, timer.day)
    return run.counts


def _apply_confirmations(store: Store, run: _Run) -> None:
    last = 0
    while True:
        with store.begin() as connection:
            run.lock.renew(connection)
            waiting = (
                select(confirmations, orders.c.id.label("order_id"))
                .join(orders, orders.c.order_key == confirmations.c.order_key, isouter=True)
                .where(confirmations.c.state == ConfirmationState.WAITING, confirmations.c.id > last)
                .order_by(confirmations.c.id)
                .limit(_BATCH)
            )
            batch = connection.execute(waiting).all()
            if not batch:
                return
            last = batch[-1].id
            _apply_batch(connection, run, [row for row in batch if row.order_id is not None])


def _apply_batch(connection: Connection, run: _Run, batch: Sequence[Any]) -> None:
    known = cycles_of(connection, list({row.order_id for row in batch}))
    applied: list[dict[str, Any]] = []
    closing: dict[int, Reason] = {}
    heard: dict[int, list[Certainty]] = defaultdict(list)
    for row in batch:
        cycle = _cycle_for(known[row.order_id], Clock(row.clock), row.renewed_on)
        if cycle is None:
            applied.append(_verdict(row.id, ConfirmationState.STALE, None, "no cycle's window holds its day", run))
            continue
        certainty = Certainty(row.certainty)
        applied.append(_verdict(row.id, ConfirmationState.APPLIED, cycle.id, "", run))
        if certainty in (Certainty.CONFIRMED, Certainty.PROVISIONAL):
            if cycle.id not in closing:
                replaced = row.source == "replacement"
                closing[cycle.id] = Reason.REPLACED if replaced else _OUTCOME[cycle.clock]
            heard[cycle.id].append(certainty)
        elif cycle.open:
            heard[cycle.id].append(certainty)
    if applied:
        verdict: dict[str, Any] = {name: bindparam(name) for name in ("state", "cycle_id", "reason", "applied_at")}
        by_id = update(confirmations).where(confirmations.c.id == bindparam("which"))
        connection.execute(by_id.values(verdict), applied)
    _note_certainty(connection, run, heard)
    _close(connection, run, closing)
    unproven.hold(connection, heard, run.policy, run.timer)
    if run.records:
        unproven.ask_about(connection, heard, run.policy, run.timer)


def _cycle_for(known: list[Cycle], clock: Clock, renewed_on: date) -> Cycle | None:
    of_clock = [cycle for cycle in known if cycle.clock is clock]
    return next((cycle for cycle, window in windows(of_clock) if window.holds(renewed_on)), None)


def _verdict(which: int, state: ConfirmationState, cycle_id: int | None, reason: str, run: _Run) -> dict[str, Any]:
    applied_at = run.timer.opening if state is ConfirmationState.APPLIED else None
    return {"which": which, "state": state, "cycle_id": cycle_id, "reason": reason, "applied_at": applied_at}


def _note_certainty(connection: Connection, run: _Run, heard: Mapping[int, Sequence[Certainty]]) -> None:
    """Notes how sure it is now; what was heard before and is surer stands. A renewal that was placed is in progress."""
    if not heard:
        return
    columns = (cycles.c.id, cycles.c.order_id, cycles.c.clock, cycles.c.open, cycles.c.stage, cycles.c.certainty)
    values, changed = [], set()
    for row in connection.execute(select(*columns).where(among(cycles.c.id, list(heard)))).all():
        known = [Certainty(row.certainty)] if row.certainty else []
        stage = row.stage
        if row.open and row.clock == Clock.RENEWAL and Certainty.IN_PROGRESS in heard[row.id]:
            stage = Stage.IN_PROGRESS
        if stage != row.stage:
            changed.add(row.order_id)
        values.append({"which": row.id, "sure": surest([*known, *heard[row.id]]), "where": stage})
    by_id = update(cycles).where(cycles.c.id == bindparam("which"))
    connection.execute(by_id.values(certainty=bindparam("sure"), stage=bindparam("where")), values)
    if run.records:
        order_records.queue(connection, sorted(changed), run.timer)


def _close(connection: Connection, run: _Run, closing: dict[int, Reason]) -> None:
    closed = close_cycles(connection, closing, run.frame, run.timer, records=run.records)
    run.counts.withdrawn += closed.withdrawn
    run.counts.renewed += closed.renewed
    run.counts.lapsed += closed.lapsed


def _follow_retractions(store: Store, run: _Run) -> None:
    """Evidence was taken back: what nothing else upholds runs again, closed or put aside, unless it would have lapsed."""
    with store.begin() as connection:
        run.lock.renew(connection)
        # Not the bare column: the few that were taken back lead to their cycles, and not all cycles to their evidence.
        taken_back = select(confirmations.c.id.label("told_id"), cycles).join(
            cycles, cycles.c.id == unindexed(confirmations.c.cycle_id)
        )
        rows = connection.execute(
            # In so many words, as the partial index of these has it.
            taken_back.where(text("confirmations.state = 'retracted' and confirmations.reason = ''"))
        ).all()
        if not rows:
            return
        still = _upheld(connection, [row.id for row in rows])
        again = {row.id: row for row in rows if row.id not in still and _falls(row, run)}
        ids = list(again)
        undone = connection.execute(select(cycles).where(cycles.c.id.in_(ids)).order_by(cycles.c.id)).all()
        undo(connection, undone, run.policy, run.timer)
        if run.records:
            order_records.queue(connection, sorted({row.order_id for row in undone}), run.timer)
        handled = [row.told_id for row in rows]
        connection.execute(update(confirmations).where(confirmations.c.id.in_(handled)).values(reason=TAKEN_BACK))
        run.counts.reopened += len(ids)


def _falls(row: Any, run: _Run) -> bool:
    """Whether a cycle runs again without its evidence."""
    if row.open:
        return bool(row.stage == Stage.IN_PROGRESS)
    evident = row.outcome in (*_OUTCOME.values(), Reason.REPLACED)
    return evident and lapses_on(row.ends_on, run.policy.rules) > run.timer.day


def _reopen_unproven(store: Store, run: _Run) -> None:
    while True:
        with store.begin() as connection:
            run.lock.renew(connection)
            reopened = unproven.reopen_unproven(connection, run.policy, run.timer, _BATCH)
            if run.records:
                order_records.queue(connection, sorted(set(reopened)), run.timer)
        run.counts.reopened += len(reopened)
        if len(reopened) < _BATCH:
            return


def _upheld(connection: Connection, cycle_ids: Sequence[int]) -> set[int]:
    """Those of these cycles that another confirmation still speaks for, by more than likelihood."""
    applied = (confirmations.c.state == ConfirmationState.APPLIED) & (confirmations.c.certainty != Certainty.PROBABLE)
    query = select(confirmations.c.cycle_id).where(applied, confirmations.c.cycle_id.in_(cycle_ids))
    return {id for id in connection.execute(query).scalars() if id}


def _close_marked(store: Store, run: _Run) -> None:
    while True:
        with store.begin() as connection:
            run.lock.renew(connection)
            marked = select(cycles.c.id, cycles.c.closing).where(cycles.c.closing != "").limit(_BATCH)
            batch = {id: Reason(reason) for id, reason in connection.execute(marked).all()}
            if not batch:
                return
            _close(connection, run, batch)


def _close_ended_before_live(store: Store, run: _Run) -> None:
    """What had ended when its account went live is closed in silence: nobody is told of it any more."""
    with store.begin() as connection:
        run.lock.renew(connection)
        silent = golive.ended_before(golive.live(connection), run.timer.day)
        query = select(cycles.c.id).where(cycles.c.open, silent)
        ids = connection.execute(query).scalars().all()
    for batch in batched(ids, _BATCH):
        with store.begin() as connection:
            run.lock.renew(connection)
            _close(connection, run, dict.fromkeys(batch, Reason.ENDED_BEFORE_GO_LIVE))


def _lapse(store: Store, run: _Run) -> None:
    """Lapses what ended long enough ago; a step that days off have moved behind the lapse still goes."""
    last_day = run.timer.day - timedelta(days=run.policy.rules.lapse_after_days)
    planned = exists().where(
        touches.c.cycle_id == cycles.c.id,
        touches.c.state == TouchState.PLANNED,
        deliveries.c.id == touches.c.delivery_id,
        deliveries.c.state.in_(_NOT_OVER),
    )
    nothing_left = cycles.c.next_on.is_(None) & ~planned
    overdue = cycles.c.ends_on <= last_day - timedelta(days=_LAST_RESORT_DAYS)
    ended = cycles.c.open & (cycles.c.ends_on <= last_day) & or_(overdue, nothing_left)
    while True:
        with store.begin() as connection:
            run.lock.renew(connection)
            ids = connection.execute(select(cycles.c.id).where(ended).limit(_BATCH)).scalars().all()
            if not ids:
                return
            _close(connection, run, dict.fromkeys(ids, Reason.LAPSED))
