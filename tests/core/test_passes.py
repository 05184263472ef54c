"""What each pass over a source has counted, of its own alone."""

from datetime import date, timedelta

from sqlalchemy import insert

from core.passes import last_passes, passes
from core.schema import sync_runs
from core.sync import sync
from core.timing import WholeDay
from tests.builders import House, facts, no_rejects, source

DAY = date(2026, 6, 1)


def test_each_source_counts_for_itself_and_the_sync_for_all(house: House) -> None:
    rows = [facts(f"{number}", ends_on=DAY + timedelta(days=200)) for number in range(3)]
    both = [source(rows[:2], name="first"), source(rows[2:], name="second")]
    total = sync(house.store, both, None, WholeDay(DAY), house.policy, rejects=no_rejects)
    assert (total.read, total.new) == (3, 3)
    house.write(insert(sync_runs).values(source="second", started_at=WholeDay(DAY).opening))
    house.write(insert(sync_runs).values(source="third", started_at=WholeDay(DAY).opening))
    with house.store.read() as connection:
        found = {one.source: one for one in last_passes(connection)}
        listed = passes(connection, 2)
    assert {name: one.counts.get("new") for name, one in found.items()} == {"first": 2, "second": 1, "third": None}
    assert found["first"].words.endswith(" UTC: 2 read, 2 new")
    assert found["third"].words == "begun 2026-06-01 00:00 UTC and not ended"
    assert [one.source for one in listed] == ["third", "second"]
