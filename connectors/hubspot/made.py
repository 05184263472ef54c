"""What `nolapse setup hubspot` has made in an account, so that it finds it again by its id, and removes nothing else."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, delete, select

from connectors.crm.tables import LinkState, crm_links
from core.sql import insert_new
from core.store import Store

CRM = "hubspot"
KIND = "setup"

_SETUP = (crm_links.c.crm == CRM) & (crm_links.c.kind == KIND)


@dataclass(frozen=True)
class Made:
    """The list of one account. Keys are `kind/object/name`, as `property/tickets/nolapse_order_key`."""

    engine: Engine
    portal_id: str

    def known(self) -> dict[str, str]:
        """Key → id in HubSpot, in the order in which they were made."""
        query = (
            select(crm_links.c.our_key, crm_links.c.their_id)
            .where(_SETUP, crm_links.c.our_key.startswith(self._prefix, autoescape=True))
            .order_by(crm_links.c.changed_at, crm_links.c.our_key)
        )
        with Store(self.engine).read() as connection:
            rows = connection.execute(query).all()
        return {row.our_key.removeprefix(self._prefix): row.their_id for row in rows}

    def remember(self, key: str, id: str = "") -> None:
        """Notes that it was made by us."""
        row = {
            "crm": CRM,
            "kind": KIND,
            "our_key": self._prefix + key,
            "their_id": id,
            "state": LinkState.LINKED,
            "changed_at": datetime.now(UTC),
        }
        with Store(self.engine).begin() as connection:
            insert_new(connection, crm_links, [row])

    def forget(self, key: str) -> None:
        """Notes that it is not there any more."""
        with Store(self.engine).begin() as connection:
            connection.execute(delete(crm_links).where(_SETUP, crm_links.c.our_key == self._prefix + key))

    @property
    def _prefix(self) -> str:
        return f"{self.portal_id}/"
