"""How many calls Salesforce gets: counted at the stand-in, through the whole engine, beside the least that could do.

`python -m bench.salesforce_calls` plays the full sizes and prints a table; the tests play small ones. The least is, for
each phase, a call for 200 records, or from a number of records on one bulk job; its polls do not count.
"""

import math
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click
from pydantic import SecretStr, TypeAdapter

import connectors.salesforce
from bench.crm_orders import DAY, Count, Size, live_house, portfolio, to_be_called
from connectors.salesforce.blueprint import folders
from connectors.salesforce.connector import SalesforceCrm, open_crm
from connectors.salesforce.settings import SalesforceSettings
from tests.builders import House
from tests.fakes.salesforce import Came, Org, SalesforceServer, running_salesforce

PER_CALL = 200
PER_JOB = 5  # make it, upload, close, read what was done and what was not
PACKAGE = Path(connectors.salesforce.__file__).parent / "package"
RECORD, TASK = "Certificate_Order__c", "Task"
_WRITES = ("collections.create", "collections.update", "collections.upsert", "bulk.create", "bulk.upload", "bulk.state")
_ABOUT_THE_ORG = ("describe", "login.userinfo", "versions", "limits")


@dataclass
class Bench:
    """A house whose CRM is the stand-in, with our package in it, live."""

    house: House
    server: SalesforceServer
    settings: Mapping[str, Any]

    @property
    def bulk_from(self) -> int:
        return int(self.settings.get("bulk_from", SalesforceSettings().bulk_from))

    def open(self) -> SalesforceCrm:
        """The connector as a new process opens it; it is the house's CRM from now on."""
        usual: dict[str, Any] = {
            "auth": "session",
            "domain": "acme.my",
            "session_id": SecretStr(self.server.session_id),
            "base_url": self.server.base_url,
            "create": "always",
            "daily_reserve_percent": 0,
        }
        settings = TypeAdapter(SalesforceSettings).validate_python(usual | dict(self.settings))
        for folder in folders(settings):
            self.server.org.deploy(PACKAGE / folder)
        crm = open_crm(settings, self.house.store.engine)
        crm._target.client.caller.sleep = lambda _: None
        self.house.crm = crm  # type: ignore[assignment]
        return crm

    def least(self, number: int) -> int:
        """How many calls so many writes need at least."""
        return PER_JOB if number >= self.bulk_from else calls_for(number)

    def count(self, phase: str, least: Mapping[str, int], do: Callable[[], object]) -> Count:
        """Counts the calls of what is done."""
        began = time.monotonic()
        with self.server.phase(phase):
            do()
        everything = Counter(map(self._name, self.server.came(phase=phase)))
        aside = {name: count for name, count in everything.items() if name.startswith((*_ABOUT_THE_ORG, "bulk.poll"))}
        came = {name: count for name, count in everything.items() if name not in aside}
        writes = sum(count for name, count in came.items() if name.split()[0] in _WRITES)
        return Count(came, least, writes, time.monotonic() - began, aside)

    def _name(self, call: Came) -> str:
        """A call by operation and object; that of a job is told by its id."""
        about = call.object_type
        if call.operation == "bulk.create":
            about = call.body["object"]
        elif call.operation.startswith("bulk."):
            about = next((job.sobject for id, job in self.server.org.jobs.items() if id in call.path), "")
        return f"{call.operation} {about}".strip()


def calls_for(number: int) -> int:
    """How many calls so many records need at least."""
    return math.ceil(number / PER_CALL)


@contextmanager
def installation(folder: Path, **settings: Any) -> Iterator[Bench]:
    """The bench, with a database in the folder."""
    with running_salesforce(Org(api_calls=10_000_000)) as server, live_house(folder) as house:
        server.org.add_user("eve@ours.example", "Eve", "Example")
        bench = Bench(house, server, settings)
        bench.open()
        yield bench


