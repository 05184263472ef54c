"""One connection to an IMAP server (RFC 3501), read only: log in, open the mailbox, list what is new, take mails out."""

import imaplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date

from core.errors import ConfigurationError, RetriableError

LONGEST_MAIL = 262_144  # bytes; of a longer one the beginning is read, which tells all that is looked at
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Server:
    """Where a mailbox is, and how it is opened."""

    host: str
    port: int
    security: str
    user: str
    password: str
    box: str
    ca_file: str
    timeout_seconds: float

    @property
    def where(self) -> str:
        return f"{self.host}:{self.port}"


class Session:
    """The mailbox, opened. `validity` tells whether numbers of an earlier session still hold."""

    def __init__(self, connection: imaplib.IMAP4, server: Server) -> None:
        self._connection = connection
        self._server = server
        told = self._answer(connection.select(quoted(server.box), readonly=True), f"the mailbox {server.box}")
        _, validity = connection.response("UIDVALIDITY")
        self.count = int(told[0]) if told and isinstance(told[0], bytes) else 0
        self.validity = (validity[0] or b"").decode("ascii", "replace") if validity else ""

    def numbers_after(self, number: int) -> list[int]:
        """The numbers of mails behind this one, in their order."""
        found = self._search("UID", f"{number + 1}:*")
        # The last mail is always named, even where it stands before.
        return sorted(one for one in found if one > number)

    def numbers_since(self, day: date) -> list[int]:
        """The numbers of mails that came on this day or later."""
        month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][day.month - 1]
        return sorted(self._search("SINCE", f"{day.day:02}-{month}-{day.year}"))

    def mail(self, number: int) -> bytes | None:
        """One mail, from its beginning; None where it is gone meanwhile. It is not marked as read."""
        wanted = f"(BODY.PEEK[]<0.{LONGEST_MAIL}>)"
        told = self._answer(self._connection.uid("FETCH", str(number), wanted), "a mail")
        return next((part[1] for part in told if isinstance(part, tuple)), None)

    def _search(self, *words: str) -> set[int]:
        told = self._answer(self._connection.uid("SEARCH", *words), "the list of mails")
        return {int(one) for part in told if isinstance(part, bytes) for one in part.split() if one.isdigit()}

    def _answer(self, answer: tuple[str, Sequence[object]], what: str) -> list[object]:
        status, told = answer
        if status != "OK":
            raise ConfigurationError(f"[imap]: {self._server.where} does not give {what}; check box and rights")
        return list(told)


@contextmanager
def session(server: Server) -> Iterator[Session]:
    """The mailbox for the time of the block. Raises `ConfigurationError` for a refusal, else `RetriableError`."""
    connection: imaplib.IMAP4 | None = None
    try:
        connection = _connect(server)
        try:
            connection.login(server.user, server.password)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            raise ConfigurationError(
                f"[imap]: {server.where} refuses user or password; set user, and NOLAPSE_IMAP__PASSWORD"
            ) from error
        yield Session(connection, server)
    except ssl.SSLError as error:
        raise ConfigurationError(f"[imap]: {server.where} has no certificate that can be trusted") from error
    except (OSError, imaplib.IMAP4.error, ValueError) as error:
        raise RetriableError(f"[imap]: {server.where} does not answer as it should ({type(error).__name__})") from error
    finally:
        if connection is not None:
            with suppress(OSError, imaplib.IMAP4.error):
                connection.logout()


def quoted(name: str) -> str:
    """The name of a mailbox as IMAP writes it."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _connect(server: Server) -> imaplib.IMAP4:
    if server.security == "none" and server.host not in _LOOPBACK:
        raise ConfigurationError(
            "[imap] security: without TLS the password could be read on the way; set tls or starttls"
        )
    if server.security == "tls":
        return imaplib.IMAP4_SSL(server.host, server.port, ssl_context=_trust(server), timeout=server.timeout_seconds)
    connection = imaplib.IMAP4(server.host, server.port, timeout=server.timeout_seconds)
    if server.security == "starttls":
        try:
            connection.starttls(_trust(server))
        except imaplib.IMAP4.error as error:
            connection.shutdown()
            raise ConfigurationError(f"[imap] security: {server.where} offers no starttls; set tls") from error
    return connection


def _trust(server: Server) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=server.ca_file or None)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError("[imap] ca_file: cannot be read, or holds no certificates in PEM") from error
