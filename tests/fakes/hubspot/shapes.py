"""Says whether a request's JSON has only the documented fields, each of its documented type."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.hubspot.errors import invalid

Kind = Any


@dataclass(frozen=True)
class Fields:
    """A JSON object: its fields and their kinds."""

    required: Mapping[str, Kind] = field(default_factory=dict)
    optional: Mapping[str, Kind] = field(default_factory=dict)


@dataclass(frozen=True)
class ListOf:
    """A JSON array of one kind, of at most so many."""

    kind: Kind
    at_most: int | None = None


@dataclass(frozen=True)
class MapOf:
    """A JSON object with any names and values of one kind."""

    kind: Kind


@dataclass(frozen=True)
class OneOf:
    """A string out of a list."""

    values: tuple[str, ...]


TEXT = str
WHOLE = int
FLAG = bool
NUMBER = float
ANYTHING = object
STRINGS = ListOf(str)

_NAMES = {str: "string", int: "integer", bool: "boolean", float: "number"}


def check(value: Any, kind: Kind, where: str = "body") -> None:
    """Raises `ApiError` 400 at the first thing that is not documented."""
    if isinstance(kind, Fields):
        _check_object(value, kind, where)
    elif isinstance(kind, ListOf):
        if not isinstance(value, list):
            raise _wrong(where, "array")
        if kind.at_most is not None and len(value) > kind.at_most:
            raise invalid(
                f"The maximum number of {where.rpartition('.')[2]} in one request is {kind.at_most}, not {len(value)}",
                field_name=where,
            )
        for position, entry in enumerate(value):
            check(entry, kind.kind, f"{where}[{position}]")
    elif isinstance(kind, MapOf):
        if not isinstance(value, dict):
            raise _wrong(where, "object")
        for name, entry in value.items():
            check(entry, kind.kind, f"{where}.{name}")
    elif isinstance(kind, OneOf):
        if value not in kind.values:
            raise invalid(f"Invalid input JSON: {where} must be one of: {', '.join(kind.values)}", field_name=where)
    elif kind is not object:
        right = isinstance(value, (int, float) if kind is float else kind)
        if not right or (kind is not bool and isinstance(value, bool)):
            raise _wrong(where, _NAMES[kind])


def _check_object(value: Any, kind: Fields, where: str) -> None:
    if not isinstance(value, dict):
        raise _wrong(where, "object")
    for name in kind.required:
        if name not in value:
            raise invalid(f"Invalid input JSON: required field {where}.{name} is missing", field_name=f"{where}.{name}")
    for name, entry in value.items():
        known = kind.required.get(name) or kind.optional.get(name)
        if known is None:
            raise invalid(f"Invalid input JSON: unknown field {where}.{name}", field_name=f"{where}.{name}")
        check(entry, known, f"{where}.{name}")


def _wrong(where: str, expected: str) -> Exception:
    return invalid(f"Invalid input JSON: {where} must be of type {expected}", field_name=where)
