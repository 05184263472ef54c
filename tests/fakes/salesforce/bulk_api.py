"""Bulk API 2.0, ingest: a job, its file, its states, and files of results."""

import csv
import io
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.salesforce.errors import ApiError, RecordError, no_column
from tests.fakes.salesforce.fields import Record
from tests.fakes.salesforce.ids import checked
from tests.fakes.salesforce.org import Org
from tests.fakes.salesforce.routing import CSV, Call, Reply, route
from tests.fakes.salesforce.saving import Saver, named_record

_OPERATIONS = ("insert", "update", "upsert", "delete")
_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
_DELIMITERS = {"COMMA": ",", "SEMICOLON": ";", "PIPE": "|", "TAB": "\t", "CARET": "^", "BACKQUOTE": "`"}
Row = dict[str, str]


@dataclass
class Job:
    """A job. `polls` answers say that it is in progress before it is done; `stops_after` so many rows it fails."""

    id: str
    operation: str
    sobject: str
    key: str
    ending: str
    delimiter: str
    user: str
    made: str
    state: str = "Open"
    content: str = ""
    columns: list[str] = field(default_factory=list)
    done: list[Row] = field(default_factory=list)
    failed: list[Row] = field(default_factory=list)
    left: list[Row] = field(default_factory=list)
    message: str = ""
    polls: int = 0

    def said(self, version: str) -> dict[str, Any]:
        """The job as the API tells it."""
        said: dict[str, Any] = {
            "id": self.id, "operation": self.operation, "object": self.sobject, "createdById": self.user,
            "createdDate": self.made, "systemModstamp": self.made, "state": self.state, "concurrencyMode": "Parallel",
            "contentType": "CSV", "apiVersion": float(version), "jobType": "V2Ingest", "lineEnding": self.ending,
            "columnDelimiter": self.delimiter, "contentUrl": f"services/data/v{version}/jobs/ingest/{self.id}/batches",
        }  # fmt: skip
        if self.key:
            said["externalIdFieldName"] = self.key
        if self.state not in ("Open", "UploadComplete"):
            said |= {"numberRecordsProcessed": len(self.done) + len(self.failed), "numberRecordsFailed": len(self.failed),
                     "retries": 0, "totalProcessingTime": 1}  # fmt: skip
        if self.message:
            said["errorMessage"] = self.message
        return said


@route("POST", "jobs/ingest", "bulk.create")
def create(call: Call) -> Reply:
    body = call.taking(
        "object", "operation", "contentType", "lineEnding", "columnDelimiter", "externalIdFieldName", "assignmentRuleId"
    )
    operation, key = body.get("operation"), body.get("externalIdFieldName", "")
    if operation not in _OPERATIONS:
        raise ApiError(400, "INVALIDJOB", f"InvalidJob : Unsupported operation {operation}")
    one = call.org.define(str(body.get("object")), code="INVALIDENTITY")
    if (operation == "upsert") != bool(key):
        raise ApiError(400, "INVALIDJOB", "InvalidJob : External ID was blank for upsert")
    if key:
        call.saver.key_field(one, key)
    ending, delimiter = body.get("lineEnding", "LF"), body.get("columnDelimiter", "COMMA")
    if body.get("contentType", "CSV") != "CSV" or ending not in _ENDINGS or delimiter not in _DELIMITERS:
        raise ApiError(400, "INVALIDJOB", "InvalidJob : Unsupported contentType, lineEnding or columnDelimiter")
    id = call.org.ids.new("750")
    job = Job(id, operation, one.name, key, ending, delimiter, call.user, call.org.now(), polls=call.org.job_polls)
    call.org.jobs[id] = job
    return Reply(200, job.said(call.version))


@route("GET", "jobs/ingest", "bulk.list")
def listed(call: Call) -> Reply:
    jobs = [job.said(call.version) for job in call.org.jobs.values() if isinstance(job, Job)]
    return Reply(200, {"done": True, "records": jobs, "nextRecordsUrl": None})


@route("PUT", "jobs/ingest/{id}/batches", "bulk.upload")
def upload(call: Call, id: str) -> Reply:
    job = _job(call.org, id, "Open")
    if not call.headers.get("content-type", "").startswith(CSV):
        raise ApiError(415, "UNSUPPORTED_MEDIA_TYPE", "the file must be text/csv")
    job.content = call.octets.decode()
    return Reply(201)


@route("PATCH", "jobs/ingest/{id}", "bulk.state")
def state(call: Call, id: str) -> Reply:
    wanted = call.taking("state").get("state")
    if wanted == "Aborted":
        job = _job(call.org, id)
        job.state = "Aborted"
    elif wanted == "UploadComplete":
        job = _job(call.org, id, "Open")
        if not job.content:
            raise ApiError(400, "INVALIDJOBSTATE", "The job has no data")
        job.state = "UploadComplete"
    else:
        raise ApiError(400, "INVALIDJOBSTATE", f"Job state {wanted} is not supported")
    return Reply(200, job.said(call.version))


