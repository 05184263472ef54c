"""How often a person is written to, whatever has come between planning and now.

At most one renewal mail goes to a person on a day, and so many mails of any clock in a day and in seven days as the caps
allow. Planning sees to the first already; but a mail may come back after a death or a failure and meet the next one.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.engine import Connection

from core.caps import Going, Wait, next_day
from core.dossiers import Dossiers
from core.policy import CapPolicy
from core.reasons import Reason
from core.schema import deliveries
from core.words import Clock, DeliveryKind, DeliveryState, Urgency

_GONE = (DeliveryState.SENDING, DeliveryState.DELIVERED, DeliveryState.UNCERTAIN)
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ContactCap:
    """What a person gets in a day and in a week. Critical and expired mails go in any case, and count for the others.

    Of two that are claimed the urgent one goes, else the older, whoever has claimed them.
    """

    policy: CapPolicy

    def waits(self, connection: Connection, going: Sequence[Going], dossiers: Dossiers) -> Mapping[int, Wait]:
        patient = [one for one in going if not one.urgency.passes_limits and not one.forced]
        if not patient:
            return {}
        rivals = _rivals(connection, {one.row.contact_id for one in patient}, min(one.day for one in patient) - _WEEK)
        waiting: dict[int, Wait] = {}
        for one in patient:
            free = self._free_day(one, [rival for rival in rivals[one.row.contact_id] if _stands(rival, one)])
            if free > one.day:
                waiting[one.row.id] = next_day(one, free, Reason.CONTACT_CAP, dossiers)
        return waiting

    def _free_day(self, one: Going, rivals: Sequence[Any]) -> date:
        """The first day from the delivery's own on which its reader may get it."""
        days = [(_day_of(rival, one), rival.clock) for rival in rivals]
        day = one.day
        while not self._may(day, one, days):
            day += _DAY
        return day

    def _may(self, day: date, one: Going, days: Sequence[tuple[date, str]]) -> bool:
        same = [clock for on, clock in days if on == day]
        if one.row.clock == Clock.RENEWAL and Clock.RENEWAL in same:
            return False
        if self.policy.mails_per_contact_day and len(same) >= self.policy.mails_per_contact_day:
            return False
        week = sum(day - _WEEK < on <= day for on, _ in days)
        return not self.policy.mails_per_contact_week or week < self.policy.mails_per_contact_week


def _rivals(connection: Connection, people: set[int], since: date) -> dict[int, list[Any]]:
    """The mails of these people that have gone lately, or are about to."""
    columns = (deliveries.c.id, deliveries.c.contact_id, deliveries.c.state, deliveries.c.day, deliveries.c.clock)
    gone = deliveries.c.state.in_(_GONE) & (deliveries.c.day > since)
    query = select(*columns, deliveries.c.urgency).where(
        deliveries.c.contact_id.in_(people),
        deliveries.c.kind == DeliveryKind.MAIL,
        or_(deliveries.c.state == DeliveryState.CLAIMED, gone),
    )
    found: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.contact_id].append(row)
    return found


def _stands(rival: Any, one: Going) -> bool:
    """Whether a mail goes before this one."""
    if rival.id == one.row.id:
        return False
    if rival.state != DeliveryState.CLAIMED:
        return True
    return Urgency(rival.urgency).passes_limits or bool(rival.id < one.row.id)


def _day_of(rival: Any, one: Going) -> date:
    """The day on which a mail went; one that is claimed goes now."""
    day: date = one.day if rival.state == DeliveryState.CLAIMED else rival.day
    return day
