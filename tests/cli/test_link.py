"""`nolapse link`: a person settles in a spreadsheet which companies are which accounts."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Desk
from tests.fakes.hubspot import HubSpotServer, running_hubspot

SETTINGS = """
[order_report]
path = "report.csv"

[reps]
fallback = "maria"

[sync]
crm = "hubspot"

[hubspot]
base_url = "{base_url}"
calls_per_10_seconds = 1000000
searches_per_second = 1000000
"""


@pytest.fixture
def server(nolapse: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[HubSpotServer]:
    """HubSpot with two companies that may be the customer, whose order is there."""
    with running_hubspot() as server:
        monkeypatch.setenv("NOLAPSE_HUBSPOT__TOKEN", server.token)
        nolapse.settings(SETTINGS.format(base_url=server.base_url))
        nolapse.report({})
        nolapse("migrate")
        nolapse("setup", "hubspot")
        nolapse("go-live", "--from", "2026-01-01")
        for name in ("Acme GmbH", "=Acme Holding"):
            server.world.add("companies", name=name, domain="acme.example")
        nolapse("run", "--today", "2026-09-01")
        yield server


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        return list(csv.DictReader(lines))


def decide(nolapse: Desk, *decisions: str) -> Path:
    """Exports what is ambiguous and fills the decisions in."""
    file = nolapse.folder / "links.csv"
    nolapse("link", "export", "links.csv")
    rows = rows_of(file)
    for row, decision in zip(rows, decisions, strict=True):
        row["decision"] = decision
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def hung(server: HubSpotServer) -> list[str]:
    (ticket,) = server.world.records("tickets")
    return server.world.linked("tickets", ticket.id, "companies")


def test_every_company_that_may_be_meant_has_a_row(nolapse: Desk, server: HubSpotServer) -> None:
    said = nolapse("link", "export", "links.csv")
    assert "1 accounts with 2 companies in links.csv" in said.out
    rows = rows_of(nolapse.folder / "links.csv")
    assert [(row["name"], row["found_by"], row["description"], row["decision"]) for row in rows] == [
        ("Acme GmbH", "domain", "Acme GmbH, acme.example", ""),
        ("Acme GmbH", "domain", "'=Acme Holding, acme.example", ""),
    ]
    assert hung(server) == []


def test_a_decision_hangs_the_orders_on_the_company(nolapse: Desk, server: HubSpotServer) -> None:
    decide(nolapse, "", "YES")
    said = nolapse("link", "import", "links.csv")
    assert said.out == "1 accounts settled; 1 of their orders go to the CRM again with the next run.\n"
    nolapse("deliver")
    assert hung(server) == [server.world.records("companies")[1].id]
    assert nolapse("link", "export", "links.csv", "--json").json["accounts"] == 0


@pytest.mark.parametrize(("decision", "companies"), [("new", 3), ("none", 2)])
def test_a_new_company_or_none_at_all(nolapse: Desk, server: HubSpotServer, decision: str, companies: int) -> None:
    decide(nolapse, decision, "")
    assert nolapse("link", "import", "links.csv", "--json").json["settled"] == 1
    nolapse("deliver")
    assert len(server.world.records("companies")) == companies
    assert len(hung(server)) == companies - 2


def test_a_rehearsal_only_tells(nolapse: Desk, server: HubSpotServer) -> None:
    decide(nolapse, "yes", "")
    server.forget_calls()
    id = server.world.records("companies")[0].id
    said = nolapse("link", "import", "links.csv", "--dry-run").out
    assert said.startswith("would settle ")
    assert said.endswith(f": the company {id}\n")
    assert len(nolapse("link", "import", "links.csv", "--dry-run", "--json").json["decisions"]) == 1
    assert server.calls == []


def test_rows_without_a_decision_wait(nolapse: Desk, server: HubSpotServer) -> None:
    decide(nolapse, "", " ")
    assert nolapse("link", "import", "links.csv", "--json").json == {"settled": 0, "refused": [], "records": 0}
    assert nolapse("link", "export", "links.csv", "--json").json["accounts"] == 1


def test_a_refused_decision_is_told(nolapse: Desk, server: HubSpotServer) -> None:
    file = decide(nolapse, "yes", "")
    file.write_text(file.read_text().replace(server.world.records("companies")[0].id, "12"))
    said = nolapse("link", "import", "links.csv", code=1)
    assert "HubSpot has no company 12" in said.out
    assert hung(server) == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n", "the columns account, company and decision are needed"),
        ("account,company,decision\nacme,1,maybe\n", "row 2, column decision: 'maybe' is none"),
        ("account,company,decision\nacme,,yes\n", "row 2: a decision needs the account"),
        ("account,company,decision\nacme,1,yes\nacme,2,yes\n", "row 3: the account acme has two decisions"),
    ],
)
def test_a_file_that_cannot_be_meant_changes_nothing(
    nolapse: Desk, server: HubSpotServer, text: str, told: str
) -> None:
    (nolapse.folder / "links.csv").write_text(text)
    server.forget_calls()
    assert told in nolapse("link", "import", "links.csv", code=2).err
    assert server.writes() == []


def test_other_crms_have_nothing_to_link(nolapse: Desk) -> None:
    nolapse("migrate")
    assert "in the CRM embedded there is nothing to link" in nolapse("link", "export", "x.csv", code=2).err
    assert not (nolapse.folder / "x.csv").exists()
