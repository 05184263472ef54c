"""One connection to a mail server: TLS, login, and mails handed over command by command.

The commands are given one at a time because `smtplib.SMTP.data` hides the one boundary that matters: once the final
dot is sent, a mail without an answer may have been taken, and is never sent again.
"""

import contextlib
import ipaddress
import logging
import smtplib
import socket
import ssl
import time
from dataclasses import dataclass

from connectors.smtp.mapping import Step, broken, failure, refusal, told
from core.errors import ConfigurationError, NolapseError, RetriableError, SkippableError

IDLE_SECONDS = 60.0  # a server may hang up after five minutes (RFC 5321 §4.5.3.2.7), many do after one
REST_SECONDS = 5.0  # after the server could not be reached it is left alone for a while
LONG_REST_SECONDS = 60.0  # likewise where an operator must mend something: repeated bad logins lock accounts

log = logging.getLogger("nolapse.smtp")


@dataclass(frozen=True, slots=True)
class Server:
    """Where the mail server is and how it is talked to. An empty `user` means no login."""

    host: str
    port: int
    security: str
    user: str
    password: str
    timeout_seconds: float
    answer_timeout_seconds: float
    ca_file: str
    local_hostname: str

    @property
    def is_here(self) -> bool:
        """Whether what is sent to it never leaves this machine."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message as it is handed over."""

    sender: str
    to: str
    bcc: str
    message: bytes

    @property
    def needs_utf8(self) -> bool:
        """Whether an address in it is beyond ASCII (RFC 6531)."""
        return not (self.sender + self.to).isascii()


class Unusable(Exception):
    """No mail can go now, whichever it is; `error` says why."""

    def __init__(self, error: NolapseError) -> None:
        super().__init__(str(error))
        self.error = error


class AnswerLost(NolapseError):
    """The whole message was sent, but the server's answer did not come: it may have been taken."""


class _Gone(Exception):
    """The connection ended before the message was sent."""


