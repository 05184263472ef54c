"""Step 4, deliver: what is due leaves the house.

(1) what a dead process held goes back, what it was sending becomes uncertain; (2) uncertain deliveries are looked up by
key and settled; (3) kind by kind, deliveries are claimed, each member is re-checked at that moment, `sending` is
committed, the connector is called outside any transaction, and each item's result is written down. Nothing that was
handed over is handed over again unless a look-up has shown that it did not arrive.
"""

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import ColumnElement, bindparam, func, select, text, update
from sqlalchemy.engine import Connection

from core import golive
from core.batches import batched
from core.breaker import Breaker, Broken
from core.circuits import CircuitState
from core.claims import Claimer, release_lapsed
from core.errors import ConfigurationError, FatalError, NolapseError, StoreError, UsageError
from core.locks import never
from core.policy import Policy
from core.ports import Handed, Result
from core.schema import UNDER_WAY, WAITING, deliveries, engine_locks
from core.store import Store
from core.timing import Timer
from core.words import DeliveryKind, DeliveryState

# Raising before creating: where the rep has closed a task meanwhile, the new one is made in the same run.
# Records go before the tasks that hang on them, and once more after mails and tasks have moved stages.
ORDER = (
    DeliveryKind.CALL_CLOSE,
    DeliveryKind.RECORD,
    DeliveryKind.CALL_RAISE,
    DeliveryKind.CALL_CREATE,
    DeliveryKind.MAIL,
    DeliveryKind.RECORD,
    DeliveryKind.MAIL_LOG,
    DeliveryKind.OPTOUT,
)


@dataclass(slots=True)
class KindCounts:
    """What became of the deliveries of one kind in this run; `waiting` are those that are still to go."""

    delivered: int = 0
    failed: int = 0
    uncertain: int = 0
    withdrawn: int = 0
    waiting: int = 0


