"""Fetches mails that came back from a mailbox into the inbox, each once, and remembers how far it has read."""

from datetime import UTC, datetime

from sqlalchemy import select

from core import inbox
from core.listening import Mailbox
from core.returned import key_of
from core.schema import meta
from core.sql import upsert
from core.store import Store

DOOR = "mail"


def fetch(store: Store, mailbox: Mailbox) -> int:
    """Stores what is new in the mailbox, and gives how many mails that were. Raises `NolapseError`s of the mailbox.

    A batch and the place behind it are stored in one transaction: a crash reads some again and stores none twice.
    """
    key = f"mailbox_cursor:{mailbox.name}"
    with store.read() as connection:
        cursor: str | None = connection.execute(select(meta.c.value).where(meta.c.key == key)).scalar()
    new = 0
    for mails, place in mailbox.mails(cursor):
        now = datetime.now(UTC)
        with store.begin() as connection:
            new += sum(inbox.receive(connection, inbox.Event(DOOR, key_of(raw), raw, now)) for raw in mails)
            upsert(connection, meta, ["key"], [{"key": key, "value": place}])
    return new
