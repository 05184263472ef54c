from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from threading import Barrier, Lock, Thread
from typing import Any

import pytest
from sqlalchemy import update

from core import golive
from core.deliver import ORDER, deliver
from core.errors import (
    ConfigurationError,
    FatalError,
    NolapseError,
    RetriableError,
    SkippableError,
    StoreError,
    UsageError,
)
from core.kinds import DeliverCounts, KindCounts
from core.messages import Letter
from core.policy import DeliverPolicy
from core.ports import Handed, Mail, Result
from core.schema import deliveries, tasks, touches
from core.timing import RealTime, WholeDay
from core.wording import WordedMail
from core.words import DeliveryKind
from tests.builders import FakeWriter, House, account, facts, kinds
from tests.core.conftest import MakeHouse
from tests.fakes.memory import MemoryMailer

DAY = date(2026, 6, 10)
END = DAY + timedelta(days=14)
LONG_AGO = datetime.now(UTC) - timedelta(hours=1)


def planned(make_house: MakeHouse, count: int = 1, **rules: Any) -> House:
    """Accounts with one order each: a mail and a call each are planned for the day."""
    rows = [facts(str(number), ends_on=END, account=account(f"a{number}")) for number in range(1, count + 1)]
    house = make_house(rows, **rules)
    house.sync(DAY)
    house.plan(DAY)
    return house


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    return planned(make_house)


def mail_of(house: House) -> Any:
    return house.rows(deliveries, deliveries.c.kind == "mail")[0]


def on_mails(house: House, **values: Any) -> None:
    house.write(update(deliveries).where(deliveries.c.kind == "mail").values(**values))


def counts(house: House, kind: DeliveryKind = DeliveryKind.MAIL) -> KindCounts:
    return house.deliver(DAY).kinds[kind]


def test_every_kind_has_its_turn() -> None:
    assert set(ORDER) == set(DeliveryKind)


def test_what_is_due_goes_and_is_counted(house: House) -> None:
    assert counts(house) == KindCounts(delivered=1)
    row = mail_of(house)
    assert (row.state, row.attempts, row.lease_until, row.error) == ("delivered", 1, None, "")
    assert row.outside_id == house.mailer.sent[0].message_id
    assert row.settled_at is not None
    assert house.touches()["1", "before-14", "mail"] == ("done", "")
    assert counts(house) == KindCounts()
    assert len(house.mailer.sent) == 1


def test_the_writer_makes_ready_for_what_is_due_and_rests_afterwards(make_house: MakeHouse) -> None:
    class Telling(FakeWriter):
        def expect(self, letters: int) -> None:
            said.append(letters)

        def mails(self, letters: Sequence[Letter]) -> list[WordedMail]:
            said.append("words")
            return super().mails(letters)

        def close(self) -> None:
            said.append("rests")

    said: list[int | str] = []
    house = planned(make_house, 3)
    house.writer = Telling()
    house.deliver(DAY)
    assert said == [3, "words", "rests"]
    said.clear()
    house.deliver(DAY)
    assert said == [0, "rests"]


def test_what_is_not_due_yet_waits(house: House) -> None:
    on_mails(house, send_after=datetime(2026, 6, 11, tzinfo=UTC))
    assert counts(house) == KindCounts(waiting=1)
    assert house.mailer.sent == []


def test_a_day_before_the_last_one_planned_is_refused(house: House) -> None:
    with pytest.raises(UsageError, match="has been planned already"):
        house.deliver(DAY - timedelta(days=1))


def test_observing_says_why_nothing_goes(make_house: MakeHouse) -> None:
    house = planned(make_house, live=False)
    done = house.deliver(DAY)
    assert done.held_because == "nothing is sent until `nolapse go-live`"
    assert done.kinds[DeliveryKind.MAIL] == KindCounts(waiting=1)
    assert house.mailer.sent == []


def test_progress_is_told(make_house: MakeHouse) -> None:
    house = planned(make_house, 3, deliver=DeliverPolicy(batch_size=2))
    told: list[int] = []
    mails_only = {DeliveryKind.MAIL: house.kinds[DeliveryKind.MAIL]}
    deliver(house.store, mails_only, WholeDay(DAY), house.policy, progress=lambda done, _: told.append(done))
    assert told == [2, 3]


