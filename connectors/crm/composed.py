"""A CRM as the engine wants it, composed of the parts that the connectors of real CRMs have alike."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from connectors.crm.linking import Linking
from core.crm_ports import Note, TaskAssign
from core.linking import Ambiguity, Decision
from core.ports import CrmChange, MailLog, OptOut, Record, Result, TaskClose, TaskDraft, TaskRaise


class Records(Protocol):
    """Writes order records with all that belongs to them, and reads them."""

    def push(self, records: Sequence[Record]) -> list[Result]: ...

    def read(self, order_keys: Sequence[str]) -> Mapping[str, Record]: ...


class Tasks(Protocol):
    """Our tasks; those that people made are never touched."""

    def find(self, keys: Sequence[str]) -> Mapping[str, str]: ...

    def create(self, drafts: Sequence[TaskDraft]) -> list[Result]: ...

    def raise_all(self, raises: Sequence[TaskRaise]) -> list[Result]: ...

    def assign(self, assigns: Sequence[TaskAssign]) -> list[Result]: ...

    def close(self, closes: Sequence[TaskClose]) -> list[Result]: ...


class Notes(Protocol):
    """Our notes."""

    def add(self, notes: Sequence[Note]) -> list[Result]: ...


class Timeline(Protocol):
    """The mails that went out, where their contact's history is."""

    def log(self, mails: Sequence[MailLog]) -> list[Result]: ...


class Refusals(Protocol):
    """Who does not want mails or calls."""

    def write(self, optouts: Sequence[OptOut]) -> list[Result]: ...


class Reader(Protocol):
    """What people changed."""

    def changes(self, since: str | None) -> tuple[list[CrmChange], str | None]: ...

    def changes_of(self, things: Sequence[str]) -> list[CrmChange]: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a CRM is composed of."""

    records: Records
    tasks: Tasks
    notes: Notes
    timeline: Timeline
    refusals: Refusals
    reader: Reader
    linking: Linking


class ComposedCrm:
    """The port `Crm` and those beside it, but for what each connector says of itself. Nothing is asked about nothing."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def push_records(self, records: Sequence[Record]) -> list[Result]:
        """Writes order records with their companies and contacts."""
        return self._parts.records.push(records) if records else []

    def read(self, order_keys: Sequence[str]) -> Mapping[str, Record]:
        """Our records as the CRM holds them."""
        return self._parts.records.read(order_keys)

    def find_tasks(self, keys: Sequence[str]) -> Mapping[str, str]:
        """The ids of those of our tasks that were made."""
        return self._parts.tasks.find(keys)

    def create_tasks(self, drafts: Sequence[TaskDraft]) -> list[Result]:
        """Makes tasks, each once."""
        return self._parts.tasks.create(drafts) if drafts else []

    def raise_tasks(self, raises: Sequence[TaskRaise]) -> list[Result]:
        """Raises tasks as far as their reps have left them alone."""
        return self._parts.tasks.raise_all(raises) if raises else []

    def assign_tasks(self, assigns: Sequence[TaskAssign]) -> list[Result]:
        """Gives open tasks to their new owners where nobody has given them to somebody else."""
        return self._parts.tasks.assign(assigns) if assigns else []

    def close_tasks(self, closes: Sequence[TaskClose]) -> list[Result]:
        """Completes the tasks that are still open."""
        return self._parts.tasks.close(closes) if closes else []

    def add_notes(self, notes: Sequence[Note]) -> list[Result]:
        """Adds notes about customers, each once."""
        return self._parts.notes.add(notes) if notes else []

    def log_mail(self, mails: Sequence[MailLog]) -> list[Result]:
        """Logs mails on their contacts' timelines, each once."""
        return self._parts.timeline.log(mails) if mails else []

    def write_optout(self, optouts: Sequence[OptOut]) -> list[Result]:
        """Writes refusals back."""
        return self._parts.refusals.write(optouts) if optouts else []

    def changes(self, since: str | None) -> tuple[Sequence[CrmChange], str | None]:
        """What people changed since the cursor, and the next cursor."""
        return self._parts.reader.changes(since)

    def changes_of(self, things: Sequence[str]) -> Sequence[CrmChange]:
        """What people changed in these records, each named by its kind and id; they are read again."""
        return self._parts.reader.changes_of(things)

    def ambiguities(self) -> list[Ambiguity]:
        """The accounts of ours of which nobody can tell which company they are."""
        return self._parts.linking.ambiguities()

    def decide(self, decisions: Sequence[Decision]) -> list[Result]:
        """Links what a person decided; the fate of each, by our key."""
        return self._parts.linking.decide(decisions)
