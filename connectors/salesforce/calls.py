"""One call to Salesforce: within the limit, logged in, repeated where that is safe, and its failures in our own words."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import requests

from connectors.salesforce.auth import Auth
from connectors.salesforce.errors import Broken, Unclear
from connectors.salesforce.gate import Gate
from connectors.salesforce.retry import Again, Verdict, weigh, weigh_silence
from connectors.salesforce.transport import Answer, Transport

_OWNERS_STAY = {"Sforce-Auto-Assign": "FALSE"}
"""Without it the assignment rules of cases and leads would give each one that we write another owner."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a call is made at most, and how long one pause may be (seconds)."""

    attempts: int = 5
    first_pause: float = 0.5
    longest_pause: float = 30.0

    def pause(self, attempt: int) -> float:
        """The pause after so many attempts, uneven so that processes do not meet again."""
        grown: float = self.first_pause * 2 ** (attempt - 1)
        return min(self.longest_pause, grown * random.uniform(1.0, 1.5))  # noqa: S311


@dataclass(frozen=True, slots=True)
class Metered:
    """A call that was answered: what it was, its status, how long it took (seconds)."""

    method: str
    path: str
    status: int
    seconds: float


@dataclass
class Caller:
    """Makes calls. Safe for use by several threads. `meter` is told each answer."""

    transport: Transport
    auth: Auth
    gate: Gate
    patience: Patience
    meter: Callable[[Metered], None] | None = None
    sleep: Callable[[float], None] = time.sleep

    def make(
        self,
        method: str,
        path: str,
        *,
        repeatable: bool,
        body: Any = None,
        csv: bytes | None = None,
        also: Callable[[Answer], bool] = lambda _: False,
    ) -> Answer:
        """The answer of a success, whichever 2xx it is, or one that is `also` an answer to the caller.

        `repeatable`: the call does no harm when it is made twice, so it may be made again after a silence or a 5xx.
        A session that has ended is renewed once. Raises `SalesforceError`.
        """
        renewed = False
        attempt = 1
        while True:
            self.gate.enter()
            login = self.auth.login()
            verdict = self._attempt(
                method,
                path,
                partial(self.transport.call, login, method, path, body=body, csv=csv, headers=_OWNERS_STAY),
                also,
            )
            if isinstance(verdict, Answer):
                return verdict
            if verdict.ended and not renewed and self.auth.renew(login) is not None:
                renewed = True
                continue
            if verdict.holds:
                self.gate.hold(verdict.holds, verdict.error.text)
            again = verdict.again is Again.ALWAYS or (repeatable and verdict.again is Again.IF_REPEATABLE)
            if not again or attempt == self.patience.attempts:
                raise verdict.error
            self.sleep(self.patience.pause(attempt))
            attempt += 1

    def ask(
        self,
        method: str,
        path: str,
        *,
        repeatable: bool = True,
        body: Any = None,
    ) -> Any:
        """The JSON of a success; None where it has no body. Raises as `make`."""
        answer = self.make(method, path, repeatable=repeatable, body=body)
        try:
            return answer.json()
        except ValueError as error:
            kind = Broken if repeatable else Unclear
            text = f"answered {answer.status} with something that is not JSON; check salesforce.base_url"
            raise kind(text) from error

    def _attempt(
        self, method: str, path: str, call: Callable[[], Answer], also: Callable[[Answer], bool]
    ) -> Answer | Verdict:
        try:
            answer = call()
        except requests.RequestException as error:
            return weigh_silence(error)
        self.gate.heed(answer.headers)
        if self.meter is not None:
            self.meter(Metered(method, path, answer.status, answer.seconds))
        return answer if answer.done or also(answer) else weigh(answer)
