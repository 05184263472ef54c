"""Custom objects, which an account has from the Enterprise tier on."""

from collections.abc import Mapping
from typing import Any

from tests.fakes.hubspot.calls import Answer, Call, route
from tests.fakes.hubspot.clock import iso
from tests.fakes.hubspot.errors import ApiError, RecordError, invalid, not_found
from tests.fakes.hubspot.kinds import ObjectKind, custom_kind
from tests.fakes.hubspot.properties_api import FIELD_TYPES, OPTION, TYPES, define
from tests.fakes.hubspot.shapes import FLAG, STRINGS, TEXT, WHOLE, Fields, ListOf, OneOf

ACTIVITIES = ("tasks", "emails", "notes", "calls")
LABELS = Fields({}, {"singular": TEXT, "plural": TEXT})
PROPERTY = Fields(
    {"name": TEXT, "label": TEXT, "type": TYPES, "fieldType": FIELD_TYPES},
    {
        "description": TEXT,
        "displayOrder": WHOLE,
        "externalOptionsReferenceType": TEXT,
        "formField": FLAG,
        "groupName": TEXT,
        "hasUniqueValue": FLAG,
        "hidden": FLAG,
        "numberDisplayHint": OneOf(("currency", "duration", "formatted", "percentage", "probability", "unformatted")),
        "optionSortStrategy": OneOf(("ALPHABETICAL", "DISPLAY_ORDER")),
        "options": ListOf(OPTION),
        "referencedObjectType": TEXT,
        "searchableInGlobalSearch": FLAG,
        "showCurrencySymbol": FLAG,
        "textDisplayHint": OneOf(
            (
                "domain_name",
                "email",
                "ip_address",
                "multi_line",
                "phone_number",
                "physical_address",
                "postal_code",
                "unformatted_single_line",
            )
        ),
    },
)
SCHEMA = Fields(
    {
        "name": TEXT,
        "labels": LABELS,
        "properties": ListOf(PROPERTY),
        "requiredProperties": STRINGS,
        "associatedObjects": STRINGS,
    },
    {
        "allowsSensitiveProperties": FLAG,
        "description": TEXT,
        "primaryDisplayProperty": TEXT,
        "searchableProperties": STRINGS,
        "secondaryDisplayProperties": STRINGS,
    },
)
DATED_SCHEMA = Fields(
    {
        **SCHEMA.required,
        "allowsSensitiveProperties": FLAG,
        "searchableProperties": STRINGS,
        "secondaryDisplayProperties": STRINGS,
    },
    SCHEMA.optional,
)
"""With dated versions more is required."""
SCHEMA_UPDATE = Fields(
    {},
    {
        "allowsSensitiveProperties": FLAG,
        "clearDescription": FLAG,
        "description": TEXT,
        "labels": LABELS,
        "primaryDisplayProperty": TEXT,
        "requiredProperties": STRINGS,
        "restorable": FLAG,
        "searchableProperties": STRINGS,
        "secondaryDisplayProperties": STRINGS,
    },
)
ASSOCIATION = Fields({"fromObjectTypeId": TEXT, "toObjectTypeId": TEXT}, {"name": TEXT})
PARTS = ("includeAssociationDefinitions", "includeAuditMetadata", "includePropertyDefinitions")
ONE = "/<object_type>"


def _may(call: Call, what: str) -> None:
    if call.world.tier != "enterprise":
        raise ApiError(403, "FORBIDDEN", "The account's subscription has no custom objects")
    scopes = (f"crm.schemas.custom.{what}",)
    call.require(scopes if what == "write" else (*scopes, "crm.objects.custom.read"))


def _custom(call: Call, object_type: str) -> ObjectKind:
    found = call.world.kind(object_type)
    if found.schema is None:
        raise not_found(f"{object_type} is no custom object")
    return found


def as_json(call: Call, kind: ObjectKind) -> dict[str, Any]:
    """A custom object as answers show it."""
    body = _definition(call, kind)
    del body["portalId"]
    if call.flag("includePropertyDefinitions", True):
        properties = [each.as_json() for each in kind.properties.values() if each.archived_at is None]
    else:
        properties = []
    associations = []
    if call.flag("includeAssociationDefinitions", True):
        for other in call.world.kinds.values():
            for of, to in ((kind, other), (other, kind)):
                associations += [
                    {
                        "id": str(found.number),
                        "fromObjectTypeId": of.type_id,
                        "toObjectTypeId": to.type_id,
                        "name": f"{of.name}_to_{to.name}",
                    }
                    for found in call.world.links.between(of.name, to.name)
                ]
    return {**body, "properties": properties, "associations": associations}


def _definition(call: Call, kind: ObjectKind) -> dict[str, Any]:
    assert kind.schema is not None
    return {
        "id": kind.type_id.removeprefix("2-"),
        "objectTypeId": kind.type_id,
        "fullyQualifiedName": f"p{call.world.portal_id}_{kind.name}",
        "name": kind.name,
        "archived": False,
        "portalId": call.world.portal_id,
        **kind.schema,
    }


@route("GET", "schemas", "", "schemas.list", query=("archived", *PARTS))
def list_schemas(call: Call) -> Answer:
    _may(call, "read")
    found = [kind for kind in call.world.kinds.values() if kind.schema is not None]
    return 200, {"results": [] if call.flag("archived") else [as_json(call, kind) for kind in found]}


