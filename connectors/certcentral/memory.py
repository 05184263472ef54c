"""Keeps what order info told of an order, so that it is asked once and not in every pass. Sets at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Engine, select

from connectors.certcentral.persons import without_forgotten
from connectors.certcentral.tables import certcentral_orders
from core.sql import upsert
from core.store import Store, is_rehearsed

ASK_AGAIN_AFTER_DAYS = 30
_KEYS_PER_QUERY = 1000


@dataclass(frozen=True, slots=True)
class Told:
    """What order info said of an order, when, and of which certificate; the columns that lists do not repeat."""

    certificate_id: str = ""
    asked_on: date | None = None
    columns: Mapping[str, str] = field(default_factory=dict)

    def answers(self, certificate_id: str, today: date) -> bool:
        """Whether it need not be asked again: it was, lately, and the certificate is the same."""
        if self.asked_on is None or self.certificate_id != certificate_id:
            return False
        return abs((today - self.asked_on).days) < ASK_AGAIN_AFTER_DAYS


class Memory:
    """The table behind it. In a rehearsal nothing is kept."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._store = Store(engine)

    def of(self, order_ids: Sequence[str]) -> dict[str, Told]:
        """What is known of these orders, by id."""
        table = certcentral_orders
        columns = (table.c.order_id, table.c.certificate_id, table.c.asked_on, table.c.told)
        found: dict[str, Told] = {}
        with self._store.read() as connection:
            for first in range(0, len(order_ids), _KEYS_PER_QUERY):
                some = order_ids[first : first + _KEYS_PER_QUERY]
                for row in connection.execute(select(*columns).where(table.c.order_id.in_(some))):
                    found[row.order_id] = Told(row.certificate_id, row.asked_on, row.told or {})
        return found

    def keep(self, told: Mapping[str, Told]) -> None:
        """Keeps what was told now, but for the people who are to stay forgotten."""
        with self._store.read() as connection:
            kept = without_forgotten(connection, {order_id: one.columns for order_id, one in told.items()})
        self._write(
            {
                "order_id": order_id,
                "certificate_id": one.certificate_id,
                "asked_on": one.asked_on,
                "told": kept[order_id],
            }
            for order_id, one in told.items()
        )

    def written(self, column: str) -> dict[str, str]:
        """What we wrote to CertCentral, by order: its `message` or `record_id`."""
        table = certcentral_orders
        query = select(table.c.order_id, table.c[column]).where(table.c[column] != "")
        with self._store.read() as connection:
            return {order_id: value for order_id, value in connection.execute(query)}

    def note_written(self, order_id: str, column: str, value: str) -> None:
        """Notes what we have written to CertCentral."""
        self._write([{"order_id": order_id, column: value}])

    def _write(self, rows: Iterable[Mapping[str, object]]) -> None:
        rows = list(rows)
        if rows and not is_rehearsed(self._engine):
            with self._store.begin() as connection:
                upsert(connection, certcentral_orders, ["order_id"], rows)
