import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import func, select

from connectors.embedded.client import Client
from connectors.embedded.connector import (
    CHANGES_PER_PAGE,
    CONNECTOR,
    EmbeddedCrm,
    EmbeddedMailer,
    EmbeddedSettings,
    open_crm,
    open_mailer,
)
from connectors.embedded.desk import EmbeddedDesk
from connectors.embedded.maildir import Maildir, file_name
from connectors.embedded.tables import (
    embedded_mail_log,
    embedded_mails,
    embedded_optouts,
    embedded_tasks,
    metadata,
)
from core.errors import ConfigurationError, StoreError, UsageError
from core.ports import Handed, Mail, MailLog, OptOut
from core.store import Store, open_store
from tests.connectors.contract import a_draft, a_mail, a_raise, a_record

ROOT = Path(__file__).parent.parent.parent.parent
NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mailbox"


@pytest.fixture
def mailer(embedded_store: Store, folder: Path) -> EmbeddedMailer:
    return open_mailer(EmbeddedSettings(mailbox=str(folder)), embedded_store.engine)


@pytest.fixture
def crm(embedded_store: Store) -> EmbeddedCrm:
    return open_crm(EmbeddedSettings(), embedded_store.engine)


def noted(store: Store) -> dict[str, str]:
    with store.read() as connection:
        query = select(embedded_mails.c.key, embedded_mails.c.message_id)
        return {key: message_id for key, message_id in connection.execute(query)}


def send_one(mailer: EmbeddedMailer, mail: Mail) -> Handed:
    (result,) = mailer.send([mail])
    return result.handed


class TestSettings:
    def test_the_mailbox_lies_beside(self) -> None:
        assert TypeAdapter(EmbeddedSettings).validate_python({}).mailbox == "mailbox"
        assert CONNECTOR.order_source is None

    def test_an_empty_mailbox_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="mailbox"):
            TypeAdapter(EmbeddedSettings).validate_python({"mailbox": ""})


