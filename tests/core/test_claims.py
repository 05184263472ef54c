from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import insert, update

from core.claims import Claimer, release_lapsed
from core.schema import deliveries
from core.words import DeliveryKind
from tests.builders import House
from tests.core.conftest import MakeHouse

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
LEASE = timedelta(minutes=5)


def waiting(count: int, kind: str = "mail") -> list[dict[str, object]]:
    return [
        {
            "key": f"{kind}:{number}",
            "kind": kind,
            "channel": "mail",
            "state": "planned",
            "day": date(2026, 6, 10),
            "send_after": NOON - timedelta(minutes=number),
        }
        for number in range(count)
    ]


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    house = make_house()
    house.write(insert(deliveries).values(waiting(6)))
    return house


def claim(house: House, run: str, limit: int = 10, until: datetime = NOON) -> Sequence[int]:
    return Claimer(run, LEASE).claim(house.store, DeliveryKind.MAIL, until, limit)


def states(house: House) -> list[str]:
    return [row.state for row in house.rows(deliveries)]


def test_the_longest_waiting_are_claimed_first(house: House) -> None:
    assert claim(house, "a", 2) == [5, 6]
    assert states(house) == ["planned"] * 4 + ["claimed"] * 2
    row = house.rows(deliveries)[-1]
    assert row.token == "a"
    assert timedelta(minutes=4) < row.lease_until - datetime.now(UTC) <= LEASE


def test_only_what_is_due_and_of_the_kind_is_claimed(house: House) -> None:
    house.write(insert(deliveries).values(waiting(1, "record")))
    assert claim(house, "a", until=NOON - timedelta(minutes=3)) == [4, 5, 6]


def test_nobody_claims_what_another_holds(house: House) -> None:
    claim(house, "a", 4)
    assert claim(house, "b") == [1, 2]
    assert claim(house, "c") == []


def test_a_run_tries_nothing_twice_the_next_one_does(house: House) -> None:
    mine = Claimer("a", LEASE)
    ids = mine.claim(house.store, DeliveryKind.MAIL, NOON, 2)
    mine.give_back(house.store, ids)
    assert states(house) == ["planned"] * 6
    assert claim(house, "a") == [1, 2, 3, 4]
    assert claim(house, "b") == [5, 6]


def test_giving_back_leaves_what_is_not_claimed_alone(house: House) -> None:
    mine = Claimer("a", LEASE)
    ids = mine.claim(house.store, DeliveryKind.MAIL, NOON, 2)
    house.write(update(deliveries).where(deliveries.c.id == ids[0]).values(state="sending"))
    mine.give_back(house.store, [*ids, 1])
    Claimer("b", LEASE).give_back(house.store, ids)
    mine.give_back(house.store, [])
    assert states(house)[4:] == ["sending", "planned"]


def test_held_are_only_those_still_ours(house: House) -> None:
    mine = Claimer("a", LEASE)
    ids = mine.claim(house.store, DeliveryKind.MAIL, NOON, 3)
    house.write(update(deliveries).where(deliveries.c.id == ids[0]).values(state="withdrawn"))
    house.write(update(deliveries).where(deliveries.c.id == ids[1]).values(token="b"))
    with house.store.begin() as connection:
        assert [row.id for row in mine.held(connection, ids)] == [ids[2]]


def test_sending_counts_the_try_and_begins_a_lease(house: House) -> None:
    mine = Claimer("a", LEASE)
    ids = mine.claim(house.store, DeliveryKind.MAIL, NOON, 1)
    with house.store.begin() as connection:
        mine.mark_sending(connection, ids)
    row = house.rows(deliveries)[-1]
    assert (row.state, row.attempts) == ("sending", 1)
    assert row.sending_at is not None
    assert row.lease_until > row.sending_at


def test_what_a_dead_process_held(house: House) -> None:
    claim(house, "dead", 4)
    over, later = datetime.now(UTC) - timedelta(seconds=1), datetime.now(UTC) + timedelta(minutes=1)
    house.write(update(deliveries).where(deliveries.c.id.in_([4, 6])).values(state="sending"))
    house.write(update(deliveries).where(deliveries.c.id.in_([3, 4])).values(lease_until=over))
    house.write(update(deliveries).where(deliveries.c.id.in_([5, 6])).values(lease_until=later))
    release_lapsed(house.store)
    assert states(house) == ["planned", "planned", "planned", "uncertain", "claimed", "sending"]
    assert house.rows(deliveries)[3].error == "the process ended during the call"
    assert 3 in claim(house, "dead")  # the name of a dead run keeps nothing back


def test_many_at_once_share_without_overlap(house: House) -> None:
    house.write(insert(deliveries).values([row | {"key": f"more:{row['key']}"} for row in waiting(60)]))
    start, found = Barrier(4), dict[str, list[int]]()

    def work(run: str) -> None:
        mine = Claimer(run, LEASE)
        start.wait()
        taken: list[int] = []
        while ids := mine.claim(house.store, DeliveryKind.MAIL, NOON, 5):
            taken += ids
        found[run] = taken

    threads = [Thread(target=work, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    claimed = [id for ids in found.values() for id in ids]
    assert sorted(claimed) == list(range(1, 67))
