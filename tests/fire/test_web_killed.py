"""Ten thousand events from several senders while the server is killed and started again: each applied exactly once."""

import base64
import hmac
import json
import random
import socket
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import ColumnElement, func, select

from core.returned import key_of
from core.schema import confirmations, inbox
from core.store import open_store
from tests.builders import make_live_ledger
from tests.fakes.certcentral import KEY, World, no_limits, running_certcentral
from tests.fire.commands import Command
from webhooks.hubspot_events import event_key

SECRETS = {
    "renewals": "whsec_bm9sYXBzZS1ub2xhcHNlLW5vbGFwc2UtMDE=",
    "certcentral": "the secret of the webhook, of 32 signs and more",
    "hubspot": "the client secret of the app",
    "mail": "the secret of the mail server",
}
GOOD = frozenset({200, 202})
ENVIRONMENT = {
    "NOLAPSE_CERTCENTRAL__KEY": KEY, "NOLAPSE_HUBSPOT__TOKEN": "none",
    "NOLAPSE_WEB__LINK_SECRET": "links", **{f"NOLAPSE_WEB__{door.upper()}_SECRET": one for door, one in SECRETS.items()},
}  # fmt: skip
EVENTS, SENDERS, DEATHS = 10_000, 3, 5
PATIENCE = 120


@dataclass(frozen=True)
class Letter:
    """One request to a door, the key under which it is to be kept, and the answers that are right for it."""

    door: str
    key: str
    body: bytes
    right: frozenset[int]
    signed: bool = True


