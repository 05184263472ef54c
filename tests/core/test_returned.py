import pytest

from core.returned import Returned, ReturnKind, key_of, understand

OURS = "<abc@renewals.example>"


def bounce(
    status: str = "5.1.1", action: str = "failed", recipient: str = "Ann@Acme.example", third: str = ""
) -> bytes:
    """A report on delivery, as mail servers write it."""
    third = third or f"Content-Type: message/rfc822\n\nMessage-ID: {OURS}\nTo: {recipient}\nSubject: Renew\n\nText\n"
    return f"""From: MAILER-DAEMON@mx.example
To: renewals@certs.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example
Arrival-Date: Fri, 20 Nov 2026 09:00:00 +0000

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; 550 {status} no such user

--b
{third}
--b--
""".replace("\n", "\r\n").encode()


def complaint(kind: str = "abuse") -> bytes:
    """A feedback report, as mailbox providers write it."""
    return f"""From: feedback@provider.example
Subject: FW: Renew
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is an email abuse report.

--b
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: SomeProvider/1.0
Version: 1
Original-Rcpt-To: redacted

--b
Content-Type: message/rfc822

From: renewals@certs.example
Message-ID: {OURS}
Subject: Renew

Text
--b--
""".replace("\n", "\r\n").encode()


def letter(*headers: str, text: str = "Please call me.", subject: str = "Re: Renew") -> bytes:
    """A mail by somebody."""
    more = "".join(f"{header}\r\n" for header in headers)
    head = "" if "From:" in more else 'From: "Ann Able" <Ann@acme.example>\r\n'
    return f"{head}Subject: {subject}\r\n{more}In-Reply-To: {OURS}\r\n\r\n{text}\r\n".encode()


@pytest.mark.parametrize("status", ["5.1.1", "5.1.0", "5.1.2", "5.1.10", "5.2.1", "5.4.4"])
def test_an_address_that_is_no_good_bounces_hard(status: str) -> None:
    assert understand(bounce(status)) == Returned(ReturnKind.HARD_BOUNCE, (OURS,), ("ann@acme.example",), status)


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("5.2.2", "failed"),  # the mailbox is full
        ("5.7.1", "failed"),  # refused for policy: it may be us
        ("5.1.8", "failed"),  # the sender's address is bad
        ("4.4.1", "failed"),
        ("4.4.1", "delayed"),
        ("5.1.1", "delivered"),
        ("nonsense", "failed"),
        ("", ""),
    ],
)
def test_what_says_nothing_of_the_address_is_soft(status: str, action: str) -> None:
    assert understand(bounce(status, action)).kind is ReturnKind.SOFT_BOUNCE


def test_headers_alone_tell_which_mail_it_was() -> None:
    third = f"Content-Type: text/rfc822-headers\n\nMessage-ID: {OURS}\nSubject: Renew\n"
    assert understand(bounce(third=third)).message_ids == (OURS,)
    assert understand(bounce(third="Content-Type: text/plain\n\nnothing\n")).message_ids == ()


@pytest.mark.parametrize("kind", ["abuse", "Fraud", "virus", "other", "opt-out"])
def test_a_complaint_names_the_mail_that_it_is_about(kind: str) -> None:
    assert understand(complaint(kind)) == Returned(ReturnKind.COMPLAINT, (OURS,))


@pytest.mark.parametrize("kind", ["not-spam", "auth-failure", "dmarc", ""])
def test_other_reports_are_no_complaints(kind: str) -> None:
    assert understand(complaint(kind)).kind is ReturnKind.AUTOMATIC


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied", "Auto-Submitted: auto-generated (rejected)", "Precedence: bulk",
        "Precedence: auto_reply", "X-Autoreply: yes", "X-Autorespond: yes", "Return-Path: <>", "List-Id: <x.example>",
        "From: MAILER-DAEMON@mx.example", "From: Postmaster <postmaster@mx.example>",
        "Content-Type: multipart/report; boundary=b",
    ],
)  # fmt: skip
def test_what_a_program_wrote_is_automatic(header: str) -> None:
    found = understand(letter(header))
    assert found.kind is ReturnKind.AUTOMATIC
    assert found.words == ""


def test_a_person_is_heard_without_what_they_quote() -> None:
    text = "Please call\r\nme, 030 1.\r\n\r\n> Renew today\r\nOn Fri, 20 Nov 2026 Certs Ltd wrote:\r\nRenew today"
    assert understand(letter("Auto-Submitted: no", "References: <x@y> <abc@renewals.example>", text=text)) == Returned(
        ReturnKind.REPLY,
        (OURS, "<x@y>"),
        sender="ann@acme.example",
        sender_name="Ann Able",
        subject="Re: Renew",
        words="Please call me, 030 1.",
    )


def test_words_in_html_alone_are_read_too() -> None:
    text = "<style>p{}</style><p>Call <b>me</b></p><blockquote>Renew</blockquote>"
    assert understand(letter("Content-Type: text/html; charset=utf-8", text=text)).words == "Call me"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00",
        b"no headers at all",
        letter("Content-Type: text/plain; charset=nonsense"),
        letter("Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: base64", text="=?"),
        letter("From: =?x?q?y?= <", subject="=?utf-8?b?!!!?="),
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n--b\r\n",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\n"
        b"Content-Type: message/delivery-status\r\n\r\nnothing\r\n--b--",
        b"Content-Type: multipart/report; report-type=delivery-status\r\n\r\nno parts",
    ],
)
def test_a_broken_mail_breaks_nothing(raw: bytes) -> None:
    assert understand(raw).kind in set(ReturnKind)
    assert len(key_of(raw)) == 32


def test_two_copies_of_a_mail_are_the_same() -> None:
    assert key_of(b"Received: by a\r\n" + letter()) == key_of(b"Received: by b\r\n" + letter())
    assert key_of(letter(subject="1")) != key_of(letter(subject="2"))
    assert key_of(b"\r\n1") != key_of(b"\r\n2")