def test_stopping_leaves_what_is_left_planned(make_house: MakeHouse) -> None:
    house = planned(make_house, 3, deliver=DeliverPolicy(batch_size=1))
    done = deliver(house.store, house.kinds, WholeDay(DAY), house.policy, stop=lambda: len(house.mailer.sent) >= 2)
    assert done.kinds[DeliveryKind.MAIL] == KindCounts(delivered=2, waiting=1)
    assert {row.state for row in house.rows(deliveries, deliveries.c.kind == "mail")} == {"delivered", "planned"}


# A process that died


def test_died_before_the_call_it_goes_again(house: House) -> None:
    on_mails(house, state="claimed", token="dead", lease_until=LONG_AGO)
    assert counts(house) == KindCounts(delivered=1)


def test_a_claim_that_still_runs_is_left_alone(house: House) -> None:
    on_mails(house, state="claimed", token="alive", lease_until=datetime.now(UTC) + timedelta(minutes=1))
    assert counts(house) == KindCounts(waiting=1)
    assert house.mailer.sent == []


def died_sending(house: House, ago: datetime = LONG_AGO) -> None:
    on_mails(house, state="sending", token="dead", attempts=1, sending_at=ago, lease_until=LONG_AGO)


def test_died_after_the_call_what_is_found_there_has_arrived(house: House) -> None:
    house.deliver(DAY)
    house.write(update(touches).values(state="planned"))
    died_sending(house)
    assert counts(house) == KindCounts(delivered=1)
    assert len(house.mailer.sent) == 1
    assert mail_of(house).state == "delivered"
    assert house.touches()["1", "before-14", "mail"] == ("done", "")


def test_died_before_the_call_was_made_what_is_not_found_goes_once_more(house: House) -> None:
    died_sending(house)
    assert counts(house) == KindCounts(delivered=1)
    assert len(house.mailer.sent) == 1
    assert mail_of(house).attempts == 2


def test_it_is_not_looked_up_before_the_call_must_have_ended(house: House) -> None:
    died_sending(house, ago=datetime.now(UTC) - timedelta(seconds=50))
    assert counts(house) == KindCounts()
    assert mail_of(house).state == "uncertain"


def test_where_nobody_can_tell_a_mail_is_never_sent_again(house: House) -> None:
    house.mailer = MemoryMailer(can_find=False)
    died_sending(house)
    for _ in range(3):
        assert counts(house) == KindCounts()
    assert mail_of(house).state == "uncertain"
    assert house.mailer.sent == []


def test_a_look_up_that_fails_leaves_it_uncertain(house: House) -> None:
    def broken(keys: Sequence[str]) -> dict[str, str]:
        raise RuntimeError("ann@acme.example is in this text")

    house.mailer.find = broken  # type: ignore[method-assign]
    died_sending(house)
    done = house.deliver(DAY)
    assert done.problems == ["the connector broke off: RuntimeError"]
    assert mail_of(house).state == "uncertain"


# What a connector answers


class Answers(MemoryMailer):
    """Answers each mail as the test says, and raises where it says so."""

    def __init__(self, answer: Callable[[Mail], Result | None], *, can_find: bool = True) -> None:
        super().__init__(can_find)
        self._answer = answer
        self.calls = 0

    def send(self, batch: Sequence[Mail]) -> list[Result]:
        self.calls += 1
        return [result for mail in batch if (result := self._answer(mail)) is not None]


def failing(error: NolapseError) -> Answers:
    return Answers(lambda mail: Result(mail.key, Handed.FAILED, error=error))


def raising(error: Exception, *, can_find: bool = True) -> Answers:
    def answer(mail: Mail) -> Result:
        raise error

    return Answers(answer, can_find=can_find)


def test_what_may_succeed_later_waits_and_is_not_tried_twice_in_a_run(house: House) -> None:
    house.mailer = failing(RetriableError("the server is busy"))
    due = mail_of(house).send_after
    assert counts(house) == KindCounts(waiting=1)
    row = mail_of(house)
    assert (row.state, row.attempts, row.error) == ("planned", 1, "the server is busy")
    assert row.send_after == due + timedelta(seconds=300)
    assert house.mailer.calls == 1
    counts(house)
    assert mail_of(house).send_after == due + timedelta(seconds=300 + 600)
    house.mailer = MemoryMailer()
    assert counts(house) == KindCounts(delivered=1)
    assert mail_of(house).error == ""


