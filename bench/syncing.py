"""A sync in which nothing has changed, beside a bare pass of the standard library over the same file."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from sqlalchemy import bindparam, update

from bench.house import House
from bench.ledger import DAY
from bench.measure import Taken, stopwatch
from core import migrations
from core.batches import batched
from core.model import Reject, SourceRow
from core.schema import orders
from core.sync import sync
from core.timing import WholeDay

_CHUNK = 10_000


def first_sync(url: str, report: str) -> Taken:
    """Migrates the empty database and takes the whole report in."""
    with House(url) as house:
        migrations.migrate(house.store)
    return sync_once(url, report)


def know_already(url: str, report: str) -> Taken:
    """Makes a ledger believe that it has taken in this report of the same orders, which is far quicker than to do so."""
    taken = Taken()
    with House(url, report=Path(report)) as house:
        (source,) = house.app.sources
        by_key = update(orders).where(orders.c.order_key == bindparam("which")).values(digest=bindparam("said"))
        for rows in batched(source.orders(None), _CHUNK):
            said = [{"which": row.key, "said": row.digest} for row in rows if isinstance(row, SourceRow)]
            with house.store.begin() as connection:
                connection.execute(by_key, said)
            taken.done += len(said)
    return taken


def sync_once(url: str, report: str) -> Taken:
    """A sync by the engine. `done` counts the orders read, the notes what became of them."""
    taken = Taken()
    with House(url, report=Path(report)) as house:
        app, policy = house.app, house.policy
        sources, crm = app.sources, app.crm
        with stopwatch(taken):
            counts = sync(app.store, sources, crm, WholeDay(DAY), policy, rejects=_refuse)
    taken.done = counts.read
    taken.notes = {"new": counts.new, "changed": counts.changed, "unchanged": counts.unchanged}
    return taken


def read_once(report: str) -> Taken:
    """A bare pass: each row of the file as a dictionary, thrown away."""
    taken = Taken()
    with stopwatch(taken), open(report, encoding="utf-8", newline="") as file:
        for _ in csv.DictReader(file):
            taken.done += 1
    return taken


def _refuse(source: str, header: Sequence[str], rejects: Iterable[Reject]) -> None:
    raise ValueError(f"{source}: a made-up row could not be used: {next(iter(rejects)).reason}")
