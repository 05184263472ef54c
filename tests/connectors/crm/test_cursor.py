"""The cursor of changes: nothing is lost to a late search, nothing is told twice."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.crm.cursor import OVERLAP, Place, read, write
from core.errors import UsageError


def at(second: int) -> str:
    return f"2026-11-21T09:{second // 60:02}:{second % 60:02}.000Z"


def test_the_next_reading_goes_back_by_the_overlap_and_leaves_out_what_it_saw() -> None:
    place = Place().after([("1", at(600)), ("2", at(30))])
    assert place.until == at(600)
    assert place.seen == {"1": at(600)}
    assert place.since == datetime(2026, 11, 21, 9, 5, tzinfo=UTC)
    assert not place.is_new("1", at(600))
    assert place.is_new("1", at(601))
    assert place.is_new("3", at(599))


def test_a_change_that_the_search_shows_late_is_still_read() -> None:
    place = Place().after([("1", at(600))])
    late = ("2", at(600 - int(OVERLAP.total_seconds()) + 1))
    assert place.is_new(*late)
    assert place.after([late]).until == at(600)


def test_nothing_read_is_nowhere() -> None:
    assert Place().since is None
    assert Place().after([]) == Place()
    assert read(None) == {}


@given(
    st.dictionaries(
        st.sampled_from(["tasks", "contacts"]), st.lists(st.tuples(st.text("12", max_size=3), st.integers(0, 3599)))
    )
)
def test_a_cursor_is_read_as_it_was_written(told: dict[str, list[tuple[str, int]]]) -> None:
    places = {name: Place().after((id, at(second)) for id, second in several) for name, several in told.items()}
    assert read(write(places)) == places


@pytest.mark.parametrize("cursor", ["7", "[]", "{", '{"tasks": 1}'])
def test_another_crms_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(UsageError, match="another CRM"):
        read(cursor)
