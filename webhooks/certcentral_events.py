"""What CertCentral tells, and what follows: the order that is named is to be looked at.

An issue may be a new order's, a renewal's or a reissue's: only order info knows. A rejection reopens what it had stopped.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from core import looks
from core.errors import SkippableError
from core.inbox import Event
from core.listening import LoggedEvent
from core.model import order_key
from core.schema import inbox
from core.timing import Timer

DOOR = "certcentral"
SOURCE = "certcentral"
CHALLENGE_GOOD_FOR = timedelta(minutes=30)

_CA = "digicert"
_ABOUT_ORDERS = ("certificate_issued", "certificate_revoked", "order_rejected")
_TEST, _CHALLENGE = "test_webhook_endpoint", "challenge_webhook_endpoint"


@dataclass(frozen=True, slots=True)
class Told:
    """An event as it was told. What it does not tell, or not in that form, is empty."""

    name: str
    order_id: str = ""
    certificate_id: str = ""
    webhook_id: str = ""
    token: str = ""


def reading(said: Any) -> Told | None:
    """The event in a message; None where it is none."""
    if not isinstance(said, dict) or not isinstance(name := said.get("event"), str) or not name:
        return None
    data = said.get("data")
    data = data if isinstance(data, dict) else {}
    numbers = {field: _number(data, field) for field in ("order_id", "certificate_id", "webhook_id")}
    token = data.get("token")
    return Told(name, **numbers, token=str(token) if isinstance(token, str | int) else "")


def is_test(told: Told) -> bool:
    """Whether CertCentral only tries the address."""
    return told.name == _TEST


def names_order(told: Told) -> bool:
    """Whether it is about an order. Events about domains and organisations are known, and nothing follows from them."""
    return told.name in _ABOUT_ORDERS


def challenge_key(told: Told) -> str | None:
    """The key of a challenge; None for what is none. The token itself is no part of it."""
    if told.name != _CHALLENGE or not told.token:
        return None
    return f"challenge:{told.webhook_id}:{hashlib.sha256(told.token.encode()).hexdigest()[:16]}"


def event_key(told: Told | LoggedEvent) -> str:
    """What makes two messages the same event, since CertCentral numbers none."""
    return f"{told.name}:{told.order_id}:{told.certificate_id}"


def of_log(logged: Sequence[LoggedEvent], now: datetime) -> list[Event]:
    """The events of CertCentral's own log as if they had just come in by the door."""
    found = []
    for one in logged:
        if one.name in _ABOUT_ORDERS and one.order_id:
            data = {"order_id": one.order_id, "certificate_id": one.certificate_id}
            content = json.dumps({"event": one.name, "data": data, "by": "event log"}).encode()
            found.append(Event(DOOR, event_key(one), content, now))
    return found


def challenges(connection: Connection, now: datetime) -> tuple[tuple[str, str], ...]:
    """Number of the webhook and token of every challenge that is still good, the newest first."""
    mine = (inbox.c.door == DOOR) & inbox.c.event_key.startswith("challenge:")
    query = select(inbox.c.content).where(mine, inbox.c.received_at >= now - CHALLENGE_GOOD_FOR)
    told = [reading(json.loads(content)) for content in connection.execute(query.order_by(inbox.c.id.desc())).scalars()]
    return tuple((one.webhook_id, one.token) for one in told if one is not None)


def apply(connection: Connection, event: Event, timer: Timer) -> str:
    """Notes what is to be looked at. A challenge stays in the inbox, whose list shows its token."""
    told = reading(json.loads(event.content))
    if told is None:
        raise SkippableError("what it says is no event of CertCentral's")
    if challenge_key(told) is not None:
        return f"webhook {told.webhook_id}: the token is {told.token}; `nolapse setup certcentral` confirms it"
    key = order_key(_CA, told.order_id)
    looks.note(connection, SOURCE, [key], timer)
    return f"{key}: {told.name}, to be looked at"


def _number(data: Mapping[str, Any], field: str) -> str:
    value = data.get(field)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    return value if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20 else ""
