"""A small CRM in the store and a mailbox in a folder: the product is useful with no other system."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

from pydantic import Field
from sqlalchemy import Engine

from connectors.embedded.client import Client
from connectors.embedded.maildir import Maildir, NotDurable, file_name
from connectors.embedded.mapping import (
    assign_values,
    change_of,
    close_values,
    mail_log_row,
    note_row,
    optout_row,
    raise_values,
    record_of,
    record_row,
    task_row,
)
from connectors.embedded.persons import EmbeddedPeople
from connectors.embedded.tables import (
    embedded_mail_log,
    embedded_mails,
    embedded_notes,
    embedded_optouts,
    embedded_records,
    embedded_tasks,
)
from connectors.mime import build
from core.crm_ports import Note, TaskAssign
from core.errors import (
    ConfigurationError,
    NolapseError,
    RetriableError,
    SkippableError,
    StoreError,
    UsageError,
)
from core.ports import (
    Connector,
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

NAME = "embedded"
CHANGES_PER_PAGE = 500

Now = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedSettings:
    """`[embedded]`. `mailbox` is the folder of the Maildir; it is made when the first mail goes."""

    mailbox: Annotated[str, Field(min_length=1)] = "mailbox"


def _now() -> datetime:
    return datetime.now(UTC)


class EmbeddedCrm:
    """Tasks, order records, mail history and opt-outs in the store's own tables. It is a `Crm`."""

    name = NAME
    batch_size = 500
    search_lag = timedelta(0)

    def __init__(self, client: Client, now: Now = _now) -> None:
        self._client = client
        self._now = now

    def push_records(self, records: Sequence[Record]) -> list[Result]:
        """Writes the records; one that is there is overwritten."""
        self._client.put(embedded_records, "order_key", [record_row(record) for record in records])
        return [Result(record.key, Handed.DELIVERED, record.order_key) for record in records]

    def find_tasks(self, keys: Sequence[str]) -> Mapping[str, str]:
        """The ids of those tasks that exist; here a task's id is its key."""
        return {key: key for key in self._client.tasks_there(keys)}

    def create_tasks(self, drafts: Sequence[TaskDraft]) -> list[Result]:
        """Makes the tasks; one that is there stays as it is."""
        now = self._now()
        self._client.add(embedded_tasks, [task_row(draft, now) for draft in drafts])
        return [Result(draft.key, Handed.DELIVERED, draft.key) for draft in drafts]

    def raise_tasks(self, raises: Sequence[TaskRaise]) -> list[Result]:
        """Writes priority and due date where they are still what the engine wrote, and the orders."""
        known = self._client.raise_tasks([raise_values(step) for step in raises])
        return [_of_task(step.key, step.outside_id, known) for step in raises]

    def close_tasks(self, closes: Sequence[TaskClose]) -> list[Result]:
        """Completes the tasks that are still open."""
        now = self._now()
        known = self._client.close_tasks([close_values(close, now) for close in closes])
        return [_of_task(close.key, close.outside_id, known) for close in closes]

    def assign_tasks(self, assigns: Sequence[TaskAssign]) -> list[Result]:
        """Gives open tasks to their new owners where they are still whose the engine made them."""
        known = self._client.assign_tasks([assign_values(one) for one in assigns])
        return [_of_task(one.key, one.outside_id, known) for one in assigns]

    def add_notes(self, notes: Sequence[Note]) -> list[Result]:
        """Adds notes, each once."""
        self._client.add(embedded_notes, [note_row(note) for note in notes])
        return [Result(note.key, Handed.DELIVERED, note.key) for note in notes]

    def changes(self, since: str | None) -> tuple[Sequence[CrmChange], str | None]:
        """The next changes that reps made, and the cursor behind them; the same cursor when there are none."""
        rows = self._client.changes(_place(since), CHANGES_PER_PAGE)
        return [change_of(dict(row)) for row in rows], str(rows[-1]["id"]) if rows else since

    def read(self, order_keys: Sequence[str]) -> Mapping[str, Record]:
        """The records as they were pushed last."""
        return {row["order_key"]: record_of(dict(row)) for row in self._client.records(order_keys)}

    def log_mail(self, mails: Sequence[MailLog]) -> list[Result]:
        """Adds mails to the customers' histories, each once."""
        self._client.add(embedded_mail_log, [mail_log_row(mail) for mail in mails])
        return [Result(mail.key, Handed.DELIVERED, mail.key) for mail in mails]

    def write_optout(self, optouts: Sequence[OptOut]) -> list[Result]:
        """Notes who does not want to be contacted, each once."""
        self._client.add(embedded_optouts, [optout_row(optout) for optout in optouts])
        return [Result(optout.key, Handed.DELIVERED, optout.key) for optout in optouts]

    def check(self) -> list[Finding]:
        """Whether the tables are there."""
        try:
            missing = self._client.missing_tables()
        except NolapseError as error:
            return [Finding("embedded CRM", False, str(error))]
        if missing:
            return [Finding("embedded CRM", False, f"{len(missing)} tables are missing", "run `nolapse migrate`")]
        return [Finding("embedded CRM", True, "its tables are in the store")]

    def setup(self, dry_run: bool) -> list[Finding]:
        """Nothing is to be created: `nolapse migrate` makes the tables. Tells whether it did."""
        return self.check()


