"""A client out of the settings."""

from collections.abc import Callable
from urllib.parse import urlsplit

from pydantic import SecretStr

from connectors.salesforce.auth import ClientCredentials, Given, JwtBearer, Password, Way
from connectors.salesforce.calls import Metered, Patience
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.errors import Denied
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.transport import Timeouts

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})
_LOGINS = frozenset({"login", "test"})
_ENDING = ".salesforce.com"


def open_client(settings: SalesforceSettings, meter: Callable[[Metered], None] | None = None) -> SalesforceClient:
    """The client. Nothing is called yet.

    Raises `ConfigurationError` for a login that lacks something, and for an address over which a token may not travel.
    """
    return SalesforceClient(
        way=way_of(settings),
        base_url=_address(settings.base_url),
        version=settings.api_version,
        timeouts=Timeouts(settings.connect_timeout, settings.read_timeout),
        patience=Patience(settings.attempts, longest_pause=settings.longest_pause),
        reserve=settings.daily_reserve_percent / 100,
        parallel=settings.parallel_calls,
        bulk_from=settings.bulk_from,
        bulk_seconds=settings.bulk_minutes * 60,
        meter=meter,
    )


def way_of(settings: SalesforceSettings) -> Way:
    """The way to log in. Raises `ConfigurationError` for what it lacks."""
    domain = domain_of(settings.domain)
    if settings.auth == "jwt":
        key = _secret(settings.private_key, "private_key")
        return JwtBearer(
            domain or "login",
            _given(settings.consumer_key, "consumer_key"),
            _given(settings.username, "username"),
            key if key.endswith("\n") else f"{key}\n",
        )
    if settings.auth == "client_credentials":
        if domain in _LOGINS:
            raise Denied('client credentials only work at the org\'s My Domain: set salesforce.domain, as "acme.my"')
        return ClientCredentials(
            _given(domain, "domain"),
            _given(settings.consumer_key, "consumer_key"),
            _secret(settings.consumer_secret, "consumer_secret"),
        )
    if settings.auth == "password":
        return Password(
            domain or "login",
            _given(settings.username, "username"),
            _secret(settings.password, "password"),
            settings.security_token.get_secret_value().strip() if settings.security_token else "",
        )
    return Given(f"{_given(domain, 'domain')}{_ENDING}", _secret(settings.session_id, "session_id"))


def domain_of(said: str) -> str:
    """The part of an org's address before .salesforce.com, also where somebody gave all of it.

    Raises `ConfigurationError` for what cannot be one.
    """
    domain = said.strip().lower().removeprefix("https://").rstrip("/").removesuffix(_ENDING)
    if domain.endswith(".lightning.force.com"):  # the address in the browser
        domain = f"{domain.removesuffix('.lightning.force.com')}.my"
    if not all(letter.isascii() and (letter.isalnum() or letter in "-.") for letter in domain):
        raise Denied('salesforce.domain must be the org\'s My Domain, as "acme.my"')
    return domain


def _address(base_url: str) -> str:
    address = urlsplit(base_url)
    local = address.scheme == "http" and address.hostname in _THIS_MACHINE
    if base_url and not (address.hostname and (address.scheme == "https" or local)):
        raise Denied("salesforce.base_url must begin with https:// (http:// only on this machine)")
    return base_url.rstrip("/")


def _given(value: str, name: str) -> str:
    if not value.strip():
        raise Denied(f"salesforce.{name} is not set")
    return value.strip()


def _secret(value: SecretStr | None, name: str) -> str:
    if value is None or not value.get_secret_value().strip():
        raise Denied(f"set NOLAPSE_SALESFORCE__{name.upper()}, or name a file in salesforce.{name}_file")
    return value.get_secret_value().strip()
