"""One holder per step, a lease that lapses, and no day before the last one."""

import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core.errors import StoreError, UsageError
from core.locks import LEASE, Lock, holding
from core.schema import engine_locks
from core.store import Store, open_store
from tests.builders import make_ledger
from tests.conftest import Prepared

DAY = date(2026, 3, 2)
NEXT = DAY + timedelta(days=1)


@pytest.fixture
def stores(prepared_store_url: Prepared) -> Iterator[tuple[Store, Store]]:
    """One database as two processes see it."""
    url = prepared_store_url("ledger", make_ledger)
    both = open_store(url), open_store(url)
    yield both
    for store in both:
        store.close()


def row(store: Store, step: str = "plan") -> Any:
    with store.read() as connection:
        return connection.execute(select(engine_locks).where(engine_locks.c.step == step)).one()


def let_lapse(store: Store) -> None:
    with store.begin() as connection:
        connection.execute(update(engine_locks).values(lease_until=datetime.now(UTC) - timedelta(seconds=1)))


def renew(store: Store, lock: Lock) -> None:
    with store.begin() as connection:
        lock.renew(connection)


class TestHolding:
    def test_it_is_held_for_the_block_and_free_after_it(self, stores: tuple[Store, Store]) -> None:
        first, second = stores
        with holding(first, "plan", DAY, 0) as lock:
            held = row(second)
            assert held.token == lock.token
            assert datetime.now(UTC) < held.lease_until <= datetime.now(UTC) + LEASE
            assert held.holder.rpartition(":")[2].isdigit()
        assert (row(first).token, row(first).holder, row(first).lease_until) == (None, None, None)
        with holding(second, "plan", DAY, 0):
            assert row(first).token is not None

    def test_the_second_waits_and_then_fails_with_one_clear_line(self, stores: tuple[Store, Store]) -> None:
        first, second = stores
        with holding(first, "plan", DAY, 0):
            started = time.monotonic()
            with pytest.raises(StoreError) as told, holding(second, "plan", DAY, 0.2):
                pytest.fail("both hold it")
            assert time.monotonic() - started >= 0.2
            assert str(told.value).startswith("the step plan is held by ")
            assert str(told.value).endswith(" UTC; run it again when that has ended")
            assert "\n" not in str(told.value)

    def test_the_second_gets_it_when_the_first_has_ended(self, stores: tuple[Store, Store]) -> None:
        first, second = stores
        taken = threading.Event()

        def hold() -> None:
            with holding(first, "plan", DAY, 0):
                taken.set()
                time.sleep(0.2)

        holder = threading.Thread(target=hold)
        holder.start()
        assert taken.wait(10)
        with holding(second, "plan", DAY, 20) as lock:
            assert row(second).token == lock.token
        holder.join()

    def test_steps_do_not_hold_each_other(self, stores: tuple[Store, Store]) -> None:
        first, second = stores
        with holding(first, "plan", DAY, 0), holding(second, "sync", DAY, 0) as lock:
            assert row(first, "sync").token == lock.token

    def test_a_failure_in_the_block_frees_it(self, stores: tuple[Store, Store]) -> None:
        first, second = stores
        with pytest.raises(KeyError), holding(first, "plan", DAY, 0):
            raise KeyError
        with holding(second, "plan", DAY, 0) as lock:
            assert row(first).token == lock.token

    def test_many_at_once_get_it_one_after_the_other(self, stores: tuple[Store, Store]) -> None:
        inside, most, failures = 0, 0, []

        def work(store: Store) -> None:
            nonlocal inside, most
            try:
                with holding(store, "first", DAY, 30):
                    inside += 1
                    most = max(most, inside)
                    inside -= 1
            except Exception as error:
                failures.append(error)

        threads = [threading.Thread(target=work, args=(stores[number % 2],)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        assert most == 1


class TestLease:
    def test_renewing_prolongs_it(self, stores: tuple[Store, Store]) -> None:
        first, _ = stores
        with holding(first, "plan", DAY, 0) as lock:
            let_lapse(first)
            renew(first, lock)
            assert row(first).lease_until > datetime.now(UTC) + LEASE / 2

    def test_a_lapsed_one_is_taken_over_and_the_first_holder_stops(self, stores: tuple[Store, Store]) -> None:
        first, second = stores
        with holding(first, "plan", DAY, 0) as lost:
            let_lapse(first)
            with holding(second, "plan", DAY, 0) as lock:
                with pytest.raises(StoreError, match="another process has taken over the step plan; this one stops"):
                    renew(first, lost)
                with pytest.raises(StoreError, match="taken over"), first.begin() as connection:
                    lost.done(connection, NEXT)
                renew(second, lock)
                assert row(first).last_day is None

    def test_the_first_holder_does_not_free_what_another_has_taken(self, stores: tuple[Store, Store]) -> None:
        first, second = stores
        with holding(first, "plan", DAY, 0):
            let_lapse(first)
            other = holding(second, "plan", DAY, 0)
            lock = other.__enter__()
        assert row(first).token == lock.token
        other.__exit__(None, None, None)
        assert row(first).token is None


class TestDays:
    def do(self, store: Store, day: date) -> None:
        with holding(store, "plan", day, 0) as lock, store.begin() as connection:
            lock.done(connection, day)

    def test_a_day_before_the_last_one_is_refused(self, stores: tuple[Store, Store]) -> None:
        first, second = stores
        self.do(first, NEXT)
        words = "plan has been done for 2026-03-03 already; a day before it (2026-03-02) cannot be done any more"
        with pytest.raises(UsageError) as told:
            self.do(second, DAY)
        assert str(told.value) == words
        assert row(first).token is None

    def test_the_same_day_and_a_later_one_are_not(self, stores: tuple[Store, Store]) -> None:
        for day in (DAY, DAY, NEXT):
            self.do(stores[0], day)
        assert row(stores[0]).last_day == NEXT

    def test_only_what_was_done_counts(self, stores: tuple[Store, Store]) -> None:
        first, _ = stores
        with holding(first, "plan", NEXT, 0):
            assert row(first).last_day is None
        self.do(first, DAY)
        assert row(first).last_day == DAY

    def test_each_step_has_its_own_last_day(self, stores: tuple[Store, Store]) -> None:
        first, _ = stores
        self.do(first, NEXT)
        with holding(first, "sync", DAY, 0) as lock:
            assert row(first, "sync").token == lock.token
