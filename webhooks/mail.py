"""The door for mails that come back, where a mail server hands them over itself instead of putting them into a mailbox.

`POST /webhooks/mail`, the mail as it came (message/rfc822), with `Authorization: Bearer` and the secret of this door.
"""

from collections.abc import Sequence

from flask import Blueprint, Response, request

from core.returned import key_of
from webhooks.inlet import Inlet, is_one_of
from webhooks.mail_events import DOOR

_TYPES = ("message/rfc822", "application/octet-stream")


def door(inlet: Inlet, secrets: Sequence[str]) -> Blueprint:
    """The blueprint of this door. Without a secret it is closed."""
    blueprint = Blueprint(DOOR, __name__)

    @blueprint.post("/webhooks/mail")
    def mail() -> Response:
        if not secrets:
            return inlet.refuse(DOOR, 503, "this door has no secret; set NOLAPSE_WEB__MAIL_SECRET")
        if not is_one_of(request.headers.get("Authorization", ""), [f"Bearer {one}" for one in secrets]):
            return inlet.refuse(DOOR, 401, "Authorization is not the secret of this door")
        if request.mimetype not in _TYPES:
            return inlet.refuse(DOOR, 415, "send the mail as it is, with Content-Type: message/rfc822")
        body = request.get_data()
        if not body.strip():
            return inlet.refuse(DOOR, 400, "there is no mail in it")
        return inlet.take(DOOR, key_of(body), body)

    return blueprint
