from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pydantic import SecretStr

from connectors.salesforce.capabilities import standard_fields, standard_findings
from connectors.salesforce.check import run_check
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.fields import ORDER_OBJECT
from connectors.salesforce.opening import open_client
from connectors.salesforce.settings import SalesforceSettings
from core.ports import Finding
from tests.connectors.salesforce.clients import quick_client
from tests.connectors.salesforce.installations import CASE_STAGES
from tests.connectors.salesforce.test_provisioning import SETS, assign, deploy
from tests.fakes.salesforce import App, ManualClock, Org, RealClock, SalesforceServer, running_salesforce

SETTINGS = SalesforceSettings(auth="client_credentials", domain="acme.my")


@pytest.fixture
def server() -> Iterator[SalesforceServer]:
    """An org that is ready."""
    with running_salesforce() as server:
        deploy(server.org, "force-app", "deals", "email-messages")
        assign(server.org, *SETS)
        yield server


def check(server: SalesforceServer, **changes: Any) -> dict[str, list[Finding]]:
    return told(quick_client(server), replace(SETTINGS, **changes))


def told(client: SalesforceClient, settings: SalesforceSettings) -> dict[str, list[Finding]]:
    found: dict[str, list[Finding]] = {}
    for one in run_check(client, settings):
        assert "\n" not in one.text + one.advice
        found.setdefault(one.subject.removeprefix("Salesforce").strip(), []).append(one)
    client.close()
    return found


def bad(found: dict[str, list[Finding]]) -> list[str]:
    return [f"{one.subject}: {one.text} ({one.advice})" for each in found.values() for one in each if not one.ok]


def test_an_org_that_is_ready_is_good(server: SalesforceServer) -> None:
    found = check(server)
    assert bad(found) == []
    assert found[""][0].text.endswith("(Enterprise Edition), API 66.0, logged in by client credentials")
    assert "of the org's 100000 calls in 24 hours are used; we stop at 80000" in found["limits"][0].text
    assert [one.text for one in found["fields"]] == ["those of Salesforce's own that are needed can be used"]
    assert found["mail log"][0].text == "mails are logged as e-mail messages"
    assert found["stages"][0].text == "8 of our stages have a place in Certificate_Order__c.Stage__c"
    assert {call.method for call in server.calls} == {"GET"}


def test_a_sandbox_and_a_trial_are_told_apart() -> None:
    with running_salesforce(Org(is_sandbox=True, edition="Developer Edition")) as server:
        (org,) = server.org.shelves["Organization"].values()
        org["TrialExpirationDate"] = "2026-12-31T00:00:00.000+0000"
        text = check(server)[""][0].text
    assert "(sandbox of Developer Edition, which ends on 2026-12-31)" in text


def test_what_is_missing_is_told_and_setup_named() -> None:
    with running_salesforce() as server:
        found = check(server)
    assert f"{ORDER_OBJECT}: the object is missing or hidden" in [one.text for one in found["package"]]
    assert {one.advice for one in found["package"]} == {"`nolapse setup salesforce` tells what to do"}
    assert not found["permission sets"][0].ok
    assert "`nolapse setup salesforce` tells what to do" in found["stages"][0].text


@pytest.mark.parametrize(
    ("auth", "warned"),
    [("password", "ends the login with user name and password in June 2027"), ("session", "cannot be renewed")],
)
def test_a_login_that_does_not_last_is_warned_of(server: SalesforceServer, auth: Any, warned: str) -> None:
    (found,) = check(server, auth=auth)["login"]
    assert found.ok
    assert found.text.startswith("warning: ")
    assert warned in found.text
    assert 'salesforce.auth = "jwt"' in found.advice


def test_deals_and_events_that_are_not_seen_fall_back_to_calls(server: SalesforceServer) -> None:
    (found,) = check(server)["open deals and talks"]
    assert (found.ok, found.text) == (True, "turn calls into notes; opportunities, tasks and events are seen")
    server.org.hide("Opportunity")
    server.org.hide("Event")
    (lacking,) = check(server)["open deals and talks"]
    assert lacking.ok
    assert lacking.text == "warning: opportunities and events are not seen, so that calls are made all the same"
    assert "Nolapse_Engine_Deals" in lacking.advice
    (unwanted,) = check(server, open_deals=False)["open deals and talks"]
    assert "warning: events are not seen" in unwanted.text


