"""Full passes and passes over changes: how many calls they take, what they see, and what does not upset them."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from connectors.certcentral import passes, reading
from connectors.certcentral.passes import Cursor, cursor_of
from core.errors import RetriableError
from core.schema import orders, sync_runs
from core.store import rehearse
from core.sync import sync
from core.timing import WholeDay
from tests.builders import make_ledger, no_rejects
from tests.connectors.certcentral.conftest import NOON, TODAY, Desk, MakeDesk, add, days, on_sqlite
from tests.fakes.certcentral import World, no_limits, running_certcentral
from tests.fakes.certcentral.portfolio import SeededPortfolio

LIST, INFO, REPORT = "GET /order/certificate", "GET /order/certificate/{order_id}", "GET /report/order"
CHANGES = "GET /order/certificate/status-changes"


class TestFirst:
    def test_report_list_and_order_info_are_joined(self, desk: Desk) -> None:
        ends = days(60)
        order_id = add(desk, ends_on=ends, names=("www.example.com", "example.com"), price="399", auto_renew=True)
        counts = desk.sync()
        assert (counts.new, counts.rejected) == (1, 0)
        order = desk.order(order_id)
        assert (order.order_key, order.status, order.common_name) == (
            f"digicert:{order_id}",
            "issued",
            "www.example.com",
        )
        assert (order.order_expires_on, order.order_expires_inferred) == (ends, False)
        assert order.dns_names == ["www.example.com", "example.com"]
        assert (order.value_minor, order.currency, order.auto_renew) == (39_900, "USD", True)
        facts = desk.certcentral.order(f"digicert:{order_id}")
        assert facts is not None
        assert {(one.email, *one.roles) for one in facts.people} == {
            ("olga@customer.example", "organisation"),
            ("ann@customer.example", "technical", "requester"),
        }
        assert facts.account.key == "digicert:organisation:1"

    def test_it_takes_as_many_calls_as_is_said(self, make_desk: MakeDesk) -> None:
        desk = make_desk(organisation_contacts=False)
        for number in range(5):
            add(desk, ends_on=days(30 + number))
        silent = [add(desk, ends_on=days(40), technical=None, user=None) for _ in range(3)]
        add(desk, ends_on=days(300), technical=None, user=None)
        desk.sync()
        assert dict(desk.server.calls) == {LIST: 1, REPORT: 1, INFO: len(silent)}

    def test_organisation_contacts_are_asked_for_once(self, desk: Desk) -> None:
        near = [add(desk, ends_on=days(40)), add(desk, ends_on=days(80), product="ssl_ev_basic")]
        add(desk, ends_on=days(200))
        add(desk, ends_on=days(40), product="ssl_dv_rapidssl", organisation=0)
        desk.sync()
        assert desk.calls(INFO) == len(near)
        desk.server.forget()
        desk.later(days=1)
        desk.sync()
        assert dict(desk.server.calls) == {LIST: 1, REPORT: 1}

    def test_an_end_that_no_list_tells_is_asked_for(self, make_desk: MakeDesk) -> None:
        desk = make_desk(organisation_contacts=False)
        desk.world.quirks.list_order_end = "never"
        order_id = add(desk, starts_on=days(-320), days=365)
        desk.sync()
        order = desk.order(order_id)
        assert (order.order_expires_on, order.order_expires_inferred) == (days(45), False)

    def test_without_the_report_order_info_names_the_people(self, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
        order_id = add(desk, ends_on=days(40))
        desk.server.fail("status", "/report/order", status=403, times=9)
        assert desk.sync().new == 1
        facts = desk.certcentral.order(f"digicert:{order_id}")
        assert facts is not None
        assert len(facts.people) == 2
        assert "without the order report, contacts come from order info alone" in caplog.text

    def test_an_empty_account_is_no_crash(self, desk: Desk) -> None:
        listing = desk.certcentral.orders(None)
        assert (list(listing), listing.size) == ([], 0)


class TestBudget:
    """No call for each order: 1,000 orders in pages of 10 stand for 100,000 in pages of 1000, as the bench plays them."""

    @pytest.mark.parametrize("organisation_contacts", [False, True])
    def test_of_a_large_account(
        self, tmp_path: Path, organisation_contacts: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(reading, "PAGE", 10)
        monkeypatch.setattr(reading, "REPORT_PAGE", 1_000)
        portfolio = SeededPortfolio(1_000, TODAY, in_window=60, lacking=20)
        with running_certcentral(World(at=NOON, portfolio=portfolio), no_limits()) as server:
            url = f"sqlite:///{tmp_path / 'own.db'}"
            make_ledger(url)
            desk = Desk(url, server, organisation_contacts=organisation_contacts)
            assert desk.sync().new == 1_000
            assert (server.calls[REPORT], server.calls[LIST]) == (1, 100)
            infos = server.calls[INFO]
            assert infos == 20 if not organisation_contacts else 20 < infos <= 60
            assert server.answers.keys() == {200}
            server.forget()
            desk.write(update(sync_runs).values(cursor=None))
            assert desk.sync().unchanged == 1_000
            assert dict(server.calls) == {REPORT: 1, LIST: 100}
            desk.close()


@on_sqlite
class TestChanges:
    def test_only_what_changed_is_asked_for(self, desk: Desk) -> None:
        orders_ids = [add(desk, ends_on=days(40 + number)) for number in range(4)]
        desk.sync()
        desk.server.forget()
        desk.later(minutes=60)
        desk.world.revoke(orders_ids[2])
        counts = desk.sync()
        assert (counts.read, counts.changed) == (1, 1)
        assert dict(desk.server.calls) == {CHANGES: 1, INFO: 1}
        assert desk.order(orders_ids[2]).status == "revoked"
        assert not [row for row in desk.rows(orders) if row.vanished_on]

    def test_the_window_begins_before_the_last_good_run(self, make_desk: MakeDesk) -> None:
        desk = make_desk(overlap_minutes=45)
        add(desk, ends_on=days(40))
        desk.sync()
        desk.later(minutes=15)
        desk.sync()
        (call,) = [call for call in desk.server.log if call.path.endswith("/status-changes")]
        assert call.query == f"seconds={60 * 60}"

    def test_a_change_during_the_last_run_is_not_missed(self, desk: Desk) -> None:
        order_id = add(desk, ends_on=days(40))
        desk.server.fail("meanwhile", "/report/order", do=lambda: desk.world.revoke(order_id))
        desk.sync()
        desk.later(minutes=15)
        desk.sync()
        assert desk.order(order_id).status == "revoked"

    @pytest.mark.parametrize(("gap", "full"), [(timedelta(days=6), False), (timedelta(days=8), True)])
    def test_after_a_gap_everything_is_read(self, make_desk: MakeDesk, gap: timedelta, full: bool) -> None:
        desk = make_desk(full_at="")
        add(desk, ends_on=days(40))
        desk.sync()
        desk.server.forget()
        desk.later(seconds=gap.total_seconds())
        desk.sync()
        assert desk.calls(LIST) == int(full)
        assert desk.calls(CHANGES) == int(not full)

    def test_once_a_night_everything_is_read(self, make_desk: MakeDesk) -> None:
        desk = make_desk(full_at="23:30")
        add(desk, ends_on=days(40))
        desk.sync()
        full = []
        for _ in range(52):
            desk.later(minutes=15)
            desk.server.forget()
            desk.sync()
            if desk.calls(LIST):
                full.append(desk.world.clock.now())
        assert full == [datetime.combine(TODAY, datetime.min.time(), NOON.tzinfo) + timedelta(hours=23, minutes=30)]

    def test_very_many_changes_are_read_by_a_full_pass(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("connectors.certcentral.connector.MOST_CHANGES", 2)
        some = [add(desk, ends_on=days(40)) for _ in range(3)]
        desk.sync()
        desk.later(minutes=15)
        for one in some:
            desk.world.revoke(one)
        desk.server.forget()
        assert desk.sync().changed == 3
        assert (desk.calls(CHANGES), desk.calls(LIST)) == (1, 1)

    def test_a_changed_order_that_is_gone_is_passed_over(self, desk: Desk) -> None:
        order_id = add(desk, ends_on=days(40))
        desk.sync()
        desk.later(minutes=15)
        desk.world.revoke(order_id)
        desk.server.fail("status", f"/order/certificate/{order_id}", status=404, code="not_found|order", times=9)
        assert desk.sync().read == 0

    def test_the_clock_of_this_machine_does_not_matter(self, desk: Desk) -> None:
        # The stand-in's noon is another day than ours; everything above works by it.
        add(desk, ends_on=days(40))
        desk.sync()
        cursor = desk.rows(sync_runs)[-1].cursor
        assert abs(datetime.fromisoformat(json.loads(cursor)["at"]) - NOON) < timedelta(seconds=30)

    def test_what_lists_and_order_info_say_is_the_same_order(self, desk: Desk) -> None:
        for number in range(3):
            add(desk, ends_on=days(40 + number), product=("ssl_basic", "ssl_ev_basic", "ssl_wildcard")[number])
        desk.sync()
        for order in desk.world.orders():
            desk.world.change(order.id, status="reissue_pending")
            desk.world.change(order.id, status="issued")
        desk.later(minutes=5)
        counts = desk.sync()
        assert (counts.read, counts.changed) == (3, 0)


class TestCursor:
    def test_it_is_read_back(self) -> None:
        cursor = Cursor(NOON, NOON - timedelta(days=1))
        assert cursor_of(str(cursor)) == cursor

    @pytest.mark.parametrize(
        "text", [None, "", "x", "[]", "{}", '{"at": 1, "full_at": 2}', '{"at": "2026-01-01", "full_at": "2026-01-01"}']
    )
    def test_one_that_makes_no_sense_is_none(self, text: str | None) -> None:
        assert cursor_of(text) is None

    def test_one_from_the_future_is_not_believed(self, desk: Desk) -> None:
        add(desk, ends_on=days(40))
        ahead = Cursor(NOON + timedelta(days=2), NOON + timedelta(days=2))
        assert desk.certcentral.orders(str(ahead)).complete


@on_sqlite
class TestPages:
    def pages(self, desk: Desk, monkeypatch: pytest.MonkeyPatch, number: int = 25) -> list[int]:
        monkeypatch.setattr("connectors.certcentral.reading.PAGE", 10)
        return [add(desk, ends_on=days(200 + number)) for number in range(number)]

    def test_all_pages_are_read(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        ids = self.pages(desk, monkeypatch)
        assert desk.sync().new == len(ids)
        assert desk.calls(LIST) == 3

    def test_an_order_that_vanishes_meanwhile_hides_no_other(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        ids = self.pages(desk, monkeypatch)
        desk.server.fail("meanwhile", "/order/certificate", after=1, do=lambda: desk.world.vanish(ids[2]))
        assert {row.key for row in desk.certcentral.orders(None)} >= {f"digicert:{one}" for one in ids if one != ids[2]}

    def test_an_order_that_comes_meanwhile_is_read_once(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        ids = self.pages(desk, monkeypatch, 20)
        desk.server.fail("meanwhile", "/order/certificate", after=1, do=lambda: add(desk, ends_on=days(220)))
        keys = [row.key for row in desk.certcentral.orders(None)]
        assert len(keys) == len(set(keys)) == len(ids) + 1

    def test_one_that_moved_between_pages_is_looked_for(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        ids = self.pages(desk, monkeypatch)
        desk.sync()

        def swap() -> None:
            desk.world.vanish(ids[0])
            add(desk, ends_on=days(250))

        # The total stays the same, so that the order at the edge falls between two pages.
        desk.server.fail("meanwhile", "/order/certificate", after=1, do=swap)
        desk.later(days=1)
        counts = desk.sync()
        assert counts.vanished == 1
        assert [row.outside_id for row in desk.rows(orders) if row.vanished_on] == [str(ids[0])]

    @pytest.mark.parametrize("needs_sign", [False, True])
    def test_a_list_that_wants_a_sign_to_sort_by_gets_it(self, desk: Desk, needs_sign: bool) -> None:
        desk.world.quirks.sort_needs_sign = needs_sign
        add(desk, ends_on=days(40))
        assert desk.sync().new == 1


class TestVanished:
    def test_it_is_noted_and_nothing_lapses(self, desk: Desk) -> None:
        kept, gone = add(desk, ends_on=days(40)), add(desk, ends_on=days(3))
        for _ in range(8):
            add(desk, ends_on=days(100))
        desk.take_in()
        desk.world.vanish(gone)
        desk.later(days=1)
        assert desk.take_in().vanished == 1
        assert desk.order(gone).vanished_on == desk.today
        assert desk.order(kept).vanished_on is None
        assert desk.cycles(str(gone))[-1].open
        assert desk.stage(gone) == "upcoming"

    def test_it_may_come_back(self, desk: Desk) -> None:
        order_id = add(desk, ends_on=days(40))
        for _ in range(9):
            add(desk, ends_on=days(100))
        desk.sync()
        order = desk.world.order(order_id)
        desk.world.vanish(order_id)
        desk.later(days=1)
        desk.sync()
        desk.world.add_all([order])
        desk.later(days=1)
        desk.sync()
        assert desk.order(order_id).vanished_on is None

    def test_a_pass_over_changes_lets_nothing_vanish(self, desk: Desk) -> None:
        order_id = add(desk, ends_on=days(40))
        desk.sync()
        desk.world.vanish(order_id)
        desk.later(minutes=15)
        assert desk.sync().vanished == 0
        assert desk.order(order_id).vanished_on is None


class TestBroken:
    def test_a_sync_that_dies_goes_on_without_asking_again(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("connectors.certcentral.reading.PAGE", 100)
        monkeypatch.setattr(passes, "_JOINED_AT_ONCE", 10)
        ids = [add(desk, ends_on=days(30 + number)) for number in range(30)]
        desk.policy = desk.policy.__class__(
            **{**_fields(desk.policy), "sync": desk.policy.sync.__class__(batch_size=10)}
        )
        desk.server.fail("status", f"/order/certificate/{ids[15]}", exact=True, status=500, times=200)
        with pytest.raises(RetriableError):
            desk.sync()
        stored = len(desk.rows(orders))
        assert stored == 10
        desk.server.mend()
        desk.server.forget()
        counts = desk.sync()
        assert (counts.new, counts.unchanged) == (30 - stored, stored)
        assert desk.calls(INFO) == 15, "those before the failed one were remembered, stored or not"
        assert desk.rows(sync_runs)[-1].finished_at is not None

    def test_a_rehearsal_leaves_nothing_behind(self, desk: Desk) -> None:
        from connectors.certcentral.tables import certcentral_orders

        add(desk, ends_on=days(40))
        with rehearse(desk.store) as store:
            counts = sync(store, [desk.certcentral], None, WholeDay(TODAY), desk.policy, rejects=no_rejects)
        assert counts.new == 1
        assert desk.rows(orders) == []
        assert desk.rows(certcentral_orders) == []


def _fields(policy: Any) -> dict[str, Any]:
    return {name: getattr(policy, name) for name in policy.__dataclass_fields__}


@on_sqlite
class TestOdd:
    def test_unknown_fields_and_statuses_are_kept_and_told(self, desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
        desk.world.quirks.more_fields = {"quantum_safe": {"level": 5}, "mood": None}
        order_id = add(desk, ends_on=days(40))
        desk.world.change(order_id, status="contemplating")
        desk.sync()
        assert (desk.order(order_id).status, desk.order(order_id).status_text) == ("unknown", "contemplating")
        assert "unknown fields of orders, kept as told: mood, quantum_safe" in caplog.text
        assert "unknown statuses of orders, kept as told: contemplating" in caplog.text

    @pytest.mark.parametrize("status", ["expired", "issued", "mixed"])
    def test_an_ended_order_is_called_one_way_or_the_other(self, desk: Desk, status: Any) -> None:
        desk.world.quirks.ended_status = status
        ids = [add(desk, ends_on=days(-20 - number)) for number in range(2)]
        desk.sync()
        assert {desk.order(one).status for one in ids} <= {"expired", "issued"}

    @pytest.mark.parametrize(
        "word", ["pending", "processing", "needs_approval", "needs_csr", "waiting_pickup", "denied"]
    )
    def test_unissued_orders_have_no_dates(self, desk: Desk, word: str) -> None:
        order_id = add(desk, status=word, certificate=None)
        desk.sync()
        assert desk.order(order_id).order_expires_on is None
        assert desk.cycles(str(order_id)) == []

    def test_names_may_be_blank(self, desk: Desk) -> None:
        desk.world.quirks.no_names = "blank"
        order_id = add(desk, ends_on=days(40), product="code_signing", names=("Customer Ltd",))
        desk.sync()
        assert desk.order(order_id).dns_names == []

    def test_an_order_that_makes_no_sense_is_rejected_alone(self, desk: Desk) -> None:
        good, bad = add(desk, ends_on=days(40)), add(desk, ends_on=days(40))
        order = desk.world.order(bad)
        assert order.certificate is not None
        from dataclasses import replace

        desk.world.change(bad, certificate=replace(order.certificate, valid_till=date(1970, 1, 1)))
        counts = desk.sync_with_rejects()
        assert (counts.new, counts.rejected) == (1, 1)
        assert desk.order(good).status == "issued"
        (reject,) = desk.rejected
        assert (reject.where, reject.column, reject.key) == (f"order {bad}", "valid_till", f"digicert:{bad}")


@on_sqlite
def test_a_suspect_list_is_bounded(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes, "SUSPECTS", 2)
    ids = [add(desk, ends_on=days(200)) for _ in range(30)]
    desk.sync()
    for one in ids[:4]:
        desk.world.vanish(one)
    desk.server.forget()
    desk.later(days=1)
    assert desk.sync().vanished == 4
    assert desk.calls(INFO) == 2


@on_sqlite
def test_an_account_that_shrank_too_much_changes_nothing(desk: Desk) -> None:
    from core.errors import UsageError

    ids = [add(desk, ends_on=days(200)) for _ in range(10)]
    desk.sync()
    for one in ids[:5]:
        desk.world.vanish(one)
    desk.later(days=1)
    with pytest.raises(UsageError, match="certcentral"):
        desk.sync()
    assert not [row for row in desk.rows(orders) if row.vanished_on]


@on_sqlite
def test_orders_of_another_ca_are_unknown(desk: Desk) -> None:
    assert desk.certcentral.order("sectigo:1") is None
    assert desk.certcentral.order("digicert:404404") is None
    assert desk.certcentral.order("digicert:../account") is None
    assert desk.certcentral.order("digicert:acme-1") is None


def test_what_was_told_is_asked_again_after_a_month(desk: Desk) -> None:
    add(desk, ends_on=days(90))
    desk.sync()
    desk.later(days=31)
    desk.server.forget()
    desk.write(update(sync_runs).values(cursor=None))
    desk.sync()
    assert desk.calls(INFO) == 1
