"""HubSpot's companies, as `nolapse link` wants them."""

from collections.abc import Mapping, Sequence

from connectors.crm.linking import Company
from connectors.hubspot.batches import Write
from connectors.hubspot.mapping import clean
from connectors.hubspot.outcomes import result_of
from connectors.hubspot.target import Target
from core.ports import Result

_KEY = "nolapse_account_key"
_SHOWN = ("name", "domain", "city")


class HubSpotCompanies:
    """The companies of one HubSpot account."""

    crm = "HubSpot"

    def __init__(self, target: Target) -> None:
        self._target = target

    def read(self, ids: Sequence[str]) -> Mapping[str, Company]:
        """Those of these that exist."""
        # Anything but a number is no id of HubSpot's, which refuses a whole batch for it.
        asked = [id for id in ids if id.isdigit()]
        there = self._target.client.batch_read("companies", asked, (*_SHOWN, _KEY)) if asked else {}
        return {
            id: Company(
                id,
                ", ".join(filter(None, (one.properties.get(name, "") for name in _SHOWN))),
                one.properties.get(_KEY, ""),
            )
            for id, one in there.items()
        }

    def claim(self, ids: Mapping[str, str]) -> list[Result]:
        """Puts our keys on companies."""
        writes = [Write(key, {_KEY: key}, id) for key, id in ids.items()]
        return [result_of(one.key, one) for one in self._target.client.batch_update("companies", writes)]

    def make(self, names: Mapping[str, str]) -> list[Result]:
        """Makes companies with our keys."""
        writes = [Write(key, {_KEY: key, "name": clean(name) or key}, key) for key, name in names.items()]
        return [result_of(one.key, one) for one in self._target.client.batch_upsert("companies", writes, _KEY)]
