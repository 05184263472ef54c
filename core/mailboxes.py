"""Puts the mails of a batch into deliveries: into one that waits for the person, or a new one on a free day."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import Connection

from core import golive
from core.cadence import Scheduled
from core.dossiers import Contact, Dossier, Dossiers
from core.grouping import Mailbox, Place, joins_renewal, place
from core.model import end_instant
from core.routes import told
from core.schema import cycles, deliveries, delivery_orders, touches
from core.sql import among, unindexed
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

    def take(self, wish: Wish, day: date, send_after: datetime) -> None:
        """Takes a step in: the most urgent member speaks for the mail, an urgent one hastens it to its day.

        What says that something has ended goes only after that instant; east of Greenwich offices may open before it.
        """
        step = wish.entry.step
        if step.urgency.rank > self.urgency.rank:
            self.urgency, self.touchpoint, self.changed = step.urgency, step.touchpoint, True
        if step.urgency.passes_limits and send_after < self.send_after:
            self.send_after, self.day, self.changed = send_after, day, True
        if step.urgency is Urgency.EXPIRED and self.send_after < (ended := end_instant(wish.dossier.ends_on)):
            self.send_after, self.changed = ended, True
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
        self._live = golive.live(connection)
        self._boxes: dict[tuple[int, Clock], Mailbox] = {}
        self._waiting: dict[tuple[int, Clock], dict[date, Draft]] = {}
        self._numbers: dict[tuple[int, Clock, date], int] = {}
        self.placed: list[tuple[Wish, Draft | None]] = []
        self.created = 0

    def place(self, wishes: Sequence[Wish]) -> None:
        """Finds a place for every wish.

        Renewals come first, so that a reissue step can join its order's renewal mail; then the most urgent, so that the
        others join it instead of making a mail of their own.
        """
        self._load(wishes)
        for wish in sorted(wishes, key=_turn):
            self.placed.append((wish, self._place(wish)))

    def soonest(self, account_id: int) -> date:
        """The first day on which a mail that waits for this account can go: not today, where today nothing is sent."""
        first = self._live.since(account_id)
        return self._timer.day + timedelta(days=1) if first is None else max(first, self._timer.day)

    def alone(self, wish: Wish, contact: Contact) -> Draft:
        """Gives a step a mail of its own today, whatever else waits or has gone."""
        self._load([wish])
        draft = self._draft(wish, contact, self._timer.day, self._timer.opening)
        self.placed.append((wish, draft))
        return draft

    def _place(self, wish: Wish) -> Draft | None:
        dossier, contact, urgency = wish.dossier, wish.contact, wish.entry.step.urgency
        if contact is None:
            raise LookupError("a mail needs somebody to go to")
        if (renewal := self._renewal_to_join(wish, contact)) is not None:
            renewal.take(wish, wish.day, self._send_after(wish, wish.day))
            return renewal
        lane = (contact.id, dossier.clock)
        box, waiting = self._boxes[lane], self._waiting[lane]
        wanted = max(wish.day, self.soonest(dossier.order.account_id))
        placement = place(box, dossier.id, wanted, urgency, self._rules)
        if placement.place is Place.LISTED:
            return None
        day = self._free_to_go(wish, wish.day if placement.day == wanted else placement.day)
        send_after = self._send_after(wish, day)
        if placement.onto is None:
            day = send_after.astimezone(self._dossiers.zone(dossier, contact)).date()
            draft = self._draft(wish, contact, day, send_after)
        else:
            draft = waiting.pop(placement.onto)
            del box.waiting[placement.onto]
        draft.take(wish, day, send_after)
        self._await(lane, draft)
        return draft

    def _await(self, lane: tuple[int, Clock], draft: Draft) -> None:
        """Notes on which day a mail will go; of two for one day the older takes further steps in."""
        on = max(draft.day, self.soonest(draft.account_id))
        self._waiting[lane].setdefault(on, draft)
        self._boxes[lane].waiting[on] = self._waiting[lane][on].urgency.passes_limits

    def _free_to_go(self, wish: Wish, day: date) -> date:
        """A mail that misses the day its cadence gave it goes on a working day; an urgent one goes all the same."""
        if day == wish.entry.day or wish.entry.step.urgency.passes_limits:
            return day
        return self._dossiers.policy.calendar.working_day_on_or_after(day, wish.dossier.addressee.country)

    def _renewal_to_join(self, wish: Wish, contact: Contact) -> Draft | None:
        if wish.dossier.clock is not Clock.REISSUE:
            return None
        for on, draft in self._waiting[contact.id, Clock.RENEWAL].items():
            spoken = draft.orders.get(wish.dossier.order.id)
            timely = on <= max(wish.day, self.soonest(wish.dossier.order.account_id))
            if timely and spoken is not None and joins_renewal(wish.entry.step.urgency, spoken):
                return draft
        return None

    def _draft(self, wish: Wish, contact: Contact, day: date, send_after: datetime) -> Draft:
        dossier, step = wish.dossier, wish.entry.step
        numbered = (contact.id, dossier.clock, day)
        number = self._numbers[numbered] = self._numbers.get(numbered, 0) + 1
        return Draft(
            key=f"mail:contact-{contact.id}:{dossier.clock}:{day}:{number}",
            contact=contact,
            account_id=contact.account_id,
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
        return calendar.next_opening(self._timer.opening, wish.dossier.addressee.country, zone)

    def _load(self, wishes: Sequence[Wish]) -> None:
        people = {wish.contact.id: wish.contact for wish in wishes if wish.contact is not None}
        for contact_id in people:
            for clock in _CLOCKS:
                self._boxes[contact_id, clock] = Mailbox(clock)
                self._waiting[contact_id, clock] = {}
        if not people:
            return
        since = self._timer.day - timedelta(days=self._rules.stand_in_days + 1)
        theirs = among(deliveries.c.contact_id, people) & (deliveries.c.kind == DeliveryKind.MAIL)
        recent = select(deliveries.c.key, deliveries.c.contact_id, deliveries.c.clock, deliveries.c.day).add_columns(
            deliveries.c.state
        )
        for row in self._connection.execute(recent.where(theirs, deliveries.c.day >= since)).all():
            self._remember(row)
        # Locked, so that nobody claims what is about to take another step in.
        joinable = (deliveries.c.state == DeliveryState.PLANNED) & (deliveries.c.occasion == "")
        waiting = select(deliveries).where(theirs, joinable)
        for row in self._connection.execute(waiting.order_by(deliveries.c.id).with_for_update()).all():
            self._remember(row)
            draft = Draft(
                row.key, people[row.contact_id], row.account_id, Clock(row.clock), row.day, row.send_after,
                Urgency(row.urgency), Nature(row.nature), row.touchpoint, id=row.id,
            )  # fmt: skip
            self._await((draft.contact.id, draft.clock), draft)
        self._load_members()
        self._load_listed(wishes, since)
        self._load_open_orders(people)

    def _remember(self, row: Any) -> None:
        """Keeps the number of a mail, whose key names the day it was first for, and the day on which one has gone."""
        clock = Clock(row.clock)
        *_, day, number = row.key.split(":")
        numbered = (row.contact_id, clock, date.fromisoformat(day))
        self._numbers[numbered] = max(self._numbers.get(numbered, 0), int(number))
        if row.state in _GONE:
            self._boxes[row.contact_id, clock].sent_on.add(row.day)

    def _load_members(self) -> None:
        stored = {draft.delivery_id: draft for lane in self._waiting.values() for draft in lane.values()}
        query = (
            select(touches.c.delivery_id, cycles.c.order_id, touches.c.urgency)
            .join(cycles, cycles.c.id == touches.c.cycle_id)
            .where(among(touches.c.delivery_id, stored), touches.c.state == TouchState.PLANNED)
        )
        for delivery_id, order_id, urgency in self._connection.execute(query).all():
            known = stored[delivery_id].orders
            known[order_id] = Urgency.highest(Urgency(urgency), *filter(None, [known.get(order_id)]))

    def _load_listed(self, wishes: Sequence[Wish], since: date) -> None:
        query = (
            select(delivery_orders.c.cycle_id, deliveries.c.contact_id, deliveries.c.clock, deliveries.c.day)
            .join(deliveries, deliveries.c.id == delivery_orders.c.delivery_id)
            .where(
                among(delivery_orders.c.cycle_id, {wish.dossier.id for wish in wishes}),
                deliveries.c.day >= since,
                deliveries.c.state.in_(_GONE),
            )
        )
        for cycle_id, contact_id, clock, day in self._connection.execute(query).all():
            box = self._boxes.get((contact_id, Clock(clock)))
            if box is not None:
                box.listed[cycle_id] = max(day, box.listed.get(cycle_id, day))

    def _load_open_orders(self, people: Iterable[int]) -> None:
        """Counts the orders of each person whose renewal ends within the days that one mail lists.

        How many they are is asked only of those to whom a renewal mail has gone lately.
        """
        lately = [id for id in people if self._boxes[id, Clock.RENEWAL].sent_on]
        if not lately:
            return
        ends_by = self._timer.day + timedelta(days=self._rules.list_within_days)
        # Many people make the index of ends look good, which holds what ends soon at all customers.
        soon = cycles.c.open & (cycles.c.clock == Clock.RENEWAL) & (unindexed(cycles.c.ends_on) <= ends_by)
        for contact_id, _ in set(self._connection.execute(told(soon, cycles.c.order_id), {"people": lately}).all()):
            self._boxes[contact_id, Clock.RENEWAL].open_orders += 1

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
            names = ("day", "send_after", "urgency", "nature", "touchpoint")
            named: dict[str, Any] = {name: bindparam(name) for name in names}
            self._connection.execute(
                update(deliveries).where(deliveries.c.id == bindparam("which")).values(named),
                [{"which": draft.id} | {name: getattr(draft, name) for name in names} for draft in changed],
            )


def _turn(wish: Wish) -> tuple[int, int]:
    return _CLOCKS.index(wish.dossier.clock), -wish.entry.step.urgency.rank


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
