"""What follows when a cycle closes: touches, deliveries, tasks, other clocks, records."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import update

from core.consequences import Closed, close_cycles, withdraw_empty
from core.cycles import Frame
from core.model import OrderFacts
from core.reasons import Reason
from core.schema import cycles, deliveries, task_orders, tasks, touches
from core.settle import SettleCounts
from core.timing import WholeDay
from core.words import Clock, DeliveryKind, DeliveryState, Stage, TaskState
from tests.builders import House, account, facts, person

END = date(2026, 5, 29)
YEAR = timedelta(days=365)
CALL = END - timedelta(days=45)  # the day of the first call


def close(house: House, closing: Mapping[int, Reason], day: date = CALL, *, records: bool = True) -> Closed:
    with house.store.begin() as connection:
        frame = Frame.of(house.policy.cadences, day)
        return close_cycles(connection, closing, frame, WholeDay(day), records=records)


def start(house: House, *rows: OrderFacts, until: str, day: date = CALL) -> None:
    """The day of the first call: up to planning, or with its deliveries."""
    house.source.rows = rows
    house.sync(day)
    house.settle(day)
    house.plan(day)
    if until == "delivered":
        house.deliver(day)


def renew(house: House, *outside_ids: str, day: date = CALL) -> SettleCounts:
    for outside_id in outside_ids:
        house.hear(outside_id, day)
    return house.settle(day)


def states(house: House, kind: DeliveryKind) -> list[tuple[str, str]]:
    return [(row.state, row.reason) for row in house.rows(deliveries, deliveries.c.kind == kind)]


def of_tasks(house: House) -> list[tuple[str, str]]:
    return [(row.state, row.reason) for row in house.rows(tasks)]


class TestTouches:
    def test_what_was_planned_is_withdrawn_with_the_reason(self, house: House) -> None:
        start(house, facts("1", ends_on=END), until="planned")
        counts = renew(house, "1")
        assert house.touches()["1", "before-45", "call"] == ("withdrawn", Reason.RENEWED)
        assert house.touches()["1", "before-60", "mail"] == ("withdrawn", Reason.RENEWED)
        assert counts == SettleCounts(renewed=1, withdrawn=2)
        assert states(house, DeliveryKind.MAIL) == [("withdrawn", Reason.NO_MEMBERS)]

    def test_what_was_sent_stands(self, house: House) -> None:
        start(house, facts("1", ends_on=END), until="delivered")
        assert renew(house, "1") == SettleCounts(renewed=1)
        assert house.touches()["1", "before-60", "mail"] == ("done", "")
        assert states(house, DeliveryKind.MAIL) == [("delivered", "")]

    def test_a_delivery_that_others_are_still_in_goes_on(self, house: House) -> None:
        start(house, facts("1", ends_on=END), facts("2", ends_on=END), until="planned")
        assert renew(house, "1").withdrawn == 2
        assert {state for state, _ in states(house, DeliveryKind.MAIL)} == {"planned"}
        assert house.touches()["2", "before-60", "mail"] == ("planned", "")
        house.deliver(CALL)
        assert len(house.mailer.sent) == 1

    @pytest.mark.parametrize(
        ("state", "after"),
        [
            (DeliveryState.CLAIMED, "withdrawn"),
            (DeliveryState.SENDING, "planned"),
            (DeliveryState.UNCERTAIN, "planned"),
        ],
    )
    def test_what_is_on_its_way_out_is_left_to_arrive(self, house: House, state: DeliveryState, after: str) -> None:
        start(house, facts("1", ends_on=END), until="planned")
        house.write(update(deliveries).where(deliveries.c.kind == DeliveryKind.MAIL).values(state=state))
        renew(house, "1")
        assert house.touches()["1", "before-60", "mail"][0] == after
        assert [found for found, _ in states(house, DeliveryKind.MAIL)] == [state]

    def test_only_what_nobody_is_left_in_is_withdrawn(self, house: House) -> None:
        start(house, facts("1", ends_on=END), until="planned")
        ids = [row.id for row in house.rows(deliveries)]
        with house.store.begin() as connection:
            withdraw_empty(connection, ids, WholeDay(CALL))
            withdraw_empty(connection, [], WholeDay(CALL))
        assert {row.state for row in house.rows(deliveries)} == {"planned"}
        house.write(update(touches).values(state="skipped"))
        with house.store.begin() as connection:
            withdraw_empty(connection, ids, WholeDay(CALL))
        assert {(row.kind, row.state) for row in house.rows(deliveries)} == {
            ("mail", "withdrawn"),
            ("call_create", "withdrawn"),
            ("record", "planned"),
        }


class TestTasks:
    def test_one_that_was_never_handed_over_is_dropped(self, house: House) -> None:
        start(house, facts("1", ends_on=END), until="planned")
        renew(house, "1")
        assert of_tasks(house) == [(TaskState.CLOSED, Reason.NO_MEMBERS)]
        assert [state for state, _ in states(house, DeliveryKind.CALL_CREATE)] == ["withdrawn"]
        assert states(house, DeliveryKind.CALL_CLOSE) == []
        house.deliver(CALL)
        assert house.crm.tasks == {}

    def test_one_that_the_rep_has_is_closed_once(self, house: House) -> None:
        start(house, facts("1", ends_on=END), until="delivered")
        renew(house, "1")
        assert of_tasks(house) == [(TaskState.CLOSING, Reason.NO_MEMBERS)]
        house.hear("1", CALL, source_key="again")
        house.settle(CALL)
        assert states(house, DeliveryKind.CALL_CLOSE) == [("planned", "")]
        house.deliver(CALL)
        assert of_tasks(house) == [(TaskState.CLOSED, Reason.NO_MEMBERS)]
        assert [task.is_open for task in house.crm.tasks.values()] == [False]

    def test_it_stays_open_until_its_last_order_is_settled(self, house: House) -> None:
        start(house, facts("1", ends_on=END), facts("2", ends_on=END), until="delivered")
        renew(house, "1")
        assert of_tasks(house) == [(TaskState.OPEN, "")]
        assert [row.settled for row in house.rows(task_orders)] == [True, False]
        renew(house, "2", day=CALL + timedelta(days=1))
        assert of_tasks(house) == [(TaskState.CLOSING, Reason.NO_MEMBERS)]

    def test_one_that_is_just_being_made_is_closed_when_it_is_there(self, house: House) -> None:
        start(house, facts("1", ends_on=END), until="planned")
        create = deliveries.c.kind == DeliveryKind.CALL_CREATE
        house.write(update(deliveries).where(create).values(state=DeliveryState.SENDING))
        renew(house, "1")
        assert of_tasks(house) == [(TaskState.CLOSING, Reason.NO_MEMBERS)]
        assert states(house, DeliveryKind.CALL_CLOSE) == [("planned", "")]

    def test_a_task_of_another_customer_is_left_alone(self, house: House) -> None:
        globex = account("globex")
        other = facts("2", ends_on=END, account=globex, people=(person("bob@globex.example"),))
        start(house, facts("1", ends_on=END), other, until="delivered")
        renew(house, "1")
        assert sorted(of_tasks(house)) == [(TaskState.CLOSING, Reason.NO_MEMBERS), (TaskState.OPEN, "")]

    def test_a_lapse_closes_it_too(self, house: House) -> None:
        start(house, facts("1", ends_on=END), until="delivered")
        house.play(END + timedelta(days=6), END + timedelta(days=9))
        assert {task.is_open for task in house.crm.tasks.values()} == {False}


class TestOtherClocks:
    def test_a_renewed_order_needs_no_reissue_but_its_certificate_needs_an_heir(self, house: House) -> None:
        expires = END - timedelta(days=30)
        start(house, facts("1", ends_on=END, certificate_expires_on=expires), until="planned")
        assert house.cycles(clock=Clock.REISSUE)[0].open
        assert renew(house, "1").renewed == 1
        [reissue] = house.cycles(clock=Clock.REISSUE)
        assert (reissue.open, reissue.outcome) == (False, Reason.RENEWED)
        [install] = house.cycles(clock=Clock.INSTALL)
        assert (install.open, install.ends_on, install.certificate_id, install.number) == (True, expires, "c1", 1)
        assert {state for state, _ in house.touches().values()} == {"withdrawn", "missed"}

    @pytest.mark.parametrize(("days", "count"), [(0, 1), (1, 0)])
    def test_install_runs_only_while_the_old_certificate_lives(self, house: House, days: int, count: int) -> None:
        start(house, facts("1", ends_on=END), until="planned")
        renew(house, "1", day=END + timedelta(days=days))
        assert len(house.cycles(clock=Clock.INSTALL)) == count

    def test_an_order_without_a_certificate_has_nothing_to_install(self, house: House) -> None:
        start(house, facts("1", ends_on=END, certificate_expires_on=None, certificate_issued_on=None), until="planned")
        assert renew(house, "1").renewed == 1
        assert house.cycles(clock=Clock.INSTALL) == []

    def test_a_confirmed_reissue_opens_install_and_counts_as_no_renewal(self, house: House) -> None:
        order = facts("1", ends_on=END + YEAR, starts_on=END - YEAR, certificate_expires_on=END)
        start(house, order, until="planned")
        house.hear("1", CALL, clock=Clock.REISSUE)
        counts = house.settle(CALL)
        assert (counts.renewed, counts.lapsed) == (0, 0)
        assert house.cycles(clock=Clock.REISSUE)[0].outcome == Reason.REISSUED
        [install] = house.cycles(clock=Clock.INSTALL)
        assert (install.ends_on, install.open) == (END, True)
        assert house.cycles()[0].open
        house.source.rows = [
            replace(order, certificate_id="c2", certificate_issued_on=CALL, certificate_expires_on=END + YEAR)
        ]
        house.run(CALL + timedelta(days=1))
        assert len(house.cycles(clock=Clock.INSTALL)) == 1

    def test_what_is_installed_is_told_no_more(self, house: House) -> None:
        start(house, facts("1", ends_on=END), until="planned")
        renew(house, "1")
        house.hear("1", CALL, clock=Clock.INSTALL, source_key="installed")
        assert house.settle(CALL) == SettleCounts()
        [install] = house.cycles(clock=Clock.INSTALL)
        assert (install.open, install.outcome) == (False, Reason.INSTALLED)

    def test_a_late_word_on_the_last_period_leaves_the_running_one_alone(self, house: House) -> None:
        start(house, facts("1", ends_on=END), until="planned")
        extended = facts("1", ends_on=END + YEAR, starts_on=END - YEAR, certificate_id="", certificate_expires_on=END)
        house.source.rows = [extended]
        house.sync(CALL + timedelta(days=1))
        renew(house, "1", day=CALL + timedelta(days=1))
        assert [row.outcome for row in house.cycles()] == [Reason.RENEWED, ""]
        assert house.cycles(clock=Clock.REISSUE)[0].open
        assert house.cycles(clock=Clock.INSTALL) == []


class TestClosing:
    def test_nothing_to_close_changes_nothing(self, house: House) -> None:
        assert close(house, {}) == Closed(0, 0, 0)

    def test_what_is_closed_stays_as_it_closed(self, house: House) -> None:
        start(house, facts("2", ends_on=END), until="planned")
        [row] = house.cycles("2")
        assert close(house, {row.id: Reason.CANCELLED}).renewed == 0
        assert close(house, {row.id: Reason.RENEWED}) == Closed(0, 0, 0)
        assert close(house, {row.id: Reason.LAPSED}) == Closed(0, 0, 0)
        assert house.cycles("2")[0].outcome == Reason.CANCELLED

    def test_a_mark_on_what_is_closed_already_is_wiped(self, house: House) -> None:
        start(house, facts("1", ends_on=END), until="planned")
        [row] = house.cycles()
        close(house, {row.id: Reason.RENEWED})
        house.write(update(cycles).where(cycles.c.id == row.id).values(closing=Reason.CANCELLED))
        assert house.settle(CALL) == SettleCounts()
        assert (house.cycles()[0].closing, house.cycles()[0].outcome) == ("", Reason.RENEWED)

    @pytest.mark.parametrize(
        ("reason", "stage"),
        [
            (Reason.RENEWED, Stage.RENEWED),
            (Reason.REPLACED, Stage.RENEWED),
            (Reason.LAPSED, Stage.LAPSED),
            (Reason.ENDED_BEFORE_GO_LIVE, Stage.LAPSED),
            (Reason.LOST, Stage.LOST),
            (Reason.CANCELLED, Stage.UPCOMING),
        ],
    )
    def test_the_stage_follows_the_reason(self, house: House, reason: Reason, stage: Stage) -> None:
        start(house, facts("1", ends_on=END), until="planned")
        close(house, {house.cycles()[0].id: reason})
        row = house.cycles()[0]
        assert (row.open, row.outcome, row.stage, row.closed_on, row.next_on) == (False, reason, stage, CALL, None)

    def test_lapses_are_counted_but_not_in_silence(self, house: House) -> None:
        start(house, facts("1", ends_on=END), facts("2", ends_on=END), until="planned")
        closing = {house.cycles("1")[0].id: Reason.LAPSED, house.cycles("2")[0].id: Reason.ENDED_BEFORE_GO_LIVE}
        assert close(house, closing).lapsed == 1

    @pytest.mark.parametrize("wanted", [True, False])
    def test_records_are_queued_where_a_crm_wants_them(self, house: House, wanted: bool) -> None:
        start(house, facts("1", ends_on=END), until="delivered")
        house.deliver(CALL)
        assert {state for state, _ in states(house, DeliveryKind.RECORD)} == {"delivered"}
        close(house, {house.cycles()[0].id: Reason.RENEWED}, records=wanted)
        waiting = house.rows(deliveries, deliveries.c.kind == DeliveryKind.RECORD, deliveries.c.state == "planned")
        assert len(waiting) == wanted
        house.deliver(CALL)
        assert house.crm.records["digicert:1"].stage == (Stage.RENEWED if wanted else Stage.CONTACTED)
