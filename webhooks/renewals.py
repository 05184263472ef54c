"""The general door: a shop, a billing system or another CA tells that an order has been renewed.

`POST /webhooks/renewals`, JSON, signed by the Standard Webhooks convention (standardwebhooks.com): `webhook-id`,
`webhook-timestamp` and `webhook-signature`. Two secrets may be live at once, so that one can follow the other.
"""

import base64
import binascii
from collections.abc import Sequence

from flask import Blueprint, Response, request
from pydantic import ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from core.errors import ConfigurationError
from webhooks.inlet import Inlet
from webhooks.renewal_events import DOOR, RenewalEvent

_LONGEST_ID = 200


def secret(text: str, setting: str) -> str:
    """A secret of this door, `whsec_` and base64 of at least 24 bytes. Raises `ConfigurationError` for another."""
    try:
        length = len(base64.b64decode(text.removeprefix("whsec_"), validate=True))
    except (binascii.Error, ValueError):
        length = 0
    if length < 24:
        raise ConfigurationError(
            f"{setting}: is no secret of this kind; make one with `openssl rand -base64 32` and put whsec_ before it"
        )
    return text


def door(inlet: Inlet, secrets: Sequence[str]) -> Blueprint:
    """The blueprint of this door. Without a secret it is closed."""
    blueprint = Blueprint(DOOR, __name__)
    keys = [Webhook(one) for one in secrets]

    @blueprint.post("/webhooks/renewals")
    def renewals() -> Response:
        if not keys:
            return inlet.refuse(DOOR, 503, "this door has no secret; set NOLAPSE_WEB__RENEWALS_SECRET")
        body = request.get_data()
        if not any(_signed_by(key, body) for key in keys):
            return inlet.refuse(DOOR, 401, "the signature does not fit, or the message is not of these minutes")
        key = request.headers["webhook-id"]
        if len(key) > _LONGEST_ID:
            return inlet.refuse(DOOR, 400, f"webhook-id may have {_LONGEST_ID} signs at most")
        if request.mimetype != "application/json":
            return inlet.refuse(DOOR, 415, "send JSON, with Content-Type: application/json")
        try:
            RenewalEvent.model_validate_json(body)
        except ValidationError as error:
            return inlet.refuse(DOOR, 400, first_fault(error))
        return inlet.take(DOOR, key, body)

    return blueprint


def _signed_by(key: Webhook, body: bytes) -> bool:
    try:
        key.verify(body, dict(request.headers), json_parse=False)
    except (WebhookVerificationError, ValueError):
        # Anything that is not even shaped like a signature ends as a ValueError.
        return False
    return True


def first_fault(error: ValidationError) -> str:
    """The first thing that is wrong with a message, in one line that repeats nothing of it."""
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place or 'the message'}: {first['msg'][:1].lower()}{first['msg'][1:]}"
