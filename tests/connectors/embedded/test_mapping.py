from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.embedded.mapping import (
    change_of,
    close_values,
    mail_log_row,
    optout_row,
    raise_values,
    record_of,
    record_row,
    storable,
    task_row,
)
from connectors.embedded.tables import (
    embedded_mail_log,
    embedded_optouts,
    embedded_records,
    embedded_tasks,
)
from core.ports import CrmChange, MailLog, OptOut, Record, TaskClose
from core.words import Stage, Urgency
from tests.connectors.contract import a_draft, a_raise, a_record

NOW = datetime(2026, 9, 1, 8, tzinfo=UTC)

ANY_CHARACTERS = st.text(alphabet=st.characters(exclude_categories=()))


@given(text=ANY_CHARACTERS)
def test_what_is_stored_is_what_any_database_takes(text: str) -> None:
    stored = storable(text)
    assert "\0" not in stored
    assert stored.encode("utf-8").decode("utf-8") == stored
    assert len(stored) == len(text)
    assert storable(stored) == stored


@pytest.mark.parametrize("text", ["", "Größe", "갱신", "\U0001f512", "a\nb\tc"])
def test_ordinary_text_is_stored_as_it_is(text: str) -> None:
    assert storable(text) == text


def test_what_has_no_place_is_replaced() -> None:
    assert storable("a\0b\ud800c") == "a\ufffdb\ufffdc"


def test_a_new_task_is_open() -> None:
    draft = a_draft()
    row = task_row(draft, NOW)
    assert row["task_key"] == draft.key
    assert (row["status"], row["created_at"]) == ("open", NOW)
    assert row["order_keys"] == ["digicert:1", "digicert:2"]
    assert type(row["urgency"]) is str
    assert set(row) <= set(embedded_tasks.c.keys())


def test_a_step_names_what_it_writes_and_what_it_expects() -> None:
    draft = a_draft(urgency=Urgency.NOTICE, due_on=date(2026, 9, 4))
    assert raise_values(a_raise(draft, "id-1")) == {
        "raised_key": "id-1",
        "to_urgency": "critical",
        "to_due_on": date(2026, 9, 1),
        "if_urgency": "notice",
        "if_due_on": date(2026, 9, 4),
        "to_order_keys": ["digicert:1", "digicert:2", "digicert:3"],
    }


def test_a_close_says_why() -> None:
    assert close_values(TaskClose("key", "id-1", "renewed\0"), NOW) == {
        "closed_key": "id-1",
        "why": "renewed\ufffd",
        "now": NOW,
    }


@given(
    stage=st.sampled_from(Stage),
    value=st.none() | st.integers(0, 2**62),
    day=st.none() | st.dates(),
    flag=st.booleans(),
    text=st.text(alphabet=st.characters(exclude_characters="\0", codec="utf-8")),
)
def test_a_record_comes_back_as_it_went(
    stage: Stage, value: int | None, day: date | None, flag: bool, text: str
) -> None:
    record = a_record(
        stage=stage,
        value_minor=value,
        starts_on=day,
        order_expires_on=day,
        certificate_expires_on=day,
        auto_renew=flag,
        order_expires_inferred=not flag,
        common_name=text,
        product_name=text,
    )
    row = record_row(record)
    assert set(row) == set(embedded_records.c.keys())
    assert set(Record.__slots__) - set(row) == {"people", "renewal_link"}
    found = record_of(row)
    assert found == record
    assert type(found.stage) is Stage


def test_histories_and_wishes_have_their_columns() -> None:
    log = mail_log_row(MailLog("log:1", "example:1", "c@example.org", "s", "t", NOW, ("digicert:1",)))
    assert set(log) == set(embedded_mail_log.c.keys())
    assert (log["address"], log["order_keys"]) == ("c@example.org", ["digicert:1"])
    optout = optout_row(OptOut("optout:1", "c@example.org", "mail", "service", NOW))
    assert set(optout) == set(embedded_optouts.c.keys())


def test_a_change_is_keyed_by_its_place() -> None:
    row: dict[str, Any] = {
        "id": 7,
        "what": "task_outcome",
        "task_key": "call:account-1:1",
        "order_key": "",
        "account_key": "example:1",
        "value": "renewed",
        "facts": {"until": "2026-12-01"},
        "at": NOW,
    }
    assert change_of(row) == CrmChange(
        key="embedded:7",
        what="task_outcome",
        account_key="example:1",
        task_key="call:account-1:1",
        value="renewed",
        at=NOW,
        facts={"until": "2026-12-01"},
    )
