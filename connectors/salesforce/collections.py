"""Writes of at most 200 records a call, and the fate of each record on its own.

A call answers 200 with a result for each record, in the order of the records, or refuses all of them for one that it
cannot read.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import groupby
from threading import Event
from typing import Any

from connectors.crm.foreign import dicts_of, text_of
from connectors.salesforce.calls import Caller
from connectors.salesforce.errors import Busy, Refused, SalesforceError, Unclear
from connectors.salesforce.records import Outcome, Write, long_id
from connectors.salesforce.retry import is_locked, record_error
from core.errors import ConfigurationError, FatalError, NolapseError

MOST = 200
"""Records in one call."""

_SAME_REASON = 10
"""After so many records in a row refused for one reason the rest of their call waits for a later run: each such refusal
costs a call, and one fault of the settings may refuse them all."""

Body = Callable[[Write], dict[str, Any]]


@dataclass(frozen=True)
class Collections:
    """Sends writes in calls of 200, several at once, and gives the outcome of each."""

    caller: Caller
    parallel: int

    def run(self, method: str, path: str, writes: Sequence[Write], body: Body, *, repeatable: bool) -> list[Outcome]:
        """An outcome for each of the writes.

        A refusal is that of a record; what keeps all records out (credentials, limits) is the error of each that did
        not go, and ends the calls that have not begun.
        """
        run = _Run(self.caller, method, path, body, repeatable)
        parts = list(parted(writes, MOST))
        if len(parts) < 2 or self.parallel < 2:
            return [outcome for part in parts for outcome in run.part(part, _Reasons())]
        with ThreadPoolExecutor(min(self.parallel, len(parts)), thread_name_prefix="salesforce") as pool:
            return [outcome for done in pool.map(lambda part: run.part(part, _Reasons()), parts) for outcome in done]


def parted(writes: Sequence[Write], most: int) -> Iterator[list[Write]]:
    """The writes in parts, those of one parent next to each other, so that few calls want the same lock."""
    part: list[Write] = []
    for parent, group in groupby(sorted(writes, key=_parent), key=_parent):
        family = list(group)
        # A small family goes whole into the next call, where that leaves no more than a tenth of this one empty.
        if parent and most * 0.9 <= len(part) < most < len(part) + len(family) <= len(part) + most:
            yield part
            part = []
        for write in family:
            if len(part) == most:
                yield part
                part = []
            part.append(write)
    if part:
        yield part


def _parent(write: Write) -> str:
    return write.parent


@dataclass
class _Reasons:
    """The reasons for which single records of a part were refused."""

    seen: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)

    @property
    def all_alike(self) -> bool:
        return len(self.seen) >= _SAME_REASON and len(set(self.seen)) == 1


@dataclass
class _Run:
    """The calls of one batch."""

    caller: Caller
    method: str
    path: str
    body: Body
    repeatable: bool
    stop: Event = field(default_factory=Event)

    def part(self, part: list[Write], reasons: _Reasons) -> list[Outcome]:
        """The outcomes of the writes of one call."""
        if self.stop.is_set():
            return _not_sent(part, "not sent, since the call before it was not allowed")
        if reasons.all_alike:
            return _not_sent(part, f"not sent, since {_SAME_REASON} others were refused for one and the same reason")
        sent = {"allOrNone": False, "records": [self.body(write) for write in part]}
        try:
            said = self.caller.ask(self.method, self.path, body=sent, repeatable=self.repeatable)
        except Refused as error:
            return self._apart(part, error, reasons)
        except NolapseError as error:
            if isinstance(error, ConfigurationError | FatalError):
                self.stop.set()
            return [Outcome(write.key, error=_of_all(error, write.key)) for write in part]
        return _settled(part, said)

    def _apart(self, part: list[Write], error: Refused, reasons: _Reasons) -> list[Outcome]:
        """The call was refused as a whole, so nothing of it was done: the record at fault is found, the rest goes."""
        if len(part) == 1:
            reasons.seen.append((error.details.code, error.details.fields))
            return [Outcome(part[0].key, error=error.about(part[0].key))]
        half = len(part) // 2
        return self.part(part[:half], reasons) + self.part(part[half:], reasons)


def _of_all(error: NolapseError, key: str) -> NolapseError:
    """The error of a whole call for one of its records. It has been waited for already: it is no lock of a record."""
    if not isinstance(error, SalesforceError):
        return error
    return (Busy(error.text, replace(error.details, code="")) if is_locked(error) else error).about(key)


def _settled(part: list[Write], said: Any) -> list[Outcome]:
    """Each write's own outcome out of an answer of success, which tells them in the order of the records."""
    results = dicts_of(said)
    if len(results) != len(part):
        error = Unclear(f"answered {len(results)} results for {len(part)} records")
        return [Outcome(write.key, error=error.about(write.key)) for write in part]
    return [_outcome(write.key, result) for write, result in zip(part, results, strict=True)]


def _outcome(key: str, result: Any) -> Outcome:
    if result.get("success") is True:
        return Outcome(key, long_id(text_of(result.get("id"))), result.get("created") is True)
    return Outcome(key, error=record_error(result.get("errors")).about(key))


def _not_sent(part: Sequence[Write], why: str) -> list[Outcome]:
    error = Busy(why)
    return [Outcome(write.key, error=error.about(write.key)) for write in part]
