"""The operator's hand on the wheel: go-live, pause, resume, hold."""

from datetime import date
from typing import TYPE_CHECKING, Any

import click

from cli.common import common, day, dry_run_option, opened, say_json, today_option, unchanged, writing
from core.timing import timer_for
from core.words import Channel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy.engine import Connection

    from core.golive import Morning
    from core.pauses import Pause


@click.command("go-live")
@click.option("--from", "first", type=day, metavar="DATE", help="The first day on which anything is sent.")
@click.option("--pilot", multiple=True, metavar="ACCOUNT", help="Only this account, for a start; may be repeated.")
@click.option("--observe", is_flag=True, help="Go back to observing: nothing is sent.")
@dry_run_option
@common
def go_live(first: date | None, pilot: tuple[str, ...], observe: bool, dry_run: bool, as_json: bool) -> None:
    """Set the first day on which anything is sent; until then everything is only planned.

    With --pilot these accounts alone are contacted from that day on, until everybody is. What ended before an account's
    day is closed in silence by the next settle. Without options it says how things stand.
    """
    from core import golive

    if observe and (first is not None or pilot):
        raise click.UsageError("--observe goes alone")
    if pilot and first is None:
        raise click.UsageError("--pilot needs its first day: --from DATE")
    with opened() as app, writing(app, dry_run) as store, store.begin() as connection:
        if observe:
            golive.observe(connection)
        elif first is not None and pilot:
            golive.go_live_with(connection, pilot, first)
        elif first is not None:
            golive.go_live(connection, first)
        live = golive.live(connection)
        in_pilot = golive.pilot_of(connection)
        morning = golive.morning(connection, first or timer_for(None).day)
        redirected = bool(app.policy.mail.redirect_all_to)
        ramp = app.policy.caps.ramp
    if as_json:
        say_json(
            {
                "live_from": live.everybody,
                "pilot": [{"account": key, "from": since} for key, since in in_pilot],
                "closed_in_silence": morning.closed_in_silence,
                "waiting": morning.waiting,
                "redirected": redirected,
                "dry_run": dry_run,
            }
        )
        return
    for line in _standing(live.everybody, in_pilot, dry_run):
        click.echo(line)
    if first is not None:
        click.echo(_morning(morning))
        if ramp:
            click.echo(f"Mails on the first days ([caps] ramp): {', '.join(f'{most:,}' for most in ramp)}.")
    if redirected:
        click.echo("Every mail goes to the address of [mail] redirect_all_to instead of its reader's.")


def _standing(everybody: date | None, pilot: "Sequence[tuple[str, date]]", dry_run: bool) -> "list[str]":
    if everybody is None and not pilot:
        return ["Observing: everything is planned, nothing is sent. `nolapse go-live --from DATE` starts."]
    lines = [] if everybody is None else [f"Live from {everybody} on{unchanged(dry_run)}."]
    earlier = [(key, since) for key, since in pilot if everybody is None or since < everybody]
    if earlier:
        told = ", ".join(f"{key} from {since}" for key, since in earlier)
        lines.append(f"Pilot: {told}{unchanged(dry_run) if everybody is None else ''}.")
    if everybody is None:
        lines.append("The others are only observed; `nolapse go-live --from DATE` takes everybody in.")
    return lines


def _morning(morning: "Morning") -> str:
    waits = ", ".join(f"{count:,} {kind}" for kind, count in sorted(morning.waiting.items())) or "nothing"
    silent = morning.closed_in_silence
    ended = f"{silent:,} {'cycle that has' if silent == 1 else 'cycles that have'} ended by then"
    return f"{ended}: closed in silence by the next settle. Waiting: {waits}."


def _what(function: "Callable[..., None]") -> "Callable[..., None]":
    """What is paused or resumed; nothing named: everything."""
    for option in (
        click.option("--channel", type=click.Choice([str(one) for one in Channel]), help="Only this channel."),
        click.option("--rep", default="", metavar="REP", help="Only the accounts and calls of this rep."),
        click.option("--account", default="", metavar="ACCOUNT", help="Only this account."),
    ):
        function = option(function)
    return function


