"""How long the command takes to answer `--help`, beside a Python that imports the command line's library and ends."""

import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.measure import Pair, Taken, in_turns


def start_in_turns(repeats: int) -> Pair:
    """Starts both so many times, in turns."""
    script = Path(sys.executable).with_name("nolapse")
    command = [str(script)] if script.is_file() else [sys.executable, "-c", "from cli.main import main; main()"]
    bare = [sys.executable, "-c", "import click"]
    return in_turns(repeats, lambda: _start([*command, "--help"]), lambda: _start(bare))


def _start(command: Sequence[str]) -> Taken:
    before, began = _children_cpu(), time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)  # noqa: S603, our own commands
    return Taken(wall=time.perf_counter() - began, cpu=_children_cpu() - before, done=1)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
