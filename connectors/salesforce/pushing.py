"""Order records in Salesforce: written by our key, many at once, each with its account and contact.

What a person has changed stays: stage and owner are written only where they still are what we wrote last, until the
renewal is settled. Title and record type are written once.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from connectors.crm.customers import Known
from connectors.crm.foreign import text_of
from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.tables import LinkState
from connectors.crm.values import day
from connectors.salesforce.cadences import Cadences
from connectors.salesforce.fields import OrderField
from connectors.salesforce.forecast import Forecaster
from connectors.salesforce.layout import Layout
from connectors.salesforce.mapping import (
    day_of,
    first_contact,
    number,
    record_digest,
    record_fields,
    record_of,
    title_of,
)
from connectors.salesforce.outcomes import failed, result_of
from connectors.salesforce.owning import with_owners
from connectors.salesforce.people import People, is_gone
from connectors.salesforce.records import Outcome, Row, Write, same_id
from connectors.salesforce.statements import BY_KEY
from connectors.salesforce.target import Target, existing
from core.errors import ConfigurationError, FatalError, NolapseError
from core.ports import Record, Result
from core.words import Stage

log = logging.getLogger("nolapse.salesforce")

_KEY, _STAGE, _REP = str(OrderField.KEY), str(OrderField.STAGE), str(OrderField.REP_KEY)

# Where the CA or the calendar has spoken, what somebody set by hand meanwhile is over.
_SETTLED = (Stage.RENEWED, Stage.WON_BACK, Stage.LAPSED)
_NO_END = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A record as it is to stand: our fields, whom it belongs to, and the digest of both."""

    record: Record
    fields: Mapping[str, Any]
    account_id: str
    contact_id: str

    @property
    def digest(self) -> bytes:
        return record_digest({**self.fields, "account": self.account_id, "contact": self.contact_id})


