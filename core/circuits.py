"""The rule of the circuit breaker: a connector that fails for everything is left alone for a while.

closed → after so many batches in a row in which everything failed: open, nothing is tried → after a pause: half open, one
item is tried → closed by its success, open again by its failure. Times are real ones, whatever day a run plays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from core.errors import PostponedError, SkippableError
from core.ports import Handed, Result


class CircuitState(StrEnum):
    """Whether a connector may be used: `half_open` allows a single item."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Circuit:
    """How a connector has done lately: batches failed in a row, until when it rests, and the last error."""

    failures: int = 0
    broken_until: datetime | None = None
    why: str = ""

    def state(self, now: datetime, pause: timedelta) -> CircuitState:
        """Its state. A rest that is longer than `pause` comes from a clock that has been set back, and is over."""
        if self.broken_until is None:
            return CircuitState.CLOSED
        return CircuitState.OPEN if now < self.broken_until <= now + pause else CircuitState.HALF_OPEN


def after_failure(circuit: Circuit, why: str, now: datetime, break_after: int, pause: timedelta) -> Circuit:
    """The circuit after one more batch in which everything failed. A `break_after` of 0 never breaks it."""
    failures = circuit.failures + 1
    breaks = 0 < break_after <= failures
    return Circuit(failures, now + pause if breaks else None, why)


def failed_for_everything(results: Sequence[Result]) -> bool:
    """Whether a batch says that the connector, and not single items of it, is in trouble.

    An item that was refused or put off on its own account shows that the outside system works.
    """
    return bool(results) and all(_speaks_against(result) for result in results)


def _speaks_against(result: Result) -> bool:
    if result.handed is Handed.DELIVERED:
        return False
    return not isinstance(result.error, SkippableError | PostponedError)
