"""The fence around the SDK."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from connectors.salesforce.auth import Given
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.errors import Broken, Busy, Denied, Unclear
from connectors.salesforce.transport import Answer, Login, Timeouts, Transport
from tests.connectors.salesforce.clients import HOST, quick_client
from tests.fakes.salesforce import SESSION, SalesforceServer

LOGIN = Login(SESSION, HOST)


@pytest.fixture
def transport(server: SalesforceServer) -> Iterator[Transport]:
    transport = Transport("66.0", server.base_url)
    yield transport
    transport.close()


@pytest.fixture
def deaf() -> Iterator[str]:
    """The address of somebody who listens and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_the_org_s_address_is_replaced_by_that_of_a_stand_in_over_plain_http(
    server: SalesforceServer, transport: Transport
) -> None:
    answer = transport.call(LOGIN, "GET", "limits")
    assert answer.done
    assert answer.json()["DailyApiRequests"]["Max"] == 100_000
    assert [call.path for call in server.calls] == ["/services/data/v66.0/limits"]


def test_a_path_with_a_slash_is_one_of_the_host(server: SalesforceServer, transport: Transport) -> None:
    assert transport.call(LOGIN, "GET", "/services/data").done
    assert server.calls[0].path == "/services/data"


def test_an_answer_that_is_no_success_comes_back_as_it_is(server: SalesforceServer, transport: Transport) -> None:
    server.fail(503)
    answer = transport.call(LOGIN, "GET", "limits")
    assert (answer.status, answer.done) == (503, False)
    assert b"maintenance" in answer.body
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


def test_a_body_goes_as_json_or_as_csv(server: SalesforceServer, transport: Transport) -> None:
    job = {"object": "Account", "operation": "insert", "contentType": "CSV"}
    made = transport.call(LOGIN, "POST", "jobs/ingest", body=job).json()
    answer = transport.call(LOGIN, "PUT", f"jobs/ingest/{made['id']}/batches", csv="Name\nÄrger\n".encode())
    assert (answer.status, answer.json()) == (201, None)
    assert server.org.jobs[made["id"]].content == "Name\nÄrger\n"


def test_headers_of_the_caller_go_along(server: SalesforceServer, transport: Transport) -> None:
    seen: dict[str, str] = {}
    answer = server.answer

    def spy(method: str, target: str, headers: dict[str, str], octets: bytes) -> Any:
        seen.update(headers)
        return answer(method, target, headers, octets)

    server.answer = spy  # type: ignore[method-assign]
    transport.call(LOGIN, "GET", "limits", headers={"Sforce-Auto-Assign": "FALSE"})
    assert seen["sforce-auto-assign"] == "FALSE"
    assert seen["authorization"] == f"Bearer {SESSION}"


def test_a_netrc_of_the_machine_does_not_take_the_token_s_place(
    transport: Transport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {HOST} login somebody password else\nmachine 127.0.0.1 login somebody password else\n")
    monkeypatch.setenv("NETRC", str(netrc))
    assert transport.call(LOGIN, "GET", "limits").done


def test_every_call_has_a_time_out(deaf: str) -> None:
    transport = Transport("66.0", deaf, Timeouts(connect=5, read=0.05))
    with pytest.raises(requests.Timeout):
        transport.call(LOGIN, "GET", "limits")
    transport.close()


def test_no_redirect_is_followed(server: SalesforceServer, transport: Transport) -> None:
    server.fail(302)
    assert transport.call(LOGIN, "GET", "limits").status == 302
    assert server.count() == 1


def test_calls_at_once_have_sessions_of_their_own_which_later_ones_use_again(
    server: SalesforceServer, transport: Transport
) -> None:
    together = threading.Barrier(3)
    answer = server.answer

    def meet(method: str, target: str, headers: dict[str, str], octets: bytes) -> Any:
        together.wait(20)
        return answer(method, target, headers, octets)

    server.answer = meet  # type: ignore[method-assign]
    for _ in range(4):
        with ThreadPoolExecutor(3) as pool:
            answers = list(pool.map(lambda _: transport.call(LOGIN, "GET", "limits"), range(3)))
        assert all(one.done for one in answers)
    assert server.count() == 12
    assert server.connections == 3


def test_after_closing_the_next_call_opens_a_connection_again(server: SalesforceServer, transport: Transport) -> None:
    transport.call(LOGIN, "GET", "limits")
    transport.close()
    assert transport.call(LOGIN, "GET", "limits").done
    assert server.connections == 2


def test_the_token_is_not_in_what_is_shown() -> None:
    assert SESSION not in repr(LOGIN)
    assert SESSION not in repr(Given(HOST, SESSION))


def test_a_login_that_gives_no_session_comes_back_as_its_answer(transport: Transport) -> None:
    def attempt(session: requests.Session) -> tuple[Any, Any]:
        session.get(f"https://{HOST}/services/data")
        return None, HOST

    assert isinstance(transport.log_in(attempt), Answer)


class TestThroughTheClient:
    """The same, as the caller of the client meets it."""

    def test_a_page_of_html_in_place_of_json(self, server: SalesforceServer, client: SalesforceClient) -> None:
        server.malform()
        with pytest.raises(Broken, match=r"not JSON; check salesforce\.base_url"):
            client.limits()

    def test_nobody_listens(self, server: SalesforceServer) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            client = quick_client(server, base_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
            with pytest.raises(Busy, match="cannot be reached"):
                client.limits()

    def test_a_connection_that_ends_is_tried_again_where_that_is_safe(
        self, server: SalesforceServer, client: SalesforceClient
    ) -> None:
        server.cut(times=2)
        assert client.limits()["DailyApiRequests"].most == 100_000
        server.cut("limits", times=5)
        with pytest.raises(Unclear, match="ended without an answer"):
            client.limits()

    def test_https_is_asked_of_somebody_who_does_not_speak_it(self, server: SalesforceServer) -> None:
        client = quick_client(server, base_url=server.base_url.replace("http://", "https://"))
        with pytest.raises(Denied, match=r"does not speak https there; check salesforce\.base_url"):
            client.limits()
        client.close()
