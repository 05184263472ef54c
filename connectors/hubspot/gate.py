"""The limits of a HubSpot account, kept before they are hit, by every process on one database together.

HubSpot counts calls of an app in ten seconds, searches of an account in one, and calls of an account in a day. The day is
shared with the account's other apps, so a part of it is left to them: by our own count, and by what HubSpot tells in its
headers, which sees the others too.
"""

import time
from collections.abc import Callable, Mapping
from threading import Lock
from typing import Protocol

from sqlalchemy import Engine

from connectors.hubspot.errors import Busy
from connectors.hubspot.settings import HubSpotSettings
from core.limits import Limits, Window

_DAY = 86_400.0
_SEARCH_SHARE = 0.8
"""Of a window of one second the network's unevenness is a larger part than of ten."""

_LOOK_AGAIN = 600.0
"""When the account's day is used up, one call is tried after so many seconds: midnight comes in its own time zone."""


class Quota(Protocol):
    """What `core.limits.Limits` does."""

    def take(self, calls: int = 1) -> None: ...

    def hold(self, seconds: float) -> None: ...


class AccountGate:
    """The limits as one gate. Safe for use by several threads."""

    def __init__(
        self,
        calls: Quota,
        searches: Quota,
        *,
        reserve: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._calls = calls
        self._searches = searches
        self._reserve = reserve
        self._clock = clock
        self._lock = Lock()
        self._closed_until = 0.0

    def enter(self, *, search: bool) -> None:
        """Waits for the permit of one call. Raises `RetriableError` where that takes too long."""
        with self._lock:
            if self._clock() < self._closed_until:
                raise Busy("the rest of the account's calls of the day is left to its other apps")
        self._calls.take()
        if search:  # the narrower limit last, so that nothing comes between its permit and the call
            self._searches.take()

    def heed(self, headers: Mapping[str, str]) -> None:
        """Takes in what an answer says of the limits: the calls left to the account today, and to the app now."""
        daily, left = (
            _number(headers, "x-hubspot-ratelimit-daily"),
            _number(headers, "x-hubspot-ratelimit-daily-remaining"),
        )
        if daily and left is not None and left <= daily * self._reserve:
            with self._lock:
                self._closed_until = self._clock() + _LOOK_AGAIN
        if _number(headers, "x-hubspot-ratelimit-remaining") == 0:
            self._calls.hold(1.0)

    def hold(self, seconds: float) -> None:
        """Lets nobody call for so long."""
        self._calls.hold(seconds)


def account_gate(settings: HubSpotSettings, engine: Engine) -> AccountGate:
    """The gate of the settings, shared through the store."""
    reserve = settings.daily_reserve_percent / 100
    budget = max(1, int(settings.calls_per_day * (1 - reserve)))
    return AccountGate(
        Limits(
            engine,
            "HubSpot",
            (Window(settings.calls_per_10_seconds, 10.0), Window(budget, _DAY)),
        ),
        Limits(engine, "HubSpot search", (Window(settings.searches_per_second, 1.0),), share=_SEARCH_SHARE),
        reserve=reserve,
    )


def _number(headers: Mapping[str, str], name: str) -> int | None:
    said = headers.get(name, "")
    return int(said) if said.isdigit() else None
