"""Signatures of HubSpot, version 3 and no other: who sends may not choose an older one that is easier to forge.

What is signed is method, address, body and time: base64 of HMAC-SHA256 with the secret of the app. The address is the one
that HubSpot called, with some signs decoded; behind a proxy only its path is known here.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

TOLERANCE = timedelta(minutes=5)
"""How far the time of a message may be from ours, before or after."""

SIGNATURE, TIMESTAMP = "X-HubSpot-Signature-v3", "X-HubSpot-Request-Timestamp"
_DECODED = {
    "3A": ":", "2F": "/", "3F": "?", "40": "@", "21": "!", "24": "$", "27": "'", "28": "(", "29": ")", "2A": "*",
    "2C": ",", "3B": ";",
}  # fmt: skip
_CODED = re.compile(f"%({'|'.join(_DECODED)})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Signed:
    """A request as it was signed. `target` is path and query as they came, coded signs and all."""

    method: str
    target: str
    body: bytes
    signature: str
    timestamp: str


def raw_target(environ: Mapping[str, Any]) -> str:
    """Path and query of a request as the server received them. WSGI's own path is decoded, which loses what was signed."""
    raw = str(environ.get("RAW_URI") or environ.get("REQUEST_URI") or "")
    if not raw.startswith("/"):
        parts = urlsplit(raw)
        raw = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
    return raw.partition("#")[0]


def holds(signed: Signed, public_url: str, secrets: Sequence[str], now: datetime) -> bool:
    """Whether the request was signed with one of these secrets, within these minutes, for our public address."""
    try:
        moment = datetime.fromtimestamp(int(signed.timestamp) / 1000, UTC)
        given = base64.b64decode(signed.signature, validate=True)
    except (ValueError, OverflowError, OSError, binascii.Error):
        return False
    if not signed.timestamp.isascii() or not signed.timestamp.isdigit() or abs(now - moment) > TOLERANCE:
        return False
    uri = public_url.rstrip("/") + signed.target
    # Which of the two was signed depends on who calls: both name the same address.
    forms = {decoded(uri), uri}
    return any(hmac.compare_digest(given, _digest(signed, form, key)) for form in forms for key in secrets)


def decoded(uri: str) -> str:
    """The address with those signs decoded that HubSpot decodes before it signs."""
    return _CODED.sub(lambda found: _DECODED[found[1].upper()], uri)


def _digest(signed: Signed, uri: str, secret: str) -> bytes:
    message = f"{signed.method}{uri}".encode("utf-8", "surrogateescape") + signed.body + signed.timestamp.encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()
