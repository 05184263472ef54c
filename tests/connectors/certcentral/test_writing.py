"""What is written back to CertCentral: only what is set, only for orders that are ours, and undone when we stop."""

from typing import Any

import pytest
from sqlalchemy import insert, update

from connectors.certcentral import writing
from core import notices
from core.schema import deliveries, meta, orders
from core.store import rehearse
from core.sync import sync
from core.timing import WholeDay
from core.words import DeliveryKind, DeliveryState
from tests.builders import no_rejects
from tests.connectors.certcentral.conftest import Desk, MakeDesk, add, days
from tests.fakes.certcentral.records import READ

SWITCH = "PUT /order/certificate/{order_id}/renewal-emails/{status}"
MESSAGE = "PUT /order/certificate/{order_id}/custom-renewal-message"
FIELD = "POST /order/certificate/{order_id}/custom-field"


def ending(desk: Desk, ends: int = 29, **said: Any) -> int:
    """An order to whose people mails are planned."""
    order_id = add(desk, ends_on=days(ends), **said)
    desk.run_today()
    desk.later(hours=1)
    return order_id


class TestNotices:
    def test_they_rest_where_we_write_and_that_is_recorded_as_ours(self, make_desk: MakeDesk) -> None:
        desk = make_desk(switch_notices_off=True)
        ours, later = ending(desk), ending(desk, 300)
        desk.sync()
        assert desk.world.order(ours).notices_off
        assert not desk.world.order(later).notices_off
        assert (desk.order(ours).ca_notices_off, desk.order(ours).ca_notices_off_ours) == (True, True)
        desk.later(hours=20)
        desk.run_today()
        assert desk.calls(SWITCH) == 0
        assert desk.order(ours).ca_notices_off_ours, "a full pass reads the switch back, and it stays ours"

    def test_nothing_is_switched_where_the_setting_says_no(self, desk: Desk) -> None:
        order_id = ending(desk)
        desk.sync()
        assert not desk.world.order(order_id).notices_off
        assert desk.calls(SWITCH) == 0

    def test_the_last_notices_go_nevertheless(self, make_desk: MakeDesk) -> None:
        desk = make_desk(switch_notices_off=True)
        order_id = ending(desk)
        desk.sync()
        while desk.today < days(25):
            desk.later(days=1)
            desk.run_today()
        assert (days(29) - desk.today).days == 4
        assert not desk.world.order(order_id).notices_off
        assert not desk.order(order_id).ca_notices_off_ours

    def test_or_rest_to_the_end(self, make_desk: MakeDesk) -> None:
        desk = make_desk(switch_notices_off=True, keep_last_notices=False)
        order_id = ending(desk, 3)
        desk.sync()
        assert desk.world.order(order_id).notices_off

    def test_they_are_on_again_when_we_stop(self, make_desk: MakeDesk) -> None:
        desk = make_desk(switch_notices_off=True)
        order_id = ending(desk)
        desk.sync()
        desk.later(hours=1)
        desk.world.renew(order_id)
        desk.run_today()
        desk.later(hours=1)
        desk.sync()
        assert not desk.world.order(order_id).notices_off
        assert not desk.order(order_id).ca_notices_off_ours

    def test_they_are_on_again_when_the_setting_goes(self, make_desk: MakeDesk) -> None:
        desk = make_desk(switch_notices_off=True)
        order_id = ending(desk)
        desk.sync()
        assert desk.world.order(order_id).notices_off
        again = make_desk(desk.store.engine.url.render_as_string(hide_password=False))
        again.later(hours=1)
        again.sync()
        assert not desk.world.order(order_id).notices_off

    def test_what_others_switched_off_is_theirs(self, make_desk: MakeDesk) -> None:
        desk = make_desk(switch_notices_off=True)
        order_id = ending(desk, notices_off=True)
        desk.sync()
        assert desk.calls(SWITCH) == 0
        assert desk.world.order(order_id).notices_off
        assert not desk.order(order_id).ca_notices_off_ours
        text = next(one.text for one in desk.certcentral.check() if one.subject == "renewal notices")
        assert text == "CertCentral's renewal notices are off for 0 orders by us, for 1 by others"

    def test_ours_does_not_stop_our_own_mails(self, make_desk: MakeDesk) -> None:
        from dataclasses import replace

        desk = make_desk(switch_notices_off=True)
        desk.policy = replace(desk.policy, scope=replace(desk.policy.scope, respect_ca_notice_switch=True))
        ending(desk, 31)
        for _ in range(20):
            desk.run_today()
            desk.later(days=1)
        assert len([mail for mail in desk.mailer.sent if ":renewal:" in mail.key]) >= 2

    def test_before_the_day_of_going_live_nothing_is_written(self, make_desk: MakeDesk) -> None:
        desk = make_desk(switch_notices_off=True)
        desk.write(update(meta).where(meta.c.key == "live_from").values(value=str(days(90))))
        order_id = ending(desk)
        desk.sync()
        assert not desk.world.order(order_id).notices_off

    def test_words_that_mean_the_opposite_are_noticed(
        self, make_desk: MakeDesk, caplog: pytest.LogCaptureFixture
    ) -> None:
        desk = make_desk(switch_notices_off=True, notice_words=("disabled", "enabled"))
        add(desk, ends_on=days(28))
        ending(desk)
        desk.server.forget()
        desk.sync()
        assert "notice_words: CertCentral understood the opposite" in caplog.text
        assert desk.calls(SWITCH) == 1

    def test_a_key_that_may_only_read_stops_nothing(
        self, make_desk: MakeDesk, caplog: pytest.LogCaptureFixture
    ) -> None:
        from pydantic import SecretStr

        seed = make_desk()
        seed.world.add_key("read-only", READ)
        desk = make_desk(switch_notices_off=True, key=SecretStr("read-only"))
        order_id = ending(desk)
        assert desk.sync().rejected == 0
        assert not desk.world.order(order_id).notices_off
        assert "not everything could be written back" in caplog.text

    def test_a_rehearsal_writes_nothing(self, make_desk: MakeDesk) -> None:
        desk = make_desk(switch_notices_off=True)
        order_id = add(desk, ends_on=days(29))
        desk.sync()
        desk.settle(desk.today)
        desk.plan(desk.today)
        with rehearse(desk.store) as store:
            sync(store, [desk.certcentral], None, WholeDay(desk.today), desk.policy, rejects=no_rejects)
        assert not desk.world.order(order_id).notices_off

    def test_an_order_that_is_gone_is_passed_over(self, make_desk: MakeDesk, caplog: pytest.LogCaptureFixture) -> None:
        desk = make_desk(switch_notices_off=True)
        gone = add(desk, ends_on=days(28))
        other = ending(desk)
        desk.server.fail("status", f"/order/certificate/{gone}/renewal", status=404, code="not_found|order", times=9)
        desk.sync()
        assert desk.world.order(other).notices_off
        assert "the order is passed over" in caplog.text

    def test_a_pass_makes_only_so_many_writes(self, make_desk: MakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(writing, "MOST_WRITES", 2)
        desk = make_desk(switch_notices_off=True)
        several = [add(desk, ends_on=days(29)) for _ in range(3)]
        desk.run_today()
        for expected in (2, 3):
            desk.later(hours=1)
            desk.sync()
            assert sum(desk.world.order(one).notices_off for one in several) == expected


class TestMessage:
    def test_it_is_written_once_and_taken_back_when_it_goes(self, make_desk: MakeDesk) -> None:
        desk = make_desk(renewal_message="Call Maria: 040 1234")
        ours, later = ending(desk), ending(desk, 300)
        desk.sync()
        assert desk.world.order(ours).custom_renewal_message == "Call Maria: 040 1234"
        assert desk.world.order(later).custom_renewal_message == ""
        desk.later(hours=1)
        desk.sync()
        assert desk.calls(MESSAGE) == 0
        again = make_desk(desk.store.engine.url.render_as_string(hide_password=False))
        again.later(hours=1)
        again.sync()
        assert desk.world.order(ours).custom_renewal_message == ""


class TestRecordId:
    def handed_over(self, desk: Desk, order_id: int, outside_id: str) -> None:
        row = desk.order(order_id)
        desk.write(
            insert(deliveries).values(
                key=f"record:test:{outside_id}", kind=DeliveryKind.RECORD, channel="record", order_id=row.id,
                state=DeliveryState.DELIVERED, day=desk.today, send_after=desk.world.clock.now(), outside_id=outside_id,
            )
        )  # fmt: skip

    def test_it_goes_into_the_custom_field_once(self, make_desk: MakeDesk) -> None:
        field = make_desk().world.add_field("CRM Account Id")
        desk = make_desk(crm_id_field=field.id)
        order_id = ending(desk)
        self.handed_over(desk, order_id, "006A")
        desk.server.forget()
        desk.sync()
        assert desk.world.order(order_id).custom_fields == ((field.id, "006A"),)
        desk.later(hours=1)
        desk.sync()
        assert desk.calls(FIELD) == 0
        self.handed_over(desk, order_id, "006B")
        desk.later(hours=1)
        desk.sync()
        assert desk.world.order(order_id).custom_fields == ((field.id, "006B"),)

    def test_a_value_that_the_field_refuses_is_told(
        self, make_desk: MakeDesk, caplog: pytest.LogCaptureFixture
    ) -> None:
        field = make_desk().world.add_field("A number", "int")
        desk = make_desk(crm_id_field=field.id)
        order_id = ending(desk)
        self.handed_over(desk, order_id, "006A")
        desk.sync()
        assert "invalid_custom_field_value" in caplog.text


def test_what_we_switched_off_is_recorded_before_the_call(make_desk: MakeDesk) -> None:
    desk = make_desk(switch_notices_off=True)
    order_id = ending(desk)
    desk.server.fail("status", f"/order/certificate/{order_id}/renewal", status=500, times=99)
    desk.sync()
    assert desk.order(order_id).ca_notices_off_ours
    desk.server.mend()
    desk.later(hours=1)
    desk.sync()
    assert desk.world.order(order_id).notices_off
    with desk.store.read() as connection:
        assert notices.switched_off_by_others(connection, "certcentral") == 0
    assert len(desk.rows(orders)) == 1
