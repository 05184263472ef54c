from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fakes.hubspot import ManualClock, World
from tests.fakes.test_hubspot.conftest import Api

ENDS = {"type": "date", "fieldType": "date"}
Operation = dict[str, Any]


def branch(*operations: tuple[str, Operation]) -> dict[str, Any]:
    filters = [{"filterType": "PROPERTY", "property": name, "operation": operation} for name, operation in operations]
    inner = {"filterBranchType": "AND", "filterBranchOperator": "AND", "filterBranches": [], "filters": filters}
    return {"filterBranchType": "OR", "filterBranchOperator": "OR", "filterBranches": [inner], "filters": []}


def operation(kind: str, operator: str, **more: Any) -> Operation:
    return {"operationType": kind, "operator": operator, "includeObjectsWithNoValueSet": False, **more}


def in_days(days: int, reference: str = "TODAY") -> dict[str, Any]:
    return {
        "timeType": "INDEXED",
        "timezoneSource": "CUSTOM",
        "zoneId": "Europe/Berlin",
        "indexReference": {"referenceType": reference},
        "offset": {"days": days},
    }


def between(first: int, last: int) -> Operation:
    return operation(
        "TIME_RANGED",
        "IS_BETWEEN",
        type="TIME_RANGED",
        lowerBoundTimePoint=in_days(first),
        upperBoundTimePoint=in_days(last),
        lowerBoundEndpointBehavior="INCLUSIVE",
        upperBoundEndpointBehavior="INCLUSIVE",
    )


@pytest.fixture
def tickets(api: Api, world: World, clock: ManualClock) -> dict[str, str]:
    """Tickets by the day on which they end: 7 days ago, today, in 30 and in 31 days, and never."""
    clock.set(datetime(2026, 11, 21, 9, tzinfo=UTC))
    api.define("tickets", "ends_on", **ENDS)
    days = {"-7": "2026-11-14", "0": "2026-11-21", "30": "2026-12-21", "31": "2026-12-22", "never": ""}
    return {world.add("tickets", hs_pipeline_stage="1", subject=name, ends_on=day): name for name, day in days.items()}


Members = Callable[[dict[str, Any]], list[str]]


@pytest.fixture
def members(api: Api, tickets: dict[str, str]) -> Members:
    """The tickets that are in a list with these filters."""

    def found(filters: dict[str, Any]) -> list[str]:
        body = {"name": "L", "objectTypeId": "0-5", "processingType": "DYNAMIC", "filterBranch": filters}
        made = api.post("/crm/lists/{v}", body)
        assert made.status == 200, made.body
        reply = api.get(f"/crm/lists/{{v}}/{made.body['list']['listId']}/memberships")
        return [tickets[entry["recordId"]] for entry in reply.body["results"]]

    return found


@pytest.mark.parametrize(
    ("name", "told", "found"),
    [
        ("ends_on", between(0, 30), ["0", "30"]),
        ("ends_on", between(-7, -1), ["-7"]),
        ("ends_on", operation("TIME_POINT", "IS_AFTER", type="TIME_POINT", timePoint=in_days(30)), ["31"]),
        (
            "ends_on",
            operation("TIME_POINT", "IS_BEFORE", type="TIME_POINT", timePoint=in_days(0), endpointBehavior="INCLUSIVE"),
            ["-7", "0"],
        ),
        (
            "ends_on",
            operation(
                "ROLLING_DATE_RANGE", "IS_LESS_THAN_X_DAYS_AGO", numberOfDays=8, requiresTimeZoneConversion=False
            ),
            ["-7", "0"],
        ),
        (
            "ends_on",
            operation(
                "ROLLING_DATE_RANGE", "IS_MORE_THAN_X_DAYS_FROM_NOW", numberOfDays=30, requiresTimeZoneConversion=False
            ),
            ["31"],
        ),
        ("ends_on", operation("ALL_PROPERTY", "IS_UNKNOWN"), ["never"]),
        ("subject", operation("STRING", "IS_EQUAL_TO", value="30"), ["30"]),
        ("subject", operation("STRING", "STARTS_WITH", value="3"), ["30", "31"]),
        ("subject", operation("MULTISTRING", "CONTAINS", values=["7", "1"]), ["-7", "31"]),
        ("hs_pipeline_stage", operation("ENUMERATION", "IS_NONE_OF", values=["1"]), []),
        ("hs_is_closed", operation("BOOL", "IS_EQUAL_TO", value=False), ["-7", "0", "30", "31", "never"]),
        ("hs_object_id", operation("NUMBER", "IS_LESS_THAN", value=1), []),
    ],
)
def test_whom_a_filter_lets_in(members: Members, name: str, told: Operation, found: list[str]) -> None:
    assert members(branch((name, told))) == found


