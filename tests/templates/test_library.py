"""The operator's own templates: they go before ours one by one, and a broken one is told before it can fail a send."""

import threading
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment
from mjml import mjml2html

from core.errors import ConfigurationError
from core.words import Block, Clock, LetterKind
from templates import layout, library
from templates.library import Library, wrap
from templates.samples import of_kind
from templates.writer import JinjaWriter
from tests.templates.build import flat, inner, letter, line, script

CHILD = '{% extends "packaged/mail_single.j2" %}\n'


def own(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def word_both(overrides: Path) -> None:
    writer = JinjaWriter(overrides)
    writer.mail(letter())
    writer.task(script())


def test_the_packaged_templates_would_pass_the_look_at_the_operators_own() -> None:
    environment = Library().shelf("en").environment
    for folder in library._PACKAGED:
        for path in folder.iterdir():
            if path.name.startswith("page"):  # of pages, which are given other names
                continue
            library._check_names(environment, path.read_text(encoding="utf-8"), path.name, path)


def refused(overrides: Path) -> str:
    """What is said of own templates when a mail and a task are worded with them."""
    with pytest.raises(ConfigurationError) as error:
        word_both(overrides)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_one_passage_can_be_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    own(tmp_path, "mail_single.j2", CHILD + "{% block action %}Get it now{% endblock %}")
    mail = JinjaWriter(tmp_path).mail(letter())
    ours = JinjaWriter().mail(letter())
    assert "Get it now:\nhttps://" in mail.text
    assert mail.subject == ours.subject
    assert mail.text.replace("Get it now", "Renew now") == ours.text
    assert mail.html.replace("Get it now", "Renew now") == ours.html


def test_a_template_in_a_languages_folder_is_for_that_language(tmp_path: Path) -> None:
    own(tmp_path, "it/mail_single.j2", CHILD + "{% block action %}Ora{% endblock %}")
    own(tmp_path, "zh_Hans/mail_single.j2", CHILD + "{% block action %}Now{% endblock %}")
    writer = JinjaWriter(tmp_path)
    assert "Ora:\n" in writer.mail(letter(language="it")).text
    assert "Now:\n" in writer.mail(letter(language="zh-CN")).text
    assert "Renew now:\n" in writer.mail(letter(language="en")).text


def test_a_languages_own_template_goes_before_one_for_all(tmp_path: Path) -> None:
    own(tmp_path, "mail_single.j2", CHILD + "{% block action %}All{% endblock %}")
    own(tmp_path, "fr/mail_single.j2", CHILD + "{% block action %}Mine{% endblock %}")
    writer = JinjaWriter(tmp_path)
    assert "Mine:\n" in writer.mail(letter(language="fr")).text
    assert "All:\n" in writer.mail(letter(language="en")).text


def test_an_own_template_replaces_ours_whole(tmp_path: Path) -> None:
    own(tmp_path, "mail.txt.j2", "{{ say.headline }} {{ letter.action_url }}")
    mail = JinjaWriter(tmp_path).mail(letter())
    assert mail.text == "7 days until expiration https://go.partner.example/r/abc.def\n"


def test_an_own_block_takes_the_place_of_ours_in_both_parts(tmp_path: Path) -> None:
    own(tmp_path, "block_offer.j2", "{{ mark }}offer.title\nOnly {{ offer.percent }} off\n")
    mail = JinjaWriter(tmp_path).mail(of_kind(LetterKind.SINGLE, "en", full=True))
    assert "* Only 20% off\n" in mail.text
    assert "Only 20% off</h2>" in mail.html
    assert "EARLY20" not in mail.text


def test_an_own_layout_of_a_block_takes_the_place_of_ours(tmp_path: Path) -> None:
    own(
        tmp_path,
        "block_offer.mjml",
        "<mj-raw>{% if say.offer %}</mj-raw><mj-section><mj-column><mj-text>[{{ say.offer.title }}]</mj-text>"
        "</mj-column></mj-section><mj-raw>{% endif %}</mj-raw>",
    )
    mail = JinjaWriter(tmp_path).mail(of_kind(LetterKind.SINGLE, "en", full=True))
    assert ">[Save 20% when you renew by 31 December 2026]<" in mail.html


def test_an_own_layout_is_escaped_too(tmp_path: Path) -> None:
    own(
        tmp_path,
        "mail.mjml",
        "<mjml><mj-body><mj-section><mj-column><mj-text>{{ order.name }}</mj-text></mj-column></mj-section></mj-body>"
        "</mjml>",
    )
    mail = JinjaWriter(tmp_path).mail(letter(line(common_name="<i>x</i>")))
    assert ">&lt;i&gt;x&lt;/i&gt;<" in mail.html


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CHILD + "{% block action %}\n{{ oops }}{% endblock %}", "line 3: 'oops' is not known; there are"),
        (CHILD + "{% block action %}\n{{ order.oops }}{% endblock %}", "line 3: "),
        (CHILD + "{% block action %}{% if %}{% endblock %}", "line 2: "),
        (CHILD + "{% block action %}", "line 2: "),
        (CHILD + "{% block action %}{{ order.name|shout }}{% endblock %}", "line 2: No filter named 'shout'"),
        (CHILD + "{% block action %}{{ 1 // 0 }}{% endblock %}", "line 2: cannot be rendered (ZeroDivisionError)"),
        (CHILD + "{% block action %}{{ _('%(a)s') }}{{ _('%(a)s', b=1) }}{% endblock %}", "line 2: a."),
        ('{% extends "nowhere.j2" %}', "there is no template nowhere.j2"),
        ('{% extends "../../secret.j2" %}', "there is no template ../../secret.j2"),
        ('{% extends "mail.j2" %}', "Required block 'subject' not found"),
        ("just text", "lacks the passage subject"),
        ("{{ mark }}verse\nx", "no layout knows the passage verse"),
    ],
)
def test_a_broken_template_is_told_with_file_and_line(tmp_path: Path, text: str, expected: str) -> None:
    path = own(tmp_path, "mail_single.j2", text)
    said = refused(tmp_path)
    assert expected in said
    assert path.name in said


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("mail.mjml", "<mjml><mj-body><mj-text></mj-body></mjml>", "mail.mjml: is no valid MJML"),
        ("block_offer.mjml", "<mj-section><mj-column></mj-section>", "mail.mjml: is no valid MJML"),
        ("mail.mjml", "<mjml><mj-body><mj-raw>{{ oops }}</mj-raw></mj-body></mjml>", "line 1: 'oops' is not known"),
        ("block_offer.mjml", "{% if %}", "block_offer.mjml, line 1"),
        ("mail.mjml", "<mjml><mj-body><mj-raw>{{ order.oops }}</mj-raw></mj-body></mjml>", "mail.mjml: "),
    ],
)
def test_a_broken_layout_is_told_with_its_file(tmp_path: Path, name: str, text: str, expected: str) -> None:
    own(tmp_path, name, text)
    assert expected in refused(tmp_path)


