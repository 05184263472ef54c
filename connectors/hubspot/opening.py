"""A client out of the settings."""

from urllib.parse import urlsplit

from sqlalchemy import Engine

from connectors.hubspot.calls import Patience
from connectors.hubspot.client import HubSpotClient
from connectors.hubspot.errors import Denied
from connectors.hubspot.gate import account_gate
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.transport import Timeouts

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


def open_client(settings: HubSpotSettings, engine: Engine) -> HubSpotClient:
    """The client, its limits shared through the store. Nothing is called yet.

    Raises `ConfigurationError` without a token, and for an address over which a token may not travel.
    """
    if settings.token is None or not settings.token.get_secret_value().strip():
        raise Denied("there is no token; set NOLAPSE_HUBSPOT__TOKEN, or name a file in hubspot.token_file")
    address = urlsplit(settings.base_url)
    local = address.scheme == "http" and address.hostname in _THIS_MACHINE
    if not address.hostname or not (address.scheme == "https" or local):
        raise Denied("hubspot.base_url must begin with https:// (http:// only on this machine)")
    return HubSpotClient(
        token=settings.token.get_secret_value().strip(),
        base_url=settings.base_url,
        version=settings.api_version,
        timeouts=Timeouts(settings.connect_timeout, settings.read_timeout),
        patience=Patience(settings.attempts, longest_pause=settings.longest_pause),
        gate=account_gate(settings, engine),
        parallel=settings.parallel_calls,
    )