def test_it_is_given_up_after_so_many_tries(make_house: MakeHouse) -> None:
    house = planned(make_house, deliver=DeliverPolicy(max_attempts=2, break_after=0))
    house.mailer = failing(RetriableError("the server is busy"))
    assert counts(house) == KindCounts(waiting=1)
    assert counts(house) == KindCounts(failed=1)
    assert mail_of(house).state == "failed"
    assert counts(house) == KindCounts()


def test_what_is_refused_for_good_fails_and_the_rep_finds_a_contact(house: House) -> None:
    house.mailer = failing(SkippableError("there is no such mailbox"))
    assert counts(house) == KindCounts(failed=1)
    row = mail_of(house)
    assert (row.state, row.error) == ("failed", "there is no such mailbox")
    assert [row.kind for row in house.rows(tasks)] == ["call", "contact"]
    assert counts(house, DeliveryKind.CALL_CREATE) == KindCounts(delivered=1)
    assert [task.draft.kind for task in house.crm.tasks.values()] == ["call", "contact"]


@pytest.mark.parametrize(
    "error",
    [ConfigurationError("the password is wrong"), FatalError("the account is closed"), StoreError("the disk is full")],
)
@pytest.mark.parametrize("raises", [True, False], ids=["raised", "returned"])
def test_what_an_operator_must_mend_stops_the_kind_and_costs_no_try(
    make_house: MakeHouse, error: NolapseError, raises: bool
) -> None:
    house = planned(make_house, 4, deliver=DeliverPolicy(batch_size=2))
    house.mailer = raising(error) if raises else failing(error)
    house.mailer.batch_size = 1
    done = house.deliver(DAY)
    assert done.problems == [str(error)]
    assert done.kinds[DeliveryKind.MAIL] == KindCounts(waiting=4)
    assert house.mailer.calls == 1
    rows = house.rows(deliveries, deliveries.c.kind == "mail")
    assert {(row.state, row.attempts) for row in rows} == {("planned", 0)}
    assert done.kinds[DeliveryKind.CALL_CREATE].delivered == 4  # the others go on
    house.mailer = MemoryMailer()
    assert counts(house) == KindCounts(delivered=4)


def test_an_unforeseen_break_leaves_the_batch_uncertain(make_house: MakeHouse) -> None:
    house = planned(make_house, 3)
    house.mailer = raising(ValueError("ann@acme.example"))
    house.mailer.batch_size = 2
    done = house.deliver(DAY)
    assert done.kinds[DeliveryKind.MAIL] == KindCounts(uncertain=2, waiting=1)
    assert done.problems == ["the connector broke off: ValueError"]
    rows = house.rows(deliveries, deliveries.c.kind == "mail")
    assert [row.state for row in rows] == ["uncertain", "uncertain", "planned"]
    assert not any("@" in row.error for row in rows)


def test_each_item_has_its_own_fate(make_house: MakeHouse) -> None:
    house = planned(make_house, 4)
    fates: list[Callable[[str], Result | None]] = [
        lambda key: Result(key, Handed.DELIVERED, "<1>"),
        lambda key: Result(key, Handed.FAILED, error=RetriableError("busy")),
        lambda key: Result(key, Handed.FAILED, error=SkippableError("refused")),
        lambda key: None,
    ]
    numbers = iter(range(4))
    house.mailer = Answers(lambda mail: fates[next(numbers)](mail.key))
    assert counts(house) == KindCounts(delivered=1, failed=1, uncertain=1, waiting=1)
    rows = house.rows(deliveries, deliveries.c.kind == "mail")
    assert [row.state for row in rows] == ["delivered", "planned", "failed", "uncertain"]
    assert rows[3].error == "the outside system gave no answer for this item"


def test_from_warning_on_the_rep_is_asked_about_a_mail_that_may_be_lost(house: House) -> None:
    house.mailer = raising(TimeoutError(), can_find=False)
    assert counts(house).uncertain == 1
    assert [(row.kind, row.urgency) for row in house.rows(tasks)] == [("call", "reminder"), ("check", "warning")]
    house.deliver(DAY)
    assert "check" in {task.draft.kind for task in house.crm.tasks.values()}


