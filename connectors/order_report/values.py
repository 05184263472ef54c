"""Single values of a CSV file: dates, yes or no, lengths, money, addresses. What is not clear is refused, not guessed."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from core.model import BadRow

_EARLIEST, _LATEST = 1995, 2150
_PLAIN_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?\s?(Z|[+-]\d{2}:?\d{2})?", re.IGNORECASE)
_YES = frozenset(("1", "true", "yes", "y", "on"))
_NO = frozenset(("0", "false", "no", "n", "off"))
_NOTHING = frozenset(("", "0", "null", "none", "n/a", "-"))
_NO_DATE = (_NOTHING - {"0"}) | {"0000-00-00", "0000-00-00 00:00:00"}
_AMOUNT = re.compile(r"\d{1,12}(\.\d{1,6})?|\d{1,3}(,\d{3}){1,3}(\.\d{1,6})?")
_ADDRESS = re.compile(r"[^\s@<>()\[\]\\,;:\"]{1,64}@[^\s@<>()\[\]\\,;:\"/]{1,253}")
_BETWEEN = re.compile(r"[\s,;|]+")
_SHOWN = 30


def is_nothing(text: str) -> bool:
    """Whether an id stands for none."""
    return text.strip().lower() in _NOTHING


def as_date(column: str, text: str) -> date | None:
    """A day (UTC), written `2026-03-15`, `2026-03-15 10:00:00` or as ISO 8601; None for an empty one.

    Raises `BadRow` for every other way of writing, because the day and the month could be confused, for days that do
    not exist, and for years before 1995 or after 2150.
    """
    text = text.strip()
    if not text or text.lower() in _NO_DATE:
        return None
    day = _plain(text) if _PLAIN_DATE.fullmatch(text) else _with_time(text) if _DATE_TIME.fullmatch(text) else None
    if day is None:
        raise BadRow(column, f"is {shown(text)}; dates are written 2026-03-15 or 2026-03-15 10:00:00")
    if not _EARLIEST <= day.year <= _LATEST:
        raise BadRow(column, f"is {shown(text)}, which is no year of a certificate")
    return day


def _plain(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _with_time(text: str) -> date | None:
    try:
        moment = datetime.fromisoformat(re.sub(r"\s(?=[Zz+-])", "", text).upper())
        return moment.astimezone(UTC).date() if moment.tzinfo is not None else moment.date()
    except (ValueError, OverflowError):
        return None


def as_yes_no(column: str, text: str) -> bool | None:
    """A switch; None where it is empty. Raises `BadRow`."""
    word = text.strip().lower()
    if word in _YES:
        return True
    if word in _NO:
        return False
    if word in _NOTHING:
        return None
    raise BadRow(column, f"is {shown(text)}; write 1 or 0")


def as_years(column: str, text: str, most: int) -> Decimal | None:
    """A length, whole or with decimals; None where it is empty. Raises `BadRow` below 0 and above `most`."""
    text = text.strip()
    if text.lower() in _NOTHING - {"0"}:
        return None
    try:
        length = Decimal(text) if len(text) <= _SHOWN and text.isascii() else Decimal("NaN")
    except InvalidOperation:
        length = Decimal("NaN")
    if not length.is_finite() or not 0 <= length <= most:
        raise BadRow(column, f"is {shown(text)}; write a number from 0 to {most}")
    return length


def as_money(column: str, text: str) -> Decimal | None:
    """An amount with a point before its decimals, `1234.50` or `1,234.50`; None where it is empty. Raises `BadRow`."""
    text = text.strip()
    if text.lower() in _NOTHING - {"0"}:
        return None
    if not text.isascii() or not _AMOUNT.fullmatch(text):
        raise BadRow(column, f"is {shown(text)}; write an amount such as 1234.50")
    return Decimal(text.replace(",", ""))


def email_address(text: str) -> str:
    """An address in lower case, or an empty text where it is none: one @, a domain with a dot, nothing strange."""
    text = text.strip().strip("<>").lower()
    if len(text) > 254 or not text.isprintable() or not _ADDRESS.fullmatch(text):
        return ""
    local, _, domain = text.rpartition("@")
    labels = domain.split(".")
    sound = (
        len(labels) > 1 and all(labels) and not any(label.startswith("-") or label.endswith("-") for label in labels)
    )
    return text if sound and not local.startswith(".") and not local.endswith(".") and ".." not in local else ""


def email_addresses(text: str) -> Iterator[str]:
    """The addresses of a list that is separated by commas, semicolons or blanks, each once."""
    if not text:
        return
    found = (email_address(part) for part in _BETWEEN.split(text))
    yield from dict.fromkeys(address for address in found if address)


def shown(text: str) -> str:
    """A value as an error tells it: in quotes, cut, without line breaks; never an address."""
    text = " ".join(text.split())
    if "@" in text:
        return "an address"
    return f"'{text[:_SHOWN]}...'" if len(text) > _SHOWN else f"'{text}'"
