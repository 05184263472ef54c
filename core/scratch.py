"""A copy of the whole ledger to try things on: a database file of its own that is thrown away afterwards.

Unlike a rehearsal it keeps nobody out, however long it is worked on; and nothing waits for the disk.
"""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import delete, event, insert, inspect, select, update

from core import consents as consents  # their tables are the ledger's too
from core import forgotten as forgotten
from core import steering as steering
from core.columns import metadata
from core.errors import StoreError
from core.migrations import migrate, require_newest
from core.schema import deliveries, engine_locks
from core.store import Store, open_store, plain_words
from core.words import DeliveryState

_CHUNK = 10_000


@contextmanager
def scratch(store: Store) -> Iterator[Store]:
    """A copy of this ledger as it stands at one instant, on SQLite whatever the ledger is on; nobody else sees it.

    What others work on just then waits in the copy: no step is held, nothing is claimed. The copy needs the room of the
    ledger in the folder for temporary files (TMPDIR). Raises `StoreError` where it cannot be made there.
    """
    require_newest(store)
    try:
        folder = tempfile.TemporaryDirectory(prefix="nolapse-")
    except OSError as error:
        raise StoreError(f"no copy of the ledger can be made for the time of the work: {error.strerror}") from error
    with folder as name:
        file = Path(name) / "scratch.db"
        if store.is_sqlite:
            _copy_file(store, file)
        copy = _opened(file)
        try:
            if not store.is_sqlite:
                _copy_rows(store, copy)
            _let_go(copy)
            yield copy
        finally:
            copy.close()


def _copy_file(store: Store, file: Path) -> None:
    with plain_words():
        source = store.engine.raw_connection()
        try:
            driver: Any = source.driver_connection
            with closing(sqlite3.connect(file)) as target:
                driver.backup(target)
        finally:
            source.close()


def _copy_rows(store: Store, copy: Store) -> None:
    migrate(copy)
    one_instant = store.engine.connect().execution_options(isolation_level="REPEATABLE READ", stream_results=True)
    with plain_words(), one_instant as source, source.begin(), copy.begin() as target:
        there = set(inspect(target).get_table_names())
        for table in metadata.sorted_tables:
            if table.name not in there:
                continue
            target.execute(delete(table))
            for rows in source.execute(select(table)).partitions(_CHUNK):
                target.execute(insert(table), [dict(row._mapping) for row in rows])


def _let_go(copy: Store) -> None:
    with copy.begin() as connection:
        connection.execute(update(engine_locks).values(token=None, holder=None, lease_until=None))
        claimed = update(deliveries).where(deliveries.c.state == DeliveryState.CLAIMED)
        connection.execute(claimed.values(state=DeliveryState.PLANNED, token=None, lease_until=None))


def _opened(file: Path) -> Store:
    store = open_store(f"sqlite:///{file}")
    event.listen(store.engine, "connect", _hurry)
    return store


def _hurry(connection: sqlite3.Connection, _record: object) -> None:
    """A file that is thrown away outlives no power cut, and what it refers to was there when it was copied."""
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("PRAGMA foreign_keys=OFF")
