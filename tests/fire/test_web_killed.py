"""Ten thousand events from several senders while the server is killed and started again: each applied exactly once."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from sqlalchemy import select
from standardwebhooks import Webhook

from core.schema import confirmations, inbox
from core.store import open_store
from tests.builders import make_live_ledger

ROOT = Path(__file__).parents[2]
SECRET = "whsec_bm9sYXBzZS1ub2xhcHNlLW5vbGFwc2UtMDE="
EVENTS, SENDERS, DEATHS = 10_000, 3, 5
PATIENCE = 120


@dataclass(frozen=True)
class Letter:
    """One request, and the answers that are right for it."""

    key: str
    body: bytes
    right: frozenset[int]
    signed: bool = True


def letters(count: int, seed: int) -> list[Letter]:
    """A mixture, out of order: most are good, many come twice, some are not to be let in."""
    lot = random.Random(seed)
    made: list[Letter] = []
    for number in range(count):
        made.append(_letter(number, lot.random()))
    made += [one for one in made if lot.random() < 0.15]
    lot.shuffle(made)
    return made


def _letter(number: int, chance: float) -> Letter:
    key = f"msg_{number}"
    said = {
        "type": "renewal.confirmed",
        "timestamp": "2026-06-10T09:00:00Z",
        "data": {"order": f"digicert:{number}", "renewed_on": "2026-06-10"},
    }
    if chance < 0.80:
        return Letter(key, json.dumps(said).encode(), frozenset({200, 202}))
    if chance < 0.85:
        return Letter(key, json.dumps(said).encode(), frozenset({401}), signed=False)
    if chance < 0.90:
        return Letter(key, json.dumps(said).encode()[:-9], frozenset({400}))
    if chance < 0.95:
        return Letter(key, json.dumps(said | {"type": "renewal.dreamt"}).encode(), frozenset({400}))
    return Letter(key, json.dumps(said | {"more": "x" * 5000}).encode(), frozenset({413}))


def send_all(port: int, share: list[Letter]) -> dict[str, int]:
    """What each was answered in the end. Without an answer it is sent again, as a sender does."""
    key = Webhook(SECRET)
    answers: dict[str, int] = {}
    line: HTTPConnection | None = None
    for letter in share:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = line or HTTPConnection("127.0.0.1", port, timeout=10)
                line.request("POST", "/webhooks/renewals", letter.body, _headers(key, letter))
                answer = line.getresponse()
                answer.read()
                code = answer.status
                if answer.will_close:
                    line.close()
                    line = None
            except (OSError, HTTPException):
                line = None
                code = 0
            if code and code != 503:
                assert code in letter.right, (code, letter.right)
                answers[letter.key] = code
                break
            assert time.monotonic() < deadline, "the server does not come back"
            time.sleep(0.05)
    return answers


def _headers(key: Webhook, letter: Letter) -> Mapping[str, str]:
    now = datetime.now(UTC)
    signature = key.sign(letter.key, now, letter.body.decode()) if letter.signed else "v1,AAAA"
    return {
        "Content-Type": "application/json",
        "webhook-id": letter.key,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": signature,
    }


class Server:
    """`nolapse serve --web-only`, as often as it takes."""

    def __init__(self, folder: Path, url: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._folder = folder
        (folder / "nolapse.toml").write_text(
            f'[store]\nurl = "{url}"\n[web]\nlisten = "127.0.0.1:{self.port}"\nmax_body_bytes = 4096\n',
            encoding="utf-8",
        )
        self.start()

    def start(self) -> None:
        with (self._folder / "server.log").open("a") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "--config", "nolapse.toml", "serve", "--web-only"],
                cwd=self._folder,
                env=os.environ | {"PYTHONPATH": str(ROOT), "NOLAPSE_WEB__RENEWALS_SECRET": SECRET},
                stdout=stream,
                stderr=stream,
            )

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@pytest.fixture
def folder() -> Iterator[Path]:
    """In memory where the system has room there: what is killed here is a process, not a machine."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="nolapse-web-", dir=memory) as folder:
        yield Path(folder)


@pytest.fixture
def server(folder: Path) -> Iterator[Server]:
    url = f"sqlite:///{folder / 'nolapse.db'}"
    make_live_ledger(url)
    server = Server(folder, url)
    yield server
    if server.process.poll() is None:
        server.kill()


def test_every_good_event_is_applied_once_and_no_bad_one(server: Server, folder: Path) -> None:
    made = letters(EVENTS, seed=7)
    store = open_store(f"sqlite:///{folder / 'nolapse.db'}")

    def stored() -> int:
        with store.read() as connection:
            return len(connection.execute(select(inbox.c.id)).all())

    with ProcessPoolExecutor(SENDERS) as senders:
        sent = [senders.submit(send_all, server.port, made[number::SENDERS]) for number in range(SENDERS)]
        for death in range(1, DEATHS + 1):
            deadline = time.monotonic() + PATIENCE
            while stored() < EVENTS * 0.8 * death / (DEATHS + 1):
                assert time.monotonic() < deadline, "nothing comes in"
                time.sleep(0.05)
            server.kill()
            server.start()
        answers = [one.result() for one in sent]
    good = {letter.key for letter in made if 202 in letter.right}
    accepted = {key for share in answers for key, code in share.items() if code in (200, 202)}
    assert accepted == good
    deadline = time.monotonic() + PATIENCE
    while _states(store.engine.url.render_as_string(False)).keys() != {"applied"}:
        assert time.monotonic() < deadline, "it is not all applied"
        time.sleep(0.1)
    assert server.end() == 0
    with store.read() as connection:
        noted = Counter(connection.execute(select(confirmations.c.source_key)).scalars())
        kept = Counter(connection.execute(select(inbox.c.event_key)).scalars())
    store.close()
    assert noted == kept == Counter(good)


def _states(url: str) -> Counter[str]:
    store = open_store(url)
    try:
        with store.read() as connection:
            return Counter(connection.execute(select(inbox.c.state)).scalars())
    finally:
        store.close()
