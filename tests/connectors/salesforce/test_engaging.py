"""Open deals and people's own talks in Salesforce turn our calls into notes; ours, and chores, do not."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from connectors.salesforce.errors import Denied
from core import golive
from core.ports import CrmChange, Handed, MailLog, TaskClose
from core.reasons import Reason
from core.side_tables import engagements
from core.store import Store
from core.words import TouchState
from tests.builders import House
from tests.connectors.contract import a_draft, a_note, a_record
from tests.connectors.salesforce.installations import OPPORTUNITY_STAGES, Installation, running_installation
from tests.connectors.salesforce.test_reading import DAY, END, Office
from tests.fakes.hubspot.clock import ManualClock

NOON = datetime.combine(DAY, time(12), UTC)
OPEN = {"Name": "A firewall", "StageName": "Qualification", "CloseDate": "2026-12-31"}
CALL = {"Subject": "Called", "Status": "Completed", "TaskSubtype": "Call", "ActivityDate": str(DAY)}
RECORD = "Certificate_Order__c"


class Desk(Office):
    """The office, with a customer in Salesforce, whose clock stands at noon of the day."""

    def __init__(self, house: House, installation: Installation) -> None:
        _at(installation, NOON)
        super().__init__(house, installation)

    def open(self, *rows: Any) -> None:
        super().open(*rows)
        _at(self.installation, NOON + timedelta(hours=1))

    def add(self, sobject: str, **said: Any) -> str:
        """A person makes something, at the customer's account."""
        self.installation.tick()
        name = "AccountId" if sobject == "Opportunity" else "WhatId"
        at = {name: self.installation.org.rows("Account")[0]["Id"]} if name not in said else {}
        return self.installation.org.put(sobject, **at, **said)

    def event(self, at: datetime) -> str:
        return self.add("Event", Subject="Visit", StartDateTime=at.isoformat())

    def known(self) -> tuple[bool, date | None]:
        """What the engine knows of the customer."""
        (row,) = self.house.rows(engagements)
        return row.open_deal, row.contacted_on

    def take(self) -> int:
        self.installation.tick()
        return super().take()


def _at(installation: Installation, moment: datetime) -> None:
    clock = installation.org.clock
    assert isinstance(clock, ManualClock)
    clock.set(moment)


@pytest.fixture
def desk(ledger: Store) -> Iterator[Desk]:
    with running_installation(ledger) as installation:
        yield from _desk(ledger, installation)


def _desk(ledger: Store, installation: Installation) -> Iterator[Desk]:
    with ledger.begin() as connection:
        golive.go_live(connection, date(2020, 1, 1))
    house = House(str(ledger.engine.url))
    yield Desk(house, installation)
    house.close()


def test_while_a_deal_is_open_the_call_is_a_note_and_then_a_call_again(desk: Desk) -> None:
    house, org = desk.house, desk.installation.org

    def run(day: date) -> None:
        _at(desk.installation, datetime.combine(day, time(6), UTC))
        house.crm = desk.installation.crm()  # type: ignore[assignment]
        house.sync(day)
        house.run(day)

    desk.open()
    deal = desk.add("Opportunity", **OPEN)
    run(END - timedelta(days=45))
    assert desk.known() == (True, None)
    (note,) = [row for row in org.rows("Task") if row["Nolapse_Note_Key__c"]]
    assert (note["Status"], note["TaskSubtype"], note["IsClosed"]) == ("Completed", "Task", True)
    assert (note["Nolapse_Order_Keys__c"], note["Nolapse_Task_Key__c"]) == ("digicert:1", None)
    assert note["WhatId"] == desk.installation.one(RECORD)["Id"]
    assert (note["AccountId"], note["OwnerId"]) == (
        desk.installation.one("Account")["Id"],
        desk.installation.user("rep-1"),
    )
    assert house.touches()["1", "before-45", "call"] == (TouchState.SKIPPED, Reason.OPEN_DEAL)
    org.edit(deal, StageName="Closed Won")
    run(END - timedelta(days=21))
    assert desk.known() == (False, None)
    (call,) = [row for row in org.rows("Task") if row["Nolapse_Task_Key__c"]]
    assert (call["TaskSubtype"], call["IsClosed"]) == ("Call", False)
    assert len([row for row in org.rows("Task") if row["Nolapse_Note_Key__c"]]) == 1
    assert house.touches()["1", "before-21", "call"][0] == TouchState.DONE


