from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from core.model import OrderFacts, RepFacts
from core.policy import TaskPolicy
from core.reasons import Reason
from core.schema import accounts, deliveries, task_orders, tasks
from core.tasks import Ask, Desk, close, creation_under_way, settle_orders
from core.timing import WholeDay
from core.words import Clock, TaskKind, Urgency
from tests.builders import House, account, facts
from tests.core.conftest import MakeHouse

DAY = date(2026, 6, 10)
TIMER = WholeDay(DAY)
OWNER = RepFacts("rita", "Rita Rep", "rita@certs.example")


def orders(count: int = 3) -> list[OrderFacts]:
    far = DAY + timedelta(days=300)
    return [facts(str(number), ends_on=far, account=account(owner_key="rita")) for number in range(1, count + 1)]


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    house = make_house(orders())
    house.source.known_reps = [OWNER]
    house.sync(DAY)
    return house


def ask(cycle_id: int = 1, **said: Any) -> Ask:
    usual = Ask(
        account_id=1,
        kind=TaskKind.CALL,
        cycle_id=cycle_id,
        clock=Clock.RENEWAL,
        urgency=Urgency.REMINDER,
        due_on=DAY,
        touchpoint="before-21",
        send_after=datetime(2026, 6, 10, 7, tzinfo=UTC),
    )
    return replace(usual, **said)


@contextmanager
def desk(house: House, policy: TaskPolicy | None = None) -> Iterator[Desk]:
    with house.store.begin() as connection:
        yield Desk(connection, policy or TaskPolicy(), TIMER)


def put(house: House, *asks: Ask, policy: TaskPolicy | None = None) -> dict[Ask, int]:
    with desk(house, policy) as one:
        return one.ask(asks)


def kinds_of(house: House) -> list[tuple[str, str]]:
    return [(row.kind, row.state) for row in house.rows(deliveries, deliveries.c.channel == "call")]


def test_nothing_asked_is_nothing_done(house: House) -> None:
    assert put(house) == {}
    assert house.rows(tasks) == []


def test_one_task_for_all_orders_of_an_account(house: House) -> None:
    carried = put(house, ask(1), ask(2, urgency=Urgency.WARNING, due_on=DAY + timedelta(days=2)))
    (task,) = house.rows(tasks)
    assert (task.task_key, task.generation, task.state) == ("call:account-1:1", 1, "planned")
    assert (task.urgency, task.due_on, task.owner_key) == ("warning", DAY, "rita")
    (delivery,) = house.rows(deliveries, deliveries.c.channel == "call")
    assert (delivery.kind, delivery.key) == ("call_create", "call:account-1:renewal:2026-06-10:1")
    assert delivery.payload == {"task_key": "call:account-1:1"}
    assert set(carried.values()) == {delivery.id}
    assert [row.cycle_id for row in house.rows(task_orders)] == [1, 2]


def test_a_later_step_joins_while_the_creation_waits(house: House) -> None:
    put(house, ask(1, due_on=DAY + timedelta(days=5)))
    sooner = datetime(2026, 6, 10, 6, tzinfo=UTC)
    put(house, ask(2, urgency=Urgency.WARNING, send_after=sooner))
    (task,) = house.rows(tasks)
    (delivery,) = house.rows(deliveries, deliveries.c.channel == "call")
    assert (task.urgency, task.due_on) == ("warning", DAY)
    assert (delivery.urgency, delivery.send_after) == ("warning", sooner)


def test_an_open_task_is_raised_and_a_raise_that_waits_takes_more_in(house: House) -> None:
    put(house, ask(1))
    house.write(update(tasks).values(state="open", outside_id="#1"))
    house.write(update(deliveries).values(state="delivered"))
    put(house, ask(2, urgency=Urgency.WARNING))
    put(house, ask(3, urgency=Urgency.EXPIRED))
    assert kinds_of(house) == [("call_create", "delivered"), ("call_raise", "planned")]
    raised = house.rows(deliveries, deliveries.c.kind == "call_raise")[0]
    assert (raised.urgency, raised.key) == ("expired", "call:account-1:renewal:2026-06-10:2")
    (task,) = house.rows(tasks)
    assert task.urgency == "reminder"  # ours to change only once the CRM has it


