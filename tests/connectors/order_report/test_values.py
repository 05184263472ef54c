"""Single values: what is understood, and what is refused instead of guessed."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.order_report.values import (
    as_date,
    as_money,
    as_years,
    as_yes_no,
    email_address,
    email_addresses,
    is_nothing,
    shown,
)
from core.model import BadRow


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-15", " 2026-03-15 ", "2026-03-15 10:11:12", "2026-03-15 10:11", "2026-03-15T10:11:12",
        "2026-03-15T10:11:12Z", "2026-03-15t10:11:12z", "2026-03-15T10:11:12.123Z", "2026-03-15T10:11:12+00:00",
        "2026-03-15T23:30:00-0000", "2026-03-16T00:30:00+02:00", "2026-03-14T22:30:00-05:00",
        "2026-03-15 10:11:12 +00:00",
    ],
)  # fmt: skip
def test_days_that_are_understood(text: str) -> None:
    assert as_date("valid_from", text) == date(2026, 3, 15)


@pytest.mark.parametrize("text", ["", "  ", "null", "NULL", "0000-00-00", "0000-00-00 00:00:00"])
def test_days_that_are_empty(text: str) -> None:
    assert as_date("valid_from", text) is None


@pytest.mark.parametrize(
    "text",
    [
        "15/03/2026", "03/15/2026", "15.03.2026", "2026/03/15", "20260315", "15 Mar 2026", "2026-3-15", "2026-02-30",
        "2026-13-01", "2026-03-15 25:00:00", "2026-W11-7", "0", "46096", "1", "2026-03-15 10:11:12 CET",
        "२०२६-०३-१५", "0001-01-01", "9999-12-31", "1994-12-31", "2151-01-01", "9999-12-31T23:59:59-10:00",
    ],
)  # fmt: skip
def test_days_that_are_refused(text: str) -> None:
    with pytest.raises(BadRow) as error:
        as_date("valid_from", text)
    assert error.value.column == "valid_from"
    assert text[:9] in error.value.reason


@given(st.dates(date(1995, 1, 1), date(2150, 12, 31)))
def test_every_day_of_the_span_is_understood(day: date) -> None:
    assert as_date("valid_from", f"{day}") == day
    assert as_date("valid_from", f"{day}T00:00:00Z") == day


@given(st.text(max_size=30))
def test_no_text_is_a_surprise_as_a_day(text: str) -> None:
    try:
        found = as_date("valid_from", text)
    except BadRow:
        return
    assert found is None or 1995 <= found.year <= 2150


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1", True),
        ("TRUE", True),
        (" yes ", True),
        ("0", False),
        ("false", False),
        ("No", False),
        ("", None),
        ("null", None),
    ],
)
def test_switches(text: str, said: bool | None) -> None:
    assert as_yes_no("auto_renew", text) is said


@pytest.mark.parametrize("text", ["2", "maybe", "01"])
def test_switches_that_are_refused(text: str) -> None:
    with pytest.raises(BadRow, match=f"auto_renew: is '{text}'; write 1 or 0"):
        as_yes_no("auto_renew", text)


@pytest.mark.parametrize(
    ("text", "length"),
    [("1", "1"), ("1.0", "1.0"), ("0.5", "0.5"), ("0", "0"), (" 3 ", "3"), ("", None), ("null", None)],
)
def test_lengths(text: str, length: str | None) -> None:
    assert as_years("validity_years", text, 30) == (None if length is None else Decimal(length))


@pytest.mark.parametrize("text", ["-1", "31", "one", "1,5", "nan", "inf", "1e400", "１", "9" * 40])
def test_lengths_that_are_refused(text: str) -> None:
    with pytest.raises(BadRow, match="write a number from 0 to 30"):
        as_years("validity_years", text, 30)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("300", "300"), ("300.50", "300.50"), ("1,234.50", "1234.50"), ("0", "0"), ("", None), ("null", None)],
)
def test_amounts(text: str, amount: str | None) -> None:
    assert as_money("price", text) == (None if amount is None else Decimal(amount))


@pytest.mark.parametrize("text", ["300,50", "$300", "-1", "1.234,50", "nan", "1,23", "३००"])
def test_amounts_that_are_refused(text: str) -> None:
    with pytest.raises(BadRow, match=r"write an amount such as 1234\.50"):
        as_money("price", text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Ada@Larch.Example", "ada@larch.example"), (" ada@larch.example ", "ada@larch.example"),
        ("<ada@larch.example>", "ada@larch.example"), ("a.b+c@mail.larch.example", "a.b+c@mail.larch.example"),
        ("ada@münchen.example", "ada@münchen.example"), ("o'hara@larch.example", "o'hara@larch.example"),
        ("", ""), ("ada", ""), ("ada@", ""), ("@larch.example", ""), ("ada@larch", ""), ("ada@larch..example", ""),
        ("ada@-larch.example", ""), ("ada@.example", ""), ("a@b@c.example", ""), ("ada @larch.example", ""),
        (".ada@larch.example", ""), ("a..da@larch.example", ""), ("ada@larch.example\r\nBcc: x@y.example", ""),
        ("Ada <ada@larch.example>", ""), ("ada\0@larch.example", ""), (f"{'a' * 65}@larch.example", ""),
        (f"ada@{'a.' * 130}example", ""),
    ],
)  # fmt: skip
def test_addresses(text: str, address: str) -> None:
    assert email_address(text) == address


def test_lists_of_addresses_hold_each_once() -> None:
    text = "ada@larch.example, Ada@larch.example;neil@larch.example no-address | zoe@larch.example"
    assert list(email_addresses(text)) == ["ada@larch.example", "neil@larch.example", "zoe@larch.example"]
    assert list(email_addresses("")) == []


@given(st.text(max_size=80))
def test_an_address_has_one_at_sign_and_nothing_strange(text: str) -> None:
    for address in email_addresses(text):
        assert address.count("@") == 1
        assert address.isprintable()
        assert not any(sign.isspace() or sign in "<>,;" for sign in address)
        assert email_address(address) == address


@pytest.mark.parametrize("text", ["", "0", "null", "None", "N/A", "-"])
def test_ids_that_stand_for_none(text: str) -> None:
    assert is_nothing(text)
    assert not is_nothing("10")


def test_values_are_shown_cut_on_one_line_and_never_as_addresses() -> None:
    assert shown("a\nb") == "'a b'"
    assert shown("x" * 100) == f"'{'x' * 30}...'"
    assert shown("ada@larch.example") == "an address"
