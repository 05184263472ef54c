from datetime import date, timedelta
from typing import Any

import pytest

from tests.fakes.certcentral import World
from tests.fakes.certcentral.conftest import TODAY, ending
from tests.fakes.certcentral.talk import Talk


def changes(talk: Talk, query: str) -> list[tuple[int, str]]:
    answer = talk.get(f"/order/certificate/status-changes?{query}")
    assert answer.status == 200, answer.content
    return [(row["order_id"], row["status"]) for row in answer.json.get("orders", ())]


def test_what_an_order_goes_through(world: World) -> None:
    old = world.add(ends_on=ending(20))
    assert (old.starts_on, old.certificate and old.certificate.valid_till) == (date(2025, 12, 11), ending(20))
    waiting = world.place_renewal(old.id)
    assert (waiting.status, waiting.certificate, waiting.ends_on, waiting.renewal_of) == ("pending", None, None, old.id)
    assert not world.order(old.id).is_renewed
    issued = world.issue(waiting.id)
    assert (issued.status, issued.starts_on, issued.ends_on) == ("issued", TODAY, ending(365))
    assert issued.certificate is not None
    assert issued.certificate.valid_till == ending(199)
    assert (world.order(old.id).is_renewed, world.order(old.id).renewed_by) == (True, issued.id)
    world.advance(timedelta(days=178))
    again = world.reissue(issued.id).certificate
    assert again is not None
    assert again.id != issued.certificate.id
    assert (again.valid_from, again.valid_till) == (ending(178), ending(178 + 99)), "99 days from March 2027 on"
    assert world.order(issued.id).ends_on == ending(365)


def test_ends_of_orders(world: World) -> None:
    assert world.reject(world.place_renewal(world.add().id).id).status == "rejected"
    old = world.add()
    new = world.renew(old.id)
    assert world.revoke(old.id).status == "revoked"
    assert world.cancel(new.id).status == "canceled"
    assert not world.order(old.id).is_renewed
    ended = world.expire(world.add().id)
    assert ended.certificate is not None
    assert (ended.ends_on, ended.certificate.valid_till) == (ending(-1), ending(-1))


def test_days_may_be_kept(world: World) -> None:
    world.quirks.days_kept_at_most = 90
    assert world.renew(world.add(ends_on=ending(31)).id).ends_on == ending(365 + 31)
    assert world.renew(world.add(ends_on=ending(-3)).id).ends_on == ending(365)


def test_a_certificate_in_use_was_reissued_in_time(world: World) -> None:
    order = world.add(starts_on=date(2026, 3, 1), ends_on=date(2027, 3, 1))
    assert order.certificate is not None
    assert (order.certificate.valid_from, order.certificate.valid_till) == (date(2026, 8, 26), date(2027, 3, 1))
    early = world.add(starts_on=date(2026, 6, 1))
    assert early.certificate is not None
    assert early.certificate.valid_till == date(2026, 12, 17)


def test_status_changes_of_late(world: World, talk: Talk) -> None:
    order = world.add(starts_on=date(2026, 1, 1))
    assert talk.get("/order/certificate/status-changes?minutes=10080").json == {}
    new = world.renew(order.id)
    world.advance(timedelta(minutes=10))
    world.change(order.id, notices_off=True)
    assert changes(talk, "minutes=11") == [(new.id, "issued")]
    assert changes(talk, "minutes=9") == []
    assert changes(talk, "minutes=9&seconds=120") == [(new.id, "issued")]
    world.reissue(order.id)
    told = talk.get("/order/certificate/status-changes?seconds=30").json["orders"]
    certificate = world.order(order.id).certificate
    assert certificate is not None
    assert told == [{"order_id": order.id, "certificate_id": certificate.id, "status": "issued"}]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("", "missing_parameter|minutes"),
        ("minutes=10081", "invalid_value|minutes"),
        ("minutes=0", "invalid_value|minutes"),
        ("seconds=604801", "invalid_value|seconds"),
        ("minutes=10080&seconds=1", "time_frame_too_long"),
        ("filters[status_last_updated]=2026-11-01...2026-11-09", "time_frame_too_long"),
        ("filters[status_last_updated]=2026-11-09", "invalid_value|filters[status_last_updated]"),
        ("filters[status]=issued", "invalid_parameter|filters[status]"),
        ("limit=10", "invalid_parameter|limit"),
    ],
)
def test_windows_that_are_refused(talk: Talk, query: str, code: str) -> None:
    answer = talk.get(f"/order/certificate/status-changes?{query}")
    assert (answer.status, answer.code) == (400, code)


