from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.hubspot import ManualClock, World
from tests.fakes.hubspot.clock import milliseconds
from tests.fakes.test_hubspot.conftest import Api


def where(name: str, operator: str, *values: str, high: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"propertyName": name, "operator": operator}
    if operator.endswith("IN"):
        return body | {"values": list(values)}
    return body | ({"value": values[0]} if values else {}) | ({"highValue": high} if high else {})


@pytest.fixture
def companies(world: World) -> list[str]:
    return [
        world.add("companies", name="Alder", numberofemployees="9"),
        world.add("companies", name="birch wood", numberofemployees="10"),
        world.add("companies", name="Cedar"),
    ]


@pytest.mark.parametrize(
    ("condition", "found"),
    [
        (where("name", "EQ", "alder"), [0]),
        (where("name", "NEQ", "Alder"), [1, 2]),
        (where("name", "IN", "alder", "Cedar"), [0, 2]),
        (where("name", "NOT_IN", "alder"), [1, 2]),
        (where("numberofemployees", "GT", "9"), [1]),
        (where("numberofemployees", "GTE", "9"), [0, 1]),
        (where("numberofemployees", "LT", "10"), [0]),
        (where("numberofemployees", "LTE", "10"), [0, 1]),
        (where("numberofemployees", "BETWEEN", "9", high="9.5"), [0]),
        (where("numberofemployees", "HAS_PROPERTY"), [0, 1]),
        (where("numberofemployees", "NOT_HAS_PROPERTY"), [2]),
        (where("name", "CONTAINS_TOKEN", "wood"), [1]),
        (where("name", "NOT_CONTAINS_TOKEN", "wood"), [0, 2]),
    ],
)
def test_every_operator(api: Api, companies: list[str], condition: dict[str, Any], found: list[int]) -> None:
    reply = api.search("companies", condition)
    assert [result["id"] for result in reply.body["results"]] == [companies[position] for position in found]
    assert reply.body["total"] == len(found)


def test_groups_are_alternatives_and_a_query_narrows(api: Api, companies: list[str]) -> None:
    groups = [{"filters": [where("name", "EQ", "alder")]}, {"filters": [where("name", "EQ", "cedar")]}]
    assert api.search("companies", filterGroups=groups).body["total"] == 2
    assert api.search("companies", filterGroups=groups, query="CED").body["total"] == 1


@pytest.mark.parametrize(
    ("sorts", "order"),
    [([], [0, 1, 2]), (["-name"], [2, 1, 0]), (["numberofemployees"], [0, 1, 2]), (["-numberofemployees"], [1, 0, 2])],
)
def test_results_are_sorted_those_without_a_value_last(
    api: Api, companies: list[str], sorts: list[str], order: list[int]
) -> None:
    reply = api.search("companies", sorts=sorts)
    assert [result["id"] for result in reply.body["results"]] == [companies[position] for position in order]


def test_what_changed_since_is_found_by_either_way_to_say_when(api: Api, world: World, clock: ManualClock) -> None:
    old = world.add("contacts", email="old@x.example")
    clock.advance(seconds=60)
    since = clock.now()
    new = world.add("contacts", email="new@x.example")
    for value in (str(milliseconds(since)), since.isoformat()):
        assert [
            result["id"] for result in api.search("contacts", where("lastmodifieddate", "GTE", value)).body["results"]
        ] == [new]
    world.edit("contacts", old, phone="1")
    assert api.search("contacts", where("lastmodifieddate", "GTE", str(milliseconds(since)))).body["total"] == 2


def test_searches_lag_behind_while_reads_do_not(api: Api, world: World, clock: ManualClock) -> None:
    world.search_lag = timedelta(seconds=10)
    company = world.add("companies", name="Alder")
    assert api.search("companies").body["total"] == 0
    assert api.get(f"/crm/objects/{{v}}/companies/{company}").status == 200
    clock.advance(seconds=10)
    world.edit("companies", company, name="Ash")
    seen = api.search("companies", properties=["name"])
    assert seen.values[0]["name"] == "Alder"
    world.archive("companies", company)
    clock.advance(seconds=10)
    assert api.search("companies").body["total"] == 0


def test_pages_end_at_ten_thousand(api: Api, world: World) -> None:
    for number in range(3):
        world.add("companies", name=str(number))
    first = api.search("companies", limit=2)
    after = first.body["paging"]["next"]["after"]
    assert [
        result["properties"]["name"] for result in api.search("companies", limit=2, after=after).body["results"]
    ] == ["2"]
    assert api.search("companies", after="9900", limit=100).status == 200
    beyond = api.search("companies", after="9901", limit=100)
    assert (beyond.status, beyond.body["errors"][0]["in"]) == (400, "after")


@pytest.mark.parametrize(
    "told",
    [
        {"filterGroups": [{"filters": [where("name", "EQ", "x")]}] * 6},
        {"filterGroups": [{"filters": [where("name", "EQ", "x")] * 7}]},
        {"filterGroups": [{"filters": [where("name", "EQ", "x")] * 5}] * 4},
        {"filterGroups": [{"filters": [where("colour", "EQ", "x")]}]},
        {"filterGroups": [{"filters": [where("name", "LIKE", "x")]}]},
        {"filterGroups": [{"filters": [{"propertyName": "name", "operator": "IN", "value": "x"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "name", "operator": "EQ"}]}]},
        {"filterGroups": [{"filters": [{"propertyName": "name", "operator": "EQ", "value": 1}]}]},
        {"sorts": ["name", "domain"]},
        {"sorts": [{"propertyName": "name", "direction": "ASCENDING"}]},
        {"sorts": ["colour"]},
        {"limit": 201},
        {"limit": 0},
        {"query": "x" * 3001},
        {"after": "next"},
        {"colour": "red"},
    ],
)
def test_a_search_beyond_its_limits_is_refused(api: Api, told: dict[str, Any]) -> None:
    assert api.search("companies", **told).status == 400


@pytest.mark.parametrize("missing", ["after", "filterGroups", "limit", "properties", "sorts"])
def test_a_search_needs_all_that_is_documented_as_needed(api: Api, missing: str) -> None:
    body: dict[str, Any] = {"after": "", "filterGroups": [], "limit": 1, "properties": [], "sorts": []}
    del body[missing]
    assert api.post("/crm/objects/{v}/companies/search", body).status == 400
