"""Observe first: until the operator goes live everything is planned and can be looked at, and nothing is sent.

A pilot goes live before the others: its accounts alone are contacted from their day on. What had ended before its
account's day is closed in silence by settle.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, false, func, select
from sqlalchemy.engine import Connection

from core.lookup import account_ids
from core.schema import accounts, cycles, deliveries, meta, orders
from core.sql import upsert
from core.steering import pilots
from core.words import DeliveryKind, DeliveryState

KEY = "live_from"
OBSERVING = "nothing is sent until `nolapse go-live`"


@dataclass(frozen=True, slots=True)
class Live:
    """Who is live since when: everybody, or the accounts of the pilot by id."""

    everybody: date | None = None
    pilot: Mapping[int, date] | None = None

    def since(self, account_id: int) -> date | None:
        """The first day on which this account is contacted; None where none is set."""
        days = [day for day in (self.everybody, (self.pilot or {}).get(account_id)) if day is not None]
        return min(days, default=None)

    @property
    def first(self) -> date | None:
        """The first day on which anybody is contacted."""
        days = [*([self.everybody] if self.everybody else []), *(self.pilot or {}).values()]
        return min(days, default=None)

    def why_held(self, day: date) -> str:
        """Why nothing at all may be sent on this day; empty where something may."""
        if self.first is None:
            return OBSERVING
        return f"nothing is sent before {self.first}" if day < self.first else ""


def live(connection: Connection) -> Live:
    """Who is live since when."""
    query = select(pilots.c.account_id, pilots.c.since)
    return Live(live_from(connection), {id: since for id, since in connection.execute(query)})


def live_from(connection: Connection) -> date | None:
    """The first day on which everybody is contacted, or None while the installation observes or only a pilot is live."""
    value = connection.execute(select(meta.c.value).where(meta.c.key == KEY)).scalar()
    return None if value is None else date.fromisoformat(value)


def go_live(connection: Connection, day: date) -> None:
    """Sets the first day on which everybody is contacted. Accounts of a pilot keep their earlier day."""
    upsert(connection, meta, ["key"], [{"key": KEY, "value": day.isoformat()}])


def go_live_with(connection: Connection, account_keys: Sequence[str], day: date) -> None:
    """Sets the first day on which these accounts are contacted, whatever is said of the others.

    Raises `UsageError` for an account that is not known.
    """
    ids = account_ids(connection, account_keys)
    upsert(connection, pilots, ["account_id"], [{"account_id": id, "since": day} for id in ids])


def observe(connection: Connection) -> None:
    """Goes back to observing, for the pilot too."""
    connection.execute(meta.delete().where(meta.c.key == KEY))
    connection.execute(delete(pilots))


def why_held(connection: Connection, day: date) -> str:
    """Why nothing at all may be sent on this day; empty where something may."""
    return live(connection).why_held(day)


def is_live(day: date) -> ColumnElement[bool]:
    """Of deliveries, those that may go on this day, by what is set at that moment. A wish is passed on to the CRM always.

    The records of an order go with its account.
    """
    # Days as ISO words sort as days do.
    everybody = exists().where(meta.c.key == KEY, meta.c.value <= day.isoformat())
    of_order = select(orders.c.account_id).where(orders.c.id == deliveries.c.order_id)
    account_id = func.coalesce(deliveries.c.account_id, of_order.correlate(deliveries).scalar_subquery())
    in_pilot = exists().where(pilots.c.since <= day, pilots.c.account_id == account_id)
    anybody = exists().where(pilots.c.since <= day)
    return everybody | in_pilot | (anybody & (deliveries.c.kind == DeliveryKind.OPTOUT))


def ended_before(who: Live, day: date) -> ColumnElement[bool]:
    """Of cycles, those that had ended when their account went live, as far as it is live on this day."""
    everybody = who.everybody if who.everybody is not None and who.everybody <= day else None
    begun = [since for since in (who.pilot or {}).values() if since <= (everybody or day)]
    if everybody is None and not begun:
        return false()
    # A range of the index first: the account of each cycle is looked up within it alone.
    latest = max(filter(None, [everybody, *begun]))
    of_order = select(orders.c.account_id).where(orders.c.id == cycles.c.order_id)
    account_id = of_order.correlate(cycles).scalar_subquery()
    in_pilot = select(pilots.c.since).where(pilots.c.account_id == account_id, pilots.c.since <= (everybody or day))
    own: ColumnElement[Any] = in_pilot.correlate(cycles).scalar_subquery()
    first = own if everybody is None else func.coalesce(own, everybody)
    return (cycles.c.ends_on < latest) & (cycles.c.ends_on < first)


@dataclass(frozen=True, slots=True)
class Morning:
    """What stands before the first day: cycles that would be closed in silence, and what waits, by kind."""

    closed_in_silence: int
    waiting: Mapping[str, int]


def morning(connection: Connection, day: date) -> Morning:
    """What going live by what is now set would mean on this day: counted, nothing is changed."""
    silent = select(func.count()).select_from(cycles).where(cycles.c.open, ended_before(live(connection), day))
    waits: Any = (
        select(deliveries.c.kind, func.count())
        .where(deliveries.c.state == DeliveryState.PLANNED, is_live(day))
        .group_by(deliveries.c.kind)
    )
    return Morning(connection.execute(silent).scalar_one(), {kind: count for kind, count in connection.execute(waits)})


def pilot_of(connection: Connection) -> list[tuple[str, date]]:
    """The accounts of the pilot by key, and the first day of each."""
    query = select(accounts.c.account_key, pilots.c.since).join(accounts, accounts.c.id == pilots.c.account_id)
    return [(key, since) for key, since in connection.execute(query.order_by(accounts.c.account_key))]
