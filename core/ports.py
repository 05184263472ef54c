"""The doors of the engine: what a connector offers, and the data that passes through.

A connector is found by the entry point group `nolapse.connectors`; each entry is one `Connector`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from core.errors import NolapseError
from core.model import AccountFacts, OrderFacts, OrderStream, Reject, RepFacts
from core.products import Catalogue
from core.whom import PeopleStore
from core.words import Nature, Stage, TaskKind, Urgency

if TYPE_CHECKING:
    from core.installs import Prober


class Handed(StrEnum):
    """What an outside system made of one item."""

    DELIVERED = "delivered"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True, slots=True)
class Result:
    """The fate of one item of a batch, by its key. `error` says why it was not delivered, and whether to try again."""

    key: str
    handed: Handed
    outside_id: str = ""
    error: NolapseError | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `nolapse check`."""

    subject: str
    ok: bool
    text: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a mail."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Mail:
    """One message to one person. `key` is the delivery's key; `message_id` follows from it and is always the same."""

    key: str
    message_id: str
    sender: str
    sender_name: str
    to: str
    to_name: str
    subject: str
    text: str
    html: str
    date: datetime
    reply_to: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    attachments: tuple[Attachment, ...] = ()
    bcc: str = ""
    urgency: Urgency | None = None
    nature: Nature = Nature.SERVICE
    owner_key: str = ""
    account_key: str = ""
    order_keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskDraft:
    """A task to be made for somebody of ours."""

    key: str
    kind: TaskKind
    account_key: str
    account_name: str
    owner_key: str
    subject: str
    body: str
    due_on: date
    urgency: Urgency
    order_keys: tuple[str, ...]
    contact_name: str = ""
    contact_phone: str = ""
    contact_email: str = ""


@dataclass(frozen=True, slots=True)
class TaskRaise:
    """A more urgent step of an open task: priority, due date and our own list of orders, nothing else.

    Priority and due date are written only where they still equal `was_urgency` and `was_due_on`, what we last wrote.
    """

    key: str
    outside_id: str
    urgency: Urgency
    due_on: date
    was_urgency: Urgency
    was_due_on: date
    order_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TaskClose:
    """A task whose last order is settled."""

    key: str
    outside_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class RecordPerson:
    """A person of an order, for a CRM that keeps contacts and for the marketing people who work in it.

    `next_on` is the day of the next touchpoint about any order of this person, `urgency` that of the last one, and
    `offer_code` that of an offer which was promised with a mail and still holds.
    """

    email: str
    name: str = ""
    phone: str = ""
    language: str = ""
    roles: tuple[str, ...] = ()
    next_on: date | None = None
    urgency: Urgency | None = None
    offer_code: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """An order as the rep sees it in the CRM. Nothing in it changes from one day to the next by itself.

    `renewal_link` is signed afresh each time, so that a record is never written for it alone.
    """

    key: str
    order_key: str
    account_key: str
    account_name: str
    owner_key: str
    common_name: str
    product_name: str
    status: str
    stage: Stage
    starts_on: date | None
    order_expires_on: date | None
    order_expires_inferred: bool
    certificate_expires_on: date | None
    auto_renew: bool
    value_minor: int | None
    currency: str
    people: tuple[RecordPerson, ...] = ()
    renewal_link: str = ""


@dataclass(frozen=True, slots=True)
class MailLog:
    """A mail that went out, for the contact's timeline. `person` is the contact as it stands after the mail."""

    key: str
    account_key: str
    to: str
    subject: str
    text: str
    sent_at: datetime
    order_keys: tuple[str, ...]
    person: RecordPerson | None = None
    renewal_link: str = ""


@dataclass(frozen=True, slots=True)
class OptOut:
    """Somebody does not want to be written to or called."""

    key: str
    address: str
    channel: str
    nature: str
    since: datetime


@dataclass(frozen=True, slots=True)
class CrmChange:
    """Something a person did in the CRM.

    `what` is one of owner, stage, task_outcome, snooze, do_not_contact, do_not_call, optout, and, in `core.wishes`:
    lost, rep, contact, offers_optout, optin; in `core.engagements`: deal (`value` open or closed: whether any deal with
    the account is open) and contacted (`at`: when a person last talked to it). `facts` are further words on it: with a
    task_outcome `until` (will_renew: the day up to which it is believed), `reason`, `scope` and `win_back_on` (lost).
    """

    key: str
    what: str
    order_key: str = ""
    account_key: str = ""
    task_key: str = ""
    value: str = ""
    at: datetime | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


