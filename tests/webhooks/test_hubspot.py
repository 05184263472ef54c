"""The door of HubSpot: what is let in, what is kept of it, and what follows."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest
import urllib3
from sqlalchemy.engine import Connection
from werkzeug.test import TestResponse

from core import inbox
from core.looks import looks
from core.schema import inbox as inbox_table
from core.store import Store, open_store
from core.timing import Timer, WholeDay
from tests.builders import make_live_ledger
from tests.conftest import Prepared
from tests.webhooks.serving import serving
from tests.webhooks.test_hubspot_signature import SECRET, URL
from webhooks import hubspot
from webhooks.app import WebLimits, create_app
from webhooks.hubspot_events import DOOR, HubSpotEvents, event_key
from webhooks.inlet import Inlet
from webhooks.metrics import Metrics

pytestmark = pytest.mark.parametrize("prepared_store_url", ["sqlite"], indirect=True)

DAY = WholeDay(date(2026, 11, 20))
PROJECT = {
    "eventId": 1, "subscriptionId": 7, "portalId": 24, "appId": 51, "occurredAt": 1788597072520,
    "subscriptionType": "object.propertyChange", "attemptNumber": 0, "objectId": 5465, "objectTypeId": "0-27",
    "propertyName": "hs_task_status", "propertyValue": "COMPLETED", "changeSource": "CRM_UI", "sourceId": "userId:9",
    "isSensitive": False,
}  # fmt: skip
LEGACY = {
    "eventId": 1, "subscriptionId": 8, "portalId": 24, "appId": 51, "occurredAt": 1788597072521,
    "subscriptionType": "contact.propertyChange", "attemptNumber": 0, "objectId": 101, "propertyName": "phone",
    "propertyValue": "+49 30 1", "changeSource": "CRM_UI",
}  # fmt: skip
ERASED = {
    "eventId": 3, "subscriptionId": 9, "portalId": 24, "appId": 51, "occurredAt": 1788597072522,
    "subscriptionType": "contact.privacyDeletion", "attemptNumber": 0, "objectId": 101,
}  # fmt: skip


def headers_for(body: bytes, secret: str = SECRET, target: str = "/webhooks/hubspot", url: str = URL) -> dict[str, str]:
    stamp = str(int(datetime.now(UTC).timestamp() * 1000))
    message = f"POST{url}{target}".encode() + body + stamp.encode()
    digest = base64.b64encode(hmac.digest(secret.encode(), message, "sha256")).decode()
    return {"X-HubSpot-Signature-v3": digest, "X-HubSpot-Request-Timestamp": stamp, "Content-Type": "application/json"}


class People:
    """Somebody who knows one contact of ours."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []

    def address_of(self, thing: str) -> str:
        return {"contact:101": "ann@acme.example"}.get(thing, "")

    def forget(self, connection: Connection, address: str, timer: Timer) -> str:
        self.forgotten.append(address)
        return "forgotten"


class Door:
    def __init__(self, store: Store, *, secrets: Any = (SECRET,), url: str = URL, open_: bool = True) -> None:
        self.store = store
        self.metrics = Metrics(store)
        self.inlet = Inlet(store, self.metrics, lambda: None)
        self.app = create_app([hubspot.door(self.inlet, secrets, url, open_=open_)], self.metrics, WebLimits())

    def send(self, said: Any, **headers: str) -> TestResponse:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        return self.app.test_client().post("/webhooks/hubspot", data=body, headers=headers_for(body) | headers)

    def rows(self) -> list[Any]:
        with self.store.read() as connection:
            return list(connection.execute(inbox_table.select().order_by(inbox_table.c.id)))

    def take_in(self, people: People, *, forgets: bool = True) -> list[str]:
        """Applies what came in, and gives what follows of each."""
        inbox.apply(self.store, {DOOR: HubSpotEvents(people, people.forget if forgets else None)}, DAY)
        return [f"{row.state}: {row.reason}" for row in self.rows()]

    def to_read(self) -> list[str]:
        with self.store.read() as connection:
            return [row.thing for row in connection.execute(looks.select().order_by(looks.c.id))]


@pytest.fixture
def door(prepared_store_url: Prepared) -> Iterator[Door]:
    store = open_store(prepared_store_url("live", make_live_ledger))
    yield Door(store)
    store.close()


def test_each_event_of_a_batch_is_kept_once(door: Door) -> None:
    assert door.send([PROJECT, LEGACY, PROJECT | {"eventId": 2, "attemptNumber": 3}]).status_code == 202
    assert door.send([LEGACY, PROJECT]).json == {"status": "known"}
    assert [row.event_key.partition(":")[0] for row in door.rows()] == [
        "object.propertyChange",
        "contact.propertyChange",
    ]
    assert door.send([PROJECT | {"propertyValue": "DEFERRED"}]).status_code == 202
    assert door.send([]).json == {"status": "known"}


