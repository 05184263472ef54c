"""`python -m bench`: takes the figures, prints the table, and writes it into bench/README.md."""

import tempfile
from pathlib import Path

import click

from bench import profiles
from bench.machine import describe, load
from bench.places import place_for
from bench.suite import APART, BENCHMARKS, FULL, QUICK, Bench
from bench.table import markdown, put_between

README = Path(__file__).parent / "README.md"


@click.command()
@click.option("--quick", is_flag=True, help="Small sizes: whether everything works, not how fast it is.")
@click.option(
    "--only", type=click.Choice([*BENCHMARKS, *APART]), help="One of the benchmarks. Nothing is written then."
)
@click.option("--store", metavar="URL", help="A PostgreSQL whose user may create databases. [default: SQLite]")
@click.option(
    "--folder", type=click.Path(exists=True, file_okay=False), help="Where to work. [default: a temporary one]"
)
@click.option("--readme", type=click.Path(exists=True, dir_okay=False), help="Where the table is written as well.")
@click.option("--profile", is_flag=True, help="Where the time goes in planning, syncing and delivering, instead.")
def bench(
    quick: bool, only: str | None, store: str | None, folder: str | None, readme: str | None, profile: bool
) -> None:
    """Measure planning, syncing, delivering and starting, each beside a bare comparison in the same run.

    With full sizes this takes a while and some gigabytes of room in the folder.
    """
    with (
        tempfile.TemporaryDirectory(prefix="nolapse-bench-", dir=folder) as work,
        place_for(store, Path(work)) as place,
    ):
        suite = Bench(place, Path(work), QUICK if quick else FULL, lambda text: click.echo(text, err=True))
        try:
            if profile:
                text = profiles.run(suite, only)
            else:
                machine, before = describe(Path(work), place.name), load()
                table = markdown(list(suite.run(only)))
                busy = f"Load of the machine, other work included: {before} before the run, {load()} after it"
                text = f"{machine}  \n{busy}\n\n{table}"
        finally:
            suite.close()
    click.echo(text)
    file = Path(readme) if readme else None if quick or only or store else README
    if file is not None:
        put_between(file, "profiles" if profile else "figures", text)


if __name__ == "__main__":
    bench()
