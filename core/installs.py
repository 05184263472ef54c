"""Whether new certificates are installed: told by the customer's link or by a rep, or seen on the servers themselves.

The install clock of an order runs until the old certificate's end. A look at the servers counts as evidence where at
least one name of the certificate serves the new one and none that answers serves the old one; which is which is told
by their ends. Names that do not answer, or answer with another certificate, say nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from sqlalchemy import exists, select
from sqlalchemy.engine import Connection

from core.batches import batched
from core.confirmations import Confirmation, note, note_by_hand
from core.errors import UsageError
from core.locks import never
from core.ports import Finding
from core.schema import confirmations, cycles, orders
from core.side_tables import install_looks
from core.sql import upsert
from core.store import Store
from core.timing import Timer
from core.words import Certainty, Clock, ConfirmationState

_BATCH = 50


@dataclass(frozen=True, slots=True)
class Served:
    """What a server serves under a name: the last valid day of its certificate, or None where it does not answer."""

    name: str
    ends_on: date | None
    problem: str = ""


class Prober(Protocol):
    """Looks which certificates are served. No look takes longer than its time-outs; what cannot be seen is told so."""

    name: str
    names_per_order: int

    def look(self, names: Sequence[str]) -> Sequence[Served]:
        """What is served under each of these names, in their order."""
        ...

    def check(self) -> list[Finding]: ...


@dataclass(frozen=True, slots=True)
class Looked:
    """How many names serve the new certificate, the old one, or neither."""

    new: int
    old: int
    silent: int

    @property
    def is_installed(self) -> bool:
        return self.new > 0 and self.old == 0


@dataclass(slots=True)
class InstallCounts:
    """What a round of looks found: certificates looked at, and those of them that are installed."""

    looked: int = 0
    installed: int = 0


def judge(served: Sequence[Served], old_ends_on: date, new_ends_on: frozenset[date]) -> Looked:
    """What was seen, against the old certificate's end and those that the new one may have; none known: any later one."""
    new = old = 0
    for one in served:
        if one.ends_on is None:
            continue
        if one.ends_on <= old_ends_on:
            old += 1
        elif not new_ends_on or one.ends_on in new_ends_on:
            new += 1
    return Looked(new, old, len(served) - new - old)


def say_installed(connection: Connection, order_key: str, timer: Timer, *, source: str, evidence: str) -> bool:
    """Takes somebody's word that the new certificate of an order is installed; gives whether that is new.

    It closes the install clock with the next settle; nothing more goes out for it from now on. Raises `UsageError`
    where no install clock runs for the order.
    """
    running = (orders.c.order_key == order_key) & (cycles.c.clock == Clock.INSTALL) & cycles.c.open
    query = select(cycles.c.id).join(orders, orders.c.id == cycles.c.order_id).where(running)
    if connection.execute(query.limit(1)).first() is None:
        raise UsageError(f"{order_key} has no new certificate that waits to be installed")
    said = Confirmation(source, "", order_key, timer.day, Certainty.CONFIRMED, evidence, Clock.INSTALL)
    return note_by_hand(connection, said, timer.opening)


def look(store: Store, prober: Prober, timer: Timer, *, stop: Callable[[], bool] = never) -> InstallCounts:
    """Looks once a day at the names of every certificate that waits to be installed, and notes what is evident."""
    counts = InstallCounts()
    with store.read() as connection:
        waiting = _waiting(connection, timer)
    for batch in batched(waiting, _BATCH):
        if stop():
            break
        names = {row.id: hosts([row.common_name, *row.dns_names])[: prober.names_per_order] for row in batch}
        served = iter(prober.look([name for mine in names.values() for name in mine]))
        seen = {id: [next(served) for _ in mine] for id, mine in names.items()}
        with store.begin() as connection:
            ends = _new_ends(connection, batch)
            found = {row.id: judge(seen[row.id], row.ends_on, ends[row.id]) for row in batch}
            _remember(connection, found, timer)
            done = [_evidence(row, found[row.id], prober.name, timer) for row in batch if found[row.id].is_installed]
            counts.installed += note(connection, done, timer.opening)
        counts.looked += len(batch)
    return counts


def hosts(names: Sequence[str]) -> list[str]:
    """The names at which a certificate with these names can be looked for; for a wildcard the usual one below it."""
    found = (f"www.{name[2:]}" if name.startswith("*.") else name for name in (one.lower() for one in names))
    return [name for name in dict.fromkeys(found) if "." in name and not any(sign in name for sign in "*@:/ ")]


def _waiting(connection: Connection, timer: Timer) -> Sequence[Any]:
    looked = exists().where(install_looks.c.cycle_id == cycles.c.id, install_looks.c.looked_on >= timer.day)
    query = (
        select(cycles.c.id, cycles.c.number, cycles.c.order_id, cycles.c.ends_on, orders.c.order_key)
        .add_columns(orders.c.common_name, orders.c.dns_names, orders.c.certificate_expires_on)
        .join(orders, orders.c.id == cycles.c.order_id)
        .where(cycles.c.open, cycles.c.closing == "", cycles.c.clock == Clock.INSTALL, ~looked)
        .where(cycles.c.ends_on >= timer.day)
    )
    return connection.execute(query.order_by(cycles.c.ends_on, cycles.c.id)).all()


def _new_ends(connection: Connection, waiting: Sequence[Any]) -> Mapping[int, frozenset[date]]:
    """The ends of the certificates that may follow each: the order's own next one, or that of the order after it."""
    new = orders.alias("new")
    keys = {row.order_key for row in waiting}
    follows = (
        select(confirmations.c.order_key, new.c.certificate_expires_on)
        .join(new, new.c.order_key == confirmations.c.new_order_key)
        .where(confirmations.c.order_key.in_(keys), confirmations.c.state == ConfirmationState.APPLIED)
    )
    found: dict[str, set[date]] = {}
    for key, ends_on in connection.execute(follows):
        if ends_on is not None:
            found.setdefault(key, set()).add(ends_on)
    return {
        row.id: frozenset(
            ends_on
            for ends_on in (*found.get(row.order_key, ()), row.certificate_expires_on)
            if ends_on is not None and ends_on > row.ends_on
        )
        for row in waiting
    }


def _remember(connection: Connection, found: Mapping[int, Looked], timer: Timer) -> None:
    rows = [
        {
            "cycle_id": id,
            "looked_on": timer.day,
            "new_names": one.new,
            "old_names": one.old,
            "silent_names": one.silent,
        }
        for id, one in found.items()
    ]
    upsert(connection, install_looks, ["cycle_id"], rows)


def _evidence(row: Any, looked: Looked, source: str, timer: Timer) -> Confirmation:
    return Confirmation(
        source=source,
        source_key=f"{row.order_key}:install:{row.number}:{timer.day}",
        order_key=row.order_key,
        renewed_on=timer.day,
        certainty=Certainty.CONFIRMED,
        evidence=f"{looked.new} of its names serve the new certificate, none the old one",
        clock=Clock.INSTALL,
    )
