"""What people did in Salesforce comes back through the engine's own sync; what we wrote does not."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from core import crm_changes, golive
from core.locks import holding
from core.model import OrderFacts
from core.reasons import Reason
from core.schema import accounts, contacts, cycles, reps, suppressions, tasks
from core.store import Store
from core.timing import WholeDay
from core.words import Stage
from tests.builders import House, account, facts, person
from tests.connectors.contract import a_draft
from tests.connectors.salesforce.installations import (
    CASE_STAGES,
    Installation,
    running_installation,
)

DAY = date(2026, 11, 18)
END = DAY + timedelta(days=120)
OBJECT = "Certificate_Order__c"


class Office:
    """A house with Salesforce as its CRM, and hands in that."""

    def __init__(self, house: House, installation: Installation) -> None:
        self.house = house
        self.installation = installation
        self.house.crm = installation.crm()  # type: ignore[assignment]

    def open(self, *rows: OrderFacts) -> None:
        """Brings orders into Salesforce."""
        self.house.source.rows = rows or (order("1"),)
        self.house.sync(DAY)
        self.house.deliver(DAY)
        self.installation.tick(3600)

    def edit(self, sobject: str, **said: Any) -> None:
        """A person changes the first record of that object."""
        self.installation.tick()
        self.installation.org.edit(self.installation.org.rows(sobject)[0]["Id"], **said)

    def take(self) -> int:
        """Takes the changes in as a sync does; how many those are."""
        with holding(self.house.store, "test", DAY, 0) as lock:
            return crm_changes.take(self.house.store, self.house.crm, WholeDay(DAY), lock, self.house.policy)


def order(outside_id: str, **said: object) -> OrderFacts:
    usual = {"ends_on": END, "account": account("acme", owner_key="rep-1"), "people": (person("ann@acme.example"),)}
    return facts(outside_id, **usual | said)  # type: ignore[arg-type]


@pytest.fixture
def office(ledger: Store) -> Iterator[Office]:
    with ledger.begin() as connection:
        golive.go_live(connection, date(2020, 1, 1))
    with running_installation(ledger) as installation:
        house = House(str(ledger.engine.url))
        yield Office(house, installation)
        house.close()


def test_what_we_wrote_is_no_change_nor_what_a_person_touches_besides(office: Office) -> None:
    office.open(order("1"), order("2", people=(person("bob@acme.example"),)))
    assert office.take() == 0
    office.edit(OBJECT, Name="Mine")
    office.edit("Contact", Title="CTO")
    office.edit("Account", BillingCity="Hamburg")
    assert office.take() == 0


def test_records_that_are_named_are_read_by_their_ids(office: Office) -> None:
    office.open()
    assert office.take() == 0
    rows = {name: office.installation.org.rows(name)[0] for name in (OBJECT, "Account", "Contact")}
    office.edit(OBJECT, Stage__c="committed")
    office.edit("Account", Nolapse_Do_Not_Call__c=True)
    crm = office.installation.crm()
    named = [f"{name}:{row['Id']}" for name, row in rows.items()]
    assert {one.what for one in crm.changes_of(named)} == {"stage", "do_not_call"}
    assert [one.what for one in crm.changes_of([f"Account:{rows['Account']['Id'][:15]}"])] == ["do_not_call"]
    assert crm.changes_of([f"{OBJECT}:a00000000000000AAA", "Opportunity:006000000000000AAA"]) == []


class TestOrders:
    def test_a_stage_set_by_hand(self, office: Office) -> None:
        office.open()
        office.edit(OBJECT, Stage__c="committed")
        assert office.take() == 1
        cycle = office.house.cycles()[0]
        assert (cycle.stage, cycle.committed_until) == (Stage.COMMITTED, DAY + timedelta(days=14))
        office.house.deliver(DAY)
        office.installation.tick(3600)
        assert office.installation.one(OBJECT)["Nolapse_Stage__c"] == "committed"
        assert office.take() == 0

    def test_put_off_and_taken_up_again(self, office: Office) -> None:
        office.open()
        for said, held in (("2026-12-24", date(2026, 12, 24)), (None, None)):
            office.edit(OBJECT, Nolapse_Snooze_Until__c=said)
            assert office.take() == 1
            assert office.house.cycles()[0].snoozed_until == held
            assert office.take() == 0

    def test_given_up_with_reason_scope_and_a_day_to_ask_again(self, office: Office) -> None:
        office.open(order("1"), order("2"))
        office.edit(
            OBJECT, Nolapse_Do_Not_Renew__c=True, Nolapse_Lost_Reason__c="price", Nolapse_Lost_Scope__c="account",
            Nolapse_Win_Back_On__c="2027-10-01",
        )  # fmt: skip
        assert office.take() == 1
        office.house.settle(DAY)
        assert [(one.outcome, one.lost_reason, one.win_back_on) for one in office.house.rows(cycles)] == [
            (Reason.LOST, "price", date(2027, 10, 1))
        ] * 2

    def test_stages_are_read_by_the_orgs_own_values(self, ledger: Store) -> None:
        with ledger.begin() as connection:
            golive.go_live(connection, date(2020, 1, 1))
        stages = (*CASE_STAGES, "lost=Closed")
        with running_installation(ledger, record="case", stages=stages) as installation:
            office = Office(House(str(ledger.engine.url)), installation)
            office.open()
            office.edit("Case", Status="Escalated")
            assert office.take() == 0
            office.edit("Case", Status="Working")
            assert office.take() == 1
            assert office.house.cycles()[0].stage == Stage.CONTACTED
            # Renewed and lost are both Closed: only a reason tells which is meant.
            office.edit("Case", Status="Closed")
            assert office.take() == 0
            office.edit("Case", Nolapse_Lost_Reason__c="price")
            assert office.take() == 1
            assert office.house.cycles()[0].closing == Reason.LOST
            office.house.close()


class TestTasks:
    @pytest.fixture
    def task(self, office: Office) -> dict[str, Any]:
        office.open()
        draft = a_draft(key="call:account-1:1", account_key="acme", order_keys=("digicert:1",))
        assert office.installation.crm().create_tasks([draft])
        office.house.write(
            tasks.insert().values(
                task_key=draft.key, account_id=1, kind="call", generation=1, state="open", urgency="notice",
                due_on=DAY, owner_key="rep-1", created_at=WholeDay(DAY).opening,
            )
        )  # fmt: skip
        return office.installation.one("Task")

    @pytest.mark.parametrize(
        ("said", "outcome"),
        [
            ({"Nolapse_Task_Outcome__c": "no_answer"}, "no_answer"),
            ({}, "done"),
        ],
    )
    def test_one_that_its_rep_completed_tells_the_outcome(
        self, office: Office, task: dict[str, Any], said: dict[str, str], outcome: str
    ) -> None:
        office.installation.tick()
        office.installation.org.edit(task["Id"], Status="Completed", **said)
        assert office.take() == 1
        (held,) = office.house.rows(tasks)
        assert (held.state, held.outcome) == ("closed", outcome)

    def test_one_that_its_rep_deleted_is_done_and_stays_deleted(self, office: Office, task: dict[str, Any]) -> None:
        office.installation.tick()
        office.installation.org.remove(task["Id"])
        assert office.take() == 1
        (held,) = office.house.rows(tasks)
        assert (held.state, held.outcome) == ("closed", "done")
        assert office.take() == 0


class TestCustomers:
    def test_a_new_owner_is_taken_in_with_who_that_is(self, office: Office) -> None:
        office.open()
        eve = office.installation.org.add_user("eve@ours.example", "Eve", "New")
        office.edit("Account", OwnerId=eve)
        assert office.take() == 2
        assert office.house.rows(accounts)[0].owner_key == f"salesforce:{eve}"
        (known,) = [one for one in office.house.rows(reps) if one.rep_key == f"salesforce:{eve}"]
        assert (known.name, known.email, known.active) == ("Eve New", "eve@ours.example", True)
        assert office.take() == 0

    def test_a_rep_who_left_is_inactive_from_then_on(self, office: Office) -> None:
        office.open()
        office.installation.org.deactivate(office.installation.user("rep-1"))
        assert office.take() == 1
        (known,) = [one for one in office.house.rows(reps) if one.rep_key == "rep-1"]
        assert known.active is False

    def test_an_account_that_our_own_user_owns_has_no_rep(self, office: Office) -> None:
        office.open()
        office.edit("Account", OwnerId=office.installation.org.user)
        assert office.take() == 0

    @pytest.mark.parametrize("wish", ["do_not_contact", "do_not_call"])
    def test_not_to_be_contacted_or_called(self, office: Office, wish: str) -> None:
        office.open()
        office.edit("Account", **{f"Nolapse_{wish.title()}__c": True})
        assert office.take() == 1
        assert getattr(office.house.rows(accounts)[0], wish) is True


class TestPeople:
    def test_names_numbers_and_addresses_are_put_right(self, office: Office) -> None:
        office.open()
        office.edit("Contact", FirstName="Anna", LastName="Right", Phone="+49 40 7", Email="anna@acme.example")
        assert office.take() == 1
        (held,) = office.house.rows(contacts)
        assert (held.name, held.phone, held.email) == ("Anna Right", "+49 40 7", "anna@acme.example")

    def test_opted_out_and_in_again(self, office: Office) -> None:
        office.open()
        office.edit("Contact", HasOptedOutOfEmail=True)
        assert office.take() == 1
        (held,) = office.house.rows(suppressions)
        assert (held.address, held.nature, held.source) == ("ann@acme.example", "service", "salesforce")
        office.edit("Contact", HasOptedOutOfEmail=False)
        assert office.take() == 1
        assert office.house.rows(suppressions) == []

    def test_a_hidden_box_neither_opts_out_nor_in(self, office: Office) -> None:
        office.open()
        office.edit("Contact", HasOptedOutOfEmail=True)
        office.take()
        office.installation.org.hide("Contact", "HasOptedOutOfEmail")
        office.house.crm = office.installation.crm()  # type: ignore[assignment]
        office.edit("Contact", Title="CTO")
        assert office.take() == 0
        assert len(office.house.rows(suppressions)) == 1

    @pytest.mark.parametrize(
        ("wish", "nature"),
        [("HasOptedOutProcessing", "service"), ("ShouldForget", "service"), ("HasOptedOutSolicit", "commercial")],
    )
    def test_what_the_individual_wants_counts(self, office: Office, wish: str, nature: str) -> None:
        office.open()
        said: dict[str, Any] = {"LastName": "Ann", wish: True}
        individual = office.installation.org.put("Individual", **said)
        office.edit("Contact", IndividualId=individual)
        assert office.take() == 1
        assert [one.nature for one in office.house.rows(suppressions)] == [nature]

    def test_no_offers(self, office: Office) -> None:
        office.open()
        office.edit("Contact", Nolapse_No_Offers__c=True)
        assert office.take() == 1
        assert [one.nature for one in office.house.rows(suppressions)] == ["commercial"]
