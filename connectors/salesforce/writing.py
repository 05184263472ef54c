"""Which way writes go: calls of 200 below a number, a bulk job above it; locked records are sent again together.

So a few locked records of many calls cost a few more calls. How often is the patience of the caller.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.salesforce.bulk import Bulk, Job, takes
from connectors.salesforce.collections import Collections
from connectors.salesforce.errors import SalesforceError
from connectors.salesforce.records import Outcome, Write, long_id
from connectors.salesforce.retry import is_locked

_DUPLICATE = re.compile(r"duplicate value found: (?P<field>\w+) duplicates value on record with id: (?P<id>\w{15,18})")


@dataclass(frozen=True)
class Writer:
    """Sends writes of any number. From `bulk_from` records on they are a bulk job."""

    collections: Collections
    bulk: Bulk
    bulk_from: int

    def upsert(self, sobject: str, external_id_field: str, writes: Sequence[Write]) -> list[Outcome]:
        """Creates or changes records by an external id."""
        job = Job(sobject, "upsert", external_id_field, external_id_field)
        return self._run("PATCH", f"composite/sobjects/{sobject}/{external_id_field}", job, writes)

    def create(self, sobject: str, writes: Sequence[Write], key_field: str) -> list[Outcome]:
        """Creates records; with a unique `key_field` a call may be made twice, and many go as a job.

        A record that has this value already was made before, and is the one.
        """
        outcomes = self._run("POST", "composite/sobjects", Job(sobject, "insert", key_field), writes)
        return [_made_before(outcome, key_field) if key_field else outcome for outcome in outcomes]

    def update(self, sobject: str, writes: Sequence[Write]) -> list[Outcome]:
        """Changes records by their id."""
        return self._run("PATCH", "composite/sobjects", Job(sobject, "update", "Id"), writes)

    def _run(self, method: str, path: str, job: Job, writes: Sequence[Write]) -> list[Outcome]:
        outcomes: dict[str, Outcome] = {}
        left = list(writes)
        caller = self.collections.caller
        for attempt in range(1, caller.patience.attempts + 1):
            for outcome in self._round(method, path, job, left):
                outcomes[outcome.key] = outcome
            left = [write for write in left if is_locked(outcomes[write.key].error)]
            if not left or attempt == caller.patience.attempts:
                break
            caller.sleep(caller.patience.pause(attempt))
        return [outcomes[write.key] for write in writes]

    def _round(self, method: str, path: str, job: Job, writes: Sequence[Write]) -> list[Outcome]:
        if len(writes) >= self.bulk_from and job.key_field and takes(writes):
            return self.bulk.run(job, writes)
        attributes = {"type": job.sobject}

        def body(write: Write) -> dict[str, Any]:
            named: Mapping[str, Any] = {"id": write.id} if job.operation == "update" else {}
            return {"attributes": attributes, **named, **write.fields}

        return self.collections.run(method, path, writes, body, repeatable=bool(job.key_field))


def _made_before(outcome: Outcome, key_field: str) -> Outcome:
    error = outcome.error
    if isinstance(error, SalesforceError) and error.details.code == "DUPLICATE_VALUE":
        found = _DUPLICATE.search(error.details.message)
        if found is not None and found["field"] == key_field:
            return Outcome(outcome.key, long_id(found["id"]))
    return outcome
