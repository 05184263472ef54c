from typing import Any

import pytest

from tests.fakes.hubspot import World
from tests.fakes.test_hubspot.conftest import Api

KEY = "nolapse_order_key"


@pytest.fixture(autouse=True)
def keyed(api: Api) -> None:
    assert api.define("tickets", KEY, hasUniqueValue=True).body["hasUniqueValue"] is True


def upserted(key: str, trace: str | None = None, **properties: str) -> dict[str, Any]:
    body: dict[str, Any] = {"id": key, "idProperty": KEY, "properties": {"hs_pipeline_stage": "1", **properties}}
    return body | ({"objectWriteTraceId": trace} if trace else {})


def new(key: str, trace: str | None = None, **properties: str) -> dict[str, Any]:
    body: dict[str, Any] = {"properties": {KEY: key, "hs_pipeline_stage": "1", **properties}, "associations": []}
    return body | ({"objectWriteTraceId": trace} if trace else {})


def test_upsert_makes_what_is_not_there_and_changes_what_is(api: Api) -> None:
    first = api.objects("tickets", "upsert", upserted("d:1", "t1"), upserted("d:2", "t2"))
    assert first.status == 200
    assert {result["objectWriteTraceId"]: result["new"] for result in first.body["results"]} == {"t1": True, "t2": True}
    again = api.objects("tickets", "upsert", upserted("d:2", subject="x"), upserted("d:3"))
    assert {result["properties"][KEY]: result["new"] for result in again.body["results"]} == {"d:2": False, "d:3": True}


def test_results_come_in_an_order_of_their_own(api: Api) -> None:
    made = api.objects("tickets", "upsert", upserted("d:1"), upserted("d:2"))
    assert [values[KEY] for values in made.values] == ["d:2", "d:1"]


@pytest.mark.parametrize(
    "inputs",
    [
        [upserted("d:1"), upserted("d:1")],
        [upserted("d:1"), {**upserted("d:2"), "idProperty": "subject"}],
        [{**upserted("d:1"), "idProperty": "subject"}],
        [{"id": "1", "properties": {}}],
        [{**upserted("d:1"), "associations": []}],
        [upserted(f"d:{n}") for n in range(101)],
    ],
)
def test_an_upsert_that_is_not_as_documented_is_refused_as_a_whole(
    api: Api, world: World, inputs: list[dict[str, Any]]
) -> None:
    assert api.objects("tickets", "upsert", *inputs).status == 400
    assert world.records("tickets") == []


@pytest.mark.parametrize(("version", "status"), [("2026-03", 207), ("2026-09", 200)])
def test_one_bad_record_does_not_stop_an_upsert(api: Api, world: World, version: str, status: int) -> None:
    api.version = version
    reply = api.objects("tickets", "upsert", upserted("d:1", "t1"), upserted("d:2", "t2", colour="red"))
    assert reply.status == status
    assert [values[KEY] for values in reply.values] == ["d:1"]
    assert (reply.body["numErrors"], reply.body["status"]) == (1, "COMPLETE")
    error = reply.body["errors"][0]
    assert (error["category"], error["context"]) == ("VALIDATION_ERROR", {"objectWriteTraceId": ["t2"]})
    assert error["errors"][0]["context"] == {"propertyName": ["colour"]}
    assert len(world.records("tickets")) == 1


@pytest.mark.parametrize(("version", "status"), [("2026-03", 207), ("2026-09", 201)])
def test_creating_with_trace_ids_fails_record_by_record(api: Api, version: str, status: int) -> None:
    api.version = version
    reply = api.objects("tickets", "create", new("d:1", "a"), new("d:1", "b"), new("d:2", "c"))
    assert reply.status == status
    assert {values[KEY] for values in reply.values} == {"d:1", "d:2"}
    assert reply.body["errors"][0]["context"] == {"objectWriteTraceId": ["b"]}
    assert reply.body["errors"][0]["errors"][0]["code"] == "CONFLICTING_UNIQUE_VALUE"


