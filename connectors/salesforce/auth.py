"""How the connector logs in, and what a failed login means in plain words.

The ways: JWT bearer and client credentials, both by an External Client App; an access token that somebody else has got;
and user name with password, which Salesforce ends in 2027.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import Any, Protocol

import requests

from connectors.salesforce.errors import Denied, Details, SalesforceError, details_of
from connectors.salesforce.retry import weigh, weigh_silence
from connectors.salesforce.transport import Answer, Login, Transport

SOAP_VERSION = "64.0"
"""The last version in which the login with a password exists."""

LOOK_AGAIN = 600.0
"""A login that was refused is tried again after so many seconds: refusals in a row would lock the user out."""

_SKEW = timedelta(minutes=2)


class Way(Protocol):
    """One way to log in. `renewable`: it can be gone again when the session has ended."""

    @property
    def renewable(self) -> bool: ...

    def attempt(self, session: requests.Session) -> tuple[Any, Any]:
        """The access token and the host it is good for, by the SDK. Raises `Denied` for what it cannot be tried with."""
        ...


@dataclass(frozen=True, slots=True)
class JwtBearer:
    """A token signed with the key whose certificate the app knows, for a user that it pre-authorises."""

    domain: str
    consumer_key: str
    username: str
    private_key: str = field(repr=False)
    renewable: bool = True

    def attempt(self, session: requests.Session) -> tuple[Any, Any]:
        import jwt
        from simple_salesforce.login import SalesforceLogin

        try:
            jwt.encode({}, self.private_key, algorithm="RS256")
        except (jwt.PyJWTError, TypeError, ValueError) as error:  # no PEM, another kind of key, one with a password
            text = f"salesforce.private_key is no RSA private key in PEM without a password ({type(error).__name__})"
            raise Denied(text) from None
        # The audience is one of the two login services, also where the request goes to the org's own domain.
        audience = "test" if is_sandbox_domain(self.domain) else "login"
        own = None if self.domain in ("login", "test") else self.domain
        return SalesforceLogin(
            session=session,
            username=self.username,
            consumer_key=self.consumer_key,
            privatekey=self.private_key,
            domain=audience,
            instance_url=own,
        )


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """The app's own key and secret; it acts as the user that its policy names."""

    domain: str
    consumer_key: str
    consumer_secret: str = field(repr=False)
    renewable: bool = True

    def attempt(self, session: requests.Session) -> tuple[Any, Any]:
        from simple_salesforce.login import SalesforceLogin

        return SalesforceLogin(
            session=session,
            consumer_key=self.consumer_key,
            consumer_secret=self.consumer_secret,
            domain=self.domain,
        )


@dataclass(frozen=True, slots=True)
class Password:
    """User name, password and security token: for old orgs, until June 2027."""

    domain: str
    username: str
    password: str = field(repr=False)
    security_token: str = field(repr=False)
    renewable: bool = True

    def attempt(self, session: requests.Session) -> tuple[Any, Any]:
        from simple_salesforce.login import SalesforceLogin

        return SalesforceLogin(
            session=session,
            username=self.username,
            password=self.password,
            security_token=self.security_token,
            domain=self.domain or "login",
            sf_version=SOAP_VERSION,
        )


@dataclass(frozen=True, slots=True)
class Given:
    """An access token that somebody else has got. It cannot be renewed."""

    host: str
    token: str = field(repr=False)
    renewable: bool = False

    def attempt(self, session: requests.Session) -> tuple[Any, Any]:
        return self.token, self.host


class Auth:
    """The session of the org, shared by all threads: logged in once, and once again when it has ended."""

    def __init__(self, way: Way, transport: Transport, clock: Callable[[], float] = time.monotonic) -> None:
        self.way = way
        self._transport = transport
        self._clock = clock
        self._lock = Lock()
        self._login: Login | None = None
        self._refused: tuple[SalesforceError, float] | None = None

    def login(self) -> Login:
        """The session; the first call logs in. Raises `SalesforceError`, the same again for a while."""
        with self._lock:
            return self._login or self._log_in(0)

    def renew(self, ended: Login) -> Login | None:
        """Another session in place of one that has ended; None where there is no other way. Raises as `login`."""
        with self._lock:
            if self._login is not None and self._login.number > ended.number:
                return self._login
            if not self.way.renewable:
                return None
            return self._log_in(ended.number)

    def _log_in(self, number: int) -> Login:
        if self._refused is not None and self._clock() < self._refused[1]:
            raise self._refused[0]
        try:
            got = self._transport.log_in(self.way.attempt)
        except requests.RequestException as error:
            raise weigh_silence(error).error from error
        if isinstance(got, Answer):
            raise self._keep(refused_login(got, datetime.now(UTC)))
        self._login = replace(got, number=number + 1)
        return self._login

    def _keep(self, error: SalesforceError) -> SalesforceError:
        if error.permanent:
            self._refused = (error, self._clock() + LOOK_AGAIN)
        return error


