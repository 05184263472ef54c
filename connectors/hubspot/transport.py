"""The SDK behind a fence: everything in which `hubspot-api-client` 12 goes wrong is put right here, once.

- One connection pool serves every sub-API, and each API object is built once; the SDK alone opens a new connection for
  every attribute access.
- Every call has a time-out; the SDK alone waits for ever.
- Nothing is repeated here, and no redirect is followed; the SDK alone repeats reads, and never writes.
- Every answer comes back as it is, whatever its status; the SDK alone gives None for a success that its generator did
  not list, and drops the `errors` inside one.
- Each sub-package's own exceptions never come into being.
"""

import json
import re
import ssl
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib import import_module
from importlib.metadata import version as version_of
from threading import Lock
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from connectors.hubspot.paths import ApiVersion, in_version

Query = Sequence[tuple[str, str | int | bool]]


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came: status, headers with names in lower case, and the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def done(self) -> bool:
        """Any 2xx, listed or not."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON; None where there is none. Raises `ValueError` for what is not JSON."""
        return json.loads(self.body) if self.body.strip() else None


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to connect, and between two bytes of an answer."""

    connect: float = 5.0
    read: float = 30.0


@dataclass
class Transport:
    """Sends single calls, and gives whatever comes back. Safe for use by several threads.

    Raises urllib3's own exceptions where no answer came.
    """

    token: str = field(repr=False)
    base_url: str
    version: ApiVersion
    timeouts: Timeouts = field(default_factory=Timeouts)
    connections: int = 8

    def __post_init__(self) -> None:
        pool = urllib3.PoolManager(
            num_pools=2,
            maxsize=self.connections,
            retries=False,
            timeout=urllib3.Timeout(connect=self.timeouts.connect, read=self.timeouts.read),
            cert_reqs=ssl.CERT_REQUIRED,
        )
        self._rest = _Rest(pool)
        self._apis: dict[tuple[str, str], Any] = {}
        self._lock = Lock()
        self._close = weakref.finalize(self, pool.clear)

    @cached_property
    def sdk(self) -> Any:
        """The SDK's client; each method of its APIs gives an `Answer`."""
        hubspot = import_module("hubspot")
        return hubspot.HubSpot(
            access_token=self.token, host=self.base_url, base_url=self.base_url, api_factory=self._api
        )

    def call(self, method: str, path: str, query: Query = (), body: Any = None) -> Answer:
        """A call that the SDK has no method for, by its numbered path."""
        api_client = self._api(import_module("hubspot.crm.objects"), "BasicApi", {}).api_client
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        return answer_of(
            api_client.call_api(path, method, {}, list(query), headers, body=body, auth_settings=["oauth2"])
        )

    def close(self) -> None:
        """Closes the connections; the next call opens new ones."""
        self._rest.pool.clear()

    def _api(self, package: Any, name: str, config: Mapping[str, Any]) -> Any:
        """Stands in for the SDK's own factory: one API object for each name, with our connections in it."""
        with self._lock:
            api = self._apis.get((package.__name__, name))
            if api is None:
                api = self._apis[package.__name__, name] = getattr(package, name)(api_client=self._api_client(package))
            return api

    def _api_client(self, package: Any) -> Any:
        configuration = package.Configuration()
        configuration.host = self.base_url.rstrip("/")
        configuration.access_token = self.token
        api_client = package.ApiClient(configuration=configuration)
        api_client.rest_client = self._rest
        api_client.user_agent = f"nolapse hubspot-api-client/{version_of('hubspot-api-client')}"
        api_client.call_api = partial(self._call, api_client.call_api)
        return api_client

    def _call(self, original: Callable[..., Any], path: str, method: str, *args: Any, **options: Any) -> Any:
        options |= {"_preload_content": False, "_return_http_data_only": True, "async_req": False}
        return original(in_version(path, self.version), method, *args, **options)


def path_of(template: str, **parts: str) -> str:
    """A numbered path with its parts filled in. Raises `ValueError` for an empty part, which would be another path."""
    for name, value in parts.items():
        if not value:
            raise ValueError(f"the path {template} needs a {name}")
    return re.sub(r"\{(\w+)\}", lambda found: quote(parts[found[1]], safe=""), template)


class _Rest:
    """Stands in for the SDK's `RESTClientObject`."""

    def __init__(self, pool: urllib3.PoolManager) -> None:
        self.pool = pool
        for method in ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"):
            setattr(self, method, partial(self._request, method))

    def _request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        query_params: Sequence[tuple[str, Any]] | None = None,
        body: Any = None,
        **_: Any,
    ) -> Answer:
        if query_params:
            url = f"{url}?{urlencode([(name, _query_value(value)) for name, value in query_params])}"
        sent = {"Content-Type": "application/json", **(headers or {})}
        octets = None if body is None else json.dumps(body).encode()
        response = self.pool.request(method, url, body=octets, headers=sent, redirect=False, retries=False)
        return Answer(response.status, {name.lower(): value for name, value in response.headers.items()}, response.data)


def _query_value(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def answer_of(value: Any) -> Answer:
    """What a method of the SDK gave, by its true type."""
    assert isinstance(value, Answer), "the fence must be around every API object"
    return value
