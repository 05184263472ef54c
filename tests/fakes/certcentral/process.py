"""The stand-in in a process of its own, as a bench wants it: its work and memory are not the client's."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3

ROOT = Path(__file__).parent.parent.parent.parent


@dataclass(frozen=True)
class OtherProcess:
    """A stand-in that runs elsewhere."""

    base_url: str
    key: str
    counts: str

    def told(self) -> dict[str, Any]:
        """What it has counted: `calls` by route, `answers` by status (as text)."""
        with urllib3.PoolManager(timeout=10.0, retries=False) as pool:
            found: dict[str, Any] = pool.request("GET", self.counts).json()
            return found


@contextmanager
def certcentral_process(
    orders: int, in_window: int = 0, lacking: int = 0, *, scale: float = 1.0
) -> Iterator[OtherProcess]:
    """A stand-in with so many orders; see `SeededPortfolio` and `RollingLimits`."""
    said = {"orders": orders, "in-window": in_window, "lacking": lacking, "scale": scale}
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.certcentral", *(f"--{name}={value}" for name, value in said.items())],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line, "the stand-in did not start"
            yield OtherProcess(**json.loads(line))
        finally:
            process.terminate()