@pytest.mark.parametrize("version", ["69.0", "30.0"])
def test_a_version_that_the_org_does_not_speak_is_told_with_its_newest(version: str) -> None:
    settings = replace(SETTINGS, api_version=version)
    with running_salesforce(Org(versions=("66.0", "67.0", "68.0"))) as server:
        (only,) = told(quick_client(server, version=version), settings)[""]
        assert not only.ok
        assert only.advice == 'set salesforce.api_version = "68.0"'
        (beside,) = told(quick_client(server), settings)["API"]
    assert beside.text == f"the org does not speak version {version}; its newest is 68.0"


def test_an_org_that_is_not_there_is_one_line() -> None:
    with running_salesforce() as server:
        client = quick_client(server, base_url="http://127.0.0.1:9")
        (only,) = [one for each in told(client, SETTINGS).values() for one in each]
    assert not only.ok
    assert "cannot be reached" in only.text
    assert only.advice == ""


def test_calls_that_are_used_up_to_the_reserve_are_told(server: SalesforceServer) -> None:
    server.org.calls_used = 79_990
    assert check(server)["limits"][0].ok
    server.org.calls_used = 80_000
    found = check(server)["limits"][0]
    assert not found.ok
    assert "daily_reserve_percent" in found.advice


def test_an_org_that_does_not_tell_its_calls_is_good(server: SalesforceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SalesforceClient, "usage", None)
    (found,) = check(server)["limits"]
    assert found.ok
    assert found.text == "the org does not tell how many of its calls are used"


@pytest.mark.parametrize(
    ("sobject", "name", "ok", "words"),
    [
        ("Contact", "HasOptedOutOfEmail", True, "who refuses mails is unknown: nobody gets offers"),
        ("Contact", "DoNotCall", True, "who refuses calls is not marked there"),
        ("Task", "TaskSubtype", True, "calls are plain tasks"),
        ("Task", "ReminderDateTime", True, "nobody is reminded of tasks"),
        ("Account", "Website", True, "accounts are not found by it"),
        ("Task", "WhoId", False, "Task.WhoId hidden or read-only, but needed"),
        ("Contact", "Email", False, "Contact.Email hidden or read-only, but needed"),
    ],
)
def test_a_hidden_field_of_salesforce_s_own_is_told_with_what_follows(
    server: SalesforceServer, sobject: str, name: str, ok: bool, words: str
) -> None:
    server.org.hide(sobject, name)
    found = standard_findings(quick_client(server), SETTINGS)
    assert any(words in one.text for one in found)
    assert all(one.ok for one in found) is ok


def test_a_field_that_is_only_read_may_be_read_only_and_others_not(server: SalesforceServer) -> None:
    server.org.protect("Contact", "HasOptedOutOfEmail")
    server.org.protect("Task", "Description", "TaskSubtype")
    found = check(server)["fields"]
    assert found[0].text == "Task.Description hidden or read-only, but needed"
    assert [one.text for one in found[1:]] == ["Task.TaskSubtype is hidden or read-only: calls are plain tasks"]


def test_fields_of_cases_count_where_orders_are_cases() -> None:
    names = {(one.sobject, one.name) for one in standard_fields(replace(SETTINGS, record="case"))}
    assert {("Case", "Subject"), ("Case", "Status"), ("Case", "AccountId"), ("Case", "ContactId")} <= names
    opportunity = {(one.sobject, one.name) for one in standard_fields(replace(SETTINGS, record="opportunity"))}
    assert {("Opportunity", "CloseDate"), ("Opportunity", "Amount")} <= opportunity
    assert not any(
        sobject == ORDER_OBJECT for sobject, _ in names | {(one.sobject, one.name) for one in standard_fields(SETTINGS)}
    )
    without = standard_fields(replace(SETTINGS, match=("people",), reminder_hour=-1))
    assert {("Account", "Website"), ("Task", "ReminderDateTime")}.isdisjoint((one.sobject, one.name) for one in without)


def test_orders_as_cases_are_checked(server: SalesforceServer) -> None:
    deploy(server.org, "orders-as-cases")
    found = check(server, record="case", stages=CASE_STAGES)
    assert bad(found) == []
    server.org.hide("Case", "ContactId")
    assert "Case.ContactId is hidden or read-only: it stays empty" in [
        one.text for one in check(server, record="case", stages=CASE_STAGES)["fields"]
    ]


