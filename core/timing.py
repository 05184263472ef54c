"""What time it is for a run: the real clock, or a day that is played as a whole."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol


class Timer(Protocol):
    """The time of a run. `day` is its UTC day; planning works from `opening`, delivery up to `closing`."""

    @property
    def day(self) -> date: ...

    @property
    def opening(self) -> datetime:
        """The instant from which something may still be planned for."""
        ...

    @property
    def closing(self) -> datetime:
        """The instant up to which deliveries are due."""
        ...

    def moment(self, send_after: datetime) -> datetime:
        """When a delivery that was to go after this instant is taken to go."""
        ...


class RealTime:
    """The clock of the machine."""

    @property
    def day(self) -> date:
        return datetime.now(UTC).date()

    @property
    def opening(self) -> datetime:
        return datetime.now(UTC)

    @property
    def closing(self) -> datetime:
        return datetime.now(UTC)

    def moment(self, send_after: datetime) -> datetime:
        return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class WholeDay:
    """A day played from its first to its last instant (UTC): each delivery goes exactly when it was to go."""

    day: date

    @property
    def opening(self) -> datetime:
        return datetime.combine(self.day, time(0), UTC)

    @property
    def closing(self) -> datetime:
        return self.opening + timedelta(days=1) - timedelta(microseconds=1)

    def moment(self, send_after: datetime) -> datetime:
        return min(max(send_after, self.opening), self.closing)


def timer_for(day: date | None) -> Timer:
    """The real clock, or the given day as a whole."""
    return RealTime() if day is None else WholeDay(day)