_SOAP_CODE = re.compile(rb"<(?:\w+:)?exceptionCode>(\w+)<")
_SOAP_WORDS = re.compile(rb"<(?:\w+:)?exceptionMessage>([^<]*)<")

_SAYS: tuple[tuple[str, str], ...] = (
    (
        "hasn't approved this consumer",
        "the app is not approved: install the External Client App in this org, set its policy to 'Admin approved users are "
        "pre-authorized', and give the integration user a permission set of that policy",
    ),
    (
        "not admin approved",
        "the user is not pre-authorised: give the integration user a permission set of the app's policy",
    ),
    (
        "no client credentials user",
        "the app has no user to act as: enable the client credentials flow in its policy and name a 'Run As' user",
    ),
    (
        "not supported on this domain",
        'client credentials only work at the org\'s My Domain: set salesforce.domain to it, as "acme.my"',
    ),
    (
        "audience",
        'the org is of another kind than salesforce.domain says: name its My Domain ("acme.my", a sandbox '
        '"acme--name.sandbox.my")',
    ),
    (
        "invalid assertion",
        "the key is not that of the certificate in the app, or the user name is not of this org: check "
        "salesforce.private_key, salesforce.username and salesforce.domain",
    ),
    ("expired", "the login was too old when it came: set the clock of this machine"),
    ("user is locked", "the user is locked out; unlock it in Setup"),
    ("ip restricted", "the user or the app may not log in from this network; extend its IP ranges"),
    ("inactive user", "the integration user is not active; activate it in Setup"),
    ("unsupported_grant_type", "this way to log in is not switched on in the app"),
)


def refused_login(answer: Answer, now: datetime) -> SalesforceError:
    """What a login that gave no session means, with what to do."""
    if answer.done:
        text = "answered the login with something that is no session; check salesforce.domain and salesforce.base_url"
        return Denied(text, Details(status=answer.status))
    details = _details(answer)
    said = f"{details.code} {details.message}".lower()
    advice = next((text for words, text in _SAYS if words in said), "")
    if advice and not details.code.isupper():  # what OAuth says in words, SOAP says by its codes
        skew = clock_skew(answer.headers, now)
        if skew and details.code == "invalid_grant":
            advice = f"{skew}; else {advice}"
        return Denied(advice, details)
    if 400 <= answer.status < 500 and (answer.status in (404, 410) or not details.code):
        return Denied("there is no login at this address; check that salesforce.domain is the org's My Domain", details)
    return weigh(answer, details).error


def _details(answer: Answer) -> Details:
    """What the refusal says: as JSON of OAuth, or as a fault of the SOAP login."""
    code, words = _SOAP_CODE.search(answer.body), _SOAP_WORDS.search(answer.body)
    if code is not None:
        return Details(answer.status, code[1].decode(), words[1].decode(errors="replace") if words else "")
    return details_of(answer)


def clock_skew(headers: Mapping[str, str], now: datetime) -> str:
    """A sentence about this machine's clock, where it is off by the answer's own time; else empty."""
    try:
        theirs = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return ""
    apart = now - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))
    if abs(apart) < _SKEW:
        return ""
    minutes = round(abs(apart).total_seconds() / 60)
    return f"the clock of this machine is {minutes} minutes {'ahead' if apart > timedelta(0) else 'behind'}: set it"


def is_sandbox_domain(domain: str) -> bool:
    """Whether a My Domain, or one of the two login services, is that of a sandbox or scratch org."""
    return domain == "test" or ".sandbox." in f".{domain}." or ".scratch." in f".{domain}."
