"""Changing orders: renewals, reissues, status, renewal notices and their message, custom fields."""

import re
from datetime import date
from typing import Any

from flask import Response

from tests.fakes.certcentral.errors import ApiError, invalid, missing, not_found
from tests.fakes.certcentral.gate import Route, answer, nothing
from tests.fakes.certcentral.orders import by_any_id
from tests.fakes.certcentral.query import Query
from tests.fakes.certcentral.records import PRODUCTS, Field, Order
from tests.fakes.certcentral.world import RENEWABLE_DAYS, World

_ADDRESS = re.compile(r"[^\s@,;]+@[^\s@,;]+\.[^\s@,;]+")
_LONGEST_MESSAGE = 2000
_YEAR, _LONGEST_YEARS = 365, 3
_ORDER_BODY: dict[str, type | tuple[type, ...]] = {
    "certificate": dict, "organization": dict, "order_validity": dict, "validity_years": int, "validity_days": int,
    "custom_expiration_date": str, "container": dict, "auto_renew": (int, bool), "custom_renewal_message": str,
    "disable_renewal_notifications": bool, "additional_emails": list, "payment_method": str, "dcv_method": str,
    "skip_approval": bool, "custom_fields": list, "renewal_of_order_id": int, "comments": str,
}  # fmt: skip
_CERTIFICATE_BODY = {
    "common_name", "dns_names", "csr", "signature_hash", "server_platform", "cert_validity", "organization_units",
}  # fmt: skip


def place_order(world: World, query: Query, body: dict[str, Any], product_name_id: str) -> Response:
    if product_name_id not in PRODUCTS:
        raise not_found("product")
    certificate = body["certificate"]
    for name in certificate:
        if name not in _CERTIFICATE_BODY:
            raise ApiError(400, f"invalid_parameter|certificate.{name}", f"There is no certificate.{name} here.")
    for name in ("common_name", "csr"):
        if not isinstance(certificate.get(name), str) or not certificate[name]:
            raise missing(f"certificate.{name}")
    days = _days(world, body)
    renewal_of = body.get("renewal_of_order_id", 0)
    said: dict[str, Any] = {
        "product": product_name_id,
        "names": tuple(dict.fromkeys((certificate["common_name"], *certificate.get("dns_names", ())))),
        "days": days,
        "auto_renew": bool(body.get("auto_renew", 0)),
        "notices_off": body.get("disable_renewal_notifications", False),
        "custom_renewal_message": body.get("custom_renewal_message", ""),
        "additional_emails": tuple(body.get("additional_emails", ())),
    }
    if "container" in body:
        said["container"] = body["container"].get("id", 1)
    if "organization" in body:
        said["organisation"] = body["organization"].get("id", 0)
    if "custom_fields" in body:
        fields = [(one.get("metadata_id", 0), one.get("value", "")) for one in body["custom_fields"]]
        for number, value in fields:
            _check_value(_field(world, number), value)
        said["custom_fields"] = tuple(fields)
    if renewal_of:
        _renewable(world, by_any_id(world, str(renewal_of)))
        order = world.place_renewal(renewal_of, **said)
    else:
        order = world.add(status="pending", **said)
    if body.get("skip_approval"):
        order = world.issue(order.id, at_once=True)
    status = "approved" if order.certificate else "pending"
    told = {"id": order.id, "requests": [{"id": order.id % 1_000_000, "status": status}]}
    return answer(told | {"certificate_id": order.certificate.id if order.certificate else order.id * 100}, 201)


def reissue(world: World, query: Query, body: dict[str, Any], order_id: str) -> Response:
    order = by_any_id(world, order_id)
    if order.status != "issued" or order.ends_on is None or order.ends_on < world.clock.today():
        raise ApiError(400, "invalid_order_status", "Only an issued order that runs can be reissued.")
    if not body["certificate"].get("csr"):
        raise missing("certificate.csr")
    world.reissue(order.id)
    return answer({"id": order.id, "requests": [{"id": order.id % 1_000_000, "status": "approved"}]}, 201)


def change_status(world: World, query: Query, body: dict[str, Any], order_id: str) -> Response:
    order, status = by_any_id(world, order_id), body["status"].lower()
    if status == "canceled":
        if order.status not in ("pending", "needs_approval", "reissue_pending", "waiting_pickup"):
            raise ApiError(400, "invalid_order_status", "Only an order that waits can be cancelled.")
        world.cancel(order.id)
        return nothing()
    if status not in ("renewed", "not_renewed"):
        raise invalid("status", "status is canceled, renewed or not_renewed.")
    if order.origin != "migrated":
        raise ApiError(400, "invalid_order_origin", "Only a migrated order can be marked.")
    if order.ends_on is None or (order.ends_on - world.clock.today()).days > RENEWABLE_DAYS:
        raise ApiError(400, "invalid_order_status", f"The order ends in more than {RENEWABLE_DAYS} days.")
    world.change(order.id, is_renewed=status == "renewed")
    return nothing()


