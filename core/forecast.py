"""What the next twelve months bring: renewals by the month of their end, and how much of it comes as things went so far."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.engine import Connection

from core.eligibility import Scope
from core.figures import WON, Sum, Wanted, currency_of, of_ours
from core.reasons import Reason
from core.report import matching
from core.schema import accounts, cycles, orders
from core.sql import month_of
from core.words import Stage

MONTHS = 12
LOOK_BACK_DAYS = 365
LEAST_CASES = 20
"""From so many renewals on that were decided a product has a renewal rate of its own; below, that of all counts."""

_DECIDED = (*WON, Reason.LOST, Reason.LAPSED)
_SURE = (Stage.COMMITTED, Stage.IN_PROGRESS)


@dataclass(slots=True)
class Month:
    """One month in one currency. `expected_minor` is what comes in by the renewal rate of the last year, with what is
    renewed already; None where nothing was decided in that year."""

    month: str
    currency: str
    due: Sum = field(default_factory=Sum)
    renewed: Sum = field(default_factory=Sum)
    promised: Sum = field(default_factory=Sum)
    expected_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Forecast:
    """The months to come; `rate` is the share of renewals that were won in the last year, `cases` of how many."""

    months: tuple[Month, ...]
    rate: float | None
    cases: int


def forecast(
    connection: Connection, scope: Scope, today: date, *, account: str = "", rep: str = "", product: str = ""
) -> Forecast:
    """The twelve months from that of today on. The rates are those of the same account, rep and product, if named."""
    first, last = today.replace(day=1), _end(today)
    wanted = Wanted(first, last, account, rep, product)
    rates, overall, cases = _rates(connection, wanted, scope, today)
    open_ = cycles.c.open
    sure = open_ & cycles.c.stage.in_(_SURE)
    won = cycles.c.outcome.in_(WON)
    value = func.coalesce(orders.c.value_minor, 0)
    month = month_of(connection, cycles.c.ends_on).label("month")
    counted = [
        part
        for condition in (won, open_, sure)
        for part in (func.sum(case((condition, 1), else_=0)), func.sum(case((condition, value), else_=0)))
    ]
    money = currency_of(connection).label("currency")
    query = (
        select(month, money, orders.c.product_id, func.count(), func.sum(value), *counted)
        .join(orders, orders.c.id == cycles.c.order_id)
        .join(accounts, accounts.c.id == orders.c.account_id)
        .where(of_ours(scope), open_ | cycles.c.outcome.in_(_DECIDED), cycles.c.ends_on.between(first, last))
        .where(*matching(wanted.account, wanted.rep, wanted.product))
        .group_by(month, money, orders.c.product_id)
    )
    found: dict[tuple[str, str], Month] = {}
    expected: dict[tuple[str, str], float] = defaultdict(float)
    for name, currency, product_id, count, worth, *parts in connection.execute(query):
        one = found.setdefault((name, currency), Month(name, currency))
        won_orders, won_value, _, open_value, sure_orders, sure_value = (int(part) for part in parts)
        _add(one.due, count, int(worth))
        _add(one.renewed, won_orders, won_value)
        _add(one.promised, sure_orders, sure_value)
        if overall is not None:
            expected[name, currency] += won_value + open_value * rates.get(product_id, overall)
            one.expected_minor = round(expected[name, currency])
    return Forecast(tuple(found[key] for key in sorted(found)), overall, cases)


def _add(to: Sum, count: int, value_minor: int) -> None:
    to.orders += count
    to.value_minor += value_minor


def _end(today: date) -> date:
    """The last day of the twelfth month."""
    return date(today.year + 1, today.month, 1) - timedelta(days=1)


def _rates(
    connection: Connection, wanted: Wanted, scope: Scope, today: date
) -> tuple[Mapping[str, float], float | None, int]:
    """The renewal rate of each product with enough cases in the last year, that of all, and the number of cases."""
    query = (
        select(orders.c.product_id, func.count(), func.sum(case((cycles.c.outcome.in_(WON), 1), else_=0)))
        .join(orders, orders.c.id == cycles.c.order_id)
        .join(accounts, accounts.c.id == orders.c.account_id)
        .where(of_ours(scope), cycles.c.outcome.in_(_DECIDED))
        .where(cycles.c.ends_on.between(today - timedelta(days=LOOK_BACK_DAYS), today - timedelta(days=1)))
        .where(*matching(wanted.account, wanted.rep, wanted.product))
        .group_by(orders.c.product_id)
    )
    counts = [(product, count, int(won)) for product, count, won in connection.execute(query)]
    cases = sum(count for _, count, _ in counts)
    overall = sum(won for _, _, won in counts) / cases if cases else None
    return {product: won / count for product, count, won in counts if count >= LEAST_CASES}, overall, cases
