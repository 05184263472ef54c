import csv
import io
import os
import sqlite3
import stat
from contextlib import closing

import pytest

from cli.main import main
from tests.cli.conftest import COLUMNS, Desk

DAY = "2026-11-20"


def one_line(text: str) -> str:
    lines = text.splitlines()
    assert len(lines) == 1, text
    assert lines[0].startswith("nolapse: ")
    return lines[0]


@pytest.fixture
def ready(nolapse: Desk) -> Desk:
    """With tables, so that nothing but the error is told."""
    nolapse("migrate")
    return nolapse


def test_a_report_that_is_not_there(ready: Desk) -> None:
    assert "report.csv" in one_line(ready("run", "--today", DAY, code=2).err)


def test_a_report_that_is_a_folder(ready: Desk) -> None:
    (ready.folder / "report.csv").mkdir()
    assert "report.csv" in one_line(ready("run", "--today", DAY, code=2).err)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_report_that_may_not_be_read(ready: Desk) -> None:
    ready.report({}).chmod(0)
    assert "report.csv" in one_line(ready("run", "--today", DAY, code=2).err)


def test_no_report_is_set(ready: Desk) -> None:
    ready.settings("")
    assert "[order_report] path" in one_line(ready("run", "--today", DAY, code=2).err)


def test_a_report_in_another_encoding(ready: Desk) -> None:
    file = ready.report({"organization_name": "Müller"})
    file.write_bytes(file.read_text(encoding="utf-8").encode("latin-1"))
    told = one_line(ready("run", "--today", DAY, code=2).err)
    assert "UTF-8" in told


def test_a_report_without_a_needed_column(ready: Desk) -> None:
    ready.report({}, columns=[name for name in COLUMNS if name not in ("valid_till", "status")])
    told = one_line(ready("run", "--today", DAY, code=2).err)
    assert "valid_till" in told
    assert "status" in told


def test_an_empty_report_changes_nothing(ready: Desk) -> None:
    ready.report({})
    ready("run", "--today", DAY)
    before = ready.tables()
    ready.report()
    told = one_line(ready("run", "--today", DAY, code=2).err)
    assert "--allow-shrink" in told
    assert ready.tables() == before


def test_a_report_of_no_bytes(ready: Desk) -> None:
    (ready.folder / "report.csv").write_bytes(b"")
    assert "report.csv" in one_line(ready("run", "--today", DAY, code=2).err)


def test_a_report_that_shrinks_changes_nothing_unless_told(ready: Desk) -> None:
    orders = [{"order_id": str(number), "serial_number": str(number)} for number in range(1, 11)]
    ready.report(*orders)
    ready("run", "--today", DAY)
    before = ready.tables()
    ready.report(*orders[:7])
    assert "7 orders where 10 are known" in one_line(ready("run", "--today", DAY, code=2).err)
    assert ready.tables() == before
    assert ready("run", "--json", "--allow-shrink", "--today", DAY).json["sync"]["vanished"] == 3
    ready.report(*orders)
    assert ready("run", "--json", "--today", DAY).json["sync"]["vanished"] == 0


def test_bad_rows_are_kept_with_the_reason_and_the_others_go_on(ready: Desk) -> None:
    ready.report(
        {"order_id": "1"},
        {"order_id": "2", "valid_till": "31/12/2026"},
        {"order_id": "3", "valid_from": "2027-01-01", "valid_till": "2026-01-01", "order_valid_till": ""},
        {"order_id": "4", "csr": "x" * 10_000_001},
        {"order_id": "5", "common_name": "one.example.com"},
        {"order_id": "5", "common_name": "other.example.com"},
        {"order_id": "6"},
        {"order_id": "6"},
        {"order_id": ""},
    )
    said = ready("run", "--json", "--today", DAY)
    assert said.json["sync"]["new"] == 2
    told = one_line(said.err)
    assert "rejects" in told
    (kept,) = (ready.folder / "rejects").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    text = kept.read_text(encoding="utf-8")
    assert text.startswith("where,column,reason,")
    for column in ("valid_till", "csr", "order_id"):
        assert f",{column}," in text
    assert said.json["sync"]["rejected"] == len(list(csv.reader(io.StringIO(text)))) - 1
    assert [one["order"] for one in ready("report", "expiring", "--json", "--today", DAY).json] == [
        "digicert:1",
        "digicert:6",
    ]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ("[stoer]\n", "[stoer] is not a section"),
        ('[store]\nurl = "mysql://x/y"\n', "mysql is not supported; use sqlite or postgresql"),
        ('[store]\nurl = "nonsense"\n', "store.url is no database address"),
        ('[store]\nurl = "sqlite:///no/such/folder/n.db"\n', "does not exist; create it first"),
        ("[mail]\nvia = 3\n", "[mail] via"),
        ('[mail]\nvia = "order_report"\n', "order_report carries no mails"),
        ('[log]\nlevel = "loud"\n', "[log] level"),
    ],
)
def test_settings_that_cannot_be_meant(nolapse: Desk, settings: str, told: str) -> None:
    nolapse.settings(f'{settings}[order_report]\npath = "report.csv"\n')
    nolapse.report({})
    said = nolapse("run", "--today", DAY, code=2)
    assert told in said.err.splitlines()[-1]


