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


def _templates(app: "App") -> "Sequence[Finding]":
    from core.ports import Finding

    app.writer.check()
    return [Finding("templates", True, "every message can be worded")]
