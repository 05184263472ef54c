"""Whose notices rest at the CA: those of orders to whose people we write, and only the switches that are ours."""

from datetime import date, timedelta

import pytest
from sqlalchemy import update

from core import notices
from core.schema import meta, orders
from tests.builders import House, facts

DAY = date(2026, 5, 4)


@pytest.fixture
def planned(house: House) -> House:
    """Two orders, of which one has mails planned."""
    house.source.rows = [
        facts("1", ends_on=DAY + timedelta(days=30)),
        facts("2", ends_on=DAY + timedelta(days=200), ca_notices_off=True),
    ]
    house.sync(DAY)
    house.settle(DAY)
    house.plan(DAY)
    return house


def followed(house: House, day: date = DAY, source: str = "memory") -> list[tuple[str, date, bool, bool]]:
    with house.store.read() as connection:
        return [(one.outside_id, one.ends_on, one.off, one.ours) for one in notices.followed(connection, source, day)]


def test_only_orders_with_mails_of_ours_are_followed(planned: House) -> None:
    assert followed(planned) == [("1", DAY + timedelta(days=30), False, False)]
    assert followed(planned, source="another") == []


def test_before_the_day_of_going_live_there_are_none(planned: House) -> None:
    planned.write(update(meta).where(meta.c.key == "live_from").values(value="2026-06-01"))
    assert followed(planned) == []


def test_a_closed_cycle_is_followed_no_more(planned: House) -> None:
    planned.hear("1", DAY)
    planned.settle(DAY)
    assert followed(planned) == []


def test_an_order_that_vanished_is_left_alone(planned: House) -> None:
    planned.write(update(orders).where(orders.c.outside_id == "1").values(vanished_on=DAY))
    assert followed(planned) == []


def test_ours_and_others_are_told_apart(planned: House) -> None:
    with planned.store.begin() as connection:
        (one,) = notices.followed(connection, "memory", DAY)
        notices.note(connection, one.id, off=True, ours=True)
        assert notices.switched_off_by_us(connection, "memory") == [(one.id, "1", True)]
        assert notices.switched_off_by_others(connection, "memory") == 1
        assert notices.switched_off_by_us(connection, "another") == []
        # Without us nobody would be warned of either.
        assert notices.without_us(connection) == notices.Warned(2, 1, 1)
        assert "of 2 nobody would: the CA's notices are switched off, by us: 1" in notices.without_us(connection).words


def test_a_sync_keeps_what_is_ours(planned: House) -> None:
    with planned.store.begin() as connection:
        (one,) = notices.followed(connection, "memory", DAY)
        notices.note(connection, one.id, off=True, ours=True)
    planned.source.rows = [
        facts("1", ends_on=DAY + timedelta(days=30), ca_notices_off=True, auto_renew=True),
        *planned.source.rows[1:],
    ]
    planned.sync(DAY)
    with planned.store.read() as connection:
        assert [outside_id for _, outside_id, _ in notices.switched_off_by_us(connection, "memory")] == ["1"]


def test_the_newest_record_counts(planned: House) -> None:
    with planned.store.read() as connection:
        (one,) = notices.followed(connection, "memory", DAY)
        assert notices.record_ids(connection, [one.id]) == {}
    planned.deliver(DAY)
    with planned.store.read() as connection:
        found = notices.record_ids(connection, [one.id])
    assert set(found) == {one.id}
    assert found[one.id]
