"""Mails: one person, one clock, the orders that are due and those that end soon."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.engine import Connection

from core import mail_lists, occasion_mails, records
from core.calendar_entry import calendar_attachments
from core.caps import Going, OfficeHours, Ramp, about_to_go, hold_back
from core.daily import ContactCap
from core.dossiers import Contact, Dossier, Dossiers, load
from core.holdings import holdings
from core.kinds import Sealed
from core.letters import letter, offer_cases, with_offer
from core.members import Member, Ruling, judge_mail, members_of, touches_done, write_ruling
from core.messages import Letter, Occasion, Renewed
from core.model import end_instant
from core.order_list import list_attachments
from core.parts import Known
from core.policy import Policy
from core.ports import Crm, FilelessMailer, Mail, Mailer, Result
from core.promises import promise
from core.reasons import Reason
from core.schema import deliveries, delivery_orders, meta, reps, touches
from core.sql import among, insert_new
from core.tasks import Ask, Desk
from core.timing import Timer
from core.wording import WordedMail, Writer
from core.words import Clock, DeliveryState, Nature, TaskKind, TouchState, Urgency


class Links(Protocol):
    """Where a mail leads: to the renewal of an order, and out of the list."""

    def renewal(self, order_key: str, account_key: str) -> str: ...

    def unsubscribe(self, contact_id: int, address: str) -> str: ...


@dataclass(frozen=True, slots=True)
class SealedMail:
    """A mail with the orders it tells of."""

    mail: Mail
    order_keys: tuple[str, ...]
    account_key: str
    sent_at: datetime
    local_day: date


@dataclass(frozen=True, slots=True)
class Part:
    """What goes into a mail: its members, the orders that are listed with them, and the renewal that is its occasion."""

    going: Going
    clock: Clock
    staying: Sequence[Member]
    extra: Sequence[Dossier]
    renewal: Renewed | None = None


@dataclass(frozen=True, slots=True)
class _Draft:
    """A mail before it is worded."""

    facts: Letter
    lines: Sequence[tuple[Dossier, Urgency]]
    contact: Contact
    owner: Any
    owner_key: str
    account_key: str
    moment: datetime


class MailKind:
    """How mails are sealed, handed over and written down."""

    def __init__(self, mailer: Mailer, crm: Crm | None, writer: Writer, links: Links, policy: Policy) -> None:
        self._mailer = mailer
        self._fileless = isinstance(mailer, FilelessMailer) and mailer.fileless
        self._crm = crm
        self._writer = writer
        self._links = links
        self._policy = policy
        self.connector = mailer.name
        self.batch_size = mailer.batch_size
        self.search_lag = timedelta(0)

    def prepare(self, due: int) -> None:
        self._writer.expect(due)

    def rest(self) -> None:
        self._writer.close()

    def seal(self, connection: Connection, rows: Sequence[Any], timer: Timer) -> Sealed:
        """Re-checks every member, adds the orders that end soon, and words the mail as of now."""
        members = members_of(connection, [row.id for row in rows])
        dossiers = load(connection, {member.cycle_id for member in members}, self._policy)
        by_id = {row.id: row for row in rows}
        ruling = Ruling()
        for member in members:
            row = by_id[member.delivery_id]
            if row.occasion:
                occasion_mails.judge(dossiers, member, row, self._policy, timer, ruling)
            else:
                judge_mail(dossiers, member, row.contact_id, self._policy, timer, ruling)
        write_ruling(connection, ruling, dossiers, timer)
        renewals = occasion_mails.renewals(connection, ruling, dossiers, rows)
        going = [
            about_to_go(by_id[id], dossiers.by_cycle[staying[0].cycle_id], dossiers, timer)
            for id, staying in ruling.staying.items()
        ]
        caps = (OfficeHours(timer), ContactCap(self._policy.caps), Ramp(self._policy.caps))
        waits = hold_back(connection, going, caps, dossiers)
        goes = {one.row.id: one for one in going if one.row.id not in waits}
        clocks = {id: _spoken_clock(Clock(one.row.clock), ruling.staying[id], dossiers) for id, one in goes.items()}
        readers = {(one.row.contact_id, clocks[id]) for id, one in goes.items() if not one.row.occasion}
        lists = mail_lists.read(connection, readers, dossiers, self._policy, timer.day)
        parts: dict[int, Part] = {}
        for id, one in goes.items():
            staying, due = ruling.staying[id], {member.cycle_id for member in ruling.staying[id]}
            extra = [] if one.row.occasion else lists.of((one.row.contact_id, clocks[id]), due)
            parts[id] = Part(one, clocks[id], staying, extra, renewals.get(id))
        listed = [{"delivery_id": id, "cycle_id": one.id} for id, part in parts.items() for one in part.extra]
        items = self.compose(connection, parts, lists.dossiers, timer)
        connection.execute(delete(delivery_orders).where(among(delivery_orders.c.delivery_id, items)))
        insert_new(connection, delivery_orders, listed)
        self._note(connection, [(by_id[id], item) for id, item in items.items()])
        gone = [row.id for row in rows if row.id not in items and row.id not in waits]
        withdrawn = {id: str(ruling.reasons.get(id, Reason.NO_MEMBERS)) for id in gone}
        return Sealed(items, withdrawn, waits.keys(), {id: wait.reason for id, wait in waits.items()})

    def compose(
        self, connection: Connection, parts: Mapping[int, Part], dossiers: Dossiers, timer: Timer
    ) -> dict[int, SealedMail]:
        """The mails made of their parts, by delivery id."""
        owners = self._owners(connection, dossiers)
        installation = connection.execute(select(meta.c.value).where(meta.c.key == "installation")).scalar() or ""
        known = Known(holdings(connection, _sold_to(parts.values(), dossiers), timer.day))
        drafts: dict[int, _Draft] = {}
        for id, part in parts.items():
            drafts[id] = self._draft(part, dossiers, owners, known)
            if occasion := part.going.row.occasion:
                facts = occasion_mails.dressed(self._policy, drafts[id].facts, Occasion(occasion), part.renewal)
                drafts[id] = replace(drafts[id], facts=facts)
        self._promise(connection, drafts)
        words = self._writer.mails([draft.facts for draft in drafts.values()])
        return {
            id: self._mail(parts[id].going.row, draft, said, installation)
            for (id, draft), said in zip(drafts.items(), words, strict=True)
        }

    def _note(self, connection: Connection, sealed: Sequence[tuple[Any, SealedMail]]) -> None:
        """A mail counts for the reader's day on which it goes; what is to be logged of it outlives this process."""
        noted = []
        for row, item in sealed:
            told = None if self._crm is None else _told_of(item)
            if (item.local_day, told) != (row.day, row.payload):
                noted.append({"which": row.id, "on": item.local_day, "told": told})
        if noted:
            by_id = update(deliveries).where(deliveries.c.id == bindparam("which"))
            connection.execute(by_id.values(day=bindparam("on"), payload=bindparam("told")), noted)

    def _owners(self, connection: Connection, dossiers: Dossiers) -> Mapping[str, Any]:
        keys = {_owner_key(dossier) for dossier in dossiers.by_cycle.values()} - {""}
        query = select(reps).where(among(reps.c.rep_key, keys), reps.c.active)
        return {row.rep_key: row for row in connection.execute(query).all()} if keys else {}

    def _draft(
        self,
        part: Part,
        dossiers: Dossiers,
        owners: Mapping[str, Any],
        known: Known,
    ) -> "_Draft":
        going, clock, staying, extra = part.going, part.clock, part.staying, part.extra
        contact, moment = dossiers.people[going.row.contact_id], going.moment
        lines = _told(clock, staying, extra, dossiers, moment)
        leading = max(staying, key=lambda member: member.urgency.rank)
        first = dossiers.by_cycle[leading.cycle_id]
        nature = Nature.COMMERCIAL if all(member.nature is Nature.COMMERCIAL for member in staying) else Nature.SERVICE
        if nature is Nature.COMMERCIAL:
            nature = dossiers.nature(first, contact, going.day)
        owner = owners.get(_owner_key(first))
        links = (
            self._links.renewal(first.order.order_key, first.account.account_key),
            self._links.unsubscribe(contact.id, contact.email),
        )
        facts = letter(dossiers, contact, lines, clock, leading.touchpoint, nature, moment, links, owner, known)
        if self._fileless:
            facts = replace(facts, rows=0)
        return _Draft(facts, lines, contact, owner, _owner_key(first), first.addressee.account_key, moment)

    def _promise(self, connection: Connection, drafts: dict[int, "_Draft"]) -> None:
        """Puts offers into the mails that may tell of one; what is promised is written down with the mail's sealing."""
        cases = [offer_cases(self._policy, one.facts, one.lines, one.moment) for one in drafts.values()]
        promised = promise(connection, self._policy.messages.offers, cases)
        for (id, draft), asked in zip(drafts.items(), cases, strict=True):
            if asked:
                facts = with_offer(self._policy, draft.facts, draft.lines, promised)
                drafts[id] = replace(draft, facts=facts)

    def _mail(self, row: Any, draft: "_Draft", words: WordedMail, installation: str) -> SealedMail:
        facts, contact, owner = draft.facts, draft.contact, draft.owner
        policy = self._policy.mail
        keys = tuple(dict.fromkeys(dossier.order.order_key for dossier, _ in draft.lines))
        digest = hashlib.sha256(f"{installation}:{row.key}".encode()).hexdigest()[:32]
        headers = {"Auto-Submitted": "auto-generated"}
        if facts.unsubscribe_url:
            headers["List-Unsubscribe"] = f"<{facts.unsubscribe_url}>"
            headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        else:
            headers["List-Unsubscribe"] = f"<mailto:{facts.brand.sender}?subject=unsubscribe>"
        mail = Mail(
            key=row.key,
            message_id=f"<{digest}@{policy.domain}>",
            sender=facts.brand.sender,
            sender_name=facts.brand.company,
            to=policy.redirect_all_to or contact.email,
            to_name="" if policy.redirect_all_to else contact.name,
            subject=words.subject,
            text=words.text,
            html=words.html,
            date=draft.moment,
            reply_to=owner.email if owner is not None else "",
            headers=headers,
            attachments=(
                *calendar_attachments(facts, words, installation, policy.domain),
                *list_attachments(facts, words),
            ),
            bcc=policy.bcc,
            urgency=facts.urgency,
            nature=facts.nature,
            owner_key=draft.owner_key,
            account_key=draft.account_key,
            order_keys=keys,
        )
        return SealedMail(mail, keys, draft.account_key, draft.moment, facts.written_at.date())

    def key_of(self, item: SealedMail) -> str:
        return item.mail.key

    def hand_over(self, items: Sequence[SealedMail]) -> Sequence[Result]:
        return self._mailer.send([item.mail for item in items])

    def delivered(
        self, connection: Connection, done: Sequence[tuple[Any, SealedMail | None, Result]], timer: Timer
    ) -> None:
        """Touches are done, their renewals contacted, and the mail is logged in the CRM."""
        changed = touches_done(connection, [row.id for row, _, _ in done])
        if self._crm is None:
            return
        records.queue(connection, changed, timer)
        records.queue_logs(
            connection, [(row, row.payload if item is None else _told_of(item)) for row, item, _ in done], timer
        )

    def not_delivered(self, connection: Connection, row: Any, state: DeliveryState, timer: Timer) -> None:
        """A mail that was refused for good needs another address; one that may have been lost, a person who asks."""
        urgent = Urgency(row.urgency).rank >= Urgency.WARNING.rank
        if state is DeliveryState.UNCERTAIN and (self._mailer.can_find or not urgent):
            return
        kind = TaskKind.CHECK if state is DeliveryState.UNCERTAIN else TaskKind.CONTACT
        query = select(touches.c.cycle_id).where(touches.c.delivery_id == row.id, touches.c.state == TouchState.PLANNED)
        asks = [
            Ask(
                row.account_id, kind, cycle_id, Clock(row.clock), Urgency(row.urgency), timer.day, row.touchpoint,
                timer.opening, raises=kind is TaskKind.CHECK,
            )
            for cycle_id in connection.execute(query.distinct()).scalars()
        ]  # fmt: skip
        Desk(connection, self._policy.tasks, timer).ask(asks)

    def find(self, rows: Sequence[Any]) -> Mapping[str, str] | None:
        return self._mailer.find([row.key for row in rows]) if self._mailer.can_find else None


