"""Working days by country, office hours by zone.

Public holidays, weekends and worked weekends come from the library `holidays` (national, public holidays;
no regions), zones from the tz database (package `tzdata`, file `zone.tab`). Where a country is unknown,
Monday to Friday are working days; where a zone is unknown, the country's or the default one counts. Answers
are remembered: build one calendar and share it.
"""

import hashlib
import json
import zoneinfo
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Self
from zoneinfo import ZoneInfo

from core.errors import ConfigurationError

_OPENS, _CLOSES = time(9), time(17)
_DAY = timedelta(days=1)
_SATURDAY = 5


@cache
def _zone_names() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


@cache
def zones_by_country() -> Mapping[str, tuple[str, ...]]:
    """The zones of every country (ISO 3166 alpha-2), from the tz database's own table `zone.tab`."""
    zones: dict[str, tuple[str, ...]] = {}
    table = (resources.files("tzdata.zoneinfo") / "zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if line and not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            zones[country] = (*zones.get(country, ()), zone)
    return MappingProxyType(zones)


def known_zone(name: str) -> bool:
    """Whether the tz database has a zone of exactly this name, such as `Europe/Berlin`."""
    return name in _zone_names()


@dataclass(frozen=True, slots=True)
class CalendarSettings:
    """What an operator says about working time.

    `office_opens` and `office_closes` are local times of one day. `default_country` stands in where an
    account names no country (empty: Monday to Friday), `default_zone` where neither a known zone nor a
    country with one is named. `zones` gives the main zone of a country and wins over the tz database's
    table. On `quiet_dates` nobody works, in no country.
    """

    office_opens: time = _OPENS
    office_closes: time = _CLOSES
    default_country: str = ""
    default_zone: str = "UTC"
    zones: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    quiet_dates: frozenset[date] = frozenset()

    @classmethod
    def from_toml(cls, table: Mapping[str, Any]) -> Self:
        """Read the contents of calendar.toml; what is left out keeps its default.

        Raises ConfigurationError, one line, for an unknown key, a wrong type, an unknown zone or impossible
        hours.
        """
        known = [entry.name for entry in fields(cls)]
        for key in table:
            if key not in known:
                raise _wrong(key, f"is not a setting; known are {', '.join(known)}")
        country = table.get("default_country", "")
        settings = cls(
            office_opens=_time("office_opens", table.get("office_opens", _OPENS)),
            office_closes=_time("office_closes", table.get("office_closes", _CLOSES)),
            default_country=_country("default_country", country) if country != "" else "",
            default_zone=_zone("default_zone", table.get("default_zone", "UTC")),
            zones=_zones(table.get("zones", {})),
            quiet_dates=_dates(table.get("quiet_dates", [])),
        )
        if settings.office_opens >= settings.office_closes:
            raise _wrong("office_closes", "must be later than office_opens, on the same day")
        return settings

    @property
    def digest(self) -> str:
        """A stable hash (hexadecimal) of everything that can move a working day or an opening."""
        said = [
            self.office_opens.isoformat(),
            self.office_closes.isoformat(),
            self.default_country,
            self.default_zone,
            sorted(self.zones.items()),
            sorted(day.isoformat() for day in self.quiet_dates),
        ]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()


class Calendar:
    """Answers when people work. Countries are ISO 3166 alpha-2; None or empty means the default one."""

    __slots__ = ("_after", "_before", "_closed", "_closing", "_opening", "_settings", "_zones")

    def __init__(self, settings: CalendarSettings) -> None:
        self._settings = settings
        self._closed: dict[tuple[str | None, int], frozenset[date]] = {}
        self._before: dict[tuple[date, str | None], date] = {}
        self._after: dict[tuple[date, str | None], date] = {}
        self._zones: dict[tuple[str | None, str | None], ZoneInfo] = {}
        self._opening: dict[tuple[date, str], datetime] = {}
        self._closing: dict[tuple[date, str], datetime] = {}

    @property
    def settings(self) -> CalendarSettings:
        """What the calendar was built from."""
        return self._settings

    def is_working_day(self, day: date, country: str | None) -> bool:
        """Whether people in this country work on this day."""
        try:
            return day not in self._closed[country, day.year]
        except KeyError:
            closed = self._closed[country, day.year] = self._closed_days(country, day.year)
            return day not in closed

    def working_day_on_or_before(self, day: date, country: str | None) -> date:
        """The day itself where it is a working day, else the last one before it."""
        found = self._before.get((day, country))
        if found is None:
            found = day
            while not self.is_working_day(found, country):
                found -= _DAY
            self._before[day, country] = found
        return found

    def working_day_on_or_after(self, day: date, country: str | None) -> date:
        """The day itself where it is a working day, else the next one after it."""
        found = self._after.get((day, country))
        if found is None:
            found = day
            while not self.is_working_day(found, country):
                found += _DAY
            self._after[day, country] = found
        return found

    def zone(self, country: str | None, zone: str | None) -> ZoneInfo:
        """The named zone where it is known, else the country's main zone, else the default.

        A name that is not known is passed over in silence: ask `known_zone` where somebody should hear of
        it. A country with several zones has a main one only where the settings name it.
        """
        found = self._zones.get((country, zone))
        if found is None:
            if zone and known_zone(zone):
                name = zone
            else:
                code = (country or self._settings.default_country).upper()
                only = zones_by_country().get(code, ())
                name = self._settings.zones.get(code) or (only[0] if len(only) == 1 else self._settings.default_zone)
            found = self._zones[country, zone] = ZoneInfo(name)
        return found

    def opens_at(self, day: date, zone: ZoneInfo) -> datetime:
        """The instant (UTC) at which offices open on this local day; a time the clocks skip falls later."""
        found = self._opening.get((day, zone.key))
        if found is None:
            found = datetime.combine(day, self._settings.office_opens, zone).astimezone(UTC)
            self._opening[day, zone.key] = found
        return found

    def closes_at(self, day: date, zone: ZoneInfo) -> datetime:
        """The instant (UTC) at which offices close on this local day; at that instant they are closed."""
        found = self._closing.get((day, zone.key))
        if found is None:
            found = datetime.combine(day, self._settings.office_closes, zone).astimezone(UTC)
            self._closing[day, zone.key] = found
        return found

    def next_opening(self, moment: datetime, country: str | None, zone: ZoneInfo) -> datetime:
        """The first instant (UTC) from `moment` on at which offices are open; `moment` is an aware datetime.

        That is the moment itself within office hours of a working day, else the next opening.
        """
        day = self.working_day_on_or_after(moment.astimezone(zone).date(), country)
        if moment >= self.closes_at(day, zone):
            day = self.working_day_on_or_after(day + _DAY, country)
        return max(moment.astimezone(UTC), self.opens_at(day, zone))

    def _closed_days(self, country: str | None, year: int) -> frozenset[date]:
        code = (country or self._settings.default_country).upper()
        days = map(date.fromordinal, range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1))
        quiet = self._settings.quiet_dates
        works = _working_day_rule(code, year)
        return frozenset(day for day in days if day in quiet or not works(day))


