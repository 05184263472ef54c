from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import pytest
from sqlalchemy.engine import Connection

from core import looks
from core.errors import RetriableError, SkippableError
from core.locks import holding
from core.looks import CrmLooker, LookCounts, OrderLooker, Storing
from core.model import OrderFacts
from core.ports import CrmChange
from core.reasons import Reason
from core.schema import orders
from core.store import Store, open_store
from core.timing import Timer, WholeDay
from core.words import Certainty, OrderStatus, Stage
from tests.builders import House, facts, make_live_ledger
from tests.conftest import Prepared
from tests.core.conftest import MakeHouse

DAY = WholeDay(date(2026, 6, 10))
on_sqlite = pytest.mark.parametrize("prepared_store_url", ["sqlite"], indirect=True)


class Noting:
    """Notes what it is asked about; `during` happens while it is."""

    def __init__(self, during: object = None) -> None:
        self.asked: list[list[str]] = []
        self.stored = 0
        self._during = during

    def __call__(self, things: Sequence[str]) -> Storing:
        self.asked.append(list(things))
        if isinstance(self._during, Exception):
            raise self._during
        if callable(self._during):
            self._during()
        return self._store

    def _store(self, connection: Connection, timer: Timer) -> None:
        self.stored += 1


@pytest.fixture
def store(prepared_store_url: Prepared) -> Iterator[Store]:
    store = open_store(prepared_store_url("live", make_live_ledger))
    yield store
    store.close()


def note(store: Store, *things: str, system: str = "ca") -> None:
    with store.begin() as connection:
        looks.note(connection, system, things, DAY)


def waiting(store: Store) -> list[str]:
    with store.read() as connection:
        return [row.thing for row in connection.execute(looks.looks.select().order_by(looks.looks.c.id))]


def test_each_thing_is_asked_about_once_in_its_turn(store: Store) -> None:
    note(store, "2", "1", "2")
    note(store, "1", "3")
    looker = Noting()
    assert looks.are_waiting(store)
    assert looks.look(store, {"ca": looker, "other": Noting()}, DAY) == LookCounts(seen=3)
    assert looker.asked == [["2", "1", "3"]]
    assert not looks.are_waiting(store)


def test_many_go_in_batches(store: Store) -> None:
    note(store, *(str(number) for number in range(70)))
    looker = Noting()
    assert looks.look(store, {"ca": looker}, DAY).seen == 70
    assert [len(things) for things in looker.asked] == [50, 20]


def test_what_is_noted_again_while_it_is_asked_about_stays(store: Store) -> None:
    note(store, "1", "2")
    looks.look(store, {"ca": Noting(lambda: note(store, "2"))}, DAY)
    assert waiting(store) == ["2"]


@on_sqlite
def test_a_system_that_does_not_answer_holds_up_no_other(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    note(store, "1")
    note(store, "2", system="other")
    lookers = {"ca": Noting(RetriableError("it does not answer")), "other": Noting()}
    assert looks.look(store, lookers, DAY) == LookCounts(seen=1, waiting=1)
    assert waiting(store) == ["1"]
    assert "ca: what was told is looked at later: it does not answer" in caplog.text


@on_sqlite
def test_while_a_sync_is_under_way_nothing_is_asked(store: Store) -> None:
    note(store, "1")
    looker = Noting()
    with holding(store, "sync", DAY.day, 0):
        assert looks.look(store, {"ca": looker}, DAY) == LookCounts(waiting=1)
    assert looker.asked == []


class TestOrders:
    """What an order source says of single orders counts as what it says in a pass."""

    def looked(self, house: House, *rows: OrderFacts, tell: Sequence[str] = ()) -> None:
        house.source.rows = rows
        note(house.store, *(tell or [row.key for row in rows]), system="memory")
        looker = OrderLooker(house.source, house.policy, records=True)
        looks.look(house.store, {"memory": looker}, DAY)
        house.settle(DAY.day)

    def test_a_renewal_closes_the_order_that_it_renews(self, make_house: MakeHouse) -> None:
        house = make_house([facts("1", ends_on=date(2026, 7, 1))])
        house.sync(DAY.day)
        new = facts("2", ends_on=date(2027, 7, 1), starts_on=DAY.day, renewal_of="digicert:1")
        self.looked(house, new)
        assert house.cycles("1")[0].outcome == Reason.RENEWED
        self.looked(house, new)
        assert len(house.rows(orders)) == 2

    @on_sqlite
    def test_a_rejection_reopens_what_waited_for_it(self, make_house: MakeHouse) -> None:
        house = make_house([facts("1", ends_on=date(2026, 7, 1))])
        house.sync(DAY.day)
        usual: dict[str, Any] = {"ends_on": date(2027, 7, 1), "starts_on": DAY.day, "renewal_of": "digicert:1"}
        self.looked(house, facts("2", status=OrderStatus.PENDING, certificate_issued_on=None, **usual))
        (cycle,) = house.cycles("1")
        assert (cycle.stage, cycle.certainty) == (Stage.IN_PROGRESS, Certainty.IN_PROGRESS)
        self.looked(house, facts("2", status=OrderStatus.REJECTED, certificate_issued_on=None, **usual))
        assert house.cycles("1")[0].stage == Stage.UPCOMING

    @on_sqlite
    def test_what_its_source_does_not_know_is_let_go(
        self, make_house: MakeHouse, caplog: pytest.LogCaptureFixture
    ) -> None:
        house = make_house()
        self.looked(house, tell=["digicert:9"])
        assert waiting(house.store) == []

        class Strange(type(house.source)):  # type: ignore[misc]
            def order(self, key: str) -> OrderFacts | None:
                raise SkippableError("order_expires_on: no date")

        house.source.__class__ = Strange
        self.looked(house, tell=["digicert:8"])
        assert waiting(house.store) == []
        assert "digicert:8 is left as it is: order_expires_on: no date" in caplog.text


@on_sqlite
def test_a_crm_is_asked_what_people_changed(make_house: MakeHouse) -> None:
    house = make_house([facts("1", ends_on=date(2026, 7, 1))])
    house.sync(DAY.day)

    class Rereading:
        name = "crm"

        def changes_of(self, things: Sequence[str]) -> Sequence[CrmChange]:
            assert things == ["ticket:7"]
            return [CrmChange("crm:7", "stage", order_key="digicert:1", value=Stage.COMMITTED)]

    note(house.store, "ticket:7", system="crm")
    looks.look(house.store, {"crm": CrmLooker(Rereading(), house.policy)}, DAY)
    assert house.cycles("1")[0].stage == Stage.COMMITTED
