"""What limits hold back waits, the most urgent goes first, and each is told why it waits and until when."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core.caps import Ramp, Slots
from core.explain import explain
from core.golive import Live, go_live
from core.policy import CapPolicy
from core.reasons import Reason
from core.schema import deliveries, touches
from core.steering import cap_slots
from core.timing import WholeDay
from core.waiting import Why, why_waiting
from core.words import DeliveryKind, Urgency
from tests.builders import House, account, facts, person
from tests.core.conftest import house_on_sqlite

DAY = date(2026, 6, 10)  # a Wednesday
ONE = timedelta(days=1)


@dataclass(frozen=True)
class At:
    """The clock of a machine that has stopped at a moment."""

    moment_: datetime

    @property
    def day(self) -> date:
        return self.moment_.date()

    @property
    def opening(self) -> datetime:
        return self.moment_

    @property
    def closing(self) -> datetime:
        return self.moment_

    def moment(self, send_after: datetime) -> datetime:
        return self.moment_


def mails(house: House) -> list[Any]:
    return house.rows(deliveries, deliveries.c.kind == DeliveryKind.MAIL)


def one_order(house: House, days_left: int) -> House:
    house.source.rows = [facts("1", ends_on=DAY + days_left * ONE)]
    house.sync(DAY)
    house.plan(DAY)
    return house


@house_on_sqlite
class TestOfficeHours:
    @pytest.mark.parametrize(
        ("now", "opens"),
        [
            (datetime(2026, 6, 11, 1, tzinfo=UTC), datetime(2026, 6, 11, 7, tzinfo=UTC)),  # three at night in Berlin
            (datetime(2026, 6, 12, 15, tzinfo=UTC), datetime(2026, 6, 15, 7, tzinfo=UTC)),  # Friday, when they close
            (datetime(2026, 6, 13, 10, tzinfo=UTC), datetime(2026, 6, 15, 7, tzinfo=UTC)),  # Saturday
        ],
    )
    def test_what_is_late_waits_for_them(self, house: House, now: datetime, opens: datetime) -> None:
        one_order(house, 14)
        counts = house.deliver(DAY, At(now))
        assert counts.waits == {Reason.OFFICE_HOURS: 1}
        (mail,) = mails(house)
        assert (mail.state, mail.send_after, mail.day, mail.reason) == (
            "planned", opens, opens.date(), Reason.OFFICE_HOURS,
        )  # fmt: skip
        house.deliver(DAY, At(opens))
        assert [sent.date for sent in house.mailer.sent] == [opens]
        assert mails(house)[0].reason == "", "why it waited is over"

    def test_in_their_middle_it_goes_at_once(self, house: House) -> None:
        now = datetime(2026, 6, 11, 11, 30, tzinfo=UTC)
        one_order(house, 14).deliver(DAY, At(now))
        assert [sent.date for sent in house.mailer.sent] == [now]

    def test_what_is_critical_goes_at_night_too(self, house: House) -> None:
        now = datetime(2026, 6, 11, 1, tzinfo=UTC)
        one_order(house, 3).deliver(DAY, At(now))
        assert [sent.date for sent in house.mailer.sent] == [now]

    def test_a_day_that_is_played_has_them_too(self, house: House) -> None:
        one_order(house, 14).deliver(DAY + ONE)
        assert [sent.date for sent in house.mailer.sent] == [datetime(2026, 6, 11, 7, tzinfo=UTC)]


class TestRamp:
    @house_on_sqlite
    def test_the_most_urgent_go_first_and_the_rest_on_the_next_days(self, house: House) -> None:
        left = {"1": 30, "2": 14, "3": 3, "4": 30}
        house.source.rows = [
            facts(
                key,
                ends_on=DAY + days * ONE,
                account=account(f"customer-{key}"),
                people=(person(f"ann@customer-{key}.example"),),
            )
            for key, days in left.items()
        ]
        house.policy = replace(house.policy, caps=CapPolicy(ramp=(1, 2)))
        with house.store.begin() as connection:
            go_live(connection, DAY)
        counts = house.run(DAY)
        assert [mail.order_keys for mail in house.mailer.sent] == [("digicert:3",)]
        assert counts.deliver.waits == {Reason.RAMP: 3}
        assert house.deliver(DAY).kinds[DeliveryKind.MAIL].delivered == 0
        with house.store.read() as connection:
            (told,) = [
                one
                for one in explain(connection, "digicert:1", house.policy, DAY)
                if one.channel == "mail" and one.reason == Reason.RAMP
            ]
        assert told.until == datetime(2026, 6, 11, 7, tzinfo=UTC)
        house.run(DAY + ONE)
        assert len(house.mailer.sent) == 3
        assert house.mailer.sent[1].order_keys == ("digicert:2",)
        house.run(DAY + 2 * ONE)
        assert {key for mail in house.mailer.sent for key in mail.order_keys} == {f"digicert:{key}" for key in left}

    def test_a_delivery_that_is_tried_again_keeps_its_slot(self, house: House) -> None:
        with house.store.begin() as connection:
            assert Slots(connection, "ramp").take(DAY, [7, 8, 9], 2) == {9}
            assert Slots(connection, "ramp").take(DAY, [8, 9], 2) == {9}
            assert Slots(connection, "ramp").take(DAY, [9], 3) == set()
            assert Slots(connection, "another").take(DAY, [9], 0) == {9}
            assert connection.execute(select(cap_slots.c.delivery_id)).scalars().all() == [7, 8, 9]

    @pytest.mark.parametrize(
        ("live", "most"),
        [
            (Live(DAY), 10),
            (Live(DAY - ONE), 20),
            (Live(DAY - 2 * ONE), None),
            (Live(DAY + ONE), 10),  # the reader's day has begun before ours
            (Live(None, {1: DAY - ONE}), 20),
            (Live(DAY, {1: DAY - 9 * ONE}), 10),  # it begins anew with everybody
            (Live(DAY + ONE, {1: DAY - 9 * ONE}), None),
        ],
    )
    def test_its_days_are_counted_from_going_live(self, live: Live, most: int | None) -> None:
        assert Ramp(CapPolicy(ramp=(10, 20))).most(live, DAY) == most


@house_on_sqlite
def test_what_waits_is_told_in_order_of_what_hinders_most(house: House) -> None:
    one_order(house, 14)
    (mail,) = mails(house)

    def why(timer: Any) -> Why:
        with house.store.read() as connection:
            return why_waiting(connection, [mail.id], timer)[mail.id]

    opens = datetime(2026, 6, 10, 7, tzinfo=UTC)
    assert why(At(datetime(2026, 6, 10, 5, tzinfo=UTC))) == Why(Reason.NOT_YET, opens)
    assert why(WholeDay(DAY)) == Why(Reason.DUE)
    house.write(update(deliveries).where(deliveries.c.id == mail.id).values(error="the server is away"))
    assert why(At(datetime(2026, 6, 10, 5, tzinfo=UTC))).words == "the server is away; until 2026-06-10 07:00 UTC"
    with house.store.begin() as connection:
        go_live(connection, DAY + 2 * ONE)
    assert why(WholeDay(DAY)) == Why(Reason.NOT_LIVE, datetime(2026, 6, 12, tzinfo=UTC))


@house_on_sqlite
def test_what_has_waited_too_long_is_dropped(house: House) -> None:
    one_order(house, 40)
    counts = house.deliver(DAY + (house.policy.deliver.max_age_days + 1) * ONE)
    assert counts.kinds[DeliveryKind.MAIL].withdrawn == 1
    assert {row.reason for row in house.rows(touches, touches.c.state == "withdrawn")} == {Reason.TOO_OLD}


def test_urgent_is_what_passes() -> None:
    assert [one for one in Urgency if one.passes_limits] == [Urgency.CRITICAL, Urgency.EXPIRED]
