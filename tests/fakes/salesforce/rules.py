"""Rules that an org's administrator made, and locks that its people hold."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.salesforce.errors import RecordError
from tests.fakes.salesforce.fields import Record

_STAMPS = frozenset({"Id", "CreatedDate", "LastModifiedDate", "SystemModstamp"})


@dataclass(frozen=True)
class Validation:
    """Refuses records of which `broken` says so."""

    sobject: str
    broken: Callable[[Record], bool]
    message: str
    field: str = ""

    def check(self, record: Record) -> None:
        """Raises `RecordError`."""
        if self.broken(record):
            raise RecordError("FIELD_CUSTOM_VALIDATION_EXCEPTION", self.message, *([self.field] if self.field else []))


@dataclass(frozen=True)
class DuplicateRule:
    """Refuses records that equal another in all these fields."""

    sobject: str
    fields: tuple[str, ...]

    def check(self, record: Record, others: list[Record]) -> None:
        """Raises `RecordError`."""
        mine = [str(record.get(name) or "").lower() for name in self.fields]
        alike = [
            one
            for one in others
            if one["Id"] != record["Id"] and not one["IsDeleted"]
            and [str(one.get(name) or "").lower() for name in self.fields] == mine
        ]  # fmt: skip
        if alike and all(mine):
            raise RecordError("DUPLICATES_DETECTED", "Use one of these records?", duplicateResult=self._result(alike))

    def _result(self, alike: list[Record]) -> dict[str, Any]:
        records = [
            {"additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0,
             "record": {"attributes": {"type": self.sobject}, "Id": one["Id"]}}
            for one in alike
        ]  # fmt: skip
        match = {"entityType": self.sobject, "errors": [], "matchEngine": "FuzzyMatchEngine", "matchRecords": records,
                 "rule": f"Standard_{self.sobject}_Match_Rule", "size": len(records), "success": True}  # fmt: skip
        return {"allowSave": False, "duplicateRule": f"Standard_{self.sobject}_Duplicate_Rule",
                "duplicateRuleEntityType": self.sobject, "errorMessage": "Use one of these records?",
                "matchResults": [match]}  # fmt: skip


@dataclass
class Lock:
    """Somebody changes a record: each write that meets it fails so many times."""

    picks: Callable[[Record], bool]
    times: int
    met: Counter[str] = field(default_factory=Counter)

    def check(self, record: Record) -> None:
        """Raises `RecordError` as long as it holds for this record."""
        if not self.picks(record):
            return
        key = repr(sorted((name, value) for name, value in record.items() if name not in _STAMPS))
        if self.met[key] < self.times:
            self.met[key] += 1
            raise RecordError(
                "UNABLE_TO_LOCK_ROW",
                "unable to obtain exclusive access to this record or 1 records: 001Wz0000000001AAA",
            )
