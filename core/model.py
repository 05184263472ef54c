"""What an order source says: orders and the people behind them, in the engine's words.

Dates are dates without a zone; an end date means 23:59:59 UTC of that day. Money is in minor units of its currency.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Protocol

from core.words import Level, OrderStatus, ProductKind, Role


def order_key(ca: str, outside_id: str) -> str:
    """The identity of an order everywhere: `digicert:12345`."""
    return f"{ca}:{outside_id}"


def end_instant(expires_on: date) -> datetime:
    """The first instant (UTC) at which something that expires on this day is no longer valid."""
    return datetime.combine(expires_on + timedelta(days=1), time(0), UTC)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody to write to, and what they are to the order or account."""

    email: str
    roles: tuple[Role, ...]
    name: str = ""
    phone: str = ""
    language: str = ""
    zone: str = ""


@dataclass(frozen=True, slots=True)
class AccountFacts:
    """The customer as a source names it. Empty strings mean that the source does not say.

    `used` and `unused` name features of products (products.toml), separated by blanks, that the customer is known to
    use, or not to have switched on. `route` is direct, reseller or silent; `parent_key` names the account above, whose
    route, brand and price list hold where an account has none of its own.
    """

    key: str
    name: str = ""
    country: str = ""
    language: str = ""
    zone: str = ""
    segment: str = ""
    route: str = ""
    owner_key: str = ""
    brand: str = ""
    people: tuple[Person, ...] = ()
    used: str = ""
    unused: str = ""
    parent_key: str = ""
    price_list: str = ""


@dataclass(frozen=True, slots=True)
class RepFacts:
    """Somebody of ours: sales or support. `language` is that in which they read; empty: the default.

    They are away from `absent_from` to `absent_until`, both included; without a last day until further notice.
    """

    key: str
    name: str
    email: str
    phone: str = ""
    job: str = "rep"  # rep, support, manager
    manager_key: str = ""
    deputy_key: str = ""
    active: bool = True
    language: str = ""
    absent_from: date | None = None
    absent_until: date | None = None


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """One order at a CA as its source tells it now."""

    key: str
    ca: str
    outside_id: str
    status: OrderStatus
    status_text: str
    product_id: str
    product_name: str
    kind: ProductKind
    level: Level | None
    common_name: str
    dns_names: tuple[str, ...]
    placed_on: date
    starts_on: date | None
    order_expires_on: date | None
    order_expires_inferred: bool
    certificate_id: str
    certificate_issued_on: date | None
    certificate_expires_on: date | None
    term_days: int | None
    auto_renew: bool = False
    ca_notices_off: bool = False
    is_renewed: bool = False
    renewed_by: str = ""
    renewal_of: str = ""
    value_minor: int | None = None
    currency: str = ""
    account: AccountFacts = field(default_factory=lambda: AccountFacts(key=""))
    people: tuple[Person, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One order in a source's stream: cheap to compare by `digest`, parsed only when it is new or has changed.

    `read` raises `BadRow` when the row makes no sense.
    """

    key: str
    digest: bytes
    where: str
    read: Callable[[], OrderFacts]


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that cannot be used, and why. `key` names its order where the row still tells it."""

    where: str
    column: str
    reason: str
    raw: tuple[str, ...] = ()
    key: str = ""


class BadRow(ValueError):
    """A row makes no sense; `column` and the message say where and what to do."""

    def __init__(self, column: str, reason: str, raw: tuple[str, ...] = ()) -> None:
        super().__init__(f"{column}: {reason}")
        self.column = column
        self.reason = reason
        self.raw = raw


class OrderStream(Protocol):
    """A pass over a source.

    `complete` says that an order which does not appear has vanished; `size` is the number of distinct orders where it
    is known beforehand; `cursor` is what the next incremental pass starts from; `header` names the columns of
    `Reject.raw`.
    """

    complete: bool
    size: int | None
    header: tuple[str, ...]

    def __iter__(self) -> Iterator[SourceRow | Reject]: ...

    @property
    def cursor(self) -> str | None: ...


def digest_of(*parts: object) -> bytes:
    """Eight bytes that change when any part does."""
    return hashlib.blake2b(json.dumps(parts, default=str).encode(), digest_size=8).digest()