def auto_reissue(world: World, query: Query, body: dict[str, Any], order_id: str) -> Response:
    order = by_any_id(world, order_id)
    if body["auto_reissue"] not in (0, 1):
        raise invalid("auto_reissue")
    world.change(order.id, auto_reissue=bool(body["auto_reissue"]))
    return nothing()


def renewal_emails(world: World, query: Query, body: dict[str, Any], order_id: str, status: str) -> Response:
    on, off = world.quirks.renewal_emails_words
    refusal = None if status in (on, off) else invalid("status", "This is no status of renewal notices.")
    if refusal is not None and world.quirks.words_first:
        raise refusal
    order = by_any_id(world, order_id)
    if refusal is not None:
        raise refusal
    world.change(order.id, notices_off=status == off)
    return nothing()


def renewal_message(world: World, query: Query, body: dict[str, Any], order_id: str) -> Response:
    order, message = by_any_id(world, order_id), body["custom_renewal_message"]
    if len(message) > _LONGEST_MESSAGE:
        raise invalid("custom_renewal_message", f"It is longer than {_LONGEST_MESSAGE} characters.")
    world.change(order.id, custom_renewal_message=message)
    return nothing()


def custom_field(world: World, query: Query, body: dict[str, Any], order_id: str) -> Response:
    order, field = by_any_id(world, order_id), _field(world, body["metadata_id"])
    _check_value(field, body["value"])
    others = tuple(one for one in order.custom_fields if one[0] != field.id)
    world.change(order.id, custom_fields=(*others, (field.id, body["value"])))
    return nothing()


def _field(world: World, number: int) -> Field:
    field = world.fields.get(number)
    if field is None or not field.is_active:
        raise invalid("metadata_id", "There is no such custom field.")
    return field


def _check_value(field: Field, value: str) -> None:
    addresses = re.split(r"[,;]\s*", value)
    good = {
        "int": re.fullmatch(r"-?\d+", value) is not None,
        "email_address": _ADDRESS.fullmatch(value) is not None,
        "email_list": all(_ADDRESS.fullmatch(one) for one in addresses),
    }
    if not good.get(field.data_type, True):
        raise ApiError(400, "invalid_custom_field_value", f"The value is no {field.data_type}.")


def _renewable(world: World, old: Order) -> None:
    if old.ends_on is None or (old.ends_on - world.clock.today()).days > RENEWABLE_DAYS:
        raise ApiError(400, "order_not_renewable", f"Renewal begins {RENEWABLE_DAYS} days before the end.")
    if old.is_renewed:
        raise ApiError(400, "order_already_renewed", "The order is renewed already.")


def _days(world: World, body: dict[str, Any]) -> int:
    told: dict[str, Any] = body.get("order_validity", {
        "years": body.get("validity_years"), "days": body.get("validity_days"),
        "custom_expiration_date": body.get("custom_expiration_date"),
    })  # fmt: skip
    unit, length = "days", told.get("days")
    if told.get("years") is not None:
        unit, length = "years", told["years"] * _YEAR
    elif told.get("custom_expiration_date") is not None:
        try:
            length = (date.fromisoformat(told["custom_expiration_date"]) - world.clock.today()).days
        except ValueError:
            raise invalid("custom_expiration_date") from None
    if length is None:
        raise missing("order_validity")
    if type(length) is not int or not 0 < length <= _LONGEST_YEARS * _YEAR:
        raise ApiError(400, f"invalid_value:{unit}", f"An order runs for {_LONGEST_YEARS} years at most.")
    return length


ROUTES = (
    Route(
        "POST", "/order/certificate/<product_name_id>", place_order, body=_ORDER_BODY, required=("certificate",),
    ),
    Route(
        "POST", "/order/certificate/<order_id>/reissue", reissue, body={"certificate": dict, "comments": str},
        required=("certificate",),
    ),
    Route(
        "PUT", "/order/certificate/<order_id>/status", change_status, body={"status": str, "note": str},
        required=("status",),
    ),
    Route(
        "PUT", "/order/certificate/<order_id>/auto-reissue", auto_reissue, body={"auto_reissue": int},
        required=("auto_reissue",),
    ),
    Route("PUT", "/order/certificate/<order_id>/renewal-emails/<status>", renewal_emails),
    Route(
        "PUT", "/order/certificate/<order_id>/custom-renewal-message", renewal_message,
        body={"custom_renewal_message": str}, required=("custom_renewal_message",),
    ),
    Route(
        "POST", "/order/certificate/<order_id>/custom-field", custom_field, body={"metadata_id": int, "value": str},
        required=("metadata_id", "value"),
    ),
)  # fmt: skip
