"""Call tasks: made with everything they hang on in one call, raised and closed as far as the rep has left them alone."""

from collections.abc import Mapping, Sequence

from connectors.crm.links import LinkKind, Links
from connectors.hubspot.batches import Write
from connectors.hubspot.fields import Holder
from connectors.hubspot.mapping import DONE, PRIORITIES, clean, day_of, due_at, task_properties
from connectors.hubspot.objects import CrmObject
from connectors.hubspot.once import Draft, Once
from connectors.hubspot.outcomes import failed, result_of
from connectors.hubspot.target import Target
from core.crm_ports import TaskAssign
from core.errors import SkippableError
from core.ports import Handed, Result, TaskClose, TaskDraft, TaskRaise


class Tasks:
    """Our tasks in one HubSpot account. Tasks that people made are never read or written."""

    def __init__(self, target: Target, links: Links) -> None:
        self._target = target
        self._links = links
        self._once = Once(target, links, Holder.TASK, LinkKind.TASK)

    def find(self, keys: Sequence[str]) -> dict[str, str]:
        """The ids of those of our tasks that exist."""
        return self._once.find(keys)

    def create(self, drafts: Sequence[TaskDraft]) -> list[Result]:
        """Makes tasks; one that is there stays as its rep has made it."""
        ends = self._ends(drafts)
        made = self._once.make([Draft(one.key, self._properties(one), ends[one.key]) for one in drafts])
        return [result_of(one.key, one) for one in made]

    def raise_all(self, raises: Sequence[TaskRaise]) -> list[Result]:
        """Writes priority and due date where they are still ours, and the orders."""
        there = self._read([step.outside_id for step in raises])
        hour = self._target.settings.due_hour
        writes = {
            step.key: Write(step.key, _raised(step, there[step.outside_id], hour), step.outside_id)
            for step in raises
            if step.outside_id in there
        }
        return self._update([(step.key, step.outside_id) for step in raises], writes, there)

    def close(self, closes: Sequence[TaskClose]) -> list[Result]:
        """Completes the tasks that are still open."""
        there = self._read([close.outside_id for close in closes])
        writes = {
            close.key: Write(
                close.key,
                {"hs_task_status": DONE, "nolapse_closed_because": clean(close.reason) or "done"},
                close.outside_id,
            )
            for close in closes
            if close.outside_id in there and there[close.outside_id].properties.get("hs_task_status") != DONE
        }
        return self._update([(close.key, close.outside_id) for close in closes], writes, there)

    def assign(self, assigns: Sequence[TaskAssign]) -> list[Result]:
        """Gives open tasks to their new owners where they are still whose we made them; HubSpot must know the rep."""
        there = self._read([one.outside_id for one in assigns])
        target = self._target
        writes = {
            one.key: Write(one.key, {"hubspot_owner_id": owner_id}, one.outside_id)
            for one in assigns
            if (task := there.get(one.outside_id)) is not None
            and task.properties.get("hs_task_status") != DONE
            and task.properties.get("hubspot_owner_id", "") == target.owner_id(one.was_owner_key)
            and (owner_id := target.owner_id(one.owner_key))
        }
        return self._update([(one.key, one.outside_id) for one in assigns], writes, there)

    def _update(
        self, wanted: Sequence[tuple[str, str]], writes: Mapping[str, Write], there: Mapping[str, CrmObject]
    ) -> list[Result]:
        client = self._target.client
        done = {one.key: one for one in client.batch_update(Holder.TASK, list(writes.values()))} if writes else {}
        results = []
        for key, id in wanted:
            if key in done:
                results.append(result_of(key, done[key]))
            elif id in there:
                results.append(Result(key, Handed.DELIVERED, id))
            else:
                results.append(failed(key, SkippableError(f"HubSpot has no task {id}; somebody may have deleted it")))
        return results

    def _read(self, ids: Sequence[str]) -> dict[str, CrmObject]:
        asked = ("hs_task_status", "hs_task_priority", "hs_timestamp", "nolapse_urgency", "hubspot_owner_id")
        # Anything but a number is no id of HubSpot's, which refuses a whole batch for it.
        known = [id for id in ids if id.isdigit()]
        return self._target.client.batch_read(Holder.TASK, known, asked) if known else {}

    def _properties(self, draft: TaskDraft) -> dict[str, str]:
        said = task_properties(draft, self._target.settings.due_hour)
        owner_id = self._target.owner_id(draft.owner_key)
        return said | ({"hubspot_owner_id": owner_id} if owner_id else {})

    def _ends(self, drafts: Sequence[TaskDraft]) -> dict[str, tuple[tuple[str, str], ...]]:
        """What each task hangs on: company, contact, records; as far as they are linked."""
        companies = ids_of(self._links, LinkKind.COMPANY, [one.account_key for one in drafts])
        contacts = ids_of(self._links, LinkKind.CONTACT, [one.contact_email.lower() for one in drafts])
        records = ids_of(self._links, LinkKind.RECORD, [key for one in drafts for key in one.order_keys])
        object_type = self._target.layout.object_type if records else ""
        found: dict[str, tuple[tuple[str, str], ...]] = {}
        for one in drafts:
            ends = [("companies", companies.get(one.account_key, ""))]
            ends.append(("contacts", contacts.get(one.contact_email.lower(), "")))
            ends += [(object_type, records.get(key, "")) for key in one.order_keys]
            found[one.key] = tuple(dict.fromkeys(end for end in ends if end[1]))
        return found


def ids_of(links: Links, kind: LinkKind, keys: Sequence[str]) -> dict[str, str]:
    """The ids in HubSpot of those of these that have one."""
    return {key: link.their_id for key, link in links.get(kind, keys).items() if link.their_id}


def _raised(step: TaskRaise, task: CrmObject, hour: int) -> dict[str, str]:
    theirs = task.properties
    said = {"nolapse_order_keys": " ".join(step.order_keys)}
    if (theirs.get("hs_task_priority"), theirs.get("nolapse_urgency")) == (
        PRIORITIES[step.was_urgency], str(step.was_urgency),
    ):  # fmt: skip
        said |= {"hs_task_priority": PRIORITIES[step.urgency], "nolapse_urgency": str(step.urgency)}
    if day_of(theirs.get("hs_timestamp", "")) == step.was_due_on:
        said["hs_timestamp"] = due_at(step.due_on, hour)
    return said