class Pusher:
    """Writes order records."""

    def __init__(
        self, target: Target, links: Links, people: People, cadences: Cadences, forecaster: Forecaster | None = None
    ) -> None:
        self._target = target
        self._links = links
        self._people = people
        self._cadences = cadences
        self._forecaster = forecaster

    def push(self, records: Sequence[Record]) -> list[Result]:
        """Writes records with what they belong to; the fate of each. Raises `NolapseError` only before any is written."""
        layout = self._target.layout
        known = self._people.of_records(records)
        wanted = {record.order_key: _wanted(record, known) for record in records}
        links = self._links.get(LinkKind.RECORD, wanted)
        stale = {key: one for key, one in wanted.items() if one.digest != _held(links.get(key))}
        written = self._write(layout, stale, links) if stale else {}
        self._follow([one.record for one in wanted.values()], known)
        return [self._result(record, written, links, known) for record in records]

    def read(self, order_keys: Sequence[str]) -> dict[str, Record]:
        """The records as Salesforce holds them, by our key on them."""
        if not order_keys:
            return {}
        found = self._by_key(order_keys, [str(name) for name in record_fields(_EMPTY)])
        return {key: record_of(row) for key, row in found.items()}

    def _by_key(self, keys: Sequence[str], fields: Sequence[str]) -> dict[str, Row]:
        sobject = self._target.layout.shape.sobject
        asked = ["Id", *self._target.require(sobject, _KEY, *fields)]
        rows = self._target.client.query_for(
            BY_KEY, "keys", list(keys), fields=list(dict.fromkeys(asked)), object=sobject, key=_KEY
        )
        return {text_of(row.get(_KEY)): row for row in rows}

    def _write(self, layout: Layout, stale: Mapping[str, _Wanted], links: Mapping[str, Link]) -> dict[str, Outcome]:
        there = self._there(layout, stale, links)
        writes = []
        for key, one in stale.items():
            held = there.get(key)
            said = self._new(layout, one) if held is None else self._changed(layout, one, held, links.get(key))
            fields = self._target.fitting(layout.shape.sobject, said, new=held is None)
            writes.append(Write(key, fields, parent=one.account_id))
        outcomes, owners = with_owners(self._target, self._upsert, writes)
        by_key = {one.key: one for one in outcomes}
        gone = self._without_lost([one for one in writes if is_gone(by_key[one.key].error)], stale)
        if gone:
            again, more = with_owners(self._target, self._upsert, gone)
            by_key |= {one.key: one for one in again}
            owners |= more
        self._keep(stale, by_key, owners, links)
        return by_key

    def _there(self, layout: Layout, stale: Mapping[str, _Wanted], links: Mapping[str, Link]) -> dict[str, Row]:
        """The records that are there already, by our key: by their id where we know it, else by the key."""
        shape = layout.shape
        asked = [shape.stage, "OwnerId", _STAGE, _REP, *filter(None, (shape.closes_on, shape.amount))]
        ids = {links[key].their_id: key for key in stale if key in links}
        found = self._target.client.retrieve(shape.sobject, list(ids), asked) if ids else {}
        known = {ids[id]: row for id, row in found.items()}
        rest = [key for key in stale if key not in links]
        return known | (self._by_key(rest, asked) if rest else {})

    def _upsert(self, writes: Sequence[Write]) -> list[Outcome]:
        return self._target.client.upsert(self._target.layout.shape.sobject, _KEY, writes)

    def _without_lost(self, refused: Sequence[Write], stale: Mapping[str, _Wanted]) -> list[Write]:
        """The same records without accounts and contacts that are gone, which are looked for anew next time."""
        if not refused:
            return []
        shape = self._target.layout.shape
        lost: set[str] = set()
        for sobject, kind, ids in (
            ("Account", LinkKind.COMPANY, {stale[one.key].account_id for one in refused} - {""}),
            ("Contact", LinkKind.CONTACT, {stale[one.key].contact_id for one in refused} - {""}),
        ):
            missing = ids - existing(self._target, sobject, sorted(ids))
            self._people.forget(kind, missing)
            lost |= missing
        ends = (shape.account, shape.contact)
        return [
            Write(one.key, {name: value for name, value in one.fields.items() if name not in ends or value not in lost})
            for one in refused
            if lost & set(map(str, one.fields.values()))
        ]

    def _keep(
        self,
        stale: Mapping[str, _Wanted],
        outcomes: Mapping[str, Outcome],
        owners: Mapping[str, str],
        links: Mapping[str, Link],
    ) -> None:
        kept = []
        for key, outcome in outcomes.items():
            if outcome.error is None:
                before = dict(links[key].facts) if key in links and same_id(links[key].their_id, outcome.id) else {}
                facts = before | _deal(stale[key].record) | ({"owner": owners[key]} if key in owners else {})
                kept.append(Link(key, outcome.id, digest=stale[key].digest, facts=facts))
        self._links.put(LinkKind.RECORD, kept)

    def _ends(self, layout: Layout, one: _Wanted) -> dict[str, Any]:
        shape = layout.shape
        said = {shape.account: one.account_id, shape.contact: one.contact_id}
        return {name: id for name, id in said.items() if name and id}

    def _new(self, layout: Layout, one: _Wanted) -> dict[str, Any]:
        shape, record = layout.shape, one.record
        said = {
            **one.fields,
            **self._ends(layout, one),
            shape.title: title_of(record, shape.title_length),
            shape.stage: layout.stages.get(record.stage, layout.stages[Stage.UPCOMING]),
        }
        if layout.record_type_id:
            said["RecordTypeId"] = layout.record_type_id
        if shape.closes_on:
            said[shape.closes_on] = day(closes_on(record, datetime.now(UTC).date()))
        if shape.amount:
            said[shape.amount] = number(record.value_minor, record.currency)
            said |= {"CurrencyIsoCode": record.currency} if record.currency else {}
        if owner_id := self._target.owner_id(record.owner_key):
            said["OwnerId"] = owner_id
        return said

    def _changed(self, layout: Layout, one: _Wanted, held: Row, link: Link | None) -> dict[str, Any]:
        shape, record = layout.shape, one.record
        said = {**one.fields, **self._ends(layout, one)}
        if shape.contact_on_creation_only:
            said.pop(shape.contact, None)
        there, stage = text_of(held.get(shape.stage)), layout.stages.get(record.stage, "")
        if stage and stage != there and (there == stage_written(layout, held) or record.stage in _SETTLED):
            said[shape.stage] = stage
        before = dict(link.facts) if link is not None else {}
        owner_id, owner = self._target.owner_id(record.owner_key), text_of(held.get("OwnerId"))
        if owner_id and not same_id(owner_id, owner) and self._is_ours(owner, text_of(held.get(_REP)), before):
            said["OwnerId"] = owner_id
        if shape.amount:
            said |= self._money(layout, record, held, before)
        return said

    def _is_ours(self, owner: str, rep_key: str, before: Mapping[str, Any]) -> bool:
        """Whether the owner is still the one that we gave the record."""
        written = (str(before.get("owner", "")), self._target.user_id(rep_key), self._target.client.identity().user_id)
        return any(one and same_id(one, owner) for one in written)

    def _money(self, layout: Layout, record: Record, held: Row, before: Mapping[str, Any]) -> dict[str, Any]:
        """Amount and day of an opportunity where they still are what we wrote, and so no person's."""
        shape, now = layout.shape, _deal(record)
        said: dict[str, Any] = {}
        if now["amount"] != before.get("amount") and held.get(shape.amount) == before.get("amount"):
            said[shape.amount] = now["amount"]
        closing = day(day_of(held.get(shape.closes_on)))
        if now["closes"] and now["closes"] != before.get("closes") and closing == before.get("closes"):
            said[shape.closes_on] = now["closes"]
        return said

    def _follow(self, records: Sequence[Record], known: Known) -> None:
        """Cadences and the forecast. The records are written by now: what goes wrong is told, and comes right later."""
        try:
            self._cadences.settle(records, known)
            if self._forecaster is not None:
                self._forecaster.update(records, known)
        except NolapseError as error:
            log.warning("cadences or forecast are not up to date: %s", error)

    def _result(
        self, record: Record, written: Mapping[str, Outcome], links: Mapping[str, Link], known: Known
    ) -> Result:
        """A record has arrived when it is written; what is refused for good on people is told, not retried."""
        key = record.order_key
        if key in written and written[key].error is not None:
            return result_of(record.key, written[key])
        beside = [known.errors.get(record.account_key)]
        beside += [known.errors.get(one.email.strip().lower()) for one in record.people]
        for error in filter(None, beside):
            if not error.permanent or isinstance(error, ConfigurationError | FatalError):
                return failed(record.key, error)
            log.warning("%s: %s", key, error)
        return result_of(record.key, written.get(key) or Outcome(key, links[key].their_id))


