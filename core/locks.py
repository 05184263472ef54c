"""One holder per step at a time: a row with a lease, and the last day the step has done."""

import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import insert, or_, select, update
from sqlalchemy.engine import Connection

from core.errors import StoreError, UsageError
from core.schema import engine_locks as locks
from core.store import Store

LEASE = timedelta(minutes=5)
_POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Lock:
    """A step that we hold. `renew` must be called in every transaction of the step."""

    step: str
    token: str

    def renew(self, connection: Connection) -> None:
        """Keeps the lease. Raises `StoreError` where another process has taken the step over."""
        mine = (locks.c.step == self.step) & (locks.c.token == self.token)
        renewed = connection.execute(update(locks).where(mine).values(lease_until=_now() + LEASE))
        if renewed.rowcount != 1:
            raise StoreError(f"another process has taken over the step {self.step}; this one stops")

    def done(self, connection: Connection, day: date) -> None:
        """Notes that the step has done this day."""
        self.renew(connection)
        mine = (locks.c.step == self.step) & (locks.c.token == self.token)
        connection.execute(update(locks).where(mine).values(last_day=day))


@contextmanager
def holding(store: Store, step: str, day: date, wait_seconds: float) -> Iterator[Lock]:
    """Holds a step while the block runs. Waits for another holder up to `wait_seconds`, then raises `StoreError`.

    Raises `UsageError` for a day before the last one that the step has done.
    """
    lock = Lock(step, secrets.token_hex(8))
    deadline = time.monotonic() + wait_seconds
    while not _take(store, lock, day):
        if time.monotonic() > deadline:
            raise StoreError(f"the step {step} is held by {_holder(store, step)}; run it again when that has ended")
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
            connection.execute(insert(locks).values(step=lock.step))
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


def _now() -> datetime:
    return datetime.now(UTC)
