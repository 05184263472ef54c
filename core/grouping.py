"""Which mail a step goes into: one waiting mail per person and clock, one renewal mail a day, a weekly digest."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from core.cadence_tables import CadenceRules
from core.words import Clock, Urgency


class Place(StrEnum):
    """What becomes of a step that wants to be mailed."""

    JOIN = "join"  # the mail that waits for this person takes it in
    NEW = "new"  # it begins a mail
    LISTED = "listed"  # a mail that just went has listed the order


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a step goes, and the day of the mail; `onto` is the day of the waiting mail that it joins."""

    place: Place
    day: date
    onto: date | None = None


@dataclass(slots=True)
class Mailbox:
    """What one person has had and is to have of mails about one clock.

    `waiting` are the days on which the mails that wait will go, and whether they hold an urgent step; `sent_on` are the
    local days of those that went within the last week, `listed` the days on which a mail has listed a cycle,
    `open_orders` how many orders of the person end soon.
    """

    clock: Clock
    waiting: dict[date, bool] = field(default_factory=dict)
    sent_on: set[date] = field(default_factory=set)
    listed: dict[int, date] = field(default_factory=dict)
    open_orders: int = 0


def place(box: Mailbox, cycle_id: int, day: date, urgency: Urgency, rules: CadenceRules) -> Placement:
    """Where a step of this cycle goes that is due on this day.

    Critical and expired steps pass every limit and go on their day: with a mail that waits for it, or with a later one,
    which they hasten unless that has an urgent step of its own. Others: an order that a mail has listed within
    `stand_in_days` needs no mail of its own; a mail that waits takes them in; a person with more than
    `digest_above_orders` open orders hears once in `stand_in_days`; at most one renewal mail goes per person and day.
    """
    if urgency.passes_limits:
        later = [on for on, urgent in box.waiting.items() if on > day and not urgent]
        onto = day if day in box.waiting else min(later, default=None)
        return Placement(Place.NEW if onto is None else Place.JOIN, day, onto)
    listed = box.listed.get(cycle_id)
    if listed is not None and (day - listed).days < rules.stand_in_days:
        return Placement(Place.LISTED, listed)
    if box.waiting:
        onto = min((on for on in box.waiting if on >= day), default=max(box.waiting))
        return Placement(Place.JOIN, onto, onto)
    return Placement(Place.NEW, _free_day(box, day, rules))


def _free_day(box: Mailbox, day: date, rules: CadenceRules) -> date:
    if box.clock is not Clock.RENEWAL or not box.sent_on:
        return day
    last = max(box.sent_on)
    if box.open_orders > rules.digest_above_orders:
        return max(day, last + timedelta(days=rules.stand_in_days))
    return max(day, last + timedelta(days=1))


def joins_renewal(reissue: Urgency, renewal: Urgency) -> bool:
    """Whether a reissue step goes into the renewal mail of the same order: only if that speaks as urgently."""
    return reissue.rank <= renewal.rank
