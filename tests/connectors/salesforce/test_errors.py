"""Salesforce's refusals in our own words: every code has its place, and nothing personal is in them."""

import re
from pathlib import Path

import pytest
import requests
import simple_salesforce
from urllib3.connection import HTTPConnection
from urllib3.exceptions import MaxRetryError, NewConnectionError

from connectors.salesforce.codes import CODES
from connectors.salesforce.errors import (
    Broken,
    Busy,
    Denied,
    Details,
    Locked,
    Refused,
    SalesforceError,
    Unclear,
    details_of,
    error_of,
)
from connectors.salesforce.retry import Again, is_locked, record_error, weigh, weigh_silence
from connectors.salesforce.transport import Answer
from core.errors import ConfigurationError, FatalError, PostponedError, RetriableError, SkippableError

# The codes of whole calls, of which the SOAP and REST references tell; the schema of metadata lists those of records.
OF_CALLS = {
    "API_CURRENTLY_DISABLED", "API_DISABLED_FOR_ORG", "APEX_ERROR", "CLIENT_NOT_ACCESSIBLE_FOR_USER", "EXCEEDED_ID_LIMIT",
    "EXCEEDED_QUOTA", "INVALIDBATCH", "INVALIDJOB", "INVALIDJOBSTATE", "INVALID_ACTION_TYPE", "INVALID_LOGIN",
    "INVALID_OPERATION_WITH_EXPIRED_PASSWORD", "INVALID_QUERY_FILTER_OPERATOR", "INVALID_QUERY_SCOPE",
    "INVALID_REPLICATION_DATE", "JSON_PARSER_ERROR", "LOGIN_DURING_RESTRICTED_DOMAIN", "LOGIN_DURING_RESTRICTED_TIME",
    "LOGIN_MUST_USE_SECURITY_TOKEN", "LOGIN_RATE_EXCEEDED", "MALFORMED_QUERY", "OPERATION_TOO_LARGE", "ORG_LOCKED",
    "PASSWORD_LOCKOUT", "QUERY_TOO_COMPLICATED", "REQUEST_LIMIT_EXCEEDED", "SERVER_UNAVAILABLE",
    "UNSUPPORTED_API_VERSION", "UNSUPPORTED_CLIENT", "UNSUPPORTED_MEDIA_TYPE",
}  # fmt: skip


def answer(status: int, code: str = "", message: str = "m") -> Answer:
    body = f'[{{"errorCode": "{code}", "message": "{message}", "fields": []}}]' if code else ""
    return Answer(status, {}, body.encode())


def codes_of_records() -> set[str]:
    """Every code of a record, out of Salesforce's own schema."""
    schema = (Path(simple_salesforce.__file__).parent / "metadata.wsdl").read_text(encoding="utf-8")
    listed = schema[schema.index('name="StatusCode"') :]
    return set(re.findall(r'value="(\w+)"', listed[: listed.index("</xsd:simpleType>")]))


def test_every_code_is_one_of_salesforce_s() -> None:
    ours = {code for code in CODES if code.isupper() and not code.startswith("OAUTH_")}
    assert ours - codes_of_records() == OF_CALLS


@pytest.mark.parametrize(
    ("codes", "kind", "todo"),
    [
        ("UNABLE_TO_LOCK_ROW", Locked, PostponedError),
        ("SERVER_UNAVAILABLE QUERY_TIMEOUT REQUEST_LIMIT_EXCEEDED LIMIT_EXCEEDED", Busy, RetriableError),
        ("UNKNOWN_EXCEPTION REQUEST_RUNNING_TOO_LONG", Unclear, RetriableError),
        ("REQUIRED_FIELD_MISSING FIELD_CUSTOM_VALIDATION_EXCEPTION DUPLICATE_VALUE DUPLICATES_DETECTED", Refused,
         SkippableError),
        ("INSUFFICIENT_ACCESS_OR_READONLY INACTIVE_OWNER_OR_USER ENTITY_IS_DELETED STRING_TOO_LONG", Refused,
         SkippableError),
        ("INVALID_FIELD INVALID_TYPE INVALID_SESSION_ID API_DISABLED_FOR_ORG invalid_grant", Denied, ConfigurationError),
        ("MALFORMED_QUERY EXCEEDED_ID_LIMIT", Broken, FatalError),
    ],
)  # fmt: skip
def test_what_the_codes_ask_of_us(codes: str, kind: type[SalesforceError], todo: type[Exception]) -> None:
    assert issubclass(kind, todo)
    assert {CODES[code].kind for code in codes.split()} == {kind}


