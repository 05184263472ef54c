"""Our words in Salesforce's fields: lengths, amounts, names, and what is no reason to write."""

from dataclasses import replace
from datetime import date

import pytest

from connectors.salesforce.describing import FieldInfo
from connectors.salesforce.mapping import (
    clean,
    contact_fields,
    cut,
    first_contact,
    fitted,
    is_id,
    order_keys,
    record_digest,
    record_fields,
    record_of,
    renewal_digest,
    renewal_fields,
    task_fields,
    title_of,
)
from core.ports import RecordPerson
from core.words import TaskKind, Urgency
from tests.connectors.contract import a_draft, a_record

TEXT = FieldInfo("Name", "Name", "string", length=4)
LINK = FieldInfo("Link", "Link", "url", length=20)


@pytest.mark.parametrize(
    ("text", "length", "kept"),
    [("abcd", 4, "abcd"), ("abcde", 4, "abcd"), ("ab\U0001f512", 4, "ab\U0001f512"), ("abc\U0001f512", 4, "abc")],
)
def test_a_text_is_cut_as_salesforce_counts_and_never_within_a_sign(text: str, length: int, kept: str) -> None:
    assert cut(text, length) == kept


def test_control_characters_and_half_characters_go() -> None:
    assert clean("nul \0 esc \x1b tab \t line \n half \ud800") == "nul  esc  tab \t line \n half ?"


def test_a_value_is_made_to_fit_its_field() -> None:
    assert fitted("abcdef", TEXT) == "abcd"
    assert fitted("", TEXT) is None
    assert fitted(True, TEXT) is True
    assert fitted("https://r.example/1", LINK) == "https://r.example/1"
    assert fitted("https://r.example/12345", LINK) is None


def test_a_title_that_is_too_long_still_names_the_order() -> None:
    record = a_record(order_key="digicert:1")
    assert title_of(record, 80) == "www.example.com · Secure Site OV (digicert:1)"
    title = title_of(replace(record, common_name="x" * 300), 80)
    assert (len(title), title[-15:]) == (80, "x… (digicert:1)")


@pytest.mark.parametrize(
    ("minor", "currency", "major"),
    [(39_900, "EUR", 399.0), (5, "JPY", 5.0), (1_234, "BHD", 1.234), (None, "EUR", None)],
)
def test_amounts_are_in_major_units_and_come_back(minor: int | None, currency: str, major: float | None) -> None:
    record = a_record(value_minor=minor, currency=currency)
    fields = record_fields(record)
    assert fields["Nolapse_Value__c"] == major
    assert record_of(fields) == replace(record, renewal_link="")


def test_a_record_is_not_written_for_its_link_or_its_deliverys_key() -> None:
    record = a_record(renewal_link="https://r.example/a")
    same = replace(record, key="record:later", renewal_link="https://r.example/b")
    assert record_digest(record_fields(record)) == record_digest(record_fields(same))
    assert record_digest(record_fields(record)) != record_digest(record_fields(replace(record, status="revoked")))
    person = RecordPerson("ann@acme.example", urgency=Urgency.WARNING, next_on=date(2026, 12, 1))
    assert renewal_digest(renewal_fields(person, "https://a")) == renewal_digest(renewal_fields(person, "https://b"))
    assert renewal_digest(renewal_fields(person)) != renewal_digest(renewal_fields(replace(person, next_on=None)))


def test_a_contact_has_a_last_name() -> None:
    assert contact_fields(RecordPerson("ann@acme.example"))["LastName"] == "ann"
    named = contact_fields(RecordPerson("ann@acme.example", name="Ann Mary Example", phone="+49 40 1"))
    assert (named["FirstName"], named["LastName"], named["Phone"]) == ("Ann Mary", "Example", "+49 40 1")


def test_the_contact_of_a_record_is_the_first_by_role_whom_salesforce_knows() -> None:
    people = [
        RecordPerson("tech@acme.example", roles=("technical",)),
        RecordPerson("Org@acme.example", roles=("organisation",)),
        RecordPerson("bill@acme.example", roles=("billing",)),
    ]
    contacts = {"tech@acme.example": "1", "org@acme.example": "2", "bill@acme.example": "3"}
    assert first_contact(people, contacts) == "2"
    assert first_contact(people, {"tech@acme.example": "1", "bill@acme.example": "3"}) == "3"
    assert first_contact(people, {}) == ""


def test_a_task_tells_when_to_be_reminded_and_what_it_is() -> None:
    call = task_fields(a_draft(urgency=Urgency.CRITICAL, due_on=date(2026, 9, 1)), 8)
    assert (call["TaskSubtype"], call["Priority"], call["ActivityDate"]) == ("Call", "High", "2026-09-01")
    assert (call["IsReminderSet"], call["ReminderDateTime"]) == (True, "2026-09-01T08:00:00Z")
    other = task_fields(a_draft(kind=TaskKind.CONTACT), -1)
    assert (other["TaskSubtype"], "IsReminderSet" in other, "CallType" in other) == ("Task", False, False)


def test_orders_of_a_task_are_listed_as_far_as_they_fit() -> None:
    assert order_keys(["digicert:1", "digicert:2"]) == "digicert:1 digicert:2"
    listed = order_keys([f"digicert:{number}" for number in range(100_000, 100_050)])
    assert len(listed) <= 255
    assert listed.endswith(" …")


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("00Txx0000012345", True),
        ("00Txx0000012345AAA", True),
        ("00Txx00000123456", False),
        ("no-such-id", False),
        ("", False),
    ],
)
def test_ids_are_told_from_other_texts(text: str, is_one: bool) -> None:
    assert is_id(text, "00T") is is_one
    assert not is_id(text, "001")
