import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.fakes.certcentral import CertCentral, World, person
from tests.fakes.certcentral.conftest import NOW
from tests.fakes.certcentral.talk import Talk

SECRET = "s" * 32


def test_the_account(world: World, talk: Talk) -> None:
    world.add_organisation("Nordlicht Hosting", country="de")
    world.account_type, world.make_renewal_calls = "enterprise", True
    told = talk.get("/account").json
    assert (told["primary_organization_name"], told["cert_central_type"]) == ("Nordlicht Hosting", "enterprise")
    assert (told["make_renewal_calls"], told["is_enterprise"]) == (True, True)


def test_divisions(world: World, talk: Talk) -> None:
    north = world.add_container("North", parent_id=1, is_active=False)
    rows = talk.get("/container").json["containers"]
    assert [(row["id"], row["name"], row["parent_id"]) for row in rows] == [(1, "Main", 0), (north.id, "North", 1)]
    assert rows[1]["is_active"] is False
    world.containers.clear()
    assert talk.get("/container").json == {}


def test_custom_fields_of_the_account(world: World, talk: Talk) -> None:
    assert talk.get("/account/metadata").json == {}
    anything, typed = world.add_field("CRM record"), world.add_field("More", "email_list", is_required=True)
    assert talk.get("/account/metadata").json["metadata"] == [
        {"id": anything.id, "label": "CRM record", "is_required": False, "is_active": True},
        {"id": typed.id, "label": "More", "is_required": True, "is_active": True, "data_type": "email_list"},
    ]


def test_subaccounts(world: World, talk: Talk) -> None:
    assert talk.get("/account/subaccount").json == {}
    direct = world.add_subaccount(
        "Blue Ltd", account_type="reseller", manager="Jo Low", master=person("Ann Bee", "ann@b.example"), language_id=4
    )
    below = world.add_subaccount("Green Ltd", parent_id=direct.account_id)
    told = talk.get("/account/subaccount").json
    assert told["page"]["total"] == 1
    assert told["subaccounts"] == [{
        "account_id": direct.account_id, "account_type": "reseller", "organization_name": "Blue Ltd",
        "date_created": "2026-11-21 12:00:00", "account_manager": "Jo Low",
    }]  # fmt: skip
    one = talk.get(f"/account/subaccount/{direct.account_id}").json
    assert one["parent_account_id"] == world.account_id
    assert (one["master_user"]["email"], one["master_user"]["i18n_language_id"]) == ("ann@b.example", 4)
    assert talk.get(f"/account/subaccount/{below.account_id}").json["parent_account_id"] == direct.account_id
    for wrong in ("1", "x"):
        assert talk.get(f"/account/subaccount/{wrong}").code == "not_found|subaccount"
    world.quirks.reads_deep_subaccounts = False
    assert talk.get(f"/account/subaccount/{below.account_id}").status == 404
    path = f"/account/subaccount/{direct.account_id}"
    body = {"allow_parent_order_renewal": True, "child_name": "Sky Ltd", "account_manager_user_id": 5}
    assert talk("PUT", path, body).status == 204
    told = talk.get(path).json
    assert told["allow_parent_order_renewal"] is True
    assert (told["organization_name"], told["account_manager"]) == ("Sky Ltd", "User 5")
    assert talk("PUT", path, {"allow_parent_order_renewal": 1}).status == 400


