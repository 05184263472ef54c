from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from config.settings import packaged
from core.advice import AdviceRules
from core.consoles import Console, Consoles, StepRule
from core.dossiers import Contact, Dossier, Dossiers, load
from core.holdings import holdings
from core.letters import letter, line, script
from core.messages import (
    BenefitUse,
    BrowserWarning,
    LastContact,
    Letter,
    Link,
    NoDaysLost,
    Occasion,
    Picture,
)
from core.model import OrderFacts
from core.money import Money
from core.parts import Known
from core.policy import MessagePolicy
from core.products import Catalogue
from core.schema import cycles
from core.validity import ValidityRules
from core.words import Benefit, Block, Channel, Clock, LetterKind, Level, Nature, Question, TaskKind, Urgency
from tests.builders import House, account, facts, make_live_ledger, person, policy

END = date(2026, 6, 24)
BERLIN = ZoneInfo("Europe/Berlin")
SEOUL = ZoneInfo("Asia/Seoul")
_STEPS = (
    StepRule({"en": "Sign in to {console}."}),
    StepRule({"en": "Find order {order}."}, {"en": "Find the orders."}),
)
CONSOLE = MessagePolicy(
    consoles=Consoles({"own": Console("Own", "https://own.example", _STEPS, ends_on=END)}), console="own"
)
FULL = MessagePolicy(
    catalogue=Catalogue.from_toml(packaged("products.toml")),
    advice=AdviceRules(orderable=("ssl_securesite_pro",), years=3),
    consoles=CONSOLE.consoles,
    console="own",
    seal=Picture("https://own.example/seal.png", "The seal"),
    legal_footer={"": "Certs Ltd, London", "it": "Certs Ltd, Londra"},
    links=({"": Link("Privacy", "https://own.example/privacy")}, {"ko": Link("개인정보", "https://own.example/ko")}),
)


@pytest.fixture
def houses(tmp_path: Any) -> Iterator[Any]:
    opened: list[House] = []

    def make(*rows: OrderFacts, **rules: Any) -> House:
        url = f"sqlite:///{tmp_path / f'{len(opened)}.db'}"
        make_live_ledger(url)
        house = House(url, list(rows), **rules)
        house.sync(date(2026, 3, 1))
        opened.append(house)
        return house

    yield make
    for house in opened:
        house.close()


def loaded(house: House, clock: Clock = Clock.RENEWAL) -> tuple[Dossiers, list[Dossier], Contact]:
    with house.store.read() as connection:
        ids = connection.execute(select(cycles.c.id).where(cycles.c.clock == clock)).scalars().all()
        dossiers = load(connection, ids, house.policy)
    return dossiers, list(dossiers.by_cycle.values()), next(iter(dossiers.people.values()))


def written(
    house: House,
    moment: datetime,
    *urgencies: Urgency,
    clock: Clock = Clock.RENEWAL,
    nature: Nature = Nature.SERVICE,
) -> Letter:
    dossiers, found, contact = loaded(house, clock)
    lines = list(zip(found, urgencies or (Urgency.REMINDER,) * len(found), strict=True))
    links = ("https://console.example", "")
    return letter(dossiers, contact, lines, clock, "before-30", nature, moment, links, None, known(house, moment))


def known(house: House, moment: datetime) -> Known:
    with house.store.read() as connection:
        return Known(holdings(connection, [1], moment.date()))


def at(day: date, hour: int = 7) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def test_a_line_holds_all_essentials(houses: Any) -> None:
    _, (dossier,), _ = loaded(houses(facts(ends_on=END)))
    told = line(dossier, Urgency.REMINDER, at(END - timedelta(days=30)), BERLIN)
    assert (told.order_id, told.order_key, told.common_name) == ("1", "digicert:1", "www1.example.com")
    assert (told.product_name, told.issued_on, told.ends_on) == ("Standard SSL", END - timedelta(days=365), END)
    assert (told.validity_days, told.inferred, told.ended, told.urgency) == (365, False, False, Urgency.REMINDER)


@pytest.mark.parametrize(
    ("moment", "zone", "days_left", "ended"),
    [
        (at(END, 0), SEOUL, 1, False),  # 09:00 there; it ends tomorrow at 08:59
        (at(END, 7), BERLIN, 1, False),  # 09:00 there; it ends at 01:59 of the next day
        (at(END, 13), ZoneInfo("America/New_York"), 0, False),
        (at(END, 23), SEOUL, 0, False),
        (at(END + timedelta(days=1), 0), SEOUL, 0, True),
        (at(END + timedelta(days=1), 0), ZoneInfo("America/New_York"), 0, True),
        (at(END + timedelta(days=2), 0), SEOUL, -1, True),
        (at(END - timedelta(days=30)), BERLIN, 30, False),
        (at(END - timedelta(days=2), 23), SEOUL, 2, False),  # it ends in 48 hours and a bit, on the third day there
    ],
)
def test_days_left_are_the_readers(houses: Any, moment: datetime, zone: ZoneInfo, days_left: int, ended: bool) -> None:
    _, (dossier,), _ = loaded(houses(facts(ends_on=END)))
    told = line(dossier, Urgency.CRITICAL, moment, zone)
    assert (told.days_left, told.ended) == (days_left, ended)
    assert told.ends_at == datetime(2026, 6, 24, 23, 59, 59, tzinfo=UTC)
    assert told.ends_at.tzinfo is zone
    assert told.urgency is (Urgency.EXPIRED if ended else Urgency.CRITICAL)


