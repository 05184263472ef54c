"""The forecast: one opportunity for each account and month, as long as it is wanted."""

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
from tests.connectors.salesforce.installations import Installation, running_installation

DAY = date(2026, 11, 18)
END = date(2027, 3, 20)


class Sales:
    """A house whose forecast stands in Salesforce."""

    def __init__(self, house: House, installation: Installation) -> None:
        self.house, self.installation = house, installation

    def run(self, *rows: OrderFacts) -> None:
        self.house.crm = self.installation.crm(forecast_opportunities=True)  # type: ignore[assignment]
        self.house.source.rows = rows or self.house.source.rows
        self.house.sync(DAY)
        self.house.settle(DAY)
        self.house.deliver(DAY)

    @property
    def made(self) -> dict[str, Any]:
        return self.installation.one("Opportunity")


@pytest.fixture
def sales(ledger: Store) -> Iterator[Sales]:
    with ledger.begin() as connection:
        golive.go_live(connection, date(2020, 1, 1))
    with running_installation(ledger, forecast_opportunities=True) as installation:
        house = House(str(ledger.engine.url))
        yield Sales(house, installation)
        house.close()


def order(number: int, **said: Any) -> OrderFacts:
    usual: dict[str, Any] = {"account": account("acme", owner_key="rep-1"), "value_minor": 10_000}
    return facts(str(number), ends_on=END, **usual | said)


def test_one_opportunity_holds_all_of_a_month_and_the_same_again_writes_nothing(sales: Sales) -> None:
    sales.run(order(1), order(2))
    made = sales.made
    assert (made["Amount"], made["CloseDate"], made["StageName"]) == (200.0, "2027-03-20", "Qualification")
    assert made["Name"] == "Acme: renewals 2027-03"
    assert made["AccountId"] == sales.installation.one("Account")["Id"]
    assert made["OwnerId"] == sales.installation.user("rep-1")
    sales.installation.server.forget_calls()
    sales.run(order(1, status_text="seen again"), order(2))
    assert sales.installation.server.writes() == []


@pytest.mark.parametrize(("stage", "lost"), [("Closed Won", False), ("Closed Lost", True)])
def test_it_is_closed_with_the_last_renewal(sales: Sales, stage: str, lost: bool) -> None:
    sales.run(order(1))
    if lost:
        sales.house.write(cycles.update().values(closing="lost"))
    else:
        sales.house.hear("1", DAY)
    sales.run()
    assert sales.made["StageName"] == stage


def test_what_a_person_set_stays(sales: Sales) -> None:
    sales.run(order(1))
    sales.installation.org.edit(sales.made["Id"], Amount=77.0, Name="Mine", StageName="Prospecting")
    sales.run(order(1), order(2))
    assert (sales.made["Amount"], sales.made["Name"], sales.made["StageName"]) == (77.0, "Mine", "Prospecting")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"forecast_stages": ("open=Nowhere", "won=Closed Won", "lost=Closed Lost")}, "forecast_stages: open"),
        ({"record": "opportunity", "stages": ("upcoming=Prospecting",)}, "counts each order twice"),
    ],
)
def test_what_cannot_be_kept_is_told_and_keeps_no_record_back(
    ledger: Store, settings: dict[str, Any], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    with ledger.begin() as connection:
        golive.go_live(connection, date(2020, 1, 1))
    with running_installation(ledger, forecast_opportunities=True, **settings) as installation:
        sales = Sales(House(str(ledger.engine.url)), installation)
        sales.installation.settings = replace(installation.settings)
        sales.house.crm = installation.crm()  # type: ignore[assignment]
        sales.house.source.rows = (order(1),)
        sales.house.sync(DAY)
        sales.house.deliver(DAY)
        assert told in caplog.text
        sobject = "Opportunity" if "record" in settings else "Certificate_Order__c"
        assert len(installation.org.rows(sobject)) == 1
        sales.house.close()
