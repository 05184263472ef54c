"""The limits: never more calls than a window allows, whoever asks, and never hanging."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select, update

from core import limits as module
from core.errors import RetriableError
from core.limits import Block, Limits, Quota, Span, State, Window
from core.schema import call_limits
from core.store import Store, open_store, rehearse
from tests.builders import make_ledger
from tests.conftest import Prepared

MakeStore = Callable[[], Store]


@pytest.fixture
def make_store(prepared_store_url: Prepared) -> Iterator[MakeStore]:
    """Each call opens the same database afresh, as another process would."""
    url = prepared_store_url("ledger", make_ledger)
    opened: list[Store] = []

    def make() -> Store:
        opened.append(open_store(url))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


def most_within(moments: list[float], seconds: float) -> int:
    """The largest number of moments in any span of so many seconds, its end excluded."""
    moments = sorted(moments)
    first, most = 0, 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def stamped(limits: Limits, calls: int) -> list[float]:
    found = []
    for _ in range(calls):
        limits.take()
        found.append(time.monotonic())
    return found


def take_until(limits: Limits) -> int:
    """How many calls go until one is refused."""
    for went in range(1000):
        try:
            limits.take()
        except RetriableError:
            return went
    raise AssertionError("nothing was refused")


def state_of(store: Store) -> State:
    with store.read() as connection:
        kept = connection.execute(select(call_limits.c.state)).scalar_one()
    return State(**kept | {"spans": [Span(**span) for span in kept["spans"]]})


def put(store: Store, state: State) -> None:
    with store.begin() as connection:
        connection.execute(update(call_limits).values(state=asdict(state)))


class TestRule:
    """The pure rule, by a clock that the test moves."""

    @given(
        st.lists(
            st.tuples(st.integers(1, 40), st.sampled_from([0.5, 1.0, 5.0, 10.0, 20.0, 60.0, 180.0])),
            min_size=1,
            max_size=3,
        ),
        st.sampled_from([0.5, 0.95, 1.0]),
        st.lists(st.tuples(st.floats(0, 30), st.integers(1, 6), st.floats(0, 1)), min_size=5, max_size=60),
    )
    def test_no_span_ever_holds_more_than_its_window_allows(
        self, said: list[tuple[int, float]], share: float, steps: list[tuple[float, int, float]]
    ) -> None:
        windows = [Window(calls, seconds) for calls, seconds in said]
        quota, state, now = Quota(windows, share), State(), 1000.0
        used: list[float] = []
        for pause, want, part in steps:
            now += pause
            got = quota.reserve(state, now, 1, want, 1e9)
            while isinstance(got, float):
                now += got
                got = quota.reserve(state, now, 1, want, 1e9)
            assert got.first - now <= module.AHEAD_SECONDS
            spent = int(got.calls * part)
            for number in range(spent):  # as late as is allowed, in turn
                used.append(got.first + number * got.spacing + quota.lapse * (number % 2))
            got.spent = got.passed = spent
            if want % 2:
                quota.give_back(state, got)
            now = max(now, got.first + spent * got.spacing)
        for window in windows:
            assert most_within([round(moment, 6) for moment in used], window.seconds - 1e-5) <= window.calls

    def test_a_rate_is_spaced_and_a_budget_is_counted(self) -> None:
        quota = Quota([Window(100, 5), Window(1000, 180)], 0.95)
        assert quota.spacing == pytest.approx(5 / 95)
        assert [(window.calls, window.seconds) for window in quota.budgets] == [(950, 181.0)]
        assert quota.block == 9

    def test_full_speed_uses_nine_tenths_and_more_of_both_windows(self) -> None:
        quota, state, now, gone = Quota([Window(100, 5), Window(1000, 180)], 0.95), State(), 0.0, 0
        while now < 1800:
            got = quota.reserve(state, now, 1, quota.block, 1e9)
            if isinstance(got, float):
                now += got
            else:
                gone += got.calls
                now = got.next_at
        assert gone >= 0.9 * 10 * 1000
        assert len(state.spans) < 150

    def test_a_day_is_remembered_in_few_spans(self) -> None:
        quota, state, now, gone = Quota([Window(100_000, 86_400)], 0.95), State(), 0.0, 0
        while now < 200_000:
            got = quota.reserve(state, now, 1, 20, 1e9)
            assert isinstance(got, Block)
            gone += got.calls
            now += 40
        assert len(state.spans) < 250
        assert sum(span.calls for span in state.spans) == pytest.approx(86_400 / 2, rel=0.02)

    def test_what_was_not_used_is_given_back(self) -> None:
        quota, state = Quota([Window(100, 5), Window(1000, 180)], 0.95), State()
        got = quota.reserve(state, 100.0, 1, 9, 1e9)
        assert isinstance(got, Block)
        assert got.calls == 9
        got.spent, got.passed = 2, 3
        quota.give_back(state, got)
        assert [span.calls for span in state.spans] == [2]
        assert state.next_at == pytest.approx(100 + 3 * quota.spacing)

    def test_several_calls_at_once_keep_their_distance_on_both_sides(self) -> None:
        quota, state = Quota([Window(10, 1)], 1.0), State()
        moments = []
        now = 0.0
        for calls in (1, 4, 1, 1, 4, 4, 1, 1, 1, 1, 1):
            got = quota.reserve(state, now, calls, calls, 1e9)
            while isinstance(got, float):
                now += got
                got = quota.reserve(state, now, calls, calls, 1e9)
            moments += [got.first] * calls
            now = got.first
        assert most_within(moments, 1.0) <= 10

    def test_a_clock_that_jumps_back_delays_only_a_little(self) -> None:
        quota = Quota([Window(100, 5), Window(1000, 180)], 0.95)
        ahead = 1e6
        state = State(ahead, ahead, 20.0, [Span(ahead - 10, ahead, 400)])
        wait = quota.reserve(state, 1000.0, 1, 1, 1e9)
        assert isinstance(wait, float)
        assert wait == pytest.approx(20.0)
        assert isinstance(quota.reserve(state, 1021.0, 1, 1, 1e9), Block)
        assert sum(span.calls for span in state.spans) == 401, "what went still counts, as if it had just gone"

    @pytest.mark.parametrize(
        ("windows", "share"),
        [((), 0.95), ((Window(0, 5),), 0.95), ((Window(5, 0),), 0.95), ((Window(5, 5),), 0.0), ((Window(5, 5),), 1.1)],
    )
    def test_a_limit_that_makes_no_sense_is_refused(self, windows: tuple[Window, ...], share: float) -> None:
        with pytest.raises(ValueError, match="needs windows"):
            Quota(windows, share)


def test_a_rate_holds_over_several_processes(make_store: MakeStore) -> None:
    windows = (Window(20, 0.5),)
    several = [Limits(make_store().engine, "crm", windows) for _ in range(4)]
    with ThreadPoolExecutor(8) as threads:
        moments = [at for some in threads.map(lambda one: stamped(one, 8), [*several, *several]) for at in some]
    took = max(moments) - min(moments)
    assert len(moments) == 64
    assert most_within(moments, 0.5) <= 20
    assert took < 2 * 64 / (20 * 0.95) * 0.5, "slower than half of what the limit permits"


def test_a_budget_holds_over_several_processes(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RATE_SECONDS", 0.0)
    windows = (Window(20, 0.8),)
    several = [Limits(make_store().engine, "crm", windows) for _ in range(2)]
    with ThreadPoolExecutor(4) as threads:
        moments = [at for some in threads.map(lambda one: stamped(one, 12), [*several, *several]) for at in some]
    assert len(moments) == 48
    assert most_within(moments, 0.8) <= 20


def test_names_do_not_share(make_store: MakeStore) -> None:
    store = make_store()
    for name in ("one", "other"):
        Limits(store.engine, name, (Window(1, 60),), wait_at_most=0.2).take()
    with store.read() as connection:
        assert set(connection.execute(select(call_limits.c.name)).scalars()) == {"one", "other"}


def test_what_would_take_too_long_is_refused_at_once(make_store: MakeStore) -> None:
    store = make_store()
    Limits(store.engine, "crm", (Window(1, 60),)).take()
    began = time.monotonic()
    with pytest.raises(RetriableError, match=r"crm: its limit of calls is used up; the next may go in \d\d seconds"):
        Limits(store.engine, "crm", (Window(1, 60),), wait_at_most=5.0).take()
    assert time.monotonic() - began < 4


def test_a_thread_does_not_wait_longer_for_its_turn(make_store: MakeStore) -> None:
    limits = Limits(make_store().engine, "crm", (Window(2, 2.0),), wait_at_most=0.4)
    refused = threading.Event()

    def ask() -> None:
        try:
            limits.take()
        except RetriableError:
            refused.set()

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert refused.is_set()


def test_more_than_ever_fits_is_a_mistake(make_store: MakeStore) -> None:
    limits = Limits(make_store().engine, "crm", (Window(10, 1.0),))
    for calls in (0, 10, 11):
        with pytest.raises(ValueError, match="between 1 and 9 calls can be taken at once"):
            limits.take(calls)


def test_several_calls_are_taken_at_once(make_store: MakeStore) -> None:
    limits = Limits(make_store().engine, "crm", (Window(20, 0.5),), share=0.9)
    moments = []
    for calls in (5, 1, 5, 1, 1, 5):
        limits.take(calls)
        moments += [time.monotonic()] * calls
    assert most_within(moments, 0.5) <= 20


def test_a_hold_stops_everybody(make_store: MakeStore) -> None:
    mine, other = (Limits(make_store().engine, "crm", (Window(100, 1.0),)) for _ in range(2))
    mine.take()
    other.take()
    mine.hold(0.8)
    until = time.monotonic() + 0.75
    mine.take()
    assert time.monotonic() >= until
    mine.hold(30)
    mine.hold(1)
    with pytest.raises(RetriableError, match=r"in (2[5-9]|30) seconds"):
        Limits(make_store().engine, "crm", (Window(100, 1.0),), wait_at_most=1.0).take()


def test_a_hold_reaches_a_process_that_has_permits_left_within_a_second(make_store: MakeStore) -> None:
    mine, other = (Limits(make_store().engine, "crm", (Window(100, 1.0),), wait_at_most=1.0) for _ in range(2))
    stamped(other, 20)
    mine.hold(30)
    until = time.monotonic() + 1.0
    assert take_until(other) < 100
    assert time.monotonic() < until


def test_what_a_dead_process_had_reserved_counts_as_used(make_store: MakeStore) -> None:
    store = make_store()
    windows = (Window(100, 5.0), Window(40, 60.0))
    dead = Limits(store.engine, "crm", windows)
    stamped(dead, 6)
    reserved = sum(span.calls for span in state_of(store).spans)
    assert reserved >= 6
    heir = Limits(make_store().engine, "crm", windows, wait_at_most=0.5)
    assert take_until(heir) <= 38 - reserved


def test_slow_callers_waste_no_permits(make_store: MakeStore) -> None:
    store = make_store()
    limits = Limits(store.engine, "crm", (Window(200, 1.0), Window(1000, 180.0)))
    stamped(limits, 40)
    for _ in range(20):
        limits.take()
        time.sleep(0.03)
    assert 60 <= sum(span.calls for span in state_of(store).spans) <= 62


def test_many_calls_cost_few_commits(make_store: MakeStore) -> None:
    store = make_store()
    commits: list[object] = []
    event.listen(store.engine, "commit", commits.append)
    stamped(Limits(store.engine, "crm", (Window(200, 1.0),)), 100)
    assert len(commits) < 40


def test_a_clock_that_was_set_back_does_not_hang_it(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store()
    Limits(store.engine, "crm", (Window(100, 1.0), Window(1000, 180.0))).take()
    ahead = time.time() + 86_400
    put(store, State(ahead, ahead, 0.2, [Span(ahead - 5, ahead, 400)]))
    monkeypatch.setattr(module, "_LATEST", 0.5)
    began = time.monotonic()
    Limits(store.engine, "crm", (Window(100, 1.0), Window(1000, 180.0))).take()
    assert time.monotonic() - began < 5


def test_a_slow_disk_does_not_let_every_permit_lapse(make_store: MakeStore) -> None:
    store = make_store()

    def slowly(_connection: object) -> None:
        time.sleep(0.2)

    event.listen(store.engine, "commit", slowly)
    limits = Limits(store.engine, "crm", (Window(10, 1.0),), wait_at_most=10.0)
    moments = stamped(limits, 5)
    assert most_within(moments, 1.0) <= 10


def test_who_always_wakes_late_gets_through(make_store: MakeStore, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = Limits(make_store().engine, "crm", (Window(100, 2.0),), wait_at_most=10.0)
    stamped(limits, 30)
    real = time.sleep
    monkeypatch.setattr(time, "sleep", lambda seconds: real(seconds + 0.1))
    assert len(stamped(limits, 6)) == 6


def test_a_rehearsal_may_call_too(make_store: MakeStore) -> None:
    store = make_store()
    windows = (Window(100, 1.0), Window(8, 60.0))
    stamped(Limits(store.engine, "crm", windows), 3)
    with rehearse(store) as rehearsal, rehearsal.begin() as connection:
        connection.execute(select(call_limits))
        limits = Limits(store.engine, "crm", windows, wait_at_most=1.0)
        assert 1 <= take_until(limits) <= 5, "what went before the rehearsal counts"
    with pytest.raises(RetriableError):
        stamped(Limits(store.engine, "crm", windows, wait_at_most=1.0), 9)
