from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from core.explain import Told, explain
from core.model import OrderFacts
from core.schema import accounts, cycles, deliveries
from core.suppressions import suppress
from core.words import Channel, Level, Nature
from tests.builders import House, facts
from tests.core.conftest import MakeHouse

DAY = date(2026, 6, 10)


def ends_in(days: int, number: str = "1", **said: Any) -> OrderFacts:
    return facts(number, ends_on=DAY + timedelta(days=days), **said)


def told(house: House, day: date = DAY, order: str = "digicert:1") -> list[Told]:
    with house.store.read() as connection:
        return explain(connection, order, house.policy, day)


def outcomes(house: House, day: date = DAY) -> dict[tuple[str, str], tuple[str, str]]:
    return {(one.touchpoint, one.channel): (str(one.outcome), one.reason) for one in told(house, day)}


STEPS = {"before-90", "before-60", "before-30", "before-14", "before-7", "before-3", "on-0", "after-1", "after-7"}


def test_every_touchpoint_is_told_from_the_first_to_the_last(make_house: MakeHouse) -> None:
    house = make_house([ends_in(21)])
    house.sync(DAY)
    house.plan(DAY)
    found = told(house)
    assert {one.touchpoint for one in found if one.channel == "mail"} == STEPS
    assert {one.touchpoint for one in found if one.channel == "call"} == {
        "before-45",
        "before-21",
        "before-7",
        "after-1",
    }
    assert [one.day for one in found] == sorted(one.day for one in found)
    assert {(one.clock, one.cycle) for one in found} == {("renewal", 1)}
    states = outcomes(house)
    assert states["before-90", "mail"] == ("missed", "passed_over")
    assert states["before-30", "mail"] == states["before-21", "call"] == ("waiting", "due")
    assert states["before-14", "mail"] == ("planned", "")
    waiting = next(one for one in found if one.touchpoint == "before-30")
    assert waiting.delivery == "mail:contact-1:renewal:2026-06-10:1"


def test_before_anything_was_planned_it_tells_what_would_be(make_house: MakeHouse) -> None:
    house = make_house([ends_in(20)])
    house.sync(DAY)
    before = outcomes(house)
    house.plan(DAY)
    after = outcomes(house)
    assert before["before-60", "mail"] == after["before-60", "mail"] == ("missed", "passed_over")
    assert before["before-30", "mail"] == ("planned", "")
    assert after["before-30", "mail"] == ("waiting", "due")


def test_what_went_and_what_is_stuck(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14)])
    house.sync(DAY)
    house.plan(DAY)
    key = ("before-14", "mail")
    for state, expected in [
        ("claimed", ("waiting", "no answer came")),
        ("sending", ("waiting", "no answer came")),
        ("uncertain", ("uncertain", "no answer came")),
        ("failed", ("failed", "no answer came")),
    ]:
        house.write(update(deliveries).values(state=state, error="no answer came"))
        assert outcomes(house)[key] == expected
    house.write(update(deliveries).values(state="withdrawn", error="", reason="by_operator"))
    assert outcomes(house)[key] == ("withdrawn", "by_operator")
    house.write(update(deliveries).values(state="planned", reason=""))
    house.deliver(DAY)
    assert outcomes(house)[key] == ("delivered", "")


def test_while_observing_what_is_planned_waits_for_that(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14)], live=False)
    house.sync(DAY)
    house.plan(DAY)
    assert outcomes(house)["before-14", "mail"] == ("waiting", "not_live")


def test_a_renewed_order_needs_nothing_more(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14)])
    house.sync(DAY)
    house.plan(DAY)
    house.hear("1", DAY)
    assert outcomes(house)["before-7", "mail"] == ("skipped", "renewed")  # not settled yet
    house.settle(DAY)
    renewal = {key: said for key, said in outcomes(house).items() if key[0] != "before-14"}
    assert renewal["before-7", "mail"] == ("skipped", "renewed")
    assert renewal["after-1", "call"] == ("skipped", "renewed")
    told_of = {(one.clock, one.touchpoint, one.channel): one for one in told(house)}
    assert told_of["renewal", "before-14", "mail"].outcome == "withdrawn"
    assert told_of["renewal", "before-14", "mail"].reason == "renewed"
    assert told_of["install", "before-3", "mail"].outcome == "planned"


def suppressed(house: House) -> None:
    with house.store.begin() as connection:
        now = datetime.now(UTC)
        suppress(connection, "ann@acme.example", Channel.MAIL, Nature.SERVICE, "unsubscribe", "", now)


@pytest.mark.parametrize(
    ("change", "mail", "call"),
    [
        (update(accounts).values(do_not_contact=True), "do_not_contact", "do_not_contact"),
        (update(accounts).values(do_not_call=True), "", "do_not_call"),
        (update(cycles).values(stage="lost"), "lost", "lost"),
        (update(cycles).values(snoozed_until=DAY + timedelta(days=60)), "snoozed", "snoozed"),
        (update(cycles).values(snoozed_until=DAY + timedelta(days=1)), "", ""),
    ],
    ids=["contact", "call", "lost", "snoozed", "awake by then"],
)
def test_what_is_to_come_is_told_as_it_would_be_on_its_day(
    make_house: MakeHouse, change: Any, mail: str, call: str
) -> None:
    house = make_house([ends_in(21)])
    house.sync(DAY)
    house.write(change)
    found = outcomes(house)
    for key, reason in ((("before-7", "mail"), mail), (("before-7", "call"), call)):
        assert found[key] == (("skipped", reason) if reason else ("planned", ""))


def test_it_knows_whom_nobody_can_write_to_and_what_is_not_worth_a_call(make_house: MakeHouse) -> None:
    house = make_house([ends_in(21, level=Level.DV, value_minor=100)])
    house.sync(DAY)
    suppressed(house)
    found = outcomes(house)
    assert found["before-7", "mail"] == ("skipped", "unsubscribed")
    assert found["before-14", "call"] == ("skipped", "below_value_floor")


def test_an_order_that_renews_by_itself(make_house: MakeHouse) -> None:
    house = make_house([ends_in(60, auto_renew=True)])
    house.sync(DAY)
    found = outcomes(house)
    assert found["before-45", "mail"] == found["before-25", "call"] == ("planned", "")
    assert found["before-30", "mail"] == found["before-21", "call"] == ("skipped", "auto_renew")


def test_all_clocks_are_told_by_their_end(make_house: MakeHouse) -> None:
    house = make_house([ends_in(200, certificate_expires_on=DAY + timedelta(days=20))])
    house.sync(DAY)
    found = told(house)
    assert list(dict.fromkeys(one.clock for one in found)) == ["reissue", "renewal"]


def test_what_explain_foretells_is_what_happens(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14)])
    house.sync(DAY)
    foretold = {key for key, (outcome, _) in outcomes(house).items() if outcome == "planned"}
    house.work(DAY, DAY + timedelta(days=22))
    done = {(point, channel) for (_, point, channel), (state, _) in house.touches().items() if state == "done"}
    assert foretold == done


def test_asking_writes_nothing(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14)])
    house.run(DAY)
    before = house.dump()
    told(house)
    assert house.dump() == before
    assert told(house, order="digicert:999") == []
