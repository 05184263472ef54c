"""The port of a CRM in which our accounts have to be found, and what a person decides where it has several answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from core.ports import Result


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of theirs that may be one of ours."""

    their_id: str
    description: str


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """One of our accounts for which the CRM has several answers, or one that others answer to as well.

    `by` is what they were found by: people or domain.
    """

    our_key: str
    our_name: str
    by: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided about one of our accounts: one of theirs by its id, a new one, or none at all."""

    our_key: str
    their_id: str = ""
    new: bool = False


@runtime_checkable
class LinkingCrm(Protocol):
    """A CRM in which companies have to be found, and may be found more than once."""

    def ambiguities(self) -> list[Ambiguity]: ...

    def decide(self, decisions: Sequence[Decision]) -> list[Result]:
        """Links what was decided; the fate of each, by our key."""
        ...
