"""Makes tasks and logged mails once each.

Our key is unique on them: Salesforce itself refuses a second one that is there. One that a person has deleted is not
there any more, so what was begun and not heard of is looked for first, in the recycle bin too, and is not made again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.crm.foreign import text_of
from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.tables import LinkState
from connectors.salesforce.errors import Refused, Unclear
from connectors.salesforce.hanging import without_lost
from connectors.salesforce.owning import with_owners
from connectors.salesforce.records import Outcome, Write
from connectors.salesforce.statements import BY_KEY
from connectors.salesforce.target import Target


@dataclass
class Once:
    """Makes one kind of thing: an object, and the unique field of ours on it."""

    target: Target
    links: Links
    kind: LinkKind
    sobject: str
    key_field: str

    def make(self, writes: Sequence[Write]) -> list[Outcome]:
        """Makes what was not made yet; the outcome of each, in order. Raises `NolapseError` only before any is made."""
        if not writes:
            return []
        keys = [write.key for write in writes]
        links = self.links.get(self.kind, keys)
        there = {key: link.their_id for key, link in links.items() if link.state is LinkState.LINKED}
        if begun := [key for key, link in links.items() if link.state is LinkState.SENDING]:
            there |= self._look(begun)
        new = list({write.key: write for write in writes if write.key not in there}.values())
        self.links.put(self.kind, [Link(write.key, state=LinkState.SENDING) for write in new])
        outcomes = self._create(new) if new else {}
        self.links.put(self.kind, [Link(key, there[key]) for key in begun if key in there])
        return [outcomes.get(key) or Outcome(key, there[key]) for key in keys]

    def find(self, keys: Sequence[str]) -> dict[str, str]:
        """The ids of those that were made, whether they are still there or not."""
        if not keys:
            return {}
        links = self.links.get(self.kind, keys)
        known = {key: link.their_id for key, link in links.items() if link.state is LinkState.LINKED}
        found = self._look([key for key in keys if key not in known])
        self.links.put(self.kind, [Link(key, id) for key, id in found.items()])
        return known | found

    def _look(self, keys: Sequence[str]) -> dict[str, str]:
        """By our key, also among what was deleted; one that is there comes before one that is not."""
        if not keys:
            return {}
        asked = ["Id", "IsDeleted", *self.target.require(self.sobject, self.key_field)]
        rows = self.target.client.query_for(
            BY_KEY, "keys", keys, fields=asked, object=self.sobject, key=self.key_field, deleted=True
        )
        ordered = sorted(rows, key=lambda row: row.get("IsDeleted") is not True)
        return {text_of(row.get(self.key_field)): text_of(row.get("Id")) for row in ordered}

    def _create(self, new: Sequence[Write]) -> dict[str, Outcome]:
        done, owners = with_owners(self.target, self._send, new)
        outcomes = {one.key: one for one in done}
        refused = [one for one in new if isinstance(outcomes[one.key].error, Refused) and _hangs(one)]
        if refused and (again := without_lost(self.target, self.links, refused)):
            # A contact or record may be gone from Salesforce; the task is wanted all the same.
            more, their_owners = with_owners(self.target, self._send, again)
            outcomes |= {one.key: one for one in more}
            owners |= their_owners
        self.links.put(
            self.kind,
            [
                Link(key, one.id, facts={"owner": owners[key]} if key in owners else {})
                for key, one in outcomes.items()
                if one.error is None
            ],
        )
        self.links.forget(
            self.kind,
            [key for key, one in outcomes.items() if one.error is not None and not isinstance(one.error, Unclear)],
        )
        return outcomes

    def _send(self, writes: Sequence[Write]) -> list[Outcome]:
        return self.target.client.create(self.sobject, writes, self.key_field)


def _hangs(write: Write) -> bool:
    return any(write.fields.get(name) for name in ("WhoId", "WhatId"))
