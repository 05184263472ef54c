"""On what the figures were taken: processor, memory, disk, versions, and how busy the machine was."""

import os
import platform
import sqlite3
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

_SYNCS = 50


def describe(folder: Path, store: str) -> str:
    """The machine in a few lines; `folder` is where the benchmarks write."""
    lines = (
        f"{datetime.now(UTC):%Y-%m-%d}: {_processor()}, {os.cpu_count()} cores, {_memory_gb():.0f} GB of memory, "
        f"{platform.system()} {platform.release().split('-')[0]}",
        f"Python {platform.python_version()}, {store}"
        f"{f' {sqlite3.sqlite_version}' if store == 'SQLite' else ''}, SQLAlchemy {version('sqlalchemy')}, "
        f"Jinja2 {version('jinja2')}; a write of 20 kB with fsync takes {_sync_ms(folder):.2f} ms",
    )
    return "  \n".join(lines)


def load() -> str:
    """How many processes wanted a core during the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    if file.is_file():
        for line in file.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9


def _sync_ms(folder: Path) -> float:
    return statistics.median(_syncs(folder / "probe")) * 1000


def _syncs(file: Path) -> Iterator[float]:
    for _ in range(_SYNCS):
        began = time.perf_counter()
        with file.open("wb") as probe:
            probe.write(b"x" * 20_000)
            probe.flush()
            os.fsync(probe.fileno())
        yield time.perf_counter() - began
        file.unlink()
