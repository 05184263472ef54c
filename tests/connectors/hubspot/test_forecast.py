"""The forecast: one deal for each account and month, as long as it is wanted."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from core import golive
from core.model import OrderFacts
from core.schema import cycles
from core.store import Store
from tests.builders import House, account, facts
from tests.connectors.hubspot.accounts import Account, running_account

DAY = date(2026, 11, 18)
END = date(2027, 3, 20)


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
