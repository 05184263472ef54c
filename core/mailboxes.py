"""Puts the mails of a batch into deliveries: into one that waits for the person, or a new one on a free day."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, distinct, func, insert, select, update
from sqlalchemy.engine import Connection

from core.cadence import Scheduled
from core.dossiers import Contact, Dossier, Dossiers
from core.grouping import Mailbox, Place, joins_renewal, place
from core.schema import cycles, deliveries, delivery_orders, order_contacts, touches
from core.timing import Timer
from core.words import Channel, Clock, DeliveryKind, DeliveryState, Nature, TouchState, Urgency

_GONE = (DeliveryState.CLAIMED, DeliveryState.SENDING, DeliveryState.DELIVERED, DeliveryState.UNCERTAIN)
_CLOCKS = tuple(Clock)


@dataclass(frozen=True, slots=True)
class Wish:
    """A step that is to go on a day. Mails have a contact; calls have none, they go to the desk."""

    dossier: Dossier
    entry: Scheduled
    day: date
    nature: Nature
    contact: Contact | None


@dataclass(slots=True)
class Draft:
    """A mail delivery that waits, stored or new."""

    key: str
    contact: Contact
    account_id: int
    clock: Clock
    day: date
    send_after: datetime
    urgency: Urgency
    nature: Nature
    touchpoint: str
    id: int | None = None
    changed: bool = False
    orders: dict[int, Urgency] = field(default_factory=dict)

    @property
    def delivery_id(self) -> int:
        """The id in the store; there is one once the drafts are written."""
        if self.id is None:
            raise LookupError(f"{self.key} has not been written yet")
        return self.id

    def take(self, wish: Wish, send_after: datetime) -> None:
        """Takes a step in: the most urgent member speaks for the mail, an urgent one hastens it."""
        step = wish.entry.step
        if step.urgency.rank > self.urgency.rank:
            self.urgency, self.touchpoint, self.changed = step.urgency, step.touchpoint, True
        if step.urgency.passes_limits and send_after < self.send_after:
            self.send_after, self.changed = send_after, True
        if wish.nature is Nature.SERVICE and self.nature is not Nature.SERVICE:
            self.nature, self.changed = Nature.SERVICE, True
        order_id = wish.dossier.order.id
        self.orders[order_id] = Urgency.highest(step.urgency, *filter(None, [self.orders.get(order_id)]))


class Mailboxes:
    """The mailboxes of everybody whom a batch wants to write to."""

    def __init__(self, connection: Connection, dossiers: Dossiers, timer: Timer) -> None:
        self._connection = connection
        self._dossiers = dossiers
        self._timer = timer
        self._rules = dossiers.policy.rules
        self._boxes: dict[tuple[int, Clock], Mailbox] = {}
        self._waiting: dict[tuple[int, Clock], Draft] = {}
        self._numbers: dict[tuple[int, Clock, date], int] = {}
        self.placed: list[tuple[Wish, Draft | None]] = []
        self.created = 0

    def place(self, wishes: Sequence[Wish]) -> None:
        """Finds a place for every wish, renewals first, so that a reissue step can join its order's renewal mail."""
        self._load(wishes)
        for wish in sorted(wishes, key=lambda one: _CLOCKS.index(one.dossier.clock)):
            self.placed.append((wish, self._place(wish)))

    def _place(self, wish: Wish) -> Draft | None:
        dossier, contact, urgency = wish.dossier, wish.contact, wish.entry.step.urgency
        if contact is None:
            raise LookupError("a mail needs somebody to go to")
        if (renewal := self._renewal_to_join(wish, contact)) is not None:
            renewal.take(wish, self._send_after(wish, wish.day))
            return renewal
        lane = (contact.id, dossier.clock)
        box = self._boxes[lane]
        placement = place(box, dossier.id, wish.day, urgency, self._rules)
        if placement.place is Place.LISTED:
            return None
        send_after = self._send_after(wish, placement.day)
        draft = self._waiting.get(lane)
        if draft is None or placement.place is Place.NEW:
            draft = self._waiting[lane] = self._draft(wish, contact, placement.day, send_after)
            box.waiting_on = placement.day
        draft.take(wish, send_after)
        return draft

    def _renewal_to_join(self, wish: Wish, contact: Contact) -> Draft | None:
        if wish.dossier.clock is not Clock.REISSUE:
            return None
        draft = self._waiting.get((contact.id, Clock.RENEWAL))
        spoken = draft.orders.get(wish.dossier.order.id) if draft is not None else None
        return draft if spoken is not None and joins_renewal(wish.entry.step.urgency, spoken) else None

    def _draft(self, wish: Wish, contact: Contact, day: date, send_after: datetime) -> Draft:
        dossier, step = wish.dossier, wish.entry.step
        numbered = (contact.id, dossier.clock, day)
        number = self._numbers[numbered] = self._numbers.get(numbered, 0) + 1
        return Draft(
            key=f"mail:contact-{contact.id}:{dossier.clock}:{day}:{number}",
            contact=contact,
            account_id=dossier.order.account_id,
            clock=dossier.clock,
            day=day,
            send_after=send_after,
            urgency=step.urgency,
            nature=wish.nature,
            touchpoint=step.touchpoint,
        )

    def _send_after(self, wish: Wish, day: date) -> datetime:
        """When offices open on the day of the mail; past that, the next hour of work, urgent ones at once."""
        calendar = self._dossiers.policy.calendar
        zone = self._dossiers.zone(wish.dossier, wish.contact)
        opens = calendar.opens_at(day, zone)
        if opens >= self._timer.opening:
            return opens
        if wish.entry.step.urgency.passes_limits:
            return self._timer.opening
        return calendar.next_opening(self._timer.opening, wish.dossier.account.country, zone)

    def _load(self, wishes: Sequence[Wish]) -> None:
        people = {wish.contact.id: wish.contact for wish in wishes if wish.contact is not None}
        for contact_id in people:
            for clock in Clock:
                self._boxes[contact_id, clock] = Mailbox(clock)
        if not people:
            return
        since = self._timer.day - timedelta(days=self._rules.stand_in_days + 1)
        recent = select(deliveries).where(
            deliveries.c.contact_id.in_(people), deliveries.c.day >= since, deliveries.c.kind == DeliveryKind.MAIL
        )
        waiting = select(deliveries).where(
            deliveries.c.contact_id.in_(people),
            deliveries.c.day < since,
            deliveries.c.kind == DeliveryKind.MAIL,
            deliveries.c.state == DeliveryState.PLANNED,
        )
        for query in (recent, waiting):
            for row in self._connection.execute(query.order_by(deliveries.c.id)):
                self._remember(row, people[row.contact_id])
        self._load_members()
        self._load_listed(wishes, since)
        self._load_open_orders(people)

    def _remember(self, row: Any, contact: Contact) -> None:
        clock = Clock(row.clock)
        numbered = (contact.id, clock, row.day)
        self._numbers[numbered] = max(self._numbers.get(numbered, 0), int(row.key.rpartition(":")[2]))
        if row.state in _GONE:
            self._boxes[contact.id, clock].sent_on.add(row.day)
        elif row.state == DeliveryState.PLANNED and (contact.id, clock) not in self._waiting:
            self._boxes[contact.id, clock].waiting_on = row.day
            self._waiting[contact.id, clock] = Draft(
                row.key, contact, row.account_id, clock, row.day, row.send_after, Urgency(row.urgency),
                Nature(row.nature), row.touchpoint, id=row.id,
            )  # fmt: skip

    def _load_members(self) -> None:
        stored = {draft.id: draft for draft in self._waiting.values() if draft.id is not None}
        query = (
            select(touches.c.delivery_id, cycles.c.order_id, touches.c.urgency)
            .join(cycles, cycles.c.id == touches.c.cycle_id)
            .where(touches.c.delivery_id.in_(stored), touches.c.state == TouchState.PLANNED)
        )
        for delivery_id, order_id, urgency in self._connection.execute(query):
            known = stored[delivery_id].orders
            known[order_id] = Urgency.highest(Urgency(urgency), *filter(None, [known.get(order_id)]))

    def _load_listed(self, wishes: Sequence[Wish], since: date) -> None:
        query = (
            select(delivery_orders.c.cycle_id, deliveries.c.contact_id, deliveries.c.clock, deliveries.c.day)
            .join(deliveries, deliveries.c.id == delivery_orders.c.delivery_id)
            .where(
                delivery_orders.c.cycle_id.in_({wish.dossier.id for wish in wishes}),
                deliveries.c.day >= since,
                deliveries.c.state.in_(_GONE),
            )
        )
        for cycle_id, contact_id, clock, day in self._connection.execute(query):
            box = self._boxes.get((contact_id, Clock(clock)))
            if box is not None:
                box.listed[cycle_id] = max(day, box.listed.get(cycle_id, day))

    def _load_open_orders(self, people: dict[int, Contact]) -> None:
        """Counts the orders of each person whose renewal ends within the days that one mail lists."""
        ends_by = self._timer.day + timedelta(days=self._rules.list_within_days)
        query = (
            select(order_contacts.c.contact_id, func.count(distinct(cycles.c.order_id)))
            .join(cycles, cycles.c.order_id == order_contacts.c.order_id)
            .where(
                order_contacts.c.contact_id.in_(people),
                cycles.c.open,
                cycles.c.clock == Clock.RENEWAL,
                cycles.c.ends_on <= ends_by,
            )
            .group_by(order_contacts.c.contact_id)
        )
        for contact_id, count in self._connection.execute(query):
            self._boxes[contact_id, Clock.RENEWAL].open_orders = count

    def write(self) -> None:
        """Stores new deliveries and what has changed in those that waited."""
        drafts = {id(draft): draft for _, draft in self.placed if draft is not None}
        fresh = [draft for draft in drafts.values() if draft.id is None]
        changed = [draft for draft in drafts.values() if draft.id is not None and draft.changed]
        if fresh:
            given = self._connection.execute(
                insert(deliveries).returning(deliveries.c.key, deliveries.c.id), [_row(draft) for draft in fresh]
            )
            ids = {key: id for key, id in given}
            for draft in fresh:
                draft.id = ids[draft.key]
            self.created = len(fresh)
        if changed:
            names = ("send_after", "urgency", "nature", "touchpoint")
            named: dict[str, Any] = {name: bindparam(name) for name in names}
            self._connection.execute(
                update(deliveries).where(deliveries.c.id == bindparam("which")).values(named),
                [{"which": draft.id} | {name: getattr(draft, name) for name in names} for draft in changed],
            )


def _row(draft: Draft) -> dict[str, Any]:
    return {
        "key": draft.key,
        "kind": DeliveryKind.MAIL,
        "channel": Channel.MAIL,
        "state": DeliveryState.PLANNED,
        "clock": draft.clock,
        "account_id": draft.account_id,
        "contact_id": draft.contact.id,
        "day": draft.day,
        "send_after": draft.send_after,
        "urgency": draft.urgency,
        "nature": draft.nature,
        "touchpoint": draft.touchpoint,
    }
