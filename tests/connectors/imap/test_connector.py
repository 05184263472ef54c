"""The mailbox as the engine reads it, from a small server over real sockets."""

import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import SecretStr

from connectors.imap.client import LONGEST_MAIL
from connectors.imap.connector import FIRST_DAYS, ImapMailbox, ImapSettings, open_mailbox
from connectors.imap.mapping import Place, place_of
from core.errors import ConfigurationError, RetriableError
from core.incoming_mail import fetch
from core.schema import inbox
from core.store import Store, open_store
from tests.builders import make_live_ledger
from tests.conftest import Prepared
from tests.fakes.imap_server import ImapWorld, running_imap_server


def mail(number: int) -> bytes:
    return f"Message-ID: <{number}@x.example>\r\nSubject: {number}\r\n\r\nHello\r\n".encode()


@pytest.fixture
def world() -> Iterator[ImapWorld]:
    with running_imap_server() as world:
        yield world


def mailbox(world: ImapWorld, **said: Any) -> ImapMailbox:
    usual: dict[str, Any] = {
        "host": "127.0.0.1", "port": world.port, "security": "none", "user": world.user,
        "password": SecretStr(world.password), "timeout_seconds": 20,
    }  # fmt: skip
    return open_mailbox(ImapSettings(**usual | said))


def read(mailbox: ImapMailbox, since: str | None = None) -> tuple[list[bytes], str | None]:
    found: list[bytes] = []
    for mails, place in mailbox.mails(since):
        found += mails
        since = place
    return found, since


def test_what_is_new_is_read_once_and_left_as_it_is(world: ImapWorld) -> None:
    for number in range(45):
        world.add(mail(number))
    found, place = read(mailbox(world))
    assert found == [mail(number) for number in range(45)]
    assert place == "1:45"
    assert read(mailbox(world), place) == ([], place)
    world.add(mail(45))
    assert read(mailbox(world), place) == ([mail(45)], "1:46")
    assert not [line for line in world.log if "STORE" in line or "SELECT" in line]


def test_the_first_reading_goes_back_some_days(world: ImapWorld) -> None:
    today = datetime.now(UTC).date()
    world.add(mail(1), today - timedelta(days=FIRST_DAYS + 2))
    world.add(mail(2), today)
    assert read(mailbox(world)) == ([mail(2)], "1:2")


def test_a_mailbox_made_anew_is_read_anew(world: ImapWorld) -> None:
    world.add(mail(1))
    world.validity = 2
    assert read(mailbox(world), "1:7") == ([mail(1)], "2:1")


def test_of_a_long_mail_the_beginning_is_read(world: ImapWorld) -> None:
    world.add(mail(1) + b"x" * LONGEST_MAIL)
    (found,), _ = read(mailbox(world))
    assert len(found) == LONGEST_MAIL


def test_an_empty_mailbox_gives_nothing(world: ImapWorld) -> None:
    assert read(mailbox(world)) == ([], None)
    (finding,) = mailbox(world).check()
    assert finding.ok
    assert finding.text == f"127.0.0.1:{world.port} opens it; there are 0 mails in it"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"password": SecretStr("wrong")}, "refuses user or password"),
        ({"box": "Elsewhere"}, "does not give the mailbox Elsewhere"),
        ({"security": "starttls"}, "offers no starttls"),
        ({"security": "none", "host": "imap.example"}, "without TLS the password could be read"),
        ({"security": "tls", "ca_file": "/nowhere.pem"}, "ca_file: cannot be read"),
    ],
)
def test_what_the_operator_must_mend_is_told(world: ImapWorld, said: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigurationError, match=why):
        read(mailbox(world, **said))
    (finding,) = mailbox(world, **said).check()
    assert not finding.ok
    assert world.password not in finding.text


def test_a_server_that_hangs_or_is_gone_is_asked_later(world: ImapWorld) -> None:
    world.hangs = True
    with pytest.raises(RetriableError, match=f"127.0.0.1:{world.port} does not answer as it should"):
        read(mailbox(world, timeout_seconds=0.2))
    with pytest.raises(RetriableError):
        read(mailbox(world, port=9))


def test_with_tls_only_a_trusted_server_is_talked_to(tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with running_imap_server(context) as world:
        world.add(mail(1))
        trusting = mailbox(world, security="tls", ca_file=str(tmp_path / "ca.pem"))
        assert read(trusting)[0] == [mail(1)]
        with pytest.raises(ConfigurationError, match="no certificate that can be trusted"):
            read(mailbox(world, security="tls"))


@pytest.mark.parametrize("missing", ["host", "user", "password"])
def test_without_an_account_there_is_no_mailbox(missing: str) -> None:
    said: dict[str, Any] = {"host": "imap.example", "user": "u", "password": SecretStr("p")}
    with pytest.raises(ConfigurationError, match="set host and user, and the password"):
        open_mailbox(ImapSettings(**said | {missing: None if missing == "password" else ""}))


@pytest.mark.parametrize("text", [None, "", "x", "1:", "1:x", "2:5", "1:-5", "1:５"])
def test_a_place_that_holds_no_more_is_none(text: str | None) -> None:
    assert place_of(text, "1") is None
    assert place_of(str(Place("1", 5)), "1") == Place("1", 5)


@pytest.mark.parametrize("prepared_store_url", ["sqlite"], indirect=True)
class TestFetching:
    """What the mailbox holds comes into the inbox."""

    @pytest.fixture
    def store(self, prepared_store_url: Prepared) -> Iterator[Store]:
        store = open_store(prepared_store_url("live", make_live_ledger))
        yield store
        store.close()

    def test_each_mail_comes_in_once(self, store: Store, world: ImapWorld) -> None:
        for number in (1, 2, 1):
            world.add(mail(number))
        assert fetch(store, mailbox(world)) == 2
        assert fetch(store, mailbox(world)) == 0
        world.validity = 2
        assert fetch(store, mailbox(world)) == 0
        with store.read() as connection:
            rows = connection.execute(inbox.select().order_by(inbox.c.id)).all()
        assert [(row.door, bytes(row.content)) for row in rows] == [("mail", mail(1)), ("mail", mail(2))]
