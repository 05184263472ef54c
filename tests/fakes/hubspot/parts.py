"""What a portal holds besides records: people, their wishes about mail, sequences, lists."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass
class Owner:
    """A person, or somebody who was: `archived` after deactivation."""

    id: str
    user_id: int
    email: str
    first_name: str
    last_name: str
    created_at: datetime
    updated_at: datetime
    archived: bool = False
    connected_inbox: bool = True
    sequences_seat: bool = True


@dataclass(frozen=True)
class Subscription:
    """A type of mail that people subscribe to."""

    id: int
    name: str


@dataclass
class Preferences:
    """What a person said about mail."""

    all_since: datetime | None = None
    """Since when the person wants none at all."""
    states: dict[int, tuple[str, datetime]] = field(default_factory=dict)

    def state(self, subscription: int) -> tuple[str, datetime | None]:
        """The person's state for a type of mail, and since when."""
        if self.all_since is not None:
            return "UNSUBSCRIBED", self.all_since
        return self.states.get(subscription, ("NOT_SPECIFIED", None))


@dataclass(frozen=True)
class Sent:
    """A mail that HubSpot was asked to send; `result` is what became of it later."""

    send_id: str | None
    email_id: int
    to: str
    sender: str | None
    custom: Mapping[str, Any]
    marketing: bool
    result: str
    status_id: str
    at: datetime


@dataclass(frozen=True)
class Sequence:
    """A sequence of mails and tasks."""

    id: str
    name: str
    user_id: int
    created_at: datetime


@dataclass(frozen=True)
class Enrolment:
    """A contact's way through a sequence."""

    id: str
    contact_id: str
    sequence: Sequence
    user: Owner
    to_email: str
    at: datetime


@dataclass
class RecordList:
    """A list of records; `test` says who is in it, where filters do."""

    id: str
    name: str
    object_type_id: str
    processing_type: str
    filter_branch: Any
    test: Callable[[Mapping[str, str], datetime], bool] | None
    created_at: datetime
    updated_at: datetime
    version: int = 1
    deleted_at: datetime | None = None
