from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from icalendar import Calendar

from core.calendar_entry import calendar_attachments, entry
from core.messages import Brand, Letter, OrderLine
from core.wording import WordedEntry, WordedMail
from core.words import Clock, Nature, Urgency

SEOUL = ZoneInfo("Asia/Seoul")
WORDS = WordedMail("s", "t", "h", entry=WordedEntry("www.example.com ends", "Order 1;\nrenew, please \\ soon"))
END = date(2026, 12, 31)
LINE = OrderLine(
    order_id="1", order_key="digicert:1", common_name="www.example.com", product_name="Secure Site", level=None,
    issued_on=None, ends_on=END, ends_at=datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), days_left=30, ended=False,
    validity_days=365, inferred=False, certificate_expires_on=END, order_expires_on=END, urgency=Urgency.REMINDER,
)  # fmt: skip
LETTER = Letter(
    clock=Clock.RENEWAL, touchpoint="before-30", urgency=Urgency.REMINDER, nature=Nature.SERVICE, language="en",
    account_name="Acme", person_name="Ann", lines=(LINE,),
    brand=Brand("Certs", "renewals@certs.example", "CertCentral", "https://console.example"),
    written_at=datetime(2026, 12, 1, 10, 30, tzinfo=SEOUL), action_url="https://go.example/r/x.y",
    unsubscribe_url="", unsubscribe_mailto="",
)  # fmt: skip


def event(letter: Letter = LETTER, words: WordedMail = WORDS, installation: str = "house") -> Any:
    calendar: Any = Calendar.from_ical(entry(letter, words, installation, "certs.example"))
    assert (calendar["METHOD"], calendar["VERSION"]) == ("PUBLISH", "2.0")
    assert [one for one in calendar.walk() if one.errors] == []
    (found,) = calendar.walk("VEVENT")
    return found


def test_it_says_what_ends_and_blocks_no_time_and_invites_nobody() -> None:
    found = event()
    assert found["SUMMARY"] == "www.example.com ends"
    assert found["DESCRIPTION"] == "Order 1;\nrenew, please \\ soon"
    assert (found.decoded("DTSTART"), found.decoded("DTEND")) == (END, END + timedelta(days=1))
    assert (found["TRANSP"], found["STATUS"]) == ("TRANSPARENT", "CONFIRMED")
    assert (found["URL"], found["ORGANIZER"]) == ("https://go.example/r/x.y", "mailto:renewals@certs.example")
    assert found.decoded("DTSTAMP") == datetime(2026, 12, 1, 1, 30, tzinfo=UTC)
    assert "ATTENDEE" not in found


def test_the_day_is_the_readers() -> None:
    line = replace(LINE, ends_at=LINE.ends_at.astimezone(SEOUL))
    assert event(replace(LETTER, lines=(line,))).decoded("DTSTART") == date(2027, 1, 1)


def test_a_later_mail_takes_the_place_of_the_earlier_entry() -> None:
    first, later = event(), event(replace(LETTER, written_at=LETTER.written_at + timedelta(days=16)))
    assert later["UID"] == first["UID"]
    assert later["SEQUENCE"] > first["SEQUENCE"]


def test_another_order_clock_or_house_has_another_entry() -> None:
    uids = {
        event()["UID"],
        event(replace(LETTER, clock=Clock.INSTALL))["UID"],
        event(replace(LETTER, lines=(replace(LINE, order_key="digicert:2"),)))["UID"],
        event(installation="other")["UID"],
    }
    assert len(uids) == 4
    assert all(uid.endswith("@certs.example") for uid in uids)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 300,
        "인증서가 곧 만료됩니다. " * 20,
        "🔒" * 60,
        "x" * 66 + "é" * 40,
        "x" * 67,
    ],
)
def test_long_lines_are_folded_without_cutting_a_character(text: str) -> None:
    words = replace(WORDS, entry=WordedEntry(text))
    raw = entry(LETTER, words, "house", "certs.example")
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    assert event(words=words)["SUMMARY"] == text
    assert "DESCRIPTION" not in event(words=words)


@pytest.mark.parametrize(
    "text", ["a\r\nATTENDEE:mailto:x@y.example", "a\nEND:VEVENT", "a\rEND:VEVENT", "a\u2028END:VCALENDAR"]
)
def test_no_text_breaks_out_of_its_line(text: str) -> None:
    raw = entry(LETTER, replace(WORDS, entry=WordedEntry(text, text)), "house", "certs.example").decode()
    lines = raw.split("\r\n")
    assert lines.count("END:VEVENT") == lines.count("END:VCALENDAR") == 1
    assert not any(line.startswith("ATTENDEE") for line in lines)
    assert "\r" not in raw.replace("\r\n", "")


def test_it_goes_along_as_a_calendar_file() -> None:
    (file,) = calendar_attachments(LETTER, WORDS, "house", "certs.example")
    assert (file.name, file.content_type) == ("expiry.ics", "text/calendar; method=PUBLISH; charset=utf-8")
    assert file.content == entry(LETTER, WORDS, "house", "certs.example")


def test_what_has_ended_or_has_no_words_needs_no_entry() -> None:
    assert calendar_attachments(replace(LETTER, lines=(replace(LINE, ended=True),)), WORDS, "house", "x") == ()
    assert calendar_attachments(LETTER, WordedMail("s", "t", "h"), "house", "x") == ()
    with pytest.raises(ValueError, match="needs its words"):
        entry(LETTER, WordedMail("s", "t", "h"), "house", "x")
