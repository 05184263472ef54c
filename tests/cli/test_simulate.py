"""`nolapse simulate`: what an operator reads, and that nothing changes by it."""

import io
import re
import tempfile
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from defusedxml.ElementTree import fromstring
from rich.console import Console

from cli.simulate_output import bars, draw, rows, told
from cli.simulate_play import Game, Played
from core.habits import Habits
from core.scenarios import Scenario
from core.workload import Load, Share, Workload
from tests.cli.conftest import ORDER, Desk

FIRST = "2026-12-03"
"""Seventeen days before the orders of `played` end, of which one has a mail and a call due in the five that follow."""
FEW = ("--days", "5", "--today", FIRST, "--jobs", "1")


def notes(nolapse: Desk) -> list[str]:
    """What one day tells besides figures."""
    found: list[str] = nolapse("simulate", "--days", "1", "--today", FIRST, "--jobs", "1", "--json").json["notes"]
    return found[1:]


def test_the_future_in_json(played: Desk) -> None:
    before = played.tables()
    said = played(
        "simulate", *FEW, "--json", "--renewing", "0%", "--renew-ahead", "40", "--reissue-ahead", "7", "--reached", "10",
        "--call-days", "1", "--by", "contact",
    ).json  # fmt: skip
    assert played.tables() == before
    assert (said["first"], said["last"], said["days"]) == (FIRST, "2026-12-07", 5)
    assert said["assumed"] == {
        "renewing": 0.0, "renew_ahead": 40, "reissue_ahead": 7, "call_days": 1, "installing": 0.9,
        "install_days": 2, "reached": 0.1,
    }  # fmt: skip
    assert said["notes"] == [
        "Taken for granted: 0% of orders are renewed, 40 days before their end on average, the others lapse; certificates "
        "are reissued 7 days before theirs; 90% of new ones are known to be installed 2 days after their issue; reps make "
        "a call 1 day after it is asked for and reach 10%; no order, customer or setting comes or goes otherwise."
    ]
    assert [one["scenario"] for one in said["scenarios"]] == ["dated", "100-day", "47-day"]
    dated = said["scenarios"][0]
    assert [one["week"] for one in dated["weeks"]] == ["2026-11-30", "2026-12-07"]
    assert dated["total"]["mails"] == sum(one["mails"] for one in dated["weeks"]) > 0
    assert dated["contacts"] == 2
    assert {one["from"]: one["contacts"] for one in dated["spread"]}[0] == 2 - dated["contacts_told"]
    assert [rep["rep"] for rep in dated["reps"]] == ["", "maria"]  # nobody owns the accounts; their tasks fall back
    assert len(dated["every_contact"]) == dated["contacts_told"] == 1


@pytest.mark.parametrize("option", ["--renewing", "--reached"])
@pytest.mark.parametrize("wrong", ["101%", "-1", "most", "nan"])
def test_a_share_is_a_percentage(nolapse: Desk, option: str, wrong: str) -> None:
    assert "is no percentage" in nolapse("simulate", option, wrong, code=2).err


def test_scenarios_side_by_side_give_the_same(played: Desk) -> None:
    alone, together = (
        played("simulate", "--days", "2", "--today", FIRST, "--json", "--jobs", jobs).json for jobs in ("1", "2")
    )
    assert together == alone


def foreseen() -> list[Played]:
    """What came out under two scenarios, made up."""
    first, second = date(2026, 11, 16), date(2026, 11, 23)
    found = []
    for key, factor in (("dated", 1), ("47-day", 2)):
        ann = Share("acme", "ann@acme.example", {first: Load(factor), second: Load(3 * factor, 1)})
        rep = Share("maria", "Maria M.", {second: Load(3 * factor, 1, 1)})
        weeks = {first: Load(factor), second: Load(3 * factor, 1, 1)}
        told = Workload(first, date(2026, 11, 29), weeks, (rep,), (ann,), people=4, orders=5)
        found.append(Played(Scenario(key, f"{key} rules", note=f"note on {key}"), told))
    return found


GAME = Game(Habits(), date(2026, 11, 16), 14)


def test_tables_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    draw(GAME, foreseen(), ["Taken for granted: much."], "")
    blocks = capsys.readouterr().out.split("\n\n")
    assert blocks[0].splitlines() == [
        "14 days from 2026-11-16 to 2026-11-29, played on a copy: nothing is changed.",
        "Taken for granted: much.",
        "dated rules: note on dated.",
        "47-day rules: note on 47-day.",
    ]
    totals, weeks, of_reps, spread, busiest = (
        [line.split("\t") for line in each.splitlines()] for each in blocks[1:-1]
    )
    assert totals[2] == ["47-day rules", "8", "1", "1", "5", "1", "2026-11-23", "6", "1", "6"]
    assert weeks[0] == [
        "week",
        *(f"{key} rules: {what}" for key in ("dated", "47-day") for what in ("mails", "calls", "other tasks")),
    ]
    assert weeks[2] == ["2026-11-23", "3", "1", "1", "6", "1", "1"]
    assert of_reps[1] == ["maria", "Maria M.", "dated rules", "3", "1.5", "3", "1", "0.5", "1", "1"]
    assert [row[0] for row in of_reps[1:]] == ["maria", "maria"]
    assert spread[1:4] == [["0", "3", "3"], ["1 to 5", "1", "0"], ["6 to 10", "0", "1"]]
    assert spread[-1] == ["101 and more", "0", "0"]
    assert busiest[2] == ["47-day rules", "ann@acme.example", "acme", "8", "1", "6"]


