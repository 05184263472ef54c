"""What Salesforce tells, and what follows: the record that is named is to be read again."""

import hmac
import json
from dataclasses import dataclass
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from sqlalchemy.engine import Connection

from core import looks
from core.inbox import Event
from core.timing import Timer

DOOR = "salesforce"
SYSTEM = "salesforce"

_Type = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,79}$")]
_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9]{15}([A-Za-z0-9]{3})?$")]


class ChangedRecord(BaseModel):
    """A record that was changed."""

    model_config = ConfigDict(extra="forbid")

    type: _Type = Field(description="The object: `Task`, or `Certificate_Order__c`.")
    id: _Id = Field(description="The record's id, 15 or 18 signs.")


class Changed(BaseModel):
    """What a callout says. The same record at the same time is the same event."""

    model_config = ConfigDict(extra="forbid")

    organisation: _Id = Field(description="The id of the organisation.")
    at: AwareDatetime = Field(description="When it happened.")
    records: list[ChangedRecord] = Field(min_length=1, max_length=200)


@dataclass(frozen=True, slots=True)
class Notification:
    """One record that was named; `mark` tells this message about it from all others."""

    type: str
    id: str
    mark: str


def event_key(one: Notification) -> str:
    """What makes two messages the same event. Ids of 15 and 18 signs name the same record."""
    return f"{one.type}:{one.id[:15]}:{one.mark}"


def same_organisation(given: str, wanted: str) -> bool:
    """Whether the two name one organisation, of which the first 15 signs count."""
    return hmac.compare_digest(given[:15].encode(), wanted[:15].encode())


def apply(connection: Connection, event: Event, timer: Timer) -> str:
    """Notes that the record is to be read again."""
    said = json.loads(event.content)
    thing = f"{said['type']}:{said['id']}"
    looks.note(connection, SYSTEM, [thing], timer)
    return f"{thing}: to be read again"
