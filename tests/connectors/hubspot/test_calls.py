from collections.abc import Mapping
from typing import Any

import pytest
import urllib3

from connectors.hubspot.calls import Caller, OpenGate, Patience
from connectors.hubspot.errors import Broken, Busy, Refused, Unclear
from connectors.hubspot.transport import Answer
from core.errors import RetriableError

OK = Answer(200, {}, b'{"a": 1}')
LIMITED = Answer(429, {}, b'{"policyName": "TEN_SECONDLY_ROLLING"}')
GONE = Answer(502, {}, b"<html>")
CUT = urllib3.exceptions.ProtocolError("cut")


class Script:
    """Calls that end as told, in turn."""

    def __init__(self, *ends: Answer | Exception) -> None:
        self.ends = list(ends)
        self.made = 0

    def __call__(self) -> Answer:
        self.made += 1
        end = self.ends.pop(0)
        if isinstance(end, Exception):
            raise end
        return end


class NotedGate(OpenGate):
    def __init__(self) -> None:
        self.entered: list[bool] = []
        self.held: list[float] = []
        self.heard: list[Mapping[str, str]] = []

    def enter(self, *, search: bool) -> None:
        self.entered.append(search)

    def heed(self, headers: Mapping[str, str]) -> None:
        self.heard.append(headers)

    def hold(self, seconds: float) -> None:
        self.held.append(seconds)


@pytest.fixture
def gate() -> NotedGate:
    return NotedGate()


@pytest.fixture
def slept() -> list[float]:
    return []


@pytest.fixture
def caller(gate: NotedGate, slept: list[float]) -> Caller:
    return Caller(gate, Patience(attempts=3, first_pause=0.5, longest_pause=30.0), slept.append)


def test_each_attempt_asks_the_limits_first_and_tells_them_the_answer(caller: Caller, gate: NotedGate) -> None:
    assert caller.make(Script(GONE, OK), repeatable=True, search=True) is OK
    assert gate.entered == [True, True]
    assert gate.heard == [{}, {}]


@pytest.mark.parametrize("repeatable", [True, False])
def test_what_was_not_done_is_called_again_even_for_a_write(
    caller: Caller, gate: NotedGate, slept: list[float], repeatable: bool
) -> None:
    call = Script(LIMITED, LIMITED, OK)
    assert caller.make(call, repeatable=repeatable) is OK
    assert (call.made, slept, gate.held) == (3, [10.0, 10.0], [10.0, 10.0])


@pytest.mark.parametrize("end", [GONE, CUT])
def test_what_may_have_been_done_is_called_again_only_where_that_does_no_harm(
    caller: Caller, end: Answer | Exception
) -> None:
    again, once = Script(end, OK), Script(end, OK)
    assert caller.make(again, repeatable=True) is OK
    with pytest.raises(Unclear):
        caller.make(once, repeatable=False)
    assert (again.made, once.made) == (2, 1)


def test_pauses_grow_until_the_attempts_are_used_up(caller: Caller, slept: list[float]) -> None:
    call = Script(GONE, CUT, GONE, OK)
    with pytest.raises(Unclear, match="could not answer now"):
        caller.make(call, repeatable=True)
    assert call.made == 3
    assert 0.5 <= slept[0] <= 0.75 < 1.0 <= slept[1] <= 1.5


def test_a_refusal_is_not_repeated(caller: Caller) -> None:
    call = Script(Answer(400, {}, b'{"category": "VALIDATION_ERROR"}'), OK)
    with pytest.raises(Refused):
        caller.make(call, repeatable=True)
    assert call.made == 1


def test_a_long_pause_is_left_to_a_later_run(caller: Caller, gate: NotedGate, slept: list[float]) -> None:
    call = Script(Answer(477, {"retry-after": "3600"}, b""), OK)
    with pytest.raises(Busy) as error:
        caller.make(call, repeatable=True)
    assert (call.made, slept, gate.held) == (1, [], [3600.0])
    assert error.value.retry_after == 3600.0


def test_a_used_up_limit_of_ours_keeps_the_call_from_being_made(slept: list[float]) -> None:
    class Shut(OpenGate):
        def enter(self, *, search: bool) -> None:
            raise RetriableError("used up")

    call = Script(OK)
    with pytest.raises(RetriableError, match="used up"):
        Caller(Shut(), Patience(), slept.append).make(call, repeatable=True)
    assert call.made == 0


def test_an_answer_is_read_as_json(caller: Caller) -> None:
    assert caller.ask(Script(OK)) == {"a": 1}
    assert caller.ask(Script(Answer(204, {}, b""))) is None


@pytest.mark.parametrize(("repeatable", "error"), [(True, Broken), (False, Unclear)])
def test_a_success_that_cannot_be_read_is_no_success(caller: Caller, repeatable: bool, error: Any) -> None:
    with pytest.raises(error, match="answered 201 with something that is not JSON"):
        caller.ask(Script(Answer(201, {}, b'{"results": [')), repeatable=repeatable)
