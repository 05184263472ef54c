"""What people did in HubSpot comes back through the engine's own sync; what we wrote does not."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from core import crm_changes, golive
from core.locks import holding
from core.model import OrderFacts
from core.ports import OptOut
from core.reasons import Reason
from core.schema import accounts, contacts, cycles, reps, suppressions
from core.store import Store
from core.timing import WholeDay
from core.words import Stage
from tests.builders import House, account, facts, person
from tests.connectors.hubspot.accounts import Account, running_account
from tests.connectors.hubspot.test_pushing import stage_id
from tests.fakes.hubspot import ManualClock

DAY = date(2026, 11, 18)
END = DAY + timedelta(days=120)


class Office:
    """A house with HubSpot as its CRM, and hands in that."""

    def __init__(self, house: House, hubspot: Account) -> None:
        self.house = house
        self.hubspot = hubspot
        self.house.crm = hubspot.crm()  # type: ignore[assignment]

    def open(self, *rows: OrderFacts) -> None:
        """Brings orders into HubSpot."""
        self.house.source.rows = rows or (order("1"),)
        self.house.sync(DAY)
        self.house.deliver(DAY)
        self.wait(3600)

    def wait(self, seconds: float) -> None:
        clock = self.hubspot.world.clock
        assert isinstance(clock, ManualClock)
        clock.advance(seconds=seconds)

    def edit(self, object_type: str, _which: str | None = None, **said: str) -> None:
        """A person changes the first record of that type, or the one named."""
        self.wait(1)
        id = _which or self.hubspot.all(object_type)[0].id
        self.hubspot.world.edit(object_type, id, None, **said)

    def take(self) -> int:
        """Takes the changes in as a sync does; how many those are."""
        self.house.crm = self.hubspot.crm()  # type: ignore[assignment]
        with holding(self.house.store, "test", DAY, 0) as lock:
            return crm_changes.take(self.house.store, self.house.crm, WholeDay(DAY), lock, self.house.policy)


def order(outside_id: str, **said: object) -> OrderFacts:
    usual = {"ends_on": END, "account": account("acme", owner_key="rep-1"), "people": (person("ann@acme.example"),)}
    return facts(outside_id, **usual | said)  # type: ignore[arg-type]


@pytest.fixture
def office(ledger: Store) -> Iterator[Office]:
    with ledger.begin() as connection:
        golive.go_live(connection, date(2020, 1, 1))
    with running_account(ledger) as hubspot:
        house = House(str(ledger.engine.url))
        yield Office(house, hubspot)
        house.close()


class TestEchoes:
    def test_what_we_wrote_is_no_change(self, office: Office) -> None:
        office.open(order("1"), order("2", people=(person("bob@acme.example"),)))
        assert office.take() == 0
        assert office.take() == 0

    def test_nor_is_it_when_a_person_touches_something_else(self, office: Office) -> None:
        office.open()
        office.edit("tickets", subject="Mine")
        office.edit("contacts", jobtitle="CTO")
        office.edit("companies", city="Hamburg")
        assert office.take() == 0


class TestOrders:
    def test_a_stage_set_by_hand(self, office: Office) -> None:
        office.open()
        office.edit("tickets", hs_pipeline_stage=stage_id(office.hubspot, Stage.COMMITTED))
        assert office.take() == 1
        cycle = office.house.cycles()[0]
        assert (cycle.stage, cycle.committed_until) == (Stage.COMMITTED, DAY + timedelta(days=14))
        office.house.deliver(DAY)
        office.wait(3600)
        assert office.hubspot.one("tickets").values["nolapse_stage"] == "committed"
        assert office.take() == 0

    def test_a_stage_set_to_renewed_is_believed_for_now(self, office: Office) -> None:
        office.open()
        office.edit("tickets", hs_pipeline_stage=stage_id(office.hubspot, Stage.RENEWED))
        office.take()
        office.house.settle(DAY)
        assert office.house.cycles()[0].stage == Stage.RENEWED

    def test_a_stage_that_the_engine_has_meanwhile_reached_too(self, office: Office) -> None:
        office.open()
        office.house.write(cycles.update().values(stage=Stage.COMMITTED))
        office.edit("tickets", hs_pipeline_stage=stage_id(office.hubspot, Stage.COMMITTED))
        assert office.take() == 0

    def test_put_off_and_taken_up_again(self, office: Office) -> None:
        office.open()
        office.edit("tickets", nolapse_snooze_until="2026-12-24")
        assert office.take() == 1
        assert office.house.cycles()[0].snoozed_until == date(2026, 12, 24)
        assert office.take() == 0
        office.edit("tickets", nolapse_snooze_until="")
        assert office.take() == 1
        assert office.house.cycles()[0].snoozed_until is None

    @pytest.mark.parametrize(
        ("scope", "lost"), [("", ["1"]), ("order", ["1"]), ("domain", ["1", "2"]), ("account", ["1", "2", "3"])]
    )
    def test_given_up_with_reason_and_scope(self, office: Office, scope: str, lost: list[str]) -> None:
        names = {"1": "www.acme.example", "2": "*.acme.example", "3": "other.example"}
        office.open(*(order(number, common_name=name) for number, name in names.items()))
        ticket = office.hubspot.one("tickets", nolapse_order_key="digicert:1").id
        said = {"nolapse_do_not_renew": "true", "nolapse_lost_reason": "price", "nolapse_lost_scope": scope}
        office.edit("tickets", ticket, nolapse_win_back_on="2027-06-01", **said)
        assert office.take() == 1
        assert office.take() == 0
        office.house.settle(DAY)
        found = {number: office.house.cycles(number)[0] for number in names}
        assert [number for number, cycle in found.items() if cycle.outcome == Reason.LOST] == lost
        assert (found["1"].lost_reason, found["1"].win_back_on) == ("price", date(2027, 6, 1))
        office.house.deliver(DAY)
        assert office.hubspot.one("tickets", nolapse_order_key="digicert:1").values["nolapse_stage"] == "lost"

    def test_given_up_by_the_stage_and_taken_up_again(self, office: Office) -> None:
        office.open()
        office.edit("tickets", hs_pipeline_stage=stage_id(office.hubspot, Stage.LOST))
        assert office.take() == 1
        office.house.settle(DAY)
        assert office.house.cycles()[0].outcome == Reason.LOST
        office.house.deliver(DAY)
        office.edit("tickets", hs_pipeline_stage=stage_id(office.hubspot, Stage.CONTACTED))
        assert office.take() == 1
        cycle = office.house.cycles()[0]
        assert (cycle.open, cycle.stage) == (True, Stage.CONTACTED)


class TestCustomers:
    def test_a_new_owner_with_the_person_behind_it(self, office: Office) -> None:
        office.open()
        new = office.hubspot.world.add_owner("new@ours.example", "Nora", "New")
        office.edit("companies", hubspot_owner_id=new.id)
        assert office.take() == 2
        (row,) = office.house.rows(accounts)
        assert row.owner_key == f"hubspot:{new.id}"
        (rep,) = office.house.rows(reps, reps.c.rep_key == row.owner_key)
        assert (rep.name, rep.email, rep.active) == ("Nora New", "new@ours.example", True)
        assert office.take() == 0

    def test_an_owner_known_by_the_address(self, office: Office) -> None:
        office.open()
        rep = next(one for one in office.hubspot.world.owners.values() if one.email == "rep-2@ours.example")
        office.edit("companies", hubspot_owner_id=rep.id)
        office.take()
        assert [row.owner_key for row in office.house.rows(accounts)] == ["rep-2"]

    def test_an_owner_who_has_left_is_inactive(self, office: Office) -> None:
        office.open()
        rep = next(one for one in office.hubspot.world.owners.values() if one.email == "rep-1@ours.example")
        office.hubspot.world.deactivate_owner(rep.id)
        assert office.take() == 1
        assert [row.active for row in office.house.rows(reps, reps.c.rep_key == "rep-1")] == [False]
        assert office.take() == 0

    @pytest.mark.parametrize("wish", ["do_not_contact", "do_not_call"])
    def test_wishes_of_a_customer(self, office: Office, wish: str) -> None:
        office.open()
        office.edit("companies", **{f"nolapse_{wish}": "true"})
        assert office.take() == 1
        assert [getattr(row, wish) for row in office.house.rows(accounts)] == [True]
        assert office.take() == 0


class TestPeople:
    def test_name_number_and_language(self, office: Office) -> None:
        office.open()
        office.edit("contacts", firstname="Anna", lastname="Muster", phone="+49 40 1", hs_language="de")
        assert office.take() == 1
        (row,) = office.house.rows(contacts)
        assert (row.name, row.phone, row.language) == ("Anna Muster", "+49 40 1", "de")
        assert office.take() == 0

    def test_another_address_is_the_same_person(self, office: Office) -> None:
        office.open()
        office.edit("contacts", email="anna@acme.example")
        assert office.take() == 1
        assert [row.email for row in office.house.rows(contacts)] == ["anna@acme.example"]
        assert office.take() == 0

    def test_an_opt_out(self, office: Office) -> None:
        office.open()
        office.wait(1)
        office.hubspot.world.opt_out(["ann@acme.example"])
        assert office.take() == 1
        (row,) = office.house.rows(suppressions)
        assert (row.address, row.nature, row.source) == ("ann@acme.example", "service", "hubspot")
        assert office.take() == 0

    def test_offers_refused(self, office: Office) -> None:
        office.open()
        office.edit("contacts", nolapse_no_offers="true")
        assert office.take() == 1
        assert [row.nature for row in office.house.rows(suppressions)] == ["commercial"]
        assert office.take() == 0

    def test_out_of_the_subscription_of_offers(self, office: Office) -> None:
        office.open()
        office.hubspot.crm(subscription_id=1002).write_optout(
            [OptOut("o", "ann@acme.example", "mail", "commercial", datetime(2026, 11, 1, tzinfo=UTC))]
        )
        contact, world = office.hubspot.one("contacts"), office.hubspot.world
        world.shelf("contacts").write(contact, {"nolapse_no_offers": ""}, world.hubspot, world.clock.now())
        office.wait(1)
        assert [one.what for one in office.hubspot.crm().changes(None)[0]] == []
        assert [one.what for one in office.hubspot.crm(subscription_id=1001).changes(None)[0]] == []
        assert [one.what for one in office.hubspot.crm(subscription_id=1002).changes(None)[0]] == ["offers_optout"]

    def test_allowed_again(self, office: Office) -> None:
        office.open()
        office.hubspot.world.opt_out(["ann@acme.example"])
        office.take()
        contact = office.hubspot.one("contacts")
        office.wait(1)
        shelf, world = office.hubspot.world.shelf("contacts"), office.hubspot.world
        shelf.write(contact, {"hs_email_optout": "false"}, world.hubspot, world.clock.now())
        assert office.take() == 1
        assert office.house.rows(suppressions) == []


class TestLateSearches:
    def test_a_change_that_shows_late_is_taken_in_with_the_next_sync(self, office: Office) -> None:
        office.open()
        assert office.take() == 0
        office.hubspot.world.search_lag = timedelta(seconds=30)
        office.edit("tickets", nolapse_snooze_until="2026-12-24")
        assert office.take() == 0
        office.wait(2)
        office.hubspot.world.search_lag = timedelta(seconds=0)
        assert office.take() == 1

    def test_more_than_a_search_gives_are_all_read(self, office: Office) -> None:
        office.open(*(order(str(number)) for number in range(1, 451)))
        for ticket in office.hubspot.all("tickets"):
            office.hubspot.world.edit("tickets", ticket.id, None, nolapse_snooze_until="2026-12-24")
        assert office.take() == 450
        assert {row.snoozed_until for row in office.house.rows(cycles)} == {date(2026, 12, 24)}


class TestByName:
    """Records that were named are read again by their ids, whatever a search knows already."""

    def test_what_people_changed_in_them_is_told_and_nothing_else(self, office: Office) -> None:
        office.open(order("1"), order("2"))
        tickets = [one.id for one in office.hubspot.all("tickets")]
        office.edit("tickets", tickets[0], hs_pipeline_stage=stage_id(office.hubspot, Stage.COMMITTED))
        crm = office.hubspot.crm()
        (change,) = crm.changes_of([f"0-5:{tickets[0]}", f"ticket:{tickets[1]}", "0-5:999", "0-27:1", "call:5", "x"])
        assert (change.what, change.value) == ("stage", Stage.COMMITTED)
        assert crm.changes_of([f"0-3:{tickets[0]}", f"0-99:{tickets[0]}"]) == []

    def test_a_contact_is_named_by_its_address_even_when_it_is_gone(self, office: Office) -> None:
        office.open()
        (contact,) = office.hubspot.all("contacts")
        crm = office.hubspot.crm()
        assert crm.address_of(f"contact:{contact.id}") == crm.address_of(f"0-1:{contact.id}") == "ann@acme.example"
        assert crm.address_of(f"company:{contact.id}") == crm.address_of("contact:999") == ""
