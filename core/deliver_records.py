"""What else the CRM is told: order records, mails that went out, and who opted out. All may be repeated."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy.engine import Connection

from core import records
from core.kinds import Sealed
from core.ports import Crm, FillingCrm, MailLog, OptOut, Record, Result
from core.reasons import Reason
from core.record_people import people_by_id
from core.timing import Timer
from core.words import DeliveryState


class _Repeatable:
    """A kind whose calls are idempotent by key: what is uncertain is simply sent again."""

    def __init__(self, crm: Crm) -> None:
        self._crm = crm
        self.connector = crm.name
        self.batch_size = crm.batch_size
        self.least_claim = crm.batch_size
        self.search_lag = crm.search_lag

    def key_of(self, item: Any) -> str:
        return str(item.key)

    def find(self, rows: Sequence[Any]) -> Mapping[str, str] | None:
        return {}

    def delivered(self, connection: Connection, done: Sequence[tuple[Any, Any, Result]], timer: Timer) -> None:
        """Nothing follows from it."""

    def not_delivered(self, connection: Connection, row: Any, state: DeliveryState, timer: Timer) -> None:
        """Nothing follows from it but the delivery's own state, which `nolapse deliveries` shows."""


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """A record with the digest by which it is known that the CRM has it."""

    record: Record
    order_id: int
    digest: bytes

    @property
    def key(self) -> str:
        return self.record.key


class RecordLinks(Protocol):
    """Where the renewal of an order is done."""

    def renewal(self, order_key: str, account_key: str) -> str: ...


class RecordKind(_Repeatable):
    """Pushes the records of orders; one that the CRM has already is not written again."""

    def __init__(self, crm: Crm, links: RecordLinks | None = None) -> None:
        super().__init__(crm)
        self._links = links
        filling: object = crm
        if isinstance(filling, FillingCrm):
            self.batch_size = self.least_claim = max(crm.batch_size, filling.records_together)

    def seal(self, connection: Connection, rows: Sequence[Any], timer: Timer) -> Sealed:
        wanted = {row.order_id: row.key for row in rows}
        link = {} if self._links is None else {"link": self._links.renewal}
        built = records.build(connection, wanted, timer.day, **link)
        items: dict[int, SealedRecord] = {}
        withdrawn: dict[int, str] = {}
        for row in rows:
            record, digest, unchanged = built[row.order_id]
            if unchanged or record.key != row.key:
                withdrawn[row.id] = Reason.UNCHANGED
            else:
                items[row.id] = SealedRecord(record, row.order_id, digest)
        return Sealed(items, withdrawn)

    def hand_over(self, items: Sequence[SealedRecord]) -> Sequence[Result]:
        return self._crm.push_records([item.record for item in items])

    def delivered(self, connection: Connection, done: Sequence[tuple[Any, Any, Result]], timer: Timer) -> None:
        records.remember(connection, [(item.order_id, item.digest) for _, item, _ in done if item is not None])


class MailLogKind(_Repeatable):
    """Logs mails on the timeline of their contact."""

    def __init__(self, crm: Crm, links: RecordLinks | None = None) -> None:
        super().__init__(crm)
        self._links = links

    def seal(self, connection: Connection, rows: Sequence[Any], timer: Timer) -> Sealed:
        people = people_by_id(connection, {row.contact_id for row in rows if row.contact_id is not None}, timer.day)
        items = {
            row.id: MailLog(
                key=row.key,
                account_key=row.payload["account_key"],
                to=row.payload["to"],
                subject=row.payload["subject"],
                text=row.payload["text"],
                sent_at=datetime.fromisoformat(row.payload["sent_at"]),
                order_keys=tuple(row.payload["order_keys"]),
                person=people.get(row.contact_id),
                renewal_link=self._link(row.payload),
            )
            for row in rows
        }
        return Sealed(items, {})

    def _link(self, told: Mapping[str, Any]) -> str:
        if self._links is None or not told["order_keys"]:
            return ""
        return self._links.renewal(told["order_keys"][0], told["account_key"])

    def hand_over(self, items: Sequence[MailLog]) -> Sequence[Result]:
        return self._crm.log_mail(items)


class OptOutKind(_Repeatable):
    """Writes back who does not want to be reached."""

    def seal(self, connection: Connection, rows: Sequence[Any], timer: Timer) -> Sealed:
        items = {
            row.id: OptOut(
                key=row.key,
                address=row.payload["address"],
                channel=row.payload["channel"],
                nature=row.payload["nature"],
                since=datetime.fromisoformat(row.payload["since"]),
            )
            for row in rows
        }
        return Sealed(items, {})

    def hand_over(self, items: Sequence[OptOut]) -> Sequence[Result]:
        return self._crm.write_optout(items)
