"""The org's limit of calls in 24 hours, kept before it is hit: a part of it is left to the org's other integrations.

The limit is the org's, and each answer tells how much of it is used by everybody (`Sforce-Limit-Info`). So every process
sees it by itself.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

from connectors.salesforce.errors import Busy

LOOK_AGAIN = 600.0
"""When the reserve is reached, a call is let through after so many seconds, to see how the 24 hours have rolled on."""

_TOLD = re.compile(r"(?<![\w-])api-usage=(\d+)/(\d+)")


@dataclass(frozen=True, slots=True)
class Usage:
    """The org's calls in the last 24 hours, as the last answer told."""

    used: int
    most: int


class Gate:
    """Asked before each call, told what each answer says. Safe for use by several threads.

    `reserve` is the part of the org's calls that is left to others, 0 to below 1.
    """

    def __init__(self, reserve: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._reserve = reserve
        self._clock = clock
        self._lock = Lock()
        self._closed_until = 0.0
        self._why = ""
        self.usage: Usage | None = None

    def enter(self) -> None:
        """Raises `RetriableError` where no call may go now."""
        with self._lock:
            now = self._clock()
            if now >= self._closed_until:
                return
            minutes = int((self._closed_until - now) / 60) + 1
        raise Busy(f"{self._why}; the next call may go in {minutes} minutes")

    def heed(self, headers: Mapping[str, str]) -> None:
        """Takes in what an answer says of the org's calls."""
        told = _TOLD.search(headers.get("sforce-limit-info", ""))
        if told is None:
            return
        usage = Usage(int(told[1]), int(told[2]))
        with self._lock:
            self.usage = usage
            if usage.used >= usage.most * (1 - self._reserve):
                self._close(LOOK_AGAIN, "the rest of the org's calls is left to its other integrations")

    def hold(self, seconds: float, why: str) -> None:
        """Lets nobody call for so long."""
        with self._lock:
            self._close(seconds, why)

    def _close(self, seconds: float, why: str) -> None:
        self._closed_until, self._why = self._clock() + seconds, why