def test_orders_of_subaccounts(world: World, talk: Talk) -> None:
    direct = world.add_subaccount("Blue Ltd")
    below = world.add_subaccount("Green Ltd", account_type="retail", parent_id=direct.account_id)
    house = world.add_organisation("Blue Ltd")
    own = world.add()
    near = world.add(subaccount=direct.account_id, ends_on=date(2027, 1, 5), organisation=house.id, multi_year=True)
    far = world.add(subaccount=below.account_id, ends_on=date(2027, 1, 6), names=("far.example",))
    assert talk.orders() == [own.id]
    first, second = talk.get("/account/subaccount/order").json["orders"]
    assert set(first["certificate"]) == {
        "id", "thumbprint", "serial_number", "common_name", "dns_names", "valid_till", "organization_units",
        "signature_hash",
    }  # fmt: skip
    assert "certificate" not in second, "only direct subaccounts tell of it"
    assert second == {
        "id": far.id,
        "subaccount": {
            "account_id": below.account_id, "account_type": "retail", "organization_name": "Green Ltd",
        },
        "product": {"name_id": "ssl_basic", "name": "Basic OV", "type": "ssl_certificate"},
        "order_price": {"cost": 0, "currency": "USD"},
        "status": "issued",
        "number_of_sans": 1,
        "date_created": "2026-01-06T09:30:00+00:00",
        "validity_years": 1,
    }  # fmt: skip
    one = talk.get(f"/account/subaccount/order/{near.id}?include_validation_status=true").json
    assert (one["order_valid_till"], one["is_multi_year_plan"]) == ("2027-01-05", "1")
    assert (one["organization"]["name"], one["validation_status"]) == ("Blue Ltd", "completed")
    assert "organization" not in talk.get(f"/account/subaccount/order/{far.id}").json
    for path in (f"/account/subaccount/order/{own.id}", f"/order/certificate/{near.id}"):
        assert talk.get(path).code == "not_found|order"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("filters[status]=pending", "waiting"),
        ("filters[account_type]=retail", "far"),
        ("filters[common_name]=far.example", "far"),
        ("filters[product_name_id]=ssl_dv_rapidssl", "waiting"),
        ("filters[valid_till]=2027-01-01...2027-01-05", "near"),
        ("filters[date_created]=%3E2026-11-01", "waiting"),
        ("sort=-id", "waiting far near"),
        ("sort=date_created&limit=1&offset=1", "far"),
        ("filters[subaccount]=1", ""),
    ],
)
def test_filters_of_subaccount_orders(world: World, talk: Talk, query: str, found: str) -> None:
    direct = world.add_subaccount("Blue Ltd")
    below = world.add_subaccount("Green Ltd", account_type="retail", parent_id=direct.account_id)
    ids = {
        "near": world.add(subaccount=direct.account_id, ends_on=date(2027, 1, 5)).id,
        "far": world.add(subaccount=below.account_id, ends_on=date(2027, 1, 6), names=("far.example",)).id,
        "waiting": world.add(subaccount=direct.account_id, status="pending", product="ssl_dv_rapidssl").id,
    }
    told = talk.get(f"/account/subaccount/order?{query}")
    assert [row["id"] for row in told.json.get("orders", ())] == [ids[name] for name in found.split()]


@pytest.mark.parametrize(
    "query", ["filters[is_renewed]=0", "filters[container_id]=1", "sort=status", "sort=--id", "limit=0"]
)
def test_subaccount_orders_cannot_be_asked_everything(talk: Talk, query: str) -> None:
    assert talk.get(f"/account/subaccount/order?{query}").status == 400


def test_an_account_without_subaccounts(world: World, talk: Talk) -> None:
    world.quirks.subaccounts = False
    for path in ("/account/subaccount", "/account/subaccount/1", "/account/subaccount/order"):
        assert (talk.get(path).status, talk.get(path).code) == (403, "access_denied|subaccounts")


