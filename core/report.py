"""The list of expiring orders, as the guide shows it: order, name, expires, product, validity, renewal notices."""

from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.engine import Connection

from core.reasons import Reason
from core.schema import accounts, cycles, orders
from core.words import Clock


@dataclass(frozen=True, slots=True)
class Expiring:
    """One order whose clock ends within the span asked about. `days_left` is negative after the end."""

    order: str
    name: str
    expires: date
    inferred: bool
    days_left: int
    product: str
    validity_days: int
    notices: bool
    account: str
    account_name: str
    rep: str
    clock: str
    stage: str
    auto_renew: bool


@dataclass(frozen=True, slots=True)
class Filters:
    """Which orders are wanted. `within_days` counts ahead, `expired_days` back from today; empty words mean all."""

    within_days: int | None = 90
    expired_days: int | None = None
    account: str = ""
    rep: str = ""
    product: str = ""
    name: str = ""
    clock: Clock = Clock.RENEWAL
    notices_off: bool = False


# An open cycle has no outcome.
_NOT_RENEWED = ("", Reason.LAPSED, Reason.ENDED_BEFORE_FIRST_SEEN, Reason.ENDED_BEFORE_GO_LIVE)


def matching(account: str = "", rep: str = "", product: str = "", country: str = "") -> list[ColumnElement[bool]]:
    """The conditions on orders and accounts for an account or product (key or part of the name), rep, country."""
    found: list[ColumnElement[bool]] = []
    if account:
        found.append((accounts.c.account_key == account) | accounts.c.name.icontains(account, autoescape=True))
    if rep:
        found.append(accounts.c.owner_key == rep)
    if product:
        found.append((orders.c.product_id == product) | orders.c.product_name.icontains(product, autoescape=True))
    if country:
        found.append(accounts.c.country == country.upper())
    return found


def expiring(connection: Connection, filters: Filters, today: date) -> list[Expiring]:
    """Open orders by their end, the nearest first; with `expired_days` those that ended less than so long ago."""
    query = (
        select(orders, accounts.c.account_key, accounts.c.name.label("account_name"), accounts.c.owner_key)
        .add_columns(cycles.c.starts_on.label("cycle_starts_on"), cycles.c.ends_on, cycles.c.stage)
        .join(cycles, cycles.c.order_id == orders.c.id)
        .join(accounts, accounts.c.id == orders.c.account_id)
        .where(cycles.c.clock == filters.clock)
        .order_by(cycles.c.ends_on, orders.c.order_key)
    )
    if filters.expired_days is not None:
        # What has lapsed is still wanted here: winning it back is the point of the list.
        span = cycles.c.ends_on.between(today - timedelta(days=filters.expired_days), today - timedelta(days=1))
        query = query.where(span, cycles.c.outcome.in_(_NOT_RENEWED))
    elif filters.within_days is not None:
        ahead = cycles.c.ends_on.between(today, today + timedelta(days=filters.within_days))
        query = query.where(ahead, cycles.c.open)
    query = query.where(*matching(filters.account, filters.rep, filters.product))
    if filters.name:
        query = query.where(orders.c.common_name.icontains(filters.name, autoescape=True))
    if filters.notices_off:
        query = query.where(orders.c.ca_notices_off)
    return [
        Expiring(
            order=row.order_key,
            name=row.common_name,
            expires=row.ends_on,
            inferred=row.order_expires_inferred and filters.clock is Clock.RENEWAL,
            days_left=(row.ends_on - today).days,
            product=row.product_name,
            validity_days=(row.ends_on - row.cycle_starts_on).days,
            notices=not row.ca_notices_off,
            account=row.account_key,
            account_name=row.account_name,
            rep=row.owner_key,
            clock=filters.clock,
            stage=row.stage,
            auto_renew=row.auto_renew,
        )
        for row in connection.execute(query)
    ]
