"""What may stand behind the question mark: pages, filters with their operators, and the order of rows. Strict."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from tests.fakes.certcentral.errors import invalid, unknown

T = TypeVar("T")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})[ T+](\d{2}:\d{2}:\d{2})")
_NUMBER = re.compile(r"\d{1,12}")
_FILTER = re.compile(r"filters\[(\w+)\](?:\[(\d*)\])?")


@dataclass(frozen=True)
class Query:
    """The parameters of a call, taken apart."""

    plain: dict[str, str]
    filters: dict[str, tuple[str, ...]]


def read_query(text: str, plain: Iterable[str], filters: Iterable[str] = ()) -> Query:
    """Takes a query string apart. Raises `ApiError` for a parameter or filter that is not allowed, or twice there."""
    told: dict[str, str] = {}
    found: dict[str, tuple[str, ...]] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        match = _FILTER.fullmatch(name)
        if match is not None and match[1] in filters:
            if match[1] in found and match[2] is None:
                raise invalid(name, f"{name} stands there twice.")
            found[match[1]] = (*found.get(match[1], ()), value)
        elif name in plain and name not in told:
            told[name] = value
        else:
            raise unknown(name) if name not in plain else invalid(name, f"{name} stands there twice.")
    return Query(told, found)


@dataclass(frozen=True)
class Page:
    """Which rows are wanted."""

    offset: int
    limit: int

    def of(self, total: int) -> dict[str, int]:
        """The `page` of an answer."""
        return {"total": total, "limit": self.limit, "offset": self.offset}

    def cut(self, rows: list[T]) -> list[T]:
        return rows[self.offset : self.offset + self.limit]


def read_page(query: Query, most: int, usual: int) -> Page:
    """`offset` and `limit`. Raises `ApiError` for what is no number; a limit above the highest is that."""
    offset, limit = query.plain.get("offset", "0"), query.plain.get("limit", str(usual))
    for name, text in (("offset", offset), ("limit", limit)):
        if not _NUMBER.fullmatch(text):
            raise invalid(name, f"{name} is a number from 0 on.")
    if int(limit) == 0:
        raise invalid("limit", "limit is at least 1.")
    return Page(int(offset), min(int(limit), most))


def whole(query: Query, name: str, most: int) -> int | None:
    """A number up to `most`, if it is there."""
    text = query.plain.get(name)
    if text is None:
        return None
    if not _NUMBER.fullmatch(text) or not 0 < int(text) <= most:
        raise invalid(name, f"{name} is a number from 1 to {most}.")
    return int(text)


def moment(name: str, text: str, zone: tzinfo = UTC, *, last: bool = False) -> datetime:
    """A date, or a date with its time, as an instant in UTC; of a plain date its first instant, or its last."""
    found = _MOMENT.fullmatch(text)
    try:
        if found is not None:
            return datetime.fromisoformat(f"{found[1]}T{found[2]}").replace(tzinfo=zone).astimezone(UTC)
        if _DATE.fullmatch(text):
            day = date.fromisoformat(text) + timedelta(days=1 if last else 0)
            at = datetime.combine(day, time(0), zone).astimezone(UTC)
            return at - timedelta(microseconds=1) if last else at
    except ValueError:
        pass
    raise invalid(name, f"{name} is written 2026-03-15 or 2026-03-15+10:00:00.")


def span(name: str, text: str, zone: tzinfo = UTC) -> tuple[datetime, datetime]:
    """`A...B` as instants. Raises `ApiError`."""
    first, dots, last = text.partition("...")
    if not dots:
        raise invalid(name, f"{name} is a range A...B.")
    begins, ends = moment(name, first, zone), moment(name, last, zone, last=True)
    if ends < begins:
        raise invalid(name, f"{name} ends before it begins.")
    return begins, ends


Test = Callable[[Any], bool]


def one_of(*allowed: str) -> Callable[[str, tuple[str, ...]], Test]:
    """A filter that takes one or more of these words."""

    def make(name: str, values: tuple[str, ...]) -> Test:
        wrong = next((value for value in values if value not in allowed), None)
        if wrong is not None:
            raise invalid(name, f"{name} is one of {', '.join(allowed)}.")
        return lambda said: said in values

    return make


def number(name: str, values: tuple[str, ...]) -> Test:
    """A filter that takes one or more numbers."""
    if not all(_NUMBER.fullmatch(value) for value in values):
        raise invalid(name, f"{name} is a number.")
    wanted = {int(value) for value in values}
    return lambda said: said in wanted


def switch(name: str, values: tuple[str, ...]) -> Test:
    """A filter that takes 1 or 0."""
    if len(values) != 1 or values[0] not in ("0", "1"):
        raise invalid(name, f"{name} is 1 or 0.")
    return lambda said: said is (values[0] == "1")


def text(name: str, values: tuple[str, ...]) -> Test:
    """A filter that takes words, with % for whatever stands there; upper and lower case are the same."""
    if not all(values):
        raise invalid(name, f"{name} is empty.")
    patterns = [re.compile(".*".join(re.escape(part) for part in value.lower().split("%"))) for value in values]

    def matches(said: Any) -> bool:
        words = said if isinstance(said, tuple) else (said,)
        return any(pattern.fullmatch(word.lower()) for word in words for pattern in patterns)

    return matches


def when(name: str, values: tuple[str, ...]) -> Test:
    """A filter on a date or an instant: `A`, `>A`, `<A`, or `A...B` with both ends in it."""
    if len(values) != 1:
        raise invalid(name, f"{name} takes one value.")
    (told,) = values
    if "..." in told:
        begins, ends = span(name, told)
        return lambda said: said is not None and begins <= _at(said) <= ends
    if told[:1] == ">":
        after = moment(name, told[1:], last=True)
        return lambda said: said is not None and _at(said) > after
    if told[:1] == "<":
        before = moment(name, told[1:])
        return lambda said: said is not None and _at(said) < before
    begins, ends = moment(name, told), moment(name, told, last=True)
    return lambda said: said is not None and begins <= _at(said) <= ends


def _at(said: date | datetime) -> datetime:
    return said if isinstance(said, datetime) else datetime.combine(said, time(0), UTC)
