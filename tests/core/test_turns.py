from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from core.schema import engine_locks
from core.store import open_store
from core.turns import Turn, take
from tests.builders import House, make_ledger
from tests.conftest import Prepared

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
QUARTER = timedelta(minutes=15)


@pytest.fixture
def house(prepared_store_url: Prepared) -> Iterator[House]:
    house = House(prepared_store_url("ledger", make_ledger))
    yield house
    house.close()


def turn(now: datetime = NOON, step: str = "sync", schedule: str = "*/15 * * * *") -> Turn:
    """A turn as a server has it whose clock says `now`, every quarter of an hour."""
    following = NOON + QUARTER * ((now - NOON) // QUARTER + 1)
    return Turn(step, schedule, now, following)


def test_a_turn_is_taken_once(house: House) -> None:
    assert take(house.store, turn())
    assert not take(house.store, turn(NOON + timedelta(seconds=3)))
    assert take(house.store, turn(NOON + QUARTER))
    assert [(row.step, row.next_turn) for row in house.rows(engine_locks)] == [("sync", NOON + 2 * QUARTER)]


def test_each_step_has_its_own_turns(house: House) -> None:
    assert take(house.store, turn())
    assert take(house.store, turn(step="plan"))


def test_a_turn_that_nobody_took_does_not_hinder_the_next(house: House) -> None:
    assert take(house.store, turn())
    assert take(house.store, turn(NOON + timedelta(days=2)))


def test_a_new_schedule_counts_at_once(house: House) -> None:
    yearly = Turn("sync", "0 0 1 1 *", NOON, NOON + timedelta(days=200))
    assert take(house.store, yearly)
    assert take(house.store, turn(NOON + timedelta(minutes=1)))


def test_a_clock_that_was_set_back_does_not_stop_the_turns(house: House) -> None:
    assert take(house.store, turn(NOON + timedelta(days=30)))
    assert take(house.store, turn(NOON + QUARTER))


def test_of_many_servers_at_one_moment_one_takes_it(house: House, prepared_store_url: Prepared) -> None:
    url = house.store.engine.url.render_as_string(hide_password=False)
    stores = [open_store(url) for _ in range(4)]
    together = Barrier(len(stores))

    def try_it(number: int) -> bool:
        together.wait(30)
        return take(stores[number], turn(NOON + timedelta(milliseconds=number)))

    with ThreadPoolExecutor(len(stores)) as threads:
        taken = list(threads.map(try_it, range(len(stores))))
    for store in stores:
        store.close()
    assert taken.count(True) == 1
