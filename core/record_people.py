"""The people of orders as a CRM's contacts: who they are, and where the renewal of their orders stands."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from core.ports import RecordPerson
from core.schema import accounts, contacts, cycles, order_contacts, orders, promises, touches
from core.sql import among
from core.words import Clock, TouchState, Urgency


def people_of(connection: Connection, order_ids: Sequence[int], today: date) -> dict[int, tuple[RecordPerson, ...]]:
    """The people of each of these orders: those named by the order, and those with a role for the whole account."""
    roles = _roles(connection, order_ids)
    people = people_by_id(connection, {contact_id for of_order in roles.values() for contact_id in of_order}, today)
    made: dict[tuple[int, tuple[str, ...]], RecordPerson] = {}  # most have the same roles for all their orders

    def person(contact_id: int, held: set[str]) -> RecordPerson:
        which = contact_id, tuple(sorted(held))
        if which not in made:
            made[which] = replace(people[contact_id], roles=which[1])
        return made[which]

    return {
        order_id: tuple(person(contact_id, held) for contact_id, held in sorted(of_order.items()))
        for order_id, of_order in roles.items()
    }


def people_by_id(connection: Connection, contact_ids: Collection[int], today: date) -> dict[int, RecordPerson]:
    """These people by their ids in the store, without the roles that they have for single orders."""
    ids = set(contact_ids)
    columns = (contacts.c.id, contacts.c.email, contacts.c.name, contacts.c.phone, contacts.c.language)
    query = (
        select(*columns, accounts.c.language.label("account_language"))
        .join(accounts, accounts.c.id == contacts.c.account_id)
        .where(among(contacts.c.id, ids))
    )
    following = _next_days(connection, ids)
    urgencies = _last_urgencies(connection, ids)
    codes = _codes(connection, ids, today)
    return {
        row.id: RecordPerson(
            email=row.email,
            name=row.name,
            phone=row.phone,
            language=row.language or row.account_language,
            next_on=following.get(row.id),
            urgency=urgencies.get(row.id),
            offer_code=codes.get(row.id, ""),
        )
        for row in connection.execute(query).all()
    }


def _roles(connection: Connection, order_ids: Sequence[int]) -> dict[int, dict[int, set[str]]]:
    found: dict[int, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    named = select(order_contacts).where(among(order_contacts.c.order_id, order_ids))
    for order_id, contact_id, role in connection.execute(named).all():
        found[order_id][contact_id].add(role)
    general = (
        select(orders.c.id, contacts.c.id, contacts.c.roles)
        .join(contacts, contacts.c.account_id == orders.c.account_id)
        .where(among(orders.c.id, order_ids), contacts.c.roles != "")
    )
    for order_id, contact_id, held in connection.execute(general).all():
        found[order_id][contact_id] |= set(held.split())
    return found


def _next_days(connection: Connection, contact_ids: set[int]) -> Mapping[int, date]:
    """The first day on which anything is to be decided about an open renewal of each person."""
    following = (cycles.c.clock == Clock.RENEWAL) & cycles.c.open & cycles.c.next_on.is_not(None)
    query = (
        select(order_contacts.c.contact_id, func.min(cycles.c.next_on))
        .join(cycles, cycles.c.order_id == order_contacts.c.order_id)
        .where(following, among(order_contacts.c.contact_id, contact_ids))
        .group_by(order_contacts.c.contact_id)
    )
    return {contact_id: day for contact_id, day in connection.execute(query).all()}


def _last_urgencies(connection: Connection, contact_ids: set[int]) -> Mapping[int, Urgency]:
    """The urgency of the last touchpoint that reached each person, while a renewal of it is open."""
    query = (
        select(touches.c.contact_id, touches.c.urgency)
        .join(cycles, cycles.c.id == touches.c.cycle_id)
        .where(among(touches.c.contact_id, contact_ids), touches.c.state == TouchState.DONE)
        .where(cycles.c.clock == Clock.RENEWAL, cycles.c.open)
        .order_by(touches.c.day, touches.c.id)
    )
    return {contact_id: Urgency(urgency) for contact_id, urgency in connection.execute(query).all()}


def _codes(connection: Connection, contact_ids: set[int], today: date) -> Mapping[int, str]:
    """The code of the offer that was last promised to each person, for a renewal that is open."""
    query = (
        select(touches.c.contact_id, promises.c.code)
        .join(promises, promises.c.cycle_id == touches.c.cycle_id)
        .join(cycles, cycles.c.id == touches.c.cycle_id)
        .where(among(touches.c.contact_id, contact_ids), touches.c.state == TouchState.DONE, cycles.c.open)
        .where(promises.c.ends_on >= today)
        .order_by(promises.c.promised_at, promises.c.cycle_id)
    )
    return {contact_id: code for contact_id, code in connection.execute(query).all()}
