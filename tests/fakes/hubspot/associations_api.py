"""Associations: making, reading and removing them, and their labels."""

from collections.abc import Sequence
from typing import Any

from tests.fakes.hubspot.association_types import AssociationType, Link
from tests.fakes.hubspot.calls import Answer, Call, page, paged, route
from tests.fakes.hubspot.errors import RecordError, not_found
from tests.fakes.hubspot.kinds import ObjectKind
from tests.fakes.hubspot.objects import ASSOCIATION_SPEC, AT_MOST, OBJECT_ID, link_types
from tests.fakes.hubspot.shapes import TEXT, WHOLE, Fields, ListOf

PAGE = 500
PAIR = Fields({"from": OBJECT_ID, "to": OBJECT_ID})
LABELLED_PAIR = Fields({"from": OBJECT_ID, "to": OBJECT_ID, "types": ListOf(ASSOCIATION_SPEC)})
CREATE = Fields({"inputs": ListOf(LABELLED_PAIR, AT_MOST)})
CREATE_PLAIN = Fields({"inputs": ListOf(PAIR, AT_MOST)})
READ = Fields({"inputs": ListOf(Fields({"id": TEXT}, {"after": TEXT}), AT_MOST)})
ARCHIVE = Fields({"inputs": ListOf(Fields({"from": OBJECT_ID, "to": ListOf(OBJECT_ID)}), AT_MOST)})
LABEL = Fields({"label": TEXT, "name": TEXT}, {"inverseLabel": TEXT})
NEW_LABEL = Fields({"associationTypeId": WHOLE, "label": TEXT}, {"inverseLabel": TEXT})
BATCH = "/<from_type>/<to_type>/batch"
ONE_PAIR = "/<from_type>/<from_id>/associations/<to_type>/<to_id>"


def _ends(call: Call, from_type: str, to_type: str, *, writes: bool) -> tuple[ObjectKind, ObjectKind]:
    of, to = call.world.kind(from_type), call.world.kind(to_type)
    for kind in (of, to):
        call.require(kind.write_scopes if writes else kind.read_scopes)
    return of, to


def _exists(call: Call, kind: ObjectKind, record_id: str) -> str:
    """The record's id as it is now; raises `RecordError` if there is none."""
    record = call.world.shelves[kind.name].get(record_id)
    if record is None or record.archived_at is not None:
        raise RecordError(
            "OBJECT_NOT_FOUND",
            f"{kind.singular.upper()} {record_id} does not exist",
            status=404,
            context={"ids": [record_id], "objectTypeId": [kind.type_id]},
        )
    return record.id


def _pair(of: ObjectKind, from_id: str, to: ObjectKind, to_id: str, types: Sequence[AssociationType]) -> dict[str, Any]:
    return {
        "fromObjectTypeId": of.type_id,
        "fromObjectId": from_id,
        "toObjectTypeId": to.type_id,
        "toObjectId": to_id,
        "labels": [found.label for found in types if found.label is not None],
    }


def _with_label(link: Link) -> dict[str, Any]:
    return {"toObjectId": link.to_id, "associationTypes": [found.spec() for found in link.types]}


def _failed(call: Call, errors: Sequence[dict[str, Any]], status: int, results: Sequence[Any]) -> Answer:
    return call.several(status, results, errors, may_207=not call.is_dated)


@route("POST", "associations", f"{BATCH}/create", "associations.batch.create")
def create_batch(call: Call, from_type: str, to_type: str) -> Answer:
    of, to = _ends(call, from_type, to_type, writes=True)
    results, errors = [], []
    for entry in call.body(CREATE)["inputs"]:
        try:
            types = link_types(call, of, to, entry["types"])
            from_id = _exists(call, of, entry["from"]["id"])
            to_id = _exists(call, to, entry["to"]["id"])
        except RecordError as error:
            errors.append(error.among_others(None))
            continue
        call.world.links.link(of, from_id, to, to_id, types)
        results.append(_pair(of, from_id, to, to_id, types))
    return _failed(call, errors, 200 if call.is_dated else 201, results)


@route("POST", "associations", f"{BATCH}/associate/default", "associations.batch.default")
def create_default_batch(call: Call, from_type: str, to_type: str) -> Answer:
    of, to = _ends(call, from_type, to_type, writes=True)
    plain = call.world.links.unlabelled(of.name, to.name)
    if plain is None:
        raise not_found(f"There is no default association from {of.name} to {to.name}")
    results, errors = [], []
    for entry in call.body(CREATE_PLAIN)["inputs"]:
        try:
            from_id = _exists(call, of, entry["from"]["id"])
            to_id = _exists(call, to, entry["to"]["id"])
        except RecordError as error:
            errors.append(error.among_others(None))
            continue
        call.world.links.link(of, from_id, to, to_id)
        results += _both_ways(call, of, from_id, to, to_id, plain)
    return call.several(200, results, errors, may_207=False)


def _both_ways(
    call: Call, of: ObjectKind, from_id: str, to: ObjectKind, to_id: str, plain: AssociationType
) -> list[dict[str, Any]]:
    ends = ((from_id, to_id, plain.number), (to_id, from_id, plain.inverse))
    return [
        {
            "from": {"id": one},
            "to": {"id": other},
            "associationSpec": {"associationCategory": plain.category, "associationTypeId": number},
        }
        for one, other, number in ends
    ]


