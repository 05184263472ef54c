"""What reps decide about renewals in their CRM: stages set by hand, orders put off or given up, people put right.

Each is safe to apply twice: a change that was read again finds everything as it is.
"""

import logging
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, select, update
from sqlalchemy.engine import Connection

from core import corrected, forgotten, records
from core.confirmations import Confirmation, note
from core.cycles import run_again
from core.errors import UsageError
from core.intake import store_people, store_reps
from core.model import Person, RepFacts
from core.ports import CrmChange
from core.reasons import Reason
from core.schema import accounts, contacts, cycles, orders, reps
from core.sql import among
from core.suppressions import lift, suppress
from core.timing import Timer
from core.words import Certainty, Channel, Clock, Nature, Stage

log = logging.getLogger("nolapse.crm")

PROMISE_DAYS = 14  # so long a promise to renew is believed
PROMISE_ENDS_BEFORE = 7  # days before the end at which the customer is asked again whatever was promised


def apply(connection: Connection, crm: str, change: CrmChange, timer: Timer) -> None:
    """Applies one change. One about an order, account or person that is not known changes nothing."""
    match change.what:
        case "stage":
            _stage(connection, crm, change, timer)
        case "lost":
            _lost(connection, change, timer)
        case "snooze":
            _snooze(connection, change)
        case "rep":
            _rep(connection, change)
        case "contact":
            _contact(connection, crm, change)
        case "offers_optout" | "optin":
            _mail_wish(connection, crm, change, timer)


def _mail_wish(connection: Connection, crm: str, change: CrmChange, timer: Timer) -> None:
    """Offers refused, or everything allowed again that was refused in the CRM; refusals from elsewhere stand."""
    try:
        if change.what == "optin":
            lift(connection, change.value, Channel.MAIL, source=crm)
        else:
            told = "opted out of offers in the CRM"
            suppress(connection, change.value, Channel.MAIL, Nature.COMMERCIAL, crm, told, timer.opening)
    except UsageError as error:
        # The cursor goes on, or this one change would stop every sync from now on.
        log.warning("%s: the wish %s is left out: %s", crm, change.key, error)


def is_newest_renewal() -> ColumnElement[bool]:
    """Of the renewal cycles of each order the one with the highest number, as a condition on `cycles`."""
    later = cycles.alias("later")
    follows = (later.c.order_id == cycles.c.order_id) & (later.c.number > cycles.c.number)
    return (cycles.c.clock == Clock.RENEWAL) & ~exists().where(later.c.clock == Clock.RENEWAL, follows)


def _renewals(connection: Connection, order_keys: Sequence[str]) -> Sequence[Any]:
    """The newest renewal cycle of each of these orders."""
    return connection.execute(_NEWEST, {"keys": order_keys}).all()


# Asked for every wish, and so put together once.
_NEWEST = (
    select(cycles, orders.c.order_key)
    .join(orders, orders.c.id == cycles.c.order_id)
    .where(is_newest_renewal(), among(orders.c.order_key, "keys"))
)


def _stage(connection: Connection, crm: str, change: CrmChange, timer: Timer) -> None:
    """A stage set by hand. That an order lapsed only the engine can know, and what is settled stays so."""
    for row in _renewals(connection, [change.order_key]):
        stage = Stage(change.value)
        if stage == row.stage:
            continue
        if stage in (Stage.RENEWED, Stage.WON_BACK):
            _believe(connection, crm, row, timer)
        elif stage is Stage.LOST:
            _lost(connection, change, timer)
        elif stage is not Stage.LAPSED and (row.open or row.outcome == Reason.LOST):
            _set(connection, row, stage, timer)


def _believe(connection: Connection, crm: str, row: Any, timer: Timer) -> None:
    said = Confirmation(
        source=crm,
        source_key=f"stage:{row.order_key}:{row.clock}:{row.number}",
        order_key=row.order_key,
        renewed_on=timer.day,
        certainty=Certainty.PROVISIONAL,
        evidence="the rep set the stage to renewed",
    )
    note(connection, [said], timer.opening)


def commit(connection: Connection, order_keys: Sequence[str], until: str, timer: Timer) -> None:
    """Notes that these orders will be renewed by a day (ISO; any other text: for as long as a promise is believed)."""
    for row in _renewals(connection, order_keys):
        if row.open and not row.closing:
            _set(connection, row, Stage.COMMITTED, timer, _day(until))


