"""What the tables are made of: their common naming, times in UTC, and columns of the usual kinds."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Text,
    false,
    text,
    true,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcTime(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC in the database. A naive time is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone cannot be stored")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# SQLite numbers rows by itself only where the key is exactly INTEGER.
Id = BigInteger().with_variant(Integer(), "sqlite")


def id_column() -> Column[int]:
    """The number of a row."""
    return Column("id", Id, primary_key=True, autoincrement=True)


def word(name: str, default: str = "") -> Column[str]:
    """A text that is never NULL."""
    return Column(name, Text, nullable=False, server_default=text(f"'{default}'"))


def flag(name: str, default: bool = False) -> Column[bool]:
    """A yes or no that is never NULL."""
    return Column(name, Boolean, nullable=False, server_default=true() if default else false())


def reference(name: str, target: str, *, nullable: bool = False) -> Column[Any]:
    """The number of a row of another table, `table.id`."""
    return Column(name, Id, ForeignKey(target), nullable=nullable)


def index_where_set(table: str, name: str) -> Index:
    """An index of those rows in which a column is not NULL."""
    there = text(f"{name} is not null")
    return Index(f"ix_{table}_{name}", name, sqlite_where=there, postgresql_where=there)