def test_every_place_says_what_it_is_about() -> None:
    assert all(len(place.text) > 10 for place in CODES.values())
    again = {code for code, place in CODES.items() if place.again}
    assert all(issubclass(CODES[code].kind, RetriableError) for code in again)


@pytest.mark.parametrize(
    ("status", "code", "kind", "again"),
    [
        (400, "UNABLE_TO_LOCK_ROW", Locked, Again.ALWAYS),
        (503, "SERVER_UNAVAILABLE", Busy, Again.ALWAYS),
        (503, "", Unclear, Again.IF_REPEATABLE),
        (502, "", Unclear, Again.IF_REPEATABLE),
        (500, "UNKNOWN_EXCEPTION", Unclear, Again.IF_REPEATABLE),
        (500, "A_NEW_CODE", Unclear, Again.IF_REPEATABLE),
        (400, "A_NEW_CODE", Refused, Again.NEVER),
        (400, "", Refused, Again.NEVER),
        (400, "MALFORMED_QUERY", Broken, Again.NEVER),
        (300, "", Refused, Again.NEVER),
        (302, "", Denied, Again.NEVER),
        (403, "", Denied, Again.NEVER),
        (403, "REQUEST_LIMIT_EXCEEDED", Busy, Again.NEVER),
        (404, "NOT_FOUND", Refused, Again.NEVER),
        (404, "", Refused, Again.NEVER),
        (405, "METHOD_NOT_ALLOWED", Broken, Again.NEVER),
        (405, "", Denied, Again.NEVER),
        (410, "", Denied, Again.NEVER),
        (418, "", Refused, Again.NEVER),
        (599, "", Broken, Again.NEVER),
    ],
)
def test_the_verdict_on_each_status(status: int, code: str, kind: type[SalesforceError], again: Again) -> None:
    verdict = weigh(answer(status, code))
    assert type(verdict.error) is kind
    assert verdict.again is again
    assert not verdict.ended


def test_too_many_long_calls_at_once_are_no_used_up_day() -> None:
    message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
    verdict = weigh(answer(403, "REQUEST_LIMIT_EXCEEDED", message))
    assert (verdict.again, verdict.holds) == (Again.ALWAYS, 0)


@pytest.mark.parametrize("status_and_code", [(401, "INVALID_SESSION_ID"), (401, ""), (401, "SOMETHING_NEW")])
def test_a_session_has_ended(status_and_code: tuple[int, str]) -> None:
    assert weigh(answer(*status_and_code)).ended


class TestSilence:
    def test_it_was_never_sent(self) -> None:
        refused = MaxRetryError(None, "/", NewConnectionError(HTTPConnection("h"), "refused"))  # type: ignore[arg-type]
        verdict = weigh_silence(requests.ConnectionError(refused))
        assert (type(verdict.error), verdict.again) == (Busy, Again.ALWAYS)
        assert weigh_silence(requests.ConnectTimeout()).again is Again.ALWAYS

    def test_nobody_can_tell(self) -> None:
        for error in (requests.ReadTimeout(), requests.ConnectionError(), requests.exceptions.ChunkedEncodingError()):
            assert weigh_silence(error).again is Again.IF_REPEATABLE

    def test_an_address_that_is_none(self) -> None:
        assert isinstance(weigh_silence(requests.exceptions.InvalidURL()).error, Denied)

    def test_a_certificate_that_nobody_trusts(self) -> None:
        error = requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
        assert "not trusted" in str(weigh_silence(error).error)


