"""What the commands share: their options, the opened application, and how they answer."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, is_dataclass
from datetime import date, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from core.errors import UsageError

if TYPE_CHECKING:
    from config.assembly import App
    from core.ports import Finding
    from core.store import Store

F = TypeVar("F", bound=Callable[..., Any])


def day(word: str) -> date:
    """The date that a word stands for, as YYYY-MM-DD and nothing else."""
    with suppress(ValueError):
        found = date.fromisoformat(word)
        if found.isoformat() == word:
            return found
    raise click.BadParameter(f"{word!r} is not a date; write it as YYYY-MM-DD")


def common(function: F) -> F:
    """`--config`, `--debug` and `--json`, which every command has."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Answer in JSON."),
        click.option("--debug", is_flag=True, help="Show where an error came from."),
        click.option("--config", type=click.Path(), metavar="FILE", help="The settings file."),
    ):
        function = option(function)

    @wraps(function)
    def taken(*args: Any, config: str | None, debug: bool, **options: Any) -> Any:
        context = click.get_current_context()
        said = context.ensure_object(dict)
        said["config"] = config or said.get("config")
        said["debug"] = debug or said.get("debug", False)
        return function(*args, **options)

    return taken  # type: ignore[return-value]


today_option = click.option("--today", type=day, metavar="DATE", help="Take this day for today, as a whole.")
dry_run_option = click.option("--dry-run", is_flag=True, help="Show what would happen, and change nothing.")


@contextmanager
def opened(*, fresh: bool = True) -> Iterator["App"]:
    """The application by the settings in force. An empty database is made ready first, with a word about it."""
    from config.assembly import application
    from config.settings import load

    config = click.get_current_context().ensure_object(dict).get("config")
    settings = load(Path(config) if config else None)
    set_log_level(settings.sections.log.level)
    with application(settings) as app:
        if fresh:
            make_ready(app)
        yield app


@contextmanager
def writing(app: "App", dry_run: bool) -> Iterator["Store"]:
    """The store, or with `dry_run` one on which nothing stays."""
    from core.store import rehearse

    if not dry_run:
        yield app.store
        return
    with rehearse(app.store) as store:
        yield store


def set_log_level(level: str) -> None:
    """Logs go to standard error; no line names a person."""
    import logging

    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise UsageError(f"[log] level: {level} is not known; write debug, info, warning or error")
    # The migrations' library tells at each start which database it sees.
    logging.getLogger("alembic").setLevel(max(number, logging.WARNING))
    logging.basicConfig(level=number, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")


def make_ready(app: "App") -> None:
    """Makes the tables of a database that has none. One of an older version is left to `nolapse migrate`."""
    from core import migrations

    if migrations.current(app.bare_store) is None:
        migrations.migrate(app.bare_store)
        click.echo("nolapse: the database was empty; its tables are made", err=True)


def unchanged(dry_run: bool) -> str:
    """What ends a line on something that was only tried."""
    return " (nothing was changed)" if dry_run else ""


def plain(value: Any) -> Any:
    """A value as JSON has it: dates as ISO words, dataclasses as objects."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(one) for one in value]
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value


def say_json(value: Any) -> None:
    """One JSON value on one line."""
    click.echo(json.dumps(plain(value), ensure_ascii=False))


def say_findings(found: "Sequence[Finding]", as_json: bool) -> None:
    """What was found or done, one line each, with the way out where something is wrong."""
    if as_json:
        say_json(found)
        return
    for one in found:
        advice = f" ({one.advice})" if one.advice else ""
        click.echo(f"{'ok  ' if one.ok else 'BAD '} {one.subject}: {one.text}{advice}")


def many(count: int, one: str, several: str | None = None) -> str:
    """A number of things in words."""
    return f"{count} {one if count == 1 else several or one + 's'}"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], title: str = "") -> None:
    """A table: drawn at a terminal, tab-separated otherwise."""
    if not sys.stdout.isatty():
        for row in (columns, *rows):
            click.echo("\t".join(_cell(cell) for cell in row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(*columns, title=title or None, header_style="bold", title_justify="left")
    for row in rows:
        drawn.add_row(*(Text(_cell(cell)) for cell in row))
    Console().print(drawn)


def say_csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table as CSV on standard output; what a spreadsheet would take for a formula is marked as text."""
    from core.order_list import safe_cell

    writer = csv.writer(sys.stdout)
    writer.writerow(head)
    writer.writerows([safe_cell(value) for value in row] for row in rows)


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return " ".join(str(value).split())


@contextmanager
def progress(label: str, quiet: bool) -> Iterator[Callable[[int, int | None], None] | None]:
    """A progress bar on long work at a terminal; nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
