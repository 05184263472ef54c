"""Certificates are read from real servers on a loopback port, whoever signed them, and from nowhere private unasked."""

import socket
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from threading import Thread

import pytest
import trustme

from connectors.tls_probe.client import Client, Unseen, is_public, resolve
from connectors.tls_probe.connector import CONNECTOR, TlsProbe, TlsProbeSettings, open_prober
from connectors.tls_probe.mapping import served
from core.installs import Served

ENDS = {"old.example": datetime(2020, 1, 2, 23, 59, 59, tzinfo=UTC), "new.example": datetime(2040, 5, 6, tzinfo=UTC)}
SECONDS = 20.0


@contextmanager
def serving(answer: bool = True) -> Iterator[int]:
    """A server that shows each name its own certificate; one that does not `answer` takes connections and hangs up."""
    ca = trustme.CA()
    contexts: dict[str, ssl.SSLContext] = {}
    for name, end in ENDS.items():
        contexts[name] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert(name, not_before=datetime(2019, 1, 1, tzinfo=UTC), not_after=end).configure_cert(contexts[name])
    front = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("other.example").configure_cert(front)

    def choose(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
        connection.context = contexts.get(name or "", front)

    front.sni_callback = choose
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = Thread(target=_serve, args=(listening, front if answer else None), daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        with socket.create_connection(listening.getsockname()) as ending:
            ending.sendall(b"END")
        thread.join(timeout=SECONDS)


def _serve(listening: socket.socket, context: ssl.SSLContext | None) -> None:
    while True:
        plain, _ = listening.accept()
        with plain:
            plain.settimeout(SECONDS)
            if plain.recv(3, socket.MSG_PEEK) == b"END":
                return
            if context is None:
                continue
            try:
                with context.wrap_socket(plain, server_side=True) as secure:
                    secure.recv(1)
            except OSError:
                continue


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with serving() as port:
        yield port


def here(name: str, seconds: float) -> Sequence[str]:
    if name == "nowhere.example":
        raise Unseen("it has no address")
    return ["127.0.0.1"]


def client(port: int, **said: object) -> Client:
    usual = {"timeout_seconds": SECONDS, "allow_private": True, "resolve": here}
    return Client(port, **usual | said)  # type: ignore[arg-type]


def test_each_name_has_its_own_certificate_expired_or_not(port: int) -> None:
    names = ["new.example", "old.example", "new.example", "nowhere.example"]
    assert TlsProbe(client(port)).look(names) == [
        Served("new.example", date(2040, 5, 6)),
        Served("old.example", date(2020, 1, 2)),
        Served("new.example", date(2040, 5, 6)),
        Served("nowhere.example", None, "it has no address"),
    ]
    assert TlsProbe(client(port)).look([]) == []


def test_private_addresses_are_left_alone_unless_allowed(port: int) -> None:
    with pytest.raises(Unseen, match="its address is private"):
        client(port, allow_private=False).certificate("new.example")


def test_what_does_not_speak_tls_says_nothing() -> None:
    with serving(answer=False) as port, pytest.raises(Unseen, match=r"it does not (answer|agree on TLS)"):
        client(port).certificate("new.example")


def test_where_nobody_listens_the_next_address_is_tried(port: int) -> None:
    closed = client(port, resolve=lambda name, seconds: ["127.0.0.2", "127.0.0.1"])
    assert served("new.example", closed.certificate("new.example")).ends_on == date(2040, 5, 6)


@pytest.mark.parametrize(("name", "why"), [("192.0.2.1", "it is an address"), ("a" * 70 + ".example", "no host name")])
def test_what_is_no_host_name_is_not_looked_up(name: str, why: str) -> None:
    with pytest.raises(Unseen, match=why):
        client(1, resolve=lambda name, seconds: pytest.fail("it was looked up")).certificate(name)


def test_a_certificate_that_cannot_be_read_is_told() -> None:
    with pytest.raises(Unseen, match="cannot be read"):
        served("new.example", b"nothing")


def test_a_name_without_an_address_is_unseen() -> None:
    with pytest.raises(Unseen, match="it has no address"):
        resolve("no-such-name.invalid", 0.01)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("64:ff9b::5db8:d70e", True),  # 93.184.215.14 by NAT64
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("192.168.0.1", False),
        ("224.0.0.1", False),
        ("240.0.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::1", False),
        ("2001:0:a00:1::1", False),
    ],
)
def test_which_addresses_are_of_the_open_internet(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_it_is_opened_with_its_settings_and_says_what_it_does() -> None:
    probe = open_prober(TlsProbeSettings(port=8443, names_per_order=2, allow_private=True))
    assert probe.names_per_order == 2
    (finding,) = probe.check()
    assert finding.ok
    assert finding.text == (
        "servers are asked on port 8443 whether new certificates are installed; private networks too"
    )
    assert CONNECTOR.prober is open_prober
