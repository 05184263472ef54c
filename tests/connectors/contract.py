"""What every connector promises, whichever system is behind it.

A connector's tests subclass `MailerContract`, `CrmContract` or `OrderSourceContract` and give the fixture that opens it,
together with the means to see, and do, what only a person in front of that system could.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from itertools import count
from typing import Any, Protocol

import pytest

from core.crm_ports import AssigningCrm, Note, NotingCrm, TaskAssign
from core.model import SourceRow
from core.ports import (
    Crm,
    CrmChange,
    Finding,
    Handed,
    Mail,
    Mailer,
    MailLog,
    OptOut,
    OrderSource,
    Record,
    Result,
    TaskClose,
    TaskDraft,
    TaskRaise,
)
from core.words import Stage, TaskKind, Urgency

HOSTILE = (
    "갱신 안내 – 证书即将到期 – Größe",
    "'; DROP TABLE embedded_tasks; --",
    "<script>alert(1)</script>\r\nBcc: someone@example.com",
    "{{ 7 * 7 }} %s %(x)s {0} $HOME `id`",
    "nul \0 and \x1b[31m and \u202e and \U0001f512",
    "a lone \ud800 surrogate",
    "x" * 20_000,
)

_numbers = count(1)


def a_mail(**changes: Any) -> Mail:
    """A mail with a key of its own."""
    number = next(_numbers)
    mail = Mail(
        key=f"mail:contact-{number}:renewal:2026-09-01:1",
        message_id=f"<{number}.renewal@example.com>",
        sender="renewals@example.com",
        sender_name="Example Trust",
        to=f"customer{number}@example.org",
        to_name="A Customer",
        subject=f"Your certificate ends in {number} days",
        text="Renew it.\n",
        html="<p>Renew it.</p>\n",
        date=datetime(2026, 9, 1, 8, tzinfo=UTC),
        headers={"List-Unsubscribe": "<mailto:renewals@example.com?subject=unsubscribe>"},
    )
    return replace(mail, **changes)


def a_draft(**changes: Any) -> TaskDraft:
    """A task with a key of its own."""
    number = next(_numbers)
    draft = TaskDraft(
        key=f"call:account-{number}:1",
        kind=TaskKind.CALL,
        account_key=f"example:{number}",
        account_name="A Customer Ltd",
        owner_key="rep-1",
        subject="Call about a renewal",
        body="Say what ends, and when.",
        due_on=date(2026, 9, 1),
        urgency=Urgency.REMINDER,
        order_keys=("digicert:1", "digicert:2"),
        contact_name="A Customer",
        contact_phone="+1 555 0100",
        contact_email="customer@example.org",
    )
    return replace(draft, **changes)


def a_record(**changes: Any) -> Record:
    """An order's record with keys of its own."""
    number = next(_numbers)
    record = Record(
        key=f"record:order-{number}:renewal:2026-09-01:1",
        order_key=f"digicert:{number}",
        account_key="example:1",
        account_name="A Customer Ltd",
        owner_key="rep-1",
        common_name="www.example.com",
        product_name="Secure Site OV",
        status="issued",
        stage=Stage.UPCOMING,
        starts_on=date(2025, 9, 30),
        order_expires_on=date(2026, 9, 30),
        order_expires_inferred=True,
        certificate_expires_on=None,
        auto_renew=False,
        value_minor=39_900,
        currency="EUR",
    )
    return replace(record, **changes)


def a_note(**changes: Any) -> Note:
    """A note with a key of its own."""
    note = Note(
        key=f"call:account-{next(_numbers)}:1",
        account_key="example:1",
        account_name="A Customer Ltd",
        owner_key="rep-1",
        subject="Renewal of www.example.com",
        body="Say what ends, and when.",
        order_keys=("digicert:1",),
        at=datetime(2026, 9, 1, 8, tzinfo=UTC),
    )
    return replace(note, **changes)


def a_raise(draft: TaskDraft, outside_id: str, **changes: Any) -> TaskRaise:
    """A step from what the draft said to something more urgent."""
    step = TaskRaise(
        key=draft.key,
        outside_id=outside_id,
        urgency=Urgency.CRITICAL,
        due_on=draft.due_on - timedelta(days=3),
        was_urgency=draft.urgency,
        was_due_on=draft.due_on,
        order_keys=(*draft.order_keys, "digicert:3"),
    )
    return replace(step, **changes)