def stage_written(layout: Layout, theirs: Row) -> str:
    """The stage of the object in which we left a record; where ours has no place in it, wherever it is."""
    ours, there = text_of(theirs.get(_STAGE)), text_of(theirs.get(layout.shape.stage))
    return layout.stages.get(Stage(ours), there) if ours in set(Stage) else there


def closes_on(record: Record, today: date) -> date:
    """The day on which an opportunity closes, which it must have: the end, or a year after the beginning."""
    return record.order_expires_on or record.certificate_expires_on or (record.starts_on or today) + _NO_END


def _wanted(record: Record, known: Known) -> _Wanted:
    return _Wanted(
        record=record,
        fields=record_fields(record),
        account_id=known.companies.get(record.account_key, ""),
        contact_id=first_contact(record.people, known.contacts),
    )


def _deal(record: Record) -> dict[str, Any]:
    """What we wrote of an opportunity's money, by which a person's own figures are known later."""
    return {"amount": number(record.value_minor, record.currency), "closes": day(record.order_expires_on)}


def _held(link: Link | None) -> bytes | None:
    return link.digest if link is not None and link.state is LinkState.LINKED else None


_EMPTY = Record("", "", "", "", "", "", "", "", Stage.UPCOMING, None, None, False, None, False, None, "")
