"""Calls that became notes, because a rep is talking to the customer anyway."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Self

from sqlalchemy import bindparam, update
from sqlalchemy.engine import Connection

from core.crm_ports import Note, NotingCrm
from core.engagements import Engagement, of_accounts
from core.errors import SkippableError
from core.policy import TaskPolicy
from core.ports import Crm, Handed, Result
from core.reasons import Reason
from core.schema import tasks, touches
from core.timing import Timer
from core.wording import WordedTask
from core.words import TaskKind, TaskState, TouchState


@dataclass(frozen=True, slots=True)
class CallNote:
    """A call that goes as a note, and why."""

    note: Note
    why: Reason

    @classmethod
    def of(
        cls, task: Any, account: Any, words: WordedTask, order_keys: tuple[str, ...], at: datetime, why: Reason
    ) -> Self:
        """The note that a task (row) becomes."""
        key, name = account.account_key, account.name
        return cls(Note(task.task_key, key, name, task.owner_key, words.subject, words.body, order_keys, at), why)

    @property
    def key(self) -> str:
        return self.note.key


def why_notes(connection: Connection, of_tasks: Mapping[int, Any], policy: TaskPolicy, day: date) -> dict[int, Reason]:
    """Those of these tasks (rows by id) that go as notes on this day, and why."""
    calls = [task for task in of_tasks.values() if task.kind == TaskKind.CALL]
    engaged = of_accounts(connection, {task.account_id for task in calls})
    found = {task.id: engaged.get(task.account_id, Engagement()).why_note(day, policy.quiet_days) for task in calls}
    return {task_id: reason for task_id, reason in found.items() if reason is not None}


def hand_over(crm: Crm, notes: Sequence[Note]) -> list[Result]:
    """Puts the notes into the CRM."""
    if not notes:
        return []
    if not isinstance(crm, NotingCrm):
        cannot = SkippableError(f"{crm.name}: {Reason.CRM_CANNOT.sentence}")
        return [Result(note.key, Handed.FAILED, error=cannot) for note in notes]
    return crm.add_notes(notes)


def write_down(connection: Connection, noted: Mapping[int, int], why: Mapping[int, Reason], timer: Timer) -> None:
    """Closes the tasks (by delivery) that went as notes; their steps are skipped, so that nobody counts as contacted."""
    if not noted:
        return
    closed = [{"which": task_id, "why": why[task_id], "now": timer.opening} for task_id in noted.values()]
    connection.execute(
        update(tasks)
        .where(tasks.c.id == bindparam("which"))
        .values(state=TaskState.CLOSED, reason=bindparam("why"), closed_at=bindparam("now")),
        closed,
    )
    connection.execute(
        update(touches)
        .where(touches.c.delivery_id == bindparam("carried"), touches.c.state == TouchState.PLANNED)
        .values(state=TouchState.SKIPPED, reason=bindparam("why")),
        [{"carried": delivery_id, "why": why[task_id]} for delivery_id, task_id in noted.items()],
    )
