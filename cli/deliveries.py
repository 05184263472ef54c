"""`nolapse deliveries`."""

from datetime import date

import click

from cli.common import common, dry_run_option, opened, say_json, table, today_option
from core.timing import timer_for
from core.words import DeliveryKind, DeliveryState

_STUCK = ("failed", "uncertain")


@click.group(invoke_without_command=True)
@click.pass_context
def deliveries(ctx: click.Context) -> None:
    """List what leaves the house, and settle what is uncertain."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_deliveries)


@deliveries.command("list")
@click.option(
    "--state",
    "states",
    multiple=True,
    type=click.Choice([str(one) for one in DeliveryState]),
    help="Only these; several may be named. [default: failed and uncertain]",
)
@click.option("--kind", type=click.Choice([str(one) for one in DeliveryKind]), help="Only this kind.")
@click.option("--all", "every", is_flag=True, help="Every state.")
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True)
@common
def list_deliveries(
    states: tuple[str, ...] = (), kind: str | None = None, every: bool = False, limit: int = 200, as_json: bool = False
) -> None:
    """List deliveries, the newest first: those that are stuck, unless told otherwise.

    With --state planned those that wait, with why and until when.
    """
    from core import pauses
    from core.breaker import broken_circuits
    from core.outbox import listing

    wanted = () if every else states or _STUCK
    with opened() as app, app.store.read() as connection:
        found = listing(connection, wanted, kind, limit)
        broken = broken_circuits(connection, app.policy.deliver)
        paused = pauses.listing(connection)
    for words in (*(one.words for one in broken), *(one.words for one in paused)):
        click.echo(f"nolapse: {words}", err=True)
    if as_json:
        say_json(found)
        return
    if not found and not states and not every:
        click.echo("Nothing is stuck.")
        return
    columns = ("key", "kind", "state", "day", "send after (UTC)", "urgency", "orders", "tries", "why", "until (UTC)")
    rows = [
        (
            one.key,
            one.kind,
            one.state,
            one.day,
            f"{one.send_after:%Y-%m-%d %H:%M}",
            one.urgency,
            ", ".join(one.orders),
            one.attempts,
            one.why,
            f"{one.until:%Y-%m-%d %H:%M}" if one.until is not None else "",
        )
        for one in found
    ]
    table(columns, rows)


@deliveries.command("resolve")
@click.argument("key")
@click.option("--arrived", "verdict", flag_value="arrived", help="It has arrived: its touches are done.")
@click.option("--repeat", "verdict", flag_value="repeat", help="It has not arrived: send it again.")
@click.option("--drop", "verdict", flag_value="drop", help="Whatever happened, let it rest.")
@dry_run_option
@today_option
@common
def resolve(key: str, verdict: str | None, today: date | None, dry_run: bool, as_json: bool) -> None:
    """Decide what became of an uncertain or failed delivery KEY."""
    if verdict is None:
        raise click.UsageError("say --arrived, --repeat or --drop")
    _decide(key, verdict, today, dry_run, as_json)


@deliveries.command("retry")
@click.argument("key")
@dry_run_option
@today_option
@common
def retry(key: str, today: date | None, dry_run: bool, as_json: bool) -> None:
    """Send an uncertain or failed delivery KEY again: `resolve --repeat`."""
    _decide(key, "repeat", today, dry_run, as_json)


@deliveries.command("drop")
@click.argument("key")
@dry_run_option
@today_option
@common
def drop(key: str, today: date | None, dry_run: bool, as_json: bool) -> None:
    """Let an uncertain or failed delivery KEY rest: `resolve --drop`."""
    _decide(key, "drop", today, dry_run, as_json)


def _decide(key: str, verdict: str, today: date | None, dry_run: bool, as_json: bool) -> None:
    from core.outbox import resolve as decide
    from core.store import rehearse

    timer = timer_for(today)
    with opened() as app:
        if dry_run:
            with rehearse(app.store) as store, store.begin() as connection:
                state = decide(connection, key, verdict, timer, crm=app.crm is not None)
        else:
            with app.store.begin() as connection:
                state = decide(connection, key, verdict, timer, crm=app.crm is not None)
    if as_json:
        say_json({"key": key, "state": state, "dry_run": dry_run})
    else:
        click.echo(f"{key}: {state}")
