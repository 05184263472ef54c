"""What the stand-in is told to do wrong."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Literal

Kind = Literal["status", "slow", "cut", "malformed", "truncated", "meanwhile"]


@dataclass
class Trouble:
    """One thing to do wrong, on the calls whose path begins with `path` (without the base) and whose method fits.

    With `exact` the path is just that one. It skips the first `after` of them and then befalls `times`. `kind`:
    status (answer `status`, with `Retry-After` where `retry_after` says what), slow (wait `seconds` first), cut (the
    connection breaks amid the answer), malformed (no JSON), truncated (JSON that ends amid), meanwhile (call `do`
    before the answer is made up). What the service would do does not happen with status; with cut it has happened.
    """

    kind: Kind
    path: str = ""
    exact: bool = False
    method: str = ""
    times: int = 1
    after: int = 0
    status: int = 500
    retry_after: str | None = None
    seconds: float = 1.0
    code: str = ""
    do: Callable[[], Any] | None = None
    befell: int = field(default=0, init=False)
    _passed: int = field(default=0, init=False)

    def due(self, method: str, path: str) -> bool:
        """Whether it befalls this call, which then counts."""
        fits = path == self.path if self.exact else path.startswith(self.path)
        if not fits or self.method not in ("", method) or self.befell >= self.times:
            return False
        if self._passed < self.after:
            self._passed += 1
            return False
        self.befell += 1
        return True


class Troubles:
    """Everything that is to go wrong."""

    def __init__(self) -> None:
        self._told: list[Trouble] = []
        self._lock = Lock()

    def add(self, kind: Kind, path: str = "", **said: Any) -> Trouble:
        """One more; it tells how often it `befell`."""
        one = Trouble(kind, path, **said)
        with self._lock:
            self._told.append(one)
        return one

    def clear(self) -> None:
        """Nothing goes wrong any more."""
        with self._lock:
            self._told.clear()

    def of(self, method: str, path: str) -> list[Trouble]:
        """What befalls this call."""
        with self._lock:
            return [one for one in self._told if one.due(method, path)]
