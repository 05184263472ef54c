"""`nolapse consent`, `nolapse suppress` and `nolapse coverage`: files in and out, and what they answer."""

import csv
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from sqlalchemy import update

from cli.check_contacts import account_findings, consent_findings, price_findings, senders
from config.assembly import App, application
from config.settings import load
from core.ports import Finding
from core.schema import accounts
from tests.cli.conftest import Desk

DAY = "2026-11-20"


@pytest.fixture
def known(nolapse: Desk) -> Desk:
    """One order with two people."""
    nolapse.report({})
    nolapse("sync", "--today", DAY)
    return nolapse


def write(folder: Path, *lines: str) -> str:
    file = folder / "given.csv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


def cells(file: Path) -> list[list[str]]:
    return list(csv.reader(file.read_text(encoding="utf-8-sig").splitlines()))


def test_a_basis_makes_mails_commercial(known: Desk) -> None:
    file = write(
        known.folder,
        "Email,channel,basis,since,source,proof",
        "ULF@acme.example,both,double-opt-in,2026-01-05,web form,log 7",
        "stranger@else.example,,customer,,,",
    )
    counts = known("consent", "import", file, "--dry-run", "--json").json
    assert (counts["new"], counts["strangers"], counts["rejected"], counts["dry_run"]) == (3, 1, [], True)
    assert known.tables()["consents"] == []
    said = known("consent", "import", file).out
    assert said.startswith("3 new, 0 changed, 0 taken back, 0 as before; 0 rows cannot be used.\n1 addresses")
    assert known("consent", "import", file, "--json").json["unchanged"] == 3
    told = known("explain", "1001", "--today", DAY).out
    assert "mails go to ulf@acme.example (requester)" in told
    assert "offers may go along: double_opt_in since 2026-01-05, rule DE" in told


def test_check_counts_who_may_be_sold_to_and_names_what_accounts_lack(known: Desk) -> None:
    def told(ask: Callable[[App], Sequence[Finding]]) -> list[tuple[bool, str, str]]:
        with application(load(known.folder / "nolapse.toml", {})) as app:
            return [(one.ok, one.text, one.advice) for one in ask(app)]

    ((ok, text, advice),) = told(consent_findings)
    assert ok
    assert text.startswith("0 addresses have a basis for commercial mails, 0 for sales calls; the packaged")
    assert "nolapse consent import" in advice
    known("consent", "import", write(known.folder, "email,basis,channel", "ulf@acme.example,customer,both"))
    (known.folder / "consent.toml").write_text("", encoding="utf-8")
    assert told(consent_findings) == [
        (True, "1 addresses have a basis for commercial mails, 1 for sales calls; your consent.toml rules", "")
    ]
    assert [ok for ok, _, _ in (*told(account_findings), *told(price_findings))] == [True, True]
    (known.folder / "prices.toml").write_text(
        '[default]\ncurrency = "EUR"\nprices = [{ product = "gone", price = "1", valid_from = 2026-01-01 }]\n',
        encoding="utf-8",
    )
    (known.folder / "brands.toml").write_text('[hanse]\nsender = "a@hanse.example"\n', encoding="utf-8")
    assert told(price_findings)[0][:2] == (False, "prices.toml: default.prices: gone is no product")
    with application(load(known.folder / "nolapse.toml", {})) as app:
        assert senders(app)[1:] == ["hanse.example"]
        with app.store.begin() as connection:
            connection.execute(update(accounts).values(brand="gone"))
        assert [(one.ok, one.text) for one in account_findings(app)] == [
            (False, "1 accounts have the brand gone, which is not known")
        ]


def test_rows_that_make_no_sense_are_kept_and_the_rest_goes_on(known: Desk) -> None:
    file = write(
        known.folder,
        "email,channel,basis,since",
        "nobody,mail,consent,",
        "ulf@acme.example,pigeon,consent,",
        "ulf@acme.example,mail,hope,",
        "ulf@acme.example,mail,consent,yesterday",
        "ulf@acme.example,mail,consent,2199-01-01",
        f"ulf@acme.example,{'mail ' * 200},consent,",
        "ulf@acme.example,mail,customer,2026-01-05",
    )
    answer = known("consent", "import", file, "--json", code=1).json
    assert answer["new"] == 1
    assert [(one["where"], one["column"]) for one in answer["rejected"]] == [
        ("given.csv, row 2", "email"),
        ("given.csv, row 3", "channel"),
        ("given.csv, row 4", "basis"),
        ("given.csv, row 5", "since"),
        ("given.csv, row 6", "since"),
        ("given.csv, row 7", "channel"),
    ]
    (rejects,) = (known.folder / "rejects").iterdir()
    assert len(cells(rejects)) == 7
    assert "The rows that cannot be used are in" in known("consent", "import", file, code=1).out
    assert "acme" not in str(answer["rejected"])


