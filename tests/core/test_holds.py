"""An order or an account that is held is left alone until its day, and then planned as if first seen."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Table, select

from core.errors import UsageError
from core.explain import explain
from core.holds import hold, lift, listing, on_order
from core.reasons import Reason
from core.schema import accounts, deliveries, orders
from core.timing import WholeDay
from core.words import Outcome
from tests.builders import House, facts
from tests.core.conftest import house_on_sqlite

DAY = date(2026, 6, 10)
ONE = timedelta(days=1)


def ends_in(days: int, key: str) -> Any:
    return facts(key, ends_on=DAY + days * ONE)


def row_of(house: House, table: Table, **values: Any) -> Any:
    with house.store.read() as connection:
        return connection.execute(select(table).filter_by(**values)).one()


def held(house: House, target: Any, until: date, today: date = DAY) -> int:
    with house.store.begin() as connection:
        return hold(connection, target, until, "they asked", WholeDay(today))


@pytest.fixture
def planned(house: House) -> House:
    """Two orders of one person, in one mail that waits."""
    house.source.rows = [ends_in(14, "1"), ends_in(14, "2")]
    house.sync(DAY)
    house.plan(DAY)
    return house


def test_the_others_go_without_it(planned: House) -> None:
    assert held(planned, row_of(planned, orders, outside_id="1"), DAY + 5 * ONE) == 2
    planned.deliver(DAY)
    assert [mail.order_keys for mail in planned.mailer.sent] == [("digicert:2",)]
    planned.work(DAY + ONE, DAY + 4 * ONE)
    assert len(planned.mailer.sent) == 1
    with planned.store.read() as connection:
        ahead = [one for one in explain(connection, "digicert:1", planned.policy, DAY) if one.day <= DAY + 4 * ONE]
        (known,) = on_order(connection, "digicert:1", DAY)
        assert on_order(connection, "digicert:2", DAY) == []
    assert {(one.outcome, one.reason) for one in ahead} == {(Outcome.WAITING, Reason.HELD)}
    assert {one.until for one in ahead} == {datetime(2026, 6, 15, tzinfo=UTC)}
    assert known.words == "digicert:1 is held until 2026-06-15 (they asked)"


@house_on_sqlite
def test_on_its_day_the_newest_step_that_is_due_goes(planned: House) -> None:
    held(planned, row_of(planned, orders, outside_id="1"), DAY + 3 * ONE)
    planned.deliver(DAY)
    planned.work(DAY + ONE, DAY + 5 * ONE)
    assert [("digicert:1" in mail.order_keys, mail.date.date()) for mail in planned.mailer.sent] == [
        (False, DAY),
        (True, DAY + 5 * ONE),  # the thirteenth is a Saturday
    ]
    assert planned.touches()["1", "before-14", "mail"] == ("done", "")


def test_a_whole_account_and_what_comes_to_it(planned: House) -> None:
    acme = row_of(planned, accounts, account_key="acme")
    assert held(planned, acme, DAY + 9 * ONE) == 4
    planned.source.rows = [*planned.source.rows, ends_in(7, "3")]
    planned.run(DAY)
    assert planned.mailer.sent == []
    assert {row.state for row in planned.rows(deliveries, deliveries.c.kind == "mail")} == {"withdrawn"}
    with planned.store.begin() as connection:
        (known,) = listing(connection, DAY)
        assert (known.account, known.order) == ("acme", "")
        assert lift(connection, acme, WholeDay(DAY + ONE))
        assert not lift(connection, acme, WholeDay(DAY + ONE))
    planned.run(DAY + ONE)
    assert [set(mail.order_keys) for mail in planned.mailer.sent] == [{"digicert:1", "digicert:2", "digicert:3"}]


@house_on_sqlite
def test_said_again_it_holds_until_the_new_day(planned: House) -> None:
    order = row_of(planned, orders, outside_id="1")
    held(planned, order, DAY + 5 * ONE)
    assert held(planned, order, DAY + 6 * ONE) == 0
    with planned.store.begin() as connection:
        assert [one.until for one in listing(connection, DAY)] == [DAY + 6 * ONE]
        assert listing(connection, DAY + 6 * ONE) == []
        with pytest.raises(UsageError, match="is not ahead"):
            hold(connection, order, DAY, "", WholeDay(DAY))
