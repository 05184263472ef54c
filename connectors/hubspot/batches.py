"""Batches of at most a hundred records, and the fate of each record on its own.

HubSpot tells it in several ways: 200 or 201 with all records, 207 or 201 with some records and `errors`, or 400 for the
whole batch because of one record. Only the raw answer holds all of it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from typing import Any

from connectors.hubspot.calls import Caller, json_of
from connectors.hubspot.errors import Busy, HubSpotError, Refused, Unclear, details_of
from connectors.hubspot.foreign import dicts_of, mapping_of, properties_of
from connectors.hubspot.transport import Answer
from core.batches import batched
from core.errors import ConfigurationError, FatalError, NolapseError

MOST = 100
"""Inputs in one call, for every batch endpoint (the larger caps of some are documented nowhere)."""

_BY_RECORD = frozenset({400, 409, 413})  # a refusal of the whole batch for one record, or for its size
_PASSING = frozenset({"INTERNAL_ERROR", "RATE_LIMIT", "RATE_LIMITS", "SERVICE_UNAVAILABLE", "TIMEOUT", "LOCKED"})
_SAME_REASON = 10
"""After so many records in a row refused for one reason the rest of their batch waits for a later run: each such refusal
costs a call, and a rule of the portal may refuse them all."""

_ID_CONTEXT = ("objectWriteTraceId", "ids", "id", "fromObjectId", "toObjectId")


@dataclass(frozen=True, slots=True)
class Link:
    """An association to be made with a new record: the other record's id, and the type by number."""

    to_id: str
    type_id: int
    category: str = "HUBSPOT_DEFINED"


@dataclass(frozen=True, slots=True)
class Write:
    """One record to be written. `key` is the caller's own name for it, unique in the batch.

    `id` is the record's id, or the value of the unique property that the batch goes by; a new record has none.
    """

    key: str
    properties: Mapping[str, str]
    id: str = ""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class ItemResult:
    """What became of one input, under the caller's key. Without an `error` it is done, and `id` is the record's.

    `new`: whether an upsert created it. `unclear`: nobody can tell whether it was done.
    """

    key: str
    id: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)
    new: bool | None = None
    error: NolapseError | None = None

    @property
    def unclear(self) -> bool:
        return isinstance(self.error, Unclear)


Part = list[tuple[str, dict[str, Any]]]
"""Inputs: the caller's key and the JSON."""

Send = Callable[[list[dict[str, Any]]], Answer]
Marks = Callable[[Mapping[str, Any]], Iterable[str]]
"""The values by which a result in an answer may be known again."""


@dataclass(frozen=True)
class Batches:
    """Sends the inputs of a batch endpoint in parts, several at once, and gives the result of each input."""

    caller: Caller
    parallel: int
    repeatable: bool

    def run(self, inputs: Sequence[tuple[str, dict[str, Any]]], send: Send, marks: Marks) -> list[ItemResult]:
        """A result for each of the inputs, in their order.

        A refusal is that of a record; what keeps all records out (credentials, limits) is the error of each that did
        not go, and ends the parts that have not begun.
        """
        parts = list(batched(inputs, MOST))
        run = _Run(self, send, marks)
        if len(parts) < 2 or self.parallel < 2:
            return [result for part in parts for result in run.part(part, [])]
        with ThreadPoolExecutor(min(self.parallel, len(parts)), thread_name_prefix="hubspot") as pool:
            done = pool.map(lambda part: run.part(part, []), parts)
            return [result for part in done for result in part]


