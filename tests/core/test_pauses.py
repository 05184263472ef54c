"""What is paused stops at once, wherever it is delivered, and goes on when it is resumed."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta

import pytest

from core.deliver import deliver
from core.kinds import DeliverCounts
from core.model import RepFacts
from core.pauses import Pause, Scope, listing, pause, resume
from core.ports import Mail, Result
from core.schema import deliveries
from core.store import Store, open_store
from core.timing import WholeDay
from core.words import DeliveryKind
from tests.builders import House, customers, kinds
from tests.core.conftest import MakeHouse, house_on_sqlite
from tests.fakes.memory import MemoryMailer

DAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def two_customers(house: House) -> House:
    """Two customers of two reps, both with a mail due."""
    house.source.known_reps = [
        RepFacts("maria", "Maria", "maria@ours.example"),
        RepFacts("jonas", "Jonas", "jonas@ours.example"),
    ]
    house.source.rows = customers(DAY + timedelta(days=21), {"acme": "maria", "globex": "jonas"})
    house.sync(DAY)
    house.plan(DAY)
    return house


def say(store: Store, scope: Scope, which: str = "", reason: str = "") -> None:
    with store.begin() as connection:
        pause(connection, Pause(scope, which, reason), NOW)


def go_on(store: Store, scope: Scope, which: str = "") -> bool:
    with store.begin() as connection:
        return resume(connection, scope, which)


def called(house: House) -> set[str]:
    return {task.draft.account_key for task in house.crm.tasks.values()}


@pytest.mark.parametrize(
    ("scope", "which", "calls", "mails"),
    [
        (Scope.ALL, "", set(), set()),
        (Scope.ACCOUNT, "acme", {"globex"}, {"globex"}),
        (Scope.REP, "jonas", {"acme"}, {"acme"}),
        (Scope.CHANNEL, "call", set(), {"acme", "globex"}),
        (Scope.CHANNEL, "mail", {"acme", "globex"}, set()),
    ],
)
def test_a_pause_holds_what_it_names_until_it_is_resumed(
    house: House, scope: Scope, which: str, calls: set[str], mails: set[str]
) -> None:
    two_customers(house)
    say(house.store, scope, which)
    counts = house.deliver(DAY)
    assert (called(house), written(house)) == (calls, mails)
    assert bool(counts.held_because) == (scope is Scope.ALL)
    assert bool(house.crm.records) == (scope is not Scope.ALL), "the CRM hears of what is settled"
    assert go_on(house.store, scope, which)
    house.deliver(DAY)
    assert called(house) == written(house) == {"acme", "globex"}


@house_on_sqlite
def test_a_pause_is_known_once_and_can_be_ended_once(house: House) -> None:
    with house.store.begin() as connection:
        assert pause(connection, Pause(Scope.ACCOUNT, "acme", "they complained"), NOW)
        assert not pause(connection, Pause(Scope.ACCOUNT, "acme", "another"), NOW)
        (known,) = listing(connection)
        assert known.words == "the account acme is paused (they complained); `nolapse resume --account acme` ends it"
        assert resume(connection, Scope.ACCOUNT, "acme")
        assert not resume(connection, Scope.ACCOUNT, "acme")


def written(house: House) -> set[str]:
    return {mail.account_key for mail in house.mailer.sent}


class Interrupted(MemoryMailer):
    """A mailer in the middle of whose first call something happens."""

    def __init__(self, happen: Callable[[], object]) -> None:
        super().__init__()
        self.batch_size = 1
        self._happen = happen

    def send(self, batch: Sequence[Mail]) -> list[Result]:
        results = super().send(batch)
        if len(self.sent) == 1:
            self._happen()
        return results


def test_it_stops_a_run_that_is_under_way_from_another_process(make_house: MakeHouse) -> None:
    """The run has claimed all mails when the pause is said, by somebody with a store of their own."""
    house = two_customers(make_house())
    elsewhere = open_store(house.store.engine.url.render_as_string(hide_password=False))
    mailer = Interrupted(lambda: say(elsewhere, Scope.ALL))

    def run() -> DeliverCounts:
        return deliver(house.store, kinds(mailer, None, house.writer, house.policy), WholeDay(DAY), house.policy)

    try:
        assert run().kinds[DeliveryKind.MAIL].delivered == 1
        states = [row.state for row in house.rows(deliveries, deliveries.c.kind == DeliveryKind.MAIL)]
        assert states == ["delivered", "planned"], "what was claimed is given back"
        assert run().held_because == "everything is paused; `nolapse resume` ends it"
        assert go_on(elsewhere, Scope.ALL)
        assert run().kinds[DeliveryKind.MAIL].delivered == 1
    finally:
        elsewhere.close()
