"""What the settings make of messages: brand, languages, offers, advice, blocks, consoles."""

from datetime import date
from pathlib import Path

import pytest

from config.brand import brand_of, messages_of
from config.settings import Settings, load
from core.advice import Terms
from core.errors import ConfigurationError
from core.languages import LANGUAGES
from core.messages import Colours, Link, Picture
from core.words import Block, Clock, Urgency
from templates.theme import WHITE, contrast


def settings(folder: Path, nolapse: str = "", **files: str) -> Settings:
    for name, text in {"nolapse": nolapse, **files}.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return load(folder / "nolapse.toml", {})


def refused(folder: Path, nolapse: str = "", **files: str) -> str:
    def all_of_it() -> None:
        found = settings(folder, nolapse, **files)
        brand_of(found)
        messages_of(found)

    with pytest.raises(ConfigurationError) as error:
        all_of_it()
    assert "\n" not in str(error.value)
    return str(error.value)


def test_without_a_word_the_packaged_files_hold(tmp_path: Path) -> None:
    found = settings(tmp_path)
    rules = messages_of(found)
    assert rules.offers.rules == {}
    assert (rules.advice.orderable, rules.advice.years, rules.advice.orders_on_one_domain) == ((), 1, 3)
    assert rules.advice.competitors["sectigo"] == "Sectigo"
    assert rules.switches.blocks[Block.BROWSER_WARNING].within_days == 14
    assert rules.switches.blocks.keys() == set(Block)
    assert (brand_of(found).console_name, rules.console) == ("CertCentral", "certcentral")
    assert brand_of(found).console_url == "https://www.digicert.com/account/"


@pytest.mark.parametrize("clock", list(Clock))
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_consoles_that_come_along_have_every_step_in_every_language(
    tmp_path: Path, clock: Clock, language: str
) -> None:
    console = settings(tmp_path).consoles.consoles["certcentral"]
    single, several = (console.steps(clock, language, order_id) for order_id in ("4711", ""))
    assert len(single) == len(several) == 3
    assert sum("4711" in step.text for step in single) == 1
    assert not any("4711" in step.text or "{" in step.text for step in several)
    assert sum(one != other for one, other in zip(single, several, strict=True)) == 1
    assert "CertCentral" in single[0].text


def test_an_offer_is_read_with_its_codes(tmp_path: Path) -> None:
    (tmp_path / "codes.txt").write_text("ONE\n\n TWO \nONE\n", encoding="utf-8")
    text = """
[early]
percent = 15
codes_file = "codes.txt"
products = ["SSL_Plus"]
segments = ["SMB"]
valid_until = 2027-12-31
budget = 500
conditions.en = "Once only."
"""
    rule = settings(tmp_path, offers=text).offers.rules["early"]
    assert (rule.percent, rule.codes, rule.budget, rule.until_days_before) == (15, ("ONE", "TWO"), 500, 30)
    assert (rule.products, rule.segments) == (frozenset({"ssl_plus"}), frozenset({"smb"}))
    assert (rule.valid_until, rule.conditions) == (date(2027, 12, 31), {"en": "Once only."})


def test_a_table_of_ones_own_stands_in_for_the_packaged_one_of_its_name(tmp_path: Path) -> None:
    found = settings(
        tmp_path, blocks='[seal]\non = false\n\n[offer]\nproducts = ["SSL_PLUS"]\nurgencies = ["notice"]\n'
    )
    switches = found.switches.blocks
    assert switches[Block.SEAL].on is False
    assert switches[Block.OFFER].products == {"ssl_plus"}
    assert switches[Block.OFFER].urgencies == {Urgency.NOTICE}
    assert switches[Block.BENEFITS].urgencies == {Urgency.NOTICE, Urgency.REMINDER, Urgency.WARNING}


def test_what_an_account_can_order_is_read_by_its_key(tmp_path: Path) -> None:
    own = '[advice.accounts."digicert:organisation:1"]\norderable = ["b"]\nyears = 3\n'
    text = f'[advice]\norderable = ["a"]\nyears = 2\n{own}'
    advice = settings(tmp_path, products=text).advice
    assert (advice.terms("other"), advice.terms("digicert:organisation:1")) == (Terms(("a",), 2), Terms(("b",), 3))


