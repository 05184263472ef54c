"""The catalogues of messages: one .po file per language, read at first use, with the plural rule in its header.

Message ids are the English sentences, so English needs no catalogue. Reading a catalogue takes about 20 ms and is done
once per process and language, so no .mo files are built that could be older than their source.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import ConfigurationError
from core.languages import LANGUAGES

FOLDER = Path(__file__).parent / "locale"
CATALOGUE = "messages.po"
BASE = "en"
REVIEWED_BY = "Reviewed-By"
"""The line in a catalogue's head that names who has reviewed it, and when; empty where nobody has."""

_CONTEXT = "\x04"  # what gettext puts between a context and its message
_REVIEWER = re.compile(rf"^# {REVIEWED_BY}:[ \t]*(.*)$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"%\((\w+)\)s")


def _english(number: int) -> int:
    return 0 if number == 1 else 1


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One language's messages, as three functions that give one with its placeholders filled.

    `gettext(message, **facts)`, `pgettext(context, message, **facts)`, and `ngettext(one, several, number, **facts)`, which
    takes the form for the number and fills it in as `num`. What has no translation comes out in English.
    """

    code: str
    gettext: Callable[..., str]
    pgettext: Callable[..., str]
    ngettext: Callable[..., str]
    reviewed_by: str = ""


def catalogue(
    code: str,
    singles: Mapping[str, str],
    plurals: Mapping[str, Sequence[str]],
    form: Callable[[int], int] = _english,
    reviewed_by: str = "",
) -> Catalogue:
    """A catalogue of these messages; `form` gives the plural form of a number."""

    def gettext(message: str, /, **facts: Any) -> str:
        said = singles.get(message, message)
        return said % facts if facts else said

    def pgettext(context: str, message: str, /, **facts: Any) -> str:
        said = singles.get(f"{context}{_CONTEXT}{message}", message)
        return said % facts if facts else said

    def ngettext(one: str, several: str, number: int, /, **facts: Any) -> str:
        forms = plurals.get(one)
        said = (one if number == 1 else several) if forms is None else forms[form(number)]
        return said % {"num": number, **facts}

    return Catalogue(code, gettext, pgettext, ngettext, reviewed_by)


def path_of(code: str) -> Path:
    """Where the catalogue of a language lies: `locale/zh_Hans/messages.po` for zh-Hans."""
    return FOLDER / code.replace("-", "_") / CATALOGUE


def read_catalogue(code: str) -> Catalogue:
    """The catalogue of one of our languages. Raises ConfigurationError where it cannot be read."""
    if code == BASE:
        return catalogue(BASE, {}, {})
    from gettext import c2py

    from babel.messages.pofile import PoFileError, read_po

    path = path_of(code)
    try:
        with path.open("rb") as file:
            found = read_po(file, locale=code.replace("-", "_"), abort_invalid=True)
    except (OSError, UnicodeDecodeError, PoFileError) as error:
        raise ConfigurationError(f"{path}: cannot be read as a catalogue: {error}") from error
    singles: dict[str, str] = {}
    plurals: dict[str, tuple[str, ...]] = {}
    for message in found:
        ids, said = texts(message.id), texts(message.string)
        if not ids or message.fuzzy or not said or not all(said):
            continue
        if len(ids) > 1:
            plurals[ids[0]] = said
        else:
            singles[f"{message.context}{_CONTEXT}{ids[0]}" if message.context else ids[0]] = said[0]
    return catalogue(code, singles, plurals, c2py(found.plural_expr), reviewer(found.header_comment))


def reviewer(head: str) -> str:
    """Who has reviewed the catalogue with this head; empty where nobody has."""
    found = _REVIEWER.search(head)
    return found[1].strip() if found else ""


def unreviewed() -> tuple[str, ...]:
    """The languages whose catalogue nobody has reviewed. Raises ConfigurationError where one cannot be read."""
    found = []
    for code in LANGUAGES:
        if code != BASE:
            try:
                head, _, _ = path_of(code).read_text(encoding="utf-8").partition("\nmsgid")
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigurationError(f"{path_of(code)}: cannot be read as a catalogue: {error}") from error
            if not reviewer(head):
                found.append(code)
    return tuple(found)


def texts(said: object) -> tuple[str, ...]:
    """The forms of a message or of its translation, one where it has no plural; none of the head of a catalogue."""
    forms = (said,) if isinstance(said, str) else tuple(said) if isinstance(said, tuple | list) else ()
    return () if forms == ("",) else tuple(str(form) for form in forms)


def placeholders(message: str) -> frozenset[str]:
    """The names that a message has filled in."""
    return frozenset(_PLACEHOLDER.findall(message))