def test_partner_subscriptions(world: World, server: CertCentral, talk: Talk) -> None:
    world.add_key("partner", partner=True)
    partner = Talk(server.partner_base_url, "partner", "X-PARTNER-APIKEY", talk.pool)
    assert partner.get("/account/reporting").json == {}
    one = world.add_contract(12, ["a.example", "b.example"], auto_renew=True)
    ended = world.add_contract(12, ["c.example"], cancelled_at=NOW)
    world.add_contract(13, ["d.example"])
    accounts = partner.get("/account/reporting").json["accounts"]
    assert [(row["account_id"], len(row["acme"])) for row in accounts] == [(12, 2), (13, 1)]
    assert accounts[0]["acme"][0] == {
        "acme_contract_id": one.id,
        "product_name_id": "ssl_dv_rapidssl",
        "created_at": "2026-11-21T12:00:00Z",
        "sans": ["a.example", "b.example"],
        "valid_till": "2027-11-21T12:00:00Z",
        "organization": None,
        "is_organization_validated": False,
        "auto_renew": True,
        "date_canceled": None,
    }
    world.add_key("below", partner=True, account_id=12)
    below = Talk(server.partner_base_url, "below", "X-PARTNER-APIKEY", talk.pool)
    told = below.get(f"/acme/{ended.id}").json
    assert (told["account_id"], told["date_canceled"]) == (12, "2026-11-21T12:00:00Z")
    assert below.get("/acme/x").code == "not_found|acme_contract"
    assert below.get("/account/reporting").code == "access_denied|account"
    assert partner.get(f"/acme/{ended.id}").code == "access_denied|account"
    world.quirks.parent_reads_contracts = True
    assert partner.get(f"/acme/{ended.id}").json == told
    world.quirks.contract_fields = {"acme_contract_id": "id", "sans": "domains"}
    row = partner.get("/account/reporting").json["accounts"][0]["acme"][0]
    assert (row["id"], row["domains"]) == (one.id, ["a.example", "b.example"])
    assert Talk(server.partner_base_url, server.key, pool=talk.pool).get("/account/reporting").status == 401
    assert Talk(server.partner_base_url, server.key, "X-PARTNER-APIKEY", talk.pool).get("/acme/1").status == 401
    assert Talk(server.base_url, "partner", pool=talk.pool).get("/account").status == 401


