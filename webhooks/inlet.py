"""What every door shares: an event whose sender was checked is stored under its key, and answered."""

import hmac
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Lock

from flask import Response, jsonify

from core import inbox
from core.errors import StoreError
from core.store import Store
from webhooks.metrics import Metrics

log = logging.getLogger("nolapse.web")

_RETRY_SECONDS = "30"


@dataclass(slots=True)
class _Waiting:
    """Events of one request on their way into the store: how many are new once they are there, or what went wrong."""

    door: str
    events: Sequence[tuple[str, bytes]]
    new: int = 0
    done: bool = False
    error: Exception | None = None


class Inlet:
    """Where doors hand events in. `wake` tells whoever applies them that something is there.

    Requests that come at the same moment share one transaction: what takes time is to have it on the disk.
    """

    def __init__(self, store: Store, metrics: Metrics, wake: Callable[[], None]) -> None:
        self.store = store
        self.metrics = metrics
        self.wake = wake
        self._waiting: list[_Waiting] = []
        self._queue = Lock()
        self._turn = Lock()

    def take(self, door: str, key: str, content: bytes, *, code: int = 202) -> Response:
        """Stores an event and answers `code`, or 200 where it is known already; 503 asks the sender to try again."""
        new = self.keep(door, [(key, content)])
        if new is None:
            return not_stored()
        return self.answer(new, code=code)

    def answer(self, new: int, *, code: int = 202) -> Response:
        """The answer where so many of the events sent are new: `code`, or 200 where all are known already."""
        answer = jsonify({"status": "accepted" if new else "known"})
        answer.status_code = code if new else 200
        return answer

    def keep(self, door: str, events: Sequence[tuple[str, bytes]]) -> int | None:
        """Stores events, each key with what was said, all or none; gives how many are new, None where it cannot be."""
        mine = _Waiting(door, events)
        with self._queue:
            self._waiting.append(mine)
        with self._turn:
            if not mine.done:
                self._store_waiting()
        if isinstance(mine.error, StoreError):
            log.error("%s: an event could not be stored: %s", door, mine.error)
            self.metrics.count(door, "not_stored", len(events))
            return None
        if mine.error is not None:
            raise mine.error
        new = mine.new
        self.metrics.count(door, "accepted", new)
        self.metrics.count(door, "repeated", len(events) - new)
        if new:
            self.wake()
        return new

    def _store_waiting(self) -> None:
        """Stores what all who wait have brought, in one transaction. Whoever does so holds the turn."""
        with self._queue:
            waiting, self._waiting = self._waiting, []
        now = datetime.now(UTC)
        try:
            with self.store.begin() as connection:
                for one in waiting:
                    told = (inbox.Event(one.door, key, said, now) for key, said in one.events)
                    one.new = sum(inbox.receive(connection, event) for event in told)
        except Exception as error:
            for one in waiting:
                one.error = error
        for one in waiting:
            one.done = True

    def refuse(self, door: str, code: int, why: str) -> Response:
        """Turns an event away; nothing of it is kept."""
        self.metrics.count(door, f"refused_{code}")
        log.warning("%s: an event was refused with %d: %s", door, code, why)
        return refusal(code, why)


def is_one_of(given: str, secrets: Sequence[str]) -> bool:
    """Whether what was given is one of these secrets; how long that takes tells nothing of them."""
    return any(hmac.compare_digest(given.encode(), one.encode()) for one in secrets)


def not_stored() -> Response:
    """The answer where an event cannot be kept: it asks the sender to try again."""
    return refusal(503, "this cannot be stored at the moment; send it again later", {"Retry-After": _RETRY_SECONDS})


def refusal(code: int, why: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON that says what was wrong."""
    answer = jsonify({"error": why})
    answer.status_code = code
    answer.headers.update(dict(headers or {}))
    return answer
