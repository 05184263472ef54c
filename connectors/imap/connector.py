"""An IMAP mailbox to which bounces, complaints and answers come back."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr

from connectors.imap.client import Server, session
from connectors.imap.mapping import Place, place_of
from core.batches import batched
from core.errors import ConfigurationError, NolapseError
from core.ports import Connector, Finding

NAME = "imap"
FIRST_DAYS = 7  # so far back the first reading goes
_BATCH = 20
_PORTS = {"tls": 993, "starttls": 143, "none": 143}


@dataclass(frozen=True)
class ImapSettings:
    """The section `[imap]`."""

    host: str = ""
    """The server."""

    port: Annotated[int, Field(ge=0, le=65_535)] = 0
    """Its port; 0: the usual one, 993 with tls, else 143."""

    security: Literal["tls", "starttls", "none"] = "tls"
    """How the connection is secured; none only on this machine."""

    user: str = ""
    """Who logs in."""

    password: SecretStr | None = None
    """The password: NOLAPSE_IMAP__PASSWORD or password_file."""

    box: Annotated[str, Field(pattern=r"^[ -~]+$")] = "INBOX"
    """The mailbox on the server."""

    ca_file: str = ""
    """A file (PEM) of the CAs to trust instead of the system's."""

    timeout_seconds: Annotated[float, Field(gt=0, le=300)] = 20
    """For each answer of the server."""


class ImapMailbox:
    """One mailbox. It is opened for each reading; nothing in it is changed or marked."""

    name = NAME

    def __init__(self, settings: ImapSettings) -> None:
        if not settings.host or not settings.user or settings.password is None:
            raise ConfigurationError("[imap]: set host and user, and the password as NOLAPSE_IMAP__PASSWORD")
        self._server = Server(
            settings.host,
            settings.port or _PORTS[settings.security],
            settings.security,
            settings.user,
            settings.password.get_secret_value(),
            settings.box,
            settings.ca_file,
            settings.timeout_seconds,
        )

    def mails(self, since: str | None) -> Iterator[tuple[Sequence[bytes], str]]:
        """What came after that place, some at a time; without one, and in a mailbox made anew, that of the last days."""
        with session(self._server) as opened:
            place = place_of(since, opened.validity)
            if place is None:
                numbers = opened.numbers_since((datetime.now(UTC) - timedelta(days=FIRST_DAYS)).date())
            else:
                numbers = opened.numbers_after(place.number)
            for batch in batched(numbers, _BATCH):
                found = [opened.mail(number) for number in batch]
                yield [raw for raw in found if raw is not None], str(Place(opened.validity, batch[-1]))

    def check(self) -> list[Finding]:
        """Whether the mailbox opens."""
        subject = "mailbox"
        try:
            with session(self._server) as opened:
                return [Finding(subject, True, f"{self._server.where} opens it; there are {opened.count} mails in it")]
        except NolapseError as error:
            return [Finding(subject, False, str(error), "mails that come back are not read until then")]

    def close(self) -> None:
        """Nothing stays open between two readings."""


def open_mailbox(settings: ImapSettings) -> ImapMailbox:
    """The mailbox of the settings. Raises `ConfigurationError` where one is missing."""
    return ImapMailbox(settings)


CONNECTOR = Connector(NAME, ImapSettings, mailbox=open_mailbox)
