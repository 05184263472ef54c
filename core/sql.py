"""The statements that SQLite and PostgreSQL spell in their own dialects of SQLAlchemy."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Integer, Table, Text, cast, func, null, type_coerce
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection


def _insert(connection: Connection, table: Table) -> Any:
    return postgresql_insert(table) if connection.dialect.name == "postgresql" else sqlite_insert(table)


@cache
def _insert_new(dialect: str, table: Table) -> Any:
    """The statement is made once: making it costs more than many a row."""
    insert = postgresql_insert(table) if dialect == "postgresql" else sqlite_insert(table)
    # The drivers do not agree on the row count of many inserts; what comes back can be counted.
    return insert.on_conflict_do_nothing().returning(*table.primary_key.columns)


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Inserts the rows that break no unique key and gives how many those were. Several rows go in one round trip."""
    if not rows:
        return 0
    statement = _insert_new(connection.dialect.name, table)
    # One row needs none of what is done for many, and doors store one at a time.
    return len(connection.execute(statement, list(rows) if len(rows) > 1 else rows[0]).all())


def upsert(connection: Connection, table: Table, keys: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts the rows; where the key is taken, the other columns of the row given are written instead."""
    if not rows:
        return
    keys = list(keys)
    statement = _insert(connection, table)
    changes = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), list(rows))


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """A column for a condition that is not to be looked up by its index, where that would find far too much."""
    return func.coalesce(column, null())


def days_between(connection: Connection, later: ColumnElement[Any], earlier: ColumnElement[Any]) -> ColumnElement[int]:
    """The days from one date to another: negative where the first is the earlier."""
    if connection.dialect.name == "postgresql":
        return type_coerce(later - earlier, Integer)
    return cast(func.julianday(later) - func.julianday(earlier), Integer)


def month_of(connection: Connection, day: ColumnElement[Any]) -> ColumnElement[str]:
    """The month of a date as 2026-06."""
    if connection.dialect.name == "postgresql":
        return func.to_char(day, "YYYY-MM", type_=Text)
    return func.strftime("%Y-%m", day, type_=Text)
