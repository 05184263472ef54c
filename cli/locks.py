"""`nolapse locks`."""

import click

from cli.common import common, dry_run_option, opened, say_json, table
from core.errors import UsageError


@click.group(invoke_without_command=True)
@click.pass_context
def locks(ctx: click.Context) -> None:
    """List who works on which step, and release one that was abandoned."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_locks)


@locks.command("list")
@common
def list_locks(as_json: bool = False) -> None:
    """List the steps: who holds each until when, the last day it has done, and when a server is to do it next."""
    from core.locks import listing

    with opened() as app, app.store.read() as connection:
        found = listing(connection)
    if as_json:
        say_json(found)
        return
    if not found:
        click.echo("No step has been done yet.")
        return
    columns = ("step", "held by", "until (UTC)", "last day done", "next turn (UTC)")
    rows = [
        (
            one.step,
            one.holder or "nobody",
            f"{one.lease_until:%Y-%m-%d %H:%M:%S}{' (lapsed)' if one.lapsed else ''}" if one.lease_until else "",
            one.last_day,
            f"{one.next_turn:%Y-%m-%d %H:%M:%S}" if one.next_turn else "",
        )
        for one in found
    ]
    table(columns, rows)


@locks.command("release")
@click.argument("step")
@click.option("--yes", is_flag=True, help="The process that holds it is gone, or may be stopped.")
@dry_run_option
@common
def release(step: str, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Take STEP from the process that holds it. One that lives on stops at its next batch; nothing is lost."""
    from core.locks import release as let_go
    from core.store import rehearse

    with opened() as app:
        with rehearse(app.store) as store, store.begin() as connection:
            held = let_go(connection, step)
        until = f"until {held.lease_until:%H:%M:%S} UTC" if held.lease_until else "for good"
        if not yes and not dry_run:
            raise UsageError(f"{step} is held by {held.holder} {until}; if that process is gone, say so with --yes")
        if not dry_run:
            with app.store.begin() as connection:
                let_go(connection, step)
    if as_json:
        say_json({"step": step, "holder": held.holder, "dry_run": dry_run})
    else:
        click.echo(f"{step}: {'would be' if dry_run else 'was'} taken from {held.holder}")
