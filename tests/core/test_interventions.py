"""What an operator does about single orders: sends a mail now, takes back what waits, gives accounts to another rep."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from core.deliver import deliver
from core.errors import UsageError
from core.golive import go_live, observe
from core.lookup import find_account, find_rep
from core.model import RepFacts
from core.pauses import Pause, Scope, pause
from core.policy import CapPolicy
from core.reasons import Reason
from core.reassigning import accounts_of, reassign
from core.schema import accounts, deliveries, orders, tasks
from core.send_now import Hastened, send_now
from core.timing import WholeDay
from core.withdrawing import Which, Withdrawn, withdraw
from core.words import Channel, Clock, DeliveryKind
from tests.builders import House, account, customers, facts
from tests.core.conftest import house_on_sqlite

DAY = date(2026, 6, 10)
ONE = timedelta(days=1)
MIDNIGHT = datetime.combine(DAY, time(0), UTC)


@pytest.fixture
def started(house: House) -> House:
    """Two customers of two reps, with mails and calls planned for today."""
    house.source.known_reps = [
        RepFacts("maria", "Maria", "maria@ours.example"),
        RepFacts("jonas", "Jonas", "jonas@ours.example"),
        RepFacts("gone", "Gone", "gone@ours.example", active=False),
    ]
    house.source.rows = customers(DAY + 21 * ONE, {"acme": "maria", "globex": "jonas"})
    house.sync(DAY)
    house.plan(DAY)
    return house


def hasten(house: House, order: str = "digicert:1", clock: Clock | None = None, day: date = DAY) -> Hastened:
    with house.store.begin() as connection:
        return send_now(connection, order, clock, house.policy, WholeDay(day))


@house_on_sqlite
class TestSendNow:
    def test_the_mail_that_waits_goes_alone_whatever_caps_there_are(self, started: House) -> None:
        started.policy = replace(started.policy, caps=CapPolicy(ramp=(0, 0, 0)))
        with started.store.begin() as connection:
            go_live(connection, DAY)
        assert started.deliver(DAY).waits == {Reason.RAMP: 2}
        going = hasten(started)
        assert (going.touchpoint, going.ahead) == ("before-30", False)
        deliver(started.store, started.kinds, WholeDay(DAY), started.policy, only=[going.delivery_id])
        assert [mail.to for mail in started.mailer.sent] == ["ann@acme.example"]
        assert started.touches()["1", "before-30", "mail"] == ("done", "")

    def test_else_the_next_step_goes_ahead_of_its_day_and_not_again(self, started: House) -> None:
        started.deliver(DAY)
        going = hasten(started, day=DAY + ONE)
        assert (going.touchpoint, going.ahead) == ("before-14", True)
        started.deliver(DAY + ONE)
        started.work(DAY + 2 * ONE, DAY + 8 * ONE)
        mine = [mail.date.date() for mail in started.mailer.sent if mail.to == "ann@acme.example"]
        assert mine == [DAY, DAY + ONE]
        assert started.touches()["1", "before-14", "mail"] == ("done", "")

    def test_the_last_warnings_keep_their_day(self, started: House) -> None:
        """What can go ahead are the steps before the critical ones; one that says `expired` waits for the end."""
        started.deliver(DAY)
        for number in (1, 2):
            going = hasten(started, day=DAY + number * ONE)
            started.deliver(DAY + number * ONE)
        assert going.touchpoint == "before-7"
        with pytest.raises(UsageError, match="critical ones go on theirs"):
            hasten(started, day=DAY + 3 * ONE)
        end = DAY + 21 * ONE
        started.plan(end)
        started.write(update(deliveries).where(deliveries.c.state == "planned").values(urgency="expired"))
        with pytest.raises(UsageError, match="says that the end has come"):
            hasten(started, day=end - ONE)

    @pytest.mark.parametrize("what", ["observing", "paused", "renewed", "unsubscribed", "over", "uncertain"])
    def test_who_must_not_be_written_to_is_not(self, started: House, what: str) -> None:
        words = {
            "observing": "nothing is sent until `nolapse go-live`",
            "paused": "the account acme is paused",
            "renewed": "the order has been renewed",
            "unsubscribed": "nobody to write to",
            "over": "has no install cycle that is open",
            "uncertain": "its mail is uncertain",
        }
        if what == "observing":
            with started.store.begin() as connection:
                observe(connection)
        elif what == "paused":
            with started.store.begin() as connection:
                pause(connection, Pause(Scope.ACCOUNT, "acme"), MIDNIGHT)
        elif what == "renewed":
            started.hear("1", DAY)
        elif what == "uncertain":
            started.write(update(deliveries).where(deliveries.c.kind == "mail").values(state="uncertain"))
        elif what == "unsubscribed":
            silent = facts("9", ends_on=DAY + 80 * ONE, people=(), account=account("silent"))
            started.source.rows = [*started.source.rows, silent]
            started.sync(DAY)
        with pytest.raises(UsageError, match=words[what]):
            hasten(
                started,
                "digicert:9" if what == "unsubscribed" else "digicert:1",
                Clock.INSTALL if what == "over" else None,
            )


class TestWithdraw:
    def take_back(self, house: House, **which: Any) -> Withdrawn:
        with house.store.begin() as connection:
            return withdraw(connection, Which(**which), WholeDay(DAY + ONE))

    def id_of(self, house: House, key: str) -> int:
        with house.store.read() as connection:
            return int(connection.execute(select(orders.c.id).where(orders.c.outside_id == key)).scalar_one())

    @house_on_sqlite
    def test_what_waits_for_an_order_falls_away_for_good(self, started: House) -> None:
        assert self.take_back(started, order_id=self.id_of(started, "1"), channel=Channel.MAIL) == Withdrawn(1, 0, 0)
        assert started.touches()["1", "before-30", "mail"] == ("withdrawn", Reason.BY_OPERATOR)
        started.plan(DAY)
        started.deliver(DAY)
        assert [mail.to for mail in started.mailer.sent] == ["ann@globex.example"]
        assert len(started.crm.tasks) == 2, "the call stays"

    def test_of_a_rep_or_an_account(self, started: House) -> None:
        with started.store.read() as connection:
            globex = find_account(connection, "globex").id
        assert self.take_back(started, rep_key="maria").touches == 2
        assert self.take_back(started, account_id=globex, rep_key="maria").touches == 0
        assert self.take_back(started, account_id=globex).touches == 2
        assert started.deliver(DAY).kinds[DeliveryKind.MAIL].delivered == 0

    def test_what_was_decided_since_and_the_tasks_made_since(self, started: House) -> None:
        started.deliver(DAY)
        assert self.take_back(started, since=MIDNIGHT + ONE, tasks=True) == Withdrawn(0, 0, 0)
        done = self.take_back(started, since=MIDNIGHT, tasks=True)
        assert (done.touches, done.tasks, done.gone) == (0, 2, 4)
        started.deliver(DAY + ONE)
        assert not any(task.is_open for task in started.crm.tasks.values())

    @house_on_sqlite
    def test_the_task_of_one_order_alone(self, started: House) -> None:
        started.deliver(DAY)
        assert self.take_back(started, order_id=self.id_of(started, "1"), tasks=True).tasks == 1
        assert {row.state for row in started.rows(tasks)} == {"closing", "open"}

    @house_on_sqlite
    def test_everything_is_no_answer(self, started: House) -> None:
        with pytest.raises(UsageError, match="`nolapse pause` stops everything"):
            self.take_back(started, channel=Channel.MAIL)


@house_on_sqlite
class TestReassign:
    def give(self, house: House, owner: str, to: str) -> tuple[int, int, int]:
        with house.store.begin() as connection:
            done = reassign(connection, accounts_of(connection, owner), to, WholeDay(DAY), tell_crm=True)
        return done.accounts, done.waiting_tasks, done.open_tasks

    def test_accounts_change_hands_with_the_calls_that_wait(self, started: House) -> None:
        assert self.give(started, "maria", "jonas") == (1, 1, 0)
        started.deliver(DAY)
        assert {task.owner_key for task in started.crm.tasks.values()} == {"jonas"}
        assert {record.owner_key for record in started.crm.records.values()} == {"jonas"}
        assert self.give(started, "jonas", "jonas") == (0, 0, 0)
        assert self.give(started, "jonas", "maria") == (2, 0, 2)
        assert {row.owner_key for row in started.rows(accounts)} == {"maria"}

    @pytest.mark.parametrize(
        ("to", "why"), [("gone", "is not active"), ("nobody", "is not known; known are jonas, maria")]
    )
    def test_to_somebody_who_works_here(self, started: House, to: str, why: str) -> None:
        with pytest.raises(UsageError, match=why):
            self.give(started, "maria", to)


@house_on_sqlite
def test_accounts_and_reps_are_found_by_what_is_typed(started: House) -> None:
    with started.store.read() as connection:
        assert find_account(connection, "GLOB").account_key == "globex"
        with pytest.raises(UsageError, match="several accounts are called e: acme, globex"):
            find_account(connection, "e")
        assert find_rep(connection, "gone") == "gone"
        with pytest.raises(UsageError, match="no rep nobody is known"):
            find_rep(connection, "nobody")
