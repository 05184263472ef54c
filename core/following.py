"""Open tasks go to whoever does the work now: a new owner, a deputy while they are away, the owner again afterwards."""

from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import Any

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.engine import Connection

from core import records
from core.errors import UsageError
from core.owners import Roster, roster
from core.policy import TaskPolicy
from core.schema import ASKED, accounts, deliveries, orders, reps, tasks
from core.sql import insert_new
from core.timing import Timer
from core.words import DeliveryKind, DeliveryState, TaskKind, TaskState


def owners_now(connection: Connection, task_ids: Sequence[int], on: Roster) -> Mapping[int, str]:
    """Whose each of these tasks should be; an empty text where nobody is there for it."""
    query = (
        select(tasks.c.id, tasks.c.kind, accounts.c.owner_key)
        .join(accounts, accounts.c.id == tasks.c.account_id)
        .where(tasks.c.id.in_(task_ids))
    )
    return {id: on.does(TaskKind(kind), owner_key) for id, kind, owner_key in connection.execute(query)}


def follow(connection: Connection, policy: TaskPolicy, timer: Timer, account_ids: Sequence[int] | None = None) -> int:
    """Lets open tasks, of some accounts or all, follow their owners; gives how many change hands.

    One that no CRM has seen yet changes at once; the others are queued for the CRM, which leaves alone what a rep has
    given to somebody else.
    """
    on = roster(connection, policy, timer.day)
    query = (
        select(tasks.c.id, tasks.c.task_key, tasks.c.kind, tasks.c.state, tasks.c.owner_key, tasks.c.account_id)
        .add_columns(accounts.c.owner_key.label("account_owner"))
        .join(accounts, accounts.c.id == tasks.c.account_id)
        .where(text(f"tasks.{ASKED}"))
    )
    if account_ids is not None:
        query = query.where(tasks.c.account_id.in_(account_ids))
    moved: list[tuple[Any, str]] = []
    # Sorted here: asked for the order of ids, SQLite would read the whole table and not what is open.
    for row in sorted(connection.execute(query).all(), key=attrgetter("id")):
        wanted = on.does(TaskKind(row.kind), row.account_owner)
        if wanted and wanted != row.owner_key:
            moved.append((row, wanted))
    if not moved:
        return 0
    waiting = _not_yet_made(connection, [row.id for row, _ in moved if row.state == TaskState.PLANNED])
    if at_once := [{"which": row.id, "to": wanted} for row, wanted in moved if row.id in waiting]:
        by_id = update(tasks).where(tasks.c.id == bindparam("which"))
        connection.execute(by_id.values(owner_key=bindparam("to")), at_once)
    _queue(connection, [(row, wanted) for row, wanted in moved if row.id not in waiting], timer)
    return len(moved)


def _not_yet_made(connection: Connection, task_ids: Sequence[int]) -> set[int]:
    """Those of these tasks whose creation only waits; locked, so that nobody claims them meanwhile."""
    query = select(deliveries.c.task_id).where(
        deliveries.c.task_id.in_(task_ids),
        deliveries.c.kind == DeliveryKind.CALL_CREATE,
        deliveries.c.state == DeliveryState.PLANNED,
    )
    return set(connection.execute(query.with_for_update()).scalars())


def _queue(connection: Connection, moved: Sequence[tuple[Any, str]], timer: Timer) -> None:
    rows: list[dict[str, Any]] = [
        {
            "key": f"assign:{row.task_key}:{timer.day}:{wanted}",
            "kind": DeliveryKind.CALL_ASSIGN,
            "channel": "call",
            "state": DeliveryState.PLANNED,
            "account_id": row.account_id,
            "task_id": row.id,
            "day": timer.day,
            "send_after": timer.opening,
        }
        for row, wanted in moved
    ]
    insert_new(connection, deliveries, rows)


def reassign(
    connection: Connection, account_keys: Sequence[str], rep_key: str, policy: TaskPolicy, timer: Timer
) -> int:
    """Gives accounts, with their open tasks and records, to a rep; gives how many were somebody else's.

    It lasts where neither the CRM nor a source of accounts names another owner with its next sync. Raises `UsageError`
    for a rep who is not known or has left, and for an account that is not known.
    """
    active = connection.execute(select(reps.c.active).where(reps.c.rep_key == rep_key)).scalar()
    if not active:
        why = "is not known" if active is None else "has left"
        raise UsageError(f"the rep {rep_key} {why}; nothing was changed")
    query = select(accounts.c.id, accounts.c.account_key, accounts.c.owner_key)
    found = {row.account_key: row for row in connection.execute(query.where(accounts.c.account_key.in_(account_keys)))}
    if unknown := [key for key in account_keys if key not in found]:
        raise UsageError(f"there is no account {unknown[0]}; nothing was changed")
    ids = [row.id for row in found.values() if row.owner_key != rep_key]
    connection.execute(update(accounts).where(accounts.c.id.in_(ids)).values(owner_key=rep_key))
    follow(connection, policy, timer, ids)
    mine = select(orders.c.id).where(orders.c.account_id.in_(ids)).order_by(orders.c.id)
    records.queue(connection, connection.execute(mine).scalars().all(), timer)
    return len(ids)
