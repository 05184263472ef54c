from typing import Any

import pytest

from tests.fakes.hubspot import ManualClock, World
from tests.fakes.test_hubspot.conftest import Api

TICKET = {"subject": "example.com ends", "hs_pipeline_stage": "1"}


def created(**properties: Any) -> dict[str, Any]:
    return {"properties": properties, "associations": []}


def test_a_record_is_made_read_changed_and_archived(api: Api, clock: ManualClock) -> None:
    made = api.post("/crm/objects/{v}/tickets", created(**TICKET))
    assert made.status == 201
    path = f"/crm/objects/{{v}}/tickets/{made.body['id']}"
    assert made.body["properties"]["hs_pipeline"] == "0"
    clock.advance(seconds=5)
    changed = api("PATCH", path, {"properties": {"subject": "", "hs_pipeline_stage": "4"}})
    assert changed.body["properties"]["hs_is_closed"] == "true"
    read = api.get(path, properties="subject,hs_pipeline_stage,no_such_property", propertiesWithHistory="subject")
    assert read.body["properties"]["subject"] is None
    assert "no_such_property" not in read.body["properties"]
    assert [entry["value"] for entry in read.body["propertiesWithHistory"]["subject"]] == ["", "example.com ends"]
    assert read.body["updatedAt"] > read.body["createdAt"]
    assert api("DELETE", path).status == 204
    assert api.get(path).status == 404
    assert api.get(path, archived="true").body["archived"] is True


def test_a_person_at_the_screen_is_told_from_our_app(api: Api, world: World) -> None:
    record = world.add("tickets", **TICKET)
    api("PATCH", f"/crm/objects/{{v}}/tickets/{record}", {"properties": {"subject": "ours"}})
    world.edit("tickets", record, user_id=77, subject="theirs")
    read = api.get(f"/crm/objects/{{v}}/tickets/{record}", propertiesWithHistory="subject")
    history = read.body["propertiesWithHistory"]["subject"]
    assert [entry["sourceType"] for entry in history] == ["CRM_UI", "INTEGRATION", "CRM_UI"]
    assert history[0]["updatedByUserId"] == 77


@pytest.mark.parametrize(
    ("properties", "code"),
    [
        ({"no_such_property": "x"}, "PROPERTY_DOESNT_EXIST"),
        ({"hs_object_id": "1"}, "READ_ONLY_VALUE"),
        ({"hs_ticket_priority": "EXTREME"}, "INVALID_OPTION"),
        ({"closed_date": "tomorrow"}, "INVALID_DATE"),
        ({"hs_pipeline_stage": "99"}, "INVALID_OPTION"),
        ({"hs_pipeline": "99"}, "INVALID_OPTION"),
        ({"hubspot_owner_id": "99"}, "INVALID_OWNER_ID"),
    ],
)
def test_a_wrong_value_is_refused_and_named(api: Api, properties: dict[str, str], code: str) -> None:
    refused = api.post("/crm/objects/{v}/tickets", created(**(TICKET | properties)))
    assert (refused.status, refused.body["category"]) == (400, "VALIDATION_ERROR")
    assert refused.body["errors"][0]["code"] == code
    assert refused.body["errors"][0]["context"] == {"propertyName": [next(iter(properties))]}
    assert refused.error.startswith("Property values were not valid: [")


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("date", "2026-12-01", "2026-12-01"),
        ("date", "1796083200000", "2026-12-01"),
        ("date", "1796083200001", None),
        ("datetime", "1796083200001", "2026-12-01T00:00:00.001Z"),
        ("datetime", "2026-12-01T01:00:00+01:00", "2026-12-01T00:00:00.000Z"),
        ("datetime", "2026-12-01T01:00:00", None),
        ("number", "12.5", "12.5"),
        ("number", "twelve", None),
        ("bool", "true", "true"),
        ("bool", "yes", None),
    ],
)
def test_values_are_strings_of_their_type(api: Api, kind: str, value: str, kept: str | None) -> None:
    field_type = {"bool": "booleancheckbox", "number": "number"}.get(kind, "date")
    assert api.define("tickets", "special", type=kind, fieldType=field_type).status == 201
    made = api.post("/crm/objects/{v}/tickets", created(**TICKET, special=value))
    assert made.status == (201 if kept else 400)
    assert made.body.get("properties", {}).get("special") == kept


@pytest.mark.parametrize("value", [1, 1.5, True, None, ["x"], {"x": "y"}])
def test_a_value_that_is_no_string_is_refused(api: Api, value: Any) -> None:
    refused = api.post("/crm/objects/{v}/tickets", created(**TICKET, content=value))
    assert (refused.status, refused.body["category"]) == (400, "VALIDATION_ERROR")
    assert "body.properties.content must be of type string" in refused.error


@pytest.mark.parametrize(
    "body",
    [
        {"properties": TICKET},
        {"properties": TICKET, "associations": [], "note": "x"},
        {"properties": TICKET, "associations": {}},
        [],
    ],
)
def test_fields_that_are_missing_unknown_or_wrong_are_refused(api: Api, body: Any) -> None:
    assert api.post("/crm/objects/{v}/tickets", body).status == 400


