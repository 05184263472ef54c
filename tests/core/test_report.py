from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from core.model import OrderFacts
from core.report import Expiring, Filters, expiring
from core.schema import cycles
from core.words import Clock, ProductKind
from tests.builders import House, account, facts
from tests.core.conftest import MakeHouse

DAY = date(2026, 6, 10)


def ends_in(days: int, number: str, **said: Any) -> OrderFacts:
    return facts(number, ends_on=DAY + timedelta(days=days), **said)


ROWS = [
    ends_in(91, "far"),
    ends_in(90, "edge", account=account("beta", owner_key="rita"), product_name="Secure Site EV", product_id="ev"),
    ends_in(0, "today", ca_notices_off=True),
    ends_in(10, "signing", kind=ProductKind.CODE_SIGNING, common_name="Acme 100%_Code"),
    ends_in(40, "part", order_expires_on=DAY + timedelta(days=300), certificate_expires_on=DAY + timedelta(days=40)),
    ends_in(-1, "just", account=account("beta", owner_key="rita")),
    ends_in(-6, "week"),
    ends_in(-7, "over"),
    ends_in(-20, "old"),
]


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    house = make_house(ROWS)
    house.sync(DAY)
    house.settle(DAY)
    return house


def listed(house: House, **said: Any) -> list[str]:
    with house.store.read() as connection:
        return [one.order.partition(":")[2] for one in expiring(connection, Filters(**said), DAY)]


def test_a_row_has_the_columns_of_the_guide(house: House) -> None:
    with house.store.read() as connection:
        first = expiring(connection, Filters(), DAY)[0]
    assert first == Expiring(
        order="digicert:today",
        name="wwwtoday.example.com",
        expires=DAY,
        inferred=False,
        days_left=0,
        product="Standard SSL",
        validity_days=365,
        notices=False,
        account="acme",
        account_name="Acme",
        rep="",
        clock="renewal",
        stage="upcoming",
        auto_renew=False,
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, ["today", "signing", "edge"]),
        ({"within_days": 91}, ["today", "signing", "edge", "far"]),
        ({"within_days": 0}, ["today"]),
        ({"within_days": None, "account": "beta"}, ["just", "edge"]),
        ({"expired_days": 6}, ["week", "just"]),
        ({"expired_days": 7}, ["over", "week", "just"]),  # that ended within its last day, less than 7 days ago
        ({"expired_days": 30}, ["old", "over", "week", "just"]),
        ({"expired_days": 1}, ["just"]),
        ({"account": "Bet"}, ["edge"]),
        ({"account": "beta"}, ["edge"]),
        ({"rep": "rita"}, ["edge"]),
        ({"rep": "nobody"}, []),
        ({"product": "secure site"}, ["edge"]),
        ({"product": "ev"}, ["edge"]),
        ({"name": "SIGNING"}, []),
        ({"name": "100%_c"}, ["signing"]),
        ({"name": "%"}, ["signing"]),
        ({"notices_off": True}, ["today"]),
        ({"clock": Clock.REISSUE}, ["part"]),
        ({"clock": Clock.INSTALL}, []),
    ],
)
def test_filters(house: House, said: dict[str, Any], expected: list[str]) -> None:
    assert listed(house, **said) == expected


def test_what_was_renewed_is_not_to_be_won_back(house: House) -> None:
    house.hear("just", DAY)
    house.settle(DAY)
    assert listed(house, expired_days=6) == ["week"]


def test_what_has_lapsed_is(house: House) -> None:
    house.write(update(cycles).where(cycles.c.ends_on < DAY).values(open=False, outcome="lapsed"))
    assert listed(house, expired_days=6) == ["week", "just"]
    assert "just" not in listed(house)
