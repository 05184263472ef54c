"""Takes in what people did in the CRM since the last sync: task outcomes, owners, wishes."""

import logging

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from core import wishes
from core.confirmations import Confirmation, note
from core.errors import UsageError
from core.locks import Lock
from core.ports import Crm, CrmChange
from core.schema import accounts, cycles, meta, orders, task_orders, tasks
from core.sql import upsert
from core.store import Store
from core.suppressions import suppress
from core.timing import Timer
from core.words import Certainty, Channel, Clock, Nature, TaskState

log = logging.getLogger("nolapse.crm")

RENEWED = "renewed"
DO_NOT_CALL = "do_not_call"


def take(store: Store, crm: Crm, timer: Timer, lock: Lock) -> int:
    """Stores the CRM's changes, each once, and gives how many those were."""
    key = f"crm_cursor:{crm.name}"
    with store.read() as connection:
        cursor: str | None = connection.execute(select(meta.c.value).where(meta.c.key == key)).scalar()
    taken = 0
    while True:
        changes, following = crm.changes(cursor)
        with store.begin() as connection:
            lock.renew(connection)
            for change in changes:
                _apply(connection, crm.name, change, timer)
            if following is not None:
                upsert(connection, meta, ["key"], [{"key": key, "value": following}])
        taken += len(changes)
        if not changes or following == cursor:
            return taken
        cursor = following


def _apply(connection: Connection, crm: str, change: CrmChange, timer: Timer) -> None:
    account = accounts.c.account_key == change.account_key
    match change.what:
        case "task_outcome":
            _task_outcome(connection, crm, change, timer)
        case "owner":
            connection.execute(update(accounts).where(account).values(owner_key=change.value))
        case "do_not_contact":
            connection.execute(update(accounts).where(account).values(do_not_contact=True))
        case "do_not_call":
            connection.execute(update(accounts).where(account).values(do_not_call=True))
        case "optout":
            _opted_out(connection, crm, change, timer)
        case _:
            wishes.apply(connection, crm, change, timer)


def _opted_out(connection: Connection, crm: str, change: CrmChange, timer: Timer) -> None:
    told = "opted out in the CRM"
    try:
        suppress(connection, change.value, Channel.MAIL, Nature.SERVICE, crm, told, timer.opening)
    except UsageError as error:
        # The cursor goes on, or this one change would stop every sync from now on.
        log.warning("%s: the opt-out %s is left out: %s", crm, change.key, error)


def _task_outcome(connection: Connection, crm: str, change: CrmChange, timer: Timer) -> None:
    """A rep has done a task: it is closed here too; an outcome `renewed` confirms its orders provisionally."""
    row = connection.execute(
        select(tasks.c.id, tasks.c.account_id).where(tasks.c.task_key == change.task_key)
    ).one_or_none()
    if row is None:
        return
    open_task = (tasks.c.id == row.id) & tasks.c.state.in_((TaskState.PLANNED, TaskState.OPEN))
    now = timer.opening
    connection.execute(
        update(tasks).where(open_task).values(state=TaskState.CLOSED, closed_at=now, reason="done by the rep")
    )
    connection.execute(update(tasks).where(tasks.c.id == row.id).values(outcome=change.value))
    if change.value == DO_NOT_CALL:
        connection.execute(update(accounts).where(accounts.c.id == row.account_id).values(do_not_call=True))
    if change.value == RENEWED:
        note(connection, _confirmed_by_rep(connection, crm, row.id, change, timer), now)


def _confirmed_by_rep(
    connection: Connection, crm: str, task_id: int, change: CrmChange, timer: Timer
) -> list[Confirmation]:
    query = (
        select(orders.c.order_key, cycles.c.clock, cycles.c.number)
        .join(cycles, cycles.c.order_id == orders.c.id)
        .join(task_orders, task_orders.c.cycle_id == cycles.c.id)
        .where(task_orders.c.task_id == task_id, cycles.c.open)
    )
    return [
        Confirmation(
            source=crm,
            source_key=f"{change.task_key}:{row.order_key}:{row.clock}:{row.number}",
            order_key=row.order_key,
            renewed_on=timer.day,
            certainty=Certainty.PROVISIONAL,
            evidence="the rep closed the task with the outcome renewed",
            clock=Clock(row.clock),
        )
        for row in connection.execute(query)
    ]