@pytest.mark.parametrize(
    ("by", "first"), [("week", "week\t"), ("rep", "rep\t"), ("contact", "mails and calls to one\t")]
)
def test_one_listing_alone(by: str, first: str, capsys: pytest.CaptureFixture[str]) -> None:
    draw(GAME, foreseen(), [], by)
    blocks = capsys.readouterr().out.split("\n\n")
    assert blocks[1].startswith("limits\t")
    assert blocks[2].startswith(first)
    assert len(blocks) == (5 if by == "contact" else 4)


def test_nobodys_mails_are_told_as_such(capsys: pytest.CaptureFixture[str]) -> None:
    (one, _) = foreseen()
    nobody = replace(one.workload, reps=(Share("", "", {}),))
    draw(GAME, [replace(one, workload=nobody)], [], "rep")
    assert "\n(nobody)\t\t" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("by", "head", "last"),
    [
        ("", "scenario week", "47-day 2026-11-23 6 1 1"),
        ("rep", "scenario rep name week", "47-day maria Maria_M. 2026-11-23 6 1 1"),
        ("contact", "scenario account contact week", "47-day acme ann@acme.example 2026-11-23 6 1 0"),
    ],
)
def test_a_row_for_each_week_and_rep_or_contact(by: str, head: str, last: str) -> None:
    names, found = rows(foreseen(), by)
    assert names == [*head.split(), "mails", "calls", "other_tasks"]
    assert [str(cell).replace(" ", "_") for cell in list(found)[-1]] == last.split()


def test_the_answer_by_rep_or_contact_has_their_weeks() -> None:
    of_reps = told(GAME, foreseen(), [], "rep")["scenarios"][1]
    assert of_reps["reps"][0]["weeks"] == [{"week": date(2026, 11, 23), "mails": 6, "calls": 1, "other": 1}]
    of_contacts = told(GAME, foreseen(), [], "contact")["scenarios"][1]
    assert [one["week"] for one in of_contacts["every_contact"][0]["weeks"]] == [date(2026, 11, 16), date(2026, 11, 23)]
    assert of_contacts["busiest_contacts"][0]["mean_of_a_week"] == {"mails": 4.0, "calls": 0.5}


def test_the_chart_is_a_file_without_names_of_people(played: Desk, tmp_path: Path) -> None:
    said = played("simulate", *FEW, "--csv", "--svg", "year.svg").out
    assert said.startswith("scenario,week,mails,calls,other_tasks")
    text = (tmp_path / "year.svg").read_text(encoding="utf-8")
    assert fromstring(text).attrib["role"] == "img"
    for word in ("@acme", "acme", "maria", "tina", "example.com"):
        assert word not in text.lower()
    for words in ("Mails per week", "Calls per week", "47-day limit", "5 days from 2026-12-03"):
        assert words in text
    alone = played("simulate", "--days", "1", "--today", FIRST, "--jobs", "1", "--svg", "-").out
    assert fromstring(alone).attrib["role"] == "img"
    out = played("simulate", "--days", "1", "--today", FIRST, "--jobs", "1").out
    assert out.startswith("1 day from 2026-12-03 to 2026-12-03, played on a copy: nothing is changed.\nTaken for ")
    assert out.endswith("The chart is in nolapse-simulate.svg.\n")
    assert (tmp_path / "nolapse-simulate.svg").read_text(encoding="utf-8") == alone


def test_what_cannot_be_done_is_told_before_anything_is_played(played: Desk, tmp_path: Path) -> None:
    assert "name a file in a folder that exists" in played("simulate", "--svg", "missing/year.svg", code=2).err
    assert "name a file in a folder that exists" in played("simulate", "--svg", str(tmp_path), code=2).err
    assert "name one of them" in played("simulate", "--csv", "--json", code=2).err
    assert "name one of them" in played("simulate", "--csv", "--svg", "-", code=2).err
    assert (
        "has been done for 2026-11-20 already" in played("simulate", "--today", "2026-11-01", "--jobs", "1", code=2).err
    )
    assert not (tmp_path / "nolapse-simulate.svg").exists()


def test_an_empty_ledger_has_no_future(nolapse: Desk) -> None:
    assert "the ledger holds no order" in nolapse("simulate", code=2).err


def test_what_is_set_to_hold_things_back_is_told(
    nolapse: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    nolapse.settings('[order_report]\npath = "report.csv"\n[sync]\ncrm = ""\n')
    nolapse.report(ORDER)
    nolapse("sync", "--today", FIRST)
    nolapse("pause", "--channel", "mail")
    assert notes(nolapse) == [
        f"Nothing is sent yet; {FIRST} is taken for the day of going live.",
        "There is no CRM ([sync] crm), so nobody is asked to call.",
        "As it is set now, the channel mail is paused; `nolapse resume --channel mail` ends it.",
    ]
    assert not list(tmp_path.glob("nolapse-?*/"))
    nolapse("go-live", "--from", FIRST, "--pilot", "digicert:organisation:11")
    assert notes(nolapse)[0].startswith("Only the pilot is live")


def test_bars_are_on_one_scale_and_plain_where_the_terminal_is() -> None:
    for encoding, full in (("utf-8", "█"), ("ascii", "#")):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
        bars(Console(file=stream, width=60), "Mails", foreseen(), lambda load: load.mails)
        stream.seek(0)
        drawn = [line for line in stream.read().splitlines() if line.startswith("2026-11-")]
        lengths = [[len(found) for found in re.findall(f"{full}+", line)] for line in drawn]
        assert all(len(line) <= 60 for line in drawn)
        assert lengths[1][0] * 2 == pytest.approx(lengths[1][1], abs=1)
        assert lengths[0][1] * 3 == pytest.approx(lengths[1][1], abs=3)


def test_at_a_terminal_bars_are_drawn(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    draw(GAME, foreseen(), [], "week")
    out = capsys.readouterr().out
    assert "Mails by week" in out
    assert "Calls by week" in out
