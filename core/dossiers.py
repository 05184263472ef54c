"""Everything that is known of a set of cycles, read set-wise: order, account, people, suppressions, fresh evidence."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.engine import Connection

from core.cadence_tables import Cadence
from core.certainty import surest
from core.clocks import Cycle, windows
from core.confirmations import awaited
from core.consent import ConsentRule
from core.consents import Consents
from core.consents import of_addresses as consents_of
from core.eligibility import Standing, Suppressions, why_not
from core.holds import held_until
from core.policy import Policy
from core.reasons import Reason
from core.recipients import Candidate, Choice, choose, is_own
from core.routes import Handling, family
from core.schema import accounts, contacts, cycles, order_contacts, orders
from core.sql import among
from core.suppressions import of_addresses
from core.words import Certainty, Channel, Clock, Level, Nature, OrderStatus, ProductKind, Role, Route, Stage, Urgency


class Contact(NamedTuple):
    """A person of an account, as stored."""

    id: int
    account_id: int
    email: str
    name: str
    phone: str
    language: str
    zone: str
    roles: frozenset[Role]


class Dossier(NamedTuple):
    """One cycle with all that a decision about it needs. `order` and `account` are rows of their tables.

    `handling` says who is told of it, in which brand and by which prices.
    """

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
    handling: Handling

    @property
    def addressee(self) -> Any:
        """The row of the account whose people are written to: its own, or the reseller's."""
        return self.account if self.handling.addressee is None else self.handling.addressee

    @property
    def level(self) -> Level | None:
        return Level(self.order.level) if self.order.level else None


@dataclass(frozen=True, slots=True)
class Dossiers:
    """The dossiers of a batch, the people in them, what is refused by whom, and who may be sold to."""

    by_cycle: Mapping[int, Dossier]
    people: Mapping[int, Contact]
    suppressions: Suppressions
    policy: Policy
    consents: Consents = field(default_factory=dict)

    def joined(self, others: "Dossiers") -> "Dossiers":
        """These dossiers with others of the same moment."""
        refused = Suppressions({**self.suppressions.by_address, **others.suppressions.by_address})
        return Dossiers(
            {**self.by_cycle, **others.by_cycle},
            {**self.people, **others.people},
            refused,
            self.policy,
            {**self.consents, **others.consents},
        )

    def why_not(self, dossier: Dossier, channel: Channel, day: date, *, automatic: bool = False) -> Reason | None:
        """Why this cycle must not be contacted, or None."""
        return why_not(dossier.standing, channel, day, self.policy.scope, automatic=automatic)

    def recipient(
        self, dossier: Dossier, urgency: Urgency, roles: tuple[Role, ...] = (), *, clock: Clock | None = None
    ) -> Choice:
        """Whom to mail about this cycle: by the step's own roles, then its clock's or another's, wider where urgent."""
        rules = self.policy.rules
        usual = rules.recipients(clock or dossier.clock)
        choice = choose(
            dossier.candidates,
            (*roles, *(role for role in usual if role not in roles)) if roles else usual,
            self._refusal,
            widen=urgency.rank >= rules.widen_from.rank,
        )
        if choice.reason is Reason.NO_CONTACT and dossier.handling.route is Route.RESELLER:
            return replace(choice, reason=Reason.NO_RESELLER)
        return choice

    def _refusal(self, candidate: Candidate) -> Reason | None:
        if is_own(candidate.email, self.policy.scope.own_domains):
            return Reason.OWN_DOMAIN
        return self.suppressions.why_not(candidate.email, Channel.MAIL, Nature.SERVICE)

    def rule(self, dossier: Dossier) -> ConsentRule:
        """What the country of those who are written to asks for."""
        return self.policy.consent.of(dossier.addressee.country)

    def why_not_sold_to(
        self, dossier: Dossier, contact: Contact, day: date, channel: Channel = Channel.MAIL
    ) -> Reason | None:
        """Why this person may not be sold to about this cycle on this channel and day, or None."""
        if dossier.clock is not Clock.RENEWAL:
            return Reason.NOT_SOLD
        if self.suppressions.why_not(contact.email, channel, Nature.COMMERCIAL) is not None:
            return Reason.OFFERS_REFUSED
        given = self.consents.get((contact.email.lower(), channel))
        return self.rule(dossier).why_not(given, channel, day)

    def nature(self, dossier: Dossier, contact: Contact, day: date) -> Nature:
        """What a mail to this person about this cycle may contain on this day: it sells only where it may."""
        return Nature.SERVICE if self.why_not_sold_to(dossier, contact, day) else Nature.COMMERCIAL

    def zone(self, dossier: Dossier, contact: Contact | None) -> ZoneInfo:
        """The zone in which a person works."""
        home = dossier.addressee
        named = (contact.zone if contact else "") or home.zone
        return self.policy.calendar.zone(home.country, named)


def table_of(dossier: Dossier, policy: Policy) -> Cadence:
    """The table of steps that a cycle has."""
    account = dossier.account
    return policy.cadences.choose(
        dossier.clock,
        level=dossier.level,
        segment=account.segment,
        country=account.country,
        route=account.route or dossier.handling.route,
        value_minor=dossier.order.value_minor,
    )


