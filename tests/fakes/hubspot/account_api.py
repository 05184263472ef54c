"""The account, and the people who own records."""

from typing import Any

from tests.fakes.hubspot.calls import Answer, Call, paged, route
from tests.fakes.hubspot.clock import iso
from tests.fakes.hubspot.errors import invalid, not_found
from tests.fakes.hubspot.parts import Owner

OWNERS_AT_MOST = 500


@route("GET", "account", "/details", "account.details")
def details(call: Call) -> Answer:
    offset = call.now.astimezone(call.world.zone).utcoffset()
    seconds = int(offset.total_seconds()) if offset is not None else 0
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return 200, {
        "portalId": call.world.portal_id,
        "accountType": "STANDARD",
        "timeZone": call.world.time_zone,
        "companyCurrency": "EUR",
        "additionalCurrencies": ["USD"],
        "utcOffset": f"{'-' if seconds < 0 else '+'}{hours:02}:{minutes:02}",
        "utcOffsetMilliseconds": seconds * 1000,
        "uiDomain": "app-eu1.hubspot.com",
        "dataHostingLocation": "eu1",
    }


@route("GET", "account", "/api-usage/daily/private-apps", "account.usage")
def usage(call: Call) -> Answer:
    gate = call.world.gate
    entry = {
        "name": "private-apps-api-calls-daily",
        "usageLimit": gate.limits.per_day,
        "currentUsage": gate.used_today,
        "collectedAt": iso(call.now),
        "fetchStatus": "SUCCESS",
        "resetsAt": iso(gate.resets_at(call.now)),
    }
    return 200, {"results": [entry]}


def _as_json(owner: Owner) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": owner.id,
        "type": "PERSON",
        "email": owner.email,
        "firstName": owner.first_name,
        "lastName": owner.last_name,
        "createdAt": iso(owner.created_at),
        "updatedAt": iso(owner.updated_at),
        "archived": owner.archived,
        "userIdIncludingInactive": owner.user_id,
    }
    if not owner.archived:
        body["userId"] = owner.user_id
    return body


@route("GET", "owners", "", "owners.list", query=("after", "archived", "email", "limit"))
def list_owners(call: Call) -> Answer:
    call.require(("crm.objects.owners.read",))
    binned, email = call.flag("archived"), call.text("email")
    found = [
        _as_json(owner)
        for owner in call.world.owners.values()
        if owner.archived == binned and email in (None, owner.email)
    ]
    return 200, paged(found, call, default=100, at_most=OWNERS_AT_MOST)


@route("GET", "owners", "/<int:owner_id>", "owners.read", query=("archived", "idProperty"))
def read_owner(call: Call, owner_id: int) -> Answer:
    call.require(("crm.objects.owners.read",))
    by = call.text("idProperty", "id")
    if by not in ("id", "userId"):
        raise invalid("idProperty must be id or userId", field_name="idProperty")
    for owner in call.world.owners.values():
        if owner.archived == call.flag("archived") and owner_id == (int(owner.id) if by == "id" else owner.user_id):
            return 200, _as_json(owner)
    raise not_found()
