from datetime import date, timedelta
from typing import Any

import pytest

from core import inbox
from core.model import OrderFacts
from core.schema import confirmations
from core.timing import WholeDay
from core.words import Clock
from tests.builders import House, facts
from tests.core.conftest import MakeHouse
from tests.webhooks.conftest import told
from webhooks.renewal_events import DOOR, RenewalEvent, Renewals

DAY = date(2026, 6, 10)


def ends_in(days: int, number: str = "1", **said: Any) -> OrderFacts:
    return facts(number, ends_on=DAY + timedelta(days=days), **said)


def hear(house: House, said: dict[str, Any], key: str = "msg_1") -> tuple[str, str]:
    """Hands an event in and applies it: its state, and what is told of it."""
    content = RenewalEvent.model_validate(said).model_dump_json().encode()
    with house.store.begin() as connection:
        inbox.receive(connection, inbox.Event(DOOR, key, content, WholeDay(DAY).opening))
    inbox.apply(house.store, {DOOR: Renewals(house.policy)}, WholeDay(DAY))
    with house.store.read() as connection:
        found = next(one for one in inbox.listing(connection, (), None, 50) if one.key == key)
    return found.state, found.why


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    house = make_house([ends_in(14)])
    house.sync(DAY)
    house.plan(DAY)
    return house


def renewal(house: House) -> tuple[bool, str, str]:
    cycle = house.cycles()[0]
    return cycle.open, cycle.outcome, cycle.stage


def test_a_confirmation_stops_everything_at_once(house: House) -> None:
    assert hear(house, told()) == ("applied", "digicert:1: provisional")
    house.deliver(DAY)
    assert house.mailer.sent == []
    house.settle(DAY)
    assert renewal(house) == (False, "renewed", "renewed")
    (row,) = house.rows(confirmations)
    assert (row.source, row.source_key, row.certainty, row.renewed_on) == ("webhook", "msg_1", "provisional", DAY)


def test_the_day_and_the_new_order_may_be_told(house: House) -> None:
    hear(house, told(renewed_on="2026-06-08", new_order="digicert:2"))
    (row,) = house.rows(confirmations)
    assert (row.renewed_on, row.new_order_key) == (date(2026, 6, 8), "digicert:2")


def test_a_bare_id_is_enough_where_one_order_has_it(house: House) -> None:
    assert hear(house, told("1")) == ("applied", "digicert:1: provisional")


def test_where_several_have_it_nobody_guesses(make_house: MakeHouse) -> None:
    house = make_house([ends_in(14), facts("1", key="other:1", ca="other", ends_on=DAY + timedelta(days=14))])
    house.sync(DAY)
    state, why = hear(house, told("1"))
    assert state == "quarantined"
    assert why == "several orders are called 1: digicert:1, other:1; write the whole key"


def test_an_order_that_is_not_known_yet_is_kept_in_mind(house: House) -> None:
    assert hear(house, told("digicert:9"))[1] == "digicert:9: provisional; the order is not known yet"
    house.settle(DAY)
    house.source.rows = [ends_in(14), ends_in(14, "9")]
    house.sync(DAY)
    house.settle(DAY)
    assert house.cycles("9")[0].outcome == "renewed"


def test_a_placed_order_is_in_progress(house: House) -> None:
    assert hear(house, told(kind="renewal.placed"))[1] == "digicert:1: in_progress"
    house.settle(DAY)
    assert renewal(house) == (True, "", "in_progress")


def test_a_reissue_and_an_install_have_their_own_clocks(house: House) -> None:
    hear(house, told(clock="reissue"))
    assert [row.clock for row in house.rows(confirmations)] == [Clock.REISSUE]
    house.settle(DAY)
    assert renewal(house)[0]


def test_what_is_withdrawn_runs_again(house: House) -> None:
    hear(house, told())
    house.settle(DAY)
    assert hear(house, told(kind="renewal.withdrawn", at="2026-06-10T10:00:00Z"), "msg_2") == (
        "applied", "digicert:1: taken back; it runs again",
    )  # fmt: skip
    house.settle(DAY)
    assert renewal(house) == (True, "", "upcoming")
    house.plan(DAY)
    house.deliver(DAY)
    assert len(house.mailer.sent) == 1


def test_withdrawn_before_it_was_applied(house: House) -> None:
    hear(house, told())
    hear(house, told(kind="renewal.withdrawn", at="2026-06-10T10:00:00Z"), "msg_2")
    house.settle(DAY)
    assert renewal(house)[0]


def test_withdrawn_before_it_came(house: House) -> None:
    assert hear(house, told(kind="renewal.withdrawn", at="2026-06-10T10:00:00Z"), "msg_2")[1] == (
        "digicert:1: there was nothing to take back"
    )
    assert hear(house, told())[1] == "digicert:1: it was withdrawn before this came"
    house.settle(DAY)
    assert renewal(house)[0]


def test_renewed_after_all(house: House) -> None:
    hear(house, told(kind="renewal.withdrawn", at="2026-06-10T08:00:00Z"), "msg_2")
    assert hear(house, told(at="2026-06-10T09:00:00Z"))[1] == "digicert:1: provisional"


def test_what_others_know_too_stands(house: House) -> None:
    """The CA shows the renewal: that a shop takes its word back changes nothing."""
    hear(house, told())
    house.hear("1", DAY)
    house.settle(DAY)
    assert (
        hear(house, told(kind="renewal.withdrawn", at="2026-06-10T10:00:00Z"), "msg_2")[1] == "digicert:1: taken back"
    )
    house.settle(DAY)
    assert renewal(house) == (False, "renewed", "renewed")


def test_the_same_told_by_two_messages_counts_once(house: House) -> None:
    hear(house, told())
    hear(house, told(), "msg_2")
    assert house.settle(DAY).renewed == 1
    assert house.settle(DAY).renewed == 0
