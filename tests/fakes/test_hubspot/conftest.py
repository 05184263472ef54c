"""A stand-in on a clock that tests move, and two ways to call it: plain HTTP and HubSpot's own client."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import hubspot as sdk_package
import pytest
import urllib3

from tests.fakes.hubspot import HubSpotServer, ManualClock, World, running_hubspot
from tests.fakes.test_hubspot.answers import check_answer

TIMEOUT = urllib3.Timeout(10)


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int
    body: Any
    headers: urllib3.HTTPHeaderDict

    @property
    def error(self) -> str:
        """The sentence of a refusal."""
        return str(self.body["message"])

    @property
    def values(self) -> list[dict[str, str]]:
        """The properties of the results."""
        return [result["properties"] for result in self.body["results"]]


class Api:
    """Calls the stand-in over plain HTTP; each answer must have documented fields only."""

    def __init__(self, server: HubSpotServer, version: str = "2026-03") -> None:
        self.server = server
        self.version = version
        self.token = server.token
        self._pool = urllib3.PoolManager(retries=False, timeout=TIMEOUT)

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> Reply:
        """Calls a path; `{v}` in it is the version."""
        url = self.server.base_url + path.replace("{v}", self.version)
        if query:
            url += "?" + urlencode(query)
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        octets = None if body is None else json.dumps(body).encode()
        answer = self._pool.request(method, url, body=octets, headers=headers)
        found = json.loads(answer.data) if answer.data else None
        check_answer(self.server.calls[-1].operation, answer.status, found)
        return Reply(answer.status, found, answer.headers)

    def post(self, path: str, body: Any, **query: Any) -> Reply:
        return self("POST", path, body, **query)

    def get(self, path: str, **query: Any) -> Reply:
        return self("GET", path, **query)

    def objects(self, object_type: str, action: str, *inputs: dict[str, Any], **more: Any) -> Reply:
        """A batch of records."""
        body: dict[str, Any] = {"inputs": list(inputs), **more}
        return self.post(f"/crm/objects/{{v}}/{object_type}/batch/{action}", body)

    def search(self, object_type: str, *filters: dict[str, Any], **more: Any) -> Reply:
        """A search with one group of filters."""
        groups = [{"filters": list(filters)}] if filters else []
        body = {"after": "", "limit": 100, "properties": [], "sorts": [], "filterGroups": groups, **more}
        return self.post(f"/crm/objects/{{v}}/{object_type}/search", body)

    def define(self, object_type: str, name: str, **more: Any) -> Reply:
        """A new property, of text unless told otherwise."""
        group = {"tickets": "ticketinformation", "tasks": "task", "contacts": "contactinformation"}[object_type]
        body = {"name": name, "label": name, "groupName": group, "type": "string", "fieldType": "text", **more}
        return self.post(f"/crm/properties/{{v}}/{object_type}", body)

    def close(self) -> None:
        self._pool.clear()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def world(clock: ManualClock) -> World:
    return World(clock=clock)


@pytest.fixture
def server(world: World) -> Iterator[HubSpotServer]:
    with running_hubspot(world) as running:
        yield running


@pytest.fixture
def api(server: HubSpotServer) -> Iterator[Api]:
    found = Api(server)
    yield found
    found.close()


@pytest.fixture
def sdk(server: HubSpotServer) -> Any:
    """HubSpot's own client, without retries of its own."""
    return sdk_package.HubSpot(
        access_token=server.token, host=server.base_url, base_url=server.base_url, retry=urllib3.Retry(total=0)
    )
