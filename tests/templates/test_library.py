import threading
from pathlib import Path

import pytest
from jinja2 import Environment

from core.errors import ConfigurationError
from core.words import Clock
from templates.library import Library, wrap
from templates.writer import JinjaWriter
from tests.templates.build import letter, line, script


def own(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def word_both(overrides: Path) -> None:
    writer = JinjaWriter(overrides)
    writer.mail(letter())
    writer.task(script())


def refused(overrides: Path) -> str:
    """What is said of own templates when a mail and a task are worded with them."""
    with pytest.raises(ConfigurationError) as error:
        word_both(overrides)
    assert "\n" not in str(error.value)
    return str(error.value)


CHILD = '{% extends "packaged/renewal.j2" %}\n'


def test_one_passage_can_be_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    own(tmp_path, "en/renewal.j2", CHILD + "{% block action %}Get it now{% endblock %}")
    mail = JinjaWriter(tmp_path).mail(letter())
    ours = JinjaWriter().mail(letter())
    assert "Get it now:\nhttps://" in mail.text
    assert ">Get it now</a>" in mail.html
    assert mail.subject == ours.subject
    assert mail.text.replace("Get it now", "Renew now") == ours.text


def test_an_own_template_replaces_ours_whole(tmp_path: Path) -> None:
    own(tmp_path, "en/mail.txt.j2", "{{ say.headline }} {{ letter.action_url }}")
    mail = JinjaWriter(tmp_path).mail(letter())
    assert mail.text == "Only 7 days left: please renew now https://go.partner.example/r/abc.def\n"


def test_own_html_is_escaped_too(tmp_path: Path) -> None:
    own(tmp_path, "en/mail.html.j2", "<b>{{ order.name }}</b>")
    mail = JinjaWriter(tmp_path).mail(letter(line(common_name="<i>x</i>")))
    assert mail.html == "<b>&lt;i&gt;x&lt;/i&gt;</b>\n"


def test_own_words_join_ours(tmp_path: Path) -> None:
    own(tmp_path, "en/words.toml", '[labels]\norder_id = "Order number"')
    mail = JinjaWriter(tmp_path).mail(letter())
    assert "Order number: 11223344" in mail.text
    assert "Product: Secure Site OV" in mail.text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CHILD + "{% block action %}\n{{ oops }}{% endblock %}", "line 3: 'oops' is not known; there are"),
        (CHILD + "{% block action %}\n{{ order.oops }}{% endblock %}", "line 3: "),
        (CHILD + "{% block action %}{% if %}{% endblock %}", "line 2: "),
        (CHILD + "{% block action %}", "line 2: "),
        (CHILD + "{% block action %}{{ order.name|shout }}{% endblock %}", "line 2: No filter named 'shout'"),
        (
            CHILD + "{% block action %}{{ 1 // 0 }}{% endblock %}",
            "line 2: cannot be rendered (ZeroDivisionError)",
        ),
        (
            CHILD + "{% block action %}{{ count(1, 'week') }}{% endblock %}",
            "[counts] in words.toml has no 'week'",
        ),
        ('{% extends "nowhere.j2" %}', "there is no template nowhere.j2"),
        ('{% extends "../../secret.j2" %}', "there is no template ../../secret.j2"),
        ('{% extends "letter.j2" %}', "Required block 'subject' not found"),
        ("just text", "lacks the passage subject"),
    ],
)
def test_a_broken_template_is_told_with_file_and_line(tmp_path: Path, text: str, expected: str) -> None:
    path = own(tmp_path, "en/renewal.j2", text)
    said = refused(tmp_path)
    assert expected in said
    assert path.name in said


def test_an_unknown_fact_is_named(tmp_path: Path) -> None:
    path = own(tmp_path, "en/renewal.j2", CHILD + "{% block action %}{{ order.price }}{% endblock %}")
    assert refused(tmp_path).startswith(f"{path}, line 2: ")
    assert "price" in refused(tmp_path)


@pytest.mark.parametrize(
    "escape",
    [
        "{{ order.__class__ }}",
        "{{ order.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ count.__globals__ }}",
        "{{ order.name.format.__self__.__class__ }}",
        "{{ '{0.__class__}'.format(order) }}",
        "{{ label.__dict__ }}",
        "{{ letter['__class__'] }}",
        "{{ letter|attr('__class__') }}",
        "{{ phrase.__class__ }}",
        "{{ say.steps.append('x') }}",
        "{% set x = [] %}{{ x.append(1) }}",
    ],
)
def test_templates_stay_in_the_sandbox(tmp_path: Path, escape: str) -> None:
    start = '{% import "_phrases.j2" as phrase %}'
    path = own(tmp_path, "en/mail.txt.j2", start + escape)
    said = refused(tmp_path)
    assert said.startswith(f"{path}, line 1: ")


@pytest.mark.parametrize("name", ["range", "lipsum", "cycler", "namespace", "dict"])
def test_templates_get_no_more_names_than_they_need(tmp_path: Path, name: str) -> None:
    own(tmp_path, "en/mail.txt.j2", f"{{{{ {name} }}}}")
    assert f"'{name}' is not known" in refused(tmp_path)


