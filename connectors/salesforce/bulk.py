"""Thousands of records as one job of Bulk API 2.0: a file of CSV goes up, files with the fate of each row come back.

The SDK's own way is not used: it waits for a day, renews no session, and does not say which rows failed.
"""

import csv
import io
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.crm.foreign import mapping_of, number_of, text_of
from connectors.salesforce.calls import Caller
from connectors.salesforce.errors import Broken, Busy, Denied, Details, SalesforceError, Unclear
from connectors.salesforce.records import Outcome, Write, long_id
from connectors.salesforce.retry import refusal
from core.errors import NolapseError

MOST_BYTES = 90_000_000
"""Of one file: 150 MB after Salesforce has encoded it, so 100 MB before."""

MOST_ROWS = 100_000
"""Of one job: Salesforce takes more, but nobody waits well for them."""

EMPTY = "#N/A"
"""What empties a field; an empty cell leaves it as it is."""

_ENDED = frozenset({"JobComplete", "Failed", "Aborted"})


@dataclass(frozen=True, slots=True)
class Job:
    """What a bulk job does: `insert`, `update` or `upsert`, and by which column a row is known again in the results."""

    sobject: str
    operation: str
    key_field: str
    external_id_field: str = ""


@dataclass(frozen=True)
class Bulk:
    """Runs bulk jobs. `wait_at_most` in seconds, for each of them."""

    caller: Caller
    wait_at_most: float
    clock: Callable[[], float] = time.monotonic

    def run(self, job: Job, writes: Sequence[Write]) -> list[Outcome]:
        """An outcome for each of the writes; `Unclear` for those whose job was not done in time."""
        return [outcome for part in _parts(job, writes) for outcome in self._part(job, part)]

    def _part(self, job: Job, part: "_File") -> list[Outcome]:
        try:
            id = self._begin(job, part.content)
        except NolapseError as error:
            return [Outcome(write.key, error=_about(error, write.key)) for write in part.writes]
        try:
            return self._results(id, self._ended(id), job, part)
        except NolapseError as error:
            unclear = Unclear(f"what became of bulk job {id} could not be read ({error}); its records tell it")
            return [Outcome(write.key, error=unclear.about(write.key)) for write in part.writes]

    def _begin(self, job: Job, content: bytes) -> str:
        """Makes the job, uploads its file and closes it; the job's id. Until it is closed nothing is done."""
        wanted = {"object": job.sobject, "operation": job.operation, "contentType": "CSV", "lineEnding": "LF"}
        if job.external_id_field:
            wanted["externalIdFieldName"] = job.external_id_field
        # A job that nobody uploads to does nothing, so a second one does no harm.
        said = mapping_of(self.caller.ask("POST", "jobs/ingest", body=wanted))
        id = text_of(said.get("id"))
        if not id.isalnum():
            raise Broken("answered a new bulk job without an id")
        path = f"jobs/ingest/{id}"
        try:
            self.caller.make("PUT", f"{path}/batches", csv=content, repeatable=True)
            self._close(path)
        except NolapseError:
            self._abort(path)
            raise
        return id

    def _close(self, path: str) -> None:
        """Closes a job. Raises where it is surely still open."""
        try:
            self.caller.ask("PATCH", path, body={"state": "UploadComplete"}, repeatable=False)
        except Unclear as silence:
            try:
                state = self._info(path).get("state")
            except NolapseError:
                return  # it may be closed; who waits for its end will learn more
            if state == "Open":
                raise silence from None

    def _abort(self, path: str) -> None:
        try:
            self.caller.ask("PATCH", path, body={"state": "Aborted"})
        except SalesforceError:
            return  # an open job does nothing, and Salesforce removes it after a week

    def _ended(self, id: str) -> Mapping[str, Any]:
        """The job when it has ended. Raises `Unclear` where that takes too long."""
        until = self.clock() + self.wait_at_most
        pause = 1.0
        while (info := self._info(f"jobs/ingest/{id}")).get("state") not in _ENDED:
            if self.clock() + pause > until:
                raise Unclear("it is not done yet")
            self.caller.sleep(pause)
            pause = min(15.0, pause * 1.5)
        return info

    def _info(self, path: str) -> Mapping[str, Any]:
        return mapping_of(self.caller.ask("GET", path))

    def _results(self, id: str, info: Mapping[str, Any], job: Job, part: "_File") -> list[Outcome]:
        """The fate of each write; of those that the job never came to, why it ended."""
        processed = number_of(info.get("numberRecordsProcessed"))
        failed = number_of(info.get("numberRecordsFailed"))
        named = part.by_key(job)
        outcomes: dict[str, Outcome] = {}
        if failed < processed:
            for row in self._rows(f"jobs/ingest/{id}/successfulResults/"):
                if (key := _taken(named, row, job)) is not None:
                    outcomes[key] = Outcome(key, long_id(row.get("sf__Id", "")), row.get("sf__Created") == "true")
        if failed:
            for row in self._rows(f"jobs/ingest/{id}/failedResults/"):
                if (key := _taken(named, row, job)) is not None:
                    outcomes[key] = Outcome(key, error=row_error(row.get("sf__Error", "")).about(key))
        rest = _unprocessed(id, info)
        return [outcomes.get(write.key) or Outcome(write.key, error=rest.about(write.key)) for write in part.writes]

    def _rows(self, path: str) -> Iterator[dict[str, str]]:
        text = self.caller.make("GET", path, repeatable=True).body.decode("utf-8-sig")
        csv.field_size_limit(max(csv.field_size_limit(), 1_000_000))
        yield from csv.DictReader(io.StringIO(text, newline=""))


