"""Plays days to come under each scenario: one after the other, or side by side in processes of their own.

All begin with the ledger as it stood at one instant, and each works on a copy of its own, so that what comes out is the
same either way.
"""

import signal
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from multiprocessing import get_context, parent_process
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import StoppedError, StoreError
from core.habits import Habits
from core.scenarios import Scenario
from core.scratch import scratch
from core.simulation import DayPlayed, Simulation
from core.store import Store, open_store
from core.workload import Workload, workload

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from config.assembly import App

Tell = Callable[[int, int | None], None]
_LOOK_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Game:
    """What is played: so many days from the first on, under these habits, by the settings in this file (None: where
    they are looked for)."""

    habits: Habits
    first: date
    days: int
    config: Path | None = None

    @property
    def last(self) -> date:
        return self.first + timedelta(days=self.days - 1)


@dataclass(frozen=True, slots=True)
class Played:
    """What came out under a scenario. `problems` are clear lines on what could not be played as it is set."""

    scenario: Scenario
    workload: Workload
    problems: tuple[str, ...] = ()


def play_all(
    app: "App", ledger: Store, game: Game, scenarios: Sequence[Scenario], jobs: int, tell: Tell | None
) -> list[Played]:
    """What comes out under each scenario, in their order; `jobs` of them are played at once.

    `ledger` is a copy on SQLite that nobody changes. `tell` hears of days played, and of how many there are in all.
    """
    if jobs > 1 and len(scenarios) > 1:
        return _side_by_side(ledger, game, scenarios, jobs, tell)
    found = []
    for number, scenario in enumerate(scenarios):

        def day_done(day: int, _: int | None, before: int = number * game.days) -> None:
            if tell is not None:
                tell(before + day, len(scenarios) * game.days)

        found.append(play(app, ledger, game, scenario, day_done))
    return found


def play(app: "App", ledger: Store, game: Game, scenario: Scenario, tell: Tell) -> Played:
    """Plays the days under one scenario on a copy of the ledger."""
    kinds, crm = app.simulated_kinds(game.habits)
    problems: dict[str, None] = {}

    def evening(_: "Connection", day: DayPlayed) -> None:
        problems.update(dict.fromkeys(day.deliver.problems))

    with scratch(ledger) as store:
        since = datetime.now(UTC)
        simulation = Simulation(store, kinds, crm, app.policy, game.habits, scenario.limits(app.settings.validity))
        simulation.play(game.first, game.days, progress=tell, evening=evening)
        with store.read() as connection:
            found = workload(connection, game.first, game.last, since, crm.to_call if crm is not None else {})
    return Played(scenario, found, tuple(problems))


# What a process of its own shares with the one that has started it: the days done by scenario, and whether to stop.
_shared: dict[str, Any] = {}


def _begin(done: Any, stop: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever has started us says when to stop
    _shared.update(done=done, stop=stop)


def _alone(url: str, game: Game, scenario: Scenario, number: int) -> Played:
    """Plays a scenario in a process of its own. Raises `StoppedError` when asked to stop, or left alone."""
    from cli.common import set_log_level
    from config.assembly import application
    from config.settings import load

    parent = parent_process()

    def day_done(day: int, _: int | None) -> None:
        _shared["done"][number] = day
        if _shared["stop"].is_set() or parent is None or not parent.is_alive():
            raise StoppedError("the simulation was stopped")

    read = load(game.config)
    set_log_level(read.sections.log.level)
    with application(read) as app, _opened(url) as ledger:
        return play(app, ledger, game, scenario, day_done)


@contextmanager
def _opened(url: str) -> "Iterator[Store]":
    store = open_store(url)
    try:
        yield store
    finally:
        store.close()


def _side_by_side(
    ledger: Store, game: Game, scenarios: Sequence[Scenario], jobs: int, tell: Tell | None
) -> list[Played]:
    context = get_context("spawn")
    done, stop = context.Array("i", len(scenarios)), context.Event()
    url = ledger.engine.url.render_as_string(hide_password=False)
    pool = ProcessPoolExecutor(min(jobs, len(scenarios)), context, _begin, (done, stop))
    try:
        futures = [pool.submit(_alone, url, game, scenario, number) for number, scenario in enumerate(scenarios)]
        while wait(futures, _LOOK_SECONDS, FIRST_EXCEPTION).not_done:
            for one in futures:
                if one.done():
                    one.result()
            if tell is not None:
                tell(sum(done[:]), len(scenarios) * game.days)
        return [one.result() for one in futures]
    except BrokenProcessPool as error:
        broken = "a process that played a scenario broke off; where memory is short, try again with --jobs 1"
        raise StoreError(broken) from error
    finally:
        # Whoever still plays has the ledger's copy open, which is about to go.
        stop.set()
        pool.shutdown(cancel_futures=True)