def assert_complete(results: Sequence[Result], keys: Sequence[str]) -> None:
    """Each item has one result, under its own key, and a failure says why."""
    assert sorted(result.key for result in results) == sorted(keys)
    for result in results:
        if result.handed is Handed.DELIVERED:
            assert result.error is None
            assert result.outside_id
        else:
            assert result.error is not None


def assert_delivered(results: Sequence[Result], keys: Sequence[str]) -> None:
    """All of them arrived."""
    assert_complete(results, keys)
    assert [str(result.error) for result in results if result.handed is not Handed.DELIVERED] == []


def assert_plain(findings: Sequence[Finding], *, ok: bool) -> None:
    """The findings are there, in one line each, and tell a failure where there is one."""
    assert findings
    assert all(finding.ok for finding in findings) is ok
    for finding in findings:
        assert finding.text
        assert "\n" not in finding.text + finding.advice


@dataclass(frozen=True)
class OpenedMailer:
    """A mailer, and what has arrived through it: the messages as they came."""

    mailer: Mailer
    arrived: Callable[[], list[bytes]]

    def message_ids(self) -> list[str]:
        """The Message-IDs of what has arrived."""
        parsed = [message_from_bytes(octets, policy=policy.default) for octets in self.arrived()]
        return sorted(str(message["Message-ID"]) for message in parsed)


class MailerContract:
    """What every `Mailer` does. Subclasses give the fixture `opened`."""

    def test_each_mail_arrives_once(self, opened: OpenedMailer) -> None:
        mails = [a_mail() for _ in range(3)]
        assert_delivered(opened.mailer.send(mails), [mail.key for mail in mails])
        assert opened.message_ids() == sorted(mail.message_id for mail in mails)

    def test_nothing_is_no_mail(self, opened: OpenedMailer) -> None:
        assert opened.mailer.send([]) == []
        assert opened.mailer.find([]) == {}
        assert opened.arrived() == []

    def test_a_batch_may_be_larger_than_its_size(self, opened: OpenedMailer) -> None:
        mails = [a_mail() for _ in range(opened.mailer.batch_size * 2 + 1)]
        assert_delivered(opened.mailer.send(mails), [mail.key for mail in mails])
        assert len(opened.arrived()) == len(mails)

    def test_a_bad_mail_stops_no_other(self, opened: OpenedMailer) -> None:
        good, bad = [a_mail(), a_mail()], a_mail(to="nobody at all")
        results = opened.mailer.send([good[0], bad, good[1]])
        assert_complete(results, [good[0].key, bad.key, good[1].key])
        assert {result.key for result in results if result.handed is Handed.FAILED} == {bad.key}
        assert opened.message_ids() == sorted(mail.message_id for mail in good)

    def test_an_error_tells_no_address_and_no_name(self, opened: OpenedMailer) -> None:
        bad = a_mail(to="Secret Person@private.example", to_name="Secret Person")
        (result,) = opened.mailer.send([bad])
        assert result.handed is Handed.FAILED
        assert result.error is not None
        assert result.error.permanent
        assert not {"secret", "person", "private"} & set(str(result.error).lower().replace("@", " ").split())

    def test_what_was_sent_is_found(self, opened: OpenedMailer) -> None:
        mails = [a_mail(), a_mail()]
        results = opened.mailer.send(mails)
        found = opened.mailer.find([mail.key for mail in [*mails, a_mail()]])
        if opened.mailer.can_find:
            assert found == {result.key: result.outside_id for result in results}
        else:
            assert found == {}

    def test_a_mail_sent_again_is_there_once_where_it_can_be_found(self, opened: OpenedMailer) -> None:
        if not opened.mailer.can_find:
            assert opened.mailer.find([a_mail().key]) == {}
            return
        mail, other = a_mail(), a_mail()
        first = opened.mailer.send([mail])
        again = opened.mailer.send([mail, other])
        assert_delivered(again, [mail.key, other.key])
        assert [result.outside_id for result in again if result.key == mail.key] == [first[0].outside_id]
        assert opened.message_ids() == sorted([mail.message_id, other.message_id])

    @pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
    def test_any_text_goes(self, opened: OpenedMailer, text: str) -> None:
        mail = a_mail(subject=text, to_name=text, sender_name=text, text=text, html=f"<pre>{text}</pre>")
        assert_delivered(opened.mailer.send([mail]), [mail.key])
        (octets,) = opened.arrived()
        message = message_from_bytes(octets, policy=policy.default)
        assert message["Bcc"] is None
        assert str(message["To"].addresses[0].addr_spec) == mail.to
        assert message["Message-ID"] == mail.message_id

    def test_the_check_is_in_plain_words(self, opened: OpenedMailer) -> None:
        assert_plain(opened.mailer.check(), ok=True)
        assert opened.arrived() == []

    def test_it_may_be_closed_twice(self, opened: OpenedMailer) -> None:
        mail = a_mail()
        assert_delivered(opened.mailer.send([mail]), [mail.key])
        opened.mailer.close()
        opened.mailer.close()
        assert len(opened.arrived()) == 1


