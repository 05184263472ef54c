"""A CRM, a mailer and an order source in memory that meet trouble when they are told to: failures, lost answers, deaths."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import wraps
from typing import Any

from core.errors import RetriableError
from core.messages import Letter
from core.model import Reject, SourceRow
from core.ports import Handed, Mail, Result
from core.wording import WordedMail
from tests.builders import FakeWriter, MemorySource, Stream
from tests.fakes.memory import MemoryCrm, MemoryMailer


class Trouble(StrEnum):
    """What befalls a call. `NONE` lets it pass, so that trouble may also come later."""

    NONE = "none"
    REFUSED = "refused"
    ANSWER_LOST = "answer_lost"
    DEATH_BEFORE = "death_before"
    DEATH_AFTER = "death_after"


class Death(BaseException):
    """The process ends here: nothing but the database and the outside systems knows that it was there."""


@dataclass
class Fate:
    """The troubles that the next calls meet, one each."""

    mails: list[Trouble] = field(default_factory=list)
    calls: list[Trouble] = field(default_factory=list)
    rows_until_death: int | None = None

    def spare(self) -> None:
        """No trouble from now on."""
        self.mails, self.calls, self.rows_until_death = [], [], None


class TroubledMailer(MemoryMailer):
    """Each mail meets the trouble that is next."""

    def __init__(self, fate: Fate, can_find: bool) -> None:
        super().__init__(can_find)
        self._fate = fate

    def send(self, batch: Sequence[Mail]) -> list[Result]:
        return [self._meet(mail) for mail in batch]

    def _meet(self, mail: Mail) -> Result:
        trouble = self._fate.mails.pop(0) if self._fate.mails else Trouble.NONE
        if trouble is Trouble.DEATH_BEFORE:
            raise Death
        if trouble is Trouble.REFUSED:
            return Result(mail.key, Handed.FAILED, error=RetriableError("the mail server is busy"))
        result = self._send(mail)
        if trouble is Trouble.DEATH_AFTER:
            raise Death
        return Result(mail.key, Handed.UNCERTAIN) if trouble is Trouble.ANSWER_LOST else result


class TroubledCrm(MemoryCrm):
    """Each writing call meets the trouble that is next."""

    def __init__(self, fate: Fate) -> None:
        super().__init__()
        for name in ("push_records", "create_tasks", "raise_tasks", "close_tasks", "log_mail"):
            setattr(self, name, _troubled(fate, getattr(self, name)))


def _troubled(fate: Fate, call: Callable[[Sequence[Any]], list[Result]]) -> Callable[[Sequence[Any]], list[Result]]:
    @wraps(call)
    def meet(items: Sequence[Any]) -> list[Result]:
        trouble = fate.calls.pop(0) if fate.calls else Trouble.NONE
        if trouble is Trouble.DEATH_BEFORE:
            raise Death
        if trouble is Trouble.REFUSED:
            return [Result(item.key, Handed.FAILED, error=RetriableError("the CRM is busy")) for item in items]
        results = call(items)
        if trouble is Trouble.DEATH_AFTER:
            raise Death
        lost = trouble is Trouble.ANSWER_LOST
        return [Result(result.key, Handed.UNCERTAIN) for result in results] if lost else results

    return meet


@dataclass
class TroubledSource(MemorySource):
    """A source amid which the process may die."""

    fate: Fate = field(default_factory=Fate)

    def orders(self, cursor: str | None) -> Stream:
        return _TroubledStream(self.rows, self.complete, fate=self.fate)


@dataclass
class _TroubledStream(Stream):
    fate: Fate = field(default_factory=Fate)

    def __iter__(self) -> Iterator[SourceRow | Reject]:
        for number, row in enumerate(super().__iter__()):
            if number == self.fate.rows_until_death:
                raise Death
            yield row


class NumberingWriter(FakeWriter):
    """Numbers each mail in its subject, so that its facts are found again."""

    def mail(self, letter: Letter) -> WordedMail:
        worded = super().mail(letter)
        return WordedMail(f"{len(self.letters) - 1} {worded.subject}", worded.text, worded.html)

    def facts_of(self, mail: Mail) -> Letter:
        """What a mail was worded from."""
        return self.letters[int(mail.subject.partition(" ")[0])]
