"""The Partner Subscriptions API: ACME contracts, grouped by subaccount or one by one."""

from datetime import datetime
from typing import Any

from flask import Response

from tests.fakes.certcentral.answers import without_nothing
from tests.fakes.certcentral.errors import ApiError, not_found
from tests.fakes.certcentral.gate import PARTNER_API, Route, answer, caller, empty_or
from tests.fakes.certcentral.query import Query
from tests.fakes.certcentral.records import Contract
from tests.fakes.certcentral.world import World


def reporting(world: World, query: Query, body: dict[str, Any]) -> Response:
    if caller().account_id:
        raise ApiError(403, "access_denied|account", "Only the parent account may see this.")
    accounts: dict[int, list[Contract]] = {}
    for one in world.contracts.values():
        accounts.setdefault(one.account_id, []).append(one)
    rows = [
        {"account_id": number, "acme": [_renamed(world, _contract(one, owner=False)) for one in found]}
        for number, found in accounts.items()
    ]
    return empty_or(world, "accounts", rows)


def contract(world: World, query: Query, body: dict[str, Any], contract_id: str) -> Response:
    one = world.contracts.get(int(contract_id)) if contract_id.isdigit() else None
    if one is None:
        raise not_found("acme_contract")
    if caller().account_id != one.account_id and not world.quirks.parent_reads_contracts:
        raise ApiError(403, "access_denied|account", "This needs the key of the subaccount.")
    return answer(_contract(one))


def _contract(one: Contract, *, owner: bool = True) -> dict[str, Any]:
    told = {
        "acme_contract_id": one.id,
        "account_id": one.account_id if owner else None,
        "product_name_id": one.product,
        "created_at": _instant(one.created_at),
        "sans": list(one.names),
        "valid_till": _instant(one.valid_till),
    }
    return without_nothing(told) | {
        "organization": None,
        "is_organization_validated": False,
        "auto_renew": one.auto_renew,
        "date_canceled": _instant(one.cancelled_at) if one.cancelled_at else None,
    }


def _renamed(world: World, row: dict[str, Any]) -> dict[str, Any]:
    names = world.quirks.contract_fields
    return {names.get(name, name): value for name, value in row.items()}


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


ROUTES = (
    Route("GET", "/account/reporting", reporting, api=PARTNER_API),
    Route("GET", "/acme/<contract_id>", contract, api=PARTNER_API),
)
