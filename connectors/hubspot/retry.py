"""What to make of an answer that is no success, and of none at all: which error it is, and whether to call again.

Again is safe in three ways: HubSpot did nothing (a limit, a lock, a move of the account, no connection); nobody can tell,
and the call may be repeated without harm; or never.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum

import urllib3

from connectors.hubspot.errors import Broken, Busy, Denied, Details, HubSpotError, Refused, Unclear, details_of
from connectors.hubspot.transport import Answer


class Again(Enum):
    """Whether a call may be made once more."""

    ALWAYS = "nothing was done"
    IF_REPEATABLE = "nobody can tell"
    NEVER = "it would end the same"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The error that an answer stands for; `pause` in seconds, None for the growing pause of the caller.

    `holds` says that every other call must wait for the pause too.
    """

    error: HubSpotError
    again: Again
    pause: float | None = None
    holds: bool = False


_POLICY_PAUSES = {"SECONDLY": 1.0, "TEN_SECONDLY_ROLLING": 10.0}
"""HubSpot does not promise a Retry-After; these are the lengths of its windows."""

LOCKED_PAUSE = 2.0
MOVING_PAUSE = 10.0
DAY_PAUSE = 600.0

_GATEWAY = frozenset({500, 502, 503, 504, 520, 521, 522, 523, 524, 408})


def weigh(answer: Answer, now: datetime | None = None) -> Verdict:
    """The verdict on an answer outside 2xx."""
    details = details_of(answer.status, _json(answer), answer.headers)
    after = retry_after(answer, now or datetime.now(UTC))
    status = answer.status
    if status == 429:
        return _limited(details, after)
    if status == 423:
        pause = max(LOCKED_PAUSE, after or 0)
        return Verdict(Busy("the record is locked by another change", details, pause), Again.ALWAYS, pause)
    if status == 477:
        pause = after if after is not None else MOVING_PAUSE
        error = Busy("the account is being moved between HubSpot's data centres", details, pause)
        return Verdict(error, Again.ALWAYS, pause, holds=True)
    if status in _GATEWAY:
        return Verdict(Unclear("could not answer now", details, after), Again.IF_REPEATABLE, after)
    if status == 401:
        text = "the token is not accepted; make a new one and set NOLAPSE_HUBSPOT__TOKEN or hubspot.token_file"
        return Verdict(Denied(text, details), Again.NEVER)
    if status == 403:
        return Verdict(Denied(_denied(details), details), Again.NEVER)
    if 300 <= status < 400 or status == 405:
        text = f"answered {status}, which its API does not; check hubspot.base_url and hubspot.api_version"
        return Verdict(Denied(text, details), Again.NEVER)
    if details.sub_category == "PROPERTY_DOESNT_EXIST":
        text = "a property that Nolapse writes does not exist; `nolapse setup hubspot` makes what is missing"
        return Verdict(Denied(text, details), Again.NEVER)
    if 400 <= status < 500:
        return Verdict(Refused(_refused(details), details), Again.NEVER)
    return Verdict(Broken(f"answered with the unknown status {status}", details), Again.NEVER)


def weigh_silence(error: urllib3.exceptions.HTTPError) -> Verdict:
    """The verdict on a call without an answer."""
    kind = type(error).__name__
    if isinstance(error, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError):
        return Verdict(Busy(f"cannot be reached ({kind}); check the network and hubspot.base_url"), Again.ALWAYS)
    if isinstance(error, urllib3.exceptions.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Verdict(Denied("its certificate is not trusted; check hubspot.base_url and any proxy"), Again.NEVER)
    if isinstance(error, urllib3.exceptions.LocationValueError):
        return Verdict(Denied(f"hubspot.base_url is no address ({kind})"), Again.NEVER)
    return Verdict(Unclear(f"the connection ended without an answer ({kind})"), Again.IF_REPEATABLE)


def retry_after(answer: Answer, now: datetime) -> float | None:
    """The seconds that the answer asks to wait, given as a number or as a date; None where it asks for nothing."""
    said = answer.headers.get("retry-after", "").strip()
    if said.replace(".", "", 1).isdigit():
        return float(said)
    try:
        moment = parsedate_to_datetime(said)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _limited(details: Details, after: float | None) -> Verdict:
    if details.policy == "DAILY":
        text = "the account's calls of the day are used up; they come back at midnight of the account's time zone"
        return Verdict(Busy(text, details, after), Again.NEVER, after or DAY_PAUSE, holds=True)
    pause = max(after or 0.0, _POLICY_PAUSES.get(details.policy, 10.0))
    return Verdict(Busy("too many calls at once", details, pause), Again.ALWAYS, pause, holds=True)


def _denied(details: Details) -> str:
    scopes = details.named("missingScopes", "requiredGranularScopes")
    if scopes:
        return f"the token lacks a scope; add {' or '.join(sorted(set(scopes))[:6])} to its app or key"
    if details.category == "MISSING_SCOPES":
        return "the token lacks a scope; `nolapse check` tells which are needed"
    return "this is not allowed to the token, or not part of the account's subscription; `nolapse check` tells more"


def _refused(details: Details) -> str:
    if details.status == 404:
        return "there is no such record or path"
    if details.status == 409:
        return "it conflicts with what is there"
    return "refused"


def _json(answer: Answer) -> object:
    try:
        return answer.json()
    except ValueError:
        return None