class TestMailer:
    def test_a_mail_stays_known_when_its_reader_deletes_it(
        self, mailer: EmbeddedMailer, embedded_store: Store, folder: Path
    ) -> None:
        mail = a_mail()
        assert send_one(mailer, mail) is Handed.DELIVERED
        assert noted(embedded_store) == {mail.key: mail.message_id}
        (folder / "new" / file_name(mail.key)).unlink()
        assert mailer.find([mail.key]) == {mail.key: file_name(mail.key)}
        assert send_one(mailer, mail) is Handed.DELIVERED
        assert list(folder.glob("*/*")) == []

    def test_a_mail_that_was_read_is_not_put_in_again(self, mailer: EmbeddedMailer, folder: Path) -> None:
        mail = a_mail()
        send_one(mailer, mail)
        read = folder / "cur" / f"{file_name(mail.key)}:2,S"
        (folder / "new" / file_name(mail.key)).rename(read)
        assert send_one(mailer, mail) is Handed.DELIVERED
        assert list(folder.glob("*/*")) == [read]

    @pytest.mark.parametrize("place", ["new/{}", "cur/{}:2,S"])
    def test_a_crash_before_the_note_loses_and_doubles_nothing(
        self, mailer: EmbeddedMailer, embedded_store: Store, folder: Path, place: str
    ) -> None:
        mail, other = a_mail(), a_mail()
        Maildir(folder).deliver({mail.key: b"Subject: x\r\n\r\nx\r\n"})
        file = folder / place.format(file_name(mail.key))
        (folder / "new" / file_name(mail.key)).rename(file)
        assert noted(embedded_store) == {}
        assert mailer.find([mail.key, other.key]) == {mail.key: file_name(mail.key)}
        assert send_one(mailer, mail) is Handed.DELIVERED
        assert list(folder.glob("*/*")) == [file]
        file.unlink()
        assert mailer.find([mail.key]) == {mail.key: file_name(mail.key)}

    def test_a_crash_before_the_move_leaves_it_to_be_sent(self, mailer: EmbeddedMailer, folder: Path) -> None:
        mail = a_mail()
        mailer.check()
        (folder / "tmp" / f"{file_name(mail.key)}.1.abc").write_bytes(b"half a ma")
        assert mailer.find([mail.key]) == {}
        assert send_one(mailer, mail) is Handed.DELIVERED
        assert [file.name for file in folder.glob("new/*")] == [file_name(mail.key)]

    def test_what_could_not_be_noted_is_uncertain_and_found(
        self, mailer: EmbeddedMailer, embedded_store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mail = a_mail()
        with monkeypatch.context() as patch:

            def full(*_: object) -> None:
                raise StoreError("the disk of the database is full")

            patch.setattr(Client, "add", full)
            (result,) = mailer.send([mail])
        assert result.handed is Handed.UNCERTAIN
        assert "disk of the database is full" in str(result.error)
        assert noted(embedded_store) == {}
        assert mailer.find([mail.key]) == {mail.key: file_name(mail.key)}

    def test_a_mailbox_that_cannot_be_made_fails_each_mail(
        self, mailer: EmbeddedMailer, embedded_store: Store, folder: Path
    ) -> None:
        folder.write_text("in the way")
        results = mailer.send([a_mail(), a_mail()])
        assert [result.handed for result in results] == [Handed.FAILED, Handed.FAILED]
        assert all(isinstance(result.error, ConfigurationError) for result in results)
        assert noted(embedded_store) == {}
        (finding,) = mailer.check()
        assert not finding.ok
        assert "name another folder" in finding.text

    def test_a_mailbox_that_cannot_be_searched_fails_only_what_is_not_noted(
        self, mailer: EmbeddedMailer, folder: Path
    ) -> None:
        known, fresh = a_mail(), a_mail()
        send_one(mailer, known)
        (folder / "cur").rmdir()
        (folder / "cur").write_text("in the way")
        results = {result.key: result for result in mailer.send([known, fresh])}
        assert results[known.key].handed is Handed.DELIVERED
        assert results[fresh.key].handed is Handed.FAILED

    def test_it_takes_addresses_that_not_every_server_takes(self, mailer: EmbeddedMailer, folder: Path) -> None:
        mail = a_mail(to="jürgen@exämple.com")
        assert send_one(mailer, mail) is Handed.DELIVERED
        assert "jürgen@xn--exmple-cua.com" in (folder / "new" / file_name(mail.key)).read_text()

    def test_two_who_send_the_same_put_it_in_once(self, embedded_store: Store, folder: Path) -> None:
        mails = [a_mail() for _ in range(30)]
        settings = EmbeddedSettings(mailbox=str(folder))
        mailers = [open_mailer(settings, embedded_store.engine) for _ in range(3)]
        with ThreadPoolExecutor(3) as senders:
            sent = list(senders.map(lambda mailer: mailer.send(mails), mailers))
        assert {result.handed for results in sent for result in results} == {Handed.DELIVERED}
        assert {file.name for file in folder.glob("*/*")} == {file_name(mail.key) for mail in mails}
        assert set(noted(embedded_store)) == {mail.key for mail in mails}

    def test_it_is_fast_enough(self, mailer: EmbeddedMailer) -> None:
        row = "<tr><td>1234567</td><td>www.exämple.com</td><td>Secure Site</td><td>30 September 2026</td></tr>\n"
        mails = [a_mail(html=row * (20_000 // len(row))) for _ in range(300)]
        started = time.process_time()
        for start in range(0, 300, mailer.batch_size):
            mailer.send(mails[start : start + mailer.batch_size])
        assert 300 / (time.process_time() - started) > 250

    def test_without_tables_it_says_what_to_do(self, store_url: str, folder: Path) -> None:
        store = open_store(store_url)
        mailer = open_mailer(EmbeddedSettings(mailbox=str(folder)), store.engine)
        with pytest.raises(StoreError, match="nolapse migrate"):
            mailer.send([a_mail()])
        assert not folder.exists()
        store.close()


SENDER = """
import sys
from core.store import open_store
from connectors.embedded.connector import EmbeddedSettings, open_mailer
from tests.connectors.contract import a_mail
store = open_store(sys.argv[1])
mailer = open_mailer(EmbeddedSettings(mailbox=sys.argv[2]), store.engine)
mails = [a_mail(key=f"mail:{number}", message_id=f"<{number}@example.com>") for number in range(400)]
print("ready", flush=True)
for start in range(0, len(mails), 20):
    mailer.send(mails[start : start + 20])
"""


@pytest.mark.parametrize("after", [0.02, 0.1])
def test_whenever_it_is_killed_each_mail_is_there_once(tmp_path: Path, after: float) -> None:
    url, folder = f"sqlite:///{tmp_path / 'nolapse.db'}", tmp_path / "mailbox"
    store = open_store(url)
    metadata.create_all(store.engine)
    process = subprocess.Popen([sys.executable, "-c", SENDER, url, folder], cwd=ROOT, stdout=subprocess.PIPE)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(after)
        os.kill(process.pid, signal.SIGKILL)
    for file in list(folder.glob("new/*"))[::2]:
        file.rename(folder / "cur" / f"{file.name}:2,S")
    mails = [a_mail(key=f"mail:{number}", message_id=f"<{number}@example.com>") for number in range(400)]
    mailer = open_mailer(EmbeddedSettings(mailbox=str(folder)), store.engine)
    found = mailer.find([mail.key for mail in mails])
    there = {file.name.partition(":")[0] for file in folder.glob("[nc]*/*")}
    assert set(found.values()) == there
    results = mailer.send(mails)
    store.close()
    assert {result.handed for result in results} == {Handed.DELIVERED}
    files = [file.name.partition(":")[0] for file in folder.glob("[nc]*/*")]
    assert sorted(files) == sorted(file_name(mail.key) for mail in mails)
    assert all(b"Renew it." in file.read_bytes() for file in folder.glob("[nc]*/*"))


class TestCrm:
    def test_changes_come_in_pages(self, crm: EmbeddedCrm, embedded_store: Store) -> None:
        many = CHANGES_PER_PAGE + 3
        with embedded_store.begin() as connection:
            connection.execute(
                metadata.tables["embedded_changes"].insert(),
                [{"what": "task_outcome", "task_key": f"t{n}", "value": "done", "at": NOW} for n in range(many)],
            )
        first, cursor = crm.changes(None)
        rest, end = crm.changes(cursor)
        assert (len(first), len(rest)) == (CHANGES_PER_PAGE, 3)
        assert [change.task_key for change in [*first, *rest]] == [f"t{number}" for number in range(many)]
        assert crm.changes(end) == ([], end)

    @pytest.mark.parametrize("cursor", ["", "x", "-1", "1.5", "٣", "2026-09-01T00:00:00Z"])
    def test_a_cursor_of_another_crm_is_refused(self, crm: EmbeddedCrm, cursor: str) -> None:
        with pytest.raises(UsageError, match="of another CRM"):
            crm.changes(cursor)

    def test_a_task_twice_in_a_batch_is_made_once(self, crm: EmbeddedCrm, embedded_store: Store) -> None:
        draft = a_draft()
        results = crm.create_tasks([draft, draft])
        assert [result.handed for result in results] == [Handed.DELIVERED, Handed.DELIVERED]
        with embedded_store.read() as connection:
            assert connection.execute(select(func.count()).select_from(embedded_tasks)).scalar() == 1

    def test_the_last_record_of_an_order_in_a_batch_counts(self, crm: EmbeddedCrm) -> None:
        first = a_record(common_name="old.example.com")
        last = a_record(order_key=first.order_key, common_name="new.example.com")
        crm.push_records([first, last])
        assert crm.read([first.order_key]) == {first.order_key: last}

    def test_histories_and_wishes_are_kept(self, crm: EmbeddedCrm, embedded_store: Store) -> None:
        log = MailLog("log:1", "example:1", "c@example.org", "Ends soon", "Renew it.", NOW, ("digicert:1",))
        optout = OptOut("optout:1", "c@example.org", "mail", "service", NOW + timedelta(hours=1))
        crm.log_mail([log, log])
        crm.write_optout([optout])
        with embedded_store.read() as connection:
            logs = connection.execute(select(embedded_mail_log)).mappings().all()
            optouts = connection.execute(select(embedded_optouts)).mappings().all()
        assert [(row["address"], row["sent_at"], row["order_keys"]) for row in logs] == [
            ("c@example.org", NOW, ["digicert:1"])
        ]
        assert [(row["address"], row["nature"], row["since"]) for row in optouts] == [
            ("c@example.org", "service", NOW + timedelta(hours=1))
        ]

    def test_an_unknown_task_is_told_by_its_id(self, crm: EmbeddedCrm) -> None:
        (result,) = crm.raise_tasks([a_raise(a_draft(), "call:account-0:1")])
        assert str(result.error) == "the task call:account-0:1 is not in the embedded CRM"

    def test_two_who_raise_the_same_task_raise_it_once(self, crm: EmbeddedCrm, embedded_store: Store) -> None:
        drafts = [a_draft() for _ in range(20)]
        crm.create_tasks(drafts)
        steps = [a_raise(draft, draft.key) for draft in drafts]
        with ThreadPoolExecutor(2) as engines:
            sent = list(engines.map(crm.raise_tasks, [steps, steps]))
        assert {result.handed for results in sent for result in results} == {Handed.DELIVERED}
        tasks = EmbeddedDesk(embedded_store.engine).list_tasks()
        assert {(task.urgency, task.due_on) for task in tasks} == {(steps[0].urgency, steps[0].due_on)}

    def test_missing_tables_are_a_finding(self, store_url: str) -> None:
        store = open_store(store_url)
        crm = open_crm(EmbeddedSettings(), store.engine)
        for findings in (crm.check(), crm.setup(dry_run=True), crm.setup(dry_run=False)):
            (finding,) = findings
            assert (finding.ok, finding.advice) == (False, "run `nolapse migrate`")
            assert "7 tables are missing" in finding.text
        store.close()

    def test_a_database_that_is_gone_is_a_finding(self, tmp_path: Path) -> None:
        store = open_store(f"sqlite:///{tmp_path / 'nolapse.db'}")
        (tmp_path / "nolapse.db").mkdir()
        (finding,) = open_crm(EmbeddedSettings(), store.engine).check()
        assert not finding.ok
        assert "cannot be opened" in finding.text
        store.close()
