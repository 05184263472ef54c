"""What a HubSpot account is made of, beside its records: properties, pipelines, object schemas, lists; read and made."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from connectors.hubspot.client import HubSpotClient
from connectors.hubspot.errors import Refused
from connectors.hubspot.foreign import dicts_of, mapping_of, text_of
from connectors.hubspot.objects import results_of


@dataclass(frozen=True, slots=True)
class Account:
    """The account itself. `daily_limit` and `daily_used` count calls; None where HubSpot does not tell."""

    portal_id: str
    kind: str
    time_zone: str
    daily_limit: int | None = None
    daily_used: int | None = None


@dataclass(frozen=True, slots=True)
class Property:
    """A property as it is there."""

    name: str
    group: str
    type: str
    field_type: str
    unique: bool
    options: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A pipeline; its stages as id → label, in their order."""

    id: str
    label: str
    stages: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Schema:
    """A custom object. `object_type_id` names it everywhere, as `2-123`."""

    name: str
    object_type_id: str


class Portal:
    """One account. Reading may be repeated; making is not repeated where nobody can tell whether it was done."""

    def __init__(self, client: HubSpotClient) -> None:
        self._client = client
        self._crm = client.transport.sdk.crm

    @cached_property
    def account(self) -> Account:
        """Which account it is, and how its day of calls stands."""
        said = mapping_of(self._client.call("GET", "/account-info/v3/details", repeatable=True))
        return Account(str(said.get("portalId", "")), text_of(said.get("accountType")), text_of(said.get("timeZone")))

    def usage(self) -> Account:
        """The account with its limit of calls a day and those used. Raises `HubSpotError` where it does not tell."""
        said = self._client.call("GET", "/account-info/v3/api-usage/daily/private-apps", repeatable=True)
        newest = max(results_of(said), key=lambda one: _moment(one.get("collectedAt")), default={})
        limit, used = newest.get("usageLimit"), newest.get("currentUsage")
        found = self.account
        return Account(
            found.portal_id,
            found.kind,
            found.time_zone,
            limit if isinstance(limit, int) else None,
            used if isinstance(used, int) else None,
        )

    def groups(self, object_type: str) -> list[str]:
        """The names of the property groups of an object."""
        said = self._ask(lambda: self._crm.properties.groups_api.get_all(object_type))
        return [text_of(one.get("name")) for one in results_of(said)]

    def properties(self, object_type: str) -> dict[str, Property]:
        """The properties of an object, by name."""
        said = self._ask(lambda: self._crm.properties.core_api.get_all(object_type))
        return {found.name: found for found in map(_property, results_of(said))}

    def pipelines(self, object_type: str) -> list[Pipeline]:
        """The pipelines of an object."""
        return [
            _pipeline(one)
            for one in results_of(self._ask(lambda: self._crm.pipelines.pipelines_api.get_all(object_type)))
        ]

    def schemas(self) -> list[Schema]:
        """The custom objects."""
        return [_schema(one) for one in results_of(self._ask(lambda: self._crm.schemas.core_api.get_all()))]

    def list_id(self, object_type_id: str, name: str) -> str:
        """The id of the list of that name; empty where there is none."""
        try:
            said = self._ask(lambda: self._crm.lists.lists_api.get_by_name(name, object_type_id))
        except Refused as error:
            if error.details.status == 404:
                return ""
            raise
        return str(mapping_of(mapping_of(said).get("list")).get("listId", ""))

    def make_group(self, object_type: str, name: str, label: str) -> None:
        """Makes a property group, at the end of the others."""
        body = {"name": name, "label": label, "displayOrder": -1}
        self._make(lambda: self._crm.properties.groups_api.create(object_type, body))

    def make_property(self, object_type: str, body: Mapping[str, Any]) -> None:
        """Makes a property."""
        self._make(lambda: self._crm.properties.core_api.create(object_type, dict(body)))

    def set_options(self, object_type: str, name: str, options: Sequence[Mapping[str, Any]]) -> None:
        """Gives a choice its options, in place of those it has."""
        body = {"options": [dict(option) for option in options]}
        self._ask(lambda: self._crm.properties.core_api.update(object_type, name, body))

    def make_pipeline(self, object_type: str, label: str, stages: Sequence[Mapping[str, Any]]) -> Pipeline:
        """Makes a pipeline with its stages."""
        body = {"label": label, "displayOrder": 99, "stages": [dict(stage) for stage in stages]}
        return _pipeline(mapping_of(self._make(lambda: self._crm.pipelines.pipelines_api.create(object_type, body))))

    def make_stage(self, object_type: str, pipeline_id: str, body: Mapping[str, Any]) -> str:
        """Adds a stage to a pipeline; gives its id."""
        api = self._crm.pipelines.pipeline_stages_api
        return str(mapping_of(self._make(lambda: api.create(object_type, pipeline_id, dict(body)))).get("id", ""))

    def make_schema(self, body: Mapping[str, Any]) -> Schema:
        """Makes a custom object with its properties."""
        return _schema(mapping_of(self._make(lambda: self._crm.schemas.core_api.create(dict(body)))))

    def make_list(self, body: Mapping[str, Any]) -> str:
        """Makes a list; gives its id."""
        said = mapping_of(self._make(lambda: self._crm.lists.lists_api.create(dict(body))))
        return str(mapping_of(said.get("list")).get("listId", ""))

    def remove_group(self, object_type: str, name: str) -> None:
        """Removes a property group, which must be empty."""
        self._ask(lambda: self._crm.properties.groups_api.archive(object_type, name))

    def remove_property(self, object_type: str, name: str) -> None:
        """Puts a property into the bin, and with it what records hold in it."""
        self._ask(lambda: self._crm.properties.core_api.archive(object_type, name))

    def remove_pipeline(self, object_type: str, pipeline_id: str) -> None:
        """Removes a pipeline that no record stands in; HubSpot refuses it otherwise."""
        api = self._crm.pipelines.pipelines_api
        self._ask(lambda: api.archive(object_type, pipeline_id, validate_references_before_delete=True))

    def remove_schema(self, object_type_id: str) -> None:
        """Removes a custom object without records; HubSpot refuses it otherwise."""
        self._ask(lambda: self._crm.schemas.core_api.archive(object_type_id))

    def remove_list(self, list_id: str) -> None:
        """Removes a list, not its members."""
        self._ask(lambda: self._crm.lists.lists_api.remove(list_id))

    def _ask(self, call: Any) -> Any:
        return self._client.caller.ask(call)

    def _make(self, call: Any) -> Any:
        return self._client.caller.ask(call, repeatable=False)


def _property(said: Mapping[str, Any]) -> Property:
    return Property(
        text_of(said.get("name")),
        text_of(said.get("groupName")),
        text_of(said.get("type")),
        text_of(said.get("fieldType")),
        bool(said.get("hasUniqueValue")),
        tuple(dicts_of(said.get("options"))),
    )


def _pipeline(said: Mapping[str, Any]) -> Pipeline:
    stages = sorted(dicts_of(said.get("stages")), key=lambda stage: int(stage.get("displayOrder") or 0))
    return Pipeline(
        str(said.get("id", "")),
        text_of(said.get("label")),
        {str(stage.get("id", "")): text_of(stage.get("label")) for stage in stages if not stage.get("archived")},
    )


def _schema(said: Mapping[str, Any]) -> Schema:
    return Schema(text_of(said.get("name")), text_of(said.get("objectTypeId")) or text_of(said.get("id")))


def _moment(value: Any) -> float:
    try:
        return datetime.fromisoformat(text_of(value)).timestamp()
    except ValueError:
        return 0.0
