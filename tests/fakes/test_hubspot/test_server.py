import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import urllib3

from tests.fakes.hubspot import HubSpotServer, World, running_hubspot
from tests.fakes.test_hubspot.conftest import Api

OWNERS = "/crm/owners/{v}"
COMPANY = {"properties": {"name": "X"}, "associations": []}
CREATE = "/crm/objects/{v}/companies"


def raw(api: Api, method: str, path: str, **more: Any) -> urllib3.BaseHTTPResponse:
    """An answer as it comes, which need not be JSON."""
    headers = {"Authorization": f"Bearer {api.token}"}
    url = api.server.base_url + path.replace("{v}", api.version)
    return urllib3.request(method, url, headers=headers, retries=False, timeout=5, **more)


def test_only_the_token_opens(api: Api) -> None:
    api.token = "wrong"
    refused = api.get(OWNERS)
    assert (refused.status, refused.body["category"]) == (401, "INVALID_AUTHENTICATION")


def test_a_missing_scope_is_named(api: Api, world: World) -> None:
    world.revoke("crm.objects.owners.read")
    refused = api.get(OWNERS)
    assert (refused.status, refused.body["category"]) == (403, "MISSING_SCOPES")
    assert refused.body["errors"][0]["context"] == {"requiredGranularScopes": ["crm.objects.owners.read"]}
    world.grant("crm.objects.owners.read")
    assert api.get(OWNERS).status == 200


def test_every_answer_can_be_traced(api: Api) -> None:
    refused = api.get("/crm/objects/{v}/companies/1")
    assert refused.headers["X-HubSpot-Correlation-Id"] == refused.body["correlationId"]


def test_the_account_and_its_people(api: Api, world: World) -> None:
    details = api.get("/account-info/{v}/details").body
    assert (details["portalId"], details["utcOffset"]) == (world.portal_id, "+01:00")
    owner = world.add_owner("rep@x.example", "Rep", "Resentative")
    assert api.get(OWNERS, email="rep@x.example").body["results"][0]["userId"] == owner.user_id
    assert api.get(f"{OWNERS}/{owner.id}").body["email"] == "rep@x.example"
    assert api.get(f"{OWNERS}/{owner.user_id}", idProperty="userId").body["id"] == owner.id
    world.deactivate_owner(owner.id)
    assert api.get(OWNERS).body["results"] == []
    [left] = api.get(OWNERS, archived="true").body["results"]
    assert ("userId" in left, left["userIdIncludingInactive"]) == (False, owner.user_id)
    assert api.get(f"{OWNERS}/{owner.id}").status == 404


def test_calls_are_counted_by_phase_operation_and_object(api: Api, server: HubSpotServer) -> None:
    with server.phase("first"):
        api.post(CREATE, COMPANY)
        api.objects("0-2", "read", {"id": "1"}, {"id": "2"}, properties=[], propertiesWithHistory=[])
    api.search("companies")
    assert server.counts("first") == {"objects.create companies": 1, "objects.batch.read companies": 1}
    assert server.count("objects.batch.read", "companies") == 1
    assert server.came("objects.batch.read")[0].inputs == 2
    assert [call.operation for call in server.writes()] == ["objects.create"]
    server.forget_calls()
    assert server.count() == 0


@pytest.mark.parametrize("status", [423, 477, 500])
def test_a_failure_is_told_in_json(api: Api, status: int) -> None:
    api.server.fail(status, "owners.*")
    assert api.get("/account-info/{v}/details").status == 200
    refused = api.get(OWNERS)
    assert refused.status == status
    assert refused.headers.get("Retry-After") == ("3600" if status == 477 else None)
    assert api.get(OWNERS).status == 200


