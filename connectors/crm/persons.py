"""Which links to a CRM name a person: told, and taken out. What the CRM itself holds only the CRM can remove."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.engine import Connection

from connectors.crm.tables import crm_links as table
from core.whom import Whom


@dataclass(frozen=True, slots=True)
class CrmPeople:
    """The links of one CRM, by the name of its connector. It is a `PeopleStore`."""

    crm: str

    def held(self, connection: Connection, whom: Whom) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """The links of the person's contact."""
        columns = (table.c.kind, table.c.our_key, table.c.their_id, table.c.state, table.c.facts, table.c.changed_at)
        query = select(*columns).where(self._names(whom)).order_by(table.c.kind, table.c.our_key)
        return {table.name: [dict(row) for row in connection.execute(query).mappings()]}

    def forget(self, connection: Connection, whom: Whom) -> Mapping[str, int]:
        """Takes these links away."""
        return {table.name: connection.execute(delete(table).where(self._names(whom))).rowcount}

    def _names(self, whom: Whom) -> Any:
        return (table.c.crm == self.crm) & (func.lower(table.c.our_key) == whom.address)
