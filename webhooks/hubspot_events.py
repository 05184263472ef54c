"""What HubSpot tells, and what follows: the record is to be read again; a person erased there is erased here.

Events of project apps (`object.propertyChange` and `objectTypeId`) and of older ones (`contact.propertyChange`).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import Connection

from core import looks
from core.errors import SkippableError
from core.inbox import Event
from core.listening import Forget, NamesPeople
from core.timing import Timer

DOOR = "hubspot"
SYSTEM = "hubspot"

_ERASED = "privacyDeletion"
# A record that is gone says nothing, and how records hang together we read with them.
_NOTHING_FOLLOWS = ("deletion", "associationChange")
_TOLD_APART = (
    "portalId", "subscriptionId", "subscriptionType", "objectTypeId", "objectId", "propertyName", "occurredAt",
    "propertyValue", "newObjectId",
)  # fmt: skip


def is_event(one: Any) -> bool:
    """Whether that is an event about a record."""
    if not isinstance(one, dict) or not isinstance(kind := one.get("subscriptionType"), str):
        return False
    return bool(_id_of(one)) and "." in kind and kind.isascii() and len(kind) <= 100


def is_echo(one: Mapping[str, Any]) -> bool:
    """Whether our own app has made the change."""
    if one.get("changeSource") not in ("INTEGRATION", "API") or not one.get("appId"):
        return False
    return str(one.get("sourceId", "")).rpartition(":")[2] == str(one["appId"])


def event_key(one: Mapping[str, Any]) -> str:
    """What makes two messages the same event."""
    told = json.dumps([one.get(name) for name in _TOLD_APART]).encode()
    return f"{one['subscriptionType']}:{_id_of(one)}:{hashlib.sha256(told).hexdigest()[:24]}"


@dataclass(frozen=True, slots=True)
class HubSpotEvents:
    """Applies the events of this door. `people` tells whose number is whose, `forget` erases somebody."""

    people: NamesPeople
    forget: Forget | None

    def __call__(self, connection: Connection, event: Event, timer: Timer) -> str:
        one = json.loads(event.content)
        kind, _, what = str(one["subscriptionType"]).partition(".")
        thing = f"{str(one.get('objectTypeId') or '') or kind}:{_id_of(one)}"
        if what == _ERASED:
            return self._erase(connection, thing, timer)
        if what in _NOTHING_FOLLOWS or kind == "conversation":
            return f"{thing}: nothing follows from a {what}"
        looks.note(connection, SYSTEM, [thing], timer)
        return f"{thing}: to be read again"

    def _erase(self, connection: Connection, thing: str, timer: Timer) -> str:
        address = self.people.address_of(thing)
        if not address:
            return f"{thing}: nobody of ours"
        if self.forget is None:
            raise SkippableError(f"{thing}: a person was erased in HubSpot and is to be erased here by hand")
        return f"{thing}: {self.forget(connection, address, timer)}"


def _id_of(one: Mapping[str, Any]) -> str:
    """The number of the record; of one that others were merged into, that one's."""
    for name in ("newObjectId", "objectId", "fromObjectId"):
        value = one.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return str(value)
        if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 30:
            return value
    return ""
