"""Random lives of an installation: days of syncs, renewals, wishes, failures, deaths and pauses, against a simple model.

The model knows what the CA has said, which renewals are known, and who does not want mails. What the engine has really
sent, and what it has written down, must never contradict it.
"""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from sqlalchemy import select, update

from core.errors import UsageError
from core.explain import explain
from core.messages import Occasion
from core.model import OrderFacts, end_instant
from core.outbox import resolve
from core.policy import DeliverPolicy, OccasionPolicy, SyncPolicy, TaskPolicy
from core.reasons import Reason
from core.reopen import reopen
from core.schema import confirmations, cycles, deliveries, engine_locks, orders, touches
from core.suppressions import lift, suppress
from core.timing import WholeDay
from core.words import (
    Certainty,
    Channel,
    Clock,
    ConfirmationState,
    DeliveryState,
    Nature,
    OrderStatus,
    Outcome,
    TaskKind,
    TouchState,
    Urgency,
)
from tests.builders import House, account, facts, make_live_ledger, person
from tests.conftest import Prepare
from tests.fire.trouble import (
    Death,
    Fate,
    NumberingWriter,
    Trouble,
    TroubledCrm,
    TroubledMailer,
    TroubledSource,
)
from tests.postgres import PostgresServer

START = date(2026, 3, 2)

CUSTOMERS = (
    account("acme", country="DE", zone="Europe/Berlin"),
    account("bold", country="US", zone="America/Los_Angeles"),
    account("cole", country="JP", zone="Asia/Tokyo"),
)
ADDRESSES = [f"{name}@{customer.key}.example" for customer in CUSTOMERS for name in ("ann", "bob")]

picks = st.integers(0, 10_000)
troubles = st.lists(st.sampled_from(Trouble), max_size=4)


def pick(number: int, among: list[str]) -> str:
    return sorted(among)[number % len(among)]


