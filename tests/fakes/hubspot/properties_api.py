"""Definitions of properties, and their groups."""

from dataclasses import replace
from typing import Any

from tests.fakes.hubspot.calls import Answer, Call, route
from tests.fakes.hubspot.errors import ApiError, RecordError, invalid, not_found
from tests.fakes.hubspot.kinds import ObjectKind
from tests.fakes.hubspot.properties import Property, from_json
from tests.fakes.hubspot.shapes import FLAG, TEXT, WHOLE, Fields, ListOf, OneOf

AT_MOST = 100
UNIQUE_AT_MOST = 10

OPTION = Fields({"label": TEXT, "value": TEXT, "displayOrder": WHOLE, "hidden": FLAG}, {"description": TEXT})
TYPES = OneOf(("bool", "date", "datetime", "enumeration", "number", "phone_number", "string"))
FIELD_TYPES = OneOf(
    (
        "booleancheckbox",
        "calculation_equation",
        "checkbox",
        "date",
        "file",
        "html",
        "number",
        "phonenumber",
        "radio",
        "select",
        "text",
        "textarea",
    )
)
_MAY_CHANGE = {
    "calculationFormula": TEXT,
    "currencyPropertyName": TEXT,
    "description": TEXT,
    "displayOrder": WHOLE,
    "formField": FLAG,
    "hidden": FLAG,
    "numberDisplayHint": OneOf(("currency", "duration", "formatted", "percentage", "probability", "unformatted")),
    "options": ListOf(OPTION),
    "showCurrencySymbol": FLAG,
}
_NAMED = {"fieldType": FIELD_TYPES, "groupName": TEXT, "label": TEXT, "type": TYPES}
CREATE = Fields(
    {"name": TEXT, **_NAMED},
    {
        **_MAY_CHANGE,
        "dataSensitivity": OneOf(("highly_sensitive", "non_sensitive", "sensitive")),
        "externalOptions": FLAG,
        "hasUniqueValue": FLAG,
        "referencedObjectType": TEXT,
    },
)
UPDATE = Fields({}, {**_MAY_CHANGE, **_NAMED})
NAMES = ListOf(Fields({"name": TEXT}), AT_MOST)
READ = Fields(
    {"inputs": NAMES, "archived": FLAG, "dataSensitivity": OneOf(("highly_sensitive", "non_sensitive", "sensitive"))}
)
GROUP = Fields({"name": TEXT, "label": TEXT}, {"displayOrder": WHOLE})
GROUP_UPDATE = Fields({}, {"label": TEXT, "displayOrder": WHOLE})
READ_QUERY = ("archived", "dataSensitivity", "locale", "properties")
FITTING = {
    "bool": {"booleancheckbox", "calculation_equation"},
    "date": {"date"},
    "datetime": {"date"},
    "enumeration": {"booleancheckbox", "checkbox", "radio", "select", "calculation_equation"},
    "number": {"number", "calculation_equation"},
    "phone_number": {"phonenumber"},
    "string": {"file", "html", "phonenumber", "text", "textarea", "calculation_equation"},
}


def _may_read(call: Call, object_type: str) -> ObjectKind:
    kind = call.world.kind(object_type)
    call.require((*kind.read_scopes, f"crm.schemas.{schema_scope(kind)}.read"))
    return kind


def _may_write(call: Call, object_type: str) -> ObjectKind:
    kind = call.world.kind(object_type)
    call.require(("tickets",) if kind.name == "tickets" else (f"crm.schemas.{schema_scope(kind)}.write",))
    return kind


def schema_scope(kind: ObjectKind) -> str:
    """The name of a kind of object in the scopes of definitions; activities go with contacts."""
    if kind.schema is not None:
        return "custom"
    return kind.name if kind.name in ("companies", "contacts", "deals") else "contacts"


def define(call: Call, kind: ObjectKind, body: dict[str, Any]) -> Property:
    """Makes a property; raises `RecordError` if it cannot be."""
    name = body["name"]
    if not name.replace("_", "").isalnum() or name != name.lower() or not name[0].isalpha():
        raise RecordError("VALIDATION_ERROR", f"{name} is not a valid name of a property")
    if (there := kind.properties.get(name)) is not None and there.archived_at is None:
        raise RecordError("OBJECT_ALREADY_EXISTS", f"Property named '{name}' already exists.", status=409)
    if body["groupName"] not in kind.groups:
        raise RecordError("VALIDATION_ERROR", f"Property group {body['groupName']} does not exist")
    if body["fieldType"] not in FITTING[body["type"]]:
        raise RecordError("VALIDATION_ERROR", f"fieldType {body['fieldType']} does not fit type {body['type']}")
    if body["type"] == "enumeration" and not body.get("options") and not body.get("externalOptions"):
        raise RecordError("VALIDATION_ERROR", f"{name} is an enumeration and needs options")
    values = [option["value"] for option in body.get("options", [])]
    if len(set(values)) < len(values):
        raise RecordError("VALIDATION_ERROR", f"The options of {name} have a value twice")
    if body.get("hasUniqueValue"):
        _check_unique(call, kind, body)
    made = from_json(body, call.now)
    kind.properties[name] = made
    if made.unique:
        call.world.shelves[kind.name].make_unique(name)
    return made


def _check_unique(call: Call, kind: ObjectKind, body: dict[str, Any]) -> None:
    if body["type"] not in ("string", "number"):
        raise RecordError("VALIDATION_ERROR", "Only properties of type string or number can have unique values")
    if kind.name == "tasks" and not call.world.unique_on_tasks:
        raise RecordError("VALIDATION_ERROR", "Unique value properties are not supported for object type TASK")
    own = [name for name in kind.unique_names() if not kind.properties[name].hubspot_defined]
    if len(own) >= UNIQUE_AT_MOST:
        raise RecordError("VALIDATION_ERROR", f"No more than {UNIQUE_AT_MOST} properties can have unique values")


