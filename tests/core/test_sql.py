"""The statements that both databases spell in their own way."""

import pytest

from core.schema import meta, order_contacts, reps
from core.sql import insert_new, upsert
from tests.builders import House


@pytest.mark.parametrize("count", [1, 3, 2500])
def test_as_many_count_as_were_new(house: House, count: int) -> None:
    rows = [{"key": f"test-{number}", "value": str(number)} for number in range(count)]
    with house.store.begin() as connection:
        assert insert_new(connection, meta, rows) == count
        assert insert_new(connection, meta, rows) == 0
        assert insert_new(connection, meta, [*rows, {"key": "test-new", "value": "x"}]) == 1
        assert insert_new(connection, meta, []) == 0


def test_a_key_given_twice_is_inserted_once_and_the_first_stands(house: House) -> None:
    with house.store.begin() as connection:
        rows = [{"key": "test", "value": "first"}, {"key": "test", "value": "second"}]
        assert insert_new(connection, meta, rows) == 1
    assert [row.value for row in house.rows(meta, meta.c.key == "test")] == ["first"]


def test_keys_of_several_columns_conflict_as_a_whole(house: House) -> None:
    house.source.rows = ()
    with house.store.begin() as connection:
        assert insert_new(connection, order_contacts, []) == 0
        assert insert_new(connection, reps, [{"rep_key": "a"}, {"rep_key": "b"}]) == 2
        assert insert_new(connection, reps, [{"rep_key": "b"}, {"rep_key": "c"}]) == 1
    assert [row.rep_key for row in house.rows(reps)] == ["a", "b", "c"]


def test_upsert_writes_the_other_columns_where_the_key_is_taken(house: House) -> None:
    with house.store.begin() as connection:
        upsert(connection, reps, ["rep_key"], [{"rep_key": "a", "name": "Ann"}, {"rep_key": "b", "name": "Bob"}])
        upsert(connection, reps, iter(["rep_key"]), [{"rep_key": "a", "name": "Anna"}, {"rep_key": "c", "name": "Cid"}])
        upsert(connection, reps, ["rep_key"], [])
    assert [(row.rep_key, row.name, row.job) for row in house.rows(reps)] == [
        ("a", "Anna", "rep"),
        ("b", "Bob", "rep"),
        ("c", "Cid", "rep"),
    ]