@dataclass(frozen=True)
class OpenedSource:
    """An order source that knows at least two orders, and the key of one of them."""

    source: OrderSource
    key: str


class OrderSourceContract:
    """What every `OrderSource` does. Subclasses give the fixture `opened_source`."""

    def test_a_full_pass_names_each_order_once(self, opened_source: OpenedSource) -> None:
        stream = opened_source.source.orders(None)
        rows = [row for row in stream if isinstance(row, SourceRow)]
        keys = [row.key for row in rows]
        assert stream.complete
        assert opened_source.key in keys
        assert len(set(keys)) == len(keys) > 1
        assert stream.size in (None, len(keys))
        assert all(len(row.digest) == 8 and row.where for row in rows)

    def test_a_row_tells_its_order_as_often_as_it_is_asked(self, opened_source: OpenedSource) -> None:
        (row,) = [
            one
            for one in opened_source.source.orders(None)
            if isinstance(one, SourceRow) and one.key == opened_source.key
        ]
        assert row.read() == row.read()
        assert row.read().key == row.key

    def test_digests_are_the_same_while_nothing_changes(self, opened_source: OpenedSource) -> None:
        passes = [
            {row.key: row.digest for row in opened_source.source.orders(None) if isinstance(row, SourceRow)}
            for _ in range(2)
        ]
        assert passes[0] == passes[1]

    def test_the_cursor_of_a_pass_begins_the_next(self, opened_source: OpenedSource) -> None:
        stream = opened_source.source.orders(None)
        assert list(stream)
        following = opened_source.source.orders(stream.cursor)
        known = {row.key for row in stream}
        assert {row.key for row in following} <= known

    def test_one_order_is_found_by_its_key(self, opened_source: OpenedSource) -> None:
        facts = opened_source.source.order(opened_source.key)
        assert facts is not None
        assert facts.key == opened_source.key
        assert opened_source.source.order("nobody:1") is None

    def test_the_check_is_in_plain_words(self, opened_source: OpenedSource) -> None:
        assert_plain(opened_source.source.check(), ok=True)


@dataclass(frozen=True)
class SeenTask:
    """A task as a person sees it in the CRM."""

    urgency: Urgency
    due_on: date
    owner_key: str
    body: str
    is_open: bool
    order_keys: tuple[str, ...]


class Hands(Protocol):
    """What a person does in the CRM."""

    def look(self, task_key: str) -> SeenTask: ...

    def edit(self, task_key: str, **changes: Any) -> None:
        """Changes `urgency`, `due_on`, `owner_key` or `body` of a task."""
        ...

    def finish(self, task_key: str, outcome: str) -> None: ...


@dataclass(frozen=True)
class OpenedCrm:
    """A CRM, and a person's hands in it. `longest_name`: how much of a name it keeps."""

    crm: Crm
    hands: Hands
    longest_name: int = 65_000

    def create(self, *drafts: TaskDraft) -> dict[str, str]:
        """The outside ids of tasks made now."""
        results = self.crm.create_tasks(drafts)
        assert_delivered(results, [draft.key for draft in drafts])
        return {result.key: result.outside_id for result in results}


