from datetime import UTC, datetime
from typing import Any

import pytest
import urllib3

from connectors.hubspot.errors import Broken, Busy, Denied, HubSpotError, Refused, Unclear
from connectors.hubspot.retry import Again, Verdict, retry_after, weigh, weigh_silence
from connectors.hubspot.transport import Answer
from core.errors import ConfigurationError, FatalError, RetriableError, SkippableError
from tests.connectors.hubspot.scripted import free_port

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def verdict(status: int, body: bytes = b"", **headers: str) -> Verdict:
    return weigh(Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body), NOW)


@pytest.mark.parametrize(
    ("status", "error", "again"),
    [
        (400, Refused, Again.NEVER),
        (401, Denied, Again.NEVER),
        (403, Denied, Again.NEVER),
        (404, Refused, Again.NEVER),
        (405, Denied, Again.NEVER),
        (408, Unclear, Again.IF_REPEATABLE),
        (409, Refused, Again.NEVER),
        (413, Refused, Again.NEVER),
        (423, Busy, Again.ALWAYS),
        (429, Busy, Again.ALWAYS),
        (477, Busy, Again.ALWAYS),
        (500, Unclear, Again.IF_REPEATABLE),
        (502, Unclear, Again.IF_REPEATABLE),
        (503, Unclear, Again.IF_REPEATABLE),
        (504, Unclear, Again.IF_REPEATABLE),
        (524, Unclear, Again.IF_REPEATABLE),
        (302, Denied, Again.NEVER),
        (101, Broken, Again.NEVER),
        (505, Broken, Again.NEVER),
        (999, Broken, Again.NEVER),
    ],
)
def test_each_status_has_its_verdict(status: int, error: type[HubSpotError], again: Again) -> None:
    found = verdict(status)
    assert type(found.error) is error
    assert found.again is again
    assert str(found.error).startswith("HubSpot: ")


def test_the_errors_are_named_by_what_the_caller_must_do() -> None:
    kinds = {
        Refused: SkippableError,
        Denied: ConfigurationError,
        Busy: RetriableError,
        Unclear: RetriableError,
        Broken: FatalError,
    }
    for ours, core in kinds.items():
        assert issubclass(ours, core)
        assert ours("x").permanent is core("x").permanent


@pytest.mark.parametrize(
    ("policy", "pause"), [("SECONDLY", 1.0), ("TEN_SECONDLY_ROLLING", 10.0), ("SOMETHING_NEW", 10.0)]
)
def test_a_limit_is_waited_out_by_its_policy_and_by_all(policy: str, pause: float) -> None:
    found = verdict(429, b'{"policyName": "%s", "errorType": "RATE_LIMIT"}' % policy.encode())
    assert (found.again, found.pause, found.holds) == (Again.ALWAYS, pause, True)
    assert found.error.details.category == "RATE_LIMIT"


def test_a_retry_after_longer_than_the_policy_is_obeyed() -> None:
    assert verdict(429, b'{"policyName": "SECONDLY"}', retry_after="17").pause == 17.0


def test_a_day_that_is_used_up_is_not_waited_for() -> None:
    found = verdict(429, b'{"policyName": "DAILY"}')
    assert (found.again, found.holds) == (Again.NEVER, True)
    assert "midnight" in str(found.error)


@pytest.mark.parametrize(("said", "pause"), [("", 2.0), ("1", 2.0), ("9", 9.0)])
def test_a_lock_is_waited_for_two_seconds_at_least(said: str, pause: float) -> None:
    found = verdict(423, retry_after=said)
    assert (found.pause, found.holds) == (pause, False)


@pytest.mark.parametrize(("said", "pause"), [("", 10.0), ("3", 3.0)])
def test_a_move_of_the_account_holds_everybody(said: str, pause: float) -> None:
    found = verdict(477, retry_after=said)
    assert (found.pause, found.holds) == (pause, True)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("12", 12.0),
        ("0.5", 0.5),
        ("Sat, 21 Nov 2026 09:00:30 GMT", 30.0),
        ("Sat, 21 Nov 2026 08:00:00 GMT", 0.0),
        ("Sat, 21 Nov 2026 09:00:30 -0000", 30.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(said: str, seconds: float | None) -> None:
    assert retry_after(Answer(429, {"retry-after": said}, b""), NOW) == seconds


def test_missing_scopes_are_named() -> None:
    body = (
        b'{"category": "MISSING_SCOPES", "message": "This app hasn\'t been granted all required scopes", "errors": '
        b'[{"message": "one of", "context": {"requiredGranularScopes": ["crm.objects.deals.read", "tickets"]}}]}'
    )
    assert "add crm.objects.deals.read or tickets to its app or key" in str(verdict(403, body).error)
    assert "`nolapse check`" in str(verdict(403, b'{"category": "MISSING_SCOPES"}').error)
    assert "subscription" in str(verdict(403, b"<html>").error)


def test_a_missing_property_is_the_operators_to_mend() -> None:
    body = (
        b'{"category": "VALIDATION_ERROR", "message": "Property values were not valid: [{\\"isValid\\":false,'
        b'\\"message\\":\\"Property \\\\\\"nolapse_x\\\\\\" does not exist\\",\\"error\\":\\"PROPERTY_DOESNT_EXIST\\",'
        b'\\"name\\":\\"nolapse_x\\"}]"}'
    )
    found = verdict(400, body)
    assert isinstance(found.error, Denied)
    assert "`nolapse setup hubspot`" in str(found.error)
    assert found.error.details.property == "nolapse_x"


def silence(*mistake: Any) -> Verdict:
    return weigh_silence(*mistake)


def test_without_a_connection_nothing_was_done() -> None:
    pool = urllib3.PoolManager(retries=False, timeout=60.0)
    with pytest.raises(urllib3.exceptions.HTTPError) as error:
        pool.request("POST", f"http://127.0.0.1:{free_port()}/")
    found = silence(error.value)
    assert (type(found.error), found.again) == (Busy, Again.ALWAYS)
    assert "check the network" in str(found.error)


@pytest.mark.parametrize(
    "mistake",
    [
        urllib3.exceptions.ReadTimeoutError(None, "/", "slow"),  # type: ignore[arg-type]
        urllib3.exceptions.ProtocolError("Connection aborted."),
        urllib3.exceptions.SSLError("EOF occurred in violation of protocol"),
    ],
)
def test_a_connection_that_breaks_off_tells_nothing(mistake: urllib3.exceptions.HTTPError) -> None:
    found = silence(mistake)
    assert (type(found.error), found.again) == (Unclear, Again.IF_REPEATABLE)


@pytest.mark.parametrize(
    ("mistake", "told"),
    [
        (urllib3.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed"), "not trusted"),
        (urllib3.exceptions.LocationParseError("https://a:b"), "no address"),
    ],
)
def test_what_will_not_mend_itself_is_the_operators(mistake: urllib3.exceptions.HTTPError, told: str) -> None:
    found = silence(mistake)
    assert (type(found.error), found.again) == (Denied, Again.NEVER)
    assert told in str(found.error)
