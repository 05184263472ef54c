from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from core.breaker import Breaker, broken_circuits
from core.circuits import CircuitState
from core.errors import NolapseError, PostponedError, RetriableError
from core.policy import DeliverPolicy
from core.ports import Handed, Mail, Result
from core.schema import circuits, deliveries
from core.store import rehearse
from core.words import DeliveryKind, DeliveryState
from tests.builders import House, account, facts, make_live_ledger, person
from tests.conftest import Prepared
from tests.fakes.memory import MemoryMailer

DAY = date(2026, 5, 26)
RULES = DeliverPolicy(batch_size=4, break_after=3, break_seconds=300, retry_seconds=300)
ORDERS = 9


class Moody(MemoryMailer):
    """Takes mails one by one, or fails for each with the error of its mood."""

    batch_size = 1

    def __init__(self) -> None:
        super().__init__()
        self.mood: NolapseError | None = None
        self.calls = 0

    def send(self, batch: Sequence[Mail]) -> list[Result]:
        self.calls += 1
        if self.mood is None:
            return super().send(batch)
        return [Result(mail.key, Handed.FAILED, error=self.mood) for mail in batch]


@pytest.fixture
def mailer() -> Moody:
    return Moody()


@pytest.fixture
def house(prepared_store_url: Prepared, mailer: Moody) -> Iterator[House]:
    """Nine customers who are to be written to today."""
    ends_on = DAY + timedelta(days=30)
    rows = [
        facts(str(number), ends_on=ends_on, account=account(f"a{number}"), people=(person(f"p{number}@a.example"),))
        for number in range(ORDERS)
    ]
    house = House(prepared_store_url("live", make_live_ledger), rows, deliver=RULES)
    house.mailer = mailer
    house.sync(DAY)
    house.settle(DAY)
    house.plan(DAY)
    yield house
    house.close()


def pause_is_over(house: House) -> None:
    house.write(update(circuits).values(broken_until=datetime.now(UTC) - timedelta(seconds=1)))
    house.write(update(deliveries).where(deliveries.c.error != "").values(send_after=datetime(2026, 5, 26, tzinfo=UTC)))


def mails(house: House, state: DeliveryState = DeliveryState.PLANNED) -> int:
    return len(house.rows(deliveries, deliveries.c.kind == DeliveryKind.MAIL, deliveries.c.state == state))


def states(house: House) -> list[CircuitState]:
    with house.store.read() as connection:
        return [one.state for one in broken_circuits(connection, house.policy.deliver)]


def test_a_connector_that_fails_for_everything_is_left_alone(house: House, mailer: Moody) -> None:
    mailer.mood = RetriableError("the mail server is down")
    counts = house.deliver(DAY)
    assert mailer.calls == 3
    assert states(house) == [CircuitState.OPEN]
    (problem,) = counts.problems
    assert problem.startswith("mail is not tried until ")
    assert problem.endswith("memory has failed for everything 3 times in a row (the mail server is down)")
    assert mails(house) == ORDERS
    assert {row.attempts for row in house.rows(deliveries, deliveries.c.kind == DeliveryKind.MAIL)} == {0, 1}

    counts = house.deliver(DAY)
    assert mailer.calls == 3
    assert counts.problems == [problem]


def test_other_kinds_go_on(house: House, mailer: Moody) -> None:
    mailer.mood = RetriableError("down")
    counts = house.deliver(DAY)
    assert counts.kinds[DeliveryKind.RECORD].delivered >= ORDERS
    assert [kind for kind, one in counts.kinds.items() if one.waiting] == [DeliveryKind.MAIL]


def test_one_item_is_tried_after_the_pause_and_its_failure_opens_it_again(house: House, mailer: Moody) -> None:
    mailer.mood = RetriableError("down")
    house.deliver(DAY)
    pause_is_over(house)
    assert states(house) == [CircuitState.HALF_OPEN]
    counts = house.deliver(DAY)
    assert mailer.calls == 4
    assert states(house) == [CircuitState.OPEN]
    assert "4 times in a row" in counts.problems[0]


def test_it_closes_by_itself_and_the_rest_goes_at_once(house: House, mailer: Moody) -> None:
    mailer.mood = RetriableError("down")
    house.deliver(DAY)
    pause_is_over(house)
    mailer.mood = None
    counts = house.deliver(DAY)
    assert counts.problems == []
    assert counts.kinds[DeliveryKind.MAIL].delivered == ORDERS
    assert house.rows(circuits) == []
    assert mails(house, DeliveryState.DELIVERED) == ORDERS


def test_failures_are_counted_over_runs_and_forgotten_after_a_success(house: House, mailer: Moody) -> None:
    mailer.mood = RetriableError("down")
    breaker = Breaker(DeliveryKind.MAIL, "memory", RULES)
    bad, good = {"k": Result("k", Handed.FAILED, error=mailer.mood)}, {"k": Result("k", Handed.DELIVERED)}
    with house.store.begin() as connection:
        assert [breaker.note(connection, bad), breaker.note(connection, bad)] == [False, False]
        assert not breaker.note(connection, good)
        assert [breaker.note(connection, bad) for _ in range(3)] == [False, False, True]


def test_items_that_are_put_off_one_by_one_break_nothing(house: House, mailer: Moody) -> None:
    mailer.mood = PostponedError("greylisted")
    counts = house.deliver(DAY)
    assert mailer.calls == ORDERS
    assert counts.problems == []
    assert states(house) == []


def test_only_one_process_tries(house: House) -> None:
    breaker = Breaker(DeliveryKind.MAIL, "memory", RULES)
    bad = {"k": Result("k", Handed.FAILED, error=RetriableError("down"))}
    with house.store.begin() as connection:
        for _ in range(3):
            breaker.note(connection, bad)
    assert breaker.take_trial(house.store) is None
    pause_is_over(house)
    until = breaker.take_trial(house.store)
    assert until is not None
    assert breaker.take_trial(house.store) is None
    breaker.give_trial_back(house.store, until)
    assert breaker.take_trial(house.store) is not None


def test_a_trial_in_which_everything_fell_away_is_not_spent(house: House, mailer: Moody) -> None:
    mailer.mood = RetriableError("down")
    house.deliver(DAY)
    pause_is_over(house)
    for number in range(ORDERS):
        house.hear(str(number), DAY)
    mailer.mood = None
    counts = house.deliver(DAY)
    assert counts.kinds[DeliveryKind.MAIL].withdrawn == ORDERS
    assert counts.problems == []
    assert states(house) == [CircuitState.HALF_OPEN]


def test_a_rehearsal_neither_sees_nor_changes_it(house: House, mailer: Moody) -> None:
    mailer.mood = RetriableError("down")
    house.deliver(DAY)
    before = house.rows(circuits)
    with rehearse(house.store) as rehearsal, rehearsal.begin() as connection:
        Breaker(DeliveryKind.MAIL, "rehearsal", RULES).note(connection, {"k": Result("k", Handed.DELIVERED)})
    assert house.rows(circuits) == before


def test_it_can_be_switched_off(house: House, mailer: Moody) -> None:
    house.policy = replace(house.policy, deliver=replace(RULES, break_after=0))
    mailer.mood = RetriableError("down")
    house.deliver(DAY)
    assert mailer.calls == ORDERS
    assert states(house) == []
