from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from core import golive
from core.model import OrderFacts
from core.policy import CapPolicy
from core.schema import contacts, deliveries, delivery_orders, touches
from core.words import Level, Role
from tests.builders import House, account, facts, person
from tests.core.conftest import MakeHouse

DAY = date(2026, 6, 10)  # a Wednesday


def ends_in(days: int, number: str = "1", **said: object) -> OrderFacts:
    return facts(number, ends_on=DAY + timedelta(days=days), **said)


def mails(house: House) -> list[tuple[str, str]]:
    """Key and state of every mail delivery, in the order of their keys."""
    rows = house.rows(deliveries, deliveries.c.kind == "mail")
    return sorted((row.key.partition(":")[2], row.state) for row in rows)


def told(house: House) -> list[list[str]]:
    """The orders of every mail that went."""
    return [sorted(mail.text.split(", ")) for mail in house.mailer.sent]


def start(house: House, day: date = DAY) -> None:
    house.sync(day)
    house.plan(day)
    house.deliver(day)


def test_several_orders_of_one_person_due_on_one_day_are_one_mail(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14, str(number)) for number in range(5)])
    start(house)
    assert mails(house) == [("contact-1:renewal:2026-06-10:1", "delivered")]
    assert told(house) == [["0", "1", "2", "3", "4"]]


def test_the_key_says_nothing_of_the_members(make_house: MakeHouse) -> None:
    one, three = make_house([ends_in(14)]), make_house([ends_in(14, str(number)) for number in range(3)])
    for house in (one, three):
        house.sync(DAY)
        house.plan(DAY)
    assert mails(one) == mails(three) == [("contact-1:renewal:2026-06-10:1", "planned")]


def test_a_mail_that_waits_takes_new_orders_in(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14, "1")])
    house.sync(DAY)
    house.plan(DAY)
    house.source.rows = [ends_in(14, "1"), ends_in(7, "2")]
    house.sync(DAY)
    counts = house.plan(DAY)
    assert (counts.touches, counts.deliveries) == (2, 0)  # the mail takes one in, the waiting call the other
    (row,) = house.rows(deliveries, deliveries.c.kind == "mail")
    assert (row.urgency, row.key) == ("warning", "mail:contact-1:renewal:2026-06-10:1")
    house.deliver(DAY)
    assert told(house) == [["1", "2"]]


def test_the_most_urgent_member_speaks_for_the_mail(make_house: MakeHouse) -> None:
    house = make_house([ends_in(30, "1"), ends_in(3, "2"), ends_in(14, "3")])
    start(house)
    (row,) = house.rows(deliveries, deliveries.c.kind == "mail")
    assert (row.urgency, row.touchpoint) == ("critical", "before-3")


def test_an_older_step_that_still_waits_gives_way_to_the_newer(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14)], live=False)
    house.sync(DAY)
    house.plan(DAY)
    house.settle(DAY + timedelta(days=7))
    house.plan(DAY + timedelta(days=7))
    assert house.touches()["1", "before-14", "mail"] == ("merged", "newer_step")
    assert house.touches()["1", "before-7", "mail"] == ("planned", "")
    assert mails(house) == [("contact-1:renewal:2026-06-10:1", "planned")]


def test_listed_orders_are_spared_for_a_week(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14, "1"), ends_in(16, "2"), ends_in(95, "3")])
    start(house)
    assert told(house) == [["1", "2"]]  # the third ends too late
    listed = house.rows(delivery_orders)
    assert len(listed) == 1
    house.work(DAY + timedelta(days=1), DAY + timedelta(days=2))
    assert house.touches()["2", "before-14", "mail"] == ("merged", "listed")
    assert len(house.mailer.sent) == 1


def test_a_listed_order_that_turns_critical_goes_all_the_same(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14, "1"), ends_in(5, "2")])
    start(house)
    house.work(DAY + timedelta(days=1), DAY + timedelta(days=2))
    assert house.touches()["2", "before-3", "mail"] == ("done", "")
    assert [mail.date.date() for mail in house.mailer.sent] == [DAY, DAY + timedelta(days=2)]


