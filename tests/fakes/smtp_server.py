"""A mail server in a process of its own: real SMTP, TLS and login, told to misbehave by a file that it reads each time.

What it takes is in a folder before it answers, so that a test sees what a server has that never said so.
"""

import asyncio
import json
import logging
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

ROOT = Path(__file__).parent.parent.parent
USER = "nolapse"
PASSWORD = "correct horse"


@dataclass
class Behaviour:
    """What the server is told. Answers are lines such as `550 5.1.1 unknown`; stages are mail, rcpt, data, body, message.

    `data` is the stage before the message is asked for, `body` amid it, `message` after its final dot. `times` bounds
    how often the server cuts or hangs.
    """

    recipients: dict[str, str] = field(default_factory=dict)
    sender: str = ""
    message: str = ""
    greylist: bool = False
    cut: str = ""
    hang: str = ""
    hang_seconds: float = 5
    times: int = 1000
    mails_per_connection: int = 0


@dataclass(frozen=True)
class Received:
    """A mail that the server took."""

    sender: str
    recipients: tuple[str, ...]
    tls: bool
    user: str
    connection: int
    octets: bytes

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.octets, policy=policy.default)


@dataclass(frozen=True)
class SmtpServer:
    """A running server as its test sees it."""

    folder: Path
    port: int
    ca_file: str

    def behave(self, **told: Any) -> None:
        """What the server does from now on; without arguments, all that it should."""
        draft = self.folder / "behaviour.draft"
        draft.write_text(json.dumps(asdict(Behaviour(**told))))
        draft.rename(self.folder / "behaviour.json")
        (self.folder / "misbehaved").write_text("0")

    def received(self, at_least: int = 0) -> list[Received]:
        """What it has taken, in that order; waits until that is at least so much."""
        until = time.monotonic() + 10
        while len(list(self.folder.glob("received-*.json"))) < at_least and time.monotonic() < until:
            time.sleep(0.01)
        found = []
        for file in sorted(self.folder.glob("received-*.json")):
            told = json.loads(file.read_text())
            octets = file.with_suffix(".eml").read_bytes()
            found.append(Received(**told | {"recipients": tuple(told["recipients"])}, octets=octets))
        return found

    def forget(self) -> None:
        """Empties what it has taken."""
        for file in self.folder.glob("received-*"):
            file.unlink()


@contextmanager
def running_smtp_server(
    folder: Path, security: str = "none", *, login: bool = False, size: int = 0, utf8: bool = False
) -> Iterator[SmtpServer]:
    """A server on a free port of 127.0.0.1; `login` makes it ask for `USER` and `PASSWORD`."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(folder / "own.pem"))
    told = {"security": security, "login": login, "size": size, "utf8": utf8}
    (folder / "server.json").write_text(json.dumps(told))
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "tests.fakes.smtp_server", str(folder)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.strip().isdigit(), "the mail server did not start"
            server = SmtpServer(folder, int(line), str(folder / "ca.pem"))
            server.behave()
            yield server
        finally:
            process.terminate()


class _Handler:
    """The hooks of aiosmtpd."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.seen: set[str] = set()
        self.taken = 0

    def behaviour(self) -> Behaviour:
        return Behaviour(**json.loads((self.folder / "behaviour.json").read_text()))

    def is_due(self, stage: str) -> bool:
        """Whether the server is to cut or hang here."""
        told = self.behaviour()
        return stage in (told.cut, told.hang) and int((self.folder / "misbehaved").read_text()) < told.times

    async def misbehave(self, server: "_Server", stage: str) -> bool:
        """Cuts or hangs where it is told to; whether the connection was cut."""
        if not self.is_due(stage):
            return False
        file = self.folder / "misbehaved"
        file.write_text(str(int(file.read_text()) + 1))
        told = self.behaviour()
        if told.hang == stage:
            await asyncio.sleep(told.hang_seconds)
            return False
        server.link.abort()
        return True

    async def handle_MAIL(
        self, server: "_Server", session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        told = self.behaviour()
        await self.misbehave(server, "mail")
        if told.mails_per_connection and server.mails >= told.mails_per_connection:
            await server.push("421 4.7.0 enough mails on this connection")
            server.link.close()
            return "421 closing"
        if told.sender:
            return told.sender
        envelope.mail_from = address
        return "250 2.1.0 sender ok"

    async def handle_RCPT(
        self, server: "_Server", session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        told = self.behaviour()
        await self.misbehave(server, "rcpt")
        if told.greylist and address not in self.seen:
            self.seen.add(address)
            return f"451 4.7.1 <{address}>: greylisted, come back later"
        if answer := told.recipients.get(address):
            return answer.replace("{address}", address)
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 recipient ok"

    async def handle_DATA(self, server: "_Server", session: Session, envelope: Envelope) -> str:
        if answer := self.behaviour().message:
            return answer
        self.taken += 1
        server.mails += 1
        name = f"received-{self.taken:06}"
        (self.folder / f"{name}.eml").write_bytes(cast(bytes, envelope.original_content))
        known: LoginPassword | None = getattr(session, "auth_data", None)
        told = {
            "sender": envelope.mail_from,
            "recipients": envelope.rcpt_tos,
            "tls": server.link.get_extra_info("sslcontext") is not None,
            "user": known.login.decode() if known else "",
            "connection": server.number,
        }
        draft = self.folder / f"{name}.draft"
        draft.write_text(json.dumps(told))
        draft.rename(self.folder / f"{name}.json")
        await self.misbehave(server, "message")
        return "250 2.0.0 taken"


class _Server(SMTP):
    """One connection."""

    connections = 0

    def __init__(self, handler: _Handler, **options: Any) -> None:
        super().__init__(handler, **options)
        self.mails = 0
        _Server.connections += 1
        self.number = _Server.connections

    async def smtp_DATA(self, arg: str) -> None:
        if await self.event_handler.misbehave(self, "data"):
            return
        if self.event_handler.is_due("body"):
            await self.push("354 go on")
            await self._reader.readexactly(100)
            await self.event_handler.misbehave(self, "body")
            return
        await super().smtp_DATA(arg)

    @property
    def link(self) -> asyncio.Transport:
        return cast(asyncio.Transport, self.transport)


def _authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, said: Any) -> AuthResult:
    known = isinstance(said, LoginPassword) and (said.login, said.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=known, handled=False, auth_data=said)


async def _serve(folder: Path) -> None:
    told = json.loads((folder / "server.json").read_text())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "own.pem")
    handler = _Handler(folder)
    loop = asyncio.get_running_loop()

    def connection() -> SMTP:
        return _Server(
            handler,
            hostname="mail.test",
            loop=loop,
            data_size_limit=told["size"] or None,
            enable_SMTPUTF8=told["utf8"],
            tls_context=context if told["security"] == "starttls" else None,
            require_starttls=told["security"] == "starttls",
            auth_required=told["login"],
            auth_require_tls=told["security"] == "starttls",
            authenticator=_authenticate if told["login"] else None,
        )

    server = await loop.create_server(connection, "127.0.0.1", 0, ssl=context if told["security"] == "tls" else None)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    # Its standard input ends with the test's process, however that ends.
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    logging.disable()
    asyncio.run(_serve(Path(sys.argv[1])))
