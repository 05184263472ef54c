"""The stand-in in a process of its own, with a large portfolio: `python -m tests.fakes.certcentral --orders 100000`.

It says its address in a line of JSON, and ends with its standard input.
"""

import json
import sys
from datetime import UTC, datetime

import click

from tests.fakes.certcentral.limits import RollingLimits
from tests.fakes.certcentral.portfolio import SeededPortfolio
from tests.fakes.certcentral.server import running_certcentral
from tests.fakes.certcentral.world import World


@click.command()
@click.option("--orders", default=1000, show_default=True, help="How many orders the account holds.")
@click.option("--in-window", default=0, help="How many of them end in the 90 days ahead or have in the 7 days before.")
@click.option("--lacking", default=0, help="How many of those name nobody in the report.")
@click.option("--scale", default=1.0, show_default=True, help="What the windows of the limits are shortened to.")
def main(orders: int, in_window: int, lacking: int, scale: float) -> None:
    """Serve until the standard input ends."""
    world = World(portfolio=SeededPortfolio(orders, datetime.now(UTC).date(), in_window, lacking))
    with running_certcentral(world, RollingLimits(scale=scale)) as server:
        sys.stdout.write(json.dumps({"base_url": server.base_url, "key": server.key, "counts": server.counts_url}))
        sys.stdout.write("\n")
        sys.stdout.flush()
        sys.stdin.read()


main()
