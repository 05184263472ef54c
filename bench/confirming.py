"""Accepted confirmations over HTTP, beside a bare Flask view that does one INSERT and COMMIT on the same server.

Both are served by cheroot with the same threads, each from a process of its own, on a SQLite file of the same kind; the
same requests come over the same number of kept connections.
"""

import json
import multiprocessing
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import urllib3
from standardwebhooks import Webhook

from bench.measure import Taken

SENDERS = 4
THREADS = 8
_SECRET = "whsec_bm9sYXBzZS1ub2xhcHNlLW5vbGFwc2UtMDE="  # noqa: S105  for made-up events
_TOML = '[store]\nurl = "sqlite:///{file}"\n[sync]\ncrm = ""\n[web]\nlisten = "127.0.0.1:0"\nthreads = {threads}\n'

Request = tuple[dict[str, str], bytes]


def confirmations(folder: Path, number: int, *, bare: bool) -> Taken:
    """The time for so many events, each accepted; the notes tell the slowest of the fastest 99 percent (ms)."""
    requests = list(_requests(number))
    with _served(_serve_bare if bare else _serve_ours, folder) as url:
        for request in _requests(SENDERS * 5, "warm"):
            _ask(urllib3.PoolManager(), url, request)
        taken = Taken(done=number)
        began = time.perf_counter()
        with ThreadPoolExecutor(SENDERS) as senders:
            shares = senders.map(lambda first: _send(url, requests[first::SENDERS]), range(SENDERS))
            latencies = sorted(one for share in shares for one in share)
        taken.wall = time.perf_counter() - began
    taken.notes = {"p99": latencies[int(len(latencies) * 0.99)] * 1000}
    return taken


def _requests(number: int, name: str = "event") -> Iterator[Request]:
    key, now = Webhook(_SECRET), datetime.now(UTC)
    for which in range(number):
        data = {"order": f"digicert:{which}", "renewed_on": str(now.date())}
        said = {"type": "renewal.confirmed", "timestamp": now.isoformat(), "data": data}
        body = json.dumps(said)
        yield (
            {
                "Content-Type": "application/json",
                "webhook-id": f"{name}-{which}",
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": key.sign(f"{name}-{which}", now, body),
            },
            body.encode(),
        )


def _send(url: str, share: list[Request]) -> list[float]:
    """Sends over one connection; how long each took (seconds)."""
    taken = []
    with urllib3.PoolManager(maxsize=1, retries=False, timeout=60) as pool:
        for request in share:
            began = time.perf_counter()
            _ask(pool, url, request)
            taken.append(time.perf_counter() - began)
    return taken


def _ask(pool: urllib3.PoolManager, url: str, request: Request) -> None:
    headers, body = request
    answer = pool.request("POST", url, body=body, headers=headers)
    if answer.status != 202:
        raise RuntimeError(f"an event was answered {answer.status}")


@contextmanager
def _served(serve: Callable[[Connection, str], None], folder: Path) -> Iterator[str]:
    """The address of a server in a process of its own."""
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(there, str(folder)), daemon=True)
    process.start()
    try:
        if not here.poll(120):
            raise RuntimeError("the server does not begin")
        yield f"{here.recv()}/webhooks/renewals"
    finally:
        here.send("end")
        process.join(60)


def _serve_ours(line: Connection, folder: str) -> None:
    """The web app as `nolapse serve --web-only` serves it, applying what comes in."""
    from config.assembly import App
    from config.settings import load
    from config.web import Web
    from core import migrations

    base = Path(folder)
    (base / "nolapse.toml").write_text(_TOML.format(file=base / "ours.db", threads=THREADS), encoding="utf-8")
    app = App(load(base / "nolapse.toml", {"NOLAPSE_WEB__RENEWALS_SECRET": _SECRET}))
    migrations.migrate(app.bare_store)
    web = Web(app)
    web.start()
    line.send(web.url)
    line.recv()
    web.stop()
    app.close()


def _serve_bare(line: Connection, folder: str) -> None:
    """One view that stores what comes in."""
    from threading import Thread, local

    from cheroot.wsgi import Server
    from flask import Flask, request

    file = str(Path(folder) / "bare.db")
    held = local()

    def connection() -> sqlite3.Connection:
        if not hasattr(held, "connection"):
            held.connection = sqlite3.connect(file, timeout=30, isolation_level=None)
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                held.connection.execute(f"PRAGMA {pragma}")
        found: sqlite3.Connection = held.connection
        return found

    connection().execute("CREATE TABLE events (id INTEGER PRIMARY KEY, key TEXT UNIQUE, content BLOB, at TEXT)")
    app = Flask("bare")

    @app.post("/webhooks/renewals")
    def take() -> Any:
        row = (request.headers["webhook-id"], request.get_data(), datetime.now(UTC).isoformat())
        connection().execute("BEGIN IMMEDIATE")
        connection().execute("INSERT INTO events (key, content, at) VALUES (?, ?, ?)", row)
        connection().execute("COMMIT")
        return {"status": "accepted"}, 202

    server = Server(("127.0.0.1", 0), app, numthreads=THREADS, request_queue_size=128)
    server.prepare()
    thread = Thread(target=server.serve, daemon=True)
    thread.start()
    line.send(f"http://127.0.0.1:{server.bind_addr[1]}")
    line.recv()
    server.stop()
