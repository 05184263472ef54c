from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core.model import OrderFacts
from core.schema import accounts, contacts, cycles, deliveries, orders, tasks, touches
from core.suppressions import suppress
from core.words import Certainty, Channel, Clock, DeliveryKind, Nature, Role
from tests.builders import House, facts, person
from tests.core.conftest import MakeHouse

DAY = date(2026, 6, 10)
ANN = person("ann@acme.example", Role.ORGANISATION)
BOB = person("bob@acme.example", Role.BILLING)


def ends_in(days: int, number: str = "1", **said: Any) -> OrderFacts:
    return facts(number, ends_on=DAY + timedelta(days=days), **{"people": (ANN, BOB)} | said)


def planned(make_house: MakeHouse, *rows: OrderFacts, **rules: Any) -> House:
    house = make_house(list(rows), **rules)
    house.sync(DAY)
    house.plan(DAY)
    return house


def refuse(house: House, address: str, channel: Channel = Channel.MAIL) -> None:
    with house.store.begin() as connection:
        suppress(connection, address, channel, Nature.SERVICE, "unsubscribe", "", datetime.now(UTC))


def told(house: House) -> list[tuple[str, list[str]]]:
    return [(mail.to, sorted(mail.text.split(", "))) for mail in house.mailer.sent]


def mail_states(house: House) -> list[tuple[str, str]]:
    return [(row.state, row.reason) for row in house.rows(deliveries, deliveries.c.kind == "mail")]


def test_five_orders_become_four(make_house: MakeHouse) -> None:
    house = planned(make_house, *(ends_in(14, str(number)) for number in range(1, 6)))
    house.hear("3", DAY)  # not settled yet
    done = house.deliver(DAY)
    assert told(house) == [("ann@acme.example", ["1", "2", "4", "5"])]
    assert house.touches()["3", "before-14", "mail"] == ("withdrawn", "renewed")
    assert done.kinds[DeliveryKind.MAIL].delivered == 1


def test_one_left_gives_a_single_mail(make_house: MakeHouse) -> None:
    house = planned(make_house, ends_in(14, "1"), ends_in(14, "2"))
    house.hear("2", DAY, Certainty.PROVISIONAL)
    house.deliver(DAY)
    assert [len(letter.lines) for letter in house.writer.letters] == [1]


def test_none_left_withdraws_the_delivery(make_house: MakeHouse) -> None:
    house = planned(make_house, ends_in(14, "1"), ends_in(14, "2"))
    house.hear("1", DAY)
    house.hear("2", DAY)
    done = house.deliver(DAY)
    assert house.mailer.sent == []
    assert mail_states(house) == [("withdrawn", "renewed")]
    assert done.kinds[DeliveryKind.MAIL].withdrawn == 1
    assert done.kinds[DeliveryKind.CALL_CREATE].withdrawn == 1
    assert [row.state for row in house.rows(tasks)] == ["closed"]


def test_a_renewal_of_another_time_stops_nothing(make_house: MakeHouse) -> None:
    house = planned(make_house, ends_in(14, "1"))
    house.hear("1", DAY - timedelta(days=400))
    house.deliver(DAY)
    assert len(house.mailer.sent) == 1


