from datetime import date, timedelta

import pytest

from config.settings import load
from core.consent import Basis, ConsentRule, ConsentRules, Given
from core.reasons import Reason
from core.words import Channel

DAY = date(2026, 6, 10)
LONG_AGO = date(2020, 1, 1)
RULE = ConsentRule(
    mail=frozenset({Basis.CONSENT, Basis.CUSTOMER}),
    call=frozenset({Basis.DOUBLE_OPT_IN}),
    expires_days={Basis.CUSTOMER: 180},
)


@pytest.mark.parametrize(
    ("given", "channel", "reason"),
    [
        (None, Channel.MAIL, Reason.NO_BASIS),
        (Given(Basis.CONSENT, LONG_AGO, "form", "log 7"), Channel.MAIL, None),
        (Given(Basis.DOUBLE_OPT_IN, LONG_AGO, "form", "log 7"), Channel.MAIL, None),
        (Given(Basis.CONSENT, LONG_AGO, "form", "log 7"), Channel.CALL, Reason.BASIS_NOT_ENOUGH),
        (Given(Basis.LEGITIMATE_INTEREST, LONG_AGO, "", "file"), Channel.MAIL, Reason.BASIS_NOT_ENOUGH),
        (Given(Basis.CONSENT, LONG_AGO), Channel.MAIL, Reason.BASIS_UNPROVEN),
        (Given(Basis.CONSENT, None, "form", "log 7"), Channel.MAIL, Reason.BASIS_UNPROVEN),
        (Given(Basis.CUSTOMER), Channel.MAIL, Reason.BASIS_UNDATED),
        (Given(Basis.CUSTOMER, DAY - timedelta(days=180)), Channel.MAIL, None),
        (Given(Basis.CUSTOMER, DAY - timedelta(days=181)), Channel.MAIL, Reason.BASIS_RUN_OUT),
    ],
)
def test_what_a_basis_is_good_for(given: Given | None, channel: Channel, reason: Reason | None) -> None:
    assert RULE.why_not(given, channel, DAY) is reason


def test_a_country_may_ask_for_no_proof() -> None:
    assert ConsentRule(proof=False).why_not(Given(Basis.CONSENT), Channel.MAIL, DAY) is None


def test_a_country_may_forbid_it_altogether() -> None:
    never = ConsentRule(mail=frozenset())
    assert never.why_not(Given(Basis.CONSENT, DAY, "", "log"), Channel.MAIL, DAY) is Reason.BASIS_NOT_ENOUGH


def test_the_table_of_a_country_goes_before_the_one_that_lists_it() -> None:
    rules = ConsentRules({"eu": ConsentRule(countries=("DE", "be")), "DE": ConsentRule(proof=False)})
    assert [rules.name_of(one) for one in ("DE", "de", "BE", "US", "")] == ["DE", "DE", "eu", "default", "default"]
    assert rules.of("DE").proof is False
    assert rules.of("US") == ConsentRule()


@pytest.mark.parametrize(
    ("rules", "told"),
    [
        ({"a": ConsentRule(countries=("DE",)), "b": ConsentRule(countries=("DE",))}, "DE stands in a too"),
        ({"a": ConsentRule(countries=("Germany",))}, "'Germany' is no country"),
        ({"germany": ConsentRule()}, "names no country"),
        ({"default": ConsentRule(countries=("DE",))}, "no other table is for"),
    ],
)
def test_tables_that_cannot_be_meant(rules: dict[str, ConsentRule], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        ConsentRules(rules)


def test_nothing_runs_out_at_once() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        ConsentRule(expires_days={Basis.CUSTOMER: 0})


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> ConsentRules:
    file = tmp_path_factory.mktemp("settings") / "nolapse.toml"
    file.write_text("", encoding="utf-8")
    return load(file, {}).consent


def test_what_comes_along_is_cautious(packaged: ConsentRules) -> None:
    unknown = packaged.of("")
    assert unknown.mail == unknown.call == {Basis.CONSENT}
    assert unknown.proof
    for name, rule in packaged.rules.items():
        assert Basis.LEGITIMATE_INTEREST not in rule.mail | rule.call, name
        assert all(rule.sources), name
        assert rule.sources, name


def test_every_member_of_the_union_has_a_table(packaged: ConsentRules) -> None:
    members = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
    assert [one for one in members.split() if packaged.name_of(one) == "default"] == []


def test_labels_of_korea_and_china(packaged: ConsentRules) -> None:
    assert packaged.of("KR").label == "(광고)"
    assert packaged.of("CN").label == {"zh-Hans": "广告", "": "AD"}
    assert packaged.of("KR").last_day(Given(Basis.CONSENT, DAY)) == DAY + timedelta(days=730)
