"""Reading validity.toml, and which maximum is in force on a day."""

import tomllib
from datetime import date, datetime, timedelta
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError, UsageError
from core.validity_rules import CaRules, Maximum, Schedule, ValidityRules

BASELINE = """
baseline = [{ issued_from = 2018-03-01, max_days = 825 }, { issued_from = 2020-09-01, max_days = 398 }]
"""
NO_OWN = BASELINE + "[ca.acme]\n"


def read(text: str) -> ValidityRules:
    return ValidityRules.from_toml(tomllib.loads(text))


def packaged() -> ValidityRules:
    return read((files("config") / "validity.toml").read_text("utf-8"))


class TestPackagedFigures:
    @pytest.mark.parametrize(
        ("issued_on", "longest"),
        [
            (date(2018, 3, 1), 825),
            (date(2020, 8, 26), 825),
            (date(2020, 8, 27), 397),
            (date(2020, 9, 1), 397),
            (date(2026, 2, 23), 397),
            (date(2026, 2, 24), 199),
            (date(2026, 3, 15), 199),
            (date(2027, 3, 14), 199),
            (date(2027, 3, 15), 100),
            (date(2029, 3, 14), 100),
            (date(2029, 3, 15), 47),
            (date(2040, 1, 1), 47),
        ],
    )
    def test_digicert_keeps_the_lower_of_its_own_and_the_baseline(self, issued_on: date, longest: int) -> None:
        assert packaged().ca("digicert").max_certificate_days(issued_on) == longest

    def test_the_baseline_is_kept_beside_the_cas(self) -> None:
        steps = packaged().baseline.steps
        assert steps[-2:] == (Maximum(date(2027, 3, 15), 100), Maximum(date(2029, 3, 15), 47))

    @pytest.mark.parametrize(
        ("day", "to_come"),
        [(date(2026, 11, 18), 2), (date(2027, 3, 14), 2), (date(2027, 3, 15), 1), (date(2030, 1, 1), 0)],
    )
    def test_steps_that_are_still_to_come(self, day: date, to_come: int) -> None:
        steps = packaged().baseline.steps
        assert packaged().baseline.after(day) == steps[len(steps) - to_come :]

    def test_settings(self) -> None:
        rules = packaged()
        assert (rules.safety_margin_days, rules.early_window_days) == (1, 90)
        assert not rules.ca("digicert").carries_over()
        assert not rules.ca("digicert").carries_over("ssl_basic")

    def test_the_products_example_in_the_comment_can_be_switched_on(self) -> None:
        text = (files("config") / "validity.toml").read_text("utf-8")
        start = text.index("# [ca.digicert.products")
        digicert = read(text[:start] + text[start:].replace("# ", "")).ca("digicert")
        assert digicert.carries_over("ssl_securesite_pro")
        assert not digicert.carries_over("ssl_basic")


