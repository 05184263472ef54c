"""What tests of the Salesforce connector share: an org with our package in it."""

from collections.abc import Iterator

import pytest

from connectors.salesforce.client import SalesforceClient
from core.store import Store
from tests.connectors.salesforce.clients import running_org
from tests.connectors.salesforce.installations import Installation, running_installation
from tests.fakes.salesforce import SalesforceServer


@pytest.fixture
def installation(ledger: Store) -> Iterator[Installation]:
    """An org in which orders are records of our own object."""
    with running_installation(ledger) as installation:
        yield installation


@pytest.fixture
def opened() -> Iterator[tuple[SalesforceServer, SalesforceClient]]:
    """A bare org, and a quick client of it."""
    with running_org() as opened:
        yield opened


@pytest.fixture
def server(opened: tuple[SalesforceServer, SalesforceClient]) -> SalesforceServer:
    """A bare org."""
    return opened[0]


@pytest.fixture
def client(opened: tuple[SalesforceServer, SalesforceClient]) -> SalesforceClient:
    """A quick client of it."""
    return opened[1]
