"""How often the API may be called: per ten seconds, per day and, for searches, per second."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

TEN_SECONDS = timedelta(seconds=10)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Limits:
    """The permitted calls. `enforced` is whether more are refused with 429."""

    per_ten_seconds: int = 190
    per_day: int = 625_000
    searches_per_second: int = 5
    enforced: bool = True
    retry_after: int | None = None
    """Seconds told in `Retry-After` of a 429; HubSpot does not promise the header."""


STARTER = Limits(per_ten_seconds=100, per_day=250_000)
PROFESSIONAL = Limits()
ENTERPRISE = Limits(per_day=1_000_000)
TIERS = {"free": STARTER, "starter": STARTER, "professional": PROFESSIONAL, "enterprise": ENTERPRISE}


@dataclass(frozen=True)
class Refusal:
    """Which limit a call met."""

    policy: str

    def body(self, correlation_id: str) -> dict[str, str]:
        """The body of the 429, which the gateway words in a way of its own."""
        limit = {"DAILY": "daily", "SECONDLY": "secondly"}.get(self.policy, "ten_secondly_rolling")
        return {
            "status": "error",
            "message": f"You have reached your {limit} limit.",
            "errorType": "RATE_LIMIT",
            "correlationId": correlation_id,
            "policyName": self.policy,
            "groupName": "publicapi:private-apps:api-calls-daily",
        }


class Gate:
    """Counts calls and refuses those beyond the limits. A refused call is not counted."""

    def __init__(self, limits: Limits, zone: str) -> None:
        self.limits = limits
        self._zone = ZoneInfo(zone)
        self._calls: deque[datetime] = deque()
        self._searches: deque[datetime] = deque()
        self._day = ""
        self.used_today = 0
        self.refused = 0

    def take(self, now: datetime, exempt: frozenset[str], *, is_search: bool) -> Refusal | None:
        """Lets a call pass, or says which limit it met. `exempt`: `daily`, `ten-secondly`."""
        self._forget(now)
        refusal = self._met(exempt, is_search) if self.limits.enforced else None
        if refusal is not None:
            self.refused += 1
            return refusal
        if is_search:
            self._searches.append(now)
        elif "ten-secondly" not in exempt:
            self._calls.append(now)
        if "daily" not in exempt:
            self.used_today += 1
        return None

    def _met(self, exempt: frozenset[str], is_search: bool) -> Refusal | None:
        if "daily" not in exempt and self.used_today >= self.limits.per_day:
            return Refusal("DAILY")
        if is_search:
            return Refusal("SECONDLY") if len(self._searches) >= self.limits.searches_per_second else None
        if "ten-secondly" not in exempt and len(self._calls) >= self.limits.per_ten_seconds:
            return Refusal("TEN_SECONDLY_ROLLING")
        return None

    def _forget(self, now: datetime) -> None:
        while self._calls and now - self._calls[0] >= TEN_SECONDS:
            self._calls.popleft()
        while self._searches and now - self._searches[0] >= SECOND:
            self._searches.popleft()
        day = now.astimezone(self._zone).date().isoformat()
        if self._day and day != self._day:
            self.used_today = 0
        self._day = day

    def resets_at(self, now: datetime) -> datetime:
        """When the daily count starts afresh: midnight in the account's zone."""
        tomorrow = now.astimezone(self._zone).date() + timedelta(days=1)
        return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=self._zone)

    def use_up_day(self, left: int = 0) -> None:
        """Leaves only so many calls for today, as if other apps had used the rest."""
        self.used_today = self.limits.per_day - left

    def headers(self, *, is_search: bool) -> dict[str, str]:
        """The limits as every answer tells them, except those of searches."""
        if is_search:
            return {}
        return {
            "X-HubSpot-RateLimit-Daily": str(self.limits.per_day),
            "X-HubSpot-RateLimit-Daily-Remaining": str(max(0, self.limits.per_day - self.used_today)),
            "X-HubSpot-RateLimit-Interval-Milliseconds": "10000",
            "X-HubSpot-RateLimit-Max": str(self.limits.per_ten_seconds),
            "X-HubSpot-RateLimit-Remaining": str(max(0, self.limits.per_ten_seconds - len(self._calls))),
        }