def test_the_window_is_one_of_mountain_time(world: World, talk: Talk) -> None:
    order = world.add(status="pending")
    window = "filters[status_last_updated]=2026-11-21+05:30:00...2026-11-21+06:30:00"
    world.change(order.id, status="issued")
    # Noon in UTC is five o'clock in Denver in winter.
    assert changes(talk, window) == []
    assert changes(talk, window.replace("05:30", "04:30")) == [(order.id, "issued")]
    assert changes(talk, "filters[status_last_updated]=2026-11-15...2026-11-21") == [(order.id, "issued")]
    world.quirks.status_zone = "Etc/GMT+6"
    assert changes(talk, window) == [(order.id, "issued")]


def test_an_order_that_changed_again_leaves_the_older_window(world: World, talk: Talk) -> None:
    order = world.add(status="pending")
    world.advance(timedelta(days=2))
    world.issue(order.id)
    world.advance(timedelta(days=1))
    assert changes(talk, "filters[status_last_updated]=2026-11-20...2026-11-22") == []
    assert changes(talk, "filters[status_last_updated]=2026-11-20...2026-11-24") == [(order.id, "issued")]


def test_reaching_the_end_may_be_a_change(world: World, talk: Talk) -> None:
    first = world.add(ends_on=ending(1))
    world.advance(timedelta(days=2))
    assert changes(talk, "minutes=4320") == []
    world.quirks.expiry_is_a_change = True
    second = world.add(ends_on=ending(2))
    world.advance(timedelta(days=1))
    assert changes(talk, "minutes=4320") == [(second.id, "expired")]
    assert first.id != second.id


def test_a_vanished_order_has_no_changes(world: World, talk: Talk) -> None:
    order = world.add()
    world.vanish(order.id)
    assert (changes(talk, "minutes=10080"), talk.orders()) == ([], [])
    world.come_back(order.id)
    assert (changes(talk, "minutes=10080"), talk.orders()) == ([(order.id, "issued")], [order.id])


@pytest.mark.parametrize("end", ["reject", "cancel"])
def test_an_order_may_count_as_renewed_once_its_renewal_is_placed(world: World, end: str) -> None:
    world.quirks.renewed_when = "placed"
    old = world.add(ends_on=ending(20))
    new = world.place_renewal(old.id)
    assert (world.order(old.id).is_renewed, world.order(old.id).renewed_by) == (True, new.id)
    getattr(world, end)(new.id)
    assert (world.order(old.id).is_renewed, world.order(old.id).renewed_by) == (False, 0)


def test_renewal_notices(world: World, talk: Talk) -> None:
    order = world.add()
    path = f"/order/certificate/{order.id}/renewal-emails"
    assert (talk("PUT", f"{path}/disabled").status, world.order(order.id).notices_off) == (204, True)
    assert talk.get("/order/certificate").json["orders"][0]["disable_renewal_notifications"] is True
    assert (talk("PUT", f"{path}/enabled").status, world.order(order.id).notices_off) == (204, False)
    assert talk("PUT", f"{path}/0").status == 400
    world.quirks.renewal_emails_words = ("1", "0")
    assert talk("PUT", f"{path}/disabled").status == 400
    assert (talk("PUT", f"{path}/0").status, world.order(order.id).notices_off) == (204, True)
    assert talk("PUT", "/order/certificate/1/renewal-emails/0").status == 404
    assert talk("PUT", "/order/certificate/1/renewal-emails/off").status == 400
    world.quirks.words_first = False
    assert talk("PUT", "/order/certificate/1/renewal-emails/off").status == 404
    assert talk("PUT", f"{path}/off").status == 400