@click.command()
@_what
@click.option("--reason", default="", help="Why, for the record.")
@click.option("--list", "only_list", is_flag=True, help="Show what is paused.")
@dry_run_option
@common
def pause(
    account: str, rep: str, channel: str | None, reason: str, only_list: bool, dry_run: bool, as_json: bool
) -> None:
    """Stop everything that would be sent, or the mails and calls of an account, a rep or a channel, at once.

    A delivery run that is under way stops too; what is being handed over at that very moment still goes. Everything
    waits until `nolapse resume`.
    """
    from core import pauses

    with opened() as app, writing(app, dry_run) as store, store.begin() as connection:
        new = []
        if not only_list:
            wanted = _pauses(connection, account, rep, channel, reason)
            new = [one for one in wanted if pauses.pause(connection, one, timer_for(None).opening)]
        found = pauses.listing(connection)
    if as_json:
        say_json({"paused": found, "new": len(new), "dry_run": dry_run})
        return
    for one in found:
        click.echo(_sentence(one.words))
    if new:
        click.echo(f"{len(new)} new{unchanged(dry_run)}.")
    if not found:
        click.echo("Nothing is paused.")


@click.command()
@_what
@click.option("--every", is_flag=True, help="End every pause there is.")
@dry_run_option
@common
def resume(account: str, rep: str, channel: str | None, every: bool, dry_run: bool, as_json: bool) -> None:
    """End a pause: without options that of everything, else that of an account, a rep or a channel.

    What has waited goes with the next delivery, worded afresh; what has waited too long is dropped.
    """
    from core import pauses

    with opened() as app, writing(app, dry_run) as store, store.begin() as connection:
        wanted = pauses.listing(connection) if every else _pauses(connection, account, rep, channel, "")
        ended = [one for one in wanted if pauses.resume(connection, one.scope, one.which)]
        left = pauses.listing(connection)
    if as_json:
        say_json({"ended": ended, "paused": left, "dry_run": dry_run})
        return
    for one in wanted:
        told = "no longer" if one in ended else "not"
        click.echo(_sentence(f"{one.subject} is {told} paused{unchanged(dry_run)}"))
    for one in left:
        click.echo(_sentence(one.words))


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _pauses(connection: "Connection", account: str, rep: str, channel: str | None, reason: str) -> "list[Pause]":
    from core.lookup import find_account, find_rep
    from core.pauses import Pause, Scope

    found = []
    if account:
        found.append(Pause(Scope.ACCOUNT, find_account(connection, account).account_key, reason))
    if rep:
        found.append(Pause(Scope.REP, find_rep(connection, rep), reason))
    if channel:
        found.append(Pause(Scope.CHANNEL, channel, reason))
    return found or [Pause(Scope.ALL, "", reason)]


@click.command()
@click.argument("order", default="")
@click.option("--account", default="", metavar="ACCOUNT", help="Every order of this account.")
@click.option("--until", type=day, metavar="DATE", help="The day on which it may be contacted again.")
@click.option("--reason", default="", help="Why, for the record.")
@click.option("--lift", is_flag=True, help="End the hold now.")
@click.option("--list", "only_list", is_flag=True, help="Show what is held.")
@dry_run_option
@today_option
@common
def hold(
    order: str,
    account: str,
    until: date | None,
    reason: str,
    lift: bool,
    only_list: bool,
    today: date | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Leave ORDER, or every order of an account, alone until a date.

    What waits for it falls away; on the date the newest step that is due then goes. Calls that a rep has already stay.
    """
    from core import holds

    if not only_list and bool(order) == bool(account):
        raise click.UsageError("name an order, or --account")
    if not only_list and lift == (until is not None):
        raise click.UsageError("say --until DATE, or --lift")
    timer = timer_for(today)
    said: dict[str, Any] = {}
    with opened() as app, writing(app, dry_run) as store, store.begin() as connection:
        if not only_list:
            target, key = _target(connection, order, account)
            if until is None:
                said = {"key": key, "lifted": holds.lift(connection, target, timer)}
            else:
                said = {"key": key, "until": until, "withdrawn": holds.hold(connection, target, until, reason, timer)}
        found = holds.listing(connection, timer.day)
    if as_json:
        say_json(said | {"held": found, "dry_run": dry_run})
    elif only_list:
        for one in found:
            click.echo(one.words)
        if not found:
            click.echo("Nothing is held.")
    elif lift:
        told = "is no longer held" if said["lifted"] else "was not held"
        click.echo(f"{said['key']} {told}{unchanged(dry_run)}.")
    else:
        fell = f"{said['withdrawn']:,} waiting {'touch falls' if said['withdrawn'] == 1 else 'touches fall'} away"
        click.echo(f"{said['key']} is held until {until}; {fell}{unchanged(dry_run)}.")


def _target(connection: "Connection", order: str, account: str) -> tuple[Any, str]:
    """The row of the order or account that is meant, and its key."""
    from core.lookup import find_account, order_row

    row = order_row(connection, order) if order else find_account(connection, account)
    return row, str(row.order_key if order else row.account_key)
