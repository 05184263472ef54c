import csv
import io
import re
import sys
from importlib import resources
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli.main import COMMANDS
from cli.main import nolapse as program
from tests.cli.conftest import Desk

DAY = "2026-11-20"


@pytest.fixture
def live(nolapse: Desk) -> Desk:
    """One order, thirty days before its end, and the first mail and call out."""
    nolapse.report({})
    nolapse("go-live", "--from", DAY)
    nolapse("run", "--today", DAY)
    return nolapse


def test_help_names_every_command(nolapse: Desk) -> None:
    said = CliRunner().invoke(program, ["--help"]).output
    for name in COMMANDS:
        assert re.search(rf"^  {name} ", said, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help_and_a_debug_flag_somewhere(name: str) -> None:
    said = CliRunner().invoke(program, [name, "--help"])
    assert said.exit_code == 0
    assert "Usage:" in said.output


def test_the_readme_names_every_command() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    for name in COMMANDS:
        assert f"nolapse {name}" in text or f"make {name}" in text, name


def test_a_confirmation_twice_counts_once(live: Desk) -> None:
    assert live("confirm", "1001", "--on", DAY, "--json").json["new"] is True
    assert live("confirm", "digicert:1001", "--on", DAY, "--json").json["new"] is False


def test_a_confirmation_of_an_unknown_order_waits_for_it(live: Desk) -> None:
    said = live("confirm", "2002", "--on", DAY)
    assert "not known yet" in said.out
    live.report({}, {"order_id": "2002", "serial_number": "CC01", "common_name": "late.example.com"})
    assert live("run", "--json", "--today", "2026-11-21").json["settle"]["renewed"] == 1


def test_a_mistake_is_reopened_and_can_be_confirmed_again(live: Desk) -> None:
    live("confirm", "1001", "--on", DAY)
    assert live("run", "--json", "--today", "2026-11-23").json["settle"]["renewed"] == 1
    before = live.tables()
    live("reopen", "1001", "--reason", "wrong order", "--dry-run")
    assert live.tables() == before
    assert "renewal cycle 1 is open again" in live("reopen", "1001", "--reason", "wrong order").out
    assert live("run", "--json", "--today", "2026-11-24").json["settle"]["renewed"] == 0
    mails = [
        live("run", "--json", "--today", f"2026-12-{day:02}").json["deliver"]["mail"]["delivered"] for day in (4, 11)
    ]
    assert mails == [1, 1]
    assert live("confirm", "1001", "--on", "2026-12-11", "--json").json["new"] is True
    assert live("run", "--json", "--today", "2026-12-12").json["settle"]["renewed"] == 1


def test_what_is_open_cannot_be_reopened(live: Desk) -> None:
    assert "is open already" in live("reopen", "1001", "--reason", "?", code=2).err


def test_suppressing_twice_is_said_and_lifting_undoes_it(live: Desk) -> None:
    assert live("suppress", "ULF@Acme.example").out == "The address is suppressed.\n"
    assert live("suppress", "ulf@acme.example").out == "The address was suppressed already.\n"
    assert live("suppress", "ulf@acme.example", "--lift").out == "The address may be used again.\n"
    assert live("suppress", "ulf@acme.example", "--lift").out == "The address was not suppressed.\n"


def test_the_desk(live: Desk) -> None:
    (task,) = live("tasks", "list", "--json").json
    assert task["kind"] == "call"
    shown = live("tasks", "show", task["task_key"]).out
    for fact in ("Acme GmbH", "1001", "www.example.com", "20 December 2026"):
        assert fact in shown
    assert live("tasks", "outcome", task["task_key"], "renewed", "--note", "on the phone").out.endswith(": renewed\n")
    assert "known already" in live("tasks", "outcome", task["task_key"], "renewed").out
    answer = live("run", "--json", "--today", "2026-11-21").json
    assert answer["settle"]["renewed"] == 1
    assert live("tasks", "list", "--status", "done", "--json").json[0]["outcome"] == "renewed"


def test_what_a_rep_says_goes_on_to_the_engine(live: Desk) -> None:
    (task,) = live("tasks", "list", "--json").json
    key = task["task_key"]
    assert "--until does not go with" in live("tasks", "outcome", key, "reached", "--until", "2026-12-01", code=2).err
    live("tasks", "outcome", key, "lost", "--lost-reason", "price", "--lost-scope", "order", "--win-back", "2027-05-01")
    live("run", "--today", "2026-11-21")
    told = live("explain", "1001").out
    assert "lost: price (scope: order); to be asked again on 2027-05-01" in told
    assert live("tasks", "outcome", key, "will_renew", "--until", "2026-12-10", "--json").json["changed"]


def test_while_somebody_talks_to_a_customer_calls_become_notes(nolapse: Desk) -> None:
    nolapse.report({})
    nolapse("go-live", "--from", DAY)
    nolapse("sync", "--today", DAY)
    account = nolapse("report", "expiring", "--json", "--today", DAY).json[0]["account"]
    assert nolapse("tasks", "contacted", account, "--on", DAY, "--json").json == {"account": account, "on": DAY}
    assert "the next sync takes it in" in nolapse("tasks", "deal", account, "--open").out
    nolapse("run", "--today", DAY)
    nolapse("run", "--today", DAY)
    assert nolapse("tasks", "list", "--json").json == []
    assert nolapse("tasks", "notes", "--json").json[0]["account_key"] == account
    assert "1001" in nolapse("tasks", "notes", "--account", account).out


def test_a_task_that_does_not_exist(live: Desk) -> None:
    assert "nobody:1" in live("tasks", "done", "nobody:1", code=2).err


def test_going_live_and_back(nolapse: Desk) -> None:
    assert nolapse("go-live", "--json").json["live_from"] is None
    said = nolapse("go-live", "--from", DAY, "--dry-run", "--json").json
    assert (said["live_from"], said["dry_run"]) == (DAY, True)
    assert nolapse("go-live", "--json").json["live_from"] is None
    assert nolapse("go-live", "--from", DAY).out.startswith(f"Live from {DAY} on.\n")
    assert "Observing" in nolapse("go-live", "--observe").out


def test_check_says_what_is_fine_and_what_is_not(nolapse: Desk) -> None:
    said = nolapse("check", "--json", code=1)
    bad = [one for one in said.json if not one["ok"]]
    assert [one["subject"] for one in bad] == ["order report"]
    nolapse.report({})
    assert all(one["ok"] for one in nolapse("check", "--json").json)
    assert "observing" in nolapse("check").out


def test_migrate_is_safe_to_repeat_and_keeps_the_state_before(nolapse: Desk) -> None:
    assert nolapse("migrate", "--json", "--dry-run").json["before"] is None
    first = nolapse("migrate", "--json").json
    assert (first["before"], first["backup"]) == (None, None)
    assert nolapse("migrate", "--json").json["before"] == first["after"]
    assert "nothing to do" in nolapse("migrate").out


def test_expiring_orders_with_the_columns_and_filters_of_the_guide(live: Desk) -> None:
    live.report(
        {},
        {"order_id": "1002", "serial_number": "AA02", "order_valid_till": "2026-11-17", "valid_till": "2026-11-17"},
        {"order_id": "1003", "serial_number": "AA03", "disable_renewal_notifications": "1", "organization_id": "12",
         "organization_name": "=Beta", "product_name_id": "ssl_ev_basic", "product_name": "Basic EV"},
    )  # fmt: skip
    live("sync", "--today", "2026-11-21")

    def orders(*arguments: str) -> list[str]:
        return [one["order"] for one in live("report", "expiring", "--json", "--today", "2026-11-21", *arguments).json]

    assert orders() == ["digicert:1001", "digicert:1003"]
    assert orders("--within", "10") == []
    assert orders("--expired", "7") == ["digicert:1002"]
    assert orders("--account", "acme") == ["digicert:1001"]
    assert orders("--product", "ssl_ev_basic") == ["digicert:1003"]
    assert orders("--notices-off") == ["digicert:1003"]
    one = live("report", "expiring", "--json", "--today", "2026-11-21").json[0]
    assert {"order", "name", "expires", "product", "validity_days", "notices"} <= set(one)
    assert (one["days_left"], one["validity_days"], one["notices"]) == (29, 183, True)
    rows = list(csv.DictReader(io.StringIO(live("report", "expiring", "--csv", "--today", "2026-11-21").out)))
    assert [row["account_name"] for row in rows] == ["Acme GmbH", "'=Beta"]


def test_deliveries_that_are_stuck(live: Desk) -> None:
    assert live("deliveries").out == "Nothing is stuck.\n"
    listed = live("deliveries", "list", "--all", "--json").json
    assert {one["state"] for one in listed} == {"delivered"}
    assert {"mail", "call_create", "record", "mail_log"} <= {one["kind"] for one in listed}
    mail = next(one for one in listed if one["kind"] == "mail")
    assert mail["orders"] == ["digicert:1001"]
    assert "only what is uncertain or has failed" in live("deliveries", "resolve", mail["key"], "--drop", code=2).err
    assert "there is no delivery" in live("deliveries", "resolve", "nothing", "--drop", code=2).err


def test_the_demo_plays_and_tells_where_everything_is(nolapse: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["nolapse"])
    said = nolapse("demo", "--days", "28", "--start", "2026-08-01").out
    assert said.count("week ") == 4
    tale = ("only observed", "shows what would go today", "A pilot goes live", "everybody is live",
            "confirmed by mistake: it is reopened", "moved to another CA", "has a task to find a contact")  # fmt: skip
    places = [said.index(words) for words in tale]
    assert places == sorted(places)
    for word in ("touches due", "mails", "renewed", "lapsed", "skipped: ", "auto renew", "unsubscribed", "mailbox"):
        assert word in said
    assert list((nolapse.folder / "demo" / "mailbox" / "new").iterdir())
    command = next(line.split("nolapse", 1)[1] for line in said.splitlines() if " explain " in line)
    nolapse.settings((nolapse.folder / "demo" / "nolapse.toml").read_text())
    assert command.split()[2] == "explain"
    # Again into the same folder: it is made afresh; a folder of somebody else's is not touched.
    nolapse("demo", "--days", "1")
    (nolapse.folder / "own").mkdir()
    (nolapse.folder / "own" / "letter.txt").write_text("mine")
    assert "holds something that is not a demo" in nolapse("demo", "--folder", "own", code=2).err
    assert (nolapse.folder / "own" / "letter.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("crm", "title", "words"),
    [
        ("hubspot", "HubSpot", ("tickets", "companies", "contacts", "mails")),
        ("salesforce", "Salesforce", ("certificate orders", "accounts", "contacts", "mails")),
    ],
)
def test_the_demo_plays_in_a_stand_in(nolapse: Desk, crm: str, title: str, words: tuple[str, ...]) -> None:
    said = nolapse("demo", "--crm", crm, "--days", "9", "--start", "2026-08-03").out
    (line,) = [line for line in said.splitlines() if line.startswith(f"In {title}:")]
    held = {word: int(number) for number, word in re.findall(r"(\d+) ([a-z]+(?: orders| them calls)?)", line)}
    assert all(held[word] > 10 for word in words)
    assert held["tasks"] > held["of them calls"] > 0
    assert "meanwhile: 1 call made by its rep" in said
    assert "What reps said of 1 call there came back." in said


@pytest.mark.parametrize("crm", ["hubspot", "salesforce"])
def test_the_stand_in_belongs_to_a_checkout(nolapse: Desk, monkeypatch: pytest.MonkeyPatch, crm: str) -> None:
    monkeypatch.setitem(sys.modules, f"tests.fakes.{crm}", None)
    assert "run this from a checkout" in nolapse("demo", "--crm", crm, code=2).err
    assert not (nolapse.folder / "demo").exists()


def test_the_demo_is_the_same_every_time(nolapse: Desk) -> None:
    def weeks() -> list[object]:
        return nolapse("demo", "--days", "14", "--start", "2026-08-01", "--json").lines

    assert weeks() == weeks()


def test_completion_by_the_tab_key(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from cli.main import main

    monkeypatch.setenv("_NOLAPSE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "nolapse exp")
    monkeypatch.setenv("COMP_CWORD", "1")
    with pytest.raises(SystemExit):
        main([])
    assert capsys.readouterr().out.strip() == "plain,explain"


def test_the_packaged_defaults_are_in_the_package() -> None:
    for name in ("nolapse.toml", "cadence.toml", "calendar.toml", "validity.toml", "products.toml"):
        assert (resources.files("config") / name).is_file()
