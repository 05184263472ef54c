import json
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Desk
from tests.connectors.salesforce.installations import PACKAGE
from tests.fakes.hubspot import HubSpotServer, running_hubspot
from tests.fakes.salesforce import SalesforceServer, running_salesforce


@pytest.fixture
def hubspot(nolapse: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubSpotServer]:
    with running_hubspot() as server:
        monkeypatch.setenv("NOLAPSE_SYNC__CRM", "hubspot")
        monkeypatch.setenv("NOLAPSE_HUBSPOT__TOKEN", server.token)
        monkeypatch.setenv("NOLAPSE_HUBSPOT__BASE_URL", server.base_url)
        monkeypatch.setenv("NOLAPSE_HUBSPOT__CALLS_PER_10_SECONDS", "100000")
        monkeypatch.setenv("NOLAPSE_HUBSPOT__CALLS_PER_DAY", "625000")
        yield server


def test_it_is_planned_made_repeated_and_undone(nolapse: Desk, hubspot: HubSpotServer) -> None:
    planned = nolapse("setup", "hubspot", "--dry-run")
    assert planned.code == 0
    assert "would make nolapse_order_key" in planned.out
    assert hubspot.writes() == []
    made = nolapse("setup", "hubspot")
    assert made.code == 0
    assert "HubSpot pipeline: made Certificate renewals with 8 stages" in made.out
    again = nolapse("setup", "hubspot", "--json").json
    assert {one["ok"] for one in again} == {True}
    assert "all 8 stages are there" in json.dumps(again)
    checked = nolapse("check", code=None)
    assert "HubSpot pipeline: tickets in a pipeline with 8 of our stages" in checked.out
    assert "would be removed" in nolapse("setup", "--undo", "--dry-run").out
    removed = nolapse("setup", "--undo")
    assert removed.code == 0
    assert "HubSpot property nolapse_order_key of tickets: removed" in removed.out
    assert "there is nothing that `nolapse setup hubspot` has made" in nolapse("setup", "--undo").out


def test_a_setup_that_lacks_something_ends_with_1(nolapse: Desk, hubspot: HubSpotServer) -> None:
    hubspot.fail(400, "pipelines.create")
    said = nolapse("setup", "hubspot", code=1)
    assert "BAD  HubSpot pipeline: " in said.out


def test_a_wrong_token_is_one_line(nolapse: Desk, hubspot: HubSpotServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOLAPSE_HUBSPOT__TOKEN", "wrong")
    nolapse("migrate")
    said = nolapse("setup", "hubspot", code=2)
    assert len(said.err.strip().splitlines()) == 1
    assert "NOLAPSE_HUBSPOT__TOKEN" in said.err


def test_only_the_crm_that_is_set_is_set_up(nolapse: Desk) -> None:
    assert "set [sync] crm to it first" in nolapse("setup", "hubspot", code=2).err


def test_the_embedded_crm_has_nothing_to_undo(nolapse: Desk) -> None:
    assert nolapse("setup").code == 0
    assert "nothing that could be removed" in nolapse("setup", "--undo", code=2).err


def test_without_a_crm_there_is_nothing_to_set_up(nolapse: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOLAPSE_SYNC__CRM", "")
    assert "no CRM is set; set [sync] crm" in nolapse("setup", code=2).err


@pytest.fixture
def salesforce(nolapse: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[SalesforceServer]:
    with running_salesforce() as server:
        monkeypatch.setenv("NOLAPSE_SYNC__CRM", "salesforce")
        monkeypatch.setenv("NOLAPSE_SALESFORCE__AUTH", "session")
        monkeypatch.setenv("NOLAPSE_SALESFORCE__DOMAIN", "acme.my")
        monkeypatch.setenv("NOLAPSE_SALESFORCE__SESSION_ID", server.session_id)
        monkeypatch.setenv("NOLAPSE_SALESFORCE__BASE_URL", server.base_url)
        yield server


def test_an_org_is_held_against_the_package_and_not_changed(nolapse: Desk, salesforce: SalesforceServer) -> None:
    lacking = nolapse("setup", "salesforce", code=1).out
    assert "BAD  Salesforce Certificate_Order__c: the object is missing or hidden" in lacking
    folders = ("force-app", "deals", "email-messages")
    sources = " ".join(f"--source-dir {folder}" for folder in folders)
    assert f"sf project deploy start {sources} --target-org ORG" in lacking
    for folder in folders:
        salesforce.org.deploy(PACKAGE / folder)
    assert nolapse("setup", "salesforce", "--dry-run").out == (told := nolapse("setup").out)
    assert "ok   Salesforce package: deployed; reps need Nolapse_Rep" in told
    assert {call.method for call in salesforce.calls} == {"GET"}
    assert "ok   Salesforce package: all of it that is needed is there" in nolapse("check", code=None).out
    assert "salesforce makes nothing that could be removed" in nolapse("setup", "--undo", code=2).err
