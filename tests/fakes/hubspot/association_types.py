"""Which associations there are between kinds of objects, and between records."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from tests.fakes.hubspot.kinds import ObjectKind

HUBSPOT_DEFINED = "HUBSPOT_DEFINED"
USER_DEFINED = "USER_DEFINED"
FIRST_OF_PORTAL = 36

UNLABELLED = {
    ("contacts", "companies"): 279,
    ("companies", "contacts"): 280,
    ("deals", "contacts"): 3,
    ("contacts", "deals"): 4,
    ("deals", "companies"): 341,
    ("companies", "deals"): 342,
    ("tickets", "contacts"): 16,
    ("contacts", "tickets"): 15,
    ("tickets", "companies"): 339,
    ("companies", "tickets"): 340,
    ("deals", "tickets"): 27,
    ("tickets", "deals"): 28,
    ("contacts", "contacts"): 449,
    ("companies", "companies"): 450,
    ("tasks", "contacts"): 204,
    ("contacts", "tasks"): 203,
    ("tasks", "companies"): 192,
    ("companies", "tasks"): 191,
    ("tasks", "deals"): 216,
    ("deals", "tasks"): 215,
    ("tasks", "tickets"): 230,
    ("tickets", "tasks"): 229,
    ("emails", "contacts"): 198,
    ("contacts", "emails"): 197,
    ("emails", "companies"): 186,
    ("companies", "emails"): 185,
    ("emails", "deals"): 210,
    ("deals", "emails"): 209,
    ("emails", "tickets"): 224,
    ("tickets", "emails"): 223,
    ("notes", "contacts"): 202,
    ("contacts", "notes"): 201,
    ("notes", "companies"): 190,
    ("companies", "notes"): 189,
    ("notes", "deals"): 214,
    ("deals", "notes"): 213,
    ("notes", "tickets"): 228,
    ("tickets", "notes"): 227,
    ("calls", "contacts"): 194,
    ("contacts", "calls"): 193,
    ("calls", "companies"): 182,
    ("companies", "calls"): 181,
    ("calls", "deals"): 206,
    ("deals", "calls"): 205,
    ("meetings", "contacts"): 200,
    ("contacts", "meetings"): 199,
    ("meetings", "companies"): 188,
    ("companies", "meetings"): 187,
    ("meetings", "deals"): 212,
    ("deals", "meetings"): 211,
    ("meetings", "tickets"): 226,
    ("tickets", "meetings"): 225,
    ("calls", "tickets"): 220,
    ("tickets", "calls"): 219,
}
PRIMARY = {
    ("contacts", "companies"): 1,
    ("companies", "contacts"): 2,
    ("deals", "companies"): 5,
    ("companies", "deals"): 6,
    ("tickets", "companies"): 26,
    ("companies", "tickets"): 25,
}


@dataclass(frozen=True)
class AssociationType:
    """One kind of association, in one direction."""

    category: str
    number: int
    label: str | None = None
    inverse: int = 0

    def spec(self) -> dict[str, object]:
        body: dict[str, object] = {"category": self.category, "typeId": self.number}
        if self.label is not None:
            body["label"] = self.label
        return body


@dataclass
class Link:
    """The associations from one record to another."""

    to_id: str
    types: list[AssociationType] = field(default_factory=list)


class AssociationTypes:
    """The kinds of associations of a portal, and all associations."""

    def __init__(self) -> None:
        self._types: dict[tuple[str, str], dict[int, AssociationType]] = defaultdict(dict)
        self._next = FIRST_OF_PORTAL
        self._links: dict[tuple[str, str, str], dict[str, Link]] = {}
        for (of, to), number in UNLABELLED.items():
            self._types[of, to][number] = AssociationType(HUBSPOT_DEFINED, number, None, UNLABELLED[to, of])
        for (of, to), number in PRIMARY.items():
            self._types[of, to][number] = AssociationType(HUBSPOT_DEFINED, number, "Primary", PRIMARY[to, of])

    def between(self, of: str, to: str) -> list[AssociationType]:
        """The kinds of associations between two kinds of objects."""
        return list(self._types.get((of, to), {}).values())

    def known(self, of: str, to: str, number: int, category: str) -> AssociationType | None:
        found = self._types.get((of, to), {}).get(number)
        return found if found is not None and found.category == category else None

    def unlabelled(self, of: str, to: str) -> AssociationType | None:
        return next((found for found in self.between(of, to) if found.label is None), None)

    def define(self, of: str, to: str, label: str | None, inverse_label: str | None) -> list[AssociationType]:
        """A new kind of association, both ways, under numbers of this portal's own."""
        there, back = self._next, self._next + 1
        self._next += 2
        self._types[of, to][there] = AssociationType(USER_DEFINED, there, label, back)
        self._types[to, of][back] = AssociationType(USER_DEFINED, back, inverse_label or label, there)
        made = [self._types[of, to][there]]
        return made if of != to else [*made, self._types[to, of][back]]

    def remove(self, of: str, to: str, number: int) -> bool:
        """Takes a kind of association away, with its associations."""
        found = self._types.get((of, to), {}).pop(number, None)
        if found is None:
            return False
        self._types[to, of].pop(found.inverse, None)
        for links in self._links.values():
            for link in links.values():
                link.types = [kept for kept in link.types if kept.number not in (number, found.inverse)]
        return True

    def link(
        self, of: ObjectKind, from_id: str, to: ObjectKind, to_id: str, types: Iterable[AssociationType] = ()
    ) -> Link:
        """Associates two records, both ways; always without a label too."""
        plain = self.unlabelled(of.name, to.name)
        wanted = [*types]
        if plain is not None and plain not in wanted:
            wanted.append(plain)
        for found in wanted:
            inverse = self._types[to.name, of.name].get(found.inverse)
            self._add((of.name, from_id, to.name), to_id, found)
            if inverse is not None:
                self._add((to.name, to_id, of.name), from_id, inverse)
        return self._links[of.name, from_id, to.name][to_id]

    def _add(self, key: tuple[str, str, str], to_id: str, found: AssociationType) -> None:
        link = self._links.setdefault(key, {}).setdefault(to_id, Link(to_id))
        if found.label == "Primary":
            for other in self._links[key].values():
                other.types = [kept for kept in other.types if kept.label != "Primary"]
        if found not in link.types:
            link.types.append(found)

    def of(self, of: str, from_id: str, to: str) -> list[Link]:
        """The associations of a record with those of a kind."""
        return list(self._links.get((of, from_id, to), {}).values())

    def unlink(self, of: str, from_id: str, to: str, to_id: str, numbers: Iterable[int] | None = None) -> None:
        """Takes associations away: all, or those of some kinds. Without the plain one none stays."""
        for key, other in (((of, from_id, to), to_id), ((to, to_id, of), from_id)):
            links = self._links.get(key, {})
            link = links.get(other)
            if link is None:
                continue
            gone = {kept.number for kept in link.types} if numbers is None else set(numbers)
            gone |= {kept.inverse for kept in link.types if kept.inverse in gone}
            kept = [found for found in link.types if found.number not in gone and found.inverse not in gone]
            if any(found.label is None for found in kept):
                link.types = kept
            else:
                del links[other]

    def drop(self, of: str, from_id: str) -> None:
        """Takes all associations of a record away."""
        for (kind, record_id, to), links in list(self._links.items()):
            if (kind, record_id) == (of, from_id):
                for to_id in list(links):
                    self.unlink(of, from_id, to, to_id)

    def move(self, of: str, from_ids: Iterable[str], to_id: str) -> None:
        """Gives the associations of some records to another one."""
        for from_id in from_ids:
            for (kind, record_id, to), links in list(self._links.items()):
                if (kind, record_id) != (of, from_id):
                    continue
                for other, link in list(links.items()):
                    for found in list(link.types):
                        inverse = self._types[to, of].get(found.inverse)
                        self._add((of, to_id, to), other, found)
                        if inverse is not None:
                            self._add((to, other, of), to_id, inverse)
                    self.unlink(of, from_id, to, other)
