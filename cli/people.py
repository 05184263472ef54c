"""People's rights: `nolapse subject`, `nolapse forget`; and what is not kept for ever: `nolapse purge`."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import click

from cli.common import common, dry_run_option, opened, plain, say_json, today_option, writing
from core.errors import UsageError
from core.timing import timer_for


@click.command()
@click.argument("email")
@click.option("--output", type=click.Path(), metavar="FILE", help="Write it there, readable by you alone.")
@common
def subject(email: str, output: str | None, as_json: bool) -> None:
    """Export, as JSON, everything that is held of the person with the address EMAIL.

    The ledger, the tables of connectors, mails in the mailbox, raw events and rejected rows. What HubSpot, CertCentral or
    another outside system holds is theirs to tell.
    """
    import json

    from config.people import People

    with opened() as app:
        found = People(app).held(email)
    if output is None:
        say_json(found) if as_json else click.echo(json.dumps(plain(found), ensure_ascii=False, indent=2))
        return
    _write(Path(output), json.dumps(plain(found), ensure_ascii=False, indent=2))
    places = {name: len(rows) for name, rows in found.items() if name != "address"}
    if as_json:
        say_json({"output": output, "found": places})
    else:
        click.echo(f"{output}: {_counted(places) or 'nothing is held of this person'}")


def _write(file: Path, text: str) -> None:
    import os

    try:
        with open(os.open(file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8") as stream:
            stream.write(f"{text}\n")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}; name another file") from error


@click.command()
@click.argument("email")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@click.option("--lift", is_flag=True, help="Let sources name the person again; what was forgotten stays so.")
@dry_run_option
@today_option
@common
def forget(email: str, yes: bool, lift: bool, today: date | None, dry_run: bool, as_json: bool) -> None:
    """Take the person with the address EMAIL out of everything, for good.

    Out of the ledger, the tables of connectors, the mailbox, raw events and rejected rows. A keyed hash of the address
    stays: by it no sync, CRM or file brings the person back. Mails that wait go to the next recipient.
    """
    from config.people import People
    from core import forgotten
    from core.suppressions import normal_address

    address = normal_address(email)
    timer = timer_for(today)
    with opened() as app:
        if lift:
            with writing(app, dry_run) as store, store.begin() as connection:
                lifted = forgotten.lift(connection, address)
            if as_json:
                say_json({"lifted": lifted, "dry_run": dry_run})
            else:
                click.echo("The person may be stored again." if lifted else "Nobody with this address was forgotten.")
            return
        if not dry_run and not yes and not as_json:
            click.confirm("This cannot be undone. Forget this person?", abort=True)
        with writing(app, dry_run) as store:
            done = People(app).forget(address, timer, store=store, dry_run=dry_run)
    if as_json:
        say_json({"changed": done.changed, "left": done.left, "dry_run": dry_run})
        return
    verb = "would be changed" if dry_run else "were changed or removed"
    click.echo(f"{_counted(done.changed)} {verb}." if done.changed else "Nothing was held of this person any more.")
    for one in done.left:
        click.echo(f"  {one}")


@click.command()
@dry_run_option
@today_option
@common
def purge(today: date | None, dry_run: bool, as_json: bool) -> None:
    """Let go of what `[retention]` and `[web] keep_events_days` keep no longer. The daily job does it by itself."""
    from config.people import People

    timer = timer_for(today)
    with opened() as app, writing(app, dry_run) as store:
        counts = People(app).purge(timer, store=store, dry_run=dry_run)
    if as_json:
        say_json({"purged": counts, "dry_run": dry_run})
    elif counts:
        click.echo(f"{_counted(counts)} {'would go' if dry_run else 'are gone'}.")
    else:
        click.echo("Nothing is older than it may be.")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} of {name}" for name, number in counts.items())
