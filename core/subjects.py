"""What the ledger holds of one person, all of it: shown on request, and taken out where the person is to be forgotten.

What a connector keeps in its own tables and files is its own to tell and to take out (`core.whom.PeopleStore`).
"""

import hashlib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.engine import Connection

from core import consents, forgotten, records
from core.answers import answers
from core.corrected import of_person
from core.errors import RetriableError
from core.reasons import Reason
from core.schema import (
    accounts,
    contacts,
    cycles,
    deliveries,
    inbox,
    order_contacts,
    orders,
    reps,
    suppressions,
    touches,
)
from core.side_tables import corrected_addresses
from core.suppressions import normal_address
from core.timing import Timer
from core.whom import Whom
from core.words import DeliveryKind, DeliveryState, InboxState

_PAGE = 500


def find(connection: Connection, address: str) -> Whom:
    """The person behind an address. Raises `UsageError` for what is no address."""
    address = normal_address(address)
    mine = func.lower(contacts.c.email) == address
    ids = tuple(connection.execute(select(contacts.c.id).where(mine).order_by(contacts.c.id)).scalars())
    query = select(deliveries.c.key).where(deliveries.c.contact_id.in_(ids), deliveries.c.kind == DeliveryKind.MAIL)
    keys = tuple(connection.execute(query.order_by(deliveries.c.id)).scalars()) if ids else ()
    return Whom(address, ids, keys)


def held(connection: Connection, whom: Whom) -> dict[str, list[dict[str, Any]]]:
    """Everything that the ledger holds of a person, by table."""
    found: dict[str, list[dict[str, Any]]] = {}
    of_account = select(contacts, accounts.c.account_key, accounts.c.name.label("account_name"))
    of_order = (
        select(orders.c.order_key, orders.c.common_name, order_contacts.c.role)
        .join(orders, orders.c.id == order_contacts.c.order_id)
        .where(order_contacts.c.contact_id.in_(whom.contact_ids))
    )
    told = (
        select(
            deliveries.c.key, deliveries.c.kind, deliveries.c.state, deliveries.c.clock, deliveries.c.day,
            deliveries.c.urgency, deliveries.c.nature, deliveries.c.touchpoint, deliveries.c.settled_at,
            deliveries.c.payload, orders.c.order_key,
        )
        .join(touches, touches.c.delivery_id == deliveries.c.id, isouter=True)
        .join(cycles, cycles.c.id == touches.c.cycle_id, isouter=True)
        .join(orders, orders.c.id == cycles.c.order_id, isouter=True)
        .where(or_(deliveries.c.contact_id.in_(whom.contact_ids), _optouts(whom)))
        .order_by(deliveries.c.id, orders.c.order_key)
    )  # fmt: skip
    queries: dict[str, Any] = {
        "contacts": of_account.join(accounts, accounts.c.id == contacts.c.account_id)
        .where(contacts.c.id.in_(whom.contact_ids))
        .order_by(contacts.c.id),
        "order_contacts": of_order.order_by(orders.c.order_key, order_contacts.c.role),
        "corrected_addresses": select(corrected_addresses.c.was).where(of_person(whom)),
        "deliveries": told,
        "suppressions": select(suppressions).where(suppressions.c.address == whom.address).order_by(suppressions.c.id),
        "consents": select(consents.consents).where(consents.consents.c.address == whom.address),
        "answers": select(answers).where(_answered(whom)).order_by(answers.c.id),
        "reps": select(reps).where(func.lower(reps.c.email) == whom.address).order_by(reps.c.id),
    }
    for name, query in queries.items():
        found[name] = [dict(row) for row in connection.execute(query).mappings()]
    found["inbox"] = [
        {"door": row.door, "key": row.event_key, "received_at": row.received_at, "content": _text(row.content)}
        for row in _events(connection, whom)
    ]
    if (at := forgotten.since(connection, whom.address)) is not None:
        found["forgotten"] = [{"since": at}]
    return {name: rows for name, rows in found.items() if rows}


