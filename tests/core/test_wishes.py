"""What reps decide in their CRM is applied once, whichever CRM it is."""

import logging
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from core import subjects
from core.ports import CrmChange
from core.reasons import Reason
from core.schema import contacts, cycles, order_contacts, reps, suppressions
from core.side_tables import corrected_addresses
from core.suppressions import suppress
from core.timing import WholeDay
from core.wishes import PROMISE_DAYS, apply
from core.words import Channel, Nature, Role, Stage
from tests.builders import House, account, facts, person

END = date(2026, 5, 29)
DAY = END - timedelta(days=80)


def wish(house: House, what: str, value: str = "", day: date = DAY, **said: Any) -> None:
    with house.store.begin() as connection:
        apply(
            connection, "crm", CrmChange("key", what, value=value, **{"order_key": "digicert:1"} | said), WholeDay(day)
        )


def with_orders(house: House, **names: str) -> None:
    house.source.rows = [facts(name[1:], ends_on=END, common_name=cn) for name, cn in names.items()]
    house.sync(DAY)


class TestStages:
    def test_a_promise_is_believed_for_some_days(self, house: House) -> None:
        with_orders(house, n1="a.example")
        wish(house, "stage", "committed")
        (cycle,) = house.cycles()
        assert (cycle.stage, cycle.committed_until) == (Stage.COMMITTED, DAY + timedelta(days=PROMISE_DAYS))

    @pytest.mark.parametrize(("before", "believed"), [(10, 3), (7, 0), (2, 0)])
    def test_but_never_into_the_last_week(self, house: House, before: int, believed: int) -> None:
        with_orders(house, n1="a.example")
        day = END - timedelta(days=before)
        wish(house, "stage", "committed", day)
        assert house.cycles()[0].committed_until == day + timedelta(days=believed)

    def test_a_stage_taken_back_forgets_the_promise(self, house: House) -> None:
        with_orders(house, n1="a.example")
        wish(house, "stage", "committed")
        wish(house, "stage", "contacted")
        (cycle,) = house.cycles()
        assert (cycle.stage, cycle.committed_until) == (Stage.CONTACTED, None)

    @pytest.mark.parametrize("stage", ["renewed", "won_back"])
    def test_renewed_is_believed_for_now_and_noted_once(self, house: House, stage: str) -> None:
        with_orders(house, n1="a.example")
        wish(house, "stage", stage)
        wish(house, "stage", stage)
        assert house.settle(DAY).renewed == 1
        assert house.cycles()[0].certainty == "provisional"

    def test_lapsed_is_for_the_engine_to_say(self, house: House) -> None:
        with_orders(house, n1="a.example")
        wish(house, "stage", "lapsed")
        assert house.cycles()[0].stage == Stage.UPCOMING

    def test_an_unknown_order_changes_nothing(self, house: House) -> None:
        for what in ("stage", "lost", "snooze"):
            wish(house, what, "lost", order_key="digicert:404")
        assert house.rows(cycles) == []


class TestLost:
    def lose(self, house: House, **said: str) -> None:
        wish(house, "lost", facts={"reason": "price"} | said)

    def test_settle_draws_the_consequences(self, house: House) -> None:
        with_orders(house, n1="a.example")
        self.lose(house, win_back_on="2027-01-01")
        house.settle(DAY)
        (cycle,) = house.cycles()
        assert (cycle.open, cycle.outcome, cycle.stage) == (False, Reason.LOST, Stage.LOST)
        assert (cycle.lost_reason, cycle.lost_scope, cycle.win_back_on) == ("price", "order", date(2027, 1, 1))

    def test_another_reason_corrects_the_first(self, house: House) -> None:
        with_orders(house, n1="a.example")
        self.lose(house)
        house.settle(DAY)
        self.lose(house, reason="competitor")
        assert house.cycles()[0].lost_reason == "competitor"

    @pytest.mark.parametrize(
        ("scope", "lost"), [("order", ["1"]), ("domain", ["1", "2", "3"]), ("account", ["1", "2", "3", "4"])]
    )
    def test_as_far_as_it_reaches(self, house: House, scope: str, lost: list[str]) -> None:
        with_orders(house, n1="www.a.example", n2="*.a.example", n3="shop.a.example", n4="aa.example")
        other = facts("5", ends_on=END, common_name="a.example", account=account("globex"))
        house.source.rows = [*house.source.rows, other]
        house.sync(DAY)
        self.lose(house, scope=scope)
        found = {number: house.cycles(number)[0].closing for number in "12345"}
        assert [number for number, closing in found.items() if closing] == lost

    def test_taken_up_again(self, house: House) -> None:
        with_orders(house, n1="a.example")
        self.lose(house)
        house.settle(DAY)
        wish(house, "stage", "contacted")
        (cycle,) = house.cycles()
        assert (cycle.open, cycle.stage, cycle.lost_reason, cycle.next_on is not None) == (
            True,
            Stage.CONTACTED,
            "",
            True,
        )

    def test_nobody_is_contacted_even_before_it_is_settled(self, house: House) -> None:
        with_orders(house, n1="a.example")
        self.lose(house)
        house.plan(END - timedelta(days=60))
        assert {reason for state, reason in house.touches().values() if state != "missed"} <= {"lost"}


