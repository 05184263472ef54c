"""Salesforce's accounts, as `nolapse link` wants them."""

from collections.abc import Mapping, Sequence

from connectors.crm.foreign import text_of
from connectors.crm.linking import Company
from connectors.salesforce.fields import AccountField
from connectors.salesforce.mapping import is_id
from connectors.salesforce.outcomes import result_of
from connectors.salesforce.records import Write
from connectors.salesforce.target import Target
from core.ports import Result

_KEY = str(AccountField.KEY)
_PREFIX = "001"
_SHOWN = ("Name", "Website", "BillingCity")


class SalesforceCompanies:
    """The accounts of one org."""

    crm = "Salesforce"

    def __init__(self, target: Target) -> None:
        self._target = target

    def read(self, ids: Sequence[str]) -> Mapping[str, Company]:
        """Those of these that exist."""
        asked = [id for id in ids if is_id(id, _PREFIX)]
        shown = self._target.visible("Account", *_SHOWN)
        there = self._target.client.retrieve("Account", asked, [*shown, _KEY]) if asked else {}
        return {
            id: Company(id, ", ".join(filter(None, (text_of(row.get(name)) for name in shown))), text_of(row.get(_KEY)))
            for id, row in there.items()
        }

    def claim(self, ids: Mapping[str, str]) -> list[Result]:
        """Puts our keys on accounts."""
        writes = [Write(key, {_KEY: key}, id) for key, id in ids.items()]
        return [result_of(one.key, one) for one in self._target.client.update("Account", writes)]

    def make(self, names: Mapping[str, str]) -> list[Result]:
        """Makes accounts with our keys."""
        writes = [
            Write(key, self._target.fitting("Account", {_KEY: key, "Name": name.strip() or key}, new=True))
            for key, name in names.items()
        ]
        return [result_of(one.key, one) for one in self._target.client.upsert("Account", _KEY, writes)]
