from typing import Any

import pytest

from tests.fakes.hubspot import World
from tests.fakes.test_hubspot.conftest import Api

CHOICE = {"label": "Yes", "value": "yes", "displayOrder": 0, "hidden": False}
STAGES = [{"label": "Upcoming", "displayOrder": 0, "metadata": {"ticketState": "OPEN"}}]
PIPELINE = {"label": "Renewals", "displayOrder": 1, "stages": STAGES}
SCHEMA: dict[str, Any] = {
    "name": "certificate_order",
    "labels": {"singular": "Certificate order", "plural": "Certificate orders"},
    "properties": [
        {"name": "order_key", "label": "Key", "type": "string", "fieldType": "text", "hasUniqueValue": True},
        {"name": "ends_on", "label": "Ends on", "type": "date", "fieldType": "date"},
    ],
    "requiredProperties": ["order_key"],
    "searchableProperties": ["order_key"],
    "secondaryDisplayProperties": ["ends_on"],
    "primaryDisplayProperty": "order_key",
    "associatedObjects": ["CONTACT", "0-2"],
    "allowsSensitiveProperties": False,
}


def test_a_property_is_defined_changed_and_archived(api: Api) -> None:
    made = api.define("tickets", "nolapse_stage", type="enumeration", fieldType="select", options=[CHOICE])
    assert (made.status, made.body["hubspotDefined"]) == (201, False)
    path = "/crm/properties/{v}/tickets/nolapse_stage"
    more = [CHOICE, {**CHOICE, "label": "No", "value": "no"}]
    assert len(api("PATCH", path, {"options": more}).body["options"]) == 2
    assert api("DELETE", path).status == 204
    assert api.get(path).status == 404
    assert api.get(path, archived="true").status == 200
    assert api.define("tickets", "nolapse_stage").status == 201


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"name": "subject"}, 409),
        ({"name": "Bad Name"}, 400),
        ({"groupName": "no_such_group"}, 400),
        ({"type": "string", "fieldType": "date"}, 400),
        ({"type": "colour"}, 400),
        ({"type": "enumeration", "fieldType": "select"}, 400),
        ({"type": "enumeration", "fieldType": "select", "options": [CHOICE, CHOICE]}, 400),
        ({"type": "enumeration", "fieldType": "select", "options": [{"label": "Yes", "value": "yes"}]}, 400),
        ({"type": "date", "fieldType": "date", "hasUniqueValue": True}, 400),
        ({"displayOrder": "1"}, 400),
        ({"colour": "red"}, 400),
    ],
)
def test_a_definition_that_is_not_as_documented_is_refused(api: Api, told: dict[str, Any], status: int) -> None:
    assert api.define("tickets", **({"name": "fine"} | told)).status == status


def test_no_more_than_ten_properties_are_unique(api: Api) -> None:
    made = [api.define("tickets", f"key_{number}", hasUniqueValue=True).status for number in range(11)]
    assert made == [201] * 10 + [400]


def test_a_portal_may_refuse_a_unique_property_on_tasks(api: Api, world: World) -> None:
    world.unique_on_tasks = False
    refused = api.define("tasks", "nolapse_task_key", hasUniqueValue=True)
    assert (refused.status, refused.body["category"]) == (400, "VALIDATION_ERROR")
    assert api.define("tasks", "nolapse_task_key").status == 201


def test_properties_are_defined_in_batches(api: Api) -> None:
    body = {"name": "one", "label": "One", "groupName": "ticketinformation", "type": "string", "fieldType": "text"}
    reply = api.post("/crm/properties/{v}/tickets/batch/create", {"inputs": [body, body]})
    assert (reply.status, reply.body["numErrors"]) == (207, 1)
    asked = {"inputs": [{"name": "one"}, {"name": "two"}], "archived": False, "dataSensitivity": "non_sensitive"}
    read = api.post("/crm/properties/{v}/tickets/batch/read", asked)
    assert [entry["name"] for entry in read.body["results"]] == ["one"]
    assert read.body["errors"][0]["context"] == {"name": ["two"]}
    assert api.post("/crm/properties/{v}/tickets/batch/archive", {"inputs": [{"name": "one"}]}).status == 204
    assert "one" not in [entry["name"] for entry in api.get("/crm/properties/{v}/tickets").body["results"]]


