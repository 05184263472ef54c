"""Lists, which HubSpot's screens call segments."""

from typing import Any

from tests.fakes.hubspot.calls import Answer, Call, paged, route
from tests.fakes.hubspot.clock import iso
from tests.fakes.hubspot.errors import ApiError, invalid, not_found
from tests.fakes.hubspot.list_filters import membership
from tests.fakes.hubspot.parts import RecordList
from tests.fakes.hubspot.shapes import ANYTHING, STRINGS, TEXT, WHOLE, Fields, MapOf, OneOf

PAGE = 500
SEARCHED = 20
PROCESSING = OneOf(("DYNAMIC", "MANUAL", "SNAPSHOT"))
CREATE = Fields(
    {"name": TEXT, "objectTypeId": TEXT, "processingType": PROCESSING},
    {
        "customProperties": MapOf(TEXT),
        "filterBranch": ANYTHING,
        "listFolderId": WHOLE,
        "listPermissions": ANYTHING,
        "membershipSettings": ANYTHING,
    },
)
SEARCH = Fields(
    {"additionalProperties": STRINGS, "listIds": STRINGS, "offset": WHOLE, "processingTypes": STRINGS},
    {"count": WHOLE, "objectTypeId": TEXT, "query": TEXT, "sort": TEXT},
)
SEARCH_BEFORE = Fields({}, {**SEARCH.required, **{name: SEARCH.optional[name] for name in ("count", "query", "sort")}})
"""Under v3 nothing is required, and there is no `objectTypeId`."""
FILTERS = Fields({"filterBranch": ANYTHING})
READ = ("crm.lists.read",)
WRITE = ("crm.lists.write",)
WITH_FILTERS = ("includeFilters",)
ONE = "/<list_id>"


def _brief(found: RecordList) -> dict[str, Any]:
    body: dict[str, Any] = {
        "listId": found.id,
        "name": found.name,
        "objectTypeId": found.object_type_id,
        "processingType": found.processing_type,
        "processingStatus": "COMPLETE",
        "listVersion": found.version,
        "createdAt": iso(found.created_at),
        "updatedAt": iso(found.updated_at),
    }
    return body | ({"deletedAt": iso(found.deleted_at)} if found.deleted_at is not None else {})


def _as_json(call: Call, found: RecordList, *, filters: bool) -> dict[str, Any]:
    body = _brief(found) | {"size": len(call.world.members(found.id))}
    return body | ({"filterBranch": found.filter_branch} if filters and found.filter_branch is not None else {})


def _one(call: Call, list_id: str, *, deleted: bool = False) -> RecordList:
    found = call.world.lists.get(list_id)
    if found is None or (found.deleted_at is not None) != deleted:
        raise not_found(f"List does not exist with ID {list_id}.")
    return found


def _live(call: Call) -> list[RecordList]:
    return [each for each in call.world.lists.values() if each.deleted_at is None]


def _check_name(call: Call, name: str) -> None:
    if any(each.name == name for each in _live(call)):
        raise ApiError(400, "VALIDATION_ERROR", f"There is a list named {name} already")


@route("GET", "lists", "", "lists.list", query=("listIds", *WITH_FILTERS))
def list_lists(call: Call) -> Answer:
    call.require(READ)
    wanted = call.names("listIds")
    filters = call.flag("includeFilters")
    return 200, {"lists": [_as_json(call, each, filters=filters) for each in _live(call) if each.id in wanted]}


@route("POST", "lists", "", "lists.create")
def create_list(call: Call) -> Answer:
    call.require(WRITE)
    body = call.body(CREATE)
    _check_name(call, body["name"])
    kind = call.world.kind(body["objectTypeId"])
    if kind.type_id != body["objectTypeId"]:
        raise invalid("objectTypeId must be a number such as 0-1", field_name="objectTypeId")
    branch = body.get("filterBranch")
    if (branch is None) != (body["processingType"] == "MANUAL"):
        raise invalid("filterBranch is needed, except for a list that is filled by hand", field_name="filterBranch")
    made = RecordList(
        id=str(call.world.number("lists")),
        name=body["name"],
        object_type_id=kind.type_id,
        processing_type=body["processingType"],
        filter_branch=branch,
        test=membership(kind, branch) if branch is not None else None,
        created_at=call.now,
        updated_at=call.now,
    )
    call.world.lists[made.id] = made
    return 200, {"list": _as_json(call, made, filters=True)}


