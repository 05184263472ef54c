"""Where the benchmarks keep their databases: SQLite files in a folder, or databases of a PostgreSQL server."""

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from core.errors import ConfigurationError


class Place(Protocol):
    """Makes, copies and drops databases, each known by its URL."""

    name: str

    def create(self, name: str) -> str: ...

    def copy(self, url: str, name: str) -> str: ...

    def drop(self, url: str) -> None: ...


class SqliteFiles:
    """A file for each database. A copy is one of the closed file, so that its log is in it."""

    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def create(self, name: str) -> str:
        return f"sqlite:///{self._folder / name}.db"

    def copy(self, url: str, name: str) -> str:
        copied = self.create(name)
        shutil.copyfile(_file(url), _file(copied))
        return copied

    def drop(self, url: str) -> None:
        for ending in ("", "-wal", "-shm"):
            _file(url).with_name(_file(url).name + ending).unlink(missing_ok=True)


def _file(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


class PostgresDatabases:
    """Databases beside the one at `url`, whose user must be allowed to create them."""

    name = "PostgreSQL"

    def __init__(self, url: str) -> None:
        self._url = make_url(url).set(drivername="postgresql")

    def create(self, name: str) -> str:
        return self._made(name, "template1")

    def copy(self, url: str, name: str) -> str:
        return self._made(name, str(make_url(url).database))

    def drop(self, url: str) -> None:
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", str(make_url(url).database))

    def _made(self, name: str, template: str) -> str:
        database = f"nolapse_bench_{name}"
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", database)
        self._run("CREATE DATABASE {} TEMPLATE {}", database, template)
        return self._url.set(database=database).render_as_string(hide_password=False)

    def _run(self, statement: str, *names: str) -> None:
        told: dict[str, Any] = {"conninfo": self._url.render_as_string(hide_password=False), "autocommit": True}
        with closing(psycopg.connect(**told)) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


@contextmanager
def place_for(url: str | None, folder: Path) -> Iterator[Place]:
    """The server behind a PostgreSQL URL, or files in the folder. Raises `ConfigurationError` for any other URL."""
    if url is None:
        yield SqliteFiles(folder)
        return
    if make_url(url).get_backend_name() != "postgresql":
        raise ConfigurationError("--store: write postgresql://USER@HOST/DATABASE, or leave it out for SQLite")
    yield PostgresDatabases(url)
