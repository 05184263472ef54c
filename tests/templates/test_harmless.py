import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError
from templates.harmless import both_spellings, mail_link, plain, tail, web_link


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("www.example.com", "www.example.com"),
        ("  two \t words\r\n ", "two words"),
        ("a\nBcc: x@example.com", "a Bcc: x@example.com"),
        ("evil\u202emoc.elpmaxe", "evilmoc.elpmaxe"),
        ("\u2066a\u2069\u200b\ufeffb\x00\x1e", "ab"),
        ("line\u2028para\u2029end", "line para end"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("party 🎉", "party 🎉"),
        ("", ""),
    ],
)
def test_foreign_text_becomes_one_printable_line(given_text: str, expected: str) -> None:
    assert plain(given_text) == expected


@given(st.text(max_size=400), st.integers(1, 60))
def test_plain_text_is_printable_short_and_stays_as_it_is(text: str, limit: int) -> None:
    found = plain(text, limit)
    assert found.isprintable()
    assert len(found) <= limit
    assert plain(found, limit) == found


def test_long_text_is_cut_with_a_mark() -> None:
    assert plain("a" * 300) == "a" * 199 + "…"


def test_of_a_long_name_the_end_remains() -> None:
    assert tail("x" * 300 + ".example.com", 20) == "…" + "xxxxxxx.example.com"
    assert len(tail("x" * 300, 20)) == 20
    assert tail("www.example.com", 20) == "www.example.com"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("www.example.com", ("www.example.com", "")),
        ("xn--bcher-kva.example", ("bücher.example", "xn--bcher-kva.example")),
        ("XN--BCHER-KVA.example", ("bücher.example", "XN--BCHER-KVA.example")),
        ("bücher.example", ("bücher.example", "xn--bcher-kva.example")),
        ("*.straße.example", ("*.straße.example", "*.xn--strae-oqa.example")),
        ("www.xn--3e0b707e", ("www.한국", "www.xn--3e0b707e")),
        ("xn--.example", ("xn--.example", "")),
        ("xn--99999999999.example", ("xn--99999999999.example", "")),
        ("xn--" + "a" * 300 + ".example", ("xn--" + "a" * 300 + ".example", "")),
        ("Jörg Müller", ("Jörg Müller", "")),
        ("", ""),
    ],
)
def test_internationalised_names_are_shown_in_both_spellings(name: str, expected: tuple[str, str] | str) -> None:
    assert both_spellings(name) == (expected or ("", ""))


@given(st.text(max_size=80))
def test_no_name_breaks_the_spellings(name: str) -> None:
    shown, sent = both_spellings(plain(name))
    assert shown.isprintable()
    assert sent.isprintable()
    assert shown != sent or not shown


@given(st.from_regex(r"xn--[a-z0-9-]{0,59}\.example", fullmatch=True))
def test_punycode_that_decodes_to_signs_stays_as_it_is(name: str) -> None:
    shown, _ = both_spellings(name)
    assert not set(shown) & set('<>"&/ @:\u202e')


@pytest.mark.parametrize("url", ["https://go.example/r/a.b-c_d?x=1&y=2#z", "http://localhost:5000/r/t"])
def test_web_links_stay_as_they_are(url: str) -> None:
    assert web_link(url) == url


def test_signs_that_could_leave_an_attribute_or_a_line_are_encoded() -> None:
    assert web_link('https://go.example/"><script>\n x') == "https://go.example/%22%3E%3Cscript%3E%20x"


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "//go.example/", "https://", "go.example", "https://[bad/"],
)
def test_other_links_are_refused_in_one_line(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"is no web address; set \[web\] public_url") as refused:
        web_link(url)
    assert "\n" not in str(refused.value)


def test_too_long_a_link_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="is no web address"):
        web_link("https://go.example/" + "a" * 2000)


def test_mail_links_take_an_address_or_a_link() -> None:
    assert mail_link("stop@example.com") == "mailto:stop@example.com"
    assert mail_link("mailto:stop@example.com?subject=stop") == "mailto:stop@example.com?subject=stop"
    assert mail_link("Partner Ltd <stop@example.com>") == "mailto:stop@example.com"
    assert mail_link("stop@example.com\r\n\u202e") == "mailto:stop@example.com"
    assert mail_link("") == mail_link("<>") == ""
    assert web_link("") == ""
