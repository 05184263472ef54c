"""One call to HubSpot: within the limits, repeated where that is safe, and its failures in our own words."""

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import urllib3

from connectors.hubspot.errors import Broken, Unclear
from connectors.hubspot.retry import Again, Verdict, weigh, weigh_silence
from connectors.hubspot.transport import Answer


class Gate(Protocol):
    """The limits of the account: asked before each call, told what each answer says of them."""

    def enter(self, *, search: bool) -> None:
        """Waits for the permit of one call. Raises `RetriableError` where that takes too long."""
        ...

    def heed(self, headers: Mapping[str, str]) -> None: ...

    def hold(self, seconds: float) -> None: ...


class OpenGate:
    """No limits: the gate of a client that was not opened from settings."""

    def enter(self, *, search: bool) -> None:
        """Always open."""

    def heed(self, headers: Mapping[str, str]) -> None:
        """Nothing to learn."""

    def hold(self, seconds: float) -> None:
        """Nobody to hold."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is made at most, and how long one pause may be (seconds)."""

    attempts: int = 5
    first_pause: float = 0.5
    longest_pause: float = 30.0


@dataclass
class Caller:
    """Makes calls. Safe for use by several threads."""

    gate: Gate
    patience: Patience
    sleep: Callable[[float], None] = time.sleep

    def make(self, call: Callable[[], Answer], *, repeatable: bool, search: bool = False) -> Answer:
        """The answer of a success, whichever 2xx it is.

        `repeatable`: the call does no harm when it is made twice, so it may be made again after a silence or a 5xx.
        Raises `HubSpotError`: `Busy` where nothing was done, `Unclear` where nobody can tell.
        """
        for attempt in range(1, self.patience.attempts + 1):
            self.gate.enter(search=search)
            verdict = self._attempt(call)
            if isinstance(verdict, Answer):
                return verdict
            pause = verdict.pause if verdict.pause is not None else self._growing(attempt)
            if verdict.holds:
                self.gate.hold(pause)
            again = verdict.again is Again.ALWAYS or (repeatable and verdict.again is Again.IF_REPEATABLE)
            if not again or attempt == self.patience.attempts or pause > self.patience.longest_pause:
                raise verdict.error
            self.sleep(pause)
        raise AssertionError("at least one attempt is made")

    def ask(self, call: Callable[[], Answer], *, repeatable: bool = True, search: bool = False) -> Any:
        """The JSON of a success; None where it has no body. Raises as `make`."""
        return json_of(self.make(call, repeatable=repeatable, search=search), repeatable=repeatable)

    def _attempt(self, call: Callable[[], Answer]) -> Answer | Verdict:
        try:
            answer = call()
        except urllib3.exceptions.HTTPError as error:
            return weigh_silence(error)
        self.gate.heed(answer.headers)
        return answer if answer.done else weigh(answer)

    def _growing(self, attempt: int) -> float:
        pause: float = self.patience.first_pause * 2 ** (attempt - 1)
        return min(self.patience.longest_pause, pause * random.uniform(1.0, 1.5))  # noqa: S311


def json_of(answer: Answer, *, repeatable: bool) -> Any:
    """The JSON of a success. Raises `Unclear`, after a write that cannot be repeated, or `Broken` for another body."""
    try:
        return answer.json()
    except ValueError as error:
        kind = Broken if repeatable else Unclear
        raise kind(f"answered {answer.status} with something that is not JSON; check hubspot.base_url") from error
