"""How sure a renewal is: the replacement rule, and which of two confirmations weighs more."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from core.words import Certainty

_WEIGHT = {
    Certainty.PROBABLE: 0,
    Certainty.IN_PROGRESS: 1,
    Certainty.PROVISIONAL: 2,
    Certainty.CONFIRMED: 3,
}


def surest(certainties: Iterable[Certainty]) -> Certainty | None:
    """The surest of several, None of none."""
    return max(certainties, key=_WEIGHT.__getitem__, default=None)


@dataclass(frozen=True, slots=True)
class Ending:
    """An order whose renewal is awaited."""

    key: str
    account_id: int
    names: frozenset[str]
    placed_on: date
    ends_on: date


@dataclass(frozen=True, slots=True)
class Newcomer:
    """An order that could replace another. `renews` names the order that it openly renews, if any."""

    key: str
    account_id: int
    names: frozenset[str]
    ends_on: date
    placed_on: date
    issued: bool
    renews: str = ""


@dataclass(frozen=True, slots=True)
class Replacement:
    """An order that stands for another, and how sure that is."""

    old_key: str
    new_key: str
    on: date
    certainty: Certainty


PLACED_BEFORE_END_DAYS = 90
PLACED_AFTER_END_DAYS = 30


def covers(names: frozenset[str], name: str) -> bool:
    """Whether a certificate with these names is good for a name; a wildcard stands for exactly one label."""
    if name in names:
        return True
    label, _, rest = name.partition(".")
    return bool(rest) and label != "*" and f"*.{rest}" in names


def replacements(endings: Iterable[Ending], newcomers: Iterable[Newcomer]) -> list[Replacement]:
    """Which orders are replaced by a newer one that does not say so.

    Confirmed: one newer issued order of the same account covers all names, outlasts the old one and was placed from
    90 days before to 30 days after its end. Weaker is probable: not issued yet, or it covers the first names only in
    part. One new order replaces at most one old one, and none where it openly renews another.
    """
    by_name: dict[tuple[int, str], list[Newcomer]] = defaultdict(list)
    for new in newcomers:
        if not new.renews:
            for name in new.names:
                by_name[new.account_id, name].append(new)
    pairs: list[tuple[int, int, str, str, Replacement]] = []
    for old in endings:
        for new in _candidates(old, by_name):
            certainty = _compare(old, new)
            if certainty is not None:
                distance = abs((old.ends_on - new.placed_on).days)
                found = Replacement(old.key, new.key, new.placed_on, certainty)
                pairs.append((-_WEIGHT[certainty], distance, old.key, new.key, found))
    taken: set[str] = set()
    chosen: list[Replacement] = []
    for *_, pair in sorted(pairs, key=lambda entry: entry[:4]):
        if pair.old_key not in taken and pair.new_key not in taken:
            taken |= {pair.old_key, pair.new_key}
            chosen.append(pair)
    return chosen


def _candidates(old: Ending, by_name: dict[tuple[int, str], list[Newcomer]]) -> list[Newcomer]:
    found: dict[str, Newcomer] = {}
    for name in old.names:
        wider = "*." + name.partition(".")[2]
        for new in (*by_name.get((old.account_id, name), ()), *by_name.get((old.account_id, wider), ())):
            found[new.key] = new
    found.pop(old.key, None)
    return list(found.values())


def _compare(old: Ending, new: Newcomer) -> Certainty | None:
    earliest = old.ends_on - timedelta(days=PLACED_BEFORE_END_DAYS)
    latest = old.ends_on + timedelta(days=PLACED_AFTER_END_DAYS)
    newer = new.placed_on > old.placed_on and new.ends_on > old.ends_on
    if not newer or not earliest <= new.placed_on <= latest:
        return None
    missing = sum(1 for name in old.names if not covers(new.names, name))
    if not missing and new.issued:
        return Certainty.CONFIRMED
    return Certainty.PROBABLE if missing * 2 < len(old.names) else None
