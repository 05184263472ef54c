from typing import Any

import pytest

from tests.fakes.hubspot import World
from tests.fakes.test_hubspot.conftest import Api

PATH = "/crm/associations/{v}/contacts/companies"


@pytest.fixture
def contact(world: World) -> str:
    return world.add("contacts", email="a@x.example")


@pytest.fixture
def company(world: World) -> str:
    return world.add("companies", name="X")


def pair(one: str, other: str, *numbers: int, category: str = "HUBSPOT_DEFINED") -> dict[str, Any]:
    types = [{"associationCategory": category, "associationTypeId": number} for number in numbers]
    return {"from": {"id": one}, "to": {"id": other}, "types": types}


def test_an_association_holds_both_ways(api: Api, contact: str, company: str) -> None:
    made = api.post(f"{PATH}/batch/create", {"inputs": [pair(contact, company, 279)]})
    assert made.status == 200
    assert made.body["results"] == [
        {
            "fromObjectTypeId": "0-1",
            "fromObjectId": contact,
            "toObjectTypeId": "0-2",
            "toObjectId": company,
            "labels": [],
        }
    ]
    back = api.post("/crm/associations/{v}/companies/contacts/batch/read", {"inputs": [{"id": company}]})
    assert back.body["results"][0]["to"] == [
        {"toObjectId": contact, "associationTypes": [{"category": "HUBSPOT_DEFINED", "typeId": 280}]}
    ]
    listed = api.get(f"/crm/objects/{{v}}/contacts/{contact}/associations/companies")
    assert [entry["toObjectId"] for entry in listed.body["results"]] == [company]
    read = api.get(f"/crm/objects/{{v}}/contacts/{contact}", associations="companies")
    assert read.body["associations"]["companies"]["results"] == [{"id": company, "type": "contact_to_company"}]


@pytest.mark.parametrize(("object_type", "number"), [("notes", 190), ("calls", 182), ("meetings", 188)])
def test_activities_hang_on_companies_by_types_of_their_own(
    api: Api, company: str, object_type: str, number: int
) -> None:
    def make(type_id: int) -> Any:
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]
        associations = [{"to": {"id": company}, "types": types}]
        said = {"properties": {"hs_timestamp": "2026-11-21T09:00:00Z"}, "associations": associations}
        return api.post(f"/crm/objects/{{v}}/{object_type}", said)

    made = make(number)
    assert made.status == 201
    back = api.get(f"/crm/objects/{{v}}/companies/{company}/associations/{object_type}")
    assert [entry["toObjectId"] for entry in back.body["results"]] == [made.body["id"]]
    assert make(204).status == 400  # that of tasks to contacts


def test_mails_need_a_scope_of_their_own(api: Api, world: World) -> None:
    world.revoke("sales-email-read")
    refused = api.get("/crm/objects/{v}/emails")
    assert (refused.status, refused.body["category"]) == (403, "MISSING_SCOPES")
    assert api.get("/crm/objects/{v}/calls").status == 200


def test_numbered_and_dated_versions_answer_differently(api: Api, contact: str, company: str) -> None:
    body = {"inputs": [pair(contact, company, 279), pair(contact, "1", 279)]}
    dated = api.post(f"{PATH}/batch/create", body)
    numbered = api.post("/crm/v4/associations/contacts/companies/batch/create", body)
    assert (dated.status, numbered.status) == (200, 207)
    assert dated.body["numErrors"] == numbered.body["numErrors"] == 1
    assert dated.body["errors"][0]["context"]["ids"] == ["1"]
    whole = api.post("/crm/v4/associations/contacts/companies/batch/create", {"inputs": [pair(contact, company, 279)]})
    assert whole.status == 201
    gone = {"inputs": [{"from": {"id": contact}, "to": [{"id": company}]}]}
    assert api.post("/crm/v4/associations/contacts/companies/batch/archive", gone).status == 204
    assert api.post(f"{PATH}/batch/archive", gone).status == 200


