from datetime import UTC, date, datetime, timedelta

import pytest

from core.timing import RealTime, WholeDay, timer_for

DAY = date(2026, 6, 10)
START = datetime(2026, 6, 10, tzinfo=UTC)


def test_a_whole_day_runs_from_its_first_to_its_last_instant() -> None:
    timer = WholeDay(DAY)
    assert timer.opening == START
    assert timer.closing == START + timedelta(days=1) - timedelta(microseconds=1)
    assert timer.opening.date() == timer.closing.date() == timer.day


@pytest.mark.parametrize(
    ("send_after", "goes"),
    [
        (START - timedelta(hours=1), START),
        (START, START),
        (START + timedelta(hours=7), START + timedelta(hours=7)),
        (START + timedelta(days=1), START + timedelta(days=1) - timedelta(microseconds=1)),
    ],
)
def test_within_it_everything_goes_when_it_was_to_go(send_after: datetime, goes: datetime) -> None:
    assert WholeDay(DAY).moment(send_after) == goes


def test_real_time_is_the_machines() -> None:
    before = datetime.now(UTC)
    timer = RealTime()
    moments = [timer.opening, timer.closing, timer.moment(START)]
    assert all(before <= moment <= datetime.now(UTC) for moment in moments)
    assert moments == sorted(moments)
    assert timer.day in (before.date(), datetime.now(UTC).date())


def test_the_day_that_was_named_is_played_else_it_is_now() -> None:
    assert timer_for(DAY) == WholeDay(DAY)
    assert isinstance(timer_for(None), RealTime)
