"""Why what has not gone yet waits, and until when: for `explain`, `deliveries` and the view of the plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from core import golive, pauses
from core.pauses import CONTACTING, Pause, Scope
from core.reasons import Reason, sentence
from core.schema import accounts, deliveries, orders, tasks
from core.timing import Timer
from core.words import DeliveryKind, DeliveryState

WAITING = (DeliveryState.PLANNED, DeliveryState.CLAIMED)


@dataclass(frozen=True, slots=True)
class Why:
    """Why a delivery waits: a reason code, or what went wrong the last time; and until when where that is known (UTC)."""

    reason: str
    until: datetime | None = None

    @property
    def words(self) -> str:
        """The reason as a sentence, with its end."""
        ends = f"; until {self.until:%Y-%m-%d %H:%M} UTC" if self.until is not None else ""
        return f"{sentence(self.reason)}{ends}"


def why_waiting(connection: Connection, delivery_ids: Sequence[int], timer: Timer) -> dict[int, Why]:
    """Why each of these deliveries waits, those alone that do."""
    live, paused = golive.live(connection), pauses.listing(connection)
    rows = connection.execute(_DELIVERY.where(deliveries.c.id.in_(delivery_ids), deliveries.c.state.in_(WAITING)))
    return {row.id: _why(row, live, paused, timer) for row in rows}


def _why(row: Any, live: golive.Live, paused: Sequence[Pause], timer: Timer) -> Why:
    if live.why_held(timer.day):
        return Why(Reason.NOT_LIVE, _opening(_since(row, live)))
    since = _since(row, live)
    if row.kind != DeliveryKind.OPTOUT and (since is None or since > timer.day):
        return Why(Reason.NOT_IN_PILOT, _opening(since))
    held = next((one for one in paused if _holds(one, row)), None)
    if held is not None:
        return Why(held.words)
    until = row.send_after if row.send_after > timer.closing else None
    if row.error:
        return Why(row.error, until)
    if row.reason:
        return Why(row.reason, until)
    return Why(Reason.DUE if until is None else Reason.NOT_YET, until)


def _since(row: Any, live: golive.Live) -> date | None:
    return live.first if row.for_account is None else live.since(row.for_account)


def _opening(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(0), UTC)


def _holds(pause: Pause, row: Any) -> bool:
    """As `pauses.is_paused` has it."""
    if pause.scope is Scope.ALL:
        return True
    which: Mapping[Scope, str] = {Scope.CHANNEL: row.channel, Scope.ACCOUNT: row.account_key, Scope.REP: row.rep}
    return row.kind in CONTACTING and which[pause.scope] == pause.which


_DELIVERY = (
    select(
        deliveries.c.id,
        deliveries.c.kind,
        deliveries.c.channel,
        deliveries.c.send_after,
        deliveries.c.reason,
        deliveries.c.error,
        func.coalesce(deliveries.c.account_id, orders.c.account_id).label("for_account"),
        accounts.c.account_key,
        func.coalesce(tasks.c.owner_key, accounts.c.owner_key).label("rep"),
    )
    .join(orders, orders.c.id == deliveries.c.order_id, isouter=True)
    .join(accounts, accounts.c.id == deliveries.c.account_id, isouter=True)
    .join(tasks, tasks.c.id == deliveries.c.task_id, isouter=True)
)