def test_hubspots_own_properties_stay(api: Api) -> None:
    assert api("DELETE", "/crm/properties/{v}/tickets/subject").status == 400
    assert api("PATCH", "/crm/properties/{v}/tickets/subject", {"type": "number"}).status == 400


def test_groups_are_made_once_and_go_when_empty(api: Api) -> None:
    path = "/crm/properties/{v}/tasks/groups"
    assert [group["name"] for group in api.get(path).body["results"]] == ["task"]
    assert api.post(path, {"name": "nolapse", "label": "Nolapse"}).status == 201
    assert api.post(path, {"name": "nolapse", "label": "Nolapse"}).status == 409
    assert api("PATCH", f"{path}/nolapse", {"label": "Renewals"}).body["label"] == "Renewals"
    assert api.define("tasks", "note", groupName="nolapse").status == 201
    assert api("DELETE", f"{path}/nolapse").status == 400
    api("DELETE", "/crm/properties/{v}/tasks/note")
    assert api("DELETE", f"{path}/nolapse").status == 204
    assert api.get(f"{path}/nolapse").status == 404


def test_a_pipeline_is_made_with_its_stages(api: Api) -> None:
    made = api.post("/crm/pipelines/{v}/tickets", PIPELINE)
    assert made.status == 201
    path = f"/crm/pipelines/{{v}}/tickets/{made.body['id']}"
    closed = {"label": "Renewed", "displayOrder": 1, "metadata": {"ticketState": "CLOSED"}}
    stage = api.post(f"{path}/stages", closed).body
    assert stage["metadata"] == {"ticketState": "CLOSED", "isClosed": "true"}
    assert [each["label"] for each in api.get(path).body["stages"]] == ["Upcoming", "Renewed"]
    one = f"{path}/stages/{stage['id']}"
    assert api("PATCH", one, {"label": "Won", "metadata": {}}).body["label"] == "Won"
    assert api("PUT", one, {**closed, "label": "Done"}).body["label"] == "Done"
    assert api.get(one).body["label"] == "Done"
    assert [each["label"] for each in api.get(f"{path}/stages").body["results"]] == ["Upcoming", "Done"]
    ticket = {"properties": {"hs_pipeline": made.body["id"], "hs_pipeline_stage": stage["id"]}, "associations": []}
    assert api.post("/crm/objects/{v}/tickets", ticket).body["properties"]["hs_is_closed"] == "true"
    assert api("DELETE", one).status == 400
    assert api("DELETE", path, validateReferencesBeforeDelete="true").status == 400
    assert api("DELETE", path).status == 204
    assert api("PATCH", path, {"archived": False}).body["archived"] is False


def test_a_pipeline_is_replaced(api: Api) -> None:
    made = api.post("/crm/pipelines/{v}/tickets", PIPELINE).body
    kept = {**STAGES[0], "stageId": made["stages"][0]["id"], "label": "Ahead"}
    new = {"label": "Lost", "displayOrder": 2, "metadata": {"ticketState": "CLOSED"}}
    path = f"/crm/pipelines/{{v}}/tickets/{made['id']}"
    replaced = api("PUT", path, {**PIPELINE, "stages": [kept, new]})
    assert [stage["label"] for stage in replaced.body["stages"]] == ["Ahead", "Lost"]
    assert replaced.body["stages"][0]["id"] == made["stages"][0]["id"]


@pytest.mark.parametrize(
    ("object_type", "told", "status"),
    [
        ("tickets", {"label": "Support Pipeline"}, 409),
        ("tickets", {"stages": [*STAGES, *STAGES]}, 400),
        ("tickets", {"stages": [{**STAGES[0], "metadata": {"ticketState": "AJAR"}}]}, 400),
        ("tickets", {"stages": [{"label": "x", "displayOrder": 0}]}, 400),
        ("deals", {}, 400),
        ("deals", {"stages": [{**STAGES[0], "metadata": {"probability": 0.5}}]}, 400),
        ("contacts", {}, 400),
    ],
)
def test_a_pipeline_that_is_not_as_documented_is_refused(
    api: Api, object_type: str, told: dict[str, Any], status: int
) -> None:
    assert api.post(f"/crm/pipelines/{{v}}/{object_type}", PIPELINE | told).status == status


