"""A process of its own that makes others to be killed: warmed up once, it forks one for each death.

It is spoken to in lines of JSON on its standard input and answers on its standard output. Forking a warm process takes
milliseconds where starting one takes a second; pytest itself is never forked.

Whoever is to die late in a step need not begin it: one process walks through the step and halts every so often, and from
there doubles of it go on to the points that follow, one to each.
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
from typing import IO, Any, NoReturn

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
    """Whether a double was killed, or what another process said."""

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

    def count(self, step: str, place: Place) -> tuple[list[str], list[int]]:
        """The points that a process passes in this step, in their order, and behind how many of them it would halt."""
        points, halts = self._ask("count", step, place).said
        return points, halts

    def walk(self, step: str, place: Place) -> None:
        """A process begins the step and halts before its first point."""
        assert self._ask("walk", step, place).said == 0

    def kill(self, at: int, place: Place) -> None:
        """A double of the process that halts goes on and dies at this point."""
        assert self._ask("kill", "", place, at).killed, f"point {at} was not reached"

    def go_on(self, place: Place) -> int:
        """The process that halts goes on to its next halt, or to its end: how many points it has passed then."""
        passed: int = self._ask("go_on", "", place).said
        return passed

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
    walker: _Walker | None = None
    for line in sys.stdin:
        told = json.loads(line)
        backend = make_url(told["url"]).get_backend_name()
        if backend not in worlds:
            worlds[backend] = World(told["url"], points)
        world = worlds[backend]
        world.turn_to(told["url"], told["folder"], told["smtp_port"])
        if told["do"] == "walk":
            if walker is not None:
                walker.close()
            walker = _Walker(world, told["step"])
        if told["do"] in ("walk", "kill", "go_on"):
            assert walker is not None
            answer = walker.ask(told)
        else:
            answer = _fork(world, told) if told["do"] in ("count", "live_on") else _stay(world, told)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    if walker is not None:
        walker.close()


class _Walker:
    """The process that walks through a step, as the one that forked it speaks to it."""

    def __init__(self, world: World, step: str) -> None:
        asked, self._asking = _pipe()
        self._answers, answering = _pipe()
        gc.freeze()
        self._child = os.fork()
        if self._child == 0:
            self._asking.close()
            self._answers.close()
            _walk(world, step, asked, answering)
        asked.close()
        answering.close()

    def ask(self, told: dict[str, Any]) -> dict[str, Any]:
        """What it answers; it begins to walk by itself."""
        if told["do"] != "walk":
            self._asking.write(json.dumps(told) + "\n")
            self._asking.flush()
        answer: dict[str, Any] = json.loads(self._answers.readline() or '{"error": "the walker is gone"}')
        return {"killed": False, "said": None} | answer

    def close(self) -> None:
        """It ends when nobody asks any more."""
        self._asking.close()
        self._answers.close()
        os.waitpid(self._child, 0)


def _pipe() -> tuple[IO[str], IO[str]]:
    reading, writing = os.pipe()
    return os.fdopen(reading), os.fdopen(writing, "w")


def _walk(world: World, step: str, asked: IO[str], answering: IO[str]) -> NoReturn:
    """Walks through a step. At each halt doubles are forked, as often as it is asked, which end only by their death."""
    # As for every child: collecting would copy all the memory that it shares with its parent.
    gc.disable()
    points, walker = world.points, os.getpid()

    def answer(**said: Any) -> None:
        answering.write(json.dumps(said) + "\n")
        answering.flush()

    def halt() -> None:
        if os.getpid() != walker:
            return
        # A double shares no connection with the walker, and has no thread of it.
        world.leave()
        points.disarm()
        answer(said=len(points.passed))
        for line in asked:
            told = json.loads(line)
            if told["do"] == "go_on":
                break
            double = os.fork()
            if double == 0:
                points.kill_at = told["at"]
                break
            _, status = os.waitpid(double, 0)
            answer(killed=os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL)
        else:
            os._exit(0)
        points.armed = True

    points.on_halt = halt
    try:
        world.watched(step)
        if os.getpid() == walker:
            answer(said=len(points.passed))
    except BaseException:
        if os.getpid() == walker:
            answer(error=traceback.format_exc())
        else:
            traceback.print_exc()
    os._exit(0)


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
    answer: dict[str, Any] = json.loads(said) if said else {"error": f"a child ended with {status}"}
    return answer | {"killed": False}


def _child(world: World, told: dict[str, Any], writing: int) -> None:
    # It will not live long, and collecting would copy all the memory that it shares with its parent.
    gc.disable()
    try:
        answer: dict[str, Any] = {"said": world.live_on() if told["do"] == "live_on" else _counted(world, told["step"])}
    except BaseException:
        answer = {"error": traceback.format_exc()}
    with os.fdopen(writing, "w") as pipe:
        pipe.write(json.dumps(answer))
    os._exit(0)


def _counted(world: World, step: str) -> tuple[list[str], list[int]]:
    world.watched(step)
    return world.points.passed, world.points.halts


if __name__ == "__main__":
    logging.disable()
    _serve()
