"""Whose work a task is."""

from datetime import date, timedelta

import pytest

from core.intake import store_accounts, store_reps
from core.model import RepFacts
from core.owners import Rep, Roster, problems, roster
from core.policy import TaskPolicy
from core.words import TaskKind
from tests.builders import House, account

DAY = date(2026, 12, 21)
AWAY = (DAY, DAY + timedelta(days=10))


def on(*reps: Rep, **rules: object) -> Roster:
    return Roster({rep.key: rep for rep in reps}, TaskPolicy(**rules), DAY)  # type: ignore[arg-type]


class TestOwner:
    def test_it_is_the_owner(self) -> None:
        assert on(Rep("maria"), fallback_owner="fay").owner("maria") == "maria"

    def test_somebody_unknown_is_taken_to_work(self) -> None:
        assert on(fallback_owner="fay").owner("maria") == "maria"

    @pytest.mark.parametrize("key", ["", "left"])
    def test_nobody_or_somebody_who_left_is_the_fallback(self, key: str) -> None:
        assert on(Rep("left", active=False, deputy_key="jan"), Rep("jan"), fallback_owner="fay").owner(key) == "fay"

    def test_absent_is_the_deputy_or_the_deputys(self) -> None:
        away = {"maria": (AWAY,), "jan": (AWAY,)}
        maria, jan = Rep("maria", deputy_key="jan"), Rep("jan", deputy_key="kim")
        assert on(maria, jan, absences=away, fallback_owner="fay").owner("maria") == "kim"
        assert on(maria, jan, absences={"maria": (AWAY,)}).owner("maria") == "jan"

    def test_the_settings_name_deputies_first(self) -> None:
        rules = {"absences": {"maria": (AWAY,)}, "deputies": {"maria": "lee"}}
        assert on(Rep("maria", deputy_key="jan"), **rules).owner("maria") == "lee"

    def test_deputies_in_a_circle_end_at_the_fallback(self) -> None:
        away = {"maria": (AWAY,), "jan": (AWAY,)}
        pair = Rep("maria", deputy_key="jan"), Rep("jan", deputy_key="maria")
        assert on(*pair, absences=away, fallback_owner="fay").owner("maria") == "fay"

    def test_with_nobody_else_it_waits_for_the_owner(self) -> None:
        assert on(Rep("maria"), absences={"maria": (AWAY,)}).owner("maria") == "maria"
        away = {"maria": (AWAY,), "fay": (AWAY,)}
        assert on(Rep("maria"), absences=away, fallback_owner="fay").owner("maria") == "maria"
        assert on(Rep("maria", active=False), absences=away, fallback_owner="fay").owner("maria") == "fay"

    @pytest.mark.parametrize(
        ("first", "last", "absent"),
        [(0, 0, True), (-3, -1, False), (1, 2, False), (-3, None, True), (1, None, False)],
    )
    def test_absences_include_both_days(self, first: int, last: int | None, absent: bool) -> None:
        until = None if last is None else DAY + timedelta(days=last)
        assert on(Rep("maria", absent_from=DAY + timedelta(days=first), absent_until=until)).absent("maria") is absent


class TestWork:
    def test_support_is_supports(self) -> None:
        assert on(support_owner="sue").does(TaskKind.SUPPORT, "maria") == "sue"
        assert on().does(TaskKind.SUPPORT, "maria") == "maria"
        there = on(Rep("sue", deputy_key="tim"), support_owner="sue", absences={"sue": (AWAY,)})
        assert there.does(TaskKind.SUPPORT, "maria") == "tim"

    def test_late_calls_are_the_managers(self) -> None:
        assert on(Rep("maria", manager_key="max")).does(TaskKind.ESCALATION, "maria") == "max"
        assert on(Rep("maria", manager_key="max"), managers={"maria": "mo"}).manager("maria") == "mo"
        assert on(Rep("maria"), manager="mo").manager("maria") == "mo"
        assert on(Rep("max", deputy_key="lee"), manager="max", absences={"max": (AWAY,)}).manager("maria") == "lee"

    def test_nobody_is_their_own_manager(self) -> None:
        assert on(Rep("max"), manager="max").manager("max") == ""
        assert on().manager("maria") == ""


def test_what_would_be_left_undone_is_told(house: House) -> None:
    with house.store.begin() as connection:
        store_accounts(
            connection,
            "test",
            [account("a", owner_key="maria"), account("b", owner_key="left"), account("c")],
            overwrite=True,
        )
        reps = [
            RepFacts("maria", "M", "", absent_from=DAY, deputy_key="gone"),
            RepFacts("left", "L", "", active=False),
            RepFacts("gone", "G", "", active=False),
        ]
        store_reps(connection, reps)
        told = problems(connection, TaskPolicy(), DAY)
        assert told == [
            "1 account has no owner, and reps.fallback names nobody: such tasks are nobody's",
            "left has left and still owns accounts, and reps.fallback names nobody",
            "maria is absent, and neither a deputy nor reps.fallback works meanwhile",
            "the deputy of maria has left",
            "nobody is told of calls that maria does not make; name a manager, or reps.manager",
        ]
        assert problems(connection, TaskPolicy(fallback_owner="fay", manager="max"), DAY) == [
            "the deputy of maria has left"
        ]
        assert roster(connection, TaskPolicy(), DAY).reps["maria"].absent_from == DAY
