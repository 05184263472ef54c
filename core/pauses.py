"""Pauses: what the operator has stopped for now, everywhere at once, until it is resumed.

They are asked when deliveries are claimed and once more in the transaction that commits `sending`, so that they take
effect in the middle of a run and in every process. A pause of all holds whatever leaves the house; one of an account,
rep or channel holds mails and calls, and lets the CRM hear of what is settled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.engine import Connection

from core.schema import accounts, deliveries, tasks
from core.sql import insert_new
from core.steering import pauses
from core.words import DeliveryKind

CONTACTING = (DeliveryKind.MAIL, DeliveryKind.CALL_CREATE, DeliveryKind.CALL_RAISE)


class Scope(StrEnum):
    """What is paused."""

    ALL = "all"
    ACCOUNT = "account"
    REP = "rep"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause: `which` is the account's or rep's key or the channel, empty for all."""

    scope: Scope
    which: str = ""
    reason: str = ""
    since: datetime | None = None

    @property
    def words(self) -> str:
        """What is paused and why, with the way out."""
        why = f" ({self.reason})" if self.reason else ""
        return f"{self.subject} is paused{why}; `nolapse resume{self.options}` ends it"

    @property
    def subject(self) -> str:
        """What is paused, in words."""
        return "everything" if self.scope is Scope.ALL else f"the {self.scope} {self.which}"

    @property
    def options(self) -> str:
        """The options of `nolapse pause` and `nolapse resume` that mean it."""
        return "" if self.scope is Scope.ALL else f" --{self.scope} {self.which}"


def pause(connection: Connection, wanted: Pause, now: datetime) -> bool:
    """Notes a pause; gives whether it is new. One that is known keeps its reason."""
    row = {"scope": wanted.scope, "which": wanted.which, "reason": wanted.reason, "since": now}
    return insert_new(connection, pauses, [row]) == 1


def resume(connection: Connection, scope: Scope, which: str = "") -> bool:
    """Ends a pause; gives whether there was one."""
    mine = (pauses.c.scope == scope) & (pauses.c.which == which)
    return connection.execute(delete(pauses).where(mine)).rowcount == 1


def listing(connection: Connection) -> Sequence[Pause]:
    """Every pause in force."""
    rows = connection.execute(select(pauses).order_by(pauses.c.scope, pauses.c.which))
    return [Pause(Scope(row.scope), row.which, row.reason, row.since) for row in rows]


def is_paused() -> ColumnElement[bool]:
    """Of deliveries, those that a pause holds at that moment."""
    of_account = accounts.c.id == deliveries.c.account_id
    account_key = select(accounts.c.account_key).where(of_account).correlate(deliveries).scalar_subquery()
    owner = select(accounts.c.owner_key).where(of_account).correlate(deliveries).scalar_subquery()
    of_task = (
        select(tasks.c.owner_key).where(tasks.c.id == deliveries.c.task_id).correlate(deliveries).scalar_subquery()
    )
    held: ColumnElement[Any] = (
        ((pauses.c.scope == Scope.CHANNEL) & (pauses.c.which == deliveries.c.channel))
        | ((pauses.c.scope == Scope.ACCOUNT) & (pauses.c.which == account_key))
        | ((pauses.c.scope == Scope.REP) & (pauses.c.which == func.coalesce(of_task, owner)))
    )
    contacts_somebody = deliveries.c.kind.in_(CONTACTING)
    return exists().where((pauses.c.scope == Scope.ALL) | (contacts_somebody & held))