def test_at_most_one_renewal_mail_a_day_but_critical_passes(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14, "1")])
    start(house)
    house.source.rows = [ends_in(14, "1"), ends_in(60, "2"), ends_in(3, "3", account=account("acme"))]
    start(house)
    sent = [mail.date.date() for mail in house.mailer.sent]
    assert sent == [DAY, DAY]
    assert house.mailer.sent[1].subject.startswith("critical")
    keys = [key for key, _ in mails(house)]
    assert keys == ["contact-1:renewal:2026-06-10:1", "contact-1:renewal:2026-06-10:2"]
    assert "2" in told(house)[1]  # the notice joined the critical mail instead of making a third


def test_a_second_calm_mail_waits_for_the_next_day(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14, "1")])
    start(house)
    house.source.rows = [ends_in(14, "1"), ends_in(60, "2")]
    start(house)
    assert mails(house) == [
        ("contact-1:renewal:2026-06-10:1", "delivered"),
        ("contact-1:renewal:2026-06-11:1", "planned"),
    ]
    house.deliver(DAY + timedelta(days=1))
    assert len(house.mailer.sent) == 2


def test_what_is_put_off_goes_on_a_working_day(make_house: MakeHouse) -> None:
    friday = date(2026, 6, 12)
    house = make_house([facts("1", ends_on=friday + timedelta(days=14))])
    start(house, friday)
    house.source.rows = [*house.source.rows, facts("2", ends_on=friday + timedelta(days=60))]
    start(house, friday)
    assert mails(house)[-1] == ("contact-1:renewal:2026-06-15:1", "planned")


def test_more_than_ten_open_orders_make_a_weekly_digest(make_house: MakeHouse) -> None:
    many = [ends_in(14 if number == 0 else 44, f"{number:02}") for number in range(11)]
    house = make_house([*many, ends_in(63, "20")])
    start(house)
    assert len(told(house)[0]) == 11
    house.work(DAY + timedelta(days=1), DAY + timedelta(days=6))
    assert len(house.mailer.sent) == 1
    assert mails(house)[-1] == ("contact-1:renewal:2026-06-17:1", "planned")
    house.work(DAY + timedelta(days=7), DAY + timedelta(days=7))
    assert [mail.date.date() for mail in house.mailer.sent] == [DAY, DAY + timedelta(days=7)]


def test_the_digest_counts_the_orders_of_whoever_speaks_for_the_account(make_house: MakeHouse) -> None:
    there = account(people=(person("ann@acme.example"),))
    rows = [ends_in(14 if number == 0 else 44, f"{number:02}", people=(), account=there) for number in range(11)]
    house = make_house([*rows, ends_in(63, "20", people=(), account=there)])
    house.source.known_accounts = [there]
    start(house)
    house.work(DAY + timedelta(days=1), DAY + timedelta(days=2))
    assert mails(house)[-1] == ("contact-1:renewal:2026-06-17:1", "planned")


def test_a_critical_step_hastens_a_digest_that_waits(make_house: MakeHouse) -> None:
    many = [ends_in(14 if number == 0 else 44, f"{number:02}") for number in range(11)]
    house = make_house([*many, ends_in(63, "20")])
    start(house)
    house.work(DAY + timedelta(days=1), DAY + timedelta(days=2))
    house.source.rows = [*house.source.rows, ends_in(5, "30")]
    start(house, DAY + timedelta(days=2))
    house.work(DAY + timedelta(days=3), DAY + timedelta(days=5))
    assert [mail.date.date() for mail in house.mailer.sent] == [DAY, DAY + timedelta(days=2), DAY + timedelta(days=5)]
    assert "20" in told(house)[1]
    rows = house.rows(deliveries, deliveries.c.kind == "mail", deliveries.c.state == "delivered")
    assert [row.key.split(":")[3] for row in rows] == ["2026-06-10", "2026-06-17", "2026-06-15"]
    assert [row.day for row in rows] == [DAY, DAY + timedelta(days=2), DAY + timedelta(days=5)]


def test_clocks_are_never_mixed(make_house: MakeHouse) -> None:
    people = (person("ann@acme.example", Role.ORGANISATION, Role.TECHNICAL),)
    reissue = ends_in(200, "2", certificate_expires_on=DAY + timedelta(days=14), people=people)
    house = make_house([ends_in(14, "1", people=people), reissue], caps=CapPolicy(mails_per_contact_day=0))
    start(house)
    assert mails(house) == [
        ("contact-1:reissue:2026-06-10:1", "delivered"),
        ("contact-1:renewal:2026-06-10:1", "delivered"),
    ]
    assert sorted(told(house)) == [["1"], ["2"]]