def first_sync(bench: Bench, size: Size) -> Count:
    """A first sync into an org that knows none of them."""
    bench.house.source.rows = portfolio(size)
    _take_in(bench, DAY)
    count = bench.count("first", {
        "accounts found by key and website": 2 * calls_for(size.accounts),
        "contacts found by key and address": 2 * calls_for(size.contacts),
        "records found": calls_for(size.orders),
        "accounts written": bench.least(size.accounts),
        "contacts written": bench.least(size.contacts),
        "records written": bench.least(size.orders),
    }, lambda: bench.house.deliver(DAY))  # fmt: skip
    org = bench.server.org
    assert len(org.rows(RECORD)) == size.orders
    assert len(org.rows("Account")) == size.accounts
    assert len(org.rows("Contact")) == size.contacts
    return count


def changed_sync(bench: Bench, size: Size, status: str = "reissue pending", days: int = 1) -> Count:
    """Every order has changed; their accounts and people are known."""
    bench.open()
    bench.house.source.rows = portfolio(size, status_text=status, common_name=f"{status.replace(' ', '-')}.example.com")
    day = DAY + timedelta(days=days)
    _take_in(bench, day)
    least = {"records read": calls_for(size.orders), "records written": bench.least(size.orders)}
    return bench.count(f"changed: {status}", least, lambda: bench.house.deliver(day))


def same_again(bench: Bench) -> Count:
    """The same by a new process; nothing has changed."""
    bench.open()
    day = DAY + timedelta(days=2)

    def all_of_it() -> None:
        _take_in(bench, day)
        bench.house.deliver(day)

    return bench.count("same", {}, all_of_it)


def calls(bench: Bench, number: int) -> Count:
    """One call task for each of so many accounts, whose records are there."""
    bench.house.source.rows = to_be_called(number)
    _take_in(bench, DAY)
    bench.house.deliver(DAY)
    bench.open()
    bench.house.plan(DAY)
    least = {"tasks written": bench.least(number)}
    count = bench.count("calls", least, lambda: bench.house.deliver(DAY + timedelta(days=1)))
    assert sum(one["Nolapse_Task_Key__c"] is not None for one in bench.server.org.rows(TASK)) == number
    tasks = {name: came for name, came in count.came.items() if name.endswith(f" {TASK}")}
    others = {name: came for name, came in count.came.items() if name not in tasks}
    return replace(count, came=tasks, asides=dict(count.asides) | others)


def lock_some(bench: Bench, sobject: str, percent: int = 5) -> None:
    """So many of the next writes of an object meet a lock once."""
    name = "Nolapse_Order_Key__c" if sobject == RECORD else "Nolapse_Task_Key__c"

    def picked(record: Mapping[str, Any]) -> bool:
        found = re.search(r"\d+", str(record.get(name) or ""))
        return found is not None and int(found[0]) % (100 // percent) == 0

    bench.server.org.lock_rows(picked)


def _take_in(bench: Bench, day: date) -> None:
    bench.house.sync(day)
    bench.house.settle(day)


@click.command()
@click.option("--scale", type=float, default=1.0, show_default=True, help="The part of the full sizes.")
def main(scale: float) -> None:
    """Count the calls of a first sync, a changed one, one in which nothing changed, and of call tasks."""
    full = Size()
    size = replace(full, **{name: max(1, int(getattr(full, name) * scale)) for name in Size.__slots__})
    with tempfile.TemporaryDirectory(prefix="nolapse-calls-") as folder, installation(Path(folder)) as bench:
        first_sync(bench, size).say(f"first sync of {size.orders:,} orders")
        changed_sync(bench, size).say(f"{size.orders:,} changed orders")
        same_again(bench).say("nothing changed")
        lock_some(bench, RECORD)
        changed_sync(bench, size, "pending", days=3).say("changed again, 5 % of the rows locked")
    with tempfile.TemporaryDirectory(prefix="nolapse-calls-") as folder, installation(Path(folder)) as bench:
        calls(bench, size.calls).say(f"{size.calls:,} call tasks on as many accounts")


if __name__ == "__main__":
    main()
