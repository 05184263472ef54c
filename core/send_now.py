"""Sends the mail about an order at the operator's word: the one that waits, else the next step ahead of its day.

Who must not be contacted is not; hours of work, caps and the ramp are passed over.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.engine import Connection

from core.cadence import Scheduled
from core.dossiers import Dossier, Dossiers, load
from core.errors import UsageError
from core.mailboxes import Mailboxes, Wish
from core.model import end_instant
from core.plan import steps_of, why_skipped
from core.policy import Policy
from core.reasons import Reason, sentence
from core.schema import cycles, deliveries, orders, touches
from core.timing import Timer
from core.waiting import why_waiting
from core.words import Channel, Clock, DeliveryState, Nature, TouchState, Urgency


@dataclass(frozen=True, slots=True)
class Hastened:
    """The delivery that goes now, and the touchpoint that it is for; `ahead` of its day where nothing waited."""

    delivery_id: int
    key: str
    touchpoint: str
    ahead: bool


def send_now(connection: Connection, order_key: str, clock: Clock | None, policy: Policy, timer: Timer) -> Hastened:
    """Lets the mail about an order go with the next delivery.

    The clock is the one that is named, else the renewal where that is open, else the other that is. Raises `UsageError`
    where nothing may be sent, or nothing is left to send.
    """
    dossiers, dossier = _dossier(connection, order_key, clock, policy)
    query = (
        select(deliveries, touches.c.touchpoint.label("step"))
        .join(touches, touches.c.delivery_id == deliveries.c.id)
        .where(touches.c.cycle_id == dossier.id, touches.c.channel == Channel.MAIL)
        .where(touches.c.state == TouchState.PLANNED, deliveries.c.state != DeliveryState.FAILED)
        .order_by(deliveries.c.send_after)
        .with_for_update(of=deliveries)
    )
    waiting = connection.execute(query).first()
    if waiting is not None and waiting.state != DeliveryState.PLANNED:
        raise UsageError(f"{order_key}: its mail is {waiting.state}; see `nolapse explain {order_key}`")
    if waiting is not None:
        if (reason := dossiers.why_not(dossier, Channel.MAIL, timer.day)) is not None:
            raise UsageError(f"{order_key} is not written to: {reason.sentence}")
        if waiting.urgency == Urgency.EXPIRED and timer.closing < end_instant(dossier.ends_on):
            raise UsageError(f"{order_key}: its mail says that the end has come, which it has not; it goes then")
        going = Hastened(waiting.id, waiting.key, waiting.step, ahead=False)
    else:
        going = _ahead(connection, order_key, dossiers, dossier, timer)
    values = {"send_after": timer.opening, "day": timer.day, "reason": Reason.SEND_NOW, "token": None, "error": ""}
    connection.execute(update(deliveries).where(deliveries.c.id == going.delivery_id).values(values))
    why = why_waiting(connection, [going.delivery_id], timer)[going.delivery_id]
    if why.reason not in (Reason.SEND_NOW, Reason.DUE):
        raise UsageError(f"{order_key}: {sentence(why.reason)}")
    return going


def _dossier(connection: Connection, order_key: str, clock: Clock | None, policy: Policy) -> tuple[Dossiers, Dossier]:
    query = (
        select(cycles.c.id, cycles.c.clock)
        .join(orders, orders.c.id == cycles.c.order_id)
        .where(orders.c.order_key == order_key, cycles.c.open)
    )
    found = {Clock(row.clock): row.id for row in connection.execute(query.order_by(cycles.c.number))}
    chosen = next((one for one in ([clock] if clock else Clock) if one in found), None)
    if chosen is None:
        raise UsageError(f"{order_key} has no {f'{clock} ' if clock else ''}cycle that is open; nothing is to be sent")
    dossiers = load(connection, [found[chosen]], policy)
    return dossiers, dossiers.by_cycle[found[chosen]]


def _ahead(connection: Connection, order_key: str, dossiers: Dossiers, dossier: Dossier, timer: Timer) -> Hastened:
    """Decides the next step that has not been decided, and gives it a mail of its own.

    Critical and expired steps keep their day: nobody is to use up the last warnings.
    """
    done = set(connection.execute(select(touches.c.touchpoint).where(_mails(dossier))).scalars())
    ahead = [
        (entry, automatic)
        for scheduled, automatic in steps_of(dossier, dossiers.policy)
        for entry in scheduled
        if entry.step.channel is Channel.MAIL and entry.step.touchpoint not in done and entry.day >= timer.day
        if not entry.step.urgency.passes_limits
    ]
    if not ahead:
        raise UsageError(f"{order_key}: no mail is left to send ahead of its day; critical ones go on theirs")
    entry, automatic = min(ahead, key=lambda one: one[0].day)
    reason = why_skipped(dossiers, dossier, entry.step, timer.day, automatic=automatic)
    choice = dossiers.recipient(dossier, entry.step.urgency)
    if reason is not None or choice.candidate is None:
        raise UsageError(f"{order_key} is not written to: {(reason or Reason.NO_CONTACT).sentence}")
    contact = dossiers.people[choice.candidate.contact_id]
    service = entry.step.nature is Nature.SERVICE
    nature = Nature.SERVICE if service else dossiers.nature(dossier, contact, timer.day)
    boxes = Mailboxes(connection, dossiers, timer)
    draft = boxes.alone(Wish(dossier, entry, timer.day, nature, contact), contact)
    boxes.write()
    connection.execute(insert(touches).values(_touch(dossier, entry, nature, contact.id, draft.delivery_id, timer)))
    return Hastened(draft.delivery_id, draft.key, entry.step.touchpoint, ahead=True)


def _mails(dossier: Dossier) -> Any:
    return (touches.c.cycle_id == dossier.id) & (touches.c.channel == Channel.MAIL)


def _touch(
    dossier: Dossier, entry: Scheduled, nature: Nature, contact_id: int, delivery_id: int, timer: Timer
) -> dict[str, Any]:
    return {
        "cycle_id": dossier.id,
        "touchpoint": entry.step.touchpoint,
        "channel": Channel.MAIL,
        "urgency": entry.step.urgency,
        "nature": nature,
        "day": timer.day,
        "state": TouchState.PLANNED,
        "contact_id": contact_id,
        "delivery_id": delivery_id,
        "decided_at": timer.opening,
    }
