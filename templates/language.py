"""How a language writes dates, times, numbers, lists and money, by the Unicode locale data, and its messages.

A form depends on the language and, where it is known, on the reader's country: 12/1 or 1/12, $ or US$, comma or point.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_datetime_format
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_precision

from templates.catalogues import Catalogue

_CODE_BEFORE_AMOUNT = re.compile(r"([A-Z]{3})(?=\d)")  # as CLDR spaces currencies that have no sign
_AT_HOME = {"en": "GB", "zh-Hans": "CN"}  # whose forms are taken where the country is not known or speaks otherwise


@dataclass(frozen=True, slots=True)
class Language:
    """One language in one country. `code` is one of ours, such as zh-Hans."""

    code: str
    locale: Locale
    catalogue: Catalogue
    day: Callable[[date], str]
    time: Callable[[datetime], str]
    _moment: str

    def time_of(self, at: datetime) -> str:
        """A time of day; marked as UTC where it stands in that zone."""
        _ = self.catalogue.gettext
        # Translators: a time of day in the time zone UTC
        return self.time(at) if at.utcoffset() else _("%(time)s UTC", time=self.time(at))

    def marked(self, text: str, inferred: bool) -> str:
        """A date's text, with the mark of dates that were worked out and not read from the CA."""
        _ = self.catalogue.gettext
        # Translators: a date that was worked out, not read from the certificate authority
        return _("%(date)s [calculated]", date=text) if inferred else text

    def moment(self, day: date, at: datetime) -> str:
        """A UTC day with its time in UTC and, where that differs, in the zone of `at`, the reader's."""
        _ = self.catalogue.gettext
        offset = at.utcoffset() or timedelta()
        utc = self._joined(self.day(day), self.time(at.astimezone(UTC)))
        if not offset:
            # Translators: a moment; %(utc)s is a date with its time. UTC is a time zone, keep it
            return _("%(utc)s UTC", utc=utc)
        if at.date() == day:
            # Translators: a moment; %(utc)s is a date with its time, %(time)s the same moment where the reader lives
            return _("%(utc)s UTC (%(time)s your time)", utc=utc, time=self.time(at))
        local = self._joined(self.day(at.date()), self.time(at))
        # Translators: a moment; %(utc)s is a date with its time, %(local)s the same moment where the reader lives
        return _("%(utc)s UTC (%(local)s your time)", utc=utc, local=local)

    def number(self, number: int) -> str:
        """A whole number with the language's grouping."""
        return str(number) if -1000 < number < 1000 else format_decimal(number, locale=self.locale)

    def percent(self, percent: int) -> str:
        """A whole percentage: 20%, 20 %."""
        return str(format_percent(percent / 100, locale=self.locale))

    def money(self, minor: int, currency: str) -> str:
        """An amount in minor units with its currency."""
        amount = minor / 10 ** get_currency_precision(currency)
        return _CODE_BEFORE_AMOUNT.sub("\\1\xa0", format_currency(amount, currency, locale=self.locale))

    def listed(self, texts: Iterable[str], most: int = 8) -> str:
        """Texts as a list: `a, b and c`; beyond `most`, the rest is left to a mark."""
        found = list(texts)
        shown = found if len(found) <= most else [*found[:most], "…"]
        return format_list(shown, locale=self.locale)

    def name_of(self, code: str) -> str:
        """The name of another language in this one; empty where it is not known."""
        try:
            return Locale.parse(code.replace("-", "_")).get_display_name(self.locale) or ""
        except (UnknownLocaleError, ValueError):
            return ""

    def _joined(self, day: str, time: str) -> str:
        return self._moment.replace("{1}", day).replace("{0}", time)


def local_day(at: datetime, zone: tzinfo | None) -> date:
    """The day it is at that moment in the zone; UTC where there is none."""
    return at.astimezone(zone or UTC).date()


def language(catalogue: Catalogue, country: str = "") -> Language:
    """The language of a catalogue as it is written in a country, a code such as US; empty: where it is at home."""
    locale = _locale(catalogue.code, country)
    return Language(
        code=catalogue.code,
        locale=locale,
        catalogue=catalogue,
        day=lru_cache(4096)(lambda on: str(format_date(on, "long", locale=locale))),
        time=_times(locale),
        _moment=str(get_datetime_format("medium", locale=locale)).replace("'", ""),
    )


def _times(locale: Locale) -> Callable[[datetime], str]:
    # Korean says the half of the day in its own words; the short form of the locale data has AM and PM.
    form = "aaaa h:mm" if locale.language == "ko" else "short"
    known = lru_cache(4096)(lambda at: str(format_time(at, form, locale=locale)))
    return lambda at: known(at.time())


def _locale(code: str, country: str) -> Locale:
    for territory in (country.upper(), _AT_HOME.get(code, "")):
        if not territory:
            continue
        try:
            return Locale.parse(f"{code.replace('-', '_')}_{territory}")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(code.replace("-", "_"))
