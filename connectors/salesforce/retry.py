"""What to make of an answer that is no success, and of none at all: which error it is, and whether to call again."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import requests

from connectors.salesforce.codes import CODES, UNKNOWN
from connectors.salesforce.errors import (
    Broken,
    Busy,
    Denied,
    Details,
    Locked,
    Refused,
    SalesforceError,
    Unclear,
    details_of,
    error_of,
)
from connectors.salesforce.transport import Answer


class Again(Enum):
    """Whether a call may be made once more."""

    ALWAYS = "nothing was done"
    IF_REPEATABLE = "nobody can tell"
    NEVER = "it would end the same"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The error that an answer stands for. `holds`: every other call must wait too, for about so many seconds.

    `ended`: the session has ended, and nothing was done; with a new one the same call may succeed.
    """

    error: SalesforceError
    again: Again
    holds: float = 0.0
    ended: bool = False


DAY_PAUSE = 900.0
"""Salesforce tells nobody when calls come back: its 24 hours roll on, so a call is tried after so many seconds."""

_GATEWAY = frozenset({408, 500, 502, 503, 504})
_CONCURRENT = "ConcurrentRequests"
_LOCK = "UNABLE_TO_LOCK_ROW"


def weigh(answer: Answer, details: Details | None = None) -> Verdict:
    """The verdict on an answer outside 2xx; `details` where it says them in a form of its own."""
    details = details or details_of(answer)
    status, code = answer.status, details.code
    if status == 401 and (code in ("INVALID_SESSION_ID", "") or code not in CODES):
        text = "the session is not accepted; the user needs the permission API Enabled, a given session may have ended"
        ended = Denied(text, details)
        return Verdict(ended, Again.NEVER, ended=True)
    if code == "REQUEST_LIMIT_EXCEEDED":
        return _limited(details)
    if status in _GATEWAY and code not in CODES:
        return Verdict(Unclear("could not answer now", details), Again.IF_REPEATABLE)
    if code in CODES or (code and 400 <= status < 500):
        error, again = refusal(details)
        if isinstance(error, Unclear):
            return Verdict(error, Again.IF_REPEATABLE)
        return Verdict(error, Again.ALWAYS if again else Again.NEVER)
    if status == 300:
        text = "several records have this external id; make the field unique"
        return Verdict(Refused(text, details), Again.NEVER)
    if status == 404:
        return Verdict(Refused("there is no such record or path", details), Again.NEVER)
    if status == 410:
        text = "this version of the API is no longer spoken; set salesforce.api_version"
        return Verdict(Denied(text, details), Again.NEVER)
    if 300 <= status < 400 or status == 405:
        text = f"answered {status}, which its API does not; check salesforce.domain and salesforce.base_url"
        return Verdict(Denied(text, details), Again.NEVER)
    if status == 403:
        return Verdict(Denied("this is not allowed to the integration user", details), Again.NEVER)
    if 400 <= status < 500:
        return Verdict(Refused("refused", details), Again.NEVER)
    return Verdict(Broken(f"answered with the unknown status {status}", details), Again.NEVER)


def refusal(details: Details) -> tuple[SalesforceError, bool]:
    """The error that a code stands for, and whether nothing was done and the same may be sent again soon."""
    place = CODES.get(details.code, UNKNOWN)
    if place.kind is Refused and _LOCK in details.message:  # met by a trigger of the org
        place = CODES[_LOCK]
    return place.kind(place.text, details), place.again


def record_error(said: Any) -> SalesforceError:
    """The error of one record, out of the errors of its result: the first that is its own."""
    errors = [error_of(one) for one in said] if isinstance(said, list) and said else [Details()]
    own = next((one for one in errors if one.code not in ("ALL_OR_NONE_OPERATION_ROLLED_BACK", "")), errors[0])
    return refusal(own)[0]


def is_locked(error: object) -> bool:
    """Whether a record was refused for a lock, or since others of its call were: it may be sent again soon."""
    return isinstance(error, Locked) or (isinstance(error, Busy) and bool(CODES.get(error.details.code, UNKNOWN).again))


def weigh_silence(error: requests.RequestException) -> Verdict:
    """The verdict on a call without an answer."""
    kind = type(error).__name__
    if isinstance(error, requests.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Verdict(Denied("its certificate is not trusted; check salesforce.base_url and any proxy"), Again.NEVER)
    if isinstance(error, requests.exceptions.SSLError) and "WRONG_VERSION_NUMBER" in str(error):
        return Verdict(Denied("does not speak https there; check salesforce.base_url"), Again.NEVER)
    if isinstance(error, requests.exceptions.ConnectTimeout) or _was_never_sent(error):
        text = f"cannot be reached ({kind}); check the network, salesforce.domain and salesforce.base_url"
        return Verdict(Busy(text), Again.ALWAYS)
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return Verdict(Denied(f"salesforce.domain or salesforce.base_url is no address ({kind})"), Again.NEVER)
    return Verdict(Unclear(f"the connection ended without an answer ({kind})"), Again.IF_REPEATABLE)


def _was_never_sent(error: requests.RequestException) -> bool:
    from urllib3.exceptions import NewConnectionError

    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(reason, NewConnectionError)


def _limited(details: Details) -> Verdict:
    if _CONCURRENT in details.message:
        return Verdict(Busy("too many long calls at once", details), Again.ALWAYS)
    error, _ = refusal(details)
    return Verdict(error, Again.NEVER, holds=DAY_PAUSE)
