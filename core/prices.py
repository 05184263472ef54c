"""What customers pay for a renewal: the price lists of prices.toml. Pure.

What a source says of an order's price is what the CA asks of us. It is never told to a customer; these prices are.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from core.languages import Words
from core.money import Money, minor_units

DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Price:
    """What a product costs from a day on; with `term_days`, for orders that run so long alone."""

    product: str
    price: Decimal
    valid_from: date
    term_days: int | None = None

    def __post_init__(self) -> None:
        if not self.price.is_finite() or self.price < 0:
            raise ValueError("price must not be negative")
        if self.term_days is not None and self.term_days < 1:
            raise ValueError("term_days must be 1 or more")


@dataclass(frozen=True, slots=True)
class PriceList:
    """The prices of some accounts in one currency. `note` stands behind a price, such as "plus VAT"."""

    currency: str
    prices: tuple[Price, ...] = ()
    note: Words = ""

    def __post_init__(self) -> None:
        if not (len(self.currency) == 3 and self.currency.isascii() and self.currency.isupper()):
            raise ValueError("currency must be three capital letters, such as EUR")
        seen = set()
        for one in self.prices:
            key = (one.product.lower(), one.term_days, one.valid_from)
            if key in seen:
                raise ValueError(f"prices: {one.product} has two prices from {one.valid_from} on; keep one")
            seen.add(key)
            minor = one.price * minor_units(self.currency)
            if minor != minor.to_integral_value():
                raise ValueError(f"prices: {one.product} costs {one.price}, which {self.currency} has no coins for")

    def price(self, product_id: str, term_days: int | None, on: date) -> Money | None:
        """What a product of this term costs on a day: the newest price that holds, one for the term before others."""
        holding = [
            one
            for one in self.prices
            if one.product.lower() == product_id.lower() and one.valid_from <= on and one.term_days in (None, term_days)
        ]
        if not holding:
            return None
        best = max(holding, key=lambda one: (one.term_days is not None, one.valid_from))
        return Money(int(best.price * minor_units(self.currency)), self.currency)


@dataclass(frozen=True, slots=True)
class Prices:
    """All price lists by name, in lower case; `default` is for accounts that have none."""

    lists: Mapping[str, PriceList] = field(default_factory=dict)

    def of(self, name: str) -> PriceList | None:
        """The list that an account with this one has; None where there is no such list: then no price is told."""
        return self.lists.get(name.lower() or DEFAULT)
