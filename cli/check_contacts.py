"""What `nolapse check` says of consent, prices, brands and the accounts that name them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.ports import Finding

if TYPE_CHECKING:
    from config.assembly import App


def consent_findings(app: "App") -> Sequence[Finding]:
    """How many addresses have a basis, and whose table it is."""
    from core import consents
    from core.words import Channel

    with app.store.read() as connection:
        known = consents.counts(connection)
    mail, call = (sum(count for (way, _), count in known.items() if way is one) for one in Channel)
    whose = "your consent.toml" if (app.settings.base / "consent.toml").is_file() else "the packaged consent.toml"
    text = f"{mail} addresses have a basis for commercial mails, {call} for sales calls; {whose} rules"
    advice = "it is a cautious default and no legal advice: have it looked through" if whose.startswith("the") else ""
    if not mail and not call:
        advice = "`nolapse consent import FILE` notes who may be sold to; the others get service messages only"
    return [Finding("consent", True, text, advice)]


def price_findings(app: "App") -> Sequence[Finding]:
    """A price must be of a product that is known."""
    lists, catalogue = app.settings.prices.lists, app.settings.catalogue
    unknown = [
        Finding("prices", False, f"prices.toml: {name}.prices: {id} is no product", "write its id in products.toml")
        for name, one in lists.items()
        for id in dict.fromkeys(price.product for price in one.prices)
        if catalogue.find(id) is None
    ]
    return unknown or [Finding("prices", True, f"{len(lists)} price lists in prices.toml")]


def account_findings(app: "App") -> Sequence[Finding]:
    """Whether the routes, brands, price lists and accounts above that accounts name are there."""
    from core.routes import loose_ends

    with app.store.read() as connection:
        found = loose_ends(connection, app.policy)
    told = [Finding("accounts", False, text, advice) for text, advice in found]
    return told or [Finding("accounts", True, "every route, brand and price list that they name is known")]


def senders(app: "App") -> list[str]:
    """The domains from which mails are sent: that of the brand and those of further ones."""
    brands = [app.policy.brand, *(one.brand for one in app.policy.brands.values())]
    return list(dict.fromkeys(one.sender.rpartition("@")[2].lower() for one in brands))
