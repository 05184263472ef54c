"""Open tasks go to whoever does the work now."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from core.errors import UsageError
from core.following import follow, reassign
from core.intake import store_reps
from core.model import RepFacts
from core.policy import TaskPolicy
from core.ports import CrmChange
from core.reasons import Reason
from core.schema import accounts, deliveries, tasks
from core.timing import WholeDay
from core.words import DeliveryKind, DeliveryState, TaskState
from tests.builders import House, account, facts
from tests.fakes.memory import PlainCrm

END = date(2026, 6, 26)
CALL = END - timedelta(days=45)
NEXT = CALL + timedelta(days=1)
REPS = [RepFacts("maria", "Maria", "", deputy_key="jan"), RepFacts("jan", "Jan", ""), RepFacts("kim", "Kim", "")]


@pytest.fixture
def called(house: House) -> House:
    """A house in which Maria has an open call."""
    house.source.known_reps = REPS
    house.source.rows = [facts(ends_on=END, account=account(owner_key="maria"))]
    house.run(CALL)
    return house


def owner(house: House) -> str:
    (task,) = house.crm.tasks.values()
    return str(task.owner_key)


def moves(house: House) -> list[tuple[str, str]]:
    kind = deliveries.c.kind == DeliveryKind.CALL_ASSIGN
    return [(row.state, row.reason) for row in house.rows(deliveries, kind)]


class TestFollowing:
    def test_a_new_owner_gets_the_open_task(self, called: House) -> None:
        called.crm.history.append(CrmChange("1", "owner", account_key="acme", value="kim"))
        called.run(NEXT)
        assert owner(called) == "kim"
        assert [row.owner_key for row in called.rows(tasks)] == ["kim"]
        called.run(NEXT)
        assert moves(called) == [(DeliveryState.DELIVERED, "")]

    def test_a_task_that_a_rep_gave_away_stays_there(self, called: House) -> None:
        ((key, task),) = called.crm.tasks.items()
        called.crm.tasks[key] = replace(task, owner_key="a colleague")
        called.crm.history.append(CrmChange("1", "owner", account_key="acme", value="kim"))
        called.run(NEXT)
        assert owner(called) == "a colleague"

    def test_absent_the_deputy_has_it_and_afterwards_the_owner_again(self, called: House) -> None:
        away = ((NEXT, NEXT + timedelta(days=1)),)
        called.policy = replace(called.policy, tasks=TaskPolicy(absences={"maria": away}))
        called.run(NEXT)
        assert owner(called) == "jan"
        called.run(NEXT + timedelta(days=2))
        assert owner(called) == "maria"

    def test_a_task_that_only_waits_changes_at_once(self, house: House) -> None:
        house.source.rows = [facts(ends_on=END, account=account(owner_key="maria"))]
        house.sync(CALL)
        house.plan(CALL)
        house.write(update(accounts).values(owner_key="kim"))
        with house.store.begin() as connection:
            assert follow(connection, house.policy.tasks, WholeDay(CALL)) == 1
        house.deliver(CALL)
        assert owner(house) == "kim"
        assert moves(house) == []

    def test_a_closed_one_stays_and_so_does_one_whose_crm_cannot(self, called: House) -> None:
        tasks_made, called.crm = called.crm.tasks, PlainCrm()
        called.crm.tasks = tasks_made
        called.write(update(accounts).values(owner_key="kim"))
        called.settle(NEXT)
        called.deliver(NEXT)
        assert moves(called) == [(DeliveryState.WITHDRAWN, Reason.CRM_CANNOT)]
        assert owner(called) == "maria"
        called.write(update(tasks).values(state=TaskState.CLOSED))
        with called.store.begin() as connection:
            assert follow(connection, called.policy.tasks, WholeDay(NEXT)) == 0


class TestReassign:
    def test_accounts_change_hands_with_their_tasks_and_records(self, called: House) -> None:
        with called.store.begin() as connection:
            assert reassign(connection, ["acme"], "kim", called.policy.tasks, WholeDay(NEXT)) == 1
            assert reassign(connection, ["acme"], "kim", called.policy.tasks, WholeDay(NEXT)) == 0
        called.deliver(NEXT)
        assert owner(called) == "kim"
        assert called.crm.records["digicert:1"].owner_key == "kim"

    @pytest.mark.parametrize(
        ("keys", "rep", "told"),
        [(["acme"], "nobody", "the rep nobody is not known"), (["what"], "kim", "there is no account what")],
    )
    def test_what_is_unknown_changes_nothing(self, called: House, keys: list[str], rep: str, told: str) -> None:
        with called.store.begin() as connection, pytest.raises(UsageError, match=told):
            reassign(connection, keys, rep, called.policy.tasks, WholeDay(NEXT))
        assert [row.owner_key for row in called.rows(accounts)] == ["maria"]

    def test_nor_does_somebody_who_left(self, called: House) -> None:
        with called.store.begin() as connection:
            store_reps(connection, [RepFacts("kim", "Kim", "", active=False)])
            with pytest.raises(UsageError, match="kim has left"):
                reassign(connection, ["acme"], "kim", called.policy.tasks, WholeDay(NEXT))