def test_in_seoul_the_last_minute_is_tomorrow_morning(houses: Any) -> None:
    _, (dossier,), _ = loaded(houses(facts(ends_on=END)))
    told = line(dossier, Urgency.CRITICAL, at(END, 0), SEOUL)
    assert told.ends_at.strftime("%Y-%m-%d %H:%M") == "2026-06-25 08:59"


def test_nothing_is_called_expired_before_it_is(houses: Any) -> None:
    _, (dossier,), _ = loaded(houses(facts(ends_on=END)))
    assert line(dossier, Urgency.EXPIRED, at(END, 21), BERLIN).urgency is Urgency.CRITICAL


def test_that_the_orders_end_was_worked_out_is_told_on_both_clocks(houses: Any) -> None:
    order = facts(
        ends_on=END + timedelta(days=100), certificate_expires_on=END, order_expires_inferred=True,
        certificate_issued_on=END - timedelta(days=199),
    )  # fmt: skip
    house = houses(order)
    _, (renewal,), _ = loaded(house)
    _, (reissue,), _ = loaded(house, Clock.REISSUE)
    assert line(renewal, Urgency.NOTICE, at(END), BERLIN).inferred
    told = line(reissue, Urgency.NOTICE, at(END), BERLIN)
    assert told.inferred
    assert (told.ends_on, told.validity_days, told.issued_on) == (END, 199, END - timedelta(days=199))
    assert told.order_expires_on == END + timedelta(days=100)


def test_a_letter_leads_with_the_most_pressing_order(houses: Any) -> None:
    house = houses(facts("1", ends_on=END), facts("2", ends_on=END), facts("3", ends_on=END - timedelta(days=3)))
    told = written(house, at(END - timedelta(days=30)), Urgency.NOTICE, Urgency.WARNING, Urgency.WARNING)
    assert [one.order_id for one in told.lines] == ["3", "2", "1"]
    assert told.urgency is Urgency.WARNING


def test_it_says_what_renewing_now_gives_away(houses: Any) -> None:
    told = written(houses(facts(ends_on=END)), at(END - timedelta(days=30)))
    assert (told.paid_days_lost, told.carried_over) == (30, False)
    assert told.early_window_opens_on == END - timedelta(days=90)


def test_where_the_ca_carries_the_rest_over_nothing_is_lost(houses: Any) -> None:
    said = packaged("validity.toml")
    said["ca"]["digicert"]["carry_over"] = True
    house = houses(facts(ends_on=END), validity=ValidityRules.from_toml(said))
    told = written(house, at(END - timedelta(days=30)))
    assert (told.paid_days_lost, told.carried_over) == (0, True)


def test_of_an_unknown_ca_nothing_is_claimed(houses: Any) -> None:
    house = houses(facts(ends_on=END, ca="other", key="other:1"))
    told = written(house, at(END - timedelta(days=30)))
    assert (told.paid_days_lost, told.carried_over, told.early_window_opens_on) == (0, False, None)


def test_a_reissue_costs_nothing(houses: Any) -> None:
    house = houses(facts(ends_on=END + timedelta(days=100), certificate_expires_on=END))
    told = written(house, at(END - timedelta(days=30)), clock=Clock.REISSUE)
    assert (told.paid_days_lost, told.early_window_opens_on) == (0, None)


def test_the_steps_are_the_consoles_for_one_order_or_for_several(houses: Any) -> None:
    single = houses(facts("77", ends_on=END), messages=CONSOLE)
    assert [step.text for step in written(single, at(END)).steps] == ["Sign in to CertCentral.", "Find order 77."]
    several = houses(facts("77", ends_on=END), facts("78", ends_on=END), messages=CONSOLE)
    assert written(several, at(END)).steps[1].text == "Find the orders."


@pytest.mark.parametrize(
    ("own", "general", "country", "expected"),
    [("ko", "fr", "DE", "ko"), ("", "fr", "IT", "fr"), ("de", "", "IT", "it"), ("", "", "DE", "en")],
)
def test_the_language_is_the_readers_else_the_accounts_else_the_countrys(
    houses: Any, own: str, general: str, country: str, expected: str
) -> None:
    reader = person("ann@acme.example", language=own)
    house = houses(facts(ends_on=END, account=account(language=general, country=country), people=(reader,)))
    assert written(house, at(END)).language == expected