class TestRecords:
    def test_the_first_error_that_is_its_own(self) -> None:
        said = [{"statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK", "message": "m", "fields": []},
                {"statusCode": "STRING_TOO_LONG", "message": "too large", "fields": ["Name"]}]  # fmt: skip
        error = record_error(said)
        assert isinstance(error, Refused)
        assert error.details.fields == ("Name",)

    def test_a_lock_that_a_trigger_met_is_a_lock(self) -> None:
        message = "MyTrigger: execution of AfterInsert caused by: UNABLE_TO_LOCK_ROW, unable to obtain exclusive access"
        said = [{"statusCode": "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "message": message, "fields": []}]
        assert is_locked(record_error(said))

    @pytest.mark.parametrize("said", [None, [], "x", [{}]])
    def test_no_error_at_all_is_one(self, said: object) -> None:
        assert isinstance(record_error(said), Refused)

    def test_what_is_a_lock(self) -> None:
        assert is_locked(Locked("locked"))
        assert is_locked(Busy("x", Details(code="SERVER_UNAVAILABLE")))
        assert not is_locked(Busy("x"))
        assert not is_locked(None)

    def test_a_duplicate_rule_tells_what_it_found(self) -> None:
        found = {"matchResults": [{"matchRecords": [{"record": {"Id": "001Wz0000000001AAA"}}, {"record": None}]}]}
        said = {"statusCode": "DUPLICATES_DETECTED", "message": "Use one of these records?", "duplicateResult": found}
        assert error_of(said).matches == ("001Wz0000000001AAA",)


class TestWords:
    def test_record_field_and_code_are_named(self) -> None:
        said = {"statusCode": "STRING_TOO_LONG", "message": "Product: data value too large", "fields": ["Product__c"]}
        error = record_error([said]).about("digicert:1")
        assert str(error) == (
            "Salesforce: the org does not take a value; correct it at its source "
            "(Product: data value too large, field Product__c, record digicert:1, code STRING_TOO_LONG)"
        )

    def test_addresses_and_numbers_are_blotted_out(self) -> None:
        error = Refused("refused", Details(message="invalid email address: jo.doe@acme.example, +49 171 2345 678 90"))
        assert str(error) == "Salesforce: refused (invalid email address: (address), (number))"

    def test_what_was_sent_for_a_person_is_not_shown(self) -> None:
        said = {
            "statusCode": "STRING_TOO_LONG",
            "message": "Last Name: data value too large: Doe",
            "fields": ["LastName"],
        }
        assert "Doe" not in str(record_error([said]))
        assert "field LastName, code STRING_TOO_LONG" in str(record_error([said]))

    def test_what_the_org_says_of_its_own_is_shown(self) -> None:
        code = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
        said = {"statusCode": code, "message": "A phone, please", "fields": ["Phone"]}
        assert "A phone, please" in str(record_error([said]))

    def test_an_id_is_no_telephone_number(self) -> None:
        assert "0055000000123456" in str(Refused("refused", Details(message="user 0055000000123456")))

    def test_a_long_message_is_cut(self) -> None:
        assert len(str(Refused("refused", Details(message="x" * 5000)))) < 300

    def test_an_answer_without_words_tells_its_status(self) -> None:
        assert str(weigh(Answer(502, {}, b"<html>")).error) == "Salesforce: could not answer now (status 502)"
        assert str(Refused("refused")) == "Salesforce: refused"


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (b'[{"errorCode": "NOT_FOUND", "message": "m"}]', "NOT_FOUND", "m"),
        (b'{"error": "invalid_grant", "error_description": "d"}', "invalid_grant", "d"),
        (b'{"statusCode": "X", "message": "m", "fields": null}', "X", "m"),
        (b"[]", "", ""),
        (b'["text"]', "", ""),
        (b"7", "", ""),
        (b"", "", ""),
        (b"<html>", "", ""),
        (b'[{"errorCode": 7, "message": ["m"], "fields": [1]}]', "", ""),
    ],
)
def test_errors_come_in_several_forms(body: bytes, code: str, message: str) -> None:
    details = details_of(Answer(400, {}, body))
    assert (details.code, details.message, details.status) == (code, message, 400)