class Life(RuleBasedStateMachine):
    """One installation. `make_url` gives the address of a fresh database that is live, `can_find` is the mailer's."""

    make_url: Callable[[], str]
    can_find = True
    ended = 0  # how many lives have come to their end

    def __init__(self) -> None:
        super().__init__()
        self.fate = Fate()
        self.house = House(
            type(self).make_url(),
            sync=SyncPolicy(batch_size=2),
            deliver=DeliverPolicy(break_after=0, uncertain_wait_seconds=0),
            tasks=TaskPolicy(fallback_owner="maria"),
            plan_batch=3,
            occasions=OccasionPolicy(),
        )
        self.house.crm = TroubledCrm(self.fate)
        self.house.mailer = TroubledMailer(self.fate, type(self).can_find)
        self.house.writer = self.writer = NumberingWriter()
        self.house.source = TroubledSource(fate=self.fate)
        self.day = START
        self.told: dict[str, OrderFacts] = {}  # what the CA says now
        self.heard: dict[str, set[OrderFacts]] = {}  # what the engine may have heard last, by order
        self.renewed: set[str] = set()  # whose renewal is told, and will be known with the next whole sync
        self.known: set[str] = set()  # whose renewal the engine knows
        self.shown: set[str] = set()  # of these, those that the CA has shown
        self.unproven: set[int] = set()  # the evidence that was believed for long enough
        self.successors: set[str] = set()
        self.refusing: set[str] = set()
        self.sent = 0
        self.lettered = 0
        self.done: dict[tuple[int, str, str], int | None] = {}
        self.last_run: date | None = None

    # What the CA says.

    @initialize(ends_in=st.integers(5, 70))
    def a_first_order(self, ends_in: int) -> None:
        self._place(CUSTOMERS[0].key, START + timedelta(days=ends_in), 365)

    @rule(
        number=picks,
        ends_in=st.integers(1, 100),
        life=st.sampled_from([90, 199, 365]),
        longer=st.sampled_from([0, 0, 50]),
    )
    def an_order_comes_in(self, number: int, ends_in: int, life: int, longer: int) -> None:
        if len(self.told) < 8:
            customer = CUSTOMERS[number % len(CUSTOMERS)].key
            self._place(customer, self.day + timedelta(days=ends_in), max(life, ends_in + 1), longer)

    def _place(self, customer: str, ends_on: date, life: int, longer: int = 0, **said: Any) -> OrderFacts:
        number = str(len(self.told) + 1)
        starts_on = ends_on - timedelta(days=life)
        people = (
            person(f"ann@{customer}.example"),
            *([person(f"bob@{customer}.example")] if len(self.told) % 2 else []),
        )
        one = facts(
            number,
            ends_on=ends_on + timedelta(days=longer),
            **{
                "starts_on": starts_on,
                "certificate_expires_on": ends_on,
                "account": next(one for one in CUSTOMERS if one.key == customer),
                "people": people,
            }
            | said,
        )
        self.told[one.key] = one
        return one

    @precondition(lambda self: self._running())
    @rule(number=picks, by=st.integers(-6, 25))
    def an_end_moves(self, number: int, by: int) -> None:
        one = self.told[pick(number, self._running())]
        assert one.order_expires_on is not None
        assert one.certificate_expires_on is not None
        move = timedelta(days=by)
        self.told[one.key] = replace(
            one,
            order_expires_on=one.order_expires_on + move,
            certificate_expires_on=one.certificate_expires_on + move,
        )

    @precondition(lambda self: self._running())
    @rule(number=picks)
    def a_certificate_is_reissued(self, number: int) -> None:
        one = self.told[pick(number, self._running())]
        self.told[one.key] = replace(
            one,
            certificate_id=one.certificate_id + "+",
            certificate_issued_on=self.day,
            certificate_expires_on=one.order_expires_on,
        )

    @precondition(lambda self: self._cancellable())
    @rule(number=picks)
    def an_order_is_cancelled(self, number: int) -> None:
        one = self.told[pick(number, self._cancellable())]
        self.told[one.key] = replace(one, status=OrderStatus.CANCELLED, status_text="canceled")

    @precondition(lambda self: any(one.status is OrderStatus.CANCELLED for one in self.told.values()))
    @rule(number=picks)
    def a_cancellation_is_taken_back(self, number: int) -> None:
        cancelled = [key for key, one in self.told.items() if one.status is OrderStatus.CANCELLED]
        one = self.told[pick(number, cancelled)]
        self.told[one.key] = replace(one, status=OrderStatus.ISSUED, status_text="issued")

    @precondition(lambda self: self._running())
    @rule(number=picks)
    def an_order_is_renewed(self, number: int) -> None:
        """The new order says which one it renews."""
        old = self.told[pick(number, self._running())]
        self._renew(old, renewal_of=old.key)

    @precondition(lambda self: self._replaceable())
    @rule(number=picks)
    def an_order_is_replaced(self, number: int) -> None:
        """A new order of the same customer has its names, and says nothing."""
        old = self.told[pick(number, self._replaceable())]
        self._renew(old, common_name=old.common_name, dns_names=old.dns_names)

    def _renew(self, old: OrderFacts, **said: Any) -> None:
        assert old.order_expires_on is not None
        starts = {"starts_on": self.day, "placed_on": self.day, "certificate_issued_on": self.day}
        new = self._place(old.account.key, old.order_expires_on + timedelta(days=40), 0, **starts | said)
        self.successors.add(new.key)
        self.renewed.add(old.key)

    def _running(self) -> list[str]:
        """Orders that are neither over nor renewed: only these meet with anything."""
        return [
            key
            for key, one in self.told.items()
            if one.status is OrderStatus.ISSUED
            and one.order_expires_on is not None
            and one.order_expires_on >= self.day
            and key not in self.known | self.renewed
        ]

    def _cancellable(self) -> list[str]:
        """An order that stands for another stays: what its end would mean for that one is told elsewhere."""
        return [key for key in self._running() if key not in self.successors]

    def _replaceable(self) -> list[str]:
        """A replacement is placed on a later day, at most 90 days before the end, and is clear whose it is."""
        names = Counter(one.dns_names for one in self.told.values())
        return [
            key
            for key in self._running()
            if names[self.told[key].dns_names] == 1
            and self.told[key].placed_on < self.day
            and (self.told[key].order_expires_on or self.day) - self.day <= timedelta(days=90)
        ]

    # What people say.

    @precondition(lambda self: self._heard_running())
    @rule(number=picks, certainty=st.sampled_from([Certainty.CONFIRMED, Certainty.PROVISIONAL]))
    def a_renewal_is_told(self, number: int, certainty: Certainty) -> None:
        key = pick(number, self._heard_running())
        if self.house.hear(self.told[key].outside_id, self.day, certainty):
            self.known.add(key)

    def _heard_running(self) -> list[str]:
        return [key for key in self._running() if key in self.heard]

    @precondition(lambda self: self.known)
    @rule(number=picks)
    def a_renewal_was_a_mistake(self, number: int) -> None:
        key = pick(number, list(self.known))
        with self.house.store.begin() as connection:
            try:
                reopen(connection, key, Clock.RENEWAL, "a mistake", self.house.policy, WholeDay(self.day))
            except UsageError:
                return
        self.known.discard(key)
        self.shown.discard(key)
        self.done = {one: which for one, which in self.done.items() if one[2] != Channel.CALL}

    @rule(number=picks)
    def somebody_wants_no_mails(self, number: int) -> None:
        address = pick(number, ADDRESSES)
        with self.house.store.begin() as connection:
            now = WholeDay(self.day).opening
            suppress(connection, address, Channel.MAIL, Nature.SERVICE, "unsubscribe", "by the link", now)
        self.refusing.add(address)

    @precondition(lambda self: self.refusing)
    @rule(number=picks)
    def somebody_wants_mails_again(self, number: int) -> None:
        address = pick(number, list(self.refusing))
        with self.house.store.begin() as connection:
            lift(connection, address)
        self.refusing.discard(address)

    @precondition(lambda self: self._open_tasks())
    @rule(number=picks, outcome=st.sampled_from(["done", "no_answer", "will_renew", "wrong_person", "renewed"]))
    def a_rep_does_a_task(self, number: int, outcome: str) -> None:
        self.house.crm.finish(pick(number, self._open_tasks()), outcome)

    def _open_tasks(self) -> list[str]:
        return [task.draft.key for task in self.house.crm.tasks.values() if task.is_open]

    @precondition(lambda self: self._uncertain())
    @rule(number=picks)
    def an_operator_decides(self, number: int) -> None:
        key = pick(number, self._uncertain())
        went = any(mail.key == key for mail in self.house.mailer.sent)
        with self.house.store.begin() as connection:
            resolve(connection, key, "arrived" if went else "repeat", WholeDay(self.day), crm=True)

    def _uncertain(self) -> list[str]:
        if type(self).can_find:
            return []
        mails = (deliveries.c.kind == "mail") & (deliveries.c.state == DeliveryState.UNCERTAIN)
        return [row.key for row in self.house.rows(deliveries, mails)]

    # What time does.

    @rule(
        days=st.sampled_from([0, 1, 1, 1, 2, 3, 7, 25]),
        mails=troubles,
        calls=troubles,
        dies_in_sync=st.sampled_from([None, None, None, 0, 1, 3]),
    )
    def days_pass(self, days: int, mails: list[Trouble], calls: list[Trouble], dies_in_sync: int | None) -> None:
        """Days without a run, then one with whatever befalls it."""
        self.day += timedelta(days=days)
        self.fate.mails, self.fate.calls, self.fate.rows_until_death = mails, calls, dies_in_sync
        self._run()

    @precondition(lambda self: self.last_run)
    @rule()
    def a_clock_jumps_back(self) -> None:
        assert self.last_run is not None
        before = self.house.dump()
        with pytest.raises(UsageError):
            self.house.run(self.last_run - timedelta(days=1))
        assert self.house.dump() == before

    def _run(self) -> None:
        self.house.source.rows = list(self.told.values())
        for key, one in self.told.items():
            self.heard.setdefault(key, set()).add(one)
        try:
            self.house.sync(self.day)
            self._heard_all()
            self.house.settle(self.day)
            self._what_was_not_shown_runs_again()
            self.house.plan(self.day)
            self.last_run = self.day
            self.house.deliver(self.day)
        except Death:
            self._lapse()
        else:
            self._no_account_has_two_open_calls()
        finally:
            self.fate.spare()
        self._mails_are_true()
        self._each_touch_goes_once()
        self._closed_cycles_say_why()

    def _heard_all(self) -> None:
        """A whole sync has told the engine everything."""
        self.heard = {key: {one} for key, one in self.told.items()}
        self.known |= self.renewed
        self.shown |= self.renewed
        self.renewed = set()
        by_rep = (confirmations.c.source == "memory") & (confirmations.c.certainty == Certainty.PROVISIONAL)
        counts = confirmations.c.state.in_((ConfirmationState.WAITING, ConfirmationState.APPLIED))
        renewal = confirmations.c.clock == Clock.RENEWAL
        self.known |= {row.order_key for row in self.house.rows(confirmations, by_rep, counts, renewal)}

    def _what_was_not_shown_runs_again(self) -> None:
        """What a person or another system has told is believed for a while; never against what the CA has shown."""
        too_old = self.house.rows(confirmations, confirmations.c.reason == Reason.UNPROVEN.sentence)
        again = {row.order_key for row in too_old if row.id not in self.unproven}
        assert not again & self.shown
        self.unproven |= {row.id for row in too_old}
        self.known -= again
        if again:
            self.done = {one: which for one, which in self.done.items() if one[2] != Channel.CALL}

    def _lapse(self) -> None:
        long_ago = datetime.now(UTC) - timedelta(days=1)
        for table in (engine_locks, deliveries):
            held = table.c.lease_until.is_not(None)
            self.house.write(update(table).where(held).values(lease_until=long_ago))

    # What must hold.

    def _mails_are_true(self) -> None:
        mails = self.house.mailer.sent
        assert max(Counter(mail.key for mail in mails).values(), default=0) <= 1, "a mail went twice"
        for mail in mails[self.sent :]:
            assert mail.to not in self.refusing
        self.sent = len(mails)
        for letter in self.writer.letters[self.lettered :]:
            for line in letter.lines:
                if letter.occasion is Occasion.THANK_YOU:
                    assert line.order_key in self.known, f"{line.order_key} is not known to be renewed"
                elif letter.clock is Clock.RENEWAL:
                    assert line.order_key not in self.known, f"{line.order_key} is known to be renewed"
                ends = {self._end(one, letter.clock) for one in self.heard[line.order_key]}
                assert letter.clock is Clock.INSTALL or line.ends_on in ends
                ended = letter.written_at >= end_instant(line.ends_on)
                assert line.ended == ended
                assert (line.urgency is Urgency.EXPIRED) == ended
                left = end_instant(line.ends_on) - letter.written_at
                by_calendar = (line.ends_at.date() - letter.written_at.date()).days
                assert line.days_left == (left.days if left.days >= 2 else by_calendar)
            assert letter.urgency is letter.lines[0].urgency
        self.lettered = len(self.writer.letters)
        self._one_mail_a_day()

    def _end(self, one: OrderFacts, clock: Clock) -> date | None:
        return one.order_expires_on if clock is Clock.RENEWAL else one.certificate_expires_on

    def _one_mail_a_day(self) -> None:
        urgency = {row.key: Urgency(row.urgency) for row in self.house.rows(deliveries, deliveries.c.kind == "mail")}
        a_day = Counter(
            (mail.to, self.writer.facts_of(mail).written_at.date())
            for mail in self.house.mailer.sent
            if self.writer.facts_of(mail).clock is Clock.RENEWAL and not urgency[mail.key].passes_limits
        )
        assert max(a_day.values(), default=0) <= 1, a_day

    def _no_account_has_two_open_calls(self) -> None:
        open_calls = Counter(
            task.draft.account_key
            for task in self.house.crm.tasks.values()
            if task.is_open and task.draft.kind is TaskKind.CALL
        )
        assert max(open_calls.values(), default=0) <= 1, open_calls

    def _each_touch_goes_once(self) -> None:
        now = {
            (row.cycle_id, row.touchpoint, row.channel): row.delivery_id
            for row in self.house.rows(touches, touches.c.state == TouchState.DONE)
        }
        for one, which in self.done.items():
            assert now.get(one, which) == which, f"{one} went again"
            assert one in now, f"{one} went and is forgotten"
        self.done = now

    def _closed_cycles_say_why(self) -> None:
        for row in self.house.rows(cycles, ~cycles.c.open):
            assert row.outcome in Reason.__members__.values(), row

    def teardown(self) -> None:
        """Peace, until every clock has run out."""
        try:
            self._live_to_the_end()
            type(self).ended += 1
        finally:
            self.house.close()

    def _live_to_the_end(self) -> None:
        last = max((one.order_expires_on or START for one in self.told.values()), default=START)
        last = max(last, self.day) + timedelta(days=24)
        while self.day < last:
            self.day += timedelta(days=6)
            # Nobody runs an installation only to see that nothing is due: half of a quiet time's days.
            if self.day < last and self.house.is_idle(self.day):
                continue
            for key in self._uncertain():
                went = any(mail.key == key for mail in self.house.mailer.sent)
                with self.house.store.begin() as connection:
                    resolve(connection, key, "arrived" if went else "drop", WholeDay(self.day), crm=True)
            self._run()
        assert [row for row in self.house.rows(cycles) if row.open] == []
        assert self.house.rows(touches, touches.c.state == TouchState.PLANNED) == []
        over = (DeliveryState.DELIVERED, DeliveryState.WITHDRAWN)
        assert self.house.rows(deliveries, deliveries.c.state.not_in(over)) == []
        assert self._open_tasks() == []
        with self.house.store.read() as connection:
            for key in connection.execute(select(orders.c.order_key)).scalars():
                for told in explain(connection, key, self.house.policy, self.day):
                    assert told.outcome not in (Outcome.PLANNED, Outcome.WAITING, Outcome.UNCERTAIN), (key, told)
                    assert told.outcome is Outcome.DELIVERED or told.reason, (key, told)


