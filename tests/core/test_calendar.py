"""Working days, zones and office hours."""

import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.calendar import Calendar, CalendarSettings, known_zone, zones_by_country
from core.errors import ConfigurationError

PACKAGED = Path(__file__).parents[2] / "config" / "calendar.toml"
CALENDAR = Calendar(CalendarSettings.from_toml(tomllib.loads(PACKAGED.read_text(encoding="utf-8"))))
COUNTRIES = ("US", "DE", "FR", "IT", "ES", "CN", "KR", "IL", "AE", "BR", "XX", "", None)
ZONES = ("UTC", "America/New_York", "Europe/Berlin", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia")

days = st.dates(date(2015, 1, 1), date(2035, 12, 31))
countries = st.sampled_from(COUNTRIES)
zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.datetimes(datetime(2015, 1, 1), datetime(2035, 12, 31), timezones=st.just(UTC))


@pytest.mark.parametrize(
    ("country", "day", "works"),
    [
        ("US", date(2026, 7, 3), False),  # Independence Day, observed on the Friday
        ("US", date(2026, 7, 2), True),
        ("DE", date(2026, 10, 3), False),
        ("DE", date(2026, 5, 25), False),  # Whit Monday
        ("DE", date(2026, 6, 4), True),  # Corpus Christi is a holiday in some regions only
        ("FR", date(2026, 7, 14), False),
        ("IT", date(2026, 8, 15), False),
        ("ES", date(2026, 10, 12), False),
        ("KR", date(2026, 2, 17), False),  # lunar new year
        ("CN", date(2025, 1, 26), True),  # a Sunday that is worked ahead of the new year's holidays
        ("CN", date(2025, 1, 28), False),
        ("IL", date(2026, 6, 7), True),  # Sunday
        ("IL", date(2026, 6, 5), False),  # Friday
        ("AE", date(2020, 3, 6), False),  # Friday, when the weekend was Friday and Saturday
        ("AE", date(2023, 3, 5), False),  # Sunday, since the weekend is Saturday and Sunday
        ("AE", date(2023, 3, 3), True),
        ("de", date(2026, 5, 25), False),
    ],
)
def test_each_country_has_its_own_working_days(country: str, day: date, works: bool) -> None:
    assert CALENDAR.is_working_day(day, country) is works


@given(day=days, country=st.sampled_from(("XX", "", None, "Germany", "ECB", "?!")))
def test_where_the_country_is_unknown_monday_to_friday_are_worked(day: date, country: str | None) -> None:
    assert CALENDAR.is_working_day(day, country) is (day.weekday() < 5)


def test_the_default_country_stands_in_for_a_missing_one_but_not_for_an_unknown_one() -> None:
    calendar = Calendar(CalendarSettings(default_country="DE"))
    whit_monday = date(2026, 5, 25)
    assert not calendar.is_working_day(whit_monday, None)
    assert not calendar.is_working_day(whit_monday, "")
    assert calendar.is_working_day(whit_monday, "XX")


@pytest.mark.parametrize("country", COUNTRIES)
def test_nobody_works_on_quiet_dates(country: str | None) -> None:
    calendar = Calendar(CalendarSettings(quiet_dates=frozenset({date(2026, 6, 10)})))
    assert not calendar.is_working_day(date(2026, 6, 10), country)
    assert calendar.is_working_day(date(2026, 6, 11), country)


@pytest.mark.parametrize("year", [1, 1900, 9998, 9999])
@pytest.mark.parametrize("country", ["US", "CN", "KR", "XX"])
def test_far_years_have_an_answer(year: int, country: str) -> None:
    assert any(CALENDAR.is_working_day(date(year, 3, day), country) for day in range(1, 32))


@given(day=days, country=countries)
def test_the_nearest_working_days_are_worked_and_skip_none(day: date, country: str | None) -> None:
    before = CALENDAR.working_day_on_or_before(day, country)
    after = CALENDAR.working_day_on_or_after(day, country)
    assert before <= day <= after
    assert CALENDAR.is_working_day(before, country)
    assert CALENDAR.is_working_day(after, country)
    between = (before + timedelta(days=n) for n in range(1, (after - before).days))
    assert not any(CALENDAR.is_working_day(passed, country) for passed in between)
    assert (before == after == day) is CALENDAR.is_working_day(day, country)


@given(day=days, country=countries)
def test_a_calendar_that_remembers_answers_like_a_new_one(day: date, country: str | None) -> None:
    new = Calendar(CALENDAR.settings)
    assert new.working_day_on_or_before(day, country) == CALENDAR.working_day_on_or_before(day, country)
    assert new.working_day_on_or_after(day, country) == CALENDAR.working_day_on_or_after(day, country)


def test_working_days_are_found_across_the_turn_of_the_year() -> None:
    assert CALENDAR.working_day_on_or_before(date(2028, 1, 2), "DE") == date(2027, 12, 31)
    assert CALENDAR.working_day_on_or_after(date(2026, 12, 31), "BR") == date(2026, 12, 31)
    assert CALENDAR.working_day_on_or_after(date(2027, 1, 1), "DE") == date(2027, 1, 4)


@pytest.mark.parametrize(
    ("country", "zone", "expected"),
    [
        ("FR", None, "Europe/Paris"),
        ("fr", "", "Europe/Paris"),
        ("KR", None, "Asia/Seoul"),
        ("DE", None, "Europe/Berlin"),
        ("US", None, "America/New_York"),
        ("US", "America/Los_Angeles", "America/Los_Angeles"),
        ("FR", "Mars/Olympus", "Europe/Paris"),
        (None, "Asia/Tokyo", "Asia/Tokyo"),
        (None, None, "UTC"),
        ("XX", "nonsense", "UTC"),
    ],
)
def test_a_named_zone_wins_then_the_country_then_the_default(
    country: str | None, zone: str | None, expected: str
) -> None:
    assert CALENDAR.zone(country, zone).key == expected


def test_the_settings_decide_on_default_and_main_zones() -> None:
    settings = CalendarSettings(
        default_country="JP", default_zone="Europe/Rome", zones=MappingProxyType({"FR": "Indian/Reunion"})
    )
    calendar = Calendar(settings)
    assert calendar.zone(None, None).key == "Asia/Tokyo"
    assert calendar.zone("XX", None).key == "Europe/Rome"
    assert calendar.zone("FR", None).key == "Indian/Reunion"
    assert calendar.zone("US", None).key == "Europe/Rome"  # several zones, none named as the main one


@pytest.mark.parametrize(
    "name", ["", "America", "/etc/passwd", "../UTC", "europe/berlin", "Europe/Berlin\n", "Foo/Bar", "a\0b"]
)
def test_what_is_no_zone_is_not_known_and_does_no_harm(name: str) -> None:
    assert not known_zone(name)
    assert CALENDAR.zone("FR", name).key == "Europe/Paris"


def test_known_zones_are_those_of_the_tz_database() -> None:
    assert known_zone("Europe/Berlin")
    assert known_zone("UTC")


def test_every_country_has_a_main_zone_in_the_packaged_settings() -> None:
    for country, names in zones_by_country().items():
        assert CALENDAR.zone(country, None).key in names, country
        if len(names) == 1:
            assert country not in CALENDAR.settings.zones, country


@pytest.mark.parametrize(
    ("day", "zone", "opens", "closes"),
    [
        (date(2026, 1, 15), "Europe/Berlin", "2026-01-15T08:00", "2026-01-15T16:00"),
        (date(2026, 7, 15), "Europe/Berlin", "2026-07-15T07:00", "2026-07-15T15:00"),
        (date(2026, 3, 29), "Europe/Berlin", "2026-03-29T07:00", "2026-03-29T15:00"),  # clocks go forward
        (date(2026, 10, 25), "Europe/Berlin", "2026-10-25T08:00", "2026-10-25T16:00"),  # clocks go back
        (date(2026, 1, 15), "Pacific/Auckland", "2026-01-14T20:00", "2026-01-15T04:00"),
        (date(2026, 7, 15), "Asia/Kathmandu", "2026-07-15T03:15", "2026-07-15T11:15"),
    ],
)
def test_office_hours_follow_the_local_clock(day: date, zone: str, opens: str, closes: str) -> None:
    assert CALENDAR.opens_at(day, ZoneInfo(zone)) == datetime.fromisoformat(opens + "+00:00")
    assert CALENDAR.closes_at(day, ZoneInfo(zone)) == datetime.fromisoformat(closes + "+00:00")
    assert CALENDAR.opens_at(day, ZoneInfo(zone)).tzinfo is UTC


def test_an_opening_that_the_clocks_skip_falls_after_the_gap() -> None:
    calendar = Calendar(CalendarSettings(office_opens=time(2, 30)))
    opens = calendar.opens_at(date(2026, 3, 29), ZoneInfo("Europe/Berlin"))
    assert opens.astimezone(ZoneInfo("Europe/Berlin")).time() == time(3, 30)


def test_an_opening_that_happens_twice_is_the_first() -> None:
    calendar = Calendar(CalendarSettings(office_opens=time(2, 30)))
    assert calendar.opens_at(date(2026, 10, 25), ZoneInfo("Europe/Berlin")) == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        ("2026-06-10T10:00", "2026-06-10T10:00"),  # within office hours
        ("2026-06-10T07:00", "2026-06-10T07:00"),  # the opening itself
        ("2026-06-10T03:00", "2026-06-10T07:00"),
        ("2026-06-10T15:00", "2026-06-11T07:00"),  # the closing is outside
        ("2026-06-09T22:30", "2026-06-10T07:00"),  # already the next day there
        ("2026-06-12T18:00", "2026-06-15T07:00"),  # Friday evening
        ("2026-06-13T10:00", "2026-06-15T07:00"),  # Saturday
        ("2026-12-24T18:00", "2026-12-28T08:00"),  # Christmas, then the weekend
    ],
)
def test_the_next_opening_in_germany(moment: str, expected: str) -> None:
    found = CALENDAR.next_opening(datetime.fromisoformat(moment + "+00:00"), "DE", ZoneInfo("Europe/Berlin"))
    assert found == datetime.fromisoformat(expected + "+00:00")


