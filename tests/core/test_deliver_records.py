from datetime import UTC, date, datetime, timedelta

from sqlalchemy import update

from core.errors import RetriableError
from core.schema import deliveries, orders
from core.suppressions import queue_optout
from core.timing import WholeDay
from core.words import Channel, DeliveryKind, Nature
from tests.builders import House, facts
from tests.core.conftest import MakeHouse

DAY = date(2026, 6, 10)
END = DAY + timedelta(days=40)


def synced(make_house: MakeHouse) -> House:
    house = make_house([facts(ends_on=END)])
    house.sync(DAY)
    return house


def records(house: House) -> list[tuple[str, str]]:
    return [(row.state, row.reason) for row in house.rows(deliveries, deliveries.c.kind == "record")]


def test_a_record_is_pushed_as_the_order_is_when_it_goes(make_house: MakeHouse) -> None:
    house = synced(make_house)
    house.write(update(orders).values(common_name="new.example.com"))
    assert house.deliver(DAY).kinds[DeliveryKind.RECORD].delivered == 1
    assert house.crm.records["digicert:1"].common_name == "new.example.com"
    assert house.rows(orders)[0].record_digest is not None


def test_what_the_crm_has_already_is_not_written_again(make_house: MakeHouse) -> None:
    house = synced(make_house)
    house.deliver(DAY)
    house.write(update(deliveries).where(deliveries.c.kind == "record").values(state="planned", token=None))
    assert house.deliver(DAY).kinds[DeliveryKind.RECORD].withdrawn == 1
    assert records(house) == [("withdrawn", "unchanged")]


def test_a_record_that_failed_for_now_goes_later(make_house: MakeHouse) -> None:
    house = synced(make_house)
    (row,) = house.rows(deliveries, deliveries.c.kind == "record")
    house.crm.failing[row.key] = RetriableError("busy")
    assert house.deliver(DAY).kinds[DeliveryKind.RECORD].waiting == 1
    assert house.rows(orders)[0].record_digest is None
    assert house.deliver(DAY).kinds[DeliveryKind.RECORD].delivered == 1


def test_uncertain_ones_are_simply_repeated(make_house: MakeHouse) -> None:
    house = synced(make_house)
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    house.write(update(deliveries).values(state="uncertain", sending_at=long_ago))
    assert house.deliver(DAY).kinds[DeliveryKind.RECORD].delivered == 1
    assert list(house.crm.records) == ["digicert:1"]


def test_who_does_not_want_mails_is_written_back(make_house: MakeHouse) -> None:
    house = synced(make_house)
    with house.store.begin() as connection:
        queue_optout(connection, "ann@acme.example", Channel.MAIL, Nature.SERVICE, WholeDay(DAY))
    assert house.deliver(DAY).kinds[DeliveryKind.OPTOUT].delivered == 1
    (optout,) = house.crm.optouts.values()
    assert (optout.address, optout.channel, optout.nature) == ("ann@acme.example", "mail", "service")
    assert optout.since == datetime(2026, 6, 10, tzinfo=UTC)
    (row,) = house.rows(deliveries, deliveries.c.kind == "optout")
    assert "@" not in row.key
    assert row.payload is None  # the address stays no longer than it is needed


def test_a_mail_log_that_failed_for_now_keeps_what_it_says(make_house: MakeHouse) -> None:
    house = make_house([facts(ends_on=DAY + timedelta(days=14))])
    house.sync(DAY)
    house.plan(DAY)
    house.crm.failing["log:mail:contact-1:renewal:2026-06-10:1"] = RetriableError("busy")
    assert house.deliver(DAY).kinds[DeliveryKind.MAIL_LOG].waiting == 1
    assert house.deliver(DAY).kinds[DeliveryKind.MAIL_LOG].delivered == 1
    assert [log.order_keys for log in house.crm.mails.values()] == [("digicert:1",)]
