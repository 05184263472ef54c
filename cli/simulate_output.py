"""How what was played is told: as tables and bars at a terminal, as CSV, as JSON."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from cli.common import many, table
from cli.simulate_play import Game, Played
from core.workload import Load, Share, Workload

if TYPE_CHECKING:
    from rich.console import Console

_BUSIEST = 10
_BARS = "▏▎▍▌▋▊▉█"


def told(game: Game, played: Sequence[Played], notes: Sequence[str], by: str) -> dict[str, Any]:
    """Everything as JSON has it; weeks of reps or contacts where these are what is wanted."""
    habits = game.habits
    return {
        "first": game.first,
        "last": game.last,
        "days": game.days,
        "assumed": {
            "renewing": sum(habits.conduct.values()),
            "renew_ahead": habits.renew_ahead,
            "reissue_ahead": habits.reissue_ahead,
            "call_days": habits.call_days,
            "installing": habits.installing,
            "install_days": habits.install_days,
            "reached": habits.reached,
        },
        "notes": notes,
        "scenarios": [_scenario(one, by) for one in played],
    }


def _scenario(one: Played, by: str) -> dict[str, Any]:
    found = one.workload
    said = {
        "scenario": one.scenario.key,
        "title": one.scenario.title,
        "note": one.scenario.note,
        "problems": one.problems,
        "total": found.total,
        "most_in_a_week": found.most,
        "busiest_week": found.busiest_week,
        "orders_told_of": found.orders,
        "contacts": found.people,
        "contacts_told": len(found.contacts),
        "most_to_one_in_a_week": found.most_to_one,
        "spread": [{"from": low, "to": high, "contacts": count} for (low, high), count in found.spread.items()],
        "weeks": _weeks(found.weeks),
        "reps": [_share(rep, found, "rep", "name", weeks=by == "rep") for rep in found.reps],
        "busiest_contacts": [_share(each, found, "account", "contact") for each in found.contacts[:_BUSIEST]],
    }
    if by == "contact":
        said["every_contact"] = [_share(each, found, "account", "contact", weeks=True) for each in found.contacts]
    return said


def _weeks(weeks: Mapping[date, Load]) -> list[dict[str, Any]]:
    return [
        {"week": week, "mails": load.mails, "calls": load.calls, "other": load.other} for week, load in weeks.items()
    ]


def _share(share: Share, found: Workload, key: str, name: str, *, weeks: bool = False) -> dict[str, Any]:
    mails, calls = found.mean(share)
    said = {
        key: share.key,
        name: share.name,
        "total": share.total,
        "mean_of_a_week": {"mails": round(mails, 2), "calls": round(calls, 2)},
        "most_in_a_week": share.most,
    }
    return said | ({"weeks": _weeks(share.weeks)} if weeks else {})


def rows(played: Sequence[Played], by: str) -> tuple[list[str], Iterator[list[object]]]:
    """Head and rows of the CSV: one for each scenario and week, and each rep or contact who got anything in it."""
    counts = ["week", "mails", "calls", "other_tasks"]
    if by == "rep":
        return ["scenario", "rep", "name", *counts], _shares(played, lambda found: found.reps)
    if by == "contact":
        return ["scenario", "account", "contact", *counts], _shares(played, lambda found: found.contacts)
    return ["scenario", *counts], (
        [one.scenario.key, *_counts(week, load)] for one in played for week, load in one.workload.weeks.items()
    )


def _shares(played: Sequence[Played], which: Callable[[Workload], Sequence[Share]]) -> Iterator[list[object]]:
    for one in played:
        for share in which(one.workload):
            for week, load in share.weeks.items():
                yield [one.scenario.key, share.key, share.name, *_counts(week, load)]


def _counts(week: date, load: Load) -> list[object]:
    return [week, load.mails, load.calls, load.other]


def draw(game: Game, played: Sequence[Played], notes: Sequence[str], by: str) -> None:
    """Tables and bars; only by week, rep or contact where that is wanted."""
    click.echo(f"{many(game.days, 'day')} from {game.first} to {game.last}, played on a copy: nothing is changed.")
    for note in notes:
        click.echo(note)
    for one in played:
        click.echo(f"{one.scenario.title}: {one.scenario.note}.")
    click.echo()
    _totals(played)
    if by in ("week", ""):
        _by_week(played)
    if by in ("rep", ""):
        _by_rep(played)
    if by in ("contact", ""):
        _by_contact(played)


def _totals(played: Sequence[Played]) -> None:
    head = (
        *("limits", "mails", "calls", "other tasks", "orders told of", "contacts told", "busiest week", "mails then"),
        *("calls then", "most mails to one in a week"),
    )
    lines = []
    for one in played:
        found = one.workload
        total, then = found.total, found.weeks[found.busiest_week]
        lines.append(
            (
                *(one.scenario.title, total.mails, total.calls, total.other, found.orders),
                *(len(found.contacts), found.busiest_week, then.mails, then.calls, found.most_to_one.mails),
            )
        )
    table(head, lines, title="In all")
    click.echo()


def _by_week(played: Sequence[Played]) -> None:
    if sys.stdout.isatty():
        from rich.console import Console

        console = Console()
        for title, part in (("Mails", lambda load: load.mails), ("Calls", lambda load: load.calls)):
            bars(console, title, played, part)
        return
    head = [f"{one.scenario.title}: {what}" for one in played for what in ("mails", "calls", "other tasks")]
    lines = []
    for week in played[0].workload.weeks:
        loads = [one.workload.weeks[week] for one in played]
        lines.append((week, *(count for load in loads for count in (load.mails, load.calls, load.other))))
    table(("week", *head), lines)
    click.echo()


def bars(console: "Console", title: str, played: Sequence[Played], part: Callable[[Load], int]) -> None:
    """A bar for each week under each scenario, all on one scale that fits the terminal."""
    from rich.table import Table
    from rich.text import Text

    most = max((part(load) for one in played for load in one.workload.weeks.values()), default=0)
    digits = len(f"{most:,}")
    width = max(4, (console.width - 11 - len(played) * (digits + 3)) // len(played))
    drawn = Table("week of", *(one.scenario.title for one in played), title=f"{title} by week", title_justify="left",
                  header_style="bold", box=None, pad_edge=False)  # fmt: skip
    for week in played[0].workload.weeks:
        counts = [part(one.workload.weeks[week]) for one in played]
        cells = [f"{count:{digits},} {_bar(count / most if most else 0, width, console)}" for count in counts]
        drawn.add_row(str(week), *map(Text, cells))
    console.print(drawn)
    console.print()


def _bar(share: float, width: int, console: "Console") -> str:
    if console.options.ascii_only:
        return "#" * round(share * width)
    full, rest = divmod(round(share * width * len(_BARS)), len(_BARS))
    return _BARS[-1] * full + (_BARS[rest - 1] if rest else "")


def _by_rep(played: Sequence[Played]) -> None:
    head = (
        *("rep", "name", "limits", "mails", "mails a week", "most", "calls", "calls a week", "most calls"),
        *("other tasks",),
    )
    lines = []
    for key in sorted({rep.key for one in played for rep in one.workload.reps}):
        for one in played:
            for rep in one.workload.reps:
                if rep.key == key:
                    (mails, calls), total, most = one.workload.mean(rep), rep.total, rep.most
                    lines.append(
                        (
                            *(key or "(nobody)", rep.name, one.scenario.title, total.mails, f"{mails:.1f}", most.mails),
                            *(total.calls, f"{calls:.1f}", most.calls, total.other),
                        )
                    )
    table(head, lines, title="By rep, mails to the customers they own")
    click.echo()


def _by_contact(played: Sequence[Played]) -> None:
    bands = [f"{low} and more" if high is None else str(low) if low == high else f"{low} to {high}"
             for low, high in played[0].workload.spread]  # fmt: skip
    spreads = [one.workload.spread.values() for one in played]
    table(
        ("mails and calls to one", *(one.scenario.title for one in played)),
        list(zip(bands, *spreads, strict=True)),
        title="Contacts by how often they hear from us",
    )
    click.echo()
    lines = [
        (one.scenario.title, each.name, each.key, each.total.mails, each.total.calls, each.most.mails)
        for one in played
        for each in one.workload.contacts[:_BUSIEST]
    ]
    table(("limits", "contact", "account", "mails", "calls", "most mails in a week"), lines, title="Busiest contacts")
    click.echo()
