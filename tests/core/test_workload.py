"""What a span asked for: counted by week, rep and contact."""

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import insert, update

from core.schema import deliveries, reps
from core.words import DeliveryKind, DeliveryState
from core.workload import Load, Share, Workload, monday, workload
from tests.builders import House, customers
from tests.core.conftest import MakeHouse

DAY = date(2026, 11, 18)
WEEK = date(2026, 11, 16)
NEXT = date(2026, 11, 23)


def span(*contacts: Share, people: int = 10, weeks: dict[date, Load] | None = None) -> Workload:
    found = weeks if weeks is not None else {WEEK: Load(), NEXT: Load()}
    return Workload(DAY, DAY + timedelta(days=9), found, (), contacts, people, 0)


def contact(*loads: Load) -> Share:
    return Share(
        "acme", "ann@acme.example", {WEEK + timedelta(days=7 * number): one for number, one in enumerate(loads)}
    )


def test_a_week_begins_on_monday_whichever_year_it_is_in() -> None:
    assert monday(WEEK) == monday(DAY) == monday(date(2026, 11, 22)) == WEEK
    assert monday(date(2027, 1, 1)) == date(2026, 12, 28)


def test_sums_and_the_most_of_a_week() -> None:
    found = span(weeks={WEEK: Load(3, 5, 1), NEXT: Load(7, 1, 1)})
    assert found.total == Load(10, 6, 2)
    assert found.most == Load(7, 5, 1)
    assert found.busiest_week == WEEK  # as busy as the next, and earlier
    share = contact(Load(3, 1), Load(1, 2))
    assert (share.total, share.most, share.total.contacts) == (Load(4, 3), Load(3, 2), 7)
    assert found.mean(share) == (2.0, 1.5)


def test_how_contacts_spread_over_the_span() -> None:
    found = span(contact(Load(1)), contact(Load(3, 2)), contact(Load(6)), contact(Load(20)), contact(Load(60, 1)))
    assert found.spread == {(0, 0): 5, (1, 5): 2, (6, 10): 1, (11, 20): 1, (21, 50): 0, (51, 100): 1, (101, None): 0}
    assert found.most_to_one == Load(60, 2)
    nobody = span(people=0)
    assert set(nobody.spread.values()) == {0}
    assert (nobody.most_to_one, nobody.total) == (Load(), Load())


def play(house: House) -> datetime:
    """Four days in which three customers of two reps are mailed and to be called; gives when the second began."""
    house.write(insert(reps).values(rep_key="rep1", name="Maria"))
    house.run(DAY)
    since = datetime.now(UTC)
    house.play(DAY + timedelta(days=1), DAY + timedelta(days=6))
    return since


def test_what_was_delivered_is_counted_by_week_rep_and_contact(make_house: MakeHouse) -> None:
    owners = {"one": "rep1", "two": "rep2", "three": "rep1"}
    house = make_house(customers(DAY + timedelta(days=7), owners))
    since = play(house)
    last = DAY + timedelta(days=6)
    mails = house.rows(
        deliveries, deliveries.c.kind == DeliveryKind.MAIL, deliveries.c.state == DeliveryState.DELIVERED
    )
    drafts = [task.draft for task in house.crm.tasks.values()]
    called = {draft.key: draft.contact_email for draft in drafts}
    with house.store.read() as connection:
        everything = workload(connection, DAY, last, datetime(2020, 1, 1, tzinfo=UTC), called)
        later = workload(connection, DAY + timedelta(days=1), last, since, called)
        nameless = workload(connection, DAY, last, datetime(2020, 1, 1, tzinfo=UTC))
    assert list(everything.weeks) == [WEEK, NEXT]
    assert everything.total.mails == len(mails)
    assert everything.total.calls == len(drafts) == 3
    assert everything.orders == everything.people == len(everything.contacts) == 3
    assert [(rep.key, rep.name) for rep in everything.reps] == [("rep1", "Maria"), ("rep2", "")]
    assert (
        sum(rep.total.mails for rep in everything.reps)
        == sum(one.total.mails for one in everything.contacts)
        == len(mails)
    )
    assert {one.name for one in everything.contacts} == {f"ann@{key}.example" for key in owners}
    assert [one.total.calls for one in everything.contacts] == [1, 1, 1]
    assert 0 < later.total.mails < everything.total.mails
    assert nameless.total == everything.total
    assert not any(one.total.calls for one in nameless.contacts)


def test_a_mail_that_failed_or_waits_is_not_counted(make_house: MakeHouse) -> None:
    house = make_house(customers(DAY + timedelta(days=7), {"one": "rep1"}))
    house.run(DAY)
    house.write(update(deliveries).values(state=DeliveryState.FAILED))
    with house.store.read() as connection:
        found = workload(connection, DAY, DAY + timedelta(days=6), datetime(2020, 1, 1, tzinfo=UTC))
    assert (found.total, found.contacts, found.orders, found.people) == (Load(), (), 0, 1)
