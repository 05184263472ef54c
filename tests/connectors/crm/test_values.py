"""Values that every CRM gets alike."""

from datetime import date

import pytest

from connectors.crm.cursor import moment
from connectors.crm.values import contact_key, day, is_address, minor_of, money


@pytest.mark.parametrize(
    ("minor", "currency", "major"),
    [
        (39_900, "EUR", "399.00"),
        (5, "JPY", "5"),
        (1_234, "BHD", "1.234"),
        (7, "", "0.07"),
        (7, "???", "0.07"),
        (None, "EUR", ""),
    ],
)
def test_amounts_are_exact_and_come_back(minor: int | None, currency: str, major: str) -> None:
    assert money(minor, currency) == major
    assert minor_of(major, currency) == minor


def test_what_is_no_amount_is_none() -> None:
    assert minor_of("a lot", "EUR") is None


def test_days_and_moments() -> None:
    assert (day(date(2026, 9, 1)), day(None)) == ("2026-09-01", "")
    assert moment("2026-11-21T09:00:00.000+0000") == moment("2026-11-21T09:00:00Z") == moment("2026-11-21T09:00:00")
    assert moment("soon") is None


def test_a_persons_key_tells_nothing_of_the_address() -> None:
    assert contact_key("Ann@Acme.example ") == contact_key("ann@acme.example")
    assert "ann" not in contact_key("ann@acme.example").removeprefix("contact-")


@pytest.mark.parametrize(
    ("text", "usable"),
    [
        ("a@b.example", True),
        (" a@b.example ", True),
        ("nobody at all", False),
        ("a b@c.example", False),
        ("@b.example", False),
        ("a@b", False),
    ],
)
def test_addresses_are_told_from_what_is_none(text: str, usable: bool) -> None:
    assert is_address(text) is usable
