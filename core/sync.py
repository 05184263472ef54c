"""Step 1, sync: order sources yield orders, what changed is stored, and the CRM's changes are taken in.

For each source: (1) accounts, reps and people it knows; (2) a pass over its orders in batches: look up digests, parse
only what is new or has changed, store it with its cycles and the evidence of renewals, one transaction per batch;
(3) after a complete pass, note which orders have vanished; (4) look for replacements among the accounts that changed;
(5) the source writes back what it is set to.
A batch that was interrupted is simply read again: its digests were not stored.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from time import monotonic
from typing import Protocol

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.engine import Connection

from core import crm_changes, cycles, records
from core.batches import batched
from core.confirmations import from_orders, from_replacements
from core.errors import UsageError
from core.intake import (
    Known,
    Taken,
    drop_roles,
    known_orders,
    mark_seen_again,
    mark_vanished,
    store_accounts,
    store_orders,
    store_reps,
)
from core.locks import Lock, holding, never
from core.model import BadRow, OrderFacts, OrderStream, Reject, SourceRow, digest_of
from core.policy import Policy
from core.ports import Crm, NamesEverybody, OrderSource, PeopleSource, WritesBack
from core.schema import orders, sync_runs
from core.sql import among
from core.store import Store
from core.timing import Timer


@dataclass(slots=True)
class SyncCounts:
    """What a sync did. `read` counts distinct orders, `rejected` rows that could not be used."""

    read: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    vanished: int = 0

    def add(self, other: "SyncCounts") -> None:
        """Adds what another pass has counted."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


class Rejects(Protocol):
    """Where rows go that cannot be used."""

    def __call__(self, source: str, header: Sequence[str], rejects: Iterable[Reject]) -> None: ...


Progress = Callable[[int, int | None], None]
_KEEP_LOCK_SECONDS = 30


@dataclass(slots=True)
class _Pass:
    """One pass over one source."""

    source: OrderSource
    lock: Lock
    counts: SyncCounts
    seen: bytearray
    accounts: set[int] = field(default_factory=set)


def sync(
    store: Store,
    sources: Sequence[OrderSource],
    crm: Crm | None,
    timer: Timer,
    policy: Policy,
    *,
    rejects: Rejects,
    allow_shrink: bool = False,
    progress: Progress | None = None,
    stop: Callable[[], bool] = never,
) -> SyncCounts:
    """Takes in what the sources and the CRM say now, and gives the counts.

    Raises `UsageError` where a report is empty or has shrunk by more than `sync.max_shrink_percent` and
    `allow_shrink` is not set; nothing has changed then. Raises `StoppedError` between two batches where `stop` asks.
    """
    counts = SyncCounts()
    with holding(store, "sync", timer.day, policy.lock_wait_seconds, stop) as lock:
        for source in sources:
            mine = SyncCounts()
            _sync_source(store, source, lock, mine, timer, policy, rejects, allow_shrink, crm, progress)
            counts.add(mine)
        if crm is not None:
            crm_changes.take(store, crm, timer, lock, policy)
        with store.begin() as connection:
            lock.done(connection, timer.day)
    return counts


def _sync_source(
    store: Store,
    source: OrderSource,
    lock: Lock,
    counts: SyncCounts,
    timer: Timer,
    policy: Policy,
    rejects: Rejects,
    allow_shrink: bool,
    crm: Crm | None,
    progress: Progress | None,
) -> None:
    with store.read() as connection:
        cursor = _last_cursor(connection, source.name)
        interrupted = _was_interrupted(connection, source.name)
        known, highest = _extent(connection, source.name)
    stream = source.orders(cursor)
    _refuse_shrink(source.name, stream, known, allow_shrink, policy.sync.max_shrink_percent)
    _take_people(store, source, lock, rejects, counts)
    with store.begin() as connection:
        started = connection.execute(
            insert(sync_runs).values(source=source.name, started_at=datetime.now(UTC)).returning(sync_runs.c.id)
        )
        run_id = started.scalar_one()
    run = _Pass(source, lock, counts, bytearray(highest + 1))
    if interrupted:
        with store.read() as connection:
            run.accounts |= _accounts_of(connection, orders.c.source == source.name)
    done = 0
    for batch in batched(_held(stream, store, lock), policy.sync.batch_size):
        lock.go_on()
        bad = [row for row in batch if isinstance(row, Reject)]
        rows = [row for row in batch if not isinstance(row, Reject)]
        bad += _take_batch(store, run, rows, [row.key for row in bad if row.key], timer, policy, crm)
        if bad:
            counts.rejected += len(bad)
            rejects(source.name, stream.header, bad)
        done += len(batch)
        if progress is not None:
            progress(done, stream.size)
    if stream.complete:
        _note_vanished(store, run, highest, timer)
    _note_replacements(store, run, timer)
    with store.begin() as connection:
        connection.execute(
            update(sync_runs)
            .where(sync_runs.c.id == run_id)
            .values(
                finished_at=datetime.now(UTC), complete=stream.complete, cursor=stream.cursor, counts=asdict(counts)
            )
        )
    if isinstance(source, WritesBack):
        lock.go_on()
        source.write_back(timer.day)


