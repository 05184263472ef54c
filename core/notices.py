"""The CA's own renewal notices: for which orders they may rest because we write, and which of them we have switched off.

A switch-off of ours is recorded before it is made, so that it is never read back as the customer's wish.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import case, exists, func, select, update
from sqlalchemy.engine import Connection

from core import golive
from core.schema import cycles, deliveries, orders, touches
from core.words import Channel, Clock, DeliveryKind, DeliveryState, TouchState


@dataclass(frozen=True, slots=True)
class Followed:
    """An order whose renewal mails are ours: planned or gone. `off`: the CA's notices are off; `ours`: by us."""

    id: int
    outside_id: str
    ends_on: date
    off: bool
    ours: bool


def followed(connection: Connection, source: str, today: date) -> list[Followed]:
    """The orders of this source for which we run a sequence of renewal mails; none before their account goes live."""
    live = golive.live(connection)
    if live.why_held(today):
        return []
    written = exists().where(
        touches.c.cycle_id == cycles.c.id,
        touches.c.channel == Channel.MAIL,
        touches.c.state.in_((TouchState.PLANNED, TouchState.DONE)),
    )
    query = (
        select(
            orders.c.id, orders.c.outside_id, cycles.c.ends_on, orders.c.ca_notices_off, orders.c.ca_notices_off_ours
        )
        .add_columns(orders.c.account_id)
        .join(cycles, cycles.c.order_id == orders.c.id)
        .where(orders.c.source == source, orders.c.vanished_on.is_(None))
        .where(cycles.c.clock == Clock.RENEWAL, cycles.c.open, cycles.c.closing == "", written)
        .order_by(cycles.c.ends_on, orders.c.id)
    )
    rows = [(Followed(*facts), live.since(account_id)) for *facts, account_id in connection.execute(query)]
    return [one for one, since in rows if since is not None and since <= today]


def switched_off_by_us(connection: Connection, source: str) -> list[tuple[int, str, bool]]:
    """The orders whose notices we have switched off: id, outside id, and whether the CA still shows them off."""
    query = select(orders.c.id, orders.c.outside_id, orders.c.ca_notices_off)
    mine = query.where(orders.c.source == source, orders.c.ca_notices_off_ours).order_by(orders.c.id)
    return [(id, outside_id, off) for id, outside_id, off in connection.execute(mine)]


def switched_off_by_others(connection: Connection, source: str) -> int:
    """How many orders have their notices off by somebody else."""
    query = select(orders.c.id).where(
        orders.c.source == source,
        orders.c.ca_notices_off,
        ~orders.c.ca_notices_off_ours,
        orders.c.vanished_on.is_(None),
    )
    return len(connection.execute(query).all())


@dataclass(frozen=True, slots=True)
class Warned:
    """Who would warn the customers of open renewals without us: of `open` the CA does, but for those switched off there.

    `off_by_us` is our doing, `off_by_others` somebody else's.
    """

    open: int
    off_by_us: int
    off_by_others: int

    @property
    def words(self) -> str:
        """The same in a sentence."""
        off = self.off_by_us + self.off_by_others
        told = f"the CA itself warns of {self.open - off:,} of {self.open:,} open renewals"
        if not off:
            return told
        whose = f", by us: {self.off_by_us:,}" if self.off_by_us else ""
        return f"{told}; of {off:,} nobody would: the CA's notices are switched off{whose}"


def without_us(connection: Connection) -> Warned:
    """Who would warn the customers of open renewals if we stopped."""
    off = orders.c.ca_notices_off
    by_us = func.sum(case((off & orders.c.ca_notices_off_ours, 1), else_=0))
    by_others = func.sum(case((off & ~orders.c.ca_notices_off_ours, 1), else_=0))
    query = (
        select(func.count(), func.coalesce(by_us, 0), func.coalesce(by_others, 0))
        .select_from(cycles)
        .join(orders, orders.c.id == cycles.c.order_id)
        .where(cycles.c.clock == Clock.RENEWAL, cycles.c.open, orders.c.vanished_on.is_(None))
    )
    count, ours, others = connection.execute(query).one()
    return Warned(count, int(ours), int(others))


def note(connection: Connection, order_id: int, *, off: bool, ours: bool) -> None:
    """Records the state of an order's notices at the CA, and whether it is our doing."""
    connection.execute(
        update(orders).where(orders.c.id == order_id).values(ca_notices_off=off, ca_notices_off_ours=ours)
    )


def record_ids(connection: Connection, order_ids: Sequence[int]) -> dict[int, str]:
    """The ids of these orders' records in the CRM, as far as they were handed over."""
    query = (
        select(deliveries.c.order_id, deliveries.c.outside_id)
        .where(deliveries.c.order_id.in_(order_ids), deliveries.c.kind == DeliveryKind.RECORD)
        .where(deliveries.c.state == DeliveryState.DELIVERED, deliveries.c.outside_id != "")
        .order_by(deliveries.c.id)
    )
    return {order_id: outside_id for order_id, outside_id in connection.execute(query)}
