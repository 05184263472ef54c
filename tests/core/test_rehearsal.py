from datetime import UTC, date, datetime
from typing import Any

import pytest

from core.ports import Handed, Mail, MailLog, OptOut, Record, TaskClose, TaskDraft, TaskRaise
from core.rehearsal import RehearsedCrm, RehearsedMailer
from core.words import Stage, TaskKind, Urgency

DAY = date(2026, 6, 10)
NOW = datetime(2026, 6, 10, tzinfo=UTC)
RECORD = Record(
    "r:1",
    "digicert:1",
    "acme",
    "Acme",
    "",
    "www",
    "SSL",
    "issued",
    Stage.UPCOMING,
    DAY,
    DAY,
    False,
    DAY,
    False,
    None,
    "",
)
ITEMS: list[tuple[str, Any]] = [
    ("push_records", RECORD),
    ("create_tasks", TaskDraft("t:1", TaskKind.CALL, "acme", "Acme", "", "s", "b", DAY, Urgency.NOTICE, ())),
    ("raise_tasks", TaskRaise("t:1", "#1", Urgency.NOTICE, DAY, Urgency.NOTICE, DAY, ())),
    ("close_tasks", TaskClose("t:1", "#1", "renewed")),
    ("log_mail", MailLog("l:1", "acme", "ann@acme.example", "s", "t", NOW, ())),
    ("write_optout", OptOut("o:1", "ann@acme.example", "mail", "service", NOW)),
]


@pytest.mark.parametrize(("method", "item"), ITEMS, ids=[method for method, _ in ITEMS])
def test_the_rehearsed_crm_takes_everything(method: str, item: Any) -> None:
    (result,) = getattr(RehearsedCrm(), method)([item])
    assert (result.key, result.handed) == (item.key, Handed.DELIVERED)


def test_a_rehearsed_task_has_an_id_so_that_it_can_be_raised_and_closed() -> None:
    (result,) = RehearsedCrm().create_tasks([ITEMS[1][1]])
    assert result.outside_id


def test_it_knows_nothing_of_its_own() -> None:
    crm = RehearsedCrm()
    assert crm.changes("7") == ([], "7")
    assert (crm.find_tasks(["t:1"]), crm.read(["digicert:1"]), crm.check(), crm.setup(True)) == ({}, {}, [], [])


def test_the_rehearsed_mailer_takes_everything_and_can_tell_nothing() -> None:
    mailer = RehearsedMailer()
    mail = Mail("m:1", "<1@x>", "a@x.example", "A", "b@x.example", "B", "s", "t", "h", NOW)
    assert [(one.key, one.handed) for one in mailer.send([mail])] == [("m:1", Handed.DELIVERED)]
    assert (mailer.can_find, mailer.find(["m:1"]), mailer.check()) == (False, {}, [])
    mailer.close()
