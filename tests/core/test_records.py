"""The order records that reps see: when they are queued, what is in them."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from core.model import OrderFacts
from core.records import build, queue, remember
from core.schema import deliveries, orders
from core.timing import WholeDay
from core.words import DeliveryKind, DeliveryState, OrderStatus, Stage
from tests.builders import House, account, facts

DAY = date(2026, 3, 2)
NEXT = DAY + timedelta(days=1)
END = date(2026, 9, 30)


def take(house: House, *rows: OrderFacts, day: date = DAY) -> None:
    house.source.rows = rows
    house.sync(day)


def queued(house: House) -> list[Any]:
    return house.rows(deliveries, deliveries.c.kind == DeliveryKind.RECORD)


def ask(house: House, day: date = DAY) -> None:
    with house.store.begin() as connection:
        queue(connection, [row.id for row in house.rows(orders)], WholeDay(day))


class TestQueue:
    def test_an_order_whose_renewal_is_open_gets_one(self, house: House) -> None:
        take(house, facts("1", ends_on=END), facts("2", ends_on=DAY - timedelta(days=60)))
        [row] = queued(house)
        order = house.rows(orders, orders.c.outside_id == "1")[0]
        assert (row.order_id, row.state, row.day) == (order.id, "planned", DAY)
        assert row.key == f"record:order-{order.id}:renewal:2026-03-02:1"
        assert row.send_after < WholeDay(DAY).opening

    def test_one_that_waits_is_enough(self, house: House) -> None:
        take(house, facts(ends_on=END))
        ask(house)
        ask(house, NEXT)
        assert len(queued(house)) == 1

    def test_one_that_is_on_its_way_is_not(self, house: House) -> None:
        take(house, facts(ends_on=END))
        house.write(update(deliveries).values(state=DeliveryState.CLAIMED))
        ask(house)
        assert [row.key.rpartition(":")[2] for row in queued(house)] == ["1", "2"]

    def test_each_day_counts_from_one(self, house: House) -> None:
        take(house, facts(ends_on=END))
        for day in (DAY, DAY, NEXT):
            house.write(update(deliveries).values(state=DeliveryState.DELIVERED))
            ask(house, day)
        assert [row.key.split(":", 3)[3] for row in queued(house)] == [
            "2026-03-02:1",
            "2026-03-02:2",
            "2026-03-02:3",
            "2026-03-03:1",
        ]

    def test_what_the_crm_has_once_is_kept_up_to_date(self, house: House) -> None:
        take(house, facts(ends_on=END))
        house.deliver(DAY)
        take(house, facts(ends_on=END, status=OrderStatus.CANCELLED), day=NEXT)
        house.settle(NEXT)
        house.deliver(NEXT)
        assert house.crm.records["digicert:1"].status == "cancelled"

    def test_no_orders_no_records(self, house: House) -> None:
        with house.store.begin() as connection:
            queue(connection, [], WholeDay(DAY))
        assert queued(house) == []


class TestBuild:
    def test_it_holds_the_order_as_it_is_now(self, house: House) -> None:
        order = facts(
            ends_on=END,
            account=account(owner_key="eve"),
            certificate_expires_on=END - timedelta(days=60),
            order_expires_inferred=True,
            auto_renew=True,
        )
        take(house, order)
        house.deliver(DAY)
        record = house.crm.records["digicert:1"]
        assert (record.account_key, record.account_name, record.owner_key) == ("acme", "Acme", "eve")
        assert (record.common_name, record.product_name, record.status) == (
            "www1.example.com", "Standard SSL", "issued",
        )  # fmt: skip
        assert (record.starts_on, record.order_expires_on, record.certificate_expires_on) == (
            order.starts_on, END, END - timedelta(days=60),
        )  # fmt: skip
        assert (record.order_expires_inferred, record.auto_renew) == (True, True)
        assert (record.value_minor, record.currency, record.stage) == (50_000, "USD", Stage.UPCOMING)

    def test_the_stage_is_that_of_the_newest_renewal(self, house: House) -> None:
        take(house, facts(ends_on=END))
        extended = facts(ends_on=END + timedelta(days=365), starts_on=END - timedelta(days=365), certificate_id="c2")
        take(house, extended, day=NEXT)
        house.settle(NEXT)
        assert [row.stage for row in house.cycles()] == [Stage.RENEWED, Stage.UPCOMING]
        house.deliver(NEXT)
        assert house.crm.records["digicert:1"].stage == Stage.UPCOMING

    def test_it_knows_whether_the_crm_has_it_already(self, house: House) -> None:
        take(house, facts(ends_on=END))
        [row] = house.rows(orders)
        with house.store.begin() as connection:
            record, digest, known = build(connection, {row.id: "a"}, DAY)[row.id]
            assert not known
            remember(connection, [(row.id, digest)])
            again, same, known = build(connection, {row.id: "b"}, DAY)[row.id]
        assert known
        assert same == digest
        assert again == replace(record, key="b")

    @pytest.mark.parametrize("changed", [True, False])
    def test_what_the_crm_has_is_not_written_again(self, house: House, changed: bool) -> None:
        take(house, facts(ends_on=END))
        house.deliver(DAY)
        house.crm.records.clear()
        take(house, facts(ends_on=END, auto_renew=changed, status_text="seen again"), day=NEXT)
        house.deliver(NEXT)
        assert [row.state for row in queued(house)] == ["delivered", "delivered" if changed else "withdrawn"]
        assert len(house.crm.records) == changed

    def test_nothing_in_it_changes_from_day_to_day(self, house: House) -> None:
        take(house, facts(ends_on=END))
        for number in range(3):
            house.run(DAY + timedelta(days=number))
        assert len(queued(house)) == 1
