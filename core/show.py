"""All about what an operator names: a domain, an order, an account or a person, each with what belongs to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, Text, cast, func, or_, select
from sqlalchemy.engine import Connection

from core import consents, forgotten
from core.consent import Given
from core.errors import UsageError
from core.schema import accounts, contacts, cycles, deliveries, order_contacts, orders, reps, suppressions, tasks
from core.suppressions import normal_address
from core.wishes import is_newest_renewal
from core.words import Channel, DeliveryKind, DeliveryState, TaskState

_MOST_MAILS = 10


class What(StrEnum):
    """What was named."""

    ORDER = "order"
    ACCOUNT = "account"
    EMAIL = "email"
    DOMAIN = "domain"


@dataclass(frozen=True, slots=True)
class ShownOrder:
    """An order with its newest renewal. `next_on`: the first day on which anything is to be decided; None: no more."""

    order: str
    name: str
    product: str
    status: str
    account: str
    ends_on: date | None
    certificate_ends_on: date | None
    stage: str
    outcome: str
    next_on: date | None
    auto_renew: bool
    value_minor: int | None
    currency: str


@dataclass(frozen=True, slots=True)
class ShownAccount:
    """A customer and who owns it."""

    account: str
    name: str
    country: str
    language: str
    segment: str
    route: str
    rep: str
    rep_name: str
    do_not_contact: bool
    do_not_call: bool


@dataclass(frozen=True, slots=True)
class ShownPerson:
    """Somebody of a customer; `refuses` are channel and nature of what the address does not want."""

    email: str
    name: str
    phone: str
    language: str
    roles: str
    account: str
    consent: str
    refuses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShownTask:
    """A task that is open."""

    task: str
    kind: str
    account: str
    rep: str
    urgency: str
    due_on: date


@dataclass(frozen=True, slots=True)
class ShownMail:
    """A mail that went to a person or an account."""

    day: date
    touchpoint: str
    urgency: str
    email: str
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that belongs to what was named. `forgotten_since`: the person asked for it; nothing else is known."""

    what: What
    named: str
    accounts: Sequence[ShownAccount]
    orders: Sequence[ShownOrder]
    people: Sequence[ShownPerson]
    tasks: Sequence[ShownTask]
    mails: Sequence[ShownMail]
    forgotten_since: datetime | None = None


def show(connection: Connection, typed: str) -> Shown:
    """What belongs to an order's key or id, an account's key or a part of its name, an address, or a domain.

    An order comes first, then an account by its key, a person, a domain, an account by its name. Raises `UsageError` where
    there is nothing of the kind.
    """
    if "@" in typed:
        return _of_person(connection, normal_address(typed))
    order_ids = _ids(
        connection, select(orders.c.id).where(or_(orders.c.order_key == typed, orders.c.outside_id == typed))
    )
    if order_ids:
        return _of_orders(connection, What.ORDER, typed, order_ids)
    account_ids = _ids(connection, select(accounts.c.id).where(accounts.c.account_key == typed))
    if account_ids:
        return _of_accounts(connection, typed, account_ids)
    if order_ids := _on_domain(connection, typed):
        return _of_orders(connection, What.DOMAIN, typed, order_ids)
    named = accounts.c.name.icontains(typed, autoescape=True)
    account_ids = _ids(connection, select(accounts.c.id).where(named).order_by(accounts.c.id))
    if not account_ids:
        raise UsageError(
            f"no order, account, person or domain {typed} is known; check the spelling, or run `nolapse sync`"
        )
    return _of_accounts(connection, typed, account_ids)


def _ids(connection: Connection, query: Select[Any]) -> list[int]:
    return list(connection.execute(query).scalars())


def _on_domain(connection: Connection, typed: str) -> list[int]:
    """The orders with this name, or with names below it."""
    domain = typed.strip().lower().removeprefix("*.").rstrip(".")
    if "." not in domain:
        return []
    common = func.lower(orders.c.common_name)
    others = func.lower(cast(orders.c.dns_names, Text))
    below = common.endswith(f".{domain}", autoescape=True)
    listed = [others.contains(f'{sign}{domain}"', autoescape=True) for sign in ('"', ".")]
    return _ids(connection, select(orders.c.id).where(or_(common == domain, below, *listed)).order_by(orders.c.id))


def _of_orders(connection: Connection, what: What, named: str, order_ids: Sequence[int]) -> Shown:
    query = select(orders.c.account_id).where(orders.c.id.in_(order_ids)).distinct()
    account_ids = list(connection.execute(query).scalars())
    on_orders = select(order_contacts.c.contact_id).where(order_contacts.c.order_id.in_(order_ids))
    people = contacts.c.id.in_(on_orders) | (contacts.c.account_id.in_(account_ids) & (contacts.c.roles != ""))
    return _shown(connection, what, named, account_ids, orders.c.id.in_(order_ids), people)


def _of_accounts(connection: Connection, named: str, account_ids: Sequence[int]) -> Shown:
    mine = orders.c.account_id.in_(account_ids)
    return _shown(connection, What.ACCOUNT, named, account_ids, mine, contacts.c.account_id.in_(account_ids))


