"""What confirmations do to cycles, when cycles lapse, and that settling again changes nothing."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, update

from core import golive
from core.model import OrderFacts
from core.reasons import Reason
from core.schema import confirmations, cycles, deliveries, touches
from core.settle import SettleCounts, settle
from core.timing import WholeDay
from core.words import Certainty, Clock, DeliveryKind, OrderStatus, Stage
from tests.builders import House, facts

TODAY = date(2026, 3, 2)
END = date(2026, 5, 29)
YEAR = timedelta(days=365)


def later(days: int, day: date = TODAY) -> date:
    return day + timedelta(days=days)


def take(house: House, *rows: OrderFacts, day: date = TODAY) -> SettleCounts:
    """A sync and a settle."""
    house.source.rows = rows
    house.sync(day)
    return house.settle(day)


def verdicts(house: House) -> list[tuple[str, str]]:
    return [(row.state, row.reason) for row in house.rows(confirmations)]


def standing(house: House, outside_id: str = "1", number: int = 1) -> tuple[bool, str, str, str]:
    """Whether a renewal cycle is open, its outcome, stage and certainty."""
    row = house.cycles(outside_id)[number - 1]
    return row.open, row.outcome, row.stage, row.certainty


def in_place(house: House) -> None:
    """One order with two renewal cycles, the second of which is open."""
    take(house, facts(ends_on=END))
    take(house, facts(ends_on=END + YEAR, starts_on=END - YEAR, certificate_id="c2"), day=later(1))


WON = (False, Reason.RENEWED, Stage.RENEWED, Certainty.CONFIRMED)
OPEN = (True, "", Stage.UPCOMING, "")
STALE = ("stale", "no cycle's window holds its day")


class TestConfirmed:
    def test_it_closes_the_cycle_once(self, house: House) -> None:
        take(house, facts(ends_on=END))
        house.hear("1", TODAY)
        assert house.settle(TODAY) == SettleCounts(renewed=1)
        assert standing(house) == WON
        [row] = house.rows(confirmations)
        assert (row.state, row.cycle_id, row.applied_at.date()) == ("applied", house.cycles()[0].id, TODAY)
        assert house.cycles()[0].closed_on == TODAY

    def test_the_same_renewal_told_twice_counts_once(self, house: House) -> None:
        take(house, facts(ends_on=END))
        for key in "abb":
            house.hear("1", TODAY, source_key=key)
        assert house.settle(TODAY).renewed == 1
        house.hear("1", later(1), source_key="c")
        assert house.settle(later(1)) == SettleCounts()
        assert verdicts(house) == [("applied", "")] * 3
        assert standing(house) == WON

    def test_early_it_is_applied_when_its_order_appears(self, house: House) -> None:
        house.hear("1", TODAY)
        assert house.settle(TODAY) == SettleCounts()
        assert verdicts(house) == [("waiting", "")]
        assert take(house, facts(ends_on=END), day=later(5)).renewed == 1
        assert standing(house) == WON

    @pytest.mark.parametrize(("day", "applied"), [(30, True), (31, False)])
    def test_late_up_to_thirty_days_after_the_end(self, house: House, day: int, applied: bool) -> None:
        take(house, facts(ends_on=END))
        house.hear("1", later(day, END))
        house.settle(TODAY)
        assert verdicts(house) == [("applied", "") if applied else STALE]
        assert house.cycles()[0].open is not applied

    def test_a_day_before_the_order_began_is_stale(self, house: House) -> None:
        take(house, facts(ends_on=END))
        house.hear("1", later(-1, END - YEAR))
        assert house.settle(TODAY) == SettleCounts()
        assert verdicts(house) == [STALE]
        assert standing(house) == OPEN

    def test_it_closes_only_the_cycle_whose_window_holds_its_day(self, house: House) -> None:
        in_place(house)
        house.hear("1", later(30, END))
        house.settle(later(40, END))
        assert standing(house, number=2)[0]
        house.hear("1", later(31, END))
        assert house.settle(later(41, END)).renewed == 1
        assert [row.cycle_id for row in house.rows(confirmations)] == [row.id for row in house.cycles()]
        assert standing(house, number=2) == WON

    def test_out_of_order_each_finds_its_cycle(self, house: House) -> None:
        in_place(house)
        house.hear("1", END + YEAR)
        house.hear("1", END)
        house.settle(END)
        first, second = house.cycles()
        assert [row.cycle_id for row in house.rows(confirmations)] == [second.id, first.id]

    def test_another_clock_is_not_meant(self, house: House) -> None:
        take(house, facts(ends_on=END))
        house.hear("1", TODAY, clock=Clock.REISSUE)
        house.settle(TODAY)
        assert verdicts(house) == [STALE]
        assert standing(house) == OPEN

    def test_many_are_applied_in_batches(self, house: House) -> None:
        count = 600
        take(house, *(facts(str(number), ends_on=END) for number in range(count)))
        for number in range(count):
            house.hear(str(number), TODAY)
        assert house.settle(TODAY).renewed == count

    def test_a_replacement_is_told_apart(self, house: House) -> None:
        names: dict[str, Any] = {"common_name": "shop.example.com", "dns_names": ("shop.example.com",)}
        old = facts("1", ends_on=END, **names)
        early = facts("2", ends_on=END + YEAR, placed_on=later(-91, END), **names)
        assert take(house, old, early).renewed == 0
        assert take(house, old, replace(early, placed_on=later(-90, END)), day=later(1)).renewed == 1
        assert standing(house) == (False, Reason.REPLACED, Stage.RENEWED, Certainty.CONFIRMED)
        assert standing(house, "2")[0]

    @pytest.mark.parametrize(
        ("old", "new"),
        [({}, {"renewal_of": "digicert:1"}), ({"renewed_by": "digicert:2"}, {}), ({"is_renewed": True}, {})],
        ids=["new names old", "old names new", "is_renewed alone"],
    )
    def test_links_in_either_direction_renew(self, house: House, old: dict[str, Any], new: dict[str, Any]) -> None:
        rows = facts("1", ends_on=END, **old), facts("2", ends_on=END + YEAR, placed_on=TODAY, **new)
        assert take(house, *rows).renewed == 1
        assert standing(house) == WON
        assert standing(house, "2") == OPEN

    def test_history_is_corrected_but_not_counted(self, house: House) -> None:
        order = facts(ends_on=later(-40), is_renewed=True)
        assert take(house, order) == SettleCounts()
        row = house.cycles()[0]
        assert (row.outcome, row.stage, row.reason) == (Reason.RENEWED, Stage.RENEWED, Reason.ENDED_BEFORE_FIRST_SEEN)


class TestCertainty:
    def test_provisional_closes_and_a_later_proof_makes_it_sure(self, house: House) -> None:
        take(house, facts(ends_on=END))
        house.hear("1", TODAY, Certainty.PROVISIONAL)
        assert house.settle(TODAY).renewed == 1
        assert standing(house) == (False, Reason.RENEWED, Stage.RENEWED, Certainty.PROVISIONAL)
        house.hear("1", later(2))
        assert house.settle(later(2)) == SettleCounts()
        assert standing(house) == WON

    @pytest.mark.parametrize("weaker", [Certainty.PROVISIONAL, Certainty.IN_PROGRESS, Certainty.PROBABLE])
    @pytest.mark.parametrize("together", [True, False])
    def test_what_is_sure_is_not_made_unsure(self, house: House, weaker: Certainty, together: bool) -> None:
        take(house, facts(ends_on=END))
        house.hear("1", TODAY)
        if not together:
            house.settle(TODAY)
        house.hear("1", TODAY, weaker)
        house.settle(TODAY)
        assert standing(house) == WON

    def test_probable_is_noted_and_closes_nothing(self, house: House) -> None:
        take(house, facts(ends_on=END))
        house.hear("1", TODAY, Certainty.PROBABLE)
        assert house.settle(TODAY) == SettleCounts()
        assert standing(house) == (True, "", Stage.UPCOMING, Certainty.PROBABLE)


class TestInProgress:
    OLD = facts("1", ends_on=END)
    ISSUED = facts("2", ends_on=END + YEAR, placed_on=TODAY, renewal_of="digicert:1")
    PLACED = replace(
        ISSUED,
        status=OrderStatus.PENDING,
        order_expires_on=None,
        certificate_issued_on=None,
        certificate_expires_on=None,
    )

    def test_a_placed_order_stops_selling_and_queues_the_record(self, house: House) -> None:
        take(house, self.OLD)
        house.write(delete(deliveries))
        assert take(house, self.OLD, self.PLACED) == SettleCounts()
        assert standing(house) == (True, "", Stage.IN_PROGRESS, Certainty.IN_PROGRESS)
        assert [row.order_id for row in house.rows(deliveries)] == [house.cycles()[0].order_id]

    def test_issued_it_is_renewed(self, house: House) -> None:
        take(house, self.OLD, self.PLACED)
        assert take(house, self.OLD, self.ISSUED, day=later(3)).renewed == 1
        assert standing(house) == WON

    @pytest.mark.parametrize("status", [OrderStatus.REJECTED, OrderStatus.CANCELLED])
    def test_rejected_it_is_reopened(self, house: House, status: OrderStatus) -> None:
        house.source.rows = [self.OLD, self.PLACED]
        house.run(later(-60, END))
        assert house.touches()["1", "before-60", "mail"] == ("skipped", Reason.IN_PROGRESS)
        house.write(delete(deliveries))
        counts = take(house, self.OLD, replace(self.PLACED, status=status), day=later(-59, END))
        assert counts == SettleCounts(reopened=1)
        assert standing(house) == OPEN
        assert house.touches() == {}
        assert [row.kind for row in house.rows(deliveries)] == [DeliveryKind.RECORD]
        assert house.settle(later(-59, END)) == SettleCounts()

    def test_what_was_told_before_stays_told(self, house: House) -> None:
        house.source.rows = [self.OLD]
        house.run(later(-60, END))
        assert standing(house)[2] == Stage.CONTACTED
        take(house, self.OLD, self.PLACED, day=later(-59, END))
        take(house, self.OLD, replace(self.PLACED, status=OrderStatus.REJECTED), day=later(-58, END))
        assert standing(house) == (True, "", Stage.CONTACTED, "")
        assert [state for state, _ in house.touches().values()] == ["done"]

    def test_another_order_that_was_placed_too_keeps_it_in_progress(self, house: House) -> None:
        other = replace(self.PLACED, key="digicert:3", outside_id="3")
        take(house, self.OLD, self.PLACED, other)
        rejected = replace(self.PLACED, status=OrderStatus.REJECTED)
        assert take(house, self.OLD, rejected, other).reopened == 0
        assert standing(house)[2] == Stage.IN_PROGRESS

    def test_that_another_one_is_likely_does_not_keep_it_in_progress(self, house: House) -> None:
        take(house, self.OLD, self.PLACED)
        house.hear("1", TODAY, Certainty.PROBABLE)
        rejected = replace(self.PLACED, status=OrderStatus.REJECTED)
        assert take(house, self.OLD, rejected).reopened == 1

    def test_rejected_before_it_was_applied_leaves_no_trace(self, house: House) -> None:
        house.source.rows = [self.OLD, self.PLACED]
        house.sync(TODAY)
        assert take(house, self.OLD, replace(self.PLACED, status=OrderStatus.REJECTED)) == SettleCounts()
        assert standing(house) == OPEN

    def test_what_is_renewed_meanwhile_is_not_reopened(self, house: House) -> None:
        take(house, self.OLD, self.PLACED)
        house.hear("1", TODAY)
        house.settle(TODAY)
        rejected = replace(self.PLACED, status=OrderStatus.REJECTED)
        assert take(house, self.OLD, rejected) == SettleCounts()
        assert standing(house) == WON


class TestLapse:
    def test_eight_days_after_the_end(self, house: House) -> None:
        house.source.rows = [facts(ends_on=END)]
        house.play(later(-1, END), later(7, END))
        assert standing(house)[0]
        assert house.run(later(8, END)).settle == SettleCounts(lapsed=1)
        row = house.cycles()[0]
        assert (row.open, row.outcome, row.stage, row.closed_on) == (False, Reason.LAPSED, Stage.LAPSED, later(8, END))

    def test_a_step_that_days_off_have_moved_still_goes(self, house: House) -> None:
        take(house, facts(ends_on=END))
        house.plan(TODAY)
        house.write(update(cycles).values(next_on=later(10, END)))
        assert house.settle(later(8, END)).lapsed == 0
        assert house.settle(later(13, END)).lapsed == 0
        assert house.settle(later(14, END)).lapsed == 1

    def test_what_waits_to_be_sent_is_waited_for_until_the_fourteenth_day(self, house: House) -> None:
        house.source.rows = [facts(ends_on=END)]
        house.sync(later(6, END))
        house.plan(later(7, END))
        assert {state for state, _ in house.touches().values()} >= {"planned"}
        assert house.settle(later(13, END)).lapsed == 0
        counts = house.settle(later(14, END))
        assert counts.lapsed == 1
        assert counts.withdrawn > 0

    def test_a_lapsed_order_that_is_renewed_after_all_is_won_back(self, house: House) -> None:
        take(house, facts(ends_on=END))
        assert house.settle(later(14, END)).lapsed == 1
        house.hear("1", later(20, END))
        assert house.settle(later(20, END)) == SettleCounts(renewed=1)
        assert standing(house) == (False, Reason.RENEWED, Stage.WON_BACK, Certainty.CONFIRMED)

    def test_a_lapsed_reissue_counts_and_a_lapsed_install_does_not(self, house: House) -> None:
        order = facts(ends_on=END + YEAR, certificate_expires_on=END)
        take(house, order)
        house.write(update(cycles).where(cycles.c.clock == Clock.REISSUE).values(clock=Clock.INSTALL))
        take(house, replace(order, status_text="Issued"))
        assert {row.clock for row in house.rows(cycles)} == set(Clock)
        assert house.settle(later(14, END)) == SettleCounts(lapsed=1)
        assert [row.clock for row in house.rows(cycles, cycles.c.open)] == [Clock.RENEWAL]


class TestGoLive:
    def test_what_had_ended_is_closed_in_silence(self, house: House) -> None:
        with house.store.begin() as connection:
            golive.observe(connection)
        rows = facts("1", ends_on=later(-3)), facts("2", ends_on=TODAY), facts("3", ends_on=END)
        assert take(house, *rows) == SettleCounts()
        house.plan(TODAY)
        assert house.rows(cycles, ~cycles.c.open) == []
        with house.store.begin() as connection:
            golive.go_live(connection, TODAY)
        counts = house.settle(TODAY)
        assert (counts.renewed, counts.lapsed) == (0, 0)
        assert counts.withdrawn > 0
        assert standing(house) == (False, Reason.ENDED_BEFORE_GO_LIVE, Stage.LAPSED, "")
        assert standing(house, "2")[0]
        assert standing(house, "3")[0]
        mails = house.rows(touches, touches.c.cycle_id == house.cycles("1")[0].id, touches.c.state == "planned")
        assert mails == []

    def test_nothing_is_closed_before_the_day_has_come(self, house: House) -> None:
        with house.store.begin() as connection:
            golive.go_live(connection, later(2))
        take(house, facts(ends_on=later(-3)))
        assert standing(house)[0]
        house.settle(later(2))
        assert standing(house)[1] == Reason.ENDED_BEFORE_GO_LIVE

    def test_a_renewal_that_is_known_is_won_all_the_same(self, house: House) -> None:
        with house.store.begin() as connection:
            golive.go_live(connection, TODAY)
        assert take(house, facts(ends_on=later(-3), is_renewed=True)).renewed == 1
        assert standing(house) == WON

    def test_a_corrected_end_brings_it_back(self, house: House) -> None:
        with house.store.begin() as connection:
            golive.go_live(connection, TODAY)
        take(house, facts(ends_on=later(-3)))
        take(house, facts(ends_on=later(20), starts_on=later(-3) - YEAR), day=later(1))
        assert standing(house) == OPEN


class TestAgain:
    def test_settling_twice_changes_nothing(self, house: House) -> None:
        house.source.rows = [
            facts("1", ends_on=END),
            facts("2", ends_on=later(-30), is_renewed=True),
            facts("3", ends_on=END, status=OrderStatus.CANCELLED),
            facts("4", ends_on=END + YEAR, certificate_expires_on=END),
            replace(TestInProgress.PLACED, key="digicert:5", outside_id="5"),
        ]
        house.run(later(-45, END))
        for number, certainty in enumerate(Certainty):
            house.hear("1", later(number), certainty)
        house.hear("4", TODAY, clock=Clock.REISSUE)
        house.hear("9", TODAY)
        day = later(-44, END)
        house.settle(day)
        before = house.dump()
        assert house.settle(day) == SettleCounts()
        after = house.dump()
        del before["engine_locks"], after["engine_locks"]
        assert after == before

    def test_no_record_is_queued_where_no_crm_wants_one(self, house: House) -> None:
        take(house, facts(ends_on=END))
        house.write(delete(deliveries))
        house.hear("1", TODAY)
        assert settle(house.store, WholeDay(TODAY), house.policy, records=False).renewed == 1
        assert house.rows(deliveries) == []