def test_the_custom_renewal_message(world: World, talk: Talk) -> None:
    order = world.add()
    path = f"/order/certificate/{order.id}/custom-renewal-message"
    assert talk("PUT", path, {"custom_renewal_message": "Call Ann."}).status == 204
    assert talk.get(f"/order/certificate/{order.id}").json["custom_renewal_message"] == "Call Ann."
    assert talk("PUT", path, {"custom_renewal_message": "x" * 3000}).status == 400
    assert talk("PUT", path, {"custom_renewal_message": ""}).status == 204
    assert "custom_renewal_message" not in talk.get(f"/order/certificate/{order.id}").json


@pytest.mark.parametrize(
    ("data_type", "value", "good"),
    [
        ("", "anything at all", True), ("text", "006X", True), ("int", "12", True), ("int", "12a", False),
        ("email_address", "a@b.example", True), ("email_address", "a@b.example, c@d.example", False),
        ("email_list", "a@b.example, c@d.example", True), ("email_list", "a@b.example, nobody", False),
    ],
)  # fmt: skip
def test_custom_fields(world: World, talk: Talk, data_type: str, value: str, good: bool) -> None:
    order, field = world.add(), world.add_field("CRM record", data_type)
    answer = talk("POST", f"/order/certificate/{order.id}/custom-field", {"metadata_id": field.id, "value": value})
    assert answer.status == (204 if good else 400)
    assert good or answer.code == "invalid_custom_field_value"
    assert world.order(order.id).custom_fields == (((field.id, value),) if good else ())


def test_a_custom_field_is_set_not_added(world: World, talk: Talk) -> None:
    order, field, gone = world.add(), world.add_field("CRM record"), world.add_field("Old", is_active=False)
    for value in ("one", "two"):
        talk("POST", f"/order/certificate/{order.id}/custom-field", {"metadata_id": field.id, "value": value})
    (row,) = talk.get("/order/certificate").json["orders"]
    assert row["custom_fields"] == [{"metadata_id": field.id, "label": "CRM record", "value": "two"}]
    for number in (gone.id, 1):
        body = {"metadata_id": number, "value": "x"}
        assert talk("POST", f"/order/certificate/{order.id}/custom-field", body).code == "invalid_value|metadata_id"


def test_a_renewal_is_a_new_order(world: World, talk: Talk) -> None:
    old = world.add(ends_on=ending(90), container=5)
    body: dict[str, Any] = {
        "certificate": {"common_name": "a.example", "dns_names": ["b.example"], "csr": "x"},
        "order_validity": {"years": 1},
        "renewal_of_order_id": old.id,
    }
    answer = talk("POST", "/order/certificate/ssl_basic", body)
    assert answer.status == 201
    new = world.order(answer.json["id"])
    assert answer.json["requests"][0]["status"] == "pending"
    assert (new.status, new.renewal_of, new.names, new.container) == ("pending", old.id, ("a.example", "b.example"), 5)
    world.issue(new.id)
    assert talk("POST", "/order/certificate/ssl_basic", body).code == "order_already_renewed"
    at_once = body | {"renewal_of_order_id": world.add(ends_on=ending(9)).id, "skip_approval": True, "auto_renew": 1}
    issued = world.order(talk("POST", "/order/certificate/ssl_basic", at_once).json["id"])
    assert (issued.status, issued.auto_renew, issued.ends_on) == ("issued", True, ending(365))


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"order_validity": {"years": 4}}, "invalid_value:years"),
        ({"order_validity": {"days": 0}}, "invalid_value:days"),
        ({"order_validity": {}}, "missing_parameter|order_validity"),
        ({"order_validity": {"custom_expiration_date": "soon"}}, "invalid_value|custom_expiration_date"),
        ({"order_validity": {"custom_expiration_date": "2026-11-20"}}, "invalid_value:days"),
        ({"certificate": {"common_name": "a.example"}}, "missing_parameter|certificate.csr"),
        ({"certificate": {"csr": "x", "colour": 1}}, "invalid_parameter|certificate.colour"),
        ({"renewal_of_order_id": 7}, "not_found|order"),
        ({"colour": 1}, "invalid_parameter|colour"),
        ({"custom_fields": [{"metadata_id": 1, "value": "x"}]}, "invalid_value|metadata_id"),
    ],
)
def test_orders_that_are_refused(world: World, talk: Talk, more: dict[str, Any], code: str) -> None:
    body = {"certificate": {"common_name": "a.example", "csr": "x"}, "validity_years": 1}
    assert talk("POST", "/order/certificate/ssl_basic", body | more).code == code
    assert world.order_ids() == []


