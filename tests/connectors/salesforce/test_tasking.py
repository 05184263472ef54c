"""Call tasks: what they are, and that each is made once and stays its rep's, whatever is lost on the way."""

from dataclasses import replace
from datetime import date

import pytest

from connectors.crm.links import LinkKind
from core.crm_ports import TaskAssign
from core.errors import PostponedError
from core.ports import Handed, RecordPerson, Result, TaskClose
from core.words import TaskKind, Urgency
from tests.connectors.contract import a_draft, a_raise, a_record
from tests.connectors.salesforce.installations import Installation

KEY = "call:account-1:1"
DRAFT = a_draft(key=KEY, account_key="acme", order_keys=("digicert:1",), due_on=date(2026, 9, 1))


def with_records(installation: Installation, *order_keys: str) -> None:
    person = RecordPerson("customer@example.org")
    records = [a_record(order_key=key, account_key="acme", people=(person,)) for key in order_keys]
    assert {one.handed for one in installation.crm().push_records(records)} == {Handed.DELIVERED}


def made(installation: Installation) -> str:
    (result,) = installation.crm().create_tasks([DRAFT])
    assert result.handed is Handed.DELIVERED, result.error
    return result.outside_id


class TestWhatItIs:
    def test_a_call_hangs_on_contact_and_record(self, installation: Installation) -> None:
        with_records(installation, "digicert:1")
        made(installation)
        task = installation.one("Task")
        assert (task["TaskSubtype"], task["Type"], task["Status"], task["Priority"]) == (
            "Call", "Call", "Not Started", "Normal",
        )  # fmt: skip
        assert (task["ActivityDate"], task["ReminderDateTime"][:19]) == ("2026-09-01", "2026-09-01T08:00:00")
        assert task["WhoId"] == installation.one("Contact")["Id"]
        assert task["WhatId"] == installation.one("Certificate_Order__c")["Id"]
        assert task["OwnerId"] == installation.user("rep-1")
        assert task["Description"] == DRAFT.body

    def test_one_about_several_orders_hangs_on_the_account(self, installation: Installation) -> None:
        with_records(installation, "digicert:1", "digicert:2")
        installation.crm().create_tasks([replace(DRAFT, order_keys=("digicert:1", "digicert:2"))])
        assert installation.one("Task")["WhatId"] == installation.one("Account")["Id"]

    def test_one_about_nobody_known_hangs_nowhere(self, installation: Installation) -> None:
        made(installation)
        assert (installation.one("Task")["WhoId"], installation.one("Task")["WhatId"]) == (None, None)

    def test_it_goes_in_calls_of_two_hundred(self, installation: Installation) -> None:
        made(installation)
        installation.server.forget_calls()
        drafts = [replace(DRAFT, key=f"call:account-{number}:1") for number in range(2, 302)]
        assert {one.handed for one in installation.crm().create_tasks(drafts)} == {Handed.DELIVERED}
        assert [one.operation for one in installation.server.writes()] == ["collections.create"] * 2

    def test_many_go_as_one_bulk_job(self, installation: Installation) -> None:
        crm = installation.crm(bulk_from=20)
        drafts = [replace(DRAFT, key=f"call:account-{number}:1") for number in range(20)]
        assert {one.handed for one in crm.create_tasks(drafts)} == {Handed.DELIVERED}
        assert [one.operation for one in installation.server.writes()] == ["bulk.create", "bulk.upload", "bulk.state"]
        assert len(installation.org.rows("Task", Subject=DRAFT.subject, Status="Not Started")) == 20

    def test_what_is_no_call_is_a_plain_task(self, installation: Installation) -> None:
        installation.crm().create_tasks([replace(DRAFT, kind=TaskKind.CONTACT)])
        assert (installation.one("Task")["TaskSubtype"], installation.one("Task")["Type"]) == ("Task", None)

    def test_fields_that_are_hidden_are_done_without(self, installation: Installation) -> None:
        installation.org.hide("Task", "Type", "CallType", "TaskSubtype", "ReminderDateTime", "IsReminderSet")
        made(installation)
        assert installation.one("Task")["Subject"] == DRAFT.subject

    @pytest.mark.parametrize("gone", ["Contact", "Certificate_Order__c"])
    def test_it_is_made_although_what_it_hangs_on_is_gone(self, installation: Installation, gone: str) -> None:
        with_records(installation, "digicert:1")
        installation.org.remove(installation.one(gone)["Id"])
        made(installation)
        task = installation.one("Task")
        assert [bool(task["WhoId"]), bool(task["WhatId"])] == [gone != "Contact", gone == "Contact"]

    def test_its_owner_has_left(self, installation: Installation) -> None:
        crm = installation.crm(fallback_owner="rep-2")
        crm.create_tasks([replace(DRAFT, key="call:account-2:1")])
        installation.org.deactivate(installation.user("rep-1"))
        assert [one.handed for one in crm.create_tasks([DRAFT])] == [Handed.DELIVERED]
        assert installation.one("Task", Nolapse_Task_Key__c=KEY)["OwnerId"] == installation.user("rep-2")