def test_the_brand_has_its_own_looks_words_and_links(tmp_path: Path) -> None:
    text = """
[brand]
company = "Nordlicht"
console_name = "the Nordlicht console"
console_url = "https://console.nordlicht.example/"
logo_url = "https://nordlicht.example/logo.png"
logo_alt = "Nordlicht"
accent = "#1F5a8a"
seal_url = "https://nordlicht.example/seal.png"
seal_alt = "The seal"
legal_footer = { en = "In English", it = "In italiano" }
links = [{ label = "Site", url = "https://nordlicht.example/" }, { label = { it = "Privacy" }, url = "https://n.example/" }]
"""
    found = settings(tmp_path, text)
    brand, rules = brand_of(found), messages_of(found)
    assert (brand.console_name, brand.console_url) == ("the Nordlicht console", "https://console.nordlicht.example/")
    assert brand.logo == Picture("https://nordlicht.example/logo.png", "Nordlicht")
    assert brand.colours == Colours(accent="#1F5a8a")
    assert rules.seal == Picture("https://nordlicht.example/seal.png", "The seal")
    assert rules.legal_footer == {"en": "In English", "it": "In italiano"}
    assert rules.links == (
        {"": Link("Site", "https://nordlicht.example/")},
        {"it": Link("Privacy", "https://n.example/")},
    )


def test_languages_by_country_and_default(tmp_path: Path) -> None:
    rules = messages_of(settings(tmp_path, '[language]\ndefault = "it"\nreps = "fr"\ncountries = { be = "fr" }\n'))
    assert rules.languages.choose(country="BE") == "fr"
    assert rules.languages.choose(country="DE") == "it"
    assert rules.rep_language == "fr"


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("nolapse", '[language]\ndefault = "de"\n', "[language] default: de is not a language of the messages; known"),
        ("nolapse", '[language]\ncountries = { DE = "de" }\n', "[language] countries.DE: de is not a language"),
        ("nolapse", '[brand]\naccent = "blue"\n', "[brand] accent: string should match pattern"),
        ("nolapse", '[brand]\nlogo_url = "http://x.example/a.png"\n', "[brand] logo_url: string should match"),
        ("nolapse", '[brand]\nlogo_url = "https://x.example/a.png"\n', "[brand] logo_alt is empty"),
        ("nolapse", '[brand]\nseal_url = "https://x.example/a.png"\n', "[brand] seal_alt is empty"),
        ("nolapse", '[brand]\nconsole = "mine"\n', "[brand] console: mine is not in consoles.toml; known are certcentral"),
        ("nolapse", '[brand]\nlinks = [{ label = "a", href = "b" }]\n', "links.1.href is not a setting"),
        ("offers", "[early]\npercent = 200\n", "offers.toml: early: percent must be from 1 to 100"),
        ("offers", "[early]\npercentage = 20\n", "offers.toml: early.percentage is not a setting; known are percent,"),
        ("offers", "[early]\npercent = 5\nvalid_until = 'soon'\n", "offers.toml: early.valid_until: "),
        ("offers", '[early]\npercent = 5\ncodes = ["A"]\n', "early.codes: codes stand in a file"),
        ("offers", '[early]\npercent = 5\ncodes_file = "no.txt"\n', "early.codes_file: the file cannot be read"),
        ("blocks", "[browser_warning]\nwithin_days = 30\n", "browser_warning.within_days must not be above 14"),
        ("blocks", "[sael]\non = true\n", "blocks.toml: sael"),
        ("products", "[advice]\nyears = 9\n", "products.toml: advice: years must be from 1 to 6"),
        ("products", "[advice]\norderables = []\n", "products.toml: advice: orderables is not a setting"),
        ("products", "advice = 3\n", "products.toml: advice must be a table"),
        ("consoles", '[mine]\nname = "a"\nurl = "b"\nnext = "c"\n', "consoles.toml: mine.next: c is not in this file"),
        ("consoles", '[mine]\nname = "a"\nurl = "b"\n[[mine.renewal]]\ntext.en = "{order}"\n', "needs several.en"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_in_one_line(tmp_path: Path, file: str, text: str, told: str) -> None:
    assert told in refused(tmp_path, **{file: text})


def test_an_empty_file_of_codes_is_refused(tmp_path: Path) -> None:
    (tmp_path / "codes.txt").write_text("\n", encoding="utf-8")
    assert "the file holds no code" in refused(tmp_path, offers='[early]\npercent = 5\ncodes_file = "codes.txt"\n')


@pytest.mark.parametrize(
    ("colour", "least", "most"),
    [("#000000", 21, 21), ("#ffffff", 1, 1), ("#1f5a8a", 7, 7.4), ("#ff8800", 2, 2.6)],
)
def test_contrast_is_that_of_the_guidelines(colour: str, least: float, most: float) -> None:
    assert least <= round(contrast(colour, WHITE), 2) <= most
