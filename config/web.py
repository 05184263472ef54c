"""The web app put together from its settings, and the server that carries it."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from time import monotonic
from typing import TYPE_CHECKING

from config import doors
from config.assembly import App
from config.catch_up import CatchUp
from config.sections import WebSection
from core import inbox
from core.errors import ConfigurationError, NolapseError
from core.links import SignedLinks
from core.timing import RealTime

if TYPE_CHECKING:
    from flask import Flask

LOG = logging.getLogger("nolapse.web")
_SWEEP_SECONDS = 60.0
_QUIET_SECONDS, _GATHER_SECONDS = 0.1, 5.0


def address(section: WebSection) -> tuple[str, int]:
    """Host and port of `[web] listen`. Raises `ConfigurationError` where it is not set, or no address."""
    host, colon, port = section.listen.rpartition(":")
    if not section.listen:
        raise ConfigurationError("[web] listen is not set; write HOST:PORT, for instance 127.0.0.1:8080")
    if not colon or not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise ConfigurationError(f"[web] listen: {section.listen} is no address; write HOST:PORT")
    return host.strip("[]"), int(port)


def web_app(app: App, wake: Callable[[], None]) -> "Flask":
    """The Flask app with all its doors. Raises `ConfigurationError` for a secret that is none."""
    from flask_limiter import Limiter
    from flask_limiter.util import get_remote_address

    from webhooks.app import WebLimits, create_app
    from webhooks.inlet import Inlet
    from webhooks.metrics import Metrics
    from webhooks.openapi import openapi
    from webhooks.operations import operations
    from webhooks.public import Public, public

    section = app.settings.sections.web
    metrics = Metrics(app.store)
    inlet = Inlet(app.store, metrics, wake)
    blueprints = [*doors.doors(app, inlet), operations(app.store, metrics, figures=section.metrics)]
    limiter = Limiter(get_remote_address, storage_uri="memory://")
    if isinstance(app.links, SignedLinks):
        seen = Public(
            inlet, app.links, app.pages, app.policy.brand, doors.targets(app), crm=bool(app.settings.sections.sync.crm)
        )
        blueprints.append(public(seen, limiter.limit(section.public_limit)))
    blueprints.append(openapi(public=isinstance(app.links, SignedLinks), figures=section.metrics))
    made = create_app(blueprints, metrics, WebLimits(section.max_body_bytes, section.proxies))
    limiter.init_app(made)
    return made


class Web:
    """The web server of one process: cheroot's threads for requests, and one that applies what has come in."""

    def __init__(self, app: App) -> None:
        from cheroot.wsgi import Server

        self._app = app
        self._section = app.settings.sections.web
        self._new = Event()
        self._over = Event()
        self._catch_up = CatchUp(app)
        self._server = Server(
            address(self._section),
            web_app(app, self._new.set),
            numthreads=self._section.threads,
            server_name="nolapse",
            request_queue_size=128,
            timeout=self._section.timeout_seconds,
            shutdown_timeout=self._section.timeout_seconds,
        )
        self._server.max_request_header_size = 65_536
        self._server.max_request_body_size = self._section.max_body_bytes
        vars(self._server)["error_log"] = _log
        self._threads = [
            Thread(target=self._server.serve, name="web", daemon=True),
            Thread(target=self._apply, name="inbox", daemon=True),
        ]

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._server.bind_addr[:2]
        return f"http://{f'[{host}]' if ':' in str(host) else host}:{port}"

    def start(self) -> None:
        """Listens from now on. Raises `ConfigurationError` where the address cannot be had."""
        try:
            self._server.prepare()
        except OSError as error:
            why = error.strerror or str(error)
            raise ConfigurationError(f"[web] listen: {self._section.listen} cannot be listened on: {why}") from error
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Takes no more requests, answers those under way, and ends what is being applied."""
        self._server.stop()
        self._over.set()
        self._new.set()
        for thread in self._threads:
            thread.join(self._section.timeout_seconds)

    def _apply(self) -> None:
        """Applies events as they come; once a minute also what another process left behind."""
        purged_on = None
        while not self._over.is_set():
            self._new.clear()
            try:
                self._catch_up.turn(datetime.now(UTC))
                counts = self._app.take_in(RealTime(), stop=self._over.is_set)
                if counts.quarantined:
                    LOG.error("%d events are in quarantine; see `nolapse inbox list`", counts.quarantined)
                if purged_on != (today := datetime.now(UTC).date()):
                    purged_on = today
                    self._purge()
            except NolapseError as error:
                LOG.error("the inbox cannot be worked on: %s", error)
            except Exception as error:
                LOG.error("the inbox cannot be worked on (%s)", type(error).__name__)
            self._new.wait(_SWEEP_SECONDS)
            self._gather()

    def _gather(self) -> None:
        """Lets doors go first: what comes close together is applied together, some seconds later at most."""
        until = monotonic() + _GATHER_SECONDS
        while monotonic() < until and not self._over.is_set():
            self._new.clear()
            if not self._new.wait(_QUIET_SECONDS):
                return

    def _purge(self) -> None:
        before = datetime.now(UTC) - timedelta(days=self._section.keep_events_days)
        with self._app.store.begin() as connection:
            inbox.purge(connection, before)


def _log(message: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
    """What the server complains of, in one line; a request that broke off is no news."""
    LOG.log(min(level, logging.WARNING), "%s", message.splitlines()[0] if message else "")
