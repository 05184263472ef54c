"""Who works when, as the settings say it."""

from datetime import date

import pytest

from config.reps import task_policy
from config.sections import RepsSection, TasksSection
from core.errors import ConfigurationError
from core.policy import TaskPolicy


def test_the_defaults_are_those_of_the_engine() -> None:
    assert task_policy(TasksSection(), RepsSection()) == TaskPolicy()


def test_everything_is_taken_over() -> None:
    tasks = TasksSection(False, 5, 3, 1, 4, 9)
    reps = RepsSection("fay", "sue", "max", {"maria": "jan"}, {"maria": "mo"}, {"maria": ("2026-12-21/2027-01-03",)})
    absences = {"maria": ((date(2026, 12, 21), date(2027, 1, 3)),)}
    assert task_policy(tasks, reps) == TaskPolicy(
        False, "fay", "sue", "max", {"maria": "jan"}, {"maria": "mo"}, absences, 5, 3, 1, 4, 9
    )


@pytest.mark.parametrize("text", ["", "2026-12-21", "21.12.2026/3.1.2027", "2027-01-03/2026-12-21"])
def test_an_absence_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\[reps\] absent\.maria: .* write FIRST/LAST"):
        task_policy(TasksSection(), RepsSection(absent={"maria": (text,)}))