@route("POST", "associations", f"{BATCH}/read", "associations.batch.read")
def read_batch(call: Call, from_type: str, to_type: str) -> Answer:
    of, to = _ends(call, from_type, to_type, writes=False)
    results, errors = [], []
    for entry in call.body(READ)["inputs"]:
        record = call.world.shelves[of.name].get(entry["id"])
        links = call.world.links.of(of.name, record.id, to.name) if record is not None else []
        if not links:
            message = f"No {to.singular} is associated with {of.singular} {entry['id']}."
            context = {
                "fromObjectId": [entry["id"]],
                "fromObjectType": [of.type_id],
                "toObjectType": [to.type_id],
            }
            errors.append(RecordError("OBJECT_NOT_FOUND", message, context=context).among_others(None))
            continue
        shown, paging = page(links, entry.get("after"), PAGE)
        result = {"from": {"id": entry["id"]}, "to": [_with_label(link) for link in shown]}
        results.append(result | ({"paging": paging} if paging else {}))
    return _failed(call, errors, 200, results)


@route("POST", "associations", f"{BATCH}/archive", "associations.batch.archive")
def archive_batch(call: Call, from_type: str, to_type: str) -> Answer:
    of, to = _ends(call, from_type, to_type, writes=True)
    for entry in call.body(ARCHIVE)["inputs"]:
        for other in entry["to"]:
            call.world.links.unlink(of.name, entry["from"]["id"], to.name, other["id"])
    return call.several(200, [], []) if call.is_dated else (204, None)


@route("POST", "associations", f"{BATCH}/labels/archive", "associations.batch.labels.archive")
def archive_labels_batch(call: Call, from_type: str, to_type: str) -> Answer:
    of, to = _ends(call, from_type, to_type, writes=True)
    for entry in call.body(CREATE)["inputs"]:
        numbers = [spec["associationTypeId"] for spec in entry["types"]]
        call.world.links.unlink(of.name, entry["from"]["id"], to.name, entry["to"]["id"], numbers)
    return call.several(200, [], []) if call.is_dated else (204, None)


@route("GET", "associations", "/<from_type>/<to_type>/labels", "associations.labels.list")
def list_labels(call: Call, from_type: str, to_type: str) -> Answer:
    of, to = _ends(call, from_type, to_type, writes=False)
    return 200, {"results": [found.spec() for found in call.world.links.between(of.name, to.name)]}


@route("POST", "associations", "/<from_type>/<to_type>/labels", "associations.labels.create")
def create_label(call: Call, from_type: str, to_type: str) -> Answer:
    of, to = _ends(call, from_type, to_type, writes=True)
    body = call.body(LABEL)
    made = call.world.links.define(of.name, to.name, body["label"], body.get("inverseLabel"))
    return 200, {"results": [found.spec() for found in made]}


@route("DELETE", "associations", "/<from_type>/<to_type>/labels/<int:number>", "associations.labels.remove")
def remove_label(call: Call, from_type: str, to_type: str, number: int) -> Answer:
    of, to = _ends(call, from_type, to_type, writes=True)
    if not call.world.links.remove(of.name, to.name, number):
        raise not_found()
    return 204, None


@route(
    "GET",
    "object_associations",
    "/<from_type>/<from_id>/associations/<to_type>",
    "associations.list",
    query=("after", "limit"),
)
def list_associations(call: Call, from_type: str, from_id: str, to_type: str) -> Answer:
    of, to = _ends(call, from_type, to_type, writes=False)
    record = call.world.shelves[of.name].get(from_id)
    if record is None:
        raise not_found()
    links = [_with_label(link) for link in call.world.links.of(of.name, record.id, to.name)]
    return 200, paged(links, call, default=PAGE)


@route("PUT", "object_associations", ONE_PAIR, "associations.create")
def create_association(call: Call, from_type: str, from_id: str, to_type: str, to_id: str) -> Answer:
    of, to = _ends(call, from_type, to_type, writes=True)
    types = link_types(call, of, to, call.body(ListOf(ASSOCIATION_SPEC)))
    from_id, to_id = _exists(call, of, from_id), _exists(call, to, to_id)
    call.world.links.link(of, from_id, to, to_id, types)
    return 201, _pair(of, from_id, to, to_id, types)


@route("DELETE", "object_associations", ONE_PAIR, "associations.archive")
def archive_association(call: Call, from_type: str, from_id: str, to_type: str, to_id: str) -> Answer:
    of, to = _ends(call, from_type, to_type, writes=True)
    call.world.links.unlink(of.name, from_id, to.name, to_id)
    return 204, None


@route(
    "PUT",
    "object_associations",
    "/<from_type>/<from_id>/associations/default/<to_type>/<to_id>",
    "associations.default",
)
def create_default(call: Call, from_type: str, from_id: str, to_type: str, to_id: str) -> Answer:
    of, to = _ends(call, from_type, to_type, writes=True)
    plain = call.world.links.unlabelled(of.name, to.name)
    if plain is None:
        raise not_found(f"There is no default association from {of.name} to {to.name}")
    from_id, to_id = _exists(call, of, from_id), _exists(call, to, to_id)
    call.world.links.link(of, from_id, to, to_id)
    return call.several(200, _both_ways(call, of, from_id, to, to_id, plain), [])
