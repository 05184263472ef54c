"""Whom to write to: the first usable person in the order of roles."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from core.reasons import Reason
from core.words import Role


class Candidate(NamedTuple):
    """A person who could be written to. `own` says that the order itself names the person, not only its account."""

    contact_id: int
    email: str
    roles: frozenset[Role]
    own: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """Who was chosen in which role, or why nobody could be."""

    candidate: Candidate | None
    role: Role | None = None
    reason: Reason | None = None


def choose(
    candidates: Iterable[Candidate],
    roles: tuple[Role, ...],
    why_not: Callable[[Candidate], Reason | None],
    *,
    widen: bool = False,
) -> Choice:
    """The first person by role whom nothing speaks against; the order's own people before the account's.

    With `widen`, people in any other role are tried last. Where nobody is left the reason is that of the first person
    refused, or that there is no contact at all.
    """
    people = sorted(candidates, key=lambda one: (not one.own, one.contact_id))
    wanted = (*roles, *(role for role in Role if role not in roles)) if widen else roles
    refused: Reason | None = None
    for role in wanted:
        for person in people:
            if role not in person.roles:
                continue
            reason = why_not(person)
            if reason is None:
                return Choice(person, role)
            refused = refused or reason
    return Choice(None, reason=refused or Reason.NO_CONTACT)


def is_own(email: str, own_domains: tuple[str, ...]) -> bool:
    """Whether an address belongs to one of our own domains, or to a name below one."""
    if not own_domains:
        return False
    domain = email.rpartition("@")[2].lower()
    return any(domain == own or domain.endswith("." + own) for own in own_domains)
