"""What the embedded CRM and mailbox keep of people: told, taken out, let go after a time."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from email.parser import BytesHeaderParser
from email.utils import getaddresses
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.engine import Connection

from connectors.embedded.maildir import FOLDERS, file_name
from connectors.embedded.mapping import DONE
from connectors.embedded.tables import (
    embedded_changes,
    embedded_mail_log,
    embedded_mails,
    embedded_optouts,
    embedded_tasks,
)
from core.whom import Whom

_NOBODY = {"contact_name": "", "contact_phone": "", "contact_email": ""}
_HEADERS = ("to", "cc", "bcc", "reply-to")
TOLD_INSTEAD = "What stood here named a person who has been forgotten since. The orders of this task are still listed."


class EmbeddedPeople:
    """The embedded tables and the mailbox. It is a `PeopleStore` and `KeepsMessages`."""

    def __init__(self, mailbox: Path) -> None:
        self._mailbox = mailbox

    def held(self, connection: Connection, whom: Whom) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Tasks that name the person, the history of mails, wishes."""
        queries: dict[str, Any] = {
            "embedded_tasks": select(embedded_tasks).where(_names(whom)).order_by(embedded_tasks.c.task_key),
            "embedded_mail_log": select(embedded_mail_log)
            .where(func.lower(embedded_mail_log.c.address) == whom.address)
            .order_by(embedded_mail_log.c.sent_at),
            "embedded_optouts": select(embedded_optouts).where(func.lower(embedded_optouts.c.address) == whom.address),
        }
        return {name: [dict(row) for row in connection.execute(query).mappings()] for name, query in queries.items()}

    def forget(self, connection: Connection, whom: Whom) -> Mapping[str, int]:
        """Tasks stay without the person and their words; history and wishes go."""
        changes: dict[str, Any] = {
            "embedded_tasks": update(embedded_tasks).where(_names(whom)).values(body=TOLD_INSTEAD, note="", **_NOBODY),
            "embedded_mail_log": delete(embedded_mail_log).where(
                func.lower(embedded_mail_log.c.address) == whom.address
            ),
            "embedded_optouts": delete(embedded_optouts).where(func.lower(embedded_optouts.c.address) == whom.address),
        }
        return {name: connection.execute(change).rowcount for name, change in changes.items()}

    def purge(self, connection: Connection, before: datetime) -> Mapping[str, int]:
        """The history of mails and what reps did goes; tasks that are done keep neither person nor words."""
        kept = or_(embedded_tasks.c.body != "", embedded_tasks.c.note != "", embedded_tasks.c.contact_email != "")
        changes: dict[str, Any] = {
            "embedded_tasks": update(embedded_tasks)
            .where(embedded_tasks.c.status == DONE, embedded_tasks.c.done_at < before, kept)
            .values(body="", note="", **_NOBODY),
            "embedded_mail_log": delete(embedded_mail_log).where(embedded_mail_log.c.sent_at < before),
            "embedded_mails": delete(embedded_mails).where(embedded_mails.c.at < before),
            "embedded_changes": delete(embedded_changes).where(embedded_changes.c.at < before),
        }
        return {name: connection.execute(change).rowcount for name, change in changes.items()}

    def files(self, whom: Whom) -> Sequence[Path]:
        """The mails that were for the person, also those that were redirected, and those that name the address."""
        names = {file_name(key) for key in whom.mail_keys}
        return [file for file in self._mails() if file.name.partition(":")[0] in names or _is_for(file, whom)]

    def files_before(self, before: datetime) -> Sequence[Path]:
        """The mails that were put in before an instant."""
        return [file for file in self._mails() if file.stat().st_mtime < before.timestamp()]

    def _mails(self) -> Iterator[Path]:
        for name in FOLDERS:
            folder = self._mailbox / name
            if folder.is_dir():
                yield from sorted(file for file in folder.iterdir() if ".nolapse" in file.name)


def _names(whom: Whom) -> Any:
    table = embedded_tasks.c
    said = [column.icontains(whom.address, autoescape=True) for column in (table.body, table.note)]
    return or_(func.lower(table.contact_email) == whom.address, *said)


def _is_for(file: Path, whom: Whom) -> bool:
    """Whether the head of a mail names the address. One that its reader has just moved away is looked at next time."""
    try:
        with file.open("rb") as stream:
            head = BytesHeaderParser().parse(stream)
    except FileNotFoundError:
        return False
    named = [str(value) for header in _HEADERS for value in head.get_all(header, [])]
    return any(address.lower() == whom.address for _, address in getaddresses(named))
