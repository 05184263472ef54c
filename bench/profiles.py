"""Where the time goes in the three hottest paths: planning, a sync in which nothing changed, delivering."""

import cProfile
import pstats
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench import delivering, planning, syncing
from bench.ledger import Size
from bench.measure import Taken
from bench.report import write_report
from bench.suite import Bench

_SHOWN = 12
_ROOT = Path(__file__).parent.parent
# Enough that starting up does not count, few enough that it ends soon: profiling triples the time.
_LARGEST = 50_000


def run(bench: Bench, only: str | None) -> str:
    """A table for each path: the functions that took the most time themselves."""
    figures = bench.figures
    orders, due = min(figures.orders, _LARGEST), min(figures.due, _LARGEST // 10)
    parts = []
    if only in (None, "plan"):
        with bench.copy(bench.ledger(Size(orders, due))) as url:
            parts.append(_part(bench, f"plan: {due:,} due", planning.plan_once, url))
    if only in (None, "sync"):
        report = bench.folder / "report.csv"
        write_report(report, orders)
        with bench.copy(bench.ledger(Size(orders, due))) as url:
            bench.measure(syncing.know_already, url, str(report))
            parts.append(_part(bench, f"sync: {orders:,} rows unchanged", syncing.sync_once, url, str(report)))
    if only in (None, "deliver"):
        mails_due, folder = figures.mails_due, str(bench.folder)
        with bench.copy(bench.ledger(Size(mails_due * 4, mails_due, mails_only=True))) as url:
            mails = bench.measure(delivering.plan_mails, url).done
            parts.append(_part(bench, f"deliver: {mails:,} mails", delivering.deliver_once, url, folder))
    return "\n\n".join(parts)


def _part(bench: Bench, title: str, work: Callable[..., Taken], *arguments: str) -> str:
    bench.say(f"  profiling {title}")
    file = bench.folder / "profile"
    bench.measure(_profiled, str(file), work, arguments)
    stats = pstats.Stats(str(file))
    lines = [f"{title}\n", "| own s | with callees s | calls | function |", "| ---: | ---: | ---: | --- |"]
    found = stats.get_stats_profile().total_tt or 1.0
    rows = sorted(_functions(stats), key=lambda row: -row[0])[:_SHOWN]
    lines += [
        f"| {own:.2f} ({own / found:.0%}) | {whole:.2f} | {calls:,} | `{name}` |" for own, whole, calls, name in rows
    ]
    return "\n".join(lines)


def _functions(stats: pstats.Stats) -> Sequence[tuple[float, float, int, str]]:
    told: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = stats.stats  # type: ignore[attr-defined]
    return [(own, whole, calls, _name(*where)) for where, (_, calls, own, whole, _) in told.items()]


def _name(file: str, line: int, function: str) -> str:
    if file == "~":
        return function.strip("<>")
    path = Path(file)
    if path.is_relative_to(_ROOT) and "site-packages" not in path.parts:
        return f"{path.relative_to(_ROOT)}:{function}"
    return f"{'/'.join(path.parts[-2:])}:{function}"


def _profiled(file: str, work: Callable[..., Taken], arguments: Sequence[str]) -> Taken:
    profile = cProfile.Profile(time.process_time)  # what others do on the machine does not count
    taken = profile.runcall(work, *arguments)
    profile.dump_stats(file)
    return taken
