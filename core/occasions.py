"""Mails outside the cadence: thanks for a renewal, a reminder while one waits for issue, asking a lost customer back.

| touchpoint | about | when | nature |
|---|---|---|---|
| thank-you | a renewal that is proven | within some days of it | service |
| validation-1, -2 … | a renewal that is placed and not issued, to the technical contact | every so many days | service |
| win-back | a renewal that lapsed or was lost | the rep's day, else some time after | commercial, with consent |

Settle queues them, one to a person and occasion for all their orders, as touches of the cycle, each once. Nobody gets
one before going live, or about what ended before it.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, exists, func, insert, or_, select
from sqlalchemy.engine import Connection

from core import golive
from core.batches import batched
from core.delivery_numbers import last_numbers
from core.dossiers import Contact, Dossier, Dossiers, load
from core.eligibility import Standing
from core.follow_ups import in_progress
from core.locks import Lock
from core.messages import Occasion
from core.policy import Policy
from core.reasons import Reason
from core.recipients import Choice
from core.schema import confirmations, cycles, deliveries, orders, touches
from core.sql import among
from core.store import Store
from core.timing import Timer
from core.words import (
    Certainty,
    Channel,
    Clock,
    ConfirmationState,
    DeliveryKind,
    DeliveryState,
    Nature,
    Stage,
    TouchState,
    Urgency,
)

THANK_YOU = "thank-you"
WIN_BACK = "win-back"
VALIDATION = "validation"
_WON = (Reason.RENEWED, Reason.REPLACED)
_LATE_DAYS = 7  # so many days after its day somebody who was lost is still asked back
_FRESH_DAYS = 30  # a renewal older than so is not thanked for any more
_BATCH = 500
_URGENCY = {
    Occasion.THANK_YOU: Urgency.NOTICE,
    Occasion.WIN_BACK: Urgency.NOTICE,
    Occasion.VALIDATION: Urgency.REMINDER,
}


@dataclass(frozen=True, slots=True)
class _Due:
    """A cycle with an occasion."""

    cycle_id: int
    occasion: Occasion
    touchpoint: str


def queue(store: Store, lock: Lock, timer: Timer, policy: Policy) -> int:
    """Queues the mails of the day outside the cadence, and gives how many touches those are."""
    with store.read() as connection:
        first = golive.live_from(connection)
        if first is None or timer.day < first:
            return 0
        due = [*_thanks(connection, policy, first, timer), *_lost(connection, policy, first, timer)]
        due += _waiting(connection, policy, timer)
    for batch in batched(due, _BATCH):
        with store.begin() as connection:
            lock.renew(connection)
            _queue(connection, batch, policy, timer)
    return len(due)


def _had(touchpoint: str) -> ColumnElement[bool]:
    return exists().where(touches.c.cycle_id == cycles.c.id, touches.c.touchpoint == touchpoint)


def _thanks(connection: Connection, policy: Policy, first: date, timer: Timer) -> list[_Due]:
    """Renewals that the CA has shown lately: since then, or since it went on by itself."""
    rules = policy.occasions
    if not rules.thank_you:
        return []
    since = timer.day - timedelta(days=rules.thank_you_within_days)
    earliest = max(first, since - timedelta(days=policy.certainty.provisional_days))
    of_cycle = (confirmations.c.order_key == orders.c.order_key) & (confirmations.c.cycle_id == cycles.c.id)
    proof = exists().where(
        of_cycle,
        confirmations.c.certainty == Certainty.CONFIRMED,
        confirmations.c.state == ConfirmationState.APPLIED,
        confirmations.c.applied_at >= timer.opening - timedelta(days=rules.thank_you_within_days),
        # What was renewed long before it was heard of, as with a source that is new, is no news to the customer.
        confirmations.c.renewed_on >= max(first, timer.day - timedelta(days=_FRESH_DAYS)),
    )
    went_on = (cycles.c.certainty == "") & (cycles.c.closed_on > since)
    query = (
        select(cycles.c.id)
        .join(orders, orders.c.id == cycles.c.order_id)
        .where(cycles.c.closed_on >= earliest, ~cycles.c.open, cycles.c.clock == Clock.RENEWAL)
        .where(cycles.c.outcome.in_(_WON), cycles.c.reason != Reason.ENDED_BEFORE_FIRST_SEEN)
        .where(or_((cycles.c.certainty == Certainty.CONFIRMED) & proof, went_on), ~_had(THANK_YOU))
    )
    # Sorted here: asked for the order of ids, SQLite would read the whole table and not the range of days.
    return [_Due(id, Occasion.THANK_YOU, THANK_YOU) for id in sorted(connection.execute(query).scalars())]


def _lost(connection: Connection, policy: Policy, first: date, timer: Timer) -> list[_Due]:
    """Renewals that lapsed or were lost so long ago, or whose rep has set this day."""
    rules = policy.occasions
    if not rules.win_back:
        return []
    oldest = timer.day - timedelta(days=_LATE_DAYS)
    named = cycles.c.win_back_on.is_not(None)
    ways = [named & (cycles.c.win_back_on <= timer.day) & (cycles.c.win_back_on > oldest)]
    if rules.win_back_after_days:
        shift = timedelta(days=rules.win_back_after_days)
        closed = (cycles.c.closed_on <= timer.day - shift) & (cycles.c.closed_on > oldest - shift)
        lapsed = (cycles.c.outcome == Reason.LAPSED) & (cycles.c.reason == "")
        ways.append(~named & lapsed & closed & (cycles.c.ends_on >= first))
    over = ~cycles.c.open & (cycles.c.clock == Clock.RENEWAL) & cycles.c.outcome.in_((Reason.LOST, Reason.LAPSED))
    found: set[int] = set()
    for way in ways:
        found |= set(connection.execute(select(cycles.c.id).where(way, over, ~_had(WIN_BACK))).scalars())
    return [_Due(id, Occasion.WIN_BACK, WIN_BACK) for id in sorted(found)]


def _waiting(connection: Connection, policy: Policy, timer: Timer) -> list[_Due]:
    """Renewals that are placed and not issued, and of which nobody was reminded lately."""
    rules = policy.certainty
    if not rules.validation_every_days:
        return []
    open_ones = select(cycles.c.id, orders.c.order_key).join(orders, orders.c.id == cycles.c.order_id)
    waiting = {id: key for id, key in sorted(connection.execute(open_ones.where(in_progress())).all())}
    placed = (
        select(confirmations.c.cycle_id, func.max(confirmations.c.applied_at).label("at"))
        .where(among(confirmations.c.order_key, list(waiting.values())))
        .where(confirmations.c.certainty == Certainty.IN_PROGRESS, confirmations.c.cycle_id.is_not(None))
        .group_by(confirmations.c.cycle_id)
    )
    since = {row.cycle_id: row.at.date() for row in connection.execute(placed)}
    reminded = (
        select(touches.c.cycle_id, func.max(touches.c.day).label("last"), func.count().label("number"))
        .where(among(touches.c.cycle_id, list(waiting)), touches.c.touchpoint.startswith(f"{VALIDATION}-"))
        .group_by(touches.c.cycle_id)
    )
    before = {row.cycle_id: row for row in connection.execute(reminded)}
    found = []
    for id in waiting:
        row = before.get(id)
        if row is not None:
            due_on = row.last + timedelta(days=rules.validation_every_days)
        else:
            due_on = since.get(id, timer.day) + timedelta(days=rules.validation_after_days)
        if due_on <= timer.day:
            found.append(_Due(id, Occasion.VALIDATION, f"{VALIDATION}-{row.number + 1 if row is not None else 1}"))
    return found


def _queue(connection: Connection, due: Sequence[_Due], policy: Policy, timer: Timer) -> None:
    dossiers = load(connection, [one.cycle_id for one in due], policy)
    rows: list[dict[str, Any]] = []
    together: dict[tuple[int, Occasion], list[_Due]] = defaultdict(list)
    for one in due:
        dossier = dossiers.by_cycle[one.cycle_id]
        choice = recipient(dossiers, dossier, one.occasion)
        reason = why_not(dossiers, dossier, one.occasion, timer.day, choice)
        if reason is not None or choice.candidate is None:
            rows.append(_touch(one, timer, TouchState.SKIPPED, reason=reason or Reason.NO_CONTACT))
        else:
            together[choice.candidate.contact_id, one.occasion].append(one)
    drafts = {which: _delivery(dossiers, which, mine[0], timer) for which, mine in together.items()}
    placed = _insert(connection, drafts)
    for which, mine in together.items():
        rows += [_touch(one, timer, TouchState.PLANNED, which[0], placed[which]) for one in mine]
    connection.execute(insert(touches), rows)


def _touch(
    one: _Due,
    timer: Timer,
    state: TouchState,
    contact_id: int | None = None,
    delivery_id: int | None = None,
    reason: str = "",
) -> dict[str, Any]:
    return {
        "cycle_id": one.cycle_id,
        "touchpoint": one.touchpoint,
        "channel": Channel.MAIL,
        "urgency": _URGENCY[one.occasion],
        "nature": nature_of(one.occasion),
        "day": timer.day,
        "state": state,
        "reason": reason,
        "contact_id": contact_id,
        "delivery_id": delivery_id,
        "decided_at": timer.opening,
    }


def _delivery(dossiers: Dossiers, which: tuple[int, Occasion], due: _Due, timer: Timer) -> dict[str, Any]:
    """The row of a mail to a person on an occasion; `due` is the first cycle that it is about. Its key lacks a number."""
    contact_id, occasion = which
    first, contact = dossiers.by_cycle[due.cycle_id], dossiers.people[contact_id]
    send_after = _opening(dossiers, first, contact, timer)
    day = send_after.astimezone(dossiers.zone(first, contact)).date()
    return {
        "key": f"mail:contact-{contact.id}:{occasion}:{day}",
        "kind": DeliveryKind.MAIL,
        "channel": Channel.MAIL,
        "state": DeliveryState.PLANNED,
        "clock": first.clock,
        "account_id": first.order.account_id,
        "contact_id": contact.id,
        "day": day,
        "send_after": send_after,
        "urgency": _URGENCY[occasion],
        "nature": nature_of(occasion),
        "touchpoint": due.touchpoint,
        "occasion": occasion,
    }


def _insert(
    connection: Connection, drafts: Mapping[tuple[int, Occasion], dict[str, Any]]
) -> dict[tuple[int, Occasion], int]:
    """Stores deliveries, each under the next number of its key, and gives their ids."""
    if not drafts:
        return {}
    last = last_numbers(connection, [row["key"] for row in drafts.values()])
    rows = {which: row | {"key": f"{row['key']}:{last[row['key']] + 1}"} for which, row in drafts.items()}
    given = connection.execute(insert(deliveries).returning(deliveries.c.key, deliveries.c.id), list(rows.values()))
    ids = {key: id for key, id in given}
    return {which: ids[row["key"]] for which, row in rows.items()}


def _opening(dossiers: Dossiers, dossier: Dossier, contact: Contact, timer: Timer) -> datetime:
    """When the reader's offices open on the day, or next."""
    calendar, zone = dossiers.policy.calendar, dossiers.zone(dossier, contact)
    country = dossier.account.country
    opens = calendar.opens_at(calendar.working_day_on_or_after(timer.day, country), zone)
    return opens if opens >= timer.opening else calendar.next_opening(timer.opening, country, zone)


