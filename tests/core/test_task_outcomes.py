"""What follows from what a rep says of a task."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from core.follow_ups import AGAIN, PROMISED
from core.policy import TaskPolicy
from core.ports import CrmChange
from core.reasons import Reason
from core.schema import accounts, confirmations, cycles, tasks
from core.side_tables import engagements
from core.task_outcomes import take
from core.timing import WholeDay
from core.words import Clock, Stage, TaskKind, TaskState
from tests.builders import House, facts

END = date(2026, 7, 3)
CALL = END - timedelta(days=45)  # the day of the first call, a Tuesday
LATER = CALL + timedelta(days=2)


def with_task(house: House) -> str:
    """Runs the day of the first call; the key of its task."""
    house.source.rows = [facts("1", ends_on=END), facts("2", ends_on=END)]
    house.run(CALL)
    return str(house.rows(tasks)[0].task_key)


def say(house: House, key: str, outcome: str, day: date = CALL, **told: str) -> None:
    with house.store.begin() as connection:
        change = CrmChange(f"{key}:{outcome}", "task_outcome", task_key=key, value=outcome, facts=told)
        take(connection, "memory", [change], house.policy, WholeDay(day))


def work(house: House, day: date) -> None:
    house.settle(day)
    house.plan(day)
    house.deliver(day)


def calls(house: House, name: str = AGAIN) -> dict[str, Any]:
    return {
        touchpoint: state
        for (one, touchpoint, _), state in house.touches().items()
        if one == "1" and name in touchpoint
    }


class TestNoAnswer:
    def test_it_is_asked_for_again_two_days_later(self, house: House) -> None:
        say(house, with_task(house), "no_answer")
        assert calls(house) == {"again-1": ("planned", "")}
        work(house, CALL + timedelta(days=1))
        assert len(house.crm.tasks) == 1
        work(house, LATER)
        _, task = house.crm.tasks.values()
        assert task.due_on == LATER
        assert set(task.order_keys) == {"digicert:1", "digicert:2"}
        assert calls(house) == {"again-1": ("done", "")}

    def test_three_times_and_no_more(self, house: House) -> None:
        key, day = with_task(house), CALL
        for number in range(1, 4):
            say(house, key, "no_answer", day)
            day += timedelta(days=4)
            work(house, day)
            key = f"call:account-{house.rows(accounts)[0].id}:{number + 1}"
        assert len(calls(house)) == 3
        say(house, key, "no_answer", day)
        assert len(calls(house)) == 3

    def test_said_twice_it_is_asked_for_once(self, house: House) -> None:
        key = with_task(house)
        say(house, key, "no_answer")
        say(house, key, "no_answer")
        assert list(calls(house)) == ["again-1"]

    def test_corrected_it_is_not_asked_for(self, house: House) -> None:
        key = with_task(house)
        say(house, key, "no_answer")
        say(house, key, "reached")
        assert calls(house) == {"again-1": ("withdrawn", Reason.CALL_ANSWERED)}
        assert house.rows(tasks)[-1].state == TaskState.PLANNED
        work(house, LATER)
        assert len(house.crm.tasks) == 1

    def test_a_renewal_in_between_ends_it(self, house: House) -> None:
        say(house, with_task(house), "no_answer")
        house.hear("1", CALL)
        house.hear("2", CALL)
        work(house, LATER)
        assert calls(house) == {"again-1": ("withdrawn", Reason.RENEWED)}


class TestWillRenew:
    def test_it_is_believed_until_the_day_that_was_named(self, house: House) -> None:
        day = CALL + timedelta(days=30)
        say(house, with_task(house), "will_renew", until=day.isoformat())
        (cycle,) = house.cycles()
        assert (cycle.stage, cycle.committed_until) == (Stage.COMMITTED, day)

    @pytest.mark.parametrize(("until", "days"), [("", 14), ("next week", 14), ("2027-01-01", 45)])
    def test_without_a_day_for_two_weeks_and_never_beyond_the_end(self, house: House, until: str, days: int) -> None:
        say(house, with_task(house), "will_renew", until=until)
        assert house.cycles()[0].committed_until == CALL + timedelta(days=days)

    def test_a_promise_that_was_not_kept_is_called_about(self, house: House) -> None:
        day = CALL + timedelta(days=5)
        say(house, with_task(house), "will_renew", until=day.isoformat())
        work(house, day)
        assert house.cycles()[0].stage == Stage.COMMITTED
        work(house, day + timedelta(days=1))
        assert (house.cycles()[0].stage, house.cycles()[0].committed_until) == (Stage.CONTACTED, None)
        assert calls(house, PROMISED) == {"promised-1": ("planned", "")}  # the next day is a holiday
        work(house, day + timedelta(days=3))
        assert calls(house, PROMISED) == {"promised-1": ("done", "")}


class TestOthers:
    def test_a_wrong_person_makes_a_task_to_find_the_right_one(self, house: House) -> None:
        say(house, with_task(house), "wrong_person")
        (found,) = house.rows(tasks, tasks.c.kind == TaskKind.CONTACT)
        house.deliver(CALL)
        assert house.crm.tasks[f"#{found.task_key}"].order_keys == ("digicert:1", "digicert:2")

    def test_lost_keeps_reason_scope_and_the_day_to_ask_again(self, house: House) -> None:
        say(house, with_task(house), "lost", reason="price", scope="order", win_back_on="2027-05-01")
        house.settle(CALL)
        for cycle in (*house.cycles("1"), *house.cycles("2")):
            assert (cycle.outcome, cycle.stage, cycle.lost_reason) == (Reason.LOST, Stage.LOST, "price")
            assert (cycle.lost_scope, cycle.win_back_on) == ("order", date(2027, 5, 1))

    def test_installed_closes_the_install_clock_alone(self, house: House) -> None:
        house.source.rows = [facts("1", ends_on=END)]
        house.sync(CALL)
        house.hear("1", CALL)
        house.settle(CALL)
        day = END - timedelta(days=3)
        work(house, day)
        (task,) = house.rows(tasks, tasks.c.kind == TaskKind.SUPPORT)
        say(house, task.task_key, "installed", day)
        house.settle(day)
        assert [cycle.outcome for cycle in house.cycles(clock=Clock.INSTALL)] == [Reason.INSTALLED]
        assert house.cycles()[0].outcome == Reason.RENEWED

    def test_a_loss_that_was_a_slip_is_taken_back(self, house: House) -> None:
        key = with_task(house)
        say(house, key, "lost", reason="price")
        house.settle(CALL)
        say(house, key, "will_renew", until="2026-06-01")
        assert [(one.open, one.stage) for one in house.cycles()] == [(True, Stage.COMMITTED)]

    def test_so_is_a_promise(self, house: House) -> None:
        key = with_task(house)
        say(house, key, "will_renew")
        say(house, key, "done")
        assert [(one.stage, one.committed_until) for one in house.cycles()] == [(Stage.CONTACTED, None)]

    def test_and_a_renewal(self, house: House) -> None:
        key = with_task(house)
        say(house, key, "renewed")
        assert house.settle(CALL).renewed == 2
        say(house, key, "reached")
        assert house.settle(CALL).reopened == 2
        assert house.cycles()[0].open

    def test_an_unknown_task_changes_nothing(self, house: House) -> None:
        say(house, "call:account-77:1", "lost")
        assert house.rows(confirmations) == []

    @pytest.mark.parametrize(("outcome", "talked"), [("reached", True), ("will_renew", False), ("no_answer", False)])
    def test_whom_the_rep_has_reached_was_talked_to(self, house: House, outcome: str, talked: bool) -> None:
        say(house, with_task(house), outcome)
        assert [row.contacted_on for row in house.rows(engagements)] == [CALL] * talked

    def test_do_not_call_is_the_accounts(self, house: House) -> None:
        say(house, with_task(house), "do_not_call")
        assert [row.do_not_call for row in house.rows(accounts)] == [True]

    def test_the_figures_are_settings(self, house: House) -> None:
        house.policy = replace(house.policy, tasks=TaskPolicy(no_answer_times=0))
        say(house, with_task(house), "no_answer")
        assert house.rows(cycles)[0].open
        assert calls(house) == {}
