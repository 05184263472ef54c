"""What reps do with their tasks in the embedded CRM: list them, say what came of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from types import MappingProxyType
from typing import Any

from sqlalchemy import Engine, or_

from connectors.embedded.client import Client
from connectors.embedded.mapping import DONE, OPEN, storable
from connectors.embedded.tables import embedded_notes, embedded_tasks
from core.crm_ports import Note
from core.errors import UsageError
from core.words import LostScope, TaskKind, TaskOutcome, Urgency

STATUSES = (OPEN, DONE, "all")
NOTHING_MORE: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class DeskTask:
    """A task as its rep sees it. `reason` says why the engine closed it; it is empty where the rep did, or nobody yet."""

    task_key: str
    kind: TaskKind
    account_key: str
    account_name: str
    owner_key: str
    subject: str
    body: str
    due_on: date
    urgency: Urgency
    status: str
    outcome: str
    note: str
    reason: str
    order_keys: tuple[str, ...]
    contact_name: str
    contact_phone: str
    contact_email: str
    created_at: datetime
    done_at: datetime | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A task after a rep has said something of it; `changed` is False where that was known already."""

    task: DeskTask
    changed: bool


class EmbeddedDesk:
    """The reps' side of the embedded CRM. Everything they say is passed on to the engine with its next sync."""

    def __init__(self, engine: Engine, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._client = Client(engine)
        self._now = now

    def list_tasks(
        self,
        owner: str | None = None,
        status: str = OPEN,
        kind: str | None = None,
        account: str | None = None,
    ) -> list[DeskTask]:
        """The tasks, most urgent first, then the earliest due.

        `owner` is a rep's key, `account` an account's key or a part of its name, `status` open, done or all. Raises
        `UsageError` for a status or kind that does not exist.
        """
        _one_of("status", status, STATUSES)
        if kind is not None:
            _one_of("kind", kind, tuple(TaskKind))
        named = embedded_tasks.c.account_name.icontains(account or "", autoescape=True)
        wanted = (
            (owner is not None, embedded_tasks.c.owner_key == owner),
            (status != "all", embedded_tasks.c.status == status),
            (kind is not None, embedded_tasks.c.kind == kind),
            (account is not None, or_(embedded_tasks.c.account_key == account, named)),
        )
        found = [_task_of(row) for row in self._client.tasks([condition for asked, condition in wanted if asked])]
        return sorted(found, key=lambda task: (-task.urgency.rank, task.due_on, task.account_name, task.task_key))

    def show(self, task_key: str) -> DeskTask:
        """One task with its script. Raises `UsageError` for an unknown one."""
        for row in self._client.tasks([embedded_tasks.c.task_key == storable(task_key)]):
            return _task_of(row)
        raise _unknown(task_key)

    def done(self, task_key: str, note: str = "") -> Answer:
        """Completes a task of which there is nothing more to say."""
        return self.outcome(task_key, TaskOutcome.DONE, note)

    def outcome(self, task_key: str, outcome: str, note: str = "", facts: Mapping[str, str] = NOTHING_MORE) -> Answer:
        """Completes a task with what came of it. Saying it again is harmless; another outcome corrects the first.

        `facts` are further words: `until` (a day, with will_renew), `reason`, `scope` and `win_back_on` (with lost).
        Raises `UsageError` for an outcome or scope that does not exist and for an unknown task.
        """
        _one_of("outcome", outcome, tuple(TaskOutcome))
        if "scope" in facts:
            _one_of("scope", facts["scope"], tuple(LostScope))
        now = self._now()
        answer = self._client.complete(
            storable(task_key),
            {"status": DONE, "outcome": str(outcome), "note": storable(note.strip()), "done_at": now},
            {
                "what": "task_outcome",
                "task_key": task_key,
                "value": str(outcome),
                "facts": {name: storable(text) for name, text in facts.items()},
                "at": now,
            },
        )
        if answer is None:
            raise _unknown(task_key)
        row, changed = answer
        return Answer(_task_of(row), changed)

    def contacted(self, account_key: str, on: date | None = None) -> None:
        """Notes that somebody has talked to an account, today or on a day."""
        now = self._now()
        at = now if on is None else datetime.combine(on, time(12), UTC)
        self._client.tell(self._about(account_key, "contacted", "", at))

    def deal(self, account_key: str, *, is_open: bool) -> None:
        """Notes that a deal with an account is open, or that none is any more."""
        self._client.tell(self._about(account_key, "deal", "open" if is_open else "closed", self._now()))

    def _about(self, account_key: str, what: str, value: str, at: datetime) -> dict[str, Any]:
        return {"what": what, "account_key": storable(account_key), "value": value, "facts": {}, "at": at}

    def notes(self, account: str | None = None) -> list[Note]:
        """The notes about customers, or those about one by its key or a part of its name; the newest first."""
        named = embedded_notes.c.account_name.icontains(account or "", autoescape=True)
        wanted = [or_(embedded_notes.c.account_key == account, named)] if account is not None else []
        return [_note_of(row) for row in self._client.notes(wanted)]


def _unknown(task_key: str) -> UsageError:
    return UsageError(f"there is no task {storable(task_key)[:100]!r}; `nolapse tasks list` shows those there are")


def _one_of(what: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise UsageError(f"there is no {what} {storable(value)[:50]!r}; choose one of: {', '.join(allowed)}")


def _note_of(row: Any) -> Note:
    values = {name: row[name] for name in Note.__slots__}
    return Note(**values | {"order_keys": tuple(row["order_keys"])})


def _task_of(row: Any) -> DeskTask:
    values = {name: row[name] for name in DeskTask.__slots__}
    values |= {"kind": TaskKind(row["kind"]), "urgency": Urgency(row["urgency"])}
    return DeskTask(**values | {"order_keys": tuple(row["order_keys"])})
