"""The stand-in over real HTTP, on a free port of 127.0.0.1."""

import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from flask import Flask
from werkzeug.http import http_date
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

from tests.fakes.certcentral import accounts, orders, partner, webhooks, writes
from tests.fakes.certcentral.deliveries import Deliveries
from tests.fakes.certcentral.gate import API, COUNTS, PARTNER_API, Call, Told, register
from tests.fakes.certcentral.limits import RollingLimits
from tests.fakes.certcentral.trouble import Kind, Trouble
from tests.fakes.certcentral.world import KEY, World

ROUTES = (*accounts.ROUTES, *orders.ROUTES, *writes.ROUTES, *partner.ROUTES, *webhooks.ROUTES)
_EU = "/eu"


class CertCentral:
    """A running stand-in: its addresses, its world, what it was told to do wrong, and what it has counted."""

    def __init__(self, told: Told, deliveries: Deliveries, port: int) -> None:
        self._told = told
        self._deliveries = deliveries
        self.key = KEY
        self.port = port
        self.origin = f"http://127.0.0.1:{port}"
        self.base_url = f"{self.origin}{API}"
        self.eu_base_url = f"{self.origin}{_EU}{API}"
        self.partner_base_url = f"{self.origin}{PARTNER_API}"
        self.counts_url = f"{self.origin}{COUNTS}"

    @property
    def world(self) -> World:
        """What it serves."""
        return self._told.world

    def wait_for_webhook(self) -> None:
        """Waits until everything that has happened was delivered to the webhook."""
        self._deliveries.wait()

    @property
    def calls(self) -> Counter[str]:
        """How often each route was called, such as `GET /order/certificate/{order_id}`; refused calls count too."""
        return self._told.calls

    @property
    def answers(self) -> Counter[int]:
        """How often each status was answered."""
        return self._told.answers

    @property
    def log(self) -> list[Call]:
        """The latest calls, oldest first."""
        return list(self._told.log)

    @property
    def limits(self) -> RollingLimits:
        """The limits in force; may be replaced."""
        return self._told.limits

    @limits.setter
    def limits(self, limits: RollingLimits) -> None:
        self._told.limits = limits

    def fail(self, kind: Kind, path: str = "", **said: Any) -> Trouble:
        """Tells it to do wrong; see `Trouble`. The path is without its base, such as `/order/certificate`."""
        return self._told.troubles.add(kind, path, **said)

    def mend(self) -> None:
        """Nothing goes wrong any more."""
        self._told.troubles.clear()

    def forget(self) -> None:
        """Counts afresh."""
        self._told.forget()


@contextmanager
def running_certcentral(world: World | None = None, limits: RollingLimits | None = None) -> Iterator[CertCentral]:
    """A stand-in for the time of the block; with the true limits unless others are given.

    Raises at its end what went wrong in the stand-in itself.
    """
    told = Told(world or World(), limits or RollingLimits())
    deliveries = Deliveries(told.world)
    server = _Server(told)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, name="certcentral")
    thread.start()
    try:
        yield CertCentral(told, deliveries, server.port)
    finally:
        told.stopping.set()
        server.shutdown()
        thread.join()
        server.server_close()
        server.hang_up()
        deliveries.close()
    if told.faults:
        raise told.faults[0]


@cache
def application() -> Flask:
    """The application behind the addresses: one for all servers, since its routes are slow to work out."""
    app = Flask("certcentral", static_folder=None)
    register(app, ROUTES)
    return app


class _Server(ThreadedWSGIServer):
    """Keeps its open connections, to close them at the end."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self.links: set[socket.socket] = set()
        super().__init__("127.0.0.1", 0, application(), handler=_Handler)

    def hang_up(self) -> None:
        """Closes what clients still hold open."""
        for link in list(self.links):
            try:
                link.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was faster

    def log(self, type: str, message: str, *args: Any) -> None:
        """Keeps what went wrong amid an answer; clients that are rude are none of our business."""
        if message.startswith("Error on request"):
            self.told.faults.append(RuntimeError(message % args if args else message))


class _Handler(WSGIRequestHandler):
    """Answers in chunks where it must, at once, and by the clock of the world."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.links.add(self.connection)

    def make_environ(self) -> dict[str, Any]:
        environ = super().make_environ()
        path: str = environ["PATH_INFO"]
        region = "eu" if path.startswith(f"{_EU}/") else "us"
        environ |= {"stand-in.told": self.server.told, "stand-in.region": region}
        if region == "eu":
            environ["PATH_INFO"] = path.removeprefix(_EU)
        return environ

    def finish(self) -> None:
        self.server.links.discard(self.connection)
        super().finish()

    def connection_dropped(self, error: BaseException, environ: Any = None) -> None:
        self.close_connection = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        return http_date(self.server.told.world.clock.now())

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Calls are counted, not written down."""
