"""A year of a whole portfolio, day by day: `python -m bench.year` plays it, counts, and tells which promise was broken.

The portfolio comes in through its order report, everybody goes live on the first day, and then customers and reps keep
to their habits. Mails and calls are sealed and written down as ever; they are not worded, and reach nobody.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

import click
from sqlalchemy import event, func, select
from sqlalchemy.engine import Connection

from bench import promises
from bench.crm_orders import no_sync
from bench.house import House
from bench.machine import describe, load
from bench.portfolio import DAY, PortfolioSize, write_portfolio
from config.settings import load as load_settings
from core import consents, golive, migrations
from core.consent import Basis, Given
from core.habits import Conduct, Habits, Limits
from core.model import Reject
from core.process import collect_less
from core.schema import cycles
from core.simulation import DayPlayed, Simulation
from core.suppressions import suppress
from core.sync import sync
from core.timing import WholeDay
from core.words import Channel, Clock, DeliveryKind, Nature

DAYS = 365
HABITS = Habits(
    conduct={
        Conduct.RENEWS: 0.62,
        Conduct.IS_VALIDATED: 0.08,
        Conduct.REPLACES: 0.06,
        Conduct.RENEWS_LATE: 0.06,
        Conduct.LEAVES: 0.06,
        Conduct.CANCELS: 0.02,
        Conduct.REVOKES: 0.01,
    },
    renew_ahead=30,
    reissue_ahead=20,
)
"""Most act on the first or the second mail."""


@dataclass(slots=True)
class Year:
    """What was counted, what has become of the renewals, which promises were broken, and how long it took (seconds)."""

    days: int
    sent: Counter[DeliveryKind] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    played: float = 0.0
    checked: float = 0.0

    @property
    def last(self) -> date:
        """The last day that was played."""
        return DAY + timedelta(days=self.days - 1)


@contextmanager
def live_portfolio(folder: Path, size: PortfolioSize) -> Iterator[House]:
    """A made portfolio, taken in through its order report, on the morning on which everybody goes live."""
    files = write_portfolio(folder, size, load_settings(None, environment={}).validity)
    with House(f"sqlite:///{folder / 'nolapse.db'}", reading=files.settings) as house:
        event.listen(house.store.engine, "connect", no_sync)
        migrations.migrate(house.store)
        timer = WholeDay(DAY)
        sync(house.store, house.app.sources, None, timer, house.policy, rejects=_refuse)
        with house.store.begin() as connection:
            for address in files.refusing:
                suppress(connection, address, Channel.MAIL, Nature.SERVICE, "unsubscribe", "from before", timer.opening)
            given = Given(Basis.DOUBLE_OPT_IN, DAY - timedelta(days=100), "web form", "the log of the form")
            said = [consents.Entry(address, Channel.MAIL, given) for address in files.consenting]
            consents.note(connection, said, timer.opening)
            golive.go_live(connection, DAY)
        yield house


def _refuse(source: str, header: Sequence[str], rejects: Iterable[Reject]) -> None:
    raise ValueError(f"{source}: a made-up row could not be used: {next(iter(rejects)).reason}")


def play(house: House, days: int, say: Callable[[str], None]) -> Year:
    """Plays so many days from the first on, and holds the ledger to its promises."""
    year = Year(days)
    kinds, crm = house.app.simulated_kinds(HABITS)
    simulation = Simulation(house.store, kinds, crm, house.policy, HABITS, Limits(house.policy.validity))
    began = time.monotonic()

    def evening(connection: Connection, day: DayPlayed) -> None:
        year.sent.update({kind: counts.delivered for kind, counts in day.deliver.kinds.items()})
        year.broken += day.deliver.problems
        if day.day == DAY:
            year.broken += promises.morning(connection, DAY, house.policy)
        if (day.day - DAY).days % 7 == 0:
            say(f"{day.day}  {time.monotonic() - began:6.1f} s  {_words(year.sent)}")

    simulation.play(DAY, days, evening=evening)
    year.played = time.monotonic() - began
    _check(house, year)
    year.checked = time.monotonic() - began - year.played
    return year


def _check(house: House, year: Year) -> None:
    # What ends later may still be renewed late, or is about to lapse.
    over = year.last - timedelta(days=house.policy.rules.lapse_after_days + 7)
    with house.store.read() as connection:
        for found in (
            promises.ended_before(connection, DAY),
            promises.caps(connection, house.policy),
            promises.decided(connection, DAY, over),
            promises.stopped(connection),
            promises.explained(connection, house.policy, year.last),
        ):
            year.broken += found
        ended = (cycles.c.clock == Clock.RENEWAL) & cycles.c.ends_on.between(DAY, over)
        query = select(cycles.c.outcome, func.count()).where(ended).group_by(cycles.c.outcome)
        year.outcomes = Counter({outcome or "open": count for outcome, count in connection.execute(query)})


def _words(sent: Counter[DeliveryKind]) -> str:
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(sent.items()) if count)


@click.command()
@click.option("--orders", type=click.IntRange(min=10), default=PortfolioSize().orders, show_default=True)
@click.option("--accounts", type=click.IntRange(min=2), default=PortfolioSize().accounts, show_default=True)
@click.option("--days", type=click.IntRange(min=1), default=DAYS, show_default=True)
@click.option(
    "--folder", type=click.Path(exists=True, file_okay=False), help="Where to work. [default: a temporary one]"
)
def main(orders: int, accounts: int, days: int, folder: str | None) -> None:
    """Play a year of a made-up portfolio, and end with 1 where a promise is broken."""
    collect_less()
    with tempfile.TemporaryDirectory(prefix="nolapse-year-", dir=folder) as work:
        click.echo(f"{describe(Path(work), 'SQLite')}\nload before: {load()}")
        began = time.monotonic()
        with live_portfolio(Path(work), PortfolioSize(orders, accounts)) as house:
            click.echo(f"the portfolio is made and taken in: {time.monotonic() - began:.0f} s")
            year = play(house, days, click.echo)
    click.echo(f"{orders:,} orders of {accounts:,} accounts, {year.days} days: {_words(year.sent)}")
    click.echo(f"renewals that ended: {', '.join(f'{count:,} {name}' for name, count in year.outcomes.most_common())}")
    click.echo(f"the days took {year.played:.0f} s, the checks {year.checked:.0f} s; load after: {load()}")
    for line in year.broken[:50]:
        click.echo(f"BROKEN {line}")
    if year.broken:
        click.echo(f"{len(year.broken)} promises are broken")
    sys.exit(1 if year.broken else 0)


if __name__ == "__main__":
    main()
