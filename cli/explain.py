"""`nolapse explain`."""

from datetime import date

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
    from core import holds
    from core.coverage import told_to
    from core.explain import explain as tell
    from core.lookup import find_order, order_summary
    from core.reasons import sentence
    from core.standing import standing
    from core.timing import timer_for

    with opened() as app, app.store.read() as connection:
        key = find_order(connection, order)
        timer = timer_for(today)
        told = tell(connection, key, app.policy, timer.day, timer)
        held = holds.on_order(connection, key, timer.day)
        summary = [
            *order_summary(connection, key),
            *standing(connection, key),
            *told_to(connection, key, app.policy, timer.day),
        ]
    if as_json:
        say_json(told)
        return
    for line in (*summary, *(one.words for one in held)):
        click.echo(line)
    columns = ("day", "clock", "cycle", "touchpoint", "channel", "outcome", "why", "until (UTC)", "delivery")
    rows = [
        (
            one.day,
            one.clock,
            one.cycle,
            one.touchpoint,
            one.channel,
            one.outcome,
            sentence(one.reason) if one.reason else "",
            f"{one.until:%Y-%m-%d %H:%M}" if one.until is not None else "",
            one.delivery,
        )
        for one in told
    ]
    table(columns, rows)
