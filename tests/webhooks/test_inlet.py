from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest
from sqlalchemy import event as sqlalchemy_event

from core import inbox
from core.store import Store, open_store
from tests.builders import make_live_ledger
from tests.conftest import Prepared
from webhooks.inlet import Inlet
from webhooks.metrics import Metrics

pytestmark = pytest.mark.parametrize("prepared_store_url", ["sqlite"], indirect=True)
SENDERS = 8


@pytest.fixture
def store(prepared_store_url: Prepared) -> Iterator[Store]:
    store = open_store(prepared_store_url("live", make_live_ledger))
    yield store
    store.close()


def together(inlet: Inlet, monkeypatch: pytest.MonkeyPatch, wrong: Exception | None = None) -> list[Any]:
    """What eight requests are told that come while another one is being stored; two of them bring the same event."""
    stored, go_on = Event(), Event()
    receive = inbox.receive

    def slow(connection: Any, event: inbox.Event) -> bool:
        if event.key == "first":
            stored.set()
            go_on.wait(60)
        elif wrong is not None:
            raise wrong
        return receive(connection, event)

    monkeypatch.setattr(inbox, "receive", slow)
    ready = Barrier(SENDERS + 1)

    def send(number: int) -> int | None:
        ready.wait(60)
        return inlet.keep("door", [(f"key {number // 2 if number < 2 else number}", b"")])

    with ThreadPoolExecutor(SENDERS + 1) as senders:
        first = senders.submit(inlet.keep, "door", [("first", b"")])
        assert stored.wait(60)
        rest = [senders.submit(send, number) for number in range(SENDERS)]
        ready.wait(60)
        while len(inlet._waiting) < SENDERS:
            stored.wait(0)
        go_on.set()
        assert first.result() == 1
        return [one.exception() or one.result() for one in rest]


def test_requests_of_one_moment_share_a_transaction_and_each_event_counts_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits: list[object] = []
    sqlalchemy_event.listen(store.engine, "commit", commits.append)
    assert sorted(together(Inlet(store, Metrics(store), lambda: None), monkeypatch)) == [0, *([1] * (SENDERS - 1))]
    assert len(commits) == 2


def test_what_goes_wrong_goes_wrong_for_all_of_them(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    inlet = Inlet(store, Metrics(store), lambda: None)
    wrong = KeyError("x")
    assert together(inlet, monkeypatch, wrong) == [wrong] * SENDERS
    monkeypatch.undo()
    assert inlet.keep("door", [("key 1", b"")]) == 1
