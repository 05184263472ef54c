"""Answers to queries: which rows, which columns, in which order."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cmp_to_key
from typing import Any

from tests.fakes.salesforce.errors import ApiError
from tests.fakes.salesforce.fields import NUMBERS, TEXTS, FieldDef, Record
from tests.fakes.salesforce.ids import checked, is_id
from tests.fakes.salesforce.objects import ObjectDef
from tests.fakes.salesforce.org import Org
from tests.fakes.salesforce.soql_parsing import Condition, Logic, Order, Query, Value, malformed

_OF_ANYBODY = (
    "Id",
    "Name",
    "Type",
    "FirstName",
    "LastName",
    "Email",
    "Phone",
    "Title",
    "Username",
    "IsActive",
    "Alias",
)
"""What can be asked of a record that may be of several objects."""

_DEEPEST = 5
_DAYS = re.compile(r"(LAST|NEXT)_N_DAYS:(\d+)|N_DAYS_AGO:(\d+)")


@dataclass
class Rows:
    """Answers a query. `deleted`: with records in the recycle bin."""

    org: Org
    query: Query
    deleted: bool = False
    _columns: list[tuple[str, Callable[[Record], Any]]] | None = None

    def records(self) -> list[Record]:
        """The whole records, before they are cut to the columns. Raises `ApiError`."""
        one = self.org.define(self.query.entity, code="INVALID_TYPE")
        test = self._test(one, self.query.where) if self.query.where else lambda _: True
        orders = [(order, self._column(one, order.path, order.path)) for order in self.query.order]
        self.columns()
        kept = self._candidates(one)
        found = [record for record in kept if (self.deleted or not record["IsDeleted"]) and test(record)]
        for order, get in reversed(orders):
            found.sort(key=cmp_to_key(_comparing(order, get)))
        if self.query.offset > 2000:
            raise ApiError(400, "NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        end = None if self.query.limit is None else self.query.offset + self.query.limit
        return found[self.query.offset : end]

    def _candidates(self, one: ObjectDef) -> Iterable[Record]:
        """The records among which those sought are: by an index where one of the conditions has it."""
        where = self.query.where
        parts = where.parts if isinstance(where, Logic) and where.word == "and" else (where,)
        for part in parts:
            if not isinstance(part, Condition) or part.operator not in ("=", "in") or "." in part.path:
                continue
            field = one.named(part.path)
            values = [value.value for value in part.values]
            if field is None or not all(isinstance(value, str) for value in values):
                continue
            if field.name == "Id":
                found = [self.org.shelves[one.name].get(checked(value)) for value in dict.fromkeys(values)]
                return [record for record in found if record is not None]
            if field.unique and not self.deleted:
                found = [self.org.holder(one.name, field.name, value) for value in dict.fromkeys(values)]
                by_id = {record["Id"]: record for record in found if record is not None}
                return [record for id, record in by_id.items() if id in self.org.shelves[one.name]]
        return list(self.org.shelves[one.name].values())

    def columns(self) -> list[tuple[str, Callable[[Record], Any]]]:
        """The columns with how to get each. Raises `ApiError`."""
        one = self.org.define(self.query.entity, code="INVALID_TYPE")
        if len({path.lower() for path in self.query.paths}) < len(self.query.paths):
            raise malformed("duplicate field selected")
        return [(path, self._column(one, path, path)) for path in self.query.paths]

    def said(self, record: Record, version: str) -> dict[str, Any]:
        """A record as the answer tells it."""
        one = self.org.define(self.query.entity)
        said: dict[str, Any] = {"attributes": attributes(one.name, record["Id"], version)}
        if self._columns is None:
            self._columns = self.columns()
        for path, get in self._columns:
            self._put(said, one, record, path.split("."), get(record), version)
        for inner in self.query.subqueries:
            said[inner.entity] = self._children(one, record, inner, version)
        return said

    def _children(self, one: ObjectDef, record: Record, inner: Query, version: str) -> dict[str, Any] | None:
        child, lookup = self._relationship(one, inner.entity)
        own = Query(child.name, inner.paths, [], False, inner.where, inner.order, None, 0)
        rows = Rows(self.org, own, self.deleted)
        found = [each for each in rows.records() if each.get(lookup.name) == record["Id"]][: inner.limit]
        if not found:
            return None
        return {"totalSize": len(found), "done": True, "records": [rows.said(each, version) for each in found]}

    def _relationship(self, one: ObjectDef, name: str) -> tuple[ObjectDef, FieldDef]:
        for child in self.org.objects.values():
            for lookup in child.fields.values():
                plural = f"{child.name.removesuffix('__c')}s{'__r' if child.custom else ''}"
                if one.name in lookup.refers_to and name.lower() == plural.lower():
                    return child, lookup
        raise ApiError(400, "INVALID_TYPE", f"Didn't understand relationship '{name}' in FROM part of query call.")

    def _put(
        self, said: dict[str, Any], one: ObjectDef, record: Record, path: list[str], value: Any, version: str
    ) -> None:
        name, *rest = path
        if not rest:
            field = one.named(name)
            said[field.name if field else name] = value
            return
        lookup = one.by_relationship(name)
        assert lookup is not None
        related = self.org.find(record.get(lookup.name) or "")
        if related is None:
            said.setdefault(lookup.relationship, None)
            return
        target = self.org.objects[self.org.name_of(related["Id"])]
        shown = "Name" if len(lookup.refers_to) > 1 else target.name
        inner = said.setdefault(
            lookup.relationship, {"attributes": attributes(shown, related["Id"], version, target.name)}
        )
        self._put(inner, target, related, rest, value, version)

    def _column(self, one: ObjectDef, path: str, whole: str) -> Callable[[Record], Any]:
        """How to get a column out of a record. Raises `ApiError` for what the user does not see."""
        name, _, rest = path.partition(".")
        if not rest:
            found = next((each for key, each in self.org.visible(one).items() if key.lower() == name.lower()), None)
            if found is None:
                raise self._no_column(one, name)
            return self._getter(one, found)
        lookup = one.by_relationship(name)
        if lookup is None or lookup.name in self.org.hidden[one.name] or whole.count(".") > _DEEPEST:
            raise self._no_relationship(name)
        if len(lookup.refers_to) > 1:
            if rest not in _OF_ANYBODY:
                raise self._no_column(ObjectDef("Name", ""), rest)
            return lambda record: self._of_anybody(record.get(lookup.name), rest)
        target = self.org.define(lookup.refers_to[0], code="INVALID_TYPE")
        inner = self._column(target, rest, whole)

        def get(record: Record) -> Any:
            related = self.org.find(record.get(lookup.name) or "")
            return None if related is None else inner(related)

        return get

    def _getter(self, one: ObjectDef, field: FieldDef) -> Callable[[Record], Any]:
        if field.formula is not None:
            return lambda record: self.org.seen(one.name, record)[field.name]
        return lambda record: record.get(field.name)

    def _of_anybody(self, id: str | None, name: str) -> Any:
        related = self.org.find(id or "")
        if related is None:
            return None
        entity = self.org.name_of(related["Id"])
        return entity if name == "Type" else self.org.seen(entity, related).get(name)

    def _kind(self, one: ObjectDef, path: str) -> FieldDef:
        """The field at the end of a path."""
        name, _, rest = path.partition(".")
        if not rest:
            found = one.named(name)
            assert found is not None
            return found
        lookup = one.by_relationship(name)
        assert lookup is not None
        if len(lookup.refers_to) > 1:
            return FieldDef(rest, "boolean" if rest == "IsActive" else "id" if rest == "Id" else "string")
        return self._kind(self.org.objects[lookup.refers_to[0]], rest)

    def _test(self, one: ObjectDef, where: Condition | Logic) -> Callable[[Record], bool]:
        if isinstance(where, Logic):
            tests = [self._test(one, part) for part in where.parts]
            if where.word == "not":
                return lambda record: not tests[0](record)
            judge = all if where.word == "and" else any
            return lambda record: judge(test(record) for test in tests)
        get, field = self._column(one, where.path, where.path), self._kind(one, where.path)
        if not field.filterable:
            raise ApiError(400, "INVALID_FIELD", f"field '{where.path}' can not be filtered in a query call")
        compare = _Comparing(field, self.org.clock.now())
        if where.operator in ("in", "not in", "includes"):
            wanted = {compare.plain(compare.literal(value)) for value in where.values}
            if where.operator == "includes":
                return lambda record: bool(wanted & {compare.plain(part) for part in str(get(record) or "").split(";")})
            return lambda record: (compare.plain(get(record)) in wanted) is (where.operator == "in")
        if where.operator == "like":
            pattern = compare.pattern(where.values[0])
            return lambda record: get(record) is not None and pattern.fullmatch(str(get(record))) is not None
        return compare.test(where.operator, where.values[0], get)

    def _no_column(self, one: ObjectDef, name: str) -> ApiError:
        return ApiError(
            400,
            "INVALID_FIELD",
            f"\nSELECT {', '.join(self.query.paths)}\n       ^\nERROR at Row:1:Column:8\nNo such column '{name}' on entity"
            f" '{one.name}'. If you are attempting to use a custom field, be sure to append the '__c' after the custom"
            " field name. Please reference your WSDL or the describe call for the appropriate names.",
        )

    def _no_relationship(self, name: str) -> ApiError:
        return ApiError(
            400,
            "INVALID_FIELD",
            f"Didn't understand relationship '{name}' in field path. If you are attempting to use a custom relationship, be"
            " sure to append the '__r' after the custom relationship name.",
        )


def attributes(entity: str, id: str, version: str, url_entity: str = "") -> dict[str, str]:
    """What every record in an answer begins with."""
    return {"type": entity, "url": f"/services/data/v{version}/sobjects/{url_entity or entity}/{id}"}


class _Comparing:
    """Compares the values of a field, by its type."""

    def __init__(self, field: FieldDef, now: datetime) -> None:
        self._field = field
        self._now = now

    def literal(self, value: Value) -> Any:
        """A literal as the field's values are kept. Raises `ApiError` for one of another type."""
        field = self._field
        if value.kind == "null":
            return None
        fits = {
            "string": field.type in TEXTS or field.type in ("id", "reference"),
            "number": field.type in NUMBERS or field.type == "int",
            "boolean": field.type == "boolean",
            "day": field.type == "date",
            "moment": field.type == "datetime",
        }.get(value.kind, False)
        if not fits:
            quoted = "should be enclosed in quotes" if field.type in TEXTS else "should not be enclosed in quotes"
            raise ApiError(
                400,
                "INVALID_FIELD",
                f"value of filter criterion for field '{field.name}' must be of type {field.type} and {quoted}",
            )
        if value.kind == "moment":
            return datetime.fromisoformat(value.value)
        if field.type in ("id", "reference"):
            if value.value and not is_id(value.value):
                raise ApiError(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {value.value}")
            return checked(value.value)
        return value.value

    def plain(self, value: Any) -> Any:
        """A value as it is compared: letter case does not count, and an empty text is none."""
        if value == "":
            return None
        if isinstance(value, str) and self._field.type not in ("id", "reference", "date", "datetime"):
            return value if self._field.case_sensitive else value.lower()
        if isinstance(value, str) and self._field.type == "datetime":
            return datetime.fromisoformat(value)
        return value

    def pattern(self, value: Value) -> re.Pattern[str]:
        """The pattern of LIKE."""
        parts = re.split(r"(\\[_%]|[_%])", str(self.literal(value)))
        found = {"%": ".*", "_": ".", "\\%": "%", "\\_": "_"}
        return re.compile("".join(found.get(part, re.escape(part)) for part in parts), re.IGNORECASE | re.DOTALL)

    def test(self, operator: str, value: Value, get: Callable[[Record], Any]) -> Callable[[Record], bool]:
        """A comparison of one value."""
        if value.kind == "relative":
            first, last = self._span(value.value)
            return lambda record: _within(operator, self._day(get(record)), first, last)
        wanted = self.plain(self.literal(value))
        if operator in ("=", "!="):
            return lambda record: (self.plain(get(record)) == wanted) is (operator == "=")
        if self._field.type == "boolean" or wanted is None:
            raise ApiError(400, "INVALID_QUERY_FILTER_OPERATOR", "invalid operator")
        return lambda record: get(record) is not None and _ordered(operator, self.plain(get(record)), wanted)

    def _span(self, word: str) -> tuple[date, date]:
        if self._field.type not in ("date", "datetime"):
            raise malformed(f"unexpected token: {word}")
        today = self._now.astimezone(UTC).date()
        days = {"TODAY": 0, "YESTERDAY": -1, "TOMORROW": 1}
        if word in days:
            day = today + timedelta(days=days[word])
            return day, day
        found = _DAYS.fullmatch(word)
        if found is None:
            raise malformed(f"unexpected token: {word}")
        if found[3]:
            day = today - timedelta(days=int(found[3]))
            return day, day
        reach = timedelta(days=int(found[2]))
        return (today - reach, today) if found[1] == "LAST" else (today + timedelta(days=1), today + reach)

    def _day(self, value: Any) -> date | None:
        return date.fromisoformat(value[:10]) if value else None


def _within(operator: str, day: date | None, first: date, last: date) -> bool:
    if day is None:
        return operator == "!="
    if operator in ("=", "!="):
        return (first <= day <= last) is (operator == "=")
    return _ordered(operator, day, last if operator in (">", "<=") else first)


def _ordered(operator: str, one: Any, other: Any) -> bool:
    return {"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[operator]  # type: ignore[no-any-return]


def _comparing(order: Order, get: Callable[[Record], Any]) -> Callable[[Record, Record], int]:
    def compare(one: Record, other: Record) -> int:
        mine, theirs = get(one), get(other)
        if mine is None or theirs is None:
            first = (mine is None) - (theirs is None)
            return first if order.nulls_last else -first
        mine, theirs = (each.lower() if isinstance(each, str) else each for each in (mine, theirs))
        side = (mine > theirs) - (mine < theirs)
        return -side if order.descending else side

    return compare
