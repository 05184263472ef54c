"""Order records in HubSpot: what is written, what a person has changed and keeps, what goes wrong."""

from dataclasses import replace
from datetime import date

import pytest

from connectors.hubspot.layout import layout_of
from connectors.hubspot.made import Made
from connectors.hubspot.portal import Portal
from core.ports import Handed, Record, RecordPerson
from core.store import Store
from core.words import Stage
from tests.connectors.contract import a_record
from tests.connectors.hubspot.accounts import Account, running_account

ORDER = a_record(order_key="digicert:1", account_key="acme", stage=Stage.CONTACTED)


def push(account: Account, *records: Record, **settings: str) -> None:
    results = account.crm(**settings).push_records(records)
    assert [str(one.error) for one in results if one.handed is not Handed.DELIVERED] == []


def stage_id(account: Account, stage: Stage) -> str:
    crm = account.crm()
    portal: Portal = crm._target.portal
    return layout_of(portal, account.settings, Made(account.store.engine, portal.account.portal_id)).stages[stage]


class TestWriting:
    def test_a_ticket_stands_in_our_pipeline_with_title_and_owner(self, account: Account) -> None:
        push(account, ORDER)
        values = account.one("tickets").values
        assert values["subject"] == "www.example.com · Secure Site OV (digicert:1)"
        assert values["hs_pipeline_stage"] == stage_id(account, Stage.CONTACTED)
        assert account.world.owners[values["hubspot_owner_id"]].email == "rep-1@ours.example"
        assert (values["nolapse_value"], values["nolapse_order_ends_on"]) == ("399.00", "2026-09-30")

    def test_what_has_not_changed_is_not_written_again(self, account: Account) -> None:
        push(account, ORDER)
        account.server.forget_calls()
        push(account, replace(ORDER, key="record:later", renewal_link="https://r.example/x"))
        assert account.server.writes() == []
        push(account, replace(ORDER, status="revoked"))
        assert account.one("tickets").values["nolapse_status"] == "revoked"

    def test_a_rep_without_a_user_leaves_the_owner_empty(self, account: Account) -> None:
        push(account, replace(ORDER, owner_key="nobody"))
        assert "hubspot_owner_id" not in account.one("tickets").values

    def test_the_operators_own_map_of_owners_counts(self, account: Account) -> None:
        owner = account.world.add_owner("other@name.example")
        push(account, replace(ORDER, owner_key="rep-9"), owners=(f"rep-9={owner.id}",))  # type: ignore[arg-type]
        assert account.one("tickets").values["hubspot_owner_id"] == owner.id

    def test_a_deal_has_an_amount_and_a_close_date(self, ledger: Store) -> None:
        with running_account(ledger, record="deal") as account:
            push(account, ORDER)
            values = account.one("deals").values
            assert (float(values["amount"]), values["closedate"][:10]) == (399.0, "2026-09-30")
            account.world.edit("deals", account.one("deals").id, None, amount="10")
            push(account, replace(ORDER, status="pending"))
            assert float(account.one("deals").values["amount"]) == 10.0
            push(account, replace(ORDER, value_minor=50_000))
            assert float(account.one("deals").values["amount"]) == 500.0

    def test_a_custom_object_carries_it_where_the_tier_has_them(self, ledger: Store) -> None:
        with running_account(ledger, record="custom", tier="enterprise") as account:
            person = RecordPerson("ann@acme.example")
            push(account, replace(ORDER, people=(person,)))
            (found,) = account.crm().read(["digicert:1"]).values()
            assert found == ORDER
            object_type = account.crm()._target.layout.object_type
            record = account.one(object_type)
            assert account.world.linked(object_type, record.id, "contacts") == [account.one("contacts").id]