def test_undocumented_paths_and_parameters_are_refused(api: Api) -> None:
    assert api.get("/crm/objects/2025-01/tickets").status == 404
    assert api("PUT", "/crm/objects/{v}/tickets", {}).status == 404
    assert api.get("/crm/objects/{v}/tickets", colour="red").status == 400
    assert api.get("/crm/objects/{v}/dragons").status == 400
    assert [call.operation for call in api.server.calls] == ["", "", "objects.list", "objects.list"]


@pytest.mark.parametrize("version", ["2026-03", "2026-09"])
@pytest.mark.parametrize("named", ["tickets", "ticket", "0-5"])
def test_a_kind_of_object_has_several_names_and_versions(api: Api, version: str, named: str) -> None:
    api.version = version
    assert api.get(f"/crm/objects/{{v}}/{named}").status == 200
    assert api.get(f"/crm/v3/objects/{named}").status == 200
    assert {call.object_type for call in api.server.calls} == {"tickets"}


def test_a_listing_is_paged(api: Api, world: World) -> None:
    made = [world.add("tickets", **TICKET) for _ in range(5)]
    first = api.get("/crm/objects/{v}/tickets", limit=3)
    second = api.get("/crm/objects/{v}/tickets", limit=3, after=first.body["paging"]["next"]["after"])
    assert [result["id"] for result in first.body["results"] + second.body["results"]] == made
    assert "paging" not in second.body


def test_an_address_belongs_to_one_contact(api: Api, world: World) -> None:
    contact = world.add("contacts", email="Anna@Example.com")
    refused = api.post("/crm/objects/{v}/contacts", created(email="anna@example.com"))
    assert (refused.status, refused.body["category"]) == (409, "CONFLICT")
    assert refused.error == f"Contact already exists. Existing ID: {contact}"
    found = api.get("/crm/objects/{v}/contacts/ANNA@example.com", idProperty="email")
    assert found.body["id"] == contact


def test_merged_contacts_are_found_under_all_their_names(api: Api, world: World) -> None:
    one, two = world.add("contacts", email="a@x.example"), world.add("contacts", email="b@x.example", phone="1")
    company = world.add("companies", name="X")
    world.link("contacts", two, "companies", company)
    merged = api.post("/crm/objects/{v}/contacts/merge", {"primaryObjectId": one, "objectIdToMerge": two})
    survivor = merged.body["id"]
    assert merged.body["properties"]["email"] == "a@x.example"
    assert merged.body["properties"]["phone"] == "1"
    assert merged.body["properties"]["hs_merged_object_ids"] == f"{one};{two}"
    read = api.objects("contacts", "read", {"id": one}, {"id": two}, properties=["email"], propertiesWithHistory=[])
    assert [result["id"] for result in read.body["results"]] == [survivor]
    assert api.get("/crm/objects/{v}/contacts/b@x.example", idProperty="email").body["id"] == survivor
    assert world.linked("contacts", survivor, "companies") == [company]
    assert world.linked("companies", company, "contacts") == [survivor]


def test_a_contact_deleted_for_privacy_is_gone_for_good(api: Api, world: World) -> None:
    contact, company = world.add("contacts", email="a@x.example"), world.add("companies", name="X")
    world.link("contacts", contact, "companies", company)
    gone = api.post("/crm/objects/{v}/contacts/gdpr-delete", {"objectId": "a@x.example", "idProperty": "email"})
    assert gone.status == 204
    assert api.get(f"/crm/objects/{{v}}/contacts/{contact}", archived="true").status == 404
    assert world.linked("companies", company, "contacts") == []


def test_a_task_that_is_completed_says_when(api: Api, world: World) -> None:
    task = world.add("tasks", hs_timestamp="2026-12-01T09:00:00Z", hs_task_status="NOT_STARTED")
    done = api("PATCH", f"/crm/objects/{{v}}/tasks/{task}", {"properties": {"hs_task_status": "COMPLETED"}})
    assert done.body["properties"]["hs_task_completion_date"]
    again = api("PATCH", f"/crm/objects/{{v}}/tasks/{task}", {"properties": {"hs_task_status": "WAITING"}})
    assert "hs_task_completion_date" not in again.body["properties"]


def test_what_a_kind_of_object_needs_is_asked_for(api: Api) -> None:
    refused = api.post("/crm/objects/{v}/tasks", created(hs_task_subject="Call"))
    assert (refused.status, refused.body["context"]) == (400, {"properties": ["hs_timestamp"]})


def test_an_administrators_rule_is_enforced(api: Api, world: World) -> None:
    world.require("tickets", "content")
    refused = api.post("/crm/objects/{v}/tickets", created(**TICKET))
    assert refused.body["errors"][0]["context"] == {"propertyName": ["content"]}
    assert api.post("/crm/objects/{v}/tickets", created(**TICKET, content="x")).status == 201


def test_an_owner_who_left_is_given_nothing(api: Api, world: World) -> None:
    owner = world.add_owner("rep@x.example")
    assert api.post("/crm/objects/{v}/tickets", created(**TICKET, hubspot_owner_id=owner.id)).status == 201
    world.deactivate_owner(owner.id)
    assert api.post("/crm/objects/{v}/tickets", created(**TICKET, hubspot_owner_id=owner.id)).status == 400
