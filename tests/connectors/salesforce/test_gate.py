"""The org's limit of calls, and what is left of it to others."""

import pytest

from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.errors import Busy
from connectors.salesforce.gate import LOOK_AGAIN, Gate, Usage
from connectors.salesforce.retry import DAY_PAUSE
from tests.connectors.salesforce.clients import quick_client
from tests.fakes.salesforce import SalesforceServer


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("said", "usage"),
    [
        ("api-usage=18/5000", Usage(18, 5000)),
        ("api-usage=25/5000; per-app-api-usage=17/250(appName=sample)", Usage(25, 5000)),
        ("per-app-api-usage=17/250(appName=sample)", None),
        ("", None),
        ("api-usage=many", None),
    ],
)
def test_what_an_answer_tells_of_usage(said: str, usage: Usage | None) -> None:
    gate = Gate()
    gate.heed({"sforce-limit-info": said})
    assert gate.usage == usage


def test_the_reserve_is_left_to_others_and_looked_at_again_later() -> None:
    clock = Clock()
    gate = Gate(reserve=0.2, clock=clock)
    gate.heed({"sforce-limit-info": "api-usage=79/100"})
    gate.enter()
    gate.heed({"sforce-limit-info": "api-usage=80/100"})
    with pytest.raises(Busy, match="left to its other integrations; the next call may go in 11 minutes"):
        gate.enter()
    clock.now = LOOK_AGAIN
    gate.enter()


def test_a_hold_keeps_everybody_out_for_its_time() -> None:
    clock = Clock()
    gate = Gate(clock=clock)
    gate.hold(60, "the org's calls are used up")
    clock.now = 59.9
    with pytest.raises(Busy, match="the org's calls are used up"):
        gate.enter()
    clock.now = 60
    gate.enter()


class TestThroughTheClient:
    def test_usage_is_read_from_the_answers(self, server: SalesforceServer, client: SalesforceClient) -> None:
        assert client.usage is None
        client.limits()
        assert client.usage == Usage(1, server.org.api_calls)

    def test_no_call_goes_beyond_the_reserve(self, server: SalesforceServer) -> None:
        server.org.api_calls, server.org.calls_used = 100, 88
        client = quick_client(server, reserve=0.1)
        client.limits()
        client.limits()
        with pytest.raises(Busy, match="left to its other integrations"):
            client.limits()
        assert server.count() == 2

    def test_where_the_limit_is_met_after_all_nobody_tries_again_at_once(
        self, server: SalesforceServer, client: SalesforceClient
    ) -> None:
        server.org.calls_used = server.org.api_calls
        for _ in range(2):
            with pytest.raises(Busy, match="the org's calls in 24 hours are used up"):
                client.limits()
        assert server.count() == 1
        assert DAY_PAUSE > LOOK_AGAIN
