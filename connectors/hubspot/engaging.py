"""What people do with our customers in HubSpot of their own accord: open deals, and calls, meetings and mails of theirs.

Read by time of change, so that a look at which nothing is new costs one search for each kind. Whether any deal of a
company is open is asked of all its deals: of companies whose deals changed, of those that were linked since, and of a
hundred whose deals were open, in turn, since a deal that is deleted or taken off its company shows in no search.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from connectors.crm import cursor as cursors
from connectors.crm.cursor import moment
from connectors.crm.engaging import FIRST_LOOK, Talk, deals_told, talks_told
from connectors.crm.ledger import Ledger
from connectors.crm.links import LinkKind, Links
from connectors.hubspot.errors import Denied
from connectors.hubspot.mapping import milliseconds
from connectors.hubspot.objects import CrmObject, Filter
from connectors.hubspot.target import Target
from core.ports import CrmChange

log = logging.getLogger("nolapse.hubspot")
_Answer = TypeVar("_Answer")

NAME = "hubspot"
DEALS, MEETINGS, CALLS, MAILS = "deals", "meetings", "calls", "emails"
TALKS = (CALLS, MEETINGS, MAILS)

_MODIFIED = "hs_lastmodifieddate"
_OURS = ("nolapse_order_key", "nolapse_forecast_key")
_AT_ONCE = 100
_LINKED, _OPEN = "linked", "open deals"  # places of the cursor beside those of objects

# HubSpot's own call outcomes in which nobody was spoken to: busy, no answer, wrong number, left voicemail.
_NOBODY = frozenset(
    {
        "9d9162e7-6cf3-4944-bf63-4dff82258764", "73a0d17f-1163-4015-bdd5-ec830791da20",
        "17b47fee-58de-441e-a44c-c6300d46f273", "b2cf5968-551e-4856-9783-52b3da59a7d0",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of activity: which of them count, by conditions of the search and by what they say."""

    object_type: str
    properties: tuple[str, ...]
    counts: Callable[[Mapping[str, str]], bool]
    filters: tuple[Filter, ...] = ()


_Said = Mapping[str, str]


def _reached(said: _Said) -> bool:
    return said.get("hs_call_status", "COMPLETED") == "COMPLETED" and said.get("hs_call_disposition") not in _NOBODY


def _met(said: _Said) -> bool:
    return said.get("hs_meeting_outcome", "") not in ("CANCELED", "NO_SHOW", "RESCHEDULED")


def _sent(said: _Said) -> bool:
    return said.get("hs_email_status", "SENT") == "SENT"


_KINDS = (
    _Kind(CALLS, ("hs_call_status", "hs_call_disposition"), _reached),
    _Kind(MEETINGS, ("hs_meeting_outcome",), _met),
    _Kind(
        MAILS,
        ("hs_email_status",),
        _sent,
        (Filter("hs_email_direction", "EQ", "EMAIL"), Filter("nolapse_mail_key", "NOT_HAS_PROPERTY")),
    ),
)


