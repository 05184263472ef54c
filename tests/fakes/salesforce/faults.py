"""What the stand-in is told to do wrong, and for which calls."""

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from tests.fakes.salesforce.errors import GATEWAY_PAGE, ApiError

MESSAGES = {
    "UNABLE_TO_LOCK_ROW": (400, "unable to obtain exclusive access to this record"),
    "REQUEST_LIMIT_EXCEEDED": (403, "TotalRequests Limit exceeded."),
    "INVALID_SESSION_ID": (401, "Session expired or invalid"),
    "SERVER_UNAVAILABLE": (503, "The server is currently unavailable"),
    "QUERY_TIMEOUT": (400, "Your query request was running for too long."),
    "UNKNOWN_EXCEPTION": (500, "An unexpected error occurred. Please include this ErrorId if you contact support"),
    "OPERATION_TOO_LARGE": (400, "exceeded 100000 distinct who/what's"),
    "REQUEST_RUNNING_TOO_LONG": (400, "Your request was running for too long, and has been stopped."),
    "API_DISABLED_FOR_ORG": (403, "API is not enabled for this Organization or Partner"),
}


class Way(StrEnum):
    """How a call goes wrong."""

    STATUS = "status"
    SLOW = "slow"
    CUT = "cut"
    MALFORMED = "malformed"


@dataclass
class Trouble:
    """One thing that goes wrong with the next `times` calls that it fits, after `skip` that pass.

    `on` is a pattern for the name of the operation, such as `collections.*`. With `done` the request is done before its
    answer is lost.
    """

    way: Way
    on: str
    status: int = 0
    code: str = ""
    message: str = ""
    times: int = 1
    skip: int = 0
    done: bool = False
    seconds: float = 0.0

    def takes(self, operation: str) -> bool:
        """Whether it is this call's turn; counts it."""
        if self.times <= 0 or not fnmatchcase(operation, self.on):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.times -= 1
        return True

    def body(self) -> Any:
        """The body of the refusal: a page of the gateway where it has no code."""
        return ApiError(self.status, self.code, self.message).body() if self.code else GATEWAY_PAGE


class Troubles:
    """All that is to go wrong, first things first."""

    def __init__(self) -> None:
        super().__init__()
        self._troubles: list[Trouble] = []

    def next_trouble(self, operation: str) -> Trouble | None:
        """What goes wrong with a call, if anything does."""
        return next((one for one in self._troubles if one.takes(operation)), None)

    def fail(self, code: str | int, on: str = "*", **told: Any) -> Trouble:
        """The next calls are refused: with a code as the org says it, or with a status and a page of HTML."""
        if isinstance(code, int):
            return self._add(Trouble(Way.STATUS, on, status=code, **told))
        status, message = MESSAGES[code]
        return self._add(Trouble(Way.STATUS, on, code=code, **{"status": status, "message": message, **told}))

    def slow(self, seconds: float, on: str = "*", **told: Any) -> Trouble:
        """The next calls take so many seconds, of real time."""
        return self._add(Trouble(Way.SLOW, on, seconds=seconds, **told))

    def cut(self, on: str = "*", **told: Any) -> Trouble:
        """The next calls' connections end before the answer; with `done` after the request was done."""
        return self._add(Trouble(Way.CUT, on, **told))

    def malform(self, on: str = "*", **told: Any) -> Trouble:
        """The next calls' answers are not JSON, though the status says success."""
        return self._add(Trouble(Way.MALFORMED, on, **told))

    def recover(self) -> None:
        """Nothing goes wrong any more."""
        self._troubles.clear()

    def _add(self, one: Trouble) -> Trouble:
        self._troubles.append(one)
        return one