@route("POST", "schemas", "", "schemas.create")
def create_schema(call: Call) -> Answer:
    _may(call, "write")
    body = call.body(DATED_SCHEMA if call.is_dated else SCHEMA)
    name = body["name"]
    if not name.replace("_", "").isalnum() or not name[0].isalpha() or name != name.lower():
        raise invalid(f"{name} is not a valid name of an object", field_name="name")
    if name in call.world.kinds:
        raise ApiError(409, "OBJECT_ALREADY_EXISTS", f"There is an object {name} already")
    names = {entry["name"] for entry in body["properties"]}
    for field_name in ("requiredProperties", "searchableProperties", "secondaryDisplayProperties"):
        for each in body.get(field_name, []):
            if each not in names:
                raise invalid(f"{field_name} names {each}, which is not among the properties", field_name=field_name)
    primary = body.get("primaryDisplayProperty")
    if primary is not None and primary not in names:
        raise invalid("primaryDisplayProperty is not among the properties", field_name="primaryDisplayProperty")
    kind = custom_kind(f"2-{call.world.number('kinds') + 143_000_000}", name, _kept(body, call))
    kind.required = tuple(body["requiredProperties"])
    kind.defaults = tuple(body.get("secondaryDisplayProperties", ()))
    others = [_named(call, each) for each in body["associatedObjects"]]
    call.world.add_kind(kind)
    try:
        for entry in body["properties"]:
            _define(call, kind, entry)
    except RecordError:
        call.world.remove_kind(kind)
        raise
    for other in dict.fromkeys([*(other.name for other in others), *ACTIVITIES]):
        call.world.links.define(kind.name, other, None, None)
    return 201, as_json(call, kind)


def _define(call: Call, kind: ObjectKind, entry: Mapping[str, Any]) -> None:
    define(call, kind, {"groupName": kind.group, **entry})


def _kept(body: Mapping[str, Any], call: Call) -> dict[str, Any]:
    kept = {
        "labels": body["labels"],
        "requiredProperties": body["requiredProperties"],
        "searchableProperties": body.get("searchableProperties", []),
        "secondaryDisplayProperties": body.get("secondaryDisplayProperties", []),
        "allowsSensitiveProperties": body.get("allowsSensitiveProperties", False),
        "createdAt": iso(call.now),
        "updatedAt": iso(call.now),
    }
    return kept | {name: body[name] for name in ("description", "primaryDisplayProperty") if name in body}


def _named(call: Call, named: str) -> ObjectKind:
    """An object as a schema names it: `CONTACT`, `0-1` or a custom object's name."""
    try:
        return call.world.kind(named.lower() if named.isupper() else named)
    except ApiError as error:
        raise invalid(f"There is no object {named}", field_name="associatedObjects") from error


@route("GET", "schemas", ONE, "schemas.read", query=PARTS)
def read_schema(call: Call, object_type: str) -> Answer:
    _may(call, "read")
    return 200, as_json(call, _custom(call, object_type))


@route("PATCH", "schemas", ONE, "schemas.update")
def update_schema(call: Call, object_type: str) -> Answer:
    _may(call, "write")
    kind, body = _custom(call, object_type), call.body(SCHEMA_UPDATE)
    assert kind.schema is not None
    kind.schema |= {name: value for name, value in body.items() if name not in ("clearDescription", "restorable")}
    if body.get("clearDescription"):
        kind.schema.pop("description", None)
    kind.schema["updatedAt"] = iso(call.now)
    kind.required = tuple(kind.schema["requiredProperties"])
    return 200, _definition(call, kind)


@route("DELETE", "schemas", ONE, "schemas.archive", query=("archived",))
def archive_schema(call: Call, object_type: str) -> Answer:
    _may(call, "write")
    kind = _custom(call, object_type)
    if len(call.world.shelf(object_type)):
        raise invalid(f"There are still records of {kind.name}", field_name="objectType")
    call.world.remove_kind(kind)
    return 204, None


@route("POST", "schemas", f"{ONE}/associations", "schemas.associations.create")
def create_association(call: Call, object_type: str) -> Answer:
    _may(call, "write")
    _custom(call, object_type)
    body = call.body(ASSOCIATION)
    of, to = _named(call, body["fromObjectTypeId"]), _named(call, body["toObjectTypeId"])
    if call.world.links.unlabelled(of.name, to.name) is not None:
        raise ApiError(409, "OBJECT_ALREADY_EXISTS", f"{of.name} and {to.name} can be associated already")
    made = call.world.links.define(of.name, to.name, None, None)[0]
    return 201, {
        "id": str(made.number),
        "fromObjectTypeId": of.type_id,
        "toObjectTypeId": to.type_id,
        "name": body.get("name", f"{of.name}_to_{to.name}"),
        "createdAt": iso(call.now),
        "updatedAt": iso(call.now),
    }


@route("DELETE", "schemas", f"{ONE}/associations/<number>", "schemas.associations.archive")
def archive_association(call: Call, object_type: str, number: str) -> Answer:
    _may(call, "write")
    kind = _custom(call, object_type)
    for other in call.world.kinds.values():
        for of, to in ((kind, other), (other, kind)):
            if number.isdecimal() and call.world.links.remove(of.name, to.name, int(number)):
                return 204, None
    raise not_found()