@pytest.mark.parametrize("traces", [(None, None), ("same", "same"), ("a", None)])
def test_creating_without_trace_ids_of_their_own_fails_as_a_whole(
    api: Api, world: World, traces: tuple[str | None, str | None]
) -> None:
    refused = api.objects("tickets", "create", new("d:1", traces[0]), new("d:2", traces[1], colour="red"))
    assert (refused.status, refused.body["errors"][0]["code"]) == (400, "PROPERTY_DOESNT_EXIST")
    twice = api.objects("tickets", "create", new("d:1"), new("d:1"))
    assert twice.status == 409
    assert world.records("tickets") == []


def test_multi_status_can_be_told(api: Api, world: World) -> None:
    world.multi_status["2026-03"] = False
    assert api.objects("tickets", "create", new("d:1", "a", colour="red")).status == 201


def test_reading_by_key_names_what_is_missing(api: Api) -> None:
    api.objects("tickets", "upsert", upserted("d:1", subject="x"))
    found = api.objects(
        "tickets",
        "read",
        {"id": "d:1"},
        {"id": "d:2"},
        idProperty=KEY,
        properties=["subject"],
        propertiesWithHistory=[],
    )
    assert (found.status, found.values[0]["subject"]) == (207, "x")
    assert found.body["errors"][0]["context"] == {"ids": ["d:2"]}
    assert found.body["errors"][0]["category"] == "OBJECT_NOT_FOUND"
    all_there = api.objects(
        "tickets", "read", {"id": "d:1"}, idProperty=KEY, properties=[], propertiesWithHistory=["subject"]
    )
    assert (all_there.status, "errors" in all_there.body) == (200, False)
    assert all_there.body["results"][0]["propertiesWithHistory"]["subject"][0]["value"] == "x"


def test_updating_what_is_not_there_is_an_error_of_that_record(api: Api) -> None:
    api.objects("tickets", "upsert", upserted("d:1"))
    reply = api.objects(
        "tickets",
        "update",
        {"id": "d:1", "idProperty": KEY, "properties": {"subject": "x"}},
        {"id": "d:2", "idProperty": KEY, "properties": {"subject": "x"}, "objectWriteTraceId": "t"},
    )
    assert reply.status == 207
    assert reply.body["errors"][0]["context"] == {"ids": ["d:2"], "objectWriteTraceId": ["t"]}


def test_an_archived_record_frees_its_key(api: Api, world: World) -> None:
    api.objects("tickets", "upsert", upserted("d:1"))
    old = world.records("tickets")[0].id
    assert api.objects("tickets", "archive", {"id": old}).status == 204
    again = api.objects("tickets", "upsert", upserted("d:1"))
    assert again.body["results"][0]["new"] is True
    assert again.body["results"][0]["id"] != old


def test_a_key_can_be_changed_and_is_then_free(api: Api) -> None:
    api.objects("tickets", "upsert", upserted("d:1"))
    api.objects("tickets", "update", {"id": "d:1", "idProperty": KEY, "properties": {KEY: "d:2"}})
    assert api.objects("tickets", "upsert", upserted("d:1")).body["results"][0]["new"] is True
    taken = api.objects("tickets", "update", {"id": "d:1", "idProperty": KEY, "properties": {KEY: "d:2"}})
    assert taken.body["errors"][0]["errors"][0]["code"] == "CONFLICTING_UNIQUE_VALUE"


def test_a_new_record_can_be_associated_at_once(api: Api, world: World) -> None:
    contact = world.add("contacts", email="a@x.example")
    kind = {"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 16}
    linked = {"to": {"id": contact}, "types": [kind]}
    made = api.objects("tickets", "create", {**new("d:1"), "associations": [linked]})
    assert world.linked("tickets", made.body["results"][0]["id"], "contacts") == [contact]
    for wrong in ({**linked, "to": {"id": "1"}}, {**linked, "types": [{**kind, "associationTypeId": 9999}]}):
        assert api.objects("tickets", "create", {**new("d:2"), "associations": [wrong]}).status == 400
    assert len(world.records("tickets")) == 1


def test_an_empty_batch_does_nothing_but_shows_that_it_may(api: Api, world: World) -> None:
    assert api.objects("tickets", "update").status == 200
    world.revoke("tickets")
    assert api.objects("tickets", "update").status == 403
