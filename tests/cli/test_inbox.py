import json
from datetime import UTC, datetime

import pytest

from core import inbox
from core.store import open_store
from tests.cli.conftest import Desk
from tests.webhooks.conftest import told

NOW = datetime(2026, 6, 10, 9, tzinfo=UTC)


def receive(nolapse: Desk, key: str, content: bytes) -> None:
    """An event that came in by the web app."""
    store = open_store(f"sqlite:///{nolapse.folder / 'nolapse.db'}")
    with store.begin() as connection:
        inbox.receive(connection, inbox.Event("renewals", key, content, NOW))
    store.close()


def furnish(nolapse: Desk) -> None:
    nolapse("migrate")
    receive(nolapse, "good", json.dumps(told("digicert:1001")).encode())
    receive(nolapse, "bad", b'{"ann@acme.example": 1}')


def test_what_came_in_is_applied_by_the_next_settle(nolapse: Desk) -> None:
    furnish(nolapse)
    nolapse.report({})
    nolapse("sync", "--today", "2026-06-10")
    nolapse("settle", "--today", "2026-06-10")
    found = nolapse("inbox", "list", "--all", "--json").json
    assert [(one["key"], one["state"]) for one in found] == [("bad", "quarantined"), ("good", "applied")]
    assert found[1]["why"] == "digicert:1001: provisional"
    assert found[0]["why"] == "what it says is not of the form that this door takes"


def test_only_what_is_not_applied_is_listed(nolapse: Desk) -> None:
    furnish(nolapse)
    nolapse("settle", "--today", "2026-06-10")
    assert [one["key"] for one in nolapse("inbox", "list", "--json").json] == ["bad"]
    assert [one["key"] for one in nolapse("inbox", "list", "--state", "applied", "--json").json] == ["good"]
    assert nolapse("inbox", "list", "--door", "other").out == "there is nothing like that in the inbox\n"


def test_a_list_names_nobody_but_show_tells_what_was_said(nolapse: Desk) -> None:
    furnish(nolapse)
    nolapse("settle", "--today", "2026-06-10")
    assert "acme" not in nolapse("inbox", "list", "--all").out
    assert nolapse("inbox", "show", "2").out == '{"ann@acme.example": 1}\n'
    assert nolapse("inbox", "show", "2", "--json").json == {"event": 2, "content": '{"ann@acme.example": 1}'}


def test_an_event_is_replayed_or_let_be(nolapse: Desk) -> None:
    furnish(nolapse)
    nolapse("settle", "--today", "2026-06-10")
    before = nolapse.tables()
    assert nolapse("inbox", "discard", "2", "--dry-run").out == "2: discarded\n"
    assert nolapse("inbox", "replay", "2", "--dry-run").code == 0
    assert nolapse.tables() == before
    assert (
        nolapse("inbox", "replay", "2").out == "2: quarantined; what it says is not of the form that this door takes\n"
    )
    assert nolapse("inbox", "discard", "2", "--reason", "a test", "--json").json["state"] == "discarded"
    assert nolapse("inbox", "list", "--json").json[0]["why"] == "a test"


def test_what_was_applied_cannot_be_discarded(nolapse: Desk) -> None:
    furnish(nolapse)
    nolapse("settle", "--today", "2026-06-10")
    said = nolapse("inbox", "discard", "1", code=2)
    assert said.err == "nolapse: event 1 has been applied; `nolapse reopen` undoes what it did\n"


def test_an_event_that_is_not_there(nolapse: Desk) -> None:
    for words in (["show", "7"], ["replay", "7"], ["discard", "7"]):
        assert (
            "there is no event 7; `nolapse inbox list` shows those that are there"
            in nolapse("inbox", *words, code=2).err
        )


# The server's own library leaves a socket open where it cannot bind; the command ends right then.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_web_app_needs_an_address(nolapse: Desk) -> None:
    assert nolapse("serve", "--web-only", code=2).err.splitlines()[-1] == (
        "nolapse: [web] listen is not set; write HOST:PORT, for instance 127.0.0.1:8080"
    )
    nolapse.settings('[web]\nlisten = "8080"\n')
    assert "[web] listen: 8080 is no address; write HOST:PORT" in nolapse("serve", "--web-only", code=2).err
    nolapse.settings('[web]\nlisten = "192.0.2.1:80"\n')
    assert "[web] listen: 192.0.2.1:80 cannot be listened on" in nolapse("serve", "--web-only", code=2).err


def test_one_of_the_two_is_to_be_served(nolapse: Desk) -> None:
    assert "leave nothing to serve" in nolapse("serve", "--web-only", "--jobs-only", code=2).err
