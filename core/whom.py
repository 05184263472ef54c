"""One person, by the address, and the port of whoever keeps something of people outside the engine's own tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol, runtime_checkable
from urllib.parse import unquote

from sqlalchemy.engine import Connection


@dataclass(frozen=True, slots=True)
class Whom:
    """One person: the address in lower case, the ids of their contacts, the keys of the mails that were for them."""

    address: str
    contact_ids: tuple[int, ...] = ()
    mail_keys: tuple[str, ...] = ()

    def named_in(self, text: str) -> bool:
        """Whether a text names the address, in whatever case, also as forms and links spell it."""
        low = text.lower()
        return self.address in low or ("%" in low and self.address in unquote(low))


class PeopleStore(Protocol):
    """What a connector keeps of people in its own tables: told, and taken out, within the transaction given."""

    def held(self, connection: Connection, whom: Whom) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """Everything of a person, by table."""
        ...

    def forget(self, connection: Connection, whom: Whom) -> Mapping[str, int]:
        """Takes the person out; gives by table how many rows that changed."""
        ...


@runtime_checkable
class KeepsMessages(Protocol):
    """One that also keeps what was written to people, in tables and in files; these are only named, and not removed."""

    def purge(self, connection: Connection, before: datetime) -> Mapping[str, int]:
        """Lets go of what was written to people, and said of them, before an instant; by table, how many rows."""
        ...

    def files(self, whom: Whom) -> Sequence[Path]:
        """The files that are about the person."""
        ...

    def files_before(self, before: datetime) -> Sequence[Path]:
        """The files with what was written to people before an instant."""
        ...
