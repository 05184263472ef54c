"""Clients of the stand-in that never pause."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from connectors.salesforce.auth import Given
from connectors.salesforce.client import SalesforceClient
from tests.fakes.salesforce import FieldDef, Org, SalesforceServer, running_salesforce

HOST = "acme.my.salesforce.com"
KEY = "Key__c"


def quick_client(server: SalesforceServer, **said: Any) -> SalesforceClient:
    """A client of the stand-in that never pauses, in a session that lasts."""
    usual: dict[str, Any] = {"way": Given(HOST, server.session_id), "base_url": server.base_url, "parallel": 1}
    client = SalesforceClient(**usual | said)
    client.caller.sleep = lambda _: None
    return client


@contextmanager
def running_org(org: Org | None = None, **said: Any) -> Iterator[tuple[SalesforceServer, SalesforceClient]]:
    """An org whose accounts and tasks have a key, and a client of it."""
    with running_salesforce(org) as server:
        server.org.add_field("Account", FieldDef(KEY, external_id=True, unique=True))
        server.org.add_field("Activity", FieldDef(KEY, external_id=True, unique=True))
        client = quick_client(server, **said)
        try:
            yield server, client
        finally:
            client.close()
