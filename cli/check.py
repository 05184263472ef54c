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
    from cli.check_contacts import account_findings, consent_findings, price_findings
    from config.schedule import triggers
    from core import golive, pauses
    from core.breaker import broken_circuits
    from core.notices import without_us
    from core.passes import last_passes
    from core.ports import Finding

    found = [Finding("settings", True, f"read from {app.settings.source}")]
    found.append(Finding("database", True, f"{app.store.engine.dialect.name}, at the newest state"))
    with app.store.read() as connection:
        live, pilot = golive.live(connection), golive.pilot_of(connection)
        paused = pauses.listing(connection)
        warned = without_us(connection)
        read = last_passes(connection)
        broken = broken_circuits(connection, app.policy.deliver)
    text = "observing: nothing is sent" if live.everybody is None else f"live from {live.everybody} on"
    if live.everybody is None and pilot:
        text = f"a pilot is live from {live.first} on: {', '.join(key for key, _ in pilot)}"
    advice = "`nolapse go-live --from DATE` starts" if live.everybody is None else ""
    found.append(Finding("live", True, text, advice))
    found += [Finding("paused", True, one.words) for one in paused]
    back = "`[certcentral] switch_notices_off = false` and a sync switch ours on again" if warned.off_by_us else ""
    found.append(Finding("if we stop", True, warned.words, back))
    found += [Finding(f"last sync of {one.source}", True, one.words) for one in read]
    parts: list[tuple[str, Callable[[], Sequence[Finding]]]] = [
        ("order sources", lambda: [one for source in app.sources for one in source.check()]),
        ("CRM", lambda: _crm(app)),
        ("prober", lambda: app.prober.check() if app.prober is not None else []),
        ("reps", lambda: _reps(app)),
        ("occasions", lambda: _occasions(app)),
        ("mailer", lambda: app.mailer.check()),
        ("sender's DNS", lambda: _sender(app)),
        ("brand", lambda: _brand(app)),
        ("offers", lambda: _offers(app)),
        ("prices", lambda: price_findings(app)),
        ("consent", lambda: consent_findings(app)),
        ("accounts", lambda: account_findings(app)),
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
    from cli.check_contacts import senders
    from config.sender_dns import check_sender

    said = app.settings.sections.mail
    if said.via == "embedded":
        return []
    return [one for domain in senders(app) for one in check_sender(domain, said.dkim_selectors, said.dns_servers)]


def _crm(app: "App") -> "Sequence[Finding]":
    """What the CRM says of itself, and what its connector cannot do."""
    from core.crm_ports import AssigningCrm, NotingCrm
    from core.ports import Finding

    if app.crm is None:
        return []
    found = list(app.crm.check())
    if not isinstance(app.crm, AssigningCrm):
        text = "open tasks stay with whoever had them when an account changes hands"
        found.append(Finding("CRM tasks", True, f"warning: {text}", "hand them over in the CRM"))
    if not isinstance(app.crm, NotingCrm):
        text = "a call falls away without a note while a deal is open or somebody has just talked to the customer"
        found.append(Finding("CRM notes", True, f"warning: {text}", "tasks.quiet_days = 0 looks at open deals alone"))
    return found


def _occasions(app: "App") -> "Sequence[Finding]":
    """Which mails go outside the cadence, and who may be asked back at all."""
    from core import consents
    from core.ports import Finding
    from core.words import Channel

    rules = app.policy.occasions
    found = [Finding("occasions", True, f"thanks for renewals are {'on' if rules.thank_you else 'off'}")]
    if rules.win_back:
        with app.store.read() as connection:
            known = consents.counts(connection)
        agreed = sum(count for (channel, _), count in known.items() if channel is Channel.MAIL)
        found.append(Finding("occasions", True, f"lost customers are asked back; {agreed:,} addresses take offers"))
    return found


def _reps(app: "App") -> "Sequence[Finding]":
    """Whose work would be left undone."""
    from datetime import UTC, datetime

    from core.owners import problems
    from core.ports import Finding

    with app.store.read() as connection:
        told = problems(connection, app.policy.tasks, datetime.now(UTC).date())
    advice = "see [reps] and [tasks] in nolapse.toml"
    return [Finding("reps", True, f"warning: {one}", advice) for one in told]


def _brand(app: "App") -> "Sequence[Finding]":
    from config.brand import LEAST_CONTRAST
    from core.ports import Finding
    from templates.theme import WHITE, contrast

    told = []
    for name, brand in {"": app.policy.brand, **{name: one.brand for name, one in app.policy.brands.items()}}.items():
        subject = f"brand {name}".strip()
        told.append(Finding(subject, True, f"{brand.company}, {brand.console_name}"))
        accent = brand.colours.accent
        if accent and (found := contrast(accent, WHITE)) < LEAST_CONTRAST:
            text = f"white text on accent {accent} has a contrast of {found:.1f}"
            told.append(Finding(subject, False, text, f"choose a darker one: readers need {LEAST_CONTRAST}"))
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
