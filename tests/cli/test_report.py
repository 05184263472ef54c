"""The figures of `nolapse report`, and `nolapse show`, as an operator reads them."""

import csv
import io

import pytest

from tests.cli.conftest import DAY, Desk


@pytest.fixture
def live(played: Desk) -> Desk:
    """One of the two orders has been renewed on the first day."""
    played("confirm", "1001", "--on", DAY)
    played("settle", "--today", DAY)
    return played


def test_what_became_of_renewals_in_three_forms(live: Desk) -> None:
    said = live("report", "renewals", "--by", "country", "--today", DAY, "--json").json
    german = next(one for one in said if one["key"] == "DE")
    assert (german["due"], german["currency"]) == ({"orders": 1, "value_minor": 39_900}, "EUR")
    assert german["fates"]["early"] == {"orders": 1, "value_minor": 39_900}
    assert (german["renewal_rate"], german["days_before"]) == (1.0, 30.0)
    french = next(one for one in said if one["key"] == "FR")
    assert (french["reachable_share"], french["tasks_open"], french["unvalued"]) == (0.0, 2, 1)
    rows = list(csv.DictReader(io.StringIO(live("report", "renewals", "--by", "account", "--today", DAY, "--csv").out)))
    assert {row["name"]: (row["early"], row["due_value"]) for row in rows} == {
        "Acme GmbH": ("1", "399.00"),
        "Béta SA": ("0", "0.00"),
    }
    head, *lines = live("report", "renewals", "--by", "month", "--today", DAY).out.splitlines()
    assert head.split("\t")[:3] == ["group", "due", "worth"]
    assert lines[0].startswith("2026-12\t")
    assert "399.00 EUR" in "".join(lines)
    assert live("report", "renewals", "--country", "FR", "--today", DAY, "--json").json[0]["due"]["orders"] == 1
    assert "is before --from" in live("report", "renewals", "--from", DAY, "--to", "2026-01-01", code=2).err


def test_the_year_ahead_in_three_forms(live: Desk) -> None:
    said = live("report", "forecast", "--today", DAY, "--json").json
    assert [one["month"] for one in said["months"]] == ["2026-12"]
    assert said["rate"] is None
    (row,) = csv.DictReader(io.StringIO(live("report", "forecast", "--today", DAY, "--csv").out))
    assert (row["due"], row["renewed"], row["renewed_value"], row["expected"]) == ("2", "1", "399.00", "")
    assert live("report", "forecast", "--today", DAY).out.splitlines()[1].startswith("2026-12\t2\t399.00 EUR\t1")


def test_what_each_sync_has_counted(live: Desk) -> None:
    live("sync", "--today", DAY)
    last, first = live("report", "passes", "--json").json
    assert (first["source"], first["counts"]["new"], last["counts"]["unchanged"]) == ("order_report", 2, 2)
    head, row, _ = csv.reader(io.StringIO(live("report", "passes", "--csv").out))
    assert dict(zip(head, row, strict=True))["unchanged"] == "2"
    assert live("report", "passes").out.startswith("source\t")


def test_the_day_in_some_lines_and_by_mail(live: Desk) -> None:
    said = live("report", "summary", "--today", "2026-11-21").out
    for words in (
        "Summary of 2026-11-21",
        "Mails and calls go out.",
        "order_report was read",
        "Yesterday 1 mails went out",
        "Since yesterday renewed: 1, worth 399.00 EUR",
        "Ending within 30 days: 1; of 1 nobody can be written to",
        "Open tasks: ",
        "Nothing waits for a decision of yours.",
    ):
        assert words in said, words
    assert live("report", "summary", "--today", "2026-11-21", "--json").json["ahead"][1]["unreachable"] == 1
    assert "[report] to is not set" in live("report", "summary", "--send", code=2).err
    live.settings('[order_report]\npath = "report.csv"\n[report]\nto = "admin@us.example"\n')
    before = len(live.mails())
    live("report", "summary", "--send", "--dry-run")
    assert len(live.mails()) == before
    live("report", "summary", "--send", "--today", "2026-11-21")
    assert "Summary of 2026-11-21" in live.mails()[-1]


def test_all_about_whatever_is_named(live: Desk) -> None:
    def shown(what: str) -> tuple[str, list[str], list[str]]:
        found = live("show", what, "--today", DAY, "--json").json["found"]
        return found["what"], [one["order"] for one in found["orders"]], [one["email"] for one in found["people"]]

    acme, people = ["digicert:1001"], ["tina@acme.example", "ulf@acme.example"]
    assert shown("1001") == ("order", acme, people)
    assert shown("api.example.com") == ("domain", acme, people)
    assert shown("*.EXAMPLE.com") == ("domain", [*acme, "digicert:1002"], people)
    assert shown("acme") == ("account", acme, people)
    assert shown("Ulf@acme.example") == ("email", acme, ["ulf@acme.example"])
    assert "no order, account, person or domain nothing" in live("show", "nothing", code=2).err
    assert "nobody with this address" in live("show", "no@body.example", code=2).err
    live("suppress", "ulf@acme.example")
    said = live("show", "1001", "--today", DAY).out
    for words in ("Acme GmbH", "399.00 EUR", "mail: service", "Last mails", "before-30", "Touchpoints"):
        assert words in said, words
    live("forget", "ulf@acme.example", "--yes")
    assert "This person was forgotten on" in live("show", "ulf@acme.example").out
