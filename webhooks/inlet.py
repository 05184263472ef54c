"""What every door shares: an event whose sender was checked is stored under its key, and answered."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Response, jsonify

from core import inbox
from core.errors import StoreError
from core.store import Store
from webhooks.metrics import Metrics

log = logging.getLogger("nolapse.web")

_RETRY_SECONDS = "30"


@dataclass(frozen=True, slots=True)
class Inlet:
    """Where doors hand events in. `wake` tells whoever applies them that something is there."""

    store: Store
    metrics: Metrics
    wake: Callable[[], None]

    def take(self, door: str, key: str, content: bytes, told: Mapping[str, Any] | None = None) -> Response:
        """Stores an event and answers 202, or 200 where it is known already; 503 asks the sender to try again."""
        event = inbox.Event(door, key, content, datetime.now(UTC))
        try:
            with self.store.begin() as connection:
                new = inbox.receive(connection, event)
        except StoreError as error:
            log.error("%s: an event could not be stored: %s", door, error)
            self.metrics.count(door, "not_stored")
            return refusal(
                503, "this cannot be stored at the moment; send it again later", {"Retry-After": _RETRY_SECONDS}
            )
        self.metrics.count(door, "accepted" if new else "repeated")
        if new:
            self.wake()
        answer = jsonify({"status": "accepted" if new else "known", **(told or {})})
        answer.status_code = 202 if new else 200
        return answer

    def refuse(self, door: str, code: int, why: str) -> Response:
        """Turns an event away; nothing of it is kept."""
        self.metrics.count(door, f"refused_{code}")
        log.warning("%s: an event was refused with %d: %s", door, code, why)
        return refusal(code, why)


def refusal(code: int, why: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON that says what was wrong."""
    answer = jsonify({"error": why})
    answer.status_code = code
    answer.headers.update(dict(headers or {}))
    return answer
