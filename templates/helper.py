"""A second process that words mails beside the first, since wording is a third of what a mail costs.

`python -m templates.helper FD [FOLDER]` is that process: it reads letters from the socket FD and answers with mails, until
the other end is closed. FOLDER holds the operator's own templates.
"""

import logging
import os
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from threading import Lock, Thread

from core.errors import ConfigurationError
from core.messages import Letter
from core.process import collect_less
from core.wording import WordedMail
from templates.writer import JinjaWriter

LOG = logging.getLogger("nolapse.templates")

WORTH = 50
"""From so many mails on a helper is started: it takes a third of a second until it is of any use."""

_MOST = 8  # letters that are given at once
_AHEAD = 2  # so many gifts wait with the helper, so that it goes on while this process words one of its own
_PATIENCE = 5.0  # seconds until a helper that should end is ended
_READY = "ready"

_Answer = list[WordedMail] | str


class HelpedWriter(JinjaWriter):
    """A `JinjaWriter` that words many mails on two processors, where there are two.

    A helper that ends too soon costs time and no mail: its letters are worded here, and all that follow.
    """

    def __init__(self, overrides: Path | None = None) -> None:
        super().__init__(overrides)
        self._overrides = overrides
        self._helper: _Helper | None = None
        self._alone = _processors() < 2
        self._busy = Lock()

    def expect(self, letters: int) -> None:
        """So many letters are about to come: a helper is started where they are worth it."""
        if letters < WORTH or self._alone or self._helper is not None:
            return
        with self._busy:
            try:
                self._helper = _Helper(self._overrides)
            except OSError:
                self._go_on_alone()

    def mails(self, letters: Sequence[Letter]) -> list[WordedMail]:
        """The letters as mails, in their order."""
        if self._helper is None or len(letters) < WORTH or not self._busy.acquire(blocking=False):
            return super().mails(letters)
        try:
            return self._together(self._helper, letters)
        except BaseException:
            # What the helper still answers belongs to no batch any more.
            self.close()
            raise
        finally:
            self._busy.release()

    def close(self) -> None:
        """Ends the helper, until letters are expected again."""
        helper, self._helper = self._helper, None
        if helper is not None:
            helper.end()

    def _together(self, helper: "_Helper", letters: Sequence[Letter]) -> list[WordedMail]:
        """This process words from the front, the helper takes from the back what is left."""
        mine: list[WordedMail] = []
        theirs: deque[WordedMail] = deque()
        given: deque[Sequence[Letter]] = deque()
        end = len(letters)
        while len(mine) < end or given:
            try:
                while len(given) < _AHEAD and helper.ready and (share := _share(end - len(mine))):
                    given.append(letters[end - share : end])
                    helper.give(given[-1])
                    end -= share
                if given and (len(mine) == end or helper.has_answered):
                    theirs.extendleft(reversed(helper.take()))
                    given.popleft()
                    continue
            except (OSError, EOFError):
                self._go_on_alone()
                left = [letter for some in reversed(given) for letter in some]
                return [*mine, *super().mails([*letters[len(mine) : end], *left]), *theirs]
            if len(mine) < end:
                mine.append(self.mail(letters[len(mine)]))
        return [*mine, *theirs]

    def _go_on_alone(self) -> None:
        LOG.warning("there is no second process to help to word mails; it goes on more slowly without it")
        self.close()
        self._alone = True


def _processors() -> int:
    """On how many this process may run."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _share(left: int) -> int:
    """How many of the letters that are left go to the helper next: fewer towards the end, where one waits for it."""
    return min(_MOST, left // 4)


class _Helper:
    """The other process, seen from here. Its methods raise OSError or EOFError where it has ended."""

    def __init__(self, overrides: Path | None) -> None:
        self._line, theirs = Pipe()
        self._ready = False
        command = [sys.executable, "-P", "-m", "templates.helper", str(theirs.fileno())]
        # It needs no secrets.
        surroundings = {name: value for name, value in os.environ.items() if not name.startswith("NOLAPSE_")}
        try:
            self._process = subprocess.Popen(  # noqa: S603, this very program
                [*command, *([str(overrides)] if overrides else [])],
                pass_fds=[theirs.fileno()],
                env=surroundings,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        except OSError:
            self._line.close()
            raise
        finally:
            theirs.close()

    @property
    def ready(self) -> bool:
        """Whether it has begun to listen."""
        if not self._ready and self._line.poll():
            self._ready = self._line.recv() == _READY
        return self._ready

    @property
    def has_answered(self) -> bool:
        return self._line.poll()

    def give(self, letters: Sequence[Letter]) -> None:
        self._line.send(letters)

    def take(self) -> list[WordedMail]:
        """The mails of the letters that were given first. Raises ConfigurationError where a template is broken."""
        answer: _Answer = self._line.recv()
        if isinstance(answer, str):
            raise ConfigurationError(answer)
        return answer

    def end(self) -> None:
        self._line.close()
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def main(line: Connection, overrides: Path | None) -> None:
    """Words what comes until nobody is there any more."""
    # Who started this one ends it, by closing the line: a signal to both must not leave the first without its helper.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    collect_less()
    writer = JinjaWriter(overrides)
    waiting: SimpleQueue[Sequence[Letter] | None] = SimpleQueue()
    # Read at once: whoever gives letters must not wait until an answer has been taken.
    Thread(target=_listen, args=(line, waiting), daemon=True).start()
    with suppress(OSError):
        line.send(_READY)
        while (letters := waiting.get()) is not None:
            line.send(_answer(writer, letters))


def _listen(line: Connection, waiting: "SimpleQueue[Sequence[Letter] | None]") -> None:
    try:
        while True:
            waiting.put(line.recv())
    except (OSError, EOFError):
        waiting.put(None)


def _answer(writer: JinjaWriter, letters: Sequence[Letter]) -> _Answer:
    try:
        return writer.mails(letters)
    except ConfigurationError as error:
        return str(error)


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
