"""Accounts, reps and contacts from CSV files: whom the orders belong to, who looks after them, whom to write to.

Unusable rows are handed back beside the usable ones; `Reject.where` names the file too.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from connectors.order_report.client import CsvFile, cut
from connectors.order_report.values import as_yes_no, email_address, shown
from core.model import AccountFacts, BadRow, Person, Reject, RepFacts
from core.words import Role, Route

_F = TypeVar("_F", AccountFacts, RepFacts, "_Contact")
_LONGEST = 500
_JOBS = ("rep", "support", "manager")
_ROLES = {role.value: role for role in Role} | {"organization": Role.ORGANISATION}
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


@dataclass(frozen=True, slots=True)
class _Contact:
    key: str
    person: Person


@dataclass(frozen=True, slots=True)
class _Row:
    where: str
    values: dict[str, str]
    raw: tuple[str, ...]

    def text(self, column: str) -> str:
        """A value without blanks around it, or an empty text where there is none. Raises `BadRow`."""
        text = " ".join(self.values.get(column, "").split())
        if len(text) > _LONGEST:
            raise BadRow(column, f"is longer than {_LONGEST} characters")
        if "\0" in text:
            raise BadRow(column, "holds a NUL character")
        return text

    def needed(self, column: str) -> str:
        text = self.text(column)
        if not text:
            raise BadRow(column, "is empty")
        return text


def accounts(accounts_path: str, contacts_path: str, prefix: str) -> tuple[list[AccountFacts], list[Reject]]:
    """The customers of both files; one that only the contacts file names has its key and people and nothing else.

    `prefix`, such as `digicert:organisation`, completes an account that is named by its outside id alone.
    """
    rejects: list[Reject] = []
    found = {one.key: one for one in _table(accounts_path, "accounts_path", ("account",), _account(prefix), rejects)}
    people: dict[str, dict[str, Person]] = {}
    for contact in _table(contacts_path, "contacts_path", ("account", "email"), _contact(prefix), rejects):
        people.setdefault(contact.key, {})[contact.person.email] = contact.person
    for key, persons in people.items():
        found[key] = replace(found.get(key, AccountFacts(key)), people=tuple(persons.values()))
    return list(found.values()), rejects


def reps(path: str) -> tuple[list[RepFacts], list[Reject]]:
    """Our own people."""
    rejects: list[Reject] = []
    return list(_table(path, "reps_path", ("rep_key", "name", "email"), _rep, rejects)), rejects


def _table(
    path: str,
    setting: str,
    needed: tuple[str, ...],
    read: Callable[[_Row], tuple[str, _F]],
    rejects: list[Reject],
) -> Iterable[_F]:
    """What the rows of a file say, by key. Equal rows collapse; rows of one key that differ are all rejected."""
    if not path:
        return ()
    usable: dict[str, _F] = {}
    first: dict[str, _Row] = {}
    refused: set[str] = set()
    for row in _rows(path, setting, needed, rejects):
        try:
            key, facts = read(row)
        except BadRow as error:
            rejects.append(Reject(row.where, error.column, error.reason, row.raw))
            continue
        before = first.setdefault(key, row)
        if before is row:
            usable[key] = facts
        elif key in refused or usable[key] != facts:
            rejects.append(_differs(row, needed[0], before))
            if key not in refused:
                rejects.append(_differs(before, needed[0], row))
                refused.add(key)
    return [facts for key, facts in usable.items() if key not in refused]


def _differs(row: _Row, column: str, other: _Row) -> Reject:
    return Reject(row.where, column, f"the same stands in {other.where}, with other values", row.raw)


def _rows(path: str, setting: str, needed: tuple[str, ...], rejects: list[Reject]) -> Iterator[_Row]:
    file = CsvFile(path, f"[order_report] {setting}", needed)
    for number, record in enumerate(file.records(), start=1):
        where = f"{Path(path).name}, row {number} (line {record.line})"
        raw = cut(record.fields, file.width)
        if record.fault is not None:
            rejects.append(Reject(where, *record.fault, raw))
        else:
            yield _Row(where, {name: record.fields[index] for name, index in file.columns.items()}, raw)


def _key(prefix: str, row: _Row, column: str = "account") -> str:
    which = row.needed(column)
    return which if ":" in which else f"{prefix}:{which}"


def _account(prefix: str) -> Callable[[_Row], tuple[str, AccountFacts]]:
    def read(row: _Row) -> tuple[str, AccountFacts]:
        key = _key(prefix, row)
        return key, AccountFacts(
            key,
            name=row.text("name"),
            country=_country(row),
            language=_language(row),
            zone=_zone(row),
            segment=row.text("segment").lower(),
            route=_route(row),
            owner_key=row.text("owner"),
            brand=row.text("brand"),
            used=_features(row, "used"),
            unused=_features(row, "unused"),
            parent_key=_key(prefix, row, "parent") if row.text("parent") else "",
            price_list=row.text("price_list"),
        )

    return read


def _contact(prefix: str) -> Callable[[_Row], tuple[str, _Contact]]:
    def read(row: _Row) -> tuple[str, _Contact]:
        key = _key(prefix, row)
        address = _email(row, row.needed("email"))
        person = Person(address, tuple(_roles(row)), row.text("name"), row.text("phone"), _language(row), _zone(row))
        return f"{key} {address}", _Contact(key, person)

    return read


def _rep(row: _Row) -> tuple[str, RepFacts]:
    key = row.needed("rep_key")
    job = row.text("job").lower() or "rep"
    if job not in _JOBS:
        raise BadRow("job", f"is {shown(job)}; write one of {', '.join(_JOBS)}")
    address = row.text("email")
    active = as_yes_no("active", row.text("active"))
    return key, RepFacts(
        key,
        name=row.needed("name"),
        email=_email(row, address) if address else "",
        phone=row.text("phone"),
        job=job,
        manager_key=row.text("manager"),
        deputy_key=row.text("deputy"),
        active=active is not False,
        language=_language(row),
        absent_from=_day(row, "absent_from"),
        absent_until=_day(row, "absent_until"),
    )


def _day(row: _Row, column: str) -> date | None:
    text = row.text(column)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise BadRow(column, f"is {shown(text)}; write a day such as 2026-12-21") from error


def _email(row: _Row, text: str) -> str:
    address = email_address(text)
    if not address:
        raise BadRow("email", "is no e-mail address")
    return address


def _roles(row: _Row) -> Iterator[Role]:
    words = dict.fromkeys(re.findall(r"[^\s,;]+", row.text("roles").lower()))
    for word in words or ("organisation",):
        if word not in _ROLES:
            raise BadRow("roles", f"holds {shown(word)}; known are {', '.join(Role)}")
        yield _ROLES[word]


def _route(row: _Row) -> str:
    word = row.text("route").lower()
    if word and word not in tuple(Route):
        raise BadRow("route", f"is {shown(word)}; write one of {', '.join(Route)}")
    return word


def _country(row: _Row) -> str:
    code = row.text("country").upper()
    if code and not (len(code) == 2 and code.isascii() and code.isalpha()):
        raise BadRow("country", f"is {shown(code)}; write two letters, such as DE")
    return code


def _language(row: _Row) -> str:
    code = row.text("language")
    if code and not _LANGUAGE.fullmatch(code):
        raise BadRow("language", f"is {shown(code)}; write a code such as en or zh-Hans")
    return code.replace("_", "-")


def _features(row: _Row, column: str) -> str:
    return " ".join(dict.fromkeys(re.findall(r"[^\s,;]+", row.text(column).lower())))


def _zone(row: _Row) -> str:
    name = row.text("zone")
    if name:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, LookupError) as error:
            raise BadRow("zone", f"is {shown(name)}; write a zone such as Europe/Berlin") from error
    return name