@pytest.mark.parametrize(
    "name", ["portalId", "subscriptionId", "objectId", "propertyName", "occurredAt", "propertyValue"]
)
def test_what_tells_events_apart(door: Door, name: str) -> None:
    assert event_key(PROJECT) == event_key(PROJECT | {"eventId": 99, "attemptNumber": 4})
    assert event_key(PROJECT) != event_key(PROJECT | {name: "77"})


def test_records_are_to_be_read_again_in_either_form_of_event(door: Door) -> None:
    merged = {"subscriptionType": "contact.merge", "objectId": 1, "newObjectId": 102, "portalId": 24}
    door.send([PROJECT, LEGACY, merged, LEGACY | {"subscriptionType": "contact.deletion"}])
    assert door.take_in(People()) == [
        "applied: 0-27:5465: to be read again",
        "applied: contact:101: to be read again",
        "applied: contact:102: to be read again",
        "applied: contact:101: nothing follows from a deletion",
    ]
    assert door.to_read() == ["0-27:5465", "contact:101", "contact:102"]


def test_our_own_writing_comes_back_and_is_dropped(door: Door) -> None:
    echo = PROJECT | {"changeSource": "INTEGRATION", "sourceId": "51"}
    assert door.send([echo, echo | {"sourceId": "appId:51", "changeSource": "API"}]).status_code == 200
    assert door.rows() == []
    assert b'nolapse_web_events_total{door="hubspot",outcome="echo"} 2.0' in door.metrics.text()
    assert door.send([echo | {"sourceId": "52", "objectId": 5466}, PROJECT]).status_code == 202
    assert len(door.rows()) == 2


def test_a_person_erased_there_is_erased_here(door: Door) -> None:
    people = People()
    door.send([ERASED, ERASED | {"objectId": 102}])
    assert door.take_in(people) == ["applied: contact:101: forgotten", "applied: contact:102: nobody of ours"]
    assert people.forgotten == ["ann@acme.example"]


def test_where_nothing_erases_an_operator_must(door: Door) -> None:
    door.send([ERASED])
    assert door.take_in(People(), forgets=False) == [
        "quarantined: contact:101: a person was erased in HubSpot and is to be erased here by hand"
    ]


@pytest.mark.parametrize("body", [b"{", b"{}", b'"x"', b"[" * 100_000])
def test_what_is_no_list_of_events_is_refused(door: Door, body: bytes) -> None:
    assert door.send(body).status_code == 400


@pytest.mark.parametrize(
    "strange", [7, None, {}, {"subscriptionType": "x", "objectId": 1}, PROJECT | {"objectId": "a;b"}]
)
def test_what_is_not_understood_is_let_be(door: Door, strange: Any) -> None:
    assert door.send([strange, PROJECT]).status_code == 202
    assert len(door.rows()) == 1
    assert b'outcome="ignored"} 1.0' in door.metrics.text()


def test_who_sends_may_not_choose_an_older_signature(door: Door) -> None:
    body = json.dumps([PROJECT]).encode()
    first = hashlib.sha256(SECRET.encode() + body).hexdigest()
    second = hashlib.sha256(f"{SECRET}POST{URL}/webhooks/hubspot".encode() + body).hexdigest()
    for version, signature in (("v1", first), ("v2", second)):
        said = {"X-HubSpot-Signature": signature, "X-HubSpot-Signature-Version": version}
        answer = door.app.test_client().post("/webhooks/hubspot", data=body, headers=said)
        assert answer.status_code == 401
        assert door.send([PROJECT], **said, **{"X-HubSpot-Signature-v3": "AAAA"}).status_code == 401
    assert door.rows() == []


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"secrets": ()}, "no secret"),
        ({"url": ""}, "needs its address"),
        ({"open_": False}, "needs hubspot as the CRM"),
    ],
)
def test_a_door_that_cannot_work_is_closed(door: Door, said: dict[str, Any], why: str) -> None:
    answer = Door(door.store, **said).send([PROJECT])
    assert answer.status_code == 503
    assert why in answer.text


def test_behind_a_proxy_the_address_is_the_public_one_with_the_path_as_it_came(door: Door) -> None:
    target = "/webhooks/hubspot?mail=rep%40x%2Fy&name=%C3%A9"
    body = json.dumps([PROJECT]).encode()
    signed = "/webhooks/hubspot?mail=rep@x/y&name=%C3%A9"
    with serving(door.app) as url, urllib3.PoolManager() as pool:
        answer = pool.request("POST", url + target, body=body, headers=headers_for(body, target=signed))
        assert answer.status == 202
        assert pool.request("POST", url + target, body=body, headers=headers_for(body)).status == 401
