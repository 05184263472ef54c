"""The questions that are asked of large tables every few minutes are answered from a range of an index on SQLite."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import Select, select
from sqlalchemy.engine import Connection

from core import migrations
from core.schema import confirmations, cycles, deliveries, touches
from core.store import open_store

DAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
QUESTIONS = {
    "due": (
        select(cycles.c.id).where(cycles.c.open, cycles.c.closing == "", cycles.c.next_on <= DAY),
        "ix_cycles_next_on",
    ),
    "ended": (select(cycles.c.id).where(cycles.c.open, cycles.c.ends_on <= DAY), "ix_cycles_ends_on"),
    "closing": (select(cycles.c.id, cycles.c.closing).where(cycles.c.closing != ""), "ix_cycles_closing"),
    "who was reached": (select(touches.c.id).where(touches.c.contact_id == 7), "ix_touches_contact_id"),
    "to go": (
        select(deliveries.c.id)
        .where(deliveries.c.kind == "mail", deliveries.c.state == "planned", deliveries.c.send_after <= NOW)
        .order_by(deliveries.c.send_after, deliveries.c.id),
        "ix_deliveries_waiting",
    ),
    "evidence": (
        select(confirmations).where(confirmations.c.state == "waiting", confirmations.c.id > 7),
        "ix_confirmations_waiting",
    ),
}


def way(connection: Connection, question: Select[tuple[object, ...]]) -> str:
    compiled = question.compile(dialect=connection.dialect)
    values = tuple(
        value.replace(tzinfo=None).isoformat() if isinstance(value, datetime) else str(value)
        for value in (compiled.params[name] for name in compiled.positiontup or ())
    )
    steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", values).all()
    return " / ".join(step[-1] for step in steps)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_frequent_question_reads_an_index(name: str, tmp_path: Path) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'own.db'}")
    migrations.migrate(store)
    question, index = QUESTIONS[name]
    with store.read() as connection:
        assert index in way(connection, question)
    store.close()


def test_what_a_dead_process_held_is_found_by_an_index(tmp_path: Path) -> None:
    from sqlalchemy import event

    from core.claims import release_lapsed

    store = open_store(f"sqlite:///{tmp_path / 'own.db'}")
    migrations.migrate(store)
    asked: list[str] = []
    event.listen(store.engine, "before_cursor_execute", lambda _c, _r, statement, *_: asked.append(statement))
    release_lapsed(store)
    updates = [statement for statement in asked if statement.startswith("UPDATE deliveries")]
    assert updates
    with store.read() as connection:
        for statement in updates:
            values = ("x",) * statement.count("?")
            steps = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            assert any("ix_deliveries_underway" in step[-1] for step in steps)
    store.close()
