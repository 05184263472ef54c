"""The things of HubSpot's CRM as we use them, and how they stand in its JSON. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.hubspot.batches import Link, Write
from connectors.hubspot.errors import Broken
from connectors.hubspot.foreign import dicts_of, mapping_of, properties_of


@dataclass(frozen=True, slots=True)
class CrmObject:
    """A record as HubSpot holds it. Properties that are empty have no entry; times are ISO 8601 in UTC."""

    id: str
    properties: Mapping[str, str]
    created_at: str = ""
    updated_at: str = ""
    archived: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition of a search. `operator` is one of HubSpot's: EQ NEQ LT LTE GT GTE IN NOT_IN HAS_PROPERTY …"""

    property: str
    operator: str
    value: str | None = None
    values: tuple[str, ...] = ()
    high_value: str | None = None

    def body(self) -> dict[str, Any]:
        """As HubSpot has it."""
        said: dict[str, Any] = {"propertyName": self.property, "operator": self.operator}
        if self.value is not None:
            said["value"] = self.value
        if self.values:
            said["values"] = list(self.values)
        if self.high_value is not None:
            said["highValue"] = self.high_value
        return said


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody who can own records. `id` is hubspot_owner_id; sequences want `user_id`."""

    id: str
    user_id: str
    email: str
    name: str
    active: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records to be associated; without `type_id` by the default type of their objects."""

    from_id: str
    to_id: str
    type_id: int | None = None
    category: str = "HUBSPOT_DEFINED"

    @property
    def key(self) -> str:
        """The key of the pair's result."""
        return f"{self.from_id}:{self.to_id}"


@dataclass(frozen=True, slots=True)
class AssociationType:
    """A kind of association between two objects."""

    type_id: int
    category: str
    label: str


def object_of(said: Mapping[str, Any]) -> CrmObject:
    """A record out of an answer."""
    return CrmObject(
        id=str(said.get("id", "")),
        properties=properties_of(said),
        created_at=str(said.get("createdAt") or ""),
        updated_at=str(said.get("updatedAt") or ""),
        archived=bool(said.get("archived")),
    )


def results_of(said: Any) -> list[Mapping[str, Any]]:
    """The list `results` of an answer. Raises `Broken` for an answer without one."""
    results = mapping_of(said).get("results")
    if not isinstance(results, list):
        raise Broken("answered without any results; check hubspot.base_url and hubspot.api_version")
    return dicts_of(results)


def input_of(write: Write) -> dict[str, Any]:
    """A write as the batch endpoints take it; its key is the trace id by which an answer names it."""
    return {"properties": dict(write.properties), "objectWriteTraceId": write.key}


def link_body(link: Link) -> dict[str, Any]:
    """An association of a new record."""
    return {"to": {"id": link.to_id}, "types": [type_body(link.type_id, link.category)]}


def type_body(type_id: int | None, category: str) -> dict[str, Any]:
    """A kind of association."""
    return {"associationCategory": category, "associationTypeId": type_id}


def ends_of(pair: Pair) -> dict[str, Any]:
    """A pair as the association endpoints take it."""
    return {"from": {"id": pair.from_id}, "to": {"id": pair.to_id}}


def marks_by(id_property: str) -> Callable[[Mapping[str, Any]], list[str]]:
    """What a result may be known by: our trace, the unique property, its id."""

    def marks(result: Mapping[str, Any]) -> list[str]:
        value = properties_of(result).get(id_property, "") if id_property else ""
        return [str(result.get("objectWriteTraceId") or ""), value, str(result.get("id") or "")]

    return marks


def pair_marks(result: Mapping[str, Any]) -> list[str]:
    """An association is answered as `from` and `to`, or as two ids."""
    ends = (mapping_of(result.get("from")).get("id"), mapping_of(result.get("to")).get("id"))
    ids = (result.get("fromObjectId"), result.get("toObjectId"))
    return [f"{one}:{other}" for one, other in (ends, ids) if one is not None and other is not None]


def owner_of(said: Mapping[str, Any]) -> Owner:
    """An owner out of an answer."""
    user = said.get("userId") or said.get("userIdIncludingInactive") or ""
    names = (str(said.get("firstName") or ""), str(said.get("lastName") or ""))
    return Owner(
        id=str(said.get("id", "")),
        user_id=str(user),
        email=str(said.get("email") or ""),
        name=" ".join(name for name in names if name),
        active=not said.get("archived"),
    )


def next_page(said: Mapping[str, Any]) -> str:
    """The cursor of the next page; empty where there is none."""
    following = mapping_of(mapping_of(said.get("paging")).get("next")).get("after")
    return "" if following is None else str(following)
