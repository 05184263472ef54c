"""Our words as every CRM writes them. Pure."""

import hashlib
from datetime import date
from decimal import Decimal, InvalidOperation

from babel.core import UnknownLocaleError
from babel.numbers import get_currency_precision

from core.ports import Record


def day(value: date | None) -> str:
    """A day, or nothing."""
    return "" if value is None else value.isoformat()


def money(minor: int | None, currency: str) -> str:
    """An amount in major units, exact."""
    return "" if minor is None else str(Decimal(minor).scaleb(-_places(currency)))


def minor_of(text: str, currency: str) -> int | None:
    """The same in minor units; None where there is none."""
    try:
        return int(Decimal(text).scaleb(_places(currency)).to_integral_value()) if text else None
    except InvalidOperation:
        return None


def _places(currency: str) -> int:
    try:
        return get_currency_precision(currency.upper()) if currency else 2
    except (UnknownLocaleError, KeyError):
        return 2


def record_title(record: Record) -> str:
    """What an order is called in lists."""
    named = " · ".join(filter(None, (record.common_name, record.product_name)))
    return f"{named} ({record.order_key})" if named else record.order_key


def contact_key(address: str) -> str:
    """Our key of a person, without the address in it."""
    return f"contact-{hashlib.sha256(address.strip().lower().encode()).hexdigest()[:24]}"


def is_address(text: str) -> bool:
    """Whether a mail can be sent there at all."""
    local, _, domain = text.strip().rpartition("@")
    return bool(local) and "." in domain and not any(sign.isspace() for sign in text.strip())
