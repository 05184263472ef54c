"""How many calls it takes, counted through the whole engine; `bench/salesforce_calls.py` has the full sizes."""

from pathlib import Path

from bench.crm_orders import Size
from bench.salesforce_calls import (
    PER_CALL,
    RECORD,
    calls,
    changed_sync,
    first_sync,
    installation,
    lock_some,
    same_again,
)

SMALL = Size(orders=210, accounts=30, contacts=45)


def test_changed_orders_cost_the_least_and_nothing_changed_writes_nothing(tmp_path: Path) -> None:
    with installation(tmp_path) as bench:
        assert first_sync(bench, SMALL).ratio <= 1.2
        changed = changed_sync(bench, SMALL)
        assert changed.came[f"collections.upsert {RECORD}"] == bench.least(SMALL.orders) == 2
        assert changed.ratio <= 1.2
        assert same_again(bench).writes == 0
        lock_some(bench, RECORD, percent=5)
        locked = changed_sync(bench, SMALL, "pending", days=3)
        assert changed.writes < locked.writes <= 1.5 * changed.writes
        statuses = {row["Nolapse_Common_Name__c"] for row in bench.server.org.rows(RECORD)}
        assert statuses == {"pending.example.com"}
        collections = [call for call in bench.server.calls if call.operation.startswith("collections.upsert")]
        assert max(call.inputs for call in collections) <= PER_CALL


def test_many_changed_orders_are_one_bulk_job(tmp_path: Path) -> None:
    size = Size(orders=130, accounts=30, contacts=40)
    with installation(tmp_path, bulk_from=100) as bench:
        first_sync(bench, size)
        changed = changed_sync(bench, size)
        assert changed.came[f"bulk.create {RECORD}"] == 1
        assert changed.ratio <= 1.2
        lock_some(bench, RECORD, percent=5)
        locked = changed_sync(bench, size, "pending", days=3)
        # The few that were locked go in calls of 200 then.
        assert locked.came[f"collections.upsert {RECORD}"] == 1
        assert sum(locked.came.values()) <= 1.5 * sum(changed.came.values())


def test_call_tasks_cost_the_least(tmp_path: Path) -> None:
    with installation(tmp_path) as bench:
        # More than are claimed at once by default.
        assert calls(bench, 101).came == {"collections.create Task": 1}
