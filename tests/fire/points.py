"""The points at which a process may die, found by counting.

What a process does to the world are effects: a statement, a commit, a step on the disk, a word on the wire. There is one
point before each effect and one after the last, so that a process that is killed at each of them has died between any
two effects. An armed process counts the points it passes and, at the one it is told, kills itself as a power cut would.

Every so often a process is at a rest: no connection is open, nothing is under way outside. There it can be halted, and
doubles of it can be sent on to die at the points that follow.
"""

import os
import signal
import smtplib
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

from sqlalchemy import Connection, Engine, QueuePool, event

import connectors.embedded.maildir as maildir

_CRM_CALLS = (
    "push_records",
    "find_tasks",
    "create_tasks",
    "raise_tasks",
    "close_tasks",
    "changes",
    "log_mail",
    "write_optout",
)
_MAILER_CALLS = ("send", "find")
_DISK_STEPS = ("open", "fsync", "rename", "mkdir", "listdir", "unlink", "close")
_WIRE_STEPS = ("connect", "send", "getreply")

STRETCH = 10
"""How many points lie between two halts at the least: a halt costs as much as passing so many."""


class Points:
    """Counts the points that this process passes once it is armed."""

    def __init__(self) -> None:
        self.armed = False
        self.kill_at = 0
        self.passed: list[str] = []
        self.halts: list[int] = []
        self.on_halt: Callable[[], None] = _go_on
        self._within = ""
        self._on_wire = False

    def arm(self) -> None:
        """Counts from now on; at the point of the number `kill_at`, if any, the process is gone."""
        self.armed, self.passed, self.halts = True, [], []
        self._on_wire = False
        self._halt()

    def disarm(self) -> None:
        self.armed = False

    def __call__(self, effect: str) -> None:
        """The process is about to have an effect."""
        if not self.armed:
            return
        self._on_wire |= effect == "smtp.connect"
        self.passed.append(f"{effect} in {self._within}" if self._within else effect)
        if len(self.passed) == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def rest(self) -> None:
        """Nothing is open now: if the last halt is far enough behind, the process halts here."""
        if self.armed and not self._on_wire and len(self.passed) >= self.halts[-1] + STRETCH:
            self._halt()

    def _halt(self) -> None:
        self.halts.append(len(self.passed))
        self.on_halt()

    def before(self, effect: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """The call with a point before it."""

        @wraps(call)
        def watched(*given: Any, **named: Any) -> Any:
            self(effect)
            return call(*given, **named)

        return watched

    def within(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        """An outside call: its effects are told as its own."""

        @wraps(call)
        def named_call(*given: Any, **named: Any) -> Any:
            self(f"{name} begins")
            self._within = name
            try:
                return call(*given, **named)
            finally:
                self._within = ""

        return named_call

    def watch_engine(self, engine: Engine) -> None:
        """Every statement and every commit; it may rest before it connects anew."""
        connect = engine.connect

        def rested() -> Connection:
            if not cast(QueuePool, engine.pool).checkedout():
                self.rest()
            return connect()

        engine.connect = rested  # type: ignore[method-assign]
        event.listen(engine, "before_cursor_execute", lambda *told: self(_short(told[2])))
        engine.dialect.do_commit = self.before("commit", engine.dialect.do_commit)  # type: ignore[method-assign]

    def watch_crm(self, crm: Any) -> None:
        """Every call of a CRM."""
        for name in _CRM_CALLS:
            setattr(crm, name, self.within(f"crm.{name}", getattr(crm, name)))

    def watch_mailer(self, mailer: Any) -> None:
        """Every call of a mailer."""
        for name in _MAILER_CALLS:
            setattr(mailer, name, self.within(f"mailer.{name}", getattr(mailer, name)))

    def watch_disk(self) -> None:
        """Every step of the process on the disk that it asks for by itself, and each write into a mail."""
        for name in _DISK_STEPS:
            setattr(os, name, self.before(f"os.{name}", getattr(os, name)))

        def opened(*given: Any, **named: Any) -> "_Writes":
            return _Writes(open(*given, **named), self)

        vars(maildir)["open"] = opened

    def watch_wire(self) -> None:
        """Every word to and from a mail server."""
        for name in _WIRE_STEPS:
            setattr(smtplib.SMTP, name, self.before(f"smtp.{name}", getattr(smtplib.SMTP, name)))


def _go_on() -> None:
    """Nobody waits for this process."""


class _Writes:
    """A file whose writes are points."""

    def __init__(self, file: Any, points: Points) -> None:
        self._file = file
        self.write = points.before("file.write", file.write)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _short(statement: str) -> str:
    words = statement.split()
    if words[0].upper() == "SELECT" and "FROM" in words:
        return f"SELECT {words[words.index('FROM') + 1]}"
    return " ".join(words[:3])