class TestPeople:
    def test_what_the_crm_knows_better(self, house: House) -> None:
        with_orders(house, n1="a.example")
        told = {"name": "Anna", "phone": "+49 1", "language": "de"}
        wish(house, "contact", "ANN@acme.example", account_key="acme", facts=told)
        (row,) = house.rows(contacts)
        assert (row.email, row.name, row.phone, row.language) == ("ann@acme.example", "Anna", "+49 1", "de")

    def test_an_address_that_another_person_has_is_not_taken_over(self, house: House) -> None:
        house.source.rows = [facts(ends_on=END, people=(person("ann@acme.example"), person("bob@acme.example")))]
        house.sync(DAY)
        wish(house, "contact", "bob@acme.example", account_key="acme", facts={"was": "ann@acme.example", "name": "Bob"})
        assert [(row.email, row.name) for row in house.rows(contacts)] == [
            ("ann@acme.example", ""),
            ("bob@acme.example", "Bob"),
        ]

    def test_who_was_put_right_is_still_meant_by_the_old_address(self, house: House) -> None:
        known = account(people=(person("ann@acme.example", Role.BILLING, name="Ann"),))
        rows = [facts(ends_on=END, account=account(), people=(person("ann@acme.example", Role.TECHNICAL),))]
        house.source.rows, house.source.known_accounts, house.source.names_everybody = rows, [known], True
        house.sync(DAY)
        wish(house, "contact", "ann@new.example", account_key="acme", facts={"was": "ann@acme.example"})
        house.source.rows = [replace(rows[0], term_days=364)]
        house.sync(DAY)
        (row,) = house.rows(contacts)
        assert (row.email, row.name, row.roles) == ("ann@new.example", "Ann", "billing")
        assert [one.role for one in house.rows(order_contacts)] == ["technical"]
        with house.store.begin() as connection:
            whom = subjects.find(connection, "ann@new.example")
            assert subjects.held(connection, whom)["corrected_addresses"] == [{"was": "ann@acme.example"}]
            subjects.forget(connection, whom, WholeDay(DAY), crm=False)
        assert not house.rows(corrected_addresses)
        assert "ann@acme" not in repr(house.dump())

    @pytest.mark.parametrize("key", ["acme", "unknown"])
    def test_a_stranger_is_not_taken_in(self, house: House, key: str) -> None:
        with_orders(house, n1="a.example")
        wish(house, "contact", "eve@acme.example", account_key=key, facts={"name": "Eve"})
        assert len(house.rows(contacts)) == 1

    def test_a_rep_comes_and_goes(self, house: House) -> None:
        wish(house, "rep", "crm:7", facts={"name": "Nora", "email": "nora@ours.example", "active": "yes"})
        wish(house, "rep", "crm:7", facts={"active": "no"})
        assert [(row.rep_key, row.name, row.active) for row in house.rows(reps)] == [("crm:7", "Nora", False)]

    def test_an_opt_in_lifts_only_what_the_crm_refused(self, house: House) -> None:
        with house.store.begin() as connection:
            now = WholeDay(DAY).opening
            suppress(connection, "ann@acme.example", Channel.MAIL, Nature.SERVICE, "crm", "", now)
            suppress(connection, "bob@acme.example", Channel.MAIL, Nature.SERVICE, "unsubscribe", "", now)
        wish(house, "optin", "ann@acme.example")
        wish(house, "optin", "bob@acme.example")
        assert [row.address for row in house.rows(suppressions)] == ["bob@acme.example"]

    def test_offers_refused(self, house: House, caplog: pytest.LogCaptureFixture) -> None:
        wish(house, "offers_optout", "ann@acme.example")
        assert [(row.address, row.nature) for row in house.rows(suppressions)] == [("ann@acme.example", "commercial")]
        with caplog.at_level(logging.WARNING, "nolapse.crm"):
            wish(house, "offers_optout", "nobody at all")
        assert "is left out" in caplog.text


def test_put_off_until_a_day_that_makes_sense(house: House) -> None:
    with_orders(house, n1="a.example")
    wish(house, "snooze", "2026-04-01")
    assert house.cycles()[0].snoozed_until == date(2026, 4, 1)
    wish(house, "snooze", "some day")
    assert house.cycles()[0].snoozed_until is None
