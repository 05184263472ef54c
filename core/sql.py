"""The statements that SQLite and PostgreSQL spell in their own dialects of SQLAlchemy."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import Connection


def _insert(connection: Connection, table: Table) -> Any:
    return postgresql_insert(table) if connection.dialect.name == "postgresql" else sqlite_insert(table)


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> int:
    """Inserts the rows that break no unique key and gives how many those were. Several rows go in one round trip."""
    if not rows:
        return 0
    # The drivers do not agree on the row count of many inserts; what comes back can be counted.
    statement = _insert(connection, table).on_conflict_do_nothing().returning(*table.primary_key.columns)
    return len(connection.execute(statement, list(rows)).all())


def upsert(connection: Connection, table: Table, keys: Iterable[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Inserts the rows; where the key is taken, the other columns of the row given are written instead."""
    if not rows:
        return
    keys = list(keys)
    statement = _insert(connection, table)
    changes = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=changes), list(rows))
