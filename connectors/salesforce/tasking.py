"""Call tasks: made with what they hang on; raised, handed over and closed as far as their rep has left them alone."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from connectors.crm.cursor import moment
from connectors.crm.foreign import text_of
from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.values import day
from connectors.salesforce.fields import TaskField
from connectors.salesforce.hanging import About, ends_of
from connectors.salesforce.mapping import PRIORITIES, is_id, order_keys, reminder_at, task_fields
from connectors.salesforce.once import Once
from connectors.salesforce.outcomes import failed, result_of
from connectors.salesforce.owning import with_owners
from connectors.salesforce.records import Outcome, Row, Write, long_id, same_id
from connectors.salesforce.statements import TASK_STATUSES, TASKS_BY_ID
from connectors.salesforce.target import Target
from core.crm_ports import TaskAssign
from core.errors import SkippableError
from core.ports import Handed, Result, TaskClose, TaskDraft, TaskRaise

_TASK, _TASK_PREFIX = "Task", "00T"
_KEY, _URGENCY, _CLOSED = str(TaskField.KEY), str(TaskField.URGENCY), str(TaskField.CLOSED_BECAUSE)
_READ = (
    "Status",
    "IsClosed",
    "IsDeleted",
    "Priority",
    "ActivityDate",
    "OwnerId",
    "ReminderDateTime",
    "AccountId",
    _URGENCY,
)
_DONE = "Completed"


class _Step(Protocol):
    @property
    def key(self) -> str: ...

    @property
    def outside_id(self) -> str: ...


_AnyStep = TypeVar("_AnyStep", bound=_Step)


class Tasks:
    """Our tasks in one org. Tasks that people made are never read or written."""

    def __init__(self, target: Target, links: Links) -> None:
        self._target = target
        self._links = links
        self._once = Once(target, links, LinkKind.TASK, _TASK, _KEY)
        self._done: str | None = None

    def find(self, keys: Sequence[str]) -> dict[str, str]:
        """The ids of those of our tasks that were made; one that its rep has deleted since is among them."""
        return self._once.find(keys)

    def create(self, drafts: Sequence[TaskDraft]) -> list[Result]:
        """Makes tasks; one that was made before stays as its rep has made it, deleted ones too."""
        about = [About(one.key, one.account_key, one.contact_email, one.order_keys) for one in drafts]
        ends = ends_of(self._links, about)
        writes = []
        for one in drafts:
            said = task_fields(one, self._target.settings.reminder_hour)
            end = ends[one.key]
            said |= {name: id for name, id in (("WhoId", end.who), ("WhatId", end.what)) if id}
            if owner_id := self._target.owner_id(one.owner_key):
                said["OwnerId"] = owner_id
            writes.append(Write(one.key, self._target.fitting(_TASK, said, new=True), parent=end.parent))
        return [result_of(one.key, one) for one in self._once.make(writes)]

    def raise_all(self, raises: Sequence[TaskRaise]) -> list[Result]:
        """Writes priority and due date where they are still ours, and the orders. What is done already stays as it is."""

        def change(step: TaskRaise, task: Row) -> Mapping[str, Any]:
            return {} if task.get("IsClosed") is True else self._raised(step, task)

        return self._change(raises, change)

    def assign(self, assigns: Sequence[TaskAssign]) -> list[Result]:
        """Gives open tasks to their new owners where nobody has given them to somebody else."""
        given = self._links.get(LinkKind.TASK, [one.key for one in assigns])

        def change(step: TaskAssign, task: Row) -> Mapping[str, Any]:
            owner, link = text_of(task.get("OwnerId")), given.get(step.key)
            ours = (
                str(link.facts.get("owner", "")) if link is not None else "",
                self._target.user_id(step.was_owner_key),
            )
            theirs = self._target.owner_id(step.owner_key)
            untouched = any(id and same_id(id, owner) for id in (*ours, self._target.client.identity().user_id))
            if task.get("IsClosed") is True or not theirs or not untouched or same_id(theirs, owner):
                return {}
            return {"OwnerId": theirs}

        return self._change(assigns, change)

    def close(self, closes: Sequence[TaskClose]) -> list[Result]:
        """Completes the tasks that are still open; one that its rep has deleted is not."""

        def change(step: TaskClose, task: Row) -> Mapping[str, Any]:
            if task.get("IsClosed") is True:
                return {}
            return {"Status": self.done_status(), _CLOSED: step.reason or "done"}

        return self._change(closes, change, gone_is_done=True)

    def _change(
        self,
        steps: Sequence[_AnyStep],
        change: Callable[[_AnyStep, Row], Mapping[str, Any]],
        *,
        gone_is_done: bool = False,
    ) -> list[Result]:
        """Writes what `change` says of each task as it stands; nothing where it says nothing."""
        there = self._read([step.outside_id for step in steps])
        writes, results = [], {}
        for step in {one.key: one for one in steps}.values():
            task = there.get(long_id(step.outside_id))
            deleted = task is not None and task.get("IsDeleted") is True
            if task is None or (deleted and not gone_is_done):
                results[step.key] = failed(step.key, SkippableError(_no_task(step.outside_id)))
            elif deleted or not (said := change(step, task)):
                results[step.key] = Result(step.key, Handed.DELIVERED, step.outside_id)
            else:
                fields = self._target.fitting(_TASK, said, new=False)
                writes.append(Write(step.key, fields, text_of(task["Id"]), parent=text_of(task.get("AccountId"))))
        outcomes, owners = with_owners(self._target, self._update, writes)
        results |= {one.key: result_of(one.key, one) for one in outcomes}
        self._remember([one for one in outcomes if one.error is None and one.key in owners], owners)
        return [results[step.key] for step in steps]

    def _update(self, writes: Sequence[Write]) -> list[Outcome]:
        return self._target.client.update(_TASK, writes)

    def _remember(self, outcomes: Sequence[Outcome], owners: Mapping[str, str]) -> None:
        self._links.put(LinkKind.TASK, [Link(one.key, one.id, facts={"owner": owners[one.key]}) for one in outcomes])

    def _raised(self, step: TaskRaise, task: Row) -> dict[str, Any]:
        said: dict[str, Any] = {str(TaskField.ORDER_KEYS): order_keys(step.order_keys)}
        if (task.get("Priority"), task.get(_URGENCY)) == (PRIORITIES[step.was_urgency], str(step.was_urgency)):
            said |= {"Priority": PRIORITIES[step.urgency], _URGENCY: str(step.urgency)}
        if text_of(task.get("ActivityDate")) == day(step.was_due_on):
            said["ActivityDate"] = day(step.due_on)
            hour = self._target.settings.reminder_hour
            if hour >= 0 and _same_moment(task.get("ReminderDateTime"), reminder_at(step.was_due_on, hour)):
                said["ReminderDateTime"] = reminder_at(step.due_on, hour)
        return said

    def done_status(self) -> str:
        """The org's status of a task that is done: the usual one, else the first that closes a task."""
        if self._done is None:
            status = self._target.info(_TASK).fields.get("Status")
            if status is not None and _DONE in status.values:
                self._done = _DONE
            else:
                rows = self._target.client.query(TASK_STATUSES())
                self._done = next((text_of(row.get("ApiName")) for row in rows if row.get("IsClosed") is True), _DONE)
        return self._done

    def _read(self, ids: Sequence[str]) -> dict[str, Row]:
        # Anything else is no id of a task, and a query with it is refused.
        known = [id for id in ids if is_id(id, _TASK_PREFIX)]
        if not known:
            return {}
        asked = ["Id", *self._target.visible(_TASK, *_READ)]
        rows = self._target.client.query_for(TASKS_BY_ID, "ids", known, fields=asked, deleted=True)
        return {text_of(row.get("Id")): row for row in rows}


def _same_moment(theirs: Any, ours: str) -> bool:
    """Whether a moment of Salesforce's, which has milliseconds and a zone, is the one that we wrote."""
    return moment(text_of(theirs)) == moment(ours)


def _no_task(id: str) -> str:
    return f"Salesforce has no task {id}; somebody may have deleted it"
