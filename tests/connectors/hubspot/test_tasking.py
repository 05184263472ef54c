"""Call tasks: what they are, and that each is made once, whatever is lost on the way."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from core.ports import Handed, RecordPerson, TaskClose
from core.store import Store
from core.words import TaskKind
from tests.connectors.contract import a_draft, a_record
from tests.connectors.hubspot.accounts import Account, running_account


@pytest.fixture(params=[True, False], ids=["unique keys", "no unique keys"])
def either(ledger: Store, request: pytest.FixtureRequest) -> Iterator[Account]:
    """An account that takes unique keys on tasks, and one that does not."""
    with running_account(ledger, unique=request.param) as account:
        yield account


def with_record(account: Account) -> None:
    person = RecordPerson("customer@example.org")
    record = a_record(order_key="digicert:1", account_key="acme", people=(person,))
    assert [one.handed for one in account.crm().push_records([record])] == [Handed.DELIVERED]


DRAFT = a_draft(key="call:account-1:1", account_key="acme", order_keys=("digicert:1",))


class TestWhatItIs:
    def test_a_call_hangs_on_contact_company_and_record(self, either: Account) -> None:
        with_record(either)
        either.crm().create_tasks([DRAFT])
        task = either.one("tasks")
        assert (task.values["hs_task_type"], task.values["hs_task_status"]) == ("CALL", "NOT_STARTED")
        assert (task.values["hs_task_priority"], task.values["hs_timestamp"]) == ("MEDIUM", "2026-09-01T09:00:00.000Z")
        for to_type in ("contacts", "companies", "tickets"):
            assert either.world.linked("tasks", task.id, to_type) == [either.one(to_type).id]

    def test_it_goes_in_one_call_of_a_hundred(self, either: Account) -> None:
        with_record(either)
        crm = either.crm()
        crm.create_tasks([DRAFT])
        either.server.forget_calls()
        drafts = [replace(DRAFT, key=f"call:account-{number}:1") for number in range(2, 252)]
        assert {one.handed for one in crm.create_tasks(drafts)} == {Handed.DELIVERED}
        assert either.server.counts() == {"objects.batch.create tasks": 3}

    def test_what_is_no_call_is_a_to_do(self, either: Account) -> None:
        either.crm().create_tasks([replace(DRAFT, kind=TaskKind.CONTACT)])
        assert either.one("tasks").values["hs_task_type"] == "TODO"

    def test_a_body_is_text_and_never_markup(self, either: Account) -> None:
        either.crm().create_tasks([replace(DRAFT, body="Say:\n<b>now</b> & here")])
        assert either.one("tasks").values["hs_task_body"] == "Say:<br>&lt;b&gt;now&lt;/b&gt; &amp; here"

    def test_it_is_made_although_its_contact_is_gone(self, either: Account) -> None:
        with_record(either)
        either.world.archive("contacts", either.one("contacts").id)
        (result,) = either.crm().create_tasks([DRAFT])
        assert result.handed is Handed.DELIVERED
        task = either.one("tasks")
        assert either.world.linked("tasks", task.id, "companies") == [either.one("companies").id]
        assert either.world.linked("tasks", task.id, "contacts") == []


class TestOnce:
    @pytest.mark.parametrize("done", [True, False], ids=["it was made", "it was not"])
    @pytest.mark.parametrize("linked", [True, False], ids=["hanging", "loose"])
    def test_a_lost_answer_leaves_one_task(self, either: Account, done: bool, linked: bool) -> None:
        if linked:
            with_record(either)
        either.server.cut("objects.batch.create", object_type="tasks", done=done, times=20)
        (first,) = either.crm().create_tasks([DRAFT])
        either.server.recover()
        found = either.crm().find_tasks([DRAFT.key])
        assert bool(found) is (done or (first.handed is Handed.DELIVERED))
        (second,) = either.crm().create_tasks([DRAFT])
        assert second.handed is Handed.DELIVERED
        assert second.outside_id == either.one("tasks").id
        assert either.crm().find_tasks([DRAFT.key]) == {DRAFT.key: second.outside_id}

    def test_an_unclear_creation_is_uncertain_where_it_may_not_be_repeated(self, plain_account: Account) -> None:
        plain_account.server.fail(504, "objects.batch.create", done=True)
        (result,) = plain_account.crm().create_tasks([DRAFT])
        assert result.handed is Handed.UNCERTAIN
        assert plain_account.crm().find_tasks([DRAFT.key]) == {DRAFT.key: plain_account.one("tasks").id}

    def test_a_key_that_is_there_is_found_without_our_ledger(self, either: Account) -> None:
        id = either.world.add("tasks", nolapse_task_key=DRAFT.key, hs_timestamp="2026-09-01", hs_task_body="the rep's")
        (result,) = either.crm().create_tasks([DRAFT]) if either.world.unique_on_tasks else (None,)
        if result is not None:
            assert (result.handed, result.outside_id) == (Handed.DELIVERED, id)
        assert either.crm().find_tasks([DRAFT.key]) == {DRAFT.key: id}
        assert either.one("tasks").values["hs_task_body"] == "the rep's"

    def test_a_refused_task_is_told_and_may_be_made_later(self, either: Account) -> None:
        either.world.require("tasks", "hs_queue_membership_ids")
        results = either.crm().create_tasks([DRAFT])
        assert [one.handed for one in results] == [Handed.FAILED]
        assert "hs_queue_membership_ids" in str(results[0].error)
        either.world.shelf("tasks").rules.clear()
        assert [one.handed for one in either.crm().create_tasks([DRAFT])] == [Handed.DELIVERED]
        assert len(either.all("tasks")) == 1


def test_closing_keeps_what_the_rep_said_of_it(account: Account) -> None:
    crm = account.crm()
    (made,) = crm.create_tasks([DRAFT])
    said = {"hs_task_status": "COMPLETED", "nolapse_task_outcome": "reached"}
    account.world.edit("tasks", made.outside_id, None, **said)
    account.server.forget_calls()
    crm.close_tasks([TaskClose(DRAFT.key, made.outside_id, "renewed")])
    assert account.server.writes() == []
    assert "nolapse_closed_because" not in account.one("tasks").values


def test_tasks_that_people_made_are_left_alone(account: Account) -> None:
    theirs = account.world.add("tasks", hs_timestamp="2026-09-01", hs_task_subject="Call Acme")
    before = dict(account.world.record("tasks", theirs).values)
    crm = account.crm()
    crm.create_tasks([DRAFT])
    assert crm.changes(None)[0] == []
    account.world.edit("tasks", theirs, None, hs_task_status="COMPLETED")
    assert crm.changes(None)[0] == []
    assert before["hs_task_subject"] == account.world.record("tasks", theirs).values["hs_task_subject"]
