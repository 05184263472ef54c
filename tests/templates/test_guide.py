"""The two sample mails of the CA's partner guide, in content, in all languages, with what is true today."""

import re
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from core.languages import LANGUAGES
from core.messages import Advice, ConsoleEnd, Letter, NoDaysLost, Offer, Step
from core.words import AdviceKind, Benefit, Block, LetterKind, Nature, Urgency
from templates.catalogues import read_catalogue
from templates.language import Language, language
from templates.writer import JinjaWriter
from tests.templates.build import NOW, flat, letter, line, seen
from tests.templates.page import Page

WRITER = JinjaWriter()


def single(code: str, *, carried_over: bool) -> Letter:
    """«60 days until expiration. Renew early»: one order, automation, «save up to 20 % when you …»."""
    ends_on = NOW.date() + timedelta(days=60)
    return letter(
        line(60, product_name="DigiCert EV SSL", order_id="1234567", urgency=Urgency.NOTICE),
        urgency=Urgency.NOTICE,
        nature=Nature.COMMERCIAL,
        language=code,
        carried_over=carried_over,
        paid_days_lost=0 if carried_over else 60,
        blocks=frozenset({Block.OFFER, Block.AUTOMATION, Block.UPSELL, Block.NO_DAYS_LOST}),
        offer=Offer("early", 20, date(2026, 12, 31), NOW.replace(month=12, day=31)),
        advice=(
            Advice(AdviceKind.HIGHER_BRAND, product_name="Secure Site Pro", gains=(Benefit.MALWARE_SCAN,)),
            Advice(AdviceKind.MULTI_YEAR, years=3),
            Advice(AdviceKind.CONSOLIDATE, issuers=("Sectigo",), count=2),
            Advice(AdviceKind.AUTOMATE, count=1, days=100, from_on=date(2027, 3, 15)),
        ),
        no_days_lost=NoDaysLost(NOW.date(), ends_on, 60, 365, ends_on + timedelta(days=365)) if carried_over else None,
    )


def digest(code: str) -> Letter:
    """«Account notification. Your certificate expires in 7 days»: a table, the console's end, three steps."""
    return letter(
        line(7, order_id="1234567"),
        line(9, order_id="7654321", common_name="shop.acme.example"),
        urgency=Urgency.WARNING,
        language=code,
        blocks=frozenset({Block.CONSOLE_END}),
        console_end=ConsoleEnd("Old Console", date(2027, 6, 30), "CertCentral", "https://www.digicert.com/account/"),
        steps=(Step("CertCentral"), Step("Renew Now"), Step("CSR")),
    )


def both(given: Letter) -> tuple[str, str]:
    worded = WRITER.mail(given)
    return flat(worded.text), seen(worded.html)


def of(code: str) -> Language:
    return language(read_catalogue(code))


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_single_mail_60_days_before(code: str) -> None:
    spoken = of(code)
    say, many = spoken.catalogue.gettext, spoken.catalogue.ngettext
    given = single(code, carried_over=True)
    assert given.kind is LetterKind.SINGLE
    for part in both(given):
        for words in (
            many("%(num)s day until expiration", "%(num)s days until expiration", 60),
            say("Renew early, without any rush."),
            say("Renew early: you won't lose a day"),
            "1234567",
            "DigiCert EV SSL",
            spoken.day(date(2026, 6, 15)),
            spoken.day(date(2027, 1, 30)),
            say("Dear %(person)s,", person="Anna Muster"),
            say(
                "We strongly recommend you take a few minutes now to renew your certificate and avoid a possible "
                "security lapse."
            ),
            say("Renew now"),
            say("Use %(console)s to automate future renewals", console="Partner Console"),
            say("Save %(percent)s when you renew by %(date)s", percent=spoken.percent(20),
                date=spoken.day(date(2026, 12, 31))),
            say("Upgrade to %(product)s", product="Secure Site Pro"),
            say("Choose a multi-year plan"),
            say("Bring all certificates together"),
            "425",  # 365 + 60, to the day
        ):  # fmt: skip
            assert flat(words) in part, words


@pytest.mark.parametrize("code", LANGUAGES)
def test_where_the_rest_is_not_carried_over_the_same_mail_asks_to_plan(code: str) -> None:
    spoken = of(code)
    for part in both(single(code, carried_over=False)):
        assert flat(spoken.catalogue.gettext("Now is the time to plan the renewal.")) in part
        assert spoken.catalogue.gettext("Renew early: you won't lose a day") not in part
        assert spoken.catalogue.gettext("Renew now") not in part.replace("Renew Now", "")
        assert "425" not in part
        assert re.search(r"\b60\b|60", part)


@pytest.mark.parametrize("code", LANGUAGES)
def test_the_account_digest_7_days_before(code: str) -> None:
    spoken = of(code)
    say = spoken.catalogue.gettext
    given = digest(code)
    assert given.kind is LetterKind.DIGEST
    for part in both(given):
        for words in (
            say("Account notification"),
            spoken.catalogue.ngettext(
                "%(num)s day until the first expiration", "%(num)s days until the first expiration", 7
            ),
            say("Don't let your security lapse. Renew today."),
            "1234567",
            "7654321",
            "www.acme.example",
            "shop.acme.example",
            spoken.day(date(2026, 12, 8)),
            spoken.day(date(2026, 12, 10)),
            say("%(console)s closes on %(date)s", console="Old Console", date=spoken.day(date(2027, 6, 30))),
            say("How to renew:"),
            "CertCentral",
            say("If you have already renewed these orders, please disregard this message."),
        ):
            assert flat(words) in part, words
    assert "https://www.digicert.com/account/" in Page.read(WRITER.mail(given).html).links


@pytest.mark.parametrize("code", LANGUAGES)
def test_nothing_of_2020_is_said_that_is_no_longer_true(code: str) -> None:
    for given in (single(code, carried_over=True), digest(code)):
        for part in both(given):
            assert not re.search(r"\b(?:398|825|397|2020|2021)\b", part)


def test_the_readers_own_time_stands_beside_utc() -> None:
    at = line(7).ends_at.astimezone(ZoneInfo("Asia/Seoul"))
    for part in both(letter(line(7, ends_at=at), language="ko", country="KR")):
        assert "2026년 12월 8일" in part
        assert "2026년 12월 9일" in part
