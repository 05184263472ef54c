from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, update

from core import golive
from core.policy import CapPolicy
from core.reasons import Reason
from core.schema import deliveries
from core.words import DeliveryKind
from tests.builders import House, account, facts, person
from tests.core.conftest import MakeHouse, house_on_sqlite

DAY = date(2026, 6, 12)  # a Friday
ONE = timedelta(days=1)
MONDAY = DAY + timedelta(days=3)
MORNING = datetime(2026, 6, 15, 7, tzinfo=UTC)  # nine in Berlin


def with_another(make_house: MakeHouse, days_left: int, **other: object) -> House:
    """A house with a mail due today, and another renewal mail of the same person in some state."""
    house = make_house([facts("1", ends_on=DAY + timedelta(days=days_left))])
    house.sync(DAY)
    house.plan(DAY)
    (mail,) = mails(house)
    house.write(insert(deliveries).values(another(mail) | other))
    return house


def another(mail: Any) -> dict[str, Any]:
    """A renewal mail that the same person has had that day."""
    return {
        "key": "mail:contact-1:renewal:2026-06-12:9",
        "kind": DeliveryKind.MAIL,
        "channel": "mail",
        "clock": "renewal",
        "state": "delivered",
        "account_id": mail.account_id,
        "contact_id": mail.contact_id,
        "day": DAY,
        "send_after": mail.send_after,
        "urgency": "reminder",
    }


def mails(house: House) -> list[Any]:
    return list(house.rows(deliveries, deliveries.c.kind == DeliveryKind.MAIL))


def first(house: House) -> tuple[str, date, datetime]:
    row = house.rows(deliveries, deliveries.c.kind == DeliveryKind.MAIL)[0]
    return row.state, row.day, row.send_after


def test_who_has_had_a_mail_that_day_hears_on_the_next_working_day(make_house: MakeHouse) -> None:
    house = with_another(make_house, 14)
    assert house.deliver(DAY).kinds[DeliveryKind.MAIL].waiting == 1
    assert first(house) == ("planned", MONDAY, MORNING)
    assert house.mailer.sent == []
    assert house.deliver(DAY).kinds[DeliveryKind.MAIL].delivered == 0
    assert house.deliver(MONDAY).kinds[DeliveryKind.MAIL].delivered == 1
    assert [mail.date for mail in house.mailer.sent] == [MORNING]
    assert house.touches()["1", "before-14", "mail"] == ("done", "")


def test_a_mail_that_may_have_gone_counts(make_house: MakeHouse) -> None:
    house = with_another(make_house, 14, state="uncertain", sending_at=datetime.now(UTC))
    house.deliver(DAY)
    assert first(house) == ("planned", MONDAY, MORNING)


def test_urgent_mails_pass(make_house: MakeHouse) -> None:
    house = with_another(make_house, 3)
    assert house.deliver(DAY).kinds[DeliveryKind.MAIL].delivered == 1


def test_yesterdays_mail_hinders_nothing(make_house: MakeHouse) -> None:
    house = with_another(make_house, 14, day=DAY - timedelta(days=1))
    assert house.deliver(DAY).kinds[DeliveryKind.MAIL].delivered == 1


@pytest.mark.parametrize("prepared_store_url", ["sqlite"], indirect=True)
def test_a_mail_of_another_clock_counts_as_the_caps_say(make_house: MakeHouse) -> None:
    house = with_another(make_house, 14, clock="install")
    assert house.deliver(DAY).waits == {Reason.CONTACT_CAP: 1}
    assert first(house) == ("planned", MONDAY, MORNING)
    house.policy = replace(house.policy, caps=CapPolicy(mails_per_contact_day=2))
    house.write(update(deliveries).where(deliveries.c.state == "planned").values(day=DAY, token=None))
    house.write(update(deliveries).where(deliveries.c.state == "planned").values(send_after=MORNING - 3 * ONE))
    assert house.deliver(DAY).kinds[DeliveryKind.MAIL].delivered == 1


@house_on_sqlite
@pytest.mark.parametrize(
    ("gone", "free"),
    [
        ([1, 2, 3], date(2026, 6, 16)),  # three in the six days before: free when the first is a week old
        ([3, 4, 6], MONDAY),
        ([1, 2, 7], DAY),  # the third was a week ago
    ],
)
def test_so_many_in_a_week_and_then_the_first_free_working_day(house: House, gone: list[int], free: date) -> None:
    house.source.rows = [facts("1", ends_on=DAY + 14 * ONE)]
    house.sync(DAY)
    house.plan(DAY)
    (mail,) = mails(house)
    for number in gone:
        row = {"key": f"mail:contact-1:reissue:{number}:1", "day": DAY - number * ONE, "clock": "reissue"}
        house.write(insert(deliveries).values(another(mail) | row))
    house.deliver(DAY)
    state, day, _ = first(house)
    assert (state, day) == ("delivered" if free == DAY else "planned", free)


