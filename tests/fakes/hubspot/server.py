"""The stand-in's web server: who may call, how often, what goes wrong; and the count of the calls."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Response, request
from werkzeug.serving import BaseWSGIServer, make_server

from tests.fakes.hubspot.calls import Call, Route
from tests.fakes.hubspot.errors import ApiError, RecordError, invalid, new_correlation_id
from tests.fakes.hubspot.faults import Fault, Troubles, Way
from tests.fakes.hubspot.tally import Tally
from tests.fakes.hubspot.wire import as_response, end, handler_for, routes
from tests.fakes.hubspot.world import World

TRUE_LATENCY = 0.15
"""Seconds that the real API takes to answer."""


class HubSpotServer(Tally, Troubles):
    """A running stand-in as its test sees it."""

    def __init__(self, world: World, latency: float = 0) -> None:
        super().__init__()
        self.world = world
        self.latency = latency
        """Seconds that each answer takes."""
        self.base_url = ""
        self.connections = 0
        self.sockets: set[socket.socket] = set()
        self.crashes: list[Exception] = []
        """Failures of the stand-in itself, which its end raises."""
        self._lock = threading.RLock()
        self._stopping = threading.Event()

    @property
    def token(self) -> str:
        """The access token that it takes."""
        return self.world.token

    def answer(self, route: Route | None, version: str, values: dict[str, Any]) -> Response:
        """Answers the request that Flask has at hand."""
        correlation_id = new_correlation_id()
        operation = route.name if route is not None else ""
        request.get_data()  # What is not read would be taken for the connection's next request.
        with self._lock:
            object_type = self._object_type(values)
            fault = self.next_fault(operation, object_type)
        if self.latency:
            self._stopping.wait(self.latency)
        if fault is not None and fault.way is Way.SLOW:
            self._stopping.wait(fault.seconds)
        with self._lock:
            try:
                status, body, headers = self._respond(route, version, values, fault, correlation_id)
            except Exception as error:
                self.crashes.append(error)
                raise
            self.note(request.method, request.path, operation, object_type, status, request.get_json(silent=True))
        return as_response(status, body, {**headers, "X-HubSpot-Correlation-Id": correlation_id}, fault)

    def _respond(
        self, route: Route | None, version: str, values: dict[str, Any], fault: Fault | None, correlation_id: str
    ) -> tuple[int, Any, dict[str, str]]:
        if route is None:
            return 404, ApiError(404, "OBJECT_NOT_FOUND", "resource not found").body(correlation_id), {}
        if request.headers.get("Authorization") != f"Bearer {self.world.token}":
            error = ApiError(
                401,
                "INVALID_AUTHENTICATION",
                "Authentication credentials not found. This API supports OAuth 2.0 authentication",
            )
            return 401, error.body(correlation_id), {}
        gate = self.world.gate
        refusal = gate.take(self.world.clock.now(), route.exempt, is_search=route.is_search)
        headers = gate.headers(is_search=route.is_search)
        if refusal is not None:
            if gate.limits.retry_after is not None:
                headers["Retry-After"] = str(gate.limits.retry_after)
            return 429, refusal.body(correlation_id), headers
        lost = fault is not None and fault.way in (Way.STATUS, Way.CUT, Way.HALF, Way.MALFORMED)
        status, body = 0, None
        if fault is None or not lost or fault.done or fault.way in (Way.HALF, Way.MALFORMED):
            status, body = self._do(route, version, values, fault, correlation_id)
        if fault is not None and fault.way is Way.STATUS:
            if fault.retry_after is not None:
                headers["Retry-After"] = str(fault.retry_after)
            return fault.status, fault.body(correlation_id), headers
        return status, body, headers

    def _do(
        self, route: Route, version: str, values: dict[str, Any], fault: Fault | None, correlation_id: str
    ) -> tuple[int, Any]:
        try:
            query = dict(request.args.lists())
            for name in query:
                if name not in route.query and name not in route.required_query:
                    raise invalid(f"There is no query parameter {name}", field_name=name)
            for name in route.required_query:
                if name not in query:
                    raise invalid(f"The query parameter {name} is missing", field_name=name)
            raw, refused = _without_refused(_body(), fault)
            call = Call(self.world, version, query, raw)
            status, body = route.handler(call, **values)
            if refused and status in (200, 201):
                return call.several(status, body["results"], [*body.get("errors", []), *refused])
            return status, body
        except ApiError as error:
            return error.status, error.body(correlation_id)
        except RecordError as error:
            return error.status, error.alone().body(correlation_id)

    def _object_type(self, values: dict[str, Any]) -> str:
        """The kind of object of a path by its own name, however the path names it."""
        named = [values[part] for part in ("object_type", "from_type", "to_type") if part in values]
        return "/".join(self._own_name(each) for each in named)

    def _own_name(self, named: str) -> str:
        try:
            return self.world.kind(named).name
        except ApiError:
            return named

    def start(self) -> BaseWSGIServer:
        """Listens on a free port of this machine."""
        server = make_server("127.0.0.1", 0, routes(), threaded=True, request_handler=handler_for(self))
        self.base_url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return server

    def stop(self, server: BaseWSGIServer) -> None:
        """Ends all connections."""
        self._stopping.set()
        server.shutdown()
        server.server_close()
        for each in list(self.sockets):
            end(each)


def _body() -> Any:
    octets = request.get_data()
    if not octets:
        return None
    if request.mimetype != "application/json":
        raise ApiError(415, "VALIDATION_ERROR", f"The content type {request.mimetype} is not supported")
    try:
        return json.loads(octets)
    except ValueError:
        raise invalid("Invalid input JSON: the body is not JSON", field_name="body") from None


def _without_refused(raw: Any, fault: Fault | None) -> tuple[Any, list[dict[str, Any]]]:
    """The body without the inputs that are to be refused, and their errors."""
    if fault is None or fault.picks is None or not isinstance(raw, dict):
        return raw, []
    kept = [entry for entry in raw["inputs"] if not fault.picks(entry)]
    refused = [
        RecordError(fault.category, fault.message, fault.status or 400).among_others(entry.get("objectWriteTraceId"))
        for entry in raw["inputs"]
        if fault.picks(entry)
    ]
    return {**raw, "inputs": kept}, refused


@contextmanager
def running_hubspot(world: World | None = None, *, latency: float = 0) -> Iterator[HubSpotServer]:
    """A stand-in on a free port of this machine, until the block ends.

    With `World(limits=PROFESSIONAL)` it refuses calls beyond the limits; with `latency=TRUE_LATENCY` it is as slow as
    the real one.
    """
    running = HubSpotServer(world or World(), latency)
    server = running.start()
    try:
        yield running
    finally:
        running.stop(server)
    if running.crashes:
        raise running.crashes[0]