def test_the_tier_bounds_the_number_of_pipelines(api: Api, world: World) -> None:
    world.tier = "starter"
    assert api.post("/crm/pipelines/{v}/tickets", PIPELINE).status == 201
    assert api.post("/crm/pipelines/{v}/tickets", {**PIPELINE, "label": "More"}).status == 403


def test_custom_objects_need_the_enterprise_tier(api: Api, world: World) -> None:
    assert api.get("/crm-object-schemas/{v}/schemas").status == 403
    assert api.post("/crm-object-schemas/{v}/schemas", SCHEMA).status == 403
    world.tier = "enterprise"
    assert api.get("/crm-object-schemas/{v}/schemas").body["results"] == []


def test_a_custom_object_works_like_the_others(api: Api, world: World) -> None:
    world.tier = "enterprise"
    made = api.post("/crm-object-schemas/{v}/schemas", SCHEMA)
    assert made.status == 201
    assert api.post("/crm-object-schemas/{v}/schemas", SCHEMA).status == 409
    contact = world.add("contacts", email="a@x.example")
    order = {"id": "d:1", "idProperty": "order_key", "properties": {"ends_on": "2026-12-01"}}
    for named in (made.body["objectTypeId"], made.body["fullyQualifiedName"], "p_certificate_order"):
        assert api.objects(named, "upsert", order).status == 200
    [record] = world.records("certificate_order")
    labels = api.get("/crm/associations/{v}/p_certificate_order/contacts/labels").body["results"]
    kind = {"associationCategory": labels[0]["category"], "associationTypeId": labels[0]["typeId"]}
    body = {"inputs": [{"from": {"id": record.id}, "to": {"id": contact}, "types": [kind]}]}
    assert api.post("/crm/associations/{v}/p_certificate_order/contacts/batch/create", body).status == 200
    assert world.linked("contacts", contact, "certificate_order") == [record.id]
    assert api.post("/crm/pipelines/{v}/p_certificate_order", PIPELINE).status == 201
    schema = f"/crm-object-schemas/{{v}}/schemas/{made.body['objectTypeId']}"
    assert api("DELETE", schema).status == 400
    world.archive("certificate_order", record.id)
    changed = api("PATCH", schema, {"description": "Orders", "clearDescription": False})
    assert changed.body["description"] == "Orders"
    assert {entry["name"] for entry in api.get(schema).body["properties"]} >= {"order_key", "ends_on"}
    assert api("DELETE", schema).status == 204
    assert api.get(schema).status == 400


def test_a_custom_object_can_be_associated_with_more(api: Api, world: World) -> None:
    world.tier = "enterprise"
    own = api.post("/crm-object-schemas/{v}/schemas", SCHEMA).body["objectTypeId"]
    path = f"/crm-object-schemas/{{v}}/schemas/{own}/associations"
    body = {"fromObjectTypeId": own, "toObjectTypeId": "0-3"}
    made = api.post(path, body)
    assert (made.status, api.post(path, body).status) == (201, 409)
    assert api("DELETE", f"{path}/{made.body['id']}").status == 204
    assert api("DELETE", f"{path}/{made.body['id']}").status == 404


@pytest.mark.parametrize(
    "told",
    [
        {"name": "Certificate Order"},
        {"requiredProperties": ["colour"]},
        {"primaryDisplayProperty": "colour"},
        {"associatedObjects": ["DRAGON"]},
        {"properties": [{"name": "order_key", "label": "Key", "type": "string", "fieldType": "date"}]},
        {"colour": "red"},
    ],
)
def test_a_schema_that_is_not_as_documented_is_refused(api: Api, world: World, told: dict[str, Any]) -> None:
    world.tier = "enterprise"
    assert api.post("/crm-object-schemas/{v}/schemas", SCHEMA | told).status == 400
    assert "certificate_order" not in world.kinds
