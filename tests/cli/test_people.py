"""`nolapse subject`, `forget` and `purge`, on a whole installation."""

import json
import os
from pathlib import Path

import pytest

from tests.cli.conftest import DAY, UNREADABLE, Desk
from tests.cli.test_inbox import receive

ULF = "ulf@acme.example"


@pytest.fixture
def live(played: Desk) -> Desk:
    """Besides, an event came in."""
    receive(played, "one", b'{"who": "ulf%40acme.example"}')
    return played


def stored(folder: Path) -> bytes:
    """Everything that the installation has written."""
    kept = [file for file in folder.rglob("*") if file.is_file() and file.name != "report.csv"]
    return b"".join(file.read_bytes() for file in kept)


def test_what_is_held_of_a_person_comes_out_as_json(live: Desk) -> None:
    found = live("subject", "Ulf@ACME.example", "--json").json
    assert set(found) == {
        *("address", "contacts", "order_contacts", "deliveries", "inbox"),
        *("embedded_tasks", "embedded_mail_log", "mails", "rejects"),
    }
    assert json.loads(live("subject", ULF).out) == found
    live("subject", ULF, "--output", "ulf.json")
    file = live.folder / "ulf.json"
    assert json.loads(file.read_text(encoding="utf-8")) == found
    assert file.stat().st_mode & 0o077 == 0
    assert live("subject", "nobody@acme.example", "--json").json == {"address": "nobody@acme.example"}
    assert "cannot be written" in live("subject", ULF, "--output", "no/where.json", code=2).err


def test_who_is_forgotten_is_in_no_file_any_more_and_does_not_come_back(live: Desk) -> None:
    assert ULF.encode() in stored(live.folder)
    before, mails = live.tables(), live.mails()
    said = live("forget", ULF, "--dry-run", "--json").json
    assert (live.tables(), live.mails()) == (before, mails)
    assert said["dry_run"] is True
    done = live("forget", ULF, "--json").json
    assert done["changed"] == said["changed"] | {"inbox": 1}
    assert {"contacts", "deliveries", "embedded_tasks", "mails", "rejects", "inbox"} <= set(done["changed"])
    assert ULF.encode() not in stored(live.folder).lower()
    assert b"Ulf User" not in stored(live.folder)
    live.report({"price": "401"}, UNREADABLE)
    live("run", "--today", "2026-11-23")
    assert not live("subject", ULF, "--json").json.keys() & {"contacts", "order_contacts", "deliveries"}


def test_it_asks_first_and_can_be_lifted(live: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    live("forget", ULF, code=130)
    (live.folder / "nolapse.db.20260101T000000Z.bak").write_bytes(b"")
    said = live("forget", ULF, "--yes").out
    assert "of contacts" in said
    assert "1 copies of the database" in said
    assert live("forget", ULF, "--lift").out == "The person may be stored again.\n"
    assert live("forget", ULF, "--lift").out == "Nobody with this address was forgotten.\n"
    assert "no e-mail address" in live("forget", "ulf", "--yes", code=2).err


def test_what_is_old_is_let_go(live: Desk) -> None:
    assert live("purge", "--today", DAY).out == "Nothing is older than it may be.\n"
    for file in [*(live.folder / "mailbox" / "new").iterdir(), *(live.folder / "rejects").iterdir()]:
        os.utime(file, (0, 0))
    before = live.tables()
    assert live("purge", "--today", DAY, "--dry-run", "--json").json["purged"] == {"mails": 1, "rejects": 1}
    assert (live.tables(), len(live.mails())) == (before, 1)
    assert live("purge", "--today", DAY).out == "1 of mails, 1 of rejects are gone.\n"
    assert live.mails() == []
    assert list((live.folder / "rejects").iterdir()) == []
