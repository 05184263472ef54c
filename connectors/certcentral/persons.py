"""What is kept of people from order info: told, and taken out."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Text, cast, select, update
from sqlalchemy.engine import Connection

from connectors.certcentral.tables import certcentral_orders as table
from core import forgotten
from core.whom import Whom

_ADDRESSES = "additional_emails"


class CertCentralPeople:
    """The memory of order info. It is a `PeopleStore`."""

    def held(self, connection: Connection, whom: Whom) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        """What order info told of orders that name the person."""
        return {
            "certcentral_orders": [
                {"order_id": order_id, "told": _only(told, {whom.address})}
                for order_id, told in _rows(connection, whom)
            ]
        }

    def forget(self, connection: Connection, whom: Whom) -> Mapping[str, int]:
        """The orders stay without the person."""
        found = _rows(connection, whom)
        for order_id, told in found:
            mine = update(table).where(table.c.order_id == order_id)
            connection.execute(mine.values(told=without(told, {whom.address})))
        return {"certcentral_orders": len(found)}


def without(told: Mapping[str, str], gone: set[str]) -> dict[str, str]:
    """The columns without the people with these addresses (in lower case): their names and numbers go as well."""
    prefixes = tuple(
        column.removesuffix("email")
        for column, value in told.items()
        if column.endswith("_email") and value.strip().lower() in gone
    )
    left = {column: value for column, value in told.items() if not (prefixes and column.startswith(prefixes))}
    if _ADDRESSES in left:
        others = [one for one in left[_ADDRESSES].split(",") if one.strip().lower() not in gone]
        left[_ADDRESSES] = ",".join(others)
    return {column: value for column, value in left.items() if value}


def without_forgotten(connection: Connection, told: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """The columns of orders without the people who are to stay forgotten."""
    addresses = {address for columns in told.values() for address in _addresses(columns)}
    gone = {address.lower() for address in forgotten.among(connection, addresses)}
    return {order_id: without(columns, gone) if gone else dict(columns) for order_id, columns in told.items()}


def _addresses(columns: Mapping[str, str]) -> list[str]:
    found = [value.strip() for column, value in columns.items() if column.endswith("_email")]
    return found + [one.strip() for one in columns.get(_ADDRESSES, "").split(",")]


def _only(told: Mapping[str, str], whose: set[str]) -> dict[str, str]:
    """The columns that are about these people."""
    left = without(told, whose)
    return {column: value for column, value in told.items() if left.get(column) != value}


def _rows(connection: Connection, whom: Whom) -> list[tuple[str, Mapping[str, str]]]:
    named = cast(table.c.told, Text).icontains(whom.address, autoescape=True)
    query = select(table.c.order_id, table.c.told).where(named).order_by(table.c.order_id)
    return [(order_id, told) for order_id, told in connection.execute(query) if _only(told, {whom.address})]
