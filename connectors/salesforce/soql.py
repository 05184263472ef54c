"""SOQL without pasting: a statement is a text with named places, and only here values get into them, quoted.

A statement's text has two kinds of places: `{fields}` for names of objects and fields, which must look like names, and
`:value` for values, which are written as SOQL literals. Statements stand in `connectors.salesforce.statements`, and nowhere
else.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeAlias
from urllib.parse import quote

Value: TypeAlias = str | bool | int | float | date | datetime | Sequence[str] | None
Names: TypeAlias = str | Sequence[str]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*")
_PLACE = re.compile(r"\{([a-z_]+)\}|(?<![\w:]):([a-z_]+)")
_ESCAPED = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", '"': '\\"'}

SAFE = "',()=:<>!*._-"
"""What needs no escape in the query of an address; most keys and ids consist of these and of letters and digits."""

_LONGEST = 14_000
"""Of a query in an address, escaped: Salesforce takes 16,384 bytes of address and headers together."""


@dataclass(frozen=True, slots=True)
class Soql:
    """A finished query; only `Statement` makes one."""

    text: str


@dataclass(frozen=True, slots=True)
class Statement:
    """A query with places for names and values."""

    text: str

    @property
    def places(self) -> tuple[str, ...]:
        """The names of its places, those of values with a colon."""
        return tuple(dict.fromkeys(name or f":{value}" for name, value in _PLACE.findall(self.text)))

    def __call__(self, **given: Value | Names) -> Soql:
        """The query with every place filled.

        A sequence of names is joined by commas; a sequence of texts as value becomes a list in parentheses. Raises
        `ValueError` for a place that is missing or too many, a name that is none, and an empty list.
        """
        wanted = {place.removeprefix(":") for place in self.places}
        if wanted != set(given):
            raise ValueError(f"the statement has the places {sorted(wanted)}, not {sorted(given)}")
        return Soql(_PLACE.sub(lambda found: self._filled(found, given), self.text))

    @staticmethod
    def _filled(found: re.Match[str], given: dict[str, Value | Names]) -> str:
        return _names(given[found[1]]) if found[1] else literal(given[found[2]])


def literal(value: Value) -> str:
    """A value as SOQL writes it. Raises `ValueError` for an empty list."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return "'" + "".join(_ESCAPED.get(letter, letter) for letter in value) + "'"
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int | float):
        return str(value)
    if not value:
        raise ValueError("a list of values must not be empty")
    return "(" + ",".join(literal(one) for one in value) + ")"


def _names(value: Value | Names) -> str:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, Sequence) or not names or not all(_NAME.fullmatch(str(name)) for name in names):
        raise ValueError(f"not the name of an object or field: {value!r}")
    return ", ".join(str(name) for name in names)


def parts_of(statement: Statement, place: str, values: Sequence[str], **others: Value | Names) -> Iterator[Soql]:
    """The statement for a list of values of any length, in as few queries as an address may be long."""
    room = _LONGEST - len(quote(statement(**{place: ["x"]}, **others).text, safe=SAFE))
    part: list[str] = []
    used = 0
    for value in dict.fromkeys(values):
        size = len(quote(literal(value), safe=SAFE)) + 1
        if part and used + size > room:
            yield statement(**{place: part}, **others)
            part, used = [], 0
        part.append(value)
        used += size
    if part:
        yield statement(**{place: part}, **others)
