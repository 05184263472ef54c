"""What reps see in the CRM: order records, queued on a change and built when they go, and the logs of mails."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from operator import attrgetter
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import Connection

from core.delivery_numbers import last_numbers
from core.model import digest_of
from core.ports import Record
from core.record_people import people_of
from core.schema import accounts, cycles, deliveries, orders
from core.sql import among, insert_new
from core.timing import Timer
from core.words import Clock, DeliveryKind, DeliveryState, Stage

# All but the delivery's own key, a link that is signed afresh each time, and people, who are looked at apart.
_compared = attrgetter(*(name for name in Record.__slots__ if name not in ("key", "renewal_link", "people")))
Link = Callable[[str, str], str]


def _no_link(order_key: str, account_key: str) -> str:
    return ""


_ORDER = (
    orders.c.id,
    orders.c.order_key,
    orders.c.common_name,
    orders.c.product_name,
    orders.c.status,
    orders.c.starts_on,
    orders.c.order_expires_on,
    orders.c.order_expires_inferred,
    orders.c.certificate_expires_on,
    orders.c.auto_renew,
    orders.c.value_minor,
    orders.c.currency,
    orders.c.record_digest,
)


def queue(connection: Connection, order_ids: Sequence[int], timer: Timer) -> None:
    """Puts the records of these orders into the outbox.

    An order gets a record once its renewal is open, and keeps it. One that waits already is built afresh when it goes,
    so it needs no second one.
    """
    if not order_ids:
        return
    shown = (
        select(orders.c.id)
        .where(among(orders.c.id, order_ids))
        .where(
            orders.c.record_digest.is_not(None)
            | orders.c.id.in_(select(cycles.c.order_id).where(among(cycles.c.order_id, order_ids), cycles.c.open))
        )
    )
    mine = among(deliveries.c.order_id, order_ids) & (deliveries.c.kind == DeliveryKind.RECORD)
    waiting = select(deliveries.c.order_id).where(mine, deliveries.c.state == DeliveryState.PLANNED)
    wanted = connection.execute(shown.where(orders.c.id.not_in(waiting)).order_by(orders.c.id)).scalars().all()
    stems = {order_id: f"record:order-{order_id}:renewal:{timer.day}" for order_id in wanted}
    last = last_numbers(connection, stems.values())
    rows = [
        {
            "key": f"{stem}:{last[stem] + 1}",
            "kind": DeliveryKind.RECORD,
            "channel": "record",
            "state": DeliveryState.PLANNED,
            "order_id": order_id,
            "day": timer.day,
            "send_after": timer.opening - timedelta(seconds=1),
        }
        for order_id, stem in stems.items()
    ]
    if rows:
        connection.execute(insert(deliveries), rows)


def queue_logs(connection: Connection, sent: Sequence[tuple[Any, Mapping[str, Any] | None]], timer: Timer) -> None:
    """Puts the logs of mails that have gone into the outbox: for each its delivery, and what is to be told of it."""
    rows = [
        {
            "key": f"log:{row.key}",
            "kind": DeliveryKind.MAIL_LOG,
            "channel": "record",
            "state": DeliveryState.PLANNED,
            "clock": row.clock,
            "account_id": row.account_id,
            "contact_id": row.contact_id,
            "day": timer.day,
            "send_after": timer.opening,
            "payload": told,
        }
        for row, told in sent
        if told
    ]
    insert_new(connection, deliveries, rows)


def build(
    connection: Connection, wanted: dict[int, str], today: date, link: Link = _no_link
) -> dict[int, tuple[Record, bytes, bool]]:
    """The records of orders (id → delivery key) as they are now, their digests, and whether the CRM has them already.

    `link` gives where an order is renewed, by its key and its account's.
    """
    query = (
        select(*_ORDER, accounts.c.account_key, accounts.c.name.label("account_name"), accounts.c.owner_key)
        .join(accounts, accounts.c.id == orders.c.account_id)
        .where(among(orders.c.id, list(wanted)))
    )
    latest = select(cycles.c.order_id, cycles.c.stage).where(
        among(cycles.c.order_id, list(wanted)), cycles.c.clock == Clock.RENEWAL
    )
    stages = {order_id: stage for order_id, stage in connection.execute(latest.order_by(cycles.c.number)).all()}
    people = people_of(connection, list(wanted), today)
    built: dict[int, tuple[Record, bytes, bool]] = {}
    for row in connection.execute(query).all():
        record = Record(
            key=wanted[row.id],
            order_key=row.order_key,
            account_key=row.account_key,
            account_name=row.account_name,
            owner_key=row.owner_key,
            common_name=row.common_name,
            product_name=row.product_name,
            status=row.status,
            stage=Stage(stages.get(row.id, Stage.UPCOMING)),
            starts_on=row.starts_on,
            order_expires_on=row.order_expires_on,
            order_expires_inferred=row.order_expires_inferred,
            certificate_expires_on=row.certificate_expires_on,
            auto_renew=row.auto_renew,
            value_minor=row.value_minor,
            currency=row.currency,
            people=people.get(row.id, ()),
            renewal_link=link(row.order_key, row.account_key),
        )
        # Where somebody's renewals stand changes with every mail, and is told with its log.
        lasting = [(one.email, one.name, one.phone, one.language, one.roles) for one in record.people]
        digest = digest_of(*_compared(record), lasting)
        built[row.id] = (record, digest, digest == row.record_digest)
    return built


def remember(connection: Connection, pushed: Sequence[tuple[int, bytes]]) -> None:
    """Notes what the CRM now holds of these orders."""
    if pushed:
        by_id = update(orders).where(orders.c.id == bindparam("which")).values(record_digest=bindparam("held"))
        connection.execute(by_id, [{"which": order_id, "held": digest} for order_id, digest in pushed])


def push_again(connection: Connection, account_keys: Sequence[str], timer: Timer) -> int:
    """Queues every record of these accounts that the CRM has, as if it had changed; gives how many orders those are."""
    mine = orders.c.account_id.in_(select(accounts.c.id).where(accounts.c.account_key.in_(account_keys)))
    shown = mine & orders.c.record_digest.is_not(None)
    ids = (
        connection.execute(update(orders).where(shown).values(record_digest=b"").returning(orders.c.id)).scalars().all()
    )
    queue(connection, sorted(ids), timer)
    return len(ids)
