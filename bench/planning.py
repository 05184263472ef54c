"""Planning a day, beside a bare loop that reads the same rows and writes the same rows and decides nothing."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, bindparam, insert, select, update

from bench.house import House
from bench.ledger import DAY
from bench.measure import Taken, stopwatch
from core.batches import batched
from core.plan import LOOK_AHEAD, plan
from core.schema import accounts, contacts, cycles, deliveries, order_contacts, orders, task_orders, tasks, touches
from core.timing import WholeDay


def plan_once(url: str) -> Taken:
    """Plans the day by the engine. `done` counts the cycles that were due."""
    taken = Taken()
    with House(url) as house:
        policy = house.policy
        with house.store.read() as connection:
            taken.done = len(_due(connection))
        with stopwatch(taken):
            counts = plan(house.store, WholeDay(DAY), policy)
        with house.store.read() as connection:
            left = len(_due(connection))
    taken.notes = {"touches": counts.touches, "deliveries": counts.deliveries, "left": left}
    return taken


def copy_once(url: str, planned: str) -> Taken:
    """Reads what is due from `url` and writes there what the engine wrote into its copy `planned`.

    What is to be written lies ready in memory, batch by batch, before the clock starts.
    """
    taken = Taken()
    with House(planned) as house:
        size = house.policy.plan_batch
        with House(url) as before, before.store.read() as connection:
            ids = _due(connection)
        with house.store.read() as connection:
            script = _script(connection, list(batched(ids, size)))
    with House(url) as house, stopwatch(taken):
        with house.store.read() as connection:
            ids = _due(connection)
        for batch, writes in zip(batched(ids, size), script, strict=True):
            with house.store.begin() as connection:
                _read(connection, batch)
                for table, rows in writes.inserts:
                    connection.execute(insert(table), rows)
                by_id = update(cycles).where(cycles.c.id == bindparam("which"))
                connection.execute(by_id.values(next_on=bindparam("next_on")), writes.next_on)
        taken.done = len(ids)
    return taken


def _due(connection: Connection) -> list[int]:
    due = (cycles.c.next_on <= DAY + LOOK_AHEAD) & cycles.c.open & (cycles.c.closing == "")
    return list(connection.execute(select(cycles.c.id).where(due).order_by(cycles.c.id)).scalars())


def _read(connection: Connection, ids: Sequence[int]) -> None:
    """The rows of these cycles, their orders, accounts and people, each table with one statement."""
    order_ids = [row.order_id for row in connection.execute(select(cycles).where(cycles.c.id.in_(ids)))]
    account_ids = {row.account_id for row in connection.execute(select(orders).where(orders.c.id.in_(order_ids)))}
    named = connection.execute(select(order_contacts).where(order_contacts.c.order_id.in_(order_ids))).all()
    connection.execute(select(accounts).where(accounts.c.id.in_(account_ids))).all()
    people = {row.contact_id for row in named}
    connection.execute(select(contacts).where(contacts.c.id.in_(people))).all()


@dataclass(slots=True)
class _Writes:
    """What one batch is to write."""

    inserts: list[tuple[Table, list[dict[str, Any]]]] = field(default_factory=list)
    next_on: list[dict[str, Any]] = field(default_factory=list)


def _script(connection: Connection, batches: Sequence[Sequence[int]]) -> list[_Writes]:
    """The rows that planning added, each with the first batch that needs it."""
    batch_of = {id: number for number, ids in enumerate(batches) for id in ids}
    new_touches = _rows(connection, select(touches).where(touches.c.decided_at >= WholeDay(DAY).opening))
    of_task = _rows(connection, select(task_orders))
    of_delivery: dict[int, int] = {}
    task_batch: dict[int, int] = {}
    for row in of_task:
        task_batch.setdefault(row["task_id"], batch_of[row["cycle_id"]])
    for row in new_touches:
        if row["delivery_id"] is not None:
            number = batch_of[row["cycle_id"]]
            of_delivery[row["delivery_id"]] = min(number, of_delivery.get(row["delivery_id"], number))
    made: list[dict[Table, list[dict[str, Any]]]] = [defaultdict(list) for _ in batches]
    for row in _rows(connection, select(tasks)):
        made[task_batch[row["id"]]][tasks].append(row)
    for row in _rows(connection, select(deliveries)):
        made[of_delivery.get(row["id"], task_batch.get(row["task_id"], 0))][deliveries].append(row)
    for row in of_task:
        made[batch_of[row["cycle_id"]]][task_orders].append(row)
    for row in new_touches:
        made[batch_of[row["cycle_id"]]][touches].append(row)
    after: dict[int, Any] = {}
    for ids in batches:
        query = select(cycles.c.id, cycles.c.next_on).where(cycles.c.id.in_(ids))
        after |= {id: next_on for id, next_on in connection.execute(query)}
    return [
        _Writes(
            [
                (table, made[number][table])
                for table in (tasks, deliveries, task_orders, touches)
                if made[number][table]
            ],
            [{"which": id, "next_on": after[id]} for id in ids],
        )
        for number, ids in enumerate(batches)
    ]


def _rows(connection: Connection, query: Any) -> list[dict[str, Any]]:
    found: Iterable[Any] = connection.execute(query).mappings()
    return [dict(row) for row in found]
