"""What people changed in HubSpot, object type by object type.

A change is what differs from what we hold: what we wrote ourselves comes back the same, and so is no change, whoever
else touched the record at the time. Reading again gives the same, which the engine takes without harm.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from connectors.crm import cursor as cursors
from connectors.crm.choices import LOST_REASONS, TASK_OUTCOMES
from connectors.crm.ledger import Ledger, Standing
from connectors.crm.links import LinkKind, Links
from connectors.crm.values import day
from connectors.hubspot.fields import Holder, opted_out_field, unique_field
from connectors.hubspot.layout import object_type_of
from connectors.hubspot.mapping import DONE, day_of, language_of, milliseconds, person_name
from connectors.hubspot.objects import CrmObject, Filter
from connectors.hubspot.pushing import stage_written
from connectors.hubspot.target import Target
from core.ports import CrmChange
from core.words import LostScope, Nature, Stage

NAME = "hubspot"

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

    def change(self, what: str, value: str, **told: Any) -> CrmChange:
        """A change that is known again by its key when it is read again."""
        return CrmChange(f"{NAME}:{self.record.id}:{what}:{value}", what, value=value, at=_moment(self.at), **told)


_Judge = Callable[[list[_Found]], Iterator[tuple[str, CrmChange]]]
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
        self._ledger = ledger
        self._out_of_offers = opted_out_field(target.settings.subscription_id)

    def changes(self, since: str | None) -> tuple[list[CrmChange], str | None]:
        """All changes since the cursor, in their order, and the cursor behind them; the same one where nothing is new."""
        self._target.look_again()
        places = cursors.read(since)
        found: list[tuple[str, CrmChange]] = []
        moved = False
        for holder, properties, judge in self._kinds():
            place = places.get(holder, cursors.Place())
            new = [one for one in self._search(holder, place, properties) if place.is_new(one.record.id, one.at)]
            if new:
                moved = True
                places[holder] = place.after((one.record.id, one.at) for one in new)
                found += judge(new)
        return self._in_order(found), cursors.write(places) if moved else since

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

    def _kinds(self) -> tuple[tuple[Holder, Sequence[str], "_Judge"], ...]:
        return (
            (Holder.COMPANY, _COMPANY, self._of_companies),
            (Holder.CONTACT, (*_CONTACT, *filter(None, [self._out_of_offers])), self._of_contacts),
            (Holder.RECORD, (*_RECORD, self._target.layout.stage_property), self._of_records),
            (Holder.TASK, _TASK, self._of_tasks),
        )

    def _in_order(self, found: list[tuple[str, CrmChange]]) -> list[CrmChange]:
        """The changes as they came about. Reps first: what they own is taken in after them."""
        found.sort(key=lambda entry: entry[0])
        changes = [*self._of_reps([change.value for _, change in found if change.what == "owner"])]
        return changes + [change for _, change in found]

    def _search(self, holder: Holder, place: cursors.Place, properties: Sequence[str]) -> list[_Found]:
        object_type = object_type_of(holder, self._target.layout.object_type)
        modified = _modified(holder)
        filters = [Filter(unique_field(holder).name, "HAS_PROPERTY")]
        if place.since is not None:
            filters.append(Filter(modified, "GTE", milliseconds(place.since)))
        found = self._target.client.search(object_type, filters, [*properties, modified])
        return [_found(one, modified) for one in found]

    def _of_tasks(self, found: list[_Found]) -> Iterator[tuple[str, CrmChange]]:
        """Tasks that a rep completed; those that we closed are not."""
        outcomes = {value for value, _ in TASK_OUTCOMES}
        for one in found:
            if one.said.get("hs_task_status") != DONE or one.said.get("nolapse_closed_because"):
                continue
            outcome = one.said.get("nolapse_task_outcome", "")
            value = outcome if outcome in outcomes else "done"
            yield one.at, one.change("task_outcome", value, task_key=one.said.get("nolapse_task_key", ""))

    def _of_records(self, found: list[_Found]) -> Iterator[tuple[str, CrmChange]]:
        """Stages set by hand, orders put off or given up."""
        standings = self._ledger.standings([one.said.get("nolapse_order_key", "") for one in found])
        for one in found:
            key = one.said.get("nolapse_order_key", "")
            if (standing := standings.get(key)) is None:
                continue
            told = {"order_key": key, "account_key": standing.account_key}
            snoozed = day_of(one.said.get("nolapse_snooze_until", ""))
            if snoozed != standing.snoozed_until:
                yield one.at, one.change("snooze", day(snoozed), **told)
            stage = self._stage_by_hand(one.said)
            given_up = one.said.get("nolapse_do_not_renew") == "true" or stage is Stage.LOST
            facts = _lost_facts(one.said)
            if given_up and (standing.open or standing.lost) and facts != _lost_of(standing):
                yield one.at, one.change("lost", facts["reason"], facts=facts, **told)
            elif stage is not None and not given_up and stage is not standing.stage:
                yield one.at, one.change("stage", str(stage), **told)

    def _stage_by_hand(self, said: Mapping[str, str]) -> Stage | None:
        """The stage into which a person has moved a record, or None where it is where we put it."""
        layout = self._target.layout
        there = said.get(layout.stage_property, "")
        return None if there == stage_written(layout, said) else layout.stage_of(there)

    def _of_companies(self, found: list[_Found]) -> Iterator[tuple[str, CrmChange]]:
        """Who owns a customer, and whether it may be contacted."""
        accounts = self._ledger.accounts(one.said.get("nolapse_account_key", "") for one in found)
        for one in found:
            key = one.said.get("nolapse_account_key", "")
            if (account := accounts.get(key)) is None:
                continue
            owner_id = one.said.get("hubspot_owner_id", "")
            if owner_id and self._target.rep_key(owner_id) != account.owner_key:
                yield one.at, one.change("owner", self._target.rep_key(owner_id), account_key=key)
            for name, what, ours in (
                ("nolapse_do_not_contact", "do_not_contact", account.do_not_contact),
                ("nolapse_do_not_call", "do_not_call", account.do_not_call),
            ):
                if one.said.get(name) == "true" and not ours:
                    yield one.at, one.change(what, "", account_key=key)

    def _of_contacts(self, found: list[_Found]) -> Iterator[tuple[str, CrmChange]]:
        """Names, numbers, languages and addresses put right; mails refused, or allowed again."""
        links = self._links.of_theirs(LinkKind.CONTACT, (one.record.id for one in found))
        ours = {one.record.id: links[one.record.id].our_key for one in found if one.record.id in links}
        people = self._ledger.contacts([*ours.values(), *(one.said.get("email", "").lower() for one in found)])
        refusals = self._ledger.refusals({one.said.get("email", "").lower() for one in found})
        for one in found:
            address = one.said.get("email", "").lower()
            was = ours.get(one.record.id, address)
            for row in people.get(was) or people.get(address) or ():
                if facts := _corrections(one.said, row, address, was):
                    yield one.at, one.change("contact", address, account_key=row.account_key, facts=facts)
            yield from self._wishes(one, address, refusals.get(address, set()))

    def _wishes(self, one: _Found, address: str, refused: set[tuple[Nature, str]]) -> Iterator[tuple[str, CrmChange]]:
        opted_out = one.said.get("hs_email_optout") == "true"
        if opted_out and Nature.SERVICE not in {nature for nature, _ in refused}:
            yield one.at, one.change("optout", address)
        elif not opted_out and (Nature.SERVICE, NAME) in refused:
            yield one.at, one.change("optin", address)
        no_offers = "true" in (one.said.get("nolapse_no_offers"), one.said.get(self._out_of_offers))
        if no_offers and not refused:
            yield one.at, one.change("offers_optout", address)

    def _of_reps(self, new_owners: Sequence[str]) -> Iterator[CrmChange]:
        """Reps who came or left: those who own a customer now, and those we know who were switched on or off."""
        known = {row.rep_key: row for row in self._ledger.reps()}
        everybody = {self._target.rep_key(one.id): one for one in self._target.former_owners}
        everybody |= {self._target.rep_key(one.id): one for one in self._target.owners}
        for key, owner in everybody.items():
            active = owner.active
            if key in known and known[key].active == active:
                continue
            if key in known or key in new_owners:
                told = {"name": owner.name, "email": owner.email, "active": "yes" if active else "no"}
                yield CrmChange(f"{NAME}:owner:{owner.id}:{active}", "rep", value=key, facts=told)


def _lost_facts(said: Mapping[str, str]) -> dict[str, str]:
    """Why an order is given up and how far that reaches, in words the engine knows."""
    reason, scope = said.get("nolapse_lost_reason", ""), said.get("nolapse_lost_scope", "")
    return {
        "reason": reason if reason in dict(LOST_REASONS) else "other",
        "scope": scope if scope in set(LostScope) else str(LostScope.ORDER),
        "win_back_on": day(day_of(said.get("nolapse_win_back_on", ""))),
    }


def _lost_of(standing: Standing) -> dict[str, str]:
    """The same as we hold it; never equal where the order is not given up."""
    return {
        "reason": standing.lost_reason if standing.lost else "",
        "scope": standing.lost_scope,
        "win_back_on": day(standing.win_back_on),
    }


def _corrections(said: Mapping[str, str], row: Any, address: str, was: str) -> dict[str, str]:
    """What HubSpot knows otherwise of a person. What it leaves empty is no correction."""
    theirs = {"name": person_name(said), "phone": said.get("phone", ""), "language": language_of(said)}
    same_language = row.language.lower().partition("-")[0] == theirs["language"]
    changed = {
        name: value
        for name, value in theirs.items()
        if value and value != getattr(row, name) and not (name == "language" and same_language)
    }
    if address and address != was and row.email.lower() == was:
        changed["was"] = was
    return changed


def _moment(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
