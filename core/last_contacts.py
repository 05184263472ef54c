"""When customers were last reached by us, read set-wise for call scripts."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.engine import Connection

from core.messages import LastContact
from core.schema import accounts, deliveries, tasks
from core.sql import among
from core.words import Channel, DeliveryKind, DeliveryState


@dataclass(frozen=True, slots=True)
class Reached:
    """The last mail that went to an account, and the last contact of any kind."""

    mailed_on: date | None
    last: LastContact


def last_contacts(connection: Connection, account_ids: Collection[int]) -> dict[int, Reached]:
    """How these accounts were last reached: a mail that was delivered, or a task that ended with an outcome."""
    if not account_ids:
        return {}
    mails: dict[int, date] = {id: day for id, day in connection.execute(_MAILED, {"ids": account_ids}).all() if day}
    called = select(tasks.c.account_id, tasks.c.closed_at).where(
        among(tasks.c.account_id, account_ids), tasks.c.outcome != "", tasks.c.closed_at.is_not(None)
    )
    calls: dict[int, date] = {}
    for id, closed_at in connection.execute(called).all():
        calls[id] = max(calls.get(id, closed_at.date()), closed_at.date())
    found = {}
    for id in mails.keys() | calls.keys():
        by_mail, by_call = mails.get(id), calls.get(id)
        if by_call is not None and (by_mail is None or by_call >= by_mail):
            found[id] = Reached(by_mail, LastContact(by_call, Channel.CALL))
        elif by_mail is not None:
            found[id] = Reached(by_mail, LastContact(by_mail, Channel.MAIL))
    return found


# The last day of each account is looked up from the end of its days on; all that an account ever had are many.
_LAST_DAY = (
    select(deliveries.c.day)
    .where(deliveries.c.account_id == accounts.c.id)
    .where(deliveries.c.kind == DeliveryKind.MAIL, deliveries.c.state == DeliveryState.DELIVERED)
    .order_by(deliveries.c.day.desc())
    .limit(1)
    .scalar_subquery()
)
_MAILED = select(accounts.c.id, _LAST_DAY).where(among(accounts.c.id, "ids"))
