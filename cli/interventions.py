"""What an operator does about single orders and accounts: send-now, withdraw, reassign."""

import sys
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import click

from cli.common import common, dry_run_option, opened, say_json, today_option, unchanged, writing
from core.timing import timer_for
from core.words import Channel, Clock

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_CLOCKS = click.Choice([str(clock) for clock in Clock])
_CHANNELS = click.Choice([str(one) for one in Channel])


@click.command("send-now")
@click.argument("order")
@click.option("--clock", type=_CLOCKS, default=None, help="Of which clock. [default: renewal where it is open]")
@dry_run_option
@today_option
@common
def send_now(order: str, clock: str | None, today: date | None, dry_run: bool, as_json: bool) -> None:
    """Send the mail about ORDER at once: the one that waits, else the next step ahead of its day.

    Critical steps keep their day. Office hours, caps and the ramp are passed over; a pause, a hold, an opt-out or a
    renewal is not. Ends with 1 where it could not be sent.
    """
    from cli.steps import stage
    from core.deliver import deliver
    from core.lookup import find_order
    from core.send_now import send_now as hasten
    from core.words import DeliveryKind

    with opened() as app, stage(app, today, dry_run) as on:
        app.take_in(on.timer, store=on.store)
        with on.store.begin() as connection:
            key = find_order(connection, order)
            going = hasten(connection, key, Clock(clock) if clock else None, app.policy, on.timer)
        counts = deliver(on.store, on.kinds, on.timer, app.policy, only=[going.delivery_id])
        with on.store.read() as connection:
            state, why = _became(connection, going.delivery_id)
    sent = counts.kinds[DeliveryKind.MAIL].delivered == 1
    if as_json:
        told = {"order": key, "touchpoint": going.touchpoint, "ahead": going.ahead, "delivery": going.key}
        say_json(told | {"state": state, "why": why, "dry_run": dry_run})
    elif sent:
        early = ", ahead of its day" if going.ahead else ""
        verb = "would have gone" if dry_run else "has gone"
        click.echo(f"{key}: the mail for {going.touchpoint} {verb}{early}{unchanged(dry_run)}.")
    else:
        click.echo(f"{key}: the mail for {going.touchpoint} is {state}{f': {why}' if why else ''}{unchanged(dry_run)}")
    for problem in counts.problems:
        click.echo(f"nolapse: {problem}", err=True)
    sys.exit(0 if sent else 1)


def _became(connection: "Connection", delivery_id: int) -> tuple[str, str]:
    from sqlalchemy import select

    from core.reasons import sentence
    from core.schema import deliveries

    row = connection.execute(select(deliveries).where(deliveries.c.id == delivery_id)).one()
    return row.state, row.error or sentence(row.reason)


@click.command()
@click.argument("order", default="")
@click.option("--account", default="", metavar="ACCOUNT", help="Of this account.")
@click.option("--rep", default="", metavar="REP", help="Of the accounts of this rep.")
@click.option("--channel", type=_CHANNELS, default=None, help="Only mails, or only calls.")
@click.option("--since", metavar="TIME", default=None, help="Decided since this day, or 2026-12-01T08:30 (UTC).")
@click.option("--tasks", is_flag=True, help="Close open tasks too; with --since those made since then.")
@dry_run_option
@today_option
@common
def withdraw(
    order: str,
    account: str,
    rep: str,
    channel: str | None,
    since: str | None,
    tasks: bool,
    today: date | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Take back what waits to be sent about ORDER, an account or a rep, or what was decided since a moment.

    The steps that it stood for do not come back; the next ones go. What has gone is counted, and cannot be taken back.
    """
    from core.lookup import find_account, find_rep, order_row
    from core.withdrawing import Which
    from core.withdrawing import withdraw as take_back

    moment = None if since is None else _moment(since)
    with opened() as app, writing(app, dry_run) as store, store.begin() as connection:
        which = Which(
            order_id=order_row(connection, order).id if order else None,
            account_id=find_account(connection, account).id if account else None,
            rep_key=find_rep(connection, rep) if rep else "",
            channel=Channel(channel) if channel else None,
            since=moment,
            tasks=tasks,
        )
        done = take_back(connection, which, timer_for(today))
    if as_json:
        say_json({"touches": done.touches, "tasks": done.tasks, "gone": done.gone, "dry_run": dry_run})
        return
    closed = f", {done.tasks:,} {'task' if done.tasks == 1 else 'tasks'} closed" if tasks else ""
    click.echo(
        f"{done.touches:,} waiting {'touch' if done.touches == 1 else 'touches'} withdrawn{closed}; "
        f"{done.gone:,} had gone already{unchanged(dry_run)}."
    )


def _moment(word: str) -> datetime:
    try:
        found = datetime.fromisoformat(word)
    except ValueError:
        raise click.BadParameter(f"--since: {word!r} is no time; write 2026-12-01 or 2026-12-01T08:30") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


@click.command()
@click.argument("accounts", nargs=-1, metavar="[ACCOUNT]...")
@click.option("--to", required=True, metavar="REP", help="The rep who owns them from now on.")
@click.option("--from", "owner", default="", metavar="REP", help="Every account of this rep.")
@dry_run_option
@today_option
@common
def reassign(accounts: tuple[str, ...], to: str, owner: str, today: date | None, dry_run: bool, as_json: bool) -> None:
    """Give ACCOUNTs, or every account of a rep, to another rep. Their calls follow.

    A file of accounts or a CRM that names another owner wins at its next change: say it there too.
    """
    from core.lookup import account_ids, find_rep
    from core.reassigning import accounts_of
    from core.reassigning import reassign as give

    if bool(accounts) == bool(owner):
        raise click.UsageError("name accounts, or --from REP")
    timer = timer_for(today)
    with opened() as app, writing(app, dry_run) as store, store.begin() as connection:
        ids = account_ids(connection, accounts) if accounts else accounts_of(connection, find_rep(connection, owner))
        done = give(connection, ids, to, timer, tell_crm=app.crm is not None)
    if as_json:
        told = {"accounts": done.accounts, "waiting_tasks": done.waiting_tasks, "open_tasks": done.open_tasks}
        say_json({"to": to} | told | {"dry_run": dry_run})
        return
    click.echo(
        f"{done.accounts:,} {'account belongs' if done.accounts == 1 else 'accounts belong'} to {to} now, "
        f"with {done.waiting_tasks:,} waiting and {done.open_tasks:,} open tasks{unchanged(dry_run)}."
    )
