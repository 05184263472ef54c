"""A client out of the settings."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from connectors.salesforce.auth import ClientCredentials, Given, JwtBearer, Password
from connectors.salesforce.calls import Metered
from connectors.salesforce.errors import Denied
from connectors.salesforce.opening import domain_of, open_client, way_of
from connectors.salesforce.settings import API_VERSION, SalesforceSettings
from tests.fakes.salesforce import running_salesforce


def settings(**said: Any) -> SalesforceSettings:
    return TypeAdapter(SalesforceSettings).validate_python(said)


JWT = {"consumer_key": "k", "username": "u@acme.example", "private_key": "-----BEGIN"}
SECRET = {"auth": "client_credentials", "domain": "acme.my", "consumer_key": "k", "consumer_secret": "s"}
SESSION = {"auth": "session", "domain": "acme.my", "session_id": "00D!x"}
PASSWORD = {"auth": "password", "username": "u@acme.example", "password": "p"}


@pytest.mark.parametrize(
    ("said", "way"),
    [
        (JWT, JwtBearer("login", "k", "u@acme.example", "-----BEGIN\n")),
        (JWT | {"domain": "test"}, JwtBearer("test", "k", "u@acme.example", "-----BEGIN\n")),
        (SECRET, ClientCredentials("acme.my", "k", "s")),
        (SESSION, Given("acme.my.salesforce.com", "00D!x")),
        (PASSWORD, Password("login", "u@acme.example", "p", "")),
        (PASSWORD | {"security_token": "t"}, Password("login", "u@acme.example", "p", "t")),
    ],
)
def test_each_way_to_log_in(said: dict[str, Any], way: Any) -> None:
    assert way_of(settings(**said)) == way


@pytest.mark.parametrize(
    ("said", "missing"),
    [(JWT, name) for name in JWT]
    + [(SECRET, name) for name in ("domain", "consumer_key", "consumer_secret")]
    + [(SESSION, name) for name in ("domain", "session_id")]
    + [(PASSWORD, name) for name in ("username", "password")],
)
def test_what_is_missing_is_named(said: dict[str, Any], missing: str) -> None:
    with pytest.raises(Denied, match=missing.upper() if missing in _SECRETS else rf"salesforce\.{missing} is not set"):
        way_of(settings(**{**said, missing: " "}))


_SECRETS = {"private_key", "consumer_secret", "session_id", "password"}


def test_client_credentials_need_the_org_s_own_domain() -> None:
    with pytest.raises(Denied, match="only work at the org's My Domain"):
        way_of(settings(**SECRET | {"domain": "login"}))


@pytest.mark.parametrize(
    ("said", "domain"),
    [
        ("acme.my", "acme.my"),
        (" https://acme.my.salesforce.com/ ", "acme.my"),
        ("ACME.my.salesforce.com", "acme.my"),
        ("acme--uat.sandbox.my", "acme--uat.sandbox.my"),
        ("https://acme.lightning.force.com", "acme.my"),
        ("", ""),
    ],
)
def test_a_domain_may_be_given_as_people_see_it(said: str, domain: str) -> None:
    assert domain_of(said) == domain


def test_what_cannot_be_a_domain() -> None:
    with pytest.raises(Denied, match=r"salesforce\.domain must be the org's My Domain"):
        domain_of("acme.my@evil.example/")


@pytest.mark.parametrize("address", ["http://org.example", "ftp://127.0.0.1", "org.example", "https://"])
def test_a_token_never_travels_in_the_open(address: str) -> None:
    with pytest.raises(Denied, match="must begin with https"):
        open_client(settings(**SESSION, base_url=address))


def test_the_settings_reach_the_client() -> None:
    said = {"attempts": 2, "longest_pause": 3, "parallel_calls": 5, "bulk_from": 7, "bulk_minutes": 2}
    said |= {"connect_timeout": 1, "read_timeout": 4}
    client = open_client(settings(**SESSION, **said, base_url="http://localhost:1/"))
    assert (client.patience.attempts, client.patience.longest_pause) == (2, 3)
    assert (client.timeouts.connect, client.timeouts.read) == (1, 4)
    assert (client.parallel, client.bulk_from, client.bulk_seconds) == (5, 7, 120)
    assert (client.base_url, client.version, client.reserve) == ("http://localhost:1", API_VERSION, 0.2)


def test_the_version_is_one() -> None:
    with pytest.raises(ValidationError):
        settings(api_version="v66")


def test_every_answer_can_be_metered() -> None:
    heard: list[Metered] = []
    with running_salesforce() as server:
        said = SESSION | {"session_id": server.session_id, "base_url": server.base_url}
        open_client(settings(**said), meter=heard.append).limits()
    assert [(one.method, one.path, one.status) for one in heard] == [("GET", "limits", 200)]
    assert heard[0].seconds > 0
