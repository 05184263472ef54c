"""Time and memory of a piece of work, taken in a process of its own so that nothing else weighs in."""

import multiprocessing
import resource
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.process import collect_less


@dataclass(slots=True)
class Taken:
    """What a piece of work took: seconds by the wall and of the processor, and how much it did."""

    wall: float = 0.0
    cpu: float = 0.0
    done: int = 0
    peak_mb: float = 0.0
    notes: dict[str, float] = field(default_factory=dict)


@contextmanager
def stopwatch(taken: Taken) -> Iterator[None]:
    """Times the block into `taken`; processes count that were started and have ended in it."""
    wall, cpu = time.perf_counter(), _processor_seconds()
    yield
    taken.wall, taken.cpu = time.perf_counter() - wall, _processor_seconds() - cpu


def _processor_seconds() -> float:
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + others.ru_utime + others.ru_stime


def in_child(work: Callable[..., Taken], *arguments: Any) -> Taken:
    """Does the work in a new Python process, set as the command's is; gives what it took, with the most memory it held."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), initializer=collect_less) as pool:
        return pool.submit(here, work, *arguments).result()


def here(work: Callable[..., Taken], *arguments: Any) -> Taken:
    """Does the work in this process, and gives what it took with the most memory that this process ever held."""
    taken = work(*arguments)
    taken.peak_mb = peak_mb()
    return taken


def peak_mb() -> float:
    """The most resident memory of this process so far, in MB of a million bytes.

    Linux carries the parent's figure over into `ru_maxrss`, so that its own count is read where there is one.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        told = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM:"))
        return int(told.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


@dataclass(frozen=True, slots=True)
class Pair:
    """The engine's work and its bare comparison, each as often as the other, in turns."""

    ours: tuple[Taken, ...]
    bare: tuple[Taken, ...]

    @property
    def best(self) -> Taken:
        return fastest(self.ours)

    @property
    def best_bare(self) -> Taken:
        return fastest(self.bare)

    @property
    def ratio(self) -> float:
        """How many times as long the engine takes, by the wall, the best of each."""
        return self.best.wall / self.best_bare.wall

    @property
    def cpu_ratio(self) -> float:
        """Likewise by the processor's time."""
        return min(one.cpu for one in self.ours) / min(one.cpu for one in self.bare)

    @property
    def peak_mb(self) -> float:
        """The most memory that any pass of the engine held."""
        return max(one.peak_mb for one in self.ours)


def fastest(several: tuple[Taken, ...]) -> Taken:
    """The one that took the least time: other work on the machine can only add to it."""
    return min(several, key=lambda one: one.wall)


def in_turns(repeats: int, ours: Callable[[], Taken], bare: Callable[[], Taken]) -> Pair:
    """Does both so many times, one after the other, so that a change of the machine's load meets both."""
    pairs = [(ours(), bare()) for _ in range(repeats)]
    return Pair(tuple(one for one, _ in pairs), tuple(other for _, other in pairs))