def _held(stream: OrderStream, store: Store, lock: Lock) -> Iterator[SourceRow | Reject]:
    """The stream; the lock is kept while a slow source takes minutes for a batch."""
    kept = monotonic()
    for row in stream:
        lock.go_on()
        yield row
        if monotonic() - kept > _KEEP_LOCK_SECONDS:
            with store.begin() as connection:
                lock.renew(connection)
            kept = monotonic()


def _last_cursor(connection: Connection, source: str) -> str | None:
    finished = (sync_runs.c.source == source) & sync_runs.c.finished_at.is_not(None)
    query = select(sync_runs.c.cursor).where(finished).order_by(sync_runs.c.id.desc()).limit(1)
    cursor: str | None = connection.execute(query).scalar()
    return cursor


def _was_interrupted(connection: Connection, source: str) -> bool:
    """Whether the last pass broke off: what it had stored was never searched for replacements."""
    query = select(sync_runs.c.finished_at).where(sync_runs.c.source == source).order_by(sync_runs.c.id.desc())
    last = connection.execute(query.limit(1)).one_or_none()
    return last is not None and last.finished_at is None


def _extent(connection: Connection, source: str) -> tuple[int, int]:
    """How many orders of this source are known and have not vanished, and the highest id of any."""
    query = select(func.count(), func.max(orders.c.id)).where(orders.c.source == source)
    count, highest = connection.execute(query.where(orders.c.vanished_on.is_(None))).one()
    return count, highest or 0


def _refuse_shrink(source: str, stream: OrderStream, known: int, allow_shrink: bool, max_shrink_percent: int) -> None:
    if not stream.complete or stream.size is None or allow_shrink:
        return
    if stream.size == 0:
        raise UsageError(
            f"{source}: the report holds no order; nothing was changed (--allow-shrink takes it all the same)"
        )
    if stream.size * 100 < known * (100 - max_shrink_percent):
        raise UsageError(
            f"{source}: the report names {stream.size} orders where {known} are known, more than {max_shrink_percent} % "
            "fewer; nothing was changed (--allow-shrink takes it all the same)"
        )


def _take_people(store: Store, source: OrderSource, lock: Lock, rejects: Rejects, counts: SyncCounts) -> None:
    if not isinstance(source, PeopleSource):
        return
    reps, bad_reps = source.reps()
    accounts, bad_accounts = source.accounts()
    with store.begin() as connection:
        lock.renew(connection)
        store_reps(connection, reps)
    for batch in batched(accounts, 500):
        with store.begin() as connection:
            lock.renew(connection)
            store_accounts(connection, source.name, batch, overwrite=True)
    if isinstance(source, NamesEverybody) and source.names_everybody and not bad_accounts:
        named = {(one.key, person.email) for one in accounts for person in one.people}
        with store.begin() as connection:
            lock.renew(connection)
            drop_roles(connection, source.name, named)
    if bad := [*bad_reps, *bad_accounts]:
        counts.rejected += len(bad)
        rejects(source.name, (), bad)