def test_a_passage_of_a_block_that_no_layout_knows_is_told(tmp_path: Path) -> None:
    own(tmp_path, "block_offer.j2", "{{ mark }}offer.verse\nx\n")
    writer = JinjaWriter(tmp_path)
    with pytest.raises(ConfigurationError, match=r"block_offer\.j2: no layout knows the passage offer\.verse"):
        writer.mail(of_kind(LetterKind.SINGLE, "en", full=True))


def test_a_broken_frame_of_a_task_is_told(tmp_path: Path) -> None:
    own(tmp_path, "task_call.j2", "no body")
    assert "task_call.j2: has no body" in refused(tmp_path)


@pytest.mark.parametrize(
    "escape",
    [
        "{{ order.__class__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ _.__globals__ }}",
        "{{ order.name.format.__self__.__class__ }}",
        "{{ '{0.__class__}'.format(order) }}",
        "{{ say.__dict__ }}",
        "{{ letter['__class__'] }}",
        "{{ letter|attr('__class__') }}",
        "{{ phrase.__class__ }}",
        "{{ say.signature.append('x') }}",
        "{% set x = [] %}{{ x.append(1) }}",
    ],
)
def test_templates_stay_in_the_sandbox(tmp_path: Path, escape: str) -> None:
    path = own(tmp_path, "mail.txt.j2", '{% import "phrases.j2" as phrase %}' + escape)
    assert refused(tmp_path).startswith(f"{path}, line 1: ")


@pytest.mark.parametrize("name", ["range", "lipsum", "cycler", "namespace", "dict"])
def test_templates_get_no_more_names_than_they_need(tmp_path: Path, name: str) -> None:
    own(tmp_path, "mail.txt.j2", f"{{{{ {name} }}}}")
    assert f"'{name}' is not known" in refused(tmp_path)


