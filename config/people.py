"""One person in everything that we keep: the ledger, the connectors' tables, the mailbox, the rejects."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.engine import Connection

from config.assembly import App
from config.rejects import RejectsFolder
from config.settings import offered
from core import retention, subjects
from core.errors import StoreError
from core.store import Store
from core.timing import Timer
from core.whom import KeepsMessages, PeopleStore

FILES = "mails"
"""What the mailbox's files count as, beside tables."""

REJECTS = "rejects"
"""What rows of rejects count as."""


@dataclass(frozen=True, slots=True)
class Forgotten:
    """What forgetting somebody has changed, by table; and what only others can do, one line each."""

    changed: Mapping[str, int]
    left: Sequence[str]


@dataclass
class People:
    """The people of an installation."""

    app: App

    @cached_property
    def stores(self) -> Mapping[str, PeopleStore]:
        """What keeps something of people beside the ledger, by connector: those not in use any more, too."""
        return {
            name: connector.people(own)
            for name, (connector, own) in offered(self.app.settings).items()
            if connector.people is not None
        }

    @property
    def _mailboxes(self) -> Sequence[KeepsMessages]:
        stores: list[object] = list(self.stores.values())
        return [one for one in stores if isinstance(one, KeepsMessages)]

    @property
    def rejects(self) -> RejectsFolder:
        """The rows that could not be used."""
        return RejectsFolder(self.app.settings.sections.sync.rejects_path, self.app.settings.base)

    def held(self, address: str) -> dict[str, Any]:
        """Everything that is held of the person with this address, by table and file. Raises `UsageError`."""
        found: dict[str, Any] = {}
        with self.app.store.read() as connection:
            whom = subjects.find(connection, address)
            found |= subjects.held(connection, whom)
            for store in self.stores.values():
                found |= {name: rows for name, rows in store.held(connection, whom).items() if rows}
        mails = [
            {"file": file.name, "content": file.read_text(encoding="utf-8", errors="replace")}
            for mailbox in self._mailboxes
            for file in mailbox.files(whom)
        ]
        rows = self.rejects.naming(whom)
        return {
            "address": whom.address,
            **found,
            **({FILES: mails} if mails else {}),
            **({REJECTS: rows} if rows else {}),
        }

    def forget(self, address: str, timer: Timer, *, store: Store, dry_run: bool) -> Forgotten:
        """Takes the person with this address out of everything. Raises `UsageError`, `RetriableError`.

        Files go first: what fails is told, and the same command does the rest.
        """
        with store.read() as connection:
            whom = subjects.find(connection, address)
        changed: dict[str, int] = {}
        files = [file for one in self._mailboxes for file in one.files(whom)]
        rejected = sum(len(rows) for rows in self.rejects.naming(whom).values())
        if not dry_run:
            self.app.take_in(timer, store=store)
            with store.begin() as connection:
                subjects.refuse_under_way(connection, whom)
            _remove(files)
            self.rejects.forget(whom)
        with store.begin() as connection:
            changed |= subjects.forget(connection, whom, timer, crm=bool(self.app.settings.sections.sync.crm))
            for one in self.stores.values():
                changed |= one.forget(connection, whom)
        if not dry_run:
            store.rewrite()
        changed |= {FILES: len(files), REJECTS: rejected}
        return Forgotten({name: number for name, number in changed.items() if number}, self._left())

    def forget_within(self, connection: Connection, address: str, timer: Timer) -> str:
        """The same within a transaction, for an event that asks for it; gives what was done in a few words."""
        whom = subjects.find(connection, address)
        subjects.refuse_under_way(connection, whom)
        _remove([file for one in self._mailboxes for file in one.files(whom)])
        self.rejects.forget(whom)
        changed = subjects.forget(connection, whom, timer, crm=bool(self.app.settings.sections.sync.crm))
        for store in self.stores.values():
            changed |= store.forget(connection, whom)
        return f"forgotten, in {sum(changed.values())} places"

    def _left(self) -> list[str]:
        """What stands where our hand does not reach."""
        said = [
            f"{name} keeps people of its own; remove the person there too"
            for name, connector in self.app.settings.connectors.items()
            if connector.people_there
        ]
        backups = self._backups()
        if backups:
            said.append(f"{len(backups)} copies of the database stand beside it ({backups[0].name} …); delete them")
        return said

    def _backups(self) -> Sequence[Path]:
        url = make_url(self.app.settings.sections.store.url)
        if url.get_backend_name() != "sqlite" or not url.database:
            return ()
        file = Path(url.database)
        return sorted(file.parent.glob(f"{file.name}.*.bak"))

    def purge(self, timer: Timer, *, store: Store, dry_run: bool) -> dict[str, int]:
        """Lets go of what `[retention]` does not keep any longer; gives by table how many rows, and how many files."""
        sections = self.app.settings.sections
        said = sections.retention
        counts = retention.purge(store, timer, said, sections.web.keep_events_days)
        files: list[Path] = []
        if said.messages_days:
            before = timer.opening - timedelta(days=said.messages_days)
            with store.begin() as connection:
                for one in self._mailboxes:
                    counts |= one.purge(connection, before)
            files = [file for one in self._mailboxes for file in one.files_before(before)]
        rejects: Sequence[Path] = ()
        if said.rejects_days:
            rejects = self.rejects.files_before(timer.opening - timedelta(days=said.rejects_days))
        if not dry_run:
            _remove([*files, *rejects])
        counts |= {FILES: len(files), REJECTS: len(rejects)}
        return {name: number for name, number in counts.items() if number}


def _remove(files: Sequence[Path]) -> None:
    for file in files:
        try:
            file.unlink(missing_ok=True)
        except OSError as error:
            raise StoreError(f"{file} cannot be deleted: {error.strerror}; mend that and run it again") from error
