"""What the operations on records share: how one is found, made, linked and shown."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from tests.fakes.hubspot.association_types import AssociationType
from tests.fakes.hubspot.calls import Call
from tests.fakes.hubspot.clock import iso
from tests.fakes.hubspot.errors import REFUSED_VALUE, RecordError, invalid
from tests.fakes.hubspot.kinds import ObjectKind
from tests.fakes.hubspot.records import Record, Shelf
from tests.fakes.hubspot.shapes import TEXT, WHOLE, Fields, ListOf, MapOf, OneOf

AT_MOST = 100
CATEGORY = OneOf(("HUBSPOT_DEFINED", "USER_DEFINED", "INTEGRATOR_DEFINED", "WORK"))
OBJECT_ID = Fields({"id": TEXT})
ASSOCIATION_SPEC = Fields({"associationCategory": CATEGORY, "associationTypeId": WHOLE})
ASSOCIATIONS = ListOf(Fields({"to": OBJECT_ID, "types": ListOf(ASSOCIATION_SPEC)}))
VALUES = MapOf(TEXT)


def as_json(
    kind: ObjectKind, record: Record, names: Iterable[str] | None = None, history: Iterable[str] = ()
) -> dict[str, Any]:
    """A record as answers show it: some properties, or without names all that have a value."""
    if names is None:
        shown: dict[str, str | None] = {name: value for name, value in record.values.items() if kind.live(name)}
    else:
        wanted = ["hs_object_id", kind.created, kind.modified, *names]
        shown = {name: record.values.get(name) for name in wanted if kind.live(name)}
    body: dict[str, Any] = {
        "id": record.id,
        "properties": shown,
        "createdAt": iso(record.created_at),
        "updatedAt": iso(record.updated_at),
        "archived": record.archived_at is not None,
    }
    if record.archived_at is not None:
        body["archivedAt"] = iso(record.archived_at)
    if past := {name: _history(record, name) for name in history if kind.live(name)}:
        body["propertiesWithHistory"] = past
    return body


def _history(record: Record, name: str) -> list[dict[str, Any]]:
    entries = []
    for version in record.history.get(name, []):
        entry: dict[str, Any] = {
            "value": version.value,
            "timestamp": iso(version.at),
            "sourceType": version.author.source,
            "sourceId": version.author.source_id,
        }
        if version.author.user_id is not None:
            entry["updatedByUserId"] = version.author.user_id
        entries.append(entry)
    return entries


def traced(body: dict[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """A result with the trace id that its input carried."""
    return body | ({"objectWriteTraceId": entry["objectWriteTraceId"]} if "objectWriteTraceId" in entry else {})


def unknown(kind: ObjectKind, ids: Sequence[str]) -> RecordError:
    return RecordError(
        "OBJECT_NOT_FOUND",
        f"Could not get some {kind.singular.upper()} objects, they may be deleted or not exist. "
        "Check that ids are valid.",
        status=404,
        context={"ids": list(ids)},
    )


def finder(shelf: Shelf, id_property: str | None, *, archived: bool = False) -> Callable[[str], Record | None]:
    """How to find a record: by its id, or a live one by a unique property."""
    if archived or id_property in (None, "hs_object_id"):

        def by_id(value: str) -> Record | None:
            found = shelf.get(value)
            return found if found is not None and (found.archived_at is not None) == archived else None

        return by_id
    assert id_property is not None
    kind = shelf.kind
    definition = kind.live(id_property)
    if definition is None or not definition.unique:
        raise invalid(
            f"The property {id_property} is not a unique property of {kind.name}",
            field_name="idProperty",
            context={"propertyName": [id_property]},
        )
    return lambda value: shelf.find(id_property, value)


def link_types(call: Call, of: ObjectKind, to: ObjectKind, specs: Sequence[Mapping[str, Any]]) -> list[AssociationType]:
    """The kinds of associations that a request names; raises `RecordError` for one that there is not."""
    found = []
    for spec in specs:
        number, category = spec["associationTypeId"], spec["associationCategory"]
        known = call.world.links.known(of.name, to.name, number, category)
        if known is None:
            message = f"{category} association type {number} does not exist from {of.name} to {to.name}"
            raise RecordError(REFUSED_VALUE, message)
        found.append(known)
    return found


def wanted_links(
    call: Call, kind: ObjectKind, entry: Mapping[str, Any]
) -> list[tuple[ObjectKind, str, list[AssociationType]]]:
    """Whom a new record is to be associated with: a type id says the kind of object."""
    wanted = []
    for association in entry.get("associations", []):
        to_id = association["to"]["id"]
        if not association["types"]:
            raise RecordError(REFUSED_VALUE, "An association needs at least one type")
        for other in call.world.kinds.values():
            try:
                types = link_types(call, kind, other, association["types"])
            except RecordError:
                continue
            record = call.world.shelves[other.name].get(to_id)
            if record is None or record.archived_at is not None:
                raise RecordError(
                    REFUSED_VALUE, f"Could not associate with {other.singular} {to_id}: it does not exist"
                )
            wanted.append((other, record.id, types))
            break
        else:
            raise RecordError(REFUSED_VALUE, f"Unknown association type: {association['types']}")
    return wanted


def create(call: Call, kind: ObjectKind, entry: Mapping[str, Any]) -> Record:
    shelf = call.world.shelves[kind.name]
    kept = shelf.check(entry["properties"], None)
    links = wanted_links(call, kind, entry)
    record = shelf.add(call.world.new_id(), kept, call.world.app, call.now)
    for other, to_id, types in links:
        call.world.links.link(kind, record.id, other, to_id, types)
    return record
