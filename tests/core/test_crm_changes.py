"""What people did in the CRM is taken in once."""

import logging
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from core.crm_changes import take
from core.locks import Lock, holding
from core.ports import CrmChange
from core.reasons import Reason
from core.schema import accounts, confirmations, contacts, deliveries, meta, suppressions, tasks
from core.timing import WholeDay
from core.words import Certainty, Clock, DeliveryKind, TaskState
from tests.builders import House, account, facts, person

END = date(2026, 5, 29)
CALL = END - timedelta(days=45)  # the day of the first call
NEXT = CALL + timedelta(days=1)


def changes(house: House, *said: CrmChange) -> None:
    house.crm.history += said


def change(key: str, what: str, value: str = "", **said: Any) -> CrmChange:
    return CrmChange(key, what, value=value, **said)


def take_in(house: House, day: date = CALL) -> int:
    with holding(house.store, "test", day, 0) as lock:
        return take(house.store, house.crm, WholeDay(day), lock, house.policy)


def with_task(house: House) -> str:
    """Runs the day of the first call; the key of its task."""
    house.source.rows = [facts("1", ends_on=END), facts("2", ends_on=END)]
    house.run(CALL)
    key: str = house.rows(tasks)[0].task_key
    return key


class TestCursor:
    def test_each_change_is_taken_once_over_all_pages(self, house: House) -> None:
        house.source.rows = [facts(ends_on=END)]
        house.sync(CALL)
        changes(house, *(change(str(number), "owner", f"rep{number}", account_key="acme") for number in range(7)))
        assert take_in(house) == 7
        assert [row.owner_key for row in house.rows(accounts)] == ["rep6"]
        assert [row.value for row in house.rows(meta, meta.c.key == "crm_cursor:memory")] == ["7"]
        house.write(accounts.update().values(owner_key="set by hand"))
        assert take_in(house) == 0
        assert [row.owner_key for row in house.rows(accounts)] == ["set by hand"]

    def test_an_empty_history_keeps_no_cursor(self, house: House) -> None:
        assert take_in(house) == 0
        assert house.rows(meta, meta.c.key == "crm_cursor:memory") == []

    def test_a_page_that_breaks_off_is_taken_again_as_a_whole(
        self, house: House, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        changes(house, *(change(str(number), "optout", f"p{number}@acme.example") for number in range(5)))
        real = Lock.renew
        turns = iter([True, False])

        def renew(lock: Lock, connection: object) -> None:
            if not next(turns):
                raise RuntimeError("the power is gone")
            real(lock, connection)  # type: ignore[arg-type]

        with monkeypatch.context() as patch:
            patch.setattr(Lock, "renew", renew)
            with pytest.raises(RuntimeError):
                take_in(house)
        assert len(house.rows(suppressions)) == 3
        assert take_in(house) == 2
        assert len(house.rows(suppressions)) == 5

    def test_sync_takes_them_in(self, house: House) -> None:
        house.source.rows = [facts(ends_on=END)]
        changes(house, change("1", "owner", "eve", account_key="acme"))
        house.sync(CALL)
        assert [row.owner_key for row in house.rows(accounts)] == ["eve"]


class TestWhoKnowsBest:
    def test_what_the_crm_says_of_owner_and_people_stands_against_the_files(self, house: House) -> None:
        told = account("acme", owner_key="rita", people=(person("ann@acme.example", name="Ann Old", phone="1"),))
        house.source.rows = [facts(ends_on=END)]
        house.source.known_accounts = [told]
        said = {"name": "Ann New", "phone": ""}
        changes(house, change("1", "owner", "eve", account_key="acme"))
        changes(house, CrmChange("2", "contact", account_key="acme", value="ann@acme.example", facts=said))
        for _ in range(2):
            house.sync(CALL)
            assert [row.owner_key for row in house.rows(accounts)] == ["eve"]
            assert [(row.name, row.phone) for row in house.rows(contacts)] == [("Ann New", "1")]
        house.source.known_accounts = [replace(told, people=(person("ann@acme.example", name="Ann Old", phone="2"),))]
        house.sync(CALL)
        assert [(row.name, row.phone) for row in house.rows(contacts)] == [("Ann New", "1")]


class TestWishes:
    def test_owner_and_wishes_belong_to_their_account(self, house: House) -> None:
        other = facts("2", ends_on=END, account=account("globex"), people=(person("bob@globex.example"),))
        house.source.rows = [facts("1", ends_on=END), other]
        house.sync(CALL)
        changes(
            house, change("1", "do_not_contact", account_key="acme"), change("2", "do_not_call", account_key="acme")
        )
        changes(house, change("3", "do_not_call", account_key="unknown"), change("4", "stage", "committed"))
        assert take_in(house) == 4
        found = {row.account_key: (row.do_not_contact, row.do_not_call) for row in house.rows(accounts)}
        assert found == {"acme": (True, True), "globex": (False, False)}

    def test_who_opted_out_is_not_written_to(self, house: House) -> None:
        house.source.rows = [facts(ends_on=END)]
        changes(house, change("1", "optout", " Ann@Acme.example "))
        house.run(CALL)
        [row] = house.rows(suppressions)
        assert (row.address, row.channel, row.nature, row.source) == ("ann@acme.example", "mail", "service", "memory")
        assert house.touches()["1", "before-60", "mail"] == ("skipped", Reason.SUPPRESSED)
        assert house.mailer.sent == []

    def test_an_address_that_is_none_stops_nothing_and_is_not_shown(
        self, house: House, caplog: pytest.LogCaptureFixture
    ) -> None:
        changes(house, change("c1", "optout", "ann at acme"), change("c2", "optout", "bob@acme.example"))
        with caplog.at_level(logging.WARNING):
            assert take_in(house) == 2
        assert [row.address for row in house.rows(suppressions)] == ["bob@acme.example"]
        assert "c1" in caplog.text
        assert "ann" not in caplog.text
        assert take_in(house) == 0


class TestOutcomes:
    def test_a_task_done_by_the_rep_is_closed_here_and_not_there_again(self, house: House) -> None:
        key = with_task(house)
        house.crm.finish(key, "reached")
        house.run(NEXT)
        [task] = house.rows(tasks)
        assert (task.state, task.reason, task.outcome) == (TaskState.CLOSED, "done by the rep", "reached")
        assert task.closed_at.date() == NEXT
        assert house.rows(deliveries, deliveries.c.kind == DeliveryKind.CALL_CLOSE) == []
        assert house.cycles("1")[0].open

    def test_renewed_confirms_its_orders_until_the_ca_shows_it(self, house: House) -> None:
        key = with_task(house)
        house.crm.finish(key, "renewed")
        assert house.run(NEXT).settle.renewed == 2
        found = house.rows(confirmations)
        assert [(row.order_key, row.certainty, row.source, row.clock) for row in found] == [
            ("digicert:1", Certainty.PROVISIONAL, "memory", Clock.RENEWAL),
            ("digicert:2", Certainty.PROVISIONAL, "memory", Clock.RENEWAL),
        ]
        assert {row.renewed_on for row in found} == {NEXT}
        assert not house.cycles("1")[0].open

    def test_an_order_that_was_settled_before_is_not_confirmed(self, house: House) -> None:
        key = with_task(house)
        house.hear("1", CALL)
        house.settle(CALL)
        house.crm.finish(key, "renewed")
        house.sync(NEXT)
        with house.store.read() as connection:
            query = select(confirmations.c.order_key).where(confirmations.c.source == "memory")
            assert connection.execute(query).scalars().all() == ["digicert:2"]

    def test_do_not_call_holds_for_the_whole_account(self, house: House) -> None:
        key = with_task(house)
        house.crm.finish(key, "do_not_call")
        house.sync(NEXT)
        assert [(row.do_not_call, row.do_not_contact) for row in house.rows(accounts)] == [(True, False)]
        assert house.rows(confirmations) == []

    def test_a_task_that_is_not_ours_is_passed_over(self, house: House) -> None:
        changes(house, change("1", "task_outcome", "renewed", task_key="unknown"))
        assert take_in(house) == 1
        assert house.rows(confirmations) == []

    def test_an_outcome_that_comes_after_we_closed_it_is_kept(self, house: House) -> None:
        key = with_task(house)
        for number in "12":
            house.hear(number, CALL)
        house.run(CALL)
        house.crm.finish(key, "reached")
        house.sync(NEXT)
        [task] = house.rows(tasks)
        assert (task.state, task.reason, task.outcome) == (TaskState.CLOSED, Reason.NO_MEMBERS, "reached")

    def test_outcomes_of_many_calls_come_at_once(self, house: House) -> None:
        said = ("no_answer", "reached", "renewed", "wrong_person", "no_answer", "do_not_call")
        house.source.rows = [
            facts(str(number), ends_on=END, account=account(f"customer-{number}")) for number in range(len(said))
        ]
        house.run(CALL)
        keys = {task.account_id: task.task_key for task in house.rows(tasks)}
        changes(
            house,
            *(
                change(f"{id}", "task_outcome", one, task_key=keys[id])
                for id, one in zip(sorted(keys), said, strict=True)
            ),
        )
        assert take_in(house, NEXT) == len(said)
        done = {task.account_id: task.outcome for task in house.rows(tasks) if task.state == TaskState.CLOSED}
        assert [done[id] for id in sorted(keys)] == list(said)
        again = [task.account_id for task in house.rows(tasks, tasks.c.kind == "call") if task.generation == 2]
        assert again == [id for id, one in zip(sorted(keys), said, strict=True) if one == "no_answer"]
        assert [task.account_id for task in house.rows(tasks, tasks.c.kind == "contact")] == [sorted(keys)[3]]
        assert len(house.rows(confirmations)) == 1
        assert [row.id for row in house.rows(accounts) if row.do_not_call] == [sorted(keys)[5]]

    def test_a_correction_in_the_same_breath_counts_last(self, house: House) -> None:
        key = with_task(house)
        changes(
            house,
            change("first", "task_outcome", "no_answer", task_key=key),
            change("second", "task_outcome", "reached", task_key=key),
        )
        take_in(house, NEXT)
        assert [(task.task_key, task.outcome) for task in house.rows(tasks) if task.outcome] == [(key, "reached")]
        assert not [touch for touch, state in house.touches().items() if "again" in touch[1] and state[0] == "planned"]
