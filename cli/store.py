"""`nolapse migrate`."""

import click

from cli.common import common, dry_run_option, opened, say_json


@click.command()
@dry_run_option
@common
def migrate(dry_run: bool, as_json: bool) -> None:
    """Bring the database to the state the program needs. An SQLite database is backed up first, beside itself."""
    from core import migrations

    with opened(fresh=False) as app:
        if dry_run:
            before, after, backup = migrations.current(app.bare_store), migrations.newest(), None
        else:
            before, after, backup = migrations.migrate(app.bare_store)
    if as_json:
        say_json({"before": before, "after": after, "backup": str(backup) if backup else None, "dry_run": dry_run})
        return
    if before == after:
        click.echo(f"The database is at {after}, the newest state; nothing to do.")
        return
    verb = "would go" if dry_run else "went"
    click.echo(f"The database {verb} from {before or 'empty'} to {after}.")
    if backup is not None:
        click.echo(f"The state before is kept in {backup}.")
