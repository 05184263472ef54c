"""How this org holds an order: the object, its own fields for title, people and stage, the value for each stage of ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from connectors.crm.choices import STAGES
from connectors.crm.stages import stage_map
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.describing import ObjectInfo
from connectors.salesforce.errors import Denied
from connectors.salesforce.fields import ORDER_OBJECT, Holder, OwnOrderField
from connectors.salesforce.settings import SalesforceSettings
from core.words import Stage


@dataclass(frozen=True, slots=True)
class Shape:
    """The object's own fields where an order needs them; empty where it has none."""

    sobject: str
    title: str
    title_length: int
    stage: str
    account: str
    contact: str
    closes_on: str = ""
    amount: str = ""
    contact_on_creation_only: bool = False


SHAPES = {
    "custom": Shape(
        ORDER_OBJECT, "Name", 80, str(OwnOrderField.STAGE), str(OwnOrderField.ACCOUNT), str(OwnOrderField.CONTACT)
    ),
    "case": Shape("Case", "Subject", 255, "Status", "AccountId", "ContactId"),
    "opportunity": Shape(
        "Opportunity", "Name", 120, "StageName", "AccountId", "ContactId", "CloseDate", "Amount",
        contact_on_creation_only=True,
    ),
}  # fmt: skip
"""What an order may be, by the setting `record`."""


@dataclass(frozen=True, slots=True)
class Layout:
    """The shape of records, and where one stands in the stages of its object.

    `stages` has no entry for a stage of ours that the operator gave no place: such a record stays where it is.
    """

    shape: Shape
    stages: Mapping[Stage, str] = field(default_factory=dict)
    record_type_id: str = ""

    def stage_of(self, value: str) -> Stage | None:
        """Our stage for a value of the object; the first, where the operator gave one place to several."""
        return next((stage for stage, theirs in self.stages.items() if theirs == value), None)


def shape_of(settings: SalesforceSettings) -> Shape:
    """What an order is under these settings."""
    return SHAPES[settings.record]


def object_of_holder(holder: Holder, settings: SalesforceSettings) -> str:
    """The object that carries these fields."""
    return shape_of(settings).sobject if holder is Holder.ORDER else str(holder)


def layout_of(client: SalesforceClient, settings: SalesforceSettings) -> Layout:
    """The layout as it stands. Raises `ConfigurationError` where the package or a setting is missing."""
    shape = shape_of(settings)
    info = client.describe(shape.sobject)
    if info is None:
        raise Denied(f"the object {shape.sobject} is missing or hidden; `nolapse setup salesforce` tells what to do")
    stage = info.fields.get(shape.stage)
    if stage is None:
        raise Denied(f"{shape.sobject}.{shape.stage} is missing or hidden; `nolapse setup salesforce` tells what to do")
    return Layout(shape, stages_among(stage.values, settings), _record_type(info, settings))


def stages_among(values: tuple[str, ...], settings: SalesforceSettings) -> dict[Stage, str]:
    """For each stage of ours its value among those of the object. Raises `ConfigurationError`."""
    if settings.record == "custom" and not settings.stages:
        return {stage: str(stage) for stage, _ in STAGES}
    shape, said = shape_of(settings), stage_map(settings.stages, "salesforce.stages")
    exact = {value.casefold(): value for value in reversed(values)}
    missing = [name for name in said.values() if name.casefold() not in exact]
    if missing:
        raise Denied(
            f"salesforce.stages: {shape.sobject}.{shape.stage} has no value {missing[0]!r}; it has {', '.join(values)}"
        )
    return {stage: exact[said[stage].casefold()] for stage, _ in STAGES if stage in said}


def _record_type(info: ObjectInfo, settings: SalesforceSettings) -> str:
    wanted = settings.record_type
    if not wanted:
        return ""
    names = {one.developer_name: one for one in info.record_types}
    if wanted not in names:
        raise Denied(f"salesforce.record_type: {info.name} has no record type {wanted!r}")
    if not names[wanted].available:
        raise Denied(f"salesforce.record_type: {wanted} is not available to the user; assign it in the user's profile")
    return names[wanted].id
