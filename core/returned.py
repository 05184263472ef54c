"""What comes back by mail, understood: a bounce, a complaint, an automatic reply, or a person's own words.

Bounces by RFC 3464, complaints by RFC 5965, automatic replies by RFC 3834 and by the headers that programs use instead.
Nothing here believes anything: which mail of ours it answers is told by its Message-ID, for others to look up.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import EmailMessage, Message
from email.policy import default
from email.utils import parseaddr
from enum import StrEnum
from typing import Any

_MESSAGE_ID = re.compile(r"<[^<>\s]+@[^<>\s]+>")
_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")
_LONGEST_WORDS = 600
_QUOTED_FROM = re.compile(r"^(-{2,}.*-{2,}|_{10,}|On .{4,120} wrote:)\s*$")
_LISTS = ("bulk", "junk", "list", "auto_reply")
_PROGRAMS = ("x-autoreply", "x-autorespond", "x-auto-response", "x-mail-autoreply")


class ReturnKind(StrEnum):
    """What it is."""

    HARD_BOUNCE = "hard_bounce"  # the address is no good
    SOFT_BOUNCE = "soft_bounce"  # it could not be delivered, for a reason that may pass
    COMPLAINT = "complaint"  # the reader calls it spam
    AUTOMATIC = "automatic"
    REPLY = "reply"


@dataclass(frozen=True, slots=True)
class Returned:
    """One mail that came back. `addresses` are those that bounced, `message_ids` of the mails that it is about.

    What it does not say is empty. `words` are a person's own, without what they quote, shortened.
    """

    kind: ReturnKind
    message_ids: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    status: str = ""
    sender: str = ""
    sender_name: str = ""
    subject: str = ""
    words: str = ""


def key_of(raw: bytes) -> str:
    """What makes two copies the same mail, whichever way they came."""
    mail = message_from_bytes(raw, policy=default)
    told = [_header(mail, name) for name in ("Message-ID", "From", "Date", "Subject")]
    return hashlib.sha256("\n".join(told).encode("utf-8", "replace") if any(told) else raw).hexdigest()[:32]


def understand(raw: bytes) -> Returned:
    """What a mail is, by its headers and parts. What no rule knows is a person's."""
    mail = message_from_bytes(raw, policy=default)
    report = str(mail.get_param("report-type", "") or "").lower()
    if mail.get_content_type() == "multipart/report" and report == "delivery-status":
        return _bounce(mail)
    if mail.get_content_type() == "multipart/report" and report == "feedback-report":
        return _complaint(mail)
    name, address = parseaddr(_header(mail, "From"))
    ids = _ids(_header(mail, "In-Reply-To"), _header(mail, "References"))
    kind = ReturnKind.AUTOMATIC if _is_automatic(mail) else ReturnKind.REPLY
    subject = _line(_header(mail, "Subject"))
    words = _words(mail) if kind is ReturnKind.REPLY else ""
    return Returned(kind, ids, sender=address.lower(), sender_name=_line(name), subject=subject, words=words)


def _bounce(mail: EmailMessage) -> Returned:
    """A report on delivery. Hard is what failed for good because of the address itself."""
    failed: list[str] = []
    status = ""
    hard = False
    for block in _blocks(mail, "message/delivery-status"):
        if _header(block, "Action").strip().lower() != "failed":
            continue
        found = _STATUS.search(_header(block, "Status"))
        status = found[0] if found else ""
        hard = hard or _is_hard(status)
        for name in ("Final-Recipient", "Original-Recipient"):
            address = _header(block, name).rpartition(";")[2].strip().strip("<>").lower()
            if "@" in address:
                failed.append(address)
    kind = ReturnKind.HARD_BOUNCE if hard else ReturnKind.SOFT_BOUNCE
    return Returned(kind, _returned_ids(mail), tuple(dict.fromkeys(failed)), status)


def _is_hard(status: str) -> bool:
    """5.1.x but for faults of the sender's address, a mailbox that is closed, a domain that takes no mail.

    Others, such as a full mailbox or a refusal for policy, say nothing of the address.
    """
    if status in ("5.1.7", "5.1.8", "5.1.9"):
        return False
    return status.startswith("5.1.") or status in ("5.2.1", "5.4.4")


def _complaint(mail: EmailMessage) -> Returned:
    kinds = [_header(block, "Feedback-Type").strip().lower() for block in _blocks(mail, "message/feedback-report")]
    ids = _returned_ids(mail)
    # Some readers say so of what is no spam; other types tell of DKIM and DMARC.
    complains = any(kind in ("abuse", "fraud", "virus", "other", "opt-out") for kind in kinds)
    return Returned(ReturnKind.COMPLAINT if complains else ReturnKind.AUTOMATIC, ids)


def _blocks(mail: EmailMessage, kind: str) -> Iterator[Message]:
    """The groups of fields in a report."""
    for part in mail.walk():
        if part.get_content_type() == kind:
            payload: Any = part.get_payload()
            if isinstance(payload, list):
                yield from payload
            else:
                yield message_from_string(str(payload))


def _returned_ids(mail: EmailMessage) -> tuple[str, ...]:
    """The Message-IDs of the mail that came back with a report, whole or as its headers."""
    found = [_header(mail, "In-Reply-To"), _header(mail, "References")]
    for part in mail.walk():
        if part.get_content_type() == "text/rfc822-headers":
            found.append(_header(message_from_string(str(part.get_payload())), "Message-ID"))
        elif part.get_content_type() == "message/rfc822":
            payload: Any = part.get_payload()
            found += [_header(one, "Message-ID") for one in payload if isinstance(payload, list)]
    return _ids(*found)


def _ids(*texts: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found for text in texts for found in _MESSAGE_ID.findall(text)))[-20:]


def _is_automatic(mail: EmailMessage) -> bool:
    """Whether a program has written it: a note of absence, a receipt, a list, a bounce that is no report."""
    if _header(mail, "Auto-Submitted", "no").split(";")[0].strip().lower() != "no":
        return True
    if _header(mail, "Precedence").strip().lower() in _LISTS or any(name in mail for name in _PROGRAMS):
        return True
    if _header(mail, "Return-Path", "x").strip() == "<>" or "List-Id" in mail:
        return True
    sender = parseaddr(_header(mail, "From"))[1].lower().partition("@")[0]
    return sender in ("mailer-daemon", "postmaster") or mail.get_content_type() == "multipart/report"


def _words(mail: EmailMessage) -> str:
    """What the person wrote, without what they quote."""
    body = mail.get_body(("plain", "html"))
    if body is None:
        return ""
    try:
        text = str(body.get_content())
    except (LookupError, KeyError, ValueError):
        # An unknown charset or coding: the rep reads the mail itself.
        return ""
    if body.get_content_subtype() == "html":
        text = re.sub(r"<[^>]*>", " ", re.sub(r"(?is)<(style|script|blockquote).*?</\1>", " ", text))
    kept: list[str] = []
    for line in text.splitlines():
        if _QUOTED_FROM.match(line.strip()):
            break
        if not line.lstrip().startswith(">"):
            kept.append(line)
    return _line(" ".join(kept))


def _header(mail: Message, name: str, absent: str = "") -> str:
    """A header as text. One that the standard library stumbles over says nothing."""
    try:
        return str(mail.get(name, absent))
    except (ValueError, LookupError, AttributeError, TypeError):
        return absent


def _line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:_LONGEST_WORDS]