@dataclass(slots=True)
class DeliverCounts:
    """What a delivery run did, by kind. `problems` are clear lines that an operator must act on."""

    kinds: dict[DeliveryKind, KindCounts] = field(default_factory=lambda: {kind: KindCounts() for kind in DeliveryKind})
    problems: list[str] = field(default_factory=list)
    held_because: str = ""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a kind made of a batch: items ready to be handed over by delivery id, and ids that fell away, and why.

    `deferred` are ids that cannot go yet: they wait for the next run.
    """

    items: Mapping[int, Any]
    withdrawn: Mapping[int, str]
    deferred: Collection[int] = ()


class Kind(Protocol):
    """How one kind of delivery is sealed, handed over and written down. `connector` is the name of who carries it."""

    connector: str
    batch_size: int
    search_lag: timedelta

    def seal(self, connection: Connection, rows: Sequence[Any], timer: Timer) -> Sealed:
        """Re-checks claimed deliveries within the transaction that commits `sending`."""
        ...

    def key_of(self, item: Any) -> str:
        """The key under which the connector answers for an item."""
        ...

    def hand_over(self, items: Sequence[Any]) -> Sequence[Result]:
        """Calls the connector, outside any transaction."""
        ...

    def delivered(self, connection: Connection, done: Sequence[tuple[Any, Any, Result]], timer: Timer) -> None:
        """Writes down what follows from (row, item, result) of deliveries that have arrived."""
        ...

    def not_delivered(self, connection: Connection, row: Any, state: DeliveryState, timer: Timer) -> None:
        """Writes down what follows from a delivery that failed for good or is uncertain."""
        ...

    def find(self, rows: Sequence[Any]) -> Mapping[str, str] | None:
        """The outside ids of those that have arrived, by delivery key; None where nobody can tell.

        Kinds whose calls may be repeated without harm find nothing and so are repeated.
        """
        ...


@dataclass(slots=True)
class _Run:
    store: Store
    timer: Timer
    policy: Policy
    claimer: Claimer
    counts: DeliverCounts
    stop: Callable[[], bool]


Progress = Callable[[int, int | None], None]


def deliver(
    store: Store,
    kinds: Mapping[DeliveryKind, Kind],
    timer: Timer,
    policy: Policy,
    *,
    progress: Progress | None = None,
    stop: Callable[[], bool] = never,
) -> DeliverCounts:
    """Delivers what is due, and gives the counts. Several processes may do so at once.

    Once `stop` says so nothing more is handed over: what is under way is written down, and claims are given back.
    """
    run = _Run(store, timer, policy, Claimer(secrets.token_hex(8), policy.deliver.lease), DeliverCounts(), stop)
    with store.read() as connection:
        _refuse_past(connection, timer.day)
        run.counts.held_because = golive.why_held(connection, timer.day)

    def lost(connection: Connection, rows: Sequence[Any]) -> None:
        for row in rows:
            if (handler := kinds.get(DeliveryKind(row.kind))) is not None:
                handler.not_delivered(connection, row, DeliveryState.UNCERTAIN, timer)

    release_lapsed(store, lost)
    done = 0
    for kind in ORDER:
        if kind not in kinds or stop():
            continue
        for taken in _deliver_kind(run, kind, kinds[kind]):
            done += taken
            if progress is not None:
                progress(done, None)
    with store.read() as connection:
        _count_waiting(connection, run.counts)
    return run.counts


def _deliver_kind(run: _Run, kind: DeliveryKind, handler: Kind) -> Iterator[int]:
    """Delivers what is due of a kind, and gives the number of each batch. A broken circuit leaves it for later."""
    breaker = Breaker(kind, handler.connector, run.policy.deliver)
    if (broken := _broken(run, breaker)) is None or broken.state is not CircuitState.OPEN:
        _settle_uncertain(run, kind, handler)
    while not run.counts.held_because and not run.stop():
        broken = _broken(run, breaker)
        if broken is not None and broken.state is CircuitState.OPEN:
            run.counts.problems.append(broken.words)
            return
        limit = run.policy.deliver.batch_size if broken is None else 1
        ids = run.claimer.claim(run.store, kind, run.timer.closing, limit)
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


def _broken(run: _Run, breaker: Breaker) -> Broken | None:
    with run.store.read() as connection:
        return breaker.broken(connection)


def _refuse_past(connection: Connection, day: date) -> None:
    query = select(engine_locks.c.last_day).where(engine_locks.c.step == "plan")
    last_day = connection.execute(query).scalar()
    if last_day is not None and day < last_day:
        raise UsageError(f"{last_day} has been planned already; a day before it ({day}) cannot be delivered any more")


def _deliver_claimed(run: _Run, breaker: Breaker, handler: Kind, ids: Sequence[int]) -> bool:
    """Delivers what was claimed; gives False where the kind is not to go on for now, and returns the rest."""
    kind = breaker.kind
    for chunk in batched(ids, handler.batch_size):
        if run.stop():
            run.claimer.give_back(run.store, ids)
            return False
        try:
            with run.store.begin() as connection:
                rows = {row.id: row for row in run.claimer.held(connection, chunk)}
                sealed = handler.seal(connection, list(rows.values()), run.timer)
                _withdraw(connection, sealed.withdrawn, run.timer)
                if sealed.items:
                    run.claimer.mark_sending(connection, list(sealed.items))
        except ConfigurationError as error:
            # A broken template stops the kind before anything was handed over; nothing of it is lost.
            run.counts.problems.append(str(error))
            run.claimer.give_back(run.store, ids)
            return False
        run.claimer.give_back(run.store, list(sealed.deferred))
        run.counts.kinds[kind].withdrawn += len(sealed.withdrawn)
        if not sealed.items:
            continue
        results = _hand_over(handler, [(rows[id], item) for id, item in sealed.items.items()])
        usable = _write_down(run, breaker, handler, rows, sealed.items, results)
        if not usable:
            run.claimer.give_back(run.store, ids)
            return False
    return True


def _hand_over(handler: Kind, batch: Sequence[tuple[Any, Any]]) -> dict[str, Result]:
    """The result of each item by its delivery's key.

    A connector that raises leaves every item uncertain, unless it says itself that nothing has been handed over: its
    own errors are raised before the call is made.
    """
    try:
        found = {result.key: result for result in handler.hand_over([item for _, item in batch])}
    except NolapseError as error:
        return {row.key: Result(row.key, Handed.FAILED, error=error) for row, _ in batch}
    except Exception as error:
        broken = FatalError(f"the connector broke off: {type(error).__name__}")
        return {row.key: Result(row.key, Handed.UNCERTAIN, error=broken) for row, _ in batch}
    return {row.key: found.get(handler.key_of(item), Result(row.key, Handed.UNCERTAIN)) for row, item in batch}


def _write_down(
    run: _Run,
    breaker: Breaker,
    handler: Kind,
    rows: Mapping[int, Any],
    items: Mapping[int, Any],
    results: Mapping[str, Result],
) -> bool:
    usable = True
    counts = run.counts.kinds[breaker.kind]
    with run.store.begin() as connection:
        arrived = []
        for id, item in items.items():
            row, result = rows[id], results[rows[id].key]
            if isinstance(result.error, ConfigurationError | FatalError | StoreError):
                usable = False
                if str(result.error) not in run.counts.problems:
                    run.counts.problems.append(str(result.error))
            if result.handed is Handed.DELIVERED:
                arrived.append((row, item, result))
            elif result.handed is Handed.UNCERTAIN:
                _set(connection, row, DeliveryState.UNCERTAIN, result)
                handler.not_delivered(connection, row, DeliveryState.UNCERTAIN, run.timer)
                counts.uncertain += 1
            elif not usable:
                _return(connection, row, result, run.timer.moment(row.send_after), spent=False)
            elif _may_repeat(result, row, run.policy):
                pause = timedelta(seconds=run.policy.deliver.retry_seconds * 2**row.attempts)
                _return(connection, row, result, run.timer.moment(row.send_after) + pause, spent=True)
            else:
                _set(connection, row, DeliveryState.FAILED, result)
                handler.not_delivered(connection, row, DeliveryState.FAILED, run.timer)
                counts.failed += 1
        if arrived:
            _set_delivered(connection, arrived)
            handler.delivered(connection, arrived, run.timer)
            counts.delivered += len(arrived)
        if breaker.note(connection, results) and (broken := breaker.broken(connection)) is not None:
            run.counts.problems.append(broken.words)
            usable = False
    return usable


def _may_repeat(result: Result, row: Any, policy: Policy) -> bool:
    lasting = result.error is not None and result.error.permanent
    return not lasting and row.attempts + 1 < policy.deliver.max_attempts


def _set_delivered(connection: Connection, arrived: Sequence[tuple[Any, Any, Result]]) -> None:
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == bindparam("which"))
        .values(
            state=DeliveryState.DELIVERED,
            outside_id=bindparam("outside"),
            settled_at=datetime.now(UTC),
            lease_until=None,
            error="",
            payload=None,
        ),
        [{"which": row.id, "outside": result.outside_id} for row, _, result in arrived],
    )


def _set(connection: Connection, row: Any, state: DeliveryState, result: Result) -> None:
    connection.execute(
        update(deliveries)
        .where(*_still_ours(row))
        .values(
            state=state,
            error=str(result.error or "the outside system gave no answer for this item"),
            lease_until=None,
            settled_at=datetime.now(UTC) if state is DeliveryState.FAILED else None,
        )
    )


def _return(connection: Connection, row: Any, result: Result, send_after: datetime, *, spent: bool) -> None:
    """Back to waiting. A try that the connector could not even begin is not counted."""
    values: dict[str, Any] = {"state": DeliveryState.PLANNED, "lease_until": None, "error": str(result.error or "")}
    values |= {"send_after": send_after} if spent else {"attempts": row.attempts}
    connection.execute(update(deliveries).where(*_still_ours(row)).values(values))


def _still_ours(row: Any) -> tuple[ColumnElement[bool], ...]:
    """Where a call outlasted its lease another process may have settled the delivery: that stands."""
    sending = deliveries.c.state == DeliveryState.SENDING
    return deliveries.c.id == row.id, deliveries.c.token == row.token, sending


def _withdraw(connection: Connection, withdrawn: Mapping[int, str], timer: Timer) -> None:
    for id, reason in withdrawn.items():
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == id)
            .values(
                state=DeliveryState.WITHDRAWN, reason=reason, settled_at=timer.opening, lease_until=None, payload=None
            )
        )


def _settle_uncertain(run: _Run, kind: DeliveryKind, handler: Kind) -> None:
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
                _set_delivered(connection, arrived)
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
