from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from core.errors import UsageError
from core.outbox import listing, resolve
from core.schema import deliveries, tasks
from core.timing import WholeDay
from core.words import DeliveryState
from tests.builders import House, account, facts
from tests.core.conftest import MakeHouse

DAY = date(2026, 6, 10)
MAIL, CALL = "mail:contact-1:renewal:2026-06-10:1", "call:account-1:renewal:2026-06-10:1"


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    rows = [facts(str(number), ends_on=DAY + timedelta(days=7)) for number in (1, 2)]
    house = make_house(rows)
    house.sync(DAY)
    house.plan(DAY)
    return house


def stuck(house: House, key: str, state: str = "uncertain", **values: Any) -> None:
    house.write(update(deliveries).where(deliveries.c.key == key).values(state=state, **values))


def decide(house: House, key: str, verdict: str) -> DeliveryState:
    with house.store.begin() as connection:
        return resolve(connection, key, verdict, WholeDay(DAY), crm=True)


def state_of(house: House, key: str) -> str:
    return str(house.rows(deliveries, deliveries.c.key == key)[0].state)


def test_it_lists_what_is_there_the_newest_first(house: House) -> None:
    with house.store.read() as connection:
        listed = listing(connection, (), None, 10)
        mails = listing(connection, ("planned",), "mail", 10)
        none = listing(connection, ("failed",), None, 10)
        one = listing(connection, (), None, 1)
    assert [each.key for each in mails] == [MAIL]
    assert mails[0].orders == ("digicert:1", "digicert:2")
    assert (mails[0].state, mails[0].urgency) == ("planned", "warning")
    assert mails[0].why == "it is due and goes with the next delivery"
    assert {each.kind for each in listed} == {"mail", "call_create", "record"}
    assert next(each for each in listed if each.kind == "record").orders in (("digicert:1",), ("digicert:2",))
    assert next(each for each in listed if each.kind == "call_create").orders == ("digicert:1", "digicert:2")
    assert none == []
    assert len(one) == 1


def test_it_says_why(house: House) -> None:
    stuck(house, MAIL, error="no answer came")
    stuck(house, CALL, state="withdrawn", reason="task_closed")
    with house.store.read() as connection:
        why = {each.key: each.why for each in listing(connection, (), None, 10)}
    assert (why[MAIL], why[CALL]) == ("no answer came", "its task is closed already")


@pytest.mark.parametrize("state", ["uncertain", "failed"])
def test_arrived(house: House, state: str) -> None:
    stuck(house, MAIL, state)
    assert decide(house, MAIL, "arrived") is DeliveryState.DELIVERED
    assert house.touches()["1", "before-7", "mail"] == ("done", "")
    assert house.cycles("1")[0].stage == "contacted"
    house.deliver(DAY)
    assert house.mailer.sent == []


def test_what_has_arrived_is_told_to_the_crm(house: House) -> None:
    told = {"account_key": "acme", "to": "ann@acme.example", "subject": "It ends", "text": "It ends.",
            "sent_at": "2026-06-10T07:00:00+00:00", "order_keys": ["digicert:1", "digicert:2"]}  # fmt: skip
    stuck(house, MAIL, payload=told)
    decide(house, MAIL, "arrived")
    house.deliver(DAY)
    assert [log.subject for log in house.crm.mails.values()] == ["It ends"]
    assert {record.stage for record in house.crm.records.values()} == {"contacted"}
    assert house.rows(deliveries, deliveries.c.key == MAIL)[0].payload is None


def test_without_a_crm_nobody_is_told(house: House) -> None:
    stuck(house, MAIL, payload={"subject": "It ends"})
    with house.store.begin() as connection:
        resolve(connection, MAIL, "arrived", WholeDay(DAY), crm=False)
    assert house.rows(deliveries, deliveries.c.kind == "mail_log") == []


@pytest.mark.parametrize("state", ["uncertain", "failed"])
def test_repeat(house: House, state: str) -> None:
    stuck(house, MAIL, state, attempts=8, error="gone", token="x")
    assert decide(house, MAIL, "repeat") is DeliveryState.PLANNED
    row = house.rows(deliveries, deliveries.c.key == MAIL)[0]
    assert (row.attempts, row.error, row.token) == (0, "", None)
    house.deliver(DAY)
    assert len(house.mailer.sent) == 1


def test_drop(house: House) -> None:
    stuck(house, MAIL)
    assert decide(house, MAIL, "drop") is DeliveryState.WITHDRAWN
    assert house.touches()["1", "before-7", "mail"] == ("withdrawn", "by_operator")
    house.deliver(DAY)
    assert house.mailer.sent == []


def test_a_task_whose_creation_arrived_is_open(house: House) -> None:
    stuck(house, CALL)
    decide(house, CALL, "arrived")
    assert house.rows(tasks)[0].state == "open"
    assert house.touches()["1", "before-7", "call"] == ("done", "")


def test_a_task_that_was_dropped_is_closed_and_the_next_step_makes_a_new_one(house: House) -> None:
    stuck(house, CALL)
    decide(house, CALL, "drop")
    assert (house.rows(tasks)[0].state, house.rows(tasks)[0].reason) == ("closed", "by_operator")
    after = DAY + timedelta(days=8)
    house.work(after, after)
    assert list(house.crm.tasks) == ["#call:account-1:2"]


def test_a_creation_that_is_uncertain_may_be_repeated(house: House) -> None:
    stuck(house, CALL)
    decide(house, CALL, "repeat")
    house.deliver(DAY)
    assert house.rows(tasks)[0].state == "open"


@pytest.mark.parametrize(
    ("key", "state", "verdict", "told"),
    [
        ("mail:nobody", "uncertain", "arrived", "there is no delivery mail:nobody"),
        (MAIL, "planned", "drop", "only what is uncertain or has failed"),
        (MAIL, "delivered", "repeat", "is delivered"),
        (CALL, "failed", "repeat", "the next touchpoint makes a new one"),
    ],
)
def test_what_cannot_be_decided(house: House, key: str, state: str, verdict: str, told: str) -> None:
    stuck(house, key, state)
    before = house.dump()
    with pytest.raises(UsageError, match=told):
        decide(house, key, verdict)
    assert house.dump() == before


def test_accounts_do_not_mix(make_house: MakeHouse) -> None:
    rows = [facts(str(number), ends_on=DAY + timedelta(days=7), account=account(f"a{number}")) for number in (1, 2)]
    house = make_house(rows)
    house.sync(DAY)
    house.plan(DAY)
    with house.store.read() as connection:
        listed = listing(connection, (), "mail", 10)
    assert [each.orders for each in listed] == [("digicert:2",), ("digicert:1",)]
    assert state_of(house, MAIL) == "planned"
