from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

from connectors.embedded.client import Client
from connectors.embedded.connector import EmbeddedCrm
from connectors.embedded.desk import EmbeddedDesk
from core.errors import UsageError
from core.ports import TaskClose, TaskDraft
from core.store import Store
from core.words import TaskKind, TaskOutcome, Urgency
from tests.connectors.contract import a_draft

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)


class Clock:
    """Time that goes on by an hour each time it is read."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(hours=1)
        return self.now


@pytest.fixture
def crm(embedded_store: Store) -> EmbeddedCrm:
    return EmbeddedCrm(Client(embedded_store.engine), lambda: NOW)


@pytest.fixture
def desk(embedded_store: Store) -> EmbeddedDesk:
    return EmbeddedDesk(embedded_store.engine, Clock())


@pytest.fixture
def task(crm: EmbeddedCrm) -> TaskDraft:
    draft = a_draft()
    crm.create_tasks([draft])
    return draft


def values(crm: EmbeddedCrm) -> list[str]:
    return [change.value for change in crm.changes(None)[0]]


class TestList:
    def test_the_most_urgent_comes_first_then_the_earliest(self, crm: EmbeddedCrm, desk: EmbeddedDesk) -> None:
        drafts = [
            a_draft(key="a", urgency=Urgency.NOTICE, due_on=date(2026, 1, 1)),
            a_draft(key="b", urgency=Urgency.EXPIRED, due_on=date(2026, 3, 1)),
            a_draft(key="c", urgency=Urgency.CRITICAL, due_on=date(2026, 2, 1)),
            a_draft(key="d", urgency=Urgency.CRITICAL, due_on=date(2026, 1, 1)),
        ]
        crm.create_tasks(drafts)
        assert [task.task_key for task in desk.list_tasks()] == ["b", "d", "c", "a"]

    def test_it_can_be_narrowed(self, crm: EmbeddedCrm, desk: EmbeddedDesk) -> None:
        crm.create_tasks(
            [
                a_draft(key="a", owner_key="ann", account_key="example:1", account_name="Größe 100% AG"),
                a_draft(key="b", owner_key="bob", account_key="example:10", account_name="Other Ltd"),
                a_draft(key="c", owner_key="bob", account_name="Größe 1000 AG", kind=TaskKind.SUPPORT),
            ]
        )
        desk.done("b")
        assert [task.task_key for task in desk.list_tasks()] == ["a", "c"]
        assert [task.task_key for task in desk.list_tasks(status="done")] == ["b"]
        assert {task.task_key for task in desk.list_tasks(status="all")} == {"a", "b", "c"}
        assert [task.task_key for task in desk.list_tasks(owner="bob")] == ["c"]
        assert [task.task_key for task in desk.list_tasks(owner="")] == []
        assert [task.task_key for task in desk.list_tasks(kind="support")] == ["c"]
        assert [task.task_key for task in desk.list_tasks(account="example:1")] == ["a"]
        assert [task.task_key for task in desk.list_tasks(account="ag")] == ["a", "c"]
        assert [task.task_key for task in desk.list_tasks(account="100%")] == ["a"]
        assert [task.task_key for task in desk.list_tasks(owner="bob", status="all", account="other")] == ["b"]

    @pytest.mark.parametrize("narrow", [{"status": "shut"}, {"kind": "fax"}])
    def test_what_does_not_exist_is_told_with_the_choices(self, desk: EmbeddedDesk, narrow: dict[str, str]) -> None:
        with pytest.raises(UsageError, match="choose one of: ") as caught:
            desk.list_tasks(**narrow)
        assert "\n" not in str(caught.value)

    def test_a_task_is_shown_with_all_of_it(self, desk: EmbeddedDesk, task: TaskDraft) -> None:
        shown = desk.show(task.key)
        assert [shown] == desk.list_tasks()
        assert (shown.kind, shown.urgency, shown.due_on) == (task.kind, task.urgency, task.due_on)
        assert (shown.subject, shown.body, shown.order_keys) == (task.subject, task.body, task.order_keys)
        assert (shown.contact_name, shown.contact_phone) == (task.contact_name, task.contact_phone)
        assert (shown.status, shown.outcome, shown.note, shown.reason) == ("open", "", "", "")
        assert (shown.created_at, shown.done_at) == (NOW, None)


class TestOutcome:
    @pytest.mark.parametrize("outcome", TaskOutcome)
    def test_each_outcome_completes_the_task_and_is_passed_on(
        self, crm: EmbeddedCrm, desk: EmbeddedDesk, task: TaskDraft, outcome: TaskOutcome
    ) -> None:
        answer = desk.outcome(task.key, outcome, " rang twice ")
        assert answer.changed
        assert (answer.task.status, answer.task.outcome, answer.task.note) == ("done", outcome, "rang twice")
        assert answer.task.done_at == NOW + timedelta(hours=1)
        assert answer.task == desk.show(task.key)
        (change,) = crm.changes(None)[0]
        assert (change.what, change.task_key, change.value) == ("task_outcome", task.key, outcome)
        assert (change.account_key, change.at) == (task.account_key, NOW + timedelta(hours=1))

    def test_done_is_an_outcome(self, crm: EmbeddedCrm, desk: EmbeddedDesk, task: TaskDraft) -> None:
        assert desk.done(task.key, "all said").task.note == "all said"
        assert values(crm) == ["done"]

    def test_saying_it_twice_is_told_and_changes_nothing(
        self, crm: EmbeddedCrm, desk: EmbeddedDesk, task: TaskDraft
    ) -> None:
        first = desk.outcome(task.key, "reached", "rang")
        again = desk.outcome(task.key, "reached", "rang")
        without_note = desk.outcome(task.key, "reached")
        assert (again.changed, without_note.changed) == (False, False)
        assert again.task == without_note.task == first.task
        assert values(crm) == ["reached"]

    def test_a_note_can_be_added_later(self, crm: EmbeddedCrm, desk: EmbeddedDesk, task: TaskDraft) -> None:
        first = desk.outcome(task.key, "reached")
        later = desk.outcome(task.key, "reached", "she calls back")
        assert later.changed
        assert (later.task.note, later.task.done_at) == ("she calls back", first.task.done_at)
        assert values(crm) == ["reached"]

    def test_another_outcome_corrects_the_first(self, crm: EmbeddedCrm, desk: EmbeddedDesk, task: TaskDraft) -> None:
        desk.outcome(task.key, "reached", "she thinks about it")
        corrected = desk.outcome(task.key, "renewed")
        assert corrected.changed
        assert (corrected.task.outcome, corrected.task.note) == ("renewed", "she thinks about it")
        assert values(crm) == ["reached", "renewed"]

    def test_a_rep_may_speak_after_the_engine_has_closed_the_task(
        self, crm: EmbeddedCrm, desk: EmbeddedDesk, task: TaskDraft
    ) -> None:
        crm.close_tasks([TaskClose(task.key, task.key, "renewed")])
        closed = desk.show(task.key)
        assert (closed.status, closed.outcome, closed.reason, closed.done_at) == ("done", "", "renewed", NOW)
        answer = desk.outcome(task.key, "reached")
        assert (answer.changed, answer.task.outcome, answer.task.reason) == (True, "reached", "renewed")
        assert values(crm) == ["reached"]

    def test_the_engine_closes_no_task_that_the_rep_has_done(
        self, crm: EmbeddedCrm, desk: EmbeddedDesk, task: TaskDraft
    ) -> None:
        done = desk.outcome(task.key, "renewed", "said so").task
        crm.close_tasks([TaskClose(task.key, task.key, "renewed")])
        assert desk.show(task.key) == done

    @pytest.mark.parametrize("outcome", ["", "DONE", "maybe", "done; --", "x" * 500, "a\nb"])
    def test_an_unknown_outcome_is_refused_in_one_line(
        self, crm: EmbeddedCrm, desk: EmbeddedDesk, task: TaskDraft, outcome: str
    ) -> None:
        with pytest.raises(UsageError, match="choose one of: done, reached, no_answer") as caught:
            desk.outcome(task.key, outcome)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 300
        assert desk.show(task.key).status == "open"
        assert values(crm) == []

    @pytest.mark.parametrize("key", ["", "call:account-0:1", "nul\0", "\ud800", "a\nb", "x" * 500])
    def test_an_unknown_task_is_refused_in_one_line(self, desk: EmbeddedDesk, key: str) -> None:
        for call in (desk.done, desk.show):
            with pytest.raises(UsageError, match="`nolapse tasks list` shows those there are") as caught:
                call(key)
            assert "\n" not in str(caught.value)
            assert len(str(caught.value)) < 300

    def test_a_note_may_hold_anything(self, desk: EmbeddedDesk, task: TaskDraft) -> None:
        assert desk.done(task.key, "nul\0 갱신 '; --").task.note == "nul\ufffd 갱신 '; --"

    def test_changes_of_many_reps_at_once_are_read_once_each(self, embedded_store: Store, crm: EmbeddedCrm) -> None:
        drafts = [a_draft() for _ in range(40)]
        crm.create_tasks(drafts)
        desk = EmbeddedDesk(embedded_store.engine)
        read: list[str] = []
        cursor: str | None = None
        with ThreadPoolExecutor(4) as reps:
            sayings = [reps.submit(desk.done, draft.key) for draft in drafts]
            while True:
                finished = all(saying.done() for saying in sayings)
                changes, cursor = crm.changes(cursor)
                read += [change.task_key for change in changes]
                if finished and not changes:
                    break
        assert all(saying.result().changed for saying in sayings)
        assert sorted(read) == sorted(draft.key for draft in drafts)

    def test_two_reps_who_say_the_same_at_once_say_it_once(
        self, embedded_store: Store, crm: EmbeddedCrm, task: TaskDraft
    ) -> None:
        desk = EmbeddedDesk(embedded_store.engine)
        with ThreadPoolExecutor(4) as reps:
            answers = list(reps.map(lambda _: desk.outcome(task.key, "renewed"), range(4)))
        assert sorted(answer.changed for answer in answers) == [False, False, False, True]
        assert values(crm) == ["renewed"]
