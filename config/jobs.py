"""What `nolapse serve` does at each turn: a step of the engine or the daily work, once among all servers."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from apscheduler.triggers.base import BaseTrigger

from config.assembly import App
from config.daily import once_a_day
from config.health import FAILED, OK, SKIPPED, STOPPED
from config.schedule import next_turn
from core import locks, turns
from core.deliver import deliver
from core.errors import BusyError, NolapseError, StoppedError
from core.installs import look
from core.plan import plan
from core.settle import settle
from core.sync import sync
from core.timing import RealTime
from core.turns import Turn

LOG = logging.getLogger("nolapse.serve")
STEPS = ("sync", "settle", "plan", "daily")
SERVE = "serve"
"""The lock under which servers do these one after the other: none overtakes the one before it."""


@dataclass(frozen=True, slots=True)
class Done:
    """How a turn went, with one line of why."""

    outcome: str
    why: str = ""


class Jobs:
    """The jobs of one server. `stop` says that it is to end."""

    def __init__(
        self,
        app: App,
        triggers: Mapping[str, BaseTrigger],
        schedule: Mapping[str, str],
        stop: Callable[[], bool],
        *,
        debug: bool = False,
    ) -> None:
        self._app = app
        self._triggers = triggers
        self._schedule = schedule
        self._stop = stop
        self._debug = debug
        # Another holder is left alone at once: the next turn comes soon.
        self._policy = replace(app.policy, lock_wait_seconds=0)
        self._work: dict[str, Callable[[], Done]] = {
            "sync": self._sync,
            "settle": self._settle,
            "plan": self._plan,
            "deliver": self._deliver,
            "daily": self._daily,
        }

    def run(self, name: str) -> Done:
        """Does a job once. Whatever goes wrong is told in one line and tried again at the job's next time."""
        try:
            done = self._work[name]() if name not in STEPS else self._in_turn(name)
        except BusyError as error:
            done = Done(SKIPPED, str(error))
        except StoppedError as error:
            done = Done(STOPPED, str(error))
        except Exception as error:
            done = Done(FAILED, _words(error, name))
            if self._debug:
                LOG.exception("%s failed", name)
        told = f"{name} {done.outcome}{f': {done.why}' if done.why else ''}"
        LOG.log(logging.WARNING if done.outcome == FAILED else logging.INFO, "%s", told)
        return done

    def _in_turn(self, name: str) -> Done:
        store, now = self._app.store, datetime.now(UTC)
        with locks.holding(store, SERVE, now.date(), 0, self._stop):
            with store.read() as connection:
                busy = [one for one in locks.listing(connection) if one.step in STEPS and one.holder and not one.lapsed]
            if busy:
                return Done(SKIPPED, f"{busy[0].step} is being done by {busy[0].holder}")
            turn = Turn(name, self._schedule[name], now, next_turn(self._triggers[name], now))
            if not turns.take(store, turn):
                return Done(SKIPPED, "another server has done it")
            return self._work[name]()

    def _sync(self) -> Done:
        app = self._app
        rejects = app.rejects
        counts = sync(app.store, app.sources, app.crm, RealTime(), self._policy, rejects=rejects, stop=self._stop)
        if app.prober is not None:
            seen = look(app.store, app.prober, RealTime(), stop=self._stop)
            LOG.info("%d of %d new certificates that were looked for are installed", seen.installed, seen.looked)
        if rejects.files:
            LOG.warning("%d rows could not be used; they are kept in %s", counts.rejected, rejects.files[-1])
        return Done(OK, _counted(asdict(counts)))

    def _settle(self) -> Done:
        app = self._app
        app.take_in(RealTime(), stop=self._stop)
        counts = settle(app.store, RealTime(), self._policy, records=app.crm is not None, stop=self._stop)
        return Done(OK, _counted(asdict(counts)))

    def _plan(self) -> Done:
        counts = plan(self._app.store, RealTime(), self._policy, stop=self._stop)
        return Done(OK, _counted({"touches": counts.touches, "deliveries": counts.deliveries}))

    def _deliver(self) -> Done:
        self._app.take_in(RealTime(), stop=self._stop)
        counts = deliver(self._app.store, self._app.kinds, RealTime(), self._policy, stop=self._stop)
        if counts.problems:
            return Done(FAILED, counts.problems[0])
        total: dict[str, int] = {}
        for one in counts.kinds.values():
            for word, number in asdict(one).items():
                total[word] = total.get(word, 0) + number
        why = counts.held_because or _counted(total)
        return Done(STOPPED if self._stop() else OK, why)

    def _daily(self) -> Done:
        done = once_a_day(self._app, RealTime())
        if done is None:
            return Done(SKIPPED, "it was done today")
        summary = "; the summary was sent" if done.told else ""
        return Done(OK, f"{_counted(done.purged)}{summary}")


def _counted(counts: Mapping[str, Any]) -> str:
    return ", ".join(f"{number} {word}" for word, number in counts.items() if number) or "nothing to do"


def _words(error: Exception, name: str) -> str:
    if isinstance(error, NolapseError):
        return " ".join(str(error).split())
    command = "purge" if name == "daily" else name
    return f"something unforeseen went wrong ({type(error).__name__}); `nolapse {command} --debug` shows where"
