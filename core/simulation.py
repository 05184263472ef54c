"""Days to come, played: customers and reps keep to their habits, the four steps do what they would do on each day."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from sqlalchemy import delete, exists, literal, select, text, union_all
from sqlalchemy.engine import Connection

from core import crm_changes, golive
from core.batches import batched
from core.confirmations import Confirmation, note
from core.deliver import deliver
from core.deliver_mail import MailKind, Part, SealedMail
from core.dossiers import Dossiers
from core.habits import Habits, Limits
from core.kinds import DeliverCounts, Kind
from core.links import ConsoleLinks
from core.locks import Lock, holding
from core.messages import Letter, Script
from core.model import OrderFacts
from core.plan import PlanCounts, plan
from core.policy import Policy
from core.portfolio import Portfolio
from core.ports import CrmChange, Mail, Result, TaskDraft
from core.rehearsal import RehearsedCrm, RehearsedMailer
from core.schema import WAITING, cycles, deliveries, orders, tasks
from core.settle import SettleCounts, settle
from core.sql import among
from core.store import Store
from core.sync import take_orders
from core.timing import Timer, WholeDay
from core.wording import WordedMail, WordedTask
from core.words import (
    Certainty,
    Clock,
    DeliveryKind,
    DeliveryState,
    LostScope,
    TaskKind,
    TaskOutcome,
    TaskState,
)

SOURCE = "simulation"
BATCH = 1000
"""How many mails or tasks go together where nothing has to be carried anywhere."""

Progress = Callable[[int, int | None], None]

_NO_WORDS = WordedMail("", "", "")


class WordlessWriter:
    """Leaves mails and scripts empty, where only their number counts."""

    def mail(self, letter: Letter) -> WordedMail:
        return _NO_WORDS

    def expect(self, letters: int) -> None:
        """There is nothing to make ready."""

    def mails(self, letters: Sequence[Letter]) -> Sequence[WordedMail]:
        return [_NO_WORDS] * len(letters)

    def task(self, script: Script) -> WordedTask:
        return WordedTask("", "")

    def check(self) -> None:
        """There is nothing that could be broken."""

    def close(self) -> None:
        """There is nothing to close."""


class SimulatedMailer(RehearsedMailer):
    """Says of every mail that it went, of many at once."""

    batch_size = BATCH


class SimulatedMails(MailKind):
    """Mails that are sealed and written down as ever, but made of nothing: only that they go counts."""

    def __init__(self, policy: Policy) -> None:
        super().__init__(SimulatedMailer(), None, WordlessWriter(), ConsoleLinks(policy.brand.console_url), policy)

    def compose(
        self, connection: Connection, parts: Mapping[int, Part], dossiers: Dossiers, timer: Timer
    ) -> dict[int, SealedMail]:
        return {
            id: SealedMail(_bare_mail(one.going.row.key, one.going.moment), (), "", one.going.moment, one.going.day)
            for id, one in parts.items()
        }


def _bare_mail(key: str, at: datetime) -> Mail:
    return Mail(key, message_id="", sender="", sender_name="", to="", to_name="", subject="", text="", html="", date=at)


@dataclass
class SimulatedCrm(RehearsedCrm):
    """A CRM whose reps make their calls some days after they were asked for, and note who goes elsewhere.

    `to_call` says of each call task that was made, by its key, the address of the person whom it names.
    """

    habits: Habits
    today: date = date.min
    leaving: list[str] = field(default_factory=list)
    to_call: dict[str, str] = field(default_factory=dict)
    batch_size: int = BATCH
    _calls: defaultdict[date, list[str]] = field(default_factory=lambda: defaultdict(list))
    _told: int = 0

    def create_tasks(self, drafts: Sequence[TaskDraft]) -> list[Result]:
        calls = {draft.key: draft.contact_email for draft in drafts if draft.kind is TaskKind.CALL}
        self.to_call |= calls
        self.ask_for(calls, self.today)
        return super().create_tasks(drafts)

    def ask_for(self, task_keys: Iterable[str], day: date) -> None:
        """Has these calls made, so long after this day as reps take for them."""
        self._calls[day + timedelta(days=self.habits.call_days)] += task_keys

    def changes(self, since: str | None) -> tuple[Sequence[CrmChange], str | None]:
        made = [key for day in sorted(self._calls) if day <= self.today for key in self._calls.pop(day)]
        calls = [CrmChange(key, "task_outcome", task_key=key, value=self._outcome(key)) for key in made]
        facts = {"scope": LostScope.ORDER, "reason": "goes elsewhere"}
        lost = [CrmChange(key, "lost", order_key=key, facts=facts) for key in self.leaving]
        self.leaving = []
        self._told += len(calls) + len(lost)
        return [*calls, *lost], str(self._told)

    def _outcome(self, task_key: str) -> TaskOutcome:
        return TaskOutcome.REACHED if self.habits.reaches(task_key) else TaskOutcome.NO_ANSWER


@dataclass(frozen=True, slots=True)
class DayPlayed:
    """What the steps did on a day that was played."""

    day: date
    settle: SettleCounts
    plan: PlanCounts
    deliver: DeliverCounts


@dataclass(frozen=True, slots=True)
class Simulation:
    """What days are played with: a store that may be written to, connectors that pass nothing on, and what is assumed."""

    store: Store
    kinds: Mapping[DeliveryKind, Kind]
    crm: SimulatedCrm | None
    policy: Policy
    habits: Habits
    limits: Limits

    def play(
        self,
        first: date,
        days: int,
        *,
        progress: Progress | None = None,
        evening: Callable[[Connection, DayPlayed], None] | None = None,
    ) -> None:
        """Plays so many days from `first` on; `evening` may look at the ledger after each.

        Where no day of going live is set, the first is taken for it.
        """
        with self.store.begin() as connection:
            if golive.live(connection).first is None:
                golive.go_live(connection, first)
        with self.store.read() as connection:
            portfolio = Portfolio(connection, self.habits, self.limits, first)
            self._take_over_calls(connection, first)
        policy = replace(self.policy, deliver=replace(self.policy.deliver, batch_size=BATCH))
        for number in range(days):
            timer = WholeDay(first + timedelta(days=number))
            self._sync(portfolio, timer)
            played = DayPlayed(
                timer.day,
                settle(self.store, timer, self.policy, records=False, reps=self.crm is not None),
                plan(self.store, timer, self.policy),
                deliver(self.store, self._kinds_due(timer), timer, policy),
            )
            if evening is not None:
                with self.store.read() as connection:
                    evening(connection, played)
            if progress is not None:
                progress(number + 1, days)

    def _take_over_calls(self, connection: Connection, first: date) -> None:
        """Reps make the calls too that they had been asked for before."""
        if self.crm is None:
            return
        waiting = select(tasks.c.task_key, tasks.c.opened_on).where(
            tasks.c.kind == TaskKind.CALL, tasks.c.state == TaskState.OPEN
        )
        for task_key, opened_on in connection.execute(waiting.order_by(tasks.c.id)):
            soonest = first - timedelta(days=self.habits.call_days)
            self.crm.ask_for([task_key], max(opened_on or first, soonest))

    def _kinds_due(self, timer: Timer) -> Mapping[DeliveryKind, Kind]:
        """The kinds of which something may be due, for asking each costs more than most days have to send.

        What would raise a task that is closed meanwhile makes a new one; mails and tasks bring logs and records.
        """
        waiting = (deliveries.c.state == DeliveryState.PLANNED) & (deliveries.c.send_after <= timer.closing)
        query = union_all(
            *(select(literal(kind)).where(exists().where(waiting, deliveries.c.kind == kind)) for kind in self.kinds)
        )
        with self.store.read() as connection:
            due = set(connection.execute(query).scalars())
        if DeliveryKind.CALL_RAISE in due:
            due.add(DeliveryKind.CALL_CREATE)
        if due:
            due |= {DeliveryKind.RECORD, DeliveryKind.MAIL_LOG}
        return {kind: handler for kind, handler in self.kinds.items() if kind in due}

    def _sync(self, portfolio: Portfolio, timer: Timer) -> None:
        with self.store.read() as connection:
            morning = portfolio.on(connection, timer.day)
        with self.store.begin() as connection:
            # Nobody takes the records of orders here: they would be more with every day.
            connection.execute(
                delete(deliveries).where(deliveries.c.kind == DeliveryKind.RECORD, text(f"deliveries.{WAITING}"))
            )
        with holding(self.store, "sync", timer.day, self.policy.lock_wait_seconds) as lock:
            for batch in batched(morning.changed.values(), self.policy.sync.batch_size):
                self._take(batch, timer, lock)
            with self.store.begin() as connection:
                lock.renew(connection)
                waiting = _to_install(connection, morning.installed)
                note(connection, [_installed(key, timer) for key in waiting], timer.opening)
            if self.crm is not None:
                self.crm.today = timer.day
                self.crm.leaving += morning.leaving
                crm_changes.take(self.store, self.crm, timer, lock, self.policy)
            with self.store.begin() as connection:
                lock.done(connection, timer.day)

    def _take(self, batch: Sequence[OrderFacts], timer: Timer, lock: Lock) -> None:
        with self.store.begin() as connection:
            lock.renew(connection)
            take_orders(connection, SOURCE, batch, timer, self.policy, records=False)


def _to_install(connection: Connection, order_keys: Sequence[str]) -> list[str]:
    """Those of these orders whose install clock runs."""
    running = select(orders.c.order_key).join(cycles, cycles.c.order_id == orders.c.id)
    running = running.where(cycles.c.clock == Clock.INSTALL, cycles.c.open)
    return [
        key
        for batch in batched(order_keys, BATCH)
        for key in connection.execute(running.where(among(orders.c.order_key, batch)).distinct()).scalars()
    ]


def _installed(order_key: str, timer: Timer) -> Confirmation:
    """Somebody's word that the new certificate of an order is installed."""
    return Confirmation(
        SOURCE,
        f"{order_key}:installed:{timer.day}",
        order_key,
        timer.day,
        Certainty.CONFIRMED,
        "it is seen to be installed",
        Clock.INSTALL,
    )
