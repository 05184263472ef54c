"""What is to be known of the org before anything is written: asked once, when it is first needed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Engine, select

from connectors.crm.foreign import text_of
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.describing import ObjectInfo
from connectors.salesforce.errors import Denied
from connectors.salesforce.layout import Layout, layout_of
from connectors.salesforce.mapping import fitted, is_id
from connectors.salesforce.records import Row, long_id
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.statements import USERS_BY_EMAIL, USERS_BY_ID
from core.schema import reps
from core.store import Store

_OURS = "Nolapse_"
_OF_USERS = "salesforce:"
_USER_PREFIX, _QUEUE_PREFIX = "005", "00G"
_DEPUTIES = 3


@dataclass(frozen=True, slots=True)
class User:
    """A user of the org. Only an active one can own anything."""

    id: str
    name: str
    email: str
    active: bool


@dataclass(frozen=True, slots=True)
class _Rep:
    email: str
    deputy_key: str
    active: bool


@dataclass
class Target:
    """One org as the connector writes to it."""

    client: SalesforceClient
    settings: SalesforceSettings
    engine: Engine
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _gone: set[str] = field(default_factory=set)

    @cached_property
    def layout(self) -> Layout:
        """How records are held. Raises `ConfigurationError` where the package is missing."""
        return layout_of(self.client, self.settings)

    def info(self, sobject: str) -> ObjectInfo:
        """An object as the user sees it. Raises `ConfigurationError` where it is missing or hidden."""
        found = self.client.describe(sobject)
        if found is None:
            raise Denied(f"the object {sobject} is missing or hidden; `nolapse setup salesforce` tells what to do")
        return found

    def visible(self, sobject: str, *names: str) -> list[str]:
        """Those of these fields that the user may read. One that is hidden is as if it were not there."""
        info = self.info(sobject)
        return [str(name) for name in names if name in info.fields]

    def require(self, sobject: str, *names: str) -> list[str]:
        """The same where each of them is needed. Raises `ConfigurationError` for one that is hidden or missing."""
        info = self.info(sobject)
        for name in names:
            if name not in info.fields:
                raise Denied(_missing(sobject, name))
        return [str(name) for name in names]

    def fitting(self, sobject: str, said: Mapping[str, Any], *, new: bool) -> dict[str, Any]:
        """What of this can be written, as long as the fields take it.

        A field of Salesforce's own that is hidden from the user, read-only, or does not know the value is left out.
        Raises `ConfigurationError` for one of ours that is hidden or read-only.
        """
        fields, fit = self.info(sobject).fields, {}
        for name, value in said.items():
            held = fields.get(name)
            ours = name.startswith(_OURS)
            if held is None or not (held.createable if new else held.updateable):
                if ours:
                    raise Denied(_missing(sobject, name))
                continue
            if held.kind == "picklist" and not ours and value is not None and value not in held.values:
                continue
            fit[str(name)] = fitted(value, held)
        return fit

    def rows_by_key(self, sobject: str, key: str, rows: Iterable[Row]) -> dict[str, Row]:
        """Rows by our key on them."""
        return {text_of(row.get(key)): row for row in rows}

    def look_again(self) -> None:
        """Forgets who users and reps are: people come and go while a server runs."""
        for name in ("_reps", "_users", "_user_of_rep", "_rep_of_user"):
            self.__dict__.pop(name, None)
        self._gone.clear()

    def rep_key(self, owner_id: str) -> str:
        """The rep of ours behind a user; one that we do not know yet is named after Salesforce, a queue is none."""
        id = long_id(owner_id)
        if id.startswith(_QUEUE_PREFIX):
            return ""
        return self._rep_of_user.get(id, f"{_OF_USERS}{id}")

    def user_id(self, rep_key: str) -> str:
        """The user behind a rep of ours, active or not; empty where there is none."""
        if found := self._user_of_rep.get(rep_key, ""):
            return found
        id = rep_key.removeprefix(_OF_USERS)
        return long_id(id) if rep_key.startswith(_OF_USERS) and is_id(id, _USER_PREFIX) else ""

    def owner_id(self, rep_key: str) -> str:
        """Who is to own what is this rep's: the user, or where that one is inactive a deputy, or the fallback.

        Empty where there is nobody: then our own user owns it.
        """
        key = rep_key
        for _ in range(_DEPUTIES):
            rep, id = self._reps.get(key), self.user_id(key)
            if id and self._works(id) and (rep is None or rep.active):
                return id
            if not id and rep is None:
                break
            key = rep.deputy_key if rep is not None else ""
        return self._fallback() if rep_key else ""

    def active_user(self, rep_key: str) -> User | None:
        """The active user behind a rep of ours."""
        id = self.user_id(rep_key)
        found = next(iter(self.users([id])), None) if id else None
        return found if found is not None and found.active else None

    def left(self, owner_id: str) -> None:
        """Notes that Salesforce has refused this user as an owner."""
        self._gone.add(long_id(owner_id))

    def users(self, ids: Iterable[str]) -> list[User]:
        """The users of these ids that exist."""
        wanted = {long_id(id) for id in ids if is_id(id, _USER_PREFIX)}
        if unknown := sorted(wanted - self._users.keys()):
            self._users |= {one.id: one for one in map(_user, self.client.query_for(USERS_BY_ID, "ids", unknown))}
        return [self._users[id] for id in sorted(wanted) if id in self._users]

    def _works(self, id: str) -> bool:
        if id in self._gone:
            return False
        found = self.users([id])
        return not found or found[0].active

    def _fallback(self) -> str:
        named = self.settings.fallback_owner
        id = long_id(named) if is_id(named, _QUEUE_PREFIX) or is_id(named, _USER_PREFIX) else self.user_id(named)
        works = id.startswith(_QUEUE_PREFIX) or (bool(id) and self._works(id))
        return id if works and id not in self._gone else ""

    @cached_property
    def _reps(self) -> Mapping[str, _Rep]:
        query = select(reps.c.rep_key, reps.c.email, reps.c.deputy_key, reps.c.active)
        with Store(self.engine).read() as connection:
            known = connection.execute(query).all()
        return {row.rep_key: _Rep((row.email or "").lower(), row.deputy_key or "", row.active) for row in known}

    @cached_property
    def _users(self) -> dict[str, User]:
        """Those with the address of a rep of ours, and those named in the settings."""
        addresses = sorted({one.email for one in self._reps.values() if one.email})
        found = [_user(row) for row in self.client.query_for(USERS_BY_EMAIL, "emails", addresses)] if addresses else []
        if named := sorted(set(self._named.values()) - {one.id for one in found}):
            found += [_user(row) for row in self.client.query_for(USERS_BY_ID, "ids", named)]
        return {one.id: one for one in found}

    @cached_property
    def _named(self) -> Mapping[str, str]:
        """The operator's own map: rep key → user id. Raises `ConfigurationError` for what is no such pair."""
        found = {}
        for entry in self.settings.owners:
            ours, _, theirs = (part.strip() for part in entry.partition("="))
            if not ours or not is_id(theirs, _USER_PREFIX):
                raise Denied(f'salesforce.owners: {entry!r} is no "rep=user id"; the id begins with {_USER_PREFIX}')
            found[ours] = long_id(theirs)
        return found

    @cached_property
    def _user_of_rep(self) -> Mapping[str, str]:
        by_email: dict[str, str] = {}
        # One address may stand with several users; the active one is meant.
        for one in sorted(self._users.values(), key=lambda user: user.active):
            by_email[one.email.lower()] = one.id
        of_reps = {key: by_email[rep.email] for key, rep in self._reps.items() if rep.email in by_email}
        return of_reps | dict(self._named)

    @cached_property
    def _rep_of_user(self) -> Mapping[str, str]:
        return {id: key for key, id in self._user_of_rep.items()}


def _user(row: Row) -> User:
    return User(
        id=long_id(text_of(row.get("Id"))),
        name=text_of(row.get("Name")),
        email=text_of(row.get("Email")),
        active=row.get("IsActive") is True,
    )


def _missing(sobject: str, name: str) -> str:
    return f"{sobject}.{name} is missing, hidden or read-only; `nolapse setup salesforce` tells what to do"


def existing(target: Target, sobject: str, ids: Sequence[str]) -> set[str]:
    """Those of these ids that still are there."""
    return set(target.client.retrieve(sobject, ids, ())) if ids else set()
