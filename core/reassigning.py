"""Gives accounts another owner."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select, update
from sqlalchemy.engine import Connection

from core import records
from core.errors import UsageError
from core.schema import accounts, orders, reps, tasks
from core.timing import Timer
from core.words import TaskKind, TaskState


@dataclass(frozen=True, slots=True)
class Reassigned:
    """How many accounts changed hands, how many of their tasks that no CRM has yet went along, how many stand there."""

    accounts: int
    waiting_tasks: int
    open_tasks: int


def accounts_of(connection: Connection, rep_key: str) -> list[int]:
    """The accounts that a rep owns."""
    query = select(accounts.c.id).where(accounts.c.owner_key == rep_key).order_by(accounts.c.id)
    return list(connection.execute(query).scalars())


def reassign(
    connection: Connection, account_ids: Collection[int], to: str, timer: Timer, *, tell_crm: bool
) -> Reassigned:
    """Makes the rep `to` the owner of these accounts. Calls that have not reached the CRM go along.

    With `tell_crm` the records of their orders go there again. Raises `UsageError` for a rep who is not known or not
    active.
    """
    active = connection.execute(select(reps.c.active).where(reps.c.rep_key == to)).scalar()
    if not active:
        what = "is not active" if active is not None else "is not known"
        known = connection.execute(select(reps.c.rep_key).where(reps.c.active).order_by(reps.c.rep_key).limit(20))
        raise UsageError(f"the rep {to} {what}; known are {', '.join(known.scalars()) or 'none'}")
    moving = accounts.c.id.in_(account_ids) & (accounts.c.owner_key != to)
    moved = connection.execute(update(accounts).where(moving).values(owner_key=to).returning(accounts.c.id))
    ids = list(moved.scalars())
    if tell_crm:
        about = select(orders.c.id).where(orders.c.account_id.in_(ids))
        records.queue(connection, connection.execute(about).scalars().all(), timer)
    theirs = tasks.c.account_id.in_(ids) & (tasks.c.kind != TaskKind.SUPPORT)
    waiting = update(tasks).where(theirs, tasks.c.state == TaskState.PLANNED).values(owner_key=to)
    standing = select(func.count()).select_from(tasks).where(theirs, tasks.c.state == TaskState.OPEN)
    return Reassigned(len(ids), connection.execute(waiting).rowcount, connection.execute(standing).scalar_one())
