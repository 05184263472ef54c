"""`nolapse report`."""

from dataclasses import asdict
from datetime import UTC, date, datetime

import click

from cli.common import common, opened, plain, say_csv, say_json, table, today_option
from cli.report_figures import forecast, passes, renewals, summary
from core.words import Clock


@click.group()
def report() -> None:
    """Expiring orders, figures of a span, the year ahead, the day's summary."""


for _figures in (renewals, forecast, passes, summary):
    report.add_command(_figures)


@report.command()
@click.option("--within", type=click.IntRange(0, 3660), default=90, show_default=True, help="Days ahead.")
@click.option(
    "--expired", type=click.IntRange(1, 3660), default=None, help="Instead: ended less than so many days ago."
)
@click.option("--account", default="", help="An account's key, or a part of its name.")
@click.option("--rep", default="", help="The key of the rep who owns the account.")
@click.option("--product", default="", help="A product's id, or a part of its name.")
@click.option("--name", default="", help="A part of the certificate's name.")
@click.option("--notices-off", is_flag=True, help="Only those whose notices are switched off at the CA.")
@click.option("--clock", type=click.Choice([str(one) for one in Clock]), default="renewal", show_default=True)
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@today_option
@common
def expiring(
    within: int,
    expired: int | None,
    account: str,
    rep: str,
    product: str,
    name: str,
    notices_off: bool,
    clock: str,
    as_csv: bool,
    today: date | None,
    as_json: bool,
) -> None:
    """List orders that end soon, or with --expired those that have just ended."""
    from core.report import Filters
    from core.report import expiring as find

    now = today or datetime.now(UTC).date()
    filters = Filters(within, expired, account, rep, product, name, Clock(clock), notices_off)
    with opened() as app, app.store.read() as connection:
        found = find(connection, filters, now)
    if as_json:
        say_json(found)
        return
    if as_csv:
        rows = [plain(asdict(one)) for one in found]
        head = ["order", "name", "expires", "inferred", "days_left", "product", "validity_days", "notices",
                "account", "account_name", "rep", "clock", "stage", "auto_renew"]  # fmt: skip
        say_csv(head, [list(row.values()) for row in rows])
        return
    columns = ("order", "name", "expires", "days", "product", "validity", "notices", "account", "rep", "stage")
    table(
        columns,
        [
            (
                one.order,
                one.name,
                f"{one.expires}{' (worked out)' if one.inferred else ''}",
                one.days_left,
                one.product,
                f"{one.validity_days} days",
                "on" if one.notices else "off",
                one.account_name or one.account,
                one.rep,
                "renews by itself" if one.auto_renew else one.stage,
            )
            for one in found
        ],
        title=f"{len(found)} orders",
    )
