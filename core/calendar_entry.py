"""The end of an order or certificate as a calendar entry (iCalendar, RFC 5545 and 5546) that goes along with a mail.

One entry per mail, for its most pressing order, since mail programs show the first one of a file. Its UID follows from
the order and the clock: the entry of a later mail takes the place of the earlier one and is never a second one.
"""

import hashlib
from datetime import UTC, datetime, timedelta

from core.messages import Letter
from core.ports import Attachment
from core.wording import WordedMail

CONTENT_TYPE = "text/calendar; method=PUBLISH; charset=utf-8"
FILE_NAME = "expiry.ics"
_MOST_OCTETS = 75
_COUNTED_FROM = datetime(2020, 1, 1, tzinfo=UTC)


def calendar_attachments(letter: Letter, words: WordedMail, installation: str, domain: str) -> tuple[Attachment, ...]:
    """The entry of a mail as an attachment; none where it was not worded or the end has passed."""
    if words.entry is None or letter.lines[0].ended:
        return ()
    return (Attachment(FILE_NAME, CONTENT_TYPE, entry(letter, words, installation, domain)),)


def entry(letter: Letter, words: WordedMail, installation: str, domain: str) -> bytes:
    """The entry as a file: an all-day event on the reader's last day, which blocks no time and invites nobody.

    Written by hand, since the library that tests read it with takes longer than all the rest of a mail. Raises
    ValueError where the entry was not worded.
    """
    if words.entry is None:
        raise ValueError("a calendar entry needs its words")
    line = letter.lines[0]
    last_day = line.ends_at.date()
    said = hashlib.sha256(f"{installation}:{letter.clock}:{line.order_key}".encode()).hexdigest()[:32]
    written_at = letter.written_at.astimezone(UTC)
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Nolapse//Nolapse//EN",
        "METHOD:PUBLISH",
        "BEGIN:VEVENT",
        f"UID:{said}@{domain}",
        f"DTSTAMP:{written_at:%Y%m%dT%H%M%SZ}",
        f"SEQUENCE:{(written_at - _COUNTED_FROM) // timedelta(minutes=1)}",
        f"DTSTART;VALUE=DATE:{last_day:%Y%m%d}",
        f"DTEND;VALUE=DATE:{last_day + timedelta(days=1):%Y%m%d}",
        f"SUMMARY:{_escaped(words.entry.summary)}",
        *([f"DESCRIPTION:{_escaped(words.entry.description)}"] if words.entry.description else []),
        f"URL:{_one_line(letter.action_url)}",
        f"ORGANIZER:mailto:{_one_line(letter.brand.sender)}",
        "STATUS:CONFIRMED",
        "TRANSP:TRANSPARENT",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    return b"".join(_folded(one) for one in lines)


def _escaped(text: str) -> str:
    """A text value (RFC 5545, 3.3.11). Control characters go: no line of ours ends before its end."""
    text = text.replace("\r\n", "\n").replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
    return _one_line(text.replace("\n", "\\n"))


def _one_line(text: str) -> str:
    return text if text.isprintable() else "".join(char for char in text if char.isprintable())


def _folded(line: str) -> bytes:
    """A content line of at most 75 octets, each further one behind a blank (RFC 5545, 3.1); no character is cut."""
    if line.isascii() and len(line) <= _MOST_OCTETS:
        return line.encode() + b"\r\n"
    parts: list[bytes] = []
    rest = line.encode()
    limit = _MOST_OCTETS
    while len(rest) > limit:
        end = limit
        while rest[end] & 0xC0 == 0x80:
            end -= 1
        parts.append(rest[:end])
        rest, limit = rest[end:], _MOST_OCTETS - 1
    return b"\r\n ".join([*parts, rest]) + b"\r\n"
