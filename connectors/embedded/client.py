"""The statements of the embedded CRM: one transaction for each call, each statement for a whole batch."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, Date, Engine, Table, Text, bindparam, case, inspect, select, text, update
from sqlalchemy.engine import Connection, RowMapping

from connectors.embedded.mapping import DONE, OPEN
from connectors.embedded.tables import (
    embedded_changes,
    embedded_mails,
    embedded_notes,
    embedded_records,
    embedded_tasks,
    metadata,
)
from core.batches import batched
from core.columns import UtcTime
from core.sql import among, insert_new, upsert
from core.store import Store

KEYS_PER_QUERY = 1000

_RAISE = (
    update(embedded_tasks)
    .where(embedded_tasks.c.task_key == bindparam("raised_key"))
    .values(
        urgency=case(
            (
                embedded_tasks.c.urgency == bindparam("if_urgency", type_=Text),
                bindparam("to_urgency", type_=Text),
            ),
            else_=embedded_tasks.c.urgency,
        ),
        due_on=case(
            (
                embedded_tasks.c.due_on == bindparam("if_due_on", type_=Date),
                bindparam("to_due_on", type_=Date),
            ),
            else_=embedded_tasks.c.due_on,
        ),
        order_keys=bindparam("to_order_keys", type_=JSON),
    )
)
_CLOSE = (
    update(embedded_tasks)
    .where(embedded_tasks.c.task_key == bindparam("closed_key"), embedded_tasks.c.status == OPEN)
    .values(status=DONE, reason=bindparam("why", type_=Text), done_at=bindparam("now", type_=UtcTime))
)

_ASSIGN = (
    update(embedded_tasks)
    .where(
        embedded_tasks.c.task_key == bindparam("assigned_key"),
        embedded_tasks.c.owner_key == bindparam("if_owner", type_=Text),
        embedded_tasks.c.status == OPEN,
    )
    .values(owner_key=bindparam("to_owner", type_=Text))
)


class Client:
    """The embedded tables of a store. A failure of the database is a `StoreError`."""

    def __init__(self, engine: Engine) -> None:
        self._store = Store(engine)

    def missing_tables(self) -> list[str]:
        """Which of the embedded tables the database does not have."""
        with self._store.read() as connection:
            there = set(inspect(connection).get_table_names())
        return sorted(set(metadata.tables) - there)

    def put(self, table: Table, key: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Writes rows; those that are there already are overwritten."""
        with self._store.begin() as connection:
            upsert(connection, table, [key], rows)

    def add(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Writes rows; those that are there already stay as they are."""
        with self._store.begin() as connection:
            insert_new(connection, table, rows)

    def tasks_there(self, keys: Iterable[str]) -> set[str]:
        """Which of these tasks exist."""
        with self._store.read() as connection:
            return _known(connection, embedded_tasks, "task_key", keys)

    def mails_there(self, keys: Iterable[str]) -> set[str]:
        """Which of these mails are known to have been put into the mailbox."""
        with self._store.read() as connection:
            return _known(connection, embedded_mails, "key", keys)

    def raise_tasks(self, steps: Sequence[Mapping[str, Any]]) -> set[str]:
        """Raises tasks as far as nobody has changed them, and gives which of them exist."""
        with self._store.begin() as connection:
            if steps:
                connection.execute(_RAISE, list(steps))
            return _known(connection, embedded_tasks, "task_key", (step["raised_key"] for step in steps))

    def close_tasks(self, closes: Sequence[Mapping[str, Any]]) -> set[str]:
        """Completes those tasks that are open, and gives which of them exist."""
        with self._store.begin() as connection:
            if closes:
                connection.execute(_CLOSE, list(closes))
            return _known(connection, embedded_tasks, "task_key", (close["closed_key"] for close in closes))

    def assign_tasks(self, assigns: Sequence[Mapping[str, Any]]) -> set[str]:
        """Gives open tasks to their new owners as far as nobody has done so, and gives which of them exist."""
        with self._store.begin() as connection:
            if assigns:
                connection.execute(_ASSIGN, list(assigns))
            return _known(connection, embedded_tasks, "task_key", (one["assigned_key"] for one in assigns))

    def notes(self, conditions: Sequence[Any]) -> list[RowMapping]:
        """The notes for which all conditions hold, the newest first."""
        query = select(embedded_notes).where(*conditions).order_by(embedded_notes.c.at.desc(), embedded_notes.c.key)
        with self._store.read() as connection:
            return list(connection.execute(query).mappings())

    def tell(self, change: Mapping[str, Any]) -> None:
        """Notes something for the engine to read."""
        with self._store.begin() as connection:
            self._order_changes(connection)
            insert_new(connection, embedded_changes, [change])

    def _order_changes(self, connection: Connection) -> None:
        # Ids are given before they are committed: without the lock a reader could pass by one that comes late.
        if not self._store.is_sqlite:
            connection.execute(text("LOCK TABLE embedded_changes IN SHARE ROW EXCLUSIVE MODE"))

    def records(self, order_keys: Iterable[str]) -> list[RowMapping]:
        """The records of these orders."""
        found: list[RowMapping] = []
        with self._store.read() as connection:
            for some in batched(order_keys, KEYS_PER_QUERY):
                query = select(embedded_records).where(embedded_records.c.order_key.in_(some))
                found += connection.execute(query).mappings()
        return found

    def changes(self, after: int, limit: int) -> list[RowMapping]:
        """The first changes behind this id, in their order."""
        query = select(embedded_changes).where(embedded_changes.c.id > after)
        with self._store.read() as connection:
            return list(connection.execute(query.order_by(embedded_changes.c.id).limit(limit)).mappings())

    def tasks(self, conditions: Sequence[Any]) -> list[RowMapping]:
        """The tasks for which all conditions hold."""
        with self._store.read() as connection:
            return list(connection.execute(select(embedded_tasks).where(*conditions)).mappings())

    def complete(
        self, task_key: str, values: Mapping[str, Any], change: Mapping[str, Any]
    ) -> tuple[RowMapping, bool] | None:
        """Sets a task to done with the outcome in `values` and notes the change, unless both are as they were.

        Gives the task as it is then, and whether that is new; None where there is no such task.
        """
        mine = embedded_tasks.c.task_key == task_key
        with self._store.begin() as connection:
            self._order_changes(connection)
            task = connection.execute(select(embedded_tasks).where(mine)).mappings().one_or_none()
            if task is None:
                return None
            new_outcome = (task["status"], task["outcome"]) != (DONE, values["outcome"])
            note = values["note"] or task["note"]
            if not new_outcome and note == task["note"]:
                return task, False
            written = {**values, "note": note}
            if new_outcome:
                insert_new(connection, embedded_changes, [{**change, "account_key": task["account_key"]}])
            else:
                written["done_at"] = task["done_at"]
            connection.execute(update(embedded_tasks).where(mine).values(written))
            return connection.execute(select(embedded_tasks).where(mine)).mappings().one(), True


def _known(connection: Connection, table: Table, column: str, keys: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for some in batched(dict.fromkeys(keys), KEYS_PER_QUERY):
        found |= set(connection.execute(select(table.c[column]).where(among(table.c[column], some))).scalars())
    return found