def letters(count: int, seed: int) -> list[Letter]:
    """A mixture, out of order: most are good, many come twice, some are not to be let in."""
    lot = random.Random(seed)
    made = [_letter(number, lot.random()) for number in range(count * 7 // 8)]
    made += lot.sample(made, count - len(made))
    lot.shuffle(made)
    return made


def _letter(number: int, chance: float) -> Letter:
    door, key, body = (_renewal, _renewal, _certcentral, (_hubspot, _mail)[number // 4 % 2])[number % 4](number)
    if chance < 0.80:
        return Letter(door, key, body, GOOD)
    if chance < 0.85:
        return Letter(door, key, body, frozenset({401}), signed=False)
    if chance < 0.90:
        return Letter(door, key, b"\n" if door == "mail" else body[:-9], frozenset({400}))
    if chance < 0.95:
        strange = b" " if door == "mail" else b'{"type":"renewal.dreamt","data":{}}'
        return Letter(door, key, strange, frozenset({400}))
    return Letter(door, key, body + b" " * 5000, frozenset({413}))


def _renewal(number: int) -> tuple[str, str, bytes]:
    data = {"order": f"digicert:{number}", "renewed_on": "2026-06-10"}
    said = {"type": "renewal.confirmed", "timestamp": "2026-06-10T09:00:00Z", "data": data}
    return "renewals", f"msg_{number}", json.dumps(said).encode()


def _certcentral(number: int) -> tuple[str, str, bytes]:
    order = number % 20 + 1
    said = {"event": "certificate_issued", "data": {"order_id": order, "certificate_id": number}}
    return "certcentral", f"certificate_issued:{order}:{number}", json.dumps(said).encode()


def _hubspot(number: int) -> tuple[str, str, bytes]:
    said = {"subscriptionType": "contact.deletion", "objectId": number, "portalId": 1, "occurredAt": 1}
    return "hubspot", event_key(said), json.dumps([said]).encode()


def _mail(number: int) -> tuple[str, str, bytes]:
    body = f"Message-ID: <{number}@x.example>\r\nAuto-Submitted: auto-replied\r\n\r\nI am away.\r\n".encode()
    return "mail", key_of(body), body


def send_all(port: int, share: list[Letter]) -> dict[tuple[str, str], int]:
    """What each was answered in the end. Without an answer it is sent again, as a sender does."""
    answers: dict[tuple[str, str], int] = {}
    line: socket.socket | None = None
    for letter in share:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = line or socket.create_connection(("127.0.0.1", port), timeout=10)
                code, stays = _ask(line, letter)
            except OSError:
                code, stays = 0, False
            if not stays and line is not None:
                line.close()
                line = None
            if code and code != 503:
                assert code in letter.right, (code, letter)
                if code in GOOD:
                    answers[letter.door, letter.key] = code
                break
            assert time.monotonic() < deadline, "the server does not come back"
            time.sleep(0.05)
    return answers


def _ask(line: socket.socket, letter: Letter) -> tuple[int, bool]:
    """Sends one request over a connection that is kept; the status, 0 for none, and whether the connection stays."""
    head = "".join(f"{name}: {value}\r\n" for name, value in _headers(letter).items())
    line.sendall(
        f"POST /webhooks/{letter.door} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(letter.body)}\r\n{head}\r\n".encode()
        + letter.body
    )
    answer = b""
    while b"\r\n\r\n" not in answer:
        if not (more := line.recv(65_536)):
            return 0, False
        answer += more
    told, _, rest = answer.partition(b"\r\n\r\n")
    fields = told.lower().split(b"\r\n")
    length = next((int(one[15:]) for one in fields if one.startswith(b"content-length:")), 0)
    while len(rest) < length:
        if not (more := line.recv(65_536)):
            return 0, False
        rest += more
    return int(told[9:12]), b"connection: close" not in fields


def _headers(letter: Letter) -> Mapping[str, str]:
    kind = {"Content-Type": "message/rfc822" if letter.door == "mail" else "application/json"}
    secret = SECRETS[letter.door] if letter.signed else "another secret, for which nothing is let in"
    now = int(time.time())
    match letter.door:
        case "renewals":
            said = f"{letter.key}.{now}.".encode() + letter.body
            key = base64.b64decode(SECRETS["renewals"].removeprefix("whsec_")) if letter.signed else b"another"
            signature = base64.b64encode(hmac.digest(key, said, "sha256")).decode()
            named = {"webhook-id": letter.key, "webhook-timestamp": str(now), "webhook-signature": f"v1,{signature}"}
        case "certcentral":
            named = {"X-WEBHOOK-KEY": secret}
        case "hubspot":
            said = b"POSThttps://renew.example/webhooks/hubspot" + letter.body + b"%d000" % now
            signature = base64.b64encode(hmac.digest(secret.encode(), said, "sha256")).decode()
            named = {"X-HubSpot-Signature-v3": signature, "X-HubSpot-Request-Timestamp": f"{now}000"}
        case _:
            named = {"Authorization": f"Bearer {secret}"}
    return kind | named


class Server:
    """`nolapse serve --web-only`, as often as it takes."""

    def __init__(self, folder: Path, url: str, certcentral: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self._folder = folder
        (folder / "nolapse.toml").write_text(
            f'[store]\nurl = "{url}"\n[sync]\nsources = ["certcentral"]\ncrm = "hubspot"\n'
            f'[certcentral]\nbase_url = "{certcentral}"\n[web]\nlisten = "127.0.0.1:{self.port}"\n'
            'public_url = "https://renew.example"\nmax_body_bytes = 4096\n',
            encoding="utf-8",
        )
        self.start()

    def start(self) -> None:
        words = ("--config", "nolapse.toml", "serve", "--web-only")
        self.command = Command(*words, folder=self._folder, environment=ENVIRONMENT)

    def kill(self) -> None:
        self.command.kill()
        self.command.end()

    def end(self) -> int:
        self.command.terminate()
        return self.command.end().code


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
    with running_certcentral(World(), no_limits()) as certcentral:
        server = Server(folder, url, certcentral.base_url)
        yield server
        if server.command.runs:
            server.kill()


def test_every_good_event_is_applied_once_and_no_bad_one(server: Server, folder: Path) -> None:
    made = letters(EVENTS, seed=7)
    good = {(letter.door, letter.key) for letter in made if letter.right is GOOD}
    store = open_store(f"sqlite:///{folder / 'nolapse.db'}")

    def count(*where: ColumnElement[bool]) -> int:
        with store.read() as connection:
            return int(connection.execute(select(func.count()).select_from(inbox).where(*where)).scalar_one())

    with ProcessPoolExecutor(SENDERS) as senders:
        sent = [senders.submit(send_all, server.port, made[number::SENDERS]) for number in range(SENDERS)]
        for death in range(1, DEATHS + 1):
            deadline = time.monotonic() + PATIENCE
            while count() < len(good) * death / (DEATHS + 1):
                assert time.monotonic() < deadline, "nothing comes in"
                time.sleep(0.2)
            server.kill()
            server.start()
        answers = [one.result() for one in sent]
    assert {one for share in answers for one in share} == good
    assert {door for door, _ in good} == set(SECRETS)
    deadline = time.monotonic() + PATIENCE
    while count(inbox.c.state != "applied"):
        assert time.monotonic() < deadline, "it is not all applied"
        time.sleep(0.2)
    assert server.end() == 0
    with store.read() as connection:
        noted = Counter(connection.execute(select(confirmations.c.source_key)).scalars())
        kept = Counter((row.door, row.event_key) for row in connection.execute(select(inbox.c.door, inbox.c.event_key)))
    store.close()
    assert kept == Counter(good)
    assert noted == Counter(key for door, key in good if door == "renewals")
