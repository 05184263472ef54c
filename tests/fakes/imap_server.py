"""A small IMAP server (RFC 3501) over real sockets, as much of it as a reader of mails needs: one mailbox, one user.

It is strict: a command out of its state, or one that would change something, is refused.
"""

import re
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from threading import Thread

_FETCH = re.compile(r"FETCH (\d+) \(BODY\.PEEK\[\]<0\.(\d+)>\)")
_SEARCH_UID = re.compile(r"SEARCH UID (\d+):\*")
_SEARCH_SINCE = re.compile(r"SEARCH SINCE (\d\d-\w{3}-\d{4})")


@dataclass
class ImapWorld:
    """What the server holds: mails by number, with the day on which each came. `hangs`: it answers nothing more."""

    user: str = "returns"
    password: str = "sesame"
    box: str = "INBOX"
    validity: int = 1
    mails: dict[int, tuple[bytes, date]] = field(default_factory=dict)
    hangs: bool = False
    log: list[str] = field(default_factory=list)
    port: int = 0

    def add(self, raw: bytes, day: date | None = None) -> int:
        """One mail more; its number."""
        number = max(self.mails, default=0) + 1
        self.mails[number] = (raw, day or datetime.now(UTC).date())
        return number


@contextmanager
def running_imap_server(context: ssl.SSLContext | None = None) -> Iterator[ImapWorld]:
    """The server on a free port of this machine, with TLS where a context is given."""
    world = ImapWorld()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        world.port = listener.getsockname()[1]
        thread = Thread(target=_serve, args=(listener, world, context), daemon=True)
        thread.start()
        yield world
        listener.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def _serve(listener: socket.socket, world: ImapWorld, context: ssl.SSLContext | None) -> None:
    with suppress(OSError):
        while True:
            client, _ = listener.accept()
            Thread(target=_talk, args=(client, world, context), daemon=True).start()


def _talk(client: socket.socket, world: ImapWorld, context: ssl.SSLContext | None) -> None:
    client.settimeout(30)
    with suppress(OSError), client:
        secured = context.wrap_socket(client, server_side=True) if context else client
        with secured, secured.makefile("rwb") as stream:
            stream.write(b"* OK ready\r\n")
            stream.flush()
            state = "new"
            while (line := stream.readline()) and not world.hangs:
                tag, _, command = line.decode().strip().partition(" ")
                world.log.append(command)
                answer, state = _answer(world, command, state)
                stream.write(b"".join(answer[:-1]) + f"{tag} ".encode() + answer[-1] + b" then\r\n")
                stream.flush()
                if state == "over":
                    return


def _answer(world: ImapWorld, command: str, state: str) -> tuple[list[bytes], str]:
    """What is answered, the last being the tagged line, and the state after it."""
    word = command.split(" ")[0].upper()
    if word == "CAPABILITY":
        return [b"* CAPABILITY IMAP4rev1\r\n", b"OK"], state
    if word == "LOGOUT":
        return [b"* BYE\r\n", b"OK"], "over"
    if word == "LOGIN" and state == "new":
        good = command == f'LOGIN {world.user} "{world.password}"'
        return ([b"OK"], "in") if good else ([b"NO [AUTHENTICATIONFAILED] no"], state)
    if word == "EXAMINE" and state == "in":
        if command != f'EXAMINE "{world.box}"':
            return [b"NO [NONEXISTENT] no such mailbox"], state
        told = f"* {len(world.mails)} EXISTS\r\n* OK [UIDVALIDITY {world.validity}] valid\r\n".encode()
        return [told, b"OK [READ-ONLY]"], "open"
    if word == "UID" and state == "open":
        return _uid(world, command.partition(" ")[2]), state
    return [b"BAD not now"], state


def _uid(world: ImapWorld, command: str) -> list[bytes]:
    if found := _SEARCH_UID.fullmatch(command):
        last = max(world.mails, default=0)
        # `n:*` names the last mail even where n is beyond it.
        numbers = [one for one in world.mails if one >= int(found[1]) or one == last]
    elif found := _SEARCH_SINCE.fullmatch(command):
        since = datetime.strptime(found[1], "%d-%b-%Y").date()
        numbers = [one for one, (_, day) in world.mails.items() if day >= since]
    elif found := _FETCH.fullmatch(command):
        number = int(found[1])
        if number not in world.mails:
            return [b"OK"]
        raw = world.mails[number][0][: int(found[2])]
        head = f"* 1 FETCH (UID {number} BODY[]<0> {{{len(raw)}}}\r\n".encode()
        return [head, raw, b")\r\n", b"OK"]
    else:
        return [b"BAD that would change something"]
    return [f"* SEARCH {' '.join(map(str, numbers))}".rstrip().encode() + b"\r\n", b"OK"]
