"""Which thing in a CRM is which of ours, kept in our own store."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Engine, delete, select
from sqlalchemy.engine import Connection

from connectors.crm.tables import LinkState, crm_links
from core.batches import batched
from core.sql import upsert
from core.store import Store

_KEYS_PER_QUERY = 1000


class LinkKind(StrEnum):
    """What is linked."""

    COMPANY = "company"
    CONTACT = "contact"
    RECORD = "record"
    TASK = "task"
    MAIL = "mail"
    NOTE = "note"
    FORECAST = "forecast"
    ENROLMENT = "enrolment"  # a mail that the CRM sends, itself or by a sequence


@dataclass(frozen=True, slots=True)
class Link:
    """One of ours and its id in the CRM, which is empty as long as nobody knows it."""

    our_key: str
    their_id: str = ""
    state: LinkState = LinkState.LINKED
    digest: bytes | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


class Links:
    """The links of one CRM, by the name of its connector. Each call is one transaction."""

    def __init__(self, engine: Engine, crm: str) -> None:
        self._store = Store(engine)
        self._crm = crm

    def get(self, kind: LinkKind, our_keys: Iterable[str]) -> dict[str, Link]:
        """Those of these that have a link, of whatever state."""
        return self._read(kind, crm_links.c.our_key, our_keys)

    def of_theirs(self, kind: LinkKind, their_ids: Iterable[str]) -> dict[str, Link]:
        """The links to these ids of theirs, by the id."""
        found = self._read(kind, crm_links.c.their_id, (id for id in their_ids if id))
        return {link.their_id: link for link in found.values() if link.state is LinkState.LINKED}

    def of_state(self, kind: LinkKind, state: LinkState) -> list[Link]:
        """All links of that state, by our key."""
        query = select(crm_links).where(self._of(kind), crm_links.c.state == state).order_by(crm_links.c.our_key)
        with self._store.read() as connection:
            return [_link(row) for row in connection.execute(query)]

    def made_after(self, kind: LinkKind, moment: datetime | None) -> tuple[dict[str, Link], datetime | None]:
        """The links to theirs that were made or changed after that moment, by the id, and the moment of the newest.

        Without a moment all of them; where there are none the moment stays.
        """
        wanted = self._of(kind) & (crm_links.c.state == LinkState.LINKED)
        if moment is not None:
            wanted &= crm_links.c.changed_at > moment
        with self._store.read() as connection:
            rows = connection.execute(select(crm_links).where(wanted)).all()
        return {row.their_id: _link(row) for row in rows}, max((row.changed_at for row in rows), default=moment)

    def put(self, kind: LinkKind, links: Sequence[Link]) -> None:
        """Writes links over what there was."""
        now = datetime.now(UTC)
        rows = [
            {
                "crm": self._crm,
                "kind": kind,
                "our_key": link.our_key,
                "their_id": link.their_id,
                "state": link.state,
                "digest": link.digest,
                "facts": dict(link.facts),
                "changed_at": now,
            }
            for link in links
        ]
        if rows:
            with self._store.begin() as connection:
                upsert(connection, crm_links, ["crm", "kind", "our_key"], rows)

    def forget(self, kind: LinkKind, our_keys: Iterable[str]) -> None:
        """Takes links away."""
        with self._store.begin() as connection:
            for some in batched(our_keys, _KEYS_PER_QUERY):
                connection.execute(delete(crm_links).where(self._of(kind), crm_links.c.our_key.in_(some)))

    def _of(self, kind: LinkKind) -> ColumnElement[bool]:
        return (crm_links.c.crm == self._crm) & (crm_links.c.kind == kind)

    def _read(self, kind: LinkKind, column: Any, values: Iterable[str]) -> dict[str, Link]:
        found: dict[str, Link] = {}
        with self._store.read() as connection:
            for some in batched(dict.fromkeys(values), _KEYS_PER_QUERY):
                found |= self._some(connection, kind, column, some)
        return found

    def _some(self, connection: Connection, kind: LinkKind, column: Any, values: Sequence[str]) -> dict[str, Link]:
        query = select(crm_links).where(self._of(kind), column.in_(values))
        return {row.our_key: _link(row) for row in connection.execute(query)}


def _link(row: Any) -> Link:
    return Link(row.our_key, row.their_id, LinkState(row.state), row.digest, row.facts or {})
