"""The forecast: one deal for each account and month, as long as it is wanted."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from connectors.hubspot.forecast import Forecast, forecasts
from connectors.hubspot.ledger import Worth
from core import golive
from core.model import OrderFacts
from core.schema import cycles
from core.store import Store
from core.words import Stage
from tests.builders import House, account, facts
from tests.connectors.hubspot.accounts import Account, running_account

DAY = date(2026, 11, 18)
END = date(2027, 3, 20)


def worth(ends_on: date, value: int = 100, stage: Stage = Stage.UPCOMING, currency: str = "EUR") -> Worth:
    still_open = stage in (Stage.UPCOMING, Stage.CONTACTED, Stage.COMMITTED, Stage.IN_PROGRESS)
    return Worth(ends_on, value, currency, stage, still_open)


class TestSums:
    def test_by_month_and_currency(self) -> None:
        worths = [
            worth(END),
            worth(END - timedelta(days=3), 250),
            worth(END + timedelta(days=30)),
            worth(END, 7, currency="USD"),
        ]
        assert [(one.key, one.amount_minor, one.closes_on) for one in forecasts("acme", worths)] == [
            ("acme:2027-03:EUR", 350, END - timedelta(days=3)),
            ("acme:2027-03:USD", 7, END),
            ("acme:2027-04:EUR", 100, END + timedelta(days=30)),
        ]

    def test_what_is_lost_counts_no_more(self) -> None:
        (one,) = forecasts("acme", [worth(END), worth(END, 50, Stage.LOST), worth(END, 20, Stage.RENEWED)])
        assert (one.amount_minor, one.open) == (120, True)

    @pytest.mark.parametrize(
        ("stages", "won", "amount"),
        [
            ((Stage.RENEWED, Stage.LOST), True, 100),
            ((Stage.LOST, Stage.LAPSED), False, 200),
            ((Stage.WON_BACK,), True, 100),
        ],
    )
    def test_it_is_settled_with_the_last(self, stages: tuple[Stage, ...], won: bool, amount: int) -> None:
        (one,) = forecasts("acme", [worth(END, 100, stage) for stage in stages])
        assert one == Forecast("acme:2027-03:EUR", "acme", amount, "EUR", END, open=False, won=won)


class Sales:
    """A house whose forecast stands in HubSpot."""

    def __init__(self, house: House, hubspot: Account) -> None:
        self.house, self.hubspot = house, hubspot

    def run(self, *rows: OrderFacts) -> None:
        self.house.crm = self.hubspot.crm()  # type: ignore[assignment]
        self.house.source.rows = rows or self.house.source.rows
        self.house.sync(DAY)
        self.house.settle(DAY)
        self.house.deliver(DAY)


@pytest.fixture
def sales(ledger: Store) -> Iterator[Sales]:
    with ledger.begin() as connection:
        golive.go_live(connection, date(2020, 1, 1))
    with running_account(ledger, forecast_deals=True) as hubspot:
        house = House(str(ledger.engine.url))
        yield Sales(house, hubspot)
        house.close()


def order(number: int, **said: Any) -> OrderFacts:
    usual: dict[str, Any] = {"account": account("acme", owner_key="rep-1"), "value_minor": 10_000}
    return facts(str(number), ends_on=END, **usual | said)


class TestDeals:
    def test_one_deal_holds_all_of_a_month(self, sales: Sales) -> None:
        sales.run(order(1), order(2))
        deal = sales.hubspot.one("deals")
        assert (float(deal.values["amount"]), deal.values["closedate"][:10]) == (200.0, "2027-03-20")
        assert deal.values["dealname"] == "Acme: renewals 2027-03"
        assert sales.hubspot.world.linked("deals", deal.id, "companies") == [sales.hubspot.one("companies").id]
        assert sales.hubspot.world.owners[deal.values["hubspot_owner_id"]].email == "rep-1@ours.example"

    def test_settle_closes_it(self, sales: Sales) -> None:
        sales.run(order(1))
        sales.house.hear("1", DAY)
        sales.run()
        assert sales.hubspot.one("deals").values["dealstage"] == "closedwon"

    def test_all_lost_is_lost(self, sales: Sales) -> None:
        sales.run(order(1))
        sales.house.write(cycles.update().values(closing="lost"))
        sales.run()
        assert sales.hubspot.one("deals").values["dealstage"] == "closedlost"

    def test_an_amount_set_by_hand_stays(self, sales: Sales) -> None:
        sales.run(order(1))
        sales.hubspot.world.edit("deals", sales.hubspot.one("deals").id, None, amount="77")
        sales.run(order(1), order(2))
        assert float(sales.hubspot.one("deals").values["amount"]) == 77.0

    def test_the_same_again_writes_nothing(self, sales: Sales) -> None:
        sales.run(order(1))
        sales.hubspot.server.forget_calls()
        sales.run(order(1, status_text="seen again"))
        assert sales.hubspot.server.writes() == []

    def test_an_unknown_pipeline_is_told_and_keeps_no_record_back(
        self, sales: Sales, caplog: pytest.LogCaptureFixture
    ) -> None:
        sales.hubspot.settings = replace(sales.hubspot.settings, forecast_pipeline="nowhere")
        sales.run(order(1))
        assert "hubspot.forecast_pipeline" in caplog.text
        assert len(sales.hubspot.all("tickets")) == 1
