"""Through HubSpot's own client, which knows the numbered versions only."""

from typing import Any

import pytest

from tests.fakes.hubspot import HubSpotServer, World

KEY = {
    "name": "nolapse_order_key",
    "label": "Order",
    "groupName": "ticketinformation",
    "type": "string",
    "fieldType": "text",
    "hasUniqueValue": True,
}


def upsert(*keys: str, **properties: str) -> dict[str, Any]:
    inputs = [
        {
            "id": key,
            "idProperty": "nolapse_order_key",
            "properties": {"hs_pipeline_stage": "1", **properties},
            "objectWriteTraceId": key,
        }
        for key in keys
    ]
    return {"inputs": inputs}


def test_records_by_batch(sdk: Any) -> None:
    sdk.crm.properties.core_api.create("tickets", KEY)
    batch = sdk.crm.objects.batch_api
    made = batch.upsert("tickets", upsert("d:1", "d:2"))
    assert {result.object_write_trace_id: result.new for result in made.results} == {"d:1": True, "d:2": True}
    failed = batch.upsert("tickets", upsert("d:1", colour="red"))
    assert (failed.num_errors, failed.errors[0].category) == (1, "VALIDATION_ERROR")
    assert failed.errors[0].context == {"objectWriteTraceId": ["d:1"]}
    asked = {
        "inputs": [{"id": "d:1"}],
        "idProperty": "nolapse_order_key",
        "properties": ["subject"],
        "propertiesWithHistory": [],
    }
    assert batch.read("tickets", asked).results[0].properties["subject"] is None


def test_errors_within_a_201_are_lost_by_the_client(sdk: Any, world: World) -> None:
    world.multi_status["v3"] = False
    wrong = {"properties": {"colour": "red"}, "associations": [], "objectWriteTraceId": "t"}
    made = sdk.crm.companies.batch_api.create({"inputs": [wrong]})
    assert made.results == []
    assert not hasattr(made, "errors")


def test_associations_search_owners_and_pipelines(sdk: Any, world: World) -> None:
    contact = world.add("contacts", email="a@x.example")
    ticket = world.add("tickets", hs_pipeline_stage="1")
    world.add_owner("rep@x.example")
    spec = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 16}
    pair = {"from": {"id": ticket}, "to": {"id": contact}, "types": [spec]}
    links = sdk.crm.associations.v4.batch_api
    assert links.create("tickets", "contacts", {"inputs": [pair]}).results[0].to_object_id == contact
    read = links.get_page("contacts", "tickets", {"inputs": [{"id": contact}]})
    assert read.results[0].to[0].to_object_id == ticket
    search = {"after": "", "limit": 10, "properties": [], "sorts": [], "filterGroups": []}
    assert sdk.crm.tickets.search_api.do_search(search).total == 1
    assert sdk.crm.owners.owners_api.get_page().results[0].email == "rep@x.example"
    assert sdk.crm.pipelines.pipelines_api.get_all("tickets").results[0].stages[0].label == "New"


def test_custom_objects_lists_and_mail(sdk: Any, world: World) -> None:
    world.tier = "enterprise"
    schema = sdk.crm.schemas.core_api.create(
        {
            "name": "certificate_order",
            "labels": {"singular": "Order", "plural": "Orders"},
            "properties": [{"name": "order_key", "label": "Key", "type": "string", "fieldType": "text"}],
            "requiredProperties": [],
            "associatedObjects": ["CONTACT"],
        }
    )
    assert schema.fully_qualified_name == f"p{world.portal_id}_certificate_order"
    made = sdk.crm.lists.lists_api.create({"name": "All", "objectTypeId": "0-1", "processingType": "MANUAL"})
    assert made.list.name == "All"
    sent = sdk.marketing.transactional.single_send_api.send_email(
        {
            "emailId": next(iter(world.mail_templates)),
            "message": {"to": "a@x.example", "cc": [], "bcc": [], "replyTo": [], "sendId": "d:1:30"},
            "contactProperties": {},
            "customProperties": {},
        }
    )
    assert (sent.status, len(world.sent)) == ("PENDING", 1)


@pytest.mark.parametrize(
    ("status", "name"),
    [(401, "UnauthorizedException"), (403, "ForbiddenException"), (404, "NotFoundException"), (429, "ApiException")],
)
def test_failures_are_the_exceptions_that_the_client_makes_of_them(
    sdk: Any, server: HubSpotServer, status: int, name: str
) -> None:
    server.fail(status)
    with pytest.raises(Exception, match=str(status)) as caught:
        sdk.crm.owners.owners_api.get_page()
    error: Any = caught.value
    assert type(error).__name__ == name
    assert '"correlationId"' in error.body
