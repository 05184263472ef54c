"""What countries, price lists and resellers add to mails: label, footer, price, the customer's name."""

from dataclasses import replace

import pytest

from core.languages import LANGUAGES
from core.messages import Brand
from core.money import Money
from core.words import Nature
from templates.writer import JinjaWriter
from tests.templates.build import BRAND, letter, line

PRICED = {"price": Money(39_900, "EUR"), "price_note": "plus VAT"}


@pytest.fixture(scope="module")
def writer() -> JinjaWriter:
    return JinjaWriter()


def test_a_label_stands_before_the_subject(writer: JinjaWriter) -> None:
    plain, labelled = (writer.mail(letter(label=label)) for label in ("", "(광고)"))
    assert labelled.subject == f"(광고) {plain.subject}"
    assert "(광고)" not in plain.html


def test_a_countrys_footer_stands_at_the_foot_of_both_parts(writer: JinjaWriter) -> None:
    brand: Brand = replace(BRAND, legal_footer="Own words.\nThis message holds advertising.")
    mail = writer.mail(letter(brand=brand))
    assert "Own words. This message holds advertising." in mail.text
    assert "Own words. This message holds advertising." in mail.html


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", [1, 2])
def test_a_price_and_a_customer_are_told_in_every_language(writer: JinjaWriter, language: str, count: int) -> None:
    lines = tuple(line(7 + number, account_name="Larch GmbH", **PRICED) for number in range(count))
    mail = writer.mail(letter(lines=lines, account_name="Reseller Ltd", language=language))
    for part in (mail.text, mail.html):
        assert part.count("plus VAT") == part.count("Larch GmbH") == count
        assert part.count("399") >= count


def test_without_them_nothing_is_said(writer: JinjaWriter) -> None:
    mail = writer.mail(letter(lines=(line(7, account_name="Acme"),), account_name="Acme", nature=Nature.SERVICE))
    assert "Renewal price" not in mail.text
    assert "Customer:" not in mail.text
    assert "399" not in mail.text + mail.html
