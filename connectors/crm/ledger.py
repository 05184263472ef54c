"""What CRM connectors look up in the engine's ledger: it only reads there."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Engine, func, or_, select
from sqlalchemy.engine import Connection

from core.batches import batched
from core.engagements import Engagement
from core.schema import accounts, contacts, cycles, orders, reps, suppressions
from core.side_tables import engagements
from core.store import Store
from core.wishes import is_newest_renewal
from core.words import Channel, Nature, Stage

_KEYS_PER_QUERY = 500
_SUFFIXES_PER_QUERY = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """How an order stands with us: what a rep may have decided about it."""

    stage: Stage
    open: bool
    lost: bool
    snoozed_until: date | None
    lost_reason: str
    lost_scope: str
    win_back_on: date | None
    account_key: str


@dataclass(frozen=True, slots=True)
class Worth:
    """One renewal in a forecast: its value in minor units, its end, and what became of it."""

    ends_on: date
    value_minor: int
    currency: str
    stage: Stage
    open: bool


class Ledger:
    """The engine's tables, read in batches."""

    def __init__(self, engine: Engine) -> None:
        self._store = Store(engine)

    def domain_users(self, domains: Iterable[str]) -> dict[str, set[str]]:
        """For mail domains: the keys of all accounts that have people there."""
        found: dict[str, set[str]] = defaultdict(set)
        query = select(contacts.c.email, accounts.c.account_key).join(accounts, accounts.c.id == contacts.c.account_id)
        with self._store.read() as connection:
            for some in batched(sorted(set(domains) - {""}), _SUFFIXES_PER_QUERY):
                ends = [func.lower(contacts.c.email).endswith(f"@{one}", autoescape=True) for one in some]
                for email, key in connection.execute(query.where(or_(*ends))):
                    found[email.rpartition("@")[2].lower()].add(key)
        return found

    def standings(self, order_keys: Sequence[str]) -> dict[str, Standing]:
        """The newest renewal of each of these orders."""
        query = (
            select(cycles, orders.c.order_key, accounts.c.account_key)
            .join(orders, orders.c.id == cycles.c.order_id)
            .join(accounts, accounts.c.id == orders.c.account_id)
            .where(is_newest_renewal())
        )
        return {row.order_key: _standing(row) for row in self._rows(query, orders.c.order_key, order_keys)}

    def accounts(self, account_keys: Iterable[str]) -> dict[str, Any]:
        """Rows of accounts by their keys."""
        rows = self._rows(select(accounts), accounts.c.account_key, account_keys)
        return {row.account_key: row for row in rows}

    def contacts(self, addresses: Iterable[str]) -> dict[str, list[Any]]:
        """People by address; one address may stand with several accounts. Each row has its account's key."""
        query = select(contacts, accounts.c.account_key).join(accounts, accounts.c.id == contacts.c.account_id)
        found: dict[str, list[Any]] = defaultdict(list)
        for row in self._rows(query, func.lower(contacts.c.email), addresses):
            found[row.email.lower()].append(row)
        return found

    def refusals(self, addresses: Iterable[str]) -> dict[str, set[tuple[Nature, str]]]:
        """Who refuses mails: nature and source of each refusal, by address."""
        query = select(suppressions).where(suppressions.c.channel == Channel.MAIL)
        found: dict[str, set[tuple[Nature, str]]] = defaultdict(set)
        for row in self._rows(query, suppressions.c.address, addresses):
            found[row.address].add((Nature(row.nature), row.source))
        return found

    def reps(self) -> list[Any]:
        """Our own people."""
        with self._store.read() as connection:
            return list(connection.execute(select(reps)))

    def worths(self, account_keys: Sequence[str]) -> dict[str, list[Worth]]:
        """Every renewal that has a value, by account; the newest of each order."""
        query = (
            select(cycles.c.ends_on, cycles.c.stage, cycles.c.open, orders.c.value_minor, orders.c.currency)
            .add_columns(accounts.c.account_key)
            .join(orders, orders.c.id == cycles.c.order_id)
            .join(accounts, accounts.c.id == orders.c.account_id)
            .where(is_newest_renewal(), orders.c.value_minor.is_not(None))
        )
        found: dict[str, list[Worth]] = defaultdict(list)
        for row in self._rows(query, accounts.c.account_key, account_keys):
            found[row.account_key].append(Worth(row.ends_on, row.value_minor, row.currency, Stage(row.stage), row.open))
        return found

    def engagements(self, account_keys: Iterable[str]) -> dict[str, Engagement]:
        """What is known of deals and talks, for those of these accounts that we have."""
        query = select(accounts.c.account_key, engagements.c.open_deal, engagements.c.contacted_on).outerjoin(
            engagements, engagements.c.account_id == accounts.c.id
        )
        rows = self._rows(query, accounts.c.account_key, account_keys)
        return {row.account_key: Engagement(bool(row.open_deal), row.contacted_on) for row in rows}

    def with_open_deal(self, after: str = "", most: int | None = None) -> list[str]:
        """The keys of the accounts that have an open deal as far as we know, in their order from one on."""
        query = (
            select(accounts.c.account_key)
            .join(engagements, engagements.c.account_id == accounts.c.id)
            .where(engagements.c.open_deal, accounts.c.account_key > after)
            .order_by(accounts.c.account_key)
            .limit(most)
        )
        with self._store.read() as connection:
            return list(connection.execute(query).scalars())

    def _rows(self, query: Any, column: Any, values: Iterable[str]) -> list[Any]:
        found: list[Any] = []
        with self._store.read() as connection:
            for some in batched(dict.fromkeys(values), _KEYS_PER_QUERY):
                found += _all(connection, query.where(column.in_(some)))
        return found


def _all(connection: Connection, query: Any) -> Sequence[Any]:
    return connection.execute(query).all()


def _standing(row: Any) -> Standing:
    return Standing(
        stage=Stage(row.stage),
        open=row.open,
        lost="lost" in (row.closing, row.outcome),
        snoozed_until=row.snoozed_until,
        lost_reason=row.lost_reason,
        lost_scope=row.lost_scope,
        win_back_on=row.win_back_on,
        account_key=row.account_key,
    )
