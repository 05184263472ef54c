"""Takes in what people did in the CRM since the last sync: task outcomes, owners, deals, wishes."""

import logging
from collections.abc import Iterable

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from core import engagements, task_outcomes, wishes
from core.errors import UsageError
from core.locks import Lock
from core.policy import Policy
from core.ports import Crm, CrmChange
from core.schema import accounts, meta
from core.sql import upsert
from core.store import Store
from core.suppressions import suppress
from core.timing import Timer
from core.words import Channel, Nature

log = logging.getLogger("nolapse.crm")


def take(store: Store, crm: Crm, timer: Timer, lock: Lock, policy: Policy) -> int:
    """Stores the CRM's changes, each once, and gives how many those were."""
    key = f"crm_cursor:{crm.name}"
    with store.read() as connection:
        cursor: str | None = connection.execute(select(meta.c.value).where(meta.c.key == key)).scalar()
    taken = 0
    while True:
        changes, following = crm.changes(cursor)
        with store.begin() as connection:
            lock.renew(connection)
            apply_all(connection, crm.name, changes, policy, timer)
            if following is not None:
                upsert(connection, meta, ["key"], [{"key": key, "value": following}])
        taken += len(changes)
        if not changes or following == cursor:
            return taken
        cursor = following


def apply_all(connection: Connection, crm: str, changes: Iterable[CrmChange], policy: Policy, timer: Timer) -> None:
    """Applies changes of a CRM in their order, outcomes that follow each other at once.

    Whoever calls holds the step sync.
    """
    outcomes: dict[str, CrmChange] = {}

    def take_outcomes() -> None:
        if outcomes:
            task_outcomes.take(connection, crm, list(outcomes.values()), policy, timer)
            outcomes.clear()

    for change in changes:
        if change.what != "task_outcome" or change.task_key in outcomes:
            take_outcomes()
        if change.what == "task_outcome":
            outcomes[change.task_key] = change
        else:
            _apply(connection, crm, change, timer)
    take_outcomes()


def _apply(connection: Connection, crm: str, change: CrmChange, timer: Timer) -> None:
    account = accounts.c.account_key == change.account_key
    match change.what:
        case "deal" | "contacted":
            engagements.apply(connection, change, timer)
        case "owner":
            connection.execute(update(accounts).where(account).values(owner_key=change.value, owner_by_crm=True))
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