def test_what_cannot_be_used_of_mail_falls_back(server: SalesforceServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.org.hide("EmailMessage")
    monkeypatch.setattr(SalesforceClient, "actions", lambda self: frozenset())
    found = check(server)
    assert "mails are logged as completed tasks" in found["mail log"][0].text
    assert found["e-mail"][0].text == 'cannot be sent by the user (Send Email); mail.via = "smtp" does without'
    assert "our own mails go instead" in found["cadences"][0].text
    assert bad(found) == []
    assert check(server, log_mails="task")["mail log"][0].text == "mails are logged as completed tasks"


def test_a_cadence_that_cannot_be_used_is_told() -> None:
    for cadences in (True, False):
        with running_salesforce(Org(cadences=cadences)) as server:
            deploy(server.org, "force-app", "deals", "email-messages")
            (found,) = check(server, cadence="Renewals")["cadences"]
        assert found.ok is cadences
        assert cadences or found.advice == "set salesforce.cadence to nothing"


def test_one_part_that_fails_does_not_hide_the_others(server: SalesforceServer) -> None:
    server.fail("API_DISABLED_FOR_ORG", "actions.*", times=5)
    found = check(server)
    assert not found["mails"][0].ok
    assert found["package"][0].ok


# Logging in.


@pytest.fixture(scope="module")
def keys() -> tuple[str, str]:
    """A private key, and the public one that the app knows."""
    return pair()


def pair() -> tuple[str, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()


def by_jwt(server: SalesforceServer, keys: tuple[str, str], app: App, **changes: Any) -> dict[str, list[Finding]]:
    app.certificate = app.certificate or keys[1]
    server.org.add_app(app)
    settings = SalesforceSettings(
        domain="acme.my", consumer_key=app.consumer_key, username="integration@acme.example",
        private_key=SecretStr(keys[0]), base_url=server.base_url,
    )  # fmt: skip
    settings = replace(settings, **changes)
    return told(open_client(settings), settings)


def test_a_login_by_jwt_is_good(keys: tuple[str, str]) -> None:
    with running_salesforce() as server:
        found = by_jwt(server, keys, App("key-1"))
    assert found[""][0].text.endswith("logged in by JWT bearer")


@pytest.mark.parametrize(
    ("of_app", "changes", "words"),
    [
        ({"installed": False}, {}, "the app is not approved"),
        ({"approved": set()}, {}, "the user is not pre-authorised"),
        ({}, {"domain": "acme--uat.sandbox.my"}, "name its My Domain"),
        ({}, {"username": "nobody@acme.example"}, "the app is not approved"),
    ],
)
def test_a_login_that_is_refused_is_one_line_with_the_way_out(
    keys: tuple[str, str], of_app: dict[str, Any], changes: dict[str, Any], words: str
) -> None:
    with running_salesforce() as server:
        found = by_jwt(server, keys, App("key-1", **of_app), **changes)
    (only,) = [one for each in found.values() for one in each]
    assert not only.ok
    assert words in only.text


def test_a_key_that_the_app_does_not_know_is_told(keys: tuple[str, str]) -> None:
    with running_salesforce() as server:
        (only,) = by_jwt(server, keys, App("key-1", certificate=pair()[1]))[""]
    assert not only.ok
    assert "the key is not that of the certificate in the app" in only.text


@pytest.mark.parametrize("apart", [timedelta(hours=2), timedelta(hours=-2)])
def test_a_clock_that_is_wrong_is_told(keys: tuple[str, str], apart: timedelta) -> None:
    with running_salesforce(Org(clock=ManualClock(RealClock().now() + apart))) as server:
        found = by_jwt(server, keys, App("key-1"))
    (only,) = found[""]
    assert not only.ok
    assert "clock of this machine" in only.text


def test_client_credentials_without_a_user_are_told() -> None:
    with running_salesforce() as server:
        server.org.add_app(App("key-1", consumer_secret="quiet"))
        settings = replace(SETTINGS, consumer_key="key-1", consumer_secret=SecretStr("quiet"), base_url=server.base_url)
        (only,) = told(open_client(settings), settings)[""]
    assert not only.ok
    assert "name a 'Run As' user" in only.text
    assert "quiet" not in only.text
