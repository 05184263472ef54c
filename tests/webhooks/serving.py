"""The web app over real HTTP, on a free port of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

from cheroot.wsgi import Server
from flask import Flask


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The address under which the app is served, as `nolapse serve` serves it."""
    server = Server(("127.0.0.1", 0), app, numthreads=4, shutdown_timeout=10)
    server.prepare()
    thread = Thread(target=server.serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.bind_addr[1]}"
    finally:
        server.stop()
        thread.join(30)
