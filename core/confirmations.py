"""Notes evidence of renewals. Noting is idempotent by (source, source_key); applying is settle's."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.engine import Connection

from core.certainty import PLACED_BEFORE_END_DAYS, Ending, Newcomer, replacements
from core.clocks import ENDED_BY_STATUS
from core.intake import Taken
from core.schema import UNSETTLED, confirmations, cycles, orders
from core.sql import among, insert_new, unindexed
from core.words import Certainty, Clock, ConfirmationState, OrderStatus, ProductKind

TAKEN_BACK = "the evidence was taken back"
"""Why a confirmation is retracted that its own source no longer upholds."""

_PENDING = (OrderStatus.PENDING, OrderStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """One piece of evidence that a clock of an order need not run any more."""

    source: str
    source_key: str
    order_key: str
    renewed_on: date
    certainty: Certainty
    evidence: str
    clock: Clock = Clock.RENEWAL
    new_order_key: str = ""


def note(connection: Connection, found: Iterable[Confirmation], now: datetime) -> int:
    """Stores confirmations that are not known yet, and gives how many those were."""
    rows: list[dict[str, Any]] = [
        asdict(one) | {"state": ConfirmationState.WAITING, "received_at": now} for one in found
    ]
    return insert_new(connection, confirmations, rows)


def note_by_hand(connection: Connection, given: Confirmation, now: datetime) -> bool:
    """Stores what an operator confirms, and gives whether it is new.

    The same said twice counts once; said again after it was reopened, it counts anew.
    """
    said = f"{given.order_key}:{given.clock}:{given.renewed_on}:{given.new_order_key}"
    taken_back = select(func.count()).where(
        confirmations.c.source == given.source,
        confirmations.c.source_key.startswith(said, autoescape=True),
        confirmations.c.state == ConfirmationState.RETRACTED,
    )
    times: int = connection.execute(taken_back).scalar_one()
    key = f"{said}:{times + 1}"
    return note(connection, [replace(given, source_key=key)], now) == 1


def retract(connection: Connection, source: str, source_keys: Sequence[str]) -> None:
    """Takes evidence back, for instance of a renewal that the CA has rejected."""
    if source_keys:
        connection.execute(
            update(confirmations)
            .where(confirmations.c.source == source, confirmations.c.source_key.in_(source_keys))
            .values(state=ConfirmationState.RETRACTED)
        )


def from_orders(connection: Connection, source: str, taken: Sequence[Taken], today: date, now: datetime) -> None:
    """Notes what orders say openly: which one they renew, which one renewed them, or only that they are renewed."""
    found: list[Confirmation] = []
    fallen: list[str] = []
    for one in taken:
        facts = one.facts
        if facts.renewal_of:
            in_progress = f"{facts.renewal_of}>{facts.key}:in_progress"
            if facts.status in ENDED_BY_STATUS:
                fallen.append(in_progress)
            elif facts.status in _PENDING and facts.certificate_issued_on is None:
                found.append(
                    Confirmation(
                        source, in_progress, facts.renewal_of, facts.placed_on, Certainty.IN_PROGRESS,
                        "renewal_of_order_id, not issued yet", new_order_key=facts.key,
                    )
                )  # fmt: skip
            else:
                found.append(
                    Confirmation(
                        source, f"{facts.renewal_of}>{facts.key}", facts.renewal_of, facts.placed_on,
                        Certainty.CONFIRMED, "renewal_of_order_id", new_order_key=facts.key,
                    )
                )  # fmt: skip
        if facts.renewed_by or facts.is_renewed:
            ends_on = facts.order_expires_on or facts.certificate_expires_on or today
            evidence = "renewed_order_id" if facts.renewed_by else "is_renewed"
            found.append(
                Confirmation(
                    source, f"{facts.key}>{facts.renewed_by}", facts.key, min(today, ends_on),
                    Certainty.CONFIRMED, evidence, new_order_key=facts.renewed_by,
                )
            )  # fmt: skip
    note(connection, found, now)
    _hear_again(connection, found)
    retract(connection, source, fallen)
    _retract_by_orders(connection, {one.facts.key for one in taken}, {one.new_order_key for one in found})


def _retract_by_orders(connection: Connection, changed: set[str], named: set[str]) -> None:
    """Takes back whatever says that an order stands for another which is cancelled, revoked or rejected itself."""
    over = orders.c.status.in_(list(ENDED_BY_STATUS)) & among(orders.c.order_key, changed | named)
    if fallen := connection.execute(select(orders.c.order_key).where(over)).scalars().all():
        held = confirmations.c.state.in_((ConfirmationState.WAITING, ConfirmationState.APPLIED))
        spoken = update(confirmations).where(confirmations.c.new_order_key.in_(fallen), held)
        connection.execute(spoken.values(state=ConfirmationState.RETRACTED, reason=""))


def _hear_again(connection: Connection, found: Sequence[Confirmation]) -> None:
    """Evidence that was taken back, and not by a person, counts again when it is told again."""
    by_key: dict[str, list[str]] = {}
    for one in found:
        by_key.setdefault(one.source, []).append(one.source_key)
    for source, keys in by_key.items():
        back = (confirmations.c.source == source) & among(confirmations.c.source_key, keys)
        taken_back = confirmations.c.reason.in_(("", TAKEN_BACK))
        connection.execute(
            update(confirmations)
            .where(back, confirmations.c.state == ConfirmationState.RETRACTED, taken_back)
            .values(state=ConfirmationState.WAITING, reason="", cycle_id=None, applied_at=None)
        )


def from_replacements(connection: Connection, account_ids: Sequence[int], today: date, now: datetime) -> int:
    """Notes, for these accounts, which open orders a newer order replaces without saying so."""
    columns = (
        orders.c.order_key, orders.c.account_id, orders.c.common_name, orders.c.dns_names, orders.c.placed_on,
    )  # fmt: skip
    open_cycle = (cycles.c.clock == Clock.RENEWAL) & cycles.c.open & (cycles.c.closing == "")
    tls = (orders.c.kind == ProductKind.TLS) & among(orders.c.account_id, account_ids)
    near = cycles.c.ends_on <= today + timedelta(days=PLACED_BEFORE_END_DAYS + 1)  # nothing is placed earlier
    # The first end of any kind of order, which the indexes tell alone, is a bound as well.
    of_accounts = select(func.min(cycles.c.ends_on)).join(orders, orders.c.id == cycles.c.order_id)
    soonest = of_accounts.where(open_cycle, among(orders.c.account_id, account_ids), near)
    if (ended_on := connection.execute(soonest).scalar()) is None:
        return 0
    ends_on = func.coalesce(orders.c.order_expires_on, orders.c.certificate_expires_on)
    new = select(*columns, orders.c.status, ends_on.label("ends_on")).where(
        tls,
        ends_on.is_not(None),
        orders.c.status.in_((OrderStatus.ISSUED, OrderStatus.PENDING)),
        orders.c.certificate_issued_on.is_not(None),
        orders.c.placed_on >= ended_on - timedelta(days=PLACED_BEFORE_END_DAYS),
        orders.c.renewal_of == "",
        ends_on >= today,
    )
    rows = connection.execute(new).all()
    spent = _spent(connection, [row.order_key for row in rows])
    newcomers = [
        Newcomer(
            row.order_key, row.account_id, _names(row), row.ends_on, row.placed_on,
            row.status == OrderStatus.ISSUED,
        )
        for row in rows
        if row.order_key not in spent
    ]  # fmt: skip
    theirs = among(orders.c.account_id, {one.account_id for one in newcomers})
    old = select(*columns, cycles.c.ends_on).join(cycles, cycles.c.order_id == orders.c.id)
    endings = [
        Ending(row.order_key, row.account_id, _names(row), row.placed_on, row.ends_on)
        for row in (connection.execute(old.where(open_cycle, tls, near, theirs)) if newcomers else ())
    ]
    found = [
        Confirmation(
            "replacement", f"{one.old_key}>{one.new_key}:{one.certainty}", one.old_key, one.on, one.certainty,
            "a newer order of the account covers its names", new_order_key=one.new_key,
        )
        for one in replacements(endings, newcomers)
    ]  # fmt: skip
    _hear_again(connection, found)
    return note(connection, found, now)


def _spent(connection: Connection, order_keys: Sequence[str]) -> set[str]:
    """Those of these orders that stand for another one already; each can do so once."""
    held = confirmations.c.state.in_((ConfirmationState.WAITING, ConfirmationState.APPLIED))
    query = select(confirmations.c.new_order_key).where(
        among(confirmations.c.new_order_key, order_keys), held, confirmations.c.certainty != Certainty.PROBABLE
    )
    return set(connection.execute(query).scalars())


def _names(row: Any) -> frozenset[str]:
    return frozenset(name.lower() for name in (row.common_name, *row.dns_names) if name)


def awaited(connection: Connection, order_keys: Sequence[str]) -> dict[tuple[str, Clock], list[tuple[date, Certainty]]]:
    """The confirmations that settle has not applied yet, by order and clock: a day and how sure each is."""
    # Few wait at a time, while an order may have had many: these are looked through, and not looked up by order.
    query = select(
        confirmations.c.order_key, confirmations.c.clock, confirmations.c.renewed_on, confirmations.c.certainty
    ).where(text(f"confirmations.{UNSETTLED}"), among(unindexed(confirmations.c.order_key), order_keys))
    found: dict[tuple[str, Clock], list[tuple[date, Certainty]]] = {}
    for key, clock, renewed_on, certainty in connection.execute(query).all():
        found.setdefault((key, Clock(clock)), []).append((renewed_on, Certainty(certainty)))
    return found
