"""A CRM and a mailer that keep everything in memory, for tests of what uses one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from core.crm_ports import Note, TaskAssign
from core.errors import NolapseError, SkippableError
from core.ports import (
    CrmChange,
    Finding,
    Handed,
    Mail,
    MailLog,
    OptOut,
    Record,
    Result,
    TaskClose,
    TaskDraft,
    TaskRaise,
)
from core.words import Urgency


@dataclass(frozen=True)
class MemoryTask:
    """A task as it stands."""

    draft: TaskDraft
    urgency: Urgency
    due_on: date
    owner_key: str
    body: str
    order_keys: tuple[str, ...]
    is_open: bool = True


class MemoryCrm:
    """Everything that was written, by key. `failing` maps keys to the error that their next write meets."""

    name = "memory"
    batch_size = 50
    search_lag = timedelta(0)

    def __init__(self) -> None:
        self.tasks: dict[str, MemoryTask] = {}
        self.records: dict[str, Record] = {}
        self.mails: dict[str, MailLog] = {}
        self.optouts: dict[str, OptOut] = {}
        self.notes: dict[str, Note] = {}
        self.history: list[CrmChange] = []
        self.failing: dict[str, NolapseError] = {}

    def push_records(self, records: Sequence[Record]) -> list[Result]:
        for record in records:
            if record.key not in self.failing:
                self.records[record.order_key] = record
        return [self._result(record.key, record.order_key) for record in records]

    def find_tasks(self, keys: Sequence[str]) -> Mapping[str, str]:
        return {key: f"#{key}" for key in keys if f"#{key}" in self.tasks}

    def create_tasks(self, drafts: Sequence[TaskDraft]) -> list[Result]:
        for draft in drafts:
            if draft.key not in self.failing:
                made = MemoryTask(draft, draft.urgency, draft.due_on, draft.owner_key, draft.body, draft.order_keys)
                self.tasks.setdefault(f"#{draft.key}", made)
        return [self._result(draft.key, f"#{draft.key}") for draft in drafts]

    def raise_tasks(self, raises: Sequence[TaskRaise]) -> list[Result]:
        for step in raises:
            task = self.tasks.get(step.outside_id)
            if task is not None and step.key not in self.failing:
                self.tasks[step.outside_id] = replace(
                    task,
                    urgency=step.urgency if task.urgency == step.was_urgency else task.urgency,
                    due_on=step.due_on if task.due_on == step.was_due_on else task.due_on,
                    order_keys=step.order_keys,
                )
        return [self._of_task(step.key, step.outside_id) for step in raises]

    def close_tasks(self, closes: Sequence[TaskClose]) -> list[Result]:
        for close in closes:
            task = self.tasks.get(close.outside_id)
            if task is not None and close.key not in self.failing:
                self.tasks[close.outside_id] = replace(task, is_open=False)
        return [self._of_task(close.key, close.outside_id) for close in closes]

    def assign_tasks(self, assigns: Sequence[TaskAssign]) -> list[Result]:
        for one in assigns:
            task = self.tasks.get(one.outside_id)
            if task is not None and one.key not in self.failing and task.owner_key == one.was_owner_key:
                self.tasks[one.outside_id] = replace(task, owner_key=one.owner_key)
        return [self._of_task(one.key, one.outside_id) for one in assigns]

    def add_notes(self, notes: Sequence[Note]) -> list[Result]:
        for note in notes:
            if note.key not in self.failing:
                self.notes.setdefault(note.key, note)
        return [self._result(note.key, note.key) for note in notes]

    def changes(self, since: str | None) -> tuple[Sequence[CrmChange], str | None]:
        start = int(since or 0)
        page = self.history[start : start + 3]
        return page, str(start + len(page)) if page else since

    def read(self, order_keys: Sequence[str]) -> Mapping[str, Record]:
        return {key: self.records[key] for key in order_keys if key in self.records}

    def log_mail(self, mails: Sequence[MailLog]) -> list[Result]:
        for mail in mails:
            if mail.key not in self.failing:
                self.mails.setdefault(mail.key, mail)
        return [self._result(mail.key, mail.key) for mail in mails]

    def write_optout(self, optouts: Sequence[OptOut]) -> list[Result]:
        for optout in optouts:
            if optout.key not in self.failing:
                self.optouts.setdefault(optout.key, optout)
        return [self._result(optout.key, optout.key) for optout in optouts]

    def check(self) -> list[Finding]:
        return [Finding("memory", True, "it is there")]

    def setup(self, dry_run: bool) -> list[Finding]:
        return self.check()

    def finish(self, task_key: str, outcome: str, **facts: str) -> None:
        """A rep completes a task."""
        task = self.tasks[f"#{task_key}"]
        self.tasks[f"#{task_key}"] = replace(task, is_open=False)
        account = task.draft.account_key
        key = f"memory:{len(self.history) + 1}"
        self.history.append(
            CrmChange(key, "task_outcome", account_key=account, task_key=task_key, value=outcome, facts=facts)
        )

    def _of_task(self, key: str, outside_id: str) -> Result:
        if outside_id in self.tasks:
            return self._result(key, outside_id)
        return Result(key, Handed.FAILED, error=SkippableError(f"there is no task {outside_id}"))

    def _result(self, key: str, outside_id: str) -> Result:
        if key in self.failing:
            return Result(key, Handed.FAILED, error=self.failing.pop(key))
        return Result(key, Handed.DELIVERED, outside_id)


class PlainCrm(MemoryCrm):
    """One that can do no more than it must."""

    assign_tasks = None  # type: ignore[assignment]
    add_notes = None  # type: ignore[assignment]


class MemoryMailer:
    """Every mail that was sent, in order. `failing` maps keys to the error that their next sending meets.

    A key in `lost` is sent, but its answer does not come.
    """

    name = "memory"
    batch_size = 10

    def __init__(self, can_find: bool = True) -> None:
        self.can_find = can_find
        self.sent: list[Mail] = []
        self.failing: dict[str, NolapseError] = {}
        self.lost: set[str] = set()
        self.is_closed = False

    def send(self, batch: Sequence[Mail]) -> list[Result]:
        return [self._send(mail) for mail in batch]

    def _send(self, mail: Mail) -> Result:
        if mail.key in self.failing:
            return Result(mail.key, Handed.FAILED, error=self.failing.pop(mail.key))
        if not (self.can_find and any(mail.key == one.key for one in self.sent)):
            self.sent.append(mail)
        if mail.key in self.lost:
            return Result(mail.key, Handed.UNCERTAIN)
        return Result(mail.key, Handed.DELIVERED, mail.message_id)

    def find(self, keys: Sequence[str]) -> Mapping[str, str]:
        sent = {mail.key: mail.message_id for mail in self.sent} if self.can_find else {}
        return {key: sent[key] for key in keys if key in sent}

    def check(self) -> list[Finding]:
        return [Finding("memory", True, "it is there")]

    def close(self) -> None:
        self.is_closed = True
