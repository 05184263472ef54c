import base64
from datetime import timedelta
from typing import Any

import pytest

from core import inbox
from core.errors import ConfigurationError
from core.schema import engine_locks
from tests.webhooks.conftest import BEFORE, SECRET, Doors, signed, told
from webhooks.app import WebLimits
from webhooks.renewals import secret


def stored(doors: Doors) -> list[tuple[str, str]]:
    with doors.store.read() as connection:
        return [(one.key, one.state) for one in inbox.listing(connection, (), None, 10)]


def test_a_signed_event_is_stored_as_it_came_and_answered(doors: Doors) -> None:
    answer = doors.send(told())
    assert (answer.status_code, answer.json) == (202, {"status": "accepted"})
    assert stored(doors) == [("msg_1", "received")]
    assert doors.woken == 1
    with doors.store.read() as connection:
        assert b'"digicert:1"' in inbox.content(connection, 1)


def test_the_same_event_again_is_known(doors: Doors) -> None:
    doors.send(told())
    answer = doors.send(told())
    assert (answer.status_code, answer.json) == (200, {"status": "known"})
    assert stored(doors) == [("msg_1", "received")]
    assert doors.woken == 1


def test_two_secrets_are_live_while_senders_change(doors: Doors) -> None:
    assert doors.send(told(), "1", secret=SECRET).status_code == 202
    assert doors.send(told(), "2", secret=BEFORE).status_code == 202
    doors.secrets = (SECRET,)
    assert doors.send(told(), "3", secret=BEFORE).status_code == 401


def test_one_of_several_signatures_is_enough(doors: Doors) -> None:
    right = signed(b"{}", "1")  # the moment is signed too, and stays the same
    several = f"v1a,zzz v1,{'A' * 43}= {right['webhook-signature']}"
    answer = doors.send(b"{}", "1", headers=right | {"webhook-signature": several})
    assert answer.status_code == 400  # past the signature: it is an empty object


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": "v1," + base64.b64encode(b"x" * 32).decode()},
        {"webhook-signature": "v2," + base64.b64encode(b"x" * 32).decode()},
        {"webhook-signature": "nonsense"},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,é"},
        {"webhook-signature": "v1,a,b"},
        {"webhook-timestamp": "soon"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "9" * 40},
        {"webhook-timestamp": ""},
        {"webhook-id": "another"},
        {"webhook-id": ""},
    ],
)
def test_what_is_not_signed_by_a_sender_of_ours_is_refused(doors: Doors, headers: dict[str, str]) -> None:
    answer = doors.send(told(), headers=headers)
    assert answer.status_code == 401
    assert answer.json == {"error": "the signature does not fit, or the message is not of these minutes"}
    assert stored(doors) == []


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_every_header_is_needed(doors: Doors, name: str) -> None:
    headers = signed(b"{}", "1")
    del headers[name]
    answer = doors.client.post("/webhooks/renewals", data=b"{}", headers=headers)
    assert answer.status_code == 401


def test_a_changed_body_is_refused(doors: Doors) -> None:
    headers = signed(b'{"order": 1}', "1")
    answer = doors.client.post("/webhooks/renewals", data=b'{"order": 2}', headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("late", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_what_is_not_of_these_minutes_is_refused(doors: Doors, late: timedelta) -> None:
    assert doors.send(told(), late=late).status_code == 401
    assert doors.send(told(), late=late / 2).status_code == 202


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"{", "the message: invalid JSON"),
        (b"[]", "the message: input should be an object"),
        (b"\xff", ""),
        (told() | {"type": "renewal.undone"}, "type: input should be"),
        (told() | {"more": 1}, "more: extra inputs are not permitted"),
        (told(colour="red"), "data.colour: extra inputs are not permitted"),
        (told(order=""), "data.order: string should have at least 1 character"),
        (told(order="x" * 201), "data.order: string should have at most 200 characters"),
        (told(order="a b"), "data.order: string should match pattern"),
        (told(order="a\n"), "data.order: string should match pattern"),
        (told(at="yesterday"), "timestamp: "),
        (told(at="2026-06-10T09:00:00"), "timestamp: input should have timezone info"),
        (told(renewed_on="2026-02-30"), "data.renewed_on: "),
        (told(clock="hour"), "data.clock: input should be"),
        ({"type": "renewal.confirmed"}, "timestamp: field required"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_place(doors: Doors, said: Any, why: str) -> None:
    answer = doors.send(said)
    assert answer.status_code == (401 if said == b"\xff" else 400)
    assert answer.json is not None
    assert answer.json["error"].startswith(why)
    assert stored(doors) == []


def test_no_refusal_repeats_what_was_sent(doors: Doors) -> None:
    answer = doors.send(told(order="ann@acme.example, her order"))
    assert b"acme" not in answer.data


def test_only_json_is_read(doors: Doors) -> None:
    assert doors.send(told(), headers={"Content-Type": "text/plain"}).status_code == 415


def test_a_key_may_not_be_long(doors: Doors) -> None:
    assert doors.send(told(), "m" * 201).status_code == 400
    assert doors.send(told(), "m" * 200).status_code == 202


def test_what_is_too_large_is_not_read(doors: Doors) -> None:
    doors.limits = WebLimits(max_body_bytes=2000)
    assert doors.send(b" " * 2001).status_code == 413
    assert stored(doors) == []


def test_without_a_secret_the_door_is_closed(doors: Doors) -> None:
    doors.secrets = ()
    assert doors.send(told()).status_code == 503


def test_where_it_cannot_be_stored_the_sender_is_asked_to_come_again(doors: Doors) -> None:
    with doors.store.begin() as connection:
        engine_locks.metadata.tables["inbox"].drop(connection)
    answer = doors.send(told())
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "30"
    assert answer.json == {"error": "this cannot be stored at the moment; send it again later"}


@pytest.mark.parametrize("text", ["", "whsec_", "short", "whsec_c2hvcnQ=", "whsec_!!!", SECRET + "é"])
def test_a_secret_that_is_none(text: str) -> None:
    with pytest.raises(ConfigurationError, match=r"\[web\] renewals_secret: is no secret of this kind; make one with"):
        secret(text, "[web] renewals_secret")


def test_a_secret_may_stand_with_its_prefix_or_without() -> None:
    assert secret(SECRET, "x") == SECRET
    assert secret(SECRET.removeprefix("whsec_"), "x") == SECRET.removeprefix("whsec_")
