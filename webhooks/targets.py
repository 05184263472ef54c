"""Where renewals are done: for each customer one of the operator's own addresses, or a form of ours.

What a link leads to is never taken from the link. The addresses are a closed list, by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from core.errors import ConfigurationError

FORM = "form"
DEFAULT = "default"
_ORDER = "{order}"
_BY = ("account", "segment", "route")


@dataclass(frozen=True, slots=True)
class Customer:
    """What tells customers apart here."""

    account: str
    segment: str = ""
    route: str = ""


@dataclass(frozen=True, slots=True)
class Targets:
    """`urls` by their names, with `{order}` for the order's id; `modes`: `default`, `account=acme`, … → name or form.

    Of several modes that fit, that of the account goes before that of its segment, of its route, and the default.
    """

    urls: Mapping[str, str]
    modes: Mapping[str, str]

    def __post_init__(self) -> None:
        for name, url in self.urls.items():
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ConfigurationError(f"[web] {name}: {url} is no web address; write https://… with {_ORDER} in it")
            if _ORDER in parts.netloc:
                raise ConfigurationError(f"[web] {name}: {_ORDER} may not stand in the host of {url}")
        for whom, name in self.modes.items():
            by, equals, value = whom.partition("=")
            if whom != DEFAULT and (by not in _BY or not equals or not value):
                raise ConfigurationError(f"[web.modes] {whom}: write default, account=KEY, segment=… or route=…")
            if name != FORM and name not in self.urls:
                known = ", ".join([FORM, *self.urls])
                raise ConfigurationError(f"[web.modes] {whom}: {name} is no mode; known are {known}")

    def of(self, customer: Customer, order_id: str) -> str:
        """The address for this customer's order; empty: our own form."""
        fitting = (self.modes.get(f"{by}={getattr(customer, by)}") for by in _BY)
        name = next((one for one in fitting if one), self.modes.get(DEFAULT, next(iter(self.urls), FORM)))
        return "" if name == FORM else self.urls[name].replace(_ORDER, quote(order_id, safe=""))
