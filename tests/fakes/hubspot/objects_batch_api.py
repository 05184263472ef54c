"""Records in batches: reading, creating, updating, upserting and archiving up to a hundred."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.fakes.hubspot.calls import Answer, Call, route
from tests.fakes.hubspot.errors import RecordError, invalid
from tests.fakes.hubspot.kinds import ObjectKind
from tests.fakes.hubspot.objects import (
    ASSOCIATIONS,
    AT_MOST,
    OBJECT_ID,
    VALUES,
    as_json,
    create,
    finder,
    traced,
    unknown,
    wanted_links,
)
from tests.fakes.hubspot.shapes import STRINGS, TEXT, Fields, ListOf


def _batch(entry: Fields) -> Fields:
    return Fields({"inputs": ListOf(entry, AT_MOST)})


CREATE = _batch(Fields({"properties": VALUES, "associations": ASSOCIATIONS}, {"objectWriteTraceId": TEXT}))
UPDATE = _batch(Fields({"id": TEXT, "properties": VALUES}, {"idProperty": TEXT, "objectWriteTraceId": TEXT}))
READ = Fields(
    {"inputs": ListOf(OBJECT_ID, AT_MOST), "properties": STRINGS, "propertiesWithHistory": STRINGS},
    {"idProperty": TEXT},
)
ARCHIVE = _batch(OBJECT_ID)


@route("POST", "objects", "/<object_type>/batch/create", "objects.batch.create")
def create_batch(call: Call, object_type: str) -> Answer:
    kind = call.writing(object_type).kind
    inputs = call.body(CREATE)["inputs"]
    traces = [entry.get("objectWriteTraceId") for entry in inputs]
    if None in traces or len(set(traces)) < len(traces):
        return call.several(201, _create_all_or_none(call, kind, inputs), [])
    results, errors = [], []
    for entry in inputs:
        try:
            results.append(traced(as_json(kind, create(call, kind, entry)), entry))
        except RecordError as error:
            errors.append(error.among_others(entry["objectWriteTraceId"]))
    return call.several(201, call.world.in_some_order(results), errors)


def _create_all_or_none(call: Call, kind: ObjectKind, inputs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Without trace ids of their own, one bad record fails the batch; only the first is named."""
    shelf = call.world.shelves[kind.name]
    taken: set[tuple[str, str]] = set()
    for entry in inputs:
        kept = shelf.check(entry["properties"], None)
        wanted_links(call, kind, entry)
        for name in kind.unique_names():
            if kept.get(name):
                if (name, kept[name]) in taken:
                    raise RecordError("CONFLICT", f"Two records of the batch have the same {name}", 409)
                taken.add((name, kept[name]))
    made = [traced(as_json(kind, create(call, kind, entry)), entry) for entry in inputs]
    return call.world.in_some_order(made)


@route("POST", "objects", "/<object_type>/batch/read", "objects.batch.read", query=("archived",))
def read_batch(call: Call, object_type: str) -> Answer:
    shelf = call.reading(object_type)
    kind = shelf.kind
    body = call.body(READ)
    find = finder(shelf, body.get("idProperty"), archived=call.flag("archived"))
    results: dict[str, dict[str, Any]] = {}
    missing: list[str] = []
    for entry in body["inputs"]:
        record = find(entry["id"])
        if record is None:
            missing.append(entry["id"])
        else:
            names = body["properties"] or kind.defaults
            results[record.id] = as_json(kind, record, names, body["propertiesWithHistory"])
    errors = [unknown(kind, missing).among_others(None)] if missing else []
    return call.several(200, call.world.in_some_order(list(results.values())), errors)


@route("POST", "objects", "/<object_type>/batch/update", "objects.batch.update")
def update_batch(call: Call, object_type: str) -> Answer:
    shelf = call.writing(object_type)
    kind = shelf.kind
    inputs = call.body(UPDATE)["inputs"]
    find = finder(shelf, _one_id_property(inputs))
    results, errors = [], []
    for entry in inputs:
        record = find(entry["id"])
        try:
            if record is None:
                raise unknown(kind, [entry["id"]])
            shelf.write(record, shelf.check(entry["properties"], record), call.world.app, call.now)
            results.append(traced(as_json(kind, record), entry))
        except RecordError as error:
            errors.append(error.among_others(entry.get("objectWriteTraceId")))
    return call.several(200, call.world.in_some_order(results), errors)


def _one_id_property(inputs: Sequence[Mapping[str, Any]]) -> str | None:
    names = {entry.get("idProperty") for entry in inputs}
    if len(names) > 1:
        raise invalid("All inputs of a batch must name the same idProperty", field_name="idProperty")
    ids = [entry["id"] for entry in inputs]
    if twice := sorted({value for value in ids if ids.count(value) > 1}):
        raise invalid(f"Duplicate IDs found in batch input: {twice}. IDs must be unique", field_name="inputs")
    return next(iter(names), None)


@route("POST", "objects", "/<object_type>/batch/upsert", "objects.batch.upsert")
def upsert_batch(call: Call, object_type: str) -> Answer:
    shelf = call.writing(object_type)
    kind = shelf.kind
    inputs = call.body(UPDATE)["inputs"]
    id_property = _one_id_property(inputs)
    if id_property in (None, "hs_object_id"):
        if inputs:
            raise invalid("A unique property is needed as idProperty to upsert", field_name="idProperty")
        return call.several(200, [], [])
    find = finder(shelf, id_property)
    results, errors = [], []
    for entry in inputs:
        record = find(entry["id"])
        try:
            values = dict(entry["properties"])
            values.setdefault(id_property, entry["id"])
            kept = shelf.check(values, record)
            is_new = record is None
            if record is None:
                record = shelf.add(call.world.new_id(), kept, call.world.app, call.now)
            else:
                shelf.write(record, kept, call.world.app, call.now)
            results.append(traced(as_json(kind, record) | {"new": is_new}, entry))
        except RecordError as error:
            errors.append(error.among_others(entry.get("objectWriteTraceId")))
    return call.several(200, call.world.in_some_order(results), errors)


@route("POST", "objects", "/<object_type>/batch/archive", "objects.batch.archive")
def archive_batch(call: Call, object_type: str) -> Answer:
    shelf = call.writing(object_type)
    for entry in call.body(ARCHIVE)["inputs"]:
        record = shelf.get(entry["id"])
        if record is not None and record.archived_at is None:
            shelf.archive(record, call.now)
    return 204, None
