"""At most one renewal mail goes to a person on a day, whatever has come between planning and now.

Planning sees to it already; but a mail may come back after a death or a failure and meet the next one.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection

from core.dossiers import Dossier, Dossiers
from core.schema import deliveries
from core.words import Clock, DeliveryKind, DeliveryState, Urgency

_GONE = (DeliveryState.SENDING, DeliveryState.DELIVERED, DeliveryState.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class Going:
    """A claimed mail that is about to go: its row, the reader's day, and an order that it tells of."""

    row: Any
    day: date
    dossier: Dossier


def put_off(connection: Connection, going: Sequence[Going], dossiers: Dossiers) -> set[int]:
    """Puts off, to the next working day, the mails whose reader has one that day already; gives their ids.

    Of two that are claimed the older one goes, whoever has claimed them. Critical and expired ones, and those of other
    clocks, go in any case.
    """
    bound = [one for one in going if one.row.clock == Clock.RENEWAL]
    patient = [one for one in bound if not Urgency(one.row.urgency).passes_limits]
    if not patient:
        return set()
    rivals = _rivals(connection, {one.row.contact_id for one in patient})
    late = [one for one in patient if any(_stands(rival, one) for rival in rivals[one.row.contact_id])]
    if late:
        by_id = update(deliveries).where(deliveries.c.id == bindparam("which"))
        values = [_another_day(one, dossiers) for one in late]
        connection.execute(by_id.values(day=bindparam("on"), send_after=bindparam("after")), values)
    return {one.row.id for one in late}


def _rivals(connection: Connection, people: set[int]) -> dict[int, list[Any]]:
    """The renewal mails of these people that have gone, or are about to."""
    query = select(deliveries.c.id, deliveries.c.contact_id, deliveries.c.state, deliveries.c.day).where(
        deliveries.c.contact_id.in_(people),
        deliveries.c.kind == DeliveryKind.MAIL,
        deliveries.c.clock == Clock.RENEWAL,
        deliveries.c.state.in_((DeliveryState.CLAIMED, *_GONE)),
    )
    found: dict[int, list[Any]] = defaultdict(list)
    for row in connection.execute(query):
        found[row.contact_id].append(row)
    return found


def _stands(rival: Any, one: Going) -> bool:
    if rival.id == one.row.id:
        return False
    stands: bool = rival.id < one.row.id if rival.state == DeliveryState.CLAIMED else rival.day == one.day
    return stands


def _another_day(one: Going, dossiers: Dossiers) -> dict[str, Any]:
    calendar = dossiers.policy.calendar
    on = calendar.working_day_on_or_after(one.day + timedelta(days=1), one.dossier.account.country)
    zone = dossiers.zone(one.dossier, dossiers.people[one.row.contact_id])
    return {"which": one.row.id, "on": on, "after": calendar.opens_at(on, zone)}
