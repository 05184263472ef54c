"""What a person decides about companies that could not be told for sure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.tables import LinkState
from core.errors import SkippableError
from core.linking import Ambiguity, Candidate, Decision
from core.ports import Handed, Result


@dataclass(frozen=True, slots=True)
class Company:
    """A company of theirs: what people know it by, and the account of ours whose key it carries."""

    id: str
    described: str
    account_key: str = ""


class Companies(Protocol):
    """The companies of one CRM. Each result has our account's key, and the company's id where it was written."""

    crm: str  # what people call it

    def read(self, ids: Sequence[str]) -> Mapping[str, Company]:
        """Those of these that exist, by their ids; what is no id of the CRM's is left out."""
        ...

    def claim(self, ids: Mapping[str, str]) -> list[Result]:
        """Puts the keys of our accounts on companies (account key → id)."""
        ...

    def make(self, names: Mapping[str, str]) -> list[Result]:
        """Makes companies that carry our keys (account key → name)."""
        ...


class Linking:
    """Ambiguous companies, and the decisions on them."""

    def __init__(self, companies: Companies, links: Links) -> None:
        self._companies = companies
        self._links = links

    def ambiguities(self) -> list[Ambiguity]:
        """The accounts that wait for a decision, each with the companies it may be."""
        waiting = self._links.of_state(LinkKind.COMPANY, LinkState.AMBIGUOUS)
        there = self._read({id for link in waiting for id in link.facts["candidates"]})
        return [
            Ambiguity(
                link.our_key,
                str(link.facts["name"]),
                str(link.facts["by"]),
                tuple(Candidate(id, _described(there[id])) for id in link.facts["candidates"] if id in there),
            )
            for link in waiting
        ]

    def decide(self, decisions: Sequence[Decision]) -> list[Result]:
        """Links companies, makes new ones, leaves accounts out for good. One that is another's already is refused."""
        known = self._links.get(LinkKind.COMPANY, [one.our_key for one in decisions])
        chosen = {one.our_key: one.their_id for one in decisions if one.their_id}
        there = self._read(chosen.values())
        results = {}
        for key, id in chosen.items():
            if (refusal := self._refusal(key, id, there.get(id))) is not None:
                results[key] = refusal
        results |= self._link({key: id for key, id in chosen.items() if key not in results})
        results |= self._make([one.our_key for one in decisions if one.new], known)
        left_out = [one.our_key for one in decisions if not one.their_id and not one.new]
        self._links.put(LinkKind.COMPANY, [Link(key, state=LinkState.LEFT_OUT) for key in left_out])
        results |= {key: Result(key, Handed.DELIVERED, "left out") for key in left_out}
        return list(results.values())

    def _read(self, ids: Collection[str]) -> Mapping[str, Company]:
        return self._companies.read(sorted(set(ids))) if ids else {}

    def _refusal(self, key: str, id: str, company: Company | None) -> Result | None:
        if company is None:
            return Result(key, Handed.FAILED, error=SkippableError(f"{self._companies.crm} has no company {id}"))
        if company.account_key not in ("", key):
            error = SkippableError(f"the company {id} is linked to the account {company.account_key}")
            return Result(key, Handed.FAILED, error=error)
        return None

    def _link(self, chosen: Mapping[str, str]) -> dict[str, Result]:
        return self._linked(self._companies.claim(chosen), "hand") if chosen else {}

    def _make(self, keys: Sequence[str], known: Mapping[str, Link]) -> dict[str, Result]:
        names = {key: str(known[key].facts.get("name", "")) if key in known else "" for key in keys}
        return self._linked(self._companies.make(names), "made") if names else {}

    def _linked(self, done: Sequence[Result], by: str) -> dict[str, Result]:
        arrived = [one for one in done if one.handed is Handed.DELIVERED]
        self._links.put(LinkKind.COMPANY, [Link(one.key, one.outside_id, facts={"by": by}) for one in arrived])
        return {one.key: one for one in done}


def _described(company: Company) -> str:
    return ", ".join(filter(None, (company.described, company.account_key and f"linked to {company.account_key}")))
