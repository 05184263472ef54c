"""Logging in, once and once again, and what a failed login means."""

import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.salesforce.auth import (
    LOOK_AGAIN,
    ClientCredentials,
    JwtBearer,
    Password,
    Way,
    clock_skew,
    is_sandbox_domain,
    refused_login,
)
from connectors.salesforce.client import Identity, SalesforceClient
from connectors.salesforce.errors import Busy, Denied
from connectors.salesforce.transport import Answer
from tests.connectors.salesforce.clients import quick_client
from tests.fakes.salesforce import App, ManualClock, Org, SalesforceServer, running_salesforce

CONSUMER = "3MVG9.consumer"
USER = "integration@acme.example"


@cache
def key_pair() -> tuple[str, str]:
    """A private key and its public one, in PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


@pytest.fixture
def server() -> Iterator[SalesforceServer]:
    with running_salesforce(Org()) as server:
        app = App(CONSUMER, "secret", key_pair()[1], run_as=USER)
        server.org.add_app(app)
        yield server


@pytest.fixture
def app(server: SalesforceServer) -> App:
    return server.org.apps[0]


def jwt_way(**said: Any) -> JwtBearer:
    return replace(JwtBearer("acme.my", CONSUMER, USER, key_pair()[0]), **said)


SECRET = ClientCredentials("acme.my", CONSUMER, "secret")


@pytest.mark.parametrize("way", [jwt_way(), jwt_way(domain="login"), SECRET], ids=["my domain", "login", "secret"])
def test_a_login_by_an_app(server: SalesforceServer, app: App, way: Way) -> None:
    client = quick_client(server, way=way)
    assert client.identity() == Identity(server.org.user, server.org.organization_id, USER)
    assert client.limits()
    assert len(app.logins) == 1
    assert server.count("login.userinfo") == 0


def test_the_host_is_that_of_the_token_s_answer(server: SalesforceServer) -> None:
    client = quick_client(server, way=jwt_way(domain="login"))
    assert client.auth.login().host == "acme.my.salesforce.com"


def test_a_sandbox_has_an_audience_of_its_own() -> None:
    with running_salesforce(Org(is_sandbox=True)) as server:
        server.org.add_app(App(CONSUMER, certificate=key_pair()[1]))
        assert quick_client(server, way=jwt_way(domain="acme--uat.sandbox.my")).identity().username == USER
        with pytest.raises(Denied, match="the org is of another kind"):
            quick_client(server, way=jwt_way()).identity()


@pytest.mark.parametrize(
    ("domain", "sandbox"),
    [("login", False), ("test", True), ("acme.my", False), ("acme--uat.sandbox.my", True), ("x.scratch.my", True)],
)
def test_which_domains_are_sandboxes(domain: str, *, sandbox: bool) -> None:
    assert is_sandbox_domain(domain) is sandbox


class TestPassword:
    def test_it_works_in_the_last_version_that_has_it(self, server: SalesforceServer) -> None:
        server.org.passwords[USER] = "hunter2token"
        client = quick_client(server, way=Password("login", USER, "hunter2", "token"))
        assert client.identity().username == USER
        assert server.calls[0].path == "/services/Soap/u/64.0"

    def test_one_that_has_expired(self) -> None:
        fault = b"<sf:exceptionCode>INVALID_OPERATION_WITH_EXPIRED_PASSWORD</sf:exceptionCode>"
        refusal = refused_login(Answer(500, {}, fault), datetime.now(UTC))
        assert "set a new one, or use jwt" in str(refusal)

    def test_a_wrong_one_is_told_as_such(self, server: SalesforceServer) -> None:
        client = quick_client(server, way=Password("login", USER, "wrong", "token"))
        with pytest.raises(Denied, match="user name, password or security token is wrong") as refusal:
            client.identity()
        assert "code INVALID_LOGIN" in str(refusal.value)
        assert USER not in str(refusal.value)


class TestRenewal:
    def test_a_session_that_has_ended_is_renewed_and_the_call_made_again(
        self, server: SalesforceServer, app: App
    ) -> None:
        client = quick_client(server, way=SECRET)
        client.limits()
        server.org.end_sessions()
        client.limits()
        assert len(app.logins) == 2
        assert [call.status for call in server.came("limits")] == [200, 401, 200]

    def test_headers_and_body_of_the_call_stay(self, server: SalesforceServer) -> None:
        client = quick_client(server, way=SECRET)
        client.limits()
        server.org.end_sessions()
        heard: list[dict[str, str]] = []
        answer = server.answer

        def overhear(method: str, target: str, headers: dict[str, str], octets: bytes) -> Any:
            heard.append(headers)
            return answer(method, target, headers, octets)

        server.answer = overhear  # type: ignore[method-assign]
        client.caller.ask("POST", "jobs/ingest", body={"object": "Account", "operation": "insert"})
        before, login, after = heard
        assert before.pop("authorization") != after.pop("authorization")
        assert before == after
        assert "sforce-auto-assign" in after
        assert "sforce-auto-assign" not in login
        first, second = server.came("bulk.create")
        assert (first.status, second.status) == (401, 200)
        assert first.body == second.body

    def test_it_is_renewed_once_and_not_for_ever(self, server: SalesforceServer, app: App) -> None:
        server.fail("INVALID_SESSION_ID", "limits", times=100)
        with pytest.raises(Denied, match="the session is not accepted"):
            quick_client(server, way=SECRET).limits()
        assert (len(app.logins), server.count("limits")) == (2, 2)

    @pytest.mark.parametrize("body", [{"error": "not a list"}, "<html>no</html>"], ids=["an object", "a page"])
    def test_a_refusal_in_another_form_is_one_too(self, server: SalesforceServer, body: Any) -> None:
        client = quick_client(server, way=SECRET)
        if isinstance(body, dict):
            server.fail("INVALID_SESSION_ID", "limits", message="", times=1)
        else:
            server.fail(401, "limits")
        assert client.limits()

    def test_many_threads_renew_it_once(self, server: SalesforceServer, app: App) -> None:
        client = quick_client(server, way=SECRET)
        client.limits()
        server.org.end_sessions()
        threads = [threading.Thread(target=client.limits) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(app.logins) == 2
        assert sum(call.status == 200 for call in server.came("limits")) == 7

    def test_a_given_session_cannot_be_renewed(self, server: SalesforceServer) -> None:
        client = quick_client(server)
        server.org.end_sessions()
        with pytest.raises(Denied, match="the session is not accepted"):
            client.limits()
        assert server.count() == 1


Spoil = Callable[[SalesforceServer, App], None]


def _not_installed(_: SalesforceServer, app: App) -> None:
    app.installed = False


def _not_approved(_: SalesforceServer, app: App) -> None:
    app.approved = set()


def _other_key(_: SalesforceServer, app: App) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    app.certificate = other.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def _inactive(server: SalesforceServer, _: App) -> None:
    server.org.deactivate(server.org.user)


def _no_flow(_: SalesforceServer, app: App) -> None:
    app.jwt = False


def _network(_: SalesforceServer, app: App) -> None:
    app.restricted_network = True


def _blocked(_: SalesforceServer, app: App) -> None:
    app.blocked = True


def _no_run_as(_: SalesforceServer, app: App) -> None:
    app.run_as = ""


def _unspoiled(_: SalesforceServer, app: App) -> None:
    assert app.installed


class TestRefusedLogins:
    @pytest.mark.parametrize(
        ("way", "spoil", "words"),
        [
            (jwt_way(), _not_installed, "the app is not approved"),
            (jwt_way(), _not_approved, "the user is not pre-authorised"),
            (SECRET, _not_approved, "the user is not pre-authorised"),
            (jwt_way(), _other_key, "the key is not that of the certificate"),
            (jwt_way(), _inactive, "the user is not active"),
            (jwt_way(), _no_flow, "not switched on in the app"),
            (jwt_way(), _network, "may not log in from this network"),
            (jwt_way(), _blocked, "the app is blocked"),
            (SECRET, _no_run_as, "name a 'Run As' user"),
            (ClientCredentials("acme.my", CONSUMER, "wrong"), _unspoiled, "the consumer secret is wrong"),
            (ClientCredentials("acme.my", "other", "secret"), _unspoiled, "the consumer key is wrong"),
            (jwt_way(private_key="no key"), _unspoiled, "is no RSA private key in PEM"),
        ],
        ids=lambda value: getattr(value, "__name__", None) or (value[:30] if isinstance(value, str) else None),
    )
    def test_each_says_what_to_do(self, server: SalesforceServer, app: App, way: Way, spoil: Spoil, words: str) -> None:
        spoil(server, app)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # the SDK warns in one of them
            with pytest.raises(Denied, match=words) as refusal:
                quick_client(server, way=way).limits()
        assert "secret" not in str(refusal.value).replace("consumer_secret", "").replace("consumer secret", "")

    def test_a_wrong_address_of_the_org(self, server: SalesforceServer) -> None:
        server.fail(404, "login.token")
        with pytest.raises(Denied, match=r"no login at this address; check that salesforce\.domain"):
            quick_client(server, way=SECRET).limits()

    def test_a_page_in_place_of_an_answer(self, server: SalesforceServer) -> None:
        server.malform("login.token")
        with pytest.raises(Denied, match="something that is no session"):
            quick_client(server, way=SECRET).limits()

    def test_an_answer_without_an_instance(self, server: SalesforceServer) -> None:
        def without(self: Any, session: Any) -> tuple[Any, Any]:
            session.get("https://acme.my.salesforce.com/services/data")
            return "token", None

        class Odd(ClientCredentials):
            attempt = without

        with pytest.raises(Denied, match="something that is no session"):
            quick_client(server, way=Odd("acme.my", CONSUMER, "secret")).limits()

    def test_a_login_service_that_is_down_is_worth_another_try(self, server: SalesforceServer) -> None:
        client = quick_client(server, way=SECRET)
        server.fail(503, "login.token")
        with pytest.raises(Exception, match="could not answer now") as trouble:
            client.limits()
        assert trouble.value.permanent is False  # type: ignore[attr-defined]
        assert client.limits()

    def test_a_refusal_is_not_provoked_again_and_again(self, server: SalesforceServer, app: App) -> None:
        now = [0.0]
        client = quick_client(server, way=ClientCredentials("acme.my", CONSUMER, "wrong"))
        client.auth._clock = lambda: now[0]
        for _ in range(3):
            with pytest.raises(Denied, match="the consumer secret is wrong"):
                client.limits()
        assert server.count("login.token") == 1
        app.consumer_secret = "wrong"
        now[0] = LOOK_AGAIN
        assert client.limits()

    def test_a_clock_that_is_off_is_named(self) -> None:
        # The stand-in's own clock is off, and so is the date of its answers.
        clock = ManualClock(datetime.now(UTC) - timedelta(minutes=40))
        body = b'{"error": "invalid_grant", "error_description": "expired authorization code"}'
        date = clock.now().strftime("%a, %d %b %Y %H:%M:%S GMT")
        refusal = refused_login(Answer(400, {"date": date}, body), datetime.now(UTC))
        assert "the clock of this machine is 40 minutes ahead: set it" in str(refusal)

    def test_an_assertion_that_comes_too_late(self) -> None:
        with running_salesforce(Org(clock=ManualClock(datetime.now(UTC) + timedelta(minutes=30)))) as server:
            server.org.add_app(App(CONSUMER, certificate=key_pair()[1]))
            with pytest.raises(Denied, match="set the clock of this machine"):
                quick_client(server, way=jwt_way()).limits()


@pytest.mark.parametrize(
    ("date", "words"),
    [
        ("Sat, 21 Nov 2026 12:00:00 GMT", ""),
        ("Sat, 21 Nov 2026 12:01:30 GMT", ""),
        ("Sat, 21 Nov 2026 11:00:00 GMT", "60 minutes ahead"),
        ("Sat, 21 Nov 2026 12:05:00 GMT", "5 minutes behind"),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_a_clock_is_off_by_more_than_two_minutes(date: str, words: str) -> None:
    said = clock_skew({"date": date}, datetime(2026, 11, 21, 12, tzinfo=UTC))
    assert words in said
    assert bool(said) is bool(words)


def test_too_many_logins_are_waited_for() -> None:
    body = b'{"error": "rate_limit_exceeded", "error_description": "login rate exceeded"}'
    assert isinstance(refused_login(Answer(400, {}, body), datetime.now(UTC)), Busy)


def test_no_secret_is_in_what_is_shown(server: SalesforceServer) -> None:
    ways: list[Way] = [jwt_way(), SECRET, Password("login", USER, "hunter2", "token")]
    shown = "".join(repr(SalesforceClient(way=way)) for way in ways)
    for secret in ("PRIVATE KEY", "'secret'", "hunter2", "'token'"):
        assert secret not in shown
