"""Where the reading of changes stands, safe against a CRM's search showing a change some moments late.

For each object type: the time of the newest change that was seen, and which changes were seen shortly before it. The
next reading goes back by the overlap and leaves out what it has seen.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from core.errors import UsageError

OVERLAP = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Place:
    """How far one object type was read: `seen` is id → time (ISO 8601) of the changes within the overlap."""

    until: str = ""
    seen: Mapping[str, str] = field(default_factory=dict)

    @property
    def since(self) -> datetime | None:
        """From when on is to be read (UTC); None: from the beginning."""
        newest = moment(self.until)
        return None if newest is None else newest - OVERLAP

    def is_new(self, id: str, changed_at: str) -> bool:
        """Whether this change was not seen before."""
        return self.seen.get(id) != changed_at

    def after(self, changes: Iterable[tuple[str, str]]) -> "Place":
        """The place behind these changes (id, time)."""
        seen = dict(self.seen) | dict(changes)
        until = max([self.until, *seen.values()], key=lambda text: moment(text) or _BEGINNING)
        newest = moment(until)
        if newest is None:
            return self
        first = newest - OVERLAP
        return Place(until, {id: text for id, text in seen.items() if (moment(text) or _BEGINNING) >= first})


_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def read(cursor: str | None) -> dict[str, Place]:
    """The places by object type. Raises `UsageError` for a cursor of another CRM."""
    if cursor is None:
        return {}
    try:
        said = json.loads(cursor)
        return {name: Place(one["until"], dict(one["seen"])) for name, one in said.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UsageError("the cursor of the CRM's changes cannot be read; it is of another CRM") from error


def write(places: Mapping[str, Place]) -> str:
    """The places as one text."""
    said = {name: {"until": one.until, "seen": dict(sorted(one.seen.items()))} for name, one in sorted(places.items())}
    return json.dumps(said, separators=(",", ":"))


def moment(text: str) -> datetime | None:
    """The moment that a CRM writes as ISO 8601, UTC where it names no zone; None where it is none."""
    try:
        read_as = datetime.fromisoformat(text)
    except ValueError:
        return None
    return read_as if read_as.tzinfo else read_as.replace(tzinfo=UTC)
