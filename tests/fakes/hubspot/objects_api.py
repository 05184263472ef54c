"""Records one by one: listing, reading, creating, updating, archiving, merging and forgetting them."""

from typing import Any

from tests.fakes.hubspot.calls import Answer, Call, route
from tests.fakes.hubspot.errors import not_found
from tests.fakes.hubspot.kinds import ObjectKind
from tests.fakes.hubspot.objects import ASSOCIATIONS, VALUES, as_json, create, finder
from tests.fakes.hubspot.records import Record, Shelf
from tests.fakes.hubspot.shapes import TEXT, Fields

CREATE = Fields({"properties": VALUES, "associations": ASSOCIATIONS})
UPDATE = Fields({"properties": VALUES})
MERGE = Fields({"primaryObjectId": TEXT, "objectIdToMerge": TEXT})
FORGET = Fields({"objectId": TEXT}, {"idProperty": TEXT})
READ_QUERY = ("properties", "propertiesWithHistory", "associations", "archived")


def one(call: Call, shelf: Shelf, object_id: str) -> Record:
    """The record of a path; raises 404."""
    found = finder(shelf, call.text("idProperty"), archived=call.flag("archived"))(object_id)
    if found is None:
        raise not_found()
    return found


def _associations_of(call: Call, kind: ObjectKind, record: Record) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    for named in call.names("associations"):
        other = call.world.kind(named)
        results = [
            {"id": link.to_id, "type": f"{kind.singular}_to_{other.singular}"}
            for link in call.world.links.of(kind.name, record.id, other.name)
        ]
        if results:
            shown[other.name] = {"results": results}
    return {"associations": shown} if shown else {}


@route("GET", "objects", "/<object_type>", "objects.list", query=(*READ_QUERY, "after", "limit"))
def list_objects(call: Call, object_type: str) -> Answer:
    shelf = call.reading(object_type)
    kind = shelf.kind
    binned = call.flag("archived")
    found = sorted(
        (record for record in shelf if (record.archived_at is not None) == binned), key=lambda record: int(record.id)
    )
    after = call.text("after")
    if after:
        found = [record for record in found if int(record.id) >= int(after)]
    limit = call.whole("limit", 10, 100)
    names = call.names("properties") or kind.defaults
    shown = [
        as_json(kind, record, names, call.names("propertiesWithHistory")) | _associations_of(call, kind, record)
        for record in found[:limit]
    ]
    body: dict[str, Any] = {"results": shown}
    if len(found) > limit:
        body["paging"] = {"next": {"after": found[limit].id}}
    return 200, body


@route("POST", "objects", "/<object_type>", "objects.create")
def create_object(call: Call, object_type: str) -> Answer:
    kind = call.writing(object_type).kind
    return 201, as_json(kind, create(call, kind, call.body(CREATE)))


@route("GET", "objects", "/<object_type>/<object_id>", "objects.read", query=(*READ_QUERY, "idProperty"))
def read_object(call: Call, object_type: str, object_id: str) -> Answer:
    shelf = call.reading(object_type)
    kind = shelf.kind
    record = one(call, shelf, object_id)
    names = call.names("properties") or kind.defaults
    body = as_json(kind, record, names, call.names("propertiesWithHistory"))
    return 200, body | _associations_of(call, kind, record)


@route("PATCH", "objects", "/<object_type>/<object_id>", "objects.update", query=("idProperty",))
def update_object(call: Call, object_type: str, object_id: str) -> Answer:
    shelf = call.writing(object_type)
    body = call.body(UPDATE)
    record = one(call, shelf, object_id)
    shelf.write(record, shelf.check(body["properties"], record), call.world.app, call.now)
    return 200, as_json(shelf.kind, record)


@route("DELETE", "objects", "/<object_type>/<object_id>", "objects.archive")
def archive_object(call: Call, object_type: str, object_id: str) -> Answer:
    shelf = call.writing(object_type)
    record = shelf.get(object_id)
    if record is not None and record.archived_at is None:
        shelf.archive(record, call.now)
    return 204, None


@route("POST", "objects", "/<object_type>/merge", "objects.merge")
def merge_objects(call: Call, object_type: str) -> Answer:
    shelf = call.writing(object_type)
    body = call.body(MERGE)
    if any(shelf.get(body[name]) is None for name in MERGE.required):
        raise not_found()
    merged = call.world.merge(object_type, body["primaryObjectId"], body["objectIdToMerge"])
    return 200, as_json(shelf.kind, call.world.record(object_type, merged))


@route("POST", "objects", "/<object_type>/gdpr-delete", "objects.gdpr_delete")
def forget_object(call: Call, object_type: str) -> Answer:
    shelf = call.writing(object_type)
    body = call.body(FORGET)
    if shelf.kind.name != "contacts":
        raise not_found()
    record = finder(shelf, body.get("idProperty"))(body["objectId"])
    if record is None:
        raise not_found()
    call.world.forget_person(record.id)
    return 204, None
