"""How much of HubSpot's permitted rate is used: full batches against the stand-in, 150 ms away, 190 calls in 10 seconds.

`python -m bench.hubspot_rate` plays the full size and prints a line; the tests play a small one.
"""

import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import click
from pydantic import SecretStr

from connectors.hubspot.opening import open_client
from connectors.hubspot.settings import HubSpotSettings
from core.migrations import migrate
from core.store import open_store
from tests.fakes.hubspot import TRUE_LATENCY, Limits, World, running_hubspot

CALLS = 570  # half a minute's
PER_TEN_SECONDS = 190
PER_CALL = 100


@dataclass(frozen=True, slots=True)
class Rate:
    """Calls and refusals, and the seconds from the first call's start to the last one's end."""

    calls: int
    refused: int
    seconds: float
    latency: float
    per_ten_seconds: int

    @property
    def share(self) -> float:
        """The part of the permitted rate: so many calls may begin in the time, less that of the last answer."""
        return self.calls / ((self.seconds - self.latency) / 10 * self.per_ten_seconds)


def measure(url: str, calls: int, *, latency: float = TRUE_LATENCY, per_ten_seconds: int = PER_TEN_SECONDS) -> Rate:
    """Reads so many full batches through the limits in this database."""
    world = World(limits=Limits(per_ten_seconds=per_ten_seconds))
    ids = [world.add("companies", name="Example Ltd") for _ in range(PER_CALL)]
    store = open_store(url)
    try:
        migrate(store)
        with running_hubspot(world, latency=latency) as server:
            settings = HubSpotSettings(
                token=SecretStr(server.token),
                base_url=server.base_url,
                calls_per_10_seconds=per_ten_seconds,
                calls_per_day=world.gate.limits.per_day,
            )
            with closing(open_client(settings, store.engine)) as client:
                pages = [f"{number:09}" for number in range(calls * PER_CALL - len(ids))]
                begin = time.monotonic()
                found = client.batch_read("companies", [*ids, *pages], ["name"])
                seconds = time.monotonic() - begin
            assert len(found) == len(ids)
            return Rate(server.count(), world.gate.refused, seconds, latency, per_ten_seconds)
    finally:
        store.close()


@click.command()
@click.option("--calls", default=CALLS, show_default=True, help="How many calls of a hundred records.")
@click.option("--store", metavar="URL", help="A database that is empty. [default: SQLite]")
def bench(calls: int, store: str | None) -> None:
    """Measure the part of the permitted rate that is used, and whether HubSpot had to refuse a call."""
    with tempfile.TemporaryDirectory(prefix="nolapse-bench-") as folder:
        rate = measure(store or f"sqlite:///{Path(folder) / 'nolapse.db'}", calls)
    click.echo(
        f"{rate.calls} calls of {PER_CALL} in {rate.seconds:.1f} s, {rate.latency * 1000:.0f} ms away: "
        f"{rate.share:.1%} of the permitted {rate.per_ten_seconds} in 10 s (goal: at least 90 %), {rate.refused} refused"
    )


if __name__ == "__main__":
    bench()
