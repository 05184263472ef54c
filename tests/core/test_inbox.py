from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.engine import Connection

from core import inbox
from core.errors import RetriableError, SkippableError, StoreError, UsageError
from core.inbox import MAX_ATTEMPTS, Event, InboxCounts
from core.schema import inbox as table
from core.schema import meta
from core.sql import insert_new
from core.store import Store, open_store
from core.timing import Timer, WholeDay
from core.words import InboxState
from tests.builders import make_ledger
from tests.conftest import Prepared

DAY = WholeDay(date(2026, 6, 10))
NOW = datetime(2026, 6, 10, 9, tzinfo=UTC)


@pytest.fixture
def store(prepared_store_url: Prepared) -> Iterator[Store]:
    store = open_store(prepared_store_url("ledger", make_ledger))
    yield store
    store.close()


def receive(store: Store, key: str, content: bytes = b"{}", door: str = "door", at: datetime = NOW) -> bool:
    with store.begin() as connection:
        return inbox.receive(connection, Event(door, key, content, at))


class Noting:
    """Notes each event in the store; what it says decides what goes wrong."""

    def __init__(self) -> None:
        self.tried: list[str] = []

    def __call__(self, connection: Connection, event: Event, timer: Timer) -> str:
        self.tried.append(event.key)
        done = insert_new(connection, meta, [{"key": f"event:{event.key}", "value": "done"}])
        match event.content:
            case b"refused":
                raise SkippableError("it names no order")
            case b"later":
                raise RetriableError("its system does not answer")
            case b"odd":
                raise KeyError("ann@acme.example")
            case b"lost":
                raise StoreError("the database is gone")
        return f"noted {done}"


def apply(store: Store, applier: Noting | None = None) -> InboxCounts:
    return inbox.apply(store, {"door": applier or Noting()}, DAY)


def noted(store: Store) -> set[str]:
    with store.read() as connection:
        keys = connection.execute(select(meta.c.key).where(meta.c.key.startswith("event:"))).scalars()
        return {key.removeprefix("event:") for key in keys}


def listed(store: Store, *states: str) -> list[inbox.Listed]:
    with store.read() as connection:
        return inbox.listing(connection, states, None, 100)


def state(store: Store, key: str) -> tuple[str, str, int]:
    found = next(one for one in listed(store) if one.key == key)
    return found.state, found.why, found.attempts


def test_an_event_is_stored_once_for_each_door(store: Store) -> None:
    assert receive(store, "1")
    assert not receive(store, "1", b"other")
    assert receive(store, "1", door="another")
    assert [(one.door, one.key, one.state) for one in listed(store)] == [
        ("another", "1", InboxState.RECEIVED), ("door", "1", InboxState.RECEIVED),
    ]  # fmt: skip


def test_events_are_applied_once_in_the_order_in_which_they_came(store: Store) -> None:
    for key in ("2", "1", "3"):
        receive(store, key)
    applier = Noting()
    assert apply(store, applier) == InboxCounts(applied=3)
    assert apply(store, applier) == InboxCounts()
    assert applier.tried == ["2", "1", "3"]
    assert state(store, "1") == ("applied", "noted 1", 1)


def test_a_door_that_nobody_serves_waits(store: Store) -> None:
    receive(store, "1", door="another")
    assert apply(store) == InboxCounts()
    assert state(store, "1")[0] == "received"


def test_what_is_refused_for_good_leaves_no_trace_but_its_reason(store: Store) -> None:
    receive(store, "1", b"refused")
    receive(store, "2")
    assert apply(store) == InboxCounts(applied=1, quarantined=1)
    assert state(store, "1") == ("quarantined", "it names no order", 1)
    assert noted(store) == {"2"}


