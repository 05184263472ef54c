"""The list of the calls that came, and how they are counted."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Came:
    """A call that came."""

    phase: str
    method: str
    path: str
    operation: str
    """Such as `objects.batch.upsert`; empty for a path that is not documented."""
    object_type: str
    """Such as `tickets`, `tickets/contacts` for associations; empty for operations without one."""
    inputs: int
    """How many records it was about."""
    status: int
    body: Any


class Tally:
    """All calls that came, by the phase of the test in which they did."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Came] = []
        self._phase = ""

    def note(self, method: str, path: str, operation: str, object_type: str, status: int, body: Any) -> None:
        """Takes a call down."""
        inputs = body.get("inputs") if isinstance(body, dict) else None
        count = len(inputs) if isinstance(inputs, list) else 1
        self.calls.append(Came(self._phase, method, path, operation, object_type, count, status, body))

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Counts the calls within under a name."""
        before, self._phase = self._phase, name
        try:
            yield
        finally:
            self._phase = before

    def count(self, operation: str = "", object_type: str = "", phase: str = "") -> int:
        """How many calls came: all, or those of an operation, kind of object, phase."""
        return len(self.came(operation, object_type, phase))

    def came(self, operation: str = "", object_type: str = "", phase: str = "") -> list[Came]:
        """The calls that came: all, or those of an operation, kind of object, phase."""
        return [
            call
            for call in list(self.calls)
            if operation in ("", call.operation) and object_type in ("", call.object_type) and phase in ("", call.phase)
        ]

    def counts(self, phase: str = "") -> Counter[str]:
        """Calls by operation and kind of object, such as `objects.batch.upsert tickets`."""
        return Counter(f"{call.operation} {call.object_type}".strip() for call in self.came(phase=phase))

    def forget_calls(self) -> None:
        """Starts the count afresh."""
        self.calls.clear()

    def writes(self, phase: str = "") -> list[Came]:
        """The calls that change something."""
        return [
            call
            for call in self.came(phase=phase)
            if call.method != "GET" and call.operation.rpartition(".")[2] not in ("read", "search")
        ]