@pytest.mark.parametrize("status", [502, 503, 504, 524])
def test_a_failure_of_the_gateway_is_told_in_html(api: Api, status: int) -> None:
    api.server.fail(status)
    answer = raw(api, "GET", OWNERS)
    assert (answer.status, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")


@pytest.mark.parametrize("policy", ["TEN_SECONDLY_ROLLING", "SECONDLY", "DAILY"])
def test_a_limit_can_be_pretended(api: Api, policy: str) -> None:
    api.server.fail(429, policy=policy, times=2, skip=1, retry_after=3)
    replies = [api.get(OWNERS) for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 429, 429, 200]
    assert (replies[1].body["policyName"], replies[1].headers["Retry-After"]) == (policy, "3")


@pytest.mark.parametrize("done", [False, True])
def test_a_request_may_be_done_although_it_seems_to_fail(api: Api, world: World, done: bool) -> None:
    api.server.fail(504, "objects.create", done=done)
    assert raw(api, "POST", CREATE, json=COMPANY).status == 504
    assert len(world.records("companies")) == (1 if done else 0)


@pytest.mark.parametrize(("half", "done", "kept"), [(False, False, 0), (False, True, 1), (True, True, 1)])
def test_a_connection_may_be_cut(api: Api, world: World, half: bool, done: bool, kept: int) -> None:
    api.server.cut("objects.create", half=half, done=done)
    with pytest.raises(urllib3.exceptions.ProtocolError):
        raw(api, "POST", CREATE, json=COMPANY)
    assert len(world.records("companies")) == kept
    assert raw(api, "GET", OWNERS).status == 200


def test_an_answer_may_be_slow_or_no_json(api: Api) -> None:
    api.server.slow(0.2, "owners.*")
    begun = time.monotonic()
    assert api.get(OWNERS).status == 200
    assert time.monotonic() - begun >= 0.2
    api.server.malform(object_type="companies")
    answer = raw(api, "POST", CREATE, json=COMPANY)
    assert answer.status == 201
    with pytest.raises(ValueError, match="line 1 column"):
        answer.json()


@pytest.mark.parametrize(("version", "status"), [("2026-03", 207), ("2026-09", 201)])
def test_chosen_records_of_a_batch_may_be_refused(api: Api, world: World, version: str, status: int) -> None:
    api.version = version
    api.server.refuse(lambda entry: entry["properties"]["name"] == "B", message="no")
    inputs = [{**COMPANY, "properties": {"name": name}, "objectWriteTraceId": name} for name in "ABC"]
    reply = api.objects("companies", "create", *inputs)
    assert (reply.status, reply.body["numErrors"]) == (status, 1)
    assert reply.body["errors"][0]["message"] == "no"
    assert reply.body["errors"][0]["context"] == {"objectWriteTraceId": ["B"]}
    assert {record.values["name"] for record in world.records("companies")} == {"A", "C"}


def test_it_recovers_when_told(api: Api) -> None:
    api.server.fail(503, times=100)
    assert raw(api, "GET", OWNERS).status == 503
    api.server.recover()
    assert api.get(OWNERS).status == 200


def test_bodies_must_be_json(api: Api) -> None:
    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json"}
    url = f"{api.server.base_url}/crm/objects/2026-03/companies"
    for body, kind, status in ((b"{", "application/json", 400), (b"{}", "text/plain", 415), (None, None, 400)):
        told = {**headers, "Content-Type": kind} if kind else headers
        assert urllib3.request("POST", url, body=body, headers=told, retries=False, timeout=5).status == status


def test_connections_are_kept_and_counted(api: Api, server: HubSpotServer) -> None:
    for _ in range(5):
        api.get(OWNERS)
    assert server.connections == 1


def test_many_threads_write_at_once_as_slow_as_told() -> None:
    world = World()
    with running_hubspot(world, latency=0.1) as server:
        begun = time.monotonic()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _: Api(server)("POST", CREATE, COMPANY), range(16)))
        assert 0.2 <= time.monotonic() - begun < 1.6
    assert len(world.records("companies")) == 16


def test_a_failure_of_its_own_is_not_taken_for_hubspots() -> None:
    world = World()
    del world.owners
    with pytest.raises(AttributeError, match="owners"), running_hubspot(world) as server:
        assert raw(Api(server), "GET", OWNERS).status == 500