def _take_batch(
    store: Store,
    run: _Pass,
    rows: Sequence[SourceRow],
    unusable: Sequence[str],
    timer: Timer,
    policy: Policy,
    crm: Crm | None,
) -> list[Reject]:
    if not rows and not unusable:
        return []
    with store.read() as connection:
        known = known_orders(connection, [*(row.key for row in rows), *unusable])
    for key in unusable:
        if key in known and known[key].id < len(run.seen):
            run.seen[known[key].id] = 1
    pending: list[SourceRow] = []
    returned: list[int] = []
    for row in rows:
        stored = known.get(row.key)
        if stored is not None:
            if stored.id < len(run.seen):
                run.seen[stored.id] = 1
            if stored.vanished:
                returned.append(stored.id)
            if stored.digest == row.digest:
                continue
        pending.append(row)
    parsed, bad = _parse(pending)
    counts = run.counts
    counts.read += len(rows)
    counts.unchanged += len(rows) - len(pending)
    if parsed or returned:
        _store_batch(store, run, parsed, known, returned, timer, policy, crm)
    return bad


def _parse(rows: Sequence[SourceRow]) -> tuple[list[tuple[OrderFacts, bytes]], list[Reject]]:
    parsed, bad = [], []
    for row in rows:
        try:
            parsed.append((row.read(), row.digest))
        except BadRow as error:
            bad.append(Reject(row.where, error.column, error.reason, error.raw, row.key))
    return parsed, bad


def _store_batch(
    store: Store,
    run: _Pass,
    parsed: Sequence[tuple[OrderFacts, bytes]],
    known: dict[str, Known],
    returned: Sequence[int],
    timer: Timer,
    policy: Policy,
    crm: Crm | None,
) -> None:
    with store.begin() as connection:
        run.lock.renew(connection)
        mark_seen_again(connection, returned)
        taken = _store(connection, run.source.name, parsed, known, timer, policy, wants_records=crm is not None)
        run.accounts |= _accounts_of(connection, orders.c.id.in_([one.id for one in taken]))
    run.counts.new += sum(one.new for one in taken)
    run.counts.changed += sum(not one.new for one in taken)


def _store(
    connection: Connection,
    source: str,
    parsed: Sequence[tuple[OrderFacts, bytes]],
    known: dict[str, Known],
    timer: Timer,
    policy: Policy,
    *,
    wants_records: bool,
) -> list[Taken]:
    taken = store_orders(connection, source, parsed, known, timer.opening)
    cycles.follow(connection, taken, cycles.Frame.of(policy.cadences, timer.day))
    from_orders(connection, source, taken, timer.day, timer.opening)
    if wants_records:
        records.queue(connection, [one.id for one in taken], timer)
    return taken


def take_orders(
    connection: Connection, source: str, found: Sequence[OrderFacts], timer: Timer, policy: Policy, *, records: bool
) -> None:
    """Stores single orders as their source tells them now, between two passes, with all that a pass draws from them.

    Whoever calls holds the step sync.
    """
    by_key = {facts.key: (facts, digest_of(repr(facts))) for facts in found}
    known = known_orders(connection, list(by_key))
    mark_seen_again(connection, [one.id for one in known.values() if one.vanished])
    parsed = [one for key, one in by_key.items() if key not in known or known[key].digest != one[1]]
    taken = _store(connection, source, parsed, known, timer, policy, wants_records=records)
    accounts = _accounts_of(connection, among(orders.c.id, [one.id for one in taken]))
    from_replacements(connection, sorted(accounts), timer.day, timer.opening)


def _accounts_of(connection: Connection, which: ColumnElement[bool]) -> set[int]:
    return set(connection.execute(select(orders.c.account_id).where(which).distinct()).scalars())


def _note_vanished(store: Store, run: _Pass, highest: int, timer: Timer) -> None:
    for first in range(0, highest + 1, 50_000):
        with store.begin() as connection:
            run.lock.renew(connection)
            span = (orders.c.id >= first) & (orders.c.id < first + 50_000) & (orders.c.source == run.source.name)
            present = connection.execute(select(orders.c.id).where(span, orders.c.vanished_on.is_(None))).scalars()
            gone = [order_id for order_id in present if order_id <= highest and not run.seen[order_id]]
            mark_vanished(connection, gone, timer.day)
        run.counts.vanished += len(gone)


def _note_replacements(store: Store, run: _Pass, timer: Timer) -> None:
    for batch in batched(sorted(run.accounts), 500):
        with store.begin() as connection:
            run.lock.renew(connection)
            from_replacements(connection, batch, timer.day, timer.opening)
