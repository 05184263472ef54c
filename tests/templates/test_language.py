from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from core.errors import ConfigurationError
from templates.language import Language, local_day, read_language

ENGLISH = Path(__file__).parents[2] / "templates" / "en" / "words.toml"
NEW_YEAR = date(2027, 1, 1)
END = datetime(2027, 1, 1, 23, 59, 59, tzinfo=UTC)


@pytest.fixture(scope="module")
def english() -> Language:
    return read_language("en", [ENGLISH])


def test_dates_name_their_month(english: Language) -> None:
    assert english.day(NEW_YEAR) == "1 January 2027"
    assert english.day(date(2026, 12, 31)) == "31 December 2026"


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("UTC", "1 January 2027, 23:59 UTC"),
        ("Europe/London", "1 January 2027, 23:59 UTC"),
        ("Asia/Seoul", "1 January 2027, 23:59 UTC (2 January 2027, 08:59 your time, KST, UTC+9)"),
        ("America/New_York", "1 January 2027, 23:59 UTC (18:59 your time, EST, UTC-5)"),
        ("Asia/Kolkata", "1 January 2027, 23:59 UTC (2 January 2027, 05:29 your time, IST, UTC+5:30)"),
        ("America/Sao_Paulo", "1 January 2027, 23:59 UTC (20:59 your time, UTC-3)"),
    ],
)
def test_times_carry_their_zone_and_the_readers(english: Language, zone: str, expected: str) -> None:
    assert english.moment(NEW_YEAR, END.astimezone(ZoneInfo(zone))) == expected


def test_a_zone_without_a_name_is_told_by_its_offset(english: Language) -> None:
    at = END.astimezone(timezone(timedelta(hours=2)))
    assert english.moment(NEW_YEAR, at) == "1 January 2027, 23:59 UTC (2 January 2027, 01:59 your time, UTC+2)"


def test_worked_out_dates_are_marked(english: Language) -> None:
    assert english.marked("1 January 2027", inferred=True) == "1 January 2027 [worked out]"
    assert english.marked("1 January 2027", inferred=False) == "1 January 2027"


@pytest.mark.parametrize(("number", "expected"), [(0, "0 days"), (1, "1 day"), (2, "2 days"), (199, "199 days")])
def test_counts_agree_with_their_number(english: Language, number: int, expected: str) -> None:
    assert english.count(number, "day") == expected


def test_an_unknown_thing_cannot_be_counted(english: Language) -> None:
    with pytest.raises(LookupError, match="'week'"):
        english.count(1, "week")


@pytest.mark.parametrize(
    ("minor", "currency", "expected"),
    [
        (39900, "EUR", "EUR 399.00"),
        (123456789, "USD", "USD 1,234,567.89"),
        (5, "EUR", "EUR 0.05"),
        (-5, "EUR", "EUR -0.05"),
        (12000, "JPY", "JPY 12,000"),
        (1234567, "KWD", "KWD 1,234.567"),
    ],
)
def test_money_has_the_digits_of_its_currency(english: Language, minor: int, currency: str, expected: str) -> None:
    assert english.money(minor, currency) == expected


def test_the_day_is_that_of_the_zone() -> None:
    assert local_day(END, ZoneInfo("Asia/Seoul")) == date(2027, 1, 2)
    assert local_day(END, None) == NEW_YEAR


def test_another_language_gives_its_forms_and_takes_the_rest(tmp_path: Path) -> None:
    french = tmp_path / "words.toml"
    french.write_text(
        '[dates]\nday = "le {day} {month} {year}"\n[plurals]\nsingular = [0, 1]\n'
        '[counts]\nday = ["{n} jour", "{n} jours"]\n[labels]\nproduct = "Produit"\n',
        encoding="utf-8",
    )
    language = read_language("fr", [french, ENGLISH])
    assert language.code == "fr"
    assert language.day(NEW_YEAR) == "le 1 January 2027"
    assert [language.count(number, "day") for number in (0, 1, 2)] == ["0 jour", "1 jour", "2 jours"]
    assert language.labels.product == "Produit"
    assert language.labels.order_id == "Order ID"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("= 1", "cannot be read as TOML"),
        ('title = "x"', "title stands outside a section"),
        ("[word]\na = 1", r"\[word\] is no section"),
        ('[labels]\nprodukt = "x"', r"\[labels\] produkt is not known"),
        ("[labels]\nproduct = 3", r"\[labels\] product must be a text"),
        ('[dates]\nmonths = ["Jan"]', r"\[dates\] months must be a list of twelve names"),
        ('[dates]\nday = "{day} {moon}"', r"\[dates\] day may name only \{day\}, \{month\}, \{year\}"),
        ('[dates]\nday = "{day.__class__}"', r"\[dates\] day may name only"),
        ('[dates]\nday = "{day!r}"', r"\[dates\] day may name only"),
        ('[dates]\nday = "{day:>99}"', r"\[dates\] day may name only"),
        ('[dates]\nday = "{day"', r"\[dates\] day may name only"),
        ('[counts]\nday = "{n} days"', r"\[counts\] day must be one or two forms"),
        ('[counts]\nday = ["{m} days"]', r"\[counts\] day must be one or two forms"),
        ("[plurals]\nsingular = [true]", r"\[plurals\] singular must be a list of whole numbers"),
    ],
)
def test_wrong_words_are_told_in_one_line_with_file_and_key(tmp_path: Path, words: str, expected: str) -> None:
    wrong = tmp_path / "words.toml"
    wrong.write_text(words, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=expected) as refused:
        read_language("fr", [wrong, ENGLISH])
    assert str(refused.value).startswith(f"{wrong}: ")
    assert "\n" not in str(refused.value)


def test_words_in_a_wrong_encoding_are_told(tmp_path: Path) -> None:
    wrong = tmp_path / "words.toml"
    wrong.write_bytes('[labels]\nproduct = "é"'.encode("latin-1"))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_language("fr", [wrong, ENGLISH])
