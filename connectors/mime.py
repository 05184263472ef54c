"""Builds the bytes of a mail (RFC 5322, 2045, 2047, 2231), the same for the same `Mail`, each time.

Written out by hand, because the standard library's classes cost 1.5 to 4 ms for a mail with 20 KB of HTML, more than
everything else that is done for it; this takes a quarter of a millisecond. Header values are made one line before they
are written, so that no name or subject can add a header.
"""

import logging
import re
from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Iterator
from email.utils import format_datetime
from functools import lru_cache
from hashlib import blake2b
from unicodedata import normalize
from urllib.parse import quote

from core.errors import ConfigurationError, SkippableError
from core.ports import Attachment, Mail

log = logging.getLogger("nolapse.mime")

LINE = 78  # characters of a header line before it is folded (RFC 5322 §2.1.1)
WORD_LINE = 76  # likewise where the line holds an encoded word (RFC 2047 §2)
LONGEST_LINE = 998  # octets a line may hold at all (RFC 5322 §2.1.1)
LONGEST_ADDRESS = 254  # octets of an address (RFC 5321 §4.5.3.1.3)

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_SEVEN_BIT = b"\t\n" + bytes(range(32, 127))
_ASCII = bytes(range(128))
_USUAL = _SEVEN_BIT + bytes(range(128, 256))
_NO_REFERENCE = re.compile("[^\xa0-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd]")  # readers take some of these for other signs
# In both cases of each letter: a search that ignores case cannot run ahead to the next "<".
_STYLE = re.compile(rb"<[sS][tT][yY][lL][eE]\b.*?</[sS][tT][yY][lL][eE]", re.DOTALL)
_FEW = 12  # signs that are replaced one by one sooner than in one go
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]*")
_LOCAL = re.compile(r"[^\s\x00-\x20\x7f-\x9f()<>\[\]:;@\\,\"]+|\"(?:[ !#-\[\]-~]|\\[ -~])+\"")
_DOMAIN = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(?:\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_MESSAGE_ID = re.compile(r"<[!-;=?A-~]+@[!-;=?A-~]+>")
_CONTENT_TYPE = re.compile(r"[\w.+-]+/[\w.+-]+(?:; *[\w-]+=[\w.+-]+)*", re.ASCII)
_FIELD_NAME = re.compile(r"[A-Za-z0-9-]{1,64}")
_OURS = {
    *(
        "from",
        "to",
        "cc",
        "bcc",
        "sender",
        "reply-to",
        "subject",
        "date",
        "message-id",
        "return-path",
        "received",
    ),
    *("mime-version", "content-type", "content-transfer-encoding", "content-disposition"),
}


def build(mail: Mail, *, utf8: bool = False, eight_bit: bool = False) -> bytes:
    """The message, its lines ended by CR LF. `mail.bcc` is not in it: it belongs to the envelope.

    `utf8` says that what carries the message takes addresses beyond ASCII (RFC 6531), `eight_bit` that it takes texts
    beyond ASCII as they are (RFC 6152). Raises `SkippableError` where this
    mail cannot be written, `ConfigurationError` where its sender cannot; neither names a person.
    """
    parts = [
        _person("From", mail.sender_name, sender_address(mail.sender, utf8=utf8)),
        _person("To", mail.to_name, address(mail.to, utf8=utf8)),
        _sentence("Subject", mail.subject),
        f"Date: {format_datetime(mail.date)}\r\n".encode("ascii"),
        f"Message-ID: {_message_id(mail.message_id)}\r\n".encode("ascii"),
    ]
    if mail.reply_to:
        parts += _reply_to(mail.reply_to, utf8)
    parts += [_further(name, value) for name, value in mail.headers.items()]
    parts.append(b"MIME-Version: 1.0\r\n")
    parts += _content(mail, eight_bit)
    return b"".join(parts)


def address(text: str, *, utf8: bool = False) -> str:
    """An address as it goes over the wire, its domain in ASCII (IDNA). Raises `SkippableError`, which does not name it."""
    local, at, domain = normalize("NFC", text.strip()).rpartition("@")
    if not at or not _LOCAL.fullmatch(local):
        raise SkippableError("the recipient's address is not a mail address; correct it at its source")
    if not local.isascii() and not utf8:
        raise SkippableError(
            "the recipient's address has characters beyond ASCII before the @, which this mail server does not take"
        )
    wire = f"{local}@{_wire_domain(domain)}"
    if len(wire.encode("utf-8", "replace")) > LONGEST_ADDRESS:
        raise SkippableError(f"the recipient's address is longer than {LONGEST_ADDRESS} characters")
    return wire


@lru_cache(maxsize=4096)
def _wire_domain(domain: str) -> str:
    """IDNA as the standard library knows it (2003); where newer rules may name another domain, none."""
    wire = domain.lower()
    if not wire.isascii():
        try:
            wire = domain.encode("idna").decode("ascii")
            same = wire.encode("ascii").decode("idna") == domain.lower()
        except UnicodeError:
            same = False
        if not same:
            raise SkippableError(
                "the domain of the recipient's address cannot be put into ASCII with certainty; "
                "write it in its xn-- form at its source"
            )
    if not _DOMAIN.fullmatch(wire):
        raise SkippableError("the recipient's address has no valid domain; correct it at its source")
    return wire


def sender_address(text: str, *, utf8: bool = False) -> str:
    """Likewise for an address of our own, which is a setting: raises `ConfigurationError`."""
    try:
        return address(text, utf8=utf8)
    except SkippableError as error:
        raise ConfigurationError("the sender's address cannot be used; correct brand.sender") from error


def _reply_to(text: str, utf8: bool) -> list[bytes]:
    """A customer's warning goes also where the address of the account's owner is wrong; then answers go to the sender."""
    try:
        return [_person("Reply-To", "", address(text, utf8=utf8))]
    except SkippableError:
        log.warning("the address of an account's owner cannot be used, answers go to the sender; correct it")
        return []


def _message_id(text: str) -> str:
    bracketed = text if text.startswith("<") else f"<{text}>"
    if not _MESSAGE_ID.fullmatch(bracketed) or len(bracketed) > LONGEST_LINE - 20:
        raise SkippableError("the Message-ID of this mail is not of the form <left@right>")
    return bracketed


def _one_line(value: str) -> str:
    return " ".join(_CONTROL.sub(" ", value).split())


@lru_cache(maxsize=256)
def _person(field: str, name: str, wire: str) -> bytes:
    shown = _one_line(name)
    if not shown:
        words = [wire]
    elif not _is_plain(shown):
        words = [*_encoded_words(shown, len(field) + 2), f"<{wire}>"]
    elif _ATOMS.fullmatch(shown):
        words = [*shown.split(" "), f"<{wire}>"]
    else:
        escaped = shown.replace("\\", "\\\\").replace('"', '\\"')
        words = [*f'"{escaped}"'.split(" "), f"<{wire}>"]
    return _fold(field, words)


def _sentence(field: str, value: str) -> bytes:
    shown = _one_line(value)
    return _fold(field, shown.split(" ") if _is_plain(shown) else [*_encoded_words(shown, len(field) + 2)])


def _further(field: str, value: str) -> bytes:
    if not _FIELD_NAME.fullmatch(field) or field.lower() in _OURS:
        raise SkippableError(f"the header {_one_line(field)[:64]!a} cannot be added to a mail")
    shown = _one_line(value)
    if not shown.isascii():
        return _fold(field, [*_encoded_words(shown, len(field) + 2)])
    words = shown.split(" ")
    if len(field) + max(map(len, words)) + 2 > LONGEST_LINE:
        raise SkippableError(f"the header {field} holds a word too long for a mail")
    return _fold(field, words)


def _is_plain(value: str) -> bool:
    """Whether a value may stand as it is: a reader must not take a part of it for an encoded word, nor a line be long."""
    return value.isascii() and "=?" not in value and all(len(word) < LINE // 2 for word in value.split(" "))


def _encoded_words(value: str, used: int) -> Iterator[str]:
    """The value as encoded words, split between characters; the first line has `used` characters already."""
    chunk = bytearray()
    room = _octets(used)
    for character in value:
        octets = character.encode("utf-8", "replace")
        if len(chunk) + len(octets) > room:
            yield f"=?utf-8?B?{b64encode(chunk).decode('ascii')}?="
            chunk.clear()
            room = _octets(1)
        chunk += octets
    if chunk:
        yield f"=?utf-8?B?{b64encode(chunk).decode('ascii')}?="


def _octets(used: int) -> int:
    return max((WORD_LINE - used - len("=?utf-8?B??=")) // 4 * 3, 4)


def _fold(field: str, words: list[str]) -> bytes:
    lines = [f"{field}: {words[0]}" if words else f"{field}: "]
    for word in words[1:]:
        limit = WORD_LINE if "=?" in lines[-1] or word.startswith("=?") else LINE
        if len(lines[-1]) + len(word) + 1 > limit:
            lines.append(f" {word}")
        else:
            lines[-1] += f" {word}"
    return ("\r\n".join(lines) + "\r\n").encode("utf-8", "replace")


def _content(mail: Mail, eight_bit: bool) -> list[bytes]:
    """The Content-Type header and all that follows it."""
    plain = _text_part("plain", mail.text, eight_bit)
    words = [*plain]
    # The text says what the page says: no author of either can know the mark beforehand.
    seal = blake2b("\0".join((mail.message_id, mail.text or mail.html)).encode("utf-8", "replace"), digest_size=12)
    if mail.html:
        words = _multipart("alternative", f"=_a{seal.hexdigest()}", [plain, _text_part("html", mail.html, eight_bit)])
    if mail.attachments:
        files = [_file_part(attachment) for attachment in mail.attachments]
        words = _multipart("mixed", f"=_m{seal.hexdigest()}", [words, *files])
    return words


def _multipart(kind: str, boundary: str, parts: list[list[bytes]]) -> list[bytes]:
    mark = f"--{boundary}".encode("ascii")
    made = [f'Content-Type: multipart/{kind};\r\n boundary="{boundary}"\r\n\r\n'.encode("ascii")]
    for part in parts:
        # The line end before a mark belongs to the mark (RFC 2046 §5.1.1): the part keeps its own.
        made += [mark, b"\r\n", *part, b"\r\n"]
    return [*made, mark, b"--\r\n"]


def _text_part(subtype: str, text: str, eight_bit: bool) -> list[bytes]:
    """As it is where it is taken so, else quoted-printable, or base64 where that is the shorter."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.endswith("\n"):
        text += "\n"
    body = text.encode("utf-8", "replace")
    if eight_bit and not body.translate(None, _USUAL) and max(map(len, body.split(b"\n"))) <= LONGEST_LINE:
        encoding = "7bit" if body.isascii() else "8bit"
        return [_text_head(subtype, encoding), body.replace(b"\n", b"\r\n")]
    beyond = body.translate(None, _ASCII)
    plain = _in_references(text, body, beyond) if subtype == "html" and beyond else body
    if not plain.translate(None, _SEVEN_BIT) and max(map(len, plain.split(b"\n"))) <= LONGEST_LINE:
        return [_text_head(subtype, "7bit"), plain.replace(b"\n", b"\r\n")]
    if len(beyond) * 6 > len(body):
        return [_text_head(subtype, "base64"), _base64_lines(body.replace(b"\n", b"\r\n"))]
    return [_text_head(subtype, "quoted-printable"), _quoted(body, beyond).replace(b"\n", b"\r\n")]


def _in_references(html: str, body: bytes, beyond: bytes) -> bytes:
    """The page with character references for what is beyond ASCII, which spares it an encoding of the whole.

    Style sheets know no references, and a page that is mostly beyond ASCII grows too much by them: these stay.
    """
    if len(beyond) * 6 > len(body) or _NO_REFERENCE.search(beyond.decode()):
        return body
    styled = all(map(bytes.isascii, _STYLE.findall(body)))
    return html.encode("ascii", "xmlcharrefreplace") if styled else body


def _quoted(body: bytes, beyond: bytes) -> bytes:
    """The text as quoted-printable. One in short lines and with few special signs needs no look at every octet."""
    several = set(beyond.decode())
    usual = not body.translate(None, _USUAL) and b"\t\n" not in body and b"\n.\n" not in b"\n" + body
    if usual and len(several) <= _FEW:
        quoted = body.replace(b"=", b"=3D").replace(b" \n", b"=20\n")
        for sign in several:
            octets = sign.encode()
            quoted = quoted.replace(octets, b"".join(b"=%02X" % octet for octet in octets))
        if max(map(len, quoted.split(b"\n"))) < WORD_LINE:
            return quoted
    return b2a_qp(body, istext=True)


def _text_head(subtype: str, encoding: str) -> bytes:
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode("ascii")


def _file_part(attachment: Attachment) -> list[bytes]:
    kind = attachment.content_type
    # A message inside a mail may not be in base64 (RFC 2046 §5.2.1), a multipart would be read as ours.
    if not _CONTENT_TYPE.fullmatch(kind) or kind.lower().startswith(("message/", "multipart/")):
        kind = "application/octet-stream"
    name = _one_line(attachment.name).replace("/", "_").replace("\\", "_")[:100] or "attachment"
    if _is_plain(name):
        told = 'filename="{}"'.format(name.replace('"', "'"))
    else:
        told = f"filename*=utf-8''{quote(name.encode('utf-8', 'replace'), safe='')}"
    head = (
        f"Content-Type: {kind}\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: attachment;\r\n {told}\r\n\r\n"
    )
    return [head.encode("ascii"), _base64_lines(attachment.content)]


def _base64_lines(octets: bytes) -> bytes:
    code = b64encode(octets)
    return b"".join(code[start : start + 76] + b"\r\n" for start in range(0, len(code), 76))