def test_default_associations_need_no_type(api: Api, world: World, contact: str, company: str) -> None:
    body = {"inputs": [{"from": {"id": contact}, "to": {"id": company}}, {"from": {"id": "1"}, "to": {"id": company}}]}
    made = api.post(f"{PATH}/batch/associate/default", body)
    assert [entry["associationSpec"]["associationTypeId"] for entry in made.body["results"]] == [279, 280]
    assert made.body["numErrors"] == 1
    assert world.linked("contacts", contact, "companies") == [company]
    ticket = world.add("tickets", hs_pipeline_stage="1")
    alone = api("PUT", f"/crm/objects/{{v}}/tickets/{ticket}/associations/default/contacts/{contact}")
    assert alone.status == 200
    assert world.linked("contacts", contact, "tickets") == [ticket]


def test_one_company_is_the_primary_one(api: Api, world: World, contact: str, company: str) -> None:
    second = world.add("companies", name="Y")
    api.post(f"{PATH}/batch/create", {"inputs": [pair(contact, company, 1)]})
    api.post(f"{PATH}/batch/create", {"inputs": [pair(contact, second, 1)]})
    read = api.post(f"{PATH}/batch/read", {"inputs": [{"id": contact}]})
    labels = {
        entry["toObjectId"]: [kind.get("label") for kind in entry["associationTypes"]]
        for entry in read.body["results"][0]["to"]
    }
    assert labels == {company: [None], second: ["Primary", None]}


def test_labels_are_made_shown_and_removed(api: Api, world: World, contact: str, company: str) -> None:
    made = api.post(f"{PATH}/labels", {"label": "Buys certificates", "name": "buyer", "inverseLabel": "Bought by"})
    number = made.body["results"][0]["typeId"]
    api.post(f"{PATH}/batch/create", {"inputs": [pair(contact, company, number, category="USER_DEFINED")]})
    assert {"category": "USER_DEFINED", "typeId": number, "label": "Buys certificates"} in api.get(
        f"{PATH}/labels"
    ).body["results"]
    back = api.post("/crm/associations/{v}/companies/contacts/batch/read", {"inputs": [{"id": company}]})
    labels = [kind.get("label") for kind in back.body["results"][0]["to"][0]["associationTypes"]]
    assert labels == ["Bought by", None]
    off = {"inputs": [pair(contact, company, number, category="USER_DEFINED")]}
    assert api.post(f"{PATH}/batch/labels/archive", off).status == 200
    assert world.linked("contacts", contact, "companies") == [company]
    assert api("DELETE", f"{PATH}/labels/{number}").status == 204
    assert api("DELETE", f"{PATH}/labels/{number}").status == 404


def test_a_type_of_another_direction_or_category_is_refused(api: Api, contact: str, company: str) -> None:
    for wrong in (pair(contact, company, 280), pair(contact, company, 279, category="USER_DEFINED")):
        reply = api.post(f"{PATH}/batch/create", {"inputs": [wrong]})
        assert (reply.body["numErrors"], reply.body["results"]) == (1, [])


def test_who_has_no_association_is_named(api: Api, contact: str) -> None:
    read = api.post(f"{PATH}/batch/read", {"inputs": [{"id": contact}]})
    assert read.body["errors"][0]["context"]["fromObjectId"] == [contact]
    numbered = api.post("/crm/v4/associations/contacts/companies/batch/read", {"inputs": [{"id": contact}]})
    assert numbered.status == 207


def test_many_associations_are_paged(api: Api, world: World, company: str) -> None:
    contacts = [world.add("contacts", email=f"{number}@x.example") for number in range(501)]
    for each in contacts:
        world.link("companies", company, "contacts", each)
    path = "/crm/associations/{v}/companies/contacts/batch/read"
    first = api.post(path, {"inputs": [{"id": company}]}).body["results"][0]
    rest = api.post(path, {"inputs": [{"id": company, "after": first["paging"]["next"]["after"]}]}).body["results"][0]
    assert [entry["toObjectId"] for entry in first["to"] + rest["to"]] == contacts
    assert "paging" not in rest


def test_both_ends_need_a_scope(api: Api, world: World, contact: str, company: str) -> None:
    world.revoke("crm.objects.companies.write")
    refused = api.post(f"{PATH}/batch/create", {"inputs": [pair(contact, company, 279)]})
    assert refused.body["errors"][0]["context"] == {"requiredGranularScopes": ["crm.objects.companies.write"]}
