"""A stand-in of CertCentral, and an installation that syncs from it, on both databases."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import select

from connectors.certcentral import client as transport
from connectors.certcentral.connector import CertCentralSettings, open_source
from core.model import Reject
from core.run import RunCounts
from core.schema import confirmations, orders
from core.sync import SyncCounts, sync
from core.timing import WholeDay
from tests.builders import House, make_live_ledger, no_rejects
from tests.conftest import Prepared
from tests.fakes.certcentral import CertCentral, World, no_limits, person, running_certcentral

# For what does not depend on the database.
on_sqlite = pytest.mark.parametrize("prepared_store_url", ["sqlite"], indirect=True)

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = NOON.date()
ANN = person("Ann Able", "ann@customer.example", "+1 202 555 0101")
ORG = person("Olga Office", "olga@customer.example")
UNLIMITED: dict[str, Any] = {"calls_per_3_minutes": 10**6, "calls_per_5_seconds": 10**6}


def days(number: int) -> date:
    return TODAY + timedelta(days=number)


class Desk(House):
    """An installation whose one source is CertCentral. `server` is the stand-in, `world` what it holds."""

    def __init__(self, url: str, server: CertCentral, **said: Any) -> None:
        super().__init__(url)
        self.server = server
        self.world: World = server.world
        usual: dict[str, Any] = {"key": SecretStr(server.key), "base_url": server.base_url} | UNLIMITED
        self.settings = CertCentralSettings(**usual | said)
        self.certcentral = open_source(self.settings, self.store.engine)
        self.rejected: list[Reject] = []

    @property
    def today(self) -> date:
        return self.world.clock.today()

    def sync(self, day: date | None = None) -> SyncCounts:
        """A sync on the day of the world. An order that cannot be used fails the test."""
        timer = WholeDay(day or self.today)
        return sync(self.store, [self.certcentral], self.crm, timer, self.policy, rejects=no_rejects)

    def sync_with_rejects(self) -> SyncCounts:
        """A sync that keeps what cannot be used in `rejected`."""

        def keep(source: str, header: Any, rejects: Any) -> None:
            self.rejected += rejects

        timer = WholeDay(self.today)
        return sync(self.store, [self.certcentral], self.crm, timer, self.policy, rejects=keep)

    def take_in(self) -> SyncCounts:
        """Syncs and settles."""
        counts = self.sync()
        self.settle(self.today)
        return counts

    def run_today(self) -> RunCounts:
        """The four steps on the day of the world."""
        return self.run(self.today)

    def later(self, **by: float) -> None:
        """Lets time pass, of which the client hears; calls are counted from then on."""
        self.world.advance(timedelta(**by))
        self.certcentral.check()
        self.server.forget()

    def calls(self, route: str) -> int:
        """How often a route was called since `server.forget()`."""
        return self.server.calls[route]

    def order(self, order_id: int | str) -> Any:
        """The order's row in the ledger."""
        with self.store.read() as connection:
            return connection.execute(select(orders).where(orders.c.outside_id == str(order_id))).one()

    def evidence(self) -> set[tuple[str, str, str, str]]:
        """What speaks for renewals: order, certainty, evidence, state."""
        return {
            (row.order_key.partition(":")[2], row.certainty, row.evidence, row.state)
            for row in self.rows(confirmations)
        }

    def stage(self, order_id: int) -> str:
        """The stage of the order's last renewal cycle."""
        return str(self.cycles(str(order_id))[-1].stage)


def add(desk: Desk, **said: Any) -> int:
    """An order with people whose certificate ends with it."""
    usual = {"organisation": 1, "technical": ANN, "user": ANN, "organisation_contact": ORG}
    desk.world.organisations.setdefault(1, desk.world.add_organisation("Customer Ltd", id=1, country="de"))
    return desk.world.add(**usual | said).id


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between attempts."""
    monkeypatch.setattr(transport, "PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(transport, "LIMIT_PAUSE_SECONDS", 0.01)


@pytest.fixture
def server() -> Iterator[CertCentral]:
    """An empty account at a fixed noon, without limits."""
    with running_certcentral(World(at=NOON), no_limits()) as server:
        yield server


MakeDesk = Callable[..., Desk]


@pytest.fixture
def make_desk(server: CertCentral, prepared_store_url: Prepared) -> Iterator[MakeDesk]:
    """`make_desk(**settings)`: a live installation on an empty ledger, on both databases."""
    with ExitStack() as stack:

        def make(url: str = "", **said: Any) -> Desk:
            desk = Desk(url or prepared_store_url("live", make_live_ledger), server, **said)
            stack.callback(desk.close)
            return desk

        yield make


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    """A live installation with the default settings."""
    return make_desk()
