"""Step 4, deliver: what is due leaves the house.

(1) what a dead process held goes back, what it was sending becomes uncertain; (2) uncertain deliveries are looked up by
key and settled; (3) kind by kind, deliveries are claimed, each member is re-checked at that moment, `sending` is
committed, the connector is called outside any transaction, and each item's result is written down. Nothing that was
handed over is handed over again unless a look-up has shown that it did not arrive.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.engine import Connection

from core import golive, pauses, task_limits
from core.batches import batched
from core.breaker import Breaker, Broken
from core.circuits import CircuitState
from core.claims import Claimer, count_due, release_lapsed, something_due
from core.errors import ConfigurationError, NolapseError, UsageError
from core.kinds import DeliverCounts, FillsCalls, Kind, Preparing, Run
from core.locks import never
from core.outcomes import hand_over, set_delivered, withdraw, write_down
from core.policy import Policy
from core.ports import Handed, Result
from core.schema import UNDER_WAY, WAITING, deliveries, engine_locks
from core.store import Store
from core.timing import Timer
from core.words import URGENT, DeliveryKind, DeliveryState, Urgency

# Raising before creating: where the rep has closed a task meanwhile, the new one is made in the same run.
# Records go before the tasks that hang on them, and once more after mails and tasks have moved stages.
ORDER = (
    DeliveryKind.CALL_CLOSE,
    DeliveryKind.RECORD,
    DeliveryKind.CALL_RAISE,
    DeliveryKind.CALL_CREATE,
    DeliveryKind.CALL_ASSIGN,
    DeliveryKind.MAIL,
    DeliveryKind.RECORD,
    DeliveryKind.MAIL_LOG,
    DeliveryKind.OPTOUT,
)


Progress = Callable[[int, int | None], None]


def deliver(
    store: Store,
    kinds: Mapping[DeliveryKind, Kind],
    timer: Timer,
    policy: Policy,
    *,
    progress: Progress | None = None,
    stop: Callable[[], bool] = never,
    only: Sequence[int] | None = None,
) -> DeliverCounts:
    """Delivers what is due, and gives the counts. Several processes may do so at once.

    Once `stop` says so nothing more is handed over: what is under way is written down, and claims are given back.
    `only` are the ids of the deliveries to look at; none named: all.
    """
    gate = golive.is_live(timer.day) & ~pauses.is_paused()
    if only is not None:
        gate &= deliveries.c.id.in_(only)
    claimer = Claimer(secrets.token_hex(8), policy.deliver.lease, gate)
    run = Run(store, timer, policy, claimer, DeliverCounts(), stop)
    with store.read() as connection:
        _refuse_past(connection, timer.day)
        run.counts.held_because = _why_held(connection, timer.day)

    def lost(connection: Connection, rows: Sequence[Any]) -> None:
        for row in rows:
            if (handler := kinds.get(DeliveryKind(row.kind))) is not None:
                handler.not_delivered(connection, row, DeliveryState.UNCERTAIN, timer)

    release_lapsed(store, lost)
    _prepare(run, kinds)
    done = 0
    for kind in ORDER:
        if kind not in kinds or stop():
            continue
        if kind is DeliveryKind.CALL_CREATE and not run.counts.held_because:
            # Now and not sooner: raises that have found their tasks closed have asked for new ones.
            task_limits.put_off(store, policy, timer, gate)
        for taken in _deliver_kind(run, kind, kinds[kind]):
            done += taken
            if progress is not None:
                progress(done, None)
    _rest(kinds)
    with store.read() as connection:
        _count_waiting(connection, run.counts)
    return run.counts


def _prepare(run: Run, kinds: Mapping[DeliveryKind, Kind]) -> None:
    for kind, handler in kinds.items():
        if isinstance(handler, Preparing) and not run.counts.held_because:
            handler.prepare(count_due(run.store, kind, run.timer.closing, handler.batch_size + 1))


def _rest(kinds: Mapping[DeliveryKind, Kind]) -> None:
    for handler in kinds.values():
        if isinstance(handler, Preparing):
            handler.rest()


def _deliver_kind(run: Run, kind: DeliveryKind, handler: Kind) -> Iterator[int]:
    """Delivers what is due of a kind, and gives the number of each batch. A broken circuit leaves it for later."""
    breaker = Breaker(kind, handler.connector, run.policy.deliver)
    if (broken := _broken(run, breaker)) is None or broken.state is not CircuitState.OPEN:
        _settle_uncertain(run, kind, handler)
    # Where a cap bites, it bites the others.
    first: Sequence[Urgency] = URGENT if kind in pauses.CONTACTING else ()
    while not run.counts.held_because and not run.stop():
        broken = _broken(run, breaker)
        if broken is not None and broken.state is CircuitState.OPEN:
            run.counts.problems.append(broken.words)
            return
        if not something_due(run.store, kind, run.timer.closing):
            return
        limit = _claim_size(run, handler) if broken is None else 1
        ids = run.claimer.claim(run.store, kind, run.timer.closing, limit, first)
        if not ids and first:
            first = ()
            continue
        if not ids:
            return
        trial = None if broken is None else breaker.take_trial(run.store)
        if broken is not None and trial is None:
            run.claimer.give_back(run.store, ids)
            return
        goes_on = _deliver_claimed(run, breaker, handler, ids)
        if trial is not None:
            breaker.give_trial_back(run.store, trial)
        if not goes_on:
            return
        yield len(ids)


def _claim_size(run: Run, handler: Kind) -> int:
    least = handler.least_claim if isinstance(handler, FillsCalls) else 0
    return max(run.policy.deliver.batch_size, least)


def _broken(run: Run, breaker: Breaker) -> Broken | None:
    with run.store.read() as connection:
        return breaker.broken(connection)


def _why_held(connection: Connection, day: date) -> str:
    """Why nothing at all goes; empty where something may."""
    everything = next((one for one in pauses.listing(connection) if one.scope is pauses.Scope.ALL), None)
    return golive.why_held(connection, day) or (everything.words if everything is not None else "")


def _refuse_past(connection: Connection, day: date) -> None:
    query = select(engine_locks.c.last_day).where(engine_locks.c.step == "plan")
    last_day = connection.execute(query).scalar()
    if last_day is not None and day < last_day:
        raise UsageError(f"{last_day} has been planned already; a day before it ({day}) cannot be delivered any more")


def _deliver_claimed(run: Run, breaker: Breaker, handler: Kind, ids: Sequence[int]) -> bool:
    """Delivers what was claimed; gives False where the kind cannot go on in this run, and returns the rest."""
    kind = breaker.kind
    for chunk in batched(ids, handler.batch_size):
        if run.stop():
            run.claimer.give_back(run.store, ids)
            return False
        try:
            with run.store.begin() as connection:
                rows = {row.id: row for row in run.claimer.held(connection, chunk)}
                sealed = handler.seal(connection, list(rows.values()), run.timer)
                withdraw(connection, sealed.withdrawn, run.timer)
                if sealed.items:
                    run.claimer.mark_sending(connection, list(sealed.items))
        except ConfigurationError as error:
            # A broken template stops the kind before anything was handed over; nothing of it is lost.
            run.counts.problems.append(str(error))
            run.claimer.give_back(run.store, ids)
            return False
        run.claimer.give_back(run.store, [*sealed.deferred, *(id for id in chunk if id not in rows)])
        run.counts.waits.update(sealed.waits.values())
        run.counts.kinds[kind].withdrawn += len(sealed.withdrawn)
        if not sealed.items:
            continue
        results = hand_over(handler, [(rows[id], item) for id, item in sealed.items.items()])
        usable = write_down(run, breaker, handler, rows, sealed.items, results)
        if not usable:
            run.claimer.give_back(run.store, ids)
            return False
    return True


def _settle_uncertain(run: Run, kind: DeliveryKind, handler: Kind) -> None:
    """Looks uncertain deliveries up, once the call must have ended and the system shows what it has stored."""
    wait = timedelta(seconds=run.policy.deliver.uncertain_wait_seconds) + handler.search_lag
    before = datetime.now(UTC) - wait
    with run.store.read() as connection:
        rows = connection.execute(
            select(deliveries).where(
                text(UNDER_WAY),
                deliveries.c.kind == kind,
                deliveries.c.state == DeliveryState.UNCERTAIN,
                deliveries.c.sending_at <= before,
            )
        ).all()
    for chunk in batched(rows, max(handler.batch_size, 1)):
        if run.stop():
            return
        try:
            found = handler.find(chunk)
        except Exception as error:
            broken = f"the connector broke off: {type(error).__name__}"
            run.counts.problems.append(str(error) if isinstance(error, NolapseError) else broken)
            return
        if found is None:
            return
        with run.store.begin() as connection:
            arrived = [
                (row, None, Result(row.key, Handed.DELIVERED, found[row.key])) for row in chunk if row.key in found
            ]
            if arrived:
                set_delivered(connection, arrived)
                handler.delivered(connection, arrived, run.timer)
                run.counts.kinds[kind].delivered += len(arrived)
            if again := [row.id for row in chunk if row.key not in found]:
                connection.execute(
                    update(deliveries)
                    .where(
                        deliveries.c.id.in_(again),
                        deliveries.c.state == DeliveryState.UNCERTAIN,
                        deliveries.c.sending_at <= before,
                    )
                    .values(state=DeliveryState.PLANNED, lease_until=None)
                )


def _count_waiting(connection: Connection, counts: DeliverCounts) -> None:
    counted = select(deliveries.c.kind, func.count()).group_by(deliveries.c.kind)
    claimed = deliveries.c.state == DeliveryState.CLAIMED
    for query in (counted.where(text(WAITING)), counted.where(text(UNDER_WAY), claimed)):
        for kind, count in connection.execute(query):
            counts.kinds[DeliveryKind(kind)].waiting += count
