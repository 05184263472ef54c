"""Open tasks, handed to somebody else in the CRM."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.engine import Connection

from core.crm_ports import AssigningCrm, TaskAssign
from core.deliver_tasks import TaskKindBase
from core.errors import SkippableError
from core.following import owners_now
from core.kinds import Sealed
from core.owners import roster
from core.ports import Handed, Result
from core.reasons import Reason
from core.schema import tasks
from core.tasks import creation_under_way
from core.timing import Timer
from core.words import TaskState


class AssignKind(TaskKindBase):
    """Gives open tasks to whoever does the work now."""

    def seal(self, connection: Connection, rows: Sequence[Any], timer: Timer) -> Sealed:
        """Looks once more whose each task is; waits for one that may just be being made."""
        known = self._keys(connection, rows)
        ids = [row.task_id for row in rows]
        wanted = owners_now(connection, ids, roster(connection, self._policy.tasks, timer.day))
        in_making = creation_under_way(connection, ids)
        able = isinstance(self._crm, AssigningCrm)
        items: dict[int, TaskAssign] = {}
        withdrawn: dict[int, str] = {}
        deferred: set[int] = set()
        for row in rows:
            task, owner = known[row.task_id], wanted[row.task_id]
            if not able:
                withdrawn[row.id] = Reason.CRM_CANNOT
            elif task.id in in_making:
                deferred.add(row.id)
            elif task.state != TaskState.OPEN:
                withdrawn[row.id] = Reason.TASK_CLOSED
            elif not owner or owner == task.owner_key:
                withdrawn[row.id] = Reason.UNCHANGED
            else:
                items[row.id] = TaskAssign(task.task_key, task.outside_id, owner, task.owner_key)
        return Sealed(items, withdrawn, deferred)

    def hand_over(self, items: Sequence[TaskAssign]) -> Sequence[Result]:
        if not isinstance(self._crm, AssigningCrm):
            cannot = SkippableError(f"{self._crm.name}: {Reason.CRM_CANNOT.sentence}")
            return [Result(item.key, Handed.FAILED, error=cannot) for item in items]
        return self._crm.assign_tasks(items)

    def delivered(
        self, connection: Connection, done: Sequence[tuple[Any, TaskAssign | None, Result]], timer: Timer
    ) -> None:
        """Whom we have given each task to is remembered."""
        moved = [{"which": row.task_id, "to": item.owner_key} for row, item, _ in done if item is not None]
        if moved:
            by_id = update(tasks).where(tasks.c.id == bindparam("which"))
            connection.execute(by_id.values(owner_key=bindparam("to")), moved)

    def find(self, rows: Sequence[Any]) -> Mapping[str, str] | None:
        return {}
