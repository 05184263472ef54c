"""`nolapse simulate`: what days to come would ask of people, under today's settings and the limits that are coming."""

import os
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.common import common, many, opened, progress, say_csv, say_json, today_option
from core.errors import UsageError

if TYPE_CHECKING:
    from cli.simulate_play import Game, Played
    from config.assembly import App
    from core.store import Store

_SVG = "nolapse-simulate.svg"
_DAYS = click.IntRange(0, 365)


def percent(word: str) -> float:
    """The share that a word such as 85% or 85 stands for, from 0 to 1."""
    try:
        share = float(word.strip().removesuffix("%")) / 100
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise click.BadParameter(f"{word!r} is no percentage from 0 to 100, such as 85%")
    return share


@click.command()
@click.option(
    "--days", type=click.IntRange(1, 1830), default=365, show_default=True, help="So many days from today on."
)
@click.option(
    "--renewing", type=percent, default="85%", show_default=True, help="Orders that are renewed; others lapse."
)
@click.option("--renew-ahead", type=_DAYS, default=21, show_default=True, help="Days before the end, on average.")
@click.option("--reissue-ahead", type=_DAYS, default=10, show_default=True, help="Days before the end, on average.")
@click.option("--reached", type=percent, default="60%", show_default=True, help="Calls that somebody answers.")
@click.option("--call-days", type=_DAYS, default=2, show_default=True, help="Days until a rep makes a call.")
@click.option(
    "--installing",
    type=percent,
    default="90%",
    show_default=True,
    help="New certificates that are known to be installed.",
)
@click.option("--install-days", type=_DAYS, default=2, show_default=True, help="Days until that is known.")
@click.option("--by", type=click.Choice(("week", "rep", "contact")), help="List only this. [default: all three]")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV: a row for each week and rep or contact.")
@click.option(
    "--svg", metavar="FILE", default=_SVG, show_default=True, help="Where the chart goes; - for standard output."
)
@click.option(
    "--jobs", type=click.IntRange(1, 64), help="Scenarios played at once. [default: as many as there are cores]"
)
@today_option
@common
def simulate(
    days: int,
    renewing: float,
    renew_ahead: int,
    reissue_ahead: int,
    reached: float,
    call_days: int,
    installing: float,
    install_days: int,
    by: str | None,
    as_csv: bool,
    svg: str,
    jobs: int | None,
    today: date | None,
    as_json: bool,
) -> None:
    """Count the mails and calls of the coming year by week, rep and contact, and change nothing.

    The year is played day by day on a copy of the ledger: with the limits of validity.toml as they are dated, and under
    each limit that is still to come as if it held already. Customers and reps do what the options say of them.
    """
    from cli.simulate_output import draw, rows, told
    from cli.simulate_play import Game, play_all
    from core.habits import Conduct, Habits
    from core.scenarios import scenarios
    from core.scratch import scratch

    if as_csv + as_json + (svg == "-") > 1:
        raise UsageError("--csv, --json and --svg - each take standard output for themselves; name one of them")
    target = _target(svg)
    config = click.get_current_context().ensure_object(dict).get("config")
    habits = Habits(
        {Conduct.RENEWS: renewing},
        renew_ahead,
        reissue_ahead,
        call_days,
        reached,
        installing=installing,
        install_days=install_days,
    )
    game = Game(habits, today or datetime.now(UTC).date(), days, Path(config) if config else None)
    with opened() as app, scratch(app.store) as ledger:
        notes = _notes(app, ledger, game)
        found = scenarios(app.settings.validity, game.first)
        with progress("simulate", as_json or as_csv) as tell:
            played = play_all(app, ledger, game, found, jobs or _cores(), tell)
    chart = _chart(game, played)
    if target is None:
        click.echo(chart, nl=False)
    else:
        _write(target, chart)
    if as_json:
        say_json(told(game, played, notes, by or "") | {"svg": str(target)})
    elif as_csv:
        say_csv(*rows(played, by or ""))
    elif target is not None:
        draw(game, played, notes, by or "")
        click.echo(f"The chart is in {target}.")
    for line in dict.fromkeys(problem for one in played for problem in one.problems):
        click.echo(f"nolapse: {line}", err=True)


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _target(svg: str) -> Path | None:
    """The file for the chart, which can be written: that is known before anything is played."""
    if svg == "-":
        return None
    file = Path(svg)
    if file.is_dir() or not file.parent.is_dir():
        raise UsageError(f"--svg: {file} is no place for a file; name a file in a folder that exists")
    if not os.access(file if file.exists() else file.parent, os.W_OK):
        raise UsageError(f"--svg: {file} cannot be written; name another file")
    return file


def _write(file: Path, chart: str) -> None:
    try:
        file.write_text(chart, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"--svg: {file} cannot be written: {error.strerror}") from error


def _notes(app: "App", ledger: "Store", game: "Game") -> list[str]:
    """What is taken for granted, and what is set that holds mails and calls back."""
    from sqlalchemy import exists, select

    from core import golive, pauses
    from core.schema import orders

    with ledger.read() as connection:
        if not connection.execute(select(exists(select(orders.c.id)))).scalar():
            raise UsageError("the ledger holds no order, so nothing can be foreseen; run `nolapse sync` first")
        live, paused = golive.live(connection), pauses.listing(connection)
    habits = game.habits
    notes = [
        f"Taken for granted: {next(iter(habits.conduct.values())):.0%} of orders are renewed, "
        f"{many(habits.renew_ahead, 'day')} before their end on average, the others lapse; certificates are reissued "
        f"{many(habits.reissue_ahead, 'day')} before theirs; {habits.installing:.0%} of new ones are known to be installed "
        f"{many(habits.install_days, 'day')} after their issue; reps make a call {many(habits.call_days, 'day')} after it "
        f"is asked for and reach {habits.reached:.0%}; no order, customer or setting comes or goes otherwise.",
    ]
    if live.first is None:
        notes.append(f"Nothing is sent yet; {game.first} is taken for the day of going live.")
    elif live.everybody is None:
        notes.append("Only the pilot is live, and nobody else is contacted; `nolapse go-live` changes it.")
    if not app.settings.sections.sync.crm:
        notes.append("There is no CRM ([sync] crm), so nobody is asked to call.")
    return [*notes, *(f"As it is set now, {one.words}." for one in paused)]


def _chart(game: "Game", played: "Sequence[Played]") -> str:
    from cli.chart import Chart, Line, Panel

    weeks = list(played[0].workload.weeks)
    told = "; ".join(
        f"{one.scenario.title}: {one.workload.total.mails:,} mails and {one.workload.total.calls:,} calls, at most "
        f"{one.workload.most.mails:,} mails and {one.workload.most.calls:,} calls in a week"
        for one in played
    )
    lines = {
        "Mails per week": [
            Line(one.scenario.title, [load.mails for load in one.workload.weeks.values()]) for one in played
        ],
        "Calls per week": [
            Line(one.scenario.title, [load.calls for load in one.workload.weeks.values()]) for one in played
        ],
    }
    return Chart(
        title="Mails and calls to come",
        subtitle=f"{many(game.days, 'day')} from {game.first}, by weeks from Monday on; the first and last may be cut",
        description=f"Two line charts of mails and of calls per week from {game.first} to {game.last}. {told}.",
        weeks=weeks,
        panels=[Panel(title, of_title) for title, of_title in lines.items()],
    ).svg()