@route("GET", "jobs/ingest/{id}", "bulk.poll")
def poll(call: Call, id: str) -> Reply:
    job = _job(call.org, id)
    if job.state in ("UploadComplete", "InProgress"):
        if job.polls > 0:
            job.polls -= 1
            job.state = "InProgress"
        else:
            _process(call.org, job)
    return Reply(200, job.said(call.version))


@route("DELETE", "jobs/ingest/{id}", "bulk.delete")
def delete(call: Call, id: str) -> Reply:
    _job(call.org, id)
    del call.org.jobs[id]
    return Reply(204)


@route("GET", "jobs/ingest/{id}/successfulResults", "bulk.successful")
def successful(call: Call, id: str) -> Reply:
    job = _job(call.org, id)
    return _file(job, ["sf__Id", "sf__Created", *job.columns], job.done)


@route("GET", "jobs/ingest/{id}/failedResults", "bulk.failed")
def failed(call: Call, id: str) -> Reply:
    job = _job(call.org, id)
    return _file(job, ["sf__Id", "sf__Error", *job.columns], job.failed)


@route("GET", "jobs/ingest/{id}/unprocessedRecords", "bulk.unprocessed")
@route("GET", "jobs/ingest/{id}/unprocessedrecords", "bulk.unprocessed")
def unprocessed(call: Call, id: str) -> Reply:
    job = _job(call.org, id)
    return _file(job, job.columns, job.left)


def _job(org: Org, id: str, state: str = "") -> Job:
    job = org.jobs.get(checked(id))
    if not isinstance(job, Job):
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
    if state and job.state != state:
        raise ApiError(400, "INVALIDJOBSTATE", f"Unable to update the job: it is in the state {job.state}")
    return job


def _process(org: Org, job: Job) -> None:
    text = io.StringIO(job.content, newline="")
    reader = csv.DictReader(text, restkey="", delimiter=_DELIMITERS[job.delimiter], strict=True)
    job.columns = list(reader.fieldnames or [])
    saver = Saver(org, job.user)
    try:
        places = [_place(saver, job, name) for name in job.columns]
    except ApiError as error:
        name = error.message.split("'")[1] if "'" in error.message else error.message
        job.state, job.message = "Failed", f"InvalidBatch : Field name not found : {name}"
        job.left = list(reader)
        return
    for number, row in enumerate(reader):
        if org.job_stops_after is not None and number >= org.job_stops_after:
            job.left.append(row)
            continue
        try:
            if "" in row or None in row.values():
                raise RecordError("INVALID_INPUT", "the row has another number of columns than the header")
            job.done.append({**_write(saver, job, row, places), **row})
        except RecordError as error:
            id = row.get("Id", "")
            job.failed.append({"sf__Id": id, "sf__Error": error.of_row(), **row})
    job.state = "JobComplete"
    if job.left:
        job.state, job.message = "Failed", "InternalServerError : Job failed after 20 tries"


def _place(saver: Saver, job: Job, column: str) -> tuple[str, str]:
    """The field of a column, and the key of the record it refers to where it has one."""
    one = saver.org.define(job.sobject)
    name, _, key = column.partition(".")
    if key:
        lookup = one.by_relationship(name)
        if lookup is None or lookup.name not in saver.org.visible(one):
            raise no_column(column, one.name)
        return lookup.name, key
    found = one.named(name)
    if found is None or found.name not in saver.org.visible(one):
        raise no_column(column, one.name)
    return found.name, ""


def _write(saver: Saver, job: Job, row: Row, places: list[tuple[str, str]]) -> Row:
    record: Record = {}
    fields = saver.org.objects[job.sobject].fields
    for cell, (name, key) in zip(row.values(), places, strict=True):
        if cell == "":
            continue
        record[name] = named_record({key: cell}) if key and cell != "#N/A" else fields[name].read_cell(cell)
    if job.operation == "insert":
        return {"sf__Id": saver.insert(job.sobject, {}, given=record), "sf__Created": "true"}
    if job.operation == "upsert":
        id, made = saver.upsert(job.sobject, job.key, {}, given=record)
        return {"sf__Id": id, "sf__Created": str(made).lower()}
    id = str(record.pop("Id", ""))
    if job.operation == "delete":
        saver.delete(id)
    else:
        saver.update(job.sobject, id, {}, given=record)
    return {"sf__Id": checked(id), "sf__Created": "false"}


def _file(job: Job, columns: list[str], rows: list[Row]) -> Reply:
    if job.state not in ("JobComplete", "Failed", "Aborted"):
        raise ApiError(400, "INVALIDJOBSTATE", f"the job is in the state {job.state}")
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator=_ENDINGS[job.ending], quoting=csv.QUOTE_ALL,
                            delimiter=_DELIMITERS[job.delimiter], extrasaction="ignore")  # fmt: skip
    writer.writeheader()
    writer.writerows(rows)
    return Reply(200, text.getvalue(), type=CSV)
