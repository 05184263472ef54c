"""Addresses that a CRM has put right: whoever names the old one still means the same person."""

from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import ColumnElement, select
from sqlalchemy.engine import Connection

from core.schema import contacts
from core.side_tables import corrected_addresses as corrected
from core.sql import among, insert_new
from core.whom import Whom


def note(connection: Connection, contact_id: int, was: str) -> None:
    """Keeps by which address somebody was known before."""
    insert_new(connection, corrected, [{"contact_id": contact_id, "was": was}])


def of_accounts(connection: Connection, account_ids: Collection[int]) -> dict[tuple[int, str], str]:
    """What people of these accounts are written to at now, by account and earlier address."""
    query = (
        select(contacts.c.account_id, corrected.c.was, contacts.c.email)
        .join(contacts, contacts.c.id == corrected.c.contact_id)
        .where(among(contacts.c.account_id, account_ids), corrected.c.was != contacts.c.email)
    )
    return {(account_id, was): email for account_id, was, email in connection.execute(query).all()}


def of_source(connection: Connection, source: str) -> dict[int, list[str]]:
    """The earlier addresses of the people whom this source named first, by contact."""
    query = select(corrected).join(contacts, contacts.c.id == corrected.c.contact_id).where(contacts.c.source == source)
    found: dict[int, list[str]] = defaultdict(list)
    for contact_id, was in connection.execute(query).all():
        found[contact_id].append(was)
    return found


def of_person(whom: Whom) -> ColumnElement[bool]:
    """Of corrected addresses, those that name a person, or by which they were known."""
    return corrected.c.contact_id.in_(whom.contact_ids) | (corrected.c.was == whom.address)
