"""How a language writes dates, times, counts and money: what its words.toml says, and the short words beside them."""

import string
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeGuard

from core.errors import ConfigurationError

WORDS = "words.toml"

_FIELDS = {
    "day": {"day", "month", "year"},
    "moment": {"day", "time"},
    "zone": {"name", "offset"},
    "same_day": {"moment", "time", "zone"},
    "other_day": {"moment", "day", "time", "zone"},
    "marked": {"day"},
    "money": {"currency", "amount"},
}
_MINOR_DIGITS = {
    "JPY": 0,
    "KRW": 0,
    "CLP": 0,
    "ISK": 0,
    "VND": 0,
    "BHD": 3,
    "KWD": 3,
    "OMR": 3,
    "TND": 3,
}  # ISO 4217


@dataclass(frozen=True, slots=True)
class Language:
    """One language's forms. `labels` are its short words, read by name in templates."""

    code: str
    labels: SimpleNamespace
    day: Callable[[date], str]
    _forms: Mapping[str, str]
    _counts: Mapping[str, Sequence[str]]
    _singular: frozenset[int]
    _numbers: Mapping[str, str]

    def marked(self, text: str, inferred: bool) -> str:
        """A date's text, with the mark of dates that were worked out and not read from the CA."""
        return self._forms["marked"].format(day=text) if inferred else text

    def moment(self, day: date, at: datetime) -> str:
        """A UTC day with its time in UTC and, where that differs, in the zone of `at`, the reader's."""
        moment = self._forms["moment"].format(day=self.day(day), time=_time(at.astimezone(UTC)))
        offset = at.utcoffset() or timedelta()
        if not offset:
            return moment
        form = self._forms["same_day" if at.date() == day else "other_day"]
        return form.format(moment=moment, day=self.day(at.date()), time=_time(at), zone=self._zone(at, offset))

    def count(self, number: int, thing: str) -> str:
        """So many things in words: `3 days`. `thing` is a key of [counts]."""
        try:
            forms = self._counts[thing]
        except KeyError:
            raise LookupError(f"[counts] in {WORDS} has no {thing!r}") from None
        return forms[0 if number in self._singular else -1].format(n=number)

    def money(self, minor: int, currency: str) -> str:
        """An amount in minor units with its currency."""
        digits = _MINOR_DIGITS.get(currency, 2)
        whole, rest = divmod(abs(minor), 10**digits)
        amount = f"{whole:,}".replace(",", self._numbers["group"])
        if digits:
            amount += f"{self._numbers['point']}{rest:0{digits}}"
        return self._forms["money"].format(currency=currency, amount=("-" if minor < 0 else "") + amount)

    def _zone(self, at: datetime, offset: timedelta) -> str:
        minutes = round(offset.total_seconds() / 60)
        hours, rest = divmod(abs(minutes), 60)
        utc = f"UTC{'+' if minutes > 0 else '-'}{hours}" + (f":{rest:02}" if rest else "")
        name = at.tzname() or ""
        named = name.isalpha() and name != "UTC"
        return self._forms["zone"].format(name=name, offset=utc) if named else utc


def _time(at: datetime) -> str:
    return f"{at:%H:%M}"


def local_day(at: datetime, zone: tzinfo | None) -> date:
    """The day it is at that moment in the zone; UTC where there is none."""
    return at.astimezone(zone or UTC).date()


def read_language(code: str, paths: Sequence[Path]) -> Language:
    """The language that these files make, the most particular first; what one lacks the next gives.

    Raises ConfigurationError, naming file and key, for what cannot be read or makes no sense.
    """
    merged: dict[str, dict[str, Any]] = {}
    for path in reversed(paths):
        for section, entries in _read(path, merged).items():
            merged.setdefault(section, {}).update(entries)
    months = tuple(merged["dates"].pop("months"))
    forms: dict[str, str] = merged["dates"]
    return Language(
        code=code,
        labels=SimpleNamespace(**merged["labels"]),
        day=lru_cache(4096)(lambda on: forms["day"].format(day=on.day, month=months[on.month - 1], year=on.year)),
        _forms=forms,
        _counts=merged["counts"],
        _singular=frozenset(merged["plurals"]["singular"]),
        _numbers=merged["numbers"],
    )


def _read(path: Path, known: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """One file's sections, held to the keys of the base language, which is read first."""
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigurationError(f"{path}: cannot be read as TOML: {error}") from error
    for section, entries in table.items():
        if not isinstance(entries, dict):
            raise ConfigurationError(
                f"{path}: {section} stands outside a section; put it under [labels] or another one."
            )
        if known and section not in known:
            raise ConfigurationError(f"{path}: [{section}] is no section; there are {', '.join(known)}.")
        for key, value in entries.items():
            if known and key not in known[section]:
                raise ConfigurationError(
                    f"{path}: [{section}] {key} is not known; there are {', '.join(known[section])}."
                )
            if why := _wrong(section, key, value):
                raise ConfigurationError(f"{path}: [{section}] {key} {why}")
    return table


def _wrong(section: str, key: str, value: object) -> str:
    """What is wrong with an entry, or an empty string."""
    if section == "plurals":
        whole = isinstance(value, list) and all(type(number) is int for number in value)
        return "" if whole else "must be a list of whole numbers."
    if (section, key) == ("dates", "months"):
        return "" if _texts(value) and len(value) == 12 else "must be a list of twelve names."
    if section == "counts":
        right = _texts(value) and 0 < len(value) <= 2 and all(_names(form) <= {"n"} for form in value)
        return "" if right else "must be one or two forms of {n}."
    if not isinstance(value, str):
        return "must be a text."
    fields = _FIELDS.get(key, set()) if section == "dates" else None
    if fields is not None and not _names(value) <= fields:
        return f"may name only {', '.join('{' + name + '}' for name in sorted(fields))}."
    return ""


def _texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(entry, str) for entry in value)


def _names(form: str) -> set[str]:
    """The fields that a form names; a field of anything but a bare name counts as itself, and so is refused."""
    try:
        fields = [field[1:] for field in string.Formatter().parse(form) if field[1] is not None]
    except ValueError:
        return {form}
    return {form if spec or turn else str(name) for name, spec, turn in fields}
