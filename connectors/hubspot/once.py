"""Makes tasks, notes and logged mails once each, also where the account refuses a unique property on them.

Where our key is unique, HubSpot itself refuses a second one, and tells by key what is there. Where it is not: each is
noted as begun before the call; what was begun and not heard of is looked for at the records it hangs on, whose
associations are never late, and only then made.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.tables import LinkState
from connectors.hubspot.batches import ItemResult, Write
from connectors.hubspot.errors import Refused
from connectors.hubspot.fields import Holder, unique_field
from connectors.hubspot.objects import Filter
from connectors.hubspot.target import Target
from core.batches import batched

_VALUES_PER_SEARCH = 100


@dataclass(frozen=True, slots=True)
class Draft:
    """A thing to be made: our key, its properties, and the ids of the records it hangs on by their object type."""

    key: str
    properties: Mapping[str, str]
    ends: tuple[tuple[str, str], ...] = ()


@dataclass
class Once:
    """Makes one kind of thing."""

    target: Target
    links: Links
    holder: Holder
    kind: LinkKind

    @property
    def _key_property(self) -> str:
        return unique_field(self.holder).name

    @property
    def _unique(self) -> bool:
        return self.target.has_unique_key(self.holder)

    def make(self, drafts: Sequence[Draft]) -> list[ItemResult]:
        """Makes what is not there yet; the result of each, by its key. Raises `NolapseError` only before any is made."""
        if not drafts:
            return []
        keys = [draft.key for draft in drafts]
        links = self.links.get(self.kind, keys)
        there = {key: link.their_id for key, link in links.items() if link.state is LinkState.LINKED}
        if begun := [key for key, link in links.items() if link.state is LinkState.SENDING]:
            there |= self._look(begun, links)
        new = list({draft.key: draft for draft in drafts if draft.key not in there}.values())
        self.links.put(
            self.kind,
            [Link(one.key, state=LinkState.SENDING, facts={"ends": [list(end) for end in one.ends]}) for one in new],
        )
        results = {one.key: one for one in self._create(new)} if new else {}
        self._write_down(there, results, links)
        return [results.get(key) or ItemResult(key, there[key]) for key in keys]

    def find(self, keys: Sequence[str]) -> dict[str, str]:
        """The ids of those that are there."""
        if not keys:
            return {}
        links = self.links.get(self.kind, keys)
        there = {key: link.their_id for key, link in links.items() if link.state is LinkState.LINKED}
        found = self._look([key for key in keys if key not in there], links)
        self.links.put(self.kind, [Link(key, id) for key, id in found.items()])
        return there | found

    def _write_down(
        self, there: Mapping[str, str], results: Mapping[str, ItemResult], links: Mapping[str, Link]
    ) -> None:
        made = {key: one.id for key, one in results.items() if one.error is None} | dict(there)
        known = {key for key, link in links.items() if link.state is LinkState.LINKED}
        self.links.put(self.kind, [Link(key, id) for key, id in made.items() if key not in known])
        self.links.forget(self.kind, [key for key, one in results.items() if one.error is not None and not one.unclear])

    def _create(self, new: Sequence[Draft]) -> list[ItemResult]:
        first = self._send(new)
        refused = {one.key for one in first.values() if isinstance(one.error, Refused)}
        if refused and self._unique:
            found = self.target.client.batch_read(self.holder, sorted(refused), (), self._key_property)
            first |= {key: ItemResult(key, one.id) for key, one in found.items()}
            refused -= found.keys()
        # A contact or record may be gone from HubSpot; the task is wanted all the same.
        hanging = [draft for draft in new if draft.key in refused and draft.ends]
        if hanging and len(kept := self._without_lost(hanging)):
            first |= self._send(kept)
        return [first[draft.key] for draft in new]

    def _send(self, drafts: Sequence[Draft]) -> dict[str, ItemResult]:
        writes = [
            Write(
                one.key,
                one.properties,
                links=tuple(self.target.ends(self.holder, to_type, id) for to_type, id in one.ends),
            )
            for one in drafts
        ]
        results = self.target.client.batch_create(self.holder, writes, self._key_property, repeatable=self._unique)
        return {one.key: one for one in results}

    def _without_lost(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Those drafts that hang on something that is not there any more, without it."""
        by_type: dict[str, set[str]] = {}
        for draft in drafts:
            for to_type, id in draft.ends:
                by_type.setdefault(to_type, set()).add(id)
        there = {
            to_type: set(self.target.client.batch_read(to_type, sorted(ids), ())) for to_type, ids in by_type.items()
        }
        kept = [
            Draft(one.key, one.properties, tuple(end for end in one.ends if end[1] in there[end[0]])) for one in drafts
        ]
        return [after for before, after in zip(drafts, kept, strict=True) if after.ends != before.ends]

    def _look(self, keys: Sequence[str], links: Mapping[str, Link]) -> dict[str, str]:
        """The ids of those of these that HubSpot has. Raises `NolapseError` where nobody can tell."""
        if not keys:
            return {}
        if self._unique:
            found = self.target.client.batch_read(self.holder, keys, (), self._key_property)
            return {key: one.id for key, one in found.items()}
        ends = {key: links[key].facts.get("ends", []) for key in keys if key in links}
        by_end = self._at_ends({key: some for key, some in ends.items() if some})
        rest = [key for key in keys if not ends.get(key)]
        return by_end | self._by_search(rest)

    def _at_ends(self, ends: Mapping[str, Sequence[Sequence[str]]]) -> dict[str, str]:
        """Among what hangs on the same records. One end of each is enough; they are asked for by object type."""
        first: dict[str, set[str]] = {}
        for some in ends.values():
            to_type, id = some[0]
            first.setdefault(to_type, set()).add(id)
        client, found = self.target.client, {}
        for to_type, ids in first.items():
            hanging = client.associated(to_type, self.holder, sorted(ids))
            candidates = sorted({id for several in hanging.values() for id in several})
            for id, one in client.batch_read(self.holder, candidates, (self._key_property,)).items():
                if (key := one.properties.get(self._key_property, "")) in ends:
                    found[key] = id
        return found

    def _by_search(self, keys: Sequence[str]) -> dict[str, str]:
        found = {}
        for some in batched(keys, _VALUES_PER_SEARCH):
            wanted = [Filter(self._key_property, "IN", values=tuple(some))]
            for one in self.target.client.search(self.holder, wanted, (self._key_property,)):
                found[one.properties.get(self._key_property, "")] = one.id
        return found