@pytest.fixture(scope="module")
def files() -> Iterator[Callable[[], str]]:
    """Gives addresses of SQLite databases that are live and empty."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="nolapse-life-", dir=memory) as folder:
        template = Path(folder) / "template.db"
        make_live_ledger(f"sqlite:///{template}")
        made: list[Path] = []

        def make() -> str:
            for before in made:
                for end in ("", "-wal", "-shm"):
                    Path(f"{before}{end}").unlink(missing_ok=True)
            made[:] = [Path(folder) / f"{len(os.listdir(folder))}.db"]
            shutil.copyfile(template, made[0])
            return f"sqlite:///{made[0]}"

        yield make


def _live(make: Callable[[], str], can_find: bool, examples: int) -> int:
    """Plays so many lives, and gives how many came to their end; each rule and each end asserts what it says."""

    class Machine(Life):
        make_url = staticmethod(make)

    Machine.can_find = can_find
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=24,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            # A life is slow to replay, and its last days tell enough: failures are not shrunk.
            phases=(Phase.explicit, Phase.reuse, Phase.generate),
        ),
    )
    return Machine.ended


@pytest.mark.parametrize("can_find", [True, False])
def test_a_life_on_sqlite(files: Callable[[], str], can_find: bool) -> None:
    lives = settings().max_examples // 8
    assert _live(files, can_find, lives) >= lives


def test_a_life_on_postgresql(
    postgres_server: PostgresServer, postgres_template: Callable[[str, Prepare], str]
) -> None:
    made: list[str] = []

    def make() -> str:
        for before in made:
            postgres_server.drop(before)
        made[:] = [postgres_server.create(postgres_template("life", make_live_ledger))]
        return postgres_server.url(made[0])

    try:
        lives = settings().max_examples // 30
        assert _live(make, True, lives) >= lives
    finally:
        for name in made:
            postgres_server.drop(name)
