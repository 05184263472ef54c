"""Orders as the ledger holds them, in the words in which a source would tell them."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from core.model import AccountFacts, OrderFacts, Person
from core.schema import accounts, contacts, order_contacts, orders
from core.sql import among
from core.words import Level, OrderStatus, ProductKind, Role

_AS_STORED = (
    "ca", "outside_id", "status_text", "product_id", "product_name", "common_name", "placed_on", "starts_on",
    "order_expires_on", "order_expires_inferred", "certificate_id", "certificate_issued_on", "certificate_expires_on",
    "term_days", "auto_renew", "ca_notices_off", "is_renewed", "renewed_by", "renewal_of", "value_minor", "currency",
)  # fmt: skip


def facts_of(connection: Connection, order_ids: Sequence[int]) -> list[OrderFacts]:
    """These orders by id, each with the people it names; of its account only the key, which leaves the rest as it is."""
    query = select(orders, accounts.c.account_key).join(accounts, accounts.c.id == orders.c.account_id)
    rows = connection.execute(query.where(among(orders.c.id, order_ids)).order_by(orders.c.id)).all()
    people = _people(connection, order_ids)
    return [_facts(row, tuple(people.get(row.id, ()))) for row in rows]


def _facts(row: Any, people: tuple[Person, ...]) -> OrderFacts:
    return OrderFacts(
        key=row.order_key,
        status=OrderStatus(row.status),
        kind=ProductKind(row.kind),
        level=Level(row.level) if row.level else None,
        dns_names=tuple(row.dns_names),
        account=AccountFacts(key=row.account_key),
        people=people,
        **{name: getattr(row, name) for name in _AS_STORED},
    )


def _people(connection: Connection, order_ids: Sequence[int]) -> dict[int, list[Person]]:
    query = (
        select(order_contacts.c.order_id, order_contacts.c.role, contacts.c.email)
        .join(contacts, contacts.c.id == order_contacts.c.contact_id)
        .where(among(order_contacts.c.order_id, order_ids))
        .order_by(order_contacts.c.order_id, contacts.c.id, order_contacts.c.role)
    )
    roles: dict[tuple[int, str], list[Role]] = defaultdict(list)
    for order_id, role, email in connection.execute(query).all():
        roles[order_id, email].append(Role(role))
    found: dict[int, list[Person]] = defaultdict(list)
    for (order_id, email), of_person in roles.items():
        found[order_id].append(Person(email, tuple(of_person)))
    return found
