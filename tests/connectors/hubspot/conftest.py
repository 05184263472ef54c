"""What tests of the HubSpot connector share: the stand-in, a quick client of it, and an account that is set up."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from connectors.hubspot.client import HubSpotClient
from core.store import Store
from tests.connectors.hubspot.accounts import Account, running_account
from tests.fakes.hubspot import HubSpotServer, running_hubspot


def quick_client(server: HubSpotServer, **said: Any) -> HubSpotClient:
    """A client of the stand-in that never pauses."""
    client = HubSpotClient(**{"token": server.token, "base_url": server.base_url} | said)
    client.caller.sleep = lambda _: None
    return client


@pytest.fixture
def server() -> Iterator[HubSpotServer]:
    """An empty account."""
    with running_hubspot() as running:
        yield running


@pytest.fixture
def client(server: HubSpotServer) -> Iterator[HubSpotClient]:
    """A quick client of it."""
    with closing(quick_client(server)) as opened:
        yield opened


@pytest.fixture
def account(ledger: Store) -> Iterator[Account]:
    """An account whose tasks may have a unique key."""
    with running_account(ledger) as account:
        yield account


@pytest.fixture
def plain_account(ledger: Store) -> Iterator[Account]:
    """An account that refuses unique properties on tasks and mails."""
    with running_account(ledger, unique=False) as account:
        yield account
