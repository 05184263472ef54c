from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from core.money import Money
from core.prices import Price, PriceList, Prices
from tests.builders import House, account, facts
from tests.core.conftest import MakeHouse, on_sqlite

DAY = date(2026, 6, 10)


def price(amount: str, valid_from: date = date(2026, 1, 1), **said: Any) -> Price:
    return Price("ssl_plus", Decimal(amount), valid_from, **said)


LIST = PriceList(
    "EUR",
    (price("399"), price("419.50", date(2027, 1, 1)), price("749", term_days=730)),
    {"en": "plus VAT", "": "netto"},
)


@pytest.mark.parametrize(
    ("product", "term", "on", "minor"),
    [
        ("ssl_plus", 365, DAY, 39_900),
        ("SSL_Plus", None, DAY, 39_900),
        ("ssl_plus", 365, date(2026, 12, 31), 39_900),
        ("ssl_plus", 365, date(2027, 1, 1), 41_950),
        ("ssl_plus", 730, date(2027, 1, 1), 74_900),
        ("ssl_plus", 365, date(2025, 12, 31), None),
        ("ssl_other", 365, DAY, None),
    ],
)
def test_the_newest_price_that_holds(product: str, term: int | None, on: date, minor: int | None) -> None:
    found = LIST.price(product, term, on)
    assert found == (None if minor is None else Money(minor, "EUR"))


def test_minor_units_are_the_currencys() -> None:
    assert PriceList("KRW", (price("520000"),)).price("ssl_plus", 365, DAY) == Money(520_000, "KRW")


def test_lists_are_known_by_name_and_the_default_is_for_the_rest() -> None:
    prices = Prices({"default": LIST, "resellers": replace(LIST, currency="USD")})
    assert prices.of("") is LIST
    found = prices.of("Resellers")
    assert found is not None
    assert found.currency == "USD"
    assert prices.of("gone") is None


@pytest.mark.parametrize(
    ("currency", "prices", "told"),
    [
        ("euro", (), "three capital letters"),
        ("EUR", (price("399"), price("400")), "two prices from 2026-01-01"),
        ("JPY", (price("399.50"),), "no coins"),
    ],
)
def test_lists_that_cannot_be_meant(currency: str, prices: tuple[Price, ...], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        PriceList(currency, prices)


@pytest.mark.parametrize(("amount", "term"), [("-1", 365), ("NaN", 365), ("1", 0)])
def test_prices_that_cannot_be_meant(amount: str, term: int) -> None:
    with pytest.raises(ValueError, match="must"):
        price(amount, term_days=term)


def told(make_house: MakeHouse, *, sold: bool, days: int = 30, **said: Any) -> House:
    order = facts(ends_on=DAY + timedelta(days=days), value_minor=12_345, **said)
    house = make_house([order], prices=Prices({"default": LIST}))
    house.sync(DAY)
    if sold:
        house.may_sell_to("ann@acme.example")
    house.plan(DAY)
    house.deliver(DAY)
    return house


@on_sqlite
def test_a_commercial_mail_names_our_price_and_never_the_cost(make_house: MakeHouse) -> None:
    (letter,) = told(make_house, sold=True).writer.letters
    (line,) = letter.lines
    assert (line.price, line.price_note) == (Money(39_900, "EUR"), "plus VAT")
    assert (line.value_minor, line.currency) == (None, "")
    assert "12345" not in repr(letter)
    assert "123.45" not in repr(letter)


@on_sqlite
def test_a_service_mail_names_no_price(make_house: MakeHouse) -> None:
    (letter,) = told(make_house, sold=False).writer.letters
    assert (letter.nature, letter.lines[0].price, letter.lines[0].value_minor) == ("service", None, None)


@on_sqlite
def test_an_account_without_prices_gets_none(make_house: MakeHouse) -> None:
    (letter,) = told(make_house, sold=True, account=account(price_list="gone")).writer.letters
    assert letter.lines[0].price is None


@on_sqlite
@pytest.mark.parametrize(("product", "value"), [("ssl_plus", Money(39_900, "EUR")), ("else", Money(12_345, "USD"))])
def test_a_rep_sees_what_the_customer_pays_where_it_is_known(make_house: MakeHouse, product: str, value: Money) -> None:
    house = told(make_house, sold=True, days=21, product_id=product)
    assert [script.value for script in house.writer.scripts] == [(value,)]