def _set(connection: Connection, row: Any, stage: Stage, timer: Timer, until: date | None = None) -> None:
    if row.closing == Reason.LOST or row.outcome == Reason.LOST:
        run_again(connection, [row.id])
    values: dict[str, Any] = {"stage": stage, "committed_until": None, "lost_reason": "", "lost_scope": ""}
    if stage is Stage.COMMITTED:
        believed = min(timer.day + timedelta(days=PROMISE_DAYS), row.ends_on - timedelta(days=PROMISE_ENDS_BEFORE))
        # A day that somebody has named counts longer, but on the last one the customer is warned all the same.
        told = believed if until is None else min(until, row.ends_on)
        values["committed_until"] = max(told, timer.day)
    connection.execute(update(cycles).where(cycles.c.id == row.id).values(values))
    records.queue(connection, [row.order_id], timer)


def _lost(connection: Connection, change: CrmChange, timer: Timer) -> None:
    """Closes the renewal of the order, of all of the account's orders for its domain, or of all its orders.

    Settle draws the consequences. Said again with another reason it is corrected.
    """
    scope = change.facts.get("scope") or "order"
    values: dict[str, Any] = {"lost_reason": change.facts.get("reason", ""), "lost_scope": scope}
    if (again := change.facts.get("win_back_on")) and (day := _day(again)):
        values["win_back_on"] = day
    for row in _renewals(connection, _in_scope(connection, change.order_key, scope)):
        by_id = update(cycles).where(cycles.c.id == row.id)
        if row.open and not row.closing:
            connection.execute(by_id.values(closing=Reason.LOST, **values))
        elif Reason.LOST in (row.closing, row.outcome):
            connection.execute(by_id.values(values))


def _in_scope(connection: Connection, order_key: str, scope: str) -> list[str]:
    if scope == "order":
        return [order_key]
    mine = connection.execute(
        select(orders.c.account_id, orders.c.common_name).where(orders.c.order_key == order_key)
    ).one_or_none()
    if mine is None:
        return [order_key]
    query = select(orders.c.order_key, orders.c.common_name).where(orders.c.account_id == mine.account_id)
    rows = connection.execute(query).all()
    if scope == "account":
        return [row.order_key for row in rows]
    domain = _domain(mine.common_name)
    return [row.order_key for row in rows if row.order_key == order_key or _within(_domain(row.common_name), domain)]


def _domain(common_name: str) -> str:
    return common_name.lower().removeprefix("*.").removeprefix("www.")


def _within(name: str, domain: str) -> bool:
    return bool(domain) and (name == domain or name.endswith(f".{domain}"))


def _snooze(connection: Connection, change: CrmChange) -> None:
    """Puts an order off until a day; without a day it is taken up again."""
    ids = [row.id for row in _renewals(connection, [change.order_key]) if row.open]
    connection.execute(update(cycles).where(cycles.c.id.in_(ids)).values(snoozed_until=_day(change.value)))


def _rep(connection: Connection, change: CrmChange) -> None:
    """Somebody who owns customers in the CRM: taken in where new; known ones are only switched on or off."""
    active = change.facts.get("active") != "no"
    known = connection.execute(select(reps.c.id).where(reps.c.rep_key == change.value)).scalar()
    if known is not None:
        connection.execute(update(reps).where(reps.c.id == known).values(active=active))
        return
    store_reps(
        connection,
        [RepFacts(change.value, change.facts.get("name", ""), change.facts.get("email", ""), active=active)],
    )


def _contact(connection: Connection, crm: str, change: CrmChange) -> None:
    """A person put right in the CRM, who knows best of names, numbers and languages; an address may change too."""
    account_id = connection.execute(select(accounts.c.id).where(accounts.c.account_key == change.account_key)).scalar()
    if account_id is None:
        return
    address = change.value.lower()
    known = {
        row.email: row.id
        for row in connection.execute(
            select(contacts.c.email, contacts.c.id).where(
                contacts.c.account_id == account_id,
                contacts.c.email.in_({address, change.facts.get("was", address).lower()}),
            )
        ).all()
    }
    if not known:
        return
    if forgotten.among(connection, [address]):
        return
    if address not in known:
        ((was, which),) = known.items()
        connection.execute(update(contacts).where(contacts.c.id == which).values(email=address))
        corrected.note(connection, which, was)
    store_people(
        connection, crm, [(account_id, _person(address, change.facts))], overwrite=True, account_wide=False, by_crm=True
    )


def _person(address: str, facts: Mapping[str, str]) -> Person:
    told = {name: facts.get(name, "") for name in ("name", "phone", "language")}
    return Person(address, (), **told)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
