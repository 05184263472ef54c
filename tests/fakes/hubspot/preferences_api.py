"""Who wants which mail: subscriptions and opt-outs."""

from datetime import datetime
from typing import Any

from tests.fakes.hubspot.calls import Answer, Call, route
from tests.fakes.hubspot.clock import iso
from tests.fakes.hubspot.errors import ApiError, RecordError, invalid, not_found
from tests.fakes.hubspot.parts import Subscription
from tests.fakes.hubspot.shapes import TEXT, WHOLE, Fields, ListOf, OneOf

AT_MOST = 100
CHANNEL = OneOf(("EMAIL",))
STATE = OneOf(("NOT_SPECIFIED", "SUBSCRIBED", "UNSUBSCRIBED"))
LEGAL_BASIS = OneOf(
    (
        "CONSENT_WITH_NOTICE",
        "LEGITIMATE_INTEREST_CLIENT",
        "LEGITIMATE_INTEREST_OTHER",
        "LEGITIMATE_INTEREST_PQL",
        "NON_GDPR",
        "PERFORMANCE_OF_CONTRACT",
        "PROCESS_AND_STORE",
    )
)
BASIS = {"legalBasis": LEGAL_BASIS, "legalBasisExplanation": TEXT}
STATUS = Fields({"channel": CHANNEL, "statusState": STATE, "subscriptionId": WHOLE}, BASIS)
STATUSES = Fields(
    {
        "inputs": ListOf(
            Fields(
                {"channel": CHANNEL, "statusState": STATE, "subscriptionId": WHOLE, "subscriberIdString": TEXT}, BASIS
            ),
            AT_MOST,
        )
    }
)
ADDRESSES = Fields({"inputs": ListOf(TEXT, AT_MOST)})
READ = ("communication_preferences.read", "communication_preferences.read_write")
WRITE = ("communication_preferences.read_write", "communication_preferences.write")
BATCH_READ = ("communication_preferences.statuses.batch.read",)
BATCH_WRITE = ("communication_preferences.statuses.batch.write",)
UNIT = ("businessUnitId",)
BY_CHANNEL: dict[str, Any] = {"query": UNIT, "required_query": ("channel",)}
WIDE: dict[str, Any] = {"query": (*UNIT, "verbose"), "required_query": ("channel",)}
ONE = "/statuses/<address>"


def _channel(call: Call) -> None:
    if call.text("channel") != "EMAIL":
        raise invalid("channel must be EMAIL", field_name="channel")


def _status(call: Call, address: str, subscription: Subscription, reason: str = "") -> dict[str, Any]:
    preferences = call.world.preferences(address)
    state, at = preferences.state(subscription.id)
    body: dict[str, Any] = {
        "channel": "EMAIL",
        "subscriberIdString": address,
        "subscriptionId": subscription.id,
        "subscriptionName": subscription.name,
        "status": state,
        "source": "PUBLIC_API",
        "timestamp": iso(at or call.now),
    }
    return body | ({"setStatusSuccessReason": reason} if reason else {})


def _wide(address: str, since: datetime) -> dict[str, Any]:
    return {
        "channel": "EMAIL",
        "subscriberIdString": address,
        "status": "UNSUBSCRIBED",
        "wideStatusType": "PORTAL_WIDE",
        "timestamp": iso(since),
    }


def _subscription(call: Call, number: int) -> Subscription:
    for found in call.world.subscriptions:
        if found.id == number:
            return found
    raise not_found(f"There is no subscription {number}")


def _set(call: Call, address: str, body: dict[str, Any]) -> dict[str, Any]:
    subscription = _subscription(call, body["subscriptionId"])
    if call.world.legal_basis_required and not ("legalBasis" in body and "legalBasisExplanation" in body):
        raise invalid("legalBasis and legalBasisExplanation are needed in this account", field_name="legalBasis")
    preferences = call.world.preferences(address)
    wanted = body["statusState"]
    if wanted == "SUBSCRIBED" and preferences.all_since is not None:
        raise ApiError(400, "VALIDATION_ERROR", f"{address} has unsubscribed from all emails and cannot be subscribed")
    if preferences.state(subscription.id)[0] == wanted:
        return _status(call, address, subscription, "NO_STATUS_CHANGE")
    preferences.states[subscription.id] = (wanted, call.now)
    contact = call.world.shelf("contacts").find("email", address)
    if contact is not None:
        out = {f"hs_email_optout_{subscription.id}": "true" if wanted == "UNSUBSCRIBED" else "false"}
        call.world.shelf("contacts").write(contact, out, call.world.hubspot, call.now)
    return _status(call, address, subscription, "REQUESTED_CHANGE_OCCURRED")


