"""The door of Salesforce: signed JSON of a callout, and Outbound Messages."""

import hashlib
import hmac
import json
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import pytest
from werkzeug.test import TestResponse

from core import inbox
from core.looks import CrmLooker, look, looks
from core.ports import CrmChange
from core.schema import inbox as inbox_table
from core.store import Store, open_store
from core.timing import WholeDay
from tests.builders import make_live_ledger, policy
from tests.conftest import Prepared
from webhooks import salesforce
from webhooks.app import WebLimits, create_app
from webhooks.inlet import Inlet
from webhooks.metrics import Metrics
from webhooks.outbound_message import OutboundMessageError, notifications
from webhooks.salesforce_events import DOOR, Notification, apply

SECRET, BEFORE = "the key of the external credential", "the key before"
ORGANISATION = "00D000000000001EAA"
DAY = WholeDay(date(2026, 11, 20))
TASK, ORDER = "00T00000000000AAAA", "a0100000000000BBBB"
CHANGED = {
    "organisation": ORGANISATION,
    "at": "2026-11-20T09:00:00Z",
    "records": [{"type": "Task", "id": TASK}, {"type": "Certificate_Order__c", "id": ORDER}],
}
ACK = "<Ack>true</Ack>"


def outbound(*every: tuple[str, str, str], organisation: str = ORGANISATION, head: str = "", said: str = "") -> bytes:
    """An Outbound Message; of each notification its id, the object, and the record."""
    told = "".join(
        f'<Notification><Id>{mark}</Id><sObject xsi:type="sf:{kind}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">'
        f"<sf:Id>{id}</sf:Id><sf:Subject>Größe &amp; {said}</sf:Subject></sObject></Notification>"
        for mark, kind, id in every
    )
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{head}<soapenv:Envelope '
        'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsd="http://www.w3.org/2001/XMLSchema" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>'
        '<notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
        f"<OrganizationId>{organisation}</OrganizationId><ActionId>04k000000000001AAA</ActionId>"
        '<SessionId xsi:nil="true"/><EnterpriseUrl>https://x.example</EnterpriseUrl><PartnerUrl>https://x.example'
        f"</PartnerUrl>{told}</notifications></soapenv:Body></soapenv:Envelope>"
    ).encode()


def mark(number: int) -> str:
    return f"04l{number:015}"


class Door:
    def __init__(
        self, store: Store, *, secrets: Any = (SECRET, BEFORE), organisation: str = ORGANISATION, open_: bool = True
    ) -> None:
        self.store = store
        self.metrics = Metrics(store)
        blueprint = salesforce.door(Inlet(store, self.metrics, lambda: None), secrets, organisation, open_=open_)
        self.app = create_app([blueprint], self.metrics, WebLimits())

    def call(self, said: Any, secret: str = SECRET, **headers: str) -> TestResponse:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        usual = {"Content-Type": "application/json", "X-Nolapse-Signature": signature}
        return self.app.test_client().post("/webhooks/salesforce", data=body, headers=usual | headers)

    def message(self, body: bytes) -> TestResponse:
        return self.app.test_client().post(
            "/webhooks/salesforce", data=body, headers={"Content-Type": "text/xml; charset=utf-8"}
        )

    def keys(self) -> list[str]:
        with self.store.read() as connection:
            rows = connection.execute(inbox_table.select().order_by(inbox_table.c.id))
            return [row.event_key for row in rows]


@pytest.fixture
def door(prepared_store_url: Prepared) -> Iterator[Door]:
    store = open_store(prepared_store_url("live", make_live_ledger))
    yield Door(store)
    store.close()


on_sqlite = pytest.mark.parametrize("prepared_store_url", ["sqlite"], indirect=True)


@on_sqlite
class TestCallout:
    def test_each_record_is_kept_once(self, door: Door) -> None:
        assert door.call(CHANGED).status_code == 202
        assert door.call(CHANGED, BEFORE).json == {"status": "known"}
        short = CHANGED | {"records": [{"type": "Task", "id": TASK[:15]}]}
        assert door.call(short).json == {"status": "known"}
        later = CHANGED | {"at": "2026-11-20T09:00:01Z"}
        assert door.call(later, **{"X-Nolapse-Signature": "sha256=" + signature_of(later)}).status_code == 202
        assert len(door.keys()) == 4

    @pytest.mark.parametrize("signature", ["", "ключ", "0" * 64, "sha256="])
    def test_what_is_not_signed_is_refused(self, door: Door, signature: str) -> None:
        given = signature.encode().decode("latin-1")
        assert door.call(CHANGED, **{"X-Nolapse-Signature": given}).status_code == 401
        assert door.call(CHANGED, "another key").status_code == 401
        assert door.keys() == []

    @pytest.mark.parametrize(
        ("said", "code", "why"),
        [
            (b"{", 400, "the message: invalid JSON"),
            (CHANGED | {"records": []}, 400, "records: list should have at least 1 item"),
            (CHANGED | {"records": [{"type": "Task", "id": "x"}]}, 400, "records.0.id: string should match pattern"),
            (CHANGED | {"records": [{"type": "a b", "id": TASK}]}, 400, "records.0.type: string should match"),
            (CHANGED | {"at": "2026-11-20T09:00:00"}, 400, "at: input should have timezone info"),
            (CHANGED | {"more": 1}, 400, "more: extra inputs are not permitted"),
            (CHANGED | {"organisation": "00D000000000009"}, 403, "nothing is taken in from this organisation"),
        ],
    )
    def test_what_is_not_of_the_form_is_refused(self, door: Door, said: Any, code: int, why: str) -> None:
        answer = door.call(said)
        assert answer.status_code == code
        assert why in str(answer.json)
        assert door.keys() == []

    def test_other_content_is_refused(self, door: Door) -> None:
        assert door.call(CHANGED, **{"Content-Type": "text/plain"}).status_code == 415


