"""The catalogue of products, and what is made of products that it does not hold."""

import tomllib
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigurationError
from core.products import Catalogue, Product
from core.words import Level, ProductKind

PACKAGED = Catalogue.from_toml(tomllib.loads((files("config") / "products.toml").read_text("utf-8")))
ENTRY = {"name": "One", "kind": "tls", "level": "dv"}


def read(**changes: Any) -> Catalogue:
    return Catalogue.from_toml({"products": {"one": ENTRY | changes}})


def test_packaged_catalogue_has_the_products_of_every_kind() -> None:
    kinds = {product.kind for product in PACKAGED.products.values()}
    assert kinds == set(ProductKind)
    assert len(PACKAGED.products) > 40


def test_packaged_secure_site_products_carry_the_seal_and_no_others_do() -> None:
    sealed = {product.id for product in PACKAGED.products.values() if "seal" in product.features}
    assert sealed
    assert all("securesite" in product_id for product_id in sealed)
    assert all(one.id in sealed for one in PACKAGED.products.values() if "securesite" in one.id)


@pytest.mark.parametrize("product_id", sorted(PACKAGED.products))
def test_the_words_of_an_id_tell_the_same_as_the_catalogue(product_id: str) -> None:
    known = PACKAGED.products[product_id]
    guessed = Catalogue().classify(product_id)
    assert (guessed.kind, guessed.level) == (known.kind, known.level)


def test_known_product_is_found_whatever_its_letters() -> None:
    product = PACKAGED.find(" SSL_SecureSite_Flex ")
    assert product is not None
    assert product.name == "Secure Site OV"
    assert PACKAGED.classify("SSL_SECURESITE_FLEX", "client_certificate") is product


def test_unknown_product_is_not_found() -> None:
    assert PACKAGED.find("ssl_of_tomorrow") is None


@pytest.mark.parametrize(
    ("product_id", "product_type", "name", "kind", "level"),
    [
        ("ssl_dv_tomorrow", "", "", ProductKind.TLS, Level.DV),
        ("ssl_ev_tomorrow", "", "", ProductKind.TLS, Level.EV),
        ("ssl_tomorrow", "", "", ProductKind.TLS, Level.OV),
        ("wildcard_tomorrow", "", "", ProductKind.TLS, Level.OV),
        ("", "dv_ssl_certificate", "", ProductKind.TLS, Level.DV),
        ("", "ssl_certificate", "Extended Validation SSL", ProductKind.TLS, Level.EV),
        ("", "", "Domain Validated Certificate", ProductKind.TLS, Level.DV),
        ("", "", "RapidSSL Standard", ProductKind.TLS, Level.DV),
        ("x1", "code_signing_certificate", "", ProductKind.CODE_SIGNING, None),
        ("x1", "", "EV Code Signing (Kernel)", ProductKind.CODE_SIGNING, None),
        ("x1", "", "S/MIME Personal", ProductKind.SMIME, None),
        ("x1", "", "Secure E-Mail", ProductKind.SMIME, None),
        ("x1", "client_certificate", "", ProductKind.SMIME, None),
        ("x1", "private_ssl_certificate", "Private SSL Plus", ProductKind.PRIVATE, None),
        ("ssl_plus", "private_ssl_certificate", "", ProductKind.PRIVATE, None),
        ("x1", "", "Document Signing (500)", ProductKind.OTHER, None),
        ("x1", "", "Verified Mark Certificate", ProductKind.OTHER, None),
        ("x1", "", "Something", ProductKind.OTHER, None),
        ("", "", "", ProductKind.OTHER, None),
    ],
)
def test_unknown_product_is_told_by_its_words(
    product_id: str, product_type: str, name: str, kind: ProductKind, level: Level | None
) -> None:
    product = Catalogue().classify(product_id, product_type, name)
    assert (product.kind, product.level) == (kind, level)


def test_unknown_product_is_called_by_its_name_else_its_id() -> None:
    assert Catalogue().classify("ssl_x", "", "X Certificate").name == "X Certificate"
    assert Catalogue().classify("ssl_x").name == "ssl_x"


@given(st.text(max_size=40), st.text(max_size=40), st.text(max_size=40))
def test_every_product_is_classed_and_only_tls_has_a_level(product_id: str, product_type: str, name: str) -> None:
    product = PACKAGED.classify(product_id, product_type, name)
    assert (product.level is not None) == (product.kind is ProductKind.TLS)


def test_entry_is_read_whole() -> None:
    found = read(brand="Brand", features=["seal", "wildcard"]).find("one")
    assert found == Product("one", "One", ProductKind.TLS, Level.DV, "Brand", frozenset({"seal", "wildcard"}))


def test_empty_catalogue_is_allowed() -> None:
    assert Catalogue.from_toml({}) == Catalogue()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"product": {}}, "product is not a setting"),
        ({"products": []}, "products must be a table"),
        ({"products": {"one": 1}}, "products.one must be a table"),
        ({"products": {"one": ENTRY | {"color": 1}}}, "products.one.color is not a setting"),
        ({"products": {"one": ENTRY | {"kind": "ssl"}}}, "products.one.kind must be one of tls"),
        ({"products": {"one": {"name": "One"}}}, "products.one.kind must be one of"),
        ({"products": {"one": ENTRY | {"level": "xv"}}}, "products.one.level must be one of dv"),
        ({"products": {"one": {"name": "One", "kind": "tls"}}}, "must have a level"),
        ({"products": {"one": ENTRY | {"kind": "smime"}}}, "none otherwise"),
        ({"products": {"one": ENTRY | {"name": " "}}}, "products.one.name must be a text"),
        ({"products": {"one": ENTRY | {"features": "seal"}}}, "products.one.features must be a list"),
        ({"products": {"one": ENTRY | {"features": [1]}}}, "products.one.features must be a list"),
        ({"products": {"one": ENTRY | {"brand": 3}}}, "products.one.brand must be a text"),
    ],
)
def test_faults_are_told_in_one_line_with_their_key(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Catalogue.from_toml(table)
    assert said in str(error.value)
    assert str(error.value).startswith("products.toml: ")
    assert "\n" not in str(error.value)
