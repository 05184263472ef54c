"""Properties of objects: their definitions, and which values they take."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from tests.fakes.hubspot.clock import iso, milliseconds
from tests.fakes.hubspot.errors import Flaw

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000
FIELD_TYPES = {
    "string": "text",
    "number": "number",
    "bool": "booleancheckbox",
    "enumeration": "select",
    "date": "date",
    "datetime": "date",
    "phone_number": "phonenumber",
}


@dataclass(frozen=True)
class Option:
    """A choice of an enumeration."""

    label: str
    value: str
    display_order: int = 0
    hidden: bool = False
    description: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "value": self.value,
            "displayOrder": self.display_order,
            "hidden": self.hidden,
            "description": self.description,
        }


@dataclass(frozen=True)
class Property:
    """The definition of a property."""

    name: str
    type: str = "string"
    field_type: str = ""
    label: str = ""
    group: str = ""
    description: str = ""
    options: tuple[Option, ...] = ()
    unique: bool = False
    read_only: bool = False
    hubspot_defined: bool = False
    external_options: bool = False
    hidden: bool = False
    form_field: bool = False
    display_order: int = -1
    extras: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of the definition as they were given."""
    created_at: datetime = EPOCH
    updated_at: datetime = EPOCH
    archived_at: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "name": self.name,
            "label": self.label or self.name,
            "type": self.type,
            "fieldType": self.field_type or FIELD_TYPES[self.type],
            "groupName": self.group,
            "description": self.description,
            "options": [option.as_json() for option in self.options],
            "displayOrder": self.display_order,
            "hasUniqueValue": self.unique,
            "hidden": self.hidden,
            "formField": self.form_field,
            "calculated": False,
            "externalOptions": self.external_options,
            "hubspotDefined": self.hubspot_defined,
            "archived": self.archived_at is not None,
            "createdAt": iso(self.created_at),
            "updatedAt": iso(self.updated_at),
            "modificationMetadata": {
                "archivable": not self.hubspot_defined,
                "readOnlyDefinition": self.hubspot_defined,
                "readOnlyOptions": self.hubspot_defined,
                "readOnlyValue": self.read_only,
            },
            **self.extras,
        }
        if self.archived_at is not None:
            body["archivedAt"] = iso(self.archived_at)
        return body


def options(values: Iterable[str]) -> tuple[Option, ...]:
    """Choices whose labels are made of their values."""
    return tuple(Option(value.replace("_", " ").capitalize(), value, position) for position, value in enumerate(values))


def define(line: str, group: str) -> Property:
    """A property of HubSpot's own, of `name[!*+] [type [choice,choice…]]`.

    `!` unique, `*` not to be written, `+` with choices that stand elsewhere.
    """
    name, _, rest = line.partition(" ")
    kind, _, choices = rest.partition(" ")
    bare = name.rstrip("!*+")
    return Property(
        name=bare,
        type=kind or "string",
        group=group,
        options=options(choices.split(",")) if choices else (),
        unique="!" in name,
        read_only="*" in name,
        hubspot_defined=True,
        external_options="+" in name,
        label=bare.replace("_", " ").capitalize(),
    )


def read_value(definition: Property, value: str) -> tuple[str, Flaw | None]:
    """A value as the API keeps it, or what is wrong with it. An empty value clears the property."""
    name = definition.name
    if definition.read_only:
        return value, Flaw(name, "READ_ONLY_VALUE", f'"{name}" is a read only property; its value cannot be set')
    if value == "":
        return value, None
    if definition.type == "number":
        try:
            float(value)
        except ValueError:
            return value, Flaw(name, "INVALID_DOUBLE", f"{value} was not a valid number.")
        return value, None
    if definition.type == "bool":
        if value not in ("true", "false"):
            return value, Flaw(name, "INVALID_BOOLEAN", f"{value} was not a valid boolean.")
        return value, None
    if definition.type == "enumeration":
        return value, _wrong_choice(definition, value)
    if definition.type == "date":
        day = as_date(value)
        if day is None:
            return value, Flaw(name, "INVALID_DATE", f"{value} was not a valid date.")
        return day.isoformat(), None
    if definition.type == "datetime":
        moment = as_moment(value)
        if moment is None:
            return value, Flaw(name, "INVALID_DATE", f"{value} was not a valid datetime.")
        return iso(moment), None
    if name == "email" and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", value):
        return value, Flaw(name, "INVALID_EMAIL", f"Email address {value} is invalid")
    if len(value) > 65_536:
        return value, Flaw(name, "INVALID_STRING", f"{name} is longer than 65536 characters")
    return value.lower() if name in ("email", "domain") else value, None


def _wrong_choice(definition: Property, value: str) -> Flaw | None:
    if definition.external_options:
        return None
    known = {option.value for option in definition.options}
    several = definition.field_type == "checkbox"
    for choice in value.split(";") if several else [value]:
        if choice not in known and not (several and choice == ""):
            allowed = ", ".join(option.value for option in definition.options)
            return Flaw(definition.name, "INVALID_OPTION", f"{choice} was not one of the allowed options: [{allowed}]")
    return None


def as_date(value: str) -> date | None:
    """A day of `YYYY-MM-DD` or of the milliseconds of its midnight in UTC; `None` for anything else."""
    if value.lstrip("-").isdecimal():
        number = int(value)
        return datetime.fromtimestamp(number / 1000, UTC).date() if number % DAY_MS == 0 else None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


def as_moment(value: str) -> datetime | None:
    """A moment of milliseconds, a day, or ISO 8601 with its zone; `None` for anything else."""
    if value.lstrip("-").isdecimal():
        return datetime.fromtimestamp(int(value) / 1000, UTC)
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return moment.replace(tzinfo=UTC) if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else None
    return moment.astimezone(UTC)


def comparable(definition: Property, value: str) -> Any:
    """A value to sort and compare by: numbers and times as numbers, text without its case."""
    if definition.type in ("date", "datetime"):
        moment = as_moment(value)
        return float("-inf") if moment is None else milliseconds(moment)
    if definition.type == "number" or definition.name == "hs_object_id":
        try:
            return float(value)
        except ValueError:
            return float("-inf")
    return value.casefold()


def from_json(body: Mapping[str, Any], now: datetime, old: Property | None = None) -> Property:
    """The definition that a request creates, or what it makes of the old one."""
    base = old or Property(name=body["name"], created_at=now)
    extras = {
        name: body[name]
        for name in (
            "dataSensitivity",
            "numberDisplayHint",
            "referencedObjectType",
            "calculationFormula",
            "currencyPropertyName",
            "showCurrencySymbol",
        )
        if name in body
    }
    return replace(
        base,
        type=body.get("type", base.type),
        field_type=body.get("fieldType", base.field_type),
        label=body.get("label", base.label),
        group=body.get("groupName", base.group),
        description=body.get("description", base.description),
        options=tuple(option_from_json(entry) for entry in body["options"]) if "options" in body else base.options,
        unique=body.get("hasUniqueValue", base.unique),
        hidden=body.get("hidden", base.hidden),
        form_field=body.get("formField", base.form_field),
        display_order=body.get("displayOrder", base.display_order),
        external_options=body.get("externalOptions", base.external_options),
        extras={**base.extras, **extras},
        updated_at=now,
    )


def option_from_json(body: Mapping[str, Any]) -> Option:
    return Option(
        label=body["label"],
        value=body["value"],
        display_order=body.get("displayOrder", -1),
        hidden=body.get("hidden", False),
        description=body.get("description", ""),
    )
