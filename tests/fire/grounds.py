"""Databases that are put back to an earlier state before each death: a file is copied, or its tables are filled anew."""

import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from sqlalchemy import make_url

from tests.fire.snapshots import Tables
from tests.postgres import PostgresServer

Prepare = Callable[[str], None]


class Ground(Protocol):
    """One prepared database. `url` is where it is; `restore` puts it back, `tables` reads every row of it.

    What it holds when `mark` is called, `go_back` brings back.
    """

    url: str

    def restore(self) -> None: ...

    def mark(self) -> None: ...

    def go_back(self) -> None: ...

    def tables(self) -> Tables: ...

    def close(self) -> None: ...


class SqliteGround:
    """A file beside its prepared original."""

    def __init__(self, folder: Path, name: str, prepare: Prepare) -> None:
        self._original = folder / f"{name}.original"
        self._marked = folder / f"{name}.marked"
        self._file = folder / f"{name}.db"
        self.url = f"sqlite:///{self._file}"
        prepare(f"sqlite:///{self._original}")
        assert not Path(f"{self._original}-wal").exists(), "the preparation left its database open"

    def restore(self) -> None:
        self._put(self._original)

    def mark(self) -> None:
        assert not Path(f"{self._file}-wal").exists(), "somebody has the database open"
        shutil.copyfile(self._file, self._marked)

    def go_back(self) -> None:
        self._put(self._marked)

    def _put(self, copy: Path) -> None:
        for end in ("-wal", "-shm"):
            Path(f"{self._file}{end}").unlink(missing_ok=True)
        shutil.copyfile(copy, self._file)

    def tables(self) -> Tables:
        return tables_at(self.url)

    def close(self) -> None:
        self._file.unlink(missing_ok=True)


class PostgresGround:
    """A database that keeps rows in schemas of their own: filling its tables anew is faster than copying it."""

    def __init__(self, server: PostgresServer, prepare: Prepare) -> None:
        self._server = server
        self._name = server.create()
        self.url = server.url(self._name)
        prepare(self.url)
        self._connection = _connect(self.url)
        self._tables = _names_in(self._connection)
        for schema in ("kept", "marked"):
            self._connection.execute(sql.SQL("create schema {}").format(sql.Identifier(schema)))
            for name in self._tables:
                copy = sql.SQL("create table {schema}.{name} as table public.{name}")
                self._connection.execute(copy.format(schema=sql.Identifier(schema), name=sql.Identifier(name)))
        self._restore = self._going_back_to("kept")
        self._go_back = self._restore

    def restore(self) -> None:
        self._connection.execute(self._restore)

    def mark(self) -> None:
        fill = "delete from marked.{name}; insert into marked.{name} table public.{name}"
        parts = [sql.SQL(fill).format(name=sql.Identifier(name)) for name in self._tables]
        self._connection.execute(sql.SQL("; ").join([sql.SQL("begin"), *parts, sql.SQL("commit")]))
        self._go_back = self._going_back_to("marked")

    def go_back(self) -> None:
        self._connection.execute(self._go_back)

    def _going_back_to(self, schema: str) -> sql.Composed:
        """What fills every table with the rows that a schema keeps, and sets every sequence to where it is now."""
        # Its foreign keys hold before and after, not in between.
        parts: list[sql.Composable] = [sql.SQL("begin; set local session_replication_role = replica")]
        for name in self._tables:
            rows = sql.SQL("delete from public.{name}; insert into public.{name} table {schema}.{name}")
            parts.append(rows.format(name=sql.Identifier(name), schema=sql.Identifier(schema)))
        numbers = "select sequencename, last_value from pg_sequences where schemaname = 'public' order by sequencename"
        for row in self._connection.execute(numbers):
            number = sql.SQL("select setval({name}, {last}, {used})")
            last = row["last_value"]
            parts.append(
                number.format(name=sql.Literal(row["sequencename"]), last=last or 1, used=sql.Literal(last is not None))
            )
        return sql.SQL("; ").join([*parts, sql.SQL("commit")])

    def tables(self) -> Tables:
        return _read(self._connection, self._tables)

    def close(self) -> None:
        """The database goes with its server, which may be gone already."""
        self._connection.close()


def tables_at(url: str) -> Tables:
    """Every row of every table of a database, read past the engine."""
    if url.startswith("postgresql"):
        with closing(_connect(url)) as server:
            return _read(server, _names_in(server))
    with closing(sqlite3.connect(str(make_url(url).database), isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        wanted = "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name"
        names = [row["name"] for row in connection.execute(wanted)]
        return {name: sorted(map(dict, connection.execute(f"select * from {name}")), key=repr) for name in names}


def _connect(url: str) -> psycopg.Connection[dict[str, Any]]:
    parsed = make_url(url)
    return psycopg.connect(
        host=parsed.host,
        port=parsed.port or 5432,
        user=parsed.username,
        dbname=parsed.database,
        autocommit=True,
        row_factory=dict_row,
    )


def _names_in(server: psycopg.Connection[dict[str, Any]]) -> list[str]:
    wanted = "select tablename from pg_tables where schemaname = 'public' order by tablename"
    return [row["tablename"] for row in server.execute(wanted)]


def _read(server: psycopg.Connection[dict[str, Any]], names: Sequence[str]) -> Tables:
    def rows(name: str) -> list[dict[str, Any]]:
        return server.execute(sql.SQL("select * from {}").format(sql.Identifier(name))).fetchall()

    return {name: sorted(rows(name), key=repr) for name in names}
