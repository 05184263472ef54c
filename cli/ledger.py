"""What an operator writes into the ledger by hand: confirm, reopen."""

from datetime import date

import click

from cli.common import common, day, dry_run_option, opened, say_json, today_option, writing
from core.timing import timer_for
from core.words import Certainty, Clock

_CLOCKS = click.Choice([str(clock) for clock in Clock])
_CERTAINTIES = click.Choice([str(one) for one in (Certainty.CONFIRMED, Certainty.PROVISIONAL)])


@click.command()
@click.argument("order")
@click.option("--on", type=day, metavar="DATE", help="The day it happened. [default: today]")
@click.option("--new-order", default="", metavar="ORDER", help="The order that follows it.")
@click.option("--clock", type=_CLOCKS, default="renewal", show_default=True, help="What has happened.")
@click.option("--certainty", type=_CERTAINTIES, default="provisional", show_default=True, help="How sure it is.")
@dry_run_option
@today_option
@common
def confirm(
    order: str,
    on: date | None,
    new_order: str,
    clock: str,
    certainty: str,
    today: date | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Note that ORDER has been renewed, or its certificate reissued or installed.

    From this moment nothing more goes out for it; `nolapse settle` draws the other consequences. An order that is not
    known yet is kept in mind.
    """
    from core.confirmations import Confirmation, note_by_hand
    from core.lookup import order_key_for

    timer = timer_for(today)
    with opened() as app, writing(app, dry_run) as store, store.begin() as connection:
        key, known = order_key_for(connection, order)
        new_key = order_key_for(connection, new_order)[0] if new_order else ""
        given = Confirmation(
            source="operator",
            source_key="",
            order_key=key,
            renewed_on=on or timer.day,
            certainty=Certainty(certainty),
            evidence="confirmed by hand",
            clock=Clock(clock),
            new_order_key=new_key,
        )
        new = note_by_hand(connection, given, timer.opening)
    if as_json:
        say_json({"order": key, "clock": clock, "on": given.renewed_on, "known": known, "new": new, "dry_run": dry_run})
        return
    if not new:
        click.echo(f"{key} was confirmed for {given.renewed_on} already; nothing was changed.")
        return
    wait = "" if known else " The order is not known yet; the confirmation is applied when it appears."
    click.echo(f"{key}: noted as {_DONE[Clock(clock)]} on {given.renewed_on}.{wait}")


_DONE = {Clock.RENEWAL: "renewed", Clock.REISSUE: "reissued", Clock.INSTALL: "installed"}


@click.command()
@click.argument("order")
@click.option("--reason", required=True, help="Why it was a mistake, for the record.")
@click.option("--clock", type=_CLOCKS, default="renewal", show_default=True, help="Which clock runs again.")
@dry_run_option
@today_option
@common
def reopen(order: str, reason: str, clock: str, today: date | None, dry_run: bool, as_json: bool) -> None:
    """Undo a mistaken confirmation: the clock of ORDER runs again and what was not sent is planned afresh.

    A renewal that was given up as lost is taken up again likewise.
    """
    from core.lookup import find_order
    from core.reopen import reopen as undo

    timer = timer_for(today)
    with opened() as app, writing(app, dry_run) as store, store.begin() as connection:
        key = find_order(connection, order)
        number = undo(connection, key, Clock(clock), reason, app.policy, timer)
    if as_json:
        say_json({"order": key, "clock": clock, "cycle": number, "reason": reason, "dry_run": dry_run})
    else:
        click.echo(f"{key}: {clock} cycle {number} {'would be' if dry_run else 'is'} open again.")
