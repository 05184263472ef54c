"""One deal for each account and month, for the sales forecast: what is to be renewed, and what became of it.

The amount is that of the renewals that may still come or have come; the deal closes on the earliest end, and is won or
lost when the last renewal of the month is settled. What a person changed in it stays.
"""

import logging
from collections.abc import Mapping, Sequence

from connectors.crm.customers import Known
from connectors.crm.forecast import Forecast, forecasts_of, to_be_written
from connectors.crm.ledger import Ledger
from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.values import day, money
from connectors.hubspot.batches import Write
from connectors.hubspot.errors import Denied
from connectors.hubspot.mapping import clean
from connectors.hubspot.objects import CrmObject, Pair
from connectors.hubspot.target import Target
from core.model import digest_of
from core.ports import Record

log = logging.getLogger("nolapse.hubspot")

_OURS = ("amount", "closedate", "dealstage")


class Forecaster:
    """Keeps the deals of the forecast."""

    def __init__(self, target: Target, links: Links, ledger: Ledger) -> None:
        self._target = target
        self._links = links
        self._ledger = ledger

    def update(self, records: Sequence[Record], known: Known) -> None:
        """Brings the deals of these records' accounts up to date. What is refused is told, and tried with the next."""
        names = {record.account_key: record.account_name or record.account_key for record in records}
        owners = {record.account_key: record.owner_key for record in records}
        wanted = forecasts_of(self._ledger, names)
        links = self._links.get(LinkKind.FORECAST, wanted)
        stages = self._stages()
        said = {key: _properties(one, stages) for key, one in wanted.items()}
        stale = to_be_written(wanted, {key: _digest(one) for key, one in said.items()}, links)
        if not stale:
            return
        there = self._read([links[key] for key in stale if key in links])
        writes = []
        for key in stale:
            one, held = wanted[key], there.get(getattr(links.get(key), "their_id", ""))
            properties = said[key] | {"nolapse_forecast_key": key, "nolapse_forecast_amount": said[key]["amount"]}
            if held is None:
                properties |= {
                    "dealname": clean(f"{names[one.account_key]}: renewals {day(one.closes_on)[:7]}"),
                    "pipeline": self._target.settings.forecast_pipeline,
                }
                if owner_id := self._target.owner_id(owners[one.account_key]):
                    properties["hubspot_owner_id"] = owner_id
            else:
                properties = _unless_changed(properties, links[key].facts, held)
            writes.append(Write(key, properties, key))
        done = []
        for result in self._target.client.batch_upsert("deals", writes, "nolapse_forecast_key"):
            if result.error is None:
                facts = dict(said[result.key])
                done.append(Link(result.key, result.id, digest=_digest(said[result.key]), facts=facts))
            else:
                log.warning("%s: %s", result.key, result.error)
        new = [link for link in done if getattr(links.get(link.our_key), "their_id", "") != link.their_id]
        pairs = {
            link.our_key: Pair(link.their_id, known.companies[wanted[link.our_key].account_key])
            for link in new
            if wanted[link.our_key].account_key in known.companies
        }
        hung = {one.key: one.error for one in self._target.client.associate("deals", "companies", list(pairs.values()))}
        loose = {key for key, pair in pairs.items() if hung.get(pair.key) is not None}
        self._links.put(LinkKind.FORECAST, [link for link in done if link.our_key not in loose])

    def _read(self, links: Sequence[Link]) -> dict[str, CrmObject]:
        return self._target.client.batch_read("deals", [link.their_id for link in links], _OURS) if links else {}

    def _stages(self) -> tuple[str, str, str]:
        """The first open stage of the pipeline, and those in which a deal is won and lost."""
        wanted = self._target.settings.forecast_pipeline
        for pipeline in self._target.deal_pipelines:
            if wanted in (pipeline.id, pipeline.label):
                open_stages = [id for id in pipeline.stages if id not in (pipeline.won, pipeline.lost)]
                if open_stages and pipeline.won and pipeline.lost:
                    return open_stages[0], pipeline.won, pipeline.lost
        raise Denied(
            f"hubspot.forecast_pipeline: there is no deals' pipeline {wanted!r} with an open, a won and a lost stage"
        )


def _properties(one: Forecast, stages: tuple[str, str, str]) -> dict[str, str]:
    stage = stages[0] if one.open else stages[1] if one.won else stages[2]
    return {
        "amount": money(one.amount_minor, one.currency),
        "closedate": f"{day(one.closes_on)}T12:00:00Z",
        "dealstage": stage,
    }


def _unless_changed(properties: Mapping[str, str], before: Mapping[str, str], held: CrmObject) -> dict[str, str]:
    """Without what a person has changed since we wrote it; a deal that is settled is closed all the same."""
    kept = dict(properties)
    if "amount" in before and _number(held.properties.get("amount", "")) != _number(before["amount"]):
        del kept["amount"]
    if "closedate" in before and held.properties.get("closedate", "")[:10] != before["closedate"][:10]:
        del kept["closedate"]
    if properties["dealstage"] == before.get("dealstage"):
        del kept["dealstage"]
    return kept


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _digest(said: Mapping[str, str]) -> bytes:
    return digest_of(sorted(said.items()))
