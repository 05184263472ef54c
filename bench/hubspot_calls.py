"""How many calls HubSpot gets: counted at the stand-in, through the whole engine, beside the least that could do.

`python -m bench.hubspot_calls` plays the full sizes and prints a table; the tests play small ones.
"""

import math
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr, TypeAdapter

from bench.crm_orders import DAY, Count, Size, live_house, portfolio, to_be_called
from connectors.hubspot.connector import HubSpotCrm, open_crm
from connectors.hubspot.settings import HubSpotSettings
from tests.builders import House
from tests.fakes.hubspot import HubSpotServer, World, running_hubspot

PER_CALL = 100


def calls_for(number: int) -> int:
    """How many calls so many inputs need at least."""
    return math.ceil(number / PER_CALL)


@contextmanager
def installation(folder: Path, **settings: Any) -> Iterator[tuple[House, HubSpotServer]]:
    """A house whose CRM is the stand-in, set up and live."""
    with running_hubspot(World(tier="enterprise")) as server, live_house(folder) as house:
        server.world.add_owner("eve@ours.example", "Eve", "Example")
        open_as_new(house, server, **settings).setup(False)
        server.forget_calls()
        yield house, server


def open_as_new(house: House, server: HubSpotServer, **settings: Any) -> HubSpotCrm:
    """The connector as a new process opens it; it is the house's CRM from now on."""
    usual: dict[str, Any] = {
        "token": SecretStr(server.token),
        "base_url": server.base_url,
        "create": "always",
        "calls_per_10_seconds": 1_000_000,
        "calls_per_day": 1_000_000,
        "daily_reserve_percent": 0,
        "searches_per_second": 100_000,
    }
    crm = open_crm(TypeAdapter(HubSpotSettings).validate_python(usual | settings), house.store.engine)
    house.crm = crm  # type: ignore[assignment]
    return crm


def first_sync(house: House, server: HubSpotServer, size: Size) -> Count:
    """A first sync into an account that knows none of them."""
    house.source.rows = portfolio(size)
    count = _counted(house, server, "first", {
        "companies found": calls_for(size.accounts),
        "contacts found": calls_for(size.contacts),
        "companies written": calls_for(size.accounts),
        "contacts written": calls_for(size.contacts),
        "records written": calls_for(size.orders),
        "contacts to companies": calls_for(size.contacts),
        "records to companies": calls_for(size.orders),
        "records to contacts": calls_for(size.orders),
    })  # fmt: skip
    assert len(server.world.records("tickets")) == size.orders
    assert len(server.world.records("companies")) == size.accounts
    assert len(server.world.records("contacts")) == size.contacts
    return count


def second_sync(house: House, server: HubSpotServer) -> Count:
    """The same again, by a new process; nothing has changed."""
    open_as_new(house, server)
    return _counted(house, server, "second", {}, days=1)


def calls(house: House, server: HubSpotServer, number: int) -> Count:
    """One call task for each of so many accounts, whose records are there."""
    house.source.rows = to_be_called(number)
    house.sync(DAY)
    house.settle(DAY)
    house.deliver(DAY)
    server.forget_calls()
    house.crm = open_as_new(house, server)  # type: ignore[assignment]
    began = time.monotonic()
    house.plan(DAY)
    with server.phase("calls"):
        house.deliver(DAY + timedelta(days=1))
    assert len(server.world.records("tasks")) == number
    came = Counter({name: count for name, count in server.counts("calls").items() if "tasks" in name})
    aside = Counter({name: count for name, count in server.counts("calls").items() if name not in came})
    least = {
        "tasks written": calls_for(number),
        "tasks to companies": calls_for(number),
        "tasks to contacts": calls_for(number),
        "tasks to records": calls_for(number),
    }
    about = {name: came.pop(name) for name in list(came) if name.startswith("properties")}
    return Count(came, least, len(server.writes("calls")), time.monotonic() - began, dict(aside) | about)


_ABOUT_THE_ACCOUNT = ("account", "owners", "pipelines", "properties", "schemas", "lists")


def _counted(house: House, server: HubSpotServer, phase: str, least: Mapping[str, int], days: int = 0) -> Count:
    day = DAY + timedelta(days=days)
    began = time.monotonic()
    with server.phase(phase):
        house.sync(day)
        house.settle(day)
        house.deliver(day)
    everything = server.counts(phase)
    # The look for what people changed is a sync's own business, whatever it writes.
    aside = {name: count for name, count in everything.items() if name.startswith(_ABOUT_THE_ACCOUNT) or name in _LOOKS}
    domains = sum(_is_domain_search(call.body) for call in server.came("objects.search", "companies", phase))
    came = Counter({name: count for name, count in everything.items() if name not in aside})
    came["objects.search companies"] = domains
    return Count(came, least, len(server.writes(phase)), time.monotonic() - began, aside)


_WATCHED = ("tickets", "tasks", "contacts", "companies", "deals", "calls", "meetings", "emails")
_LOOKS = {*(f"objects.search {kind}" for kind in _WATCHED), "associations.batch.read companies/deals"}


def _is_domain_search(body: Any) -> bool:
    return any(one["propertyName"] == "domain" for group in body["filterGroups"] for one in group["filters"])


@click.command()
@click.option("--scale", type=float, default=1.0, show_default=True, help="The part of the full sizes.")
def main(scale: float) -> None:
    """Count the calls of a first sync, a second one, and of call tasks."""
    full = Size()
    size = replace(full, **{name: max(1, int(getattr(full, name) * scale)) for name in Size.__slots__})
    with tempfile.TemporaryDirectory(prefix="nolapse-calls-") as folder, installation(Path(folder)) as (house, server):
        first_sync(house, server, size).say(f"first sync of {size.orders:,} orders")
        second_sync(house, server).say("second sync, nothing changed")
    with tempfile.TemporaryDirectory(prefix="nolapse-calls-") as folder, installation(Path(folder)) as (house, server):
        calls(house, server, size.calls).say(f"{size.calls:,} call tasks on as many accounts")


if __name__ == "__main__":
    main()
