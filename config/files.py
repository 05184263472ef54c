"""Turns the content of a settings file into the engine's own data, and says in one line what is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from core.errors import ConfigurationError

_T = TypeVar("_T")


def read(kind: type[_T], value: object, where: str) -> _T:
    """The data that a table says. Raises `ConfigurationError` for an unknown key, or a value that cannot be meant."""
    refuse_unknown(kind, value, where)
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        raise ConfigurationError(f"{where}: {first_problem(error)}") from error


def first_problem(error: ValidationError) -> str:
    """The first thing that is wrong, with its place, and without the value."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    said = first["msg"].removeprefix("Value error, ")
    return f"{place}: {said[:1].lower()}{said[1:]}" if place else f"{said[:1].lower()}{said[1:]}"


def refuse_unknown(kind: Any, value: object, where: str, place: str = "") -> None:
    """Raises `ConfigurationError` for the first key, at any depth, that is no field of the data meant there."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        for one in inner:
            if is_dataclass(one):
                refuse_unknown(one, value, where, place)
    elif is_dataclass(kind) and isinstance(value, Mapping):
        types = get_type_hints(kind)
        known = [entry.name for entry in fields(kind)]
        for key, one in value.items():
            if key not in known:
                raise ConfigurationError(f"{where}: {place}{key} is not a setting; known are {', '.join(known)}")
            refuse_unknown(types[key], one, where, f"{place}{key}.")
    elif isinstance(value, Mapping) and len(inner) == 2:
        for key, one in value.items():
            refuse_unknown(inner[1], one, where, f"{place}{key}.")
    elif isinstance(value, Sequence) and not isinstance(value, str) and inner:
        for number, one in enumerate(value, start=1):
            refuse_unknown(inner[0], one, where, f"{place}{number}.")
