"""The statements that SQLite and PostgreSQL spell in their own dialects of SQLAlchemy."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Dialect,
    Integer,
    Table,
    Text,
    bindparam,
    cast,
    func,
    null,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine


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


class _Several(TypeDecorator[Any]):
    """Numbers or texts as one parameter: a list in JSON for SQLite, an array for PostgreSQL."""

    impl = Text
    cache_ok = True

    def __init__(self, *, numbers: bool) -> None:
        super().__init__()
        self.numbers = numbers

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(ARRAY(BigInteger() if self.numbers else Text()))
        return dialect.type_descriptor(Text())

    def process_bind_param(self, value: Any, dialect: Dialect) -> Any:
        return list(value) if dialect.name == "postgresql" else json.dumps(list(value))


class _Among(FunctionElement[Any]):
    """A column and a parameter with several values, of which it is one."""

    name = "among"
    inherit_cache = True
    # Not Boolean: SQLite would be asked whether it "= 1", and then looks nothing up by an index.
    type = NullType()


@compiles(_Among)
def _among_list(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    column, values = (compiler.process(one, **how) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608, put together by the compiler


@compiles(_Among, "postgresql")
def _among_array(element: _Among, compiler: SQLCompiler, **how: Any) -> str:
    column, values = (compiler.process(one, **how) for one in element.clauses)
    return f"{column} = ANY({values})"


def among(column: ColumnElement[Any], values: Collection[int] | Collection[str] | str) -> ColumnElement[bool]:
    """That a column of numbers or texts has one of these values; a name stands for a parameter that gives them.

    What `in_` says with a parameter for each value, this says with one for all: the statement stays the same however
    many they are, and neither SQLAlchemy nor the database has to look at each of them beforehand.
    """
    several = _Several(numbers=isinstance(column.type, Integer))
    given = (
        bindparam(values, type_=several) if isinstance(values, str) else bindparam(None, values, several, unique=True)
    )
    return _Among(column, given)


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
