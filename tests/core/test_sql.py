"""The statements that both databases spell in their own way."""

import re

import pytest
from sqlalchemy import select, text

from core.schema import meta, order_contacts, orders, reps
from core.sql import among, insert_new, upsert
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


def test_one_among_several(house: House) -> None:
    keys = ["a", "b'c", 'd"e', "[1]", "ü"]
    with house.store.begin() as connection:
        insert_new(connection, reps, [{"rep_key": key} for key in [*keys, "f"]])
        ids = {key: id for key, id in connection.execute(select(reps.c.rep_key, reps.c.id))}
        keyed, numbered = select(reps.c.rep_key).where(among(reps.c.rep_key, keys)), among(reps.c.id, {ids["a"], 0})
        assert set(connection.execute(keyed).scalars()) == set(keys)
        assert connection.execute(select(reps.c.rep_key).where(numbered)).scalars().all() == ["a"]
        assert len(connection.execute(select(reps.c.id).where(~numbered)).all()) == len(keys)
        assert connection.execute(select(reps.c.id).where(among(reps.c.id, []))).all() == []
        either = among(reps.c.rep_key, ["f"]) | numbered
        assert set(connection.execute(select(reps.c.rep_key).where(either)).scalars()) == {"a", "f"}


def test_several_may_be_given_when_it_is_asked(house: House) -> None:
    query = select(reps.c.rep_key).where(among(reps.c.rep_key, "those")).order_by(reps.c.rep_key)
    with house.store.begin() as connection:
        insert_new(connection, reps, [{"rep_key": key} for key in "abc"])
        for those in (["a", "c"], ["b"], ("b", "a")):
            assert connection.execute(query, {"those": those}).scalars().all() == sorted(those)


def test_several_are_looked_up_by_an_index(house: House) -> None:
    query = select(orders.c.id).where(among(orders.c.order_key, ["a", "b"]), orders.c.auto_renew)
    with house.store.read() as connection:
        said = str(query.compile(connection))
        if house.store.is_sqlite:
            plan = connection.execute(text(f"EXPLAIN QUERY PLAN {said}".replace("?", "'[]'")))
            assert any("SEARCH orders USING INDEX" in row.detail for row in plan)
        else:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            said = re.sub(r"%\(\w+\)s", "'{}'", said)
            assert any("Index" in row[0] for row in connection.execute(text(f"EXPLAIN {said}")))
