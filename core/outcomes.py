"""What became of a batch: the connector is called, and each item's result is written down."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, bindparam, null, update
from sqlalchemy.engine import Connection

from core.breaker import Breaker
from core.errors import ConfigurationError, FatalError, NolapseError, StoreError
from core.kinds import Kind, Run
from core.policy import Policy
from core.ports import Handed, Result
from core.schema import deliveries
from core.timing import Timer
from core.words import DeliveryState


def hand_over(handler: Kind, batch: Sequence[tuple[Any, Any]]) -> dict[str, Result]:
    """The result of each item by its delivery's key.

    A connector that raises leaves every item uncertain, unless it says itself that nothing has been handed over: its
    own errors are raised before the call is made.
    """
    try:
        found = {result.key: result for result in handler.hand_over([item for _, item in batch])}
    except NolapseError as error:
        return {row.key: Result(row.key, Handed.FAILED, error=error) for row, _ in batch}
    except Exception as error:
        broken = FatalError(f"the connector broke off: {type(error).__name__}")
        return {row.key: Result(row.key, Handed.UNCERTAIN, error=broken) for row, _ in batch}
    return {row.key: found.get(handler.key_of(item), Result(row.key, Handed.UNCERTAIN)) for row, item in batch}


def write_down(
    run: Run,
    breaker: Breaker,
    handler: Kind,
    rows: Mapping[int, Any],
    items: Mapping[int, Any],
    results: Mapping[str, Result],
) -> bool:
    """Writes down each item's result and what follows from it; gives False where the kind cannot go on in this run."""
    usable = True
    counts = run.counts.kinds[breaker.kind]
    with run.store.begin() as connection:
        arrived = []
        for id, item in items.items():
            row, result = rows[id], results[rows[id].key]
            if isinstance(result.error, ConfigurationError | FatalError | StoreError):
                usable = False
                if str(result.error) not in run.counts.problems:
                    run.counts.problems.append(str(result.error))
            if result.handed is Handed.DELIVERED:
                arrived.append((row, item, result))
            elif result.handed is Handed.UNCERTAIN:
                _set(connection, row, DeliveryState.UNCERTAIN, result)
                handler.not_delivered(connection, row, DeliveryState.UNCERTAIN, run.timer)
                counts.uncertain += 1
            elif not usable:
                _return(connection, row, result, run.timer.moment(row.send_after), spent=False)
            elif _may_repeat(result, row, run.policy):
                pause = timedelta(seconds=run.policy.deliver.retry_seconds * 2**row.attempts)
                _return(connection, row, result, run.timer.moment(row.send_after) + pause, spent=True)
            else:
                _set(connection, row, DeliveryState.FAILED, result)
                handler.not_delivered(connection, row, DeliveryState.FAILED, run.timer)
                counts.failed += 1
        if arrived:
            set_delivered(connection, arrived)
            handler.delivered(connection, arrived, run.timer)
            counts.delivered += len(arrived)
        if breaker.note(connection, results) and (broken := breaker.broken(connection)) is not None:
            run.counts.problems.append(broken.words)
            usable = False
    return usable


def _may_repeat(result: Result, row: Any, policy: Policy) -> bool:
    lasting = result.error is not None and result.error.permanent
    return not lasting and row.attempts + 1 < policy.deliver.max_attempts


def set_delivered(connection: Connection, arrived: Sequence[tuple[Any, Any, Result]]) -> None:
    """Notes of (row, item, result) that they have arrived; what they carried is no longer kept."""
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == bindparam("which"))
        .values(
            state=DeliveryState.DELIVERED,
            outside_id=bindparam("outside"),
            settled_at=datetime.now(UTC),
            lease_until=null(),
            error="",
            payload=null(),
        ),
        [{"which": row.id, "outside": result.outside_id} for row, _, result in arrived],
    )


def _set(connection: Connection, row: Any, state: DeliveryState, result: Result) -> None:
    connection.execute(
        update(deliveries)
        .where(*_still_ours(row))
        .values(
            state=state,
            error=str(result.error or "the outside system gave no answer for this item"),
            lease_until=None,
            settled_at=datetime.now(UTC) if state is DeliveryState.FAILED else None,
        )
    )


def _return(connection: Connection, row: Any, result: Result, send_after: datetime, *, spent: bool) -> None:
    """Back to waiting. A try that the connector could not even begin is not counted."""
    values: dict[str, Any] = {"state": DeliveryState.PLANNED, "lease_until": None, "error": str(result.error or "")}
    values |= {"send_after": send_after} if spent else {"attempts": row.attempts}
    connection.execute(update(deliveries).where(*_still_ours(row)).values(values))


def _still_ours(row: Any) -> tuple[ColumnElement[bool], ...]:
    """Where a call outlasted its lease another process may have settled the delivery: that stands."""
    sending = deliveries.c.state == DeliveryState.SENDING
    return deliveries.c.id == row.id, deliveries.c.token == row.token, sending


def withdraw(connection: Connection, withdrawn: Mapping[int, str], timer: Timer) -> None:
    """Notes of deliveries that they fell away, and why."""
    for id, reason in withdrawn.items():
        connection.execute(
            update(deliveries)
            .where(deliveries.c.id == id)
            .values(
                state=DeliveryState.WITHDRAWN, reason=reason, settled_at=timer.opening, lease_until=None, payload=None
            )
        )
