"""Nothing is sent until the operator goes live."""

from datetime import date, timedelta

import pytest

from core.errors import UsageError
from core.golive import go_live, go_live_with, live_from, morning, observe, pilot_of, why_held
from core.policy import MailPolicy
from core.reasons import Reason
from core.words import DeliveryKind
from tests.builders import House, customers, facts, policy
from tests.core.conftest import house_on_sqlite

DAY = date(2026, 3, 2)
NEXT = DAY + timedelta(days=1)
BOTH = {"acme": "", "globex": ""}


def test_an_installation_observes_until_it_goes_live(house: House) -> None:
    with house.store.begin() as connection:
        observe(connection)
        assert live_from(connection) is None
        assert why_held(connection, DAY) == "nothing is sent until `nolapse go-live`"
        go_live(connection, NEXT)
        assert live_from(connection) == NEXT
        assert why_held(connection, DAY) == "nothing is sent before 2026-03-03"
        assert why_held(connection, NEXT) == ""
        go_live(connection, DAY)
        assert why_held(connection, DAY) == ""
        observe(connection)
        observe(connection)
        assert why_held(connection, NEXT) != ""


def test_everything_is_planned_and_nothing_goes(house: House) -> None:
    with house.store.begin() as connection:
        observe(connection)
    house.source.rows = [facts(ends_on=date(2026, 4, 1))]
    counts = house.run(DAY)
    assert counts.plan.deliveries > 0
    assert counts.deliver.held_because == "nothing is sent until `nolapse go-live`"
    assert house.mailer.sent == []
    assert house.crm.tasks == {}
    with house.store.begin() as connection:
        go_live(connection, NEXT)
    house.run(NEXT)
    assert len(house.mailer.sent) == 1


class TestPilot:
    def test_its_accounts_alone_are_contacted_until_everybody_is(self, house: House) -> None:
        with house.store.begin() as connection:
            observe(connection)
        house.source.rows = customers(DAY + timedelta(days=14), BOTH)
        house.sync(DAY)
        with house.store.begin() as connection:
            go_live_with(connection, ["acme"], DAY)
            assert why_held(connection, DAY - timedelta(days=1)) == f"nothing is sent before {DAY}"
            assert pilot_of(connection) == [("acme", DAY)]
        counts = house.run(DAY)
        assert counts.deliver.held_because == ""
        assert [mail.to for mail in house.mailer.sent] == ["ann@acme.example"]
        assert {one.draft.account_key for one in house.crm.tasks.values()} <= {"acme"}
        assert {one.account_key for one in house.crm.records.values()} == {"acme"}
        with house.store.begin() as connection:
            go_live(connection, NEXT)
        house.run(NEXT)
        assert [mail.to for mail in house.mailer.sent] == ["ann@acme.example", "ann@globex.example"]

    def test_what_had_ended_before_its_accounts_day_is_closed_in_silence(self, house: House) -> None:
        with house.store.begin() as connection:
            observe(connection)
        ended = DAY - timedelta(days=3)
        house.source.rows = customers(ended, BOTH)
        house.sync(DAY - timedelta(days=10))
        with house.store.begin() as connection:
            go_live_with(connection, ["acme"], DAY)
            assert morning(connection, DAY).closed_in_silence == 1
        house.settle(DAY)
        outcomes = {key: house.cycles(key)[0].outcome for key in ("1", "2")}
        assert outcomes == {"1": Reason.ENDED_BEFORE_GO_LIVE, "2": ""}
        with house.store.begin() as connection:
            go_live(connection, NEXT)
        house.run(NEXT)
        assert house.cycles("2")[0].outcome == Reason.ENDED_BEFORE_GO_LIVE
        assert house.mailer.sent == []

    @house_on_sqlite
    def test_an_account_that_is_not_known(self, house: House) -> None:
        with house.store.begin() as connection, pytest.raises(UsageError, match="no account nobody is known"):
            go_live_with(connection, ["nobody"], DAY)


@house_on_sqlite
def test_what_would_go_is_counted(house: House) -> None:
    with house.store.begin() as connection:
        observe(connection)
    house.source.rows = customers(DAY + timedelta(days=14), BOTH)
    house.run(DAY)
    with house.store.begin() as connection:
        assert morning(connection, DAY).waiting == {}
        go_live(connection, DAY)
        assert morning(connection, DAY).waiting[DeliveryKind.MAIL] == 2


@house_on_sqlite
def test_mails_go_elsewhere_while_it_is_tried_out(house: House) -> None:
    """`redirect_all_to` and `bcc` hold for whatever is sent; the reader's own opt-out holds all the same."""
    house.policy = policy(mail=MailPolicy(redirect_all_to="me@ours.example", bcc="copy@ours.example"))
    house.source.rows = customers(DAY + timedelta(days=14), BOTH)
    house.run(DAY)
    assert {(mail.to, mail.bcc) for mail in house.mailer.sent} == {("me@ours.example", "copy@ours.example")}
    assert len(house.mailer.sent) == 2
