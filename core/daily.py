"""How often a person is written to, whatever has come between planning and now. A person is an address: whoever sees to
several accounts has one mailbox.

At most one renewal mail goes to a person on a day, and so many mails of any clock in a day and in seven days as the caps
allow. Planning sees to the first already; but a mail may come back after a death or a failure and meet the next one.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select, text, union_all
from sqlalchemy.engine import Connection

from core import golive
from core.caps import Going, Wait, next_day
from core.dossiers import Dossiers
from core.policy import CapPolicy
from core.reasons import Reason
from core.schema import UNDER_WAY, contacts, deliveries
from core.sql import among
from core.words import Clock, DeliveryKind, DeliveryState, Urgency

_GONE = (DeliveryState.SENDING, DeliveryState.DELIVERED, DeliveryState.UNCERTAIN)
_WEEK = timedelta(days=7)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ContactCap:
    """What a person gets in a day and in a week. Critical and expired mails go in any case, and count for the others.

    Of two that are claimed the urgent one goes, else the older, whoever has claimed them. On the day on which an account
    goes live its people get one mail in all, however much there is to say; what else is urgent follows the next day.
    """

    policy: CapPolicy

    def waits(self, connection: Connection, going: Sequence[Going], dossiers: Dossiers) -> Mapping[int, Wait]:
        free_to_wait = [one for one in going if not one.forced]
        patient = [one for one in free_to_wait if not one.urgency.passes_limits]
        patient += self._on_first_day(connection, [one for one in free_to_wait if one.urgency.passes_limits])
        if not patient:
            return {}
        readers = [(one, dossiers.people[one.row.contact_id].email) for one in patient]
        rivals = _rivals(connection, {address for _, address in readers}, min(one.day for one in patient) - _WEEK)
        waiting: dict[int, Wait] = {}
        for one, address in readers:
            free = self._free_day(one, [rival for rival in rivals[address] if _stands(rival, one)])
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

    def _on_first_day(self, connection: Connection, urgent: Sequence[Going]) -> list[Going]:
        """Of urgent mails those that would go on the day on which their account goes live."""
        if not urgent or not self.policy.mails_per_contact_day:
            return []
        live = golive.live(connection)
        return [one for one in urgent if one.day == live.since(one.dossier.order.account_id)]

    def _may(self, day: date, one: Going, days: Sequence[tuple[date, str]]) -> bool:
        same = [clock for on, clock in days if on == day]
        if one.urgency.passes_limits:
            return not same or day != one.day
        if one.row.clock == Clock.RENEWAL and Clock.RENEWAL in same:
            return False
        if self.policy.mails_per_contact_day and len(same) >= self.policy.mails_per_contact_day:
            return False
        week = sum(day - _WEEK < on <= day for on, _ in days)
        return not self.policy.mails_per_contact_week or week < self.policy.mails_per_contact_week


def _rivals(connection: Connection, people: Collection[str], since: date) -> dict[str, list[Any]]:
    """The mails to these addresses that have gone lately, or are about to."""
    query = select(contacts.c.id, contacts.c.email).where(among(contacts.c.email, people))
    addresses = {id: email for id, email in connection.execute(query).all()}
    columns = (deliveries.c.id, deliveries.c.contact_id, deliveries.c.state, deliveries.c.day, deliveries.c.clock)
    theirs = select(*columns, deliveries.c.urgency).where(
        among(deliveries.c.contact_id, addresses), deliveries.c.kind == DeliveryKind.MAIL
    )
    # Two ways in: by the days of a person's mails, and by what is under way, which may have been meant for any day.
    gone = theirs.where(deliveries.c.state.in_(_GONE), deliveries.c.day > since)
    claimed = theirs.where(text(f"deliveries.{UNDER_WAY}"), deliveries.c.state == DeliveryState.CLAIMED)
    mails = union_all(gone, claimed)
    found: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(mails).all():
        found[addresses[row.contact_id]].append(row)
    return found


def _stands(rival: Any, one: Going) -> bool:
    """Whether a mail goes before this one."""
    if rival.id == one.row.id:
        return False
    if rival.state != DeliveryState.CLAIMED:
        return True
    urgent = Urgency(rival.urgency).passes_limits
    older = bool(rival.id < one.row.id)
    return (urgent and older) if one.urgency.passes_limits else (urgent or older)


def _day_of(rival: Any, one: Going) -> date:
    """The day on which a mail went; one that is claimed goes now."""
    day: date = one.day if rival.state == DeliveryState.CLAIMED else rival.day
    return day
