"""The list of orders that goes along with a long mail."""

import csv
import io
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

from core.order_list import COLUMNS, list_attachments
from core.wording import WordedMail
from core.words import LetterKind
from templates.samples import letters
from templates.writer import JinjaWriter
from tests.builders import House, facts, make_live_ledger

WRITER = JinjaWriter()
DIGEST = next(one for one in letters("en") if one.kind is LetterKind.DIGEST)
MANY = replace(
    DIGEST,
    rows=25,
    lines=tuple(
        replace(
            DIGEST.lines[0],
            order_id=f"{number}",
            common_name=f"=www{number}.example.com",
            order_key=f"digicert:{number}",
        )
        for number in range(300)
    ),
)


def rows_of(words: WordedMail) -> list[list[str]]:
    [attachment] = list_attachments(MANY, words)
    assert (attachment.name, attachment.content_type) == ("orders.csv", "text/csv; charset=utf-8")
    assert attachment.content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(attachment.content.decode("utf-8-sig"))))


def test_of_three_hundred_orders_twenty_five_stand_in_the_mail_and_all_in_the_list() -> None:
    for language in ("en", "ko"):
        words = WRITER.mail(replace(MANY, language=language))
        for part in (words.html, words.text):
            assert sum(f"=www{number}.example.com" in part for number in range(300)) == 25
            assert "275" in part
        assert "300" in words.subject
        head, *rows = rows_of(words)
        assert head == list(words.columns)
        assert len(head) == len(COLUMNS) == len(set(head))
        assert [row[0] for row in rows] == [f"{number}" for number in range(300)]


def test_dates_are_dates_and_no_name_is_a_formula() -> None:
    words = WRITER.mail(MANY)
    assert words.columns[:2] == ("Order ID", "Common name")
    first = dict(zip(COLUMNS, rows_of(words)[1], strict=True))
    assert first["common_name"] == "'=www0.example.com"
    assert date.fromisoformat(first["ends_on"]) == MANY.lines[0].ends_on
    assert int(first["days_left"]) == MANY.lines[0].days_left


def test_a_mail_that_holds_all_its_orders_has_no_list() -> None:
    for letter in (replace(MANY, lines=MANY.lines[:25]), replace(MANY, rows=0)):
        words = WRITER.mail(letter)
        assert list_attachments(letter, words) == ()
        assert "attached list" not in words.text
        assert sum(f": =www{number}.example.com\n" in words.text for number in range(300)) == len(letter.lines)


def test_one_more_is_one_more() -> None:
    assert "1 more order stands in the attached list" in WRITER.mail(replace(MANY, lines=MANY.lines[:26])).text


def test_an_account_of_three_hundred_orders_hears_once_a_week_and_gets_them_all(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'nolapse.db'}"
    make_live_ledger(url)
    day = date(2026, 6, 1)
    house = House(url, [facts(f"{n}", ends_on=day + timedelta(days=30 + n % 14)) for n in range(300)])
    house.writer = WRITER  # type: ignore[assignment]
    house.run(day)
    house.work(day + timedelta(days=1), day + timedelta(days=8))
    house.close()
    assert [mail.date.date() for mail in house.mailer.sent] == [day, day + timedelta(days=7)]
    for mail in house.mailer.sent:
        assert len(mail.order_keys) == 300
        [_, attachment] = mail.attachments
        assert attachment.content.count(b"\r\n") == 301