class Client:
    """Hands mails over, on a connection that is kept. Not for several threads at once."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._session: smtplib.SMTP | None = None
        self._used_at = 0.0
        self._resting: tuple[float, NolapseError] | None = None
        self._local_hostname = server.local_hostname or None

    def send(self, envelope: Envelope) -> None:
        """Hands one mail over.

        Raises `Unusable` where there is no connection to be had, `AnswerLost` where the mail may have been taken, and
        another `NolapseError` where this mail was surely not.
        """
        try:
            self._deliver(envelope)
        except (NolapseError, Unusable):
            raise
        except BaseException:
            # Interrupted at an unknown place: what is sent next could become a part of this message.
            self._drop()
            raise
        finally:
            self._used_at = time.monotonic()

    def open(self) -> smtplib.SMTP:
        """A connection that is ready for mails. Raises the error that an operator is to read."""
        server = self.server
        session: smtplib.SMTP | None = None
        try:
            context = self._context() if server.security != "none" else None
            session = self._dial(context if server.security == "tls" else None)
            self._local_hostname = session.local_hostname
            _at_once(session)
            session.ehlo_or_helo_if_needed()
            if server.security == "starttls":
                if not session.has_extn("starttls"):
                    raise ConfigurationError(
                        f"the mail server {server.host}:{server.port} offers no STARTTLS; "
                        'set smtp.security = "tls" with its TLS port, or "none" where the way to it is safe'
                    )
                session.starttls(context=context)
                session.ehlo_or_helo_if_needed()
            if server.user:
                session.login(server.user, server.password)
        except (OSError, smtplib.SMTPException, UnicodeError, NolapseError) as error:
            if session is not None:
                session.close()
            raise failure(error, server.host, server.port, server.security, server.user) from error
        return session

    def close(self) -> None:
        """Takes leave of the server."""
        session, self._session = self._session, None
        if session is None:
            return
        # Every mail has its answer already, so a server that does not say goodbye does no harm.
        with contextlib.suppress(OSError, smtplib.SMTPException):
            _wait_at_most(session, min(self.server.timeout_seconds, 5))
            session.quit()
        session.close()

    def _deliver(self, envelope: Envelope) -> None:
        kept = self._kept()
        if kept is not None:
            # The server may have hung up since the last mail; nothing of this one was sent, so it goes once more.
            with contextlib.suppress(_Gone):
                self._prepare(kept, envelope)
                return self._hand_over(kept, envelope)
        fresh = self._connect()
        try:
            self._prepare(fresh, envelope)
        except _Gone as gone:
            raise RetriableError(str(gone)) from gone
        return self._hand_over(fresh, envelope)

    def _kept(self) -> smtplib.SMTP | None:
        if self._session is not None and time.monotonic() - self._used_at > IDLE_SECONDS:
            self.close()
        return self._session

    def _connect(self) -> smtplib.SMTP:
        if self._resting is not None and time.monotonic() < self._resting[0]:
            raise Unusable(self._resting[1])
        try:
            self._session = self.open()
        except NolapseError as error:
            seconds = LONG_REST_SECONDS if error.permanent else REST_SECONDS
            self._resting = time.monotonic() + seconds, error
            raise Unusable(error) from error
        self._resting = None
        return self._session

    def _dial(self, context: ssl.SSLContext | None) -> smtplib.SMTP:
        server = self.server
        if context is None:
            return smtplib.SMTP(server.host, server.port, self._local_hostname, server.timeout_seconds)
        return smtplib.SMTP_SSL(
            server.host, server.port, self._local_hostname, timeout=server.timeout_seconds, context=context
        )

    def _context(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self.server.ca_file or None)
        except OSError as error:
            raise ConfigurationError(
                f"smtp.ca_file: {self.server.ca_file} cannot be read as certificates in PEM; name a file that holds them"
            ) from error

    def _prepare(self, session: smtplib.SMTP, envelope: Envelope) -> None:
        """Everything before the message itself: until here a mail may be tried again at will."""
        self._check_offers(session, envelope)
        options = f" SIZE={len(envelope.message)}" if session.has_extn("size") else ""
        session.command_encoding = "utf-8" if envelope.needs_utf8 else "ascii"
        if envelope.needs_utf8:
            options += " BODY=8BITMIME SMTPUTF8"
        self._ask(session, f"MAIL FROM:<{envelope.sender}>{options}", Step.SENDER, envelope)
        self._ask(session, f"RCPT TO:<{envelope.to}>", Step.RECIPIENT, envelope)
        if envelope.bcc and envelope.bcc != envelope.to:
            code, said = self._command(session, f"RCPT TO:<{envelope.bcc}>")
            if code == 421:
                raise self._gone("closed the connection")
            if code >= 300:
                log.warning("the copy of a mail (mail.bcc) was refused: %s", told(code, said, *_hidden(envelope)))
        self._ask(session, "DATA", Step.MESSAGE, envelope)

    def _check_offers(self, session: smtplib.SMTP, envelope: Envelope) -> None:
        limit = session.esmtp_features.get("size", "")
        if limit.isascii() and limit.isdigit() and 0 < int(limit) < len(envelope.message):
            raise SkippableError(
                f"the mail has {len(envelope.message)} bytes, the mail server takes at most {int(limit)}"
            )
        if envelope.needs_utf8 and not session.has_extn("smtputf8"):
            raise SkippableError(
                "an address has characters beyond ASCII before the @, which this mail server does not take"
            )

    def _ask(self, session: smtplib.SMTP, command: str, step: Step, envelope: Envelope) -> None:
        code, said = self._command(session, command)
        if code == (354 if command == "DATA" else 250) or (command != "DATA" and 200 <= code < 300):
            return
        if code == 421:
            # The server hangs up, most often because it has seen enough mails on one connection.
            raise self._gone(f"closed the connection: {told(code, said, *_hidden(envelope))}")
        self._reset(session)
        raise refusal(step, code, told(code, said, *_hidden(envelope)))

    def _command(self, session: smtplib.SMTP, command: str) -> tuple[int, bytes]:
        try:
            session.putcmd(command)
            return session.getreply()
        except smtplib.SMTPException as error:
            raise self._gone(broken(error)) from error

    def _gone(self, why: str) -> _Gone:
        self._drop()
        return _Gone(f"the mail server {why}; the mail was not handed over")

    def _reset(self, session: smtplib.SMTP) -> None:
        try:
            code, _ = session.docmd("RSET")
        except smtplib.SMTPException:
            code = 421
        if code != 250:
            self._drop()

    def _hand_over(self, session: smtplib.SMTP, envelope: Envelope) -> None:
        """The message and its final dot. Whatever goes wrong from the dot on leaves it uncertain."""
        message = (b"\r\n" + envelope.message).replace(b"\r\n.", b"\r\n..")[2:]
        _wait_at_most(session, self.server.answer_timeout_seconds)
        try:
            session.send(message)
        except smtplib.SMTPException as error:
            self._drop()
            raise RetriableError(f"the mail server {broken(error)} amid the message; it was not taken") from error
        try:
            session.send(b".\r\n")
            code, said = session.getreply()
        except smtplib.SMTPException as error:
            self._drop()
            raise AnswerLost(f"the mail server {broken(error)} after the message; it may have taken it") from error
        answer = told(code, said, *_hidden(envelope))
        if not 200 <= code < 600 or 300 <= code < 400:
            self._drop()
            raise AnswerLost(f"the mail server gave no clear answer to the message: {answer}; it may have taken it")
        _wait_at_most(session, self.server.timeout_seconds)
        if code == 421:
            self._drop()
        if code >= 400:
            raise refusal(Step.MESSAGE, code, answer)

    def _drop(self) -> None:
        """Without a goodbye: amid a message it would be taken for a part of it."""
        session, self._session = self._session, None
        if session is not None:
            session.close()


def _hidden(envelope: Envelope) -> tuple[str, ...]:
    return envelope.to.rpartition("@")[0], envelope.bcc.rpartition("@")[0]


def _at_once(session: smtplib.SMTP) -> None:
    """Small writes are sent at once: the final dot would else wait for the message to be acknowledged."""
    if session.sock is not None:
        session.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _wait_at_most(session: smtplib.SMTP, seconds: float) -> None:
    if session.sock is not None:
        session.sock.settimeout(seconds)
