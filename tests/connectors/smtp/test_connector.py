import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import SecretStr, TypeAdapter, ValidationError
from sqlalchemy import Engine, select

from connectors.smtp import client as client_module
from connectors.smtp.client import AnswerLost
from connectors.smtp.connector import CONNECTOR, SmtpMailer, SmtpSettings, open_mailer, windows
from core.errors import ConfigurationError, NolapseError, PostponedError, RetriableError, SkippableError
from core.limits import Window
from core.ports import Attachment, Handed, Mail, Result
from core.schema import call_limits
from core.store import open_store
from tests.builders import make_ledger
from tests.connectors.contract import a_mail
from tests.fakes.smtp_server import PASSWORD, USER, SmtpServer, running_smtp_server

Open = Callable[..., SmtpMailer]


@pytest.fixture
def opened() -> Iterator[Open]:
    """Opens mailers, with short times, and closes them."""
    with ExitStack() as stack:

        def open_for(server: SmtpServer | None = None, engine: Engine | None = None, **changes: Any) -> SmtpMailer:
            told: dict[str, Any] = {"host": "127.0.0.1", "security": "none", "timeout_seconds": 5}
            told |= {"answer_timeout_seconds": 5, "local_hostname": "nolapse.test"}
            if server is not None:
                told |= {"port": server.port, "ca_file": server.ca_file}
            mailer = open_mailer(SmtpSettings(**told | changes), engine)
            stack.callback(mailer.close)
            return mailer

        yield open_for


SECURE: dict[str, Any] = {"host": "localhost", "user": USER, "password": SecretStr(PASSWORD)}


def send_one(mailer: SmtpMailer, mail: Mail) -> Result:
    (result,) = mailer.send([mail])
    assert result.key == mail.key
    return result


def error_of(result: Result, kind: type[NolapseError], handed: Handed = Handed.FAILED) -> str:
    assert result.handed is handed
    assert type(result.error) is kind
    assert "\n" not in str(result.error)
    return str(result.error)


@contextmanager
def scripted(*answers: bytes | float | None) -> Iterator[tuple[int, list[bytes]]]:
    """A server that gives these answers, one to the connection and one to each line; None ends the connection.

    A number waits so many seconds. After `354` the message is read up to its dot. Gives its port and what it was told.
    """
    lines: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as file:
                for answer in answers:
                    if answer is None:
                        return
                    if isinstance(answer, float):
                        time.sleep(answer)
                        continue
                    connection.sendall(answer + b"\r\n")
                    line = file.readline()
                    while answer.startswith(b"354") and line not in (b".\r\n", b""):
                        line = file.readline()
                    lines.append(line)

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listener.getsockname()[1]), lines
        thread.join(10)


OPENING = (b"220 mail.test", b"250 mail.test")


class TestSettings:
    def test_the_port_is_the_usual_one_where_none_is_set(self, opened: Open) -> None:
        ports = {security: opened(security=security)._client.server.port for security in ("starttls", "tls", "none")}
        assert ports == {"starttls": 587, "tls": 465, "none": 25}
        assert opened(port=2525)._client.server.port == 2525

    @pytest.mark.parametrize(
        ("settings", "setting"),
        [
            ({"host": ""}, "smtp.host is not set"),
            ({"host": "mail test"}, "smtp.host holds a blank"),
            ({"host": "mail\r\ntest"}, "smtp.host holds a blank"),
            ({"user": "nolapse"}, "NOLAPSE_SMTP__PASSWORD"),
            ({"password": SecretStr("x")}, "smtp.user is not set"),
            (
                {"user": "x", "password": SecretStr("x"), "host": "mail.test"},
                "would send the password unencrypted",
            ),
            ({"local_hostname": "a b"}, "smtp.local_hostname is not a host name"),
        ],
    )
    def test_settings_that_do_not_go_together_are_refused_at_once(
        self, opened: Open, settings: dict[str, Any], setting: str
    ) -> None:
        with pytest.raises(ConfigurationError) as caught:
            opened(**settings)
        assert setting in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "LOCALHOST", "127.1.2.3"])
    def test_a_password_may_go_unencrypted_within_the_machine(self, opened: Open, host: str) -> None:
        assert opened(host=host, user="x", password=SecretStr("x"))._client.server.is_here

    @pytest.mark.parametrize(
        "wrong",
        [
            {"port": 70000},
            {"port": -1},
            {"security": "ssl"},
            {"timeout_seconds": 0},
            {"answer_timeout_seconds": -1},
            {"batch_size": 0},
            {"max_per_minute": -1},
        ],
    )
    def test_values_out_of_range_are_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            TypeAdapter(SmtpSettings).validate_python({"host": "mail.test"} | wrong)

    def test_the_password_is_not_shown(self) -> None:
        settings = TypeAdapter(SmtpSettings).validate_python({"host": "mail.test", "password": "hunter2"})
        assert "hunter2" not in repr(settings)

    def test_it_carries_mails_only(self) -> None:
        assert CONNECTOR.mailer is open_mailer
        assert (CONNECTOR.crm, CONNECTOR.order_source) == (None, None)


