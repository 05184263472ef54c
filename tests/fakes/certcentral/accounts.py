"""The account itself: who it is, its divisions, subaccounts with their orders, custom fields."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from flask import Response

from tests.fakes.certcentral import query as read
from tests.fakes.certcentral.answers import shown_status, subaccount_row
from tests.fakes.certcentral.errors import ApiError, not_found
from tests.fakes.certcentral.gate import Route, answer, empty_or, nothing
from tests.fakes.certcentral.orders import FieldOf, FilterOf, arrange, field_test
from tests.fakes.certcentral.query import Query
from tests.fakes.certcentral.records import Order, Subaccount
from tests.fakes.certcentral.world import World

PAGE = 1000


def account(world: World, query: Query, body: dict[str, Any]) -> Response:
    organisation = next(iter(world.organisations.values()), None)
    return answer({
        "id": world.account_id,
        "cert_central_type": world.account_type,
        "primary_organization_name": organisation.name if organisation else "Certs Ltd",
        "primary_organization_country": organisation.country if organisation else "us",
        "make_renewal_calls": world.make_renewal_calls,
        "rep_name": "Account Team",
        "rep_email": "team@digicert.example",
        "admin_email": "admin@partner.example",
        "is_enterprise": world.account_type == "enterprise",
    })  # fmt: skip


def containers(world: World, query: Query, body: dict[str, Any]) -> Response:
    rows = [
        {
            "id": one.id, "public_id": f"{one.id:032X}", "name": one.name, "parent_id": one.parent_id,
            "template_id": 5, "is_active": one.is_active,
        }
        for one in world.all_containers()
    ]  # fmt: skip
    return empty_or(world, "containers", rows)


def metadata(world: World, query: Query, body: dict[str, Any]) -> Response:
    rows = [
        {"id": one.id, "label": one.label, "is_required": one.is_required, "is_active": one.is_active}
        | ({"data_type": one.data_type} if one.data_type else {})
        for one in world.fields.values()
    ]
    return empty_or(world, "metadata", rows)


def subaccounts(world: World, query: Query, body: dict[str, Any]) -> Response:
    _subaccounts_enabled(world)
    page = read.read_page(query, PAGE, PAGE)
    rows = [_subaccount(one) for one in world.subaccounts.values() if one.parent_id == 0]
    return empty_or(world, "subaccounts", page.cut(rows), page=page.of(len(rows)))


def subaccount(world: World, query: Query, body: dict[str, Any], account_id: str) -> Response:
    one = _find(world, account_id)
    organisation, master = one.organisation, one.master
    told = _subaccount(one) | {
        "parent_account_id": one.parent_id or world.account_id,
        "billing_account_name": organisation.name,
        "bill_parent": one.bill_parent,
        "allow_parent_order_renewal": one.allow_parent_order_renewal,
        "organization": {
            "id": organisation.id, "name": organisation.name, "city": organisation.city, "state": organisation.state,
            "country": organisation.country, "telephone": organisation.telephone,
        },
    }  # fmt: skip
    if master is not None:
        told["master_user"] = {
            "first_name": master.first_name, "last_name": master.last_name, "email": master.email,
            "job_title": master.job_title, "telephone": master.telephone, "i18n_language_id": one.language_id,
            "container_id": 1,
        }  # fmt: skip
    return answer(told)


def change_subaccount(world: World, query: Query, body: dict[str, Any], account_id: str) -> Response:
    one = _find(world, account_id)
    world.change_subaccount(
        one.account_id,
        organisation=replace(one.organisation, name=body.get("child_name", one.organisation.name)),
        manager=f"User {body['account_manager_user_id']}" if "account_manager_user_id" in body else one.manager,
        bill_parent=body.get("bill_parent", one.bill_parent),
        allow_parent_order_renewal=body.get("allow_parent_order_renewal", one.allow_parent_order_renewal),
    )
    return nothing()


_ORDER_FIELDS: dict[str, tuple[FieldOf, FilterOf]] = {
    "id": (lambda world, order: order.id, read.number),
    "certificate_id": (lambda world, order: order.certificate.id if order.certificate else 0, read.number),
    "valid_till": (lambda world, order: order.certificate and order.certificate.valid_till, read.when),
    "common_name": (lambda world, order: order.names[0], read.text),
    "status": (lambda world, order: shown_status(world, order, world.clock.today()), read.text),
    "product_name_id": (lambda world, order: order.product, read.text),
    "date_created": (lambda world, order: order.placed_at, read.when),
    "subaccount": (lambda world, order: order.subaccount, read.number),
    "account_type": (lambda world, order: world.subaccounts[order.subaccount].account_type, read.text),
}
_ORDER_SORTS: dict[str, FieldOf] = {
    "id": lambda world, order: order.id,
    "common_name": lambda world, order: order.names[0],
    "product_name_id": lambda world, order: order.product,
    "date_created": lambda world, order: order.placed_at,
    "validity_years": lambda world, order: order.days,
}


def subaccount_orders(world: World, query: Query, body: dict[str, Any]) -> Response:
    _subaccounts_enabled(world)
    page = read.read_page(query, PAGE, PAGE)
    tests = [field_test(world, name, values, _ORDER_FIELDS) for name, values in query.filters.items()]
    found = [one for one in world.subaccount_orders() if all(test(one) for test in tests)]
    arrange(world, found, query.plain.get("sort", ""), _ORDER_SORTS)
    rows = [subaccount_row(world, order) for order in page.cut(found)]
    return empty_or(world, "orders", rows, page=page.of(len(found)))


def subaccount_order(world: World, query: Query, body: dict[str, Any], order_id: str) -> Response:
    _subaccounts_enabled(world)
    order: Order | None = world.find(int(order_id)) if order_id.isdigit() else None
    if order is None or not order.subaccount:
        raise not_found("order")
    told = subaccount_row(world, order, whole=True)
    if query.plain.get("include_validation_status") == "true":
        told["validation_status"] = "completed" if order.certificate else "pending"
    return answer(told)


def _subaccount(one: Subaccount) -> dict[str, Any]:
    created: datetime | None = one.created_at
    return {
        "account_id": one.account_id,
        "account_type": one.account_type,
        "organization_name": one.organisation.name,
        "date_created": created.strftime("%Y-%m-%d %H:%M:%S") if created else "",
        "account_manager": one.manager,
    }


def _find(world: World, text: str) -> Subaccount:
    _subaccounts_enabled(world)
    one = world.subaccounts.get(int(text)) if text.isdigit() else None
    if one is None or (one.parent_id and not world.quirks.reads_deep_subaccounts):
        raise not_found("subaccount")
    return one


def _subaccounts_enabled(world: World) -> None:
    if not world.quirks.subaccounts:
        raise ApiError(403, "access_denied|subaccounts", "Subaccounts are not enabled for this account.")


ROUTES = (
    Route("GET", "/account", account),
    Route("GET", "/container", containers),
    Route("GET", "/account/metadata", metadata),
    Route("GET", "/account/subaccount", subaccounts, plain=("offset", "limit")),
    Route("GET", "/account/subaccount/<account_id>", subaccount),
    Route(
        "PUT", "/account/subaccount/<account_id>", change_subaccount,
        body={"account_manager_user_id": int, "bill_parent": bool, "child_name": str, "allow_parent_order_renewal": bool},
    ),
    Route(
        "GET", "/account/subaccount/order", subaccount_orders, plain=("offset", "limit", "sort"),
        filters=tuple(_ORDER_FIELDS),
    ),
    Route(
        "GET", "/account/subaccount/order/<order_id>", subaccount_order, plain=("include_validation_status",),
    ),
)  # fmt: skip
