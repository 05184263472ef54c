"""The door of Salesforce, whose flows tell that records were changed.

`POST /webhooks/salesforce`, in one of two forms. JSON from a Flow's or Apex' HTTP callout, with an HMAC of the body in
`X-Nolapse-Signature`; its formula in an External Credential is `HEX(HMAC('SHA-256', $Credential.NAME.Body, KEY))`. Or an
Outbound Message (SOAP), which nothing signs: it must come from the organisation that is set. Either only names records.
"""

import hashlib
import hmac
import json
from collections.abc import Sequence

from flask import Blueprint, Response, request
from pydantic import ValidationError

from webhooks.inlet import Inlet, not_stored
from webhooks.outbound_message import ACK, OutboundMessageError, notifications
from webhooks.renewals import first_fault
from webhooks.salesforce_events import DOOR, Changed, Notification, event_key, same_organisation

SIGNATURE = "X-Nolapse-Signature"
_XML = ("text/xml", "application/xml", "application/soap+xml")


def door(inlet: Inlet, secrets: Sequence[str], organisation: str, *, open_: bool) -> Blueprint:
    """The blueprint of this door. JSON needs a secret, Outbound Messages the organisation, both that `open_` is set."""
    blueprint = Blueprint(DOOR, __name__)

    @blueprint.post("/webhooks/salesforce")
    def salesforce() -> Response:
        if not secrets and not organisation:
            why = "this door is closed; set NOLAPSE_WEB__SALESFORCE_SECRET, or [web] salesforce_organisation"
            return inlet.refuse(DOOR, 503, why)
        if not open_:
            return inlet.refuse(DOOR, 503, "this door needs salesforce as the CRM of [sync]")
        if request.mimetype in _XML:
            return _outbound(inlet, request.get_data(), organisation)
        return _callout(inlet, request.get_data(), secrets, organisation)

    return blueprint


def _callout(inlet: Inlet, body: bytes, secrets: Sequence[str], organisation: str) -> Response:
    if not any(_signed_by(secret, body) for secret in secrets):
        return inlet.refuse(DOOR, 401, f"{SIGNATURE} does not fit")
    if request.mimetype != "application/json":
        return inlet.refuse(DOOR, 415, "send JSON, or an Outbound Message as text/xml")
    try:
        said = Changed.model_validate_json(body)
    except ValidationError as error:
        return inlet.refuse(DOOR, 400, first_fault(error))
    if organisation and not same_organisation(said.organisation, organisation):
        return inlet.refuse(DOOR, 403, "nothing is taken in from this organisation")
    events = [Notification(one.type, one.id, said.at.isoformat()) for one in said.records]
    new = _keep(inlet, events)
    return not_stored() if new is None else inlet.answer(new)


def _outbound(inlet: Inlet, body: bytes, organisation: str) -> Response:
    try:
        message = notifications(body)
    except OutboundMessageError as error:
        return inlet.refuse(DOOR, 400, str(error))
    if not organisation or not same_organisation(message.organisation, organisation):
        return inlet.refuse(DOOR, 403, "nothing is taken in from this organisation")
    # The one acknowledgement stands for all of them.
    if _keep(inlet, message.notifications) is None:
        return not_stored()
    return Response(ACK, 200, mimetype="text/xml")


def _keep(inlet: Inlet, events: Sequence[Notification]) -> int | None:
    told = {event_key(one): json.dumps({"type": one.type, "id": one.id}).encode() for one in events}
    return inlet.keep(DOOR, list(told.items())) if told else 0


def _signed_by(secret: str, body: bytes) -> bool:
    given = request.headers.get(SIGNATURE, "").removeprefix("sha256=").encode()
    return hmac.compare_digest(given, hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode())
