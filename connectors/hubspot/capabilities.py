"""What an account can do: its tier, the scopes of the token, and what each lack falls back to.

Whether something may be written is asked with an empty batch, which writes nothing: HubSpot looks at the token first.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from connectors.hubspot.client import HubSpotClient
from connectors.hubspot.engaging import CALLS, DEALS, MAILS, MEETINGS
from connectors.hubspot.errors import Denied, Refused
from connectors.hubspot.settings import HubSpotSettings

_ENTERPRISE_CALLS = 1_000_000
_DEFINITIONS = "/communication-preferences/v4/definitions"


@dataclass(frozen=True, slots=True)
class Need:
    """Something Nolapse does in the account, the scope for it, and a call that shows whether it may."""

    what: str
    scope: str
    ask: Callable[[], Any]


def needs(client: HubSpotClient, settings: HubSpotSettings, record_type: str) -> list[Need]:
    """Everything that is needed under these settings. `record_type` may be empty where it is not made yet."""
    records = {"ticket": "tickets", "deal": "crm.objects.deals", "custom": "crm.objects.custom"}[settings.record]
    found: list[Need] = []
    for object_type, scope in (
        (record_type, records),
        ("companies", "crm.objects.companies"),
        ("contacts", "crm.objects.contacts"),
        ("tasks", "crm.objects.contacts"),
        ("notes", "crm.objects.contacts"),
        ("emails", "sales-email-read"),
        *([("deals", "crm.objects.deals")] if settings.forecast_deals and settings.record != "deal" else []),
    ):
        if object_type:
            found += _of_object(client, object_type, scope)
    crm = client.transport.sdk.crm
    found.append(Need("read owners", "crm.objects.owners.read", lambda: crm.owners.owners_api.get_page(limit=1)))
    wishes = "communication_preferences.read_write"
    found.append(Need("read who wants which mail", wishes, lambda: client.transport.call("GET", _DEFINITIONS)))
    return found


def seen_besides(client: HubSpotClient, settings: HubSpotSettings) -> list[Need]:
    """What is read of people's own work, as far as these settings want it: without it calls are made all the same."""
    scopes = {CALLS: "crm.objects.contacts", MEETINGS: "crm.objects.contacts", MAILS: "sales-email-read"}
    wanted = {DEALS: "crm.objects.deals"} if settings.open_deals else {}
    if settings.sequence_id:
        del scopes[MAILS]
    return [next(iter(_of_object(client, object_type, scope))) for object_type, scope in (wanted | scopes).items()]


def _of_object(client: HubSpotClient, object_type: str, scope: str) -> Iterable[Need]:
    crm = client.transport.sdk.crm
    single = scope in ("tickets", "sales-email-read")  # the one scope for reading and writing
    read, write = (scope, scope) if single else (f"{scope}.read", f"{scope}.write")
    yield Need(f"read {object_type}", read, lambda: crm.objects.basic_api.get_page(object_type, limit=1))
    yield Need(f"write {object_type}", write, lambda: crm.objects.batch_api.update(object_type, {"inputs": []}))


def unmet(client: HubSpotClient, wanted: Iterable[Need]) -> list[Need]:
    """Those needs that the token or the tier does not meet. Raises `HubSpotError` where HubSpot cannot answer."""
    found = []
    for need in wanted:
        try:
            client.caller.make(need.ask, repeatable=True)
        except Denied as error:
            if error.details.status != 403:
                raise
            found.append(need)
        except Refused:
            continue  # an empty batch may be refused as such: then the token was good
    return found


def may(client: HubSpotClient, ask: Callable[[], Any]) -> bool:
    """Whether a reading call is allowed."""
    try:
        client.caller.make(ask, repeatable=True)
    except (Denied, Refused) as error:
        if error.details.status in (403, 404):
            return False
        raise
    return True


def has_sequences(client: HubSpotClient, user_id: str) -> bool:
    """Whether contacts can be enrolled in sequences: the tier has them, and the token the scopes."""
    query = (("userId", user_id), ("limit", 1))
    return bool(user_id) and may(client, lambda: client.transport.call("GET", "/automation/v4/sequences", query))


def has_transactional_mail(client: HubSpotClient) -> bool:
    """Whether transactional mails can be sent: the add-on is there, and the token has the scope."""
    api = client.transport.sdk.marketing.transactional.public_smtp_tokens_api
    return may(client, lambda: api.get_tokens_page(limit=1))


def has_custom_objects(client: HubSpotClient, daily_limit: int | None) -> bool | None:
    """Whether custom objects can be made; None where only trying tells."""
    api = client.transport.sdk.crm.schemas.core_api
    if not may(client, api.get_all):
        return False
    return True if (daily_limit or 0) >= _ENTERPRISE_CALLS else None