def test_filters_of_a_branch_hold_together(members: Members) -> None:
    told = operation("STRING", "IS_EQUAL_TO", value="0")
    assert members(branch(("ends_on", between(0, 30)), ("subject", told))) == ["0"]


def test_a_list_follows_the_days(api: Api, world: World, clock: ManualClock, tickets: dict[str, str]) -> None:
    body = {"name": "30 days", "objectTypeId": "0-5", "processingType": "DYNAMIC"}
    made = api.post("/crm/lists/{v}", {**body, "filterBranch": branch(("ends_on", between(0, 30)))})
    list_id = made.body["list"]["listId"]
    assert [tickets[each] for each in world.members(list_id)] == ["0", "30"]
    clock.advance(days=1)
    assert [tickets[each] for each in world.members(list_id)] == ["30", "31"]


def test_a_list_is_made_found_changed_and_removed(api: Api) -> None:
    body = {"name": "Numbered", "objectTypeId": "0-5", "processingType": "DYNAMIC"}
    filters = branch(("subject", operation("ALL_PROPERTY", "IS_KNOWN")))
    made = api.post("/crm/lists/{v}", {**body, "filterBranch": filters}).body["list"]
    assert api.post("/crm/lists/{v}", {**body, "filterBranch": filters}).status == 400
    path = f"/crm/lists/{{v}}/{made['listId']}"
    assert "filterBranch" not in api.get(path).body["list"]
    assert api.get(path, includeFilters="true").body["list"]["filterBranch"] == filters
    assert api.get("/crm/lists/{v}/object-type-id/0-5/name/Numbered").body["list"]["listId"] == made["listId"]
    assert [entry["listId"] for entry in api.get("/crm/lists/{v}", listIds=made["listId"]).body["lists"]]
    asked = {"query": "numb", "offset": 0, "listIds": [], "processingTypes": [], "additionalProperties": []}
    found = api.post("/crm/lists/{v}/search", asked).body
    assert (found["total"], found["hasMore"], found["lists"][0]["name"]) == (1, False, "Numbered")
    assert api.post("/crm/v3/lists/search", {"query": "other"}).body["total"] == 0
    assert api("PUT", f"{path}/update-list-name", listName="Named").body["updatedList"]["name"] == "Named"
    other = branch(("subject", operation("ALL_PROPERTY", "IS_UNKNOWN")))
    assert api("PUT", f"{path}/update-list-filters", {"filterBranch": other}).body["updatedList"]["listVersion"] == 2
    assert api("DELETE", path).status == 204
    assert api.get(path).status == 404
    assert api("PUT", f"{path}/restore").status == 204
    assert api.get(path).status == 200


@pytest.mark.parametrize(
    "told",
    [
        {"filterBranch": None},
        {"objectTypeId": "tickets"},
        {"processingType": "CLEVER"},
        {"filterBranch": branch()["filterBranches"][0]},
        {"filterBranch": branch(("colour", operation("ALL_PROPERTY", "IS_KNOWN")))},
        {"filterBranch": branch(("subject", operation("ALL_PROPERTY", "IS_NICE")))},
        {"filterBranch": branch(("subject", operation("STRING", "IS_EQUAL_TO", value=1)))},
        {"filterBranch": branch(("subject", {"operationType": "ALL_PROPERTY", "operator": "IS_KNOWN"}))},
        {"filterBranch": branch(("subject", between(0, 30)))},
        {"filterBranch": branch(("closed_date", operation("TIME_POINT", "IS_AFTER", timePoint=in_days(0))))},
        {"filterBranch": branch(("subject", {"operationType": "FUZZY"}))},
        {"colour": "red"},
    ],
)
def test_a_list_that_is_not_as_documented_is_refused(api: Api, told: dict[str, Any]) -> None:
    body = {
        "name": "L",
        "objectTypeId": "0-5",
        "processingType": "DYNAMIC",
        "filterBranch": branch(("subject", operation("ALL_PROPERTY", "IS_KNOWN"))),
    }
    asked = {name: value for name, value in (body | told).items() if value is not None}
    assert api.post("/crm/lists/{v}", asked).status == 400


def test_lists_need_their_scopes(api: Api, world: World) -> None:
    world.revoke("crm.lists.read", "crm.lists.write")
    assert api.get("/crm/lists/{v}/1").body["category"] == "MISSING_SCOPES"
    assert api("DELETE", "/crm/lists/{v}/1").body["category"] == "MISSING_SCOPES"
