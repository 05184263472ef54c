"""What tests of the engine build their world from: orders, sources, policies, migrated stores, a plain writer."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, event, select

from config.settings import packaged
from core import consents, golive
from core.cadence_tables import Cadences
from core.calendar import Calendar, CalendarSettings
from core.columns import metadata
from core.confirmations import Confirmation, note
from core.consent import Basis, ConsentRule, ConsentRules, Given
from core.consents import Entry
from core.deliver import deliver
from core.deliver_assigns import AssignKind
from core.deliver_closes import CloseKind
from core.deliver_mail import MailKind
from core.deliver_records import MailLogKind, OptOutKind, RecordKind
from core.deliver_tasks import CreateKind, RaiseKind
from core.kinds import DeliverCounts, Kind
from core.links import ConsoleLinks
from core.messages import Brand, Letter, Script
from core.migrations import migrate
from core.model import (
    AccountFacts,
    OrderFacts,
    Person,
    Reject,
    RepFacts,
    SourceRow,
    digest_of,
    order_key,
)
from core.plan import PlanCounts, plan
from core.policy import OccasionPolicy, Policy
from core.ports import Crm, Finding, Mailer
from core.run import RunCounts
from core.schema import cycles, deliveries, orders, touches
from core.settle import SettleCounts, settle
from core.store import Store, open_store
from core.sync import SyncCounts, sync
from core.timing import Timer, WholeDay
from core.validity import ValidityRules
from core.wording import WordedMail, WordedTask
from core.words import (
    Certainty,
    Channel,
    Clock,
    DeliveryKind,
    DeliveryState,
    Level,
    OrderStatus,
    ProductKind,
    Role,
)
from tests.fakes.memory import MemoryCrm, MemoryMailer


def person(email: str, *roles: Role, **said: Any) -> Person:
    """Somebody to write to; an organisation contact where no role is named."""
    return Person(email, roles or (Role.ORGANISATION,), **said)


def account(key: str = "acme", **said: Any) -> AccountFacts:
    """A German customer."""
    return AccountFacts(**{"key": key, "name": key.title(), "country": "DE", "zone": "Europe/Berlin"} | said)


def facts(outside_id: str = "1", *, ends_on: date, **said: Any) -> OrderFacts:
    """An issued OV order of a year whose certificate ends with it. What is said wins."""
    starts_on = said.get("starts_on", ends_on - timedelta(days=365))
    usual: dict[str, Any] = {
        "key": order_key("digicert", outside_id),
        "ca": "digicert",
        "outside_id": outside_id,
        "status": OrderStatus.ISSUED,
        "status_text": "issued",
        "product_id": "ssl_plus",
        "product_name": "Standard SSL",
        "kind": ProductKind.TLS,
        "level": Level.OV,
        "common_name": f"www{outside_id}.example.com",
        "dns_names": (f"www{outside_id}.example.com",),
        "placed_on": starts_on,
        "starts_on": starts_on,
        "order_expires_on": ends_on,
        "order_expires_inferred": False,
        "certificate_id": f"c{outside_id}",
        "certificate_issued_on": starts_on,
        "certificate_expires_on": said.get("order_expires_on", ends_on),
        "term_days": 365,
        "value_minor": 50_000,
        "currency": "USD",
        "account": account(),
        # Somebody of each customer's own: people whose address is the same are one person.
        "people": (person(f"ann@{said.get('account', account()).key.rpartition(':')[2]}.example"),),
    }
    return OrderFacts(**usual | said)


def customers(ends_on: date, owners: Mapping[str, str]) -> list[OrderFacts]:
    """An order for each of these customers, with a person of its own; each belongs to the rep that is named."""
    return [
        facts(
            str(number),
            ends_on=ends_on,
            account=account(key, owner_key=rep),
            people=(person(f"ann@{key}.example"),),
        )
        for number, (key, rep) in enumerate(owners.items(), start=1)
    ]


@dataclass
class Stream:
    """A pass over orders that are in memory."""

    rows: Sequence[OrderFacts | Reject]
    complete: bool = True
    cursor: str | None = None
    header: tuple[str, ...] = ()
    size: int | None = field(init=False)

    def __post_init__(self) -> None:
        self.size = len({row.key for row in self.rows if isinstance(row, OrderFacts)})

    def __iter__(self) -> Iterator[SourceRow | Reject]:
        for number, row in enumerate(self.rows, start=1):
            if isinstance(row, Reject):
                yield row
            else:
                yield SourceRow(row.key, digest_of(repr(row)), f"row {number}", lambda row=row: row)  # type: ignore[misc]


@dataclass
class MemorySource:
    """An order source whose orders, accounts and reps a test sets."""

    rows: Sequence[OrderFacts | Reject] = ()
    name: str = "memory"
    complete: bool = True
    known_accounts: Sequence[AccountFacts] = ()
    known_reps: Sequence[RepFacts] = ()
    unusable_accounts: Sequence[Reject] = ()
    names_everybody: bool = False

    def orders(self, cursor: str | None) -> Stream:
        return Stream(self.rows, self.complete)

    def order(self, key: str) -> OrderFacts | None:
        return next((row for row in self.rows if isinstance(row, OrderFacts) and row.key == key), None)

    def check(self) -> list[Finding]:
        return [Finding("memory", True, "it is there")]

    def accounts(self) -> tuple[Sequence[AccountFacts], Sequence[Reject]]:
        return self.known_accounts, self.unusable_accounts

    def reps(self) -> tuple[Sequence[RepFacts], Sequence[Reject]]:
        return self.known_reps, ()


def source(rows: Sequence[OrderFacts | Reject] = (), **said: Any) -> MemorySource:
    """An order source that gives these rows."""
    return MemorySource(rows, **said)


BRAND = Brand(
    company="Certs Ltd",
    sender="renewals@certs.example",
    console_name="CertCentral",
    console_url="https://console.example",
)


def policy(**said: Any) -> Policy:
    """What the packaged files say, with what is said instead."""
    usual = Policy(
        cadences=Cadences.from_toml(packaged("cadence.toml")),
        calendar=_CALENDAR,
        validity=ValidityRules.from_toml(packaged("validity.toml")),
        brand=BRAND,
        lock_wait_seconds=1,
        consent=ConsentRules({"default": ConsentRule(mail=frozenset(Basis), call=frozenset(Basis))}),
        # Most tests look at what the cadence sends, and count it.
        occasions=OccasionPolicy(thank_you=False, win_back=False),
    )
    return replace(usual, **said)


# Its holidays are slow to work out, so that all policies share it.
_CALENDAR = Calendar(CalendarSettings.from_toml(packaged("calendar.toml")))


def make_ledger(url: str) -> None:
    """Migrates an empty database, for `prepared_store_url("ledger", make_ledger)`."""
    store = open_store(url)
    migrate(store)
    store.close()


def make_live_ledger(url: str) -> None:
    """Migrates an empty database and goes live, for `prepared_store_url("live", make_live_ledger)`."""
    store = open_store(url)
    migrate(store)
    with store.begin() as connection:
        golive.go_live(connection, date(2020, 1, 1))
    store.close()


@contextmanager
def open_migrated(url: str) -> Iterator[Store]:
    """The store behind a URL, migrated, for the time of the block."""
    store = open_store(url)
    try:
        migrate(store)
        yield store
    finally:
        store.close()


@dataclass
class FakeWriter:
    """Words everything in one line, and keeps the facts it was given."""

    letters: list[Letter] = field(default_factory=list)
    scripts: list[Script] = field(default_factory=list)

    def mail(self, letter: Letter) -> WordedMail:
        self.letters.append(letter)
        told = ", ".join(line.order_id for line in letter.lines)
        return WordedMail(f"{letter.urgency}: {told}", told, f"<p>{told}</p>")

    def expect(self, letters: int) -> None:
        """There is nothing to make ready."""

    def mails(self, letters: Sequence[Letter]) -> list[WordedMail]:
        return [self.mail(letter) for letter in letters]

    def task(self, script: Script) -> WordedTask:
        self.scripts.append(script)
        told = ", ".join(line.order_id for line in script.lines)
        return WordedTask(f"{script.kind}: {script.account_name}", told)

    def check(self) -> None:
        """There is no template that could be broken."""

    def close(self) -> None:
        """There is nothing to close."""


def fake_writer() -> FakeWriter:
    """A writer that needs no templates."""
    return FakeWriter()


def kinds(mailer: Mailer, crm: Crm | None, writer: FakeWriter, rules: Policy) -> dict[DeliveryKind, Kind]:
    """How each kind of delivery goes, as the application puts it together."""
    links = ConsoleLinks(rules.brand.console_url)
    found: dict[DeliveryKind, Kind] = {DeliveryKind.MAIL: MailKind(mailer, crm, writer, links, rules)}
    if crm is not None:
        found[DeliveryKind.CALL_CREATE] = CreateKind(crm, writer, links, rules)
        found[DeliveryKind.CALL_RAISE] = RaiseKind(crm, rules)
        found[DeliveryKind.CALL_CLOSE] = CloseKind(crm, rules)
        found[DeliveryKind.CALL_ASSIGN] = AssignKind(crm, rules)
        found[DeliveryKind.RECORD] = RecordKind(crm)
        found[DeliveryKind.MAIL_LOG] = MailLogKind(crm)
        found[DeliveryKind.OPTOUT] = OptOutKind(crm)
    return found


def no_rejects(source: str, header: Sequence[str], rejects: Any) -> None:
    """Where a test expects none: a row that cannot be used fails it."""
    told = [f"{one.where} {one.column}: {one.reason}" for one in rejects]
    assert not told, told


def hurry(connection: sqlite3.Connection, _record: object) -> None:
    """Makes a database quick that no test needs after a power cut."""
    # No test outlives the power: what takes longest on a busy disk is left out.
    connection.execute("PRAGMA synchronous=OFF")


class House:
    """A whole installation in small: a store, one order source, a CRM and a mailer in memory, played day by day."""

    def __init__(self, url: str, rows: Sequence[OrderFacts | Reject] = (), **rules: Any) -> None:
        self.store = open_store(url)
        if self.store.is_sqlite:
            event.listen(self.store.engine, "connect", hurry)
        self.source = MemorySource(rows)
        self.crm = MemoryCrm()
        self.mailer = MemoryMailer()
        self.writer = FakeWriter()
        self.policy = policy(**rules)

    @property
    def kinds(self) -> dict[DeliveryKind, Kind]:
        return kinds(self.mailer, self.crm, self.writer, self.policy)

    def sync(self, day: date) -> SyncCounts:
        return sync(self.store, [self.source], self.crm, WholeDay(day), self.policy, rejects=no_rejects)

    def settle(self, day: date) -> SettleCounts:
        return settle(self.store, WholeDay(day), self.policy, records=True)

    def plan(self, day: date, timer: Timer | None = None) -> PlanCounts:
        return plan(self.store, timer or WholeDay(day), self.policy)

    def deliver(self, day: date, timer: Timer | None = None) -> DeliverCounts:
        return deliver(self.store, self.kinds, timer or WholeDay(day), self.policy)

    def run(self, day: date) -> RunCounts:
        return RunCounts(day, self.sync(day), self.settle(day), self.plan(day), self.deliver(day))

    def play(self, first: date, last: date) -> dict[date, RunCounts]:
        """Runs every day from `first` to `last`, both included."""
        days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
        return {day: self.run(day) for day in days}

    def is_idle(self, day: date) -> bool:
        """Whether this day has nothing to decide and nothing to deliver, as far as is known before it."""
        due = self.rows(cycles, cycles.c.next_on <= day)
        over = (DeliveryState.DELIVERED, DeliveryState.WITHDRAWN)
        return not due and not self.rows(deliveries, deliveries.c.state.not_in(over))

    def work(self, first: date, last: date, *, idle_days: bool = True) -> dict[date, DeliverCounts]:
        """Settles, plans and delivers every day from `first` to `last`, both included; nothing new comes in.

        Without `idle_days` on those days only on which something is due.
        """
        done: dict[date, DeliverCounts] = {}
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            if not idle_days and self.is_idle(day):
                continue
            self.settle(day)
            self.plan(day)
            done[day] = self.deliver(day)
        return done

    def may_sell_to(self, *addresses: str, basis: Basis = Basis.CUSTOMER) -> None:
        """Notes a basis for commercial mails and sales calls to these addresses."""
        given = Given(basis, date(2026, 1, 1), "a test", "a file")
        entries = [Entry(address, channel, given) for address in addresses for channel in Channel]
        with self.store.begin() as connection:
            consents.note(connection, entries, datetime(2026, 1, 1, tzinfo=UTC))

    def rows(self, table: Table, *where: ColumnElement[bool]) -> list[Any]:
        """The rows of a table, in the order in which they were written."""
        with self.store.read() as connection:
            return list(connection.execute(select(table).where(*where).order_by(*table.primary_key.columns)))

    def write(self, statement: Any) -> None:
        """Changes the store behind the engine's back."""
        with self.store.begin() as connection:
            connection.execute(statement)

    def dump(self) -> dict[str, list[Any]]:
        """Everything that is in the engine's tables."""
        return {name: self.rows(table) for name, table in sorted(metadata.tables.items())}

    def touches(self) -> dict[tuple[str, str, str], tuple[str, str]]:
        """State and reason of every touch, by order, touchpoint and channel."""
        query = (
            select(orders.c.outside_id, touches)
            .join(cycles, cycles.c.order_id == orders.c.id)
            .join(touches, touches.c.cycle_id == cycles.c.id)
        )
        with self.store.read() as connection:
            rows = connection.execute(query.order_by(touches.c.id)).all()
        return {(row.outside_id, row.touchpoint, row.channel): (row.state, row.reason) for row in rows}

    def cycles(self, outside_id: str = "1", clock: Clock = Clock.RENEWAL) -> list[Any]:
        """The cycles of an order on a clock, by number."""
        query = select(cycles).join(orders, orders.c.id == cycles.c.order_id)
        mine = (orders.c.outside_id == outside_id) & (cycles.c.clock == clock)
        with self.store.read() as connection:
            return list(connection.execute(query.where(mine).order_by(cycles.c.number)))

    def hear(self, outside_id: str, renewed_on: date, certainty: Certainty = Certainty.CONFIRMED, **said: Any) -> int:
        """Notes a confirmation from outside, and gives how many were new."""
        key = order_key("digicert", outside_id)
        usual: dict[str, Any] = {
            "source": "outside",
            "source_key": f"{key}:{renewed_on}:{certainty}",
            "evidence": "told by a test",
        }
        given = Confirmation(order_key=key, renewed_on=renewed_on, certainty=certainty, **usual | said)
        with self.store.begin() as connection:
            return note(connection, [given], datetime(2026, 1, 1, 12, tzinfo=UTC))

    def close(self) -> None:
        self.store.close()