class _Run:
    """One pass over the parts of a batch."""

    def __init__(self, batches: Batches, send: Send, marks: Marks) -> None:
        self._batches = batches
        self._send = send
        self._marks = marks
        self._stop = Event()

    def part(self, part: Part, lonely: list[tuple[str, ...]]) -> list[ItemResult]:
        """The results of a part. `lonely` collects the reasons for which single records of it were refused."""
        if self._stop.is_set():
            return _not_sent(part, "not sent, since the call before it was not allowed")
        if len(lonely) >= _SAME_REASON and len(set(lonely)) == 1:
            return _not_sent(part, f"not sent, since {len(lonely)} others were refused for one and the same reason")
        batches, bodies = self._batches, [body for _, body in part]
        try:
            answer = batches.caller.make(lambda: self._send(bodies), repeatable=batches.repeatable)
            said = json_of(answer, repeatable=batches.repeatable)
        except Refused as error:
            if error.details.status in _BY_RECORD:
                return self._apart(part, error, lonely)
            return [ItemResult(key, error=error.about(key)) for key, _ in part]
        except NolapseError as error:
            if isinstance(error, ConfigurationError | FatalError):
                self._stop.set()
            return [ItemResult(key, error=error) for key, _ in part]
        return _settle(part, answer, said, self._marks)

    def _apart(self, part: Part, error: Refused, lonely: list[tuple[str, ...]]) -> list[ItemResult]:
        """The batch was refused as a whole, so nothing of it was done: the records at fault are found, the rest goes."""
        if len(part) == 1:
            key, body = part[0]
            lonely.append((error.details.category, error.details.sub_category, error.details.property))
            return [ItemResult(key, error=_of_record(error, key, body))]
        guilty = [item for item in part if _is_named(error, *item)]
        if not guilty or len(guilty) == len(part):
            half = len(part) // 2
            return self.part(part[:half], lonely) + self.part(part[half:], lonely)
        refused = {key: ItemResult(key, error=_of_record(error, key, body)) for key, body in guilty}
        rest = self.part([item for item in part if item[0] not in refused], lonely)
        results = refused | {result.key: result for result in rest}
        return [results[key] for key, _ in part]


def _not_sent(part: Part, why: str) -> list[ItemResult]:
    error = Busy(why)
    return [ItemResult(key, error=error) for key, _ in part]


def _is_named(error: HubSpotError, key: str, sent: Mapping[str, Any]) -> bool:
    """Whether the refusal is about this input: it names it, or the very value it sends."""
    named = {value for _, values in error.details.context for value in values}
    if not named.isdisjoint(_names(key, sent)):
        return True
    value = error.details.value
    return bool(value) and mapping_of(sent.get("properties")).get(error.details.property) == value


def _settle(part: Part, answer: Answer, said: Any, marks: Marks) -> list[ItemResult]:
    """Each input's own result out of an answer of success."""
    body = mapping_of(said)
    by_mark = {mark: result for result in dicts_of(body.get("results")) for mark in marks(result) if mark}
    errors = [details_of(answer.status, one, answer.headers) for one in dicts_of(body.get("errors"))]
    by_name: dict[str, HubSpotError] = {}
    general: HubSpotError | None = None
    for details in errors:
        refusal = Busy("put off", details) if details.category in _PASSING else Refused("refused", details)
        names = details.named(*_ID_CONTEXT)
        by_name |= dict.fromkeys(names, refusal)
        if not names:
            general = refusal
    results = []
    for key, sent in part:
        found = next((by_mark[name] for name in _names(key, sent) if name in by_mark), None)
        named = next((by_name[name] for name in _names(key, sent) if name in by_name), None)
        if found is not None:
            results.append(_done(key, found))
        elif (error := named or general) is not None:
            results.append(ItemResult(key, error=_of_record(error, key, sent)))
        else:
            results.append(ItemResult(key, error=_unanswered(answer, body).about(key)))
    return results


def _unanswered(answer: Answer, body: Mapping[str, Any]) -> HubSpotError:
    status = body.get("status")
    state = f" and the state {status}" if isinstance(status, str) and status != "COMPLETE" else ""
    return Unclear(f"answered {answer.status}{state} without a word on this record")


def _done(key: str, found: Mapping[str, Any]) -> ItemResult:
    new = found.get("new")
    return ItemResult(key, str(found.get("id", "")), properties_of(found), new if isinstance(new, bool) else None)


def _of_record(error: HubSpotError, key: str, sent: Mapping[str, Any]) -> HubSpotError:
    """The error with the record's key, and the value that we sent for the property it names."""
    value = mapping_of(sent.get("properties")).get(error.details.property, "")
    return error.about(key, value=str(value))


def _names(key: str, sent: Mapping[str, Any]) -> tuple[str, ...]:
    """What an answer may call an input by; a pair also by its ends."""
    ends = [mapping_of(sent.get(end)).get("id") for end in ("from", "to")]
    names = (sent.get("objectWriteTraceId"), sent.get("id"), key, *ends)
    return tuple(name for name in names if isinstance(name, str) and name)
