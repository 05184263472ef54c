"""Renewals that are not proven are believed for a while; what turns out wrong runs again."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from core.policy import CertaintyPolicy
from core.ports import CrmChange
from core.reasons import Reason
from core.schema import confirmations, tasks
from core.unproven import held_until
from core.words import Certainty, Clock, OrderStatus, Stage, TaskKind
from tests.builders import House, facts

END = date(2026, 6, 26)
CALL = END - timedelta(days=45)
ORDER = facts("1", ends_on=END)
NEW = facts("2", ends_on=END + timedelta(days=365), placed_on=CALL, starts_on=CALL, renewal_of=ORDER.key)
ENDED = [OrderStatus.CANCELLED, OrderStatus.REVOKED, OrderStatus.REJECTED]


@pytest.mark.parametrize(
    ("before", "left"),
    [(45, 31), (22, 8), (21, 7), (15, 7), (8, 7), (7, 4), (1, -2), (-5, -8)],
)
def test_how_long_it_is_believed(before: int, left: int) -> None:
    until = held_until(END, END - timedelta(days=before), CertaintyPolicy())
    assert (END - until).days == left


def run(house: House, *rows: object, day: date = CALL) -> None:
    house.source.rows = list(rows)  # type: ignore[arg-type]
    house.run(day)


class TestProvisional:
    def test_it_runs_again_where_the_ca_does_not_show_it(self, house: House) -> None:
        run(house, ORDER)
        house.hear("1", CALL, Certainty.PROVISIONAL)
        assert house.settle(CALL).renewed == 1
        until = CALL + timedelta(days=14)
        assert house.cycles()[0].provisional_until == until
        assert house.settle(until - timedelta(days=1)).reopened == 0
        assert house.settle(until).reopened == 1
        (cycle,) = house.cycles()
        assert (cycle.open, cycle.outcome, cycle.stage, cycle.provisional_until) == (True, "", Stage.CONTACTED, None)
        assert [cycle.outcome for cycle in house.cycles(clock=Clock.INSTALL)] == [Reason.REOPENED]
        assert [(row.state, row.reason) for row in house.rows(confirmations)] == [
            ("retracted", Reason.UNPROVEN.sentence)
        ]
        house.plan(until)
        house.deliver(until)
        assert house.crm.records["digicert:1"].stage == Stage.CONTACTED
        assert [task.is_open for task in house.crm.tasks.values()] == [False, True]

    def test_shown_by_the_ca_it_holds(self, house: House) -> None:
        run(house, ORDER)
        house.hear("1", CALL, Certainty.PROVISIONAL)
        house.settle(CALL)
        run(house, ORDER, NEW, day=CALL + timedelta(days=3))
        assert house.cycles()[0].provisional_until is None
        assert house.settle(END).reopened == 0

    def test_that_something_is_installed_no_ca_can_show(self, house: House) -> None:
        run(house, ORDER, NEW)
        house.hear("1", CALL, Certainty.PROVISIONAL, clock=Clock.INSTALL)
        house.settle(CALL)
        assert house.settle(END - timedelta(days=1)).reopened == 0
        assert house.cycles(clock=Clock.INSTALL)[0].outcome == Reason.INSTALLED

    def test_what_was_lost_is_not_brought_back_by_a_rumour(self, house: House) -> None:
        run(house, ORDER)
        house.crm.history.append(CrmChange("1", "lost", order_key=ORDER.key, facts={"reason": "price"}))
        run(house, ORDER)
        house.hear("1", CALL, Certainty.PROVISIONAL)
        house.settle(CALL)
        assert house.settle(END).reopened == 0
        assert house.cycles()[0].outcome == Reason.LOST


class TestProbable:
    def test_it_pauses_calls_and_asks_the_rep(self, house: House) -> None:
        house.source.rows = [ORDER]
        house.sync(CALL)
        house.hear("1", CALL, Certainty.PROBABLE)
        house.settle(CALL)
        house.plan(CALL)
        house.deliver(CALL)
        assert house.touches()["1", "before-45", "call"] == ("skipped", Reason.PROBABLY_RENEWED)
        assert house.touches()["1", "probable-1", "call"] == ("done", "")
        assert [task.draft.kind for task in house.crm.tasks.values()] == [TaskKind.CHECK]
        assert house.writer.scripts[-1].certainty is Certainty.PROBABLE
        assert house.cycles()[0].calls_paused_until == CALL + timedelta(days=5)

    def test_heard_twice_the_rep_is_asked_once(self, house: House) -> None:
        run(house, ORDER)
        for day in (CALL, CALL + timedelta(days=1)):
            house.hear("1", day, Certainty.PROBABLE)
            house.settle(day)
        assert len(house.rows(tasks, tasks.c.kind == TaskKind.CHECK)) == 1


class TestInProgress:
    def test_the_rep_is_warned_when_the_end_is_near(self, house: House) -> None:
        run(house, ORDER)
        house.hear("1", CALL, Certainty.IN_PROGRESS)
        house.settle(CALL)
        house.settle(END - timedelta(days=8))
        assert house.rows(tasks, tasks.c.kind == TaskKind.CHECK) == []
        for day in (END - timedelta(days=7), END - timedelta(days=6)):
            house.settle(day)
            house.deliver(day)
        (check,) = house.rows(tasks, tasks.c.kind == TaskKind.CHECK)
        assert (check.state, check.urgency) == ("open", "warning")
        assert house.writer.scripts[-1].certainty is Certainty.IN_PROGRESS


class TestTakenBackByTheCa:
    @pytest.mark.parametrize("status", ENDED)
    def test_an_issued_renewal_that_ends_brings_the_old_order_back(self, house: House, status: OrderStatus) -> None:
        run(house, ORDER)
        run(house, ORDER, NEW)
        assert house.cycles()[0].outcome == Reason.RENEWED
        fallen = replace(NEW, status=status)
        run(house, ORDER, fallen, day=CALL + timedelta(days=1))
        (cycle,) = house.cycles()
        assert (cycle.open, cycle.stage) == (True, Stage.CONTACTED)
        assert [one.outcome for one in house.cycles(clock=Clock.INSTALL)] == [Reason.REOPENED]
        run(house, ORDER, NEW, day=CALL + timedelta(days=2))
        assert house.cycles()[0].outcome == Reason.RENEWED

    def test_so_does_a_replacement(self, house: House) -> None:
        other = replace(NEW, renewal_of="", common_name=ORDER.common_name, dns_names=ORDER.dns_names)
        run(house, ORDER, other)
        assert house.cycles()[0].outcome == Reason.REPLACED
        run(house, ORDER, replace(other, status=OrderStatus.REVOKED), day=CALL + timedelta(days=1))
        assert house.cycles()[0].open

    def test_what_the_old_order_says_does_not_count_against_it(self, house: House) -> None:
        old = replace(ORDER, renewed_by=NEW.key, is_renewed=True)
        run(house, old, NEW)
        fallen = replace(NEW, status=OrderStatus.CANCELLED)
        run(house, old, fallen, day=CALL + timedelta(days=1))
        run(house, replace(old, auto_renew=True), fallen, day=CALL + timedelta(days=2))
        assert house.cycles()[0].open

    def test_years_later_it_is_history(self, house: House) -> None:
        run(house, ORDER, NEW)
        run(house, ORDER, replace(NEW, status=OrderStatus.REVOKED), day=END + timedelta(days=8))
        (cycle,) = house.cycles()
        assert (cycle.open, cycle.outcome) == (False, Reason.RENEWED)

    def test_other_evidence_upholds_it(self, house: House) -> None:
        run(house, ORDER, NEW)
        house.hear("1", CALL)
        house.settle(CALL)
        run(house, ORDER, replace(NEW, status=OrderStatus.REVOKED), day=CALL + timedelta(days=1))
        assert not house.cycles()[0].open
