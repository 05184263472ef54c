"""The figures of `nolapse report`: what became of renewals, the year ahead, the passes over sources, the day's summary."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from cli.common import common, day, dry_run_option, opened, plain, say_csv, say_json, table, today_option
from config.amounts import decimal, money
from core.errors import UsageError

if TYPE_CHECKING:
    from core.figures import Figures
    from core.forecast import Forecast, Month

_BY = ("all", "rep", "account", "product", "country", "month")
_csv_option = click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")


def _narrowed(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options that narrow a report down."""
    for option in (
        click.option("--product", default="", help="A product's id, or a part of its name."),
        click.option("--account", default="", help="An account's key, or a part of its name."),
        click.option("--rep", default="", help="The key of the rep who owns the account."),
    ):
        function = option(function)
    return function


@click.command()
@click.option("--by", type=click.Choice(_BY), default="all", show_default=True, help="What to group by.")
@click.option("--from", "first", type=day, metavar="DATE", help="Orders that end from then on. [default: a year ago]")
@click.option("--to", "last", type=day, metavar="DATE", help="Orders that end up to then. [default: 90 days ahead]")
@_narrowed
@click.option("--country", default="", help="The account's country, a code such as DE.")
@click.option(
    "--early",
    type=click.IntRange(0, 365),
    default=30,
    show_default=True,
    help="From so many days before the end: early.",
)
@_csv_option
@today_option
@common
def renewals(
    by: str,
    first: date | None,
    last: date | None,
    rep: str,
    account: str,
    product: str,
    country: str,
    early: int,
    as_csv: bool,
    today: date | None,
    as_json: bool,
) -> None:
    """Say what became of renewals: worth, renewed early, on time and late, lost and why, lapsed, open.

    Also how many days before the end renewals came, of how many open ones somebody can be written to, the tasks that are
    open and late, and what offers cost. Each group and currency is a row of its own.
    """
    from core.figures import By, Wanted, figures

    now = today or datetime.now(UTC).date()
    wanted = Wanted(first or now - timedelta(days=365), last or now + timedelta(days=90), account, rep, product, country,
                    early)  # fmt: skip
    if wanted.last < wanted.first:
        raise UsageError(f"--to {wanted.last} is before --from {wanted.first}")
    with opened() as app, app.store.read() as connection:
        found = figures(connection, wanted, By(by), app.policy.scope, now)
    if as_json:
        say_json([_object(one) for one in found])
    elif as_csv:
        say_csv(list(_columns()), [list(_row(one).values()) for one in found])
    else:
        _draw(found, f"Orders that end from {wanted.first} to {wanted.last}")


def _object(one: "Figures") -> dict[str, Any]:
    said: dict[str, Any] = plain(asdict(one))
    return said | {
        "renewed": plain(one.renewed),
        "renewal_rate": one.renewal_rate,
        "reachable_share": one.reachable_share,
    }


def _columns() -> list[str]:
    from core.figures import Figures

    return list(_row(Figures("", "", "")))


def _row(one: "Figures") -> dict[str, object]:
    """Everything of a group, by column; amounts in whole units of the currency."""
    found: dict[str, object] = {"group": one.key, "name": one.name, "currency": one.currency}
    for name, sum_ in (("due", one.due), ("renewed", one.renewed), *one.fates.items()):
        found |= {str(name): sum_.orders, f"{name}_value": decimal(sum_.value_minor, one.currency)}
    return found | {
        "unvalued": one.unvalued,
        "renewal_rate": _rounded(one.renewal_rate),
        "days_before": one.days_before,
        "lost_why": _why(one),
        "reachable": one.reachable,
        "reachable_share": _rounded(one.reachable_share),
        "tasks_open": one.tasks_open,
        "tasks_overdue": one.tasks_overdue,
        "offers_promised": one.promised,
        "offer_cost": decimal(one.offer_cost, one.currency),
    }


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 3)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _why(one: "Figures") -> str:
    return "; ".join(f"{reason}: {count}" for reason, count in one.lost_why.items())