def forget(connection: Connection, whom: Whom, timer: Timer, *, crm: bool) -> dict[str, int]:
    """Takes a person out of the ledger and leaves the tombstone; gives by table how many rows that changed.

    Mails that wait for the person go to the next recipient, or the rep is asked for one. Where there is a `crm` it is
    told of their orders afresh. Raises `RetriableError` while something is just being handed over to the person.
    """
    refuse_under_way(connection, whom)
    their_orders = select(order_contacts.c.order_id).where(order_contacts.c.contact_id.in_(whom.contact_ids))
    order_ids = sorted(set(connection.execute(their_orders).scalars()))
    counts = {
        "deliveries": _empty_deliveries(connection, whom, timer),
        "touches": connection.execute(
            update(touches).where(touches.c.contact_id.in_(whom.contact_ids)).values(contact_id=None)
        ).rowcount,
        "order_contacts": connection.execute(
            delete(order_contacts).where(order_contacts.c.contact_id.in_(whom.contact_ids))
        ).rowcount,
        "corrected_addresses": connection.execute(delete(corrected_addresses).where(of_person(whom))).rowcount,
        "contacts": connection.execute(delete(contacts).where(contacts.c.id.in_(whom.contact_ids))).rowcount,
        "suppressions": connection.execute(delete(suppressions).where(suppressions.c.address == whom.address)).rowcount,
        "consents": consents.forget(connection, whom.address),
        "answers": connection.execute(
            update(answers).where(_answered(whom)).values(words="", name="", address="")
        ).rowcount,
        "reps": connection.execute(
            update(reps)
            .where(func.lower(reps.c.email) == whom.address)
            .values(name="", email="", phone="", active=False)
        ).rowcount,
        "inbox": _empty_events(connection, whom, timer),
        "forgotten": int(forgotten.remember(connection, whom.address, timer.opening)),
    }
    if crm:
        records.queue(connection, order_ids, timer)
    return {name: number for name, number in counts.items() if number}


def refuse_under_way(connection: Connection, whom: Whom) -> None:
    """Raises `RetriableError` while something is just being handed over to the person, or told of them."""
    mine = or_(deliveries.c.contact_id.in_(whom.contact_ids), _optouts(whom))
    under_way = select(deliveries.c.id).where(mine, deliveries.c.state == DeliveryState.SENDING).limit(1)
    if connection.execute(under_way).first() is not None:
        raise RetriableError("something is just being handed over about this person; run it again in some minutes")


def _answered(whom: Whom) -> Any:
    """What the person has answered, or somebody whose words name the address."""
    named = func.lower(answers.c.words).contains(whom.address, autoescape=True)
    return (func.lower(answers.c.address) == whom.address) | named


def _optouts(whom: Whom) -> Any:
    """The deliveries that tell a CRM what this address refuses: they have no contact, their keys hold its hash."""
    said = hashlib.sha256(whom.address.encode()).hexdigest()[:16]
    return deliveries.c.key.startswith(f"optout:{said}:", autoescape=True)


def _empty_deliveries(connection: Connection, whom: Whom, timer: Timer) -> int:
    """Mails that wait keep their touches, which are given another recipient when they go; what else waits falls away."""
    waits = deliveries.c.state.in_(
        (DeliveryState.PLANNED, DeliveryState.CLAIMED, DeliveryState.UNCERTAIN, DeliveryState.FAILED)
    )
    told = deliveries.c.contact_id.in_(whom.contact_ids) & (deliveries.c.kind != DeliveryKind.MAIL)
    fallen = {
        "state": DeliveryState.WITHDRAWN,
        "reason": Reason.FORGOTTEN,
        "settled_at": timer.opening,
        "lease_until": None,
    }
    connection.execute(update(deliveries).where(waits, or_(told, _optouts(whom))).values(fallen))
    emptied = connection.execute(
        update(deliveries).where(deliveries.c.contact_id.in_(whom.contact_ids)).values(contact_id=None, payload=None)
    ).rowcount
    ids = connection.execute(select(deliveries.c.id).where(_optouts(whom))).scalars().all()
    for id in ids:
        connection.execute(
            update(deliveries).where(deliveries.c.id == id).values(key=f"optout:forgotten:{id}", payload=None)
        )
    return emptied + len(ids)


def _events(connection: Connection, whom: Whom) -> list[Any]:
    """The raw events that name a person. What they say is only known by reading each."""
    found: list[Any] = []
    last = 0
    while True:
        query = select(inbox).where(inbox.c.id > last, func.length(inbox.c.content) > 0)
        rows = connection.execute(query.order_by(inbox.c.id).limit(_PAGE)).all()
        if not rows:
            return found
        last = rows[-1].id
        found += [row for row in rows if whom.named_in(_text(row.content))]


def _empty_events(connection: Connection, whom: Whom, timer: Timer) -> int:
    """The key stays, so that the same event is known when it is sent again; one that was never applied rests."""
    ids = [row.id for row in _events(connection, whom)]
    for start in range(0, len(ids), _PAGE):
        mine = inbox.c.id.in_(ids[start : start + _PAGE])
        rests = {"state": InboxState.DISCARDED, "reason": Reason.FORGOTTEN.sentence, "settled_at": timer.opening}
        connection.execute(update(inbox).where(mine, inbox.c.state != InboxState.APPLIED).values(rests))
        connection.execute(update(inbox).where(mine).values(content=b""))
    return len(ids)


def _text(content: Sequence[int] | bytes) -> str:
    """An event as text, with what JSON writes as \\u0040 in plain."""
    said = bytes(content).decode("utf-8", "backslashreplace")
    return said.replace("\\u0040", "@").replace("\\u002b", "+").replace("\\u002B", "+")
