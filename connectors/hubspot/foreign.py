"""HubSpot's JSON, typed where it is used: what has another shape than expected is empty, never an exception."""

from collections.abc import Mapping
from typing import Any


def mapping_of(value: Any) -> Mapping[str, Any]:
    """An object; empty for anything else."""
    return value if isinstance(value, Mapping) else {}


def dicts_of(value: Any) -> list[Mapping[str, Any]]:
    """The objects in a list; none for anything else."""
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def text_of(value: Any) -> str:
    """A text; empty for anything else."""
    return value if isinstance(value, str) else ""


def properties_of(said: Mapping[str, Any]) -> dict[str, str]:
    """The properties of a record as it was answered; what is null or not there has no entry."""
    properties = mapping_of(said.get("properties"))
    return {str(name): str(value) for name, value in properties.items() if value is not None}
