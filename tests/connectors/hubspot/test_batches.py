import json
from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from connectors.hubspot.batches import Batches, ItemResult, Write
from connectors.hubspot.calls import Caller, OpenGate, Patience
from connectors.hubspot.errors import Busy, Denied, Refused, Unclear
from connectors.hubspot.objects import input_of
from connectors.hubspot.transport import Answer
from core.errors import RetriableError

Inputs = list[dict[str, Any]]


def marks(result: Mapping[str, Any]) -> Iterable[str]:
    return [str(result.get("objectWriteTraceId") or ""), str(result.get("id") or "")]


class Endpoint:
    """A batch endpoint that answers by what it is sent."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.sent: list[Inputs] = []

    def __call__(self, inputs: Inputs) -> Answer:
        self.sent.append(inputs)
        status, body = self.answer(inputs)
        octets = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return Answer(status, {}, octets)


def done(inputs: Inputs) -> list[dict[str, Any]]:
    return [
        {"id": f"#{one['objectWriteTraceId']}", "properties": one["properties"], "new": True,
         "objectWriteTraceId": one["objectWriteTraceId"]}
        for one in inputs
    ]  # fmt: skip


def run(endpoint: Endpoint, count: int = 3, *, repeatable: bool = True, parallel: int = 1) -> list[ItemResult]:
    caller = Caller(OpenGate(), Patience(attempts=2, first_pause=0.001), lambda seconds: None)
    writes = [Write(f"k{number}", {"a": str(number)}, f"id{number}") for number in range(count)]
    inputs = [(write.key, {**input_of(write), "id": write.id}) for write in writes]
    results = Batches(caller, parallel, repeatable).run(inputs, endpoint, marks)
    assert [result.key for result in results] == [write.key for write in writes]
    return results


def ids(results: list[ItemResult]) -> list[str]:
    return [result.id for result in results]


@pytest.mark.parametrize("status", [200, 201, 202, 207, 299])
def test_every_success_is_read_whatever_its_status(status: int) -> None:
    results = run(Endpoint(lambda inputs: (status, {"status": "COMPLETE", "results": list(reversed(done(inputs)))})))
    assert ids(results) == ["#k0", "#k1", "#k2"]
    assert [(result.new, result.error, result.properties) for result in results] == [
        (True, None, {"a": str(number)}) for number in range(3)
    ]


@pytest.mark.parametrize("parallel", [1, 4])
def test_a_hundred_go_at_once_and_no_more(parallel: int) -> None:
    endpoint = Endpoint(lambda inputs: (200, {"results": done(inputs)}))
    results = run(endpoint, 250, parallel=parallel)
    assert sorted(len(inputs) for inputs in endpoint.sent) == [50, 100, 100]
    assert ids(results) == [f"#k{number}" for number in range(250)]


def test_nothing_is_no_call() -> None:
    endpoint = Endpoint(lambda inputs: (200, {"results": []}))
    assert run(endpoint, 0) == []
    assert endpoint.sent == []


@pytest.mark.parametrize("status", [200, 201, 207])
@pytest.mark.parametrize("named", [{"objectWriteTraceId": ["k1"]}, {"ids": ["id1"]}, {"id": ["id1"]}])
def test_errors_inside_a_success_belong_to_their_records(status: int, named: dict[str, list[str]]) -> None:
    error = {
        "status": "error",
        "category": "VALIDATION_ERROR",
        "message": "Enter a number",
        "context": {**named, "propertyName": ["a"]},
    }
    body = {"status": "COMPLETE", "numErrors": 1, "errors": [error]}
    results = run(Endpoint(lambda inputs: (status, {**body, "results": done([inputs[0], inputs[2]])})))
    assert ids(results) == ["#k0", "", "#k2"]
    refusal = results[1].error
    assert isinstance(refusal, Refused)
    assert str(refusal) == ("HubSpot: refused (Enter a number, property a = '1', record k1, category VALIDATION_ERROR)")


def test_an_error_that_names_nobody_is_that_of_whoever_has_no_result() -> None:
    body = {"errors": [{"category": "VALIDATION_ERROR", "message": "no"}]}
    results = run(Endpoint(lambda inputs: (207, {**body, "results": done(inputs[:1])})))
    assert [type(result.error) for result in results] == [type(None), Refused, Refused]


def test_an_error_that_passes_is_put_off() -> None:
    body = {"errors": [{"category": "INTERNAL_ERROR", "message": "later", "context": {"ids": ["id2"]}}]}
    results = run(Endpoint(lambda inputs: (207, {**body, "results": done(inputs[:2])})))
    assert isinstance(results[2].error, Busy)


def test_a_record_without_a_word_is_unclear() -> None:
    results = run(Endpoint(lambda inputs: (200, {"status": "PENDING", "results": done(inputs[:2])})))
    assert [result.unclear for result in results] == [False, False, True]
    assert "state PENDING without a word on this record" in str(results[2].error)


@pytest.mark.parametrize("body", [b"<html>", b'{"results": [', None])
def test_a_write_whose_answer_cannot_be_read_is_unclear(body: bytes | None) -> None:
    results = run(Endpoint(lambda inputs: (201, body)), repeatable=False)
    assert all(result.unclear for result in results)


def test_one_bad_record_does_not_keep_a_hundred_out() -> None:
    def answer(inputs: Inputs) -> tuple[int, Any]:
        if any(one["id"] == "id77" for one in inputs):
            return 400, {"category": "VALIDATION_ERROR", "message": "one of them is bad"}
        return 200, {"results": done(inputs)}

    endpoint = Endpoint(answer)
    results = run(endpoint, 100)
    assert [result.key for result in results if result.error] == ["k77"]
    assert "record k77" in str(results[77].error)
    assert len(endpoint.sent) <= 15  # two for each halving


@pytest.mark.parametrize(
    "told",
    [
        {"context": {"ids": ["id77"]}},
        {"errors": [{"message": "bad", "context": {"objectWriteTraceId": ["k77"]}}]},
        {"context": {"propertyName": ["a"], "propertyValue": ["77"]}},
        {"message": 'Property values were not valid: [{"name":"a","propertyValue":"77","message":"bad"}]'},
    ],
)
def test_a_bad_record_that_is_named_costs_one_call(told: dict[str, Any]) -> None:
    def answer(inputs: Inputs) -> tuple[int, Any]:
        if any(one["id"] == "id77" for one in inputs):
            return 400, {"category": "VALIDATION_ERROR", "message": "bad", **told}
        return 200, {"results": done(inputs)}

    endpoint = Endpoint(answer)
    results = run(endpoint, 100)
    assert [result.key for result in results if result.error] == ["k77"]
    assert [len(inputs) for inputs in endpoint.sent] == [100, 99]


def test_a_rule_that_refuses_everything_is_not_found_out_record_by_record() -> None:
    message = "the property hs_x is required"
    endpoint = Endpoint(lambda inputs: (400, {"category": "VALIDATION_ERROR", "message": message}))
    results = run(endpoint, 100)
    kinds = [type(result.error) for result in results]
    assert kinds == [Refused] * 10 + [Busy] * 90
    assert "10 others were refused for one and the same reason" in str(results[99].error)
    assert len(endpoint.sent) < 40


def test_a_missing_object_is_not_searched_for_record_by_record() -> None:
    endpoint = Endpoint(lambda inputs: (404, {"category": "OBJECT_NOT_FOUND", "message": "no such object"}))
    results = run(endpoint, 50)
    assert {type(result.error) for result in results} == {Refused}
    assert len(endpoint.sent) == 1


def test_what_keeps_all_out_ends_the_rest() -> None:
    endpoint = Endpoint(lambda inputs: (401, {"category": "INVALID_AUTHENTICATION", "message": "no"}))
    results = run(endpoint, 500)
    assert len(endpoint.sent) == 1
    assert [type(result.error) for result in results] == [Denied] * 100 + [Busy] * 400


def test_a_limit_is_the_error_of_each_and_the_rest_is_tried() -> None:
    class Shut(OpenGate):
        def enter(self, *, search: bool) -> None:
            raise RetriableError("used up")

    caller = Caller(Shut(), Patience(), lambda seconds: None)
    results = Batches(caller, 1, True).run([("k", {"id": "1"})], Endpoint(lambda inputs: (200, {})), marks)
    assert [str(result.error) for result in results] == ["used up"]


def test_a_write_that_broke_off_is_unclear_for_every_record_and_not_repeated() -> None:
    endpoint = Endpoint(lambda inputs: (502, b"<html>"))
    results = run(endpoint, 2, repeatable=False)
    assert all(isinstance(result.error, Unclear) for result in results)
    assert len(endpoint.sent) == 1
