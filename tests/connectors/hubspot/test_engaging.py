"""Open deals and people's own talks in HubSpot turn our calls into notes; ours, and what nobody knows, do not."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from connectors.hubspot.engaging import CALLS, DEALS, MAILS, MEETINGS
from connectors.hubspot.errors import HubSpotError
from core import golive
from core.ports import CrmChange
from core.reasons import Reason
from core.side_tables import engagements
from core.store import Store
from core.words import TouchState
from tests.builders import House, account
from tests.connectors.contract import a_note, a_record
from tests.connectors.hubspot.accounts import Account, running_account
from tests.connectors.hubspot.test_mails import LOG
from tests.connectors.hubspot.test_reading import DAY, END, Office, order
from tests.fakes.hubspot import ManualClock

OPEN, WON = {"pipeline": "default", "dealstage": "contractsent"}, {"pipeline": "default", "dealstage": "closedwon"}
NOON = datetime.combine(DAY, datetime.min.time(), UTC) + timedelta(hours=12)
ANSWERED, NO_ANSWER = "f240bbac-87c9-4f6e-bf70-924b57d47db7", "73a0d17f-1163-4015-bdd5-ec830791da20"


class Desk(Office):
    """The office, with a customer in HubSpot, whose clock stands at noon of the day."""

    def __init__(self, house: House, hubspot: Account) -> None:
        super().__init__(house, hubspot)
        clock = hubspot.world.clock
        assert isinstance(clock, ManualClock)
        clock.set(NOON)
        self.look = hubspot.crm()

    def open(self, *rows: Any) -> None:
        super().open(*rows)
        self.hubspot.server.forget_calls()

    def add(self, object_type: str, **said: Any) -> str:
        """A person makes something, at the customer's company."""
        self.wait(1)
        at = said.pop("company", None)
        at = self.hubspot.all("companies")[0].id if at is None else at
        id = self.hubspot.world.add(object_type, **said)
        if at:
            self.hubspot.world.link(object_type, id, "companies", at)
        return id

    def told(self, cursor: str | None = None) -> tuple[list[tuple[str, str]], str | None]:
        """What a look tells: what, and its value or day."""
        changes, following = self.look.changes(cursor)
        return [_said(one) for one in changes], following

    def known(self) -> tuple[bool, date | None]:
        """What the engine knows of the customer."""
        (row,) = self.house.rows(engagements)
        return row.open_deal, row.contacted_on

    def take(self) -> int:
        self.wait(1)
        return super().take()


def _said(one: CrmChange) -> tuple[str, str]:
    return one.what, one.value or (str(one.at.date()) if one.at else "")


@pytest.fixture
def desk(ledger: Store) -> Iterator[Desk]:
    with ledger.begin() as connection:
        golive.go_live(connection, date(2020, 1, 1))
    with running_account(ledger) as hubspot:
        house = House(str(ledger.engine.url))
        yield Desk(house, hubspot)
        house.close()


def test_while_a_deal_is_open_the_call_is_a_note_and_then_a_call_again(desk: Desk) -> None:
    house, world, clock = desk.house, desk.hubspot.world, desk.hubspot.world.clock
    assert isinstance(clock, ManualClock)
    call_on = END - timedelta(days=45)

    def run(day: date) -> None:
        clock.set(datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=6))
        house.crm = desk.hubspot.crm()  # type: ignore[assignment]
        house.sync(day)
        house.run(day)

    desk.open()
    deal = desk.add("deals", dealname="A firewall", **OPEN)
    run(call_on)
    assert desk.known() == (True, None)
    (note,) = world.records("notes")
    assert world.records("tasks") == []
    assert note.values["hubspot_owner_id"] == desk.hubspot.one("companies").values["hubspot_owner_id"]
    for to_type in ("companies", "tickets"):
        assert world.linked("notes", note.id, to_type) == [desk.hubspot.one(to_type).id]
    assert house.touches()["1", "before-45", "call"] == (TouchState.SKIPPED, Reason.OPEN_DEAL)
    world.edit("deals", deal, None, **WON)
    run(END - timedelta(days=21))
    assert desk.known() == (False, None)
    assert [one.values["hs_task_type"] for one in world.records("tasks")] == ["CALL"]
    assert len(world.records("notes")) == 1
    assert house.touches()["1", "before-21", "call"][0] == TouchState.DONE


