"""The stand-in on the wire: its paths, its connections, and how its answers go out."""

import json
import socket
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from flask import Flask, Response, request
from werkzeug.serving import WSGIRequestHandler
from werkzeug.test import run_wsgi_app

from tests.fakes.hubspot.calls import ROUTES, Route
from tests.fakes.hubspot.faults import Fault, Way

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

OWNER = "nolapse.hubspot"
"""Where a request's environment has the server that it came to."""
JSON = "application/json;charset=utf-8"
HTML = "text/html; charset=utf-8"


class Owner(Protocol):
    """The server whose connections these are."""

    connections: int
    sockets: set[socket.socket]

    def answer(self, route: Route | None, version: str, values: dict[str, Any]) -> Response:
        """Answers the request that Flask has at hand."""


def handler_for(owner: Owner) -> type[WSGIRequestHandler]:
    """Takes requests for a server. It keeps connections, which Werkzeug's own handler would close."""

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ[OWNER] = owner
        return routes()(environ, start_response)

    class Handler(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            owner.connections += 1
            owner.sockets.add(self.connection)

        def run_wsgi(self) -> None:
            self.environ = self.make_environ()
            body, status, headers = run_wsgi_app(application, self.environ, buffered=True)
            octets = b"".join(body)
            code, _, words = status.partition(" ")
            self.send_response(int(code), words)
            for name, value in headers:
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(octets)

        def finish(self) -> None:
            owner.sockets.discard(self.connection)
            super().finish()

        def log(self, type: str, message: str, *args: Any) -> None:
            """Says nothing: the calls are counted."""

    return Handler


@cache
def routes() -> Flask:
    """The documented paths. They are the same for all servers, and take a while to make."""
    app = Flask("hubspot")
    for route in ROUTES:
        for path, version in route.places():
            app.add_url_rule(
                path,
                endpoint=f"{route.name} {version}",
                view_func=_view(route, version),
                methods=[route.method],
                provide_automatic_options=False,
                strict_slashes=False,
            )
    for status in (404, 405):
        app.register_error_handler(status, lambda _: request.environ[OWNER].answer(None, "", {}))
    return app


def _view(route: Route, version: str) -> Callable[..., Response]:
    def view(**values: Any) -> Response:
        owner: Owner = request.environ[OWNER]
        return owner.answer(route, version, values)

    return view


def as_response(status: int, body: Any, headers: dict[str, str], fault: Fault | None) -> Response:
    if fault is not None and fault.way in (Way.CUT, Way.HALF):
        connection = request.environ["werkzeug.socket"]
        if fault.way is Way.HALF:
            octets = json.dumps(body).encode()
            head = f"HTTP/1.1 {status} OK\r\nContent-Type: {JSON}\r\nContent-Length: {len(octets)}\r\n\r\n"
            connection.sendall(head.encode() + octets[: len(octets) // 2])
        end(connection)
        return Response(status=status or 500)
    if status == 204:
        return Response(status=204, headers=headers)
    if fault is not None and fault.way is Way.MALFORMED:
        return Response(json.dumps(body)[:-7], status, headers, content_type=JSON)
    if isinstance(body, str):
        return Response(body, status, headers, content_type=HTML)
    return Response(json.dumps(body), status, headers, content_type=JSON)


def end(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
