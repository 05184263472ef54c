"""`nolapse coverage`."""

from datetime import UTC, date, datetime

import click

from cli.common import common, opened, say_json, table, today_option


@click.command()
@click.option("--within", type=click.IntRange(min=0), metavar="DAYS", help="Only ends within so many days.")
@click.option("--reason", default="", metavar="WORD", help="Only those with this reason, such as no_contact.")
@click.option("--shared", "by_address", is_flag=True, help="List the addresses that several accounts share instead.")
@today_option
@common
def coverage(within: int | None, reason: str, by_address: bool, today: date | None, as_json: bool) -> None:
    """List the orders that nobody can be told about, and why.

    Every open end from today on is looked at, as if it were the last day: with the widest circle of recipients.
    """
    from core.coverage import coverage as look
    from core.coverage import shared
    from core.reasons import sentence

    with opened() as app, app.store.read() as connection:
        if by_address:
            several = shared(connection)
        else:
            found = look(connection, app.policy, today or datetime.now(UTC).date(), within)
    if by_address:
        if as_json:
            say_json(several)
            return
        columns = ("address", "accounts", "open orders", "which accounts")
        table(
            columns, [(one.address, len(one.account_keys), one.open_orders, _few(one.account_keys)) for one in several]
        )
        return
    listed = [one for one in found.untold if not reason or one.reason == reason]
    if as_json:
        say_json({"told": found.told, "untold": listed, "reasons": found.reasons})
        return
    rows = [
        (one.ends_on, one.order_key, one.common_name, one.account_name or one.account_key, one.owner_key, one.clock,
         one.by_phone, sentence(one.reason))
        for one in listed
    ]  # fmt: skip
    table(("ends", "order", "name", "account", "rep", "clock", "by phone", "why"), rows)
    total = found.told + len(found.untold)
    share = 100 * found.told / total if total else 100
    click.echo(f"Of {total} open ends somebody can be told of {found.told} ({share:.1f} %).", err=True)
    for why, count in found.reasons.items():
        click.echo(f"  {count:>6}  {why}: {sentence(why)}", err=True)


def _few(names: tuple[str, ...], most: int = 6) -> str:
    return " ".join(names if len(names) <= most else (*names[:most], "…"))
