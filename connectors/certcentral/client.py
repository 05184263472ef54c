"""Calls to DigiCert's APIs: one pool, the key in a header, limits before each call, time-outs, retries, errors in words.

Everything that is called here may be repeated: reading, and writes that set a value.
"""

import json
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from hashlib import blake2b
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode, urlsplit

import urllib3
from sqlalchemy import Engine
from urllib3.exceptions import HTTPError

from core.errors import ConfigurationError, NolapseError, RetriableError, SkippableError
from core.limits import Limits, Window

LOG = logging.getLogger("nolapse.certcentral")
ATTEMPTS = 4
PAUSE_SECONDS = 1.0  # before the second attempt; it doubles
LIMIT_PAUSE_SECONDS = 5.0  # after a 429 that does not say how long
LONGEST_PAUSE_SECONDS = 300.0
WAIT_FOR_LIMITS_SECONDS = 400.0
_LONGEST_ANSWER = 64 * 1024 * 1024
_CHUNK = 256 * 1024
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class AbsentError(SkippableError):
    """The API does not know what was asked for."""


class RefusedError(ConfigurationError):
    """The API refuses the key, or what it asks for. `status` and `code` are the API's."""

    def __init__(self, text: str, status: int, code: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code


class Client:
    """One API with one key.

    `now` is the time of the service, by the `Date` of its latest answer: the clock of this machine may be off.
    """

    def __init__(
        self,
        name: str,
        base_url: str,
        header: str,
        key: str,
        limits: Limits,
        *,
        timeout_seconds: float,
        parallel: int,
    ) -> None:
        self.name = name
        self.base_url = _safe(name, base_url)
        self._headers = {header: key, "User-Agent": "nolapse", "Accept": "application/json"}
        self._limits = limits
        self._ahead = timedelta()
        self._pool = urllib3.PoolManager(
            num_pools=2,
            maxsize=parallel + 1,
            block=True,
            retries=False,
            timeout=urllib3.Timeout(connect=min(10.0, timeout_seconds), read=timeout_seconds),
        )

    def now(self) -> datetime:
        """The time of the service in UTC."""
        return datetime.now(UTC) + self._ahead

    def get(self, path: str, query: Mapping[str, str] | None = None) -> dict[str, Any]:
        """The object that is answered; empty where nothing is. Raises `NolapseError`s; see `_refusal`."""
        return self._attempt("GET", path, query, None)

    def put(self, path: str, body: Mapping[str, Any] | None = None) -> None:
        """Sets something."""
        self._attempt("PUT", path, None, body)

    def post(self, path: str, body: Mapping[str, Any]) -> None:
        """Sets something where the API wants it posted."""
        self._attempt("POST", path, None, body)

    def download(self, path: str, query: Mapping[str, str], accept: str, file: BinaryIO) -> None:
        """Writes an answer of any length into the file, from where it stands."""
        start = file.tell()

        def save(response: urllib3.BaseHTTPResponse) -> None:
            file.seek(start)
            file.truncate()
            for chunk in response.stream(_CHUNK, decode_content=True):
                file.write(chunk)

        self._tried("GET", path, lambda: self._call("GET", path, query, None, accept, save))

    def close(self) -> None:
        """Closes the connections."""
        self._pool.clear()

    def _attempt(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        told: list[dict[str, Any]] = []

        def read(response: urllib3.BaseHTTPResponse) -> None:
            told.append(self._object(response))

        self._tried(method, path, lambda: self._call(method, path, query, body, "application/json", read))
        return told[-1]

    def _tried(self, method: str, path: str, call: Any) -> None:
        for attempt in range(1, ATTEMPTS + 1):
            self._limits.take()
            try:
                call()
            except RetriableError as error:
                if attempt == ATTEMPTS:
                    raise
                LOG.info("%s: %s %s is tried again: %s", self.name, method, path, error)
                if not isinstance(error, _TooManyError):
                    time.sleep(PAUSE_SECONDS * 2 ** (attempt - 1))
                else:
                    self._limits.hold(error.seconds or LIMIT_PAUSE_SECONDS * 2 ** (attempt - 1))
            else:
                return

    def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | None,
        accept: str,
        take: Any,
    ) -> None:
        url = f"{self.base_url}{path}"
        if query:
            url += f"?{urlencode(query, quote_via=quote)}"
        headers = self._headers | {"Accept": accept}
        content = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        with self._plain_words(method, path):
            response = self._pool.request(
                method, url, headers=headers, body=content, redirect=False, preload_content=False
            )
            try:
                self._note_time(response)
                if not 200 <= response.status < 300:
                    raise self._refusal(method, path, response)
                take(response)
            except BaseException:
                response.close()
                raise
            response.release_conn()

    def _object(self, response: urllib3.BaseHTTPResponse) -> dict[str, Any]:
        content = _read(response)
        if not content.strip():
            return {}
        try:
            told = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise RetriableError(f"{self.name}: the answer is no JSON") from error
        if isinstance(told, list) and not told:
            return {}
        if not isinstance(told, dict):
            raise RetriableError(f"{self.name}: the answer is no JSON object")
        return told

    @contextmanager
    def _plain_words(self, method: str, path: str) -> Iterator[None]:
        try:
            yield
        except HTTPError as error:
            raise RetriableError(f"{self.name}: {method} {path} failed: {_transport(error)}") from error

    def _note_time(self, response: urllib3.BaseHTTPResponse) -> None:
        try:
            told = parsedate_to_datetime(response.headers.get("Date", ""))
        except (TypeError, ValueError, IndexError):
            return
        if told.tzinfo is not None:
            self._ahead = told.astimezone(UTC) - datetime.now(UTC)

    def _refusal(self, method: str, path: str, response: urllib3.BaseHTTPResponse) -> NolapseError:
        """The error that an answer stands for, by what is to be done: wait, go on without the item, mend a setting."""
        status = response.status
        code, message = said(_read(response))
        what = f"{self.name}: {method} {path} is answered {status}"
        told = f"{what} ({code or message})" if code or message else what
        if status == 429:
            return _TooManyError(told, _seconds(response.headers.get("Retry-After", "")))
        if status >= 500 or status in (408, 425):
            return RetriableError(told)
        if status == 404 and "route" not in code:
            return AbsentError(told)
        if status == 401 or "api_key" in code:
            return RefusedError(f"{told}; the key is wrong for {self.base_url}, check key and region", status, code)
        if status == 403:
            return RefusedError(f"{told}; the key or the account may not do this", status, code)
        if 300 <= status < 400:
            return RefusedError(f"{told}; base_url does not lead to the API", status, code)
        return RefusedError(told, status, code)


class _TooManyError(RetriableError):
    """A 429. `seconds` is what Retry-After says, 0 where it says nothing."""

    def __init__(self, text: str, seconds: float) -> None:
        super().__init__(text)
        self.seconds = seconds


def limits_for(engine: Engine, name: str, key: str, windows: tuple[Window, ...]) -> Limits:
    """The quota of this key, shared by everybody on the database. The name tells keys apart and shows nothing of them."""
    mark = blake2b(key.encode(), digest_size=4, person=b"nolapse.limits").hexdigest()
    return Limits(engine, f"{name} {mark}", windows, wait_at_most=WAIT_FOR_LIMITS_SECONDS)


def said(content: bytes) -> tuple[str, str]:
    """Code and message of a refusal; `errors` is a list, or an object. Addresses and long texts are left out."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return "", ""
    errors = told.get("errors", told.get("error")) if isinstance(told, dict) else None
    first = errors[0] if isinstance(errors, list) and errors else errors
    if not isinstance(first, dict):
        return "", ""
    return _short(first.get("code")), _short(first.get("message"))


def _short(value: object) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else ""
    return "" if "@" in text else text[:120]


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    content = response.read(_LONGEST_ANSWER + 1, decode_content=True)
    if len(content) > _LONGEST_ANSWER:
        raise RetriableError("the answer is far too long")
    return content


def _seconds(text: str) -> float:
    """What Retry-After says: seconds, or a date; 0 for neither."""
    if text.strip().isdigit():
        return min(float(text), LONGEST_PAUSE_SECONDS)
    try:
        left = (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError, IndexError):
        return 0.0
    return min(max(left, 1.0), LONGEST_PAUSE_SECONDS)


def _transport(error: HTTPError) -> str:
    """What went wrong on the way; the error's own words would repeat the address."""
    words = {
        urllib3.exceptions.NameResolutionError: "the host is not known",
        urllib3.exceptions.NewConnectionError: "the host does not answer",
        urllib3.exceptions.ConnectTimeoutError: "no connection in time",
        urllib3.exceptions.ReadTimeoutError: "no answer in time",
        urllib3.exceptions.SSLError: "no trustworthy connection",
        urllib3.exceptions.ProtocolError: "the connection broke",
    }
    return next((text for kind, text in words.items() if isinstance(error, kind)), type(error).__name__)


def _safe(name: str, base_url: str) -> str:
    """The address without its last slash. Raises `ConfigurationError` for one that would show the key to the world."""
    try:
        parts = urlsplit(base_url)
        host = parts.hostname or ""
    except ValueError:
        parts, host = urlsplit(""), ""
    if not host or parts.query or parts.username:
        raise ConfigurationError(f"{name}: base_url is no address; write https://HOST/PATH")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in _LOOPBACK):
        raise ConfigurationError(f"{name}: base_url must begin with https://, or the key could be read on the way")
    return base_url.rstrip("/")
