"""consent.toml, prices.toml and brands.toml: what they set, and what is refused."""

from decimal import Decimal
from pathlib import Path

import pytest

from config.assembly import application
from config.brand import brands_of
from config.settings import Settings, load
from core.consent import Basis
from core.errors import ConfigurationError
from core.messages import Colours, Link


def settings(folder: Path, **files: str) -> Settings:
    for name, text in {"nolapse": "", **files}.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return load(folder / "nolapse.toml", {})


def test_an_own_table_stands_in_for_the_packaged_one(tmp_path: Path) -> None:
    rules = settings(
        tmp_path, consent='[DE]\nmail = ["legitimate_interest"]\nlabel = { "" = "Ad", en = "AD" }\n'
    ).consent
    assert rules.of("DE").mail == {Basis.LEGITIMATE_INTEREST}
    assert (rules.of("DE").proof, rules.of("DE").sources) == (True, ())
    assert rules.of("KR").label == "(광고)"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[DE]\nmails = ["consent"]', "consent.toml: DE.mails is not a setting"),
        ('[DE]\nmail = ["hope"]', "consent.toml: DE.mail"),
        ('[mine]\nmail = ["consent"]', "consent.toml: mine: names no country"),
        ('[mine]\ncountries = ["BE"]', "consent.toml: mine.countries: BE stands in eu too"),
        ('[DE]\nlabel = { de = "Anzeige" }', "consent.toml: DE.label: de is not a language"),
        ("[DE]\nexpires_days = { customer = 0 }", "consent.toml: DE: expires_days.customer must be 1 or more"),
    ],
)
def test_consent_that_cannot_be_meant(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        settings(tmp_path, consent=text)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


def test_price_lists(tmp_path: Path) -> None:
    prices = settings(
        tmp_path,
        prices="""
        [Wholesale]
        currency = "EUR"
        note = { en = "plus VAT" }
        prices = [{ product = "ssl_plus", price = "310.50", valid_from = 2026-01-01, term_days = 365 }]
        """,
    ).prices
    found = prices.of("wholesale")
    assert found is not None
    assert (found.prices[0].price, found.note) == (Decimal("310.50"), {"en": "plus VAT"})
    assert prices.of("") is None


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[default]\ncurrency = "euro"', "prices.toml: default: currency must be three capital letters"),
        ('[default]\nprices = []', "prices.toml: default.currency"),
        ('[default]\ncurrency = "EUR"\nprices = [{ product = "x", price = "cheap", valid_from = 2026-01-01 }]',
         "prices.toml: default.prices.0.price"),
        ('[default]\ncurrency = "EUR"\nprices = [{ product = "x", price = "1" }]',
         "prices.toml: default.prices.0.valid_from"),
        ('[default]\ncurrency = "EUR"\nnote = { de = "netto" }', "prices.toml: default.note: de is not a language"),
    ],
)  # fmt: skip
def test_prices_that_cannot_be_meant(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        settings(tmp_path, prices=text)
    assert told in str(error.value)


def test_a_further_brand_says_only_what_is_other(tmp_path: Path) -> None:
    found = settings(
        tmp_path,
        nolapse='[brand]\ncompany = "Nord"\nsender = "a@nord.example"\naccent = "#111111"\nlegal_footer = "Nord GmbH"\n',
        brands="""
        [Hanse]
        company = "Hanse"
        link_colour = "#222222"
        links = [{ label = "Help", url = "https://h.example" }]
        """,
    )
    hanse = brands_of(found)["hanse"]
    assert (hanse.brand.company, hanse.brand.sender) == ("Hanse", "a@nord.example")
    assert hanse.brand.colours == Colours("#111111", "#222222")
    assert (hanse.legal_footer, hanse.links) == ({"": "Nord GmbH"}, ({"": Link("Help", "https://h.example")},))
    with application(found) as app:
        assert app.policy.brands["hanse"] == hanse
        assert app.policy.consent is found.consent
        assert app.policy.prices is found.prices


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[hanse]\ncolour = "red"', "brands.toml: hanse.colour is not a setting"),
        ('[hanse]\nlogo_url = "https://h.example/logo.png"', "brands.toml: hanse.logo_alt is empty"),
    ],
)
def test_brands_that_cannot_be_meant(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        brands_of(settings(tmp_path, brands=text))
