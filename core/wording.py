"""Messages in words, and the port of whoever words them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from core.messages import Letter, Script


@dataclass(frozen=True, slots=True)
class WordedMail:
    """A mail in words. `entry` words the end of the most pressing order for a calendar; None: no entry goes along.

    `preheader` stands hidden at the head of `html`; `columns` are the heads of the list of orders that goes along.
    """

    subject: str
    text: str
    html: str
    preheader: str = ""
    entry: "WordedEntry | None" = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WordedEntry:
    """A calendar entry in words: one line, and what to know on that day."""

    summary: str
    description: str = ""


@dataclass(frozen=True, slots=True)
class WordedTask:
    """A task in words."""

    subject: str
    body: str


class Writer(Protocol):
    """Whoever turns facts into words, in each of `core.languages.LANGUAGES`.

    Raises `ConfigurationError` where a template is broken.
    """

    def mail(self, letter: Letter) -> WordedMail: ...

    def expect(self, letters: int) -> None:
        """So many letters are about to come: what helps to word many of them may be made ready."""
        ...

    def mails(self, letters: Sequence[Letter]) -> Sequence[WordedMail]:
        """The letters as mails, in their order."""
        ...

    def task(self, script: Script) -> WordedTask: ...

    def check(self) -> None:
        """Words samples of every kind, so that a broken template is found before it is needed."""
        ...

    def close(self) -> None:
        """What was made ready may go; it can be made ready again."""
        ...
