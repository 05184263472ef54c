"""What Nolapse needs in an account, as HubSpot's API takes it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.crm.choices import STAGES
from connectors.hubspot.fields import FIELDS, Field, Holder
from connectors.hubspot.settings import HubSpotSettings
from core.words import Stage

OPEN_STAGES = (Stage.UPCOMING, Stage.CONTACTED, Stage.COMMITTED, Stage.IN_PROGRESS)

# How likely a deal in each stage is won. 1 and 0 close it.
_PROBABILITIES = {
    Stage.UPCOMING: "0.4",
    Stage.CONTACTED: "0.5",
    Stage.COMMITTED: "0.8",
    Stage.IN_PROGRESS: "0.9",
    Stage.RENEWED: "1.0",
    Stage.LOST: "0.0",
    Stage.LAPSED: "0.0",
    Stage.WON_BACK: "1.0",
}


_OPTION = ("value", "label", "displayOrder", "hidden", "description")


@dataclass(frozen=True, slots=True)
class Segment:
    """A list of records whose order ends between two days, counted from today (UTC); negative: before today."""

    name: str
    first_day: int
    last_day: int
    stages: tuple[Stage, ...] = OPEN_STAGES


SEGMENTS = (
    Segment("Nolapse: ends within 30 days", 0, 30),
    Segment("Nolapse: ends within 60 days", 0, 60),
    Segment("Nolapse: ends within 90 days", 0, 90),
    Segment("Nolapse: expired for less than 7 days", -7, -1, (*OPEN_STAGES, Stage.LAPSED)),
)


def holders(settings: HubSpotSettings) -> list[Holder]:
    """What carries properties of ours under these settings, records first."""
    return [holder for holder in FIELDS if holder is not Holder.FORECAST or settings.forecast_deals]


def property_body(field: Field, group: str, *, unique: bool | None = None) -> dict[str, Any]:
    """A property; `unique` overrides what the field wants."""
    body: dict[str, Any] = {
        "name": field.name,
        "label": field.label,
        "groupName": group,
        "type": field.type,
        "fieldType": field.field_type,
        "description": field.description,
        "hasUniqueValue": field.unique if unique is None else unique,
        "hidden": False,
        "formField": False,
        "displayOrder": -1,
    }
    if field.options:
        body["options"] = option_bodies(field.options)
    return body


def option_bodies(options: Sequence[tuple[str, str]], first: int = 0) -> list[dict[str, Any]]:
    """The options of a choice, in their order."""
    return [
        {"value": value, "label": label, "displayOrder": number, "hidden": False}
        for number, (value, label) in enumerate(options, first)
    ]


def missing_options(field: Field, there: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All options of a choice that lacks some: those that are there as they are, then ours; none where none is missing."""
    values = {one.get("value") for one in there}
    missing = [option for option in field.options if option[0] not in values]
    if not missing or field.type == "bool":
        return []
    kept = [{key: one[key] for key in _OPTION if one.get(key) is not None} for one in there]
    return [*kept, *option_bodies(missing, len(kept))]


def pipeline_stages(settings: HubSpotSettings) -> list[dict[str, Any]]:
    """The stages of our own pipeline."""
    return [stage_body(settings, stage) for stage, _ in STAGES]


def stage_body(settings: HubSpotSettings, stage: Stage) -> dict[str, Any]:
    """A stage; whether it is closed is said in the way of its object."""
    metadata = {"ticketState": "OPEN" if stage in OPEN_STAGES else "CLOSED"} if settings.record == "ticket" else {}
    if settings.record == "deal":
        metadata = {"probability": _PROBABILITIES[stage]}
    order = [one for one, _ in STAGES].index(stage)
    return {"label": dict(STAGES)[stage], "displayOrder": order, "metadata": metadata}


def schema_body(settings: HubSpotSettings) -> dict[str, Any]:
    """The custom object, with its properties: they cannot be searched for or shown unless they are made with it."""
    bodies = [property_body(field, "") for field in FIELDS[Holder.RECORD]]
    for body in bodies:
        del body["groupName"]
    return {
        "name": settings.custom_object,
        "labels": {"singular": "Certificate order", "plural": "Certificate orders"},
        "description": "The certificate orders whose renewal Nolapse follows.",
        "primaryDisplayProperty": "nolapse_common_name",
        "secondaryDisplayProperties": ["nolapse_order_key", "nolapse_order_ends_on"],
        "requiredProperties": ["nolapse_order_key"],
        "searchableProperties": ["nolapse_common_name", "nolapse_order_key", "nolapse_account_name"],
        "properties": bodies,
        "associatedObjects": ["CONTACT", "COMPANY"],
        "allowsSensitiveProperties": False,
    }


def list_body(segment: Segment, object_type_id: str) -> dict[str, Any]:
    """An active list, which HubSpot keeps up to date by itself."""
    between = {
        "operationType": "TIME_RANGED",
        "type": "TIME_RANGED",
        "operator": "IS_BETWEEN",
        "includeObjectsWithNoValueSet": False,
        "propertyParser": "VALUE",
        "lowerBoundEndpointBehavior": "INCLUSIVE",
        "upperBoundEndpointBehavior": "INCLUSIVE",
        "lowerBoundTimePoint": _today(segment.first_day),
        "upperBoundTimePoint": _today(segment.last_day),
    }
    stages = {
        "operationType": "ENUMERATION",
        "operator": "IS_ANY_OF",
        "includeObjectsWithNoValueSet": False,
        "values": [str(stage) for stage in segment.stages],
    }
    both = [
        {"filterType": "PROPERTY", "property": "nolapse_order_ends_on", "operation": between},
        {"filterType": "PROPERTY", "property": "nolapse_stage", "operation": stages},
    ]
    inner = {"filterBranchType": "AND", "filterBranchOperator": "AND", "filterBranches": [], "filters": both}
    outer = {"filterBranchType": "OR", "filterBranchOperator": "OR", "filterBranches": [inner], "filters": []}
    return {
        "name": segment.name,
        "objectTypeId": object_type_id,
        "processingType": "DYNAMIC",
        "filterBranch": outer,
    }


def _today(offset: int) -> dict[str, Any]:
    return {
        "timeType": "INDEXED",
        "timezoneSource": "CUSTOM",
        "zoneId": "UTC",
        "indexReference": {"referenceType": "TODAY"},
        "offset": {"days": offset},
    }
