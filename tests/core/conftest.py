"""What tests of the engine's steps share: a whole installation in small, on both databases."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from core.model import OrderFacts, Reject
from core.store import rehearse
from tests.builders import House, make_ledger, make_live_ledger
from tests.conftest import Prepared

MakeHouse = Callable[..., House]


on_sqlite = pytest.mark.parametrize("prepared_store_url", ["sqlite"], indirect=True)
"""For a test whose matter is no SQL of its own: one database is enough."""


@pytest.fixture
def make_house(prepared_store_url: Prepared) -> Iterator[MakeHouse]:
    """`make_house(rows, live=True, **policy)`: an installation on an empty ledger, on both databases."""
    houses: list[House] = []

    def make(rows: Sequence[OrderFacts | Reject] = (), *, live: bool = True, **rules: Any) -> House:
        url = prepared_store_url("live", make_live_ledger) if live else prepared_store_url("ledger", make_ledger)
        houses.append(House(url, rows, **rules))
        return houses[-1]

    yield make
    for house in houses:
        house.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def kept_ledger(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a live ledger in which nothing may stay, on both databases."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('kept') / 'nolapse.db'}"
        make_live_ledger(url)
        return url
    server = request.getfixturevalue("postgres_server")
    return str(server.url(server.create(server.template("live", make_live_ledger))))


house_on_sqlite = pytest.mark.parametrize("kept_ledger", ["sqlite"], indirect=True)
"""The same for a test that uses `house`."""


@pytest.fixture
def house(kept_ledger: str) -> Iterator[House]:
    """An installation on an empty live ledger, on both databases. All that a test does in it is rolled back."""
    house = House(kept_ledger)
    real = house.store
    try:
        with rehearse(real) as store:
            house.store = store
            yield house
    finally:
        real.close()
