"""Thanks, reminders of a validation and asking back: each once, outside the cadence, with what is known."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from core import golive
from core.messages import Letter, Occasion
from core.policy import OccasionPolicy
from core.ports import CrmChange
from core.reasons import Reason
from core.schema import accounts, cycles, deliveries
from core.words import Block, Certainty, LetterKind, Nature, OrderStatus, Role
from tests.builders import House, facts, person

END = date(2026, 6, 26)
DAY = END - timedelta(days=52)  # no step of the cadence is near
NEXT = DAY + timedelta(days=1)
ANN = person("ann@acme.example")
TOM = person("tom@acme.example", Role.TECHNICAL)
ORDER = facts("1", ends_on=END, people=(ANN, TOM))
NEW = facts("2", ends_on=END + timedelta(days=365), placed_on=DAY, starts_on=DAY, renewal_of=ORDER.key, people=(ANN,))


@pytest.fixture(autouse=True)
def _occasions(house: House) -> None:
    house.policy = replace(house.policy, occasions=OccasionPolicy())


def run(house: House, *rows: Any, day: date = DAY) -> None:
    house.source.rows = list(rows)
    house.run(day)


def letters(house: House, occasion: Occasion) -> list[Letter]:
    return [one for one in house.writer.letters if one.occasion is occasion]


def steps(house: House, name: str) -> list[tuple[str, str]]:
    return [state for (_, touchpoint, _), state in house.touches().items() if touchpoint.startswith(name)]


class TestThanks:
    def test_a_renewal_that_the_ca_shows_is_thanked_for_once(self, house: House) -> None:
        run(house, ORDER)
        run(house, ORDER, NEW)
        run(house, ORDER, NEW, day=NEXT)
        run(house, ORDER, NEW, day=NEXT + timedelta(days=1))
        (letter,) = letters(house, Occasion.THANK_YOU)
        assert letter.kind is LetterKind.THANK_YOU
        assert (letter.nature, letter.blocks, letter.offer) == (Nature.SERVICE, frozenset(), None)
        assert letter.renewed is not None
        assert (letter.renewed.new_order_id, letter.renewed.renewed_on) == ("2", DAY)
        assert (letter.renewed.new_order_ends_on, letter.renewed.install_by) == (NEW.order_expires_on, END)
        assert steps(house, "thank-you") == [("done", "")]

    def test_several_renewals_of_a_person_are_one_mail(self, house: House) -> None:
        other = facts("3", ends_on=END, people=(ANN,))
        newer = replace(NEW, key="digicert:4", outside_id="4", renewal_of=other.key)
        run(house, ORDER, other)
        run(house, ORDER, other, NEW, newer)
        run(house, ORDER, other, NEW, newer, day=NEXT)
        (letter,) = letters(house, Occasion.THANK_YOU)
        assert sorted(line.order_id for line in letter.lines) == ["1", "3"]
        assert letter.renewed is not None
        assert (letter.renewed.new_order_id, letter.renewed.new_order_ends_on) == ("", None)

    def test_what_is_only_believed_is_thanked_for_when_it_is_proven(self, house: House) -> None:
        run(house, ORDER)
        house.hear("1", DAY, Certainty.PROVISIONAL)
        run(house, ORDER, day=NEXT)
        assert steps(house, "thank-you") == []
        later = DAY + timedelta(days=8)
        run(house, ORDER, NEW, day=later)
        run(house, ORDER, NEW, day=later + timedelta(days=1))
        assert steps(house, "thank-you") == [("done", "")]

    def test_a_mistake_that_is_found_in_time_is_not_thanked_for(self, house: House) -> None:
        run(house, ORDER)
        run(house, ORDER, NEW)
        fallen = replace(NEW, status=OrderStatus.CANCELLED)
        house.source.rows = [ORDER, fallen]
        house.run(NEXT)
        assert house.cycles()[0].open
        assert steps(house, "thank-you") == []

    def test_nobody_is_thanked_before_going_live_or_where_it_is_switched_off(self, house: House) -> None:
        with house.store.begin() as connection:
            golive.observe(connection)
        run(house, ORDER, NEW)
        with house.store.begin() as connection:
            golive.go_live(connection, NEXT)
        run(house, ORDER, NEW, day=NEXT)
        assert steps(house, "thank-you") == []
        house.policy = replace(house.policy, occasions=replace(house.policy.occasions, thank_you=False))
        other, newer = facts("5", ends_on=END), replace(NEW, key="digicert:6", outside_id="6", renewal_of="digicert:5")
        run(house, ORDER, NEW, other, newer, day=NEXT)
        assert steps(house, "thank-you") == []

    def test_one_who_wants_no_contact_gets_none(self, house: House) -> None:
        run(house, ORDER)
        house.write(update(accounts).values(do_not_contact=True))
        run(house, ORDER, NEW)
        assert steps(house, "thank-you") == [("skipped", Reason.DO_NOT_CONTACT)]


class TestValidation:
    def test_the_technical_contact_is_reminded_until_it_is_issued(self, house: House) -> None:
        placed = replace(NEW, status=OrderStatus.PENDING, certificate_issued_on=None, certificate_expires_on=None)
        run(house, ORDER)
        for days in (0, 2, 3, 9, 10):
            run(house, ORDER, placed, day=DAY + timedelta(days=days))
        told = letters(house, Occasion.VALIDATION)
        assert [letter.kind for letter in told] == [LetterKind.VALIDATION] * 2
        assert {letter.nature for letter in told} == {Nature.SERVICE}
        assert [mail.to for mail in house.mailer.sent if mail.to.startswith("tom")] == ["tom@acme.example"] * 2
        assert steps(house, "validation") == [("done", ""), ("done", "")]
        for days in (17, 25):
            run(house, ORDER, NEW, day=DAY + timedelta(days=days))
        assert len(letters(house, Occasion.VALIDATION)) == 2

    def test_issued_before_it_goes_it_falls_away(self, house: House) -> None:
        run(house, ORDER)
        house.hear("1", DAY, Certainty.IN_PROGRESS)
        house.settle(DAY)
        house.settle(DAY + timedelta(days=2))
        assert steps(house, "validation") == [("planned", "")]
        house.hear("1", DAY)
        house.deliver(DAY + timedelta(days=2))
        assert steps(house, "validation") == [("withdrawn", Reason.RENEWED)]
        assert letters(house, Occasion.VALIDATION) == []


class TestWinBack:
    def lost(self, house: House, again: date, *, agreed: bool = True) -> None:
        run(house, ORDER)
        if agreed:
            house.may_sell_to(ANN.email)
        told = {"reason": "price", "win_back_on": again.isoformat()}
        house.crm.history.append(CrmChange("1", "lost", order_key=ORDER.key, facts=told))
        run(house, ORDER)

    def test_on_the_day_that_the_rep_set_a_lost_customer_is_asked_once(self, house: House) -> None:
        again = END + timedelta(days=200)
        self.lost(house, again)
        for day in (again - timedelta(days=1), again, again + timedelta(days=1), again + timedelta(days=2)):
            run(house, ORDER, day=day)
        (letter,) = letters(house, Occasion.WIN_BACK)
        assert (letter.kind, letter.nature) == (LetterKind.WIN_BACK, Nature.COMMERCIAL)
        assert Block.BROWSER_WARNING not in letter.blocks
        assert letter.browser_warning is None
        assert steps(house, "win-back") == [("done", "")]

    def test_without_consent_nobody_is(self, house: House) -> None:
        again = END + timedelta(days=200)
        self.lost(house, again, agreed=False)
        run(house, ORDER, day=again)
        assert steps(house, "win-back") == [("skipped", Reason.NO_CONSENT)]
        assert letters(house, Occasion.WIN_BACK) == []

    def test_what_lapsed_is_asked_for_after_some_time(self, house: House) -> None:
        run(house, ORDER, day=END + timedelta(days=1))
        house.may_sell_to(ANN.email)
        house.settle(END + timedelta(days=14))
        (cycle,) = house.rows(cycles)
        assert cycle.outcome == Reason.LAPSED
        late = cycle.closed_on + timedelta(days=60)
        house.settle(late - timedelta(days=1))
        assert steps(house, "win-back") == []
        house.settle(late)
        assert steps(house, "win-back") == [("planned", "")]
        house.hear("1", END)
        house.deliver(late + timedelta(days=4))
        assert steps(house, "win-back") == [("withdrawn", Reason.RENEWED)]


@pytest.mark.parametrize("left", [True, False])
def test_a_reader_who_is_no_longer_the_one_gets_none(house: House, left: bool) -> None:
    run(house, ORDER)
    house.source.rows = [ORDER, NEW]
    house.sync(NEXT)
    house.settle(NEXT)
    if left:
        house.source.rows = [replace(ORDER, people=(TOM,)), NEW]
        house.sync(NEXT)
    house.deliver(NEXT)
    expected = [("withdrawn", Reason.OTHER_RECIPIENT)] if left else [("done", "")]
    assert steps(house, "thank-you") == expected
    (thanks,) = house.rows(deliveries, deliveries.c.occasion == "thank_you")
    assert thanks.state == ("withdrawn" if left else "delivered")
