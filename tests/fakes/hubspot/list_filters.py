"""The filters of lists: whether they are as documented, and whom they let in."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.fakes.hubspot.errors import invalid
from tests.fakes.hubspot.kinds import ObjectKind
from tests.fakes.hubspot.properties import Property, as_moment
from tests.fakes.hubspot.shapes import FLAG, NUMBER, STRINGS, TEXT, WHOLE, Fields, ListOf, OneOf, check

Test = Callable[[Mapping[str, str], datetime], bool]
DEEPEST = 5

REFERENCE = Fields(
    {"referenceType": OneOf(("TODAY", "NOW"))},
    {"hour": WHOLE, "minute": WHOLE, "second": WHOLE, "millisecond": WHOLE},
)
OFFSET = Fields(
    {},
    {
        "days": WHOLE,
        "hours": WHOLE,
        "milliseconds": WHOLE,
        "minutes": WHOLE,
        "months": WHOLE,
        "quarters": WHOLE,
        "seconds": WHOLE,
        "weeks": WHOLE,
        "years": WHOLE,
    },
)
INDEXED = Fields(
    {"timeType": OneOf(("INDEXED",)), "zoneId": TEXT, "indexReference": REFERENCE},
    {"offset": OFFSET, "timezoneSource": TEXT},
)
DATE = Fields(
    {"timeType": OneOf(("DATE",)), "zoneId": TEXT, "year": WHOLE, "month": WHOLE, "day": WHOLE},
    {"hour": WHOLE, "minute": WHOLE, "second": WHOLE, "millisecond": WHOLE, "timezoneSource": TEXT},
)
_COMMON = {"includeObjectsWithNoValueSet": FLAG, "operationType": TEXT}
OPERATIONS: dict[str, Fields] = {
    "ALL_PROPERTY": Fields({**_COMMON, "operator": OneOf(("IS_KNOWN", "IS_UNKNOWN"))}),
    "BOOL": Fields({**_COMMON, "operator": OneOf(("IS_EQUAL_TO", "IS_NOT_EQUAL_TO")), "value": FLAG}),
    "ENUMERATION": Fields({**_COMMON, "operator": OneOf(("IS_ANY_OF", "IS_NONE_OF")), "values": STRINGS}),
    "MULTISTRING": Fields(
        {**_COMMON, "operator": OneOf(("IS_EQUAL_TO", "IS_NOT_EQUAL_TO", "CONTAINS")), "values": STRINGS}
    ),
    "NUMBER": Fields(
        {
            **_COMMON,
            "operator": OneOf(("IS_EQUAL_TO", "IS_NOT_EQUAL_TO", "IS_GREATER_THAN", "IS_LESS_THAN")),
            "value": NUMBER,
        }
    ),
    "ROLLING_DATE_RANGE": Fields(
        {
            **_COMMON,
            "operator": OneOf(
                (
                    "IS_LESS_THAN_X_DAYS_AGO",
                    "IS_MORE_THAN_X_DAYS_AGO",
                    "IS_LESS_THAN_X_DAYS_FROM_NOW",
                    "IS_MORE_THAN_X_DAYS_FROM_NOW",
                )
            ),
            "numberOfDays": WHOLE,
            "requiresTimeZoneConversion": FLAG,
        }
    ),
    "STRING": Fields(
        {**_COMMON, "operator": OneOf(("IS_EQUAL_TO", "IS_NOT_EQUAL_TO", "CONTAINS", "STARTS_WITH")), "value": TEXT}
    ),
    "TIME_POINT": Fields(
        {**_COMMON, "type": TEXT, "operator": OneOf(("IS_AFTER", "IS_BEFORE")), "timePoint": object},
        {"endpointBehavior": OneOf(("INCLUSIVE", "EXCLUSIVE")), "propertyParser": TEXT},
    ),
    "TIME_RANGED": Fields(
        {
            **_COMMON,
            "type": TEXT,
            "operator": OneOf(("IS_BETWEEN", "IS_NOT_BETWEEN")),
            "lowerBoundTimePoint": object,
            "upperBoundTimePoint": object,
        },
        {
            "lowerBoundEndpointBehavior": OneOf(("INCLUSIVE", "EXCLUSIVE")),
            "upperBoundEndpointBehavior": OneOf(("INCLUSIVE", "EXCLUSIVE")),
            "propertyParser": TEXT,
        },
    ),
}
FILTER = Fields({"filterType": OneOf(("PROPERTY",)), "property": TEXT, "operation": object})
BRANCH = Fields(
    {
        "filterBranchType": OneOf(("OR", "AND")),
        "filterBranchOperator": OneOf(("OR", "AND")),
        "filterBranches": ListOf(object),
        "filters": ListOf(FILTER),
    }
)


def membership(kind: ObjectKind, branch: Any) -> Test:
    """Who is in a list with these filters; raises `ApiError` if they are not as documented.

    The outermost branch is an OR without filters of its own, and those within it are ANDs.
    """
    check(branch, BRANCH, "filterBranch")
    if branch["filterBranchType"] != "OR" or branch["filters"]:
        raise invalid("The outermost filterBranch must be of type OR and have no filters", field_name="filterBranch")
    tests = [_and(kind, inner, 1) for inner in branch["filterBranches"]]
    return lambda values, now: any(test(values, now) for test in tests)


def _and(kind: ObjectKind, branch: Any, depth: int) -> Test:
    check(branch, BRANCH, "filterBranch")
    if branch["filterBranchType"] != "AND" or depth > DEEPEST:
        raise invalid("The filterBranches of an OR must be of type AND", field_name="filterBranch")
    if branch["filterBranchType"] != branch["filterBranchOperator"]:
        raise invalid("filterBranchOperator must be as filterBranchType", field_name="filterBranchOperator")
    tests = [_filter(kind, entry) for entry in branch["filters"]]
    tests += [_and(kind, inner, depth + 1) for inner in branch["filterBranches"]]
    return lambda values, now: all(test(values, now) for test in tests)


def _filter(kind: ObjectKind, entry: Mapping[str, Any]) -> Test:
    name, operation = entry["property"], entry["operation"]
    definition = kind.live(name)
    if definition is None:
        raise invalid(f"The property {name} does not exist", field_name="property")
    shape = OPERATIONS.get(operation.get("operationType", "")) if isinstance(operation, dict) else None
    if shape is None:
        raise invalid(f"operationType must be one of: {', '.join(OPERATIONS)}", field_name="operationType")
    check(operation, shape, "operation")
    if operation["operationType"] == "ALL_PROPERTY":
        known = operation["operator"] == "IS_KNOWN"
        return lambda values, now: bool(values.get(name)) == known
    test = _test(definition, operation)
    without_value = bool(operation["includeObjectsWithNoValueSet"])
    return lambda values, now: test(values[name], now) if values.get(name) else without_value


def _test(definition: Property, operation: Mapping[str, Any]) -> Callable[[str, datetime], bool]:
    operator, sort = operation["operator"], operation["operationType"]
    if sort in ("TIME_POINT", "TIME_RANGED", "ROLLING_DATE_RANGE"):
        if definition.type not in ("date", "datetime"):
            raise invalid(f"{definition.name} is not a date", field_name="operationType")
        return {"TIME_POINT": _time_point, "TIME_RANGED": _time_ranged, "ROLLING_DATE_RANGE": _rolling}[sort](operation)
    if sort == "ENUMERATION":
        choices, wanted_there = set(operation["values"]), operator == "IS_ANY_OF"
        return lambda value, _: bool(set(value.split(";")) & choices) == wanted_there
    if sort == "BOOL":
        wanted_value = "true" if operation["value"] == (operator == "IS_EQUAL_TO") else "false"
        return lambda value, _: value == wanted_value
    if sort == "NUMBER":
        compare: dict[str, Callable[[float], bool]] = {
            "IS_EQUAL_TO": lambda number: number == operation["value"],
            "IS_NOT_EQUAL_TO": lambda number: number != operation["value"],
            "IS_GREATER_THAN": lambda number: number > operation["value"],
            "IS_LESS_THAN": lambda number: number < operation["value"],
        }
        return lambda value, _: compare[operator](float(value))
    wanted = [each.casefold() for each in operation.get("values", [operation.get("value", "")])]
    if operator == "CONTAINS":
        return lambda value, _: any(each in value.casefold() for each in wanted)
    if operator == "STARTS_WITH":
        return lambda value, _: any(value.casefold().startswith(each) for each in wanted)
    return lambda value, _: (value.casefold() in wanted) == (operator == "IS_EQUAL_TO")


def _time_point(operation: Mapping[str, Any]) -> Callable[[str, datetime], bool]:
    point = _point(operation["timePoint"])
    inclusive = operation.get("endpointBehavior") == "INCLUSIVE"
    after = bool(operation["operator"] == "IS_AFTER")

    def test(value: str, now: datetime) -> bool:
        moment, limit = as_moment(value), point(now)
        assert moment is not None
        if moment == limit:
            return inclusive
        return (moment > limit) == after

    return test


def _time_ranged(operation: Mapping[str, Any]) -> Callable[[str, datetime], bool]:
    lower, upper = _point(operation["lowerBoundTimePoint"]), _point(operation["upperBoundTimePoint"])
    lower_in = operation.get("lowerBoundEndpointBehavior", "INCLUSIVE") == "INCLUSIVE"
    upper_in = operation.get("upperBoundEndpointBehavior", "INCLUSIVE") == "INCLUSIVE"
    between = bool(operation["operator"] == "IS_BETWEEN")

    def test(value: str, now: datetime) -> bool:
        moment, first, last = as_moment(value), lower(now), upper(now)
        assert moment is not None
        within = (first < moment or (lower_in and moment == first)) and (moment < last or (upper_in and moment == last))
        return within == between

    return test


def _rolling(operation: Mapping[str, Any]) -> Callable[[str, datetime], bool]:
    days, operator = timedelta(days=operation["numberOfDays"]), operation["operator"]

    def test(value: str, now: datetime) -> bool:
        moment = as_moment(value)
        assert moment is not None
        past = now - moment if operator.endswith("AGO") else moment - now
        if operator.startswith("IS_LESS_THAN"):
            return timedelta(0) <= past < days
        return past >= days

    return test


def _point(body: Any) -> Callable[[datetime], datetime]:
    """A point in time as the API names it. Days are those of a zone; dates have midnight in UTC."""
    if isinstance(body, dict) and body.get("timeType") == "DATE":
        check(body, DATE, "timePoint")
        zone = ZoneInfo(body["zoneId"])
        at = time(body.get("hour", 0), body.get("minute", 0), body.get("second", 0), tzinfo=zone)
        moment = datetime.combine(date(body["year"], body["month"], body["day"]), at)
        return lambda now: moment
    check(body, INDEXED, "timePoint")
    offset = body.get("offset", {})
    if any(part in offset for part in ("months", "quarters", "years")):
        raise invalid("The stand-in works out offsets in days and less only", field_name="offset")
    shift = timedelta(**{part: offset.get(part, 0) for part in ("days", "hours", "minutes", "seconds", "weeks")})
    reference = body["indexReference"]
    if reference["referenceType"] == "NOW":
        return lambda now: now + shift
    zone = ZoneInfo(body["zoneId"])

    def today(now: datetime) -> datetime:
        day = now.astimezone(zone).date() + timedelta(days=shift.days)
        at = time(reference.get("hour", 0), reference.get("minute", 0), reference.get("second", 0))
        return datetime.combine(day, at, now.tzinfo)

    return today
