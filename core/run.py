"""`nolapse run`: sync, settle, plan and deliver, once each, and the rehearsal of a span of days."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from core import golive
from core.batches import batched
from core.deliver import deliver
from core.kinds import DeliverCounts, Kind
from core.plan import PlanCounts, plan
from core.policy import Policy
from core.schema import accounts, contacts, cycles, deliveries, orders, tasks, touches
from core.settle import SettleCounts, settle
from core.store import Store
from core.sync import SyncCounts
from core.timing import WholeDay
from core.waiting import why_waiting
from core.words import DeliveryKind, DeliveryState, TouchState


@dataclass(frozen=True, slots=True)
class RunCounts:
    """What the four steps did on a day."""

    day: date
    sync: SyncCounts
    settle: SettleCounts
    plan: PlanCounts
    deliver: DeliverCounts

    @property
    def failed(self) -> bool:
        """Whether an operator must look: something failed, is uncertain, or a connector cannot be used."""
        kinds = self.deliver.kinds.values()
        return bool(self.deliver.problems) or any(counts.failed or counts.uncertain for counts in kinds)


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A delivery as it would go. `waits` says of one that would not go by then what it waits for, and until when."""

    day: date
    send_after: str
    kind: str
    channel: str
    key: str
    account: str
    contact: str
    rep: str
    orders: tuple[str, ...]
    touchpoint: str
    urgency: str
    nature: str
    clock: str
    waits: str = ""


def foresee(
    rehearsal: Store, kinds: Mapping[DeliveryKind, Kind], first: date, last: date, today: date, policy: Policy
) -> list[Foreseen]:
    """What would go from `first` to `last`, both included, if nothing changed from `today` on.

    The store must be a rehearsal: the days are really planned and delivered in it. Where no day of going live is set,
    today is taken for it.
    """
    with rehearsal.begin() as connection:
        if golive.live(connection).first is None:
            golive.go_live(connection, min(first, today))
    started = datetime.now(UTC)
    day = min(first, today)
    while day <= last:
        timer = WholeDay(day)
        settle(rehearsal, timer, policy, records=False)
        plan(rehearsal, timer, policy)
        deliver(rehearsal, kinds, timer, policy)
        day += timedelta(days=1)
    with rehearsal.read() as connection:
        return _foreseen(connection, first, last, started)


_SHOWN = (DeliveryKind.MAIL, DeliveryKind.CALL_CREATE, DeliveryKind.CALL_RAISE)


def _foreseen(connection: Connection, first: date, last: date, started: datetime) -> list[Foreseen]:
    columns = (
        accounts.c.account_key.label("account"),
        func.coalesce(tasks.c.owner_key, accounts.c.owner_key).label("rep"),
        contacts.c.email.label("contact"),
    )
    waiting = deliveries.c.state == DeliveryState.PLANNED
    left_over = waiting & ((deliveries.c.day <= last) | (deliveries.c.reason != ""))
    went = (deliveries.c.state == DeliveryState.DELIVERED) & (deliveries.c.settled_at >= started)
    query = (
        select(deliveries, *columns)
        .join(accounts, accounts.c.id == deliveries.c.account_id)
        .join(contacts, contacts.c.id == deliveries.c.contact_id, isouter=True)
        .join(tasks, tasks.c.id == deliveries.c.task_id, isouter=True)
        .where(deliveries.c.kind.in_(_SHOWN), (went & deliveries.c.day.between(first, last)) | left_over)
        .order_by(deliveries.c.day, deliveries.c.send_after, deliveries.c.id)
    )
    rows = connection.execute(query).all()
    members = _members(connection, [row.id for row in rows])
    left = [row.id for row in rows if row.state == DeliveryState.PLANNED]
    waits = {
        id: why.words
        for batch in batched(left, 1000)
        for id, why in why_waiting(connection, batch, WholeDay(last)).items()
    }
    return [
        Foreseen(
            day=row.day,
            send_after=row.send_after.isoformat(),
            kind=row.kind,
            channel=row.channel,
            key=row.key,
            account=row.account,
            contact=row.contact or "",
            rep=row.rep,
            orders=tuple(members.get(row.id, ())),
            touchpoint=row.touchpoint,
            urgency=row.urgency,
            nature=row.nature,
            clock=row.clock,
            waits=waits.get(row.id, ""),
        )
        for row in rows
    ]


def _members(connection: Connection, delivery_ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for start in range(0, len(delivery_ids), 1000):
        query = (
            select(touches.c.delivery_id, orders.c.order_key)
            .join(cycles, cycles.c.id == touches.c.cycle_id)
            .join(orders, orders.c.id == cycles.c.order_id)
            .where(
                touches.c.delivery_id.in_(delivery_ids[start : start + 1000]),
                touches.c.state.in_((TouchState.PLANNED, TouchState.DONE)),
            )
            .order_by(touches.c.id)
        )
        for delivery_id, order_key in connection.execute(query):
            keys = found.setdefault(delivery_id, [])
            if order_key not in keys:
                keys.append(order_key)
    return found
