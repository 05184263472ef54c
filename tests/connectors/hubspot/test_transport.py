import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
import urllib3

from connectors.hubspot.paths import ApiVersion
from connectors.hubspot.transport import Answer, Timeouts, Transport, path_of
from tests.connectors.hubspot.scripted import Scripted, free_port, running_script


@pytest.fixture
def script() -> Iterator[Scripted]:
    with running_script() as running:
        yield running


@pytest.fixture
def transport(script: Scripted) -> Iterator[Transport]:
    opened = Transport("a-secret-token", script.base_url, "2026-03", Timeouts(60.0, 60.0))
    yield opened
    opened.close()


def test_every_sub_api_goes_over_one_connection(script: Scripted, transport: Transport) -> None:
    script.say(200, {"results": []})
    sdk = transport.sdk
    for _ in range(3):
        sdk.crm.objects.batch_api.upsert("tickets", {"inputs": [{"id": "1"}]})
        sdk.crm.objects.search_api.do_search("tickets", {"limit": 1})
        sdk.crm.owners.owners_api.get_page(limit=1)
        sdk.crm.pipelines.pipelines_api.get_all("tickets")
        sdk.crm.associations.v4.batch_api.create_default("a", "b", {"inputs": []})
        transport.call("GET", "/automation/v4/sequences", [("userId", "7")])
    assert script.connections == 1
    assert len(script.asked) == 18


def test_an_api_is_built_once(transport: Transport) -> None:
    assert transport.sdk.crm.objects.batch_api is transport.sdk.crm.objects.batch_api
    assert transport.sdk.crm.objects.batch_api is not transport.sdk.crm.contacts.batch_api


@pytest.mark.parametrize("version", ["2026-03", "2026-09"])
def test_the_version_is_in_every_path(script: Scripted, version: ApiVersion) -> None:
    script.say(200, {"results": []})
    transport = Transport("t", script.base_url, version)
    transport.sdk.crm.objects.batch_api.upsert("tickets", {"inputs": []})
    transport.call("POST", "/automation/v4/sequences/enrollments", [("userId", "7")], {"a": "b"})
    transport.close()
    assert [asked.path for asked in script.asked] == [
        f"/crm/objects/{version}/tickets/batch/upsert",
        f"/automation/sequences/{version}/enrollments?userId=7",
    ]


def test_the_token_travels_in_its_header_and_shows_nowhere_else(script: Scripted, transport: Transport) -> None:
    script.say(200, {})
    transport.call("GET", "/account-info/v3/details")
    transport.sdk.crm.owners.owners_api.get_page()
    assert {asked.headers["Authorization"] for asked in script.asked} == {"Bearer a-secret-token"}
    assert "a-secret-token" not in repr(transport)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 207, 299, 302, 400, 401, 404, 423, 429, 477, 500, 502, 599])
def test_whatever_status_comes_is_kept_with_its_body(script: Scripted, transport: Transport, status: int) -> None:
    body = None if status == 204 else {"status": "COMPLETE", "results": [], "errors": [{"message": "no"}]}
    script.say(status, body, X_HubSpot_Correlation_Id="c-1", Location="/elsewhere")
    answer = transport.sdk.crm.objects.batch_api.create("tickets", {"inputs": []})
    assert isinstance(answer, Answer)
    assert (answer.status, answer.json()) == (status, body)
    assert answer.headers["x-hubspot-correlation-id"] == "c-1"
    assert answer.done is (200 <= status < 300)
    assert len(script.asked) == 1  # nothing is repeated, and no redirect is followed


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_silence_ends_with_the_time_out_at_once(script: Scripted, method: str) -> None:
    script.answers.append(None)
    with (
        closing(Transport("a-secret-token", script.base_url, "2026-03", Timeouts(60.0, 0.3))) as transport,
        pytest.raises(urllib3.exceptions.ReadTimeoutError),
    ):
        transport.call(method, "/account-info/v3/details", body=None if method == "GET" else {"a": 1})
    assert len(script.asked) <= 1


def test_where_nobody_listens_that_is_told_at_once() -> None:
    transport = Transport("t", f"http://127.0.0.1:{free_port()}", "2026-03", Timeouts(60.0, 60.0))
    with pytest.raises(urllib3.exceptions.NewConnectionError):
        transport.call("GET", "/account-info/v3/details")
    transport.close()


def test_it_can_be_used_again_after_it_was_closed(script: Scripted, transport: Transport) -> None:
    script.say(200, {"portalId": 1})
    transport.close()
    assert transport.call("GET", "/account-info/v3/details").json() == {"portalId": 1}


def test_threads_share_it(script: Scripted, transport: Transport) -> None:
    script.say(200, {"results": []})
    begin = threading.Barrier(8)

    def ask(number: int) -> int:
        begin.wait()
        answers = [transport.sdk.crm.objects.search_api.do_search(f"t{number}", {"limit": one}) for one in range(5)]
        return sum(answer.status for answer in answers)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [1000] * 8
    assert script.connections <= 8
    assert sorted((asked.path, asked.body["limit"]) for asked in script.asked) == [
        (f"/crm/objects/2026-03/t{number}/search", one) for number in range(8) for one in range(5)
    ]


def test_flags_in_a_query_are_written_as_hubspot_reads_them(script: Scripted, transport: Transport) -> None:
    script.say(200, {"results": []})
    transport.sdk.crm.owners.owners_api.get_page(limit=5, archived=True)
    assert set(script.asked[0].path.partition("?")[2].split("&")) == {"limit=5", "archived=true"}


def test_the_parts_of_a_path_are_quoted() -> None:
    path = path_of("/communication-preferences/v4/statuses/{address}", address="a+b/c@example.org")
    assert path == "/communication-preferences/v4/statuses/a%2Bb%2Fc%40example.org"


def test_an_empty_part_would_be_another_path() -> None:
    with pytest.raises(ValueError, match="needs a id"):
        path_of("/crm/v3/objects/tickets/{id}", id="")


def test_an_empty_body_is_no_json_but_none() -> None:
    assert Answer(204, {}, b" \n").json() is None
    with pytest.raises(ValueError, match="Expecting value"):
        Answer(200, {}, b"<html>").json()