def test_syntax_and_names_are_looked_at_on_opening(tmp_path: Path) -> None:
    own(tmp_path, "en/install_digest.j2", "{{ oops }}")
    with pytest.raises(ConfigurationError, match="line 1: 'oops' is not known"):
        JinjaWriter(tmp_path)


def test_check_words_everything(tmp_path: Path) -> None:
    JinjaWriter().check()
    own(
        tmp_path,
        "en/install_digest.j2",
        '{% extends "packaged/install_digest.j2" %}{% block action %}{{ order.oops }}{% endblock %}',
    )
    writer = JinjaWriter(tmp_path)
    assert writer.mail(letter()).subject
    with pytest.raises(ConfigurationError, match=r"install_digest\.j2, line 1: .*oops"):
        writer.check()


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    assert refused(tmp_path / "none").startswith(f"{tmp_path / 'none'}: is no folder")


def test_a_name_that_no_message_uses_is_told(tmp_path: Path) -> None:
    path = own(tmp_path, "en/renewl.j2", "x")
    assert refused(tmp_path).startswith(f"{path}: no message uses this name; the names are")


def test_a_template_outside_a_languages_folder_is_told(tmp_path: Path) -> None:
    path = own(tmp_path, "renewal.j2", "x")
    assert refused(tmp_path).startswith(f"{path}: must lie in a language's folder")


def test_a_template_in_a_wrong_encoding_is_told(tmp_path: Path) -> None:
    path = own(tmp_path, "en/renewal.j2", "")
    path.write_bytes("é".encode("latin-1"))
    assert refused(tmp_path).startswith(f"{path}: cannot be read")


def test_other_files_and_helpers_of_ones_own_are_let_be(tmp_path: Path) -> None:
    own(tmp_path, "README.md", "notes")
    own(tmp_path, "en/_mine.j2", "{% macro hello() %}Hi{% endmacro %}")
    own(
        tmp_path,
        "en/renewal.j2",
        CHILD + '{% import "_mine.j2" as mine %}{% block greeting %}{{ mine.hello() }}{% endblock %}',
    )
    assert "Hi" in JinjaWriter(tmp_path).mail(letter()).text.splitlines()


@pytest.mark.parametrize("language", ["fr", "FR", "fr-CA", "fr_ca", "fr-CA-x-y"])
def test_a_language_gives_what_it_has_and_english_the_rest(tmp_path: Path, language: str) -> None:
    own(tmp_path, "fr/words.toml", '[labels]\nproduct = "Produit"')
    own(tmp_path, "fr/renewal.j2", CHILD + "{% block action %}Renouveler{% endblock %}")
    mail = JinjaWriter(tmp_path).mail(letter(language=language))
    assert "Produit: Secure Site OV" in mail.text
    assert "Renouveler:" in mail.text
    assert "Order ID: 11223344" in mail.text
    assert '<html lang="fr">' in mail.html


def test_the_nearest_language_comes_first(tmp_path: Path) -> None:
    own(tmp_path, "pt/words.toml", '[labels]\nproduct = "Produto"\nissued = "Emissao"')
    own(tmp_path, "pt-BR/words.toml", '[labels]\nproduct = "Produto BR"')
    own(tmp_path, "en/words.toml", '[labels]\nproduct = "Thing"\nissued = "Issued"\nvalidity = "Term"')
    text = JinjaWriter(tmp_path).mail(letter(language="pt_BR")).text
    assert "Produto BR: " in text
    assert "Emissao: " in text
    assert "Term: " in text


@pytest.mark.parametrize("language", ["", "xx", "de-AT", "../../etc", "en-GB", "x" * 5000, "-".join("abcdefghijkl")])
def test_an_unknown_language_falls_back_to_english(language: str) -> None:
    writer = JinjaWriter()
    assert writer.mail(letter(language=language)) == writer.mail(letter(language="en"))
    assert writer.task(script(language=language)) == writer.task(script(language="en"))


def test_templates_are_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = JinjaWriter()
    writer.mail(letter())
    compiled: list[str] = []
    compile_template = Environment.compile

    def counted(self: Environment, *arguments: object, **more: object) -> object:
        compiled.append(str(arguments))
        return compile_template(self, *arguments, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Environment, "compile", counted)
    for _ in range(20):
        writer.mail(letter(language="en-GB"))
    assert compiled == []
    writer.mail(letter(clock=Clock.INSTALL))
    assert len(compiled) == 1


def test_several_threads_share_the_templates() -> None:
    writer = JinjaWriter()
    expected = JinjaWriter().mail(letter())
    found: list[bool] = []

    def work() -> None:
        found.extend(writer.mail(letter()) == expected for _ in range(10))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 40


def test_the_languages_are_the_folders(tmp_path: Path) -> None:
    own(tmp_path, "fr/words.toml", "")
    assert Library().languages == ("en",)
    assert Library(tmp_path).languages == ("en", "fr")


def test_wrap_keeps_long_words_whole_and_indents() -> None:
    link = "https://go.example/" + "a" * 100
    assert wrap(f"see {link} now", 20, "  ") == f"see\n  {link}\n  now"
    assert wrap("") == ""
    assert all(len(part) <= 20 for part in wrap("a bb ccc dddd " * 20, 20).splitlines())
