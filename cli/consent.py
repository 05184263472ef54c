"""`nolapse consent`: on what basis people may be sold to."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.common import common, dry_run_option, opened, say_json, table, writing

if TYPE_CHECKING:
    from cli.csv_files import Row
    from core.consents import Entry

COLUMNS = ("email", "channel", "basis", "since", "source", "proof")
_BATCH = 1000


@click.group()
def consent() -> None:
    """Note on what basis people may be sold to, and show what each country asks for."""


@consent.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@dry_run_option
@common
def import_consent(file: Path, dry_run: bool, as_json: bool) -> None:
    """Take in from the CSV FILE on what basis people may be sold to, since when, and where the proof lies.

    Columns: email and basis; channel (mail, call or both; mail where it is left out), since (YYYY-MM-DD), source, proof.
    A basis is consent, double_opt_in, customer or legitimate_interest; none takes back what was noted. What a later row
    says of an address and channel counts. Ends with 1 where rows could not be used: they are kept in the rejects file.
    """
    from cli.csv_files import read_csv, rejects_as_json, say_rejects, usable
    from core import consents
    from core.batches import batched

    read = read_csv(file, ("email", "basis"), COLUMNS)
    now = datetime.now(UTC)
    entries, rejects = usable(read, lambda row: _entries_of(row, now.date()))
    # Of one address the last row counts, whichever batch it falls into.
    entries = list({(one.address, one.channel): one for one in entries}.values())
    total = dict.fromkeys(asdict(consents.Noted()), 0)
    with opened() as app:
        with writing(app, dry_run) as store:
            for batch in batched(entries, _BATCH):
                with store.begin() as connection:
                    for name, count in asdict(consents.note(connection, batch, now)).items():
                        total[name] += count
        kept = app.rejects
        if rejects and not dry_run:
            kept("consent", read.header, rejects)
    if as_json:
        say_json({**total, "rejected": rejects_as_json(rejects), "dry_run": dry_run})
    else:
        would = "would be " if dry_run else ""
        click.echo(
            f"{total['new']} {would}new, {total['changed']} {would}changed, {total['dropped']} {would}taken back, "
            f"{total['unchanged']} as before; {len(rejects)} rows cannot be used."
        )
        if total["strangers"]:
            click.echo(f"{total['strangers']} addresses are of no contact yet; what was noted waits for them.")
        say_rejects(rejects, kept.files)
    sys.exit(1 if rejects else 0)


@consent.command("rules")
@click.argument("countries", nargs=-1, metavar="[COUNTRY]...")
@common
def rules(countries: tuple[str, ...], as_json: bool) -> None:
    """Show what consent.toml asks for in each COUNTRY (two letters), or all of its tables. It is no legal advice."""
    from core.words import Channel

    with opened(fresh=False) as app:
        known = app.settings.consent
    names = [known.name_of(country) for country in countries] if countries else list(known.rules)
    asked = [country.upper() for country in countries] or [""] * len(names)
    found = [(country, name, known.rules[name]) for country, name in zip(asked, names, strict=True)]
    if as_json:
        say_json([{"country": country, "table": name, "rule": rule} for country, name, rule in found])
        return
    rows = [
        (
            country or " ".join(rule.countries) or name,
            name,
            " ".join(sorted(rule.bases(Channel.MAIL))) or "never",
            " ".join(sorted(rule.bases(Channel.CALL))) or "never",
            rule.proof,
            " ".join(f"{basis}={days}" for basis, days in rule.expires_days.items()),
            rule.label if isinstance(rule.label, str) else " / ".join(rule.label.values()),
            "; ".join(rule.sources),
        )
        for country, name, rule in found
    ]
    table(("for", "table", "mail", "call", "proof", "expires after days", "label", "sources"), rows)
    click.echo("A cautious default and no legal advice: have it looked through, then set your own.", err=True)


def _entries_of(row: "Row", today: date) -> "Sequence[Entry]":
    from cli.csv_files import address_of, day_of
    from core.consent import Basis, Given
    from core.consents import Entry
    from core.model import BadRow
    from core.words import Channel

    address = address_of(row, "email")
    named = row.text("channel").lower().replace(",", " ").split() or [Channel.MAIL]
    channels = list(Channel) if named == ["both"] else named
    if any(one not in tuple(Channel) for one in channels):
        raise BadRow("channel", "is not known; write mail, call or both")
    basis = row.text("basis").lower().replace("-", "_").replace(" ", "_")
    if basis != "none" and basis not in tuple(Basis):
        raise BadRow("basis", f"is not known; write {', '.join(Basis)}, or none to take it back")
    since = day_of(row, "since", today)
    given = None if basis == "none" else Given(Basis(basis), since, row.text("source") or "import", row.text("proof"))
    return [Entry(address, Channel(one), given) for one in dict.fromkeys(channels)]