@on_sqlite
class TestOutboundMessage:
    def test_one_to_a_hundred_are_kept_and_acknowledged(self, door: Door) -> None:
        every = [(mark(number), "Task", f"00T{number:015}") for number in range(100)]
        for _ in range(2):
            answer = door.message(b"\xef\xbb\xbf" + outbound(*every))
            assert (answer.status_code, answer.mimetype) == (200, "text/xml")
            assert ACK in answer.text
        assert len(door.keys()) == 100
        assert door.message(outbound(*every, (mark(100), "Task", TASK))).status_code == 400
        assert door.message(outbound()).status_code == 400

    def test_a_deleted_record_is_acknowledged(self, door: Door) -> None:
        deleted = f"</Notification><Notification><Id>{mark(2)}</Id></Notification>".encode()
        body = outbound((mark(1), "Task", TASK)).replace(b"</Notification>", deleted)
        assert ACK in door.message(body).text
        assert door.keys() == [f"Task:{TASK[:15]}:{mark(1)}"]

    @pytest.mark.parametrize("organisation", ["00D000000000002EAA", "", "00D"])
    def test_another_organisation_is_refused(self, door: Door, organisation: str) -> None:
        assert door.message(outbound((mark(1), "Task", TASK), organisation=organisation)).status_code == 403
        assert door.message(outbound((mark(1), "Task", TASK), organisation=ORGANISATION[:15])).status_code == 200
        assert len(door.keys()) == 1

    @pytest.mark.parametrize(
        "head",
        [
            '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
            '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
            '<!DOCTYPE x [<!ENTITY a SYSTEM "file:/etc/hostname">]>',
        ],
    )
    def test_a_message_that_would_grow_or_reach_out_is_refused(self, door: Door, head: str) -> None:
        said = "&b;" if "&b" in head else ""
        assert door.message(outbound((mark(1), "Task", TASK), head=head, said=said)).status_code == 400

    @pytest.mark.parametrize(
        "body", [b"", b"<", b"<x/>", b"\xff\xfe<", b'<?xml version="1.0" encoding="none"?><x/>', b"<a>" * 50_000]
    )
    def test_what_is_no_message_is_refused(self, door: Door, body: bytes) -> None:
        assert door.message(body).status_code == 400
        assert door.keys() == []

    def test_what_cannot_be_stored_is_not_acknowledged(self, door: Door) -> None:
        with door.store.begin() as connection:
            connection.exec_driver_sql("DROP TABLE inbox")
        answer = door.message(outbound((mark(1), "Task", TASK)))
        assert answer.status_code == 503
        assert ACK not in answer.text

    @pytest.mark.parametrize(
        ("said", "why"),
        [
            ({"secrets": (), "organisation": ""}, "this door is closed"),
            ({"open_": False}, "needs salesforce as the CRM"),
        ],
    )
    def test_a_door_that_cannot_work_is_closed(self, door: Door, said: dict[str, Any], why: str) -> None:
        for answer in (Door(door.store, **said).message(b""), Door(door.store, **said).call(CHANGED)):
            assert answer.status_code == 503
            assert why in answer.text


@pytest.mark.parametrize(
    ("kind", "id", "named"),
    [("Certificate_Order__c", ORDER, ORDER), ("a b", ORDER, None), ("Task", "short", None)],
)
def test_a_notification_names_its_record(kind: str, id: str, named: str | None) -> None:
    body = outbound((mark(1), kind, id))
    if named is None:
        with pytest.raises(OutboundMessageError, match="does not name its record"):
            notifications(body)
    else:
        assert notifications(body).notifications == (Notification(kind, named, mark(1)),)


@on_sqlite
def test_nothing_is_believed_until_the_record_is_read_again(door: Door) -> None:
    asked: list[Sequence[str]] = []

    class Rereading:
        name = "salesforce"

        def changes_of(self, things: Sequence[str]) -> Sequence[CrmChange]:
            asked.append(things)
            return []

    door.call(CHANGED)
    door.message(outbound((mark(1), "Task", TASK)))
    counts = inbox.apply(door.store, {DOOR: apply}, DAY)
    assert counts.applied == 3
    look(door.store, {"salesforce": CrmLooker(Rereading(), policy())}, DAY)
    assert asked == [[f"Task:{TASK}", f"Certificate_Order__c:{ORDER}"]]
    with door.store.read() as connection:
        assert connection.execute(looks.select()).all() == []


def signature_of(said: Any) -> str:
    return hmac.new(SECRET.encode(), json.dumps(said).encode(), hashlib.sha256).hexdigest()