def roles_at(dossier: Dossier, touchpoint: str, policy: Policy) -> tuple[Role, ...]:
    """Who is tried first at a step of this name, by the tables of now; empty where the clock's own order holds."""
    tables = (
        policy.cadences.auto_renew(dossier.clock) if dossier.order.auto_renew else None,
        table_of(dossier, policy),
    )
    for table in tables:
        for step in table.steps if table is not None else ():
            if step.channel is Channel.MAIL and step.touchpoint == touchpoint:
                return step.roles
    return ()


def load(connection: Connection, cycle_ids: Collection[int], policy: Policy) -> Dossiers:
    """The dossiers of these cycles as things stand at this moment, evidence that settle has not applied included."""
    ids = list(cycle_ids)
    rows = connection.execute(_CYCLES, {"ids": ids}).all()
    order_ids = {row.order_id for row in rows}
    found_orders = {row.id: row for row in connection.execute(_ORDERS, {"ids": order_ids}).all()}
    account_ids = {row.account_id for row in found_orders.values()}
    found_accounts = {row.id: row for row in connection.execute(_ACCOUNTS, {"ids": account_ids}).all()}
    above = family(connection, found_accounts.values())
    handling = {id: above.handling(account) for id, account in found_accounts.items()}
    people, candidates = _people(connection, found_orders, handling)
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
            standing=_standing(
                row, clock, order, account, handling[account.id], evidence.get((order.order_key, clock), ())
            ),
            certainty=row.certainty,
            order=order,
            account=account,
            candidates=candidates.get(order.id, ()),
            handling=handling[account.id],
        )
    addresses = {contact.email for contact in people.values()}
    refused, consents = of_addresses(connection, addresses), consents_of(connection, addresses)
    return Dossiers(by_cycle, people, refused, policy, consents)


def _standing(
    row: Any, clock: Clock, order: Any, account: Any, handling: Handling, evidence: Sequence[tuple[date, Certainty]]
) -> Standing:
    told = account if handling.addressee is None else handling.addressee
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
        do_not_contact=account.do_not_contact or told.do_not_contact,
        do_not_call=account.do_not_call or told.do_not_call,
        silent=handling.route is Route.SILENT,
        snoozed_until=row.snoozed_until,
        committed_until=row.committed_until,
        answered_until=row.answered_until,
        awaited=_of_window(row, clock, evidence) if evidence else None,
        calls_paused_until=row.calls_paused_until,
        held_until=row.held_until,
    )


def _of_window(row: Any, clock: Clock, evidence: Sequence[tuple[date, Certainty]]) -> Certainty | None:
    cycle = Cycle(row.id, clock, row.number, row.starts_on, row.ends_on, row.certificate_id, row.open)
    window = windows([cycle])[0][1]
    return surest(certainty for day, certainty in evidence if window.holds(day))


def _people(
    connection: Connection, found_orders: Mapping[int, Any], handling: Mapping[int, Handling]
) -> tuple[dict[int, Contact], dict[int, tuple[Candidate, ...]]]:
    """The people who could be written to about these orders, by id, and the candidates of each order.

    `handling` is that of the orders' accounts, by id: where a reseller tells the customer, only its people count.
    """
    roles: dict[int, dict[int, set[Role]]] = defaultdict(lambda: defaultdict(set))
    for order_id, contact_id, role in connection.execute(_NAMED, {"ids": found_orders}).all():
        roles[order_id][contact_id].add(Role(role))
    own = {contact_id for of_order in roles.values() for contact_id in of_order}
    home = {id: None if one.addressee is None else one.addressee.id for id, one in handling.items()}
    homes = {id for id in home.values() if id is not None}
    people = {row.id: _contact(row) for row in connection.execute(_PEOPLE, {"ids": own, "homes": homes}).all()}
    general: dict[int | None, list[Candidate]] = defaultdict(list)
    for one in people.values():
        if one.roles:
            general[one.account_id].append(Candidate(one.id, one.email, one.roles, own=False))
    candidates: dict[int, tuple[Candidate, ...]] = {}
    for order_id, order in found_orders.items():
        to = home[order.account_id]
        own_people = roles[order_id].items() if to == order.account_id else ()
        mine = [Candidate(id, people[id].email, frozenset(held), own=True) for id, held in own_people]
        candidates[order_id] = (*mine, *general[to])
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
        _roles(row.roles),
    )


@lru_cache(maxsize=256)
def _roles(words: str) -> frozenset[Role]:
    return frozenset(Role(word) for word in words.split())


_CONTACT = (
    contacts.c.id,
    contacts.c.account_id,
    contacts.c.email,
    contacts.c.name,
    contacts.c.phone,
    contacts.c.language,
    contacts.c.zone,
    contacts.c.roles,
)
# Asked for every batch of mails, and so put together once.
_NAMED = select(order_contacts).where(among(order_contacts.c.order_id, "ids"))
_PEOPLE = select(*_CONTACT).where(
    among(contacts.c.id, "ids") | (among(contacts.c.account_id, "homes") & (contacts.c.roles != ""))
)
_ACCOUNTS = select(*(column for column in accounts.c if column.name not in ("digest", "source"))).where(
    among(accounts.c.id, "ids")
)
_CYCLES = select(cycles, held_until().label("held_until")).where(among(cycles.c.id, "ids")).order_by(cycles.c.id)
_NOT_ASKED = ("digest", "record_digest", "dns_names", "first_seen_at", "changed_at", "vanished_on", "status_text")
_ORDERS = select(*(column for column in orders.c if column.name not in _NOT_ASKED)).where(among(orders.c.id, "ids"))
