"""When somebody is to hear of an end that comes nearer: a table's days, and what is due on a day.

A table is chosen per order (`Cadences.choose`), laid out on the calendar (`schedule`) and asked day by day
what goes (`decide`). All of it is pure; days are whole days, an end is the last valid day.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import MAXYEAR, MINYEAR, date, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple

from core.cadence_tables import Cadence, CadenceRules, Cadences, Step
from core.calendar import Calendar
from core.words import Channel, Clock, Urgency

__all__ = [
    "Cadence",
    "CadenceRules",
    "Cadences",
    "Decision",
    "Scheduled",
    "Step",
    "decide",
    "schedule",
]

# Longer than any run of days off: how far before the end a start still matters, beyond a table's first step.
_LONGEST_MOVE_DAYS = 60


class Scheduled(NamedTuple):
    """A step on the calendar. A tuple, since planning makes a dozen for every cycle it looks at."""

    step: Step
    nominal_on: date  # the day by the table
    day: date  # the day after moving to a working day
    into: str | None = None  # the touchpoint that goes in its stead, where two fell on one day

    @property
    def state(self) -> Literal["due", "merged"]:
        """Whether the step goes itself or a later one in its stead."""
        return "due" if self.into is None else "merged"


@dataclass(frozen=True, slots=True)
class Decision:
    """What one planning finds for a cycle: everything in it is handled from now on.

    `go` holds, with its scheduled day, at most one step per channel for today, whose day may be past, and one for
    each later day up to the horizon. `next_on` is the first day that holds a step still to decide, None where nothing
    remains: planning is next needed when the horizon reaches it.
    """

    go: tuple[Scheduled, ...] = ()
    missed: tuple[Scheduled, ...] = ()
    merged: tuple[Scheduled, ...] = ()
    next_on: date | None = None


def schedule(
    cadence: Cadence,
    *,
    starts_on: date,
    ends_on: date,
    calendar: Calendar,
    country: str | None,
    rules: CadenceRules,
) -> tuple[Scheduled, ...]:
    """Lay a table out on the calendar, by day. `starts_on`: the order's start for renewal, else the issue.

    A step before the start is dropped. A step before the end moves to the working day before; where that
    lies before the start (renewal: or before the early window opens) to the next working day; where that
    comes too near the end, it stays. Steps at `never_move_at_or_below_days` or less before the end stay;
    steps after the end move forward. Of two steps of one channel on one day the later goes and the other is
    merged into it. On the reissue clock a certificate of less than `short_life_days` has few mails: the
    first at a third of its life, then the table's last ones. Nothing is scheduled for an end before the
    start, or in the first and last year a date can hold.
    """
    life = (ends_on - starts_on).days
    if life < 0 or not MINYEAR < ends_on.year < MAXYEAR:
        return ()
    reach = max(cadence.reach, rules.early_window_days, rules.short_life_days) + _LONGEST_MOVE_DAYS
    return _lay_out(cadence, min(life, reach), ends_on, calendar, country, rules)


@lru_cache(maxsize=4_096)
def _lay_out(
    cadence: Cadence, life: int, ends_on: date, calendar: Calendar, country: str | None, rules: CadenceRules
) -> tuple[Scheduled, ...]:
    opens = min(life, rules.early_window_days) if cadence.clock is Clock.RENEWAL else life
    earliest = ends_on - timedelta(days=opens)
    fixed = rules.never_move_at_or_below_days
    latest = ends_on - timedelta(days=min(life, fixed))
    on_or_before, on_or_after = calendar.working_day_on_or_before, calendar.working_day_on_or_after
    laid: list[Scheduled] = []
    going: dict[Channel, Scheduled] = {}
    for days, distance, steps in _distances(cadence, life, rules):
        nominal = day = ends_on - distance
        if days < 0:
            day = on_or_after(nominal, country)
        elif days > fixed:
            day = on_or_before(nominal, country)
            if day < earliest:
                day = on_or_after(nominal, country)
                if day > latest:
                    day = nominal
        for step in steps:
            later = going.get(step.channel)
            if later is not None and later.day == day:
                laid.append(Scheduled(step, nominal, day, later.step.touchpoint))
            else:
                entry = going[step.channel] = Scheduled(step, nominal, day)
                laid.append(entry)
    laid.reverse()
    return tuple(laid)


@lru_cache(maxsize=4_096)
def _distances(cadence: Cadence, life: int, rules: CadenceRules) -> tuple[tuple[int, timedelta, tuple[Step, ...]], ...]:
    """The steps for which a life of so many days has room, by their distance to the end, latest first."""
    if cadence.clock is Clock.REISSUE and life < rules.short_life_days:
        steps = _short_life(cadence, life, rules)
    else:
        steps = [step for step in cadence.steps if step.days_before <= life]
    together: dict[int, list[Step]] = {}
    for step in reversed(steps):
        together.setdefault(step.days_before, []).append(step)
    return tuple((days, timedelta(days=days), tuple(group)) for days, group in together.items())


def _short_life(cadence: Cadence, life: int, rules: CadenceRules) -> list[Step]:
    first = min(rules.short_life_first_max_days, life // rules.short_life_divisor)
    below = min(first - 1, rules.short_life_next_max_days)
    mails = [step for step in cadence.steps if step.channel is Channel.MAIL]
    kept = [step for step in mails if step.days_before <= below][: rules.short_life_mails - 1]
    if mails:
        # Where steps no longer move the end is too near for a notice: there the table's own urgency holds.
        near = first <= rules.never_move_at_or_below_days
        passed = [step.urgency for step in mails if near and step.days_before >= first]
        urgency = passed[-1] if passed else Urgency.NOTICE
        kept.insert(0, Step(first, Channel.MAIL, urgency, mails[0].nature, roles=mails[0].roles))
    kept.extend(step for step in cadence.steps if step.channel is not Channel.MAIL and step.days_before <= first)
    return sorted(kept, key=lambda step: -step.days_before)


def decide(
    scheduled: tuple[Scheduled, ...],
    *,
    horizon: date,
    today: date,
    ends_on: date,
    handled: Collection[tuple[str, Channel]],
    rules: CadenceRules,
) -> Decision:
    """What goes, looking from `today` to `horizon` (usually the next day); `handled` holds decided keys.

    Per channel the newest step up to today goes and those it passes over are missed; so is one that a handled step has
    passed. Steps of the days up to the horizon go as well. A step whose day is already over is caught up on only if the
    channel's next step is not under `catch_up_min_gap_days` away; a step before the end never once it has ended, a step
    after it only within `after_end_limit_days`.
    """
    go: list[Scheduled] = []
    missed: list[Scheduled] = []
    merged: list[Scheduled] = []
    next_on: date | None = None
    following: dict[Channel, date] = {}
    passed: set[Channel] = set()
    for entry in reversed(scheduled):
        step, _, day, into = entry
        new = step.key not in handled
        if day > horizon:
            if new:
                next_on = day
                if into is None:
                    following[step.channel] = day
        elif into is not None:
            if new:
                merged.append(entry)
        else:
            if new:
                late = day < today and not _catches_up(step, today, ends_on, following.get(step.channel), rules)
                (missed if late or step.channel in passed else go).append(entry)
            if day <= today:
                passed.add(step.channel)
            else:
                following[step.channel] = day
    return Decision(tuple(reversed(go)), tuple(reversed(missed)), tuple(reversed(merged)), next_on)


def _catches_up(step: Step, today: date, ends_on: date, following: date | None, rules: CadenceRules) -> bool:
    if following is not None and (following - today).days < rules.catch_up_min_gap_days:
        return False
    over = (today - ends_on).days
    return over <= (rules.after_end_limit_days if step.days_before < 0 else 0)