@route("GET", "lists", ONE, "lists.read", query=WITH_FILTERS)
def read_list(call: Call, list_id: str) -> Answer:
    call.require(READ)
    return 200, {"list": _as_json(call, _one(call, list_id), filters=call.flag("includeFilters"))}


@route("GET", "lists", "/object-type-id/<type_id>/name/<name>", "lists.by_name.read", query=WITH_FILTERS)
def read_by_name(call: Call, type_id: str, name: str) -> Answer:
    call.require(READ)
    for found in _live(call):
        if (found.object_type_id, found.name) == (type_id, name):
            return 200, {"list": _as_json(call, found, filters=call.flag("includeFilters"))}
    raise not_found(f"List does not exist with name {name}.")


@route("POST", "lists", "/search", "lists.search")
def search_lists(call: Call) -> Answer:
    call.require(READ)
    body = call.body(SEARCH if call.is_dated else SEARCH_BEFORE)
    query, offset, count = body.get("query", "").casefold(), body.get("offset", 0), body.get("count", SEARCHED)
    if not 0 < count <= PAGE:
        raise invalid(f"count must be from 1 to {PAGE}", field_name="count")
    found = [
        each
        for each in _live(call)
        if query in each.name.casefold()
        and (not body.get("listIds") or each.id in body["listIds"])
        and (not body.get("processingTypes") or each.processing_type in body["processingTypes"])
        and body.get("objectTypeId") in (None, each.object_type_id)
    ]
    shown = [
        _brief(each) | {"additionalProperties": {"hs_list_size": str(len(call.world.members(each.id)))}}
        for each in found[offset : offset + count]
    ]
    return 200, {
        "lists": shown,
        "total": len(found),
        "offset": offset + len(shown),
        "hasMore": offset + count < len(found),
    }


@route("PUT", "lists", f"{ONE}/update-list-filters", "lists.filters.update", query=("enrollObjectsInWorkflows",))
def update_filters(call: Call, list_id: str) -> Answer:
    call.require(WRITE)
    found, body = _one(call, list_id), call.body(FILTERS)
    if found.processing_type != "DYNAMIC":
        raise invalid("Only a dynamic list has filters that can change", field_name="filterBranch")
    found.test = membership(call.world.kind(found.object_type_id), body["filterBranch"])
    found.filter_branch, found.updated_at, found.version = body["filterBranch"], call.now, found.version + 1
    return 200, {"updatedList": _as_json(call, found, filters=True)}


@route("PUT", "lists", f"{ONE}/update-list-name", "lists.name.update", query=("listName", *WITH_FILTERS))
def update_name(call: Call, list_id: str) -> Answer:
    call.require(WRITE)
    found, name = _one(call, list_id), call.text("listName")
    if not name:
        raise invalid("listName is missing", field_name="listName")
    if name != found.name:
        _check_name(call, name)
    found.name, found.updated_at = name, call.now
    return 200, {"updatedList": _as_json(call, found, filters=call.flag("includeFilters"))}


@route("DELETE", "lists", ONE, "lists.archive")
def archive_list(call: Call, list_id: str) -> Answer:
    call.require(WRITE)
    _one(call, list_id).deleted_at = call.now
    return 204, None


@route("PUT", "lists", f"{ONE}/restore", "lists.restore")
def restore_list(call: Call, list_id: str) -> Answer:
    call.require(WRITE)
    _one(call, list_id, deleted=True).deleted_at = None
    return 204, None


@route("GET", "lists", f"{ONE}/memberships", "lists.members.list", query=("after", "before", "limit"))
def list_members(call: Call, list_id: str) -> Answer:
    call.require(READ)
    _one(call, list_id)
    found = [{"recordId": each, "membershipTimestamp": iso(call.now)} for each in call.world.members(list_id)]
    return 200, {"total": len(found), **paged(found, call)}
