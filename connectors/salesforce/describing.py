"""What an org says of its objects and fields, as the user of the connection may see and change them.

A field that is hidden from the user by field-level security is missing altogether: it cannot be told from one that does
not exist.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connectors.crm.foreign import dicts_of, mapping_of, number_of, text_of


@dataclass(frozen=True, slots=True)
class FieldInfo:
    """A field as described. `kind` is Salesforce's word: string, textarea, date, datetime, boolean, reference …"""

    name: str
    label: str
    kind: str
    length: int = 0
    createable: bool = False
    updateable: bool = False
    filterable: bool = False
    required: bool = False
    """It must be given on creation: not nillable, no default."""
    external_id: bool = False
    unique: bool = False
    calculated: bool = False
    restricted: bool = False
    """Only the values of the picklist are taken."""
    values: tuple[str, ...] = ()
    """The active values of a picklist."""
    refers_to: tuple[str, ...] = ()
    relationship: str = ""
    """By which name a query reaches the record referred to, as `Owner`."""


@dataclass(frozen=True, slots=True)
class RecordType:
    """A record type; `available` to the user."""

    id: str
    name: str
    developer_name: str
    available: bool
    default: bool


@dataclass(frozen=True, slots=True)
class ObjectSummary:
    """An object in the list of all objects."""

    name: str
    label: str
    custom: bool
    queryable: bool
    createable: bool
    updateable: bool
    deletable: bool
    key_prefix: str = ""


@dataclass(frozen=True, slots=True)
class ObjectInfo(ObjectSummary):
    """An object as described, with the fields that the user may see, by name."""

    fields: Mapping[str, FieldInfo] = field(default_factory=dict)
    record_types: tuple[RecordType, ...] = ()

    def has(self, *names: str) -> bool:
        """Whether the user sees all these fields."""
        return all(name in self.fields for name in names)


def summary_of(said: Mapping[str, Any]) -> ObjectSummary:
    """An object in the answer of the list of objects."""
    return ObjectSummary(**_summary(said))


def object_of(said: Mapping[str, Any]) -> ObjectInfo:
    """An object out of the answer of its describe."""
    fields = [_field(one) for one in dicts_of(said.get("fields"))]
    types = tuple(
        RecordType(
            id=text_of(one.get("recordTypeId")),
            name=text_of(one.get("name")),
            developer_name=text_of(one.get("developerName")),
            available=one.get("available") is True and one.get("active") is not False,
            default=one.get("defaultRecordTypeMapping") is True,
        )
        for one in dicts_of(said.get("recordTypeInfos"))
    )
    return ObjectInfo(**_summary(said), fields={one.name: one for one in fields}, record_types=types)


def _summary(said: Mapping[str, Any]) -> dict[str, Any]:
    flags = {name: said.get(name) is True for name in ("custom", "queryable", "createable", "updateable", "deletable")}
    texts = {"name": text_of(said.get("name")), "label": text_of(said.get("label"))}
    return {**texts, **flags, "key_prefix": text_of(said.get("keyPrefix"))}


def _field(said: Mapping[str, Any]) -> FieldInfo:
    def flag(name: str) -> bool:
        return said.get(name) is True

    values = (one for one in dicts_of(said.get("picklistValues")) if one.get("active") is True)
    references = said.get("referenceTo")
    return FieldInfo(
        name=text_of(said.get("name")),
        label=text_of(said.get("label")),
        kind=text_of(said.get("type")),
        length=number_of(said.get("length")),
        createable=flag("createable"),
        updateable=flag("updateable"),
        filterable=flag("filterable"),
        required=flag("createable") and said.get("nillable") is False and said.get("defaultedOnCreate") is False,
        external_id=flag("externalId"),
        unique=flag("unique"),
        calculated=flag("calculated"),
        restricted=flag("restrictedPicklist"),
        values=tuple(text_of(one.get("value")) for one in values),
        refers_to=tuple(text_of(one) for one in references) if isinstance(references, list) else (),
        relationship=text_of(mapping_of(said).get("relationshipName")),
    )
