"""The limits of calls: rolling windows per key, by the time that passes for the client."""

import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable
from threading import Lock

TRUE_WINDOWS = ((1000, 180.0), (100, 5.0))


class RollingLimits:
    """At most so many calls in any span of so many seconds, for each key on its own.

    `scale` shortens the windows: 0.01 allows 1000 calls in 1.8 seconds and 100 in 0.05. No windows: no limits. `clock`
    gives seconds that rise.
    """

    def __init__(
        self,
        windows: tuple[tuple[int, float], ...] = TRUE_WINDOWS,
        *,
        scale: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.windows = tuple((calls, seconds * scale) for calls, seconds in windows)
        self.clock = clock
        self._lock = Lock()
        self._calls: dict[str, list[float]] = defaultdict(list)

    def admit(self, key: str, refused_count: bool = False) -> bool:
        """Whether this call may pass; if so it counts from now on, if not it counts where `refused_count` says so."""
        with self._lock:
            now, calls = self.clock(), self._calls[key]
            longest = max((seconds for _, seconds in self.windows), default=0.0)
            del calls[: bisect_right(calls, now - longest)]
            passes = all(len(calls) - bisect_right(calls, now - seconds) < most for most, seconds in self.windows)
            if passes or refused_count:
                calls.append(now)
            return passes


def no_limits() -> RollingLimits:
    """Lets every call pass."""
    return RollingLimits(())