class TestDeals:
    def test_a_look_at_nothing_new_costs_one_search_for_each_kind(self, desk: Desk) -> None:
        assert desk.told() == ([], None)
        assert not desk.hubspot.server.came("objects.search", DEALS)  # no company is linked yet
        desk.open()
        _, cursor = desk.told()
        desk.hubspot.server.forget_calls()
        assert desk.told(cursor) == ([], cursor)
        calls = desk.hubspot.server.counts()
        assert {name: count for name, count in calls.items() if name.startswith(("objects", "associations"))} == {
            f"objects.search {kind}": 1
            for kind in ("companies", "contacts", "tickets", "tasks", DEALS, CALLS, MEETINGS, MAILS)
        }

    def test_one_that_was_there_before_the_company_was_linked_is_seen(self, desk: Desk) -> None:
        company = desk.hubspot.world.add("companies", name="Acme", domain="acme.example")
        desk.add("deals", company=company, dealname="Old", **OPEN)
        desk.wait(3600)
        desk.open()
        assert desk.take() == 1
        assert desk.known() == (True, None)
        assert desk.take() == 0

    def test_as_long_as_any_is_open_nothing_changes(self, desk: Desk) -> None:
        desk.open()
        first, second = (desk.add("deals", dealname=name, **OPEN) for name in ("One", "Two"))
        assert desk.take() == 1
        desk.edit("deals", first, **WON)
        assert desk.take() == 0
        desk.edit("deals", second, dealstage="closedlost")
        assert desk.take() == 1
        assert desk.known() == (False, None)

    def test_one_that_no_search_shows_any_more_is_found_gone(self, desk: Desk) -> None:
        desk.open()
        deleted, loose = (desk.add("deals", dealname=name, **OPEN) for name in ("One", "Two"))
        assert desk.take() == 1
        desk.hubspot.world.archive("deals", deleted)
        assert desk.take() == 0
        desk.hubspot.world.links.unlink("deals", loose, "companies", desk.hubspot.one("companies").id)
        assert desk.take() == 1
        assert desk.known() == (False, None)

    def test_those_whose_deals_were_open_are_looked_at_a_hundred_at_a_time(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("connectors.hubspot.engaging._AT_ONCE", 2)
        desk.open(*(order(str(number), account=account(f"acme-{number}", owner_key="rep-1")) for number in range(3)))
        for number, company in enumerate(desk.hubspot.all("companies")):
            desk.add("deals", company=company.id, dealname=str(number), **OPEN)
        assert desk.take() == 3
        _, cursor = desk.told()
        for deal in desk.hubspot.all("deals"):
            desk.hubspot.world.archive("deals", deal.id)
        closed = []
        for _ in range(3):
            told, cursor = desk.told(cursor)
            closed.append(len(told))
        assert closed == [1, 2, 1]

    @pytest.mark.parametrize("settings", [{"record": "deal"}, {"forecast_deals": True}])
    def test_our_own_never_count(self, ledger: Store, settings: dict[str, Any]) -> None:
        with running_account(ledger, **settings) as hubspot:
            house = House(str(ledger.engine.url))
            desk = Desk(house, hubspot)
            golive_at(ledger)
            desk.open()
            assert hubspot.all("deals")
            assert all(one.values.get("hs_is_closed") != "true" for one in hubspot.all("deals"))
            assert desk.take() == 0
            for deal in hubspot.all("deals"):
                desk.edit("deals", deal.id, description="A rep looked at it")
            assert desk.take() == 0
            desk.add("deals", dealname="Theirs", **OPEN)
            assert desk.take() == 1
            house.close()

    def test_whoever_does_not_want_to_know_is_not_asked(self, desk: Desk) -> None:
        desk.open()
        desk.add("deals", dealname="One", **OPEN)
        assert desk.take() == 1
        desk.hubspot.server.forget_calls()
        desk.look = desk.hubspot.crm(open_deals=False)
        assert desk.told()[0] == [("deal", "closed")]
        assert not desk.hubspot.server.came("objects.search", DEALS)

    def test_without_the_scope_calls_are_made_and_once_it_is_there_all_is_seen(
        self, desk: Desk, caplog: pytest.LogCaptureFixture
    ) -> None:
        desk.open()
        desk.add("deals", dealname="One", **OPEN)
        assert desk.take() == 1
        desk.hubspot.world.revoke("crm.objects.deals.read", "sales-email-read")
        desk.add("calls", hs_timestamp=NOON.isoformat())
        assert desk.take() == 2
        assert desk.known() == (False, DAY)
        assert "deals are not seen" in caplog.text
        assert "emails are not seen" in caplog.text
        desk.hubspot.world.grant("crm.objects.deals.read")
        assert desk.take() == 1
        assert desk.known() == (True, DAY)

    def test_any_other_trouble_is_the_syncs(self, desk: Desk) -> None:
        desk.open()
        for status in (401, 500):
            desk.hubspot.server.fail(status, "objects.search", object_type="deals", times=5)
            with pytest.raises(HubSpotError):
                desk.told()
            desk.hubspot.server.recover()


def golive_at(ledger: Store) -> None:
    with ledger.begin() as connection:
        golive.go_live(connection, date(2020, 1, 1))


class TestTalks:
    def test_what_counts_as_one(self, desk: Desk) -> None:
        desk.open()
        _, cursor = desk.told()
        for object_type, said, counts in (
            (CALLS, {}, True),
            (CALLS, {"hs_call_status": "COMPLETED", "hs_call_disposition": ANSWERED}, True),
            (CALLS, {"hs_call_status": "COMPLETED", "hs_call_disposition": NO_ANSWER}, False),
            (CALLS, {"hs_call_status": "BUSY"}, False),
            (MEETINGS, {"hs_meeting_outcome": "COMPLETED"}, True),
            (MEETINGS, {"hs_meeting_outcome": "SCHEDULED"}, True),
            (MEETINGS, {"hs_meeting_outcome": "NO_SHOW"}, False),
            (MAILS, {"hs_email_direction": "EMAIL", "hs_email_status": "SENT"}, True),
            (MAILS, {"hs_email_direction": "EMAIL", "hs_email_status": "BOUNCED"}, False),
            (MAILS, {"hs_email_direction": "INCOMING_EMAIL"}, False),
        ):
            desk.add(object_type, hs_timestamp=NOON.isoformat(), **said)
            told, cursor = desk.told(cursor)
            assert told == [("contacted", str(DAY))] * counts, (object_type, said)
            assert desk.told(cursor) == ([], cursor)

    def test_the_latest_is_told_once_and_one_that_is_logged_late_counts_for_its_day(self, desk: Desk) -> None:
        desk.open()
        desk.add(CALLS, hs_timestamp=(NOON - timedelta(days=3)).isoformat())
        assert desk.take() == 1
        assert desk.known() == (False, DAY - timedelta(days=3))
        desk.add(MEETINGS, hs_timestamp=(NOON - timedelta(days=1)).isoformat())
        desk.add(CALLS, hs_timestamp=(NOON - timedelta(days=2)).isoformat())
        assert desk.take() == 1
        assert desk.known() == (False, DAY - timedelta(days=1))
        assert desk.take() == 0

    def test_a_meeting_that_is_planned_counts_once_its_time_has_come(self, desk: Desk) -> None:
        desk.open()
        desk.add(MEETINGS, hs_timestamp=(NOON + timedelta(days=2)).isoformat(), hs_meeting_outcome="SCHEDULED")
        assert desk.take() == 0
        desk.wait(86_400)
        desk.add(CALLS, hs_timestamp=(NOON + timedelta(hours=1)).isoformat(), hs_call_status="NO_ANSWER")
        assert desk.take() == 0
        desk.wait(2 * 86_400)
        assert desk.take() == 1
        assert desk.known() == (False, DAY + timedelta(days=2))
        assert desk.take() == 0

    def test_our_own_mails_do_not_count(self, desk: Desk) -> None:
        desk.open()
        desk.hubspot.crm().log_mail([LOG])
        assert desk.take() == 0

    def test_with_a_sequence_nobody_can_tell_whose_mails_they_are(self, desk: Desk) -> None:
        desk.open()
        desk.add(MAILS, hs_timestamp=NOON.isoformat(), hs_email_direction="EMAIL")
        desk.look = desk.hubspot.crm(sequence_id="8")
        assert desk.told()[0] == []

    def test_one_with_a_contact_of_the_customer_alone_counts_too(self, desk: Desk) -> None:
        desk.open()
        call = desk.add(CALLS, company="", hs_timestamp=NOON.isoformat())
        desk.hubspot.world.link(CALLS, call, "contacts", desk.hubspot.one("contacts").id)
        assert desk.take() == 1
        assert desk.known() == (False, DAY)

    def test_what_is_about_others_is_nothing_to_us(self, desk: Desk) -> None:
        desk.open()
        stranger = desk.hubspot.world.add("companies", name="A stranger")
        for kind in TALK_KINDS:
            desk.add(kind, company=stranger, hs_timestamp=NOON.isoformat(), **TALK_KINDS[kind])
        desk.add(CALLS, company="", hs_timestamp=NOON.isoformat())
        desk.add("deals", company=stranger, dealname="Theirs", **OPEN)
        assert desk.take() == 0


TALK_KINDS: dict[str, dict[str, str]] = {CALLS: {}, MEETINGS: {}, MAILS: {"hs_email_direction": "EMAIL"}}


class TestNotes:
    @pytest.mark.parametrize("unique", [True, False])
    def test_what_was_made_and_not_heard_of_is_not_made_again(self, ledger: Store, unique: bool) -> None:
        with running_account(ledger, unique=unique) as hubspot:
            crm = hubspot.crm()
            crm.push_records([a_record(order_key="digicert:1", account_key="acme")])
            note = a_note(account_key="acme")
            hubspot.server.cut("objects.batch.create", object_type="notes", done=True, times=5)
            (first,) = crm.add_notes([note])
            hubspot.server.recover()
            (second,) = hubspot.crm().add_notes([note])
            assert second.outside_id == hubspot.one("notes").id
            assert first.outside_id in ("", second.outside_id)
            for to_type in ("companies", "tickets"):
                assert hubspot.world.linked("notes", second.outside_id, to_type) == [hubspot.one(to_type).id]

    def test_they_go_by_the_hundred_with_all_they_hang_on(self, desk: Desk) -> None:
        crm = desk.hubspot.crm()
        crm.push_records([a_record(order_key="digicert:1", account_key="acme")])
        crm.add_notes([a_note(account_key="acme")])
        desk.hubspot.server.forget_calls()
        crm.add_notes([a_note(account_key="acme") for _ in range(150)])
        assert desk.hubspot.server.counts() == {"objects.batch.create notes": 2}