@given(moment=moments, country=countries, zone=zones)
def test_the_next_opening_lies_in_office_hours_and_passes_none(
    moment: datetime, country: str | None, zone: ZoneInfo
) -> None:
    found = CALENDAR.next_opening(moment, country, zone)
    day = found.astimezone(zone).date()
    assert found >= moment
    assert found.tzinfo is UTC
    assert CALENDAR.is_working_day(day, country)
    assert CALENDAR.opens_at(day, zone) <= found < CALENDAR.closes_at(day, zone)
    assert found == moment or found == CALENDAR.opens_at(day, zone)
    assert CALENDAR.next_opening(found, country, zone) == found
    passed = moment.astimezone(zone).date()
    while passed < day:
        assert not CALENDAR.is_working_day(passed, country) or CALENDAR.closes_at(passed, zone) <= moment
        passed += timedelta(days=1)


@given(earlier=moments, later=moments, country=countries, zone=zones)
def test_next_openings_keep_the_order_of_moments(
    earlier: datetime, later: datetime, country: str | None, zone: ZoneInfo
) -> None:
    earlier, later = sorted((earlier, later))
    assert CALENDAR.next_opening(earlier, country, zone) <= CALENDAR.next_opening(later, country, zone)


def test_the_next_opening_takes_a_moment_in_any_zone() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    moment = datetime(2026, 6, 10, 12, 0, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert CALENDAR.next_opening(moment, "DE", berlin) == datetime(2026, 6, 10, 7, 0, tzinfo=UTC)


def test_settings_are_read_with_their_defaults() -> None:
    assert CalendarSettings.from_toml({}) == CalendarSettings()
    settings = CalendarSettings.from_toml(
        tomllib.loads(
            """
            office_opens = "08:30"
            office_closes = 16:00:00
            default_country = "de"
            default_zone = "Europe/Berlin"
            quiet_dates = [2026-12-24]
            [zones]
            us = "America/Chicago"
            """
        )
    )
    assert settings == CalendarSettings(
        office_opens=time(8, 30),
        office_closes=time(16),
        default_country="DE",
        default_zone="Europe/Berlin",
        zones={"US": "America/Chicago"},
        quiet_dates=frozenset({date(2026, 12, 24)}),
    )


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"office_open": "09:00"}, "office_open is not a setting"),
        ({"office_opens": "nine"}, "office_opens"),
        ({"office_opens": 9}, "office_opens"),
        ({"office_closes": time(9, tzinfo=UTC)}, "office_closes"),
        ({"office_opens": "17:00", "office_closes": "09:00"}, "office_closes"),
        ({"default_country": "Germany"}, "default_country"),
        ({"default_country": 49}, "default_country"),
        ({"default_zone": "Berlin"}, "default_zone"),
        ({"zones": ["UTC"]}, "zones"),
        ({"zones": {"US": "Chicago"}}, "[zones] US"),
        ({"zones": {"USA": "America/Chicago"}}, "[zones] USA"),
        ({"quiet_dates": "2026-12-24"}, "quiet_dates"),
        ({"quiet_dates": [datetime(2026, 12, 24)]}, "quiet_dates"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        CalendarSettings.from_toml(table)
    assert said in str(caught.value)
    assert str(caught.value).startswith("calendar.toml: ")
    assert "\n" not in str(caught.value)


def test_the_digest_changes_with_the_settings_only() -> None:
    base = CalendarSettings(zones={"US": "America/Chicago", "CA": "America/Toronto"})
    same = CalendarSettings(zones={"CA": "America/Toronto", "US": "America/Chicago"})
    others = [
        CalendarSettings(),
        CalendarSettings(office_opens=time(8)),
        CalendarSettings(office_closes=time(18)),
        CalendarSettings(default_country="DE"),
        CalendarSettings(default_zone="Europe/Berlin"),
        CalendarSettings(quiet_dates=frozenset({date(2026, 1, 2)})),
    ]
    assert base.digest == same.digest
    assert len({settings.digest for settings in (base, *others)}) == len(others) + 1


def test_the_library_of_holidays_is_imported_only_when_a_day_is_asked_for() -> None:
    program = (
        "import sys; from core.calendar import Calendar, CalendarSettings\n"
        "Calendar(CalendarSettings()).zone('DE', None)\n"
        "sys.exit('holidays' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], check=False, cwd=PACKAGED.parents[1], timeout=60)
    assert done.returncode == 0
