"""The time by which the stand-in lives: the real one, or one that tests move."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What the stand-in asks of a clock."""

    def now(self) -> datetime:
        """The time, in UTC."""


class RealClock:
    """The system's time."""

    def now(self) -> datetime:
        return datetime.now(UTC)


class ManualClock:
    """A time that stands still until a test moves it."""

    def __init__(self, start: datetime = datetime(2026, 11, 21, 9, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        return self._now

    def advance(self, *, seconds: float = 0, days: float = 0) -> None:
        """Moves the time on."""
        self._now += timedelta(days=days, seconds=seconds)

    def set(self, moment: datetime) -> None:
        """Moves the time to a moment, given with its zone."""
        self._now = moment.astimezone(UTC)


def iso(moment: datetime) -> str:
    """A moment as the API writes it: ISO 8601 in UTC with milliseconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03}Z"


def milliseconds(moment: datetime) -> int:
    """A moment as milliseconds since 1970."""
    return round(moment.timestamp() * 1000)
