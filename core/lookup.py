"""Finds an order or an account by what an operator types."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.engine import Connection

from core.errors import UsageError
from core.schema import accounts, confirmations, cycles, orders, reps, tasks


def find_order(connection: Connection, typed: str) -> str:
    """The key of the order meant by `digicert:12345`, or by the bare id where only one order has it.

    Raises `UsageError` where there is none, or several.
    """
    query = select(orders.c.order_key).where(or_(orders.c.order_key == typed, orders.c.outside_id == typed))
    found = connection.execute(query.order_by(orders.c.order_key).limit(5)).scalars().all()
    if typed in found:
        return typed
    if not found:
        raise UsageError(f"no order {typed} is known; check the number, or run `nolapse sync`")
    if len(found) > 1:
        raise UsageError(f"several orders are called {typed}: {', '.join(found)}; write the whole key")
    return str(found[0])


def order_key_for(connection: Connection, typed: str, ca: str = "digicert") -> tuple[str, bool]:
    """The key meant, and whether such an order is known. A bare id that is not known is taken for one of this CA.

    Raises `UsageError` where several orders are meant.
    """
    try:
        return find_order(connection, typed), True
    except UsageError:
        several = select(orders.c.id).where(orders.c.outside_id == typed).limit(1)
        if connection.execute(several).first() is not None:
            raise
    return (typed if ":" in typed else f"{ca}:{typed}"), False


def order_summary(connection: Connection, order_key: str) -> list[str]:
    """A few lines on an order: what it is, when it ends, how its cycles stand, what confirms that."""
    row = connection.execute(
        select(orders, accounts.c.name.label("account_name"), accounts.c.account_key)
        .join(accounts, accounts.c.id == orders.c.account_id)
        .where(orders.c.order_key == order_key)
    ).one()
    worked_out = " (worked out, not told by the CA)" if row.order_expires_inferred else ""
    lines = [
        f"{order_key}  {row.common_name}  {row.product_name}  {row.status_text or row.status}",
        f"{row.account_name or row.account_key}; order ends {row.order_expires_on or 'on no known day'}{worked_out}, "
        f"certificate ends {row.certificate_expires_on or 'on no known day'}",
    ]
    mine = cycles.c.order_id == row.id
    for cycle in connection.execute(select(cycles).where(mine).order_by(cycles.c.ends_on, cycles.c.id)):
        state = "open" if cycle.open else f"{cycle.outcome} on {cycle.closed_on}"
        stage = f", {cycle.stage}" if cycle.clock == "renewal" else ""
        lines.append(f"{cycle.clock} cycle {cycle.number}: ends {cycle.ends_on}, {state}{stage}")
    told = select(confirmations).where(confirmations.c.order_key == order_key).order_by(confirmations.c.id)
    for one in connection.execute(told):
        new = f", new order {one.new_order_key}" if one.new_order_key else ""
        why = f" ({one.reason})" if one.reason else ""
        lines.append(f"{one.certainty} by {one.source} for {one.renewed_on}{new}: {one.state}{why}")
    return lines


def find_account(connection: Connection, typed: str) -> Any:
    """The account of this key, or the only one whose name holds these words, as a row.

    Raises `UsageError` where there is none, or several.
    """
    row = connection.execute(select(accounts).where(accounts.c.account_key == typed)).one_or_none()
    if row is not None:
        return row
    named = accounts.c.name.icontains(typed, autoescape=True)
    found = connection.execute(select(accounts).where(named).order_by(accounts.c.account_key).limit(5)).all()
    if not typed or not found:
        raise UsageError(f"no account {typed} is known; `nolapse report expiring` shows the keys")
    if len(found) > 1:
        keys = ", ".join(row.account_key for row in found)
        raise UsageError(f"several accounts are called {typed}: {keys}; write the key")
    return found[0]


def account_ids(connection: Connection, typed: Sequence[str]) -> list[int]:
    """The ids of the accounts that are meant. Raises `UsageError` as `find_account` does."""
    return list(dict.fromkeys(find_account(connection, one).id for one in typed))


def order_row(connection: Connection, typed: str) -> Any:
    """The order that `find_order` means, as a row."""
    return connection.execute(select(orders).where(orders.c.order_key == find_order(connection, typed))).one()


def find_rep(connection: Connection, key: str) -> str:
    """The key of a rep who is known, or owns an account or a task. Raises `UsageError` for another."""
    known = select(reps.c.rep_key).where(reps.c.rep_key == key)
    owner = select(accounts.c.owner_key).where(accounts.c.owner_key == key)
    at_work = select(tasks.c.owner_key).where(tasks.c.owner_key == key)
    if not key or connection.execute(known.union(owner, at_work)).first() is None:
        raise UsageError(f"no rep {key} is known; `nolapse tasks list` shows the keys of those with tasks")
    return key
