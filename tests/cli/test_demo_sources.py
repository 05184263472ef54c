"""The demo against the stand-in of CertCentral."""

import sys
from typing import Any

import pytest

from tests.cli.conftest import Desk


def total(weeks: list[Any], name: str) -> int:
    return sum(week[name] for week in weeks)


def test_the_demo_plays_from_certcentral(nolapse: Desk) -> None:
    words = ("demo", "--days", "21", "--start", "2026-08-01")
    weeks = nolapse(*words, "--source", "certcentral", "--json").lines
    from_report = nolapse(*words, "--json").lines
    assert total(weeks, "mails") > 10
    assert total(weeks, "renewed") == total(from_report, "renewed") > 3
    assert total(weeks, "rejected") == 0
    said = nolapse("demo", "--days", "1", "--source", "certcentral").out
    assert "A portfolio of" in said
    assert " run --today" not in said, "the stand-in is gone after the demo"
    text = (nolapse.folder / "demo" / "nolapse.toml").read_text()
    assert 'sources = ["order_report", "certcentral"]' in text


def test_elsewhere_it_ends_with_one_line(nolapse: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tests.fakes.certcentral", None)
    said = nolapse("demo", "--source", "certcentral", code=2)
    assert said.err.strip().count("\n") == 0
    assert "--source certcentral needs the stand-in of a checkout" in said.err
    assert not (nolapse.folder / "demo").exists()
