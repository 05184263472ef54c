"""Who tells a customer what ends, in whose brand and by which prices: inherited from the accounts above.

An account has its own route, brand and price list, or else those of the account above it (`parent_key`), and so on. By
the route `reseller` the people of the account above are written to, and theirs are brand and prices; an account with
others below it and none above is itself the reseller, and told directly.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, func, select, union_all
from sqlalchemy.engine import Connection

from core.policy import Policy
from core.schema import accounts, contacts, cycles, order_contacts, orders
from core.sql import among
from core.words import Route


@dataclass(frozen=True, slots=True)
class Handling:
    """How an account is dealt with. `addressee` is the row of the account whose people are written to; None: not known.

    `brand` and `price_list` are names; empty: the default ones.
    """

    route: Route
    addressee: Any
    brand: str = ""
    price_list: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """Accounts with those above them, by key, and the keys of those that have others below them."""

    by_key: Mapping[str, Any]
    heads: Collection[str] = frozenset()

    def handling(self, account: Any) -> Handling:
        """How this account (a row) is dealt with."""
        if not account.parent_key and account.route != Route.RESELLER:  # as with nearly all, there is nobody to ask
            return Handling(known_route(account.route) or Route.DIRECT, account, account.brand, account.price_list)
        route = self._route(account)
        addressee = self._reseller(account) if route is Route.RESELLER else account
        if addressee is None:
            return Handling(route, None)
        brand = self._own_or_inherited(addressee, "brand")
        return Handling(route, addressee, brand, self._own_or_inherited(addressee, "price_list"))

    def _upwards(self, account: Any) -> Iterator[Any]:
        """The account and those above it; who stands above themselves is met once."""
        met = set()
        while account is not None and account.account_key not in met:
            met.add(account.account_key)
            yield account
            account = self.by_key.get(account.parent_key) if account.parent_key else None

    def _own_or_inherited(self, account: Any, name: str) -> str:
        return next((said for one in self._upwards(account) if (said := getattr(one, name))), "")

    def _route(self, account: Any) -> Route:
        return next((found for one in self._upwards(account) if (found := known_route(one.route))), Route.DIRECT)

    def _reseller(self, account: Any) -> Any:
        """The first account from here upwards that is not itself told by one above it."""
        last = None
        for last in self._upwards(account):
            if self._route(last) is not Route.RESELLER:
                return last
        return last if last is not None and not last.parent_key and last.account_key in self.heads else None


_BY_KEY = select(accounts).where(among(accounts.c.account_key, "keys"))


def known_route(word: str) -> Route | None:
    """The route that a word names; None for an empty one, and for one that is none of ours."""
    return Route(word) if word in Route.__members__.values() else None


def family(connection: Connection, rows: Iterable[Any]) -> Family:
    """These accounts (rows) with all that stand above them."""
    by_key = {row.account_key: row for row in rows}
    asked: set[str] = set()
    wanted = {row.parent_key for row in by_key.values()} - {""}
    while wanted := wanted - by_key.keys() - asked:
        asked |= wanted
        found = connection.execute(_BY_KEY, {"keys": wanted}).all()
        by_key |= {row.account_key: row for row in found}
        wanted = {row.parent_key for row in found} - {""}
    tops = [row.account_key for row in by_key.values() if not row.parent_key and row.route == Route.RESELLER]
    heads: set[str] = set()
    if tops:
        below = select(accounts.c.parent_key).where(among(accounts.c.parent_key, tops)).distinct()
        heads = set(connection.execute(below).scalars())
    return Family(by_key, heads)


def loose_ends(connection: Connection, policy: Policy) -> list[tuple[str, str]]:
    """What accounts name that is not there, each with the way out."""
    found = []
    above = accounts.alias("above")
    gone = select(func.count()).select_from(accounts.outerjoin(above, above.c.account_key == accounts.c.parent_key))
    lost = connection.execute(gone.where(accounts.c.parent_key != "", above.c.id.is_(None))).scalar_one()
    if lost:
        found.append((f"{lost} accounts have an account above them that is not known", "correct the column parent"))
    files: dict[str, tuple[set[str], str]] = {
        "route": ({str(one) for one in Route}, f"write one of {', '.join(Route)}"),
        "brand": (set(policy.brands), "add it to brands.toml; till then they get the usual one"),
        "price_list": (set(policy.prices.lists), "add it to prices.toml; till then no price is told"),
    }
    for name, (known, advice) in files.items():
        column = accounts.c[name]
        counted = select(func.lower(column), func.count()).where(column != "").group_by(func.lower(column))
        for word, count in connection.execute(counted.order_by(func.lower(column))).all():
            if word not in known:
                found.append((f"{count} accounts have the {name.replace('_', ' ')} {word}, which is not known", advice))
    return found


def told(which: ColumnElement[bool], *columns: ColumnElement[Any]) -> CompoundSelect[Any]:
    """Contact ids with these columns of the cycles that each of the `people` is told of, some of them several times.

    Told are those whom the order names, those of its account with roles for all its orders, and those of the account
    right above it that tells it by its route. `which` is what must hold of the cycles.
    """
    of_orders = (
        select(order_contacts.c.contact_id, *columns)
        .join(cycles, cycles.c.order_id == order_contacts.c.order_id)
        .where(which, among(order_contacts.c.contact_id, "people"))
    )
    own, below = accounts.alias("own"), accounts.alias("below")
    by_reseller = (below.c.route == Route.RESELLER) | ((below.c.route == "") & (own.c.route == Route.RESELLER))
    general = select(contacts.c.id, *columns).where(which, among(contacts.c.id, "people"), contacts.c.roles != "")
    of_accounts = general.join(orders, orders.c.account_id == contacts.c.account_id)
    by_route = (
        general.join(own, own.c.id == contacts.c.account_id)
        .join(below, below.c.parent_key == own.c.account_key)
        .join(orders, orders.c.account_id == below.c.id)
        .where(by_reseller)
    )
    of_cycle = cycles.c.order_id == orders.c.id
    return union_all(of_orders, of_accounts.join(cycles, of_cycle), by_route.join(cycles, of_cycle))
