"""Amounts of money as people and spreadsheets read them."""

from decimal import Decimal

from babel.numbers import get_currency_precision


def money(minor: int, currency: str) -> str:
    """An amount in minor units of its currency, as 1,234.50 USD."""
    return f"{decimal(minor, currency):,f} {currency}".rstrip()


def decimal(minor: int, currency: str) -> Decimal:
    """The same as a number: with cents where the currency has them."""
    return Decimal(minor).scaleb(-(get_currency_precision(currency) if currency else 2))
