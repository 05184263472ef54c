"""The inbox: what outside systems tell us is stored as it came, answered, and applied later, each event once.

(1) a door checks who speaks and stores the raw event under its key, in one write; (2) `apply` takes what is new in the
order in which it came, and notes the outcome in the same transaction as its effect; (3) an event that cannot be applied
is tried again, and in the end put into quarantine, where an operator sees it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from core.errors import NolapseError, StoreError, UsageError
from core.locks import never
from core.schema import UNAPPLIED, inbox
from core.sql import insert_new
from core.store import Store
from core.timing import Timer
from core.words import InboxState

# Applied in one transaction: few, since doors wait meanwhile.
_BATCH = 20

MAX_ATTEMPTS = 5
"""After so many failures an event is put into quarantine."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event from outside, as it came."""

    door: str
    key: str
    content: bytes
    received_at: datetime


Applier = Callable[[Connection, Event, Timer], str]
"""Draws what follows from an event, within the transaction given, and says in a few words what that was.

Raises `NolapseError` where the event cannot be used: one that is `permanent` puts it into quarantine at once.
"""


@dataclass(slots=True)
class InboxCounts:
    """What a pass over the inbox did."""

    applied: int = 0
    quarantined: int = 0
    postponed: int = 0


@dataclass(frozen=True, slots=True)
class Listed:
    """One event as an operator sees it: never its content, which may name people."""

    id: int
    door: str
    key: str
    state: str
    received_at: datetime
    attempts: int
    why: str


_LISTED = select(
    inbox.c.id, inbox.c.door, inbox.c.event_key, inbox.c.state, inbox.c.received_at, inbox.c.attempts, inbox.c.reason
)


def receive(connection: Connection, event: Event) -> bool:
    """Stores an event, and gives whether it is new. The same key at the same door is the same event."""
    row: dict[str, Any] = {
        "door": event.door,
        "event_key": event.key,
        "received_at": event.received_at,
        "state": InboxState.RECEIVED,
        "content": event.content,
    }
    return insert_new(connection, inbox, [row]) == 1


def apply(
    store: Store, appliers: Mapping[str, Applier], timer: Timer, *, stop: Callable[[], bool] = never
) -> InboxCounts:
    """Applies what is new, in the order in which it came. Several processes may do so at once.

    What fails for now is left for the next pass; it does not hold up what came after it.
    """
    counts = InboxCounts()
    last = 0
    while not stop():
        with store.begin() as connection:
            new = select(inbox).where(text(UNAPPLIED), inbox.c.id > last, inbox.c.door.in_(list(appliers)))
            found = new.order_by(inbox.c.id).limit(_BATCH).with_for_update(skip_locked=True)
            rows = connection.execute(found).all()
            if not rows:
                break
            for row in rows:
                _apply_one(connection, row, appliers[row.door], timer, counts)
            last = rows[-1].id
    return counts


def _apply_one(connection: Connection, row: Any, applier: Applier, timer: Timer, counts: InboxCounts) -> None:
    event = Event(row.door, row.event_key, row.content, row.received_at)
    try:
        with connection.begin_nested():
            told = applier(connection, event, timer)
    except (StoreError, OperationalError):
        raise
    except Exception as error:
        permanent = isinstance(error, NolapseError) and error.permanent
        # What an unforeseen error says could name people; what ours say does not.
        why = str(error) if isinstance(error, NolapseError) else f"it could not be applied ({type(error).__name__})"
        if permanent or row.attempts + 1 >= MAX_ATTEMPTS:
            _settle(connection, row.id, InboxState.QUARANTINED, why, timer)
            counts.quarantined += 1
        else:
            values = {"attempts": row.attempts + 1, "reason": why}
            connection.execute(update(inbox).where(inbox.c.id == row.id).values(values))
            counts.postponed += 1
    else:
        _settle(connection, row.id, InboxState.APPLIED, told, timer)
        counts.applied += 1


def _settle(connection: Connection, which: int, state: InboxState, why: str, timer: Timer) -> None:
    values = {"state": state, "reason": why, "settled_at": timer.opening, "attempts": inbox.c.attempts + 1}
    connection.execute(update(inbox).where(inbox.c.id == which).values(values))


def counted(connection: Connection) -> Mapping[tuple[str, str], int]:
    """How many events there are, by door and state."""
    query = select(inbox.c.door, inbox.c.state, func.count()).group_by(inbox.c.door, inbox.c.state)
    return {(door, state): number for door, state, number in connection.execute(query)}


def listing(connection: Connection, states: Sequence[str], door: str | None, limit: int) -> list[Listed]:
    """Events in these states (none named: all), the newest first."""
    query = _LISTED.order_by(inbox.c.id.desc()).limit(limit)
    if states:
        query = query.where(inbox.c.state.in_(states))
    if door is not None:
        query = query.where(inbox.c.door == door)
    return [Listed(*row) for row in connection.execute(query)]


def one(connection: Connection, which: int) -> Listed:
    """One event. Raises `UsageError` where there is none of this number."""
    row = connection.execute(_LISTED.where(inbox.c.id == which)).one_or_none()
    if row is None:
        raise UsageError(f"there is no event {which}; `nolapse inbox list` shows those that are there")
    return Listed(*row)


def content(connection: Connection, which: int) -> bytes:
    """What an event said, as it came. Raises `UsageError` where there is none of this number."""
    found = connection.execute(select(inbox.c.content).where(inbox.c.id == which)).scalar()
    if found is None:
        raise UsageError(f"there is no event {which}; `nolapse inbox list` shows those that are there")
    return bytes(found)


def replay(connection: Connection, which: int) -> None:
    """Puts an event back among the new ones. What it said before counts once all the same."""
    _decide(connection, which, {"state": InboxState.RECEIVED, "attempts": 0, "reason": "", "settled_at": None})


def discard(connection: Connection, which: int, reason: str, timer: Timer) -> None:
    """Lets an event rest that was never applied. Raises `UsageError` for one that was."""
    state = connection.execute(select(inbox.c.state).where(inbox.c.id == which)).scalar()
    if state == InboxState.APPLIED:
        raise UsageError(f"event {which} has been applied; `nolapse reopen` undoes what it did")
    _decide(connection, which, {"state": InboxState.DISCARDED, "reason": reason, "settled_at": timer.opening})


def _decide(connection: Connection, which: int, values: Mapping[str, Any]) -> None:
    if not connection.execute(update(inbox).where(inbox.c.id == which).values(**values)).rowcount:
        raise UsageError(f"there is no event {which}; `nolapse inbox list` shows those that are there")


def purge(connection: Connection, before: datetime) -> int:
    """Forgets the events that came before an instant, but for those still to apply, and gives how many those were."""
    over = inbox.c.state != InboxState.RECEIVED
    return connection.execute(delete(inbox).where(inbox.c.received_at < before, over)).rowcount
