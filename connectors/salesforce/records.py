"""What goes to Salesforce and comes back: rows, writes, and what became of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from core.errors import NolapseError

Row = dict[str, Any]
"""A record as a query gives it: JSON values by field; a related record (`Owner`) is a row of its own, or None."""

ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


@dataclass(frozen=True, slots=True)
class Write:
    """One record to be written. `key` is the caller's own name for it, unique in the batch.

    `fields` are JSON values by field: text, number, bool, `YYYY-MM-DD`, `YYYY-MM-DDTHH:MM:SSZ`; None empties a field.
    An update names the record by `id`; an upsert by the external id among its fields; a new record has neither.
    `parent` is the id of the record that Salesforce locks meanwhile (a task's WhatId or WhoId, an order's account):
    writes of one parent go in one call.
    """

    key: str
    fields: Mapping[str, Any]
    id: str = ""
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one write, under the caller's key. Without an `error` it is done, and `id` is the record's.

    `new`: whether the record was created by it. The error tells what to do: Retriable, Skippable, Fatal, Configuration.
    """

    key: str
    id: str = ""
    new: bool = False
    error: NolapseError | None = None


@dataclass(frozen=True, slots=True)
class ActionOutcome:
    """What an invocable action made of one input, under the caller's key."""

    key: str
    outputs: Mapping[str, Any] = field(default_factory=dict)
    error: NolapseError | None = None


def long_id(id: str) -> str:
    """An id in its form of 18 characters, which no letter case can spoil; other texts come back as they are."""
    if len(id) != 15 or not (id.isascii() and id.isalnum()):
        return id
    marks = (sum(1 << place for place, letter in enumerate(id[at : at + 5]) if letter.isupper()) for at in (0, 5, 10))
    return id + "".join(ID_ALPHABET[mark] for mark in marks)


def same_id(one: str, other: str) -> bool:
    """Whether two ids mean one record, whichever of their forms they have."""
    return long_id(one) == long_id(other)