def test_syntax_and_names_are_looked_at_on_opening(tmp_path: Path) -> None:
    own(tmp_path, "ko/mail_install.j2", "{{ oops }}")
    with pytest.raises(ConfigurationError, match="line 1: 'oops' is not known"):
        JinjaWriter(tmp_path)


@pytest.mark.parametrize("name", ["mail_install.j2", "fr/mail_thank_you.j2", "block_seal.j2", "task_check.j2"])
def test_check_words_everything(tmp_path: Path, name: str) -> None:
    end = "{% block action %}{{ order.oops }}{% endblock %}"
    text = "{{ order.oops }}" if "mail_" not in name else f'{{% extends "packaged/{Path(name).name}" %}}{end}'
    own(tmp_path, name, text)
    writer = JinjaWriter(tmp_path)
    assert writer.mail(letter()).subject
    with pytest.raises(ConfigurationError, match=r"\.j2, line 1.*oops"):
        writer.check()


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    assert refused(tmp_path / "none").startswith(f"{tmp_path / 'none'}: is no folder")


def test_a_name_that_no_message_uses_is_told(tmp_path: Path) -> None:
    path = own(tmp_path, "mail_singel.j2", "x")
    assert refused(tmp_path).startswith(f"{path}: no message uses this name; the names are")


@pytest.mark.parametrize("name", ["de/mail_single.j2", "it/more/mail_single.j2"])
def test_a_template_in_a_strange_folder_is_told(tmp_path: Path, name: str) -> None:
    path = own(tmp_path, name, "x")
    assert refused(tmp_path).startswith(
        f"{path}: must lie in {tmp_path} itself or in a language's folder in it: en, it"
    )


def test_a_template_in_a_wrong_encoding_is_told(tmp_path: Path) -> None:
    path = own(tmp_path, "mail_single.j2", "")
    path.write_bytes("é".encode("latin-1"))
    assert refused(tmp_path).startswith(f"{path}: cannot be read")


def test_other_files_and_helpers_of_ones_own_are_let_be(tmp_path: Path) -> None:
    own(tmp_path, "README.md", "notes")
    own(tmp_path, "_mine.j2", "{% macro hello() %}Hi{% endmacro %}")
    own(
        tmp_path,
        "mail_single.j2",
        CHILD + '{% import "_mine.j2" as mine %}{% block greeting %}{{ mine.hello() }}{% endblock %}',
    )
    assert "Hi" in JinjaWriter(tmp_path).mail(letter()).text.splitlines()


def test_templates_are_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = JinjaWriter()
    writer.mail(letter())
    made: list[str] = []
    compile_template, to_html = Environment.compile, mjml2html

    def counted(self: Environment, *arguments: object, **more: object) -> object:
        made.append(str(arguments))
        return compile_template(self, *arguments, **more)  # type: ignore[call-overload]

    def converted(*arguments: Any, **more: Any) -> str:
        made.append("mjml")
        return to_html(*arguments, **more)

    monkeypatch.setattr(Environment, "compile", counted)
    monkeypatch.setattr(layout, "mjml2html", converted)
    for _ in range(20):
        writer.mail(letter(language="en-GB"))
    assert made == []
    writer.mail(letter(inner(7), clock=Clock.INSTALL))
    assert len(made) == 1


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


def test_a_shelf_is_kept_per_language_and_its_forms_per_country() -> None:
    library = Library()
    assert library.shelf("it") is library.shelf("it-CH")
    shelf = library.shelf("en")
    assert shelf.language("US") is shelf.language("US")
    assert shelf.language("US").day is not shelf.language("GB").day


def test_every_block_has_its_words_and_its_layout() -> None:
    folder = Path(layout.__file__).parent
    for block in Block:
        assert (folder / "words" / f"block_{block.value}.j2").is_file()
        assert f"block_{block.value}.mjml" in (folder / "layouts" / "mail.mjml").read_text(encoding="utf-8")
        assert (folder / "layouts" / f"block_{block.value}.mjml").is_file()


def test_wrap_keeps_long_words_whole_and_indents() -> None:
    link = "https://go.example/" + "a" * 100
    assert wrap(f"see {link} now", 20, "  ") == f"see\n  {link}\n  now"
    assert wrap("") == ""
    assert all(len(part) <= 20 for part in wrap("a bb ccc dddd " * 20, 20).splitlines())
    assert flat(wrap("a b c")) == "a b c"
