from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.circuits import Circuit, CircuitState, after_failure, failed_for_everything
from core.errors import (
    ConfigurationError,
    FatalError,
    NolapseError,
    PostponedError,
    RetriableError,
    SkippableError,
    StoreError,
)
from core.ports import Handed, Result

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
PAUSE = timedelta(seconds=300)


def failed(error: NolapseError) -> Result:
    return Result("k", Handed.FAILED, error=error)


def after(times: int, break_after: int = 5) -> Circuit:
    circuit = Circuit()
    for number in range(times):
        circuit = after_failure(circuit, f"failure {number + 1}", NOW, break_after, PAUSE)
    return circuit


def test_a_new_circuit_is_closed() -> None:
    assert Circuit().state(NOW, PAUSE) is CircuitState.CLOSED


def test_it_breaks_at_the_set_number_of_failures_and_not_before() -> None:
    assert after(4).state(NOW, PAUSE) is CircuitState.CLOSED
    broken = after(5)
    assert broken.state(NOW, PAUSE) is CircuitState.OPEN
    assert (broken.failures, broken.broken_until, broken.why) == (5, NOW + PAUSE, "failure 5")


@pytest.mark.parametrize(
    ("later", "state"),
    [
        (timedelta(0), CircuitState.OPEN),
        (PAUSE - timedelta(microseconds=1), CircuitState.OPEN),
        (PAUSE, CircuitState.HALF_OPEN),
        (timedelta(days=3), CircuitState.HALF_OPEN),
    ],
)
def test_after_the_pause_one_item_may_be_tried(later: timedelta, state: CircuitState) -> None:
    assert after(5).state(NOW + later, PAUSE) is state


def test_a_failed_trial_opens_it_for_a_whole_pause_again() -> None:
    later = NOW + timedelta(hours=1)
    again = after_failure(after(5), "still down", later, 5, PAUSE)
    assert (again.failures, again.broken_until, again.why) == (6, later + PAUSE, "still down")
    assert again.state(later, PAUSE) is CircuitState.OPEN


def test_a_clock_that_was_set_back_does_not_keep_it_open() -> None:
    assert after(5).state(NOW - timedelta(hours=2), PAUSE) is CircuitState.HALF_OPEN


def test_zero_never_breaks_it() -> None:
    assert after(100, break_after=0).state(NOW, PAUSE) is CircuitState.CLOSED


@given(break_after=st.integers(1, 20), times=st.integers(0, 40), seconds=st.integers(1, 10_000))
def test_it_is_open_exactly_while_it_rests(break_after: int, times: int, seconds: int) -> None:
    circuit = after(times, break_after)
    state = circuit.state(NOW + timedelta(seconds=seconds), PAUSE)
    if times < break_after:
        assert state is CircuitState.CLOSED
    else:
        assert state is (CircuitState.OPEN if seconds < PAUSE.total_seconds() else CircuitState.HALF_OPEN)


@pytest.mark.parametrize(
    "results",
    [
        [failed(RetriableError("busy"))],
        [failed(FatalError("closed")), failed(ConfigurationError("login"))],
        [failed(StoreError("full"))],
        [Result("k", Handed.UNCERTAIN)],
        [Result("k", Handed.UNCERTAIN, error=RetriableError("no answer")), failed(RetriableError("busy"))],
    ],
)
def test_what_speaks_against_the_connector(results: list[Result]) -> None:
    assert failed_for_everything(results)


@pytest.mark.parametrize(
    "results",
    [
        [],
        [Result("k", Handed.DELIVERED)],
        [failed(RetriableError("busy")), Result("k", Handed.DELIVERED)],
        [failed(SkippableError("no such address"))],
        [failed(PostponedError("greylisted")), failed(PostponedError("greylisted"))],
        [failed(RetriableError("busy")), failed(SkippableError("no such address"))],
    ],
)
def test_what_shows_that_the_connector_works(results: list[Result]) -> None:
    assert not failed_for_everything(results)
