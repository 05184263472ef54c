"""What the stand-in's own tests share: a world at a fixed instant, a server without limits, somebody who calls it."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.fakes.certcentral import CertCentral, World, no_limits, running_certcentral
from tests.fakes.certcentral.talk import Talk

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
TODAY = NOW.date()


def ending(days: int) -> date:
    """The day that is so many days after today."""
    return TODAY + timedelta(days=days)


@pytest.fixture
def world() -> World:
    return World(at=NOW)


@pytest.fixture
def server(world: World) -> Iterator[CertCentral]:
    with running_certcentral(world, no_limits()) as server:
        yield server


@pytest.fixture
def talk(server: CertCentral) -> Iterator[Talk]:
    talk = Talk(server.base_url, server.key)
    yield talk
    talk.pool.clear()