class CrmContract:
    """What every `Crm` does. Subclasses give the fixture `opened`."""

    def test_a_task_is_as_it_was_drafted(self, opened: OpenedCrm) -> None:
        draft = a_draft()
        opened.create(draft)
        assert opened.hands.look(draft.key) == SeenTask(
            draft.urgency, draft.due_on, draft.owner_key, draft.body, True, draft.order_keys
        )

    def test_a_task_is_made_once(self, opened: OpenedCrm) -> None:
        draft = a_draft()
        first = opened.create(draft)
        opened.hands.edit(draft.key, body="what the rep wrote")
        assert opened.create(draft) == first
        assert opened.create(draft, a_draft())[draft.key] == first[draft.key]
        assert opened.hands.look(draft.key).body == "what the rep wrote"

    def test_only_tasks_that_exist_are_found(self, opened: OpenedCrm) -> None:
        drafts = [a_draft(), a_draft()]
        ids = opened.create(*drafts)
        assert opened.crm.find_tasks([*ids, "call:account-0:1"]) == ids
        assert opened.crm.find_tasks(["call:account-0:1"]) == {}
        assert opened.crm.find_tasks([]) == {}

    def test_raising_writes_priority_date_and_orders_only(self, opened: OpenedCrm) -> None:
        draft = a_draft()
        step = a_raise(draft, opened.create(draft)[draft.key])
        assert_delivered(opened.crm.raise_tasks([step]), [draft.key])
        assert opened.hands.look(draft.key) == SeenTask(
            step.urgency, step.due_on, draft.owner_key, draft.body, True, step.order_keys
        )

    def test_raising_twice_is_harmless(self, opened: OpenedCrm) -> None:
        draft = a_draft()
        step = a_raise(draft, opened.create(draft)[draft.key])
        opened.crm.raise_tasks([step])
        once = opened.hands.look(draft.key)
        assert_delivered(opened.crm.raise_tasks([step]), [draft.key])
        assert opened.hands.look(draft.key) == once

    @pytest.mark.parametrize(
        "edit",
        [
            {"urgency": Urgency.NOTICE},
            {"due_on": date(2026, 12, 24)},
            {"urgency": Urgency.EXPIRED, "due_on": date(2026, 8, 1)},
            {"owner_key": "rep-2", "body": "what the rep wrote"},
        ],
        ids=lambda edit: "+".join(edit),
    )
    def test_raising_leaves_what_the_rep_has_changed(self, opened: OpenedCrm, edit: dict[str, Any]) -> None:
        draft = a_draft()
        step = a_raise(draft, opened.create(draft)[draft.key])
        opened.hands.edit(draft.key, **edit)
        assert_delivered(opened.crm.raise_tasks([step]), [draft.key])
        raised = SeenTask(step.urgency, step.due_on, draft.owner_key, draft.body, True, step.order_keys)
        assert opened.hands.look(draft.key) == replace(raised, **edit)

    def test_raising_does_not_open_what_is_done(self, opened: OpenedCrm) -> None:
        draft = a_draft()
        outside_id = opened.create(draft)[draft.key]
        opened.hands.finish(draft.key, "reached")
        assert_complete(opened.crm.raise_tasks([a_raise(draft, outside_id)]), [draft.key])
        assert not opened.hands.look(draft.key).is_open

    def test_closing_twice_is_harmless(self, opened: OpenedCrm) -> None:
        draft, other = a_draft(), a_draft()
        ids = opened.create(draft, other)
        close = TaskClose(draft.key, ids[draft.key], "renewed")
        assert_delivered(opened.crm.close_tasks([close]), [draft.key])
        closed = opened.hands.look(draft.key)
        assert not closed.is_open
        assert_delivered(opened.crm.close_tasks([close]), [draft.key])
        assert opened.hands.look(draft.key) == closed
        assert opened.hands.look(other.key).is_open

    @pytest.mark.parametrize("edit", [{}, {"owner_key": "rep-3"}], ids=["as it was", "given away"])
    def test_a_task_goes_to_its_new_owner_unless_a_rep_gave_it_away(
        self, opened: OpenedCrm, edit: dict[str, Any]
    ) -> None:
        assert isinstance(opened.crm, AssigningCrm)
        draft, done = a_draft(), a_draft()
        ids = opened.create(draft, done)
        opened.hands.finish(done.key, "reached")
        if edit:
            opened.hands.edit(draft.key, **edit)
        assigns = [TaskAssign(one.key, ids[one.key], "rep-2", one.owner_key) for one in (draft, done)]
        for _ in range(2):
            assert_delivered(opened.crm.assign_tasks(assigns), [draft.key, done.key])
        assert opened.hands.look(draft.key).owner_key == edit.get("owner_key", "rep-2")
        assert opened.hands.look(draft.key).is_open
        (gone,) = opened.crm.assign_tasks([TaskAssign("gone", "no-such-id", "rep-2", "rep-1")])
        assert gone.handed is Handed.FAILED

    def test_a_note_is_added_once(self, opened: OpenedCrm) -> None:
        assert isinstance(opened.crm, NotingCrm)
        notes = [a_note() for _ in range(opened.crm.batch_size + 1)]
        keys = [note.key for note in notes]
        first = opened.crm.add_notes(notes)
        assert_delivered(first, keys)
        assert len({result.outside_id for result in first}) == len(notes)
        again = opened.crm.add_notes(list(reversed(notes)))
        assert {one.key: one.outside_id for one in again} == {one.key: one.outside_id for one in first}
        assert opened.crm.add_notes([]) == []
        assert opened.crm.find_tasks(keys) == {}
        assert list(opened.crm.changes(None)[0]) == []

    def test_what_the_engine_does_is_no_change_of_a_person(self, opened: OpenedCrm) -> None:
        draft = a_draft()
        outside_id = opened.create(draft)[draft.key]
        opened.crm.raise_tasks([a_raise(draft, outside_id)])
        opened.crm.close_tasks([TaskClose(draft.key, outside_id, "renewed")])
        assert list(opened.crm.changes(None)[0]) == []

    def test_an_unknown_task_is_an_error_of_its_own(self, opened: OpenedCrm) -> None:
        draft = a_draft()
        outside_id = opened.create(draft)[draft.key]
        raised = opened.crm.raise_tasks([a_raise(a_draft(key="gone"), "no-such-id"), a_raise(draft, outside_id)])
        closed = opened.crm.close_tasks(
            [TaskClose("gone", "no-such-id", "renewed"), TaskClose(draft.key, outside_id, "renewed")]
        )
        for results in (raised, closed):
            assert_complete(results, ["gone", draft.key])
            assert {result.key for result in results if result.handed is Handed.FAILED} == {"gone"}
            assert all(result.error.permanent for result in results if result.error is not None)
        assert not opened.hands.look(draft.key).is_open

    def test_records_are_read_as_they_were_pushed(self, opened: OpenedCrm) -> None:
        full = a_record(certificate_expires_on=date(2026, 3, 1), auto_renew=True, order_expires_inferred=False)
        bare = a_record(starts_on=None, order_expires_on=None, value_minor=None, currency="", common_name="")
        assert_delivered(opened.crm.push_records([full, bare]), [full.key, bare.key])
        found = opened.crm.read([full.order_key, bare.order_key, "digicert:0"])
        assert found == {full.order_key: full, bare.order_key: bare}
        assert opened.crm.read([]) == {}

    def test_a_record_pushed_again_is_overwritten(self, opened: OpenedCrm) -> None:
        first = a_record()
        later = replace(first, key="record:later", stage=Stage.RENEWED, order_expires_on=None, value_minor=0)
        opened.crm.push_records([first])
        assert_delivered(opened.crm.push_records([later]), [later.key])
        assert opened.crm.read([first.order_key]) == {first.order_key: later}

    @pytest.mark.parametrize("write", ["tasks", "records", "mails", "optouts"])
    def test_nothing_is_written_of_nothing(self, opened: OpenedCrm, write: str) -> None:
        crm = opened.crm
        calls: dict[str, list[Callable[[], list[Result]]]] = {
            "tasks": [lambda: crm.create_tasks([]), lambda: crm.raise_tasks([]), lambda: crm.close_tasks([])],
            "records": [lambda: crm.push_records([])],
            "mails": [lambda: crm.log_mail([])],
            "optouts": [lambda: crm.write_optout([])],
        }
        assert [call() for call in calls[write]] == [[] for _ in calls[write]]

    def test_a_batch_may_be_larger_than_its_size(self, opened: OpenedCrm) -> None:
        many = opened.crm.batch_size * 2 + 1
        drafts = [a_draft() for _ in range(many)]
        ids = opened.create(*drafts)
        assert len(ids) == many
        assert opened.crm.find_tasks(list(ids)) == ids
        raised = opened.crm.raise_tasks([a_raise(draft, ids[draft.key]) for draft in drafts])
        assert_delivered(raised, list(ids))
        closed = opened.crm.close_tasks([TaskClose(key, outside_id, "renewed") for key, outside_id in ids.items()])
        assert_delivered(closed, list(ids))
        records = [a_record() for _ in range(many)]
        assert_delivered(opened.crm.push_records(records), [record.key for record in records])
        assert opened.crm.read([record.order_key for record in records]) == {one.order_key: one for one in records}

    @pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
    def test_any_text_is_taken(self, opened: OpenedCrm, text: str) -> None:
        draft = a_draft(subject=text, body=text, account_name=text, contact_name=text)
        plain = a_draft()
        opened.create(draft, plain)
        record = a_record(common_name=text, account_name=text)
        assert_delivered(opened.crm.push_records([record]), [record.key])
        log = MailLog(f"log:{draft.key}", "example:1", "c@example.org", text, text, _moment(1), ("digicert:1",))
        assert_delivered(opened.crm.log_mail([log]), [log.key])
        assert isinstance(opened.crm, NotingCrm)
        note = a_note(subject=text, body=text, account_name=text)
        assert_delivered(opened.crm.add_notes([note]), [note.key])
        seen, found = opened.hands.look(draft.key), opened.crm.read([record.order_key])[record.order_key]
        if text.isprintable():
            assert (seen.body, found.common_name) == (text, text[: opened.longest_name])
        assert opened.hands.look(plain.key).is_open

    def test_histories_and_wishes_are_written_once(self, opened: OpenedCrm) -> None:
        log = MailLog("log:1", "example:1", "c@example.org", "Ends soon", "Renew it.", _moment(1), ("digicert:1",))
        optout = OptOut("optout:1", "c@example.org", "mail", "service", _moment(2))
        for _ in range(2):
            assert_delivered(opened.crm.log_mail([log]), [log.key])
            assert_delivered(opened.crm.write_optout([optout]), [optout.key])

    def test_changes_are_read_once_each_and_in_order(self, opened: OpenedCrm) -> None:
        assert opened.crm.changes(None) == ([], None)
        drafts = [a_draft() for _ in range(8)]
        opened.create(*drafts)
        outcomes = [
            "reached",
            "no_answer",
            "renewed",
            "done",
            "lost",
            "do_not_call",
            "will_renew",
            "wrong_person",
        ]
        cursor: str | None = None
        read: list[CrmChange] = []
        for draft, outcome in zip(drafts, outcomes, strict=True):
            opened.hands.finish(draft.key, outcome)
            if outcome in ("renewed", "do_not_call"):
                changes, cursor = _all_changes(opened.crm, cursor)
                read += changes
        changes, cursor = _all_changes(opened.crm, cursor)
        read += changes
        assert [(change.task_key, change.value) for change in read] == [
            (draft.key, outcome) for draft, outcome in zip(drafts, outcomes, strict=True)
        ]
        assert {change.what for change in read} == {"task_outcome"}
        assert len({change.key for change in read}) == len(read)
        assert opened.crm.changes(cursor) == ([], cursor)
        assert [change.key for change in _all_changes(opened.crm, None)[0]] == [change.key for change in read]

    def test_check_and_setup_are_in_plain_words(self, opened: OpenedCrm) -> None:
        assert_plain(opened.crm.check(), ok=True)
        for dry_run in (True, False):
            assert_plain(opened.crm.setup(dry_run), ok=True)


def _all_changes(crm: Crm, cursor: str | None) -> tuple[list[CrmChange], str | None]:
    found: list[CrmChange] = []
    while True:
        changes, following = crm.changes(cursor)
        found += changes
        if not changes:
            return found, following
        assert following != cursor
        cursor = following


def _moment(hour: int) -> datetime:
    return datetime(2026, 9, 1, hour, tzinfo=UTC)
