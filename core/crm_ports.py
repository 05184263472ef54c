"""What a CRM may offer beyond `core.ports.Crm`: tasks handed to somebody else, and notes about customers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from core.ports import Result


@dataclass(frozen=True, slots=True)
class TaskAssign:
    """An open task that somebody else is to do now; written only where `was_owner_key`, as we made it, still owns it."""

    key: str
    outside_id: str
    owner_key: str
    was_owner_key: str


@dataclass(frozen=True, slots=True)
class Note:
    """What a call would have been about, for a rep who is talking to the customer anyway."""

    key: str
    account_key: str
    account_name: str
    owner_key: str
    subject: str
    body: str
    order_keys: tuple[str, ...]
    at: datetime


@runtime_checkable
class AssigningCrm(Protocol):
    """A CRM in which open tasks can be handed to somebody else."""

    def assign_tasks(self, assigns: Sequence[TaskAssign]) -> list[Result]:
        """Gives tasks to their new owners where nobody has given them to somebody else."""
        ...


@runtime_checkable
class NotingCrm(Protocol):
    """A CRM that keeps notes about customers."""

    def add_notes(self, notes: Sequence[Note]) -> list[Result]:
        """Adds notes, each once by its key."""
        ...