def test_what_fails_is_tried_again_and_holds_nothing_up(store: Store) -> None:
    receive(store, "1", b"later")
    receive(store, "2")
    for attempt in range(1, MAX_ATTEMPTS):
        assert apply(store).postponed == 1
        assert state(store, "1") == ("received", "its system does not answer", attempt)
    assert noted(store) == {"2"}
    assert apply(store).quarantined == 1
    assert state(store, "1") == ("quarantined", "its system does not answer", MAX_ATTEMPTS)


def test_an_unforeseen_error_names_nobody(store: Store) -> None:
    receive(store, "1", b"odd")
    apply(store)
    assert state(store, "1")[1] == "it could not be applied (KeyError)"


def test_a_lost_database_is_nobodys_fault(store: Store) -> None:
    receive(store, "1", b"lost")
    with pytest.raises(StoreError):
        apply(store)
    assert state(store, "1") == ("received", "", 0)


def test_asked_to_stop_it_stops_between_two_batches(store: Store) -> None:
    for number in range(30):
        receive(store, str(number))
    answers = iter([False, True])
    assert inbox.apply(store, {"door": Noting()}, DAY, stop=lambda: next(answers)).applied == 20


def test_several_at_once_apply_each_event_once(store: Store) -> None:
    for number in range(40):
        receive(store, str(number))
    appliers = [Noting() for _ in range(4)]
    with ThreadPoolExecutor(4) as threads:
        counts = list(threads.map(lambda applier: apply(store, applier), appliers))
        counts += [apply(store)]
    assert sum(one.applied for one in counts) == 40
    assert len(noted(store)) == 40


def test_what_was_put_into_quarantine_can_be_replayed(store: Store) -> None:
    receive(store, "1", b"refused")
    apply(store)
    (one,) = listed(store)
    with store.begin() as connection:
        inbox.replay(connection, one.id)
    assert state(store, "1") == ("received", "", 0)
    assert apply(store).quarantined == 1


def test_or_discarded_but_not_what_was_applied(store: Store) -> None:
    receive(store, "1", b"refused")
    receive(store, "2")
    apply(store)
    ids = {one.key: one.id for one in listed(store)}
    with store.begin() as connection:
        inbox.discard(connection, ids["1"], "a test of theirs", DAY)
    assert state(store, "1")[:2] == ("discarded", "a test of theirs")
    with pytest.raises(UsageError, match="`nolapse reopen` undoes"), store.begin() as connection:
        inbox.discard(connection, ids["2"], "", DAY)


def test_an_event_that_is_not_there(store: Store) -> None:
    for ask in (inbox.one, inbox.content, inbox.replay):
        with pytest.raises(UsageError, match="there is no event 7"), store.begin() as connection:
            ask(connection, 7)
    with pytest.raises(UsageError, match="there is no event 7"), store.begin() as connection:
        inbox.discard(connection, 7, "", DAY)


def test_a_listing_can_be_narrowed(store: Store) -> None:
    receive(store, "1", b"refused")
    receive(store, "2")
    receive(store, "3", door="another")
    apply(store)
    assert [one.key for one in listed(store, "quarantined")] == ["1"]
    with store.read() as connection:
        assert [one.key for one in inbox.listing(connection, (), "another", 5)] == ["3"]
        assert [one.key for one in inbox.listing(connection, (), None, 1)] == ["3"]
        assert inbox.counted(connection) == {
            ("another", "received"): 1, ("door", "applied"): 1, ("door", "quarantined"): 1,
        }  # fmt: skip


def test_what_is_old_is_forgotten_unless_it_waits(store: Store) -> None:
    receive(store, "1")
    receive(store, "2", b"refused")
    apply(store)
    receive(store, "3")
    receive(store, "4", at=NOW + timedelta(days=1))
    with store.begin() as connection:
        assert inbox.purge(connection, NOW + timedelta(hours=1)) == 2
        assert set(connection.execute(select(table.c.event_key)).scalars()) == {"3", "4"}
        assert inbox.content(connection, inbox.listing(connection, (), None, 1)[0].id) == b"{}"
