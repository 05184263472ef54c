"""Commands in processes of their own that need not start: a server that has everything imported forks them.

Most of the time of a short command goes into its start, which is not what is tried here.
"""

import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from cli.main import main

ROOT = Path(__file__).parent.parent.parent

_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    [
        "pytest",  # the main module, which every child would import
        __name__,
        "cli.serve",
        "cli.steps",
        "config.assembly",
        "config.server",
        "connectors.certcentral.connector",
        "connectors.embedded.connector",
        "connectors.hubspot.connector",
        "connectors.order_report.connector",
        "connectors.smtp.connector",
        "core.run",
        "core.settle",
        "core.sync",
        "sqlalchemy.dialects.postgresql.psycopg",
        "sqlalchemy.dialects.sqlite.pysqlite",
        "templates.writer",
        "webhooks.app",
    ]
)


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it wrote."""

    code: int
    out: str
    err: str


class Command:
    """A command that runs, `nolapse` and these words, in this folder and with this added to its environment."""

    def __init__(self, *words: str, folder: Path = ROOT, environment: Mapping[str, str] | None = None) -> None:
        self._written = tempfile.TemporaryDirectory(prefix="nolapse-command-")
        self._out, self._err = (Path(self._written.name) / name for name in ("out", "err"))
        told = (words, folder, dict(environment or {}), self._out, self._err)
        self._process = _CONTEXT.Process(target=_do, args=told, daemon=True)
        self._process.start()

    @property
    def runs(self) -> bool:
        return self._process.is_alive()

    def end(self, within: float = 240) -> Ended:
        """Waits for its end, so many seconds at the most."""
        self._process.join(within)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            raise AssertionError(f"it has not ended within {within} s")
        ended = Ended(code, self._out.read_text(), self._err.read_text())
        self._written.cleanup()
        return ended

    def terminate(self) -> None:
        """Asks it to end, as an operator or the system would."""
        self._process.terminate()

    def kill(self) -> None:
        """Ends it as a power cut would."""
        self._process.kill()


def _do(words: Sequence[str], folder: Path, environment: Mapping[str, str], out: Path, err: Path) -> None:
    os.chdir(folder)
    os.environ.update(environment)
    for file, stream in ((out, sys.stdout), (err, sys.stderr)):
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, stream.fileno())
        os.close(descriptor)
    main(words)
