"""Dates, times, numbers, lists and money by language and country."""

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from core.languages import LANGUAGES
from templates.catalogues import read_catalogue
from templates.language import Language, language, local_day

NEW_YEAR = date(2027, 1, 1)
END = datetime(2027, 1, 1, 23, 59, 59, tzinfo=UTC)
CATALOGUES = {code: read_catalogue(code) for code in LANGUAGES}


def said(code: str, country: str = "") -> Language:
    return language(CATALOGUES[code], country)


@pytest.mark.parametrize(
    ("code", "country", "expected"),
    [
        ("en", "", "1 January 2027"),
        ("en", "US", "January 1, 2027"),
        ("en", "us", "January 1, 2027"),
        ("en", "DE", "1 January 2027"),
        ("it", "", "1 gennaio 2027"),
        ("es", "MX", "1 de enero de 2027"),
        ("fr", "CA", "1 janvier 2027"),
        ("zh-Hans", "CN", "2027年1月1日"),
        ("ko", "KR", "2027년 1월 1일"),
        ("it", "??", "1 gennaio 2027"),
    ],
)
def test_dates_follow_language_and_country(code: str, country: str, expected: str) -> None:
    assert said(code, country).day(NEW_YEAR) == expected


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", "1 January 2027, 23:59 UTC"),
        ("Europe/London", "1 January 2027, 23:59 UTC"),
        ("Asia/Seoul", "1 January 2027, 23:59 UTC (2 January 2027, 08:59 your time)"),
        ("America/New_York", "1 January 2027, 23:59 UTC (18:59 your time)"),
        ("Asia/Kolkata", "1 January 2027, 23:59 UTC (2 January 2027, 05:29 your time)"),
    ],
)
def test_times_are_told_in_utc_and_the_readers_zone(zone: str, expected: str) -> None:
    assert said("en").moment(NEW_YEAR, END.astimezone(ZoneInfo(zone))) == expected


def test_the_same_moment_in_two_zones_is_two_times() -> None:
    english = said("en")
    assert english.time(END.astimezone(ZoneInfo("Asia/Seoul"))) == "08:59"
    assert english.time(END) == "23:59"
    assert english.time_of(END) == "23:59 UTC"
    assert english.time_of(END.astimezone(ZoneInfo("Asia/Seoul"))) == "08:59"
    assert said("ko").time(END) == "오후 11:59"
    assert said("en", "US").time(END).replace("\u202f", " ") == "11:59 PM"


def test_worked_out_dates_are_marked() -> None:
    assert said("en").marked("1 January 2027", inferred=True) == "1 January 2027 [calculated]"
    assert said("en").marked("1 January 2027", inferred=False) == "1 January 2027"


@pytest.mark.parametrize(
    ("code", "country", "expected"),
    [
        ("en", "", "€1,234.50"),
        ("it", "", "1234,50 €"),
        ("es", "ES", "1234,50 €"),
        ("fr", "", "1 234,50 €"),
        ("zh-Hans", "", "€1,234.50"),
        ("ko", "", "€1,234.50"),
    ],
)
def test_money_follows_the_language(code: str, country: str, expected: str) -> None:
    spaces = str.maketrans({"\xa0": " ", "\u202f": " "})
    found = said(code, country).money(123450, "EUR").translate(spaces)
    assert found in (expected, expected.replace("1234", "1.234"))


@pytest.mark.parametrize(
    ("minor", "currency", "expected"),
    [
        (120000, "JPY", "JP¥120,000"),
        (1500, "KWD", "KWD\xa01.500"),
        (-500, "USD", "-US$5.00"),
        (1, "XXZ", "XXZ\xa00.01"),
    ],
)
def test_money_has_the_digits_of_its_currency(minor: int, currency: str, expected: str) -> None:
    assert said("en").money(minor, currency) == expected


def test_numbers_and_percentages() -> None:
    assert [said("en").number(number) for number in (0, 999, 1000, 12345)] == ["0", "999", "1,000", "12,345"]
    assert said("it").number(12345) == "12.345"
    assert [said(code).percent(20).replace("\xa0", " ").replace("\u202f", " ") for code in LANGUAGES] == [
        "20%",
        "20%",
        "20 %",
        "20 %",
        "20%",
        "20%",
    ]


@pytest.mark.parametrize(
    ("code", "expected"),
    [("en", "a, b and c"), ("it", "a, b e c"), ("es", "a, b y c"), ("fr", "a, b et c"), ("zh-Hans", "a、b和c"),
     ("ko", "a, b 및 c")],
)  # fmt: skip
def test_lists_are_joined_as_the_language_does(code: str, expected: str) -> None:
    assert said(code).listed("abc") == expected


def test_long_lists_are_cut() -> None:
    assert said("en").listed("abcdef", most=3) == "a, b, c and …"
    assert said("en").listed([]) == ""


def test_languages_are_named() -> None:
    assert said("en").name_of("ko") == "Korean"
    assert said("it").name_of("zh-Hans") == "cinese (semplificato)"
    assert said("en").name_of("no language") == ""


def test_the_day_is_the_readers() -> None:
    late = datetime(2026, 12, 1, 20, 0, tzinfo=UTC)
    assert local_day(late, ZoneInfo("Asia/Seoul")) == date(2026, 12, 2)
    assert local_day(late, timezone(timedelta(hours=-5))) == date(2026, 12, 1)
    assert local_day(late, None) == date(2026, 12, 1)
