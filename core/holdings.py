"""What customers hold: their running orders, read set-wise for advice."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from core.advice import Holding
from core.schema import orders
from core.sql import among
from core.words import Level, OrderStatus, ProductKind


def holdings(connection: Connection, account_ids: Collection[int], today: date) -> dict[int, list[Holding]]:
    """The orders of these accounts that are issued, have not ended and are not renewed yet, by account."""
    ends_on = func.coalesce(orders.c.order_expires_on, orders.c.certificate_expires_on)
    query = (
        select(
            orders.c.account_id, orders.c.outside_id, orders.c.ca, orders.c.kind, orders.c.product_id, orders.c.level,
            orders.c.common_name, orders.c.dns_names, orders.c.placed_on, orders.c.term_days, orders.c.auto_renew,
        )
        .where(among(orders.c.account_id, account_ids), orders.c.status == OrderStatus.ISSUED)
        .where(ends_on >= today, orders.c.vanished_on.is_(None), ~orders.c.is_renewed, orders.c.renewed_by == "")
        .order_by(orders.c.id)
    )  # fmt: skip
    found: dict[int, list[Holding]] = defaultdict(list)
    for row in connection.execute(query).all() if account_ids else ():
        found[row.account_id].append(
            Holding(
                order_id=row.outside_id,
                ca=row.ca,
                kind=ProductKind(row.kind),
                product_id=row.product_id,
                level=Level(row.level) if row.level else None,
                names=frozenset(name.lower() for name in (row.common_name, *row.dns_names) if name),
                placed_on=row.placed_on,
                term_days=row.term_days,
                auto_renew=row.auto_renew,
            )
        )
    return found
