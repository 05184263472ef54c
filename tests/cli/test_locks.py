import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Desk

DAY = "2026-11-20"


@pytest.fixture
def held(nolapse: Desk) -> Desk:
    """An installation in which a process that is gone holds planning."""
    nolapse.report({})
    nolapse("run", "--today", DAY)
    hold(nolapse, datetime.now(UTC) + timedelta(minutes=5))
    return nolapse


def hold(nolapse: Desk, until: datetime) -> None:
    with closing(sqlite3.connect(nolapse.folder / "nolapse.db")) as connection, connection:
        connection.execute(
            "update engine_locks set token = 'x', holder = 'elsewhere:77', lease_until = ? where step = 'plan'",
            [until.replace(tzinfo=None).isoformat(" ")],
        )


def test_a_new_installation_has_none(nolapse: Desk) -> None:
    assert nolapse("locks").out == "No step has been done yet.\n"


def test_who_holds_which_step_until_when_and_the_last_day_done(held: Desk) -> None:
    found = {one["step"]: one for one in held("locks", "list", "--json").json}
    assert {"sync", "settle", "plan"} <= set(found)
    assert (found["plan"]["holder"], found["plan"]["lapsed"], found["plan"]["last_day"]) == ("elsewhere:77", False, DAY)
    assert (found["sync"]["holder"], found["sync"]["last_day"]) == ("", DAY)
    lines = held("locks").out.splitlines()
    assert lines[0].split("\t") == ["step", "held by", "until (UTC)", "last day done", "next turn (UTC)"]
    assert any(line.startswith("plan\telsewhere:77\t") for line in lines)
    hold(held, datetime.now(UTC) - timedelta(minutes=1))
    assert "(lapsed)" in held("locks").out


def test_a_step_is_released_only_with_a_yes(held: Desk) -> None:
    said = held("locks", "release", "plan", code=2).err
    assert "plan is held by elsewhere:77 until " in said
    assert "if that process is gone, say so with --yes" in said
    assert "would be taken from elsewhere:77" in held("locks", "release", "plan", "--dry-run").out
    assert held("locks", "release", "plan", "--yes").out == "plan: was taken from elsewhere:77\n"
    held("plan", "--today", DAY)
    assert "nobody holds the step plan" in held("locks", "release", "plan", "--yes", code=2).err
    assert "there is no step lunch" in held("locks", "release", "lunch", "--yes", code=2).err