@dataclass(frozen=True)
class _File:
    """Writes as the file of one job."""

    writes: list[Write]
    content: bytes

    def by_key(self, job: Job) -> dict[str, deque[str]]:
        """The writes' keys by their value in the column by which a row is known again."""
        named: defaultdict[str, deque[str]] = defaultdict(deque)
        for write in self.writes:
            named[_cell(_columns(write).get(job.key_field, write.id))].append(write.key)
        return dict(named)


def _taken(named: Mapping[str, "deque[str]"], row: Mapping[str, str], job: Job) -> str | None:
    """The key of the write that a row of the results is about."""
    keys = named.get(row.get(job.key_field) or "")
    return keys.popleft() if keys else None


def _parts(job: Job, writes: Sequence[Write]) -> Iterator[_File]:
    """The writes as files that a job takes. Those of one parent stand next to each other."""
    ordered = sorted(writes, key=lambda write: write.parent)
    names = list(dict.fromkeys(name for write in ordered for name in _columns(write)))
    if job.operation == "update":
        names = ["Id", *names]
    head = _line(names)
    lines: list[bytes] = []
    kept: list[Write] = []
    size = 0
    for write in ordered:
        cells: dict[str, Any] = {"Id": write.id, **_columns(write)}
        line = _line([_cell(cells[name]) if name in cells else "" for name in names])
        if kept and (size + len(line) > MOST_BYTES or len(kept) == MOST_ROWS):
            yield _File(kept, head + b"".join(lines))
            lines, kept, size = [], [], 0
        lines.append(line)
        kept.append(write)
        size += len(line)
    if kept:
        yield _File(kept, head + b"".join(lines))


def takes(writes: Sequence[Write]) -> bool:
    """Whether a file can say these writes: lists have no place in CSV."""
    return not any(isinstance(value, list | tuple) for write in writes for value in write.fields.values())


def _columns(write: Write) -> dict[str, Any]:
    """The fields by the names of columns; a record named by its external id has a column as `Account.Key__c`."""
    columns: dict[str, Any] = {}
    for name, value in write.fields.items():
        if isinstance(value, Mapping):
            columns |= {f"{name}.{inner}": each for inner, each in value.items() if inner != "attributes"}
        else:
            columns[name] = value
    return columns


def _cell(value: Any) -> str:
    if value is None or value == "":
        return EMPTY
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _line(cells: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode(errors="replace")


def row_error(said: str) -> SalesforceError:
    """The error of a row, which reads `CODE:message:field, field --`."""
    code, _, rest = said.partition(":")
    message, _, names = rest.rpartition(":")
    fields = tuple(name.strip() for name in names.removesuffix("--").split(",") if name.strip())
    return refusal(Details(code=code.strip(), message=message or rest, fields=fields))[0]


def _unprocessed(id: str, info: Mapping[str, Any]) -> SalesforceError:
    """Why rows were not come to."""
    message = text_of(info.get("errorMessage"))
    details = Details(code=text_of(info.get("state")), message=message)
    if "field name" in message.lower() or "INVALID_FIELD" in message:
        return Denied(
            "a field is missing or hidden from the integration user; `nolapse setup salesforce` tells", details
        )
    if info.get("state") == "JobComplete":
        return Unclear(f"bulk job {id} says nothing of this record")
    return Busy(f"bulk job {id} ended before this record", details)


def _about(error: NolapseError, key: str) -> NolapseError:
    return error.about(key) if isinstance(error, SalesforceError) else error
