"""What became of the renewals of a span, and what the months to come bring."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from core.eligibility import Scope
from core.figures import By, Fate, Figures, Sum, Wanted, figures
from core.forecast import Forecast, forecast
from core.model import OrderFacts, RepFacts
from core.schema import cycles, orders, promises, suppressions, tasks
from core.words import Channel, Clock, Nature, OrderStatus, ProductKind, Stage, TaskState
from tests.builders import House, account, facts, make_live_ledger
from tests.conftest import Prepared

DAY = date(2026, 6, 1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
ALL = Scope()
SPAN = Wanted(DAY, DAY + timedelta(days=60))
ACME = account(owner_key="rita")
BETA = account("beta", country="FR", owner_key="otto")


def order(number: str, days: int, **said: Any) -> OrderFacts:
    """An order that ends so many days after the first of June."""
    return facts(number, ends_on=DAY + timedelta(days=days), **{"account": ACME} | said)


ROWS = [
    order("early", 40, value_minor=10_001),
    order("edge", 31, value_minor=20_000),
    order("late", 5, value_minor=300),
    order("lost", 20, value_minor=4_000),
    order("why", 21, account=BETA, people=()),
    order("lapsed", 1),
    order("revoked", 30, status=OrderStatus.REVOKED),
    order("open", 50, account=BETA, product_id="ev", product_name="Secure Site EV", value_minor=None),
    order("euro", 60, account=BETA, people=(), currency="EUR", value_minor=77),
    order("signing", 30, kind=ProductKind.CODE_SIGNING),
    order("before", -30),
    order("after", 61),
]


def play(url: str) -> None:
    """A month of June, played on few days: each fate once or twice."""
    make_live_ledger(url)
    house = House(url)
    house.source.known_reps = [RepFacts("rita", "Rita Rep", "rita@us.example")]
    house.source.rows = [one for one in ROWS if one.status is not OrderStatus.REVOKED] + [order("revoked", 30)]
    house.sync(DAY)
    house.settle(DAY)
    house.hear("early", DAY + timedelta(days=10))
    house.hear("edge", DAY + timedelta(days=2))
    house.settle(DAY + timedelta(days=2))
    _lose(house, "lost", "price")
    _lose(house, "why", "")
    house.source.rows = ROWS
    house.sync(DAY + timedelta(days=14))
    house.settle(DAY + timedelta(days=20))
    house.hear("late", DAY + timedelta(days=8))
    house.settle(DAY + timedelta(days=21))
    house.close()


@pytest.fixture
def house(prepared_store_url: Prepared) -> Iterator[House]:
    house = House(prepared_store_url("figures", play))
    yield house
    house.close()


def _lose(house: House, number: str, reason: str) -> None:
    mine = cycles.c.order_id.in_(select(orders.c.id).where(orders.c.outside_id == number))
    house.write(update(cycles).where(mine).values(closing="lost", lost_reason=reason))


def told(house: House, by: By = By.ALL, wanted: Wanted = SPAN, scope: Scope = ALL) -> dict[Any, Figures]:
    with house.store.read() as connection:
        found = figures(connection, wanted, by, scope, DAY + timedelta(days=21))
    return {(one.key, one.currency) if by is not By.ALL else one.currency: one for one in found}


def test_each_renewal_has_one_fate_and_its_worth(house: House) -> None:
    found = told(house)
    assert set(found) == {"USD", "EUR"}
    usd = found["USD"]
    assert usd.due == Sum(8, 10_001 + 20_000 + 300 + 4_000 + 50_000 * 3)
    assert {fate: (one.orders, one.value_minor) for fate, one in usd.fates.items()} == {
        Fate.OPEN: (1, 0),
        Fate.EARLY: (1, 10_001),
        Fate.ON_TIME: (1, 20_000),
        Fate.LATE: (1, 300),
        Fate.LOST: (2, 54_000),
        Fate.LAPSED: (1, 50_000),
        Fate.OVER: (1, 50_000),
    }
    assert usd.renewed == Sum(3, 30_301)
    assert usd.renewal_rate == 0.5
    assert usd.days_before == round((30 + 29 - 3) / 3, 1)
    assert usd.lost_why == {"no reason given": 1, "price": 1}
    assert usd.unvalued == 1
    assert (found["EUR"].due, found["EUR"].renewal_rate, found["EUR"].days_before) == (Sum(1, 77), None, None)


def test_early_is_what_one_means_by_it(house: House) -> None:
    usd = told(house, wanted=Wanted(SPAN.first, SPAN.last, early_days=29))["USD"]
    assert (usd.fates[Fate.EARLY].orders, usd.fates[Fate.ON_TIME].orders) == (2, 0)


def test_by_whatever_is_asked(house: House) -> None:
    reps = told(house, By.REP)
    assert {(key, one.name): one.due.orders for (key, currency), one in reps.items() if currency == "USD"} == {
        ("rita", "Rita Rep"): 6,
        ("otto", ""): 2,
    }
    assert {key: one.due.orders for key, one in told(house, By.PRODUCT).items()} == {
        ("ssl_plus", "USD"): 7,
        ("ssl_plus", "EUR"): 1,
        ("ev", "USD"): 1,
    }
    assert set(told(house, By.ACCOUNT)) == {("acme", "USD"), ("beta", "USD"), ("beta", "EUR")}
    assert set(told(house, By.COUNTRY)) == {("DE", "USD"), ("FR", "USD"), ("FR", "EUR")}
    assert [key for key, _ in told(house, By.MONTH)] == ["2026-06", "2026-07", "2026-07"]


def test_only_what_is_asked(house: House) -> None:
    def due(**said: str) -> int:
        return sum(one.due.orders for one in told(house, wanted=Wanted(SPAN.first, SPAN.last, **said)).values())  # type: ignore[arg-type, misc]

    assert [due(rep="otto"), due(account="Acm"), due(product="secure site"), due(country="fr")] == [3, 6, 1, 3]


def test_whom_nobody_can_write_to_is_not_reachable(house: House) -> None:
    found = told(house)
    assert (found["USD"].reachable, found["USD"].reachable_share) == (1, 1.0)
    assert (found["EUR"].reachable, found["EUR"].reachable_share) == (0, 0.0)
    ours = Scope(own_domains=("acme.example", "beta.example"))
    assert told(house, scope=ours)["USD"].reachable == 0
    row = {"address": "ann@beta.example", "channel": Channel.MAIL, "nature": Nature.COMMERCIAL, "since": NOON}
    house.write(insert(suppressions).values(row))
    assert told(house)["USD"].reachable == 1
    house.write(update(suppressions).values(nature=Nature.SERVICE))
    assert told(house)["USD"].reachable == 0


def test_offers_cost_what_was_renewed_while_they_held(house: House) -> None:
    by_number = {row.outside_id: row.id for row in house.rows(orders)}
    ids = {row.order_id: row.id for row in house.rows(cycles, cycles.c.clock == Clock.RENEWAL)}
    account_id = house.rows(orders)[0].account_id
    for number, ends_on in (
        ("early", DAY + timedelta(days=10)),
        ("edge", DAY + timedelta(days=1)),
        ("open", SPAN.last),
    ):
        house.write(
            insert(promises).values(
                cycle_id=ids[by_number[number]], account_id=account_id, offer="x", percent=15, ends_on=ends_on,
                promised_at=NOON,
            )
        )  # fmt: skip
    usd = told(house)["USD"]
    assert (usd.promised, usd.offer_cost) == (3, 10_001 * 15 // 100)


def test_tasks_that_are_open_and_late(house: House) -> None:
    house.plan(DAY + timedelta(days=21))
    house.deliver(DAY + timedelta(days=21))
    reps = told(house, By.REP)
    opened = [row for row in house.rows(tasks) if row.state in (TaskState.OPEN, TaskState.PLANNED)]
    assert opened
    assert sum(one.tasks_open for one in reps.values()) >= len(opened)
    assert sum(one.tasks_overdue for one in reps.values()) == 0
    house.write(update(tasks).values(due_on=DAY))
    assert sum(one.tasks_overdue for one in told(house, By.REP).values()) >= len(opened)


class TestForecast:
    def months(self, house: House, day: date = DAY + timedelta(days=21), **said: str) -> Forecast:
        with house.store.read() as connection:
            return forecast(connection, ALL, day, **said)

    def test_what_is_due_and_what_is_likely_by_month(self, house: House) -> None:
        mine = cycles.c.order_id.in_(select(orders.c.id).where(orders.c.outside_id == "open"))
        house.write(update(cycles).where(mine).values(stage=Stage.COMMITTED))
        house.write(update(orders).where(orders.c.outside_id == "open").values(value_minor=1_000))
        found = self.months(house)
        # Of three that ended before that day and were decided, one was won.
        assert found.cases == 3
        assert found.rate == pytest.approx(1 / 3)
        by_month = {(one.month, one.currency): one for one in found.months}
        assert set(by_month) == {("2026-06", "USD"), ("2026-07", "USD"), ("2026-07", "EUR"), ("2026-08", "USD")}
        july = by_month["2026-07", "USD"]
        assert (july.due, july.renewed, july.promised) == (Sum(3, 31_001), Sum(2, 30_001), Sum(1, 1_000))
        assert july.expected_minor == round(30_001 + 1_000 / 3)

    def test_without_a_past_nothing_is_guessed(self, house: House) -> None:
        found = self.months(house, DAY - timedelta(days=60))
        assert (found.rate, found.cases) == (None, 0)
        assert {one.expected_minor for one in found.months} == {None}

    def test_only_what_is_asked(self, house: House) -> None:
        assert {one.currency for one in self.months(house, rep="otto", product="ssl_plus").months} == {"EUR", "USD"}
        assert sum(one.due.orders for one in self.months(house, account="beta").months) == 3