class EmbeddedMailer:
    """Puts mails into a Maildir. It is a `Mailer`, and always knows what it has put in."""

    name = NAME
    batch_size = 250
    can_find = True

    def __init__(self, client: Client, maildir: Maildir, now: Now = _now) -> None:
        self._client = client
        self._maildir = maildir
        self._now = now

    def send(self, batch: Sequence[Mail]) -> list[Result]:
        """Puts each mail into the mailbox once, durably. Raises `StoreError` only where none has been put in."""
        noted = self._client.mails_there([mail.key for mail in batch])
        waiting = {mail.key: mail for mail in batch if mail.key not in noted}
        try:
            unnoted = self._maildir.find(list(waiting))
        except (RetriableError, ConfigurationError) as error:
            return [_of_mail(mail.key, error if mail.key in waiting else None) for mail in batch]
        missing = {key: mail for key, mail in waiting.items() if key not in unnoted}
        failed = self._maildir.deliver(missing, partial(build, utf8=True, eight_bit=True))
        put_in = {key: mail.message_id for key, mail in waiting.items() if key not in failed}
        try:
            self._note(put_in)
        except StoreError as error:
            told = NotDurable(f"the mails are in the mailbox, but that could not be noted: {error}")
            failed |= dict.fromkeys(put_in, told)
        return [_of_mail(mail.key, failed.get(mail.key)) for mail in batch]

    def find(self, keys: Sequence[str]) -> Mapping[str, str]:
        """The files of those mails that were put in, also of those that their reader has deleted since."""
        noted = self._client.mails_there(keys)
        # A crash between move and note leaves these; once noted they stay known when their reader deletes them.
        unnoted = self._maildir.find([key for key in keys if key not in noted])
        self._note(dict.fromkeys(unnoted, ""))
        return {key: file_name(key) for key in keys if key in noted or key in unnoted}

    def _note(self, message_ids: Mapping[str, str]) -> None:
        now = self._now()
        rows = [{"key": key, "message_id": told, "at": now} for key, told in message_ids.items()]
        if rows:
            self._client.add(embedded_mails, rows)

    def check(self) -> list[Finding]:
        """Whether a mail could be put in."""
        try:
            self._maildir.probe()
        except NolapseError as error:
            return [Finding("embedded mailbox", False, str(error))]
        return [Finding("embedded mailbox", True, f"mails go to the folder {self._maildir.folder}")]

    def close(self) -> None:
        """Ends the threads that write mails."""
        self._maildir.close()


def _of_mail(key: str, error: NolapseError | None) -> Result:
    if error is None:
        return Result(key, Handed.DELIVERED, file_name(key))
    return Result(key, Handed.UNCERTAIN if isinstance(error, NotDurable) else Handed.FAILED, error=error)


def _of_task(key: str, outside_id: str, known: Iterable[str]) -> Result:
    if outside_id in known:
        return Result(key, Handed.DELIVERED, outside_id)
    gone = SkippableError(f"the task {outside_id or key} is not in the embedded CRM")
    return Result(key, Handed.FAILED, error=gone)


def _place(cursor: str | None) -> int:
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdigit()):
        raise UsageError("the cursor of the embedded CRM's changes is not a number; it is of another CRM")
    return int(cursor)


def open_crm(settings: EmbeddedSettings, engine: Engine) -> EmbeddedCrm:
    """The CRM in this store."""
    return EmbeddedCrm(Client(engine))


def open_mailer(settings: EmbeddedSettings, engine: Engine) -> EmbeddedMailer:
    """The mailbox in the folder of the settings."""
    return EmbeddedMailer(Client(engine), Maildir(Path(settings.mailbox)))


def open_people(settings: EmbeddedSettings) -> EmbeddedPeople:
    """What is kept of people in this store and in the folder of the settings."""
    return EmbeddedPeople(Path(settings.mailbox))


CONNECTOR = Connector(name=NAME, settings=EmbeddedSettings, crm=open_crm, mailer=open_mailer, people=open_people)