def _owner_key(dossier: Dossier) -> str:
    """Who looks after those who are written to: after a reseller of their own, else after the customer."""
    key: str = dossier.addressee.owner_key or dossier.account.owner_key
    return key


def _sold_to(parts: Iterable[Part], dossiers: Dossiers) -> set[int]:
    """The accounts that may get commercial mails in this batch: only for them advice is worth looking up."""
    return {
        dossiers.by_cycle[member.cycle_id].order.account_id
        for part in parts
        for member in part.staying
        if member.nature is Nature.COMMERCIAL
    }


def _spoken_clock(clock: Clock, staying: Sequence[Member], dossiers: Dossiers) -> Clock:
    """What a mail is about: its own clock, or the reissue that joined it where the renewal has fallen away."""
    left = [dossiers.by_cycle[member.cycle_id].clock for member in staying]
    return clock if clock in left else left[0]


def _told(
    clock: Clock, staying: Sequence[Member], extra: Sequence[Dossier], dossiers: Dossiers, moment: datetime
) -> list[tuple[Dossier, Urgency]]:
    """The orders that a mail tells of, each once.

    A reissue that joined its order's renewal mail is told by the renewal's line, which names the certificate's end.
    """
    due = [(dossiers.by_cycle[member.cycle_id], member.urgency) for member in staying]
    told = [line for line in due if line[0].clock is clock]
    return told + [(dossier, _urgency_by_days(dossier, moment)) for dossier in extra]


def _urgency_by_days(dossier: Dossier, moment: datetime) -> Urgency:
    """How pressing an order is that is only listed: by the days it has left."""
    if moment >= end_instant(dossier.ends_on):
        return Urgency.EXPIRED
    days = (dossier.ends_on - moment.date()).days
    if days <= 3:
        return Urgency.CRITICAL
    return Urgency.WARNING if days <= 14 else Urgency.REMINDER if days <= 30 else Urgency.NOTICE


def _told_of(item: SealedMail) -> dict[str, Any]:
    """What the CRM is to know of a mail that went."""
    return {
        "account_key": item.account_key,
        "to": item.mail.to,
        "subject": item.mail.subject,
        "text": item.mail.text,
        "sent_at": item.sent_at.isoformat(),
        "order_keys": list(item.order_keys),
    }
