"""Bulk API 2.0, query: a job for a statement, and its rows as pages of CSV."""

import csv
import io
from dataclasses import dataclass
from typing import Any

from tests.fakes.salesforce.errors import ApiError
from tests.fakes.salesforce.ids import checked
from tests.fakes.salesforce.routing import CSV, Call, Reply, route
from tests.fakes.salesforce.soql import Rows
from tests.fakes.salesforce.soql_parsing import parse


@dataclass
class QueryJob:
    """A job. Its rows are those of the moment in which it was made; `polls` answers say that it is in progress."""

    id: str
    operation: str
    query: str
    lines: list[list[str]]
    polls: int
    state: str = "UploadComplete"

    def said(self, version: str) -> dict[str, Any]:
        """The job as the API tells it."""
        said = {
            "id": self.id, "operation": self.operation, "state": self.state, "contentType": "CSV",
            "apiVersion": float(version), "lineEnding": "LF", "columnDelimiter": "COMMA", "concurrencyMode": "Parallel",
        }  # fmt: skip
        return {**said, "numberRecordsProcessed": len(self.lines) - 1} if self.state == "JobComplete" else said


@route("POST", "jobs/query", "bulk_query.create")
def create(call: Call) -> Reply:
    body = call.taking("operation", "query", "contentType", "lineEnding", "columnDelimiter")
    operation = body.get("operation")
    if operation not in ("query", "queryAll"):
        raise ApiError(400, "INVALIDJOB", f"InvalidJob : Unsupported operation {operation}")
    rows = Rows(call.org, parse(str(body.get("query", ""))), operation == "queryAll")
    if rows.query.counts or rows.query.subqueries:
        raise ApiError(400, "FEATURE_NOT_ENABLED", "Counts and nested queries are not supported")
    columns = rows.columns()
    lines = [[path for path, _ in columns]]
    lines += [[_cell(get(record)) for _, get in columns] for record in rows.records()]
    job = QueryJob(call.org.ids.new("750"), operation, str(body["query"]), lines, call.org.job_polls)
    call.org.jobs[job.id] = job
    return Reply(200, job.said(call.version))


@route("GET", "jobs/query/{id}", "bulk_query.poll")
def poll(call: Call, id: str) -> Reply:
    job = _job(call, id)
    if job.state not in ("JobComplete", "Aborted"):
        job.state = "InProgress" if job.polls > 0 else "JobComplete"
        job.polls -= 1
    return Reply(200, job.said(call.version))


@route("PATCH", "jobs/query/{id}", "bulk_query.state")
def state(call: Call, id: str) -> Reply:
    job = _job(call, id)
    if call.taking("state").get("state") != "Aborted":
        raise ApiError(400, "INVALIDJOBSTATE", "A query can only be aborted")
    job.state = "Aborted"
    return Reply(200, job.said(call.version))


@route("GET", "jobs/query/{id}/results", "bulk_query.results")
def results(call: Call, id: str) -> Reply:
    job = _job(call, id)
    if job.state != "JobComplete":
        raise ApiError(400, "INVALIDJOBSTATE", f"the job is in the state {job.state}")
    at, size = int(call.query.get("locator") or 0), int(call.query.get("maxRecords") or 50_000)
    head, page = job.lines[0], job.lines[1 + at : 1 + at + size]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([head, *page])
    more = at + size < len(job.lines) - 1
    headers = {"Sforce-NumberOfRecords": str(len(page)), "Sforce-Locator": str(at + size) if more else "null"}
    return Reply(200, text.getvalue(), CSV, headers)


def _job(call: Call, id: str) -> QueryJob:
    job = call.org.jobs.get(checked(id))
    if not isinstance(job, QueryJob):
        raise ApiError(404, "NOT_FOUND", "The requested resource does not exist")
    return job


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
