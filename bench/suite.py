"""The benchmarks, one after the other, and what they are to reach."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import delivering, planning, syncing, wording
from bench.ledger import Size, make_ledger
from bench.measure import Pair, Taken, here, in_child, in_turns
from bench.places import Place
from bench.report import COLUMNS, write_report
from bench.starting import start_in_turns
from bench.table import Row

PLAN_RATIO, PLAN_SIZE_RATIO = 10.0, 1.5
SYNC_RATIO = 4.0
PEAK_MB = 300.0
MAILS_A_SECOND, DELIVER_RATIO, WORD_RATIO = 250.0, 0.6, 0.6
START_RATIO = 3.5
LIMIT_SHARE = 0.9
CONFIRM_RATIO, CONFIRM_P99_RATIO = 0.5, 5.0


@dataclass(frozen=True, slots=True)
class Figures:
    """How large everything is. `few_orders` is the smaller ledger, with as many due as the larger one.

    `listed` orders stand at the CA, of which `listed_window` end soon. `apart` says that each piece of work has a process
    of its own, without which its memory says little.
    """

    orders: int
    few_orders: int
    due: int
    rows: int
    mails_due: int
    repeats: int
    starts: int
    listed: int
    listed_window: int
    confirmations: int
    apart: bool = True


FULL = Figures(
    orders=1_000_000,
    few_orders=100_000,
    due=20_000,
    rows=1_000_000,
    mails_due=6_000,
    repeats=3,
    starts=15,
    listed=100_000,
    listed_window=3_000,
    confirmations=3_000,
)
QUICK = Figures(
    orders=1_000,
    few_orders=500,
    due=100,
    rows=1_000,
    mails_due=60,
    repeats=1,
    starts=2,
    listed=1_000,
    listed_window=30,
    confirmations=40,
    apart=False,
)

Say = Callable[[str], None]


@dataclass(slots=True)
class Bench:
    """The suite: where it works, how large everything is, and whom it tells what it is about."""

    place: Place
    folder: Path
    figures: Figures
    say: Say
    made: dict[Size, str] = field(default_factory=dict)
    copies: list[str] = field(default_factory=list)

    def run(self, only: str | None) -> Iterator[Row]:
        """The rows of the benchmarks, or of the one that is named."""
        wanted = BENCHMARKS if only is None else {only: (BENCHMARKS | APART)[only]}
        for name, rows in wanted.items():
            self.say(name)
            yield from rows(self)

    def measure(self, work: Callable[..., Taken], *arguments: Any) -> Taken:
        """What the work takes."""
        return (in_child if self.figures.apart else here)(work, *arguments)

    def ledger(self, size: Size) -> str:
        """The URL of a made-up ledger, which is made once and only to be copied."""
        if size not in self.made:
            self.say(f"  making a ledger of {size.orders:,} orders, {size.due:,} due")
            self.made[size] = self.place.create(f"ledger{len(self.made)}")
            self.measure(_make_ledger, self.made[size], size)
        return self.made[size]

    @contextmanager
    def copy(self, url: str) -> Iterator[str]:
        """A copy of a database for the time of the block."""
        copied = self.place.copy(url, f"copy{len(self.copies)}")
        self.copies.append(copied)
        try:
            yield copied
        finally:
            self.place.drop(copied)

    def on_copy(self, url: str, work: Callable[..., Taken], *arguments: str) -> Taken:
        """What the work takes on a fresh copy of a database."""
        with self.copy(url) as copied:
            return self.measure(work, copied, *arguments)

    def close(self) -> None:
        """Drops the ledgers."""
        for url in self.made.values():
            self.place.drop(url)

    def turns(self, ours: Callable[[], Taken], bare: Callable[[], Taken]) -> Pair:
        """Both in turns, as often as the figures say."""
        return in_turns(self.figures.repeats, ours, bare)


def _make_ledger(url: str, size: Size) -> Taken:
    make_ledger(url, size)
    return Taken(done=size.orders)


def _plan(bench: Bench) -> Iterator[Row]:
    figures = bench.figures
    many, few = (_plan_one(bench, orders) for orders in (figures.orders, figures.few_orders))
    due, notes = many.best.done, many.best.notes
    yield Row(
        f"plan a day: {due:,} due among {figures.orders:,} orders ({notes['touches']:,.0f} touches)",
        _seconds(many.best),
        f"read and executemany: {_seconds(many.best_bare)}",
        _ratio(many),
        f"at most {PLAN_RATIO:g}",
        many.ratio <= PLAN_RATIO,
    )
    growth = many.best.wall / few.best.wall
    yield Row(
        f"the same {few.best.done:,} due among {figures.few_orders:,} orders",
        _seconds(few.best),
        f"among {figures.orders:,}: {_seconds(many.best)}",
        f"{growth:.2f} (cpu {many.best.cpu / few.best.cpu:.2f})",
        f"at most {PLAN_SIZE_RATIO:g}",
        growth <= PLAN_SIZE_RATIO,
    )
    yield _peak("memory while planning", many)


def _plan_one(bench: Bench, orders: int) -> Pair:
    url = bench.ledger(Size(orders, bench.figures.due))
    bench.say("  planning")
    with bench.copy(url) as planned:
        bench.measure(planning.plan_once, planned)
        pair = bench.turns(
            partial(bench.on_copy, url, planning.plan_once),
            partial(bench.on_copy, url, planning.copy_once, planned),
        )
    for taken in (*pair.ours, *pair.bare):
        _expect(taken.done == bench.figures.due, f"{taken.done} cycles were due")
    _expect(not any(taken.notes["left"] for taken in pair.ours), "cycles were left unplanned")
    return pair


def _sync(bench: Bench) -> Iterator[Row]:
    rows, report = bench.figures.rows, bench.folder / "report.csv"
    bench.say(f"  writing a report of {rows:,} rows")
    write_report(report, rows)
    with bench.copy(bench.ledger(Size(rows, bench.figures.due))) as url:
        bench.measure(syncing.know_already, url, str(report))
        bench.say("  syncing")
        pair = bench.turns(
            partial(bench.measure, syncing.sync_once, url, str(report)),
            partial(bench.measure, syncing.read_once, str(report)),
        )
    size = report.stat().st_size
    report.unlink()
    for taken in pair.ours:
        _expect(taken.notes["unchanged"] == taken.done == rows, "not every row was found unchanged")
    yield Row(
        f"sync in which nothing changed: {rows:,} rows of {len(COLUMNS)} columns, {size / 1e6:,.0f} MB",
        _seconds(pair.best),
        f"csv.DictReader: {_seconds(pair.best_bare)}",
        _ratio(pair),
        f"at most {SYNC_RATIO:g}",
        pair.ratio <= SYNC_RATIO,
    )
    yield _peak("memory while syncing", pair)


def _deliver(bench: Bench) -> Iterator[Row]:
    folder, due = str(bench.folder), bench.figures.mails_due
    with bench.copy(bench.ledger(Size(due * 4, due, mails_only=True))) as url:
        waiting = bench.measure(delivering.plan_mails, url).done
        bench.say(f"  delivering {waiting:,} mails")
        pair = bench.turns(
            partial(bench.on_copy, url, delivering.deliver_once, folder),
            partial(bench.on_copy, url, delivering.build_once, folder),
        )
    for taken in (*pair.ours, *pair.bare):
        _expect(taken.done == waiting, f"{taken.done} of {waiting} mails went")
    best, bare = pair.best, pair.best_bare
    rate = best.done / best.wall
    yield Row(
        f"deliver {waiting:,} mails to the embedded connector, MIME, fsync and history counted",
        f"{rate:,.0f} a second ({_seconds(best)})",
        goal=f"at least {MAILS_A_SECOND:g} a second",
        met=rate >= MAILS_A_SECOND,
    )
    yield Row(
        "the same beside rendering and building alone",
        f"{rate:,.0f} a second",
        f"Jinja2 and email.message: {bare.done / bare.wall:,.0f} a second ({_seconds(bare)})",
        f"{1 / pair.ratio:.2f} (cpu {1 / pair.cpu_ratio:.2f})",
        f"at least {DELIVER_RATIO:g}",
        1 / pair.ratio >= DELIVER_RATIO,
    )
    own = min(one.notes["own"] for one in pair.bare)
    yield Row(
        "the same beside Jinja2 and our own builder of messages",
        f"{rate:,.0f} a second",
        f"{bare.done / own:,.0f} a second",
        f"{own / best.wall:.2f}",
    )


def _word(bench: Bench) -> Iterator[Row]:
    mails = bench.figures.mails_due
    pair = bench.turns(
        partial(bench.measure, wording.word_once, mails), partial(bench.measure, wording.render_once, mails)
    )
    best, bare = pair.best, pair.best_bare
    yield Row(
        f"word {mails:,} mails in six languages: both parts, the calendar entry, MIME",
        f"{best.done / best.wall:,.0f} a second",
        f"Jinja2 and email.message: {bare.done / bare.wall:,.0f} a second",
        f"{1 / pair.ratio:.2f} (cpu {1 / pair.cpu_ratio:.2f})",
        f"at least {WORD_RATIO:g}",
        1 / pair.ratio >= WORD_RATIO,
    )


def _start(bench: Bench) -> Iterator[Row]:
    pair = start_in_turns(bench.figures.starts)
    yield Row(
        "nolapse --help",
        _milliseconds(pair.best),
        f"python -c 'import click': {_milliseconds(pair.best_bare)}",
        _ratio(pair),
        f"at most {START_RATIO:g}",
        pair.ratio <= START_RATIO,
    )


def _certcentral(bench: Bench) -> Iterator[Row]:
    from bench import certcentral

    orders = bench.figures.listed
    url = bench.place.create("certcentral")
    try:
        taken = bench.measure(certcentral.first_sync, url, orders, bench.figures.listed_window)
    finally:
        bench.place.drop(url)
    _expect(taken.done == orders, f"{taken.done} of {orders} orders were taken in")
    calls, refused = int(taken.notes["calls"]), int(taken.notes["refused"])
    least = certcentral.least_seconds(calls)
    share = least / taken.wall
    long_enough = calls > certcentral.LONG_ENOUGH_CALLS
    yield Row(
        f"first sync of {orders:,} orders from CertCentral's stand-in: {calls:,} calls, {refused} refused",
        _seconds(taken),
        f"the least that the limits permit: {least:.2f} s",
        f"{share:.2f}",
        f"at least {LIMIT_SHARE:g}, none refused" if long_enough else "",
        (share >= LIMIT_SHARE and not refused) if long_enough else None,
    )
    goal = f"under {PEAK_MB:g} MB"
    yield Row("memory while syncing from it", f"{taken.peak_mb:,.0f} MB", goal=goal, met=taken.peak_mb < PEAK_MB)


def _confirm(bench: Bench) -> Iterator[Row]:
    from bench import confirming

    number = bench.figures.confirmations

    def run(*, bare: bool) -> Taken:
        with TemporaryDirectory(dir=bench.folder) as folder:
            return confirming.confirmations(Path(folder), number, bare=bare)

    pair = bench.turns(partial(run, bare=False), partial(run, bare=True))
    rate, bare_rate = (number / one.wall for one in (pair.best, pair.best_bare))
    yield Row(
        f"{number:,} confirmations accepted over HTTP on SQLite",
        f"{rate:,.0f} a second",
        f"a Flask view with INSERT and COMMIT: {bare_rate:,.0f} a second",
        f"{rate / bare_rate:.2f}",
        f"at least {CONFIRM_RATIO:g}",
        rate / bare_rate >= CONFIRM_RATIO,
    )
    slow, bare_slow = (min(one.notes["p99"] for one in several) for several in (pair.ours, pair.bare))
    yield Row(
        "99 percent of them are answered within",
        f"{slow:.1f} ms",
        f"{bare_slow:.1f} ms",
        f"{slow / bare_slow:.2f}",
        f"at most {CONFIRM_P99_RATIO:g}",
        slow / bare_slow <= CONFIRM_P99_RATIO,
    )


BENCHMARKS: dict[str, Callable[[Bench], Iterator[Row]]] = {
    "plan": _plan,
    "sync": _sync,
    "deliver": _deliver,
    "word": _word,
    "start": _start,
}
APART: dict[str, Callable[[Bench], Iterator[Row]]] = {"certcentral": _certcentral, "confirm": _confirm}
"""Those that take long by their nature, or need servers beside them, and are only run by their names."""


def _peak(what: str, pair: Pair) -> Row:
    goal = f"under {PEAK_MB:g} MB"
    return Row(what, f"{pair.peak_mb:,.0f} MB", goal=goal, met=pair.peak_mb < PEAK_MB)


def _seconds(taken: Taken) -> str:
    return f"{taken.wall:.2f} s (cpu {taken.cpu:.2f})"


def _milliseconds(taken: Taken) -> str:
    return f"{taken.wall * 1000:.0f} ms (cpu {taken.cpu * 1000:.0f})"


def _ratio(pair: Pair) -> str:
    return f"{pair.ratio:.2f} (cpu {pair.cpu_ratio:.2f})"


def _expect(truth: bool, otherwise: str) -> None:
    """A figure counts only where the work was done in full."""
    if not truth:
        raise RuntimeError(f"the benchmark did not do what it measures: {otherwise}")