def test_a_closed_task_is_followed_by_a_new_generation(house: House) -> None:
    put(house, ask(1))
    house.write(update(tasks).values(state="closed"))
    house.write(update(deliveries).values(state="delivered"))
    put(house, ask(1, urgency=Urgency.WARNING))
    assert [(row.task_key, row.state) for row in house.rows(tasks)] == [
        ("call:account-1:1", "closed"),
        ("call:account-1:2", "planned"),
    ]


def test_kinds_have_tasks_of_their_own(house: House) -> None:
    put(house, ask(1), ask(1, kind=TaskKind.SUPPORT, clock=Clock.REISSUE), ask(1, kind=TaskKind.CONTACT))
    assert sorted(row.kind for row in house.rows(tasks)) == ["call", "contact", "support"]


APART = TaskPolicy(one_open_per_account=False)


def test_without_the_limit_every_order_has_its_own_task(house: House) -> None:
    put(house, ask(1), ask(2), policy=APART)
    assert [row.task_key for row in house.rows(tasks)] == ["call:account-1:1", "call:account-1:2"]
    put(house, ask(2, urgency=Urgency.WARNING), policy=APART)
    assert [row.urgency for row in house.rows(tasks)] == ["reminder", "warning"]  # joined its own
    house.write(update(tasks).values(state="open"))
    house.write(update(deliveries).values(state="delivered"))
    put(house, ask(1, urgency=Urgency.EXPIRED), policy=APART)
    assert [row.generation for row in house.rows(tasks)] == [1, 2]
    (raised,) = house.rows(deliveries, deliveries.c.kind == "call_raise")
    assert raised.task_id == house.rows(tasks)[0].id


@pytest.mark.parametrize("policy", [TaskPolicy(), APART], ids=["one", "apart"])
def test_whom_to_write_to_is_asked_once_per_account(house: House, policy: TaskPolicy) -> None:
    quiet = {"kind": TaskKind.CONTACT, "raises": False}
    put(house, ask(1, **quiet), policy=policy)
    house.write(update(tasks).values(state="open"))
    house.write(update(deliveries).values(state="delivered"))
    assert put(house, ask(2, urgency=Urgency.EXPIRED, **quiet), policy=policy) == {}
    assert len(house.rows(tasks)) == 1
    assert kinds_of(house) == [("call_create", "delivered")]
    assert [row.cycle_id for row in house.rows(task_orders)] == [1, 2]


def test_a_step_of_the_cadence_raises_even_a_contact_task(house: House) -> None:
    put(house, ask(1, kind=TaskKind.CONTACT, raises=False))
    house.write(update(tasks).values(state="open"))
    house.write(update(deliveries).values(state="delivered"))
    asked = ask(2, kind=TaskKind.CONTACT)
    assert list(put(house, asked)) == [asked]


def with_owner(house: House, owner: str, active: bool = True) -> None:
    house.source.known_reps = [replace(OWNER, active=active)]
    house.sync(DAY)
    house.write(update(accounts).values(owner_key=owner))


SETTINGS = TaskPolicy(fallback_owner="fay", support_owner="sam")


@pytest.mark.parametrize(
    ("owner", "active", "kind", "expected"),
    [
        ("rita", True, TaskKind.CALL, "rita"),
        ("rita", False, TaskKind.CALL, "fay"),
        ("", True, TaskKind.CALL, "fay"),
        ("of-the-crm", True, TaskKind.CALL, "of-the-crm"),
        ("rita", True, TaskKind.SUPPORT, "sam"),
        ("rita", False, TaskKind.CHECK, "fay"),
    ],
)
def test_whose_task_it_is(house: House, owner: str, active: bool, kind: TaskKind, expected: str) -> None:
    with_owner(house, owner, active)
    put(house, ask(1, kind=kind), policy=SETTINGS)
    assert house.rows(tasks)[0].owner_key == expected