def _of_person(connection: Connection, address: str) -> Shown:
    person = func.lower(contacts.c.email) == address
    found = connection.execute(select(contacts.c.id, contacts.c.account_id, contacts.c.roles).where(person)).all()
    since = forgotten.since(connection, address)
    refused = connection.execute(select(suppressions.c.id).where(suppressions.c.address == address).limit(1)).first()
    if not found and since is None and refused is None:
        raise UsageError("nobody with this address is known; `nolapse subject` looks into mails and events as well")
    named = select(order_contacts.c.order_id).where(order_contacts.c.contact_id.in_([row.id for row in found]))
    account_wide = orders.c.account_id.in_([row.account_id for row in found if row.roles])
    account_ids = sorted({row.account_id for row in found})
    return _shown(connection, What.EMAIL, address, account_ids, orders.c.id.in_(named) | account_wide, person, since)


def _shown(
    connection: Connection,
    what: What,
    named: str,
    account_ids: Sequence[int],
    of_orders: ColumnElement[bool],
    people: ColumnElement[bool],
    since: datetime | None = None,
) -> Shown:
    return Shown(
        what,
        named,
        _accounts(connection, account_ids),
        _orders(connection, of_orders),
        _people(connection, people),
        _tasks(connection, account_ids),
        _mails(connection, people),
        since,
    )


def _accounts(connection: Connection, account_ids: Sequence[int]) -> list[ShownAccount]:
    table = accounts.c
    query: Select[Any] = (
        select(
            table.account_key, table.name, table.country, table.language, table.segment, table.route, table.owner_key,
            func.coalesce(reps.c.name, ""), table.do_not_contact, table.do_not_call,
        )
        .join(reps, reps.c.rep_key == table.owner_key, isouter=True)
        .where(table.id.in_(account_ids))
        .order_by(table.name, table.account_key)
    )  # fmt: skip
    return [ShownAccount(*row) for row in connection.execute(query)]


def _orders(connection: Connection, mine: ColumnElement[bool]) -> list[ShownOrder]:
    """By their end, the nearest first."""
    table = orders.c
    query: Select[Any] = (
        select(
            table.order_key, table.common_name, table.product_name, table.status, accounts.c.account_key,
            table.order_expires_on, table.certificate_expires_on, func.coalesce(cycles.c.stage, ""),
            func.coalesce(cycles.c.outcome, ""), cycles.c.next_on, table.auto_renew, table.value_minor, table.currency,
        )
        .join(accounts, accounts.c.id == table.account_id)
        .join(cycles, (cycles.c.order_id == table.id) & is_newest_renewal(), isouter=True)
        .where(mine)
        .order_by(table.order_expires_on, table.order_key)
    )  # fmt: skip
    return [ShownOrder(*row) for row in connection.execute(query)]


def _people(connection: Connection, mine: ColumnElement[bool]) -> list[ShownPerson]:
    table = contacts.c
    query = (
        select(contacts, accounts.c.account_key)
        .join(accounts, accounts.c.id == table.account_id)
        .where(mine)
        .order_by(accounts.c.account_key, table.email)
    )
    rows = connection.execute(query).all()
    wanted = suppressions.c.address.in_({row.email.lower() for row in rows})
    refused: dict[str, list[str]] = {}
    for address, channel, nature in connection.execute(
        select(suppressions.c.address, suppressions.c.channel, suppressions.c.nature).where(wanted)
    ):
        refused.setdefault(address, []).append(f"{channel}: {nature}")
    bases = consents.of_addresses(connection, [row.email for row in rows])
    own = select(order_contacts.c.contact_id, order_contacts.c.role).distinct()
    held: dict[int, set[str]] = {row.id: set(row.roles.split()) for row in rows}
    for contact_id, role in connection.execute(own.where(order_contacts.c.contact_id.in_(list(held)))):
        held[contact_id].add(role)
    return [
        ShownPerson(
            row.email, row.name, row.phone, row.language, " ".join(sorted(held[row.id])), row.account_key,
            _basis(bases.get((row.email.lower(), Channel.MAIL))),
            tuple(sorted(refused.get(row.email.lower(), ()))),
        )
        for row in rows
    ]  # fmt: skip


def _basis(given: Given | None) -> str:
    return str(given.basis) if given is not None else ""


def _tasks(connection: Connection, account_ids: Sequence[int]) -> list[ShownTask]:
    table = tasks.c
    query: Select[Any] = (
        select(table.task_key, table.kind, accounts.c.account_key, table.owner_key, table.urgency, table.due_on)
        .join(accounts, accounts.c.id == table.account_id)
        .where(table.account_id.in_(account_ids), table.state.in_((TaskState.PLANNED, TaskState.OPEN)))
        .order_by(table.due_on, table.task_key)
    )
    return [ShownTask(*row) for row in connection.execute(query)]


def _mails(connection: Connection, people: ColumnElement[bool]) -> list[ShownMail]:
    """The last mails to these people, the newest first."""
    table = deliveries.c
    query: Select[Any] = (
        select(table.day, table.touchpoint, table.urgency, contacts.c.email, table.settled_at)
        .join(contacts, contacts.c.id == table.contact_id)
        .where(table.kind == DeliveryKind.MAIL, table.state == DeliveryState.DELIVERED, people)
        .order_by(table.day.desc(), table.id.desc())
        .limit(_MOST_MAILS)
    )
    return [ShownMail(*row) for row in connection.execute(query)]
