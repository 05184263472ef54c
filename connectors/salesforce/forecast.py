"""One opportunity for each account and month, for the sales forecast. What a person changed in it stays."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.crm.customers import Known
from connectors.crm.forecast import Forecast, forecasts_of, to_be_written
from connectors.crm.foreign import text_of
from connectors.crm.ledger import Ledger
from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.values import day
from connectors.salesforce.errors import Denied
from connectors.salesforce.fields import ForecastField
from connectors.salesforce.mapping import cut, number
from connectors.salesforce.owning import with_owners
from connectors.salesforce.records import Outcome, Row, Write
from connectors.salesforce.target import Target
from core.model import digest_of
from core.ports import Record

log = logging.getLogger("nolapse.salesforce")

_OBJECT = "Opportunity"
_KEY = str(ForecastField.KEY)
_OURS = ("Amount", "CloseDate", "StageName")
_NAME_LENGTH = 120


class Forecaster:
    """Keeps the opportunities of the forecast."""

    def __init__(self, target: Target, links: Links, ledger: Ledger) -> None:
        self._target = target
        self._links = links
        self._ledger = ledger

    def update(self, records: Sequence[Record], known: Known) -> None:
        """Brings the opportunities of these records' accounts up to date. What is refused is told, and tried next time."""
        accounts = {record.account_key: record for record in records}
        wanted = forecasts_of(self._ledger, accounts)
        links = self._links.get(LinkKind.FORECAST, wanted)
        stages = self._stages()
        said = {key: _fields(one, stages) for key, one in wanted.items()}
        stale = to_be_written(wanted, {key: _digest(one) for key, one in said.items()}, links)
        if not stale:
            return
        there = self._read([links[key].their_id for key in stale if key in links])
        writes = []
        for key in stale:
            account = accounts[wanted[key].account_key]
            held = there.get(links[key].their_id) if key in links else None
            new = self._new(wanted[key], account, known)
            fields = said[key] | new if held is None else _unless_changed(said[key], links[key], held)
            fields |= {_KEY: key, str(ForecastField.AMOUNT): str(said[key]["Amount"])}
            writes.append(Write(key, self._target.fitting(_OBJECT, fields, new=held is None)))
        outcomes, _ = with_owners(self._target, self._upsert, writes)
        for one in outcomes:
            if one.error is not None:
                log.warning("%s: %s", one.key, one.error)
        self._links.put(
            LinkKind.FORECAST,
            [
                Link(one.key, one.id, digest=_digest(said[one.key]), facts=said[one.key])
                for one in outcomes
                if one.error is None
            ],
        )

    def _upsert(self, writes: Sequence[Write]) -> list[Outcome]:
        return self._target.client.upsert(_OBJECT, _KEY, writes)

    def _read(self, ids: Sequence[str]) -> dict[str, Row]:
        return self._target.client.retrieve(_OBJECT, ids, _OURS) if ids else {}

    def _new(self, one: Forecast, account: Record, known: Known) -> dict[str, Any]:
        name = f"{account.account_name or account.account_key}: renewals {day(one.closes_on)[:7]}"
        fields: dict[str, Any] = {"Name": cut(name, _NAME_LENGTH)}
        if one.currency:
            fields["CurrencyIsoCode"] = one.currency
        if account_id := known.companies.get(one.account_key):
            fields["AccountId"] = account_id
        if owner_id := self._target.owner_id(account.owner_key):
            fields["OwnerId"] = owner_id
        return fields

    def _stages(self) -> tuple[str, str, str]:
        """The stages of an opportunity that is open, won, lost. Raises `ConfigurationError` for one that is not there."""
        if self._target.settings.record == "opportunity":
            raise Denied('salesforce.forecast_opportunities counts each order twice with record = "opportunity"')
        named = {}
        for entry in self._target.settings.forecast_stages:
            ours, _, theirs = (part.strip() for part in entry.partition("="))
            named[ours] = theirs
        stage = self._target.info(_OBJECT).fields.get("StageName")
        values = stage.values if stage is not None else ()
        for ours in ("open", "won", "lost"):
            if named.get(ours) not in values:
                raise Denied(f"salesforce.forecast_stages: {ours} has no stage among {', '.join(values)}")
        return named["open"], named["won"], named["lost"]


def _fields(one: Forecast, stages: tuple[str, str, str]) -> dict[str, Any]:
    stage = stages[0] if one.open else stages[1] if one.won else stages[2]
    return {"Amount": number(one.amount_minor, one.currency), "CloseDate": day(one.closes_on), "StageName": stage}


def _unless_changed(said: Mapping[str, Any], link: Link, held: Row) -> dict[str, Any]:
    """Without what a person has changed since we wrote it; a forecast that is settled is closed all the same."""
    kept = dict(said)
    if held.get("Amount") != link.facts.get("Amount"):
        del kept["Amount"]
    if text_of(held.get("CloseDate"))[:10] != link.facts.get("CloseDate"):
        del kept["CloseDate"]
    if said["StageName"] == link.facts.get("StageName"):
        del kept["StageName"]
    return kept


def _digest(said: Mapping[str, Any]) -> bytes:
    return digest_of(sorted((name, str(value)) for name, value in said.items()))
