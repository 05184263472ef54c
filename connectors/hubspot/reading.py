"""What people changed in HubSpot, object type by object type, each record by the time of its last change."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from connectors.crm import cursor as cursors
from connectors.crm.judging import Judge, Judged, SeenCompany, SeenOrder, SeenPerson, SeenRep, SeenTask
from connectors.crm.ledger import Ledger
from connectors.crm.links import LinkKind, Links
from connectors.hubspot.engaging import NAME, Engagements
from connectors.hubspot.fields import Holder, opted_out_field, unique_field
from connectors.hubspot.layout import object_type_of
from connectors.hubspot.mapping import DONE, day_of, language_of, milliseconds, person_name
from connectors.hubspot.objects import CrmObject, Filter
from connectors.hubspot.pushing import stage_written
from connectors.hubspot.target import Target
from core.ports import CrmChange
from core.words import Stage

_RECORD = (
    "nolapse_order_key", "nolapse_stage", "nolapse_snooze_until", "nolapse_do_not_renew", "nolapse_lost_reason",
    "nolapse_lost_scope", "nolapse_win_back_on",
)  # fmt: skip
_COMPANY = ("nolapse_account_key", "hubspot_owner_id", "nolapse_do_not_contact", "nolapse_do_not_call")
_CONTACT = (
    "nolapse_contact_key", "email", "firstname", "lastname", "phone", "hs_language", "hs_email_optout",
    "nolapse_no_offers",
)  # fmt: skip
_TASK = (
    "nolapse_task_key", "hs_task_status", "nolapse_task_outcome", "nolapse_closed_because", "hs_task_completion_date",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Found:
    """A changed record with the moment of its change."""

    record: CrmObject
    at: str

    @property
    def said(self) -> Mapping[str, str]:
        return self.record.properties


_Judging = Callable[[list[_Found]], Judged]
_HOLDERS = {
    "0-1": Holder.CONTACT, "contact": Holder.CONTACT, "0-2": Holder.COMPANY, "company": Holder.COMPANY,
    "0-27": Holder.TASK, "task": Holder.TASK,
}  # fmt: skip


def _modified(holder: Holder) -> str:
    return "lastmodifieddate" if holder is Holder.CONTACT else "hs_lastmodifieddate"


def _found(record: CrmObject, modified: str) -> _Found:
    return _Found(record, record.properties.get(modified) or record.updated_at)


class Reader:
    """Reads what people changed."""

    def __init__(self, target: Target, links: Links, ledger: Ledger) -> None:
        self._target = target
        self._links = links
        self._judge = Judge(NAME, ledger)
        self._engagements = Engagements(target, links, ledger)
        self._out_of_offers = opted_out_field(target.settings.subscription_id)

    def changes(self, since: str | None) -> tuple[list[CrmChange], str | None]:
        """All changes since the cursor, in their order, and the cursor behind them; the same one where nothing is new."""
        self._target.look_again()
        places = cursors.read(since)
        before = dict(places)
        found: list[tuple[str, CrmChange]] = []
        for holder, properties, judge in self._kinds():
            place = places.get(holder, cursors.Place())
            new = [one for one in self._search(holder, place, properties) if place.is_new(one.record.id, one.at)]
            if new:
                places[holder] = place.after((one.record.id, one.at) for one in new)
                found += judge(new)
        found += self._engagements.changes(places)
        return self._in_order(found), cursors.write(places) if places != before else since

    def changes_of(self, things: Sequence[str]) -> list[CrmChange]:
        """All changes in these records, each `TYPE:ID` with the type as HubSpot's webhooks name it, read by their ids."""
        self._target.look_again()
        wanted: dict[Holder, list[str]] = {}
        for thing in things:
            object_type, _, id = thing.rpartition(":")
            if (holder := self._holder_of(object_type)) is not None:
                wanted.setdefault(holder, []).append(id)
        found: list[tuple[str, CrmChange]] = []
        for holder, properties, judge in self._kinds():
            if ids := wanted.get(holder):
                object_type = object_type_of(holder, self._target.layout.object_type)
                ours, modified = unique_field(holder).name, _modified(holder)
                records = self._target.client.batch_read(object_type, ids, [ours, *properties, modified])
                found += judge([_found(one, modified) for one in records.values() if one.properties.get(ours)])
        return self._in_order(found)

    def address_of(self, thing: str) -> str:
        """The address of a contact (`TYPE:ID`) by our own links, since it may be gone from HubSpot; empty: not ours."""
        object_type, _, id = thing.rpartition(":")
        if _HOLDERS.get(object_type) is not Holder.CONTACT:
            return ""
        found = self._links.of_theirs(LinkKind.CONTACT, [id])
        return found[id].our_key if id in found else ""

    def _holder_of(self, object_type: str) -> Holder | None:
        """What of ours is kept in that type of object, which HubSpot names by its id, or in older events by a word."""
        layout = self._target.layout
        if object_type in (layout.object_type_id, layout.object_type.removesuffix("s")):
            return Holder.RECORD
        return _HOLDERS.get(object_type)

    def _kinds(self) -> tuple[tuple[Holder, Sequence[str], "_Judging"], ...]:
        return (
            (Holder.COMPANY, _COMPANY, self._of_companies),
            (Holder.CONTACT, (*_CONTACT, *filter(None, [self._out_of_offers])), self._of_contacts),
            (Holder.RECORD, (*_RECORD, self._target.layout.stage_property), self._of_records),
            (Holder.TASK, _TASK, self._of_tasks),
        )

    def _in_order(self, found: list[tuple[str, CrmChange]]) -> list[CrmChange]:
        """The changes as they came about. Reps first: what they own is taken in after them."""
        found.sort(key=lambda entry: entry[0])
        new_owners = [change.value for _, change in found if change.what == "owner"]
        return [*self._judge.reps(self._everybody(), new_owners), *(change for _, change in found)]

    def _search(self, holder: Holder, place: cursors.Place, properties: Sequence[str]) -> list[_Found]:
        object_type = object_type_of(holder, self._target.layout.object_type)
        modified = _modified(holder)
        filters = [Filter(unique_field(holder).name, "HAS_PROPERTY")]
        if place.since is not None:
            filters.append(Filter(modified, "GTE", milliseconds(place.since)))
        found = self._target.client.search(object_type, filters, [*properties, modified])
        return [_found(one, modified) for one in found]

    def _of_tasks(self, found: list[_Found]) -> Judged:
        return self._judge.tasks(
            [
                SeenTask(
                    id=one.record.id,
                    at=one.at,
                    task_key=one.said.get("nolapse_task_key", ""),
                    done=one.said.get("hs_task_status") == DONE,
                    closed_by_us=bool(one.said.get("nolapse_closed_because")),
                    outcome=one.said.get("nolapse_task_outcome", ""),
                )
                for one in found
            ]
        )

    def _of_records(self, found: list[_Found]) -> Judged:
        return self._judge.orders(
            [
                SeenOrder(
                    id=one.record.id,
                    at=one.at,
                    order_key=one.said.get("nolapse_order_key", ""),
                    stage=self._stage_by_hand(one.said),
                    snoozed_until=day_of(one.said.get("nolapse_snooze_until", "")),
                    given_up=one.said.get("nolapse_do_not_renew") == "true",
                    lost_reason=one.said.get("nolapse_lost_reason", ""),
                    lost_scope=one.said.get("nolapse_lost_scope", ""),
                    win_back_on=day_of(one.said.get("nolapse_win_back_on", "")),
                )
                for one in found
            ]
        )

    def _stage_by_hand(self, said: Mapping[str, str]) -> Stage | None:
        """The stage into which a person has moved a record, or None where it is where we put it."""
        layout = self._target.layout
        there = said.get(layout.stage_property, "")
        return None if there == stage_written(layout, said) else layout.stage_of(there)

    def _of_companies(self, found: list[_Found]) -> Judged:
        return self._judge.companies(
            [
                SeenCompany(
                    id=one.record.id,
                    at=one.at,
                    account_key=one.said.get("nolapse_account_key", ""),
                    rep_key=self._target.rep_key(owner_id) if (owner_id := one.said.get("hubspot_owner_id")) else "",
                    do_not_contact=one.said.get("nolapse_do_not_contact") == "true",
                    do_not_call=one.said.get("nolapse_do_not_call") == "true",
                )
                for one in found
            ]
        )

    def _of_contacts(self, found: list[_Found]) -> Judged:
        links = self._links.of_theirs(LinkKind.CONTACT, (one.record.id for one in found))
        seen = [
            SeenPerson(
                id=one.record.id,
                at=one.at,
                address=one.said.get("email", "").lower(),
                name=person_name(one.said),
                phone=one.said.get("phone", ""),
                language=language_of(one.said),
                opted_out=one.said.get("hs_email_optout") == "true",
                no_offers="true" in (one.said.get("nolapse_no_offers"), one.said.get(self._out_of_offers)),
            )
            for one in found
        ]
        return self._judge.people(seen, {id: link.our_key for id, link in links.items()})

    def _everybody(self) -> dict[str, SeenRep]:
        """All owners by the keys of our reps; who has left, and has come back, is here."""
        owners = (*self._target.former_owners, *self._target.owners)
        return {self._target.rep_key(one.id): SeenRep(one.id, one.name, one.email, one.active) for one in owners}