SECURE = {"product_id": "ssl_securesite_flex", "product_name": "Secure Site OV"}


class TestBlocks:
    def full(self, houses: Any, days: int, nature: Nature = Nature.COMMERCIAL, **said: Any) -> Letter:
        house = houses(facts(ends_on=END, **SECURE | said), messages=FULL)
        return written(house, at(END - timedelta(days=days)), Urgency.WARNING, nature=nature)

    def test_a_commercial_mail_has_benefits_seal_and_advice(self, houses: Any) -> None:
        told = self.full(houses, 30, account=account(used="warranty", unused="malware_scan seal"))
        assert told.benefits == (
            BenefitUse(Benefit.WARRANTY, in_use=True),
            BenefitUse(Benefit.MALWARE_SCAN, in_use=False),
            BenefitUse(Benefit.PRIORITY_SUPPORT),
        )
        assert told.seal is not None
        assert (told.seal.product_name, told.seal.picture, told.seal.in_use) == ("Secure Site OV", FULL.seal, False)
        assert [one.kind for one in told.advice] == ["higher_brand", "multi_year", "automate"]
        expected = {Block.BENEFITS, Block.SEAL, Block.UPSELL, Block.AUTOMATION, Block.CONSOLE_END}
        assert told.blocks == expected

    def test_a_service_mail_has_facts_alone(self, houses: Any) -> None:
        told = self.full(houses, 7, Nature.SERVICE)
        assert told.blocks == {Block.BROWSER_WARNING, Block.CONSOLE_END}
        assert (told.benefits, told.seal, told.advice, told.offer) == ((), None, (), None)

    def test_the_browser_warning_shows_the_customers_own_domain_from_14_days_on(self, houses: Any) -> None:
        assert self.full(houses, 15).browser_warning is None
        assert self.full(houses, 14).browser_warning == BrowserWarning("www1.example.com", END, ended=False)
        wild = self.full(houses, 3, common_name="*.example.com").browser_warning
        assert wild is not None
        assert wild.domain == "www.example.com"
        assert self.full(houses, 3, common_name="Example GmbH").browser_warning is None

    def test_it_is_of_the_certificate_and_not_of_an_order_that_ends_later(self, houses: Any) -> None:
        assert self.full(houses, 3, certificate_expires_on=END - timedelta(days=40)).browser_warning is None

    def test_product_without_seal(self, houses: Any) -> None:
        assert self.full(houses, 30, product_id="ssl_plus").seal is None

    def test_the_console_is_said_to_close_up_to_its_day(self, houses: Any) -> None:
        end = self.full(houses, 30).console_end
        assert end is not None
        assert (end.name, end.ends_on) == ("CertCentral", END)
        assert self.full(houses, -1).console_end is None

    def test_footer_and_links_are_in_the_readers_language(self, houses: Any) -> None:
        assert self.full(houses, 30).brand.legal_footer == "Certs Ltd, London"
        told = self.full(houses, 30, account=account(language="it"))
        assert told.brand.legal_footer == "Certs Ltd, Londra"
        assert [link.label for link in told.brand.links] == ["Privacy"]
        korean = self.full(houses, 30, account=account(language="ko"))
        assert [link.label for link in korean.brand.links] == ["Privacy", "개인정보"]

    def test_each_kind_of_mail_is_told_by_its_facts(self, houses: Any) -> None:
        assert self.full(houses, 30).kind is LetterKind.SINGLE
        assert self.full(houses, 0, account=account(zone="UTC")).kind is LetterKind.EXPIRES_TODAY
        assert self.full(houses, -1).kind is LetterKind.EXPIRED
        renewing = self.full(houses, 45, auto_renew=True)
        assert (renewing.kind, renewing.lines[0].auto_renews_on) == (LetterKind.AUTO_RENEW, END - timedelta(days=30))
        both = written(houses(facts("1", ends_on=END), facts("2", ends_on=END)), at(END - timedelta(days=30)))
        assert both.kind is LetterKind.DIGEST
        reissue = houses(facts(ends_on=END + timedelta(days=100), certificate_expires_on=END))
        assert written(reissue, at(END - timedelta(days=30)), clock=Clock.REISSUE).kind is LetterKind.REISSUE
        assert replace(both, occasion=Occasion.THANK_YOU).kind is LetterKind.THANK_YOU


