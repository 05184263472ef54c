"""A process of its own that makes others to be killed: warmed up once, it forks one for each death.

It is spoken to in lines of JSON on its standard input and answers on its standard output. Forking a warm process takes
milliseconds where starting one takes a second; pytest itself is never forked.
"""

import gc
import json
import logging
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from tests.fire.points import Points
from tests.fire.world import World

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Place:
    """Where a process works: its database, the folder its mails go to, or the port of the mail server."""

    url: str
    folder: str
    smtp_port: int = 0


@dataclass(frozen=True)
class Fate:
    """How a forked process ended: by a signal or by itself, and what it said."""

    killed: bool
    said: Any


class Forks:
    """The process that forks, as tests speak to it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def prepare(self, step: str, place: Place) -> None:
        """Fills an empty database up to the moment before a step."""
        self._ask("prepare", step, place)

    def undisturbed(self, step: str, place: Place) -> dict[str, Any]:
        """Does the step and the rest of the day, and gives what an operator would see."""
        said: dict[str, Any] = self._ask("undisturbed", step, place).said
        return said

    def count(self, step: str, place: Place) -> list[str]:
        """The points that a process passes in this step, in their order."""
        found: list[str] = self._ask("kill", step, place).said
        return found

    def kill(self, step: str, at: int, place: Place) -> None:
        """A process begins the step and dies at this point."""
        assert self._ask("kill", step, place, at).killed, f"point {at} of {step} was not reached"

    def live_on(self, place: Place) -> dict[str, Any]:
        """Another process takes over and does the rest of the day. Gives what an operator would see."""
        said: dict[str, Any] = self._ask("live_on", "", place).said
        return said

    def _ask(self, do: str, step: str, place: Place, at: int = 0) -> Fate:
        told = asdict(place) | {"do": do, "step": step, "at": at}
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(told) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return Fate(answer["killed"], answer["said"])


@contextmanager
def forking() -> Iterator[Forks]:
    """A process that forks, for the time of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.fire.forks"],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "0"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield Forks(process)
        finally:
            assert process.stdin is not None
            process.stdin.close()
            process.wait(10)


def _serve() -> None:
    points = Points()
    points.watch_disk()
    points.watch_wire()
    worlds: dict[str, World] = {}
    for line in sys.stdin:
        told = json.loads(line)
        backend = make_url(told["url"]).get_backend_name()
        if backend not in worlds:
            worlds[backend] = World(told["url"], points)
        world = worlds[backend]
        world.turn_to(told["url"], told["folder"], told["smtp_port"])
        answer = _fork(world, told) if told["do"] in ("kill", "live_on") else _stay(world, told)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _stay(world: World, told: dict[str, Any]) -> dict[str, Any]:
    """Works without forking: what the parent learns, of statements above all, its children know."""
    try:
        if told["do"] == "prepare":
            world.prepare(told["step"])
            return {"killed": False, "said": None}
        world.step(told["step"])
        return {"killed": False, "said": world.live_on()}
    except Exception:
        return {"error": traceback.format_exc()}
    finally:
        # No connection may be shared with a child.
        world.leave()


def _fork(world: World, told: dict[str, Any]) -> dict[str, Any]:
    reading, writing = os.pipe()
    gc.freeze()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(world, told, writing)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return {"killed": os.WTERMSIG(status) == signal.SIGKILL, "said": None}
    answer: dict[str, Any] = json.loads(said) if said else {"error": f"a child ended with {status}"}
    return answer | {"killed": False}


def _child(world: World, told: dict[str, Any], writing: int) -> None:
    # It will not live long, and collecting would copy all the memory that it shares with its parent.
    gc.disable()
    try:
        said: Any = world.live_on() if told["do"] == "live_on" else world.watched(told["step"], told["at"])
        answer = {"said": said}
    except BaseException:
        answer = {"error": traceback.format_exc()}
    with os.fdopen(writing, "w") as pipe:
        pipe.write(json.dumps(answer))
    os._exit(0)


if __name__ == "__main__":
    logging.disable()
    _serve()
