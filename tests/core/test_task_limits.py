"""How many new tasks a rep gets in a day, and which."""

from datetime import date, timedelta

import pytest

from core import golive
from core.explain import explain
from core.pauses import Pause, Scope, pause
from core.policy import TaskPolicy
from core.reasons import Reason
from core.schema import tasks
from core.task_limits import rank
from core.timing import WholeDay
from core.words import Urgency
from tests.builders import House, account, facts
from tests.core.conftest import MakeHouse

END = date(2026, 6, 26)
WARN = END - timedelta(days=7)  # a Friday
NEXT = WARN + timedelta(days=3)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((Urgency.CRITICAL, 0), (Urgency.WARNING, 10**9)),
        ((Urgency.EXPIRED, 2), (Urgency.CRITICAL, 2)),
        ((Urgency.REMINDER, 300), (Urgency.WARNING, 190)),
        ((Urgency.WARNING, 210), (Urgency.REMINDER, 300)),
    ],
)
def test_critical_goes_first_then_value_times_urgency(first: tuple[Urgency, int], second: tuple[Urgency, int]) -> None:
    assert rank(*first) > rank(*second)


def with_calls(house: House, worths: list[int], owner: str = "maria") -> None:
    """A warning call is due for each of these customers."""
    house.source.rows = [
        facts(str(number), ends_on=END, value_minor=worth, account=account(f"a{number}", owner_key=owner))
        for number, worth in enumerate(worths, start=1)
    ]


def owners(house: House) -> list[str]:
    return sorted(task.draft.account_key for task in house.crm.tasks.values())


class TestCap:
    def test_the_most_valuable_go_and_the_others_wait_for_the_next_working_day(self, make_house: MakeHouse) -> None:
        house = make_house(tasks=TaskPolicy(per_day=2))
        with_calls(house, [10_000, 40_000, 20_000, 30_000])
        house.run(WARN)
        assert owners(house) == ["a2", "a4"]
        with house.store.read() as connection:
            (told,) = [
                one
                for one in explain(connection, "digicert:1", house.policy, WARN)
                if (one.channel, one.touchpoint) == ("call", "before-7")
            ]
        assert (told.outcome, told.reason) == ("waiting", Reason.TASKS_OF_DAY_USED)
        house.run(WARN + timedelta(days=1))
        assert owners(house) == ["a2", "a4"]
        house.run(NEXT)
        assert owners(house) == ["a1", "a2", "a3", "a4"]
        with house.store.read() as connection:
            done = [
                one for one in explain(connection, "digicert:1", house.policy, NEXT) if one.touchpoint == "before-7"
            ]
        assert {one.outcome for one in done if one.channel == "call"} == {"delivered"}

    def test_what_was_made_on_the_day_counts(self, make_house: MakeHouse) -> None:
        house = make_house(tasks=TaskPolicy(per_day=2))
        with_calls(house, [10_000])
        house.run(WARN)
        with_calls(house, [10_000, 20_000, 30_000])
        house.run(WARN)
        assert owners(house) == ["a1", "a3"]

    def test_what_a_raise_asks_for_anew_counts(self, make_house: MakeHouse) -> None:
        house = make_house(tasks=TaskPolicy(per_day=1))
        with_calls(house, [10_000])
        house.run(END - timedelta(days=21))
        (key,) = house.crm.tasks
        with_calls(house, [10_000, 20_000])
        house.sync(WARN)
        house.settle(WARN)
        house.plan(WARN)
        house.crm.finish(key.removeprefix("#"), "done")  # after the raise of it has been planned
        house.sync(WARN)
        house.deliver(WARN)
        assert [row.opened_on for row in house.rows(tasks)].count(WARN) == 1
        house.run(NEXT)
        assert owners(house) == ["a1", "a1", "a2"]

    def test_what_is_paused_takes_no_place(self, make_house: MakeHouse) -> None:
        house = make_house(tasks=TaskPolicy(per_day=1))
        with_calls(house, [10_000, 20_000])
        with house.store.begin() as connection:
            pause(connection, Pause(Scope.ACCOUNT, "a2"), WholeDay(WARN).opening)
        house.run(WARN)
        assert owners(house) == ["a1"]

    def test_what_the_pilot_leaves_out_takes_no_place(self, make_house: MakeHouse) -> None:
        house = make_house(live=False, tasks=TaskPolicy(per_day=1))
        with_calls(house, [10_000, 20_000])
        house.sync(WARN)
        with house.store.begin() as connection:
            golive.go_live_with(connection, ["a1"], WARN - timedelta(days=1))
        house.run(WARN)
        assert owners(house) == ["a1"]

    def test_each_rep_has_their_own_and_nobody_has_none(self, make_house: MakeHouse) -> None:
        house = make_house(tasks=TaskPolicy(per_day=1))
        with_calls(house, [1, 2], owner="")
        house.source.rows = [*house.source.rows, facts("8", ends_on=END, account=account("b", owner_key="jan"))]
        house.run(WARN)
        assert len(owners(house)) == 3
        assert {row.opened_on for row in house.rows(tasks)} == {WARN}

    def test_none_is_any_number(self, make_house: MakeHouse) -> None:
        house = make_house(tasks=TaskPolicy(per_day=0))
        with_calls(house, [1, 2, 3])
        house.run(WARN)
        assert len(owners(house)) == 3
