"""Plain calls to the stand-in, and the SDK as it comes."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce

from tests.fakes.salesforce import SalesforceServer

DATA = "/services/data/v66.0/"


@dataclass(frozen=True)
class Said:
    """An answer: its status, JSON or text, and headers."""

    status: int
    body: Any
    headers: Mapping[str, str]

    @property
    def code(self) -> str:
        """The code of its error."""
        return str(self.body[0]["errorCode"])


@dataclass
class Talk:
    """Calls as the integration user. `path` is below the version, or begins with a slash."""

    server: SalesforceServer

    def __post_init__(self) -> None:
        self._pool = urllib3.PoolManager(retries=False, timeout=20.0)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Said:
        url = self.server.base_url + (path if path.startswith("/") else DATA + path)
        sent = {"Authorization": f"Bearer {self.server.session_id}", "Content-Type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        octets = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        answer = self._pool.request(method, url, body=octets, headers=sent, redirect=False)
        text = answer.data.decode()
        said = json.loads(text) if text and "json" in answer.headers["Content-Type"] else text
        return Said(answer.status, said, answer.headers)

    def query(self, text: str) -> list[dict[str, Any]]:
        """The records of a query, attributes left out."""
        said = self("GET", "query?" + urlencode({"q": text}))
        assert said.status == 200, said.body
        return [{name: value for name, value in one.items() if name != "attributes"} for one in said.body["records"]]

    def refused(self, text: str) -> tuple[str, str]:
        """The code and the words with which a query is refused."""
        said = self("GET", "query?" + urlencode({"q": text}))
        assert said.status == 400, said.body
        return said.code, said.body[0]["message"]

    def close(self) -> None:
        self._pool.clear()


def record(sobject: str = "Account", **fields: Any) -> dict[str, Any]:
    """A record as a collection names it."""
    return {"attributes": {"type": sobject}, **fields}


def create(talk: Talk, *records: dict[str, Any]) -> Said:
    """Makes records in one call."""
    return talk("POST", "composite/sobjects", {"allOrNone": False, "records": list(records)})


class _Here(HTTPAdapter):
    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._there = urlsplit(base_url)

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        asked = urlsplit(str(request.url))
        request.url = urlunsplit((self._there.scheme, self._there.netloc, asked.path, asked.query, ""))
        return super().send(request, *args, **options)


def sdk_session(server: SalesforceServer) -> requests.Session:
    """A session that ends up at the stand-in."""
    session = requests.Session()
    session.mount("https://", _Here(server.base_url))
    return session


def sdk(server: SalesforceServer) -> Salesforce:
    """The SDK as it comes."""
    return Salesforce(
        session_id=server.session_id, instance="acme.my.salesforce.com", version="66.0", session=sdk_session(server)
    )
