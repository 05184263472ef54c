"""`nolapse serve`: the four steps on their schedule, until a signal ends it.

(1) the scheduler hands each turn to one worker thread; (2) after each job health is written and lasting trouble told;
(3) SIGTERM or SIGINT: nothing new begins, what is under way ends between two batches and is written down; (4) a second
signal, or the time running out, ends the process at once: what was being handed over is found as uncertain later.
"""

import logging
import os
import signal
import time
from datetime import UTC
from threading import Event
from types import FrameType
from typing import Any

from apscheduler.events import EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from config.alerts import Alerts
from config.assembly import App
from config.health import BEAT_SECONDS, OK, Health, JobHealth
from config.jobs import Jobs
from config.ping import ping
from config.schedule import triggers
from config.web import Web
from core.errors import ConfigurationError

LOG = logging.getLogger("nolapse.serve")
ENDED, CUT_OFF = 0, 1
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Server:
    """One server: the jobs, the web app, or both. Without a word on it the web app is served where it has an address.

    Raises `ConfigurationError` before it begins where something set cannot be meant.
    """

    def __init__(self, app: App, *, jobs: bool = True, web: bool | None = None, debug: bool = False) -> None:
        self._section = app.settings.sections.schedule
        self._triggers = triggers(self._section) if jobs else {}
        self._web = Web(app) if web or (web is None and app.settings.sections.web.listen) else None
        if jobs and not self._triggers:
            raise ConfigurationError("[schedule]: every job is switched off, so there is nothing to serve")
        self._stopping = Event()
        self._idle = Event()
        self._idle.set()
        self.schedule = {name: str(getattr(self._section, name)).strip() for name in self._triggers}
        self._health = Health(self._section, {name: JobHealth() for name in self._triggers})
        self._jobs = Jobs(app, self._triggers, self.schedule, self._stopping.is_set, debug=debug)
        self._alerts = Alerts(app)
        # What is opened wrongly is told at the start, not at the first turn.
        self._opened: tuple[Any, ...] = (app.store, app.sources, app.kinds) if jobs else (app.store,)

    @property
    def url(self) -> str:
        """Where the web app is served; empty: not at all."""
        return self._web.url if self._web is not None else ""

    def run(self) -> int:
        """Serves until a signal, and gives the exit code: 0 after a clean end, 1 where the time ran out."""
        before = {number: signal.signal(number, self._signalled) for number in _SIGNALS}
        scheduler = self._scheduler()
        try:
            self._health.write()
            if self._web is not None:
                self._web.start()
            scheduler.start()
            while not self._stopping.wait(BEAT_SECONDS):
                self._write_health()
            LOG.info("stopping; what is under way is finished within %d seconds", self._section.stop_seconds)
            deadline = time.monotonic() + self._section.stop_seconds
            scheduler.shutdown(wait=False)
            if self._web is not None:
                self._web.stop()
            ended = self._idle.wait(max(deadline - time.monotonic(), 0))
            self._health.stopped = True
            self._write_health()
            if not ended:
                LOG.error("the time to end in ran out; what was being handed over will show as uncertain")
                os._exit(CUT_OFF)
            return ENDED
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _scheduler(self) -> BackgroundScheduler:
        # One thread: at one moment the jobs go in their order, by their ids, and none works against another.
        scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(1)},
            job_defaults={
                "max_instances": 1,
                "coalesce": True,
                "misfire_grace_time": self._section.misfire_seconds,
            },
            timezone=UTC,
        )
        # Its own words would double ours.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        scheduler.add_listener(self._left_out, EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        for number, (name, trigger) in enumerate(self._triggers.items()):
            scheduler.add_job(self._work, trigger, args=[name], id=f"{number} {name}", name=name)
        return scheduler

    def _work(self, name: str) -> None:
        self._idle.clear()
        try:
            if self._stopping.is_set():
                return
            self._write_health(begins=name)
            done = self._jobs.run(name)
            self._health.end(name, done.outcome, done.why)
            well = [job for job, one in self._health.jobs.items() if one.outcome == OK]
            self._health.troubles = self._alerts.look(self._health.failing(), well)
            self._ping(name, done.outcome)
            self._write_health()
        except Exception as error:
            LOG.error("%s: what came after it could not be done (%s)", name, type(error).__name__)
        finally:
            self._idle.set()

    def _ping(self, name: str, outcome: str) -> None:
        """Gives a sign of life after a good delivery, unless another job keeps failing."""
        url = self._section.ping_url
        if not url or name != "deliver" or outcome != OK or self._health.failing():
            return
        if problem := ping(url):
            LOG.warning("no sign of life could be given: %s", problem)

    def _write_health(self, begins: str = "") -> None:
        try:
            if begins:
                self._health.begin(begins)
            else:
                self._health.write()
        except ConfigurationError as error:
            LOG.warning("%s", error)

    def _left_out(self, event: JobEvent) -> None:
        name = event.job_id.partition(" ")[2]
        LOG.info("%s: a turn is left out, because the jobs before it took long; the next one comes", name)

    def _signalled(self, number: int, frame: FrameType | None) -> None:
        if self._stopping.is_set():
            os._exit(CUT_OFF)
        self._stopping.set()
