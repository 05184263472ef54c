"""Foreign JSON, typed where it is used: what has another shape than expected is empty, never an exception."""

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


def number_of(value: Any) -> int:
    """A whole number; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
