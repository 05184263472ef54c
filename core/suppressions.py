"""Addresses that must not be reached on a channel: noted once, kept until they are lifted."""

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.engine import Connection

from core import forgotten
from core.eligibility import Suppressions
from core.errors import UsageError
from core.schema import deliveries, suppressions
from core.sql import among, insert_new
from core.timing import Timer
from core.words import Channel, DeliveryKind, DeliveryState, Nature


def normal_address(address: str) -> str:
    """An address as it is stored: no blanks around it, the domain in lower case. Raises `UsageError` for no address."""
    local, at, domain = address.strip().rpartition("@")
    if not at or not local or "." not in domain or any(sign.isspace() for sign in local + domain):
        raise UsageError("this is no e-mail address; write NAME@DOMAIN")
    return f"{local.lower()}@{domain.lower()}"


def suppress(
    connection: Connection, address: str, channel: Channel, nature: Nature, source: str, reason: str, now: datetime
) -> bool:
    """Notes that an address is not to be reached on a channel; gives whether that is new.

    `nature` is what is refused: service means everything, commercial means offers only. Of somebody who is forgotten
    nothing is noted: who is never stored is never reached.
    """
    if forgotten.among(connection, [address]):
        return False
    row: dict[str, Any] = {
        "address": normal_address(address),
        "channel": channel,
        "nature": nature,
        "source": source,
        "reason": reason,
        "since": now,
    }
    return insert_new(connection, suppressions, [row]) == 1


@dataclass(frozen=True, slots=True)
class Refusal:
    """An address (as normal_address gives it) that is not to be reached on a channel, and who says so since when."""

    address: str
    channel: Channel
    nature: Nature
    source: str
    reason: str
    since: datetime

    @property
    def key(self) -> tuple[str, str, str]:
        """What there is once."""
        return self.address, self.channel, self.nature


def suppress_all(connection: Connection, refusals: Sequence[Refusal]) -> list[Refusal]:
    """Notes many at once and gives those that are new; what is known already stays as it is."""
    wanted = {one.key: one for one in refusals}
    known = select(suppressions.c.address, suppressions.c.channel, suppressions.c.nature).where(
        suppressions.c.address.in_({one.address for one in wanted.values()})
    )
    held = {tuple(row) for row in connection.execute(known).all()}
    fresh = [one for key, one in wanted.items() if key not in held]
    insert_new(connection, suppressions, [asdict(one) for one in fresh])
    return fresh


def every(connection: Connection) -> list[Refusal]:
    """All that is refused, by address."""
    columns = (suppressions.c[name] for name in ("address", "channel", "nature", "source", "reason", "since"))
    query = select(*columns).order_by(suppressions.c.address, suppressions.c.channel, suppressions.c.nature)
    return [
        Refusal(address, Channel(channel), Nature(nature), source, reason, since)
        for address, channel, nature, source, reason, since in connection.execute(query).all()
    ]


def queue_optout(connection: Connection, address: str, channel: Channel, nature: Nature, timer: Timer) -> None:
    """Puts into the outbox that the CRM is to know of a wish. The address goes with the delivery, not into its key."""
    queue_optouts(connection, [Refusal(address, channel, nature, "", "", timer.opening)], timer)


def queue_optouts(connection: Connection, refusals: Sequence[Refusal], timer: Timer) -> None:
    """The same of many at once."""
    insert_new(connection, deliveries, [_optout(one, timer) for one in refusals])


def _optout(refusal: Refusal, timer: Timer) -> dict[str, Any]:
    address, channel, nature = refusal.key
    said = hashlib.sha256(address.lower().encode()).hexdigest()[:16]
    return {
        "key": f"optout:{said}:{channel}:{nature}:{timer.day}",
        "kind": DeliveryKind.OPTOUT,
        "channel": "record",
        "state": DeliveryState.PLANNED,
        "day": timer.day,
        "send_after": timer.opening,
        "payload": {
            "address": address,
            "channel": channel,
            "nature": nature,
            "since": refusal.since.isoformat(),
        },
    }


def lift(connection: Connection, address: str, channel: Channel | None = None, source: str = "") -> int:
    """Forgets the suppressions of an address, on one channel or all, from one source or all; gives how many."""
    mine = suppressions.c.address == normal_address(address)
    if channel is not None:
        mine &= suppressions.c.channel == channel
    if source:
        mine &= suppressions.c.source == source
    return connection.execute(delete(suppressions).where(mine)).rowcount


def of_addresses(connection: Connection, addresses: Collection[str]) -> Suppressions:
    """What is refused by any of these addresses."""
    found: dict[str, list[tuple[str, str, str]]] = {}
    if addresses:
        query = select(
            suppressions.c.address, suppressions.c.channel, suppressions.c.nature, suppressions.c.source
        ).where(among(suppressions.c.address, {address.lower() for address in addresses}))
        for address, channel, nature, source in connection.execute(query).all():
            found.setdefault(address, []).append((channel, nature, source))
    return Suppressions(found)
