"""The five catalogues are complete and right; and what would make one wrong is found."""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from babel.messages.catalog import Catalog

from core.errors import ConfigurationError
from core.languages import LANGUAGES
from templates import catalogues, translations
from templates.catalogues import catalogue, path_of, placeholders, read_catalogue, reviewer, texts, unreviewed
from templates.translations import extracted, faults, read, updated
from tests.templates.glossary import TERMS

TEMPLATE = extracted()
OTHERS = [code for code in LANGUAGES if code != "en"]


@pytest.mark.parametrize("code", OTHERS)
def test_a_catalogue_is_complete_and_right(code: str) -> None:
    assert [f"{fault.message} {fault.why}" for fault in faults(read(code), TEMPLATE)] == []


@pytest.mark.parametrize("code", OTHERS)
def test_a_catalogue_is_as_make_translations_writes_it(code: str) -> None:
    assert path_of(code).read_bytes() == updated(code, TEMPLATE)


@pytest.mark.parametrize("code", OTHERS)
def test_a_glossary_has_every_term_with_its_source(code: str) -> None:
    terms = tomllib.loads(path_of(code).with_name("glossary.toml").read_text(encoding="utf-8"))["terms"]
    assert set(terms) == TERMS
    for term, entry in terms.items():
        assert set(entry) == {"text", "source"}, term
        assert entry["text"].strip()
        assert entry["source"] in ("guide", "ours")


@pytest.mark.parametrize("code", OTHERS)
def test_every_message_is_said_in_the_language(code: str) -> None:
    found = read_catalogue(code)
    for message in TEMPLATE:
        if message.id:
            ids = texts(message.id)
            facts = dict.fromkeys(placeholders("".join(ids)), "1")
            if len(ids) > 1:
                said = found.ngettext(*ids, 3, **facts)
            elif message.context:
                said = found.pgettext(message.context, ids[0], **facts)
            else:
                said = found.gettext(ids[0], **facts)
            assert said
            assert "%(" not in said


def test_the_messages_are_taken_from_every_folder() -> None:
    found = {location for message in TEMPLATE for location, _ in message.locations}
    for name in ("words/mail_single.j2", "words/task_call.j2", "words/block_offer.j2", "layouts/mail.mjml",
                 "layouts/mail.txt.j2", "orders.py", "parts.py"):  # fmt: skip
        assert f"templates/{name}" in found


def test_no_message_is_empty_or_a_mere_fact() -> None:
    for message in TEMPLATE:
        if message.id:
            for text in texts(message.id):
                rest = text
                for name in placeholders(text):
                    rest = rest.replace(f"%({name})s", "")
                assert any(char.isalpha() for char in rest), text


def small(**changes: Any) -> tuple[Catalog, Catalog]:
    """A catalogue of one Italian message, and the template that asks for it."""
    message = "Renew %(name)s"
    template = Catalog(fuzzy=False)
    template.add(message)
    template.add(("%(num)s day", "%(num)s days"))
    one = Catalog(locale="it", fuzzy=False)
    one.add(message, changes.get("text", "Rinnova %(name)s"), flags=changes.get("flags", ()))
    one.add(("%(num)s day", "%(num)s days"), changes.get("forms", ("%(num)s giorno", "%(num)s giorni")))
    return one, template


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, []),
        ({"text": ""}, ["is not translated"]),
        ({"flags": ["fuzzy"]}, ["is fuzzy"]),
        ({"text": "Rinnova"}, ["lacks the placeholder name"]),
        ({"text": "Rinnova %(nome)s"}, ["has the unknown placeholder nome"]),
        ({"text": "Rinnova %(name)s al 20%"}, ["has a % that begins no placeholder; write %%"]),
        ({"text": "Rinnova %(name)s al 20%%"}, []),
        ({"forms": ("un giorno", "%(num)s giorni")}, []),
        ({"forms": ("%(num)s giorno", "giorni")}, ["lacks the placeholder num"]),
        ({"forms": ("%(num)s giorno", "")}, ["is not translated"]),
        ({"forms": ("%(num)s giorni",)}, ["has 1 forms, the language 2"]),
        ({"forms": ("%(num)s a", "%(num)s b", "%(num)s c")}, ["has 3 forms, the language 2"]),
    ],
)
def test_what_is_wrong_with_a_message_is_found(changes: dict[str, Any], why: list[str]) -> None:
    assert [fault.why for fault in faults(*small(**changes))] == why


