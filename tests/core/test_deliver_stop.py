"""Delivering that is asked to stop: what is under way is written down, what was only claimed goes back."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import date, timedelta

import pytest

from core.deliver import deliver
from core.kinds import DeliverCounts
from core.policy import DeliverPolicy
from core.ports import Mail, Result
from core.schema import deliveries
from core.timing import WholeDay
from core.words import DeliveryKind, DeliveryState
from tests.builders import House, account, facts, make_live_ledger, person
from tests.conftest import Prepared
from tests.fakes.memory import MemoryMailer

DAY = date(2026, 5, 26)
ORDERS = 7


class Watched(MemoryMailer):
    """Asks to stop amid the call that hands over the mail of this number."""

    batch_size = 2

    def __init__(self, last: int) -> None:
        super().__init__()
        self.last = last
        self.stopping = False

    def send(self, batch: Sequence[Mail]) -> list[Result]:
        results = super().send(batch)
        self.stopping = self.stopping or len(self.sent) >= self.last
        return results


@pytest.fixture
def house(prepared_store_url: Prepared) -> Iterator[House]:
    ends_on = DAY + timedelta(days=30)
    rows = [
        facts(str(number), ends_on=ends_on, account=account(f"a{number}"), people=(person(f"p{number}@a.example"),))
        for number in range(ORDERS)
    ]
    house = House(prepared_store_url("live", make_live_ledger), rows, deliver=DeliverPolicy(batch_size=5))
    house.sync(DAY)
    house.settle(DAY)
    house.plan(DAY)
    yield house
    house.close()


def run(house: House, mailer: Watched) -> DeliverCounts:
    house.mailer = mailer
    return deliver(house.store, house.kinds, WholeDay(DAY), house.policy, stop=lambda: mailer.stopping)


def states(house: House) -> Counter[str]:
    return Counter(row.state for row in house.rows(deliveries, deliveries.c.kind == DeliveryKind.MAIL))


@pytest.mark.parametrize(("last", "sent"), [(1, 2), (2, 2), (3, 4), (5, 5), (7, 7)])
def test_nothing_new_is_handed_over_and_claims_go_back(house: House, last: int, sent: int) -> None:
    mailer = Watched(last)
    counts = run(house, mailer)
    assert len(mailer.sent) == sent
    assert counts.kinds[DeliveryKind.MAIL].delivered == sent
    expected = {DeliveryState.DELIVERED: sent, DeliveryState.PLANNED: ORDERS - sent}
    assert states(house) == {state: number for state, number in expected.items() if number}
    left = house.rows(deliveries, deliveries.c.state == DeliveryState.PLANNED)
    assert {row.lease_until for row in left} <= {None}


def test_the_next_run_does_the_rest_and_nothing_twice(house: House) -> None:
    first, second = Watched(3), Watched(1000)
    run(house, first)
    run(house, second)
    assert len(first.sent) + len(second.sent) == ORDERS
    assert not {mail.key for mail in first.sent} & {mail.key for mail in second.sent}
    assert states(house) == {DeliveryState.DELIVERED: ORDERS}


def test_asked_before_it_begins_it_does_nothing(house: House) -> None:
    mailer = Watched(1)
    mailer.stopping = True
    before = house.rows(deliveries)
    counts = run(house, mailer)
    assert mailer.sent == []
    assert house.rows(deliveries) == before
    assert counts.kinds[DeliveryKind.MAIL].waiting == ORDERS