def test_a_database_server_that_does_not_answer(nolapse: Desk) -> None:
    nolapse.settings('[store]\nurl = "postgresql://nobody@127.0.0.1:1/none"\n')
    said = nolapse("run", "--today", DAY, code=1)
    assert "does not answer" in one_line(said.err)


def test_a_file_that_is_no_database(nolapse: Desk) -> None:
    (nolapse.folder / "nolapse.db").write_text("Dear diary, today I was a text file of some length.\n" * 50)
    assert "is not a database" in one_line(nolapse("check", code=1).err)


def test_a_database_of_an_older_version(ready: Desk) -> None:
    with closing(sqlite3.connect(ready.folder / "nolapse.db")) as connection:
        connection.execute("update alembic_version set version_num = '9999'")
        connection.commit()
    assert "newer version than this program" in one_line(ready("run", "--today", DAY, code=None).err)


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_that_may_not_be_written(nolapse: Desk) -> None:
    nolapse.report({})
    nolapse.folder.chmod(0o500)
    try:
        assert "is not writable" in one_line(nolapse("run", "--today", DAY, code=2).err)
    finally:
        nolapse.folder.chmod(0o700)


def test_an_order_that_nobody_knows(ready: Desk) -> None:
    assert "no order 4711 is known" in one_line(ready("explain", "4711", code=2).err)


def test_an_id_that_several_orders_have(ready: Desk) -> None:
    ready.report({})
    ready("sync", "--today", DAY)
    with closing(sqlite3.connect(ready.folder / "nolapse.db")) as connection:
        columns = [
            row[1] for row in connection.execute("pragma table_info(orders)") if row[1] not in ("id", "order_key")
        ]
        names = ", ".join(columns)
        connection.execute(f"insert into orders (order_key, {names}) select 'other:1001', {names} from orders")
        connection.commit()
    assert "digicert:1001, other:1001" in one_line(ready("explain", "1001", code=2).err)
    assert ready("explain", "digicert:1001", "--json", "--today", DAY).json


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["run", "--nonsense"],
        ["confirm"],
        ["reopen", "1001"],
        ["suppress", "nobody"],
        ["deliveries", "resolve", "mail:contact-1:renewal:2026-01-01:1"],
        ["tasks", "outcome", "call:account-1:1", "nonsense"],
        ["go-live", "--from", "2026-01-01", "--observe"],
    ],
)
def test_wrong_usage_ends_with_two_and_one_line(ready: Desk, arguments: list[str]) -> None:
    said = ready(*arguments, code=2)
    assert one_line(said.err)
    assert said.out == ""


def test_debug_shows_where_an_error_came_from(ready: Desk) -> None:
    from core.errors import NolapseError

    with pytest.raises(NolapseError, match=r"report\.csv"):
        main(["--config", str(ready.folder / "nolapse.toml"), "run", "--today", DAY, "--debug"])


def test_a_mailbox_that_cannot_be_written_loses_nothing(ready: Desk) -> None:
    ready.report({})
    (ready.folder / "mailbox").write_text("a file, not a folder")
    ready("go-live", "--from", DAY)
    said = ready("run", "--json", "--today", DAY, code=1)
    assert said.json["problems"]
    assert said.json["deliver"]["mail"]["waiting"] == 1
    (ready.folder / "mailbox").unlink()
    assert ready("run", "--json", "--today", DAY).json["deliver"]["mail"]["delivered"] == 1
    assert len(ready.mails()) == 1


def test_a_broken_template_of_the_operators_own_loses_nothing(ready: Desk) -> None:
    ready.report({})
    own = ready.folder / "templates" / "en"
    own.mkdir(parents=True)
    (own / "mail.txt.j2").write_text("{{ nobody_knows_this }}", encoding="utf-8")
    ready("go-live", "--from", DAY)
    assert "mail.txt.j2" in one_line(ready("run", "--today", DAY, code=2).err)
    (own / "mail.txt.j2").unlink()
    assert ready("run", "--json", "--today", DAY).json["deliver"]["mail"]["delivered"] == 1


def test_secrets_and_addresses_are_not_told(ready: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOLAPSE_STORE__URL", "postgresql://nobody:hush@127.0.0.1:1/none")
    said = ready("run", "--today", DAY, code=1)
    assert "hush" not in said.err + said.out
