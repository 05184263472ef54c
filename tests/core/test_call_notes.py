"""While a deal is open, or just after a talk, a call becomes a note."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select

from core.engagements import Engagement, apply
from core.ports import CrmChange
from core.reasons import Reason
from core.schema import tasks
from core.side_tables import engagements
from core.timing import WholeDay
from tests.builders import House, account, facts
from tests.fakes.memory import PlainCrm

END = date(2026, 6, 26)
CALL = END - timedelta(days=45)
TALK = CrmChange("2", "contacted", account_key="acme", at=datetime(2026, 5, 10, 12, tzinfo=UTC))
DEAL = CrmChange("1", "deal", account_key="acme", value="open")


@pytest.mark.parametrize(
    ("engagement", "reason"),
    [
        (Engagement(), None),
        (Engagement(open_deal=True), Reason.OPEN_DEAL),
        (Engagement(contacted_on=CALL), Reason.HUMAN_CONTACT),
        (Engagement(contacted_on=CALL - timedelta(days=6)), Reason.HUMAN_CONTACT),
        (Engagement(contacted_on=CALL - timedelta(days=7)), None),
        (Engagement(contacted_on=CALL + timedelta(days=1)), None),
    ],
)
def test_a_talk_counts_for_a_week(engagement: Engagement, reason: Reason | None) -> None:
    assert engagement.why_note(CALL, 7) == reason


@pytest.mark.parametrize(("change", "why"), [(DEAL, Reason.OPEN_DEAL), (TALK, Reason.HUMAN_CONTACT)])
def test_the_call_becomes_a_note(house: House, change: CrmChange, why: Reason) -> None:
    house.source.rows = [facts(ends_on=END, account=account(owner_key="maria"))]
    house.crm.history.append(change)
    house.sync(CALL)
    house.run(CALL)
    assert house.crm.tasks == {}
    (note,) = house.crm.notes.values()
    assert (note.account_key, note.owner_key, note.order_keys) == ("acme", "maria", ("digicert:1",))
    assert house.touches()["1", "before-45", "call"] == ("skipped", why)
    assert [(row.state, row.reason) for row in house.rows(tasks)] == [("closed", why)]


def test_a_crm_that_keeps_no_notes_gets_none(house: House) -> None:
    house.crm = PlainCrm()
    house.source.rows = [facts(ends_on=END)]
    house.crm.history.append(DEAL)
    house.sync(CALL)
    house.run(CALL)
    assert house.touches()["1", "before-45", "call"] == ("skipped", Reason.OPEN_DEAL)
    assert house.crm.tasks == {}


def test_once_the_deal_is_closed_calls_are_made(house: House) -> None:
    house.source.rows = [facts(ends_on=END)]
    house.crm.history += [DEAL, CrmChange("3", "deal", account_key="acme", value="closed")]
    house.sync(CALL)
    house.run(CALL)
    assert len(house.crm.tasks) == 1


def test_what_is_known_is_the_latest_talk_of_a_known_account(house: House) -> None:
    house.source.rows = [facts(ends_on=END)]
    house.sync(CALL)
    with house.store.begin() as connection:
        for day in (9, 11, 10):
            at = datetime(2026, 5, day, tzinfo=UTC)
            apply(connection, CrmChange("1", "contacted", account_key="acme", at=at), WholeDay(CALL))
        apply(connection, CrmChange("2", "contacted", account_key="nobody"), WholeDay(CALL))
        assert connection.execute(select(engagements.c.contacted_on)).scalars().all() == [date(2026, 5, 11)]
        apply(connection, CrmChange("3", "contacted", account_key="acme"), WholeDay(CALL))
        assert connection.execute(select(engagements.c.contacted_on)).scalars().all() == [CALL]
