"""What the stand-in is told to do wrong, and for which calls."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from tests.fakes.hubspot.limits import Refusal

MESSAGES = {
    423: ("LOCKED", "The resource is locked by another operation; try again in two seconds."),
    477: ("MIGRATION_IN_PROGRESS", "The account is being moved between data centres."),
    500: ("INTERNAL_ERROR", "internal error"),
    502: ("BAD_GATEWAY", "bad gateway"),
    503: ("SERVICE_UNAVAILABLE", "service unavailable"),
    504: ("GATEWAY_TIMEOUT", "The request timed out."),
    524: ("TIMEOUT", "The connection timed out."),
}
HTML = frozenset({502, 503, 504, 524})
"""Refusals that come from the gateway, as a page in HTML."""


class Way(StrEnum):
    """How a call goes wrong."""

    STATUS = "status"
    SLOW = "slow"
    CUT = "cut"
    HALF = "half"
    MALFORMED = "malformed"
    REFUSED = "refused"


@dataclass
class Fault:
    """One thing that goes wrong with the next so many calls that it fits.

    `on` is a pattern for the name of the operation, such as `objects.batch.*`; `object_type` is such as `tickets`.
    """

    way: Way
    on: str = "*"
    object_type: str | None = None
    status: int = 0
    times: int = 1
    skip: int = 0
    """So many calls pass first."""
    done: bool = False
    """Whether the request is done before its answer is lost."""
    seconds: float = 0
    policy: str = ""
    retry_after: int | None = None
    picks: Callable[[dict[str, Any]], bool] | None = None
    """Which inputs of a batch are refused."""
    message: str = ""
    category: str = ""

    def takes(self, operation: str, object_type: str) -> bool:
        """Whether it is this call's turn; counts it."""
        if self.times <= 0 or not fnmatchcase(operation, self.on):
            return False
        if self.object_type is not None and self.object_type != object_type:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return True

    def body(self, correlation_id: str) -> dict[str, Any] | str:
        """The body of the refusal."""
        if self.status == 429:
            return Refusal(self.policy).body(correlation_id)
        if self.status in HTML:
            return f"<html><body><h1>{self.status} {MESSAGES[self.status][1]}</h1></body></html>"
        category, message = MESSAGES.get(self.status, ("VALIDATION_ERROR", "The request was refused."))
        return {
            "message": self.message or message,
            "correlationId": correlation_id,
            "category": self.category or category,
        }


class Troubles:
    """All that is to go wrong, first things first."""

    def __init__(self) -> None:
        super().__init__()
        self._faults: list[Fault] = []

    def next_fault(self, operation: str, object_type: str) -> Fault | None:
        """What goes wrong with a call, if anything does."""
        return next((fault for fault in self._faults if fault.takes(operation, object_type)), None)

    def fail(self, status: int, on: str = "*", **told: Any) -> Fault:
        """The next calls are answered with a status: 429 with its `policy`, 423, 477, 500, 502, 503, 504, 524 …

        Told further as `Fault` says: `times`, `skip`, `object_type`, `retry_after`, and `done` for requests that are
        done although they seem to fail.
        """
        if status == 429:
            told.setdefault("policy", "TEN_SECONDLY_ROLLING")
        if status == 477:
            told.setdefault("retry_after", 3600)
        return self._go_wrong(Fault(Way.STATUS, on, status=status, **told))

    def slow(self, seconds: float, on: str = "*", **told: Any) -> Fault:
        """The next calls take so many seconds, of real time."""
        return self._go_wrong(Fault(Way.SLOW, on, seconds=seconds, **told))

    def cut(self, on: str = "*", *, half: bool = False, **told: Any) -> Fault:
        """The next calls' connections end before the answer, or amid it; with `done` after the request was done."""
        return self._go_wrong(Fault(Way.HALF if half else Way.CUT, on, **told))

    def malform(self, on: str = "*", **told: Any) -> Fault:
        """The next calls' answers are not JSON, though the status says success."""
        return self._go_wrong(Fault(Way.MALFORMED, on, **told))

    def refuse(self, picks: Callable[[dict[str, Any]], bool], on: str = "objects.batch.*", **told: Any) -> Fault:
        """Some inputs of the next batches are refused: those of which `picks` says so."""
        told.setdefault("message", "The record could not be written")
        told.setdefault("category", "VALIDATION_ERROR")
        return self._go_wrong(Fault(Way.REFUSED, on, picks=picks, **told))

    def recover(self) -> None:
        """Nothing goes wrong any more."""
        self._faults.clear()

    def _go_wrong(self, fault: Fault) -> Fault:
        self._faults.append(fault)
        return fault
