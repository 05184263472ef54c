"""Mails that HubSpot sends one by one: transactional ones, and marketing ones."""

import uuid
from typing import Any

from tests.fakes.hubspot.calls import Answer, Call, route
from tests.fakes.hubspot.clock import iso
from tests.fakes.hubspot.errors import invalid, missing_scopes, not_found
from tests.fakes.hubspot.parts import Sent
from tests.fakes.hubspot.shapes import ANYTHING, STRINGS, TEXT, WHOLE, Fields, MapOf

MESSAGE = Fields({"bcc": STRINGS, "cc": STRINGS, "replyTo": STRINGS}, {"from": TEXT, "sendId": TEXT, "to": TEXT})
SEND = Fields(
    {"contactProperties": MapOf(TEXT), "customProperties": MapOf(ANYTHING), "emailId": WHOLE, "message": MESSAGE}
)
EXEMPT = frozenset({"daily", "ten-secondly"})


@route("POST", "transactional", "/single-email/send", "transactional.send", exempt=EXEMPT)
def send_transactional(call: Call) -> Answer:
    _may_send(call)
    return 200, _send(call, marketing=False)


def _may_send(call: Call) -> None:
    if not call.world.transactional or call.world.tier not in ("professional", "enterprise"):
        raise missing_scopes(("transactional-email",))
    call.require(("transactional-email",))


@route(
    "GET",
    "transactional",
    "/smtp-tokens",
    "transactional.tokens",
    query=("after", "campaignName", "emailCampaignId", "limit"),
)
def list_smtp_tokens(call: Call) -> Answer:
    """There are none: nothing here sends by SMTP. Asking shows whether the account may send transactional mail."""
    _may_send(call)
    return 200, {"results": []}


@route("POST", "single_send", "", "single_send.send", exempt=EXEMPT)
def send_marketing(call: Call) -> Answer:
    if call.world.tier != "enterprise":
        raise missing_scopes(("marketing-email",))
    call.require(("marketing-email",))
    return 200, _send(call, marketing=True)


def _send(call: Call, *, marketing: bool) -> dict[str, Any]:
    """Takes a mail to be sent. The answer does not say whether it will be; a known `sendId` sends nothing."""
    body = call.body(SEND)
    message, world = body["message"], call.world
    for name, value in body["customProperties"].items():
        if isinstance(value, list):
            raise invalid(f"customProperties.{name} is an array, which is not supported", field_name=name)
    if body["emailId"] not in world.mail_templates:
        raise not_found(f"There is no email {body['emailId']}")
    if not message.get("to"):
        raise invalid("message.to is missing", field_name="message.to")
    status = {
        "statusId": str(uuid.uuid4()),
        "requestedAt": iso(call.now),
        "status": "PENDING",
    }
    send_id = message.get("sendId")
    if send_id is not None and any(sent.send_id == send_id for sent in world.sent):
        return status | {"status": "COMPLETE", "sendResult": "IDEMPOTENT_IGNORE", "completedAt": iso(call.now)}
    contact = _contact(call, message["to"], body["contactProperties"])
    if marketing:
        world.shelf("contacts").write(
            world.record("contacts", contact), {"hs_marketable_status": "true"}, world.app, call.now
        )
    result = "SENT"
    if marketing and world.preferences(message["to"]).all_since is not None:
        result = "PREVIOUSLY_UNSUBSCRIBED_PORTAL"
    elif message["to"].lower() in world.bouncing:
        result = "PREVIOUSLY_BOUNCED"
    world.sent.append(
        Sent(
            send_id=send_id,
            email_id=body["emailId"],
            to=message["to"],
            sender=message.get("from"),
            custom=body["customProperties"],
            marketing=marketing,
            result=result,
            status_id=status["statusId"],
            at=call.now,
        )
    )
    return status


def _contact(call: Call, address: str, values: dict[str, str]) -> str:
    """The contact of the address, made if there is none, with the values of the request."""
    shelf = call.world.shelf("contacts")
    found = shelf.find("email", address)
    if found is None:
        kept = shelf.check({**values, "email": address}, None)
        return shelf.add(call.world.new_id(), kept, call.world.app, call.now).id
    shelf.write(found, shelf.check(values, found), call.world.app, call.now)
    return found.id
