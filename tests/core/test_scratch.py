"""A copy of the ledger to try things on, from both databases."""

import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, inspect, select, update

from core import consents, golive
from core.columns import metadata
from core.consent import Basis, Given
from core.consents import Entry
from core.errors import StoreError
from core.schema import accounts, deliveries, engine_locks, orders
from core.scratch import scratch
from core.store import Store, open_store
from core.words import Channel, DeliveryState
from tests.builders import House, facts, person
from tests.core.conftest import MakeHouse, on_sqlite

DAY = date(2026, 11, 18)


@pytest.fixture
def lived_in(make_house: MakeHouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    """An installation that has run for some days; temporary files lie where a test can see them."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    people = (person("ann@acme.example", name="Ann Ångström"),)
    house = make_house(
        [facts(str(number), ends_on=DAY + timedelta(days=6 * number), people=people) for number in (1, 2)]
    )
    house.may_sell_to("ann@acme.example")
    house.play(DAY, DAY + timedelta(days=2))
    return house


def everything(store: Store) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table that is there."""
    with store.read() as connection:
        there = set(inspect(connection).get_table_names())
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in metadata.sorted_tables
            if table.name in there
        }


def test_the_copy_holds_every_row_and_the_ledger_keeps_its_own(lived_in: House, tmp_path: Path) -> None:
    before = everything(lived_in.store)
    assert before["touches"]
    assert before["consents"]
    with scratch(lived_in.store) as copy:
        assert copy.is_sqlite
        assert everything(copy) == before
        with copy.begin() as connection:
            connection.execute(update(accounts).values(name="Nobody"))
            golive.observe(connection)
            entry = Entry("new@acme.example", Channel.MAIL, Given(Basis.CUSTOMER, DAY, "a test", "a file"))
            consents.note(connection, [entry], datetime.now(UTC))
            assert connection.execute(select(accounts.c.name)).scalar() == "Nobody"
        assert list(tmp_path.glob("nolapse-*"))
        assert everything(lived_in.store) == before
    assert not list(tmp_path.glob("nolapse-*"))
    assert everything(lived_in.store) == before


def test_rows_that_come_new_in_the_copy_take_no_number_that_is_taken(lived_in: House) -> None:
    with scratch(lived_in.store) as copy, copy.begin() as connection:
        highest = connection.execute(select(func.max(accounts.c.id))).scalar_one()
        (new,) = connection.execute(accounts.insert().values(account_key="new")).inserted_primary_key or (None,)
        assert new == highest + 1


def test_what_others_work_on_waits_in_the_copy_and_keeps_nobody_out(lived_in: House) -> None:
    with lived_in.store.begin() as connection:
        held = {"token": "theirs", "holder": "them:1", "lease_until": datetime.now(UTC) + timedelta(hours=1)}
        connection.execute(update(engine_locks).where(engine_locks.c.step == "plan").values(held))
        ids = connection.execute(select(deliveries.c.id).limit(1)).scalars().all()
        mine = update(deliveries).where(deliveries.c.id.in_(ids))
        connection.execute(mine.values(state=DeliveryState.CLAIMED, token="theirs"))
    with scratch(lived_in.store) as copy:
        with copy.read() as connection:
            assert not connection.execute(select(engine_locks.c.step).where(engine_locks.c.token.is_not(None))).all()
            states = connection.execute(select(deliveries.c.state).where(deliveries.c.id.in_(ids))).scalars().all()
        assert states == [DeliveryState.PLANNED]
        lived_in.write(update(orders).values(status_text="told meanwhile"))
        with copy.read() as connection:
            assert "told meanwhile" not in connection.execute(select(orders.c.status_text)).scalars().all()
    with lived_in.store.read() as connection:
        assert (
            connection.execute(select(engine_locks.c.holder).where(engine_locks.c.token == "theirs")).scalar()
            == "them:1"
        )


@on_sqlite
def test_a_copy_of_the_copy_is_one_too(lived_in: House) -> None:
    with scratch(lived_in.store) as copy, scratch(copy) as second:
        assert everything(second) == everything(copy)


@on_sqlite
def test_nothing_stays_where_the_work_breaks_off(lived_in: House, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), scratch(lived_in.store):
        raise KeyboardInterrupt
    assert not list(tmp_path.glob("nolapse-*"))


@on_sqlite
def test_what_cannot_be_copied_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lived_in: House
) -> None:
    empty = open_store(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(StoreError, match="run `nolapse migrate`"), scratch(empty):
        raise AssertionError("there was nothing to copy")
    empty.close()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(StoreError, match="no copy of the ledger can be made"), scratch(lived_in.store):
        raise AssertionError("there was no room for it")
