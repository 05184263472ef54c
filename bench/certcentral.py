"""A first sync from the stand-in of CertCentral under its true limits, beside the least time that these permit."""

from collections.abc import Iterable, Sequence

from pydantic import SecretStr

from bench.house import House
from bench.measure import Taken, stopwatch
from connectors.certcentral.connector import CertCentralSettings, open_source
from core import migrations
from core.model import Reject
from core.sync import sync
from core.timing import RealTime
from tests.fakes.certcentral.limits import TRUE_WINDOWS
from tests.fakes.certcentral.process import certcentral_process

LONG_ENOUGH_CALLS = TRUE_WINDOWS[0][0]  # fewer say nothing about the limits


def first_sync(url: str, orders: int, in_window: int) -> Taken:
    """Takes all orders in from a stand-in in a process of its own; the notes tell its calls and refusals (429)."""
    taken = Taken()
    with certcentral_process(orders, in_window, in_window // 3) as server, House(url) as house:
        migrations.migrate(house.store)
        settings = CertCentralSettings(key=SecretStr(server.key), base_url=server.base_url)
        source = open_source(settings, house.store.engine, house.app.settings.catalogue)
        with stopwatch(taken):
            counts = sync(house.store, [source], None, RealTime(), house.policy, rejects=_refuse)
        told = server.told()
    taken.done = counts.new
    taken.notes = {"calls": sum(told["calls"].values()), "refused": told["answers"].get("429", 0)}
    return taken


def least_seconds(calls: int, windows: Sequence[tuple[int, float]] = TRUE_WINDOWS) -> float:
    """When the last of so many calls may go at the earliest, counted from the first, under rolling windows."""
    moments: list[float] = []
    for number in range(calls):
        at = moments[-1] if moments else 0.0
        moments.append(max([at, *(moments[number - most] + seconds for most, seconds in windows if number >= most)]))
    return moments[-1] if moments else 0.0


def _refuse(source: str, header: Sequence[str], rejects: Iterable[Reject]) -> None:
    raise ValueError(f"{source}: a made-up order could not be used: {next(iter(rejects)).reason}")
