"""Who works on which delivery: claims with a token and a lease, safe for several processes.

planned → claimed → sending (committed before the outside call) → delivered | failed | uncertain. A claim whose lease
has lapsed goes back to planned; a lapsed `sending` only to uncertain, because the call may have been made.
Leases count real time, whatever day a run plays.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import ColumnElement, Select, Update, bindparam, func, or_, select, text, true, update
from sqlalchemy.engine import Connection

from core.schema import UNDER_WAY, deliveries
from core.sql import among
from core.store import Store
from core.words import DeliveryKind, DeliveryState, Urgency

# Put together once: it is asked for every kind in every run, and mostly says no.
_DUE = (
    select(deliveries.c.id)
    .where(
        deliveries.c.kind == bindparam("of_kind"),
        deliveries.c.state == DeliveryState.PLANNED,
        deliveries.c.send_after <= bindparam("until"),
    )
    .limit(1)
)


def count_due(store: Store, kind: DeliveryKind, until: datetime, most: int) -> int:
    """How many deliveries of a kind may be due until this instant; it counts no further than `most`."""
    due = _DUE.limit(most).subquery()
    with store.read() as connection:
        found = connection.execute(select(func.count()).select_from(due), {"of_kind": kind, "until": until})
        return int(found.scalar_one())


def something_due(store: Store, kind: DeliveryKind, until: datetime) -> bool:
    """Whether a delivery of a kind may be due until this instant; it writes nothing, as a claim would."""
    with store.read() as connection:
        return connection.execute(_DUE, {"of_kind": kind, "until": until}).first() is not None


@dataclass(frozen=True)
class Claimer:
    """One run of deliver: its name marks what it has tried, so that it tries nothing twice.

    `gate` is what must hold of a delivery besides, when it is claimed and when it is about to go.
    """

    run: str
    lease: timedelta
    gate: ColumnElement[bool] = field(default_factory=true)

    @cached_property
    def still_held(self) -> Select[Any]:
        """The question of `held`, which is asked before every call and so put together once."""
        mine = (deliveries.c.token == self.run) & (deliveries.c.state == DeliveryState.CLAIMED)
        these = among(deliveries.c.id, "ids")
        return select(deliveries).where(these, mine, self.gate).order_by(deliveries.c.id).with_for_update()

    def claim(
        self, store: Store, kind: DeliveryKind, until: datetime, limit: int, urgencies: Sequence[Urgency] = ()
    ) -> Sequence[Any]:
        """Claims up to `limit` deliveries of a kind that are due until this instant, the longest waiting first.

        With `urgencies`, only those that are so urgent.
        """
        asked = {"of_kind": kind, "until": until, "most": limit, "lease": datetime.now(UTC) + self.lease}
        with store.begin() as connection:
            if urgencies:
                claimed = connection.execute(self._claim_urgent, asked | {"urgencies": list(urgencies)})
            else:
                claimed = connection.execute(self._claim_any, asked)
            return sorted(claimed.scalars())

    @cached_property
    def _claim_any(self) -> Update:
        return self._claim(true())

    @cached_property
    def _claim_urgent(self) -> Update:
        return self._claim(deliveries.c.urgency.in_(bindparam("urgencies", expanding=True)))

    def _claim(self, which: ColumnElement[bool]) -> Update:
        """The statement of `claim`, which is asked for every kind in every run and so put together once."""
        due = (
            _DUE.where(or_(deliveries.c.token.is_(None), deliveries.c.token != self.run), which, self.gate)
            .order_by(deliveries.c.send_after, deliveries.c.id)
            .limit(bindparam("most"))
            .with_for_update(skip_locked=True)
        )
        # As a table expression, which is worked out once: PostgreSQL may run a locking subquery once per row.
        chosen = due.cte("chosen")
        return (
            update(deliveries)
            .where(deliveries.c.id.in_(select(chosen.c.id)), deliveries.c.state == DeliveryState.PLANNED)
            .values(state=DeliveryState.CLAIMED, token=self.run, lease_until=bindparam("lease"))
            .returning(deliveries.c.id)
        )

    def held(self, connection: Connection, ids: Sequence[int]) -> Sequence[Any]:
        """Those of these deliveries that this run still holds claimed and that may go at this moment, as rows."""
        return connection.execute(self.still_held, {"ids": ids}).all()

    def mark_sending(self, connection: Connection, ids: Sequence[int]) -> None:
        """Notes that the outside call is about to be made for these deliveries; why they waited is over."""
        now = datetime.now(UTC)
        connection.execute(
            update(deliveries)
            .where(among(deliveries.c.id, ids))
            .values(
                state=DeliveryState.SENDING,
                sending_at=now,
                lease_until=now + self.lease,
                reason="",
                attempts=deliveries.c.attempts + 1,
            )
        )

    def give_back(self, store: Store, ids: Sequence[int]) -> None:
        """Returns claimed deliveries that this run will not get to."""
        if ids:
            with store.begin() as connection:
                mine = (deliveries.c.token == self.run) & (deliveries.c.state == DeliveryState.CLAIMED)
                connection.execute(
                    update(deliveries)
                    .where(among(deliveries.c.id, ids), mine)
                    .values(state=DeliveryState.PLANNED, lease_until=None)
                )


def _tell_nobody(connection: Connection, rows: Sequence[Any]) -> None:
    """What has become uncertain is only noted."""


def release_lapsed(store: Store, lost: Callable[[Connection, Sequence[Any]], None] = _tell_nobody) -> None:
    """Takes back what a process that has died had claimed or was sending.

    `lost` is told, in the same transaction, of what has become uncertain.
    """
    now = datetime.now(UTC)
    with store.begin() as connection:
        lapsed = text(UNDER_WAY) & (deliveries.c.lease_until < now)
        connection.execute(
            update(deliveries)
            .where(deliveries.c.state == DeliveryState.CLAIMED, lapsed)
            .values(state=DeliveryState.PLANNED, token=None, lease_until=None)
        )
        uncertain = connection.execute(
            update(deliveries)
            .where(deliveries.c.state == DeliveryState.SENDING, lapsed)
            .values(state=DeliveryState.UNCERTAIN, lease_until=None, error="the process ended during the call")
            .returning(deliveries)
        )
        lost(connection, uncertain.all())
