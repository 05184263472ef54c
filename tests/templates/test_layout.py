"""The HTML of mails: fit for mail programs, small screens, dark mode, images off, weak eyes."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.languages import LANGUAGES
from core.messages import Colours, Picture
from core.words import Block, LetterKind, Urgency
from templates.layout import to_html
from templates.samples import BRAND, of_kind, with_all_parts
from templates.theme import COLOURS, INK, WHITE, contrast, theme
from templates.writer import JinjaWriter
from tests.templates.build import seen
from tests.templates.page import Page

WRITER = JinjaWriter()
MOST_BYTES = 100 * 1024  # Gmail cuts what is longer


def page(kind: LetterKind, language: str = "en", urgency: Urgency = Urgency.WARNING, count: int = 1) -> str:
    return WRITER.mail(of_kind(kind, language, urgency, count=count, full=True)).html


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_digest_of_25_orders_with_all_parts_is_not_cut(language: str) -> None:
    given = with_all_parts(of_kind(LetterKind.DIGEST, language, count=25))
    worded = WRITER.mail(given)
    assert len(worded.html.encode()) < MOST_BYTES
    for one in given.lines:
        assert one.order_id in worded.text


@pytest.mark.parametrize("kind", LetterKind)
def test_a_page_is_well_formed_and_plain(kind: LetterKind) -> None:
    for language in LANGUAGES:
        html = page(kind, language, count=3)
        found = Page.read(html)
        assert html.startswith("<!doctype html>")
        assert found.language == language
        assert not {"script", "iframe", "form", "link", "svg", "video", "object"} & set(found.tags)
        assert not {name for name in found.attributes if name.startswith("on")}
        assert not re.search(r"url\(|@import|https?://fonts", html)
        assert found.tags.count("h1") == 1
        assert "h2" in found.tags
        assert '<meta name="viewport"' in html


@pytest.mark.parametrize("kind", LetterKind)
def test_tables_lay_out_and_styles_stand_in_place(kind: LetterKind) -> None:
    found = Page.read(page(kind))
    facts = [role for role, _ in found.roles if role != "presentation"]
    assert len(found.roles) > 10
    assert len(facts) <= 3  # the orders, the steps
    # Programs that drop the styles of the head lose nothing: every band, card and text has its own in place.
    coloured = [style for style in found.styles if "background-color" in style]
    assert len(coloured) > 10
    assert sum("font-size" in style for style in found.styles) > 20


@pytest.mark.parametrize("kind", LetterKind)
@pytest.mark.parametrize("urgency", list(Urgency)[:4])
def test_every_text_can_be_read_on_its_background(kind: LetterKind, urgency: Urgency) -> None:
    for count in (1, 3):
        found = Page.read(page(kind, urgency=urgency, count=count))
        assert len(found.words) > 20
        for words in found.words:
            assert words.contrast >= words.needed, words


@pytest.mark.parametrize("accent", ["#004d40", "#ffd400", "#ffffff", "#000000", "#e91e63"])
def test_a_brand_of_any_colour_leaves_text_to_be_read(accent: str) -> None:
    given = of_kind(LetterKind.SINGLE, "en", Urgency.NOTICE, full=True)
    brand = replace(BRAND, colours=Colours(accent=accent, link=accent, background="#f5f5f5"))
    for words in Page.read(WRITER.mail(replace(given, brand=brand)).html).words:
        assert words.contrast >= words.needed, words


@pytest.mark.parametrize("tone", COLOURS)
def test_each_tone_can_be_read_and_rises(tone: str) -> None:
    step = COLOURS[tone]
    assert contrast(step.on_hero, step.hero) >= 4.5
    assert contrast(WHITE, step.strong) >= 4.5


def test_the_bands_darken_as_urgency_rises() -> None:
    rising = [contrast(WHITE, COLOURS[urgency.value].hero) for urgency in Urgency]
    assert rising[0] < rising[2] < rising[4]
    assert rising[1] < rising[2]
    assert len({COLOURS[urgency.value].hero for urgency in Urgency}) == 5


def test_a_pressing_mail_keeps_the_colour_of_its_urgency() -> None:
    assert theme("notice", Colours(accent="#004d40")).button == "#004d40"
    assert theme("critical", Colours(accent="#004d40")).button == COLOURS["critical"].strong
    assert theme("critical", Colours(accent="#004d40")).brand == "#004d40"


def test_a_link_too_pale_is_drawn_darker() -> None:
    assert theme("notice", Colours(link="#ffff00")).link == "#1f5a8a"
    assert theme("notice", Colours(link="#ffff00", background="#202020")).link == INK
    assert theme("notice", Colours(link="#004d40")).link == "#004d40"


@pytest.mark.parametrize("colour", ["red", "#fff", "#gggggg", "1f5a8a0"])
def test_what_is_no_colour_is_refused(colour: str) -> None:
    with pytest.raises(ConfigurationError, match="is no colour; write it as #rrggbb"):
        theme("notice", Colours(link=colour))


def test_dark_mode_sets_text_and_background_together() -> None:
    html = page(LetterKind.SINGLE)
    dark = html[html.index("@media (prefers-color-scheme: dark)") :]
    dark = dark[: dark.index("</style>")]
    assert '<meta name="color-scheme" content="light dark"' in html
    grounds = dict(re.findall(r"([^{}]*)\{ background-color: (#\w{6})", dark))
    inks = re.findall(r"[^{}]*\{ color: (#\w{6})", dark)
    assert len(grounds) == 4
    assert len(inks) >= 4
    for ink in inks:
        for ground in grounds.values():
            if ground != COLOURS["warning"].strong:
                assert contrast(ink, ground) >= 4.5 or ink == WHITE
    assert contrast(WHITE, COLOURS["warning"].strong) >= 4.5


def test_nothing_is_wider_than_a_small_screen() -> None:
    for kind in (LetterKind.SINGLE, LetterKind.DIGEST):
        html = re.sub(r"<!--\[if mso.*?<!\[endif\]-->", "", page(kind, count=3), flags=re.DOTALL)
        for style in Page.read(html).styles:
            width = style.get("width", "")
            if width.endswith("px"):
                assert float(width[:-2]) <= 280 or style.get("max-width")
            assert "min-width" not in style
        assert "@media only screen and (max-width: 480px)" in html


def test_a_mail_without_its_pictures_says_all() -> None:
    given = with_all_parts(of_kind(LetterKind.SINGLE, "en"))
    assert given.seal is not None
    seal = replace(given.seal, picture=Picture("https://pictures.example/seal.png", "The seal"))
    logo = Picture("https://pictures.example/logo.png", "Example Certificates")
    found = Page.read(WRITER.mail(replace(given, seal=seal, brand=replace(BRAND, logo=logo))).html)
    assert [image["alt"] for image in found.images] == ["Example Certificates", "The seal"]
    assert all(image["src"].startswith("https://") for image in found.images)
    assert Page.read(WRITER.mail(given).html).images == []


def test_the_browser_warning_is_drawn_without_pictures() -> None:
    given = replace(with_all_parts(of_kind(LetterKind.SINGLE, "en")), blocks=frozenset({Block.BROWSER_WARNING}))
    html = WRITER.mail(given).html
    assert "img" not in Page.read(html).tags
    shown = seen(html)
    for browser, words in (
        ("Chrome", "Your connection is not private"),
        ("Firefox", "Warning: Security Risk"),
        ("Safari", "This Connection Is Not Private"),
    ):
        assert re.search(rf"{browser}\s+⚠ https://www\.example\.com {words}", shown)
    assert "NET::ERR_CERT_DATE_INVALID" in shown
    assert "SEC_ERROR_EXPIRED_CERTIFICATE" in shown


def test_mjml_is_made_into_html_with_its_jinja_unharmed() -> None:
    source = (
        '<mjml><mj-body><mj-raw>{% if a == "b" %}</mj-raw><mj-section background-color="{{ c }}"><mj-column>'
        '<mj-include path="more.mjml" /></mj-column></mj-section><mj-raw>{% endif %}</mj-raw></mj-body></mjml>'
    )
    html = to_html(source, Path("mail.mjml"), lambda name: "<mj-text>{{ name | upper }}</mj-text>")
    assert '{% if a == "b" %}' in html
    assert "background-color:{{ c }}" in html
    assert "{{ name | upper }}" in html


def test_broken_mjml_is_told_with_its_file() -> None:
    with pytest.raises(ConfigurationError, match=r"mail\.mjml: is no valid MJML: "):
        to_html("<mjml><mj-body><mj-text></mj-body></mjml>", Path("mail.mjml"), str)
