"""What is to be looked at: somebody has told that something changed, and its system is asked what holds now.

What is told is a hint and never believed. (1) Applying an event notes the thing, in the same transaction; (2) `look` asks
the system, outside any transaction, then stores what it said and drops the note in one. A thing that was noted again
meanwhile stays noted. What cannot be asked now stays, and is asked again in the next pass.
"""

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Column, Table, Text, UniqueConstraint, delete, select
from sqlalchemy.engine import Connection

from core import crm_changes
from core.columns import UtcTime, id_column, metadata
from core.errors import BusyError, NolapseError, SkippableError, StoppedError, StoreError, UsageError
from core.listening import RereadingCrm
from core.locks import holding, never
from core.model import OrderFacts
from core.policy import Policy
from core.ports import OrderSource
from core.sql import upsert
from core.store import Store
from core.sync import take_orders
from core.timing import Timer

log = logging.getLogger("nolapse.looks")

_BATCH = 50

looks = Table(
    "looks",
    metadata,
    id_column(),
    Column("system", Text, nullable=False),
    Column("thing", Text, nullable=False),  # an order's key, or KIND:ID in the words of the system
    Column("mark", Text, nullable=False),  # another one each time it is noted
    Column("noted_at", UtcTime, nullable=False),
    UniqueConstraint("system", "thing"),
)

Storing = Callable[[Connection, Timer], None]
"""Stores what a system has said, within the transaction given."""


class Looker(Protocol):
    """Somebody who asks one system about things of its own."""

    def __call__(self, things: Sequence[str]) -> Storing:
        """Asks, and gives what is to be stored. Raises `NolapseError` where the system cannot be asked."""
        ...


@dataclass(slots=True)
class LookCounts:
    """What a pass did: things looked at, and things that wait because their system could not be asked."""

    seen: int = 0
    waiting: int = 0


def note(connection: Connection, system: str, things: Iterable[str], timer: Timer) -> None:
    """Notes that these things of a system are to be looked at."""
    rows = [
        {"system": system, "thing": thing, "mark": secrets.token_hex(4), "noted_at": timer.opening}
        for thing in dict.fromkeys(things)
    ]
    upsert(connection, looks, ["system", "thing"], rows)


def are_waiting(store: Store) -> bool:
    """Whether there is anything to look at."""
    with store.read() as connection:
        return connection.execute(select(looks.c.id).limit(1)).first() is not None


def look(
    store: Store,
    lookers: Mapping[str, Looker],
    timer: Timer,
    *,
    stop: Callable[[], bool] = never,
) -> LookCounts:
    """Looks at everything that was noted, in the order in which it was. What one system refuses holds up no other.

    While a sync is under way nothing is done: it stores the same things, and the next pass comes soon.
    """
    counts = LookCounts()
    for system, looker in lookers.items():
        last = 0
        while rows := _noted(store, system, last):
            last = rows[-1].id
            try:
                with holding(store, "sync", timer.day, 0, stop) as lock:
                    storing = looker([row.thing for row in rows])
                    with store.begin() as connection:
                        lock.renew(connection)
                        storing(connection, timer)
                        _forget(connection, rows)
                counts.seen += len(rows)
            except (StoreError, StoppedError) as error:
                counts.waiting += len(rows)
                if not isinstance(error, BusyError | StoppedError):
                    raise
                return counts
            except NolapseError as error:
                counts.waiting += len(rows)
                log.warning("%s: what was told is looked at later: %s", system, error)
                break
    return counts


def _noted(store: Store, system: str, last: int) -> Sequence[Any]:
    query = select(looks).where(looks.c.system == system, looks.c.id > last).order_by(looks.c.id).limit(_BATCH)
    with store.read() as connection:
        return connection.execute(query).all()


def _forget(connection: Connection, rows: Sequence[Any]) -> None:
    """Drops the notes, but for those of things that were noted again while they were being asked about."""
    now = {
        row.id: row.mark
        for row in connection.execute(select(looks.c.id, looks.c.mark).where(looks.c.id.in_([row.id for row in rows])))
    }
    done = [row.id for row in rows if now.get(row.id) == row.mark]
    connection.execute(delete(looks).where(looks.c.id.in_(done)))


@dataclass(frozen=True, slots=True)
class OrderLooker:
    """Asks an order source about orders, by their keys. `records`: a CRM wants order records."""

    source: OrderSource
    policy: Policy
    records: bool

    def __call__(self, things: Sequence[str]) -> Storing:
        found: list[OrderFacts] = []
        for key in things:
            try:
                facts = self.source.order(key)
            except (SkippableError, UsageError) as error:
                log.warning("%s: %s is left as it is: %s", self.source.name, key, error)
                continue
            if facts is None:
                log.info("%s does not know %s", self.source.name, key)
            else:
                found.append(facts)
        return lambda connection, timer: take_orders(
            connection, self.source.name, found, timer, self.policy, records=self.records
        )


@dataclass(frozen=True, slots=True)
class CrmLooker:
    """Reads records of the CRM again, each `KIND:ID`, and takes in what people changed in them."""

    crm: RereadingCrm
    policy: Policy

    def __call__(self, things: Sequence[str]) -> Storing:
        changes = self.crm.changes_of(things)
        return lambda connection, timer: crm_changes.apply_all(connection, self.crm.name, changes, self.policy, timer)
