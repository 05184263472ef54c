"""How cycles follow what a source says of an order."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from core.columns import metadata
from core.cycles import Frame, install_cycle
from core.model import OrderFacts
from core.reasons import Reason
from core.schema import cycles, touches
from core.settle import SettleCounts, settle
from core.store import Store, open_store, rehearse
from core.sync import sync
from core.timing import WholeDay
from core.words import Clock, OrderStatus, Stage
from tests.builders import House, facts, make_ledger, no_rejects, policy, source

TODAY = date(2026, 3, 2)
END = date(2026, 5, 29)
POLICY = policy()
FRAME = Frame.of(POLICY.cadences, TODAY)


def later(days: int, day: date = TODAY) -> date:
    return day + timedelta(days=days)


def take(house: House, *rows: OrderFacts, day: date = TODAY) -> SettleCounts:
    """A sync and a settle."""
    house.source.rows = rows
    house.sync(day)
    return house.settle(day)


def running(
    *, certificate: str = "c1", issued_on: date = date(2026, 1, 10), expires_on: date, **said: Any
) -> OrderFacts:
    """An order of which the certificate ends long before it."""
    usual: dict[str, Any] = {
        "ends_on": date(2027, 1, 10),
        "certificate_id": certificate,
        "certificate_issued_on": issued_on,
        "certificate_expires_on": expires_on,
    }
    return facts(**usual | said)


class TestRenewal:
    def test_a_new_order_begins_its_first_cycle(self, house: House) -> None:
        take(house, facts(ends_on=END))
        [one] = house.cycles()
        assert (one.number, one.starts_on, one.ends_on, one.certificate_id) == (1, date(2025, 5, 29), END, "c1")
        assert (one.open, one.stage, one.outcome, one.closing) == (True, Stage.UPCOMING, "", "")
        assert one.next_on < later(-90, END)
        assert house.cycles(clock=Clock.REISSUE) == house.cycles(clock=Clock.INSTALL) == []

    def test_nothing_new_changes_nothing(self, house: House) -> None:
        take(house, facts(ends_on=END))
        before = house.rows(cycles)
        take(house, facts(ends_on=END, status_text="Issued"), day=later(1))
        assert house.rows(cycles) == before

    @pytest.mark.parametrize(("by", "certificate"), [(29, "c2"), (-29, "c2"), (200, "c1")])
    def test_a_small_move_or_the_same_certificate_amends(self, house: House, by: int, certificate: str) -> None:
        take(house, facts(ends_on=END))
        moved = facts(ends_on=later(by, END), starts_on=date(2025, 5, 29), certificate_id=certificate)
        assert take(house, moved, day=later(1)) == SettleCounts()
        [one] = house.cycles()
        assert (one.number, one.ends_on, one.certificate_id, one.open) == (1, later(by, END), certificate, True)

    def test_an_amended_cycle_is_planned_afresh_but_what_was_sent_stands(self, house: House) -> None:
        house.source.rows = [facts(ends_on=END)]
        house.run(later(-60, END))
        house.plan(later(-45, END))
        house.write(update(cycles).values(stage=Stage.COMMITTED))
        sent = {key for key, (state, _) in house.touches().items() if state == "done"}
        planned = {key for key, (state, _) in house.touches().items() if state == "planned"}
        assert sent
        assert planned
        house.source.rows = [facts(ends_on=later(20, END), starts_on=date(2025, 5, 29))]
        house.sync(later(-45, END))
        assert {key for key, (state, _) in house.touches().items() if state == "done"} == sent
        assert not {key for key, (state, _) in house.touches().items() if state == "planned"}
        [one] = house.cycles()
        assert one.next_on == one.starts_on
        assert one.stage == Stage.COMMITTED

    def test_a_step_that_another_stood_for_is_decided_again_unless_that_one_went(self, house: House) -> None:
        house.source.rows = [facts(ends_on=END)]
        house.sync(later(-31, END))
        house.plan(later(-31, END))
        house.sync(later(-15, END))
        house.plan(later(-15, END))
        assert house.touches()["1", "before-30", "mail"] == ("merged", Reason.NEWER_STEP)
        house.source.rows = [facts(ends_on=later(20, END), starts_on=date(2025, 5, 29))]
        house.sync(later(-15, END))
        assert ("1", "before-30", "mail") not in house.touches()
        house.plan(later(-15, END))
        house.deliver(later(-10, END))
        house.plan(later(-10, END))
        house.deliver(later(-9, END))
        assert house.touches()["1", "before-30", "mail"] == ("done", "")

    def test_an_extension_in_place_wins_the_renewal_and_begins_the_next(self, house: House) -> None:
        take(house, facts(ends_on=END))
        extended = facts(
            ends_on=later(365, END), starts_on=date(2025, 5, 29), certificate_id="c2", certificate_issued_on=TODAY
        )
        assert take(house, extended, day=later(1)).renewed == 1
        first, second = house.cycles()
        assert (first.open, first.outcome, first.stage) == (False, Reason.RENEWED, Stage.RENEWED)
        assert (second.number, second.open, second.ends_on) == (2, True, later(365, END))
        [install] = house.cycles(clock=Clock.INSTALL)
        assert (install.ends_on, install.certificate_id, install.open) == (END, "c1", True)

    def test_an_extension_in_place_keeps_the_reissue_clock_of_its_certificate(self, house: House) -> None:
        take(house, facts(ends_on=END, certificate_id=""))
        extended = facts(
            ends_on=later(365, END), starts_on=date(2025, 5, 29), certificate_id="", certificate_expires_on=END
        )
        assert take(house, extended, day=later(1)).renewed == 1
        [reissue] = house.cycles(clock=Clock.REISSUE)
        assert (reissue.open, reissue.ends_on) == (True, END)
        assert house.cycles(clock=Clock.INSTALL) == []

    def test_an_extension_after_the_lapse_is_won_back(self, house: House) -> None:
        take(house, facts(ends_on=END))
        assert take(house, facts(ends_on=END), day=later(15, END)).lapsed == 1
        extended = facts(ends_on=later(365, END), starts_on=date(2025, 5, 29), certificate_id="c2")
        assert take(house, extended, day=later(20, END)).renewed == 1
        first, second = house.cycles()
        assert (first.stage, first.outcome) == (Stage.WON_BACK, Reason.RENEWED)
        assert second.open
        assert house.cycles(clock=Clock.INSTALL) == []

    def test_an_end_put_back_is_no_renewal(self, house: House) -> None:
        take(house, facts(ends_on=later(100, END)))
        corrected = facts(ends_on=END, starts_on=date(2025, 5, 29), certificate_id="c2")
        assert take(house, corrected, day=later(1)) == SettleCounts()
        first, second = house.cycles()
        assert (first.open, first.outcome, first.stage) == (False, Reason.END_MOVED, Stage.UPCOMING)
        assert (second.open, second.ends_on) == (True, END)
        assert house.cycles(clock=Clock.INSTALL) == []

    @pytest.mark.parametrize("status", [OrderStatus.CANCELLED, OrderStatus.REVOKED, OrderStatus.REJECTED])
    def test_a_status_that_ends_the_order_closes_all_its_clocks(self, house: House, status: OrderStatus) -> None:
        order = running(expires_on=date(2026, 7, 28))
        take(house, order)
        counts = take(house, replace(order, status=status), day=later(1))
        assert (counts.renewed, counts.lapsed) == (0, 0)
        assert [(one.open, one.outcome, one.closed_on) for one in house.rows(cycles)] == [
            (False, status.value, later(1)),
            (False, status.value, later(1)),
        ]

    def test_an_order_that_is_issued_again_runs_again(self, house: House) -> None:
        take(house, facts(ends_on=END))
        take(house, facts(ends_on=END, status=OrderStatus.REVOKED), day=later(1))
        take(house, facts(ends_on=END), day=later(2))
        [one] = house.cycles()
        assert (one.number, one.open, one.outcome, one.closed_on, one.stage) == (1, True, "", None, Stage.UPCOMING)

    def test_what_had_ended_before_it_was_first_seen_lapses_in_silence(self, house: House) -> None:
        assert take(house, facts(ends_on=later(-8))) == SettleCounts()
        [one] = house.cycles()
        assert (one.open, one.outcome, one.reason) == (False, Reason.LAPSED, Reason.ENDED_BEFORE_FIRST_SEEN)
        assert (one.stage, one.next_on) == (Stage.LAPSED, None)

    def test_what_ended_within_the_last_week_still_runs(self, house: House) -> None:
        take(house, facts(ends_on=later(-7)))
        assert house.cycles()[0].open

    @pytest.mark.parametrize("by", [25, -5])
    def test_a_lapsed_cycle_lives_again_only_where_its_corrected_end_lets_it(self, house: House, by: int) -> None:
        take(house, facts(ends_on=later(-8)))
        corrected = facts(ends_on=later(-8 + by), starts_on=later(-373))
        take(house, corrected, day=later(1))
        [one] = house.cycles()
        assert one.ends_on == later(-8 + by)
        assert (one.open, one.stage) == ((True, Stage.UPCOMING) if by > 0 else (False, Stage.LAPSED))

    def test_a_renewal_that_was_won_is_not_revived_by_a_corrected_end(self, house: House) -> None:
        take(house, facts(ends_on=END))
        house.hear("1", TODAY)
        house.settle(TODAY)
        take(house, facts(ends_on=later(5, END), starts_on=date(2025, 5, 29)), day=later(1))
        assert [(one.open, one.outcome) for one in house.cycles()] == [(False, Reason.RENEWED)]


class TestReissue:
    EXPIRES = date(2026, 7, 28)

    def test_a_certificate_inside_the_order_runs_its_own_clock(self, house: House) -> None:
        take(house, running(expires_on=self.EXPIRES))
        [one] = house.cycles(clock=Clock.REISSUE)
        assert (one.starts_on, one.ends_on, one.open) == (date(2026, 1, 10), self.EXPIRES, True)

    def test_a_reissue_closes_its_cycle_and_opens_install_with_the_old_end(self, house: House) -> None:
        take(house, running(expires_on=self.EXPIRES))
        seen = later(-20, self.EXPIRES)
        reissued = running(certificate="c2", issued_on=seen, expires_on=later(150, seen))
        counts = take(house, reissued, day=seen)
        assert (counts.renewed, counts.lapsed) == (0, 0)
        first, second = house.cycles(clock=Clock.REISSUE)
        assert (first.open, first.outcome) == (False, Reason.REISSUED)
        assert (second.open, second.ends_on) == (True, later(150, seen))
        [install] = house.cycles(clock=Clock.INSTALL)
        assert (install.starts_on, install.ends_on, install.certificate_id) == (
            date(2026, 1, 10), self.EXPIRES, "c1",
        )  # fmt: skip
        assert [one.open for one in house.cycles()] == [True]

    def test_the_last_reissue_ends_with_the_order_and_leaves_only_the_renewal(self, house: House) -> None:
        take(house, running(expires_on=self.EXPIRES))
        seen = later(-20, self.EXPIRES)
        take(house, running(certificate="c2", issued_on=seen, expires_on=date(2027, 1, 10)), day=seen)
        assert [(one.open, one.outcome) for one in house.cycles(clock=Clock.REISSUE)] == [(False, Reason.REISSUED)]
        assert [one.ends_on for one in house.cycles(clock=Clock.INSTALL)] == [self.EXPIRES]

    def test_an_order_put_back_to_the_end_of_its_certificate_needs_no_reissue(self, house: House) -> None:
        order = running(expires_on=self.EXPIRES)
        take(house, order)
        take(house, replace(order, order_expires_on=later(3, self.EXPIRES)), day=later(1))
        [one] = house.cycles(clock=Clock.REISSUE)
        assert (one.open, one.outcome) == (False, Reason.SUPERSEDED)
        assert house.cycles(clock=Clock.INSTALL) == []
        take(house, order, day=later(2))
        assert [(one.number, one.open) for one in house.cycles(clock=Clock.REISSUE)] == [(1, True)]

    def test_a_reissue_seen_after_the_old_certificate_ended_opens_no_install_clock(self, house: House) -> None:
        take(house, running(expires_on=self.EXPIRES))
        seen = later(3, self.EXPIRES)
        take(house, running(certificate="c2", issued_on=seen, expires_on=later(150, seen)), day=seen)
        assert house.cycles(clock=Clock.REISSUE)[0].outcome == Reason.REISSUED
        assert house.cycles(clock=Clock.INSTALL) == []

    def test_two_reissues_leave_an_install_clock_for_each_old_certificate(self, house: House) -> None:
        take(house, running(expires_on=self.EXPIRES))
        for number, seen in enumerate((later(-20, self.EXPIRES), later(20, self.EXPIRES)), start=2):
            take(house, running(certificate=f"c{number}", issued_on=seen, expires_on=later(120, seen)), day=seen)
        installs = house.cycles(clock=Clock.INSTALL)
        assert [(one.number, one.ends_on) for one in installs] == [(1, self.EXPIRES), (2, date(2026, 11, 5))]


class TestInstall:
    def test_a_certificate_has_one_install_clock(self) -> None:
        row = install_cycle(1, TODAY, END, "c1", [], FRAME)
        assert row is not None
        assert (row["number"], row["ends_on"], row["open"]) == (1, END, True)

    def test_none_where_the_old_certificate_has_ended(self) -> None:
        assert install_cycle(1, TODAY, later(-1), "c1", [], FRAME) is None
        assert install_cycle(1, TODAY, TODAY, "c1", [], FRAME) is not None


@dataclass(frozen=True)
class Word:
    """What a source says one day of an order."""

    wait: int
    status: OrderStatus
    order_ends: int
    certificate_ends: int
    certificate: str


words = st.builds(
    Word,
    wait=st.sampled_from([0, 1, 10, 40, 200]),
    status=st.sampled_from([OrderStatus.ISSUED] * 4 + [OrderStatus.PENDING, OrderStatus.REVOKED, OrderStatus.CANCELLED]),
    order_ends=st.sampled_from([0, 20, 60, 100, 365, 400, 730]),
    certificate_ends=st.sampled_from([0, 20, 45, 60, 100, 199, 365]),
    certificate=st.sampled_from(["", "c1", "c2", "c3"]),
)  # fmt: skip


def told(word: Word) -> OrderFacts:
    end = later(word.order_ends)
    return facts(
        ends_on=end,
        status=word.status,
        starts_on=later(-60),
        certificate_id=word.certificate,
        certificate_expires_on=min(end, later(word.certificate_ends)),
    )


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path_factory.mktemp('cycles') / 'nolapse.db'}"
    make_ledger(url)
    store = open_store(url)
    yield store
    store.close()


def dump(store: Store) -> dict[str, list[Any]]:
    with store.read() as connection:
        return {
            name: list(connection.execute(select(table)))
            for name, table in metadata.tables.items()
            if name != "engine_locks"
        }


def assert_sound(store: Store, settled: bool) -> None:
    with store.read() as connection:
        rows = connection.execute(select(cycles).order_by(cycles.c.number)).all()
    of_clock: dict[tuple[int, str], list[Any]] = defaultdict(list)
    for row in rows:
        of_clock[row.order_id, row.clock].append(row)
    for (_, clock), group in of_clock.items():
        assert [row.number for row in group] == list(range(1, len(group) + 1))
        running = [row for row in group if row.open and not row.closing]
        if clock == Clock.INSTALL:
            assert len({row.ends_on for row in running}) == len(running)
        else:
            assert len(running) <= 1
            assert all(row is group[-1] for row in running)
    for row in rows:
        assert row.open == (not row.outcome) == (row.closed_on is None)
        if settled:
            assert not row.closing


class TestAnySequence:
    @settings(max_examples=40)
    @given(st.lists(words, min_size=1, max_size=6), st.booleans())
    def test_one_cycle_of_a_clock_is_open_and_numbers_follow_each_other(
        self, ledger: Store, said: list[Word], settles: bool
    ) -> None:
        with rehearse(ledger) as store:
            day = TODAY
            for word in said:
                day = later(word.wait, day)
                timer = WholeDay(day)
                sync(store, [source([told(word)])], None, timer, POLICY, rejects=no_rejects)
                assert_sound(store, settled=False)
                if settles:
                    settle(store, timer, POLICY, records=False)
                    assert_sound(store, settled=True)
                    before = dump(store)
                    assert settle(store, timer, POLICY, records=False) == SettleCounts()
                    assert dump(store) == before

    @settings(max_examples=25)
    @given(words, words)
    def test_the_same_word_twice_says_nothing_new(self, ledger: Store, first: Word, second: Word) -> None:
        with rehearse(ledger) as store:
            for word in (first, second):
                sync(store, [source([told(word)])], None, WholeDay(TODAY), POLICY, rejects=no_rejects)
            before = dump(store)
            again = replace(told(second), status_text="the same in other words")
            sync(store, [source([again])], None, WholeDay(TODAY), POLICY, rejects=no_rejects)
            after = dump(store)
            assert after[cycles.name] == before[cycles.name]
            assert after[touches.name] == before[touches.name]
