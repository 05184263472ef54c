"""The stand-in, and how to talk to it."""

from collections.abc import Iterator

import pytest

from tests.fakes.salesforce import FieldDef, ManualClock, Org, SalesforceServer, running_salesforce
from tests.fakes.test_salesforce.talk import Talk


@pytest.fixture
def server() -> Iterator[SalesforceServer]:
    """An org whose accounts and activities have a key."""
    with running_salesforce(Org(clock=ManualClock())) as server:
        server.org.add_field("Account", FieldDef("Key__c", external_id=True, unique=True))
        server.org.add_field("Activity", FieldDef("Key__c", external_id=True, unique=True))
        yield server


@pytest.fixture
def org(server: SalesforceServer) -> Org:
    """Its org."""
    return server.org


@pytest.fixture
def talk(server: SalesforceServer) -> Iterator[Talk]:
    """Plain calls to it."""
    talk = Talk(server)
    yield talk
    talk.close()