class TestWhatPeopleDid:
    def test_a_stage_set_by_hand_stays(self, account: Account) -> None:
        push(account, ORDER)
        by_hand = stage_id(account, Stage.COMMITTED)
        account.world.edit("tickets", account.one("tickets").id, None, hs_pipeline_stage=by_hand)
        push(account, replace(ORDER, stage=Stage.IN_PROGRESS))
        values = account.one("tickets").values
        assert (values["hs_pipeline_stage"], values["nolapse_stage"]) == (by_hand, "in_progress")

    @pytest.mark.parametrize("stage", [Stage.RENEWED, Stage.LAPSED, Stage.WON_BACK])
    def test_what_is_settled_overrules_it(self, account: Account, stage: Stage) -> None:
        push(account, ORDER)
        by_hand = stage_id(account, Stage.COMMITTED)
        account.world.edit("tickets", account.one("tickets").id, None, hs_pipeline_stage=by_hand)
        push(account, replace(ORDER, stage=stage))
        assert account.one("tickets").values["hs_pipeline_stage"] == stage_id(account, stage)

    def test_a_stage_that_is_ours_moves_on(self, account: Account) -> None:
        push(account, ORDER)
        push(account, replace(ORDER, stage=Stage.RENEWED))
        assert account.one("tickets").values["hs_pipeline_stage"] == stage_id(account, Stage.RENEWED)

    def test_an_owner_and_a_title_set_by_hand_stay(self, account: Account) -> None:
        push(account, ORDER)
        other = account.world.add_owner("other@ours.example")
        account.world.edit("tickets", account.one("tickets").id, None, hubspot_owner_id=other.id, subject="Mine")
        push(account, replace(ORDER, owner_key="rep-2", status="pending"))
        values = account.one("tickets").values
        assert (values["hubspot_owner_id"], values["subject"]) == (other.id, "Mine")

    def test_an_owner_that_is_ours_follows_the_account(self, account: Account) -> None:
        push(account, ORDER)
        push(account, replace(ORDER, owner_key="rep-2"))
        owner_id = account.one("tickets").values["hubspot_owner_id"]
        assert account.world.owners[owner_id].email == "rep-2@ours.example"

    def test_a_deleted_record_is_made_anew_and_hung_up_again(self, account: Account) -> None:
        person = RecordPerson("ann@acme.example")
        push(account, replace(ORDER, people=(person,)))
        account.world.archive("tickets", account.one("tickets").id)
        push(account, replace(ORDER, people=(person,), status="pending"))
        ticket = account.one("tickets")
        assert account.world.linked("tickets", ticket.id, "contacts") == [account.one("contacts").id]
        assert ticket.values["subject"]


class TestTrouble:
    def test_a_rule_of_the_portal_refuses_one_record_and_tells_the_property(self, account: Account) -> None:
        account.world.add_rule(
            "tickets",
            "nolapse_status",
            lambda values, _: "not in this portal" if values.get("nolapse_status") == "revoked" else None,
        )
        good, bad = ORDER, replace(ORDER, key="bad", order_key="digicert:2", status="revoked")
        results = account.crm().push_records([good, bad])
        assert [one.handed for one in results] == [Handed.DELIVERED, Handed.FAILED]
        assert results[1].error is not None
        assert results[1].error.permanent
        assert "nolapse_status" in str(results[1].error)
        assert len(account.all("tickets")) == 1

    def test_a_transient_failure_beside_the_record_is_tried_again(self, account: Account) -> None:
        record = replace(ORDER, people=(RecordPerson("ann@acme.example"),))
        account.server.fail(503, "associations.batch.*", times=50)
        (result,) = account.crm().push_records([record])
        assert result.handed is Handed.FAILED
        assert result.error is not None
        assert not result.error.permanent
        account.server.recover()
        push(account, record)
        assert account.world.linked("tickets", account.one("tickets").id, "contacts")

    @pytest.mark.parametrize("object_type", ["companies", "contacts"])
    def test_what_was_deleted_in_hubspot_is_found_or_made_anew(self, account: Account, object_type: str) -> None:
        record = replace(ORDER, people=(RecordPerson("ann@acme.example"),))
        push(account, record)
        account.world.archive(object_type, account.one(object_type).id)
        another = replace(record, key="another", order_key="digicert:2")
        push(account, another)
        push(account, replace(another, status="pending"))
        ticket = account.one("tickets", nolapse_order_key="digicert:2")
        assert account.world.linked("tickets", ticket.id, object_type) == [account.one(object_type).id]

    def test_an_upsert_whose_answer_is_lost_is_not_doubled(self, account: Account) -> None:
        account.server.cut("objects.batch.upsert", object_type="tickets", done=True)
        push(account, ORDER)
        assert len(account.all("tickets")) == 1

    def test_an_end_that_goes_away_is_cleared(self, account: Account) -> None:
        push(account, ORDER)
        push(account, replace(ORDER, order_expires_on=None))
        assert account.crm().read(["digicert:1"])["digicert:1"].order_expires_on is None

    @pytest.mark.parametrize(
        ("minor", "currency"), [(39_900, "EUR"), (500, "JPY"), (1_234, "KWD"), (1, ""), (0, "USD")]
    )
    def test_money_comes_back_as_it_went(self, account: Account, minor: int, currency: str) -> None:
        record = replace(ORDER, value_minor=minor, currency=currency, starts_on=date(2025, 1, 1))
        push(account, record)
        assert account.crm().read(["digicert:1"])["digicert:1"] == record