class OrderSource(Protocol):
    """Where orders come from."""

    name: str

    def orders(self, cursor: str | None) -> OrderStream:
        """A pass over the orders that changed since the cursor, or over all of them when it is None."""
        ...

    def order(self, key: str) -> OrderFacts | None:
        """One order as it is now, or None where the source does not know it."""
        ...

    def check(self) -> list[Finding]:
        """Whether the source can be used, in plain words."""
        ...


@runtime_checkable
class PeopleSource(Protocol):
    """An order source that also knows accounts, reps and contacts of its own accord."""

    def accounts(self) -> tuple[Sequence[AccountFacts], Sequence[Reject]]: ...

    def reps(self) -> tuple[Sequence[RepFacts], Sequence[Reject]]: ...


@runtime_checkable
class NamesEverybody(Protocol):
    """A people source that says whether it names every person of every account: whom it names no more has left."""

    @property
    def names_everybody(self) -> bool: ...


@runtime_checkable
class WritesBack(Protocol):
    """An order source that is told, after each pass, to write back what the ledger says and its settings allow.

    Trouble is the source's to tell: it never undoes the pass. In a rehearsal it writes nothing.
    """

    def write_back(self, today: date) -> None: ...


class Crm(Protocol):
    """Where reps work. Every write is idempotent by its key; every item's result stands on its own."""

    name: str
    batch_size: int
    search_lag: timedelta  # how long a record may stay invisible to a look-up after it was written

    def push_records(self, records: Sequence[Record]) -> list[Result]: ...

    def find_tasks(self, keys: Sequence[str]) -> Mapping[str, str]:
        """The outside ids of those of our tasks that exist."""
        ...

    def create_tasks(self, drafts: Sequence[TaskDraft]) -> list[Result]: ...

    def raise_tasks(self, raises: Sequence[TaskRaise]) -> list[Result]: ...

    def close_tasks(self, closes: Sequence[TaskClose]) -> list[Result]: ...

    def changes(self, since: str | None) -> tuple[Sequence[CrmChange], str | None]:
        """What people changed since the cursor, and the next cursor."""
        ...

    def read(self, order_keys: Sequence[str]) -> Mapping[str, Record]:
        """Our records as the CRM holds them."""
        ...

    def log_mail(self, mails: Sequence[MailLog]) -> list[Result]: ...

    def write_optout(self, optouts: Sequence[OptOut]) -> list[Result]: ...

    def check(self) -> list[Finding]: ...

    def setup(self, dry_run: bool) -> list[Finding]:
        """Creates what the connector needs in the CRM and tells what it did, or would do."""
        ...


@runtime_checkable
class UndoableSetup(Protocol):
    """A CRM that can take away what its `setup` has made, and nothing else."""

    def undo_setup(self, dry_run: bool) -> list[Finding]:
        """Removes it and tells what it did, or would do."""
        ...


@runtime_checkable
class FillingCrm(Protocol):
    """A CRM whose calls are filled best when so many records, or so many tasks, go together."""

    records_together: int


@runtime_checkable
class FilelessMailer(Protocol):
    """A mailer that leaves attachments behind: what a mail would have in a file stands in the mail itself."""

    fileless: bool


class Mailer(Protocol):
    """What carries mails. `can_find` says that `find` gives a sure answer after a crash."""

    name: str
    batch_size: int
    can_find: bool

    def send(self, batch: Sequence[Mail]) -> list[Result]: ...

    def find(self, keys: Sequence[str]) -> Mapping[str, str]:
        """The outside ids of those mails that were handed over; empty where the mailer cannot look."""
        ...

    def check(self) -> list[Finding]: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Connector:
    """One outside system: its name, the dataclass of its settings section, and the ports it can open.

    Each opener takes the validated settings and the store's engine, that of an order source the catalogue of products
    too, that of people the settings alone; what a connector does not offer is None. `people_there` says that the outside
    system keeps people of its own, which only its own means can remove.
    """

    name: str
    settings: type[Any]
    order_source: Callable[[Any, Any, Catalogue], OrderSource] | None = None
    crm: Callable[[Any, Any], Crm] | None = None
    mailer: Callable[[Any, Any], Mailer] | None = None
    prober: "Callable[[Any, Any], Prober] | None" = None
    people: Callable[[Any], PeopleStore] | None = None
    people_there: bool = False
    mailbox: Callable[[Any], Any] | None = None  # a `core.listening.Mailbox`, from the settings alone
