"""Limits on what is sent, asked at the moment of delivery: what they hold back waits, and is told why and until when.

Another limit hangs in like this: a class with `waits`, which is given the claimed deliveries of a batch that nothing
before it has held back, and answers for those that must wait until when and for which reason. Its facts are read for the
whole batch at once. A kind of delivery names its caps and calls `hold_back` in its `seal`, before it words anything;
what waits goes into `Sealed.deferred` and `Sealed.waits`. Whether urgent ones pass is the cap's own rule; they are
claimed first in any case. A cap that counts what several processes send at once takes slots (`Slots`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.engine import Connection

from core import golive
from core.dossiers import Dossier, Dossiers
from core.policy import CapPolicy
from core.reasons import Reason
from core.schema import deliveries, meta
from core.sql import insert_new
from core.steering import cap_slots
from core.timing import Timer
from core.words import Urgency

_SLOTS = "cap_slots"


@dataclass(frozen=True, slots=True)
class Going:
    """A claimed delivery that is about to go: its row, when, the local day at its reader's, and an order it is about."""

    row: Any
    moment: datetime
    day: date
    dossier: Dossier

    @property
    def urgency(self) -> Urgency:
        return Urgency(self.row.urgency)

    @property
    def forced(self) -> bool:
        """Whether the operator has said that it goes now, whatever limits there are."""
        return bool(self.row.reason == Reason.SEND_NOW)


@dataclass(frozen=True, slots=True)
class Wait:
    """How long a delivery has to wait: until the instant, which is on this day at its reader's, and for which limit."""

    until: datetime
    day: date
    reason: Reason


class Cap(Protocol):
    """A limit: which of these must wait, by delivery id."""

    def waits(self, connection: Connection, going: Sequence[Going], dossiers: Dossiers) -> Mapping[int, Wait]: ...


def hold_back(
    connection: Connection, going: Sequence[Going], caps: Sequence[Cap], dossiers: Dossiers
) -> dict[int, Wait]:
    """Asks each cap in turn, and writes down for what has to wait until when and why."""
    waiting: dict[int, Wait] = {}
    for cap in caps:
        left = [one for one in going if one.row.id not in waiting]
        if left:
            waiting |= cap.waits(connection, left, dossiers)
    if waiting:
        by_id = update(deliveries).where(deliveries.c.id == bindparam("which"))
        connection.execute(
            by_id.values(day=bindparam("on"), send_after=bindparam("after"), reason=bindparam("why")),
            [{"which": id, "on": wait.day, "after": wait.until, "why": wait.reason} for id, wait in waiting.items()],
        )
    return waiting


def next_day(one: Going, day: date, reason: Reason, dossiers: Dossiers) -> Wait:
    """Until offices open on this day, or on the next working day after it; what is urgent waits for no working day."""
    calendar = dossiers.policy.calendar
    if not one.urgency.passes_limits:
        day = calendar.working_day_on_or_after(day, one.dossier.addressee.country)
    return Wait(calendar.opens_at(day, zone_of(one.row, one.dossier, dossiers)), day, reason)


def zone_of(row: Any, dossier: Dossier, dossiers: Dossiers) -> ZoneInfo:
    """The zone in which the reader of a delivery works."""
    return dossiers.zone(dossier, dossiers.people[row.contact_id] if row.contact_id is not None else None)


def about_to_go(row: Any, dossier: Dossier, dossiers: Dossiers, timer: Timer) -> Going:
    """When a claimed delivery may go, and on which day of its reader's.

    What missed its day or its hours goes when offices are open: now, or at their next opening. What is urgent, or sent
    by the operator, goes at once.
    """
    calendar, zone = dossiers.policy.calendar, zone_of(row, dossier, dossiers)
    moment = timer.moment(row.send_after)
    day = moment.astimezone(zone).date()
    in_time = day == row.day and calendar.opens_at(day, zone) <= moment < calendar.closes_at(day, zone)
    if not in_time and not Urgency(row.urgency).passes_limits and row.reason != Reason.SEND_NOW:
        moment = calendar.next_opening(moment, dossier.addressee.country, zone)
        day = moment.astimezone(zone).date()
    return Going(row, moment, day, dossier)


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """What is late does not go at night; `about_to_go` has found when offices open."""

    timer: Timer

    def waits(self, connection: Connection, going: Sequence[Going], dossiers: Dossiers) -> Mapping[int, Wait]:
        late = [one for one in going if one.moment > self.timer.closing]
        return {one.row.id: Wait(one.moment, one.day, Reason.OFFICE_HOURS) for one in late}


class Slots:
    """What has been let through by a cap, by day: each delivery has one slot, and keeps it when it is tried again."""

    def __init__(self, connection: Connection, cap: str) -> None:
        self._connection = connection
        self._cap = cap
        # Locked until the transaction ends, so that no two processes count the same.
        insert_new(connection, meta, [{"key": _SLOTS, "value": ""}])
        connection.execute(select(meta.c.key).where(meta.c.key == _SLOTS).with_for_update())

    def take(self, day: date, wanted: Sequence[int], most: int) -> set[int]:
        """Takes a slot for each of these deliveries, in their order, up to `most` on that day; gives who has none."""
        mine = (cap_slots.c.cap == self._cap) & (cap_slots.c.day == day)
        taken = self._connection.execute(select(func.count()).select_from(cap_slots).where(mine)).scalar_one()
        again = select(cap_slots.c.delivery_id).where(mine, cap_slots.c.delivery_id.in_(wanted))
        have = set(self._connection.execute(again).scalars())
        fresh = [id for id in wanted if id not in have]
        let_through = fresh[: max(0, most - taken)]
        rows = [{"cap": self._cap, "day": day, "delivery_id": id} for id in let_through]
        insert_new(self._connection, cap_slots, rows)
        return set(fresh) - set(let_through)


@dataclass(frozen=True, slots=True)
class Ramp:
    """So many mails on each of the first days of being live, the most urgent first. Nothing passes, nothing is lost."""

    policy: CapPolicy

    def waits(self, connection: Connection, going: Sequence[Going], dossiers: Dossiers) -> Mapping[int, Wait]:
        if not self.policy.ramp:
            return {}
        live = golive.live(connection)
        waiting: dict[int, Wait] = {}
        by_urgency = sorted(going, key=lambda one: -one.urgency.rank)
        for day in sorted({one.day for one in going}):
            most = self.most(live, day)
            if most is None:
                continue
            of_day = {one.row.id: one for one in by_urgency if one.day == day and not one.forced}
            for id in Slots(connection, "ramp").take(day, list(of_day), most):
                waiting[id] = next_day(of_day[id], day + timedelta(days=1), Reason.RAMP, dossiers)
        return waiting

    def most(self, live: golive.Live, day: date) -> int | None:
        """How many mails go on this day at most; None where there is no limit.

        The days are counted from the one on which everybody went live, before it from the pilot's first. A day before
        it, where the reader's has not begun when ours has, counts as the first.
        """
        begun = [since for since in (live.everybody,) if since is not None and since <= day]
        first = begun[0] if begun else live.first
        number = 0 if first is None else max(0, (day - first).days)
        return self.policy.ramp[number] if number < len(self.policy.ramp) else None
