from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.schedule import next_turn, triggers
from config.sections import JOBS, ScheduleSection
from config.settings import load
from core.errors import ConfigurationError

FRIDAY = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def turns(words: str, count: int, after: datetime = FRIDAY, timezone: str = "UTC") -> list[datetime]:
    """The next turns of a job with this schedule."""
    section = ScheduleSection(sync=words, settle="", plan="", deliver="", timezone=timezone)
    trigger = triggers(section)["sync"]
    found: list[datetime] = []
    for _ in range(count):
        following = next_turn(trigger, found[-1] if found else after)
        assert following is not None
        found.append(following)
    return found


def refused(**said: Any) -> str:
    with pytest.raises(ConfigurationError) as error:
        triggers(ScheduleSection(**said))
    told = str(error.value)
    assert "\n" not in told
    return told


def test_every_job_has_a_turn_by_default_in_the_order_of_the_steps() -> None:
    assert list(triggers(ScheduleSection())) == list(JOBS) == ["sync", "settle", "plan", "deliver", "daily"]


def test_an_empty_word_switches_a_job_off() -> None:
    assert list(triggers(ScheduleSection(sync="", plan="  "))) == ["settle", "deliver", "daily"]


def test_five_fields_are_read_as_cron_reads_them() -> None:
    assert turns("*/15 * * * *", 2) == [FRIDAY + timedelta(minutes=15), FRIDAY + timedelta(minutes=30)]
    assert turns("30 6 * * *", 1) == [datetime(2026, 5, 2, 6, 30, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("0", [3, 10]),
        ("7", [3, 10]),
        ("sun", [3, 10]),
        ("1", [4, 11]),
        ("1-5", [4, 5, 6, 7, 8, 11]),
        ("5-7", [2, 3, 8, 9, 10, 15]),
        ("fri-mon", [2, 3, 4, 8]),
        ("1,3", [4, 6, 11]),
        ("*/2", [2, 3, 5, 7, 9, 10]),
        ("1/2", [4, 6, 8, 11]),
    ],
)
def test_weekdays_are_counted_from_sunday(field: str, days: list[int]) -> None:
    assert [moment.day for moment in turns(f"0 6 * * {field}", len(days))] == days


def test_fields_are_meant_in_the_time_zone_that_is_set() -> None:
    assert turns("0 6 * * *", 1, timezone="Europe/Berlin") == [datetime(2026, 5, 2, 4, tzinfo=UTC)]
    assert turns("0 6 * * *", 1, FRIDAY.replace(month=12), "Europe/Berlin") == [datetime(2026, 12, 2, 5, tzinfo=UTC)]


@pytest.mark.parametrize(
    ("words", "gap"),
    [
        ("every 15m", timedelta(minutes=15)),
        ("every 90s", timedelta(seconds=90)),
        ("Every 2 h", timedelta(hours=2)),
        ("every 1d", timedelta(days=1)),
    ],
)
def test_spans_are_counted_from_one_instant_so_that_all_servers_agree(words: str, gap: timedelta) -> None:
    for after in (FRIDAY, FRIDAY + 17 * SECOND):
        first, second = turns(words, 2, after)
        assert second - first == gap
        assert (first - datetime(1970, 1, 1, tzinfo=UTC)) % gap == timedelta(0)
        assert after < first <= after + gap


def test_the_turn_that_has_just_begun_is_not_the_next() -> None:
    assert turns("every 1s", 1, FRIDAY) == [FRIDAY + SECOND]
    assert turns("*/5 * * * *", 1, FRIDAY + timedelta(milliseconds=20)) == [FRIDAY + timedelta(minutes=5)]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("hourly", "is no schedule; write five cron fields"),
        ("* * * *", 'is no schedule; write five cron fields such as "*/15 * * * *", or "every 15m"'),
        ("every 0m", "is no schedule; write five cron fields"),
        ("every -5m", "is no schedule; write five cron fields"),
        ("61 * * * *", "is no schedule: error validating expression '61'"),
        ("x * * * *", "is no schedule: unrecognized expression"),
        ("*/0 * * * *", "is no schedule: increment must be higher than 0"),
        ("0 6 * * 8", "is no schedule: 8 is no weekday; write 0 to 7, or sun to sat"),
        ("0 6 * * */x", "is no schedule: x is no step of weekdays"),
        ("0 6 1 * 1", "names both days of the month and weekdays; leave one of them *"),
        ("0 6 30 2 *", "never comes; there is no such day"),
    ],
)
def test_what_is_no_schedule_is_refused_in_one_line(words: str, told: str) -> None:
    said = refused(plan=words)
    assert said.startswith(f"[schedule] plan: {words!r} ")
    assert told in said


@pytest.mark.parametrize("zone", ["Europe/Nowhere", "", "../etc/passwd", "CEST!"])
def test_an_unknown_zone_is_refused(zone: str) -> None:
    assert refused(timezone=zone).endswith("is no time zone; write it as UTC or Europe/Berlin")


@pytest.mark.parametrize(
    ("key", "value"),
    [("stop_seconds", 0), ("stop_seconds", 3601), ("misfire_seconds", 0), ("longest_seconds", 5), ("alert_after", 0)],
)
def test_figures_are_held_to_their_range(tmp_path: Path, key: str, value: int) -> None:
    file = tmp_path / "nolapse.toml"
    file.write_text(f"[schedule]\n{key} = {value}\n", encoding="utf-8")
    with pytest.raises(
        ConfigurationError, match=rf"\[schedule\] {key}: input should be (greater|less) than or equal to"
    ):
        load(file, {})


def test_the_health_file_lies_beside_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "nolapse.toml"
    file.write_text('[schedule]\nhealth_file = "health.json"\n', encoding="utf-8")
    assert load(file, {}).sections.schedule.health_file == str(tmp_path / "health.json")