@route("GET", "properties", "/<object_type>", "properties.list", query=READ_QUERY)
def list_properties(call: Call, object_type: str) -> Answer:
    kind = _may_read(call, object_type)
    binned = call.flag("archived")
    found = [each.as_json() for each in kind.properties.values() if (each.archived_at is not None) == binned]
    return 200, {"results": found}


@route("POST", "properties", "/<object_type>", "properties.create")
def create_property(call: Call, object_type: str) -> Answer:
    kind = _may_write(call, object_type)
    return 201, define(call, kind, call.body(CREATE)).as_json()


@route("POST", "properties", "/<object_type>/batch/create", "properties.batch.create")
def create_batch(call: Call, object_type: str) -> Answer:
    kind = _may_write(call, object_type)
    results, errors = [], []
    for body in call.body(Fields({"inputs": ListOf(CREATE, AT_MOST)}))["inputs"]:
        try:
            results.append(define(call, kind, body).as_json())
        except RecordError as error:
            error.context.setdefault("name", [body["name"]])
            errors.append(error.among_others(None))
    return call.several(201, results, errors)


@route("POST", "properties", "/<object_type>/batch/read", "properties.batch.read", query=("locale",))
def read_batch(call: Call, object_type: str) -> Answer:
    kind = _may_read(call, object_type)
    body = call.body(READ)
    results, errors = [], []
    for entry in body["inputs"]:
        found = kind.properties.get(entry["name"])
        if found is None or (found.archived_at is not None) != body["archived"]:
            message = f"Property {entry['name']} does not exist"
            errors.append(
                RecordError("OBJECT_NOT_FOUND", message, context={"name": [entry["name"]]}).among_others(None)
            )
        else:
            results.append(found.as_json())
    return call.several(200, results, errors)


@route("POST", "properties", "/<object_type>/batch/archive", "properties.batch.archive")
def archive_batch(call: Call, object_type: str) -> Answer:
    kind = _may_write(call, object_type)
    for entry in call.body(Fields({"inputs": NAMES}))["inputs"]:
        _archive(call, kind, entry["name"])
    return 204, None


def _archive(call: Call, kind: ObjectKind, name: str) -> None:
    found = kind.properties.get(name)
    if found is None or found.archived_at is not None:
        return
    if found.hubspot_defined:
        raise invalid(f"{name} is a property of HubSpot's own and cannot be archived", field_name=name)
    kind.properties[name] = replace(found, archived_at=call.now, updated_at=call.now)


def _one(call: Call, kind: ObjectKind, name: str) -> Property:
    found = kind.properties.get(name)
    if found is None or (found.archived_at is not None) != call.flag("archived"):
        raise not_found(f"Property {name} does not exist")
    return found


@route("GET", "properties", "/<object_type>/<name>", "properties.read", query=READ_QUERY)
def read_property(call: Call, object_type: str, name: str) -> Answer:
    return 200, _one(call, _may_read(call, object_type), name).as_json()


@route("PATCH", "properties", "/<object_type>/<name>", "properties.update")
def update_property(call: Call, object_type: str, name: str) -> Answer:
    kind = _may_write(call, object_type)
    old, body = _one(call, kind, name), call.body(UPDATE)
    if old.hubspot_defined and set(body) - {"options", "label", "description"}:
        raise invalid(f"{name} is a property of HubSpot's own; its definition cannot be changed", field_name=name)
    kind.properties[name] = from_json(body, call.now, old)
    return 200, kind.properties[name].as_json()


@route("DELETE", "properties", "/<object_type>/<name>", "properties.archive")
def archive_property(call: Call, object_type: str, name: str) -> Answer:
    kind = _may_write(call, object_type)
    _archive(call, kind, name)
    return 204, None


@route("GET", "properties", "/<object_type>/groups", "properties.groups.list", query=("locale",))
def list_groups(call: Call, object_type: str) -> Answer:
    kind = _may_read(call, object_type)
    return 200, {"results": [group for group in kind.groups.values() if not group["archived"]]}


@route("POST", "properties", "/<object_type>/groups", "properties.groups.create")
def create_group(call: Call, object_type: str) -> Answer:
    kind = _may_write(call, object_type)
    body = call.body(GROUP)
    if (there := kind.groups.get(body["name"])) is not None and not there["archived"]:
        raise ApiError(409, "OBJECT_ALREADY_EXISTS", f"Property group {body['name']} already exists")
    return 201, kind.add_group(body["name"], body["label"], body.get("displayOrder", -1))


@route("GET", "properties", "/<object_type>/groups/<name>", "properties.groups.read", query=("locale",))
def read_group(call: Call, object_type: str, name: str) -> Answer:
    return 200, _group(_may_read(call, object_type), name)


def _group(kind: ObjectKind, name: str) -> dict[str, Any]:
    found = kind.groups.get(name)
    if found is None or found["archived"]:
        raise not_found(f"Property group {name} does not exist")
    return found


@route("PATCH", "properties", "/<object_type>/groups/<name>", "properties.groups.update")
def update_group(call: Call, object_type: str, name: str) -> Answer:
    found = _group(_may_write(call, object_type), name)
    found.update(call.body(GROUP_UPDATE))
    return 200, found


@route("DELETE", "properties", "/<object_type>/groups/<name>", "properties.groups.archive")
def archive_group(call: Call, object_type: str, name: str) -> Answer:
    kind = _may_write(call, object_type)
    if any(each.group == name and each.archived_at is None for each in kind.properties.values()):
        raise invalid(f"Property group {name} still has properties", field_name=name)
    if name in kind.groups:
        kind.groups[name]["archived"] = True
    return 204, None