def test_an_order_is_renewable_from_90_days_before_its_end(world: World, talk: Talk) -> None:
    body: dict[str, Any] = {"certificate": {"common_name": "a.example", "csr": "x"}, "validity_days": 365}
    early, never = world.add(ends_on=ending(91)), world.add(status="pending")
    for order in (early, never):
        told = talk("POST", "/order/certificate/ssl_basic", body | {"renewal_of_order_id": order.id})
        assert told.code == "order_not_renewable"
    assert talk("POST", "/order/certificate/no_such_thing", body).code == "not_found|product"


def test_a_reissue(world: World, talk: Talk) -> None:
    order = world.add(starts_on=ending(-100))
    body = {"certificate": {"csr": "x"}}
    assert talk("POST", f"/order/certificate/{order.id}/reissue", body).status == 201
    certificate = world.order(order.id).certificate
    assert certificate is not None
    assert certificate.valid_from == TODAY
    row = talk.get("/order/certificate").json["orders"][0]
    assert (row["reissues_count"], row["has_reissues"]) == (1, True)
    assert talk("POST", f"/order/certificate/{order.id}/reissue", {"certificate": {}}).status == 400
    pending = world.add(status="pending")
    assert talk("POST", f"/order/certificate/{pending.id}/reissue", body).code == "invalid_order_status"


def test_the_status_of_orders(world: World, talk: Talk) -> None:
    def put(order_id: int, status: str) -> str:
        answer = talk("PUT", f"/order/certificate/{order_id}/status", {"status": status})
        return "" if answer.status == 204 else answer.code

    migrated = world.add(ends_on=ending(90), origin="migrated")
    assert (put(migrated.id, "renewed"), world.order(migrated.id).is_renewed) == ("", True)
    assert (put(migrated.id, "not_renewed"), world.order(migrated.id).is_renewed) == ("", False)
    assert put(world.add(ends_on=ending(91), origin="migrated").id, "renewed") == "invalid_order_status"
    assert put(world.add(ends_on=ending(9)).id, "renewed") == "invalid_order_origin"
    pending = world.add(status="pending")
    assert (put(pending.id, "CANCELED"), world.order(pending.id).status) == ("", "canceled")
    assert put(migrated.id, "canceled") == "invalid_order_status"
    assert put(migrated.id, "blue") == "invalid_value|status"


def test_auto_reissue(world: World, talk: Talk) -> None:
    order = world.add()
    assert talk("PUT", f"/order/certificate/{order.id}/auto-reissue", {"auto_reissue": 1}).status == 204
    assert talk.get(f"/order/certificate/{order.id}").json["auto_reissue"] == 1
    assert talk("PUT", f"/order/certificate/{order.id}/auto-reissue", {"auto_reissue": 2}).status == 400
