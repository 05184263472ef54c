"""Which orders nobody can be told about, and why; and which addresses several customers share."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from core.batches import batched
from core.dossiers import Dossier, Dossiers, load
from core.policy import Policy
from core.reasons import Reason
from core.schema import accounts, contacts, cycles, order_contacts, orders
from core.words import Channel, Nature, Urgency

_NOBODY_MAY = (Reason.DO_NOT_CONTACT, Reason.SILENT, Reason.CA_NOTICES_OFF)


@dataclass(frozen=True, slots=True)
class Untold:
    """A cycle of an order that no mail can be sent about. `by_phone` says whether somebody can be called all the same."""

    order_key: str
    common_name: str
    account_key: str
    account_name: str
    owner_key: str
    clock: str
    ends_on: date
    reason: str
    by_phone: bool


@dataclass(slots=True)
class Coverage:
    """Of how many ends somebody can be told, and of which nobody, the next ends first."""

    told: int = 0
    untold: list[Untold] = field(default_factory=list)

    @property
    def reasons(self) -> dict[str, int]:
        """How often each reason holds, the most frequent first."""
        return dict(Counter(one.reason for one in self.untold).most_common())


@dataclass(frozen=True, slots=True)
class Shared:
    """An address that is a contact of several accounts, with how many renewals are open for it."""

    address: str
    account_keys: tuple[str, ...]
    open_orders: int


def coverage(connection: Connection, policy: Policy, today: date, within_days: int | None = None) -> Coverage:
    """Looks at every open end from today on, up to so many days ahead where that is given.

    What needs no telling, as a renewal that is placed or a customer who is lost, is left out.
    """
    found = Coverage()
    open_ends = cycles.c.open & (cycles.c.closing == "") & (cycles.c.ends_on >= today)
    if within_days is not None:
        open_ends &= cycles.c.ends_on <= today + timedelta(days=within_days)
    query = select(cycles.c.id).where(open_ends).order_by(cycles.c.ends_on, cycles.c.id)
    for ids in batched(connection.execute(query).scalars().all(), policy.plan_batch):
        dossiers = load(connection, ids, policy)
        for dossier in (dossiers.by_cycle[id] for id in ids):
            reason = _why_untold(dossiers, dossier, today)
            if reason is not None:
                found.untold.append(_untold(dossiers, dossier, reason))
            elif dossiers.why_not(dossier, Channel.MAIL, today, automatic=True) is None:
                found.told += 1
    return found


def _why_untold(dossiers: Dossiers, dossier: Dossier, today: date) -> Reason | None:
    reason = dossiers.why_not(dossier, Channel.MAIL, today, automatic=True)
    if reason is not None:
        return reason if reason in _NOBODY_MAY else None
    choice = dossiers.recipient(dossier, Urgency.EXPIRED)
    return None if choice.candidate is not None else choice.reason or Reason.NO_CONTACT


def _untold(dossiers: Dossiers, dossier: Dossier, reason: Reason) -> Untold:
    account = dossier.account
    return Untold(
        order_key=dossier.order.order_key,
        common_name=dossier.order.common_name,
        account_key=account.account_key,
        account_name=account.name,
        owner_key=account.owner_key,
        clock=dossier.clock,
        ends_on=dossier.ends_on,
        reason=reason,
        by_phone=reason not in _NOBODY_MAY and _by_phone(dossiers, dossier),
    )


def _by_phone(dossiers: Dossiers, dossier: Dossier) -> bool:
    if dossier.account.do_not_call:
        return False
    people = [dossiers.people[one.contact_id] for one in dossier.candidates]
    refused = dossiers.suppressions
    return any(
        person.phone and refused.why_not(person.email, Channel.CALL, Nature.SERVICE) is None for person in people
    )


def shared(connection: Connection) -> list[Shared]:
    """The addresses that several accounts have, those of most accounts first."""
    several = select(contacts.c.email).group_by(contacts.c.email).having(func.count() > 1)
    named = (
        select(contacts.c.email, accounts.c.account_key)
        .join(accounts, accounts.c.id == contacts.c.account_id)
        .where(contacts.c.email.in_(several))
        .order_by(contacts.c.email, accounts.c.account_key)
    )
    held: dict[str, list[str]] = {}
    for address, key in connection.execute(named):
        held.setdefault(address, []).append(key)
    counted = (
        select(contacts.c.email, func.count(cycles.c.order_id.distinct()))
        .join(order_contacts, order_contacts.c.contact_id == contacts.c.id)
        .join(cycles, cycles.c.order_id == order_contacts.c.order_id)
        .where(contacts.c.email.in_(several), cycles.c.open)
        .group_by(contacts.c.email)
    )
    open_orders: dict[str, int] = {address: count for address, count in connection.execute(counted)}
    found = [Shared(address, tuple(keys), open_orders.get(address, 0)) for address, keys in held.items()]
    return sorted(found, key=lambda one: (-len(one.account_keys), one.address))


def told_to(connection: Connection, order_key: str, policy: Policy, today: date) -> Iterator[str]:
    """Lines on who is told of each open cycle of an order, in which role, and whether they may be sold to."""
    query = select(cycles.c.id).join(orders, orders.c.id == cycles.c.order_id)
    ids = connection.execute(query.where(orders.c.order_key == order_key, cycles.c.open).order_by(cycles.c.id))
    dossiers = load(connection, ids.scalars().all(), policy)
    for dossier in dossiers.by_cycle.values():
        yield from _lines(dossiers, dossier, today)


def _lines(dossiers: Dossiers, dossier: Dossier, today: date) -> Iterator[str]:
    route, whose = dossier.handling.route, dossier.addressee
    silenced = dossiers.why_not(dossier, Channel.MAIL, today, automatic=True)
    if silenced in _NOBODY_MAY:
        yield f"{dossier.clock}: nobody is written to: {silenced.sentence}"
        return
    choice = dossiers.recipient(dossier, Urgency.NOTICE)
    late = "" if choice.candidate else " at first"
    choice = choice if choice.candidate else dossiers.recipient(dossier, Urgency.EXPIRED)
    if choice.candidate is None or choice.role is None:
        yield f"{dossier.clock}: nobody is written to: {(choice.reason or Reason.NO_CONTACT).sentence}"
        return
    person = dossiers.people[choice.candidate.contact_id]
    home: Any = whose.name or whose.account_key
    through = f" of {home}, by the route {route}" if whose.id != dossier.account.id else ""
    first = f"nobody{late}, then " if late else ""
    yield f"{dossier.clock}: {first}mails go to {person.email} ({choice.role}){through}"
    refused = dossiers.why_not_sold_to(dossier, person, today)
    table = dossiers.policy.consent.name_of(whose.country)
    given = dossiers.consents.get((person.email.lower(), Channel.MAIL))
    if refused is None and given is not None:
        yield f"{dossier.clock}: offers may go along: {given.basis} since {given.since or 'no known day'}, rule {table}"
    elif refused is not Reason.NOT_SOLD:
        yield f"{dossier.clock}: service only: {(refused or Reason.NO_BASIS).sentence} (rule {table})"
