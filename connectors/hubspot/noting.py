"""Notes about customers: what a call would have been about, for a rep who is talking to them anyway."""

from collections.abc import Sequence

from connectors.crm.links import LinkKind, Links
from connectors.hubspot.fields import Holder
from connectors.hubspot.mapping import note_properties
from connectors.hubspot.once import Draft, Once
from connectors.hubspot.outcomes import result_of
from connectors.hubspot.target import Target
from connectors.hubspot.tasking import ids_of
from core.crm_ports import Note
from core.ports import Result


class Notes:
    """Our notes in one HubSpot account, each made once with all it hangs on in one call."""

    def __init__(self, target: Target, links: Links) -> None:
        self._target = target
        self._links = links
        self._once = Once(target, links, Holder.NOTE, LinkKind.NOTE)

    def add(self, notes: Sequence[Note]) -> list[Result]:
        """Adds notes to their companies and records; one that is there stays as its rep has made it."""
        companies = ids_of(self._links, LinkKind.COMPANY, [one.account_key for one in notes])
        records = ids_of(self._links, LinkKind.RECORD, [key for one in notes for key in one.order_keys])
        object_type = self._target.layout.object_type if records else ""
        drafts = []
        for one in notes:
            ends = [("companies", companies.get(one.account_key, ""))]
            ends += [(object_type, records.get(key, "")) for key in one.order_keys]
            kept = tuple(dict.fromkeys(end for end in ends if end[1]))
            drafts.append(Draft(one.key, self._properties(one), kept))
        return [result_of(one.key, one) for one in self._once.make(drafts)]

    def _properties(self, note: Note) -> dict[str, str]:
        owner_id = self._target.owner_id(note.owner_key)
        return note_properties(note) | ({"hubspot_owner_id": owner_id} if owner_id else {})