class Listener:
    """Somebody who listens to the webhook."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Any]] = []
        self.status = 200
        self.endpoint = ""


@contextmanager
def listening() -> Iterator[Listener]:
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            listener.heard.append((self.headers.get("X-WEBHOOK-KEY", ""), body))
            self.send_response(listener.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Handler) as http:
        thread = Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        listener.endpoint = f"http://127.0.0.1:{http.server_port}/hear"
        try:
            yield listener
        finally:
            http.shutdown()
            thread.join()


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as listener:
        yield listener


def connect(world: World, talk: Talk, listener: Listener, **said: Any) -> str:
    """A webhook that is active."""
    told = talk("POST", "/webhook", {"endpoint": listener.endpoint, "secret": SECRET} | said)
    assert told.status == 201
    path = f"/webhook/{told.json['webhook_id']}"
    assert talk("PUT", f"{path}/send-challenge").status == 204
    token = listener.heard.pop()[1]["data"]["token"]
    assert talk("PUT", f"{path}/check-challenge", {"token": token}).status == 204
    return path


def test_setting_up_the_webhook(world: World, talk: Talk, listener: Listener) -> None:
    assert talk.get("/webhook").json == {}
    assert talk("POST", "/webhook/test-endpoint", {"endpoint": listener.endpoint}).status == 204
    assert listener.heard.pop() == ("", {"event": "test_webhook_endpoint"})
    listener.status = 202
    assert talk("POST", "/webhook/test-endpoint", {"endpoint": listener.endpoint}).code == "invalid_webhook_endpoint"
    listener.heard.clear()
    number = talk("POST", "/webhook", {"endpoint": listener.endpoint, "secret": SECRET}).json["webhook_id"]
    path = f"/webhook/{number}"
    assert talk("POST", "/webhook", {"endpoint": listener.endpoint}).code == "webhook_already_exists"
    assert talk("PUT", f"{path}/activate").code == "webhook_not_verified"
    assert talk("PUT", f"{path}/send-challenge").status == 204
    secret, told = listener.heard.pop()
    assert (secret, told["event"], told["data"]["webhook_id"]) == (SECRET, "challenge_webhook_endpoint", number)
    assert talk("PUT", f"{path}/check-challenge", {"token": "wrong"}).code == "invalid_challenge_token"
    world.advance(timedelta(minutes=31))
    assert talk("PUT", f"{path}/check-challenge", {"token": told["data"]["token"]}).code == "invalid_challenge_token"
    talk("PUT", f"{path}/send-challenge")
    assert talk("PUT", f"{path}/check-challenge", {"token": listener.heard.pop()[1]["data"]["token"]}).status == 204
    (row,) = talk.get("/webhook").json["webhooks"]
    assert (row["status"], row["events"]) == ("active", ["certificate_issued"])
    assert talk("PUT", f"{path}/deactivate").status == 204
    assert talk("PUT", f"{path}/activate").status == 204
    assert talk("PUT", path, {"events": ["order_rejected"]}).status == 204
    assert world.webhook is not None
    assert (world.webhook.status, world.webhook.events) == ("active", ("order_rejected",))
    assert talk("PUT", path, {"endpoint": "https://elsewhere.example/hear"}).status == 204
    assert world.webhook.status == "pending", "another endpoint has to be verified again"
    assert talk("DELETE", path).status == 204
    assert talk("DELETE", path).code == "not_found|webhook"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"endpoint": "http://hear.example"}, "invalid_value|endpoint"),
        ({"secret": "short"}, "invalid_value|secret"),
        ({"events": ["certificate_expiring"]}, "invalid_value|events"),
        ({"webhook_settings": {"colour": "1"}}, "invalid_value|webhook_settings.colour"),
        ({"more": 1}, "invalid_parameter|more"),
    ],
)
def test_webhooks_that_are_refused(talk: Talk, said: dict[str, Any], code: str) -> None:
    assert talk("POST", "/webhook", {"endpoint": "https://hear.example"} | said).code == code


def test_what_the_webhook_tells(world: World, server: CertCentral, talk: Talk, listener: Listener) -> None:
    events = ["certificate_issued", "certificate_revoked", "order_rejected"]
    path = connect(world, talk, listener, events=events)
    old = world.add()
    new = world.place_renewal(old.id)
    issued = world.issue(new.id)
    world.reissue(old.id)
    world.revoke(old.id)
    world.reject(world.place_renewal(new.id).id)
    world.renew(new.id)  # issued as it is ordered: no event unless the settings say so
    server.wait_for_webhook()
    assert [told["event"] for _, told in listener.heard] == [
        "certificate_issued", "certificate_issued", "certificate_revoked", "order_rejected",
    ]  # fmt: skip
    assert issued.certificate is not None
    first = {"event": "certificate_issued", "data": {"order_id": new.id, "certificate_id": issued.certificate.id}}
    assert listener.heard[0] == (SECRET, first)
    log = talk.get(f"{path}/event-logs?limit=1").json
    assert log["page"]["total"] == 4
    assert log["events"] == [{
        "event_name": "certificate_issued", "event_info": first["data"], "request_status": "success",
        "request_sent_time": "2026-11-21T12:00:00", "response_received_time": "2026-11-21T12:00:00",
        "response_code": 200,
    }]  # fmt: skip


def test_a_webhook_that_wants_more(world: World, server: CertCentral, talk: Talk, listener: Listener) -> None:
    settings = {
        "instant_issue_webhook_notification": "1", "webhook_send_instant_issued_certificate_chain": "1",
    }  # fmt: skip
    connect(world, talk, listener, webhook_settings=settings)
    new = world.renew(world.add(names=("a.example",)).id)
    world.reissue(new.id)
    server.wait_for_webhook()
    at_once, later = (told["data"] for _, told in listener.heard)
    assert at_once["certificate_chain"][0]["subject_common_name"] == "a.example"
    assert "certificate_chain" not in later


def test_what_a_webhook_does_not_take_is_in_the_log(
    world: World, server: CertCentral, talk: Talk, listener: Listener
) -> None:
    connect(world, talk, listener)
    listener.status = 500
    order = world.add()
    world.reissue(order.id)
    server.wait_for_webhook()
    assert world.webhook is not None
    world.webhook.endpoint = "http://127.0.0.1:1/"
    world.reissue(order.id)
    world.quirks.event_log = "of_account"
    server.wait_for_webhook()
    rows = talk.get("/webhook/event-logs").json["events"]
    assert [(row["request_status"], row["response_code"]) for row in rows] == [("failed", 500), ("failed", 0)]
    assert len(listener.heard) == 1, "nothing is sent again"
    assert talk.get(f"/webhook/{world.webhook.id}/event-logs").status == 404


def test_an_account_without_webhooks(world: World, talk: Talk) -> None:
    world.quirks.webhooks = False
    assert (talk.get("/webhook").status, talk.get("/webhook").code) == (403, "access_denied|webhooks")
