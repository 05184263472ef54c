"""What a person decides about companies that could not be told for sure."""

from collections.abc import Sequence

from connectors.hubspot.batches import Write
from connectors.hubspot.links import Link, LinkKind, Links
from connectors.hubspot.mapping import clean
from connectors.hubspot.objects import CrmObject
from connectors.hubspot.outcomes import failed, result_of
from connectors.hubspot.tables import LinkState
from connectors.hubspot.target import Target
from core.errors import SkippableError
from core.ports import Ambiguity, Candidate, Decision, Handed, Result

_SHOWN = ("name", "domain", "city", "nolapse_account_key")


class Linking:
    """Ambiguous companies, and the decisions on them."""

    def __init__(self, target: Target, links: Links) -> None:
        self._target = target
        self._links = links

    def ambiguities(self) -> list[Ambiguity]:
        """The accounts that wait for a decision, each with the companies it may be."""
        waiting = self._links.of_state(LinkKind.COMPANY, LinkState.AMBIGUOUS)
        ids = sorted({id for link in waiting for id in link.facts["candidates"]})
        there = self._target.client.batch_read("companies", ids, _SHOWN) if ids else {}
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
        chosen = [one for one in decisions if one.their_id]
        ids = [one.their_id for one in chosen if one.their_id.isdigit()]
        there = self._target.client.batch_read("companies", ids, _SHOWN) if ids else {}
        results = {one.our_key: self._refusal(one, there.get(one.their_id)) for one in chosen}
        results |= self._link([one for one in chosen if results[one.our_key] is None])
        results |= self._make([one for one in decisions if one.new], known)
        left_out = [one.our_key for one in decisions if not one.their_id and not one.new]
        self._links.put(LinkKind.COMPANY, [Link(key, state=LinkState.LEFT_OUT) for key in left_out])
        results |= {key: Result(key, Handed.DELIVERED, "left out") for key in left_out}
        return [result for result in results.values() if result is not None]

    def _refusal(self, one: Decision, company: CrmObject | None) -> Result | None:
        if company is None:
            return failed(one.our_key, SkippableError(f"HubSpot has no company {one.their_id}"))
        owner = company.properties.get("nolapse_account_key", "")
        if owner not in ("", one.our_key):
            return failed(one.our_key, SkippableError(f"the company {one.their_id} is linked to the account {owner}"))
        return None

    def _link(self, chosen: Sequence[Decision]) -> dict[str, Result | None]:
        writes = [Write(one.our_key, {"nolapse_account_key": one.our_key}, one.their_id) for one in chosen]
        done = self._target.client.batch_update("companies", writes) if writes else []
        by_hand = {"by": "hand"}
        self._links.put(LinkKind.COMPANY, [Link(one.key, one.id, facts=by_hand) for one in done if one.error is None])
        return {one.key: result_of(one.key, one) for one in done}

    def _make(self, new: Sequence[Decision], known: dict[str, Link]) -> dict[str, Result | None]:
        writes = []
        for one in new:
            name = str(known[one.our_key].facts.get("name", "")) if one.our_key in known else ""
            said = {"nolapse_account_key": one.our_key, "name": clean(name) or one.our_key}
            writes.append(Write(one.our_key, said, one.our_key))
        done = self._target.client.batch_upsert("companies", writes, "nolapse_account_key") if writes else []
        self._links.put(
            LinkKind.COMPANY, [Link(one.key, one.id, facts={"by": "made"}) for one in done if one.error is None]
        )
        return {one.key: result_of(one.key, one) for one in done}


def _described(company: CrmObject) -> str:
    said = company.properties
    parts = [said.get("name", ""), said.get("domain", ""), said.get("city", "")]
    if said.get("nolapse_account_key"):
        parts.append(f"linked to {said['nolapse_account_key']}")
    return ", ".join(filter(None, parts))
