import base64
import hashlib
import hmac
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from webhooks.hubspot_signature import Signed, decoded, holds, raw_target

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECRET = "the client secret of the app"
URL = "https://renew.example"


def signed(target: str = "/webhooks/hubspot", *, signs: str = "", late: float = 0, **said: Any) -> Signed:
    """A request that was signed so many seconds ago, for the address `signs` (the one it goes to)."""
    stamp = str(int((NOW - timedelta(seconds=late)).timestamp() * 1000))
    body = b'[{"propertyValue":"M\xc3\xbcller"}]'
    message = f"POST{signs or URL + target}".encode() + body + stamp.encode()
    signature = base64.b64encode(hmac.new(SECRET.encode(), message, hashlib.sha256).digest()).decode()
    return Signed(
        **{"method": "POST", "target": target, "body": body, "signature": signature, "timestamp": stamp} | said
    )


def test_the_published_example_fits() -> None:
    example = Signed(
        "POST",
        "/webhook_uri",
        b"{'example_field':'example_value'}",
        "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y=",
        "1693657560000",
    )
    secrets = ["yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"]
    moment = datetime.fromtimestamp(1693657560, UTC)
    assert holds(example, "https://www.example.com", secrets, moment)
    assert not holds(example, "https://www.example.org", secrets, moment)


@pytest.mark.parametrize("late", [0, 299, 300, -299, -300])
def test_five_minutes_either_way_are_let_in(late: float) -> None:
    assert holds(signed(late=late), URL, ["another", SECRET], NOW)


@pytest.mark.parametrize("late", [301, -301, 86_400, -86_400])
def test_and_not_more(late: float) -> None:
    assert not holds(signed(late=late), URL, [SECRET], NOW)


@pytest.mark.parametrize(
    "wrong",
    [
        {"signature": ""},
        {"signature": "ключ"},
        {"signature": "A" * 44},
        {"signature": "not base64!"},
        {"timestamp": ""},
        {"timestamp": "soon"},
        {"timestamp": "9" * 30},
        {"timestamp": "-1"},
        {"timestamp": "１７"},
        {"body": b"[]"},
        {"method": "PUT"},
    ],
)
def test_what_was_changed_or_made_up_does_not_fit(wrong: dict[str, Any]) -> None:
    assert not holds(signed(**wrong), URL, [SECRET], NOW)
    assert not holds(replace(signed(), target="/webhooks/hubspot?x=1"), URL, [SECRET], NOW)


def test_without_the_secret_nothing_fits() -> None:
    assert not holds(signed(), URL, [], NOW)
    assert not holds(signed(), URL, [SECRET + "x"], NOW)


def test_the_signs_that_hubspot_decodes_are_decoded() -> None:
    coded = "/webhooks/hubspot?mail=rep%40x%2Fy%3a1%3F%21%24%27%28%29%2A%2C%3B&name=%C3%A9%20%26"
    plain = "/webhooks/hubspot?mail=rep@x/y:1?!$'()*,;&name=%C3%A9%20%26"
    assert decoded(coded) == plain
    assert holds(signed(coded, signs=URL + plain), URL, [SECRET], NOW)
    assert holds(signed(coded), URL, [SECRET], NOW)
    assert not holds(signed(coded, signs=URL + plain.replace("%C3%A9", "é")), URL, [SECRET], NOW)


@pytest.mark.parametrize(
    ("environ", "target"),
    [
        ({"RAW_URI": "/a%2Fb?x=%41"}, "/a%2Fb?x=%41"),
        ({"REQUEST_URI": "/a%2Fb"}, "/a%2Fb"),
        ({"REQUEST_URI": "http://inside:8080/a%2Fb?x=1"}, "/a%2Fb?x=1"),
        ({"REQUEST_URI": "http://inside"}, "/"),
        ({"RAW_URI": "/a#b"}, "/a"),
    ],
)
def test_the_address_is_taken_as_it_came(environ: dict[str, str], target: str) -> None:
    assert raw_target(environ) == target