class TestNoDaysLost:
    def told(self, houses: Any, days: int, *, carries: bool = True, **said: Any) -> NoDaysLost | None:
        rules = packaged("validity.toml")
        rules["ca"]["digicert"]["carry_over"] = carries
        house = houses(facts(ends_on=date(2021, 1, 1), **said), validity=ValidityRules.from_toml(rules))
        return written(house, at(date(2021, 1, 1) - timedelta(days=days))).no_days_lost

    def test_the_guides_example_to_the_day(self, houses: Any) -> None:
        told = self.told(houses, 31)
        assert told is not None
        assert (told.renew_on, told.order_ends_on) == (date(2020, 12, 1), date(2021, 1, 1))
        assert (told.rest_days, told.term_days, told.total_days) == (31, 365, 396)
        assert told.new_order_ends_on == date(2022, 1, 1)

    def test_before_the_window_opens_it_counts_from_its_first_day(self, houses: Any) -> None:
        told = self.told(houses, 120)
        assert told is not None
        assert (told.renew_on, told.rest_days) == (date(2020, 10, 3), 90)

    def test_it_is_never_promised_where_the_ca_does_not_give_it(self, houses: Any) -> None:
        assert self.told(houses, 31, carries=False) is None
        assert self.told(houses, 31, ca="other", key="other:1") is None
        assert self.told(houses, 31, order_expires_inferred=True) is None
        assert self.told(houses, 0) is None


def test_it_is_dated_in_the_readers_zone(houses: Any) -> None:
    house = houses(facts(ends_on=END, people=(person("ann@acme.example", zone="Asia/Seoul"),)))
    assert written(house, at(END, 20)).written_at.isoformat() == "2026-06-25T05:00:00+09:00"


def test_a_script_tells_the_rep_whom_to_reach(houses: Any) -> None:
    dossiers, found, contact = loaded(houses(facts("1", ends_on=END), facts("2", ends_on=END)))
    lines = [(found[0], Urgency.REMINDER), (found[1], Urgency.WARNING)]
    reached = contact._replace(name="Ann", phone="+49 1")
    told = script(dossiers, TaskKind.CALL, lines, END, at(END), "https://console.example", reached, note="again")
    assert (told.contact_name, told.contact_phone, told.contact_email) == ("Ann", "+49 1", "ann@acme.example")
    assert [one.order_id for one in told.lines] == ["2", "1"]
    assert (told.urgency, told.account_name, told.due_on, told.note) == (Urgency.WARNING, "Acme", END, "again")
    nobody = script(dossiers, TaskKind.CONTACT, lines, END, at(END), "", None)
    assert nobody.contact_name == nobody.contact_email == ""


def test_a_script_is_in_the_reps_language_and_says_where_the_customer_is(houses: Any) -> None:
    house = houses(facts(ends_on=END, account=account(country="KR", zone="Asia/Seoul"), **SECURE), messages=FULL)
    dossiers, found, contact = loaded(house)
    lines = [(found[0], Urgency.WARNING)]
    rep = SimpleNamespace(name="Rita", language="fr")
    last = LastContact(END - timedelta(days=9), Channel.MAIL)
    told = script(
        dossiers, TaskKind.CALL, lines, END, at(END - timedelta(days=7), 1), "", contact,
        rep=rep, known=known(house, at(END - timedelta(days=7))), last_contact=last, mailed_on=last.on,
    )  # fmt: skip
    assert (told.language, told.rep_name, told.contact_language) == ("fr", "Rita", "ko")
    assert told.contact_time is not None
    assert (told.contact_time.hour, told.contact_zone) == (10, "Asia/Seoul")
    assert (told.last_contact, told.mailed_on) == (last, last.on)
    assert told.value == (Money(50_000, "USD"),)
    assert [one.kind for one in told.advice] == ["higher_brand", "multi_year", "automate"]
    assert told.questions == tuple(Question)
    assert told.paid_days_lost == 7


def test_a_task_that_is_no_sales_call_sells_nothing(houses: Any) -> None:
    house = houses(facts(ends_on=END, **SECURE), messages=FULL)
    dossiers, found, contact = loaded(house)
    lines = [(found[0], Urgency.WARNING)]
    for kind, may_sell in ((TaskKind.CONTACT, True), (TaskKind.CALL, False)):
        told = script(dossiers, kind, lines, END, at(END), "", contact, known=known(house, at(END)), may_sell=may_sell)
        assert (told.advice, told.questions, told.offer, told.no_days_lost) == ((), (), None, None)
    assert told.language == "en"


def test_questions_whose_answer_is_known_are_not_asked(houses: Any) -> None:
    house = houses(facts(ends_on=END, level=Level.EV, product_id="ssl_ev_basic", auto_renew=True), messages=FULL)
    dossiers, found, contact = loaded(house)
    told = script(dossiers, TaskKind.CALL, [(found[0], Urgency.WARNING)], END, at(END), "", contact)
    assert told.questions == (Question.MORE_NAMES, Question.OTHER_CAS)


def test_the_policy_is_the_packaged_one() -> None:
    assert policy().validity.early_window_days == 90
