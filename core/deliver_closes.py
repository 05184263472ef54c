"""Tasks whose last order is settled, closed in the CRM."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import update
from sqlalchemy.engine import Connection

from core.deliver_tasks import TaskKindBase
from core.kinds import Sealed
from core.ports import Result, TaskClose
from core.reasons import Reason
from core.schema import tasks
from core.sql import among
from core.tasks import creation_under_way, give_up
from core.timing import Timer
from core.words import TaskState


class CloseKind(TaskKindBase):
    """Closes tasks whose last order is settled."""

    def seal(self, connection: Connection, rows: Sequence[Any], timer: Timer) -> Sealed:
        """Waits for a task that may just be being made; one that never was is closed here."""
        known = self._keys(connection, rows)
        in_making = creation_under_way(connection, list(known))
        items: dict[int, TaskClose] = {}
        withdrawn: dict[int, str] = {}
        deferred: set[int] = set()
        for row in rows:
            task = known[row.task_id]
            if task.state == TaskState.CLOSING and task.id in in_making:
                deferred.add(row.id)
            elif task.state == TaskState.CLOSING and task.outside_id:
                items[row.id] = TaskClose(task.task_key, task.outside_id, task.reason)
            else:
                withdrawn[row.id] = Reason.TASK_CLOSED
                give_up(connection, task, timer)
        return Sealed(items, withdrawn, deferred)

    def hand_over(self, items: Sequence[TaskClose]) -> Sequence[Result]:
        return self._crm.close_tasks(items)

    def delivered(self, connection: Connection, done: Sequence[tuple[Any, Any, Result]], timer: Timer) -> None:
        ids = [row.task_id for row, _, _ in done]
        connection.execute(
            update(tasks).where(among(tasks.c.id, ids)).values(state=TaskState.CLOSED, closed_at=timer.opening)
        )

    def find(self, rows: Sequence[Any]) -> Mapping[str, str] | None:
        return {}
