"""Cutting a stream into batches."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from core.batches import batched


@given(st.lists(st.integers(), max_size=40), st.integers(1, 12))
def test_batches_hold_every_item_once_and_in_order(items: list[int], size: int) -> None:
    batches = list(batched(items, size))
    assert [item for batch in batches for item in batch] == items
    assert all(len(batch) == size for batch in batches[:-1])
    assert all(1 <= len(batch) <= size for batch in batches)


def test_nothing_gives_no_batch() -> None:
    assert list(batched([], 3)) == []


def test_a_stream_is_read_no_further_than_the_batch_in_hand() -> None:
    drawn: list[int] = []

    def stream() -> Iterator[int]:
        for number in range(10):
            drawn.append(number)
            yield number

    batches = batched(stream(), 3)
    assert next(batches) == [0, 1, 2]
    assert drawn == [0, 1, 2]
