"""Connectors for a rehearsal: they take everything and pass nothing on."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from core.crm_ports import Note, TaskAssign
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


class RehearsedMailer:
    """Says of every mail that it went. What is uncertain stays so."""

    name = "rehearsal"
    batch_size = 100
    can_find = False

    def send(self, batch: Sequence[Mail]) -> list[Result]:
        return [Result(mail.key, Handed.DELIVERED) for mail in batch]

    def find(self, keys: Sequence[str]) -> Mapping[str, str]:
        return {}

    def check(self) -> list[Finding]:
        return []

    def close(self) -> None:
        """There is nothing to close."""


class RehearsedCrm:
    """Says of every write that it was made, and knows of no change."""

    name = "rehearsal"
    batch_size = 100
    search_lag = timedelta(0)

    def push_records(self, records: Sequence[Record]) -> list[Result]:
        return [Result(record.key, Handed.DELIVERED) for record in records]

    def find_tasks(self, keys: Sequence[str]) -> Mapping[str, str]:
        return {}

    def create_tasks(self, drafts: Sequence[TaskDraft]) -> list[Result]:
        return [Result(draft.key, Handed.DELIVERED, outside_id=draft.key) for draft in drafts]

    def raise_tasks(self, raises: Sequence[TaskRaise]) -> list[Result]:
        return [Result(one.key, Handed.DELIVERED) for one in raises]

    def close_tasks(self, closes: Sequence[TaskClose]) -> list[Result]:
        return [Result(close.key, Handed.DELIVERED) for close in closes]

    def assign_tasks(self, assigns: Sequence[TaskAssign]) -> list[Result]:
        return [Result(one.key, Handed.DELIVERED) for one in assigns]

    def add_notes(self, notes: Sequence[Note]) -> list[Result]:
        return [Result(note.key, Handed.DELIVERED) for note in notes]

    def changes(self, since: str | None) -> tuple[Sequence[CrmChange], str | None]:
        return [], since

    def read(self, order_keys: Sequence[str]) -> Mapping[str, Record]:
        return {}

    def log_mail(self, mails: Sequence[MailLog]) -> list[Result]:
        return [Result(mail.key, Handed.DELIVERED) for mail in mails]

    def write_optout(self, optouts: Sequence[OptOut]) -> list[Result]:
        return [Result(optout.key, Handed.DELIVERED) for optout in optouts]

    def check(self) -> list[Finding]:
        return []

    def setup(self, dry_run: bool) -> list[Finding]:
        return []
