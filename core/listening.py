"""What a connector offers to whoever takes events in: beside the ports of `core.ports`, each on its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from sqlalchemy.engine import Connection

from core.ports import CrmChange, Finding
from core.timing import Timer


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as an order source's system has logged it: what happened, to which order and certificate of its own."""

    name: str
    order_id: str
    certificate_id: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where we take events in: the address, the secret that comes with each, and challenges to answer.

    A challenge is the system's number of the webhook and its token.
    """

    url: str
    secret: str
    challenges: tuple[tuple[str, str], ...] = ()


@runtime_checkable
class SendsEvents(Protocol):
    """An order source whose system sends events to a webhook of ours, and logs them."""

    name: str

    def logged_events(self, since: datetime) -> Sequence[LoggedEvent]:
        """What was sent since then, whether it arrived or not; some that is older may be among it."""
        ...

    def setup_webhook(self, wanted: Webhook, dry_run: bool) -> list[Finding]:
        """Makes the webhook, or answers its challenge, and tells what it did, or would do."""
        ...


@runtime_checkable
class RereadingCrm(Protocol):
    """A CRM that tells us of changes by name: the records are read again before anything is believed."""

    name: str

    def changes_of(self, things: Sequence[str]) -> Sequence[CrmChange]:
        """What people changed in these records, each `KIND:ID` in the CRM's own words. One that is gone says nothing."""
        ...


@runtime_checkable
class NamesPeople(Protocol):
    """A CRM that tells of people by its own number, also of those whom it has erased."""

    def address_of(self, thing: str) -> str:
        """The address that we have for this person, `KIND:ID`; empty where it is nobody of ours. Nothing is called."""
        ...


class Mailbox(Protocol):
    """A mailbox to which bounces, complaints and answers come back. It is read and left as it is."""

    name: str

    def mails(self, since: str | None) -> Iterator[tuple[Sequence[bytes], str]]:
        """Batches of mails that came after that place, each with the place behind it. Raises `NolapseError`s."""
        ...

    def check(self) -> list[Finding]:
        """Whether the mailbox can be read, in plain words."""
        ...

    def close(self) -> None: ...


class Forget(Protocol):
    """Erases a person from everything that we keep, and gives what was done in a few words."""

    def __call__(self, connection: Connection, address: str, timer: Timer) -> str: ...
