"""Which clocks run, when an end amends a cycle and when it begins a new one, and whose a confirmation is."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cadence_tables import CadenceRules
from core.clocks import GRACE_DAYS, Cycle, Move, Span, Window, lapses_on, move, spans, windows
from core.words import Clock, OrderStatus
from tests.builders import facts

RULES = CadenceRules()
END = date(2026, 6, 30)
START = date(2025, 6, 30)

days = st.dates(date(2020, 1, 1), date(2035, 1, 1))


def cycle(number: int = 1, *, starts_on: date = START, ends_on: date = END, certificate: str = "c1") -> Cycle:
    return Cycle(number, Clock.RENEWAL, number, starts_on, ends_on, certificate, open=True)


class TestSpans:
    def test_renewal_runs_to_the_end_of_the_order(self) -> None:
        assert spans(facts(ends_on=END), RULES) == (Span(Clock.RENEWAL, START, END, "c1"),)

    def test_reissue_runs_to_the_end_of_a_certificate_inside_the_order(self) -> None:
        issued, expires = date(2026, 1, 10), date(2026, 5, 1)
        order = facts(ends_on=END, certificate_issued_on=issued, certificate_expires_on=expires)
        assert spans(order, RULES)[1:] == (Span(Clock.REISSUE, issued, expires, "c1"),)

    @pytest.mark.parametrize(("gap", "clocks"), [(7, 1), (8, 2)])
    def test_reissue_needs_an_order_that_ends_more_than_a_week_later(self, gap: int, clocks: int) -> None:
        order = facts(ends_on=END, certificate_expires_on=END - timedelta(days=gap))
        assert len(spans(order, RULES)) == clocks

    @pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.REVOKED, OrderStatus.REJECTED])
    def test_nothing_runs_for_what_was_ended_by_its_status(self, status: OrderStatus) -> None:
        assert spans(facts(ends_on=END, status=status), RULES) == ()

    def test_nothing_runs_without_any_end(self) -> None:
        order = facts(ends_on=END, order_expires_on=None, certificate_expires_on=None)
        assert spans(order, RULES) == ()

    def test_without_an_end_of_its_own_the_order_ends_with_its_certificate(self) -> None:
        order = facts(ends_on=END, order_expires_on=None, certificate_expires_on=END)
        assert spans(order, RULES) == (Span(Clock.RENEWAL, START, END, "c1"),)

    def test_an_order_without_a_start_counts_from_the_issue_then_from_the_day_it_was_placed(self) -> None:
        issued, placed = date(2025, 7, 3), date(2025, 7, 1)
        order = facts(ends_on=END, placed_on=placed, starts_on=None, certificate_issued_on=issued)
        assert spans(order, RULES)[0].starts_on == issued
        order = facts(ends_on=END, placed_on=placed, starts_on=None, certificate_issued_on=None)
        assert spans(order, RULES)[0].starts_on == placed


class TestMove:
    @pytest.mark.parametrize(
        ("by", "certificate", "expected"),
        [
            (0, "c1", Move.KEEP),
            (0, "c2", Move.AMEND),
            (29, "c2", Move.AMEND),
            (-29, "c2", Move.AMEND),
            (30, "c2", Move.BEGIN),
            (-30, "c2", Move.BEGIN),
            (365, "c1", Move.AMEND),
            (365, "", Move.BEGIN),
        ],
    )
    def test_less_than_thirty_days_or_the_same_certificate_amends(
        self, by: int, certificate: str, expected: Move
    ) -> None:
        span = Span(Clock.RENEWAL, START, END + timedelta(days=by), certificate)
        assert move(cycle(), span, RULES) is expected

    def test_two_unknown_certificates_are_not_the_same(self) -> None:
        span = Span(Clock.RENEWAL, START, END + timedelta(days=365), "")
        assert move(cycle(certificate=""), span, RULES) is Move.BEGIN

    def test_a_start_that_moves_amends(self) -> None:
        span = Span(Clock.RENEWAL, START + timedelta(days=1), END, "c1")
        assert move(cycle(), span, RULES) is Move.AMEND

    @given(ends_on=days, certificate=st.sampled_from(["", "c1", "c2"]))
    def test_what_is_kept_has_the_same_end(self, ends_on: date, certificate: str) -> None:
        found = move(cycle(), Span(Clock.RENEWAL, START, ends_on, certificate), RULES)
        assert (found is Move.KEEP) == (ends_on == END and certificate == "c1")


def test_a_cycle_lapses_eight_days_after_its_end() -> None:
    assert lapses_on(END, RULES) == date(2026, 7, 8)


class TestWindows:
    def test_one_cycle_has_from_its_start_to_thirty_days_after_its_end(self) -> None:
        [(_, window)] = windows([cycle()])
        assert window == Window(START, END + timedelta(days=31))
        assert window.holds(START)
        assert not window.holds(START - timedelta(days=1))
        assert window.holds(END + timedelta(days=30))
        assert not window.holds(END + timedelta(days=31))

    def test_a_following_cycle_begins_where_the_window_before_closes(self) -> None:
        second = cycle(2, ends_on=END + timedelta(days=365))
        (_, first), (owner, following) = windows([second, cycle()])
        assert owner is second
        assert following.opens_on == first.closes_on

    def test_of_cycles_with_one_end_the_newest_has_the_window(self) -> None:
        older, newer = cycle(1), cycle(3)
        held = [one for one, window in windows([older, newer]) if window.holds(END)]
        assert held == [newer]

    @given(st.lists(st.tuples(days, st.integers(0, 900)), min_size=1, max_size=6), days)
    def test_windows_are_disjoint_and_in_order(self, drawn: list[tuple[date, int]], day: date) -> None:
        known = [
            cycle(number, starts_on=start, ends_on=start + timedelta(days=length))
            for number, (start, length) in enumerate(drawn, start=1)
        ]
        found = windows(known)
        assert sorted(one.number for one, _ in found) == [one.number for one in known]
        for (_, before), (_, after) in pairwise(found):
            assert before.closes_on <= after.opens_on
            assert before.closes_on <= after.closes_on
        assert sum(window.holds(day) for _, window in found) <= 1

    @given(days, st.integers(0, 900))
    def test_the_window_of_a_lone_cycle_holds_all_its_days(self, start: date, length: int) -> None:
        one = cycle(starts_on=start, ends_on=start + timedelta(days=length))
        [(_, window)] = windows([one])
        assert window.holds(one.starts_on)
        assert window.holds(one.ends_on)
        assert (window.closes_on - one.ends_on).days == GRACE_DAYS + 1
