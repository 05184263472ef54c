"""What the counts of calls to CRMs share: the orders, spread over accounts with people, and how a count is told."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click
from sqlalchemy import event

from core import golive
from core.migrations import migrate
from core.model import RepFacts
from core.policy import TaskPolicy
from tests.builders import House, account, facts, person

DAY = date(2026, 11, 18)
END = DAY + timedelta(days=120)  # nothing is due: only records go
CALL_END = DAY + timedelta(days=1 + 45)  # the first call to an OV customer is due on the next day


@dataclass(frozen=True, slots=True)
class Size:
    """How many orders, accounts and people there are, and how many accounts are called."""

    orders: int = 10_000
    accounts: int = 2_000
    contacts: int = 3_000
    calls: int = 10_000


@dataclass(frozen=True, slots=True)
class Count:
    """Calls by kind as they came, the least that is needed, and how many of all calls write."""

    came: Mapping[str, int]
    least: Mapping[str, int]
    writes: int
    seconds: float
    asides: Mapping[str, int] = field(default_factory=dict)

    @property
    def ratio(self) -> float:
        """All calls beside the least; questions about the CRM itself, asked once a process, stand aside."""
        return sum(self.came.values()) / sum(self.least.values())

    def say(self, what: str) -> None:
        """Prints it."""
        click.echo(f"{what}: {sum(self.came.values())} calls, {self.writes} of all calls write ({self.seconds:.0f} s)")
        if self.least:
            click.echo(f"  the least is {sum(self.least.values())}: ratio {self.ratio:.2f} (at most 1.2)")
        for name, number in sorted(self.came.items()):
            click.echo(f"  {number:6}  {name}")
        for name, number in sorted(self.asides.items()):
            click.echo(f"  {number:6}  {name} (aside)")


@contextmanager
def live_house(folder: Path) -> Iterator[House]:
    """A house that is live, in a folder, with one rep: Eve. No cap holds her calls back."""
    house = House(f"sqlite:///{folder / 'nolapse.db'}", tasks=TaskPolicy(per_day=0))
    event.listen(house.store.engine, "connect", no_sync)
    try:
        migrate(house.store)
        with house.store.begin() as connection:
            golive.go_live(connection, date(2020, 1, 1))
        house.source.known_reps = (RepFacts("eve", "Eve", "eve@ours.example"),)
        yield house
    finally:
        house.close()


def no_sync(connection: sqlite3.Connection, _record: object) -> None:
    """Makes a database quick: calls are counted, not seconds."""
    connection.execute("PRAGMA synchronous=OFF")


def portfolio(size: Size, **said: Any) -> list[Any]:
    """Orders spread over accounts, each of which has one or two people; every order names one of them."""
    rows = []
    for number in range(size.orders):
        customer = number % size.accounts
        people = _people(customer, size)
        one = people[(number // size.accounts) % len(people)]
        rows.append(
            facts(
                str(number + 1),
                ends_on=END,
                account=account(f"customer-{customer}", owner_key="eve"),
                people=(person(one, name=f"Person {one.partition('@')[0]}"),),
                **said,
            )
        )
    return rows


def to_be_called(number: int) -> list[Any]:
    """One order for each of so many accounts, about which they are called."""
    return [
        facts(
            str(one + 1),
            ends_on=CALL_END,
            account=account(f"customer-{one}", owner_key="eve"),
            people=(person(f"first@customer-{one}.example"),),
        )
        for one in range(number)
    ]


def _people(customer: int, size: Size) -> list[str]:
    own = [f"first@customer-{customer}.example"]
    return own + [f"second@customer-{customer}.example"] * (customer < size.contacts - size.accounts)