class TestOnce:
    @pytest.mark.parametrize("done", [True, False], ids=["it was made", "it was not"])
    def test_a_lost_answer_leaves_one_task(self, installation: Installation, done: bool) -> None:
        installation.server.cut("collections.create", done=done, times=20)
        (first,) = installation.crm().create_tasks([DRAFT])
        assert first.handed is Handed.UNCERTAIN
        installation.server.recover()
        found = installation.crm().find_tasks([KEY])
        assert bool(found) is done
        assert made(installation) == installation.one("Task")["Id"]

    def test_one_that_was_made_and_deleted_before_we_heard_of_it_stays_deleted(
        self, installation: Installation
    ) -> None:
        installation.server.cut("collections.create", done=True, times=20)
        installation.crm().create_tasks([DRAFT])
        installation.server.recover()
        id = installation.one("Task")["Id"]
        installation.org.remove(id)
        assert made(installation) == id
        assert installation.org.rows("Task") == []

    def test_one_that_its_rep_has_deleted_is_never_made_again(self, installation: Installation) -> None:
        id = made(installation)
        installation.org.remove(id)
        assert made(installation) == id
        assert installation.crm().find_tasks([KEY]) == {KEY: id}
        assert installation.org.rows("Task") == []

    def test_one_that_is_there_stays_as_its_rep_has_made_it(self, installation: Installation) -> None:
        id = made(installation)
        installation.org.edit(
            id, Status="In Progress", Description="called, no answer", OwnerId=installation.user("rep-3")
        )
        installation.links.forget(LinkKind.TASK, [KEY])
        assert made(installation) == id
        task = installation.one("Task")
        assert (task["Status"], task["Description"]) == ("In Progress", "called, no answer")
        assert task["OwnerId"] == installation.user("rep-3")

    def test_one_that_is_refused_stands_alone_and_may_be_tried_again(self, installation: Installation) -> None:
        installation.org.validate("Task", lambda record: record["Priority"] == "Low", "Nothing low")
        low = replace(DRAFT, key="call:account-2:1", urgency=Urgency.NOTICE)
        results = {one.key: one for one in installation.crm().create_tasks([low, DRAFT])}
        assert [results[low.key].handed, results[KEY].handed] == [Handed.FAILED, Handed.DELIVERED]
        assert "Nothing low" in str(results[low.key].error)
        installation.org.validations.clear()
        assert [one.handed for one in installation.crm().create_tasks([low])] == [Handed.DELIVERED]

    def test_a_row_that_stays_locked_is_put_off(self, installation: Installation) -> None:
        installation.org.lock_rows(lambda record: record.get("Subject") == "Locked", times=99)
        locked = replace(DRAFT, key="call:account-2:1", subject="Locked")
        results = {one.key: one for one in installation.crm().create_tasks([locked, DRAFT])}
        assert results[KEY].handed is Handed.DELIVERED
        assert isinstance(results[locked.key].error, PostponedError)


class TestRaising:
    def test_the_reminder_moves_with_the_day_unless_the_rep_has_moved_it(self, installation: Installation) -> None:
        id = made(installation)
        installation.crm().raise_tasks([a_raise(DRAFT, id)])
        assert installation.one("Task")["ReminderDateTime"][:10] == "2026-08-29"
        other = replace(DRAFT, key="call:account-2:1")
        (result,) = installation.crm().create_tasks([other])
        installation.org.edit(result.outside_id, ReminderDateTime="2026-08-31T06:00:00Z")
        installation.crm().raise_tasks([a_raise(other, result.outside_id)])
        assert installation.org.row(result.outside_id)["ReminderDateTime"][:10] == "2026-08-31"

    def test_one_that_is_done_is_left_alone_and_one_that_is_deleted_told(self, installation: Installation) -> None:
        id = made(installation)
        installation.org.edit(id, Status="Completed")
        before = installation.one("Task")
        assert [one.handed for one in installation.crm().raise_tasks([a_raise(DRAFT, id)])] == [Handed.DELIVERED]
        assert installation.one("Task") == before
        installation.org.remove(id)
        (result,) = installation.crm().raise_tasks([a_raise(DRAFT, id)])
        assert "somebody may have deleted it" in str(result.error)


class TestClosing:
    def test_it_says_why(self, installation: Installation) -> None:
        installation.crm().close_tasks([TaskClose(KEY, made(installation), "renewed")])
        task = installation.one("Task")
        assert (task["Status"], task["Nolapse_Closed_Because__c"]) == ("Completed", "renewed")

    def test_one_that_is_deleted_needs_no_closing(self, installation: Installation) -> None:
        id = made(installation)
        installation.org.remove(id)
        assert installation.crm().close_tasks([TaskClose(KEY, id, "renewed")]) == [Result(KEY, Handed.DELIVERED, id)]

    def test_an_org_has_words_of_its_own_for_done(self, installation: Installation) -> None:
        id = made(installation)
        installation.org.objects["Task"].fields["Status"].values = ("Not Started", "Erledigt")
        installation.org.shelves["TaskStatus"].clear()
        for label, closed in (("Not Started", False), ("Erledigt", True)):
            installation.org._fill("TaskStatus", MasterLabel=label, ApiName=label, IsClosed=closed, SortOrder=1)
        installation.crm().close_tasks([TaskClose(KEY, id, "renewed")])
        assert installation.one("Task")["Status"] == "Erledigt"


class TestOwners:
    def test_a_task_goes_to_the_accounts_new_owner(self, installation: Installation) -> None:
        id = made(installation)
        results = installation.crm().assign_tasks([TaskAssign(KEY, id, "rep-2", "rep-1")])
        assert [one.handed for one in results] == [Handed.DELIVERED]
        assert installation.one("Task")["OwnerId"] == installation.user("rep-2")
        installation.crm().assign_tasks([TaskAssign(KEY, id, "rep-3", "rep-2")])
        assert installation.one("Task")["OwnerId"] == installation.user("rep-3")

    def test_unless_somebody_has_given_it_to_somebody_else(self, installation: Installation) -> None:
        id = made(installation)
        installation.org.edit(id, OwnerId=installation.user("rep-3"))
        installation.crm().assign_tasks([TaskAssign(KEY, id, "rep-2", "rep-1")])
        assert installation.one("Task")["OwnerId"] == installation.user("rep-3")
