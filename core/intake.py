"""Takes orders, accounts and people from a source into the ledger, a batch at a time."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.engine import Connection

from core import corrected, forgotten
from core.model import AccountFacts, OrderFacts, Person, RepFacts, digest_of
from core.schema import accounts, contacts, order_contacts, orders, reps
from core.sql import among, insert_new, unindexed, upsert

_FILLED = ("name", "country", "language", "zone", "segment", "route", "brand", "owner_key", "used", "unused", "parent_key",
           "price_list")  # fmt: skip
_PERSON = ("name", "phone", "language", "zone")


@dataclass(frozen=True, slots=True)
class Known:
    """What the ledger already holds of an order."""

    id: int
    digest: bytes
    vanished: bool


@dataclass(frozen=True, slots=True)
class Taken:
    """An order as it has just been stored."""

    id: int
    facts: OrderFacts
    new: bool


def known_orders(connection: Connection, keys: Sequence[str]) -> dict[str, Known]:
    """Those of these orders that the ledger holds."""
    columns = select(orders.c.order_key, orders.c.id, orders.c.digest, orders.c.vanished_on)
    rows = connection.execute(columns.where(among(orders.c.order_key, keys)))
    return {key: Known(id, digest, vanished_on is not None) for key, id, digest, vanished_on in rows}


def store_reps(connection: Connection, facts: Iterable[RepFacts]) -> None:
    """Stores our own people; those of a key that is known are overwritten. Of one who is forgotten only the key is."""
    facts = list(facts)
    gone = forgotten.among(connection, (one.email for one in facts))
    facts = [replace(one, name="", email="", phone="", active=False) if one.email in gone else one for one in facts]
    rows = [{("rep_key" if name == "key" else name): value for name, value in asdict(one).items()} for one in facts]
    upsert(connection, reps, ["rep_key"], rows)


def store_accounts(
    connection: Connection, source: str, facts: Sequence[AccountFacts], *, overwrite: bool
) -> dict[str, int]:
    """Stores customers and their people; gives the id of each by its key.

    With `overwrite`, what the facts say replaces what is stored; without, it only fills what is empty. What the facts
    leave empty never erases anything, and an owner whom the CRM has named stays.
    """
    facts = _each_once(facts)
    keys = [one.key for one in facts]
    columns = [accounts.c[name] for name in _FILLED]
    query = select(accounts.c.account_key, accounts.c.id, accounts.c.digest, accounts.c.owner_by_crm, *columns)
    stored = {
        row.account_key: row for row in connection.execute(query.where(among(accounts.c.account_key, keys))).all()
    }
    new = [one for one in facts if one.key not in stored]
    insert_new(
        connection,
        accounts,
        [
            {"account_key": one.key, "source": source, "digest": digest_of(asdict(one))}
            | {name: getattr(one, name) for name in _FILLED}
            for one in new
        ],
    )
    changes = []
    for one in facts:
        row = stored.get(one.key)
        if row is None:
            continue
        merged = {name: _merge(getattr(row, name), getattr(one, name), overwrite) for name in _FILLED}
        if row.owner_by_crm:
            merged["owner_key"] = row.owner_key
        if any(merged[name] != getattr(row, name) for name in _FILLED):
            changes.append({"which": row.id} | merged)
    if changes:
        named: dict[str, Any] = {name: bindparam(name) for name in _FILLED}
        connection.execute(update(accounts).where(accounts.c.id == bindparam("which")).values(named), changes)
    ids = {key: row.id for key, row in stored.items()}
    if new:
        fresh = select(accounts.c.account_key, accounts.c.id).where(
            accounts.c.account_key.in_([one.key for one in new])
        )
        ids |= {key: id for key, id in connection.execute(fresh).all()}
    people = [(ids[one.key], person) for one in facts for person in one.people]
    store_people(connection, source, people, overwrite=overwrite, account_wide=True)
    return ids


def _each_once(facts: Iterable[AccountFacts]) -> list[AccountFacts]:
    """Several words on one customer as one: the last counts, what it leaves empty is taken from those before."""
    found: dict[str, AccountFacts] = {}
    for one in facts:
        before = found.get(one.key)
        if before is not None:
            filled = {name: getattr(one, name) or getattr(before, name) for name in _FILLED}
            one = replace(one, **filled, people=(*before.people, *one.people))
        found[one.key] = one
    return list(found.values())


def _together(first: Person, other: Person) -> Person:
    """Two words on one person: the first counts, what it leaves empty is taken from the other."""
    filled = {name: getattr(first, name) or getattr(other, name) for name in _PERSON}
    return replace(first, **filled, roles=tuple(dict.fromkeys((*first.roles, *other.roles))))


def _merge(stored: str, said: str, overwrite: bool) -> str:
    return said if said and (overwrite or not stored) else stored


def store_people(
    connection: Connection,
    source: str,
    people: Sequence[tuple[int, Person]],
    *,
    overwrite: bool,
    account_wide: bool,
    by_crm: bool = False,
) -> dict[tuple[int, str], int]:
    """Stores people of accounts; gives the id of each by account and address. `account_wide` keeps their roles.

    Who is forgotten is not stored and has no id. Who is named by an address that the CRM has put right is known by it too.
    """
    gone = forgotten.among(connection, {person.email for _, person in people})
    now = {} if by_crm else corrected.of_accounts(connection, {account_id for account_id, _ in people})
    wanted: dict[tuple[int, str], Person] = {}
    for account_id, person in people:
        if person.email in gone:
            continue
        if (account_id, person.email) in now:
            person = replace(person, email=now[account_id, person.email])
        before = wanted.get((account_id, person.email))
        wanted[account_id, person.email] = person if before is None else _together(before, person)
    if not wanted:
        return {}
    account_ids = {account_id for account_id, _ in wanted}
    emails = {email for _, email in wanted}
    columns = [contacts.c[name] for name in (*_PERSON, "roles", "by_crm")]
    # By address alone: few accounts share one, while the pairs of all accounts and addresses are very many.
    query = select(contacts.c.id, contacts.c.account_id, contacts.c.email, *columns).where(
        among(unindexed(contacts.c.account_id), account_ids), among(contacts.c.email, emails)
    )
    stored = {(row.account_id, row.email): row for row in connection.execute(query).all()}
    fresh, changes = [], []
    for key, person in wanted.items():
        roles = " ".join(sorted(person.roles)) if account_wide else ""
        said = {name: getattr(person, name) for name in _PERSON} | {"roles": roles}
        row = stored.get(key)
        if row is None:
            fresh.append({"account_id": key[0], "email": key[1], "source": source, "by_crm": by_crm} | said)
            continue
        knows_best = overwrite and (by_crm or not row.by_crm)
        merged: dict[str, Any] = {name: _merge(getattr(row, name), said[name], knows_best) for name in _PERSON}
        merged |= {"roles": _merge(row.roles, roles, overwrite), "by_crm": row.by_crm or by_crm}
        if any(merged[name] != getattr(row, name) for name in merged):
            changes.append({"which": row.id} | merged)
    if changes:
        named: dict[str, Any] = {name: bindparam(name) for name in (*_PERSON, "roles", "by_crm")}
        connection.execute(update(contacts).where(contacts.c.id == bindparam("which")).values(named), changes)
    ids = {key: row.id for key, row in stored.items()}
    if fresh:
        insert_new(connection, contacts, fresh)
        again = select(contacts.c.account_id, contacts.c.email, contacts.c.id).where(
            contacts.c.account_id.in_(account_ids), contacts.c.email.in_([row["email"] for row in fresh])
        )
        ids |= {(account_id, email): id for account_id, email, id in connection.execute(again).all()}
    former = {(account_id, was): ids.get((account_id, email)) for (account_id, was), email in now.items()}
    return ids | {key: id for key, id in former.items() if id is not None}


def drop_roles(connection: Connection, source: str, named: Collection[tuple[str, str]]) -> int:
    """Takes their account's roles from people of a source that it names no more; gives how many those were.

    `named` are those it names, by account key and address. What they are to single orders is those orders' own matter.
    """
    query = (
        select(contacts.c.id, accounts.c.account_key, contacts.c.email)
        .join(accounts, accounts.c.id == contacts.c.account_id)
        .where(contacts.c.source == source, contacts.c.roles != "")
    )
    former = corrected.of_source(connection, source)
    gone = [
        {"which": id}
        for id, key, email in connection.execute(query).all()
        if (key, email) not in named and not any((key, was) in named for was in former.get(id, ()))
    ]
    if gone:
        connection.execute(update(contacts).where(contacts.c.id == bindparam("which")).values(roles=""), gone)
    return len(gone)


def store_orders(
    connection: Connection,
    source: str,
    changed: Sequence[tuple[OrderFacts, bytes]],
    known: Mapping[str, Known],
    now: datetime,
) -> list[Taken]:
    """Stores new and changed orders with their customers and people, and gives them with their ids."""
    if not changed:
        return []
    account_ids = store_accounts(connection, source, [facts.account for facts, _ in changed], overwrite=False)
    fresh, again = [], []
    for facts, digest in changed:
        row = _row(facts, account_ids[facts.account.key]) | {"digest": digest, "changed_at": now}
        stored = known.get(facts.key)
        if stored is None:
            fresh.append(row | {"source": source, "first_seen_at": now})
        else:
            again.append(row | {"which": stored.id, "vanished_on": None})
    ids = {key: stored.id for key, stored in known.items()}
    if fresh:
        given = connection.execute(insert(orders).returning(orders.c.order_key, orders.c.id), fresh)
        ids |= {key: id for key, id in given}
    if again:
        named: dict[str, Any] = {name: bindparam(name) for name in again[0] if name != "which"}
        connection.execute(update(orders).where(orders.c.id == bindparam("which")).values(named), again)
    taken = [Taken(ids[facts.key], facts, facts.key not in known) for facts, _ in changed]
    _store_roles(connection, source, taken, account_ids)
    return taken


def _row(facts: OrderFacts, account_id: int) -> dict[str, Any]:
    skipped = ("key", "account", "people", "dns_names")
    row = {name: getattr(facts, name) for name in OrderFacts.__slots__ if name not in skipped}
    return row | {"order_key": facts.key, "account_id": account_id, "dns_names": list(facts.dns_names)}


def _store_roles(connection: Connection, source: str, taken: Sequence[Taken], account_ids: Mapping[str, int]) -> None:
    people = [(account_ids[one.facts.account.key], person) for one in taken for person in one.facts.people]
    contact_ids = store_people(connection, source, people, overwrite=False, account_wide=False)
    wanted: dict[int, set[tuple[int, str]]] = defaultdict(set)
    for one in taken:
        account_id = account_ids[one.facts.account.key]
        for person in one.facts.people:
            contact_id = contact_ids.get((account_id, person.email))
            if contact_id is not None:
                wanted[one.id] |= {(contact_id, role) for role in person.roles}
    stored: dict[int, set[tuple[int, str]]] = defaultdict(set)
    known = [one.id for one in taken if not one.new]
    if known:
        query = select(order_contacts).where(among(order_contacts.c.order_id, known))
        for order_id, contact_id, role in connection.execute(query).all():
            stored[order_id].add((contact_id, role))
    changed = [one.id for one in taken if wanted[one.id] != stored[one.id]]
    if stale := [order_id for order_id in changed if stored[order_id]]:
        connection.execute(delete(order_contacts).where(order_contacts.c.order_id.in_(stale)))
    rows = [
        {"order_id": order_id, "contact_id": contact_id, "role": role}
        for order_id in changed
        for contact_id, role in wanted[order_id]
    ]
    insert_new(connection, order_contacts, rows)


def mark_seen_again(connection: Connection, order_ids: Sequence[int]) -> None:
    """Notes that orders which had vanished are back."""
    if order_ids:
        connection.execute(update(orders).where(orders.c.id.in_(order_ids)).values(vanished_on=None))


def mark_vanished(connection: Connection, order_ids: Sequence[int], day: date) -> None:
    """Notes on which day orders were no longer named by their source."""
    if order_ids:
        connection.execute(update(orders).where(orders.c.id.in_(order_ids)).values(vanished_on=day))
