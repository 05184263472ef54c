"""What the embedded CRM and mailbox keep of people."""

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from connectors.embedded.client import Client
from connectors.embedded.connector import EmbeddedCrm, EmbeddedMailer
from connectors.embedded.desk import EmbeddedDesk
from connectors.embedded.maildir import Maildir
from connectors.embedded.persons import TOLD_INSTEAD, EmbeddedPeople
from connectors.embedded.tables import embedded_changes, embedded_mail_log, embedded_optouts, embedded_tasks, metadata
from core.ports import Mail, MailLog, OptOut, TaskDraft
from core.store import Store, open_store
from core.whom import Whom
from core.words import TaskKind, Urgency
from tests.builders import make_ledger
from tests.conftest import Prepared

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
ANN = Whom("ann@acme.example", (1,), ("mail:contact-1:renewal:2026-06-01:1",))


@pytest.fixture
def store(prepared_store_url: Prepared) -> Iterator[Store]:
    store = open_store(prepared_store_url("ledger", make_ledger))
    yield store
    store.close()


def mail(key: str, to: str) -> Mail:
    return Mail(key, f"<{key.replace(':', '.')}@x.example>", "us@x.example", "Us", to, "", "Hello", "text", "", NOW)


def furnish(store: Store, folder: Path) -> EmbeddedPeople:
    crm = EmbeddedCrm(Client(store.engine), lambda: NOW)
    for number, address in enumerate(("Ann@acme.example", "bob@acme.example"), start=1):
        crm.create_tasks(
            [
                TaskDraft(
                    f"call:{number}", TaskKind.CALL, "acme", "Acme", "rita", "Call Acme", f"Ring {address}.",
                    date(2026, 6, 2), Urgency.NOTICE, ("digicert:1",), address.partition("@")[0], "1", address,
                )
            ]
        )  # fmt: skip
        crm.log_mail([MailLog(f"log:{number}", "acme", address, "Hello", "text", NOW, ())])
        crm.write_optout([OptOut(f"optout:{number}", address, "mail", "service", NOW)])
    mailer = EmbeddedMailer(Client(store.engine), Maildir(folder), lambda: NOW)
    mailer.send([mail(ANN.mail_keys[0], "ops@x.example"), mail("mail:other:1", "ann@Acme.example")])
    mailer.send([mail("mail:other:2", "bob@acme.example")])
    return EmbeddedPeople(folder)


def test_all_of_a_person_and_nothing_of_others(store: Store, tmp_path: Path) -> None:
    people = furnish(store, tmp_path)
    with store.read() as connection:
        held = people.held(connection, ANN)
    assert {name: len(rows) for name, rows in held.items()} == dict.fromkeys(
        ("embedded_tasks", "embedded_mail_log", "embedded_optouts"), 1
    )
    # One that was redirected to somebody else, and one that names the address.
    assert len(people.files(ANN)) == 2
    with store.begin() as connection:
        assert set(people.forget(connection, ANN).values()) == {1}
    with store.read() as connection:
        said = repr([connection.execute(select(table)).all() for table in metadata.tables.values()]).lower()
        assert "ann" not in said
        assert said.count("bob@acme.example") == 4
        assert not any(people.held(connection, ANN).values())
    [task, _] = sorted(EmbeddedDesk(store.engine).list_tasks(), key=lambda one: one.task_key)
    assert (task.body, task.contact_name, task.order_keys) == (TOLD_INSTEAD, "", ("digicert:1",))


def test_what_is_old_goes_and_open_tasks_stay(store: Store, tmp_path: Path) -> None:
    people = furnish(store, tmp_path)
    EmbeddedDesk(store.engine, lambda: NOW).done("call:1", "Ann was kind")
    with store.begin() as connection:
        assert not any(people.purge(connection, NOW).values())
        connection.execute(insert(embedded_changes).values(what="owner", at=NOW - timedelta(days=1)))
        counts = people.purge(connection, NOW + timedelta(seconds=1))
        assert counts == {"embedded_tasks": 1, "embedded_mail_log": 2, "embedded_mails": 3, "embedded_changes": 2}
        assert connection.execute(select(embedded_mail_log)).all() == []
        assert len(connection.execute(select(embedded_optouts)).all()) == 2
        rows = {row.task_key: row for row in connection.execute(select(embedded_tasks))}
    assert (rows["call:1"].body, rows["call:1"].note, rows["call:1"].outcome) == ("", "", "done")
    assert rows["call:2"].contact_email == "bob@acme.example"
    for file in (tmp_path / "new").iterdir():
        os.utime(file, (NOW.timestamp(), NOW.timestamp()))
    assert people.files_before(NOW) == []
    assert len(people.files_before(NOW + timedelta(seconds=1))) == 3


def test_without_a_mailbox_there_are_no_files(tmp_path: Path) -> None:
    people = EmbeddedPeople(tmp_path / "none")
    assert (people.files(ANN), people.files_before(NOW)) == ([], [])
