"""Everything that is known of a set of cycles, read set-wise: order, account, people, suppressions, fresh evidence."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.engine import Connection

from core.certainty import surest
from core.clocks import Cycle, windows
from core.confirmations import awaited
from core.eligibility import Standing, Suppressions, why_not
from core.policy import Policy
from core.reasons import Reason
from core.recipients import Candidate, Choice, choose, is_own
from core.schema import accounts, contacts, cycles, order_contacts, orders
from core.suppressions import of_addresses
from core.words import Certainty, Channel, Clock, Level, Nature, OrderStatus, ProductKind, Role, Stage, Urgency


@dataclass(frozen=True, slots=True)
class Contact:
    """A person of an account, as stored."""

    id: int
    account_id: int
    email: str
    name: str
    phone: str
    language: str
    zone: str
    roles: frozenset[Role]
    consent: str


@dataclass(frozen=True, slots=True)
class Dossier:
    """One cycle with all that a decision about it needs. `order` and `account` are rows of their tables."""

    id: int
    clock: Clock
    number: int
    starts_on: date
    ends_on: date
    standing: Standing
    certainty: str
    order: Any
    account: Any
    candidates: tuple[Candidate, ...]

    @property
    def level(self) -> Level | None:
        return Level(self.order.level) if self.order.level else None


@dataclass(frozen=True, slots=True)
class Dossiers:
    """The dossiers of a batch, the people in them, and what is refused by whom."""

    by_cycle: Mapping[int, Dossier]
    people: Mapping[int, Contact]
    suppressions: Suppressions
    policy: Policy

    def why_not(self, dossier: Dossier, channel: Channel, day: date, *, automatic: bool = False) -> Reason | None:
        """Why this cycle must not be contacted, or None."""
        return why_not(dossier.standing, channel, day, self.policy.scope, automatic=automatic)

    def recipient(self, dossier: Dossier, urgency: Urgency) -> Choice:
        """Whom to mail about this cycle: by the clock's order of roles, wider where it is urgent."""
        rules = self.policy.rules
        return choose(
            dossier.candidates,
            rules.recipients(dossier.clock),
            self._refusal,
            widen=urgency.rank >= rules.widen_from.rank,
        )

    def _refusal(self, candidate: Candidate) -> Reason | None:
        if is_own(candidate.email, self.policy.scope.own_domains):
            return Reason.OWN_DOMAIN
        return self.suppressions.why_not(candidate.email, Channel.MAIL, Nature.SERVICE)

    def nature(self, dossier: Dossier, contact: Contact) -> Nature:
        """What a mail to this person about this cycle may contain: offers only with consent on the renewal clock."""
        if dossier.clock is not Clock.RENEWAL or not contact.consent:
            return Nature.SERVICE
        refused = self.suppressions.why_not(contact.email, Channel.MAIL, Nature.COMMERCIAL)
        return Nature.SERVICE if refused else Nature.COMMERCIAL

    def zone(self, dossier: Dossier, contact: Contact | None) -> ZoneInfo:
        """The zone in which a person works."""
        named = (contact.zone if contact else "") or dossier.account.zone
        return self.policy.calendar.zone(dossier.account.country, named)


