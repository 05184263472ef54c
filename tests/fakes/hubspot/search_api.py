"""Searching records, within its limits and behind its lag."""

from collections.abc import Callable, Mapping
from typing import Any

from tests.fakes.hubspot.calls import Answer, Call, page, route
from tests.fakes.hubspot.errors import invalid
from tests.fakes.hubspot.kinds import ObjectKind
from tests.fakes.hubspot.objects import as_json
from tests.fakes.hubspot.properties import comparable
from tests.fakes.hubspot.shapes import STRINGS, TEXT, WHOLE, Fields, ListOf, OneOf

PAGE = 200
REACH = 10_000
GROUPS = 5
FILTERS_OF_A_GROUP = 6
FILTERS = 18
QUERY_LENGTH = 3_000

FILTER = Fields(
    {
        "propertyName": TEXT,
        "operator": OneOf(
            (
                "BETWEEN",
                "CONTAINS_TOKEN",
                "EQ",
                "GT",
                "GTE",
                "HAS_PROPERTY",
                "IN",
                "LT",
                "LTE",
                "NEQ",
                "NOT_CONTAINS_TOKEN",
                "NOT_HAS_PROPERTY",
                "NOT_IN",
            )
        ),
    },
    {"value": TEXT, "values": STRINGS, "highValue": TEXT},
)
SEARCH = Fields(
    {
        "after": TEXT,
        "filterGroups": ListOf(Fields({"filters": ListOf(FILTER)})),
        "limit": WHOLE,
        "properties": STRINGS,
        "sorts": STRINGS,
    },
    {"query": TEXT},
)
Test = Callable[[Mapping[str, str]], bool]
NEEDS = {"BETWEEN": ("value", "highValue"), "IN": ("values",), "NOT_IN": ("values",)}


@route("POST", "objects", "/<object_type>/search", "objects.search", is_search=True, exempt=frozenset({"ten-secondly"}))
def search(call: Call, object_type: str) -> Answer:
    shelf = call.reading(object_type)
    kind = shelf.kind
    body = call.body(SEARCH)
    _within_limits(body)
    groups = [[_test(kind, entry) for entry in group["filters"]] for group in body["filterGroups"]]
    query = body.get("query", "").casefold()
    found = [
        (record_id, values)
        for record_id, values in shelf.indexed(call.now).items()
        if (not groups or any(all(test(values) for test in group) for group in groups))
        and (not query or any(query in value.casefold() for value in values.values()))
    ]
    found.sort(key=lambda entry: int(entry[0]))
    for name in body["sorts"]:
        _sort(kind, name, found)
    shown, paging = page(found, body["after"], body["limit"])
    names = body["properties"] or kind.defaults
    results = []
    for record_id, values in shown:
        record = shelf.get(record_id)
        if record is not None:
            result = as_json(kind, record, names)
            result["properties"] = {name: values.get(name) for name in result["properties"]}
            result["updatedAt"] = values[kind.modified]
            results.append(result)
    answer: dict[str, Any] = {"total": len(found), "results": results}
    return 200, answer | ({"paging": paging} if paging else {})


def _within_limits(body: Mapping[str, Any]) -> None:
    counts = [len(group["filters"]) for group in body["filterGroups"]]
    if len(counts) > GROUPS:
        raise invalid(f"The maximum number of filterGroups is {GROUPS}", field_name="filterGroups")
    if counts and max(counts) > FILTERS_OF_A_GROUP:
        raise invalid(f"The maximum number of filters in a group is {FILTERS_OF_A_GROUP}", field_name="filters")
    if sum(counts) > FILTERS:
        raise invalid(f"The maximum number of filters is {FILTERS}", field_name="filters")
    if len(body["sorts"]) > 1:
        raise invalid("Only one sort is possible", field_name="sorts")
    if not 1 <= body["limit"] <= PAGE:
        raise invalid(f"limit must be from 1 to {PAGE}", field_name="limit")
    if len(body.get("query", "")) > QUERY_LENGTH:
        raise invalid(f"The maximum length of query is {QUERY_LENGTH}", field_name="query")
    after = body["after"]
    if after and (not after.isdecimal() or int(after) + body["limit"] > REACH):
        raise invalid(
            f"Paging beyond {REACH} results is not possible: after must be a number below that", field_name="after"
        )


def _sort(kind: ObjectKind, name: str, found: list[tuple[str, Mapping[str, str]]]) -> None:
    bare = name.removeprefix("-")
    definition = kind.live(bare)
    if definition is None:
        raise invalid(f"There was a problem with the request: property {bare} does not exist", field_name="sorts")
    held = [entry for entry in found if entry[1].get(bare)]
    lacking = [entry for entry in found if not entry[1].get(bare)]
    held.sort(key=lambda entry: comparable(definition, entry[1][bare]), reverse=name.startswith("-"))
    found[:] = held + lacking


def _test(kind: ObjectKind, entry: Mapping[str, Any]) -> Test:
    name, operator = entry["propertyName"], entry["operator"]
    definition = kind.live(name)
    if definition is None:
        raise invalid(f"There was a problem with the request: property {name} does not exist", field_name=name)
    for needed in NEEDS.get(operator, () if operator.endswith("HAS_PROPERTY") else ("value",)):
        if needed not in entry:
            raise invalid(f"The operator {operator} needs {needed}", field_name=needed)
    if operator == "HAS_PROPERTY":
        return lambda values: bool(values.get(name))
    if operator == "NOT_HAS_PROPERTY":
        return lambda values: not values.get(name)

    def held(values: Mapping[str, str]) -> Any:
        value = values.get(name)
        return None if not value else comparable(definition, value)

    if operator in ("IN", "NOT_IN"):
        wanted = {comparable(definition, value) for value in entry["values"]}
        return lambda values: (held(values) in wanted) == (operator == "IN")
    limit = comparable(definition, entry["value"])
    if operator == "BETWEEN":
        high = comparable(definition, entry["highValue"])
        return lambda values: (value := held(values)) is not None and limit <= value <= high
    if operator in ("CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"):
        token = entry["value"].casefold().strip("*")
        wanted_there = operator == "CONTAINS_TOKEN"
        return lambda values: (token in values.get(name, "").casefold()) == wanted_there
    if operator == "EQ":
        return lambda values: held(values) == limit
    if operator == "NEQ":
        return lambda values: held(values) != limit
    compare: dict[str, Callable[[Any], bool]] = {
        "GT": lambda value: value > limit,
        "GTE": lambda value: value >= limit,
        "LT": lambda value: value < limit,
        "LTE": lambda value: value <= limit,
    }
    holds = compare[operator]
    return lambda values: (value := held(values)) is not None and holds(value)
