from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from core.consent import Basis, ConsentRule, ConsentRules, Given
from core.consents import Entry, Noted, consents, counts, forget, note, of_addresses
from core.schema import deliveries
from core.words import Channel, Nature
from tests.builders import House, account, facts
from tests.core.conftest import MakeHouse, on_sqlite

NOW = datetime(2026, 6, 10, 9, tzinfo=UTC)
YES = Given(Basis.CONSENT, date(2026, 1, 1), "form", "log 7")


def noted(house: House, *entries: Entry) -> Noted:
    with house.store.begin() as connection:
        return note(connection, entries, NOW)


def test_what_is_noted_is_known_and_noted_again_unchanged(house: House) -> None:
    house.source.rows = [facts(ends_on=date(2026, 7, 10))]
    house.sync(date(2026, 6, 10))
    mail, call = Entry("ann@acme.example", Channel.MAIL, YES), Entry("bob@else.example", Channel.CALL, YES)
    assert noted(house, mail, call) == Noted(new=2, strangers=1)
    assert noted(house, mail) == Noted(unchanged=1)
    with house.store.read() as connection:
        assert of_addresses(connection, ["Ann@acme.example"]) == {("ann@acme.example", Channel.MAIL): YES}
        assert of_addresses(connection, []) == {}
        assert counts(connection) == {(Channel.MAIL, Basis.CONSENT): 1, (Channel.CALL, Basis.CONSENT): 1}


def test_the_last_word_on_an_address_counts(house: House) -> None:
    customer = Given(Basis.CUSTOMER)
    mail = Entry("ann@acme.example", Channel.MAIL, YES)
    assert noted(house, mail, Entry("ann@acme.example", Channel.MAIL, customer)).new == 1
    assert noted(house, mail) == Noted(changed=1, strangers=1)
    assert noted(house, Entry("ann@acme.example", Channel.MAIL, None)).dropped == 1
    assert noted(house, Entry("ann@acme.example", Channel.MAIL, None)) == Noted(unchanged=1, strangers=1)
    assert house.rows(consents) == []


def test_an_address_is_forgotten_on_both_channels(house: House) -> None:
    noted(house, *(Entry("ann@acme.example", channel, YES) for channel in Channel))
    with house.store.begin() as connection:
        assert forget(connection, "Ann@acme.example") == 2
        assert connection.execute(select(func.count()).select_from(consents)).scalar_one() == 0


KOREA = ConsentRule(
    mail=frozenset({Basis.CUSTOMER}),
    call=frozenset({Basis.CONSENT}),
    expires_days={Basis.CUSTOMER: 180},
    label={"ko": "(광고)", "": "(AD)"},
    footer="This is advertising.",
)
DAY = date(2026, 6, 10)


def told(
    make_house: MakeHouse,
    *,
    days: int = 14,
    language: str = "ko",
    basis: Basis = Basis.CUSTOMER,
    zone: str = "Asia/Seoul",
) -> House:
    """A Korean customer whose order ends in so many days, mailed and called about."""
    order = facts(ends_on=DAY + timedelta(days=days), account=account(country="KR", zone=zone, language=language))
    house = make_house([order], consent=ConsentRules({"KR": KOREA}))
    house.sync(DAY)
    house.may_sell_to("ann@acme.example", basis=basis)
    house.plan(DAY)
    house.deliver(DAY)
    return house


@on_sqlite
@pytest.mark.parametrize(("language", "label"), [("ko", "(광고)"), ("en", "(AD)")])
def test_commercial_mails_say_what_the_country_wants(make_house: MakeHouse, language: str, label: str) -> None:
    (letter,) = told(make_house, language=language).writer.letters
    assert (letter.nature, letter.label) == ("commercial", label)
    assert letter.brand.legal_footer == "This is advertising."


@on_sqlite
@pytest.mark.parametrize(
    ("days", "basis"),
    [(14, Basis.CONSENT), (0, Basis.CUSTOMER)],
    ids=["a basis that does not count there", "a mail of a kind that never sells"],
)
def test_service_mails_bear_no_label(make_house: MakeHouse, days: int, basis: Basis) -> None:
    (letter,) = told(make_house, days=days, basis=basis, zone="America/New_York").writer.letters
    assert (letter.nature, letter.label, letter.brand.legal_footer) == ("service", "", "")
    assert all(block.nature is Nature.SERVICE for block in letter.blocks)


@on_sqlite
@pytest.mark.parametrize(("basis", "sells"), [(Basis.CONSENT, True), (Basis.CUSTOMER, False)])
def test_without_a_basis_for_calls_the_script_sells_nothing(make_house: MakeHouse, basis: Basis, sells: bool) -> None:
    (script,) = told(make_house, days=21, basis=basis).writer.scripts
    assert script.service_only is not sells
    assert bool(script.advice) is bool(script.questions) is sells


@on_sqlite
def test_a_basis_runs_out_between_planning_and_sending(make_house: MakeHouse) -> None:
    order = facts(ends_on=date(2026, 7, 14), account=account(country="KR"))
    house = make_house([order], consent=ConsentRules({"KR": KOREA}))
    house.sync(date(2026, 6, 30))
    house.may_sell_to("ann@acme.example")
    house.plan(date(2026, 6, 30))
    assert [row.nature for row in house.rows(deliveries, deliveries.c.kind == "mail")] == ["commercial"]
    house.deliver(date(2026, 7, 1))
    assert [letter.nature for letter in house.writer.letters] == ["service"]
