"""When each source was read last, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from core.schema import sync_runs


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over a source. `finished_at` is empty where it broke off or is under way; `complete`: it read everything."""

    source: str
    started_at: datetime
    finished_at: datetime | None
    complete: bool
    counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """What it counted, in one line."""
        if self.finished_at is None:
            return f"begun {self.started_at:%Y-%m-%d %H:%M} UTC and not ended"
        told = ", ".join(f"{number:,} {word}" for word, number in self.counts.items() if number) or "nothing new"
        return f"read {self.finished_at:%Y-%m-%d %H:%M} UTC: {told}"


def passes(connection: Connection, limit: int) -> list[Pass]:
    """The passes over all sources, the newest first."""
    query = select(sync_runs).order_by(sync_runs.c.id.desc()).limit(limit)
    return [_pass(row) for row in connection.execute(query)]


def last_passes(connection: Connection) -> Sequence[Pass]:
    """The last pass that ended over each source; the last one begun where none ever ended."""
    ended = select(func.max(sync_runs.c.id)).where(sync_runs.c.finished_at.is_not(None)).group_by(sync_runs.c.source)
    begun = select(func.max(sync_runs.c.id)).group_by(sync_runs.c.source)
    query = select(sync_runs).where(sync_runs.c.id.in_(ended) | sync_runs.c.id.in_(begun)).order_by(sync_runs.c.id)
    found: dict[str, Pass] = {}
    for row in connection.execute(query):
        if row.finished_at is not None or row.source not in found:
            found[row.source] = _pass(row)
    return [found[source] for source in sorted(found)]


def _pass(row: Any) -> Pass:
    told = row.counts or {}
    return Pass(row.source, row.started_at, row.finished_at, row.complete, told)