def load(connection: Connection, cycle_ids: Collection[int], policy: Policy) -> Dossiers:
    """The dossiers of these cycles as things stand at this moment, evidence that settle has not applied included."""
    ids = list(cycle_ids)
    rows = connection.execute(select(cycles).where(cycles.c.id.in_(ids)).order_by(cycles.c.id)).all()
    order_ids = {row.order_id for row in rows}
    found_orders = {row.id: row for row in connection.execute(select(*_ORDER).where(orders.c.id.in_(order_ids)))}
    account_ids = {row.account_id for row in found_orders.values()}
    found_accounts = {row.id: row for row in connection.execute(select(accounts).where(accounts.c.id.in_(account_ids)))}
    people, candidates = _people(connection, found_orders, account_ids)
    evidence = awaited(connection, [row.order_key for row in found_orders.values()])
    by_cycle: dict[int, Dossier] = {}
    for row in rows:
        order = found_orders[row.order_id]
        account = found_accounts[order.account_id]
        clock = Clock(row.clock)
        by_cycle[row.id] = Dossier(
            id=row.id,
            clock=clock,
            number=row.number,
            starts_on=row.starts_on,
            ends_on=row.ends_on,
            standing=_standing(row, clock, order, account, evidence.get((order.order_key, clock), ())),
            certainty=row.certainty,
            order=order,
            account=account,
            candidates=candidates.get(order.id, ()),
        )
    addresses = {contact.email for contact in people.values()}
    return Dossiers(by_cycle, people, of_addresses(connection, addresses), policy)


def _standing(row: Any, clock: Clock, order: Any, account: Any, evidence: Sequence[tuple[date, Certainty]]) -> Standing:
    return Standing(
        clock=clock,
        open=row.open,
        outcome=row.outcome,
        closing=row.closing,
        stage=Stage(row.stage),
        kind=ProductKind(order.kind),
        status=OrderStatus(order.status),
        auto_renew=order.auto_renew,
        ca_notices_off=order.ca_notices_off and not order.ca_notices_off_ours,
        do_not_contact=account.do_not_contact,
        do_not_call=account.do_not_call,
        snoozed_until=row.snoozed_until,
        committed_until=row.committed_until,
        awaited=_of_window(row, clock, evidence) if evidence else None,
    )


def _of_window(row: Any, clock: Clock, evidence: Sequence[tuple[date, Certainty]]) -> Certainty | None:
    cycle = Cycle(row.id, clock, row.number, row.starts_on, row.ends_on, row.certificate_id, row.open)
    window = windows([cycle])[0][1]
    return surest(certainty for day, certainty in evidence if window.holds(day))


def _people(
    connection: Connection, found_orders: Mapping[int, Any], account_ids: Collection[int]
) -> tuple[dict[int, Contact], dict[int, tuple[Candidate, ...]]]:
    roles: dict[int, dict[int, set[Role]]] = defaultdict(lambda: defaultdict(set))
    named = select(order_contacts).where(order_contacts.c.order_id.in_(found_orders))
    for order_id, contact_id, role in connection.execute(named):
        roles[order_id][contact_id].add(Role(role))
    own = {contact_id for of_order in roles.values() for contact_id in of_order}
    account_wide = contacts.c.account_id.in_(account_ids) & (contacts.c.roles != "")
    query = select(*_CONTACT).where(contacts.c.id.in_(own) | account_wide)
    people = {row.id: _contact(row) for row in connection.execute(query)}
    of_account: dict[int, list[Contact]] = defaultdict(list)
    for contact in people.values():
        if contact.roles:
            of_account[contact.account_id].append(contact)
    candidates: dict[int, tuple[Candidate, ...]] = {}
    for order_id, order in found_orders.items():
        mine = [
            Candidate(contact_id, people[contact_id].email, frozenset(held), own=True)
            for contact_id, held in roles[order_id].items()
        ]
        general = [Candidate(one.id, one.email, one.roles, own=False) for one in of_account[order.account_id]]
        candidates[order_id] = (*mine, *general)
    return people, candidates


def _contact(row: Any) -> Contact:
    return Contact(
        row.id,
        row.account_id,
        row.email,
        row.name,
        row.phone,
        row.language,
        row.zone,
        frozenset(Role(role) for role in row.roles.split()),
        row.consent,
    )


_CONTACT = (
    contacts.c.id,
    contacts.c.account_id,
    contacts.c.email,
    contacts.c.name,
    contacts.c.phone,
    contacts.c.language,
    contacts.c.zone,
    contacts.c.roles,
    contacts.c.consent,
)
_ORDER = tuple(column for column in orders.c if column.name not in ("digest", "record_digest", "dns_names"))
