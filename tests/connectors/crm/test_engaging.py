"""Deals and talks are told where they differ from what we hold, on both databases."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, select

from connectors.crm.engaging import Talk, deals_told, talks_told
from connectors.crm.ledger import Ledger
from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.tables import LinkState
from core.schema import accounts
from core.side_tables import engagements
from core.store import Store, open_store
from tests.builders import make_ledger
from tests.conftest import Prepared

NOON = datetime(2026, 11, 18, 12, tzinfo=UTC)


@pytest.fixture
def store(prepared_store_url: Prepared) -> Iterator[Store]:
    """With three accounts: `open` has an open deal, `quiet` had a talk, of `new` nothing is known."""
    store = open_store(prepared_store_url("ledger", make_ledger))
    with store.begin() as connection:
        connection.execute(insert(accounts), [{"account_key": key, "name": key} for key in ("new", "open", "quiet")])
        ids = {row.account_key: row.id for row in connection.execute(select(accounts.c.id, accounts.c.account_key))}
        rows = [
            {"account_id": ids["open"], "open_deal": True, "contacted_on": None},
            {"account_id": ids["quiet"], "open_deal": False, "contacted_on": date(2026, 11, 18)},
        ]
        connection.execute(insert(engagements), rows)
    yield store
    store.close()


def test_deals_are_told_where_they_opened_or_closed(store: Store) -> None:
    ledger = Ledger(store.engine)
    assert ledger.with_open_deal() == ["open"]
    assert ledger.with_open_deal(after="open") == ledger.with_open_deal(most=0) == []
    same = {"open": True, "quiet": False, "new": False, "stranger": True}
    assert list(deals_told("crm", ledger, same)) == []
    told = [change for _, change in deals_told("crm", ledger, {"open": False, "new": True, "stranger": False})]
    assert {(one.account_key, one.what, one.value) for one in told} == {
        ("open", "deal", "closed"),
        ("new", "deal", "open"),
    }


def test_the_latest_talk_is_told_where_it_is_of_a_later_day(store: Store) -> None:
    talks = [
        Talk("new", NOON - timedelta(days=2)),
        Talk("new", NOON - timedelta(days=1)),
        Talk("new", NOON - timedelta(days=3)),
        Talk("quiet", NOON),
        Talk("stranger", NOON),
    ]
    told = [change for _, change in talks_told("crm", Ledger(store.engine), talks)]
    assert [(one.account_key, one.what, one.at) for one in told] == [("new", "contacted", NOON - timedelta(days=1))]
    later = [change for _, change in talks_told("crm", Ledger(store.engine), [Talk("quiet", NOON + timedelta(days=1))])]
    assert [one.account_key for one in later] == ["quiet"]


def test_links_that_are_newer_than_a_moment(store: Store) -> None:
    links = Links(store.engine, "crm")
    assert links.made_after(LinkKind.COMPANY, None) == ({}, None)
    links.put(LinkKind.COMPANY, [Link("acme", "1"), Link("globex", state=LinkState.AMBIGUOUS)])
    first, moment = links.made_after(LinkKind.COMPANY, None)
    assert first == {"1": Link("acme", "1")}
    assert moment is not None
    assert links.made_after(LinkKind.COMPANY, datetime.fromisoformat(moment.isoformat())) == ({}, moment)
    links.put(LinkKind.COMPANY, [Link("initech", "2")])
    second, later = links.made_after(LinkKind.COMPANY, moment)
    assert (list(second), later is not None and later > moment) == (["2"], True)
