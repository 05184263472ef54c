"""What a mail lists besides the orders that are due: all that ends soon and its reader would be told of anyway."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy.engine import Connection

from core.dossiers import Dossier, Dossiers, load
from core.policy import Policy
from core.routes import told
from core.schema import cycles
from core.sql import unindexed
from core.words import Channel, Clock, Urgency

Reader = tuple[int, Clock]
"""A person by id, and the clock that a mail to them speaks of."""


@dataclass(frozen=True, slots=True)
class Lists:
    """What the mails of a batch may list, as ids of cycles; `dossiers` has these and what is due."""

    dossiers: Dossiers
    ending_soon: Mapping[Reader, Sequence[int]]
    day: date

    def of(self, reader: Reader, due: Collection[int]) -> list[Dossier]:
        """What a mail lists besides the cycles that are due."""
        soon = [self.dossiers.by_cycle[id] for id in self.ending_soon.get(reader, ()) if id not in due]
        return [one for one in soon if self._is_told(one, reader[0])]

    def _is_told(self, dossier: Dossier, contact_id: int) -> bool:
        """Whether this person is whom a mail about the cycle would go to today."""
        if self.dossiers.why_not(dossier, Channel.MAIL, self.day) is not None:
            return False
        candidate = self.dossiers.recipient(dossier, Urgency.NOTICE).candidate
        return candidate is not None and candidate.contact_id == contact_id


def read(connection: Connection, readers: Collection[Reader], dossiers: Dossiers, policy: Policy, day: date) -> Lists:
    """What mails to these readers may list on this day; `dossiers` are those of what is due."""
    soon = _ending_soon(connection, readers, policy, day)
    unread = {id for ids in soon.values() for id in ids} - dossiers.by_cycle.keys()
    return Lists(dossiers.joined(load(connection, unread, policy)) if unread else dossiers, soon, day)


def _ending_soon(
    connection: Connection, readers: Collection[Reader], policy: Policy, day: date
) -> dict[Reader, list[int]]:
    """The open cycles that end soon, or have just ended, of the orders of each reader."""
    found: dict[Reader, list[int]] = defaultdict(list)
    if not readers:
        return found
    people = {contact_id for contact_id, _ in readers}
    # Not the bare columns: many people make an index of ends look good, which holds what ends soon at all customers,
    # and each order is looked up once, not for every clock.
    clock, ends_on = unindexed(cycles.c.clock), unindexed(cycles.c.ends_on)
    soon = (
        cycles.c.open
        & (cycles.c.closing == "")
        & clock.in_({clock for _, clock in readers})
        & (ends_on <= day + timedelta(days=policy.rules.list_within_days))
        & (ends_on > day - timedelta(days=policy.rules.lapse_after_days))
    )
    query = told(soon, cycles.c.id, cycles.c.clock)
    for contact_id, cycle_id, of_clock in sorted(set(map(tuple, connection.execute(query, {"people": people}).all()))):
        if (contact_id, of_clock) in readers:
            found[contact_id, Clock(of_clock)].append(cycle_id)
    return found
