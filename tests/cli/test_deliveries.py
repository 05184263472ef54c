import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from tests.cli.conftest import Desk

DAY = "2026-11-20"
LATER = "2026-11-21"


@pytest.fixture
def live(nolapse: Desk) -> Desk:
    nolapse.report({})
    nolapse("go-live", "--from", DAY)
    nolapse("run", "--today", DAY)
    return nolapse


def change(nolapse: Desk, statement: str, *values: object) -> None:
    with closing(sqlite3.connect(nolapse.folder / "nolapse.db")) as connection, connection:
        connection.execute(statement, values)


def make_stuck(nolapse: Desk, state: str) -> str:
    change(nolapse, "update deliveries set state = ? where kind = 'mail'", state)
    (found,) = nolapse("deliveries", "list", "--json").json
    return str(found["key"])


@pytest.mark.parametrize(
    ("state", "line"),
    [
        ("uncertain", "1 delivery is uncertain: see `nolapse deliveries`"),
        ("failed", "1 delivery has failed: see `nolapse deliveries`"),
    ],
)
def test_a_run_ends_with_1_and_a_line_while_anything_is_stuck(live: Desk, state: str, line: str) -> None:
    assert "nolapse deliveries" not in live("run", "--today", LATER).out
    key = make_stuck(live, state)
    # Asked only now, it is too early for a look-up.
    change(live, "update deliveries set sending_at = ? where state = 'uncertain'", f"{datetime.now(UTC):%F %T.%f}")
    said = live("run", "--today", LATER, code=1)
    assert said.out.splitlines()[-1].strip() == line
    answer = live("run", "--today", LATER, "--json", code=1).json
    assert answer["stuck"] == {"uncertain": 0, "failed": 0} | {state: 1}
    live("deliveries", "drop", key)
    said = live("run", "--today", LATER)
    assert "see `nolapse deliveries`" not in said.out


def test_retry_and_drop_do_what_resolve_does(live: Desk) -> None:
    key = make_stuck(live, "failed")
    assert live("deliveries", "retry", key, "--dry-run", "--json").json == {
        "key": key,
        "state": "planned",
        "dry_run": True,
    }
    assert live("deliveries", "drop", key, "--dry-run").out == f"{key}: withdrawn\n"
    assert [one["state"] for one in live("deliveries", "list", "--json").json] == ["failed"]
    assert live("deliveries", "retry", key).out == f"{key}: planned\n"
    assert live("deliveries").out == "Nothing is stuck.\n"
    assert "only what is uncertain or has failed" in live("deliveries", "drop", key, code=2).err
    assert "there is no delivery" in live("deliveries", "retry", "nothing", code=2).err


def test_a_connector_that_is_left_alone_is_shown_wherever_one_looks(live: Desk) -> None:
    until = datetime.now(UTC) + timedelta(seconds=250)
    change(
        live,
        "insert into circuits (kind, connector, failures, broken_until, why) values ('mail', 'embedded', 5, ?, 'full')",
        f"{until:%F %T.%f}",
    )
    words = f"mail is not tried until {until:%H:%M:%S} UTC: embedded has failed for everything 5 times in a row (full)"
    assert live("deliveries").err == f"nolapse: {words}\n"
    found = [one for one in live("check", "--json", code=1).json if not one["ok"]]
    assert found == [{"subject": "circuit", "ok": False, "text": words, "advice": "it is tried again by itself"}]
    said = live("run", "--today", LATER, code=1)
    assert said.err == f"nolapse: {words}\n"
    assert live("run", "--today", LATER, "--json", code=1).json["problems"] == [words]
    # A rehearsal passes nothing on, so nothing holds it back.
    assert live("run", "--today", LATER, "--dry-run", "--json").json["problems"] == []