def _draw(found: "list[Figures]", title: str) -> None:
    columns = (
        *("group", "due", "worth", "early", "on time", "late", "lost", "why", "lapsed", "over", "open", "renewed"),
        *("days before", "reachable", "tasks", "overdue", "offers", "cost"),
    )
    rows = []
    for one in found:
        fates = {str(fate): sum_.orders for fate, sum_ in one.fates.items()}
        rows.append(
            (
                one.name or one.key or "all", one.due.orders, money(one.due.value_minor, one.currency), fates["early"],
                fates["on_time"], fates["late"], fates["lost"], _why(one), fates["lapsed"], fates["over"], fates["open"],
                _percent(one.renewal_rate), one.days_before, _percent(one.reachable_share), one.tasks_open,
                one.tasks_overdue, one.promised, money(one.offer_cost, one.currency),
            )
        )  # fmt: skip
    table(columns, rows, title=title)


@click.command()
@_narrowed
@_csv_option
@today_option
@common
def forecast(rep: str, account: str, product: str, as_csv: bool, today: date | None, as_json: bool) -> None:
    """Say what the next twelve months bring: what is due, renewed already, promised, and likely to come.

    Likely is what is renewed already, and of the rest the share that was renewed in the last year.
    """
    from core.forecast import forecast as foresee

    now = today or datetime.now(UTC).date()
    with opened() as app, app.store.read() as connection:
        found = foresee(connection, app.policy.scope, now, account=account, rep=rep, product=product)
    if as_json:
        say_json(found)
        return
    head = (
        "month",
        "currency",
        "due",
        "due_value",
        "renewed",
        "renewed_value",
        "promised",
        "promised_value",
        "expected",
    )
    if as_csv:
        say_csv(head, [_month(one) for one in found.months])
        return
    table(
        ("month", "due", "worth", "renewed", "promised", "expected"),
        [
            (
                one.month,
                one.due.orders,
                money(one.due.value_minor, one.currency),
                one.renewed.orders,
                one.promised.orders,
                "" if one.expected_minor is None else money(one.expected_minor, one.currency),
            )
            for one in found.months
        ],
        title=_past(found),
    )


def _past(found: "Forecast") -> str:
    if found.rate is None:
        return "Nothing was decided in the last year, so nothing can be expected from it"
    return f"In the last year {found.rate:.0%} of {found.cases:,} renewals were won"


def _month(one: "Month") -> list[object]:
    found: list[object] = [one.month, one.currency]
    for sum_ in (one.due, one.renewed, one.promised):
        found += [sum_.orders, decimal(sum_.value_minor, one.currency)]
    return [*found, None if one.expected_minor is None else decimal(one.expected_minor, one.currency)]


@click.command()
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="So many at most.")
@_csv_option
@common
def passes(limit: int, as_csv: bool, as_json: bool) -> None:
    """List the passes over order sources with what they counted, the newest first."""
    from core.passes import passes as find
    from core.sync import SyncCounts

    with opened() as app, app.store.read() as connection:
        found = find(connection, limit)
    if as_json:
        say_json(found)
        return
    words = SyncCounts.__slots__
    head = ("source", "started", "finished", "everything", *words)
    rows = [
        (
            one.source,
            f"{one.started_at:%Y-%m-%d %H:%M:%S}",
            f"{one.finished_at:%Y-%m-%d %H:%M:%S}" if one.finished_at else "",
            one.complete,
            *(one.counts.get(word) for word in words),
        )
        for one in found
    ]
    say_csv(head, rows) if as_csv else table(head, rows)


@click.command()
@click.option("--send", is_flag=True, help="Mail it to [report] to.")
@dry_run_option
@today_option
@common
def summary(send: bool, today: date | None, dry_run: bool, as_json: bool) -> None:
    """Say how the day stands: what went, what was won and lost, what waits, what is wrong."""
    from config.daily import send_summary
    from core.summary import lines
    from core.summary import summary as tell

    now = today or datetime.now(UTC).date()
    with opened() as app:
        with app.store.read() as connection:
            told = tell(connection, app.policy.scope, now)
        if send:
            if not app.settings.sections.report.to:
                raise UsageError("[report] to is not set; name the address that gets the summary")
            if not dry_run:
                send_summary(app, lines(told, money), now, again=True)
    if as_json:
        say_json(told)
    else:
        for line in lines(told, money):
            click.echo(line)
