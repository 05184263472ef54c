"""`nolapse inbox`."""

from datetime import date

import click

from cli.common import common, dry_run_option, opened, say_json, table, today_option, writing
from core.timing import timer_for
from core.words import InboxState

_STATES = click.Choice([str(state) for state in InboxState])


@click.group()
def inbox() -> None:
    """What came in by the web app: stored first, applied later, each event once."""


@inbox.command("list")
@click.option("--state", "states", type=_STATES, multiple=True, help="Only these. [default: what is not applied]")
@click.option("--all", "everything", is_flag=True, help="Those that were applied, too.")
@click.option("--door", metavar="NAME", help="Only what came by this door.")
@click.option("--limit", type=click.IntRange(min=1), default=50, show_default=True, help="So many at most.")
@common
def show_list(states: tuple[str, ...], everything: bool, door: str | None, limit: int, as_json: bool) -> None:
    """List events, the newest first. What they say may name people and is shown by `inbox show` alone."""
    from core.inbox import listing

    open_states = tuple(str(state) for state in InboxState if state is not InboxState.APPLIED)
    with opened() as app, app.store.read() as connection:
        found = listing(connection, () if everything else states or open_states, door, limit)
    if as_json:
        say_json(found)
        return
    if not found:
        click.echo("there is nothing like that in the inbox")
        return
    rows = [
        (one.id, one.door, one.key, one.state, f"{one.received_at:%Y-%m-%d %H:%M:%S}", one.attempts, one.why)
        for one in found
    ]
    table(("event", "door", "key", "state", "received (UTC)", "tries", "why"), rows)


@inbox.command("show")
@click.argument("event", type=int)
@common
def show(event: int, as_json: bool) -> None:
    """Print what EVENT said, as it came."""
    from core.inbox import content

    with opened() as app, app.store.read() as connection:
        said = content(connection, event).decode("utf-8", "backslashreplace")
    if as_json:
        say_json({"event": event, "content": said})
    else:
        click.echo(said)


@inbox.command("replay")
@click.argument("event", type=int)
@dry_run_option
@today_option
@common
def replay(event: int, today: date | None, dry_run: bool, as_json: bool) -> None:
    """Apply EVENT once more, for instance after what it needs has been mended."""
    from core import inbox as core_inbox

    with opened() as app, writing(app, dry_run) as store:
        with store.begin() as connection:
            core_inbox.replay(connection, event)
        app.take_in(timer_for(today), store=store)
        with store.read() as connection:
            found = core_inbox.one(connection, event)
    if as_json:
        say_json({"event": event, "state": found.state, "why": found.why, "dry_run": dry_run})
    else:
        click.echo(f"{event}: {found.state}{f'; {found.why}' if found.why else ''}")


@inbox.command("discard")
@click.argument("event", type=int)
@click.option("--reason", default="", help="Why, for the record.")
@dry_run_option
@today_option
@common
def discard(event: int, reason: str, today: date | None, dry_run: bool, as_json: bool) -> None:
    """Let EVENT rest that cannot be applied."""
    from core import inbox as core_inbox

    with opened() as app, writing(app, dry_run) as store, store.begin() as connection:
        core_inbox.discard(connection, event, reason or "by the operator", timer_for(today))
    if as_json:
        say_json({"event": event, "state": InboxState.DISCARDED, "dry_run": dry_run})
    else:
        click.echo(f"{event}: {InboxState.DISCARDED}")