def nature_of(occasion: Occasion) -> Nature:
    """Asking somebody back is selling; thanks and reminders of what was ordered are not."""
    return Nature.COMMERCIAL if occasion is Occasion.WIN_BACK else Nature.SERVICE


def recipient(dossiers: Dossiers, dossier: Dossier, occasion: Occasion) -> Choice:
    """Who is written to: as about the renewal, but about a validation as about a certificate."""
    clock = Clock.REISSUE if occasion is Occasion.VALIDATION else dossier.clock
    return dossiers.recipient(dossier, _URGENCY[occasion], clock=clock)


def why_not(dossiers: Dossiers, dossier: Dossier, occasion: Occasion, day: date, choice: Choice) -> Reason | None:
    """Why this mail must not go as things stand, or None."""
    reason = _why_not(dossier.standing, occasion, day, dossiers.policy)
    if reason is not None:
        return reason
    if choice.candidate is None:
        return choice.reason or Reason.NO_CONTACT
    contact = dossiers.people[choice.candidate.contact_id]
    if nature_of(occasion) is Nature.COMMERCIAL and dossiers.nature(dossier, contact, day) is not Nature.COMMERCIAL:
        return Reason.NO_CONSENT
    return None


def _why_not(standing: Standing, occasion: Occasion, day: date, policy: Policy) -> Reason | None:
    if standing.kind not in policy.scope.kinds:
        return Reason.OUT_OF_SCOPE
    if standing.do_not_contact:
        return Reason.DO_NOT_CONTACT
    sure = standing.awaited in (Certainty.CONFIRMED, Certainty.PROVISIONAL)
    if occasion is Occasion.VALIDATION:
        if not standing.open or standing.closing:
            return Reason(standing.outcome or standing.closing)
        return Reason.RENEWED if sure else None if standing.stage is Stage.IN_PROGRESS else Reason.REOPENED
    if standing.open:
        return Reason.REOPENED
    if occasion is Occasion.THANK_YOU:
        return None if standing.outcome in _WON else Reason(standing.outcome)
    if sure or standing.outcome not in (Reason.LOST, Reason.LAPSED):
        return Reason.RENEWED
    return Reason.SNOOZED if standing.snoozed_until is not None and day < standing.snoozed_until else None