class TestDeals:
    def test_a_look_at_nothing_new_costs_one_query_for_each_kind(self, desk: Desk) -> None:
        desk.open()
        desk.take()
        desk.installation.server.forget_calls()
        crm = desk.installation.crm()
        cursor = crm.changes(None)[1]
        desk.installation.server.forget_calls()
        assert crm.changes(cursor) == ([], cursor)
        queries = [call for call in desk.installation.server.calls if call.operation.startswith("query")]
        assert len(queries) == 8  # users, four kinds of ours, opportunities, tasks, events

    def test_one_that_is_no_more_is_closed(self, desk: Desk) -> None:
        desk.open()
        org = desk.installation.org
        first, second, third, fourth = (desk.add("Opportunity", **OPEN) for _ in range(4))
        assert desk.take() == 1
        assert desk.known() == (True, None)
        org.edit(first, StageName="Closed Won")
        org.edit(second, StageName="Closed Lost")
        org.remove(third)
        assert desk.take() == 0
        org.edit(fourth, AccountId=org.put("Account", Name="A stranger"))
        assert desk.take() == 1
        assert desk.known() == (False, None)
        assert desk.take() == 0

    @pytest.mark.parametrize(
        "settings", [{"record": "opportunity", "stages": OPPORTUNITY_STAGES}, {"forecast_opportunities": True}]
    )
    def test_our_own_never_count(self, ledger: Store, settings: dict[str, Any]) -> None:
        with running_installation(ledger, **settings) as installation:
            for desk in _desk(ledger, installation):
                desk.open()
                assert [row["IsClosed"] for row in installation.org.rows("Opportunity")] == [False]
                assert desk.take() == 0
                desk.edit("Opportunity", NextStep="A rep looked at it")
                assert desk.take() == 0
                desk.add("Opportunity", **OPEN)
                assert desk.take() == 1

    def test_what_is_not_seen_turns_no_call_into_a_note(self, desk: Desk) -> None:
        desk.open()
        desk.add("Opportunity", **OPEN)
        assert desk.take() == 1
        unwanted = desk.installation.crm(open_deals=False)
        assert [(one.what, one.value) for one in unwanted.changes(None)[0]] == [("deal", "closed")]
        desk.installation.org.hide("Opportunity")
        desk.house.crm = desk.installation.crm()  # type: ignore[assignment]
        assert desk.take() == 1
        assert desk.known() == (False, None)

    def test_too_many_to_be_seen_are_none_and_any_other_trouble_is_the_syncs(
        self, desk: Desk, caplog: pytest.LogCaptureFixture
    ) -> None:
        desk.open()
        desk.add("Opportunity", **OPEN)
        crm, server = desk.installation.crm(), desk.installation.server
        crm.changes(None)
        others = 6  # queries of a look
        server.fail("OPERATION_TOO_LARGE", "query", skip=others)
        assert list(crm.changes(None)[0]) == []
        assert "Opportunity is not seen" in caplog.text
        server.fail("API_DISABLED_FOR_ORG", "query", skip=others)
        with pytest.raises(Denied):
            crm.changes(None)
        assert [change.what for change in crm.changes(None)[0]] == ["deal"]


