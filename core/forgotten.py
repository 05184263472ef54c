"""People who asked to be forgotten: of each only a keyed hash of the address is left, by which nobody stores them again.

The key is made with the first one and stays in the store: the hashes tell nobody whom they stand for, and are of no use
in another installation.
"""

import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Column, LargeBinary, Table, delete, select
from sqlalchemy.engine import Connection

from core.batches import batched
from core.columns import UtcTime, metadata
from core.schema import meta
from core.sql import insert_new

KEY = "forgotten_key"
_HASHES_PER_QUERY = 500

forgotten = Table(
    "forgotten",
    metadata,
    Column("hash", LargeBinary, primary_key=True),
    Column("since", UtcTime, nullable=False),
)


def among(connection: Connection, addresses: Iterable[str]) -> set[str]:
    """Those of these addresses, as they are written, whose people are to stay forgotten."""
    key = _key(connection)
    if key is None:
        return set()
    by_hash: dict[bytes, list[str]] = {}
    for address in addresses:
        by_hash.setdefault(_hash(key, address), []).append(address)
    found: set[str] = set()
    for some in batched(by_hash, _HASHES_PER_QUERY):
        query = select(forgotten.c.hash).where(forgotten.c.hash.in_(some))
        for one in connection.execute(query).scalars():
            found.update(by_hash[bytes(one)])
    return found


def since(connection: Connection, address: str) -> datetime | None:
    """When the person with this address was forgotten; None: never."""
    key = _key(connection)
    if key is None:
        return None
    query = select(forgotten.c.since).where(forgotten.c.hash == _hash(key, address))
    found: datetime | None = connection.execute(query).scalar()
    return found


def remember(connection: Connection, address: str, now: datetime) -> bool:
    """Notes that a person is to stay forgotten; gives whether that is new."""
    insert_new(connection, meta, [{"key": KEY, "value": secrets.token_hex(32)}])
    key = _key(connection)
    assert key is not None
    return insert_new(connection, forgotten, [{"hash": _hash(key, address), "since": now}]) == 1


def lift(connection: Connection, address: str) -> bool:
    """Lets sources name a person again; gives whether they were forgotten."""
    key = _key(connection)
    if key is None:
        return False
    return connection.execute(delete(forgotten).where(forgotten.c.hash == _hash(key, address))).rowcount > 0


def _key(connection: Connection) -> bytes | None:
    value = connection.execute(select(meta.c.value).where(meta.c.key == KEY)).scalar()
    return None if value is None else bytes.fromhex(value)


def _hash(key: bytes, address: str) -> bytes:
    return hmac.digest(key, address.strip().lower().encode("utf-8", "replace"), "sha256")