@pytest.mark.parametrize("prepared_store_url", ["sqlite"], indirect=True)
def test_of_two_that_are_claimed_the_urgent_one_goes(make_house: MakeHouse) -> None:
    busy = {"state": "claimed", "token": "another", "lease_until": datetime.now(UTC) + timedelta(minutes=5)}
    house = with_another(make_house, 14, **busy, urgency="critical", clock="reissue")
    assert house.deliver(DAY).waits == {Reason.CONTACT_CAP: 1}


def test_of_two_that_are_claimed_the_older_goes(make_house: MakeHouse) -> None:
    """Whoever else has claimed the other: here a process that is at work."""
    busy = {"state": "claimed", "token": "another", "lease_until": datetime.now(UTC) + timedelta(minutes=5)}
    house = with_another(make_house, 14, **busy)
    assert house.deliver(DAY).kinds[DeliveryKind.MAIL].delivered == 1


def test_what_came_back_after_a_death_does_not_go_beside_the_next_mail(make_house: MakeHouse) -> None:
    """The mail for the 14-day step was lost in the middle of its call; the days without a run brought the 7-day one."""
    end = date(2026, 6, 24)
    house = make_house([facts("1", ends_on=end)])
    house.sync(end - timedelta(days=15))
    house.plan(end - timedelta(days=15))
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    mail = deliveries.c.kind == DeliveryKind.MAIL
    lost = {"state": "sending", "token": "dead", "sending_at": long_ago, "lease_until": long_ago, "attempts": 1}
    house.write(update(deliveries).where(mail).values(lost))
    day = end - timedelta(days=7)
    house.plan(day)
    house.deliver(day)
    assert len(house.mailer.sent) == 1
    house.work(day, day + timedelta(days=2))
    on = [sent.date.date() for sent in house.mailer.sent]
    assert on == sorted(set(on)), "one a day"
    assert house.touches()["1", "before-7", "mail"] == ("done", "")
    assert house.touches()["1", "before-14", "mail"][0] in ("done", "merged")


AGENCY = person("team@agency.example")


def of_two_accounts(make_house: MakeHouse, *days_left: int, live: date = DAY - timedelta(days=90)) -> House:
    """A house with a mail for each of two customers, who share the address of an agency."""
    house = make_house(
        [
            facts(
                f"{number}", ends_on=DAY + timedelta(days=days), account=account(f"customer-{number}"), people=(AGENCY,)
            )
            for number, days in enumerate(days_left, 1)
        ]
    )
    with house.store.begin() as connection:
        golive.go_live(connection, live)
    house.sync(DAY)
    house.plan(DAY)
    return house


def test_an_address_that_two_customers_share_is_one_person(make_house: MakeHouse) -> None:
    house = of_two_accounts(make_house, 14, 14)
    assert house.deliver(DAY).kinds[DeliveryKind.MAIL].delivered == 1
    states = [(mail.state, mail.day, mail.reason) for mail in mails(house)]
    assert states == [("delivered", DAY, ""), ("planned", MONDAY, Reason.CONTACT_CAP)]
    assert house.deliver(MONDAY).kinds[DeliveryKind.MAIL].delivered == 1


def test_on_the_day_of_going_live_a_person_gets_one_mail_however_urgent(make_house: MakeHouse) -> None:
    house = of_two_accounts(make_house, 3, 3, live=DAY)
    assert house.deliver(DAY).kinds[DeliveryKind.MAIL].delivered == 1
    assert [(mail.state, mail.day) for mail in mails(house)] == [("delivered", DAY), ("planned", DAY + ONE)]
    assert house.deliver(DAY + ONE).kinds[DeliveryKind.MAIL].delivered == 1


def test_on_the_day_of_going_live_the_most_urgent_goes(make_house: MakeHouse) -> None:
    house = of_two_accounts(make_house, 14, 3, live=DAY)
    house.deliver(DAY)
    assert {mail.urgency: mail.state for mail in mails(house)} == {"critical": "delivered", "warning": "planned"}


def test_later_all_that_is_urgent_goes(make_house: MakeHouse) -> None:
    house = of_two_accounts(make_house, 3, 3)
    assert house.deliver(DAY).kinds[DeliveryKind.MAIL].delivered == 2
