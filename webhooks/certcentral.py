"""The door of DigiCert CertCentral, whose webhook tells that something happened to an order.

`POST /webhooks/certcentral`, JSON. Nothing is signed: the secret of the webhook comes with each event, in `X-WEBHOOK-KEY`.
So an event only says where to look. CertCentral sends each once and does not repeat it.
"""

import json
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any

from flask import Blueprint, Response, jsonify, request

from core.errors import ConfigurationError
from webhooks.certcentral_events import DOOR, challenge_key, event_key, is_test, names_order, reading
from webhooks.inlet import Inlet, is_one_of

Network = IPv4Network | IPv6Network
SHORTEST_SECRET = 32


def networks(ranges: Sequence[str], setting: str) -> tuple[Network, ...]:
    """Ranges of addresses, as 216.168.240.0/20. Raises `ConfigurationError` for what is none."""
    found: list[Network] = []
    for one in ranges:
        try:
            found.append(ip_network(one))
        except ValueError as error:
            raise ConfigurationError(f"{setting}: {one} is no range of addresses; write 216.168.240.0/20") from error
    return tuple(found)


def secret(text: str, setting: str) -> str:
    """A secret of this door. Raises `ConfigurationError` for one that CertCentral would not take."""
    if len(text) < SHORTEST_SECRET or not text.isascii() or not text.isprintable():
        raise ConfigurationError(f"{setting}: CertCentral wants {SHORTEST_SECRET} plain signs at least")
    return text


def door(inlet: Inlet, secrets: Sequence[str], sources: Sequence[Network], *, open_: bool) -> Blueprint:
    """The blueprint of this door. It is closed without a secret, and where `open_` is not set: nobody could look."""
    blueprint = Blueprint(DOOR, __name__)

    @blueprint.post("/webhooks/certcentral")
    def certcentral() -> Response:
        if not secrets:
            return inlet.refuse(DOOR, 503, "this door has no secret; set NOLAPSE_WEB__CERTCENTRAL_SECRET")
        if not open_:
            return inlet.refuse(DOOR, 503, "this door needs certcentral among the sources of [sync]")
        if sources and not _comes_from(sources, request.remote_addr or ""):
            return inlet.refuse(DOOR, 403, "nothing is taken in from this address")
        if not is_one_of(request.headers.get("X-WEBHOOK-KEY", ""), secrets):
            return inlet.refuse(DOOR, 401, "X-WEBHOOK-KEY is not the secret of this door")
        return _take(inlet, request.get_data())

    return blueprint


def _take(inlet: Inlet, body: bytes) -> Response:
    try:
        said: Any = json.loads(body)
    except (ValueError, RecursionError):
        return inlet.refuse(DOOR, 400, "the message is no JSON")
    told = reading(said)
    if told is None:
        return inlet.refuse(DOOR, 400, "the message is no event: it has no field event")
    if is_test(told):
        inlet.metrics.count(DOOR, "test")
        return jsonify({"status": "ok"})
    if (key := challenge_key(told)) is not None:
        # CertCentral takes 200 alone for sure.
        return inlet.take(DOOR, key, body, code=200)
    if not names_order(told):
        inlet.metrics.count(DOOR, "ignored")
        return jsonify({"status": "ignored"})
    if not told.order_id:
        return inlet.refuse(DOOR, 400, "data.order_id: has to be the number of an order")
    return inlet.take(DOOR, event_key(told), body)


def _comes_from(sources: Sequence[Network], address: str) -> bool:
    try:
        found: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in one for one in sources)