@route("GET", "preferences", "/definitions", "preferences.definitions", query=(*UNIT, "includeTranslations"))
def definitions(call: Call) -> Answer:
    call.require(READ)
    found = [
        {
            "id": str(each.id),
            "name": each.name,
            "description": each.name,
            "purpose": "Marketing",
            "communicationMethod": "Email",
            "isActive": True,
            "isDefault": True,
            "isInternal": False,
            "createdAt": iso(call.now),
            "updatedAt": iso(call.now),
        }
        for each in call.world.subscriptions
    ]
    return call.several(200, found, [])


@route("GET", "preferences", ONE, "preferences.statuses", **BY_CHANNEL)
def statuses(call: Call, address: str) -> Answer:
    call.require(READ)
    _channel(call)
    return call.several(200, [_status(call, address, each) for each in call.world.subscriptions], [])


@route("POST", "preferences", ONE, "preferences.write")
def write_status(call: Call, address: str) -> Answer:
    call.require(WRITE)
    return call.several(200, [_set(call, address, call.body(STATUS))], [])


@route("GET", "preferences", f"{ONE}/unsubscribe-all", "preferences.unsubscribed.read", **WIDE)
def read_unsubscribed(call: Call, address: str) -> Answer:
    call.require(READ)
    _channel(call)
    since = call.world.preferences(address).all_since
    return call.several(200, [_wide(address, since)] if since is not None else [], [])


@route("POST", "preferences", f"{ONE}/unsubscribe-all", "preferences.unsubscribe_all", **WIDE)
def unsubscribe_all(call: Call, address: str) -> Answer:
    call.require(WRITE)
    _channel(call)
    call.world.opt_out([address])
    verbose = call.flag("verbose")
    shown = [_status(call, address, each, "UNSUBSCRIBE_FROM_ALL_OCCURRED") for each in call.world.subscriptions]
    return call.several(200, shown if verbose else [], [])


@route("POST", "preferences", "/statuses/batch/read", "preferences.batch.read", **BY_CHANNEL)
def read_batch(call: Call) -> Answer:
    call.require(BATCH_READ)
    _channel(call)
    found = [
        {
            "subscriberIdString": address,
            "statuses": [_status(call, address, each) for each in call.world.subscriptions],
        }
        for address in call.body(ADDRESSES)["inputs"]
    ]
    return call.several(200, found, [])


@route("POST", "preferences", "/statuses/batch/write", "preferences.batch.write")
def write_batch(call: Call) -> Answer:
    call.require(BATCH_WRITE)
    results, errors = [], []
    for entry in call.body(STATUSES)["inputs"]:
        address = entry["subscriberIdString"]
        try:
            results.append(_set(call, address, entry))
        except ApiError as error:
            failed = RecordError(error.category, error.message, context={"subscriberIdString": [address]})
            errors.append(failed.among_others(None))
    return call.several(200, results, errors, may_207=False)


@route("POST", "preferences", "/statuses/batch/unsubscribe-all", "preferences.batch.unsubscribe_all", **WIDE)
def unsubscribe_batch(call: Call) -> Answer:
    call.require(BATCH_WRITE)
    _channel(call)
    addresses = call.body(ADDRESSES)["inputs"]
    call.world.opt_out(addresses)
    return call.several(200, [{"subscriberIdString": address, "statuses": []} for address in addresses], [])


@route(
    "POST", "preferences", "/statuses/batch/unsubscribe-all/read", "preferences.batch.unsubscribed.read", **BY_CHANNEL
)
def read_unsubscribed_batch(call: Call) -> Answer:
    call.require(BATCH_READ)
    _channel(call)
    found = []
    for address in call.body(ADDRESSES)["inputs"]:
        since = call.world.preferences(address).all_since
        shown = [_wide(address, since)] if since is not None else []
        found.append({"subscriberIdString": address, "wideStatuses": shown})
    return call.several(200, found, [])
