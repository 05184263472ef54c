"""Under which limits days to come are played."""

from datetime import date

from core.scenarios import scenarios
from core.validity_rules import CaRules, Maximum, Schedule, ValidityRules
from tests.builders import policy

DAY = date(2026, 11, 18)


def test_as_dated_and_each_limit_that_is_still_to_come() -> None:
    found = scenarios(policy().validity, DAY)
    assert [(one.key, one.title, one.not_before) for one in found] == [
        ("dated", "rules as dated", None),
        ("100-day", "100-day limit", date(2027, 3, 15)),
        ("47-day", "47-day limit", date(2029, 3, 15)),
    ]
    assert found[2].note == "as if the limit of 2029-03-15 held from the first day on"
    limits = found[1].limits(policy().validity)
    assert (limits.validity, limits.not_before) == (policy().validity, date(2027, 3, 15))


def test_a_ca_that_issues_shorter_ones_is_named() -> None:
    baseline = Schedule((Maximum(date(2026, 3, 15), 200), Maximum(date(2027, 3, 15), 100)))
    own = baseline.lowest(Schedule((Maximum(date(2027, 1, 1), 90),)))
    rules = ValidityRules({"short": CaRules("short", own), "long": CaRules("long", baseline)}, baseline=baseline)
    assert scenarios(rules, DAY)[1].note.endswith("; short issues 90 days")


def test_once_the_last_limit_holds_nothing_else_is_played() -> None:
    assert [one.key for one in scenarios(policy().validity, date(2029, 3, 15))] == ["dated"]
