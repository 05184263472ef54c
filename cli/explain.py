"""`nolapse explain`."""

from datetime import UTC, date, datetime

import click

from cli.common import common, opened, say_json, table, today_option


@click.command()
@click.argument("order")
@today_option
@common
def explain(order: str, today: date | None, as_json: bool) -> None:
    """Tell for each touchpoint of ORDER what happened or will happen, and why.

    ORDER is a key such as digicert:12345, or the bare number where it is unique.
    """
    from core.explain import explain as tell
    from core.lookup import find_order, order_summary
    from core.reasons import sentence

    with opened() as app, app.store.read() as connection:
        key = find_order(connection, order)
        told = tell(connection, key, app.policy, today or datetime.now(UTC).date())
        summary = order_summary(connection, key)
    if as_json:
        say_json(told)
        return
    for line in summary:
        click.echo(line)
    columns = ("day", "clock", "cycle", "touchpoint", "channel", "outcome", "why", "delivery")
    rows = [
        (
            one.day,
            one.clock,
            one.cycle,
            one.touchpoint,
            one.channel,
            one.outcome,
            sentence(one.reason) if one.reason else "",
            one.delivery,
        )
        for one in told
    ]
    table(columns, rows)
