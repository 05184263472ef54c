"""`nolapse link`: which companies of the CRM are which of our accounts, settled in a CSV file."""

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.common import common, dry_run_option, opened, say_json
from cli.csv_files import harmless
from core.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from config.assembly import App
    from core.linking import Ambiguity, Decision, LinkingCrm

COLUMNS = ("account", "name", "found_by", "company", "description", "decision")
_DECISIONS = "yes for the right company, new to make one, none to leave the account out"


@click.group()
def link() -> None:
    """Settle which companies of the CRM are which of our accounts, where that cannot be told for sure."""


@link.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@common
def export_links(file: Path, as_json: bool) -> None:
    """Write what is ambiguous to the CSV FILE, a row for each company that may be meant."""
    with opened() as app:
        found = _linking(app).ambiguities()
    rows = [row for one in found for row in _rows(one)]
    try:
        with file.open("w", encoding="utf-8-sig", newline="") as out:
            csv.writer(out).writerows([COLUMNS, *rows])
    except OSError as error:
        raise UsageError(f"{file}: cannot be written: {error.strerror}") from error
    if as_json:
        say_json({"file": str(file), "accounts": len(found), "rows": len(rows)})
        return
    click.echo(f"{len(found)} accounts with {len(rows)} companies in {file}.")
    if found:
        click.echo(f"Fill the column decision: {_DECISIONS}. Then `nolapse link import {file}`.")


@link.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@dry_run_option
@common
def import_links(file: Path, dry_run: bool, as_json: bool) -> None:
    """Take in the decisions of FILE. Rows without one are left as they are. Ends with 1 where one was refused."""
    from core import records
    from core.ports import Handed
    from core.timing import RealTime

    decisions = _read(file)
    with opened() as app:
        crm = _linking(app)
        if dry_run:
            _would(decisions, as_json)
            return
        results = crm.decide(decisions) if decisions else []
        done = [one.key for one in results if one.handed is Handed.DELIVERED]
        with app.store.begin() as connection:
            again = records.push_again(connection, done, RealTime())
    refused = [one for one in results if one.handed is not Handed.DELIVERED]
    if as_json:
        told = [{"account": one.key, "why": str(one.error)} for one in refused]
        say_json({"settled": len(done), "refused": told, "records": again})
    else:
        click.echo(f"{len(done)} accounts settled; {again} of their orders go to the CRM again with the next run.")
        for one in refused:
            click.echo(f"refused {one.key}: {one.error}")
    sys.exit(1 if refused else 0)


def _would(decisions: "Sequence[Decision]", as_json: bool) -> None:
    """What the file decides; nothing is written."""
    if as_json:
        say_json({"decisions": decisions})
        return
    for one in decisions:
        what = f"the company {one.their_id}" if one.their_id else "a new company" if one.new else "no company"
        click.echo(f"would settle {one.our_key}: {what}")


def _linking(app: "App") -> "LinkingCrm":
    from core.linking import LinkingCrm

    crm: object = app.crm
    if not isinstance(crm, LinkingCrm):
        raise UsageError(f"in the CRM {app.settings.sections.sync.crm or '(none)'} there is nothing to link")
    return crm


def _rows(one: "Ambiguity") -> "Sequence[Sequence[str]]":
    head = (harmless(one.our_key), harmless(one.our_name), one.by)
    if not one.candidates:
        return [(*head, "", "the companies found are gone from the CRM", "")]
    return [(*head, candidate.their_id, harmless(candidate.description), "") for candidate in one.candidates]


def _read(file: Path) -> "list[Decision]":
    from core.linking import Decision

    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.DictReader(lines))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{file}: cannot be read as CSV in UTF-8 ({type(error).__name__})") from error
    if rows and not {"account", "company", "decision"} <= set(rows[0]):
        raise UsageError(
            f"{file}: the columns account, company and decision are needed; `nolapse link export` writes them"
        )
    found: dict[str, Decision] = {}
    for number, row in enumerate(rows, start=2):
        said = (row["decision"] or "").strip().lower()
        if not said:
            continue
        key, company = (row["account"] or "").strip().removeprefix("'"), (row["company"] or "").strip()
        where = f"{file}, row {number}"
        if said not in ("yes", "new", "none"):
            raise UsageError(f"{where}, column decision: {said!r} is none; write {_DECISIONS}")
        if not key or (said == "yes" and not company):
            raise UsageError(f"{where}: a decision needs the account, and yes the company too")
        decision = Decision(key, company if said == "yes" else "", said == "new")
        if found.setdefault(key, decision) != decision:
            raise UsageError(f"{where}: the account {key} has two decisions; keep one")
    return list(found.values())
