"""Order records in HubSpot: written by our key, a hundred at once, and hung on their company and contacts.

What a person has changed stays: stage and owner are written only where they still are what we wrote last, until the
renewal is settled.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace

from connectors.crm.customers import Known
from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.tables import LinkState
from connectors.crm.values import day, money, record_title
from connectors.hubspot.batches import ItemResult, Write
from connectors.hubspot.forecast import Forecaster
from connectors.hubspot.layout import Layout
from connectors.hubspot.mapping import clean, record_of, record_properties
from connectors.hubspot.objects import CrmObject, Pair
from connectors.hubspot.outcomes import failed, result_of
from connectors.hubspot.people import People
from connectors.hubspot.target import Target
from core.errors import ConfigurationError, FatalError, NolapseError
from core.model import digest_of
from core.ports import Record, Result
from core.words import Stage

log = logging.getLogger("nolapse.hubspot")

# What alone is no reason to write a record: the delivery's own key, and a link that is signed afresh each time.
_NOT_COMPARED = ("nolapse_record_key", "nolapse_renewal_link")


# Where the CA or the calendar has spoken, what somebody set by hand meanwhile is over.
_SETTLED = (Stage.RENEWED, Stage.WON_BACK, Stage.LAPSED)


class Pusher:
    """Writes order records."""

    def __init__(self, target: Target, links: Links, people: People, forecaster: Forecaster | None = None) -> None:
        self._target = target
        self._links = links
        self._people = people
        self._forecaster = forecaster

    def push(self, records: Sequence[Record]) -> list[Result]:
        """Writes records with what they belong to; the fate of each. Raises `NolapseError` only before any is written."""
        known = self._people.of_records(records)
        links = self._links.get(LinkKind.RECORD, [record.order_key for record in records])
        newest = {record.order_key: record for record in records}
        stale = {key: one for key, one in newest.items() if _digest(one) != _held(links.get(key))}
        written = self._write(stale, links)
        fresh = {key: _linked(key, result, links.get(key)) for key, result in written.items() if result.error is None}
        current = {key: link for key, link in links.items() if key not in written} | fresh
        hung = self._hang(newest, current, known)
        kept = []
        for key, link in current.items():
            ends = hung[key][0]
            if key in fresh or ends != link.facts.get("ends", []):
                facts = dict(link.facts) | _deal(newest[key]) | {"ends": ends}
                kept.append(replace(link, digest=_digest(newest[key]), facts=facts))
        self._links.put(LinkKind.RECORD, kept)
        if self._forecaster is not None:
            self._forecast(list(newest.values()), known)
        return [self._result(record, written, current, hung, known) for record in records]

    def _forecast(self, records: Sequence[Record], known: Known) -> None:
        """The records are written by now: what goes wrong with the forecast is told, and comes right with the next."""
        assert self._forecaster is not None
        try:
            self._forecaster.update(records, known)
        except NolapseError as error:
            log.warning("the forecast is not up to date: %s", error)

    def read(self, order_keys: Sequence[str]) -> dict[str, Record]:
        """The records as HubSpot holds them, by our key on them."""
        if not order_keys:
            return {}
        names = list(record_properties(_EMPTY))
        found = self._target.client.batch_read(self._target.layout.object_type, order_keys, names, "nolapse_order_key")
        return {key: record_of(one.properties) for key, one in found.items()}

    def _write(self, stale: Mapping[str, Record], links: Mapping[str, Link]) -> dict[str, ItemResult]:
        if not stale:
            return {}
        layout, client = self._target.layout, self._target.client
        ids = {key: links[key].their_id for key in stale if key in links}
        asked = (layout.stage_property, "hubspot_owner_id", "nolapse_stage", "nolapse_rep_key")
        there = client.batch_read(layout.object_type, list(ids.values()), asked) if ids else {}
        writes = []
        for key, record in stale.items():
            held = there.get(ids.get(key, ""))
            properties = self._new(record) if held is None else self._changed(record, held, links[key])
            writes.append(Write(key, properties, key))
        return {one.key: one for one in client.batch_upsert(layout.object_type, writes, "nolapse_order_key")}

    def _new(self, record: Record) -> dict[str, str]:
        layout = self._target.layout
        said = record_properties(record) | {
            layout.pipeline_property: layout.pipeline_id,
            layout.stage_property: layout.stages.get(record.stage, layout.stages[Stage.UPCOMING]),
        }
        if layout.object_type == "tickets":
            said["subject"] = clean(record_title(record))
        elif layout.object_type == "deals":
            said |= {"dealname": clean(record_title(record))} | _deal(record)
        if owner_id := self._target.owner_id(record.owner_key):
            said["hubspot_owner_id"] = owner_id
        return said

    def _changed(self, record: Record, held: CrmObject, link: Link) -> dict[str, str]:
        layout, theirs = self._target.layout, held.properties
        said = record_properties(record)
        stage = layout.stages.get(record.stage, "")
        untouched = theirs.get(layout.stage_property, "") == stage_written(layout, theirs)
        if stage and (untouched or record.stage in _SETTLED):
            said[layout.stage_property] = stage
        owner_id = self._target.owner_id(record.owner_key)
        if owner_id and theirs.get("hubspot_owner_id", "") in (
            "", self._target.owner_id(theirs.get("nolapse_rep_key", "")),
        ):  # fmt: skip
            said["hubspot_owner_id"] = owner_id
        if layout.object_type == "deals":
            deal, before = _deal(record), link.facts
            said |= {name: value for name, value in deal.items() if before.get(name) != value}
        return said

    def _hang(
        self, records: Mapping[str, Record], links: Mapping[str, Link], known: Known
    ) -> dict[str, tuple[list[str], NolapseError | None]]:
        """Associates records with companies and contacts where they are not yet: what hangs now, and what went wrong."""
        object_type = self._target.layout.object_type if links else ""
        wanted: dict[str, dict[str, list[Pair]]] = {"companies": {}, "contacts": {}}
        for key, link in links.items():
            done = set(link.facts.get("ends", []))
            for to_type, ids in _ends(records[key], known).items():
                wanted[to_type][key] = [Pair(link.their_id, id) for id in ids if f"{to_type}:{id}" not in done]
        hung = {key: (list(link.facts.get("ends", [])), None) for key, link in links.items()}
        errors: dict[str, NolapseError] = {}
        refused: dict[str, set[str]] = {}
        for to_type, by_record in wanted.items():
            pairs = [pair for several in by_record.values() for pair in several]
            results = {one.key: one.error for one in self._target.client.associate(object_type, to_type, pairs)}
            for key, several in by_record.items():
                for pair in several:
                    error = results.get(pair.key)
                    if error is None:
                        hung[key][0].append(f"{to_type}:{pair.to_id}")
                    else:
                        errors[key] = error
                        if error.permanent:
                            refused.setdefault(to_type, set()).add(pair.to_id)
        self._people.forget_lost(refused)
        return {key: (ends, errors.get(key)) for key, (ends, _) in hung.items()}

    def _result(
        self,
        record: Record,
        written: Mapping[str, ItemResult],
        links: Mapping[str, Link],
        hung: Mapping[str, tuple[list[str], NolapseError | None]],
        known: Known,
    ) -> Result:
        """A record has arrived when it is written and hangs; what is refused for good on people is told, not retried."""
        key = record.order_key
        if key in written and written[key].error is not None:
            return result_of(record.key, written[key])
        beside = [known.errors.get(record.account_key), hung[key][1]]
        beside += [known.errors.get(one.email.strip().lower()) for one in record.people]
        for error in filter(None, beside):
            if not error.permanent or isinstance(error, ConfigurationError | FatalError):
                return failed(record.key, error)
            log.warning("%s: %s", key, error)
        return result_of(record.key, ItemResult(record.key, links[key].their_id))


def stage_written(layout: Layout, theirs: Mapping[str, str]) -> str:
    """The stage of the pipeline in which we left a record; where ours has no place in it, wherever it is."""
    ours = theirs.get("nolapse_stage", "")
    there = theirs.get(layout.stage_property, "")
    return layout.stages.get(Stage(ours), there) if ours in set(Stage) else there


def _digest(record: Record) -> bytes:
    said = record_properties(record)
    return digest_of(sorted((name, value) for name, value in said.items() if name not in _NOT_COMPARED))


def _held(link: Link | None) -> bytes | None:
    return link.digest if link is not None and link.state is LinkState.LINKED else None


def _linked(key: str, result: ItemResult, before: Link | None) -> Link:
    """The link of a record that was just written; one that HubSpot made anew hangs nowhere yet."""
    same = before is not None and before.their_id == result.id
    return Link(key, result.id, facts=before.facts if same and before is not None else {})


def _ends(record: Record, known: Known) -> dict[str, list[str]]:
    company_id = known.companies.get(record.account_key, "")
    addresses = dict.fromkeys(one.email.strip().lower() for one in record.people)
    people = [known.contacts[address] for address in addresses if address in known.contacts]
    return {"companies": [company_id] if company_id else [], "contacts": list(dict.fromkeys(people))}


def _deal(record: Record) -> dict[str, str]:
    """What a deal has besides: it closes with the order. HubSpot's amounts are in the account's own currency."""
    said = {"amount": money(record.value_minor, record.currency)}
    if record.order_expires_on is not None:
        said["closedate"] = f"{day(record.order_expires_on)}T12:00:00Z"
    return said


_EMPTY = Record("", "", "", "", "", "", "", "", Stage.UPCOMING, None, None, False, None, False, None, "")
