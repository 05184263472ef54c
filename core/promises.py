"""Keeps what offers were promised for: once per renewal, counted against budgets, single-use codes once per account.

A promise is made in the transaction in which its message is sealed. Once made it is the only one of its cycle: no
better one follows, and no change of offers.toml takes it back.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.engine import Connection

from core.offers import Case, OfferRule, Offers, Promise
from core.schema import offer_counts, promises
from core.sql import among, insert_new


def promise(connection: Connection, offers: Offers, messages: Sequence[Sequence[Case]]) -> dict[int, Promise]:
    """What may be told in these messages, by cycle: promised before and not ended, or promised now.

    A message tells of one offer: that of its first renewal which has one.
    """
    cases = {case.cycle_id: case for message in messages for case in message}
    if not cases:
        return {}
    known = _promised(connection, cases)
    book = _Book(connection, offers, cases.values())
    if any(book.counts(case) for case in cases.values() if case.cycle_id not in known):
        book.lock()
        known = _promised(connection, cases)
    fresh: list[dict[str, Any]] = []
    for message in messages:
        told = next((known[one.cycle_id].offer for one in message if _holds(known, one)), "")
        for case in message:
            if case.cycle_id in known or (made := book.promise(case, told)) is None:
                continue
            told = told or made.offer
            known[case.cycle_id] = made
            fresh.append(asdict(made) | {"promised_at": case.moment})
    fresh.sort(key=lambda row: row["cycle_id"])
    if insert_new(connection, promises, fresh) < len(fresh):
        # Where another process was first, its promise is the one that holds.
        known |= _promised(connection, cases)
    return {case.cycle_id: known[case.cycle_id] for case in cases.values() if _holds(known, case)}


def _promised(connection: Connection, cycle_ids: Iterable[int]) -> dict[int, Promise]:
    columns = [promises.c[name] for name in Promise.__slots__]
    rows = connection.execute(select(*columns).where(among(promises.c.cycle_id, list(cycle_ids))))
    return {row.cycle_id: Promise(*row) for row in rows}


def _holds(known: Mapping[int, Promise], case: Case) -> bool:
    return case.cycle_id in known and known[case.cycle_id].holds(case)


class _Book:
    """What is left of the offers that can be used up; they must be locked before one of them is promised."""

    def __init__(self, connection: Connection, offers: Offers, cases: Iterable[Case]) -> None:
        self._connection = connection
        self._offers = offers
        self._accounts = sorted({case.account_id for case in cases})
        self._left: dict[str, int | None] = {}
        self._codes: dict[str, dict[int, str]] = {}
        self._free: dict[str, list[str]] = {}

    def counts(self, case: Case) -> bool:
        """Whether something that can be used up might be promised in a case."""
        return any(rule.counted for rule in self._offers.eligible(case).values())

    def promise(self, case: Case, told: str) -> Promise | None:
        """Something new for a renewal, of the offer that its message tells already where there is one."""
        eligible = self._offers.eligible(case)
        if told:
            eligible = {name: rule for name, rule in eligible.items() if name == told}
        eligible = {name: rule for name, rule in eligible.items() if self._affords(name, rule, case)}
        if not eligible:
            return None
        name = self._offers.choose(eligible, case)
        rule = eligible[name]
        return Promise(
            case.cycle_id,
            case.account_id,
            name,
            rule.percent,
            self._take(name, rule, case),
            rule.last_day(case.order_ends_on),
        )

    def lock(self) -> None:
        """Locks every offer that can be used up, in one order for all processes, and reads what is left of it."""
        counted = {name: rule for name, rule in sorted(self._offers.rules.items()) if rule.counted}
        insert_new(self._connection, offer_counts, [{"offer": name} for name in counted])
        lock = select(offer_counts).where(offer_counts.c.offer.in_(list(counted))).order_by(offer_counts.c.offer)
        spent = {row.offer: row.promised for row in self._connection.execute(lock.with_for_update()).all()}
        for name, rule in counted.items():
            self._left[name] = None if rule.budget is None else rule.budget - spent[name]
            if rule.single_use:
                self._read_codes(name, rule)

    def _read_codes(self, name: str, rule: OfferRule) -> None:
        of_offer = promises.c.offer == name
        given = set(self._connection.execute(select(promises.c.code).where(of_offer).distinct()).scalars())
        self._free[name] = [code for code in reversed(rule.codes) if code not in given]
        own = select(promises.c.account_id, func.min(promises.c.code))
        own = own.where(of_offer, promises.c.code != "", promises.c.account_id.in_(self._accounts))
        self._codes[name] = {
            id: code for id, code in self._connection.execute(own.group_by(promises.c.account_id)).all()
        }

    def _affords(self, name: str, rule: OfferRule, case: Case) -> bool:
        if not rule.counted:
            return True
        left = self._left[name]
        if left is not None and left <= 0:
            return False
        return not rule.single_use or case.account_id in self._codes[name] or bool(self._free[name])

    def _take(self, name: str, rule: OfferRule, case: Case) -> str:
        """Counts the promise, and gives its code: the account's own where it has one already."""
        if not rule.counted:
            return rule.code
        left = self._left[name]
        if left is not None:
            self._left[name] = left - 1
        counted = update(offer_counts).where(offer_counts.c.offer == name)
        self._connection.execute(counted.values(promised=offer_counts.c.promised + 1))
        if not rule.single_use:
            return rule.code
        if case.account_id not in self._codes[name]:
            self._codes[name][case.account_id] = self._free[name].pop()
        return self._codes[name][case.account_id]
