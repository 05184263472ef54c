from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cadence_tables import CadenceRules
from core.grouping import Mailbox, Place, Placement, joins_renewal, place
from core.words import Clock, Urgency

RULES = CadenceRules()
DAY = date(2026, 6, 10)
CALM = [urgency for urgency in Urgency if not urgency.passes_limits]
PRESSING = [urgency for urgency in Urgency if urgency.passes_limits]

days = st.integers(-10, 10).map(lambda number: DAY + timedelta(days=number))
boxes = st.builds(
    Mailbox,
    clock=st.sampled_from(Clock),
    waiting=st.dictionaries(days, st.booleans(), max_size=3),
    sent_on=st.sets(days, max_size=4),
    listed=st.dictionaries(st.integers(1, 3), days, max_size=3),
    open_orders=st.integers(0, 20),
)


def on(number: int) -> date:
    return DAY + timedelta(days=number)


@pytest.mark.parametrize("urgency", Urgency)
def test_an_empty_mailbox_begins_a_mail_on_the_day_of_the_step(urgency: Urgency) -> None:
    assert place(Mailbox(Clock.RENEWAL), 1, DAY, urgency, RULES) == Placement(Place.NEW, DAY)


@pytest.mark.parametrize("waits", [-3, 0, 4])
def test_a_calm_step_joins_the_mail_that_waits(waits: int) -> None:
    box = Mailbox(Clock.RENEWAL, waiting={on(waits): False})
    assert place(box, 1, DAY, Urgency.WARNING, RULES) == Placement(Place.JOIN, on(waits), on(waits))


def test_of_several_waiting_mails_a_calm_step_joins_the_next_one() -> None:
    box = Mailbox(Clock.RENEWAL, waiting={on(-1): True, on(1): True, on(4): False})
    assert place(box, 1, DAY, Urgency.NOTICE, RULES).onto == on(1)
    assert place(box, 1, on(9), Urgency.NOTICE, RULES).onto == on(4)


@pytest.mark.parametrize("urgency", PRESSING)
def test_an_urgent_step_hastens_a_calm_mail_that_waits_for_later(urgency: Urgency) -> None:
    box = Mailbox(Clock.RENEWAL, waiting={on(5): False})
    assert place(box, 1, DAY, urgency, RULES) == Placement(Place.JOIN, DAY, on(5))


def test_an_urgent_step_leaves_alone_what_goes_earlier_or_is_urgent_itself() -> None:
    box = Mailbox(Clock.RENEWAL, waiting={on(-1): False, on(1): True})
    assert place(box, 1, DAY, Urgency.EXPIRED, RULES) == Placement(Place.NEW, DAY)


def test_one_renewal_mail_a_day_the_next_waits_for_tomorrow() -> None:
    box = Mailbox(Clock.RENEWAL, sent_on={DAY})
    assert place(box, 1, DAY, Urgency.WARNING, RULES) == Placement(Place.NEW, on(1))
    assert place(box, 1, DAY, Urgency.CRITICAL, RULES) == Placement(Place.NEW, DAY)


@pytest.mark.parametrize("clock", [Clock.REISSUE, Clock.INSTALL])
def test_service_notices_of_the_other_clocks_know_no_such_limit(clock: Clock) -> None:
    box = Mailbox(clock, sent_on={DAY}, open_orders=50)
    assert place(box, 1, DAY, Urgency.NOTICE, RULES) == Placement(Place.NEW, DAY)


@pytest.mark.parametrize(("orders", "goes"), [(10, 0), (11, 5)])
def test_above_ten_open_orders_one_hears_once_a_week(orders: int, goes: int) -> None:
    box = Mailbox(Clock.RENEWAL, sent_on={on(-2)}, open_orders=orders)
    assert place(box, 1, DAY, Urgency.WARNING, RULES) == Placement(Place.NEW, on(goes))


@pytest.mark.parametrize(
    ("ago", "urgency", "expected"),
    [
        (0, Urgency.WARNING, Place.LISTED),
        (6, Urgency.WARNING, Place.LISTED),
        (7, Urgency.WARNING, Place.NEW),
        (1, Urgency.CRITICAL, Place.NEW),
        (1, Urgency.EXPIRED, Place.NEW),
    ],
)
def test_a_listed_order_is_spared_a_week_unless_it_turns_critical(ago: int, urgency: Urgency, expected: Place) -> None:
    box = Mailbox(Clock.RENEWAL, listed={1: on(-ago)}, sent_on={on(-ago)})
    assert place(box, 1, DAY, urgency, RULES).place is expected


def test_that_another_order_was_listed_spares_nothing() -> None:
    assert place(Mailbox(Clock.RENEWAL, listed={2: DAY}), 1, DAY, Urgency.NOTICE, RULES).place is Place.NEW


@given(boxes, st.integers(1, 3), days, st.sampled_from(PRESSING))
def test_an_urgent_step_always_goes_on_its_own_day(box: Mailbox, cycle: int, day: date, urgency: Urgency) -> None:
    placement = place(box, cycle, day, urgency, RULES)
    assert placement.day == day
    assert placement.place is not Place.LISTED


@given(boxes, st.integers(1, 3), days, st.sampled_from(list(Urgency)))
def test_a_join_names_a_mail_that_waits_and_nothing_else_does(
    box: Mailbox, cycle: int, day: date, urgency: Urgency
) -> None:
    placement = place(box, cycle, day, urgency, RULES)
    assert (placement.onto in box.waiting) == (placement.place is Place.JOIN)


@given(boxes, st.integers(1, 3), days, st.sampled_from(CALM))
def test_a_calm_new_renewal_mail_never_shares_its_day_with_one_that_went(
    box: Mailbox, cycle: int, day: date, urgency: Urgency
) -> None:
    placement = place(box, cycle, day, urgency, RULES)
    if box.clock is Clock.RENEWAL and placement.place is Place.NEW:
        assert placement.day >= day
        assert all(placement.day > sent for sent in box.sent_on)
        if box.open_orders > RULES.digest_above_orders:
            assert all((placement.day - sent).days >= RULES.stand_in_days for sent in box.sent_on)


@given(boxes, st.integers(1, 3), days, st.sampled_from(list(Urgency)))
def test_placing_only_looks(box: Mailbox, cycle: int, day: date, urgency: Urgency) -> None:
    before = (dict(box.waiting), set(box.sent_on), dict(box.listed))
    place(box, cycle, day, urgency, RULES)
    assert (box.waiting, box.sent_on, box.listed) == before


@given(st.sampled_from(list(Urgency)), st.sampled_from(list(Urgency)))
def test_a_reissue_joins_a_renewal_that_speaks_as_urgently(reissue: Urgency, renewal: Urgency) -> None:
    assert joins_renewal(reissue, renewal) == (reissue.rank <= renewal.rank)
