"""What is let go after a time, and what must stay."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, update

from core.inbox import Event, receive
from core.retention import RetentionPolicy, purge
from core.schema import contacts, cycles, deliveries, inbox, orders, sync_runs, touches
from core.timing import WholeDay
from core.words import InboxState
from tests.builders import House, account, facts, make_live_ledger, person
from tests.conftest import Prepared

DAY = date(2026, 6, 1)
ACME = account(people=(person("chief@acme.example"),))
ROWS = [
    facts("1", ends_on=DAY + timedelta(days=30), account=ACME),
    facts("2", ends_on=DAY + timedelta(days=500), account=account("beta"), people=(person("bea@beta.example"),)),
]
NEVER = RetentionPolicy(0, 0, 0, 0, 0)


def let_go(house: House, day: date, policy: RetentionPolicy, events_days: int = 90) -> dict[str, int]:
    return purge(house.store, WholeDay(day), policy, events_days)


def play(url: str) -> None:
    """One order renewed, one running; a person of each, one of their account, one of an account without orders."""
    make_live_ledger(url)
    house = House(url)
    house.source.rows = ROWS
    house.source.known_accounts = [ACME, account("new", people=(person("new@new.example"),))]
    house.run(DAY)
    house.hear("1", DAY)
    house.run(DAY + timedelta(days=1))
    house.close()


@pytest.fixture
def house(prepared_store_url: Prepared) -> Iterator[House]:
    house = House(prepared_store_url("retention", play), ROWS)
    yield house
    house.close()


def emails(house: House) -> list[str]:
    return sorted(row.email for row in house.rows(contacts))


def test_what_was_decided_in_a_cycle_goes_so_long_after_it_closed(house: House) -> None:
    assert house.rows(touches)
    before = house.dump()
    keeps = RetentionPolicy(0, 100, 0, 0, 0)
    assert "touches" not in let_go(house, DAY + timedelta(days=101), keeps)
    assert house.rows(touches) == before["touches"]
    counts = let_go(house, DAY + timedelta(days=102), keeps)
    assert counts["touches"] == len(before["touches"])
    assert counts["deliveries"] > 0
    assert house.rows(touches) == []
    # The records of an order that has something running tell its id in the CRM.
    running = house.rows(orders, orders.c.outside_id == "2")[0].id
    assert {row.kind for row in house.rows(deliveries)} == {"record"}
    assert running in {row.order_id for row in house.rows(deliveries)}
    assert house.rows(cycles) == before["cycles"]
    assert let_go(house, DAY + timedelta(days=102), keeps) == {}


def test_nothing_is_decided_anew_afterwards(house: House) -> None:
    let_go(house, DAY + timedelta(days=102), RetentionPolicy(0, 100, 0, 0, 0))
    sent = len(house.mailer.sent)
    run = house.run(DAY + timedelta(days=103))
    assert (run.plan.touches, run.sync.changed, len(house.mailer.sent)) == (0, 0, sent)


def test_people_go_so_long_after_the_last_order_of_theirs_or_of_their_account(house: House) -> None:
    keeps = RetentionPolicy(0, 0, 100, 0, 0)
    assert let_go(house, DAY + timedelta(days=130), keeps) == {}
    # Somebody whom no order names any more stands with the account.
    house.write(insert(contacts).values(account_id=house.rows(orders, orders.c.outside_id == "2")[0].account_id,
                                        email="was@beta.example"))  # fmt: skip
    assert let_go(house, DAY + timedelta(days=131), keeps) == {"contacts": 2}
    assert emails(house) == ["bea@beta.example", "new@new.example", "was@beta.example"]
    assert {row.contact_id for row in house.rows(touches)} == {None}


def test_raw_events_but_for_those_still_to_apply(house: House) -> None:
    at = datetime(2026, 6, 1, 9, tzinfo=UTC)
    with house.store.begin() as connection:
        for key in ("old", "waits"):
            receive(connection, Event("door", key, b"{}", at))
    house.write(update(inbox).where(inbox.c.event_key == "old").values(state=InboxState.APPLIED))
    assert let_go(house, DAY + timedelta(days=92), NEVER, events_days=90) == {"inbox": 1}
    assert [row.event_key for row in house.rows(inbox)] == ["waits"]


def test_the_passes_that_the_next_sync_needs_stay(house: House) -> None:
    old = datetime(2026, 1, 1, tzinfo=UTC)
    house.write(update(sync_runs).values(started_at=old))
    house.write(insert(sync_runs).values(source="memory", started_at=old))
    runs = [row.id for row in house.rows(sync_runs)]
    assert let_go(house, DAY, RetentionPolicy(0, 0, 0, 30, 0)) == {"sync_runs": 1}
    assert [row.id for row in house.rows(sync_runs)] == runs[1:]


def test_less_than_no_day_cannot_be_meant() -> None:
    with pytest.raises(ValueError, match="people_days must not be negative"):
        RetentionPolicy(people_days=-1)
