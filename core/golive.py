"""Observe first: until the operator goes live everything is planned and can be looked at, and nothing is sent."""

from datetime import date

from sqlalchemy import select
from sqlalchemy.engine import Connection

from core.schema import meta
from core.sql import upsert

KEY = "live_from"


def live_from(connection: Connection) -> date | None:
    """The first day on which anything is sent, or None while the installation only observes."""
    value = connection.execute(select(meta.c.value).where(meta.c.key == KEY)).scalar()
    return None if value is None else date.fromisoformat(value)


def go_live(connection: Connection, day: date) -> None:
    """Sets the first day on which anything is sent."""
    upsert(connection, meta, ["key"], [{"key": KEY, "value": day.isoformat()}])


def observe(connection: Connection) -> None:
    """Goes back to observing."""
    connection.execute(meta.delete().where(meta.c.key == KEY))


def why_held(connection: Connection, day: date) -> str:
    """Why nothing may be sent on this day; empty where it may."""
    first = live_from(connection)
    if first is None:
        return "nothing is sent until `nolapse go-live`"
    return f"nothing is sent before {first}" if day < first else ""