def test_a_missing_and_a_needless_message_and_a_wrong_plural_rule_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    one, template = small()
    template.add("New words")
    one.add("Old words", "Parole")
    assert [(fault.message, fault.why) for fault in faults(one, template)] == [
        ("New words", "is missing"),
        ("Old words", "is said by no template"),
    ]
    monkeypatch.setattr(one, "_num_plurals", 3)
    assert next(faults(one, template)).message == "Plural-Forms"


def test_an_update_keeps_translations_and_the_reviewer_and_drops_what_nobody_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "messages.po"
    path.write_text(
        '# Anything.\n# Reviewed-By: Ada Esempio, 2026-11-02\nmsgid ""\nmsgstr ""\n"Language: it\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n\n'
        '# a note\nmsgid "Renew now"\nmsgstr "Rinnova ora"\n\nmsgid "Old words"\nmsgstr "Parole"\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(translations, "path_of", lambda code: path)
    written = updated("it", TEMPLATE).decode()
    assert "# Reviewed-By: Ada Esempio, 2026-11-02\n" in written
    assert "# a note\n" in written
    assert 'msgid "Renew now"\nmsgstr "Rinnova ora"' in written
    assert "Old words" not in written
    path.write_text(written, encoding="utf-8")
    assert updated("it", TEMPLATE).decode() == written


def test_a_catalogue_gives_the_form_for_a_number() -> None:
    found = catalogue("fr", {"a": "b"}, {"%(num)s day": ("%(num)s jour", "%(num)s jours")}, lambda number: number > 1)
    assert found.gettext("a") == "b"
    assert found.gettext("c %(d)s", d=1) == "c 1"
    assert [found.ngettext("%(num)s day", "%(num)s days", number) for number in (0, 1, 2)] == [
        "0 jour",
        "1 jour",
        "2 jours",
    ]
    assert found.ngettext("%(num)s %(a)s", "%(num)s %(a)ss", 2, a="b") == "2 bs"


def test_english_needs_no_catalogue() -> None:
    english = read_catalogue("en")
    assert english.pgettext("Chrome", "Your %(a)s", a="page") == "Your page"
    assert english.ngettext("%(num)s day", "%(num)s days", 1) == "1 day"


@pytest.mark.parametrize("read_by", [read_catalogue, lambda code: unreviewed()])
def test_a_catalogue_that_cannot_be_read_is_named(
    read_by: Callable[[str], object], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path)
    with pytest.raises(ConfigurationError, match=r"messages\.po: cannot be read as a catalogue"):
        read_by("it")


def test_a_broken_catalogue_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path)
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / "messages.po").write_bytes(b'msgid "a"\nmsgstr "\xff"\n')
    with pytest.raises(ConfigurationError, match=r"it/messages\.po: cannot be read as a catalogue"):
        read_catalogue("it")


def test_fuzzy_and_empty_messages_are_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(catalogues, "FOLDER", tmp_path)
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / "messages.po").write_text(
        'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"\n\n'
        '#, fuzzy\nmsgid "a"\nmsgstr "x"\n\nmsgid "b"\nmsgstr ""\n\n'
        'msgid "c"\nmsgid_plural "cs"\nmsgstr[0] ""\nmsgstr[1] ""\n',
        encoding="utf-8",
    )
    found = read_catalogue("it")
    assert [found.gettext("a"), found.gettext("b"), found.ngettext("c", "cs", 2)] == ["a", "b", "cs"]


def test_a_reviewer_stands_in_the_head(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reviewer("# Of Italian.\n# Reviewed-By: Ada, 2026\n# More.") == "Ada, 2026"
    assert reviewer("# Of Italian.\n# Reviewed-By: \n# More.") == ""
    assert reviewer("") == ""
    named = {code for code in OTHERS if read_catalogue(code).reviewed_by}
    assert set(unreviewed()) == set(OTHERS) - named


def test_main_tells_of_one_language(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    one, template = small(text="")
    monkeypatch.setattr(translations, "extracted", lambda: template)
    monkeypatch.setattr(translations, "read", lambda code: one)
    monkeypatch.setattr("sys.argv", ["translations", "--check", "it"])
    assert translations.main() == 1
    assert capsys.readouterr().out == "'Renew %(name)s' is not translated\n1 faults\n"


def test_main_updates_every_catalogue(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(translations, "path_of", lambda code: tmp_path / code / "messages.po")
    monkeypatch.setattr("sys.argv", ["translations"])
    assert translations.main() == 0
    assert {path.name for path in tmp_path.iterdir()} == set(OTHERS)
    assert "Plural-Forms: nplurals=1" in (tmp_path / "ko" / "messages.po").read_text(encoding="utf-8")
