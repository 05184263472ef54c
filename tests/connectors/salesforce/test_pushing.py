"""Order records in Salesforce: what is written, what a person has changed and keeps, what goes wrong."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from core.errors import ConfigurationError
from core.ports import Handed, Record, RecordPerson
from core.store import Store
from core.words import Stage
from tests.connectors.contract import a_record
from tests.connectors.salesforce.installations import (
    CASE_STAGES,
    OPPORTUNITY_STAGES,
    Installation,
    running_installation,
)

OBJECT = "Certificate_Order__c"
ORDER = a_record(order_key="digicert:1", account_key="acme", stage=Stage.CONTACTED)


def push(installation: Installation, *records: Record, **settings: Any) -> None:
    results = installation.crm(**settings).push_records(records)
    assert [str(one.error) for one in results if one.handed is not Handed.DELIVERED] == []


class TestWriting:
    def test_a_record_has_title_stage_owner_account_and_facts(self, installation: Installation) -> None:
        push(installation, ORDER)
        record = installation.one(OBJECT)
        assert record["Name"] == "www.example.com · Secure Site OV (digicert:1)"
        assert (record["Stage__c"], record["Nolapse_Stage__c"]) == ("contacted", "contacted")
        assert record["OwnerId"] == installation.user("rep-1")
        assert (record["Nolapse_Value__c"], record["Nolapse_Order_Ends_On__c"]) == (399.0, "2026-09-30")
        assert record["Account__c"] == installation.one("Account")["Id"]

    def test_what_has_not_changed_is_not_written_again(self, installation: Installation) -> None:
        push(installation, ORDER)
        installation.server.forget_calls()
        push(installation, replace(ORDER, key="record:later", renewal_link="https://r.example/x"))
        assert installation.server.writes() == []
        push(installation, replace(ORDER, status="revoked"))
        assert installation.one(OBJECT)["Nolapse_Status__c"] == "revoked"

    def test_it_goes_in_calls_of_two_hundred(self, installation: Installation) -> None:
        push(installation, ORDER)
        installation.server.forget_calls()
        push(installation, *(replace(ORDER, order_key=f"digicert:{number}") for number in range(2, 452)))
        assert installation.server.count("collections.upsert", OBJECT) == 3

    def test_many_go_as_one_bulk_job(self, installation: Installation) -> None:
        orders = [replace(ORDER, order_key=f"digicert:{number}") for number in range(30)]
        push(installation, *orders, bulk_from=30)
        assert len(installation.org.rows(OBJECT)) == 30
        assert installation.server.count("collections.upsert", OBJECT) == 0
        assert len(installation.org.jobs) == 1

    def test_an_item_that_is_refused_stands_alone(self, installation: Installation) -> None:
        installation.org.validate(OBJECT, lambda record: record["Nolapse_Status__c"] == "odd", "No odd ones")
        good, bad = ORDER, replace(ORDER, order_key="digicert:2", key="record:2", status="odd")
        results = {one.key: one for one in installation.crm().push_records([bad, good])}
        assert results[good.key].handed is Handed.DELIVERED
        assert results[bad.key].handed is Handed.FAILED
        assert "No odd ones" in str(results[bad.key].error)
        assert installation.one(OBJECT)["Nolapse_Order_Key__c"] == "digicert:1"

    @pytest.mark.parametrize("way", ["hide", "protect"])
    def test_a_field_of_ours_that_cannot_be_written_is_told_in_one_clear_line(
        self, installation: Installation, way: str
    ) -> None:
        getattr(installation.org, way)(OBJECT, "Nolapse_Product__c")
        with pytest.raises(ConfigurationError, match=r"Nolapse_Product__c is missing, hidden or read-only; `nolapse"):
            installation.crm().push_records([ORDER])

    def test_a_store_that_was_lost_overwrites_no_persons_stage(self, installation: Installation) -> None:
        push(installation, ORDER)
        installation.org.edit(installation.one(OBJECT)["Id"], Stage__c="committed", Name="Mine")
        with installation.store.begin() as connection:
            connection.exec_driver_sql("DELETE FROM crm_links")
        push(installation, replace(ORDER, status="pending"))
        record = installation.one(OBJECT)
        assert (record["Stage__c"], record["Name"], record["Nolapse_Status__c"]) == ("committed", "Mine", "pending")


class TestWhatPeopleChanged:
    def test_a_stage_set_by_hand_stays_until_the_renewal_is_settled(self, installation: Installation) -> None:
        push(installation, ORDER)
        id = installation.one(OBJECT)["Id"]
        installation.org.edit(id, Stage__c="committed")
        push(installation, replace(ORDER, stage=Stage.IN_PROGRESS))
        record = installation.one(OBJECT)
        assert (record["Stage__c"], record["Nolapse_Stage__c"]) == ("committed", "in_progress")
        push(installation, replace(ORDER, stage=Stage.RENEWED))
        assert installation.one(OBJECT)["Stage__c"] == "renewed"

    def test_an_owner_set_by_hand_stays(self, installation: Installation) -> None:
        push(installation, ORDER)
        push(installation, replace(ORDER, owner_key="rep-2"))
        assert installation.one(OBJECT)["OwnerId"] == installation.user("rep-2")
        installation.org.edit(installation.one(OBJECT)["Id"], OwnerId=installation.user("rep-3"))
        push(installation, replace(ORDER, owner_key="rep-1"))
        assert installation.one(OBJECT)["OwnerId"] == installation.user("rep-3")

    def test_what_had_no_owner_gets_the_first_one(self, installation: Installation) -> None:
        push(installation, replace(ORDER, owner_key="nobody"))
        assert installation.one(OBJECT)["OwnerId"] == installation.org.user
        push(installation, ORDER)
        assert installation.one(OBJECT)["OwnerId"] == installation.user("rep-1")


class TestOtherObjects:
    @pytest.fixture
    def opportunities(self, ledger: Store) -> Iterator[Installation]:
        with running_installation(ledger, record="opportunity", stages=OPPORTUNITY_STAGES) as installation:
            yield installation

    def test_an_opportunity_has_amount_and_close_date_which_stay_a_persons(self, opportunities: Installation) -> None:
        push(opportunities, ORDER)
        made = opportunities.one("Opportunity")
        assert (made["Amount"], made["CloseDate"], made["StageName"]) == (399.0, "2026-09-30", "Qualification")
        opportunities.org.edit(made["Id"], Amount=10.0)
        push(opportunities, replace(ORDER, status="pending"))
        assert opportunities.one("Opportunity")["Amount"] == 10.0
        push(opportunities, replace(ORDER, value_minor=50_000))
        assert opportunities.one("Opportunity")["Amount"] == 10.0

    def test_amount_and_day_follow_the_order(self, opportunities: Installation) -> None:
        push(opportunities, ORDER)
        later = ORDER.order_expires_on.replace(year=2027) if ORDER.order_expires_on else None
        push(opportunities, replace(ORDER, value_minor=50_000, order_expires_on=later))
        made = opportunities.one("Opportunity")
        assert (made["Amount"], made["CloseDate"]) == (500.0, "2027-09-30")

    def test_one_without_dates_still_has_a_day_to_close(self, opportunities: Installation) -> None:
        push(opportunities, replace(ORDER, order_expires_on=None, starts_on=None))
        assert opportunities.one("Opportunity")["CloseDate"]

    def test_stages_are_those_of_the_org(self, opportunities: Installation) -> None:
        push(opportunities, ORDER)
        push(opportunities, replace(ORDER, stage=Stage.COMMITTED))
        assert opportunities.one("Opportunity")["StageName"] == "Qualification"  # it has no place, and stays
        push(opportunities, replace(ORDER, stage=Stage.RENEWED))
        assert opportunities.one("Opportunity")["StageName"] == "Closed Won"

    def test_a_case_has_account_and_contact(self, ledger: Store) -> None:
        with running_installation(ledger, record="case", stages=CASE_STAGES) as installation:
            push(installation, replace(ORDER, people=(RecordPerson("ann@acme.example"),)))
            case = installation.one("Case")
            assert (case["Subject"], case["Status"]) == ("www.example.com · Secure Site OV (digicert:1)", "Working")
            assert case["AccountId"] == installation.one("Account")["Id"]
            assert case["ContactId"] == installation.one("Contact")["Id"]

    def test_a_record_type_is_given_on_creation(self, ledger: Store) -> None:
        settings: dict[str, Any] = {"record": "opportunity", "stages": OPPORTUNITY_STAGES}
        with running_installation(ledger, **settings) as installation:
            type_id = installation.org.add_record_type("Opportunity", "Renewal")
            push(installation, ORDER, **settings, record_type="Renewal")
            assert installation.one("Opportunity")["RecordTypeId"] == type_id


class TestOwners:
    def test_an_inactive_owner_gives_way_to_the_deputy(self, installation: Installation) -> None:
        with installation.store.begin() as connection:
            connection.exec_driver_sql("UPDATE reps SET deputy_key = 'rep-2' WHERE rep_key = 'rep-1'")
        installation.org.deactivate(installation.user("rep-1"))
        push(installation, ORDER)
        assert installation.one(OBJECT)["OwnerId"] == installation.user("rep-2")

    @pytest.mark.parametrize("named", ["rep-3", "its id"])
    def test_or_to_the_fallback(self, installation: Installation, named: str) -> None:
        installation.org.deactivate(installation.user("rep-1"))
        fallback = installation.user("rep-3") if named == "its id" else named
        push(installation, ORDER, fallback_owner=fallback)
        assert installation.one(OBJECT)["OwnerId"] == installation.user("rep-3")

    def test_or_to_our_own_user(self, installation: Installation) -> None:
        installation.org.deactivate(installation.user("rep-1"))
        push(installation, ORDER)
        assert installation.one(OBJECT)["OwnerId"] == installation.org.user

    def test_one_who_leaves_while_we_run_is_found_out_by_the_refusal(self, installation: Installation) -> None:
        crm = installation.crm(fallback_owner="rep-3")
        crm.push_records([ORDER])
        installation.org.deactivate(installation.user("rep-1"))
        other = replace(ORDER, order_key="digicert:2", key="record:2", account_key="globex")
        (result,) = crm.push_records([other])
        assert result.handed is Handed.DELIVERED
        record = installation.one(OBJECT, Nolapse_Order_Key__c="digicert:2")
        assert record["OwnerId"] == installation.user("rep-3")

    def test_the_operators_own_map_counts(self, installation: Installation) -> None:
        other = installation.org.add_user("other@name.example")
        push(installation, replace(ORDER, owner_key="rep-9"), owners=(f"rep-9={other}",))
        assert installation.one(OBJECT)["OwnerId"] == other
        with pytest.raises(ConfigurationError, match=r"salesforce.owners"):
            installation.crm(owners=("rep-9=Other",)).push_records([replace(ORDER, status="x")])


class TestTrouble:
    def test_a_record_whose_account_is_gone_is_written_without_it(self, installation: Installation) -> None:
        push(installation, ORDER)
        installation.org.remove(installation.one("Account")["Id"])
        push(installation, replace(ORDER, order_key="digicert:2"))
        assert installation.one(OBJECT, Nolapse_Order_Key__c="digicert:2")["Account__c"] is None
        push(installation, replace(ORDER, order_key="digicert:3"))
        assert (
            installation.one(OBJECT, Nolapse_Order_Key__c="digicert:3")["Account__c"]
            == installation.one("Account")["Id"]
        )

    def test_a_lost_answer_leaves_one_record(self, installation: Installation) -> None:
        installation.server.cut("collections.upsert", done=True, times=20, skip=1)
        (first,) = installation.crm().push_records([ORDER])
        assert first.handed is not Handed.DELIVERED
        installation.server.recover()
        push(installation, ORDER)
        assert len(installation.org.rows(OBJECT)) == 1