def test_without_a_support_owner_support_is_the_reps(house: House) -> None:
    put(house, ask(1, kind=TaskKind.SUPPORT), policy=TaskPolicy(fallback_owner="fay"))
    assert house.rows(tasks)[0].owner_key == "rita"


def settled(house: House, *cycle_ids: int) -> None:
    with house.store.begin() as connection:
        settle_orders(connection, cycle_ids, TIMER)


def test_a_task_that_nobody_has_seen_is_dropped_with_its_last_order(house: House) -> None:
    put(house, ask(1), ask(2))
    settled(house, 1)
    assert house.rows(tasks)[0].state == "planned"
    settled(house, 2)
    (task,) = house.rows(tasks)
    assert (task.state, task.reason) == ("closed", "no_members")
    assert task.closed_at is not None
    assert kinds_of(house) == [("call_create", "withdrawn")]


def test_likewise_where_its_creation_was_withdrawn_before(house: House) -> None:
    put(house, ask(1))
    house.write(update(deliveries).values(state="withdrawn"))
    settled(house, 1)
    assert house.rows(tasks)[0].state == "closed"
    assert kinds_of(house) == [("call_create", "withdrawn")]


def test_an_open_task_is_closed_in_the_crm_with_its_last_order(house: House) -> None:
    put(house, ask(1), ask(2))
    house.write(update(tasks).values(state="open", outside_id="#1"))
    house.write(update(deliveries).values(state="delivered"))
    put(house, ask(2, urgency=Urgency.EXPIRED))
    settled(house, 1, 2)
    assert house.rows(tasks)[0].state == "closing"
    assert kinds_of(house) == [("call_create", "delivered"), ("call_raise", "withdrawn"), ("call_close", "planned")]
    (closing,) = house.rows(deliveries, deliveries.c.kind == "call_close")
    assert closing.key == "close:call:account-1:1"


@pytest.mark.parametrize("state", ["claimed", "sending", "uncertain"])
def test_a_task_that_may_just_be_being_made_is_closed_in_the_crm(house: House, state: str) -> None:
    put(house, ask(1))
    house.write(update(deliveries).values(state=state))
    settled(house, 1)
    assert house.rows(tasks)[0].state == "closing"
    assert kinds_of(house) == [("call_create", state), ("call_close", "planned")]


def test_settling_twice_or_nothing_changes_nothing(house: House) -> None:
    put(house, ask(1))
    settled(house, 1)
    before = house.dump()
    settled(house, 1)
    settled(house)
    assert house.dump() == before


def test_closing_says_why(house: House) -> None:
    put(house, ask(1))
    house.write(update(tasks).values(state="open"))
    house.write(update(deliveries).values(state="delivered"))
    with house.store.begin() as connection:
        assert creation_under_way(connection, [1]) == set()
        close(connection, connection.execute(tasks.select()).all(), Reason.LOST, TIMER)
    assert house.rows(tasks)[0].reason == "lost"


def test_numbers_go_on_where_they_ended(house: House) -> None:
    put(house, ask(1))
    house.write(update(tasks).values(state="closed"))
    house.write(update(deliveries).values(state="withdrawn"))
    put(house, ask(1))
    keys = [row.key for row in house.rows(deliveries, deliveries.c.kind == "call_create")]
    assert keys == ["call:account-1:renewal:2026-06-10:1", "call:account-1:renewal:2026-06-10:2"]


def test_a_number_stays_taken_when_its_delivery_goes_on_a_later_day(house: House) -> None:
    put(house, ask(1))
    house.write(update(tasks).values(state="closed"))
    house.write(update(deliveries).values(state="delivered", day=DAY + timedelta(days=1)))
    put(house, ask(2))
    keys = [row.key for row in house.rows(deliveries, deliveries.c.state == "planned")]
    assert keys == ["call:account-1:renewal:2026-06-10:2"]
