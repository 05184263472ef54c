"""Closes cycles, and draws what follows from it in the same transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, exists, insert, or_, select, update
from sqlalchemy.engine import Connection

from core import records as order_records
from core.clocks import Cycle
from core.cycles import LAPSED, Frame, cycles_of, install_cycle
from core.reasons import Reason
from core.schema import cycles, deliveries, orders, touches
from core.sql import among
from core.tasks import settle_orders
from core.timing import Timer
from core.words import Clock, DeliveryKind, DeliveryState, Stage, TouchState

UNDER_WAY = (DeliveryState.SENDING, DeliveryState.UNCERTAIN)
_RENEWED = (Reason.RENEWED, Reason.REPLACED)


@dataclass(frozen=True, slots=True)
class Closed:
    """How many renewals were won, cycles lapsed and touches withdrawn."""

    renewed: int
    lapsed: int
    withdrawn: int


def close_cycles(
    connection: Connection, closing: Mapping[int, Reason], frame: Frame, timer: Timer, *, records: bool
) -> Closed:
    """Closes each cycle with its reason. One that had lapsed and turns out renewed is won back.

    Withdraws what was planned, settles tasks, begins the install clock after a renewal and queues records.
    """
    if not closing:
        return Closed(0, 0, 0)
    found = connection.execute(_CYCLE.where(among(cycles.c.id, list(closing)))).all()
    ending = [(row, closing[row.id]) for row in found if row.open or _won_back(row, closing[row.id])]
    won = [row for row, reason in ending if row.clock == Clock.RENEWAL and reason in _RENEWED]
    known = cycles_of(connection, list({row.order_id for row in found}))
    elsewhere = [row for row in won if not _went_on(row, known[row.order_id])]
    ending += [(row, Reason.RENEWED) for row in _needless_reissues(connection, elsewhere) if row.id not in closing]
    _write(connection, ending, timer)
    if untouched := closing.keys() - {row.id for row, _ in ending}:
        connection.execute(update(cycles).where(cycles.c.id.in_(untouched)).values(closing=""))
    reissued = [row for row, reason in ending if reason is Reason.REISSUED]
    _begin_installs(connection, [row.order_id for row in elsewhere], reissued, known, frame)
    withdrawn = withdraw_touches(connection, {row.id: reason for row, reason in ending}, timer)
    settle_orders(connection, [row.id for row, _ in ending], timer)
    if records:
        order_records.queue(connection, sorted({row.order_id for row, _ in ending}), timer)
    # What had ended before it was first seen is history: it is corrected, but nobody won it.
    renewed = sum(not _history(row) for row in won)
    lapsed = sum(reason is Reason.LAPSED and row.clock != Clock.INSTALL for row, reason in ending)
    return Closed(renewed, lapsed, withdrawn)


def _won_back(row: Any, reason: Reason) -> bool:
    return row.outcome in LAPSED and reason in _RENEWED


def _went_on(row: Any, of_order: Sequence[Cycle]) -> bool:
    """Whether the order itself runs on, with a later renewal cycle: its own certificates go on with it."""
    return any(cycle.clock is Clock.RENEWAL and cycle.number > row.number for cycle in of_order)


def _history(row: Any) -> bool:
    return bool(row.reason == Reason.ENDED_BEFORE_FIRST_SEEN)


def _needless_reissues(connection: Connection, won: Sequence[Any]) -> Sequence[Any]:
    """A renewed order's certificate is followed by the new order's: nobody need reissue it."""
    reissue = (cycles.c.clock == Clock.REISSUE) & cycles.c.open
    order_ids = [row.order_id for row in won]
    return connection.execute(_CYCLE.where(reissue, among(cycles.c.order_id, order_ids))).all() if order_ids else []


def _write(connection: Connection, ending: Sequence[tuple[Any, Reason]], timer: Timer) -> None:
    values = [
        {
            "which": row.id,
            "outcome": reason,
            "reason": row.reason if _history(row) else "won back" if _won_back(row, reason) else "",
            "closed_on": timer.day,
            "stage": _stage(row, reason),
        }
        for row, reason in ending
    ]
    if values:
        named: dict[str, Any] = {name: bindparam(name) for name in ("outcome", "reason", "closed_on", "stage")}
        named |= {"open": False, "closing": "", "next_on": None}
        connection.execute(update(cycles).where(cycles.c.id == bindparam("which")).values(named), values)


def _stage(row: Any, reason: Reason) -> str:
    if row.clock != Clock.RENEWAL:
        return str(row.stage)
    if reason in _RENEWED:
        return Stage.WON_BACK if _won_back(row, reason) and not _history(row) else Stage.RENEWED
    if reason in LAPSED:
        return Stage.LAPSED
    return Stage.LOST if reason is Reason.LOST else str(row.stage)


def _begin_installs(
    connection: Connection,
    order_ids: Sequence[int],
    reissued: Sequence[Any],
    known: Mapping[int, Sequence[Cycle]],
    frame: Frame,
) -> None:
    """The old certificate of a renewed order, or of a reissue, is still in use until the new one is installed."""
    begun = [
        install_cycle(row.order_id, row.starts_on, row.ends_on, row.certificate_id, known[row.order_id], frame)
        for row in reissued
    ]
    columns = (orders.c.id, orders.c.certificate_id, orders.c.certificate_issued_on, orders.c.certificate_expires_on)
    for row in connection.execute(select(*columns).where(among(orders.c.id, order_ids))).all():
        if row.certificate_expires_on is None or row.certificate_issued_on is None:
            continue
        begun.append(
            install_cycle(
                row.id, row.certificate_issued_on, row.certificate_expires_on, row.certificate_id, known[row.id], frame
            )
        )
    if rows := [row for row in begun if row is not None]:
        connection.execute(insert(cycles), rows)


def withdraw_touches(connection: Connection, reasons: Mapping[int, Reason], timer: Timer) -> int:
    """Withdraws what is planned for these cycles, and deliveries that nobody is left in. What is under way stays."""
    if not reasons:
        return 0
    waiting = (
        select(touches.c.id, touches.c.cycle_id, touches.c.delivery_id)
        .join(deliveries, deliveries.c.id == touches.c.delivery_id, isouter=True)
        .where(among(touches.c.cycle_id, list(reasons)), touches.c.state == TouchState.PLANNED)
        .where(or_(touches.c.delivery_id.is_(None), deliveries.c.state.not_in(UNDER_WAY)))
    )
    rows = connection.execute(waiting).all()
    if not rows:
        return 0
    connection.execute(
        update(touches)
        .where(touches.c.id == bindparam("which"))
        .values(state=TouchState.WITHDRAWN, reason=bindparam("why")),
        [{"which": row.id, "why": reasons[row.cycle_id]} for row in rows],
    )
    withdraw_empty(connection, [row.delivery_id for row in rows if row.delivery_id is not None], timer)
    return len(rows)


def withdraw_empty(connection: Connection, delivery_ids: Sequence[int], timer: Timer) -> None:
    """Withdraws those of these deliveries that still wait and carry no planned touch any more."""
    if not delivery_ids:
        return
    member = exists().where(touches.c.delivery_id == deliveries.c.id, touches.c.state == TouchState.PLANNED)
    carried = (DeliveryKind.MAIL, DeliveryKind.CALL_CREATE, DeliveryKind.CALL_RAISE)
    connection.execute(
        update(deliveries)
        .where(
            among(deliveries.c.id, set(delivery_ids)),
            deliveries.c.state == DeliveryState.PLANNED,
            deliveries.c.kind.in_(carried),
            ~member,
        )
        .values(state=DeliveryState.WITHDRAWN, reason=Reason.NO_MEMBERS, settled_at=timer.opening)
    )


_CYCLE = select(
    cycles.c.id,
    cycles.c.order_id,
    cycles.c.clock,
    cycles.c.number,
    cycles.c.starts_on,
    cycles.c.ends_on,
    cycles.c.certificate_id,
    cycles.c.open,
    cycles.c.outcome,
    cycles.c.reason,
    cycles.c.stage,
)
