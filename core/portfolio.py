"""Orders that live on: from how the ledger knows them now, what their sources would tell on each day to come."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.engine import Connection

from core.batches import batched
from core.habits import Act, Habits, Limits, after, ends_by, issued_by, next_reissue, runs
from core.model import OrderFacts
from core.order_facts import facts_of
from core.schema import orders
from core.sql import among
from core.words import OrderStatus

_BATCH = 500
_ISSUING = (Act.REISSUE, Act.RENEW, Act.REPLACE)  # another certificate stands in for the order's own from then on


@dataclass(slots=True)
class Morning:
    """What is told on a day: orders as they stand at its end by key, the keys of those whose customers go elsewhere, and
    of those in whose place a new certificate is installed."""

    changed: dict[str, OrderFacts] = field(default_factory=dict)
    leaving: list[str] = field(default_factory=list)
    installed: list[str] = field(default_factory=list)


class Portfolio:
    """The orders of a ledger under these habits and limits. Only what is to happen is kept; the ledger knows the rest."""

    def __init__(self, connection: Connection, habits: Habits, limits: Limits, today: date) -> None:
        self.habits = habits
        self._limits = limits
        self._due: defaultdict[date, list[tuple[str, Act]]] = defaultdict(list)
        alive = orders.c.status.in_((OrderStatus.ISSUED, OrderStatus.PENDING)) & orders.c.vanished_on.is_(None)
        query = select(orders.c.id).where(alive).order_by(orders.c.id)
        followed = set(
            connection.execute(select(orders.c.renewal_of).where(alive, orders.c.renewal_of != "")).scalars()
        )
        for ids in batched(connection.execute(query).scalars().all(), _BATCH):
            for facts in facts_of(connection, ids):
                self._begin(facts, today, followed=facts.key in followed)

    def _begin(self, facts: OrderFacts, today: date, *, followed: bool = False) -> None:
        """Notes what becomes of an order; of one that another follows already only its reissues are to come."""
        if facts.status is OrderStatus.PENDING:
            self._due[issued_by(facts, self.habits, today)].append((facts.key, Act.ISSUE))
            return
        ends_on = facts.order_expires_on or facts.certificate_expires_on
        if ends_on is None or ends_on < today or not runs(facts):
            return
        day, act = ends_by(facts, self.habits, self._limits, today)
        if act is not Act.NOTHING and not followed:
            self._due[day].append((facts.key, act))
        self._reissue_later(facts, today)

    def _reissue_later(self, facts: OrderFacts, today: date) -> None:
        if (day := next_reissue(facts, self.habits, today)) is not None:
            self._due[day].append((facts.key, Act.REISSUE))

    def on(self, connection: Connection, day: date) -> Morning:
        """What is told on this day. To be asked once for each day, in turn."""
        acts = self._due.pop(day, [])
        known = self._facts(connection, [key for key, _ in acts])
        before = [known[key].renewal_of for key, act in acts if act is Act.ISSUE and known[key].renewal_of]
        known |= self._facts(connection, before)
        morning = Morning()
        told = morning.changed
        for key, act in acts:
            facts = told.get(key, known[key])
            if act is Act.LEAVE:
                morning.leaving.append(key)
            elif act is Act.INSTALL:
                morning.installed.append(key)
            elif act is Act.ISSUE:
                told |= _by_key(self._after(act, facts, day))
                if (old := told.get(facts.renewal_of) or known.get(facts.renewal_of)) is not None:
                    told[old.key] = replace(old, is_renewed=True, renewed_by=key)
                    self._install_later(old.key, day)
            elif runs(facts):
                told |= _by_key(self._after(act, facts, day))
                if act in _ISSUING:
                    self._install_later(key, day)
        return morning

    def _install_later(self, key: str, issued_on: date) -> None:
        if self.habits.installs(key, issued_on):
            day = issued_on + timedelta(days=max(1, self.habits.install_days))
            self._due[day].append((key, Act.INSTALL))

    def _after(self, act: Act, facts: OrderFacts, day: date) -> Sequence[OrderFacts]:
        changed = list(after(act, facts, day, self._limits))
        if act is Act.REISSUE:
            self._reissue_later(changed[0], day)
        elif act in (Act.RENEW, Act.REPLACE, Act.PLACE, Act.ISSUE):
            self._begin(changed[0], day)
        return changed

    def _facts(self, connection: Connection, keys: Sequence[str]) -> dict[str, OrderFacts]:
        ids = [
            id
            for batch in batched(keys, _BATCH)
            for id in connection.execute(select(orders.c.id).where(among(orders.c.order_key, batch))).scalars()
        ]
        return _by_key(one for batch in batched(ids, _BATCH) for one in facts_of(connection, batch))


def _by_key(found: Iterable[OrderFacts]) -> dict[str, OrderFacts]:
    return {facts.key: facts for facts in found}
