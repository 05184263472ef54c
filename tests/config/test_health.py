import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from config.health import FAILED, OK, SKIPPED, STALE_SECONDS, STOPPED, Health, JobHealth, check, unwell
from config.sections import ScheduleSection
from core.errors import ConfigurationError


@pytest.fixture
def section(tmp_path: Path) -> ScheduleSection:
    return ScheduleSection(health_file=str(tmp_path / "health.json"), alert_after=2)


@pytest.fixture
def health(section: ScheduleSection) -> Health:
    return Health(section, {"sync": JobHealth(), "deliver": JobHealth()})


def read(section: ScheduleSection) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Path(section.health_file).read_text(encoding="utf-8"))
    return found


def test_it_tells_of_each_job_when_it_ran_and_how(health: Health, section: ScheduleSection) -> None:
    health.begin("sync")
    running = read(section)["jobs"]["sync"]
    assert running["started_at"]
    assert running["ended_at"] == ""
    health.end("sync", FAILED, "the report is missing")
    found = read(section)
    job = found["jobs"]["sync"]
    assert (job["outcome"], job["why"], job["failures"]) == (FAILED, "the report is missing", 1)
    assert job["started_at"] <= job["ended_at"]
    assert found["jobs"]["deliver"]["started_at"] == ""
    assert found["healthy"] is True


def test_failures_in_a_row_make_it_unwell_and_a_success_makes_it_well(health: Health, section: ScheduleSection) -> None:
    for _ in range(2):
        health.begin("sync")
        health.end("sync", FAILED, "the report is missing")
    assert health.failing() == {"sync": "the report is missing"}
    assert check(section)[0] == "sync has failed 2 times in a row: the report is missing"
    assert read(section)["healthy"] is False
    health.end("sync", SKIPPED, "another server has done it")
    assert health.failing()
    health.end("sync", STOPPED, "")
    assert health.failing()
    health.end("sync", OK, "")
    assert health.failing() == {}
    assert check(section)[0] == ""


def test_a_server_that_is_not_heard_of_is_unwell(health: Health, section: ScheduleSection) -> None:
    health.write()
    found, now = read(section), datetime.now(UTC)
    assert unwell(found, section, now) == ""
    assert "has not been heard of since" in unwell(found, section, now + timedelta(seconds=STALE_SECONDS + 5))
    assert "has not been heard of since" in unwell(found, section, now - timedelta(hours=1))


def test_a_job_that_hangs_is_unwell(health: Health, section: ScheduleSection) -> None:
    health.begin("deliver")
    health.jobs["deliver"].started_at = (datetime.now(UTC) - timedelta(seconds=3700)).isoformat()
    health.write()
    assert check(section)[0].startswith("deliver has been at work since ")


def test_a_server_that_was_stopped_is_not_well(health: Health, section: ScheduleSection) -> None:
    health.stopped = True
    health.write()
    assert check(section)[0] == "the server has been stopped"


def test_stuck_deliveries_do_not_make_the_server_unwell(health: Health, section: ScheduleSection) -> None:
    health.troubles = ["2 deliveries are uncertain: see `nolapse deliveries`"]
    health.write()
    why, found = check(section)
    assert why == ""
    assert found["troubles"] == health.troubles


def test_a_file_that_is_missing_or_broken_is_told(section: ScheduleSection) -> None:
    assert check(section)[0].endswith("health.json is not there; the server has not started")
    for text in ("", "{", "[]", '{"stopped": false}', '{"stopped": false, "written_at": "x", "jobs": {}}'):
        Path(section.health_file).write_text(text, encoding="utf-8")
        assert check(section)[0].endswith("health.json cannot be read")


def test_without_a_file_nothing_is_written_and_a_check_is_refused(tmp_path: Path) -> None:
    section = ScheduleSection()
    Health(section, {"sync": JobHealth()}).begin("sync")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ConfigurationError, match="health_file is not set"):
        check(section)


def test_it_is_written_whole_or_not_at_all(health: Health, section: ScheduleSection, tmp_path: Path) -> None:
    health.write()
    before = Path(section.health_file).stat().st_ino
    health.write()
    assert Path(section.health_file).stat().st_ino != before
    assert [file.name for file in tmp_path.iterdir()] == ["health.json"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    section = ScheduleSection(health_file=str(tmp_path / "nowhere" / "health.json"))
    with pytest.raises(ConfigurationError, match=r"\[schedule\] health_file: .* cannot be written: No such file"):
        Health(section, {}).write()