def test_what_is_only_likely_stops_nothing(make_house: MakeHouse) -> None:
    house = planned(make_house, ends_in(14, "1"))
    house.hear("1", DAY, Certainty.PROBABLE)
    house.deliver(DAY)
    assert len(house.mailer.sent) == 1


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (update(accounts).values(do_not_contact=True), "do_not_contact"),
        (update(cycles).values(snoozed_until=DAY + timedelta(days=1)), "snoozed"),
        (update(cycles).values(committed_until=DAY + timedelta(days=1)), "committed"),
        (update(cycles).values(stage="lost"), "lost"),
        (update(cycles).values(closing="cancelled"), "cancelled"),
        (update(orders).values(status="revoked"), "revoked"),
        (update(orders).values(auto_renew=True), "auto_renew"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_reason_counts_at_the_moment_of_sending(make_house: MakeHouse, change: Any, reason: str) -> None:
    house = planned(make_house, ends_in(14))
    house.write(change)
    house.deliver(DAY)
    assert house.mailer.sent == []
    assert house.crm.tasks == {}
    assert house.touches()["1", "before-14", "mail"] == ("withdrawn", reason)
    assert mail_states(house) == [("withdrawn", reason)]


def test_do_not_call_stops_the_call_alone(make_house: MakeHouse) -> None:
    house = planned(make_house, ends_in(7))
    house.write(update(accounts).values(do_not_call=True))
    house.deliver(DAY)
    assert len(house.mailer.sent) == 1
    assert house.crm.tasks == {}
    assert house.touches()["1", "before-7", "call"] == ("withdrawn", "do_not_call")


def test_the_next_person_is_written_to_where_the_first_has_left(make_house: MakeHouse) -> None:
    house = planned(make_house, ends_in(14))
    refuse(house, "ann@acme.example")
    house.deliver(DAY)
    assert told(house) == [("bob@acme.example", ["1"])]
    assert mail_states(house) == [("withdrawn", "no_members"), ("delivered", "")]
    (touch,) = house.rows(touches, touches.c.channel == "mail", touches.c.state == "done")
    with house.store.read() as connection:
        bob = connection.execute(select(contacts.c.id).where(contacts.c.email == "bob@acme.example")).scalar()
    assert touch.contact_id == bob


def test_those_whose_recipient_changed_join_the_mail_that_waits_there(make_house: MakeHouse) -> None:
    only_bob = (replace(BOB, roles=(Role.ORGANISATION,)),)
    house = planned(make_house, ends_in(14, "1"), ends_in(14, "2", people=only_bob))
    house.write(update(deliveries).where(deliveries.c.contact_id == 2).values(send_after=_later(DAY)))
    refuse(house, "ann@acme.example")
    house.deliver(DAY)
    assert told(house) == []
    house.deliver(DAY + timedelta(days=1))
    assert told(house) == [("bob@acme.example", ["1", "2"])]


def _later(day: date) -> datetime:
    return datetime(day.year, day.month, day.day + 1, 7, tzinfo=UTC)


def test_where_nobody_is_left_the_rep_finds_a_contact(make_house: MakeHouse) -> None:
    house = planned(make_house, ends_in(14, "1", people=(ANN,)), ends_in(14, "2", people=(ANN,)))
    refuse(house, "ann@acme.example")
    house.deliver(DAY)
    assert house.touches()["1", "before-14", "mail"] == ("skipped", "unsubscribed")
    assert mail_states(house) == [("withdrawn", "unsubscribed")]
    house.deliver(DAY)
    (found,) = [task for task in house.crm.tasks.values() if task.draft.kind == "contact"]
    assert found.order_keys == ("digicert:1", "digicert:2")


def test_an_end_that_moved_takes_its_steps_along(make_house: MakeHouse) -> None:
    house = planned(make_house, ends_in(14))
    house.source.rows = [ends_in(24)]
    house.sync(DAY)
    house.deliver(DAY)
    assert house.mailer.sent == []
    assert house.crm.tasks == {}
    assert mail_states(house) == [("withdrawn", "no_members")]
    assert [row.state for row in house.rows(tasks)] == ["closed"]


def test_a_reissue_whose_renewal_fell_away_is_told_as_a_reissue(make_house: MakeHouse) -> None:
    people = (person("ann@acme.example", Role.ORGANISATION, Role.TECHNICAL),)
    order = ends_in(14, people=people, certificate_expires_on=DAY + timedelta(days=6))
    house = planned(make_house, order)
    assert len(house.rows(touches, touches.c.state == "planned", touches.c.channel == "mail")) == 2
    house.write(update(cycles).where(cycles.c.clock == "renewal").values(stage="lost"))
    house.deliver(DAY)
    (letter,) = house.writer.letters
    assert (letter.clock, [line.order_id for line in letter.lines]) == (Clock.REISSUE, ["1"])
    assert letter.lines[0].ends_on == DAY + timedelta(days=6)