def _working_day_rule(code: str, year: int) -> Callable[[date], bool]:
    """A function from a day of that year to whether people of the country work on it."""
    # Imported at the first question, since importing the library is slow.
    import holidays

    if len(code) == 2 and code in holidays.list_supported_countries():
        return holidays.country_holidays(code, years=year).is_working_day
    return lambda day: day.weekday() < _SATURDAY


def _wrong(key: str, problem: str) -> ConfigurationError:
    return ConfigurationError(f"calendar.toml: {key} {problem}")


def _time(key: str, value: object) -> time:
    if isinstance(value, str):
        try:
            value = time.fromisoformat(value)
        except ValueError:
            raise _wrong(key, f'is "{value}"; write a time of day such as "09:00"') from None
    if not isinstance(value, time) or value.tzinfo is not None:
        raise _wrong(key, 'must be a time of day without a zone, such as "09:00"')
    return value


def _country(key: str, value: object) -> str:
    if not isinstance(value, str) or len(value) != 2 or not (value.isascii() and value.isalpha()):
        raise _wrong(key, f'is {value!r}; write a country\'s two letters, such as "DE"')
    return value.upper()


def _zone(key: str, value: object) -> str:
    if not isinstance(value, str) or not known_zone(value):
        raise _wrong(key, f'is {value!r}; write a zone of the tz database, such as "Europe/Berlin"')
    return value


def _zones(value: object) -> Mapping[str, str]:
    if not isinstance(value, Mapping):
        raise _wrong("zones", "must be a table of countries and their main zones")
    return MappingProxyType(
        {_country(f"[zones] {key}", key): _zone(f"[zones] {key}", name) for key, name in value.items()}
    )


def _dates(value: object) -> frozenset[date]:
    if not isinstance(value, list) or any(type(day) is not date for day in value):
        raise _wrong("quiet_dates", "must be a list of dates, such as [2026-12-24]")
    return frozenset(value)
