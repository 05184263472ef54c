"""Makes foreign text harmless before a template sees it: one line, no control or direction characters, no endless names.

HTML is escaped by the environment, not here.
"""

import unicodedata
from email.utils import parseaddr
from functools import lru_cache
from urllib.parse import quote, urlsplit

from core.errors import ConfigurationError

LONGEST_TEXT = 200
LONGEST_NAME = 253  # RFC 1035: no domain name is longer
LONGEST_LABEL = 63
LONGEST_URL = 2000
SHORT_NAME = 64
SUBJECT_LIMIT = 180

_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_MARKS = frozenset({"Mn", "Mc"})


@lru_cache(8192)
def plain(text: str, limit: int = LONGEST_TEXT) -> str:
    """The text as one line of printable characters, at most `limit` long.

    Line breaks become spaces; control characters, invisible ones and those that turn the direction of writing go.
    """
    if not text.isprintable():
        text = "".join(char if char.isprintable() else " " if char.isspace() else "" for char in text)
    text = " ".join(text.split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def isolated(text: str) -> str:
    """The text, kept from turning the words around it where it is written from right to left.

    Unicode's isolates (UAX 9) stand around it then; mail programs and browsers keep to them.
    """
    if text.isascii() or not any(unicodedata.bidirectional(char) in _RIGHT_TO_LEFT for char in text):
        return text
    return f"\u2068{text}\u2069"


def tail(name: str, limit: int) -> str:
    """The name, or its end where it is longer: the end of a domain name says whose it is."""
    return name if len(name) <= limit else "…" + name[1 - limit :]


def both_spellings(name: str) -> tuple[str, str]:
    """An internationalised domain name as Unicode and as punycode; any other name and an empty string.

    The name must be plain. Labels that do not decode to letters, digits and hyphens stay as they are.
    """
    if name.isascii() and "xn--" not in name.lower():
        return name, ""
    if " " in name or "." not in name:
        return name, ""
    labels = name.split(".")
    shown = ".".join(_to_unicode(label) for label in labels)
    sent = ".".join(_to_ascii(label) for label in labels)
    return (shown, sent) if shown != sent else (name, "")


def _to_unicode(label: str) -> str:
    if not label.lower().startswith("xn--") or len(label) > LONGEST_LABEL:
        return label
    try:
        decoded = label[4:].lower().encode("ascii").decode("punycode")
    except UnicodeError:
        return label
    return decoded if _is_word(decoded) and _to_ascii(decoded) == label.lower() else label


def _to_ascii(label: str) -> str:
    if label.isascii() or len(label) > LONGEST_LABEL:
        return label
    return "xn--" + unicodedata.normalize("NFC", label.lower()).encode("punycode").decode("ascii")


def _is_word(text: str) -> bool:
    return bool(text) and all(char.isalnum() or char == "-" or unicodedata.category(char) in _MARKS for char in text)


def web_link(url: str) -> str:
    """The address of a web page, fit for an attribute and for a line of text; empty stays empty.

    Raises ConfigurationError where it is no http or https address, or longer than 2000 characters.
    """
    url = _address(url)
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.netloc)
    except ValueError:
        usable = False
    if not usable or len(url) > LONGEST_URL:
        raise ConfigurationError(
            "The link of a message is no web address; set [web] public_url or [brand] console_url to one with https://."
        )
    return url


@lru_cache(256)
def mail_link(address: str) -> str:
    """A `mailto:` link of an address, with or without a name before it, or of such a link; empty stays empty."""
    address = plain(address, LONGEST_URL)
    if address.lower().startswith("mailto:"):
        return _address(address)
    bare = parseaddr(address)[1]
    return f"mailto:{_address(bare)}" if bare else ""


def _address(url: str) -> str:
    return quote(plain(url, LONGEST_URL + 1), safe="!#$%&'()*+,/:;=?@[]~-._")