class TestReading:
    def test_defaults(self) -> None:
        rules = read(NO_OWN)
        assert (rules.safety_margin_days, rules.early_window_days) == (1, 90)
        assert rules.ca("acme") == CaRules(
            "acme", Schedule((Maximum(date(2018, 3, 1), 825), Maximum(date(2020, 9, 1), 398)))
        )

    def test_when_a_ca_renews_by_itself_is_known_where_it_is_said(self) -> None:
        assert read(NO_OWN).ca("acme").auto_renew_days is None
        assert read(NO_OWN + "auto_renew_days = 30").ca("acme").auto_renew_days == 30

    def test_a_ca_without_a_table_is_unknown(self) -> None:
        with pytest.raises(UsageError, match=r"'acmee' has no rules in validity.toml; known: acme"):
            read(NO_OWN).ca("acmee")
        with pytest.raises(UsageError, match="known: none"):
            read(BASELINE + "[ca]").ca("acme")

    def test_before_the_first_maximum_none_is_known(self) -> None:
        with pytest.raises(UsageError, match=r"2018-02-28 \(acme\): the first known holds from 2018-03-01"):
            read(NO_OWN).ca("acme").max_certificate_days(date(2018, 2, 28))
        with pytest.raises(UsageError, match="none is set"):
            CaRules("acme", Schedule()).max_certificate_days(date(2018, 2, 28))

    @pytest.mark.parametrize(
        ("text", "key", "problem"),
        [
            ("", "baseline", "is missing"),
            (BASELINE, "ca", "is missing"),
            ("baseline = []\n[ca]", "baseline", "is empty"),
            ("baseline = 3\n[ca]", "baseline", "must be a list"),
            ("baseline = [3]\n[ca]", "baseline[1]", "must be a table"),
            (BASELINE + "ca = 3", "ca", "must be a table"),
            (BASELINE + "ca.acme = 3", "ca.acme", "must be a table"),
            (BASELINE + "margin = 3\n[ca]", "margin", "is not a setting; known are baseline"),
            (NO_OWN + "auto_renew_days = -1", "ca.acme.auto_renew_days", "write a whole number from 0"),
            (NO_OWN + "carryover = true", "ca.acme.carryover", "is not a setting"),
            (NO_OWN + 'carry_over = "yes"', "ca.acme.carry_over", "is 'yes'; write true or false"),
            (NO_OWN + "carry_over = 1", "ca.acme.carry_over", "is 1; write true or false"),
            (BASELINE + "[ca.Acme]", "ca.Acme", "lower case"),
            (BASELINE + '[ca.""]', "ca.", "lower case"),
            (NO_OWN + "products = []", "ca.acme.products", "must be a table"),
            (NO_OWN + "products.ev = true", "ca.acme.products.ev", "must be a table"),
            (NO_OWN + "products.ev = {}", "ca.acme.products.ev.carry_over", "is missing"),
            (NO_OWN + "products.ev.carry_over = 0", "ca.acme.products.ev.carry_over", "true or false"),
            (NO_OWN + "products.ev.days = 9", "ca.acme.products.ev.days", "is not a setting"),
            (NO_OWN + "maximum = {}", "ca.acme.maximum", "must be a list"),
            (NO_OWN + "maximum = [{ max_days = 9 }]", "ca.acme.maximum[1].issued_from", "is missing"),
            (
                NO_OWN + "maximum = [{ issued_from = 2020-01-01 }]",
                "ca.acme.maximum[1].max_days",
                "is missing",
            ),
            (
                NO_OWN + "maximum = [{ issued_from = 2020-01-01, max_days = 9, until = 3 }]",
                "ca.acme.maximum[1].until",
                "is not a setting; known are issued_from, max_days",
            ),
            (
                NO_OWN + 'maximum = [{ issued_from = "2020-01-01", max_days = 9 }]',
                "ca.acme.maximum[1].issued_from",
                "write a date without quotes",
            ),
            (
                NO_OWN + "maximum = [{ issued_from = 2020-01-01T00:00:00, max_days = 9 }]",
                "ca.acme.maximum[1].issued_from",
                "write a date",
            ),
            ("early_window_days = -1\n" + NO_OWN, "early_window_days", "is -1; write a whole number from 0"),
            ("early_window_days = 90.0\n" + NO_OWN, "early_window_days", "is 90.0"),
            ("safety_margin_days = true\n" + NO_OWN, "safety_margin_days", "is True"),
            ("safety_margin_days = 398\n" + NO_OWN, "safety_margin_days", "from 0 to 397"),
        ],
    )
    def test_what_cannot_be_meant_is_told_in_one_line_that_names_the_key(
        self, text: str, key: str, problem: str
    ) -> None:
        with pytest.raises(ConfigurationError) as caught:
            read(text)
        line = str(caught.value)
        assert line.startswith(f"validity.toml: {key} ")
        assert problem in line
        assert "\n" not in line

    @pytest.mark.parametrize("days", ["0", "-1", "true", "1.5", '"9"', "10001"])
    def test_a_maximum_is_a_positive_whole_number(self, days: str) -> None:
        with pytest.raises(ConfigurationError, match=r"baseline\[1\].max_days is .* from 1 to 10000"):
            read(f"baseline = [{{ issued_from = 2020-01-01, max_days = {days} }}]\n[ca]")

    @pytest.mark.parametrize("second", ["2020-01-01", "2019-12-31"])
    def test_dates_rise(self, second: str) -> None:
        with pytest.raises(ConfigurationError, match=rf"baseline\[2\].issued_from is {second}, not later"):
            read(
                "baseline = [{ issued_from = 2020-01-01, max_days = 9 },"
                f" {{ issued_from = {second}, max_days = 8 }}]\n[ca]"
            )

    def test_a_long_or_broken_value_is_told_in_one_short_line(self) -> None:
        with pytest.raises(ConfigurationError) as caught:
            ValidityRules.from_toml({"early_window_days": "9\n" * 100_000, "baseline": [], "ca": {}})
        assert len(str(caught.value)) < 200
        with pytest.raises(ConfigurationError) as caught:
            ValidityRules.from_toml({"a\nb": 1})
        assert "\n" not in str(caught.value)

    def test_a_moment_is_no_date(self) -> None:
        entry = {"issued_from": datetime(2020, 1, 1), "max_days": 9}
        with pytest.raises(ConfigurationError, match=r"baseline\[1\].issued_from"):
            ValidityRules.from_toml({"baseline": [entry], "ca": {}})


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    days = sorted(draw(st.sets(st.dates(date(2020, 1, 1), date(2020, 3, 1)), max_size=5)))
    return Schedule(tuple(Maximum(day, draw(st.integers(1, 900))) for day in days))


class TestSchedule:
    @given(schedules(), schedules(), st.integers(-5, 70))
    def test_lowest_is_the_lower_of_those_in_force_on_every_day(
        self, one: Schedule, other: Schedule, offset: int
    ) -> None:
        on = date(2020, 1, 1) + timedelta(days=offset)
        in_force = [days for days in (one.on(on), other.on(on)) if days is not None]
        assert one.lowest(other).on(on) == other.lowest(one).on(on) == min(in_force, default=None)

    @given(schedules(), schedules())
    def test_lowest_rises_by_day_and_repeats_no_figure(self, one: Schedule, other: Schedule) -> None:
        steps = one.lowest(other).steps
        assert all(a.issued_from < b.issued_from and a.days != b.days for a, b in pairwise(steps))

    @given(schedules())
    def test_each_step_is_in_force_from_its_own_day(self, schedule: Schedule) -> None:
        for step in schedule.steps:
            assert schedule.on(step.issued_from) == step.days
        if schedule.steps:
            assert schedule.on(schedule.steps[0].issued_from - timedelta(days=1)) is None
