from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from connectors.hubspot.blueprint import holders
from connectors.hubspot.check import Check
from connectors.hubspot.made import Made
from connectors.hubspot.portal import Portal
from connectors.hubspot.provisioning import Setup
from core.ports import Finding
from core.store import Store
from tests.connectors.hubspot.accounts import settings_for
from tests.connectors.hubspot.conftest import quick_client
from tests.fakes.hubspot import HubSpotServer, World, running_hubspot

Found = dict[str, list[Finding]]


class Desk:
    """An account, and somebody who checks it."""

    def __init__(self, server: HubSpotServer, store: Store) -> None:
        self.server = server
        self.store = store
        self.client = quick_client(server)

    def made(self, portal_id: str) -> Made:
        return Made(self.store.engine, portal_id)

    def setup(self, **changes: Any) -> None:
        portal = Portal(self.client)
        Setup(settings_for(self.server, **changes), portal, self.made(portal.account.portal_id), False).run()

    def check(self, **changes: Any) -> Found:
        changes = {"calls_per_10_seconds": 190, "calls_per_day": 625_000, "daily_reserve_percent": 50} | changes
        found: Found = {}
        for one in Check(settings_for(self.server, **changes), self.client, self.made).run():
            assert "\n" not in one.text + one.advice
            found.setdefault(one.subject.removeprefix("HubSpot").strip(), []).append(one)
        return found


@pytest.fixture
def desk(ledger: Store, server: HubSpotServer) -> Iterator[Desk]:
    opened = Desk(server, ledger)
    with closing(opened.client):
        yield opened


def bad(found: Found) -> list[str]:
    return [f"{one.subject}: {one.text} ({one.advice})" for each in found.values() for one in each if not one.ok]


def test_an_account_that_is_set_up_is_good(desk: Desk) -> None:
    desk.server.world.add_owner("maria@partner.example")
    desk.setup(forecast_deals=True)
    desk.server.forget_calls()
    found = desk.check(forecast_deals=True)
    assert bad(found) == []
    assert found[""][0].text == "account 48120001 (standard), API 2026-03"
    assert "of the account's 625000 calls of today are used" in found["limits"][0].text
    assert "at most 312500 calls a day and 190 in 10 seconds" in found["limits"][0].text
    assert found["pipeline"][0].text == "tickets in a pipeline with 8 of our stages"
    assert found["scopes"][0].text == "the token may do all 16 things that are needed"
    assert found["tasks"][0].text == "are made once by their unique key"
    assert "can be used" in found["sequences"][0].text
    assert found["transactional mail"][0].text == "can be sent"
    assert {call.inputs for call in desk.server.came("objects.batch.update")} == {0}  # nothing is written


def test_an_account_that_is_not_set_up_says_how(desk: Desk) -> None:
    found = desk.check()
    assert "run `nolapse setup hubspot`" in found["pipeline"][0].text
    assert "tickets.nolapse_order_key" in found["properties"][0].text
    assert found["properties"][0].advice == "run `nolapse setup hubspot`"


def test_missing_scopes_are_named_one_by_one(desk: Desk) -> None:
    desk.setup()
    desk.server.world.revoke("crm.objects.companies.write", "crm.objects.owners.read")
    found = desk.check()
    assert [(one.text, one.advice) for one in found["scopes"]] == [
        ("the token may not write companies", "add the scope crm.objects.companies.write"),
        ("the token may not read owners", "add the scope crm.objects.owners.read"),
    ]


def test_deals_and_talks_that_are_not_seen_fall_back_to_calls(desk: Desk) -> None:
    desk.setup()
    assert [one.text for one in desk.check()["open deals and talks"]] == [
        "turn calls into notes; deals, calls, meetings, emails are seen"
    ]
    desk.server.world.revoke("crm.objects.deals.read")
    (lacking,) = desk.check()["open deals and talks"]
    assert (lacking.ok, lacking.advice) == (True, "add the scope crm.objects.deals.read")
    assert lacking.text == "warning: deals are not seen, so that calls are made all the same"
    (unwanted,) = desk.check(open_deals=False, sequence_id="8")["open deals and talks"]
    assert unwanted.text == "turn calls into notes; calls, meetings are seen"


