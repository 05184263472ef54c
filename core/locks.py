"""One holder per step at a time: a row with a lease, and the last day the step has done."""

import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.engine import Connection

from core.errors import BusyError, StoppedError, StoreError, UsageError
from core.schema import engine_locks as locks
from core.sql import insert_new
from core.store import Store

LEASE = timedelta(minutes=5)
_POLL_SECONDS = 0.05


def never() -> bool:
    """Nobody asks to stop."""
    return False


# Put together once: every transaction of a step begins with it.
_KEEP = (
    update(locks)
    .where(locks.c.step == bindparam("of_step"), locks.c.token == bindparam("of_token"))
    .values(lease_until=bindparam("until"))
)


@dataclass(frozen=True, slots=True)
class Lock:
    """A step that we hold. `renew` must be called in every transaction of the step."""

    step: str
    token: str
    stop: Callable[[], bool] = never

    def renew(self, connection: Connection) -> None:
        """Keeps the lease. Raises `StoreError` where another process has taken the step over.

        Raises `StoppedError` where the step has been asked to stop; the transaction has done nothing then.
        """
        self.go_on()
        self._keep(connection)

    def go_on(self) -> None:
        """Raises `StoppedError` where the step has been asked to stop."""
        if self.stop():
            raise StoppedError(f"{self.step} was stopped; the next run does the rest")

    def _keep(self, connection: Connection) -> None:
        renewed = connection.execute(_KEEP, {"of_step": self.step, "of_token": self.token, "until": _now() + LEASE})
        if renewed.rowcount != 1:
            raise StoreError(f"another process has taken over the step {self.step}; this one stops")

    def done(self, connection: Connection, day: date) -> None:
        """Notes that the step has done this day."""
        self._keep(connection)
        mine = (locks.c.step == self.step) & (locks.c.token == self.token)
        connection.execute(update(locks).where(mine).values(last_day=day))


@contextmanager
def holding(
    store: Store, step: str, day: date, wait_seconds: float, stop: Callable[[], bool] = never
) -> Iterator[Lock]:
    """Holds a step while the block runs. Waits for another holder up to `wait_seconds`, then raises `BusyError`.

    Raises `UsageError` for a day before the last one that the step has done, `StoppedError` where `stop` asks for it.
    """
    lock = Lock(step, secrets.token_hex(8), stop)
    deadline = time.monotonic() + wait_seconds
    while not _take(store, lock, day):
        if time.monotonic() > deadline:
            raise BusyError(f"the step {step} is held by {_holder(store, step)}; run it again when that has ended")
        lock.go_on()
        time.sleep(_POLL_SECONDS)
    try:
        yield lock
    finally:
        with store.begin() as connection:
            mine = (locks.c.step == lock.step) & (locks.c.token == lock.token)
            connection.execute(update(locks).where(mine).values(token=None, holder=None, lease_until=None))


def _take(store: Store, lock: Lock, day: date) -> bool:
    with store.begin() as connection:
        row = connection.execute(select(locks.c.last_day).where(locks.c.step == lock.step)).one_or_none()
        if row is None:
            insert_new(connection, locks, [{"step": lock.step}])
        elif row.last_day is not None and day < row.last_day:
            raise UsageError(
                f"{lock.step} has been done for {row.last_day} already; a day before it ({day}) cannot be done any more"
            )
        now = _now()
        free = or_(locks.c.token.is_(None), locks.c.lease_until < now)
        taken = connection.execute(
            update(locks)
            .where(locks.c.step == lock.step, free)
            .values(token=lock.token, holder=f"{socket.gethostname()}:{os.getpid()}", lease_until=now + LEASE)
        )
        return taken.rowcount == 1


def _holder(store: Store, step: str) -> str:
    with store.read() as connection:
        row = connection.execute(select(locks.c.holder, locks.c.lease_until).where(locks.c.step == step)).one_or_none()
    return "nobody" if row is None or row.holder is None else f"{row.holder} until {row.lease_until:%H:%M:%S} UTC"


@dataclass(frozen=True, slots=True)
class Held:
    """A step as an operator sees it. `holder` is host and process, empty where nobody works on it."""

    step: str
    holder: str
    lease_until: datetime | None
    lapsed: bool
    last_day: date | None
    next_turn: datetime | None


def listing(connection: Connection) -> Sequence[Held]:
    """Every step that has ever been done, by name."""
    now = _now()
    return [
        Held(
            step=row.step,
            holder=row.holder or "",
            lease_until=row.lease_until,
            lapsed=row.lease_until is not None and row.lease_until < now,
            last_day=row.last_day,
            next_turn=row.next_turn,
        )
        for row in connection.execute(select(locks).order_by(locks.c.step))
    ]


def release(connection: Connection, step: str) -> Held:
    """Takes a step from whoever holds it, and gives what was so. A holder that lives on stops at its next batch.

    Raises `UsageError` where nobody holds it.
    """
    found = {held.step: held for held in listing(connection)}
    if step not in found:
        raise UsageError(f"there is no step {step}; `nolapse locks` lists them")
    if not found[step].holder:
        raise UsageError(f"nobody holds the step {step}; nothing is to be released")
    connection.execute(update(locks).where(locks.c.step == step).values(token=None, holder=None, lease_until=None))
    return found[step]


def _now() -> datetime:
    return datetime.now(UTC)
