"""The door of HubSpot, whose app tells that records were changed.

`POST /webhooks/hubspot`, JSON, a batch of events in one request, signed by version 3. Every event is stored on its own:
HubSpot repeats and mixes them as it likes, and its `eventId` is not unique.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request

from webhooks.hubspot_events import DOOR, event_key, is_echo, is_event
from webhooks.hubspot_signature import SIGNATURE, TIMESTAMP, Signed, holds, raw_target
from webhooks.inlet import Inlet, not_stored


def door(inlet: Inlet, secrets: Sequence[str], public_url: str, *, open_: bool) -> Blueprint:
    """The blueprint of this door. It is closed without a secret, a public address, and where `open_` is not set."""
    blueprint = Blueprint(DOOR, __name__)

    @blueprint.post("/webhooks/hubspot")
    def hubspot() -> Response:
        if not secrets:
            return inlet.refuse(DOOR, 503, "this door has no secret; set NOLAPSE_WEB__HUBSPOT_SECRET")
        if not public_url:
            return inlet.refuse(DOOR, 503, "this door needs its address, which is signed; set [web] public_url")
        if not open_:
            return inlet.refuse(DOOR, 503, "this door needs hubspot as the CRM of [sync]")
        signed = Signed(
            request.method,
            raw_target(request.environ),
            request.get_data(),
            request.headers.get(SIGNATURE, ""),
            request.headers.get(TIMESTAMP, ""),
        )
        if not holds(signed, public_url, secrets, datetime.now(UTC)):
            return inlet.refuse(DOOR, 401, "the signature (v3) does not fit, or the message is not of these minutes")
        return _take(inlet, signed.body)

    return blueprint


def _take(inlet: Inlet, body: bytes) -> Response:
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        return inlet.refuse(DOOR, 400, "the message is no JSON")
    if not isinstance(said, list):
        return inlet.refuse(DOOR, 400, "the message is no list of events")
    known = [one for one in said if is_event(one)]
    fresh = [one for one in known if not is_echo(one)]
    inlet.metrics.count(DOOR, "ignored", len(said) - len(known))
    inlet.metrics.count(DOOR, "echo", len(known) - len(fresh))
    kept = {event_key(one): json.dumps(one, separators=(",", ":")).encode() for one in fresh}
    new = inlet.keep(DOOR, list(kept.items())) if kept else 0
    return not_stored() if new is None else inlet.answer(new)