class TestSending:
    def test_envelope_and_message_arrive_as_given(self, opened: Open, plain: SmtpServer) -> None:
        mail = a_mail(
            to="customer@exämple.com",
            bcc="archive@example.com",
            text=".\n..\n. a line of dots\n.hidden\n",
            subject="Größe",
        )
        result = send_one(opened(plain), mail)
        assert (result.handed, result.outside_id) == (Handed.DELIVERED, mail.message_id)
        (got,) = plain.received()
        assert got.sender == mail.sender
        assert got.recipients == ("customer@xn--exmple-cua.com", "archive@example.com")
        assert got.message["Message-ID"] == mail.message_id
        assert got.message["Subject"] == "Größe"
        assert got.message["Bcc"] is None
        body = got.message.get_body(("plain",))
        assert body is not None
        assert body.get_content().replace("\r\n", "\n") == mail.text

    def test_it_is_the_same_message_each_time(self, opened: Open, plain: SmtpServer) -> None:
        mail = a_mail()
        mailer = opened(plain)
        assert [send_one(mailer, mail).handed for _ in range(2)] == [Handed.DELIVERED, Handed.DELIVERED]
        first, second = plain.received()
        assert first.octets == second.octets

    def test_one_connection_is_kept(self, opened: Open, plain: SmtpServer) -> None:
        mailer = opened(plain)
        for _ in range(2):
            assert {result.handed for result in mailer.send([a_mail() for _ in range(5)])} == {Handed.DELIVERED}
        assert len({got.connection for got in plain.received()}) == 1

    def test_several_threads_share_it(self, opened: Open, plain: SmtpServer) -> None:
        mailer = opened(plain)
        mails = [a_mail() for _ in range(20)]
        with ThreadPoolExecutor(4) as senders:
            results = list(senders.map(lambda mail: send_one(mailer, mail), mails))
        assert {result.handed for result in results} == {Handed.DELIVERED}
        assert sorted(got.message["Message-ID"] for got in plain.received()) == sorted(
            mail.message_id for mail in mails
        )

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_it_is_encrypted_and_logged_in(self, opened: Open, request: pytest.FixtureRequest, security: str) -> None:
        server: SmtpServer = request.getfixturevalue(security)
        result = send_one(opened(server, security=security, **SECURE), a_mail())
        assert result.handed is Handed.DELIVERED
        (got,) = server.received()
        assert (got.tls, got.user) == (True, USER)

    def test_a_kept_connection_that_the_server_has_ended_is_made_anew(self, opened: Open, plain: SmtpServer) -> None:
        mailer = opened(plain)
        send_one(mailer, a_mail())
        for stage in ("mail", "rcpt", "data"):
            plain.behave(cut=stage, times=1)
            assert send_one(mailer, a_mail()).handed is Handed.DELIVERED
        assert len(plain.received()) == 4
        assert len({got.connection for got in plain.received()}) == 4

    def test_a_server_that_takes_few_mails_on_a_connection_gets_all(self, opened: Open, plain: SmtpServer) -> None:
        plain.behave(mails_per_connection=2)
        results = opened(plain).send([a_mail() for _ in range(5)])
        assert {result.handed for result in results} == {Handed.DELIVERED}
        assert len(plain.received()) == 5
        assert len({got.connection for got in plain.received()}) == 3

    def test_an_old_connection_is_not_used_again(
        self, opened: Open, plain: SmtpServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mailer = opened(plain)
        send_one(mailer, a_mail())
        monkeypatch.setattr(client_module, "IDLE_SECONDS", 0.01)
        time.sleep(0.05)
        send_one(mailer, a_mail())
        assert len({got.connection for got in plain.received()}) == 2

    def test_after_closing_it_can_go_on(self, opened: Open, plain: SmtpServer) -> None:
        mailer = opened(plain)
        for _ in range(2):
            assert send_one(mailer, a_mail()).handed is Handed.DELIVERED
            mailer.close()
        assert len(plain.received()) == 2

    def test_an_address_beyond_ascii_goes_where_it_is_taken(self, opened: Open, starttls: SmtpServer) -> None:
        mailer = opened(starttls, security="starttls", **SECURE)
        results = mailer.send([a_mail(to="jürgen@exämple.com"), a_mail()])
        assert {result.handed for result in results} == {Handed.DELIVERED}
        first, second = starttls.received()
        assert first.recipients == ("jürgen@xn--exmple-cua.com",)
        assert "To: A Customer <jürgen@xn--exmple-cua.com>".encode() in first.octets
        assert second.octets.isascii()

    def test_and_is_refused_where_it_is_not(self, opened: Open, plain: SmtpServer) -> None:
        told = error_of(send_one(opened(plain), a_mail(to="jürgen@example.com")), SkippableError)
        assert "ASCII" in told
        assert "rgen" not in told
        assert plain.received() == []

    def test_a_mail_larger_than_the_server_takes_is_not_sent(self, opened: Open, plain: SmtpServer) -> None:
        mailer = opened(plain)
        large = a_mail(attachments=(Attachment("x", "application/pdf", b"x" * 1_000_000),))
        results = mailer.send([large, a_mail()])
        told = error_of(results[0], SkippableError)
        assert "takes at most 1000000" in told
        assert results[1].handed is Handed.DELIVERED
        assert len(plain.received()) == 1

    def test_an_interrupted_mail_spoils_no_other(
        self, opened: Open, plain: SmtpServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mailer = opened(plain)
        send_one(mailer, a_mail())
        session = mailer._client._session
        assert session is not None
        with monkeypatch.context() as patch:

            def interrupt(*_: object) -> None:
                raise KeyboardInterrupt

            patch.setattr(session, "send", interrupt)
            with pytest.raises(KeyboardInterrupt):
                mailer.send([a_mail()])
        assert send_one(mailer, a_mail()).handed is Handed.DELIVERED
        assert len(plain.received()) == 2


class TestRefusals:
    def test_each_recipient_has_its_own_result(self, opened: Open, plain: SmtpServer) -> None:
        mails = [a_mail(), a_mail(to="gone.person@example.org"), a_mail(to="full.box@example.org"), a_mail()]
        plain.behave(
            recipients={
                "gone.person@example.org": "550 5.1.1 <{address}>: gone.person is unknown here",
                "full.box@example.org": "452 4.2.2 <{address}> mailbox full",
            }
        )
        results = opened(plain).send(mails)
        assert [result.key for result in results] == [mail.key for mail in mails]
        assert [result.handed for result in results] == [
            Handed.DELIVERED, Handed.FAILED, Handed.FAILED, Handed.DELIVERED,
        ]  # fmt: skip
        told = error_of(results[1], SkippableError)
        assert told == "the mail server refuses the recipient: 550 5.1.1 <address>: <hidden> is unknown here"
        assert "452 4.2.2 <address> mailbox full" in error_of(results[2], PostponedError)
        assert len(plain.received()) == 2
        assert len({got.connection for got in plain.received()}) == 1

    def test_a_greylisted_mail_goes_the_second_time(self, opened: Open, plain: SmtpServer) -> None:
        plain.behave(greylist=True)
        mailer, mail = opened(plain), a_mail()
        assert "451 4.7.1" in error_of(send_one(mailer, mail), PostponedError)
        assert send_one(mailer, mail).handed is Handed.DELIVERED
        assert len(plain.received()) == 1

    def test_a_refused_sender_is_a_setting(self, opened: Open, plain: SmtpServer) -> None:
        plain.behave(sender="550 5.7.1 sender not allowed")
        told = error_of(send_one(opened(plain), a_mail()), ConfigurationError)
        assert "brand.sender" in told

    @pytest.mark.parametrize(
        ("answer", "kind"),
        [
            ("554 5.7.1 looks like spam", SkippableError),
            ("552 5.3.4 too large", SkippableError),
            ("451 4.3.0 try later", PostponedError),
            ("421 4.3.2 shutting down", RetriableError),
        ],
    )
    def test_a_refused_message_was_surely_not_taken(
        self, opened: Open, plain: SmtpServer, answer: str, kind: type[NolapseError]
    ) -> None:
        plain.behave(message=answer)
        mailer = opened(plain)
        assert answer in error_of(send_one(mailer, a_mail()), kind)
        plain.behave()
        assert send_one(mailer, a_mail()).handed is Handed.DELIVERED
        assert len(plain.received()) == 1

    def test_a_refused_copy_holds_no_mail_up(
        self, opened: Open, plain: SmtpServer, caplog: pytest.LogCaptureFixture
    ) -> None:
        plain.behave(recipients={"archive@example.com": "550 5.1.1 <{address}> archive unknown"})
        with caplog.at_level(logging.WARNING):
            result = send_one(opened(plain), a_mail(bcc="archive@example.com"))
        assert result.handed is Handed.DELIVERED
        assert [record.message for record in caplog.records] == [
            "the copy of a mail (mail.bcc) was refused: 550 5.1.1 <address> <hidden> unknown"
        ]
        assert "archive@example.com" not in plain.received()[0].recipients

    def test_a_copy_to_no_address_is_a_setting(self, opened: Open, plain: SmtpServer) -> None:
        assert "mail.bcc" in error_of(send_one(opened(plain), a_mail(bcc="nobody")), ConfigurationError)


class TestTheBoundary:
    """Before the final dot a mail was surely not taken, after it only the server's answer tells."""

    def test_a_connection_cut_after_the_message_leaves_it_uncertain(self, opened: Open, plain: SmtpServer) -> None:
        plain.behave(cut="message", times=1)
        mailer, mail = opened(plain), a_mail()
        told = error_of(send_one(mailer, mail), AnswerLost, Handed.UNCERTAIN)
        assert "may have taken it" in told
        assert [got.message["Message-ID"] for got in plain.received()] == [mail.message_id]
        assert send_one(mailer, a_mail()).handed is Handed.DELIVERED
        assert len(plain.received()) == 2

    def test_an_answer_that_does_not_come_in_time_leaves_it_uncertain(self, opened: Open, plain: SmtpServer) -> None:
        plain.behave(hang="message", hang_seconds=3, times=1)
        mailer = opened(plain, answer_timeout_seconds=0.3)
        told = error_of(send_one(mailer, a_mail()), AnswerLost, Handed.UNCERTAIN)
        assert "did not answer in time" in told
        assert len(plain.received(at_least=1)) == 1

    def test_an_uncertain_mail_is_never_sent_again_by_itself(self, opened: Open, plain: SmtpServer) -> None:
        plain.behave(cut="message")
        mailer = opened(plain)
        results = mailer.send([a_mail(), a_mail(), a_mail()])
        assert {result.handed for result in results} == {Handed.UNCERTAIN}
        assert all(result.error is not None and result.error.permanent for result in results)
        assert len(plain.received()) == 3

    @pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
    def test_a_connection_cut_before_the_message_fails_it_and_it_can_be_tried_again(
        self, opened: Open, plain: SmtpServer, stage: str
    ) -> None:
        plain.behave(cut=stage)
        mailer, mail = opened(plain), a_mail()
        assert "was not handed over" in error_of(send_one(mailer, mail), RetriableError)
        assert plain.received() == []
        plain.behave()
        assert send_one(mailer, mail).handed is Handed.DELIVERED
        assert len(plain.received()) == 1

    @pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
    def test_so_does_one_that_hangs(self, opened: Open, plain: SmtpServer, stage: str) -> None:
        plain.behave(hang=stage, hang_seconds=2)
        told = error_of(send_one(opened(plain, timeout_seconds=0.2), a_mail()), RetriableError)
        assert "did not answer in time" in told
        assert plain.received() == []

    def test_a_connection_cut_amid_the_message_fails_it(self, opened: Open) -> None:
        large = a_mail(attachments=(Attachment("x", "application/pdf", b"x" * 20_000_000),))
        with running_amid() as port:
            told = error_of(send_one(opened(port=port), large), RetriableError)
        assert "amid the message; it was not taken" in told

    @pytest.mark.parametrize("answer", [b"999 what", b"nonsense", b"354 more", b"x" * 9000])
    def test_an_answer_without_sense_leaves_it_uncertain(self, opened: Open, answer: bytes) -> None:
        script = (*OPENING, b"250 ok", b"250 ok", b"354 go", answer, None)
        with scripted(*script) as (port, _):
            result = send_one(opened(port=port), a_mail())
        assert "may have taken it" in error_of(result, AnswerLost, Handed.UNCERTAIN)

    def test_a_positive_answer_of_another_number_is_one(self, opened: Open) -> None:
        with scripted(*OPENING, b"250 ok", b"251 will forward", b"354 go", b"252 taken", b"221 bye") as (
            port,
            lines,
        ):
            mailer = opened(port=port)
            result = send_one(mailer, a_mail())
            mailer.close()
        assert result.handed is Handed.DELIVERED
        assert b"quit\r\n" in lines

    def test_an_answer_out_of_place_before_the_message_fails_it(self, opened: Open) -> None:
        with scripted(*OPENING, b"250 ok", b"250 ok", b"250 what message", b"250 reset", None) as (
            port,
            lines,
        ):
            mailer = opened(port=port)
            result = send_one(mailer, a_mail())
            mailer.close()
        assert "out of place" in error_of(result, RetriableError)
        assert lines[4] == b"RSET\r\n"


@contextmanager
def running_amid() -> Iterator[int]:
    """A server that hangs up after the first part of a message."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as file:
                for answer in (*OPENING, b"250 ok", b"250 ok"):
                    connection.sendall(answer + b"\r\n")
                    file.readline()
                connection.sendall(b"354 go\r\n")
                file.read(100_000)

        thread = threading.Thread(target=serve)
        thread.start()
        yield int(listener.getsockname()[1])
        thread.join(10)


def counted(mailer: SmtpMailer, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows by one each time the mailer connects."""
    tries: list[object] = []
    real = mailer._client._dial

    def dial(context: Any) -> Any:
        tries.append(context)
        return real(context)

    monkeypatch.setattr(mailer._client, "_dial", dial)
    return tries


class TestNoServer:
    def test_a_server_that_is_down_fails_the_batch_and_is_asked_once(
        self, opened: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        mailer = opened(port=port)
        tries = counted(mailer, monkeypatch)
        mails = [a_mail() for _ in range(4)]
        results = [*mailer.send(mails[:3]), *mailer.send(mails[3:])]
        assert [result.key for result in results] == [mail.key for mail in mails]
        for result in results:
            assert "check smtp.host, smtp.port" in error_of(result, RetriableError)
        assert len(tries) == 1

    def test_it_is_asked_again_after_a_rest(
        self, opened: Open, plain: SmtpServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mailer = opened(plain)
        with monkeypatch.context() as patch:

            def refuse(_: object) -> None:
                raise ConnectionRefusedError

            patch.setattr(mailer._client, "_dial", refuse)
            error_of(send_one(mailer, a_mail()), RetriableError)
        error_of(send_one(mailer, a_mail()), RetriableError)
        rested = time.monotonic() + client_module.REST_SECONDS + 1
        monkeypatch.setattr(time, "monotonic", lambda: rested)
        assert send_one(mailer, a_mail()).handed is Handed.DELIVERED

    def test_a_wrong_password_is_tried_once(
        self, opened: Open, starttls: SmtpServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mailer = opened(starttls, security="starttls", **SECURE | {"password": SecretStr("wrong")})
        tries = counted(mailer, monkeypatch)
        results = [*mailer.send([a_mail(), a_mail()]), send_one(mailer, a_mail())]
        for result in results:
            told = error_of(result, ConfigurationError)
            assert "535" in told
            assert "smtp.user" in told
            assert "wrong" not in told
        assert len(tries) == 1

    @pytest.mark.parametrize(
        ("script", "kind", "words"),
        [
            ((None,), RetriableError, "closed the connection"),
            ((b"554 no service for you", None), ConfigurationError, "554 no service for you"),
            ((b"421 too busy", None), RetriableError, "421 too busy"),
            ((b"220 mail.test", b"501 who", b"501 who", None), ConfigurationError, "501 who"),
            ((0.6,), RetriableError, 'where it is a TLS port set smtp.security = "tls"'),
        ],
        ids=["hangs up", "refuses", "busy", "refuses the greeting", "is silent"],
    )
    def test_a_server_that_does_not_greet(
        self, opened: Open, script: tuple[Any, ...], kind: type[NolapseError], words: str
    ) -> None:
        with scripted(*script) as (port, _):
            assert words in error_of(send_one(opened(port=port, timeout_seconds=0.3), a_mail()), kind)

    def test_a_name_that_is_not_known(self, opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        told = error_of(send_one(opened(host="mail.invalid"), a_mail()), ConfigurationError)
        assert "mail.invalid is not known" in told


class TestEncryption:
    def test_an_unknown_authority_is_refused(self, opened: Open, tls: SmtpServer, tmp_path: Path) -> None:
        other = tmp_path / "other.pem"
        trustme.CA().cert_pem.write_to_path(str(other))
        result = send_one(opened(tls, security="tls", **SECURE, ca_file=str(other)), a_mail())
        assert "smtp.ca_file" in error_of(result, ConfigurationError)
        assert tls.received() == []

    def test_so_is_the_certificate_of_another_host(
        self, opened: Open, starttls: SmtpServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real("127.0.0.1", *rest, **more))
        mailer = opened(starttls, security="starttls", **SECURE | {"host": "mail.example.com"})
        told = error_of(send_one(mailer, a_mail()), ConfigurationError)
        assert "mismatch" in told.lower()
        assert starttls.received() == []

    def test_a_server_without_starttls_is_not_used_in_the_clear(self, opened: Open, plain: SmtpServer) -> None:
        told = error_of(send_one(opened(plain, security="starttls"), a_mail()), ConfigurationError)
        assert "offers no STARTTLS" in told
        assert plain.received() == []

    def test_tls_on_a_port_without_is_told(self, opened: Open, plain: SmtpServer) -> None:
        told = error_of(send_one(opened(plain, security="tls"), a_mail()), ConfigurationError)
        assert 'smtp.security = "starttls"' in told

    @pytest.mark.parametrize("content", [None, "", "no certificate"])
    def test_an_unusable_ca_file_is_named(
        self, opened: Open, plain: SmtpServer, tmp_path: Path, content: str | None
    ) -> None:
        file = tmp_path / "ca.pem"
        if content is not None:
            file.write_text(content)
        told = error_of(send_one(opened(plain, security="tls", ca_file=str(file)), a_mail()), ConfigurationError)
        assert f"smtp.ca_file: {file}" in told

    def test_a_login_that_the_server_does_not_offer(self, opened: Open) -> None:
        with scripted(b"220 mail.test", b"250 mail.test", None) as (port, _):
            result = send_one(opened(port=port, user=USER, password=SecretStr(PASSWORD)), a_mail())
        assert "offers no login" in error_of(result, ConfigurationError)

    def test_a_password_that_cannot_be_sent(self, opened: Open, starttls: SmtpServer) -> None:
        mailer = opened(starttls, security="starttls", **SECURE | {"password": SecretStr("größe")})
        told = error_of(send_one(mailer, a_mail()), ConfigurationError)
        assert "plain ASCII" in told
        assert "größe" not in told


class TestCheck:
    def test_a_good_server_is_told_in_full(self, opened: Open, starttls: SmtpServer) -> None:
        findings = opened(starttls, security="starttls", **SECURE).check()
        assert [(finding.subject, finding.ok) for finding in findings] == [
            ("smtp", True),
            ("smtp encryption", True),
            ("smtp login", True),
        ]
        assert starttls.received() == []

    def test_the_largest_mail_is_told(self, opened: Open, plain: SmtpServer) -> None:
        findings = {finding.subject: finding.text for finding in opened(plain).check()}
        assert findings["smtp size"] == "the server takes mails of up to 1000000 bytes"
        assert findings["smtp login"] == "no login: smtp.user is empty"
        assert "smtp encryption" not in findings

    def test_what_is_wrong_is_told_in_one_line(self, opened: Open, starttls: SmtpServer) -> None:
        mailer = opened(starttls, security="starttls", **SECURE | {"password": SecretStr("wrong")})
        (finding,) = mailer.check()
        assert not finding.ok
        assert "smtp.user" in finding.text
        assert "\n" not in finding.text

    def test_mails_in_the_clear_are_advised_against(
        self, opened: Open, plain: SmtpServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real("127.0.0.1", *rest, **more))
        findings = {finding.subject: finding for finding in opened(plain, host="mail.example.com").check()}
        assert findings["smtp encryption"].text == "mails go unencrypted"
        assert "smtp.security" in findings["smtp encryption"].advice


class TestLimit:
    @pytest.mark.parametrize(
        ("per_minute", "limit"),
        [
            (1, Window(1, 60.0)),
            (6, Window(1, 10.0)),
            (59, Window(1, 60 / 59)),
            (60, Window(10, 10.0)),
            (600, Window(100, 10.0)),
        ],
    )
    def test_mails_are_spread_evenly(self, per_minute: int, limit: Window) -> None:
        assert windows(per_minute) == (limit,)

    def test_all_who_send_by_this_database_keep_to_it_together(
        self, opened: Open, plain: SmtpServer, tmp_path: Path
    ) -> None:
        url = f"sqlite:///{tmp_path / 'nolapse.db'}"
        make_ledger(url)
        stores = [open_store(url), open_store(url)]
        started = time.monotonic()
        for store in stores:
            mailer = opened(plain, engine=store.engine, max_per_minute=600)
            results = mailer.send([a_mail() for _ in range(3)])
            assert {result.handed for result in results} == {Handed.DELIVERED}
        # Six mails, a tenth of a second apart, whoever sends them.
        assert time.monotonic() - started >= 0.5
        with stores[0].read() as connection:
            assert connection.execute(select(call_limits.c.name)).scalars().all() == ["smtp 127.0.0.1"]
        for store in stores:
            store.close()


class TestServerProcess:
    def test_it_ends_with_its_test(self, tmp_path: Path) -> None:
        with running_smtp_server(tmp_path / "server") as server:
            socket.create_connection(("127.0.0.1", server.port), 5).close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", server.port), 5)
        assert os.path.exists(server.ca_file)