def test_a_calm_mail_that_may_be_lost_troubles_nobody(make_house: MakeHouse) -> None:
    house = make_house([facts(ends_on=DAY + timedelta(days=60))])
    house.sync(DAY)
    house.plan(DAY)
    house.mailer = raising(TimeoutError(), can_find=False)
    assert counts(house).uncertain == 1
    assert house.rows(tasks) == []


def test_a_broken_template_stops_the_mails_and_nothing_else(house: House) -> None:
    def broken(letter: object) -> Any:
        raise ConfigurationError("renewal.j2 is broken")

    house.writer.mail = broken  # type: ignore[method-assign]
    done = house.deliver(DAY)
    assert done.problems == ["renewal.j2 is broken"]
    assert done.kinds[DeliveryKind.MAIL] == KindCounts(waiting=1)
    assert (mail_of(house).state, mail_of(house).attempts) == ("planned", 0)


def test_a_call_that_outlasts_its_lease_overwrites_nothing(house: House) -> None:
    def settled_meanwhile(mail: Mail) -> Result:
        on_mails(house, state="delivered", token="other")
        return Result(mail.key, Handed.FAILED, error=RetriableError("no answer in time"))

    house.mailer = Answers(settled_meanwhile)
    house.deliver(DAY)
    assert mail_of(house).state == "delivered"


def test_what_waited_too_long_is_dropped(house: House) -> None:
    late = DAY + timedelta(days=15)
    done = house.deliver(late)
    assert done.kinds[DeliveryKind.MAIL] == KindCounts(withdrawn=1)
    assert house.touches()["1", "before-14", "mail"] == ("withdrawn", "too_old")
    assert mail_of(house).reason == "too_old"


class Slow(MemoryMailer):
    """Counts every hand-over, and lets two runs meet in the middle of one."""

    def __init__(self) -> None:
        super().__init__()
        self.handed: list[str] = []
        self._lock = Lock()
        self._meeting = Barrier(2)

    def send(self, batch: Sequence[Mail]) -> list[Result]:
        with self._lock:
            self.handed += [mail.key for mail in batch]
            first = len(self.handed) == len(batch)
        if first:
            self._meeting.wait(timeout=20)
        return super().send(batch)

    def meet(self) -> None:
        self._meeting.wait(timeout=20)


def test_two_runs_at_once_hand_nothing_over_twice(make_house: MakeHouse) -> None:
    house = planned(make_house, 12, deliver=DeliverPolicy(batch_size=3))
    mailer = Slow()
    mailer.batch_size = 3
    mails = {DeliveryKind.MAIL: kinds(mailer, None, house.writer, house.policy)[DeliveryKind.MAIL]}
    done: list[DeliverCounts] = []

    def run() -> None:
        done.append(deliver(house.store, mails, WholeDay(DAY), house.policy))

    first = Thread(target=run)
    first.start()
    while not mailer.handed:
        first.join(0.01)
    run()  # while the first is within its call
    mailer.meet()
    first.join()
    assert len(mailer.handed) == len(set(mailer.handed)) == 12
    assert sum(one.kinds[DeliveryKind.MAIL].delivered for one in done) == 12
    assert done[0].kinds[DeliveryKind.MAIL].delivered == 9  # all but the batch that the first was handing over


def test_in_real_time_only_what_is_due_by_now_goes(house: House) -> None:
    now = datetime.now(UTC)
    on_mails(house, send_after=now + timedelta(hours=1))
    with house.store.begin() as connection:
        golive.go_live(connection, date(2020, 1, 1))
    house.write(update(touches).values(day=now.date()))
    on_mails(house, urgency="critical")  # so that it goes at whatever hour the test runs
    assert house.deliver(DAY, RealTime()).kinds[DeliveryKind.MAIL].delivered == 0
    on_mails(house, send_after=now - timedelta(seconds=1))
    done = house.deliver(DAY, RealTime()).kinds[DeliveryKind.MAIL]
    assert (done.delivered, done.withdrawn) == (1, 0)
