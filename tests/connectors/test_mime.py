import logging
import re
import statistics
import time
from binascii import b2a_qp
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.mime import LONGEST_LINE, _quoted, address, build, sender_address
from core.errors import ConfigurationError, SkippableError
from core.ports import Attachment, Mail
from tests.connectors.contract import a_mail

ANY_TEXT = st.text(max_size=300)


def parsed(mail: Mail, *, utf8: bool = False) -> EmailMessage:
    return message_from_bytes(build(mail, utf8=utf8), policy=policy.default)


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert isinstance(found, EmailMessage)
    return content(found)


def content(found: EmailMessage) -> str:
    return str(found.get_content()).replace("\r\n", "\n")


def one_line(text: str) -> str:
    """What a header can hold of a text."""
    shown = "".join(" " if re.match("[\x00-\x1f\x7f-\x9f\u2028\u2029]", c) else c for c in text)
    return " ".join(shown.split()).encode("utf-8", "replace").decode()


def name_in(field: str) -> str:
    """The name in an address header. The new parser reads a blank between encoded words, against RFC 2047 §6.2."""
    quoted, _ = parseaddr(" ".join(field.split()))
    return str(make_header(decode_header(quoted)))


def body_of(text: str) -> str:
    """What a reader is to get of a text: its lines, the last one ended."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    return lines if lines.endswith("\n") else f"{lines}\n"


class TestMessage:
    def test_it_holds_all_of_the_mail(self) -> None:
        mail = Mail(
            key="mail:contact-1:renewal:2026-09-01:1",
            message_id="<1@example.com>",
            sender="renewals@example.com",
            sender_name="Größe AG",
            to="customer@example.org",
            to_name="Müller, Jürgen",
            subject="Ihr Zertifikat für www.exämple.com läuft in 30 Tagen ab – bitte jetzt verlängern 🔒",
            text="Grüße\n",
            html="<p>Grüße</p>\n",
            date=datetime(2026, 9, 1, 10, 30, tzinfo=timezone(timedelta(hours=2))),
            reply_to="rep@example.com",
            headers={
                "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
                "Auto-Submitted": "auto-generated",
            },
            bcc="archive@example.com",
        )
        message = parsed(mail)
        assert message["From"] == "Größe AG <renewals@example.com>"
        assert message["To"].addresses[0].display_name == "Müller, Jürgen"
        assert message["To"].addresses[0].addr_spec == "customer@example.org"
        assert message["Subject"] == mail.subject
        assert message["Date"].datetime == mail.date
        assert message["Message-ID"] == "<1@example.com>"
        assert message["Reply-To"] == "rep@example.com"
        assert message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        assert message["Auto-Submitted"] == "auto-generated"
        assert message["MIME-Version"] == "1.0"
        assert message.get_content_type() == "multipart/alternative"
        assert [one.get_content_type() for one in message.iter_parts()] == ["text/plain", "text/html"]
        assert part(message, "plain") == body_of(mail.text)
        assert part(message, "html") == body_of(mail.html)
        assert b"archive" not in build(mail)

    def test_the_same_mail_gives_the_same_bytes(self) -> None:
        mail = a_mail(subject="Größe", attachments=(Attachment("a.txt", "text/plain", b"1"),))
        assert build(mail) == build(replace(mail))

    def test_without_html_it_is_plain(self) -> None:
        message = parsed(a_mail(html=""))
        assert message.get_content_type() == "text/plain"
        assert content(message) == "Renew it.\n"

    def test_every_line_ends_with_cr_lf(self) -> None:
        octets = build(a_mail(text="a\nb\rc\r\nd", html="<p>ä\r\rb</p>"))
        assert octets.count(b"\n") == octets.count(b"\r") == octets.count(b"\r\n")
        assert octets.endswith(b"\r\n")

    @given(text=ANY_TEXT, html=ANY_TEXT)
    def test_any_body_is_read_as_it_was_written(self, text: str, html: str) -> None:
        octets = build(a_mail(text=text, html=html))
        assert max(map(len, octets.split(b"\r\n"))) <= LONGEST_LINE
        assert octets.isascii()
        message = message_from_bytes(octets, policy=policy.default)
        assert part(message, "plain") == body_of(text)
        if html:
            assert unescape(part(message, "html")) == unescape(body_of(html))

    @given(text=st.text(alphabet=" \t.=ä\n\r-_aF", max_size=400))
    def test_dots_blanks_and_signs_of_the_encoding_survive(self, text: str) -> None:
        message = parsed(a_mail(text=text, html=f"<p>{text}</p>"))
        assert part(message, "plain") == body_of(text)
        assert unescape(part(message, "html")) == body_of(f"<p>{text}</p>")

    @pytest.mark.parametrize(
        ("text", "encoding"),
        [
            ("Renew it: https://example.com/r/" + "t" * 300, "7bit"),
            ("x" * 998, "7bit"),
            ("x" * 999, "quoted-printable"),
            ("nul \0", "quoted-printable"),
            ("Das Zertifikat läuft bald ab, bitte verlängern Sie es", "quoted-printable"),
            ("证书即将到期", "base64"),
            ("갱신 안내", "base64"),
        ],
    )
    def test_each_text_goes_in_the_shortest_safe_way(self, text: str, encoding: str) -> None:
        message = parsed(a_mail(text=text, html=""))
        assert message["Content-Transfer-Encoding"] == encoding
        assert content(message) == f"{text}\n"

    @pytest.mark.parametrize(
        ("text", "encoding"),
        [
            ("Renew it", "7bit"),
            ("Das Zertifikat läuft bald ab", "8bit"),
            ("证书即将到期", "8bit"),
            ("ä" * 499, "8bit"),
            ("ä" * 500, "base64"),
            ("nul \0 in a longer text: ä", "quoted-printable"),
        ],
    )
    def test_where_eight_bits_are_taken_texts_go_as_they_are(self, text: str, encoding: str) -> None:
        octets = build(a_mail(text=text, html=f"<p>{text}</p>"), eight_bit=True)
        message = message_from_bytes(octets, policy=policy.default)
        found = message.get_body(("plain",))
        assert found is not None
        assert found["Content-Transfer-Encoding"] == encoding
        assert part(message, "plain") == body_of(text)
        assert unescape(part(message, "html")) == body_of(f"<p>{text}</p>")

    @given(text=ANY_TEXT, html=ANY_TEXT)
    def test_any_body_is_read_as_it_was_written_in_eight_bits(self, text: str, html: str) -> None:
        octets = build(a_mail(text=text, html=html), eight_bit=True)
        assert max(map(len, octets.split(b"\r\n"))) <= LONGEST_LINE
        message = message_from_bytes(octets, policy=policy.default)
        assert part(message, "plain") == body_of(text)
        if html:
            assert unescape(part(message, "html")) == unescape(body_of(html))

    @pytest.mark.parametrize(
        ("html", "encoding", "written"),
        [
            (
                "<p>Das Zertifikat läuft schon „bald“ ab, am Dienstag.</p>",
                "7bit",
                "<p>Das Zertifikat l&#228;uft schon &#8222;bald&#8220; ab, am Dienstag.</p>\n",
            ),
            ("<p>plain</p>", "7bit", "<p>plain</p>\n"),
            ("<style>.a::after { content: '→' }</style><p>ä</p>" + "x" * 50, "quoted-printable", None),
            ("<p>ä</p>" + "x" * 999, "quoted-printable", None),
            ("<p>a sign that readers take for another: \x85</p>", "quoted-printable", None),
            ("<p>证书即将到期</p>", "base64", None),
        ],
    )
    def test_a_page_needs_no_encoding_where_references_spare_it(
        self, html: str, encoding: str, written: str | None
    ) -> None:
        found = parsed(a_mail(text="", html=html)).get_body(("html",))
        assert found is not None
        assert found["Content-Transfer-Encoding"] == encoding
        assert isinstance(found, EmailMessage)
        assert content(found) == (written or f"{html}\n")

    def test_it_is_built_in_well_under_two_milliseconds(self) -> None:
        row = "<tr><td style='padding:8px'>1234567</td><td>www.exämple.com</td><td>30 September 2026</td></tr>\n"
        mail = a_mail(html=row * (20_000 // len(row)), subject="Ihr Zertifikat läuft ab", to_name="Jürgen Müller")
        spent = []
        for _ in range(30):
            started = time.process_time()
            build(mail)
            spent.append(time.process_time() - started)
        assert statistics.median(spent) < 0.002


class TestHeaders:
    @given(subject=ANY_TEXT, to_name=ANY_TEXT, sender_name=ANY_TEXT, more=ANY_TEXT)
    def test_no_value_adds_a_header_or_changes_another(
        self, subject: str, to_name: str, sender_name: str, more: str
    ) -> None:
        mail = a_mail(subject=subject, to_name=to_name, sender_name=sender_name, headers={"X-More": f"a {more}"})
        octets = build(mail)
        names = [name.lower() for name in message_from_bytes(octets)]
        assert names == [*("from", "to", "subject", "date", "message-id", "x-more", "mime-version", "content-type")]
        message = message_from_bytes(octets, policy=policy.default)
        assert message["To"].addresses[0].addr_spec == mail.to
        assert message["From"].addresses[0].addr_spec == mail.sender
        head = octets.split(b"\r\n\r\n")[0]
        assert max(map(len, head.split(b"\r\n"))) <= 78

    @given(subject=ANY_TEXT, name=ANY_TEXT)
    def test_subject_and_name_are_read_as_they_were_written(self, subject: str, name: str) -> None:
        message = message_from_bytes(build(a_mail(subject=subject, to_name=name)))
        assert str(make_header(decode_header(message["Subject"]))) == one_line(subject)
        assert name_in(message["To"]) == one_line(name)

    @pytest.mark.parametrize(
        "hostile",
        [
            "x\r\nBcc: victim@example.com",
            "x\nBcc: victim@example.com",
            "x\rBcc: victim@example.com",
            "x\r\n\r\n<html>",
            "x\u2028Bcc: victim@example.com",
            "x\x85Bcc: victim@example.com",
            "x\x0b\x0cBcc: victim@example.com",
            "=?utf-8?Q?x=0D=0ABcc:_victim@example.com?=",
            '"x" <victim@example.com>, y',
        ],
    )
    @pytest.mark.parametrize("place", ["subject", "to_name", "sender_name"])
    def test_header_injection_is_impossible(self, hostile: str, place: str) -> None:
        changes: dict[str, Any] = {place: hostile}
        mail = a_mail(**changes)
        message = parsed(mail)
        assert message["Bcc"] is None
        assert [one.addr_spec for one in message["To"].addresses] == [mail.to]
        assert [one.addr_spec for one in message["From"].addresses] == [mail.sender]
        assert part(message, "plain") == body_of(mail.text)

    def test_what_looks_encoded_is_shown_as_it_is(self) -> None:
        assert parsed(a_mail(subject="=?utf-8?B?SGVsbG8=?="))["Subject"] == "=?utf-8?B?SGVsbG8=?="

    @pytest.mark.parametrize("name", ["", "A B", "A. B.", "O'Neil", 'The "Best"', "a\\b", "(x)", "<x>", "a@b.example"])
    def test_names_are_quoted_where_they_must_be(self, name: str) -> None:
        message = parsed(a_mail(to_name=name))
        assert message["To"].addresses[0].display_name == name

    def test_a_long_link_stays_whole(self) -> None:
        link = f"<https://example.com/u/{'t' * 400}>"
        octets = build(a_mail(headers={"List-Unsubscribe": f"{link}, <mailto:u@example.com>"}))
        assert f"List-Unsubscribe: {link},\r\n <mailto:u@example.com>\r\n".encode() in octets

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("X: y\r\nBcc", "victim@example.com"),
            ("Bcc", "victim@example.com"),
            ("subject", "another"),
            ("Content-Type", "text/plain"),
            ("", "x"),
            ("X-Größe", "x"),
            ("X-Long", "y" * 1000),
        ],
    )
    def test_a_header_that_cannot_be_added_is_refused(self, name: str, value: str) -> None:
        with pytest.raises(SkippableError, match="header") as caught:
            build(a_mail(headers={name: value}))
        assert "\n" not in str(caught.value)
        assert "victim" not in str(caught.value)

    def test_a_message_id_gets_its_brackets(self) -> None:
        assert parsed(a_mail(message_id="1@example.com"))["Message-ID"] == "<1@example.com>"

    @pytest.mark.parametrize("message_id", ["", "1", "<1@a>\r\nBcc: x@y", "<a b@c>", "<ä@c>", "<" + "a" * 1000 + "@b>"])
    def test_a_message_id_of_another_form_is_refused(self, message_id: str) -> None:
        with pytest.raises(SkippableError, match="Message-ID"):
            build(a_mail(message_id=message_id))

    def test_an_unusable_reply_to_is_left_out_and_told(self, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.WARNING):
            message = parsed(a_mail(reply_to="secret rep@private.example"))
        assert message["Reply-To"] is None
        assert len(caplog.records) == 1
        assert "private" not in caplog.text


class TestAddress:
    @pytest.mark.parametrize(
        ("text", "wire"),
        [
            ("a@example.com", "a@example.com"),
            (" a@example.com ", "a@example.com"),
            ("A.B+tag@Example.COM", "A.B+tag@example.com"),
            ("o'neil_x-1@sub.example.co.uk", "o'neil_x-1@sub.example.co.uk"),
            ("a..b@example.com", "a..b@example.com"),
            ('"john doe"@example.com', '"john doe"@example.com'),
            ("a@localhost", "a@localhost"),
            ("a@exämple.com", "a@xn--exmple-cua.com"),
            ("a@EXÄMPLE.com", "a@xn--exmple-cua.com"),
            ("a@exa\u0308mple.com", "a@xn--exmple-cua.com"),
            ("a@例え.jp", "a@xn--r8jz45g.jp"),
            ("a@xn--exmple-cua.com", "a@xn--exmple-cua.com"),
        ],
    )
    def test_the_domain_goes_in_ascii(self, text: str, wire: str) -> None:
        assert address(text) == wire

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "a",
            "@example.com",
            "a@",
            "a b@example.com",
            "a@b@example.com",
            "a@example.com, b@example.com",
            "a,b@example.com",
            "A <a@example.com>",
            "a@example.com>\r\nRCPT TO:<b@example.com",
            "a\r\n@example.com",
            "a@exam ple.com",
            "a@example.com\r\nx",
            "a@-example.com",
            "a@example..com",
            "a@.example.com",
            "a@[127.0.0.1]",
            '"a\r\n"@example.com',
            "a\0@example.com",
            "a\udc80@example.com",
            "a@straße.de",
            "a@" + "x" * 64 + ".com",
            "a@" + "ä" * 64 + ".com",
            "a" * 250 + "@example.com",
        ],
    )
    def test_what_is_no_address_is_refused_without_being_named(self, text: str) -> None:
        with pytest.raises(SkippableError) as caught:
            address(text)
        assert "\n" not in str(caught.value)
        assert "example" not in str(caught.value)

    def test_a_local_part_beyond_ascii_needs_a_server_that_takes_it(self) -> None:
        with pytest.raises(SkippableError, match="ASCII"):
            address("jürgen@example.com")
        assert address("jürgen@exämple.com", utf8=True) == "jürgen@xn--exmple-cua.com"
        octets = build(a_mail(to="jürgen@example.com"), utf8=True)
        assert "\r\nTo: A Customer <jürgen@example.com>\r\n".encode() in octets

    def test_our_own_address_is_a_setting(self) -> None:
        assert sender_address("a@exämple.com") == "a@xn--exmple-cua.com"
        with pytest.raises(ConfigurationError, match=r"brand\.sender"):
            build(a_mail(sender="no address"))

    @given(text=st.text(max_size=80))
    def test_what_is_taken_is_one_harmless_word(self, text: str) -> None:
        try:
            wire = address(f"{text}@example.com")
        except SkippableError:
            return
        assert wire.isascii()
        assert wire.isprintable()
        assert not set("<>,;") & set(wire.rpartition("@")[0]) or wire.startswith('"')


class TestAttachments:
    def test_a_file_comes_whole(self) -> None:
        content = bytes(range(256)) * 40
        mail = a_mail(attachments=(Attachment("orders.csv", "text/csv; charset=utf-8", content),))
        message = parsed(mail)
        (file,) = message.iter_attachments()
        assert isinstance(file, EmailMessage)
        assert message.get_content_type() == "multipart/mixed"
        assert (file.get_filename(), file.get_content_type()) == ("orders.csv", "text/csv")
        assert file.get_payload(decode=True) == content
        assert part(message, "html") == body_of(mail.html)
        assert part(message, "plain") == body_of(mail.text)

    @pytest.mark.parametrize(
        ("name", "shown"),
        [
            ("Größe.pdf", "Größe.pdf"),
            ("갱신.pdf", "갱신.pdf"),
            ('a"; x="y.pdf', "a'; x='y.pdf"),
            ("a\r\nBcc: b@example.com", "a Bcc: b@example.com"),
            ("../../etc/passwd", ".._.._etc_passwd"),
            ("", "attachment"),
            ("x" * 300, "x" * 100),
        ],
    )
    def test_its_name_does_no_harm(self, name: str, shown: str) -> None:
        message = parsed(a_mail(attachments=(Attachment(name, "application/pdf", b"x"),)))
        (file,) = message.iter_attachments()
        assert file.get_filename() == shown
        assert message["Bcc"] is None

    @pytest.mark.parametrize("kind", ["", "pdf", "a/b\r\nBcc: x@y", "message/rfc822", "multipart/mixed", "a/b; c"])
    def test_an_unsafe_type_becomes_plain_data(self, kind: str) -> None:
        message = parsed(a_mail(attachments=(Attachment("x", kind, b"x"),)))
        (file,) = message.iter_attachments()
        assert file.get_content_type() == "application/octet-stream"
        assert message["Bcc"] is None

    def test_an_empty_file_and_several(self) -> None:
        files = tuple(Attachment(f"{n}.bin", "application/octet-stream", b"x" * n) for n in (0, 57, 58))
        found = [file.get_payload(decode=True) for file in parsed(a_mail(attachments=files)).iter_attachments()]
        assert found == [b"", b"x" * 57, b"x" * 58]


@given(st.text(st.sampled_from("a =.-~\t\n\x01\x7fé”漢") | st.sampled_from("word "), max_size=200))
def test_quoted_text_is_as_the_standard_library_quotes_it(text: str) -> None:
    body = f"{text}\n".encode()
    beyond = bytes(octet for octet in body if octet > 127)
    assert _quoted(body, beyond) == b2a_qp(body, istext=True)