class TestTalks:
    def test_which_tasks_count_and_when(self, desk: Desk) -> None:
        desk.open()
        crm, cursor = desk.installation.crm(), None
        before, after = DAY - timedelta(days=2), DAY + timedelta(days=2)
        for said, on in (
            ({}, DAY),
            ({"ActivityDate": str(before)}, before),
            ({"ActivityDate": str(after)}, DAY),
            ({"ActivityDate": None}, DAY),
            ({"TaskSubtype": "Email"}, DAY),
            ({"TaskSubtype": "Task", "Type": "Meeting"}, DAY),
            ({"TaskSubtype": "Task"}, None),
            ({"TaskSubtype": "ListEmail"}, None),
            ({"Status": "In Progress"}, None),
        ):
            desk.add("Task", **CALL | said)
            changes, cursor = crm.changes(cursor)
            days = [change.at.date() for change in changes if change.at is not None]
            assert days == ([] if on is None else [on]), said
            assert crm.changes(cursor) == ([], cursor)

    def test_an_event_counts_once_it_has_begun_whoever_touches_it(self, desk: Desk) -> None:
        desk.open()
        desk.event(NOON + timedelta(days=2))
        assert desk.take() == 0
        desk.add("Task", **CALL | {"TaskSubtype": "Task"})  # the cursor moves on
        _at(desk.installation, NOON + timedelta(days=1))
        assert desk.take() == 0
        _at(desk.installation, NOON + timedelta(days=2, hours=1))
        assert desk.take() == 1
        assert desk.known() == (False, DAY + timedelta(days=2))
        assert desk.take() == 0

    def test_ours_do_not_count_nor_do_those_of_ours_that_a_rep_completes(self, desk: Desk) -> None:
        desk.open()
        crm = desk.installation.crm()
        key = crm.push_records([a_record(order_key="digicert:1", account_key="acme")])[0].key
        mail = MailLog("log:1", "acme", "ann@acme.example", "Ends soon", "Renew it.", NOON, ("digicert:1",))
        crm.log_mail([mail])  # Salesforce makes a completed task of it
        crm.add_notes([a_note(account_key="acme", order_keys=("digicert:1",))])
        draft = a_draft(account_key="acme")
        (made,) = crm.create_tasks([draft])
        crm.close_tasks([TaskClose(draft.key, made.outside_id, "renewed")])
        assert key
        assert len([row for row in desk.installation.org.rows("Task") if row["IsClosed"]]) == 3
        assert [one for one in crm.changes(None)[0] if one.what == "contacted"] == []

    def test_with_a_cadence_nobody_can_tell_whose_mails_they_are(self, desk: Desk) -> None:
        desk.open()
        desk.add("Task", **CALL | {"TaskSubtype": "Email"})
        assert desk.installation.crm(cadence="Renewals").changes(None)[0] == []

    def test_events_may_be_hidden_and_strangers_are_nothing_to_us(
        self, desk: Desk, caplog: pytest.LogCaptureFixture
    ) -> None:
        desk.open()
        org = desk.installation.org
        desk.event(NOON)
        org.hide("Event")
        stranger = org.put("Account", Name="A stranger")
        desk.add("Task", WhatId=stranger, **CALL)
        desk.add("Opportunity", AccountId=stranger, **OPEN)
        assert desk.take() == 0
        assert "Event is not seen" in caplog.text
        org.show("Event")
        assert desk.take() == 1
        assert desk.known() == (False, DAY)

    def test_each_change_is_told_by_a_key_of_its_own(self, desk: Desk) -> None:
        desk.open()
        desk.add("Opportunity", **OPEN)
        desk.add("Task", **CALL)
        changes: list[CrmChange] = list(desk.installation.crm().changes(None)[0])
        assert [(one.what, one.value, one.account_key) for one in changes] == [
            ("deal", "open", "acme"),
            ("contacted", "", "acme"),
        ]
        assert changes[1].at == datetime.combine(DAY, time(13), UTC) + timedelta(seconds=2)
        assert len({one.key for one in changes}) == 2


class TestNotes:
    @pytest.mark.parametrize("done", [True, False])
    def test_what_was_made_and_not_heard_of_is_not_made_again(self, desk: Desk, done: bool) -> None:
        desk.open()
        note = a_note(account_key="acme", order_keys=("digicert:1",))
        server = desk.installation.server
        server.fail(503, "collections.create", times=99, done=done)
        (first,) = desk.installation.crm().add_notes([note])
        assert first.handed is not Handed.DELIVERED
        server.recover()
        (second,) = desk.installation.crm().add_notes([note])
        assert second.outside_id == desk.installation.one("Task")["Id"]

    def test_one_that_a_rep_deleted_stays_deleted(self, desk: Desk) -> None:
        desk.open()
        note = a_note(account_key="acme")
        (made,) = desk.installation.crm().add_notes([note])
        desk.installation.org.remove(made.outside_id)
        (again,) = desk.installation.crm().add_notes([note])
        assert (again.handed, again.outside_id) == (Handed.DELIVERED, made.outside_id)
        assert desk.installation.org.rows("Task") == []

    def test_they_go_in_calls_of_two_hundred(self, desk: Desk) -> None:
        desk.open()
        crm = desk.installation.crm()
        crm.add_notes([a_note(account_key="acme")])
        desk.installation.server.forget_calls()
        crm.add_notes([a_note(account_key="acme") for _ in range(201)])
        assert [one.operation for one in desk.installation.server.writes()] == ["collections.create"] * 2
