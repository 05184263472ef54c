"""The stand-in's web server: who may call, how often, what goes wrong; and the count of the calls."""

import gzip
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.fakes.hubspot.tally import Tally
from tests.fakes.salesforce.errors import ApiError, RecordError
from tests.fakes.salesforce.faults import Trouble, Troubles, Way
from tests.fakes.salesforce.org import SESSION, Org
from tests.fakes.salesforce.routing import JSON, Call, Reply, Route, find

_OLDEST = 31.0


class SalesforceServer(Tally, Troubles):
    """A running stand-in as its test sees it. `latency`: seconds that each answer takes."""

    def __init__(self, org: Org, latency: float = 0) -> None:
        super().__init__()
        self.org = org
        self.latency = latency
        self.base_url = ""
        self.crashes: list[Exception] = []
        """Failures of the stand-in itself, which its end raises."""
        self.sockets: set[socket.socket] = set()
        self.connections = 0
        self.lock = threading.RLock()
        self.stopping = threading.Event()

    @property
    def session_id(self) -> str:
        """A session of the integration user that lasts."""
        return SESSION

    def answer(self, method: str, target: str, headers: dict[str, str], octets: bytes) -> Reply | None:
        """The answer to a request; None to end the connection."""
        parts = urlsplit(target)
        # Each part of a path is read by itself, as an external id may hold an escaped slash.
        path = parts.path
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        call = Call(self.org, method, path, query, headers, octets)
        route: Route | None = None
        values: dict[str, str] = {}
        refusal: ApiError | None = None
        try:
            route, call.version, values = find(method, path)
        except ApiError as error:
            refusal = error
        values = {name: unquote(value) for name, value in values.items()}
        operation = route.name if route else ""
        with self.lock:
            trouble = self.next_trouble(operation)
        if self.latency or (trouble and trouble.way is Way.SLOW):
            self.stopping.wait(self.latency + (trouble.seconds if trouble else 0))
        with self.lock:
            reply = self._reply(call, route, values, refusal, trouble)
            status = reply.status if reply else 0
            self.note(method, unquote(path), operation, values.get("sobject", ""), status, _body_of(call))
        return reply

    def _reply(
        self, call: Call, route: Route | None, values: dict[str, str], refusal: ApiError | None, trouble: Trouble | None
    ) -> Reply | None:
        lost = trouble is not None and trouble.way in (Way.STATUS, Way.CUT) and not trouble.done
        reply = Reply()
        if not lost:
            try:
                reply = self._do(call, route, values, refusal)
            except ApiError as error:
                reply = Reply(error.status, error.body())
            except RecordError as error:
                alone = error.alone()
                reply = Reply(alone.status, alone.body())
            except Exception as error:
                self.crashes.append(error)
                raise
        if trouble is not None and trouble.way is Way.CUT:
            return None
        if trouble is not None and trouble.way is Way.STATUS:
            reply = Reply(trouble.status, trouble.body(), type=JSON if trouble.code else "text/html")
        if trouble is not None and trouble.way is Way.MALFORMED:
            reply = Reply(reply.status, "<html>A captive portal</html>", type="text/html")
        if call.version:
            reply.headers["Sforce-Limit-Info"] = f"api-usage={self.org.calls_used}/{self.org.api_calls}"
        return reply

    def _do(self, call: Call, route: Route | None, values: dict[str, str], refusal: ApiError | None) -> Reply:
        if call.version and call.version not in self.org.versions:
            if float(call.version) < _OLDEST:
                raise ApiError(410, "GONE", "The requested resource is no longer available")
            raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        if route is not None and route.free:
            return route.handler(call, **values)
        call.user = self._user(call)
        if refusal is not None or route is None:
            raise refusal or ApiError(404, "NOT_FOUND", "The requested resource does not exist")
        if call.version:
            if self.org.calls_used >= self.org.api_calls:
                raise ApiError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
            self.org.calls_used += 1
        return route.handler(call, **values)

    def _user(self, call: Call) -> str:
        token = call.headers.get("authorization", "").removeprefix("Bearer ").removeprefix("OAuth ")
        user, ends = self.org.sessions.get(token, ("", None))
        if not user or (ends is not None and self.org.clock.now() >= ends):
            raise ApiError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        return user

    def note(self, method: str, path: str, operation: str, object_type: str, status: int, body: Any) -> None:
        """Takes a call down; what it is about are its records, inputs or ids."""
        several = next(
            (body[name] for name in ("records", "inputs", "ids") if isinstance(body, dict) and name in body), None
        )
        if not object_type and isinstance(several, list) and several and isinstance(several[0], dict):
            object_type = str((several[0].get("attributes") or {}).get("type", ""))
        if isinstance(body, dict) and isinstance(several, list):
            super().note(method, path, operation, object_type, status, {**body, "inputs": several})
        else:
            super().note(method, path, operation, object_type, status, body)

    def start(self) -> ThreadingHTTPServer:
        """Listens on a free port of this machine."""
        server = _Server(("127.0.0.1", 0), _handler_for(self))
        self.base_url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return server

    def stop(self, server: ThreadingHTTPServer) -> None:
        """Ends all connections."""
        self.stopping.set()
        server.shutdown()
        server.server_close()
        for each in list(self.sockets):
            _end(each)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64


def _handler_for(owner: SalesforceServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            owner.connections += 1
            owner.sockets.add(self.connection)

        def finish(self) -> None:
            owner.sockets.discard(self.connection)
            try:
                super().finish()
            except OSError:
                return

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing: the calls are counted."""

        def _serve(self) -> None:
            octets = self._octets()
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = owner.answer(self.command, self.path, headers, octets)
            if reply is None:
                self.close_connection = True
                _end(self.connection)
                return
            body = b""
            if reply.body is not None:
                body = (reply.body if isinstance(reply.body, str) else json.dumps(reply.body)).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Type": reply.type, **reply.headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def _octets(self) -> bytes:
            """The body, also where it comes in chunks or packed."""
            if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
                octets = b"".join(iter(self._chunk, b""))
            else:
                octets = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            return gzip.decompress(octets) if self.headers.get("Content-Encoding") == "gzip" else octets

        def _chunk(self) -> bytes:
            chunk = self.rfile.read(int(self.rfile.readline().partition(b";")[0], 16))
            self.rfile.readline()
            return chunk

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = do_HEAD = _serve

    return Handler


def _body_of(call: Call) -> Any:
    try:
        return json.loads(call.octets)
    except ValueError:
        return call.octets.decode(errors="replace") or None


def _end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


@contextmanager
def running_salesforce(org: Org | None = None, *, latency: float = 0) -> Iterator[SalesforceServer]:
    """A stand-in on a free port of this machine, until the block ends."""
    running = SalesforceServer(org or Org(), latency)
    server = running.start()
    try:
        yield running
    finally:
        running.stop(server)
    if running.crashes:
        raise running.crashes[0]
