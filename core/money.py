"""Amounts of money, and how many minor units a currency's unit has."""

from dataclasses import dataclass

# ISO 4217: the currencies that do not have a hundred minor units.
_MINOR_UNITS = dict.fromkeys(("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"), 1) | dict.fromkeys(
    ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 1000
)


def minor_units(currency: str) -> int:
    """The minor units in one unit of a currency, by its code of three capital letters."""
    return _MINOR_UNITS.get(currency, 100)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in minor units of its currency."""

    minor: int
    currency: str
