"""The records of a portal: what they hold, who wrote it, and what searches already see of it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tests.fakes.hubspot.clock import iso
from tests.fakes.hubspot.errors import Flaw, RecordError, bad_values
from tests.fakes.hubspot.kinds import ObjectKind
from tests.fakes.hubspot.pipelines import Pipeline
from tests.fakes.hubspot.properties import read_value

HISTORY_KEPT = 20


@dataclass(frozen=True)
class Author:
    """Who writes: our app, a person at the screen, or HubSpot itself."""

    source: str
    source_id: str
    user_id: int | None = None


@dataclass(frozen=True)
class Version:
    """A value that a property had."""

    value: str
    at: datetime
    author: Author


@dataclass
class Record:
    """One object."""

    id: str
    values: dict[str, str]
    created_at: datetime
    updated_at: datetime
    history: dict[str, list[Version]] = field(default_factory=dict)
    archived_at: datetime | None = None
    merged: list[str] = field(default_factory=list)
    """The records that were merged into this one."""


@dataclass(frozen=True)
class Rule:
    """A validation rule that an administrator set: a sentence if the record breaks it, else nothing.

    `check` gets the values that the record would hold, and whether it is new.
    """

    property_name: str
    check: Callable[[Mapping[str, str], bool], str | None]


class Shelf:
    """All records of one kind."""

    def __init__(
        self,
        kind: ObjectKind,
        pipelines: Callable[[], Mapping[str, Pipeline]],
        is_owner: Callable[[str], bool],
        lag: Callable[[], timedelta],
    ) -> None:
        self.kind = kind
        self.rules: list[Rule] = []
        self._pipelines = pipelines
        self._is_owner = is_owner
        self._lag = lag
        self._records: dict[str, Record] = {}
        self._unique: dict[str, dict[str, str]] = {}
        self._forwards: dict[str, str] = {}
        self._indexed: dict[str, dict[str, str]] = {}
        self._pending: list[tuple[datetime, str, dict[str, str] | None]] = []

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def __len__(self) -> int:
        return sum(1 for record in self if record.archived_at is None)

    def get(self, record_id: str) -> Record | None:
        """A record, archived ones too; the surviving one where it was merged."""
        while record_id in self._forwards:
            record_id = self._forwards[record_id]
        return self._records.get(record_id)

    def find(self, name: str, value: str) -> Record | None:
        """The live record with that value of a unique property."""
        kept = value.casefold() if name == "email" else value
        found = self._unique.get(name, {}).get(kept)
        return None if found is None else self.get(found)

    def check(self, values: Mapping[str, str], record: Record | None, *, rules: bool = True) -> dict[str, str]:
        """The values as they would be kept; raises `RecordError` if they cannot be."""
        flaws: list[Flaw] = []
        kept: dict[str, str] = {}
        for name, value in values.items():
            definition = self.kind.live(name)
            if definition is None:
                flaws.append(Flaw(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'))
                continue
            kept[name], flaw = read_value(definition, value)
            if name == "hubspot_owner_id" and value and not self._is_owner(value):
                flaw = Flaw(name, "INVALID_OWNER_ID", f"Owner with id {value} does not exist or is not active")
            if flaw is not None:
                flaws.append(flaw)
        if flaws:
            raise bad_values(flaws)
        if record is None and (missing := [name for name in self.kind.required if not kept.get(name)]):
            message = f"Error creating {self.kind.singular.upper()}. Some required properties were not set."
            raise RecordError("VALIDATION_ERROR", message, context={"properties": missing})
        self._check_unique(kept, record)
        if self.kind.stage_property:
            self._check_stage(kept, record)
        if rules:
            self._check_rules(kept, record)
        return kept

    def _check_unique(self, kept: Mapping[str, str], record: Record | None) -> None:
        for name in self.kind.unique_names():
            value = kept.get(name)
            holder = self.find(name, value) if value else None
            if holder is None or value is None or holder is record:
                continue
            if self.kind.name == "contacts" and name == "email":
                raise RecordError("CONFLICT", f"Contact already exists. Existing ID: {holder.id}", status=409)
            taken = f"Cannot set {name} to {value}. {holder.id} already has that value."
            raise bad_values([Flaw(name, "CONFLICTING_UNIQUE_VALUE", taken)])

    def _check_stage(self, kept: dict[str, str], record: Record | None) -> None:
        pipeline_name, stage_name = self.kind.pipeline_property, self.kind.stage_property
        held = record.values if record else {}
        stage_id = kept.get(stage_name) or held.get(stage_name)
        if stage_id is None:
            return
        pipelines = self._pipelines()
        pipeline_id = kept.get(pipeline_name) or held.get(pipeline_name) or next(iter(pipelines), "")
        pipeline = pipelines.get(pipeline_id)
        if pipeline is None or pipeline.archived:
            raise bad_values([Flaw(pipeline_name, "INVALID_OPTION", f"{pipeline_id} is not a pipeline")])
        stage = pipeline.stages.get(stage_id)
        if stage is None or stage.archived:
            message = f"{stage_id} is not a stage of the pipeline {pipeline_id}"
            raise bad_values([Flaw(stage_name, "INVALID_OPTION", message)])
        kept.setdefault(pipeline_name, pipeline_id)

    def _derive(self, record: Record, now: datetime) -> None:
        """Sets what HubSpot works out of other values."""
        values = record.values
        if self.kind.stage_property:
            pipeline = self._pipelines().get(values.get(self.kind.pipeline_property, ""))
            stage = pipeline.stages.get(values.get(self.kind.stage_property, "")) if pipeline else None
            values["hs_is_closed"] = stage.metadata.get("isClosed", "false") if stage else "false"
        if "hs_task_status" in values:
            done = values["hs_task_status"] == "COMPLETED"
            values["hs_task_is_completed"] = "1" if done else "0"
            if done:
                values.setdefault("hs_task_completion_date", iso(now))
            else:
                values.pop("hs_task_completion_date", None)

    def _check_rules(self, kept: Mapping[str, str], record: Record | None) -> None:
        would_hold = {**(record.values if record else {}), **kept}
        broken = [(rule.property_name, rule.check(would_hold, record is None)) for rule in self.rules]
        flaws = [Flaw(name, "VALIDATION_RULE", message) for name, message in broken if message]
        if flaws:
            raise bad_values(flaws)

    def add(self, record_id: str, kept: Mapping[str, str], author: Author, now: datetime) -> Record:
        """Keeps a new record of values that were checked."""
        record = Record(record_id, {}, now, now)
        own = {
            "hs_object_id": record_id,
            "hs_object_source": author.source,
            "hs_object_source_id": author.source_id,
            self.kind.created: iso(now),
        }
        if "hs_createdate" in self.kind.properties:
            own["hs_createdate"] = iso(now)
        self._records[record_id] = record
        record.values.update(own)
        self.write(record, kept, author, now)
        return record

    def write(self, record: Record, kept: Mapping[str, str], author: Author, now: datetime) -> None:
        """Sets values that were checked; empty ones clear. The time of change moves even if no value does."""
        for name, value in kept.items():
            definition = self.kind.properties[name]
            if definition.unique:
                self._set_unique(record, name, value)
            if record.values.get(name, "") != value:
                versions = record.history.setdefault(name, [])
                versions.insert(0, Version(value, now, author))
                del versions[HISTORY_KEPT:]
            if value == "":
                record.values.pop(name, None)
            else:
                record.values[name] = value
        self._derive(record, now)
        record.updated_at = now
        record.values[self.kind.modified] = iso(now)
        self._pending.append((now, record.id, dict(record.values)))

    def _set_unique(self, record: Record, name: str, value: str) -> None:
        index = self._unique.setdefault(name, {})
        old = record.values.get(name)
        if old is not None and index.get(old) == record.id:
            del index[old]
        if value:
            index[value] = record.id

    def make_unique(self, name: str) -> None:
        """Indexes a property that has just been made, so that it is empty everywhere."""
        self._unique.setdefault(name, {})

    def archive(self, record: Record, now: datetime) -> None:
        """Moves a record to the bin; its unique values are free."""
        record.archived_at = now
        record.updated_at = now
        for name in self.kind.unique_names():
            index = self._unique.get(name, {})
            if (value := record.values.get(name)) and index.get(value) == record.id:
                del index[value]
        self._pending.append((now, record.id, None))

    def forget(self, record: Record, now: datetime) -> None:
        """Takes a record away for good."""
        self.archive(record, now)
        del self._records[record.id]

    def merge(self, primary: Record, other: Record, new_id: str, author: Author, now: datetime) -> Record:
        """Makes one record of two, under a new id; reading an old id gives it."""
        values = {**other.values, **primary.values}
        merged = [primary.id, other.id, *primary.merged, *other.merged]
        for record in (primary, other):
            self.archive(record, now)
            del self._records[record.id]
            self._forwards[record.id] = new_id
        kept = {
            name: value
            for name, value in values.items()
            if (definition := self.kind.live(name)) and not definition.read_only
        }
        survivor = self.add(new_id, kept, author, now)
        survivor.created_at = min(primary.created_at, other.created_at)
        survivor.merged = merged
        survivor.values["hs_merged_object_ids"] = ";".join(merged)
        second = other.values.get("email")
        if second and second != values.get("email"):
            survivor.values["hs_additional_emails"] = second
            self._unique["email"][second] = new_id
        self._pending.append((now, new_id, dict(survivor.values)))
        return survivor

    def indexed(self, now: datetime) -> Mapping[str, Mapping[str, str]]:
        """What searches see by now: live records as they were before the lag."""
        seen_until = now - self._lag()
        done = 0
        for at, record_id, values in self._pending:
            if at > seen_until:
                break
            if values is None:
                self._indexed.pop(record_id, None)
            else:
                self._indexed[record_id] = values
            done += 1
        del self._pending[:done]
        return self._indexed
