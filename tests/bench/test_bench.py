import subprocess
import sys
from pathlib import Path

import pytest

from bench.ledger import DAY, Size, make_ledger
from bench.measure import Pair, Taken, in_turns
from bench.places import SqliteFiles, place_for
from bench.planning import copy_once, plan_once
from bench.report import COLUMNS, write_report
from bench.syncing import first_sync, know_already, read_once, sync_once
from bench.table import COLUMNS as TABLE
from bench.table import Row, markdown, put_between
from core.errors import ConfigurationError, UsageError
from core.schema import cycles, deliveries, orders, task_orders, tasks, touches
from core.store import open_store
from tests.conftest import Prepared

ROOT = Path(__file__).parents[2]
SMALL = Size(400, 60)


def make_small_ledger(url: str) -> None:
    make_ledger(url, SMALL)


def rows(url: str, table: object) -> list[tuple[object, ...]]:
    from sqlalchemy import select

    store = open_store(url)
    try:
        with store.read() as connection:
            return sorted(map(tuple, connection.execute(select(table))), key=repr)  # type: ignore[call-overload]
    finally:
        store.close()


def test_the_whole_suite_in_small_prints_its_table_and_writes_it(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- figures -->\nold\n<!-- /figures -->\nafter\n", encoding="utf-8")
    told = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--folder", tmp_path, "--readme", readme],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    machine, table = told.stdout.strip().split("\n\n")
    assert "Python" in machine
    assert "fsync" in machine
    header, line, *body = [[cell.strip() for cell in one.strip("|").split("|")] for one in table.splitlines()]
    assert tuple(header) == TABLE
    assert all(set(cell) == {"-"} for cell in line)
    assert {len(one) for one in body} == {len(TABLE)}
    whats = [one[0] for one in body]
    for begins in ("plan a day", "the same", "memory while planning", "sync in which", "memory while syncing"):
        assert any(what.startswith(begins) for what in whats), begins
    assert sum(what.startswith("deliver") for what in whats) == 1
    assert whats[-1] == "nolapse --help"
    for what, here, *_, goal, met in body:
        assert any(sign.isdigit() for sign in here), what
        assert bool(goal) == (met in ("yes", "**no**")), what
    text = readme.read_text(encoding="utf-8")
    assert text == f"before\n<!-- figures -->\n{told.stdout.strip()}\n<!-- /figures -->\nafter\n"
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_a_store_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="postgresql"), place_for("mysql://x/y", tmp_path):
        pass


def test_a_copy_of_a_file_is_another_database(tmp_path: Path) -> None:
    place = SqliteFiles(tmp_path)
    url = place.create("one")
    make_ledger(url, Size(50, 5))
    copied = place.copy(url, "two")
    assert rows(copied, cycles) == rows(url, cycles)
    place.drop(copied)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("two")] == []


@pytest.mark.parametrize("size", [SMALL, Size(60, 18), Size(400, 60, mails_only=True)], ids=str)
def test_a_ledger_has_exactly_so_many_due(tmp_path: Path, size: Size) -> None:
    url = SqliteFiles(tmp_path).create("ledger")
    make_ledger(url, size)
    assert len(rows(url, orders)) == size.orders
    taken = plan_once(url)
    assert (taken.done, taken.notes["left"]) == (size.due, 0)
    assert taken.notes["deliveries"] > 0
    fresh = [row for row in rows(url, touches) if row[6] > DAY]  # type: ignore[operator]
    assert {row[7] for row in fresh} <= {"planned", "merged"}, "nothing due was missed or skipped"
    assert not size.mails_only or {row[3] for row in fresh} == {"mail"}


def test_a_ledger_is_the_same_each_time(tmp_path: Path) -> None:
    one, other = (SqliteFiles(tmp_path).create(name) for name in ("one", "other"))
    for url in (one, other):
        make_ledger(url, SMALL)
    for table in (orders, cycles, touches):
        assert rows(one, table) == rows(other, table)


def test_the_bare_loop_writes_the_very_rows_that_planning_writes(prepared_store_url: Prepared) -> None:
    ours, bare = (prepared_store_url("bench-ledger", make_small_ledger) for _ in range(2))
    taken = plan_once(ours)
    assert copy_once(bare, ours).done == taken.done == SMALL.due
    for table in (cycles, touches, deliveries, tasks, task_orders):
        assert rows(bare, table) == rows(ours, table), table.name
    assert len(rows(ours, deliveries)) == taken.notes["deliveries"]


def test_a_made_up_report_is_taken_in_whole_and_then_unchanged(tmp_path: Path) -> None:
    report = tmp_path / "report.csv"
    write_report(report, 50)
    url = SqliteFiles(tmp_path).create("ledger")
    assert first_sync(url, str(report)).notes == {"new": 50, "changed": 0, "unchanged": 0}
    assert sync_once(url, str(report)).notes == {"new": 0, "changed": 0, "unchanged": 50}
    assert read_once(str(report)).done == 50
    assert len(COLUMNS) == len(set(COLUMNS)) == 55


def test_a_ledger_that_is_told_of_a_report_finds_nothing_changed_in_it(tmp_path: Path) -> None:
    report = tmp_path / "report.csv"
    write_report(report, 50)
    url = SqliteFiles(tmp_path).create("ledger")
    make_ledger(url, Size(50, 5))
    assert know_already(url, str(report)).done == 50
    assert sync_once(url, str(report)).notes == {"new": 0, "changed": 0, "unchanged": 50}


def test_the_fastest_of_several_counts_and_the_most_memory() -> None:
    ours = iter([Taken(4, 3, peak_mb=10), Taken(6, 2, peak_mb=30)])
    bare = iter([Taken(3, 1), Taken(2, 2)])
    pair: Pair = in_turns(2, lambda: next(ours), lambda: next(bare))
    assert (pair.ratio, pair.cpu_ratio, pair.peak_mb) == (2.0, 2.0, 30)


def test_a_table_says_what_is_not_met() -> None:
    told = markdown([Row("a", "1 s", "2 s", "0.50", "at most 1", True), Row("b", "9 MB", goal="under 1 MB", met=False)])
    assert [line.rpartition("|")[0].rpartition("|")[2].strip() for line in told.splitlines()[2:]] == ["yes", "**no**"]


def test_a_readme_without_the_marks_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("<!-- figures -->\n", encoding="utf-8")
    with pytest.raises(UsageError, match="lacks the lines"):
        put_between(file, "figures", "text")
    assert file.read_text(encoding="utf-8") == "<!-- figures -->\n"


def test_the_least_that_limits_permit() -> None:
    from bench.certcentral import least_seconds

    assert least_seconds(0) == least_seconds(1) == least_seconds(100) == 0
    assert least_seconds(101) == 5
    assert least_seconds(1000) == 45
    assert least_seconds(1001) == 180
    assert least_seconds(2600) == 385


def test_a_sync_from_certcentral_in_small(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--only", "certcentral", "--folder", tmp_path],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "first sync of 1,000 orders from CertCentral's stand-in" in told.stdout
    assert "0 refused" in told.stdout
