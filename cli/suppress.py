"""`nolapse suppress`: addresses that must not be reached."""

import sys
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.common import common, dry_run_option, opened, say_json, today_option, writing
from core.timing import timer_for
from core.words import Channel, Nature

if TYPE_CHECKING:
    from cli.csv_files import Row
    from core.suppressions import Refusal

COLUMNS = ("address", "channel", "nature", "source", "reason", "since")
_BATCH = 1000


class _AddressFirst(click.Group):
    """Takes an address in the place of a command for `add`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, *ctx.help_option_names):
            args = ["add", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_AddressFirst)
def suppress() -> None:
    """Never write to an address again, or call it; take such addresses in from a file, or write them into one.

    `nolapse suppress ADDRESS` suppresses one address; `nolapse suppress add --help` tells its options.
    """


@suppress.command("add")
@click.argument("address")
@click.option("--channel", type=click.Choice([str(one) for one in Channel]), default="mail", show_default=True)
@click.option(
    "--nature",
    type=click.Choice([str(one) for one in Nature]),
    default="service",
    show_default=True,
    help="service: everything; commercial: offers only.",
)
@click.option("--reason", default="", help="Why, for the record.")
@click.option("--unsubscribed", is_flag=True, help="The person asked for it.")
@click.option("--lift", is_flag=True, help="Write to the address again.")
@dry_run_option
@today_option
@common
def add(
    address: str,
    channel: str,
    nature: str,
    reason: str,
    unsubscribed: bool,
    lift: bool,
    today: date | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Never write to ADDRESS again, or never call it. The CRM is told. `nolapse suppress ADDRESS` does the same."""
    from core.suppressions import lift as forget
    from core.suppressions import normal_address, queue_optout
    from core.suppressions import suppress as refuse

    timer = timer_for(today)
    with opened() as app, writing(app, dry_run) as store, store.begin() as connection:
        written = normal_address(address)
        if lift:
            changed = forget(connection, written, Channel(channel)) > 0
        else:
            source = "unsubscribe" if unsubscribed else "operator"
            changed = refuse(connection, written, Channel(channel), Nature(nature), source, reason, timer.opening)
            if changed and app.settings.sections.sync.crm:
                queue_optout(connection, written, Channel(channel), Nature(nature), timer)
    if as_json:
        say_json({"channel": channel, "nature": nature, "lifted": lift, "changed": changed, "dry_run": dry_run})
    elif lift:
        click.echo("The address may be used again." if changed else "The address was not suppressed.")
    else:
        click.echo("The address is suppressed." if changed else "The address was suppressed already.")


@suppress.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@dry_run_option
@today_option
@common
def import_suppressions(file: Path, today: date | None, dry_run: bool, as_json: bool) -> None:
    """Take in the addresses of the CSV FILE that must not be reached. The CRM is told of those that are new.

    Columns: address; channel (mail or call; mail where it is left out), nature (service: everything, the usual;
    commercial: offers only), source, reason, since (YYYY-MM-DD). A file of `suppress export` can be taken in as it is.
    What is known already stays. Ends with 1 where rows could not be used: they are kept in the rejects file.
    """
    from cli.csv_files import read_csv, rejects_as_json, say_rejects, usable
    from core.batches import batched
    from core.suppressions import queue_optouts, suppress_all

    read = read_csv(file, ("address",), COLUMNS)
    timer = timer_for(today)
    meant, rejects = usable(read, lambda row: [_refusal(row, timer.opening)])
    refusals = list({one.key: one for one in meant}.values())
    new = 0
    with opened() as app:
        with writing(app, dry_run) as store:
            for batch in batched(refusals, _BATCH):
                with store.begin() as connection:
                    fresh = suppress_all(connection, batch)
                    if app.settings.sections.sync.crm:
                        queue_optouts(connection, fresh, timer)
                new += len(fresh)
        kept = app.rejects
        if rejects and not dry_run:
            kept("suppress", read.header, rejects)
    if as_json:
        say_json({"new": new, "known": len(refusals) - new, "rejected": rejects_as_json(rejects), "dry_run": dry_run})
    else:
        would = " would be" if dry_run else ""
        click.echo(f"{new} refusals{would} new, {len(refusals) - new} as before; {len(rejects)} rows cannot be used.")
        say_rejects(rejects, kept.files)
    sys.exit(1 if rejects else 0)


@suppress.command("export")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@common
def export_suppressions(file: Path, as_json: bool) -> None:
    """Write every address that must not be reached to the CSV FILE, which its owner alone can read."""
    from cli.csv_files import write_csv
    from core.suppressions import every

    with opened() as app, app.store.read() as connection:
        rows = every(connection)
    cells = ((*one.key, one.source, one.reason, one.since.date()) for one in rows)
    written = write_csv(file, COLUMNS, cells)
    if as_json:
        say_json({"file": str(file), "rows": written})
    else:
        click.echo(f"{written} refusals in {file}.")


def _refusal(row: "Row", now: datetime) -> "Refusal":
    from cli.csv_files import address_of, day_of
    from core.model import BadRow
    from core.suppressions import Refusal

    address = address_of(row, "address")
    channel, nature = row.text("channel").lower() or Channel.MAIL, row.text("nature").lower() or Nature.SERVICE
    if channel not in tuple(Channel):
        raise BadRow("channel", "is not known; write mail or call")
    if nature not in tuple(Nature):
        raise BadRow("nature", "is not known; write service or commercial")
    day = day_of(row, "since", now.date())
    since = now if day is None else datetime.combine(day, time(0), UTC)
    return Refusal(address, Channel(channel), Nature(nature), row.text("source") or "import", row.text("reason"), since)
