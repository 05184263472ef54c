"""What is known of people's consent: by address and channel, kept whoever the contacts are at this moment."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, Date, Table, Text, bindparam, delete, func, select
from sqlalchemy.engine import Connection

from core import forgotten
from core.columns import UtcTime, metadata, word
from core.consent import Basis, Given
from core.schema import contacts
from core.sql import among, upsert
from core.words import Channel

consents = Table(
    "consents",
    metadata,
    Column("address", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("basis", Text, nullable=False),
    Column("since", Date),
    word("source"),
    word("proof"),  # where the proof of it lies
    Column("noted_at", UtcTime, nullable=False),
)

Consents = Mapping[tuple[str, Channel], Given]
"""What is known, by address (as normal_address gives it) and channel."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be noted of an address. `given` None: whatever was known of it is known no more."""

    address: str
    channel: Channel
    given: Given | None


@dataclass(frozen=True, slots=True)
class Noted:
    """What noting changed; `strangers` are addresses that no contact has yet."""

    new: int = 0
    changed: int = 0
    dropped: int = 0
    unchanged: int = 0
    strangers: int = 0


def of_addresses(connection: Connection, addresses: Collection[str]) -> Consents:
    """What is known of these addresses."""
    found: dict[tuple[str, Channel], Given] = {}
    if addresses:
        query = select(consents).where(among(consents.c.address, {address.lower() for address in addresses}))
        for row in connection.execute(query).all():
            found[row.address, Channel(row.channel)] = Given(Basis(row.basis), row.since, row.source, row.proof)
    return found


def note(connection: Connection, entries: Sequence[Entry], now: datetime) -> Noted:
    """Writes down what is given; of several entries for one address and channel the last counts.

    Nothing is written down of somebody who was forgotten.
    """
    gone = forgotten.among(connection, {entry.address for entry in entries})
    last = {(entry.address, entry.channel): entry.given for entry in entries if entry.address not in gone}
    addresses = {address for address, _ in last}
    known = of_addresses(connection, addresses)
    fresh = {key: given for key, given in last.items() if given is not None and known.get(key) != given}
    upsert(
        connection,
        consents,
        ["address", "channel"],
        [
            {
                "address": address,
                "channel": channel,
                "basis": given.basis,
                "since": given.since,
                "source": given.source,
                "proof": given.proof,
                "noted_at": now,
            }
            for (address, channel), given in fresh.items()
        ],
    )
    dropped = [key for key, given in last.items() if given is None and key in known]
    if dropped:
        which = (consents.c.address == bindparam("whose")) & (consents.c.channel == bindparam("way"))
        connection.execute(delete(consents).where(which), [{"whose": one, "way": channel} for one, channel in dropped])
    query = select(func.lower(contacts.c.email)).where(func.lower(contacts.c.email).in_(addresses)).distinct()
    met = set(connection.execute(query).scalars())
    new = sum(key not in known for key in fresh)
    return Noted(
        new=new,
        changed=len(fresh) - new,
        dropped=len(dropped),
        unchanged=len(last) - len(fresh) - len(dropped),
        strangers=len(addresses - met),
    )


def forget(connection: Connection, address: str) -> int:
    """Drops all that is known of an address; gives how many rows that were."""
    return connection.execute(delete(consents).where(consents.c.address == address.lower())).rowcount


def counts(connection: Connection) -> dict[tuple[Channel, Basis], int]:
    """How many addresses have which basis, by channel."""
    query = select(consents.c.channel, consents.c.basis, func.count()).group_by(consents.c.channel, consents.c.basis)
    return {(Channel(channel), Basis(basis)): count for channel, basis, count in connection.execute(query).all()}
