"""Sends mails by SMTP, one at a time over a connection that is kept."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from sqlalchemy import Engine

from connectors.mime import address, build, sender_address
from connectors.smtp.client import AnswerLost, Client, Envelope, Server, Unusable
from core.errors import ConfigurationError, NolapseError, SkippableError
from core.limits import Limits, Window
from core.ports import Connector, Finding, Handed, Mail, Result

NAME = "smtp"
PORTS = {"starttls": 587, "tls": 465, "none": 25}

_HOSTNAME = re.compile(r"[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """`[smtp]`.

    `port` 0 is the usual one of `security` (starttls 587, tls 465, none 25). An empty `user` sends without login; the
    password comes from NOLAPSE_SMTP__PASSWORD. `timeout_seconds` is for each step, `answer_timeout_seconds` for the
    message and the answer to it, after which a mail is uncertain. `ca_file` (PEM) takes the place of the system's CAs;
    `local_hostname` is what this machine calls itself. `max_per_minute`, for all processes on one
    database together, 0 sets no limit.
    """

    host: str = ""
    port: Annotated[int, Field(ge=0, le=65535)] = 0
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: SecretStr | None = None
    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 30
    answer_timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 120
    ca_file: str = ""
    local_hostname: str = ""
    batch_size: Annotated[int, Field(ge=1, le=1000)] = 1
    max_per_minute: Annotated[int, Field(ge=0)] = 0


def windows(per_minute: int) -> tuple[Window, ...]:
    """The limit of so many mails a minute, so that they go evenly: within ten seconds, or one at a time where fewer go."""
    return (Window(per_minute // 6, 10.0),) if per_minute >= 60 else (Window(1, 60 / per_minute),)


class SmtpMailer:
    """Sends mails by SMTP. It is a `Mailer`; what was sent cannot be looked up. Several threads may share it."""

    name = NAME
    can_find = False

    def __init__(self, client: Client, batch_size: int = 1, limit: Limits | None = None) -> None:
        self.batch_size = batch_size
        self._client = client
        self._limit = limit
        self._lock = Lock()

    def send(self, batch: Sequence[Mail]) -> list[Result]:
        """Hands the mails over one by one. Where the server cannot be used at all, the rest is not tried."""
        results: list[Result] = []
        unusable: NolapseError | None = None
        with self._lock:
            for mail in batch:
                if unusable is None:
                    try:
                        results.append(self._send(mail))
                        continue
                    except Unusable as error:
                        unusable = error.error
                results.append(Result(mail.key, Handed.FAILED, error=unusable))
        return results

    def _send(self, mail: Mail) -> Result:
        try:
            envelope = _envelope(mail)
            if self._limit is not None:
                self._limit.take()
            self._client.send(envelope)
        except AnswerLost as error:
            return Result(mail.key, Handed.UNCERTAIN, mail.message_id, error)
        except NolapseError as error:
            return Result(mail.key, Handed.FAILED, error=error)
        return Result(mail.key, Handed.DELIVERED, mail.message_id)

    def find(self, keys: Sequence[str]) -> dict[str, str]:
        """Nothing: SMTP cannot tell what was sent."""
        return {}

    def check(self) -> list[Finding]:
        """Connects, encrypts and logs in as for a mail, and says in plain words what came of it."""
        server = self._client.server
        place = f"{server.host}:{server.port}"
        try:
            session = self._client.open()
        except NolapseError as error:
            return [Finding("smtp", False, str(error))]
        size = session.esmtp_features.get("size", "")
        session.close()
        findings = [Finding("smtp", True, f"the mail server {place} answers")]
        if server.security == "none" and not server.is_here:
            findings.append(
                Finding("smtp encryption", True, "mails go unencrypted", 'set smtp.security = "starttls" or "tls"')
            )
        elif server.security != "none":
            findings.append(Finding("smtp encryption", True, "the connection is encrypted, its certificate trusted"))
        login = "the server takes the user and the password" if server.user else "no login: smtp.user is empty"
        findings.append(Finding("smtp login", True, login))
        if size.isascii() and size.isdigit() and int(size):
            findings.append(Finding("smtp size", True, f"the server takes mails of up to {int(size)} bytes"))
        return findings

    def close(self) -> None:
        """Ends the connection."""
        with self._lock:
            self._client.close()


def _envelope(mail: Mail) -> Envelope:
    sender, to = sender_address(mail.sender, utf8=True), address(mail.to, utf8=True)
    try:
        bcc = address(mail.bcc) if mail.bcc else ""
    except SkippableError as error:
        raise ConfigurationError("the address that gets copies of mails cannot be used; correct mail.bcc") from error
    return Envelope(sender, to, bcc, build(mail, utf8=not (sender + to).isascii()))


def open_mailer(settings: SmtpSettings, engine: Engine | None = None) -> SmtpMailer:
    """The mailer of these settings. Raises `ConfigurationError` where they do not go together; connects later."""
    password = settings.password.get_secret_value() if settings.password else ""
    server = Server(
        host=settings.host,
        port=settings.port or PORTS[settings.security],
        security=settings.security,
        user=settings.user,
        password=password,
        timeout_seconds=settings.timeout_seconds,
        answer_timeout_seconds=settings.answer_timeout_seconds,
        ca_file=settings.ca_file,
        local_hostname=settings.local_hostname,
    )
    if problem := _problem(server):
        raise ConfigurationError(problem)
    return SmtpMailer(Client(server), settings.batch_size, _limit(settings, engine))


def _limit(settings: SmtpSettings, engine: Engine | None) -> Limits | None:
    """The limit that all processes on this database share; none without a database or a limit."""
    if engine is None or not settings.max_per_minute:
        return None
    name, patience = f"smtp {settings.host.lower()}", 2 * 60 / settings.max_per_minute
    return Limits(engine, name, windows(settings.max_per_minute), share=1.0, wait_at_most=max(60.0, patience))


def _problem(server: Server) -> str:
    if not server.host:
        return "smtp.host is not set; name your mail server"
    if any(character.isspace() or not character.isprintable() for character in server.host):
        return "smtp.host holds a blank or a control character; name only the host"
    if server.user and not server.password:
        return "smtp.user is set, but no password; set NOLAPSE_SMTP__PASSWORD"
    if server.password and not server.user:
        return "smtp has a password, but smtp.user is not set; set it"
    if server.user and server.security == "none" and not server.is_here:
        return 'smtp.security = "none" would send the password unencrypted; use "starttls" or "tls"'
    if server.local_hostname and not _HOSTNAME.fullmatch(server.local_hostname):
        return "smtp.local_hostname is not a host name; use letters, digits, dots and hyphens"
    return ""


CONNECTOR = Connector(name=NAME, settings=SmtpSettings, mailer=open_mailer)
