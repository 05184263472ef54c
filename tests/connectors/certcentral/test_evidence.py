"""Renewals as a sync sees them: each kind of evidence becomes a confirmation, and settle draws the consequences."""

from dataclasses import replace
from typing import Any

import pytest

from core.words import Clock
from tests.connectors.certcentral.conftest import Desk, add, days
from tests.fakes.certcentral.talk import Talk


def old_order(desk: Desk, ends: int = 40, **said: Any) -> int:
    """An order that ends soon, known and followed."""
    order_id = add(desk, ends_on=days(ends), names=("www.example.com", "example.com"), **said)
    desk.take_in()
    desk.later(minutes=30)
    return order_id


class TestLinks:
    def test_the_new_order_names_the_old_one(self, desk: Desk) -> None:
        desk.world.quirks.renewed_order_id = "absent"
        old = old_order(desk)
        new = desk.world.renew(old)
        desk.world.change(old, is_renewed=False)
        desk.take_in()
        assert (str(old), "confirmed", "renewal_of_order_id", "applied") in desk.evidence()
        assert desk.stage(old) == "renewed"
        assert desk.order(new.id).renewal_of == f"digicert:{old}"

    def test_the_old_order_names_the_new_one(self, desk: Desk) -> None:
        desk.world.quirks.renewal_of_in_info = False
        old = old_order(desk)
        desk.world.renew(old, names=("other.example.com",))
        desk.later(days=1)
        desk.take_in()
        assert (str(old), "confirmed", "renewed_order_id", "applied") in desk.evidence()
        assert desk.stage(old) == "renewed"

    def test_the_link_may_point_the_other_way(self, desk: Desk) -> None:
        desk.world.quirks.renewal_of_in_info = False
        desk.world.quirks.renewed_order_id = "older"
        old = old_order(desk)
        new = desk.world.renew(old, names=("other.example.com",))
        desk.world.change(old, is_renewed=False)
        desk.take_in()
        assert desk.order(new.id).renewal_of == f"digicert:{old}"
        assert desk.stage(old) == "renewed"

    def test_the_flag_alone_is_enough(self, desk: Desk) -> None:
        desk.world.quirks.renewed_order_id = "absent"
        old = old_order(desk)
        desk.world.change(old, is_renewed=True)
        desk.later(days=1)
        desk.take_in()
        assert (str(old), "confirmed", "is_renewed", "applied") in desk.evidence()
        assert desk.stage(old) == "renewed"

    def test_a_migrated_order_is_marked_by_the_partner(self, desk: Desk) -> None:
        old = old_order(desk, origin="migrated")
        partner = Talk(desk.server.base_url, desk.server.key)
        marked = partner("PUT", f"/order/certificate/{old}/status", {"status": "renewed"})
        assert marked.status == 204
        desk.later(days=1)
        desk.take_in()
        assert desk.stage(old) == "renewed"

    def test_nothing_is_said_of_an_order_that_runs(self, desk: Desk) -> None:
        old = old_order(desk)
        desk.later(days=1)
        desk.take_in()
        assert desk.evidence() == set()
        assert desk.stage(old) == "upcoming"


class TestPlaced:
    def test_a_renewal_that_waits_is_in_progress(self, desk: Desk) -> None:
        old = old_order(desk)
        new = desk.world.place_renewal(old)
        desk.take_in()
        assert (str(old), "in_progress", "renewal_of_order_id, not issued yet", "applied") in desk.evidence()
        assert desk.stage(old) == "in_progress"
        desk.later(days=1)
        desk.world.issue(new.id)
        desk.take_in()
        assert desk.stage(old) == "renewed"

    @pytest.mark.parametrize("end", ["reject", "cancel"])
    def test_one_that_is_rejected_or_cancelled_reopens(self, desk: Desk, end: str) -> None:
        old = old_order(desk)
        new = desk.world.place_renewal(old)
        desk.take_in()
        assert desk.stage(old) == "in_progress"
        desk.later(minutes=30)
        getattr(desk.world, end)(new.id)
        desk.take_in()
        assert desk.stage(old) == "upcoming"
        assert desk.cycles(str(old))[-1].open

    def test_a_first_full_pass_finds_it_too(self, desk: Desk) -> None:
        old = add(desk, ends_on=days(40))
        desk.world.place_renewal(old)
        desk.take_in()
        assert desk.stage(old) == "in_progress"


class TestReplaced:
    def test_a_newer_order_that_covers_all_names_counts(self, desk: Desk) -> None:
        desk.world.quirks.renewal_of_in_info = False
        old = old_order(desk)
        add(desk, names=("www.example.com", "example.com", "new.example.com"), placed_at=desk.world.clock.now())
        desk.take_in()
        assert (str(old), "confirmed", "a newer order of the account covers its names", "applied") in desk.evidence()
        assert desk.cycles(str(old))[-1].outcome == "replaced"

    def test_one_that_covers_most_names_is_probable(self, desk: Desk) -> None:
        old = add(desk, ends_on=days(40), names=("www.example.com", "example.com", "shop.example.com"))
        desk.take_in()
        desk.later(minutes=30)
        add(desk, names=("www.example.com", "example.com"), placed_at=desk.world.clock.now())
        desk.take_in()
        assert {certainty for order, certainty, *_ in desk.evidence() if order == str(old)} == {"probable"}
        assert desk.cycles(str(old))[-1].open

    def test_another_customer_s_order_does_not(self, desk: Desk) -> None:
        old = old_order(desk)
        other = desk.world.add_organisation("Another Ltd")
        now = desk.world.clock.now()
        new = add(desk, names=("www.example.com", "example.com"), organisation=other.id, placed_at=now)
        desk.take_in()
        assert desk.order(new).status == "issued"
        assert desk.evidence() == set()
        assert desk.cycles(str(old))[-1].open


class TestReissued:
    def test_only_the_reissue_clock_ends_and_install_begins(self, desk: Desk) -> None:
        order_id = add(desk, starts_on=days(-185), ends_on=days(180))
        order = desk.world.order(order_id)
        assert order.certificate is not None
        old = replace(order.certificate, valid_from=days(-185), valid_till=days(14))
        desk.world.change(order_id, certificate=old)
        desk.take_in()
        assert desk.cycles(str(order_id), Clock.REISSUE)[-1].open
        desk.later(minutes=30)
        desk.world.reissue(order_id)
        desk.take_in()
        (closed, *_) = desk.cycles(str(order_id), Clock.REISSUE)
        assert (closed.open, closed.outcome) == (False, "reissued")
        assert [cycle.open for cycle in desk.cycles(str(order_id), Clock.INSTALL)] == [True]
        assert [cycle.open for cycle in desk.cycles(str(order_id))] == [True]
        assert desk.evidence() == set()


def test_the_whole_way_stops_when_the_renewal_is_seen(desk: Desk) -> None:
    old = add(desk, ends_on=days(31), technical=None)
    for _ in range(3):
        desk.run_today()
        desk.later(days=1)
    assert len(desk.mailer.sent) == 1
    desk.world.renew(old)
    for _ in range(40):
        desk.run_today()
        desk.later(days=1)
    mails = [mail for mail in desk.mailer.sent if ":renewal:" in mail.key]
    assert len(mails) == 1, [mail.key for mail in desk.mailer.sent]
    assert desk.stage(old) == "renewed"
