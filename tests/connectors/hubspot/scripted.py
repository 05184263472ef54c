"""A server that gives the answers it was handed, whatever is asked: for what no true system would say."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Scripted:
    """The answers, in turn, the last for ever: status, headers, and a body as JSON or in octets. None: silence."""

    base_url: str = ""
    answers: list[tuple[int, dict[str, str], Any] | None] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def say(self, status: int, body: Any = None, **headers: str) -> "Scripted":
        """Adds an answer; underscores in the names of headers stand for hyphens."""
        self.answers.append((status, {name.replace("_", "-"): value for name, value in headers.items()}, body))
        return self

    def next(self) -> tuple[int, dict[str, str], Any] | None:
        with self.lock:
            return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextmanager
def running_script() -> Iterator[Scripted]:
    """The server, on a free port of this machine."""
    script = Scripted()
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            super().setup()
            script.connections += 1

        def answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            octets = self.rfile.read(length)
            script.asked.append(
                Asked(self.command, self.path, dict(self.headers.items()), json.loads(octets) if octets else None)
            )
            answer = script.next()
            if answer is None:
                over.wait(5)
                self.close_connection = True
                return
            status, headers, body = answer
            sent = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = answer

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that went away is what the test wants."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    script.base_url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield script
    finally:
        over.set()
        server.shutdown()
        server.server_close()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
