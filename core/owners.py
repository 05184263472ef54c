"""Whose work a task is: the account's owner, whoever stands in for them, or who takes what nobody owns."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from core.policy import TaskPolicy
from core.schema import accounts, reps
from core.words import TaskKind


@dataclass(frozen=True, slots=True)
class Rep:
    """One of ours, as stored."""

    key: str
    active: bool = True
    deputy_key: str = ""
    manager_key: str = ""
    absent_from: date | None = None
    absent_until: date | None = None


@dataclass(frozen=True, slots=True)
class Roster:
    """Who works on a day. Somebody whom no source tells of is taken to work."""

    reps: Mapping[str, Rep]
    policy: TaskPolicy
    day: date

    def works(self, key: str) -> bool:
        """Whether somebody is with us and not absent."""
        return self.is_ours(key) and not self.absent(key)

    def absent(self, key: str) -> bool:
        """Whether somebody is away on the day, by the source of reps or by the settings."""
        rep = self.reps.get(key)
        spans = [*self.policy.absences.get(key, ())]
        if rep is not None and rep.absent_from is not None:
            spans.append((rep.absent_from, rep.absent_until or date.max))
        return any(first <= self.day <= last for first, last in spans)

    def deputy(self, key: str) -> str:
        """Who stands in for somebody, or an empty text."""
        rep = self.reps.get(key)
        return self.policy.deputies.get(key) or (rep.deputy_key if rep is not None else "")

    def manager(self, key: str) -> str:
        """Who is told of what somebody leaves undone: their manager or that one's deputy; an empty text for nobody."""
        rep = self.reps.get(key)
        named = self.policy.managers.get(key) or (rep.manager_key if rep is not None else "") or self.policy.manager
        found = self._present(named) or (named if self.is_ours(named) else "")
        return "" if found == key else found

    def owner(self, key: str) -> str:
        """Who does the work of an account's owner.

        The owner; while absent their deputy, or the deputy's; the fallback owner where nobody of these works. Where
        the fallback is away too, the work waits for the owner if they are still with us.
        """
        fallback = self.policy.fallback_owner
        return self._present(key) or self._present(fallback) or (key if self.is_ours(key) else fallback)

    def does(self, kind: TaskKind, owner_key: str) -> str:
        """Who gets a task of this kind about an account of this owner."""
        if kind is TaskKind.SUPPORT and self.policy.support_owner:
            return self._present(self.policy.support_owner) or self.policy.support_owner
        if kind is TaskKind.ESCALATION:
            return self.manager(owner_key)
        return self.owner(owner_key)

    def is_ours(self, key: str) -> bool:
        """Whether somebody is with us, absent or not."""
        return bool(key) and (key not in self.reps or self.reps[key].active)

    def _present(self, key: str) -> str:
        """Somebody, or the first along the line of their deputies who works."""
        passed: set[str] = set()
        while self.is_ours(key) and key not in passed:
            if not self.absent(key):
                return key
            passed.add(key)
            key = self.deputy(key)
        return ""


def roster(connection: Connection, policy: TaskPolicy, day: date) -> Roster:
    """Everybody as they stand on a day."""
    columns = [reps.c.rep_key, *(reps.c[name] for name in Rep.__slots__ if name != "key")]
    return Roster({row.rep_key: Rep(*row) for row in connection.execute(select(*columns))}, policy, day)


def problems(connection: Connection, policy: TaskPolicy, day: date) -> list[str]:
    """What would leave the work of owners of accounts undone, one line for each, for `nolapse check`."""
    on = roster(connection, policy, day)
    query = select(accounts.c.owner_key, func.count()).group_by(accounts.c.owner_key)
    owned = {key: count for key, count in connection.execute(query)}
    owners = owned.keys() - {""}
    told = []
    if owned.get("") and not policy.fallback_owner:
        many = f"{owned['']:,} accounts have" if owned[""] > 1 else "1 account has"
        told.append(f"{many} no owner, and reps.fallback names nobody: such tasks are nobody's")
    for key in sorted(owners):
        if not on.is_ours(key) and not on.owner(key):
            told.append(f"{key} has left and still owns accounts, and reps.fallback names nobody")
        elif on.absent(key) and not on.works(on.owner(key)):
            told.append(f"{key} is absent, and neither a deputy nor reps.fallback works meanwhile")
    for rep in on.reps.values():
        if rep.active and (deputy := on.deputy(rep.key)) and not on.is_ours(deputy):
            told.append(f"the deputy of {rep.key} has left")
    unwatched = [
        key for key in sorted(owners) if policy.escalate_after_days and on.is_ours(key) and not on.manager(key)
    ]
    if unwatched:
        told.append(f"nobody is told of calls that {unwatched[0]} does not make; name a manager, or reps.manager")
    return told