def test_a_tier_without_sequences_and_transactional_mail_falls_back(ledger: Store) -> None:
    with running_hubspot(World(tier="starter", transactional=False)) as server:
        server.world.add_owner("maria@partner.example")
        desk = Desk(server, ledger)
        with closing(desk.client):
            desk.setup()
            found = desk.check(calls_per_day=250_000, calls_per_10_seconds=100)
            wanted = desk.check(calls_per_day=250_000, single_send_id=7, sequence_id="8")
    assert bad(found) == []
    assert [(wanted[subject][0].ok, wanted[subject][0].advice) for subject in ("sequences", "transactional mail")] == [
        (False, "set hubspot.sequence_id to nothing"),
        (False, 'set mail.via = "smtp"'),
    ]
    assert "not available" in found["sequences"][0].text
    assert "our own mails go instead" in found["sequences"][0].text
    assert "mails go by SMTP instead" in found["transactional mail"][0].text
    assert found["custom objects"][0].text.endswith("orders are tickets")


def test_tasks_without_unique_keys_are_told(desk: Desk) -> None:
    desk.server.world.unique_on_tasks = False
    desk.setup()
    found = desk.check()
    assert bad(found) == []
    assert "looked up by what they are associated with" in found["tasks"][0].text


def test_an_enterprise_account_can_have_custom_objects(ledger: Store) -> None:
    with running_hubspot(World(tier="enterprise")) as server:
        desk = Desk(server, ledger)
        with closing(desk.client):
            assert desk.check()["custom objects"][0].text == "can be made; orders are tickets"
            assert "not be made" not in str(desk.check(record="custom")["pipeline"])
            desk.setup(record="custom")
            found = desk.check(record="custom")
    assert bad(found) == []
    assert found["custom objects"][0].text == "can be made"


def test_a_custom_object_without_enterprise_is_told_with_the_way_out(desk: Desk) -> None:
    found = desk.check(record="custom")
    assert not found["custom objects"][0].ok
    assert found["custom objects"][0].advice == 'set hubspot.record = "ticket"'


def test_where_only_trying_tells_that_is_said(desk: Desk) -> None:
    desk.server.world.tier = "enterprise"
    desk.server.fail(403, "account.usage", category="MISSING_SCOPES")
    found = desk.check()
    assert "the account's own are not told to this token" in found["limits"][0].text
    assert "shows whether one can be made" in found["custom objects"][0].text


def test_a_smaller_day_than_was_set_is_told(desk: Desk) -> None:
    (finding,) = desk.check(calls_per_day=1_000_000)["limits"]
    assert (finding.ok, finding.advice) == (False, "set hubspot.calls_per_day = 625000")


def test_a_wrong_token_is_the_one_finding(ledger: Store, server: HubSpotServer) -> None:
    desk = Desk(server, ledger)
    server.world.token = "another"
    with closing(desk.client):
        found = desk.check()
    assert list(found) == [""]
    assert "NOLAPSE_HUBSPOT__TOKEN" in found[""][0].text


def test_a_version_that_is_gone_is_told_with_the_way_out(desk: Desk) -> None:
    desk.server.fail(404, "account.details")
    (finding,) = desk.check()[""]
    assert 'hubspot.api_version to another, "numbered" at last' in finding.advice


def test_a_part_that_cannot_be_asked_keeps_no_other_from_being_asked(desk: Desk) -> None:
    desk.setup()
    desk.server.fail(500, "owners.list", times=99)
    found = desk.check()
    assert [text.partition(":")[0] for text in bad(found)] == ["HubSpot scopes", "HubSpot sequences"]
    assert found["properties"][0].ok


def test_properties_are_asked_for_where_they_are_needed(desk: Desk) -> None:
    desk.setup()
    desk.server.forget_calls()
    desk.check()
    asked = [call.object_type for call in desk.server.came("properties.list")]
    assert len(asked) == len(holders(settings_for(desk.server)))
    assert "deals" not in asked