def test_a_reissue_joins_the_renewal_mail_of_its_own_order(make_house: MakeHouse) -> None:
    people = (person("ann@acme.example", Role.ORGANISATION, Role.TECHNICAL),)
    order = facts(
        "1", ends_on=DAY + timedelta(days=14), certificate_expires_on=DAY + timedelta(days=6), people=people,
        certificate_issued_on=DAY - timedelta(days=190), starts_on=DAY - timedelta(days=360),
    )  # fmt: skip
    house = make_house([order])
    house.sync(DAY)
    house.plan(DAY)
    assert [key for key, _ in mails(house)] == ["contact-1:renewal:2026-06-10:1"]
    joined = house.rows(touches, touches.c.state == "planned", touches.c.channel == "mail")
    assert sorted(row.touchpoint for row in joined) == ["before-14", "before-7"]
    house.deliver(DAY)
    (letter,) = house.writer.letters
    assert letter.clock == "renewal"
    assert [line.order_id for line in letter.lines] == ["1"]  # told once, its certificate's end with it
    assert letter.lines[0].certificate_expires_on == DAY + timedelta(days=6)


def test_people_of_two_accounts_have_two_mails(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14, "1"), ends_in(14, "2", account=account("beta"))])
    start(house)
    assert [key for key, _ in mails(house)] == ["contact-1:renewal:2026-06-10:1", "contact-2:renewal:2026-06-10:1"]


def test_observing_holds_everything_and_going_live_releases_one_mail_each(make_house: MakeHouse) -> None:
    other: dict[str, Any] = {"account": account("beta"), "people": (person("bob@beta.example"),)}
    house = make_house([ends_in(3, "1"), ends_in(14, "2"), ends_in(20, "3"), ends_in(30, "4", **other)], live=False)
    house.sync(DAY)
    house.work(DAY, DAY + timedelta(days=8))
    assert house.mailer.sent == []
    waiting = [state for _, state in mails(house) if state == "planned"]
    assert len(waiting) == 2
    live = DAY + timedelta(days=9)
    with house.store.begin() as connection:
        golive.go_live(connection, live)
    house.work(live, live)
    assert sorted(mail.to for mail in house.mailer.sent) == ["ann@acme.example", "bob@beta.example"]
    assert all(mail.date.date() == live for mail in house.mailer.sent)
    house.plan(live)
    house.deliver(live)
    assert len(house.mailer.sent) == 2


def test_going_live_on_a_later_day_holds_until_then(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14, "1")], live=False)
    live = DAY + timedelta(days=2)
    with house.store.begin() as connection:
        golive.go_live(connection, live)
    house.sync(DAY)
    done = house.work(DAY, live)
    assert [bool(counts.held_because) for counts in done.values()] == [True, True, False]
    assert [counts.kinds["mail"].waiting for counts in done.values()] == [1, 1, 0]  # type: ignore[index]
    assert [mail.date.date() for mail in house.mailer.sent] == [live]


def test_a_mail_that_went_late_counts_for_the_day_on_which_it_went(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14, "1")], live=False)
    house.sync(DAY)
    house.plan(DAY)
    later = DAY + timedelta(days=1)
    with house.store.begin() as connection:
        golive.go_live(connection, later)
    house.work(later, later)
    (row,) = house.rows(deliveries, deliveries.c.kind == "mail")
    assert row.key.endswith(":2026-06-10:1")
    assert row.day == later
    house.source.rows = [*house.source.rows, ends_in(60, "2")]
    start(house, later)
    assert mails(house)[-1] == ("contact-1:renewal:2026-06-12:1", "planned")


@pytest.mark.parametrize("level", [Level.OV, Level.DV])
def test_a_late_mail_within_office_hours_goes_at_once(make_house: MakeHouse, level: Level) -> None:
    house = make_house([ends_in(14, "1", level=level)])
    house.sync(DAY)
    house.write(update(contacts).values(zone="Pacific/Auckland"))
    house.plan(DAY)
    (row,) = house.rows(deliveries, deliveries.c.kind == "mail")
    assert row.send_after == datetime(2026, 6, 10, 0, 0, tzinfo=UTC)  # noon there; offices opened before the day began
    assert row.day == DAY
