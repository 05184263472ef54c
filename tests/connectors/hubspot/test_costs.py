"""How many calls it takes, counted through the whole engine; `bench/hubspot_calls.py` has the full sizes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.crm_orders import Size
from bench.hubspot_calls import calls, first_sync, installation, second_sync
from tests.builders import House
from tests.fakes.hubspot import HubSpotServer

SMALL = Size(orders=600, accounts=120, contacts=180)


@pytest.fixture
def installed(tmp_path: Path) -> Iterator[tuple[House, HubSpotServer]]:
    with installation(tmp_path) as both:
        yield both


def test_a_first_sync_takes_few_calls_more_than_the_least_and_a_second_one_writes_nothing(
    installed: tuple[House, HubSpotServer],
) -> None:
    house, server = installed
    # So few accounts fill their calls badly; with 10,000 orders the ratio is 1.04.
    assert first_sync(house, server, SMALL).ratio <= 1.2
    again = second_sync(house, server)
    assert again.writes == 0
    assert sum(again.came.values()) == 0


def test_call_tasks_hang_on_everything_in_the_call_that_makes_them(installed: tuple[House, HubSpotServer]) -> None:
    house, server = installed
    count = calls(house, server, 150)
    assert count.came == {"objects.batch.create tasks": 2}
    assert count.ratio <= 1.2
    for task in server.world.records("tasks"):
        for to_type in ("companies", "contacts", "tickets"):
            assert len(server.world.linked("tasks", task.id, to_type)) == 1


def test_no_call_has_more_than_a_hundred_inputs(installed: tuple[House, HubSpotServer]) -> None:
    house, server = installed
    first_sync(house, server, SMALL)
    assert max(call.inputs for call in server.calls) == 100
    assert {call.status for call in server.calls} <= {200, 201, 207}
