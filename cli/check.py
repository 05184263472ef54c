"""`nolapse check`."""

import sys
from typing import TYPE_CHECKING

import click

from cli.common import common, opened, say_findings
from core.errors import NolapseError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from config.assembly import App
    from core.ports import Finding


@click.command()
@common
def check(as_json: bool) -> None:
    """Say whether the database, the order sources, the CRM and the mailer can be used. Ends with 1 where one cannot."""
    with opened() as app:
        found = list(_findings(app))
    say_findings(found, as_json)
    sys.exit(0 if all(one.ok for one in found) else 1)


def _findings(app: "App") -> "Sequence[Finding]":
    from config.schedule import triggers
    from core import golive
    from core.breaker import broken_circuits
    from core.ports import Finding

    found = [Finding("settings", True, f"read from {app.settings.source}")]
    found.append(Finding("database", True, f"{app.store.engine.dialect.name}, at the newest state"))
    with app.store.read() as connection:
        live_from = golive.live_from(connection)
        broken = broken_circuits(connection, app.policy.deliver)
    text = "observing: nothing is sent" if live_from is None else f"live from {live_from} on"
    found.append(Finding("live", True, text, "`nolapse go-live --from DATE` starts" if live_from is None else ""))
    parts: list[tuple[str, Callable[[], Sequence[Finding]]]] = [
        ("order sources", lambda: [one for source in app.sources for one in source.check()]),
        ("CRM", lambda: app.crm.check() if app.crm is not None else []),
        ("mailer", lambda: app.mailer.check()),
        ("sender's DNS", lambda: _sender(app)),
        ("brand", lambda: _brand(app)),
        ("offers", lambda: _offers(app)),
        ("templates", lambda: _templates(app)),
        ("schedule", lambda: [Finding("schedule", True, _served(triggers(app.settings.sections.schedule)))]),
        ("circuits", lambda: [Finding("circuit", False, one.words, "it is tried again by itself") for one in broken]),
    ]
    for subject, ask in parts:
        try:
            found += ask()
        except NolapseError as error:
            found.append(Finding(subject, False, str(error)))
    return found


def _served(jobs: "Collection[str]") -> str:
    return f"`nolapse serve` does {', '.join(jobs)}" if jobs else "every job of `nolapse serve` is switched off"


def _sender(app: "App") -> "Sequence[Finding]":
    """Mails that stay in the house need no DNS."""
    from config.sender_dns import check_sender

    said = app.settings.sections.mail
    if said.via == "embedded":
        return []
    return check_sender(app.policy.brand.sender.rpartition("@")[2].lower(), said.dkim_selectors, said.dns_servers)


def _brand(app: "App") -> "Sequence[Finding]":
    from config.brand import LEAST_CONTRAST
    from core.ports import Finding
    from templates.theme import WHITE, contrast

    brand = app.policy.brand
    told = [Finding("brand", True, f"{brand.company}, {brand.console_name}")]
    accent = brand.colours.accent
    if accent and (found := contrast(accent, WHITE)) < LEAST_CONTRAST:
        text = f"white text on accent {accent} has a contrast of {found:.1f}"
        told.append(Finding("brand", False, text, f"choose a darker one: readers need {LEAST_CONTRAST}"))
    return told


def _offers(app: "App") -> "Sequence[Finding]":
    """What an offer or a piece of advice leads to must be known."""
    from core.ports import Finding

    rules = app.policy.messages
    named = [(f"offers.toml: {name}.products", id) for name, rule in rules.offers.rules.items() for id in rule.products]
    named += [("products.toml: advice.orderable", id) for id in rules.advice.orderable]
    for key, terms in rules.advice.accounts.items():
        named += [(f'products.toml: advice.accounts."{key}".orderable', id) for id in terms.orderable]
    unknown = [
        Finding("offers", False, f"{where}: {id} is no product") for where, id in named if not rules.catalogue.find(id)
    ]
    return unknown or [Finding("offers", True, f"{len(rules.offers.rules)} in offers.toml")]


def _templates(app: "App") -> "Sequence[Finding]":
    from core.ports import Finding
    from templates.catalogues import unreviewed

    app.writer.check()
    found = [Finding("templates", True, "every message can be worded")]
    for code in unreviewed():
        text = f"warning: nobody has reviewed the messages in {code}"
        found.append(Finding("language", True, text, "have a native speaker read them before you send any"))
    return found
