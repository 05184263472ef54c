"""Undoing a mistaken confirmation: in the ledger, in tasks, in the CRM, and for good."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from core import wishes
from core.errors import UsageError
from core.model import OrderFacts
from core.ports import CrmChange
from core.reasons import Reason
from core.reopen import reopen
from core.schema import confirmations, cycles, deliveries, task_orders, tasks
from core.settle import SettleCounts
from core.timing import WholeDay
from core.words import Certainty, Clock, DeliveryKind, OrderStatus, Stage, TaskState
from tests.builders import House, facts
from tests.core.conftest import house_on_sqlite

END = date(2026, 5, 29)
YEAR = timedelta(days=365)
CALL = END - timedelta(days=45)  # the day of the first call
NEXT = CALL + timedelta(days=1)


def undo(house: House, day: date = CALL, clock: Clock = Clock.RENEWAL, order_key: str = "digicert:1") -> int:
    with house.store.begin() as connection:
        return reopen(connection, order_key, clock, "the customer says no", house.policy, WholeDay(day))


def run(house: House, *rows: OrderFacts, day: date = CALL) -> SettleCounts:
    house.source.rows = rows
    return house.run(day).settle


def standing(house: House, clock: Clock = Clock.RENEWAL) -> tuple[bool, str, str, str]:
    row = house.cycles(clock=clock)[-1]
    return row.open, row.outcome, row.stage, row.certainty


ORDER = facts("1", ends_on=END)
RENEWED = replace(ORDER, is_renewed=True)


class TestTheCycle:
    def test_it_runs_again_and_says_what_it_knows(self, house: House) -> None:
        run(house, ORDER)
        house.hear("1", CALL)
        house.settle(CALL)
        assert undo(house) == 1
        row = house.cycles()[0]
        assert (row.open, row.outcome, row.reason, row.closing, row.closed_on) == (True, "", "", "", None)
        assert standing(house) == (True, "", Stage.CONTACTED, "")
        assert row.next_on == row.starts_on

    @house_on_sqlite
    @pytest.mark.parametrize("settled", [True, False])
    def test_what_was_given_up_is_taken_up_again(self, house: House, settled: bool) -> None:
        run(house, ORDER)
        change = CrmChange("1", "lost", "digicert:1", facts={"reason": "too dear", "win_back_on": "2027-01-01"})
        with house.store.begin() as connection:
            wishes.apply(connection, "memory", change, WholeDay(CALL))
        if settled:
            house.settle(CALL)
            assert standing(house)[1] == Reason.LOST
        undo(house)
        assert standing(house) == (True, "", Stage.CONTACTED, "")
        row = house.cycles()[0]
        assert (row.closing, row.lost_reason, row.lost_scope, row.win_back_on) == ("", "", "", None)
        house.work(CALL, END - timedelta(days=30))
        assert house.touches()["1", "before-30", "mail"] == ("done", "")

    def test_nobody_was_told_yet_so_it_is_upcoming(self, house: House) -> None:
        house.source.rows = [RENEWED]
        house.sync(CALL)
        house.settle(CALL)
        undo(house)
        assert standing(house) == (True, "", Stage.UPCOMING, "")

    def test_the_same_evidence_does_not_close_it_again(self, house: House) -> None:
        run(house, RENEWED)
        undo(house)
        [row] = house.rows(confirmations)
        assert (row.state, row.reason) == ("retracted", "reopened: the customer says no")
        assert run(house, replace(RENEWED, status_text="Issued"), day=NEXT) == SettleCounts()
        assert standing(house)[0]

    def test_a_new_confirmation_does(self, house: House) -> None:
        run(house, RENEWED)
        undo(house)
        house.hear("1", NEXT)
        assert house.settle(NEXT).renewed == 1
        assert standing(house) == (False, Reason.RENEWED, Stage.RENEWED, Certainty.CONFIRMED)

    def test_a_replacement_that_was_none_is_not_found_again(self, house: House) -> None:
        new = replace(facts("2", ends_on=END + YEAR, placed_on=CALL), dns_names=("www1.example.com",))
        run(house, ORDER, new)
        assert house.cycles()[0].outcome == Reason.REPLACED
        undo(house)
        assert run(house, replace(ORDER, auto_renew=True), replace(new, auto_renew=True), day=NEXT).renewed == 0
        assert standing(house)[0]

    def test_all_its_evidence_is_taken_back_what_waits_too(self, house: House) -> None:
        run(house, RENEWED)
        house.hear("1", CALL)
        house.settle(CALL)
        house.hear("1", NEXT)
        house.hear("1", NEXT, clock=Clock.REISSUE, source_key="of another clock")
        undo(house)
        assert [row.state for row in house.rows(confirmations)] == ["retracted"] * 3 + ["waiting"]

    def test_a_renewal_in_progress_can_be_undone(self, house: House) -> None:
        run(house, ORDER)
        house.hear("1", CALL, Certainty.IN_PROGRESS)
        house.settle(CALL)
        undo(house)
        assert standing(house) == (True, "", Stage.CONTACTED, "")
        assert house.settle(CALL) == SettleCounts()


class TestWhatFollowed:
    def test_what_was_planned_is_planned_again(self, house: House) -> None:
        house.source.rows = [ORDER]
        house.sync(CALL)
        house.plan(CALL)
        planned = {key for key, (state, _) in house.touches().items() if state == "planned"}
        house.hear("1", CALL)
        house.settle(CALL)
        undo(house)
        assert house.touches() == {}
        house.plan(CALL)
        assert {key for key, (state, _) in house.touches().items() if state == "planned"} == planned

    def test_what_was_sent_is_not_sent_again(self, house: House) -> None:
        run(house, ORDER)
        house.hear("1", CALL)
        house.settle(CALL)
        undo(house)
        run(house, ORDER)
        assert len(house.mailer.sent) == 1

    def test_the_rep_gets_a_task_again_where_ours_was_closed(self, house: House) -> None:
        run(house, ORDER)
        house.hear("1", CALL)
        run(house, ORDER)
        assert [task.is_open for task in house.crm.tasks.values()] == [False]
        undo(house)
        run(house, ORDER)
        assert [task.is_open for task in house.crm.tasks.values()] == [False, True]
        assert [row.state for row in house.rows(tasks)] == [TaskState.CLOSED, TaskState.OPEN]

    def test_a_task_that_the_rep_has_done_is_not_asked_for_again(self, house: House) -> None:
        run(house, ORDER)
        [task] = house.rows(tasks)
        house.crm.finish(task.task_key, "renewed")
        assert run(house, ORDER, day=NEXT).renewed == 1
        undo(house, NEXT)
        run(house, ORDER, day=NEXT)
        assert len(house.rows(tasks)) == 1

    def test_a_task_that_is_still_open_lists_the_order_again(self, house: House) -> None:
        run(house, ORDER, facts("2", ends_on=END))
        house.hear("1", CALL)
        house.settle(CALL)
        assert [row.settled for row in house.rows(task_orders)] == [True, False]
        undo(house)
        assert [row.settled for row in house.rows(task_orders)] == [False, False]

    def test_nothing_is_left_to_install(self, house: House) -> None:
        run(house, ORDER)
        house.hear("1", CALL)
        house.settle(CALL)
        assert standing(house, Clock.INSTALL)[0]
        undo(house)
        assert standing(house, Clock.INSTALL)[:2] == (False, Reason.REOPENED)

    def test_renewed_after_all_there_is_something_to_install_again(self, house: House) -> None:
        run(house, ORDER)
        house.hear("1", CALL)
        house.settle(CALL)
        undo(house)
        house.hear("1", NEXT)
        house.settle(NEXT)
        assert [(row.number, row.open) for row in house.cycles(clock=Clock.INSTALL)] == [(1, False), (2, True)]

    def test_an_install_clock_of_an_earlier_reissue_runs_on(self, house: House) -> None:
        first = facts("1", ends_on=END, certificate_expires_on=END - timedelta(days=40))
        run(house, first, day=CALL - timedelta(days=20))
        reissued = replace(first, certificate_id="c2", certificate_issued_on=CALL, certificate_expires_on=END)
        run(house, reissued, day=CALL - timedelta(days=19))
        house.hear("1", CALL)
        house.settle(CALL)
        undo(house)
        assert [row.open for row in house.cycles(clock=Clock.INSTALL)] == [True, False]

    def test_the_reissue_clock_runs_again_too(self, house: House) -> None:
        run(house, facts("1", ends_on=END, certificate_expires_on=END - timedelta(days=20)))
        house.hear("1", CALL)
        house.settle(CALL)
        assert standing(house, Clock.REISSUE)[:2] == (False, Reason.RENEWED)
        undo(house)
        assert standing(house, Clock.REISSUE)[:2] == (True, "")

    def test_the_crm_is_told(self, house: House) -> None:
        run(house, ORDER)
        house.hear("1", CALL)
        house.settle(CALL)
        house.deliver(CALL)
        assert [record.stage for record in house.crm.records.values()] == [Stage.RENEWED]
        undo(house)
        assert house.rows(deliveries, deliveries.c.kind == DeliveryKind.RECORD, deliveries.c.state == "planned")
        house.deliver(CALL)
        assert [record.stage for record in house.crm.records.values()] == [Stage.CONTACTED]


class TestOtherClocks:
    def test_a_reissue_that_was_none(self, house: House) -> None:
        run(house, facts("1", ends_on=END + YEAR, starts_on=END - YEAR, certificate_expires_on=END))
        house.hear("1", CALL, clock=Clock.REISSUE)
        house.settle(CALL)
        assert standing(house, Clock.INSTALL)[0]
        assert undo(house, clock=Clock.REISSUE) == 1
        assert standing(house, Clock.REISSUE)[:2] == (True, "")
        assert standing(house, Clock.INSTALL)[:2] == (False, Reason.REOPENED)
        assert standing(house)[0]

    def test_an_installation_that_was_none(self, house: House) -> None:
        run(house, RENEWED)
        house.hear("1", CALL, clock=Clock.INSTALL)
        house.settle(CALL)
        assert standing(house, Clock.INSTALL)[:2] == (False, Reason.INSTALLED)
        assert undo(house, clock=Clock.INSTALL) == 1
        assert standing(house, Clock.INSTALL)[:2] == (True, "")
        assert standing(house)[1] == Reason.RENEWED


class TestRefused:
    @pytest.mark.parametrize(
        ("order_key", "clock", "words"),
        [
            ("digicert:9", Clock.RENEWAL, "digicert:9 has no renewal cycle to reopen"),
            ("digicert:1", Clock.INSTALL, "digicert:1 has no install cycle to reopen"),
            ("digicert:1", Clock.RENEWAL, "the renewal cycle of digicert:1 is open already"),
        ],
    )
    def test_what_there_is_not(self, house: House, order_key: str, clock: Clock, words: str) -> None:
        run(house, ORDER)
        before = house.dump()
        with pytest.raises(UsageError, match=words):
            undo(house, clock=clock, order_key=order_key)
        assert house.dump() == before

    @pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.REVOKED])
    def test_what_no_confirmation_has_closed(self, house: House, status: OrderStatus) -> None:
        run(house, ORDER)
        run(house, replace(ORDER, status=status), day=NEXT)
        with pytest.raises(UsageError, match=f"ended as {status}; only a confirmation, or giving it up, can be undone"):
            undo(house, NEXT)

    def test_what_has_lapsed(self, house: House) -> None:
        run(house, ORDER)
        house.settle(END + timedelta(days=14))
        with pytest.raises(UsageError, match="ended as lapsed"):
            undo(house, END + timedelta(days=14))


def test_what_was_lost_can_be_reopened(house: House) -> None:
    run(house, ORDER)
    house.write(update(cycles).values(open=False, outcome=Reason.LOST, stage=Stage.LOST, closed_on=CALL))
    undo(house)
    assert standing(house) == (True, "", Stage.CONTACTED, "")
