"""A pressing call that is not made reaches the manager, once."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from core.model import RepFacts
from core.policy import TaskPolicy
from core.schema import tasks
from core.words import TaskKind
from tests.builders import House, account, facts

END = date(2026, 6, 26)
REMIND = END - timedelta(days=21)
WARN = END - timedelta(days=7)
LATE = WARN + timedelta(days=3)


@pytest.fixture
def warned(house: House) -> House:
    """A house in which Maria has had a call since the reminder, which is a warning by now."""
    house.source.known_reps = [RepFacts("maria", "Maria", "", manager_key="max"), RepFacts("max", "Max", "")]
    house.source.rows = [facts(ends_on=END, account=account(owner_key="maria"))]
    house.run(REMIND)
    house.run(WARN)
    return house


def escalations(house: House) -> list[tuple[str, str]]:
    of_kind = tasks.c.kind == TaskKind.ESCALATION
    return [(row.owner_key, row.state) for row in house.rows(tasks, of_kind)]


def test_the_manager_is_told_once_it_has_been_urgent_for_so_long(warned: House) -> None:
    (call,) = warned.rows(tasks)
    assert (call.opened_on, call.pressing_since) == (REMIND, WARN)
    warned.run(LATE - timedelta(days=1))
    assert escalations(warned) == []
    warned.run(LATE)
    warned.run(LATE + timedelta(days=1))
    assert escalations(warned) == [("max", "open")]
    assert [script.kind for script in warned.writer.scripts if script.kind is TaskKind.ESCALATION] == ["escalation"]
    assert warned.rows(tasks)[0].escalated_on == LATE


def test_the_call_that_was_made_after_all_ends_it(warned: House) -> None:
    warned.run(LATE)
    warned.crm.finish(warned.rows(tasks)[0].task_key, "reached")
    warned.run(LATE + timedelta(days=1))
    assert escalations(warned) == [("max", "closed")]


def test_a_renewal_ends_it(warned: House) -> None:
    warned.run(LATE)
    warned.hear("1", LATE)
    warned.run(LATE + timedelta(days=1))
    assert escalations(warned) == [("max", "closed")]


@pytest.mark.parametrize("rules", [{"escalate_after_days": 0}, {"managers": {"maria": "maria"}}])
def test_never_or_to_nobody_is_not_at_all(warned: House, rules: dict[str, object]) -> None:
    warned.policy = replace(warned.policy, tasks=TaskPolicy(**rules))  # type: ignore[arg-type]
    warned.run(LATE)
    assert escalations(warned) == []
    assert warned.rows(tasks)[0].escalated_on is None
