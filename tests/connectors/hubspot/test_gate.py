import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from pydantic import SecretStr

from connectors.hubspot.calls import Patience
from connectors.hubspot.errors import Busy
from connectors.hubspot.gate import AccountGate, account_gate
from connectors.hubspot.objects import Filter
from connectors.hubspot.opening import open_client
from connectors.hubspot.settings import HubSpotSettings
from core.columns import metadata
from core.errors import ConfigurationError, RetriableError
from core.schema import call_limits
from core.store import Store, open_store
from tests.conftest import Prepared
from tests.connectors.hubspot.conftest import quick_client
from tests.fakes.hubspot import Limits, World, running_hubspot


class Counter:
    def __init__(self) -> None:
        self.taken = 0
        self.held: list[float] = []

    def take(self, calls: int = 1) -> None:
        self.taken += calls

    def hold(self, seconds: float) -> None:
        self.held.append(seconds)


class Hands:
    """A gate with its parts in view."""

    def __init__(self, reserve: float = 0.2) -> None:
        self.calls, self.searches, self.now = Counter(), Counter(), 1000.0
        self.gate = AccountGate(self.calls, self.searches, reserve=reserve, clock=lambda: self.now)

    def hear(self, **headers: object) -> None:
        self.gate.heed({f"x-hubspot-ratelimit-{name.replace('_', '-')}": str(said) for name, said in headers.items()})


def test_a_search_is_a_call_too() -> None:
    hands = Hands()
    hands.gate.enter(search=False)
    hands.gate.enter(search=True)
    assert (hands.calls.taken, hands.searches.taken) == (2, 1)


def test_the_last_part_of_the_day_is_left_to_others() -> None:
    hands = Hands(reserve=0.2)
    hands.hear(daily=1000, daily_remaining=201)
    hands.gate.enter(search=False)
    hands.hear(daily=1000, daily_remaining=200)
    with pytest.raises(Busy, match="left to its other apps"):
        hands.gate.enter(search=False)
    hands.now += 601  # midnight may have passed where the account is: one call finds out
    hands.gate.enter(search=False)
    hands.hear(daily=1000, daily_remaining=990)
    hands.gate.enter(search=False)


def test_an_app_with_no_call_left_holds_for_a_moment() -> None:
    hands = Hands()
    hands.hear(remaining=1)
    assert hands.calls.held == []
    hands.hear(remaining=0)
    assert hands.calls.held == [1.0]


@pytest.mark.parametrize("said", [{}, {"daily": "many"}, {"daily_remaining": 0}, {"daily": 0, "daily_remaining": 0}])
def test_headers_that_are_missing_or_strange_mean_nothing(said: dict[str, object]) -> None:
    hands = Hands()
    hands.hear(**said)
    hands.gate.enter(search=False)
    assert hands.calls.taken == 1


def test_a_hold_is_everybodys() -> None:
    hands = Hands()
    hands.gate.hold(10.0)
    assert hands.calls.held == [10.0]


def _make_tables(url: str) -> None:
    store = open_store(url)
    metadata.create_all(store.engine)
    store.close()


@pytest.fixture
def store(prepared_store_url: Prepared) -> Iterator[Store]:
    opened = open_store(prepared_store_url("hubspot-limits", _make_tables))
    yield opened
    opened.close()


def test_the_limits_are_kept_in_the_store_for_all_processes(store: Store) -> None:
    settings = HubSpotSettings(calls_per_10_seconds=190, calls_per_day=1000, daily_reserve_percent=50)
    for gate in (account_gate(settings, store.engine), account_gate(settings, store.engine)):
        gate.enter(search=True)
    with store.read() as connection:
        assert set(connection.execute(call_limits.select()).scalars()) == {"HubSpot", "HubSpot search"}


def test_our_part_of_the_day_is_never_overdrawn(store: Store) -> None:
    settings = HubSpotSettings(calls_per_day=4, daily_reserve_percent=50)
    gate = account_gate(settings, store.engine)
    gate.enter(search=False)
    gate.enter(search=False)
    with pytest.raises(RetriableError, match="used up"):
        gate.enter(search=False)


def test_the_permitted_rate_is_used_and_never_overdrawn(store: Store) -> None:
    world = World(limits=Limits(per_ten_seconds=190, searches_per_second=5))
    with running_hubspot(world) as server:
        settings = HubSpotSettings(token=SecretStr(server.token), base_url=server.base_url, calls_per_10_seconds=190)
        with closing(open_client(settings, store.engine)) as client:
            ids = [world.add("companies", name=f"C{number}") for number in range(4000)]
            begin = time.monotonic()
            assert len(client.batch_read("companies", ids, ["name"])) == 4000
            took = time.monotonic() - begin
            assert world.gate.refused == 0
            assert took < 40 / 19 * 1.5 + 1


def test_searches_have_a_limit_of_their_own(store: Store) -> None:
    world = World(limits=Limits(per_ten_seconds=190, searches_per_second=5))
    with running_hubspot(world) as server:
        settings = HubSpotSettings(token=SecretStr(server.token), base_url=server.base_url, calls_per_10_seconds=190)
        with closing(open_client(settings, store.engine)) as client, ThreadPoolExecutor(4) as pool:
            for _ in pool.map(lambda _: list(client.search("companies", [Filter("name", "EQ", "x")], [])), range(8)):
                pass
        assert server.count("objects.search") == 8
        assert world.gate.refused == 0


@pytest.mark.parametrize("token", [None, SecretStr(""), SecretStr("  \n")])
def test_without_a_token_nothing_is_opened(store: Store, token: SecretStr | None) -> None:
    with pytest.raises(ConfigurationError, match=r"NOLAPSE_HUBSPOT__TOKEN, or name a file in hubspot\.token_file"):
        open_client(HubSpotSettings(token=token), store.engine)


@pytest.mark.parametrize(
    "address", ["http://api.hubapi.com", "api.hubapi.com", "ftp://127.0.0.1", "https://", "http://127.0.0.1.example"]
)
def test_a_token_does_not_travel_in_the_open(store: Store, address: str) -> None:
    with pytest.raises(ConfigurationError, match="must begin with https://"):
        open_client(HubSpotSettings(token=SecretStr("t"), base_url=address), store.engine)


@pytest.mark.parametrize("address", ["https://api.hubapi.com", "http://127.0.0.1:1", "http://localhost:1/"])
def test_a_good_address_is_opened_with_the_settings(store: Store, address: str) -> None:
    settings = HubSpotSettings(
        token=SecretStr(" t \n"),
        base_url=address,
        api_version="2026-09",
        attempts=2,
        longest_pause=3.0,
        connect_timeout=1.0,
        read_timeout=2.0,
        parallel_calls=4,
    )
    with closing(open_client(settings, store.engine)) as client:
        assert (client.token, client.version, client.parallel) == ("t", "2026-09", 4)
        assert client.patience == Patience(2, 0.5, 3.0)
        assert (client.timeouts.connect, client.timeouts.read) == (1.0, 2.0)


def test_two_clients_in_threads_share_one_gate_without_harm() -> None:
    hands = Hands()
    with running_hubspot() as server, closing(quick_client(server, gate=hands.gate)) as client:
        begin = threading.Barrier(4)

        def ask(_: int) -> int:
            begin.wait()
            return len(client.owners())

        with ThreadPoolExecutor(4) as pool:
            assert list(pool.map(ask, range(4))) == [len(client.owners())] * 4
        assert hands.calls.taken == server.count() == 5
