"""Keeps the catalogues in step with the templates: `make translations` takes the messages out and updates every one.

A message that is new or has changed comes in empty; what no template says any more goes. What has been translated, the
translators' notes and the reviewer in the head stay.
"""

import io
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po, write_po

from core.languages import LANGUAGES
from templates.catalogues import BASE, REVIEWED_BY, path_of, placeholders, reviewer, texts

_PACKAGE = Path(__file__).parent
_COMMENTS = "Translators:"
_KEYWORDS: Mapping[str, tuple[int | tuple[int, str], ...] | None] = {
    "_": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
}
_HEAD = f"""\
# The messages of Nolapse in {{language}}. `make translations` keeps them in step with the templates.
# {REVIEWED_BY}: {{reviewer}}"""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one message of a catalogue."""

    message: str
    why: str


def extracted() -> Catalog:
    """Every message of the templates and of the modules beside them, with the notes for translators."""
    with (_PACKAGE / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)  # type: ignore[no-untyped-call]
    found = Catalog(project="Nolapse", fuzzy=False)
    for name, _, message, comments, context in extract_from_dir(
        _PACKAGE, methods, options, keywords=_KEYWORDS, comment_tags=(_COMMENTS,), strip_comment_tags=True
    ):
        found.add(message, None, [(f"templates/{Path(name).as_posix()}", 1)], auto_comments=comments, context=context)
    return found


def read(code: str) -> Catalog:
    """The catalogue of a language as it is in the tree; an empty one where there is none yet."""
    path = path_of(code)
    locale = code.replace("-", "_")
    if not path.exists():
        return Catalog(locale=locale, project="Nolapse", fuzzy=False)
    with path.open("rb") as file:
        return read_po(file, locale=locale, abort_invalid=True)


def updated(code: str, template: Catalog) -> bytes:
    """The catalogue of a language with exactly the messages of the template, as its file is to read."""
    catalogue = read(code)
    named = reviewer(catalogue.header_comment)
    catalogue.update(template, no_fuzzy_matching=True, update_header_comment=False, update_creation_date=False)
    catalogue.obsolete.clear()
    language = catalogue.locale.get_display_name("en") if catalogue.locale else code
    catalogue.header_comment = _HEAD.format(language=language, reviewer=named)
    catalogue.fuzzy = False
    buffer = io.BytesIO()
    write_po(buffer, catalogue, width=0, sort_by_file=True, include_lineno=False, ignore_obsolete=True)
    return _without_dates(buffer.getvalue())


def faults(catalogue: Catalog, template: Catalog) -> Iterator[Fault]:
    """What stops a catalogue from being complete and right.

    A message missing or fuzzy, one that no template says, a placeholder lost or invented, a wrong number of plural forms.
    """
    plural = get_plural(str(catalogue.locale))
    if (catalogue.num_plurals, catalogue.plural_expr) != (plural.num_plurals, plural.plural_expr):
        yield Fault("Plural-Forms", f"must read nplurals={plural.num_plurals}; plural={plural.plural_expr};")
    for wanted in template:
        if wanted.id:
            message = catalogue.get(wanted.id, wanted.context)
            if why := "is missing" if message is None else _fault(message, plural.num_plurals):
                yield Fault(texts(wanted.id)[0], why)
    for message in catalogue:
        if message.id and template.get(message.id, message.context) is None:
            yield Fault(texts(message.id)[0], "is said by no template")


def _fault(message: Message, forms: int) -> str:
    """What is wrong with a message, or an empty string."""
    if message.fuzzy:
        return "is fuzzy"
    ids, said = texts(message.id), texts(message.string)
    if not said or not all(text.strip() for text in said):
        return "is not translated"
    if len(said) != (forms if message.pluralizable else 1):
        return f"has {len(said)} forms, the language {forms}"
    allowed = placeholders(ids[0]) | placeholders(ids[-1])
    for place, text in enumerate(said):
        found = placeholders(text)
        # A form for one number alone, such as the singular, may say that number in words.
        spared = {"num"} if place < len(said) - 1 else set()
        if found - allowed:
            return f"has the unknown placeholder {sorted(found - allowed)[0]}"
        if lacking := placeholders(ids[-1]) - found - spared:
            return f"lacks the placeholder {sorted(lacking)[0]}"
        if text.replace("%%", "").count("%") != sum(text.count(f"%({name})s") for name in found):
            return "has a % that begins no placeholder; write %%"
    return ""


def _without_dates(text: bytes) -> bytes:
    """The file without the lines that change with every run and say nothing."""
    dropped = (b'"POT-Creation-Date:', b'"PO-Revision-Date:', b'"Generated-By:', b'"Report-Msgid-Bugs-To:')
    unneeded = (b'"Last-Translator:', b'"Language-Team:', b'"Project-Id-Version:')
    return b"".join(line for line in text.splitlines(keepends=True) if not line.startswith(dropped + unneeded))


def main() -> int:
    """Updates every catalogue, or tells of one: `python -m templates.translations [--check CODE]`."""
    template = extracted()
    if sys.argv[1:2] == ["--check"]:
        wrong = [fault for code in sys.argv[2:] for fault in faults(read(code), template)]
        for fault in wrong:
            sys.stdout.write(f"{fault.message!r} {fault.why}\n")
        sys.stdout.write(f"{len(wrong)} faults\n")
        return 1 if wrong else 0
    for code in LANGUAGES:
        if code != BASE:
            path = path_of(code)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(updated(code, template))
    return 0


if __name__ == "__main__":
    sys.exit(main())