def test_a_basis_is_taken_back(known: Desk) -> None:
    known("consent", "import", write(known.folder, "email,basis", "ulf@acme.example,customer"))
    answer = known("consent", "import", write(known.folder, "email,basis", "ulf@acme.example,none"), "--json").json
    assert (answer["dropped"], known.tables()["consents"]) == (1, [])


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("mail,basis", "a@b.example,consent"), "the column email is lacking"),
        (("email,basis,colour", "a@b.example,consent,red"), "the column colour is not known"),
        (("email,basis,basis", "a@b.example,consent,customer"), "the column basis stands there twice"),
        (('email,basis\n"', "a"), "cannot be read as CSV"),
    ],
)
def test_files_that_are_none(known: Desk, lines: tuple[str, ...], told: str) -> None:
    assert told in known("consent", "import", write(known.folder, *lines), code=2).err


def test_the_rules_of_a_country(nolapse: Desk) -> None:
    (rule,) = nolapse("consent", "rules", "kr", "--json").json
    assert (rule["country"], rule["table"], rule["rule"]["label"]) == ("KR", "KR", "(광고)")
    said = nolapse("consent", "rules", "XX")
    assert "default" in said.out
    assert "no legal advice" in said.err
    assert len(nolapse("consent", "rules").out.splitlines()) > 15


def test_suppressions_go_out_and_come_back_as_they_were(known: Desk) -> None:
    known("suppress", "ulf@acme.example", "--nature", "commercial", "--reason", "=1+1")
    known("suppress", "add", "tina@acme.example", "--channel", "call", "--unsubscribed")
    file = str(known.folder / "out.csv")
    assert known("suppress", "export", file).out == f"2 refusals in {file}.\n"
    assert os.stat(file).st_mode & 0o077 == 0
    rows = cells(Path(file))
    assert rows[2][:5] == ["ulf@acme.example", "mail", "commercial", "operator", "'=1+1"]
    assert known("suppress", "import", file, "--json").json == {"new": 0, "known": 2, "rejected": [], "dry_run": False}
    known("suppress", "--reason", "import", "--lift", "ulf@acme.example")
    known("suppress", "tina@acme.example", "--channel", "call", "--lift")
    before = known.tables()
    assert known("suppress", "import", file, "--dry-run").out.startswith("2 refusals would be new, 0 as before")
    assert known.tables() == before
    assert known("suppress", "import", file).out.startswith("2 refusals new")
    assert known("suppress", "export", file, "--json").json["rows"] == 2
    assert cells(Path(file)) == rows


def test_what_is_suppressed_by_file_reaches_the_crm_and_bad_rows_do_not(known: Desk) -> None:
    file = write(
        known.folder,
        "address,channel,nature,since",
        "ULF@acme.example,,,2026-01-05",
        "nobody,,,",
        "a@b.example,pigeon,,",
        "a@b.example,,hard,",
        "a@b.example,,,2199-01-01",
    )
    answer = known("suppress", "import", file, "--json", code=1).json
    assert (answer["new"], [one["column"] for one in answer["rejected"]]) == (
        1,
        ["address", "channel", "nature", "since"],
    )
    assert [row for row in known.tables()["deliveries"] if "optout" in str(row)]
    assert "4 rows cannot be used" in known("suppress", "import", file, code=1).out


def test_the_help_of_suppress_names_what_it_can_do(nolapse: Desk) -> None:
    said = nolapse("suppress", "--help").out
    assert all(word in said for word in ("add", "import", "export", "suppress ADDRESS"))


def test_coverage_lists_orders_without_anybody(known: Desk) -> None:
    answer = known("coverage", "--today", DAY, "--json").json
    assert (answer["told"], answer["untold"]) == (1, [])
    for address in ("ulf@acme.example", "tina@acme.example"):
        known("suppress", address, "--unsubscribed")
    said = known("coverage", "--today", DAY)
    assert "everybody who could be written to has unsubscribed" in said.out
    assert "Of 1 open ends somebody can be told of 0 (0.0 %)." in said.err
    assert known("coverage", "--today", DAY, "--reason", "no_contact", "--json").json["untold"] == []
    assert known("coverage", "--today", DAY, "--within", "10", "--json").json["told"] == 0


def test_coverage_lists_shared_addresses(known: Desk) -> None:
    known.report(
        {}, {"order_id": "1002", "serial_number": "BB01", "organization_id": "12", "organization_name": "Beta"}
    )
    known("sync", "--today", DAY)
    answer = known("coverage", "--shared", "--json").json
    assert {one["address"]: len(one["account_keys"]) for one in answer} == {
        "tina@acme.example": 2,
        "ulf@acme.example": 2,
    }
    assert "ulf@acme.example\t2\t2" in known("coverage", "--shared").out
