"""Whose turn it is: of several servers on one database only the first to come does a step at its time."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, update

from core.schema import engine_locks as locks
from core.sql import insert_new
from core.store import Store


@dataclass(frozen=True, slots=True)
class Turn:
    """A step that is due: `following` is when `schedule` has it next after `now`."""

    step: str
    schedule: str
    now: datetime
    following: datetime | None


def take(store: Store, turn: Turn) -> bool:
    """Takes the turn, in one statement. Gives False where another server has taken it.

    A turn that was noted under another schedule, or further ahead than this one reaches (a clock was set back), is over.
    """
    due = or_(
        locks.c.next_turn.is_(None),
        locks.c.next_turn <= turn.now,
        locks.c.schedule.is_distinct_from(turn.schedule),
        *([locks.c.next_turn > turn.following] if turn.following is not None else []),
    )
    with store.begin() as connection:
        insert_new(connection, locks, [{"step": turn.step}])
        mine = update(locks).where(locks.c.step == turn.step, due)
        taken = connection.execute(mine.values(next_turn=turn.following, schedule=turn.schedule))
        return taken.rowcount == 1
