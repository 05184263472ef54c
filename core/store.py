"""The store: one SQLAlchemy engine on SQLite or PostgreSQL, its transactions, and database failures in plain words.

SQLite runs in WAL mode with `synchronous=FULL`, because a lost `sending` would double a mail, and every writing
transaction begins IMMEDIATE, so that it fails or waits at its start and never in the middle.
"""

import json
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any
from weakref import WeakSet

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import ArgumentError, DBAPIError

from core.errors import ConfigurationError, StoreError

BUSY_SECONDS = 30


class Store:
    """The database. `begin` is a writing transaction, `read` one that promises to write nothing."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._turn = Lock() if self.is_sqlite else nullcontext()

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        # SQLite lets one write at a time and has the others look again every so often; threads can take turns instead.
        with self._turn, plain_words(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with plain_words(), self.engine.connect().execution_options(read_only=True) as connection:
            yield connection

    def rewrite(self) -> None:
        """Lets nothing of what was deleted linger in SQLite's files; a server sees to that by itself.

        Needs once more the room of the database. What another process reads just then keeps its place until it ends.
        """
        if not self.is_sqlite:
            return
        with self._turn, plain_words():
            connection = self.engine.raw_connection()
            try:
                cursor = connection.cursor()
                cursor.execute("VACUUM")
                cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                cursor.close()
            finally:
                connection.close()

    def close(self) -> None:
        self.engine.dispose()


_rehearsed: WeakSet[Engine] = WeakSet()


def is_rehearsed(engine: Engine) -> bool:
    """Whether a rehearsal is under way on this engine; on SQLite it keeps every other writer out."""
    return engine in _rehearsed


class Rehearsal(Store):
    """A store on which everything works and nothing stays: one outer transaction that is always rolled back."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.engine)
        self._outer = store.engine.connect()
        self._transaction = self._outer.begin()
        _rehearsed.add(store.engine)

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        with plain_words(), self._outer.begin_nested():
            yield self._outer

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with plain_words():
            yield self._outer

    def close(self) -> None:
        _rehearsed.discard(self.engine)
        self._transaction.rollback()
        self._outer.close()


@contextmanager
def rehearse(store: Store) -> Iterator[Store]:
    """A rehearsal that is rolled back at the end, whatever happens."""
    rehearsal = Rehearsal(store)
    try:
        yield rehearsal
    finally:
        rehearsal.close()


def open_store(url: str, password: str | None = None) -> Store:
    """The store behind a database URL. Raises `ConfigurationError` for a URL that cannot be used."""
    parsed = _parse(url, password)
    options: dict[str, Any] = {"json_serializer": _compact_json}
    if parsed.get_backend_name() == "sqlite":
        _check_sqlite_place(parsed)
        engine = create_engine(parsed, connect_args={"timeout": BUSY_SECONDS}, **options)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    else:
        # The name shows among the server's connections; one that the URL gives goes before.
        connect = {"connect_timeout": 10, "fallback_application_name": "nolapse"}
        engine = create_engine(parsed, pool_pre_ping=True, connect_args=connect, **options)
    return Store(engine)


_DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


def _parse(url: str, password: str | None) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except (ArgumentError, ValueError):
        # What it says of the address could show the password.
        raise ConfigurationError(
            "store.url is no database address; write sqlite:///FILE or postgresql://USER@HOST/DATABASE"
        ) from None
    if backend not in _DRIVERS:
        raise ConfigurationError(f"store.url: {backend} is not supported; use sqlite or postgresql")
    parsed = parsed.set(drivername=_DRIVERS[backend])
    return parsed.set(password=password) if password else parsed


def _check_sqlite_place(url: URL) -> None:
    if not url.database or url.database == ":memory:":
        raise ConfigurationError("store.url names no file; write sqlite:///FILE")
    file = Path(url.database)
    if not file.parent.is_dir():
        raise ConfigurationError(f"store.url: the folder {file.parent} does not exist; create it first")
    target = file if file.exists() else file.parent
    if not os.access(target, os.W_OK):
        raise ConfigurationError(f"store.url: {target} is not writable; give the account of nolapse the right to write")


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA cache_size=-65536")


def _begin_sqlite(connection: Connection) -> None:
    reading = connection.get_execution_options().get("read_only")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


_compact_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


@contextmanager
def plain_words() -> Iterator[None]:
    """Turns a failure of the database into a `StoreError` with one clear line."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        # What goes wrong while a connection is prepared comes straight from the driver.
        if (words := _words_for(error.orig if isinstance(error, DBAPIError) else error)) is None:
            raise
        raise StoreError(words) from error


_KNOWN = (
    ("no such table", "the database has no tables yet; run `nolapse migrate`"),
    ("no such column", "the database is of an older version; run `nolapse migrate`"),
    ("has no column named", "the database is of an older version; run `nolapse migrate`"),
    ("readonly database", "the database is read-only; give the account of nolapse the right to write to it"),
    ("database is locked", f"the database stayed locked for {BUSY_SECONDS} seconds; another program holds it"),
    ("disk is full", "the disk of the database is full; free some room and run the command again"),
    ("No space left", "the disk of the database is full; free some room and run the command again"),
    ("disk I/O error", "the disk of the database cannot be read or written; check the disk and its free room"),
    (
        "unable to open database file",
        "the database file cannot be opened; check that its folder exists and is writable",
    ),
    ("file is not a database", "the file at store.url is not a database; choose another file"),
    ("malformed", "the database file is damaged; restore the last backup"),
    ('role "', "the database refuses the user or password; check store.url and its password"),
    ("password authentication failed", "the database refuses the user or password; check store.url and its password"),
    ("no password supplied", "the database asks for a password; set NOLAPSE_STORE__PASSWORD or store.password_file"),
    ("Connection refused", "the database server does not answer; check the address in store.url and that it runs"),
    ("connection timeout", "the database server does not answer in time; check the address in store.url"),
    ("could not translate host name", "the host in store.url is not known; check the address"),
    ("failed to resolve host", "the host in store.url is not known; check the address"),
    ("server closed the connection", "the database server closed the connection; run the command again"),
    ("terminating connection", "the database server closed the connection; run the command again"),
    ("connection is lost", "the database server closed the connection; run the command again"),
)


_MISSING_DATABASE = re.compile('database ".*" does not exist')


def _words_for(error: BaseException | None) -> str | None:
    told = str(error)
    code = getattr(error, "sqlstate", None)
    if code == "42P01":
        return "the database has no tables yet; run `nolapse migrate`"
    if code == "42703":
        return "the database is of an older version; run `nolapse migrate`"
    if code == "42P07" or (told.startswith("table ") and told.endswith(" already exists")):
        return "the database holds tables of another program; name an empty database in store.url"
    # A server that refuses the connection gives no code.
    if code == "3D000" or _MISSING_DATABASE.search(told):
        return "the database named in store.url does not exist; create it first"
    if code == "42501":
        return "the database user may not do this; grant it the right to use and create tables"
    return next((words for sign, words in _KNOWN if sign in told), None)