class Engagements:
    """Deals and talks of one account; ours never count."""

    def __init__(self, target: Target, links: Links, ledger: Ledger) -> None:
        self._target = target
        self._links = links
        self._ledger = ledger

    def changes(self, places: dict[str, cursors.Place]) -> list[tuple[str, CrmChange]]:
        """What is new, and moves the places on. As long as no company is linked nothing is asked."""
        since = places.get(_LINKED, cursors.Place())
        fresh, newest = self._links.made_after(LinkKind.COMPANY, moment(since.until))
        if newest is None:
            return []
        now = self._target.now()
        open_now = self._tried(DEALS, partial(self._deals, places, list(fresh), now))
        if open_now is None:
            # What cannot be seen turns no call into a note; once it can, all of it is looked at anew.
            open_now = dict.fromkeys(self._ledger.with_open_deal(), False)
            for name in (_LINKED, _OPEN, DEALS):
                places.pop(name, None)
        else:
            places[_LINKED] = cursors.Place(newest.isoformat())
        talks = [
            talk
            for kind in _KINDS
            if not (kind.object_type == MAILS and self._target.settings.sequence_id)
            for talk in self._tried(kind.object_type, partial(self._talks, kind, places, now)) or ()
        ]
        return [*deals_told(NAME, self._ledger, open_now), *talks_told(NAME, self._ledger, talks)]

    def _tried(self, object_type: str, ask: Callable[[], _Answer]) -> _Answer | None:
        """The answer, or None where the token may not read such objects, which `nolapse check` tells too."""
        try:
            return ask()
        except Denied as error:
            if error.details.status != 403:
                raise
            log.warning("%s are not seen: %s", object_type, error)
            return None

    def _deals(self, places: dict[str, cursors.Place], fresh: Sequence[str], now: datetime) -> dict[str, bool] | None:
        """For each account that is looked at, whether any deal with it is open; None where nobody wants to know."""
        if not self._target.settings.open_deals:
            return None
        place = places.get(DEALS, cursors.Place(now.isoformat()))
        mine = {"nolapse_order_key": self._target.settings.record == "deal"}
        mine["nolapse_forecast_key"] = self._target.settings.forecast_deals
        not_ours = [Filter(name, "NOT_HAS_PROPERTY") for name, there in mine.items() if there]
        changed = self._new(DEALS, [[_since(place), *not_ours]], place)
        associated = self._target.client.associated
        touched = associated(DEALS, "companies", [one.id for one, _ in changed]) if changed else {}
        rest = places.get(_OPEN, cursors.Place()).until
        in_turn = self._ledger.with_open_deal(rest, _AT_ONCE)
        known = {key: link.their_id for key, link in self._links.get(LinkKind.COMPANY, in_turn).items()}
        ids = {*fresh, *(id for several in touched.values() for id in several), *known.values()} - {""}
        accounts = {id: link.our_key for id, link in self._links.of_theirs(LinkKind.COMPANY, ids).items()}
        found = self._open_at(list(accounts))
        places[DEALS] = place.after((one.id, at) for one, at in changed)
        places[_OPEN] = cursors.Place(in_turn[-1] if len(in_turn) == _AT_ONCE else "")
        return dict.fromkeys(in_turn, False) | {accounts[id]: is_open for id, is_open in found.items()}

    def _open_at(self, company_ids: Sequence[str]) -> dict[str, bool]:
        """For each of these companies, whether any deal that is not ours is open."""
        if not company_ids:
            return {}
        client = self._target.client
        deals = client.associated("companies", DEALS, company_ids)
        ids = {id for several in deals.values() for id in several}
        for kind in (LinkKind.RECORD, LinkKind.FORECAST):
            ids -= self._links.of_theirs(kind, ids).keys()
        there = client.batch_read(DEALS, sorted(ids), ("hs_is_closed", *_OURS)) if ids else {}
        is_open = {id for id, one in there.items() if _is_open(one.properties)}
        return {company: not is_open.isdisjoint(deals.get(company, ())) for company in company_ids}

    def _talks(self, kind: _Kind, places: dict[str, cursors.Place], now: datetime) -> list[Talk]:
        """What was logged since the last look, and what had been planned for a time that has come since."""
        place = places.get(kind.object_type, cursors.Place((now - FIRST_LOOK).isoformat()))
        since = _since(place)
        until = milliseconds(max(now, place.since or now))
        logged = [since, Filter("hs_timestamp", "LTE", until)]
        begun = [Filter("hs_timestamp", "BETWEEN", since.value, high_value=until)]
        groups = [[*some, *kind.filters] for some in (logged, begun)]
        new = self._new(kind.object_type, groups, place, ("hs_timestamp", *kind.properties))
        talked = {one.id: at for one, _ in new if kind.counts(one.properties) and (at := _time_of(one)) is not None}
        places[kind.object_type] = place.after((one.id, at) for one, at in new)
        return [Talk(key, talked[id]) for id, keys in self._accounts(kind.object_type, talked).items() for key in keys]

    def _accounts(self, object_type: str, ids: Collection[str]) -> dict[str, set[str]]:
        """The accounts with whose companies each of these is associated; without any, those of its contacts."""
        if not ids:
            return {}
        companies = self._target.client.associated(object_type, "companies", list(ids))
        known = self._links.of_theirs(LinkKind.COMPANY, _all(companies))
        found = {id: {known[one].our_key for one in several if one in known} for id, several in companies.items()}
        loose = [id for id in ids if id not in companies]
        contacts = self._target.client.associated(object_type, "contacts", loose) if loose else {}
        people = self._links.of_theirs(LinkKind.CONTACT, _all(contacts))
        of_address = self._ledger.contacts(link.our_key for link in people.values())
        for id, several in contacts.items():
            rows = [row for one in several if one in people for row in of_address.get(people[one].our_key, ())]
            found[id] = {row.account_key for row in rows}
        return found

    def _new(
        self,
        object_type: str,
        groups: Sequence[Sequence[Filter]],
        place: cursors.Place,
        properties: Sequence[str] = (),
    ) -> list[tuple[CrmObject, str]]:
        """What a search finds that was not seen before, each with the moment at which it came to count."""
        found = self._target.client.search(object_type, groups, [*properties, _MODIFIED])
        dated = [(one, _counted_from(one)) for one in found]
        return [(one, at) for one, at in dated if place.is_new(one.id, at)]


def _since(place: cursors.Place) -> Filter:
    since = place.since
    assert since is not None
    return Filter(_MODIFIED, "GTE", milliseconds(since))


def _counted_from(one: CrmObject) -> str:
    """The later of its last change and its own time: what was planned counts when its time has come."""
    modified = one.properties.get(_MODIFIED) or one.updated_at
    at, changed = _time_of(one), moment(modified)
    return at.isoformat() if at is not None and changed is not None and at > changed else modified


def _time_of(one: CrmObject) -> datetime | None:
    return moment(one.properties.get("hs_timestamp", ""))


def _is_open(said: _Said) -> bool:
    return said.get("hs_is_closed") != "true" and not any(said.get(name) for name in _OURS)


def _all(associated: Mapping[str, Iterable[str]]) -> set[str]:
    return {id for several in associated.values() for id in several}
