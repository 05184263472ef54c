"""The time of the stand-in: the real one, moved as a test wants it, or a fixed instant that only a test moves."""

from datetime import UTC, date, datetime, timedelta


class Clock:
    """Runs with the real time from now on, or stands at `at` until it is moved."""

    def __init__(self, at: datetime | None = None) -> None:
        self._fixed = at
        self._ahead = timedelta()

    def now(self) -> datetime:
        """The time in UTC."""
        return (self._fixed or datetime.now(UTC)) + self._ahead

    def today(self) -> date:
        """The day in UTC."""
        return self.now().date()

    def advance(self, by: timedelta) -> None:
        """Lets so much time pass at once."""
        self._ahead += by

    def set(self, at: datetime) -> None:
        """Goes to this instant, and stands there or runs on as before."""
        self._ahead += at - self.now()
