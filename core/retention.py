"""Lets go of what is no longer needed: what was decided and sent in cycles long closed, people whose orders are long over.

Orders, cycles, tasks and confirmations stay: they name nobody, and without them a source that still tells of an old
order would begin it anew.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.engine import Connection

from core import inbox
from core.answers import answers
from core.schema import (
    contacts,
    cycles,
    deliveries,
    delivery_orders,
    order_contacts,
    orders,
    sync_runs,
    touches,
)
from core.side_tables import corrected_addresses
from core.store import Store
from core.timing import Timer
from core.words import DeliveryKind, DeliveryState

_BATCH = 2000
_OVER = (DeliveryState.DELIVERED, DeliveryState.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """For how many days what is kept; 0: for ever.

    `messages_days` counts from the day on which something was sent or done, `decisions_days` from that on which a cycle
    closed, `people_days` from the end of a person's last order, the others from the day on which it was written.
    """

    messages_days: int = 400
    decisions_days: int = 1095
    people_days: int = 1095
    runs_days: int = 400
    rejects_days: int = 90

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be negative; 0 keeps everything")


def before(day: date, days: int) -> date | None:
    """The first day that is still kept; None: everything is."""
    return day - timedelta(days=days) if days else None


def purge(store: Store, timer: Timer, policy: RetentionPolicy, events_days: int) -> dict[str, int]:
    """Lets go of what is older than the policy says, batch by batch; gives by table how many rows that were.

    `events_days` is for how long raw events are kept.
    """
    with store.begin() as connection:
        counts = {"inbox": inbox.purge(connection, timer.opening - timedelta(days=events_days))}
    if (first := before(timer.day, policy.decisions_days)) is not None:
        counts |= _decisions(store, first)
    if (first := before(timer.day, policy.people_days)) is not None:
        counts["contacts"] = _people(store, first)
    if policy.messages_days:
        with store.begin() as connection:
            counts["answers"] = _answers(connection, timer.opening - timedelta(days=policy.messages_days))
    if policy.runs_days:
        with store.begin() as connection:
            counts["sync_runs"] = _runs(connection, timer.opening - timedelta(days=policy.runs_days))
    return {name: number for name, number in counts.items() if number}


def _decisions(store: Store, first: date) -> Mapping[str, int]:
    """Touches of cycles closed before that day, then the deliveries that no touch needs any more."""
    counts = {"touches": 0, "delivery_orders": 0, "deliveries": 0}
    closed = select(cycles.c.id).where(~cycles.c.open, cycles.c.closing == "", cycles.c.closed_on < first)
    for name, table in (("touches", touches), ("delivery_orders", delivery_orders)):
        while True:
            with store.begin() as connection:
                old = select(table.c.cycle_id).where(table.c.cycle_id.in_(closed)).distinct().limit(_BATCH)
                ids = connection.execute(old).scalars().all()
                if not ids:
                    break
                counts[name] += connection.execute(delete(table).where(table.c.cycle_id.in_(ids))).rowcount
    needed = or_(
        exists().where(touches.c.delivery_id == deliveries.c.id),
        exists().where(delivery_orders.c.delivery_id == deliveries.c.id),
    )
    # The last record that was handed over tells the id that the CRM has given the order.
    runs = exists().where(cycles.c.order_id == deliveries.c.order_id, cycles.c.open)
    record = (deliveries.c.kind == DeliveryKind.RECORD) & runs
    old_deliveries = (
        select(deliveries.c.id)
        .where(deliveries.c.state.in_(_OVER), deliveries.c.day < first, ~needed, ~record)
        .order_by(deliveries.c.id)
        .limit(_BATCH)
    )
    while True:
        with store.begin() as connection:
            ids = connection.execute(old_deliveries).scalars().all()
            if not ids:
                return counts
            counts["deliveries"] += connection.execute(delete(deliveries).where(deliveries.c.id.in_(ids))).rowcount


def _people(store: Store, first: date) -> int:
    """People of whom no order ends on that day or later.

    Theirs are the orders that name them; of those whom none names, or with a role for all, every order of the account.
    """
    end = func.coalesce(orders.c.order_expires_on, orders.c.certificate_expires_on, orders.c.placed_on)
    named = exists().where(
        order_contacts.c.contact_id == contacts.c.id, orders.c.id == order_contacts.c.order_id, end >= first
    )
    of_orders = exists().where(order_contacts.c.contact_id == contacts.c.id) & (contacts.c.roles == "")
    of_account = exists().where(orders.c.account_id == contacts.c.account_id, end >= first)
    waits = exists().where(deliveries.c.contact_id == contacts.c.id, deliveries.c.state.not_in(_OVER))
    # Nobody of an account without orders: it may be new.
    has_orders = exists().where(orders.c.account_id == contacts.c.account_id)
    query = select(contacts.c.id).where(~named, or_(of_orders, ~of_account), ~waits, has_orders)
    gone = 0
    while True:
        with store.begin() as connection:
            ids = connection.execute(query.order_by(contacts.c.id).limit(_BATCH)).scalars().all()
            if not ids:
                return gone
            gone += drop_contacts(connection, ids)


def drop_contacts(connection: Connection, ids: Sequence[int]) -> int:
    """Deletes people; what was decided for them and sent to them stays without them. Gives how many those were."""
    connection.execute(update(touches).where(touches.c.contact_id.in_(ids)).values(contact_id=None))
    connection.execute(update(deliveries).where(deliveries.c.contact_id.in_(ids)).values(contact_id=None))
    connection.execute(delete(order_contacts).where(order_contacts.c.contact_id.in_(ids)))
    connection.execute(delete(corrected_addresses).where(corrected_addresses.c.contact_id.in_(ids)))
    return connection.execute(delete(contacts).where(contacts.c.id.in_(ids))).rowcount


def _answers(connection: Connection, moment: datetime) -> int:
    """The words of old answers, and who gave them; what kind they were of stays."""
    said = (answers.c.words != "") | (answers.c.name != "") | (answers.c.address != "")
    return connection.execute(
        update(answers).where(answers.c.at < moment, said).values(words="", name="", address="")
    ).rowcount


def _runs(connection: Connection, moment: datetime) -> int:
    """What each sync counted; the last pass of each source, and the last that ended, stay: the next one needs them."""
    last = select(func.max(sync_runs.c.id)).group_by(sync_runs.c.source)
    ended = last.where(sync_runs.c.finished_at.is_not(None))
    old = (sync_runs.c.started_at < moment) & sync_runs.c.id.not_in(last) & sync_runs.c.id.not_in(ended)
    return connection.execute(delete(sync_runs).where(old)).rowcount
