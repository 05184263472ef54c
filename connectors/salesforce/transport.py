"""The SDK behind a fence: everything in which `simple-salesforce` 1.12 goes wrong is put right here, once.

- It only ever sees successes. Any other answer is raised as `NoSuccess` by the session beneath it, so that its own ways
  with failures (a page of HTML read as JSON, logging in again and again, recursion without end) are never reached.
- Every call has a time-out; the SDK alone waits for ever. No redirect is followed.
- The caller's headers go with every call, since no call is repeated inside the SDK.
- The org's address is a setting: the SDK alone insists on https and on a name that ends in salesforce.com.
- Every answer can be looked at, that of a login too.
- A session is used by one thread at a time; the SDK alone shares it, and the login in it, without a lock.
"""

import json
import re
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit
from xml.parsers.expat import ExpatError

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

if TYPE_CHECKING:
    from simple_salesforce.api import Salesforce


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came: status, headers with names in lower case, the body, and how long it took (seconds)."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float = 0.0

    @property
    def done(self) -> bool:
        """Any 2xx."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body as JSON; None where there is none. Raises `ValueError` for what is not JSON."""
        return json.loads(self.body) if self.body.strip() else None


_WHOSE = re.compile(rb"/id/(?P<organization>00D\w{12,15})/(?P<user>005\w{12,15})\b")
"""The address of the user's identity, in the answer to a login by OAuth."""


class NoSuccess(Exception):
    """An answer outside 2xx, on its way around the SDK."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"answered {answer.status}")
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds to connect, and between two bytes of an answer."""

    connect: float = 5.0
    read: float = 120.0


@dataclass(frozen=True, slots=True)
class Login:
    """A session of the org: the access token, and the host that it is good for. `number` counts the logins.

    The ids of user and organization are empty where the login did not tell them.
    """

    token: str = field(repr=False)
    host: str
    user_id: str = ""
    organization_id: str = ""
    number: int = 1


@dataclass
class Transport:
    """Sends single calls, and gives whatever comes back. Safe for use by several threads.

    Raises the exceptions of `requests` where no answer came.
    """

    version: str
    base_url: str = ""
    timeouts: Timeouts = field(default_factory=Timeouts)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._idle: list[_Session] = []
        self._sessions: list[_Session] = []
        self._finish = weakref.finalize(self, _close_all, self._sessions)

    def call(
        self,
        login: Login,
        method: str,
        path: str,
        *,
        body: Any = None,
        csv: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """One call. `path` is below `/services/data/vXX.0/`, or begins with a slash; the body is JSON or CSV."""
        from simple_salesforce.util import call_salesforce

        with self._session() as session:
            sdk = session.sdk(login, self.version)
            url = f"https://{sdk.sf_instance}{path}" if path.startswith("/") else sdk.base_url + path
            sent = {**sdk.headers, **(headers or {})}
            sent.pop("X-PrettyPrint", None)  # nobody reads the answers; they are larger by half with it
            content: dict[str, Any] = {}
            if csv is not None:
                content = {"data": csv}
                sent["Content-Type"] = "text/csv; charset=UTF-8"
            elif body is not None:
                content = {"json": body}
            try:
                call_salesforce(url, method, session, sent, **content)
            except NoSuccess as refusal:
                return refusal.answer
            return session.answer()

    def log_in(self, attempt: Callable[[requests.Session], tuple[Any, Any]]) -> Login | Answer:
        """Runs one of the SDK's logins: the session, or the answer that gave none."""
        from simple_salesforce.exceptions import SalesforceAuthenticationFailed

        with self._session() as session:
            session.forget()
            try:
                token, host = attempt(session)
            except NoSuccess as refusal:
                return refusal.answer
            except (AttributeError, TypeError, ValueError, ExpatError, SalesforceAuthenticationFailed):
                # What the SDK makes of a success without a token in it.
                return session.answer()
            if not token or not host:
                return session.answer()
            whose = _WHOSE.search(session.last.body) if session.last is not None else None
            ids = (whose["user"].decode(), whose["organization"].decode()) if whose else ("", "")
            return Login(token, host.partition("/")[0], *ids)

    def close(self) -> None:
        """Closes the connections; the next call opens new ones."""
        with self._lock:
            _close_all(self._sessions)

    @contextmanager
    def _session(self) -> "Iterator[_Session]":
        """A session for one call: one that is idle, or a new one, so that there are as many as calls at once."""
        with self._lock:
            session = self._idle.pop() if self._idle else None
        if session is None:
            session = _Session(self.timeouts)
            if self.base_url:
                session.mount("https://", _Elsewhere(self.base_url))
            self._sessions.append(session)
        try:
            yield session
        finally:
            with self._lock:
                self._idle.append(session)


class _Session(requests.Session):
    """A session that knows its time-outs, follows no redirect, and raises what is no success."""

    def __init__(self, timeouts: Timeouts) -> None:
        super().__init__()
        self._timeouts = (timeouts.connect, timeouts.read)
        self.auth = _AsWritten()
        self.last: Answer | None = None
        self._sdk: tuple[Login, Salesforce] | None = None

    def request(self, method: str, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        began = time.monotonic()
        response = super().request(
            method, url, *args, **{"timeout": self._timeouts, **options, "allow_redirects": False}
        )
        headers = {name.lower(): value for name, value in response.headers.items()}
        self.last = Answer(response.status_code, headers, response.content, time.monotonic() - began)
        if not self.last.done:
            raise NoSuccess(self.last)
        return response

    def sdk(self, login: Login, version: str) -> "Salesforce":
        """The SDK's own object for a login."""
        from simple_salesforce.api import Salesforce

        if self._sdk is None or self._sdk[0] != login:
            self._sdk = (
                login,
                Salesforce(session_id=login.token, instance=login.host, version=version, session=self),
            )
        return self._sdk[1]

    def forget(self) -> None:
        """Forgets the last answer."""
        self.last = None

    def answer(self) -> Answer:
        """The last answer."""
        assert self.last is not None, "a call was answered"
        return self.last


class _AsWritten(AuthBase):
    """Leaves the header as it is: without this a .netrc of the machine would take the token's place."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class _Elsewhere(HTTPAdapter):
    """Sends what is for salesforce.com to another address, as that of a stand-in."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._there = urlsplit(base_url)

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        asked = urlsplit(request.url or "")
        request.url = urlunsplit((self._there.scheme, self._there.netloc, asked.path, asked.query, ""))
        return super().send(request, *args, **options)


def _close_all(sessions: "list[_Session]") -> None:
    for session in sessions:
        session.close()
