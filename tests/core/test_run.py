from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from core import golive
from core.errors import UsageError
from core.kinds import DeliverCounts
from core.model import OrderFacts
from core.plan import PlanCounts
from core.rehearsal import RehearsedCrm, RehearsedMailer
from core.run import Foreseen, RunCounts, foresee
from core.schema import accounts, deliveries
from core.settle import SettleCounts
from core.store import rehearse
from core.sync import SyncCounts
from core.words import DeliveryKind, Role
from tests.builders import House, account, facts, fake_writer, kinds, person
from tests.core.conftest import MakeHouse

DAY = date(2026, 6, 10)


def ends_in(days: int, number: str = "1", **said: Any) -> OrderFacts:
    return facts(number, ends_on=DAY + timedelta(days=days), **said)


PORTFOLIO = [
    ends_in(13, "1"),
    ends_in(16, "2"),
    ends_in(3, "3", account=account("beta")),
    ends_in(21, "4", account=account("beta"), people=()),
    ends_in(46, "5", auto_renew=True, account=account("auto")),
    ends_in(-6, "6", account=account("late")),
    ends_in(
        200, "7", certificate_expires_on=DAY + timedelta(days=9), account=account("far", country="KR", zone="Asia/Seoul"),
        people=(person("tech@far.example", Role.TECHNICAL),),
    ),
]  # fmt: skip


def looked_at(house: House, first: date, last: date, today: date = DAY) -> list[Foreseen]:
    with rehearse(house.store) as store:
        rehearsed = kinds(RehearsedMailer(), RehearsedCrm(), fake_writer(), house.policy)
        return foresee(store, rehearsed, first, last, today, house.policy)


def essence(one: Foreseen) -> tuple[object, ...]:
    return one.day, one.send_after, one.kind, one.key, one.orders, one.touchpoint, one.urgency, one.nature, one.clock


def test_looking_ahead_writes_nothing(make_house: MakeHouse) -> None:
    house = make_house(PORTFOLIO)
    house.run(DAY)
    before = house.dump()
    assert looked_at(house, DAY, DAY + timedelta(days=10))
    assert house.dump() == before
    assert house.mailer.sent != []


def test_it_agrees_with_what_then_happens(make_house: MakeHouse) -> None:
    house = make_house(PORTFOLIO)
    house.sync(DAY)
    last = DAY + timedelta(days=9)
    foreseen = looked_at(house, DAY, last)
    house.work(DAY, last)
    shown = deliveries.c.kind.in_(("mail", "call_create", "call_raise"))
    rows = house.rows(deliveries, shown, deliveries.c.state == "delivered")
    went = {(row.day, row.send_after.isoformat(), row.kind, row.key, row.urgency, row.clock) for row in rows}
    assert {(one.day, one.send_after, one.kind, one.key, one.urgency, one.clock) for one in foreseen} == went
    assert len(foreseen) == len(went) > 8


def test_a_longer_look_begins_with_the_shorter(make_house: MakeHouse) -> None:
    house = make_house(PORTFOLIO)
    house.sync(DAY)
    short = looked_at(house, DAY, DAY + timedelta(days=3))
    long = looked_at(house, DAY, DAY + timedelta(days=8))
    assert [essence(one) for one in long if one.day <= DAY + timedelta(days=3)] == [essence(one) for one in short]


def test_one_line_tells_all(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14, account=account(owner_key="rita"))])
    house.sync(DAY)
    call, mail = sorted(looked_at(house, DAY, DAY), key=lambda one: one.key)
    assert (call.kind, call.contact, call.orders, call.touchpoint) == (
        "call_create", "", ("digicert:1",), "before-21",
    )  # fmt: skip
    assert mail == Foreseen(
        day=DAY,
        send_after="2026-06-10T07:00:00+00:00",
        kind="mail",
        channel="mail",
        key="mail:contact-1:renewal:2026-06-10:1",
        account="acme",
        contact="ann@acme.example",
        rep="rita",
        orders=("digicert:1",),
        touchpoint="before-14",
        urgency="warning",
        nature="service",
        clock="renewal",
        waits="",
    )


def test_days_between_now_and_the_span_are_played_but_not_shown(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14)])
    house.sync(DAY)
    found = looked_at(house, DAY + timedelta(days=5), DAY + timedelta(days=8))
    assert {(one.kind, one.touchpoint) for one in found} == {("mail", "before-7"), ("call_raise", "before-7")}


def test_an_observer_sees_what_would_go_if_he_went_live(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14)], live=False)
    house.sync(DAY)
    assert [one.touchpoint for one in looked_at(house, DAY, DAY) if one.kind == "mail"] == ["before-14"]
    with house.store.read() as connection:
        assert golive.live_from(connection) is None


def test_once_live_what_ended_lately_is_still_told_of(make_house: MakeHouse) -> None:
    house = make_house([ends_in(-1)])
    house.sync(DAY)
    found = [one.touchpoint for one in looked_at(house, DAY, DAY + timedelta(days=7)) if one.kind == "mail"]
    assert found == ["after-1", "after-7"]


def test_a_later_day_of_going_live_is_heeded(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14)], live=False)
    live = DAY + timedelta(days=2)
    with house.store.begin() as connection:
        golive.go_live(connection, live)
    house.sync(DAY)
    mails = [one for one in looked_at(house, DAY, DAY + timedelta(days=3)) if one.kind == "mail"]
    assert [one.day for one in mails] == [live]
    house.work(DAY, live)
    assert [mail.date.date() for mail in house.mailer.sent] == [live]


def test_a_past_that_has_been_planned_cannot_be_played_again(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14)])
    house.run(DAY)
    with pytest.raises(UsageError):
        looked_at(house, DAY - timedelta(days=2), DAY)


def test_what_nobody_can_look_up_is_not_shown_as_if_it_went(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14)])
    house.run(DAY)
    long_ago = datetime.now(UTC) - timedelta(hours=1)
    house.write(update(deliveries).where(deliveries.c.kind == "mail").values(state="uncertain", sending_at=long_ago))
    assert [one for one in looked_at(house, DAY, DAY) if one.kind == "mail"] == []


def test_a_dry_run_leaves_nothing_behind(make_house: MakeHouse) -> None:
    house = make_house(PORTFOLIO)
    house.sync(DAY)
    before = house.dump()
    real = house.store
    with rehearse(real) as store:
        house.store = store
        counts = house.run(DAY)
        assert counts.deliver.kinds[DeliveryKind.MAIL].delivered > 0
    house.store = real
    assert house.dump() == before


def test_a_rehearsal_that_fails_leaves_nothing_behind(make_house: MakeHouse) -> None:
    house = make_house(PORTFOLIO)
    house.sync(DAY)
    before = house.dump()

    def fail() -> None:
        with rehearse(house.store) as store, store.begin() as connection:
            connection.execute(update(accounts).values(name="gone"))
            raise KeyError("broken")

    with pytest.raises(KeyError):
        fail()
    assert house.dump() == before


@pytest.mark.parametrize(
    ("kind", "problems", "failed"),
    [({}, [], False), ({"failed": 1}, [], True), ({"uncertain": 1}, [], True), ({}, ["a problem"], True),
     ({"withdrawn": 3, "waiting": 2, "delivered": 9}, [], False)],
)  # fmt: skip
def test_when_an_operator_must_look(kind: dict[str, int], problems: list[str], failed: bool) -> None:
    done = DeliverCounts(problems=problems)
    for name, number in kind.items():
        setattr(done.kinds[DeliveryKind.MAIL], name, number)
    assert RunCounts(DAY, SyncCounts(), SettleCounts(), PlanCounts(), done).failed is failed
