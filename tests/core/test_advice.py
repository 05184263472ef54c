from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from config.settings import packaged
from core.advice import Account, AdviceRules, Holding, Terms, advise, benefits
from core.holdings import holdings
from core.messages import Advice
from core.products import Catalogue
from core.schema import orders
from core.validity import ValidityRules
from core.words import AdviceKind, Benefit, Level, OrderStatus, ProductKind
from tests.builders import House, account, facts

CATALOGUE = Catalogue.from_toml(packaged("products.toml"))
VALIDITY = ValidityRules.from_toml(packaged("validity.toml"))
TODAY = date(2026, 12, 1)
LONG_AGO = date(2024, 1, 1)


def holding(order_id: str = "1", *names: str, **said: Any) -> Holding:
    given = Holding(
        order_id=order_id,
        ca="digicert",
        kind=ProductKind.TLS,
        product_id="ssl_plus",
        level=Level.OV,
        names=frozenset(names or (f"www{order_id}.example.com",)),
        placed_on=LONG_AGO,
        term_days=365,
        auto_renew=True,
    )
    return replace(given, **said)


def advised(*held: Holding, rules: AdviceRules | None = None, order_id: str = "1") -> dict[AdviceKind, Advice]:
    found = advise(Account("acme", held), order_id, CATALOGUE, rules or AdviceRules(), VALIDITY, TODAY)
    assert len({one.kind for one in found}) == len(found)
    return {one.kind: one for one in found}


def can_order(*ids: str, **said: Any) -> AdviceRules:
    return AdviceRules(orderable=ids, **said)


def test_nothing_is_advised_where_nothing_is_known() -> None:
    assert advised() == {}
    assert advised(holding()) == {}


class TestHigher:
    def test_a_better_brand_of_the_same_level_says_what_is_gained(self) -> None:
        found = advised(holding(), rules=can_order("ssl_securesite_pro", "ssl_securesite_flex"))
        advice = found[AdviceKind.HIGHER_BRAND]
        assert (advice.product_name, advice.brand, advice.level) == ("Secure Site OV", "DigiCert", Level.OV)
        assert advice.gains == (Benefit.SEAL, Benefit.WARRANTY, Benefit.MALWARE_SCAN, Benefit.PRIORITY_SUPPORT)
        assert advice.order_ids == ("1",)

    def test_the_next_step_from_secure_site_is_pro(self) -> None:
        rules = can_order("ssl_securesite_pro", "ssl_securesite_flex")
        advice = advised(holding(product_id="ssl_securesite_flex"), rules=rules)[AdviceKind.HIGHER_BRAND]
        assert (advice.product_id, advice.gains) == (
            "ssl_securesite_pro",
            (Benefit.VULNERABILITY_ASSESSMENT, Benefit.CT_MONITORING),
        )

    def test_from_the_best_there_is_none(self) -> None:
        rules = can_order("ssl_securesite_pro", "ssl_securesite_flex")
        assert AdviceKind.HIGHER_BRAND not in advised(holding(product_id="ssl_securesite_pro"), rules=rules)

    def test_a_wildcard_is_followed_by_a_wildcard(self) -> None:
        rules = can_order("ssl_securesite_flex", "ssl_securesite_wildcard")
        advice = advised(holding(product_id="ssl_wildcard"), rules=rules)[AdviceKind.HIGHER_BRAND]
        assert advice.product_id == "ssl_securesite_wildcard"

    def test_the_next_level_takes_nothing_away(self) -> None:
        rules = can_order("ssl_ev_basic", "ssl_ev_securesite_flex")
        own = holding(product_id="ssl_securesite_flex")
        assert advised(own, rules=rules)[AdviceKind.HIGHER_LEVEL].product_id == "ssl_ev_securesite_flex"
        assert AdviceKind.HIGHER_LEVEL not in advised(own, rules=can_order("ssl_ev_basic"))

    def test_dv_leads_to_ov_of_its_own_brand_where_there_is_one(self) -> None:
        own = holding(product_id="ssl_dv_geotrust", level=Level.DV)
        rules = can_order("ssl_basic", "ssl_geotrust_truebizid", "ssl_ev_basic")
        advice = advised(own, rules=rules)[AdviceKind.HIGHER_LEVEL]
        assert (advice.product_id, advice.level) == ("ssl_geotrust_truebizid", Level.OV)

    def test_ev_is_the_highest(self) -> None:
        own = holding(product_id="ssl_ev_basic", level=Level.EV)
        assert AdviceKind.HIGHER_LEVEL not in advised(own, rules=can_order("ssl_ev_plus", "ssl_plus"))

    def test_of_an_unknown_product_nothing_is_said(self) -> None:
        assert advised(holding(product_id="something"), rules=can_order("ssl_securesite_flex")) == {}


class TestOrderable:
    def test_what_the_account_has_ordered_lately_can_be_ordered(self) -> None:
        other = holding("2", product_id="ssl_securesite_flex", placed_on=TODAY - timedelta(days=100))
        assert advised(holding(), other)[AdviceKind.HIGHER_BRAND].product_id == "ssl_securesite_flex"
        old = replace(other, placed_on=LONG_AGO)
        assert AdviceKind.HIGHER_BRAND not in advised(holding(), old)

    def test_an_accounts_own_terms_stand_in_for_the_general_ones(self) -> None:
        rules = AdviceRules(("ssl_securesite_flex",), 1, accounts={"acme": Terms(("ssl_securesite_pro",), 3)})
        found = advised(holding(), rules=rules)
        assert found[AdviceKind.HIGHER_BRAND].product_id == "ssl_securesite_pro"
        assert found[AdviceKind.MULTI_YEAR].years == 3

    def test_what_is_no_tls_is_not_advised(self) -> None:
        assert advised(holding(), rules=can_order("code_signing")) == {}


@pytest.mark.parametrize(
    ("term", "years", "expected"), [(365, 3, 3), (1095, 3, 0), (365, 1, 0), (None, 3, 0), (730, 3, 3)]
)
def test_a_longer_plan_only_where_it_can_be_ordered(term: int | None, years: int, expected: int) -> None:
    found = advised(holding(term_days=term), rules=AdviceRules(years=years))
    assert (found[AdviceKind.MULTI_YEAR].years if AdviceKind.MULTI_YEAR in found else 0) == expected


class TestOneCertificate:
    RULES = can_order("ssl_wildcard", "ssl_multi_domain", "ssl_ev_multi_domain")

    def test_names_one_below_a_domain_of_the_customers_make_a_wildcard(self) -> None:
        held = [
            holding("1", "www.example.com", "example.com"),
            holding("2", "shop.example.com"),
            holding("3", "api.example.com"),
        ]
        advice = advised(*held, rules=self.RULES)[AdviceKind.WILDCARD]
        assert (advice.domain, advice.count, advice.product_id) == ("example.com", 3, "ssl_wildcard")
        assert advice.order_ids == ("1", "2", "3")
        assert advice.names == ("api.example.com", "example.com", "shop.example.com", "www.example.com")

    def test_a_domain_that_no_certificate_of_theirs_holds_is_not_taken_for_theirs(self) -> None:
        shared = [holding(str(number), f"shop{number}.myshop.example") for number in range(1, 5)]
        assert advised(*shared, rules=self.RULES) == {}
        suffix = [holding(str(number), f"firm{number}.co.uk") for number in range(1, 5)]
        assert advised(*suffix, rules=self.RULES) == {}

    def test_names_at_several_depths_make_a_multi_domain_certificate(self) -> None:
        held = [
            holding("1", "example.com"),
            holding("2", "a.b.example.com"),
            holding("3", "www.example.com"),
        ]
        found = advised(*held, rules=self.RULES)
        assert AdviceKind.WILDCARD not in found
        assert found[AdviceKind.MULTI_DOMAIN].domain == "example.com"

    def test_ev_knows_no_wildcard(self) -> None:
        ev = {"level": Level.EV, "product_id": "ssl_ev_plus"}
        held = [
            holding("1", "example.com", **ev),
            holding("2", "a.example.com", **ev),
            holding("3", "b.example.com", **ev),
        ]
        assert advised(*held, rules=self.RULES)[AdviceKind.MULTI_DOMAIN].product_id == "ssl_ev_multi_domain"

    def test_levels_are_not_mixed(self) -> None:
        held = [
            holding("1", "example.com"),
            holding("2", "a.example.com"),
            holding("3", "b.example.com", level=Level.DV),
        ]
        assert advised(*held, rules=self.RULES) == {}

    def test_the_messages_own_domain_comes_first(self) -> None:
        held = [holding(f"a{n}", f"h{n}.one.example" if n else "one.example") for n in range(5)]
        held += [holding(f"b{n}", f"h{n}.two.example" if n else "two.example") for n in range(3)]
        assert advised(*held, rules=self.RULES, order_id="b1")[AdviceKind.WILDCARD].domain == "two.example"
        assert advised(*held, rules=self.RULES, order_id="x")[AdviceKind.WILDCARD].domain == "one.example"

    @pytest.mark.parametrize(
        "held",
        [
            [holding("1", "example.com"), holding("2", "a.example.com")],  # too few
            [holding(str(n), "example.com") for n in range(4)],  # one name, renewed or for several servers
            [holding("1", "*.example.com"), *(holding(str(n), f"a{n}.example.com") for n in (2, 3))],  # has one
            [holding(str(n), f"192.0.2.{n}") for n in range(4)],
            [holding(str(n), f"h{n}.one.example", "two.example", "one.example") for n in range(4)],
        ],
    )
    def test_it_is_not_advised(self, held: list[Holding]) -> None:
        assert not {AdviceKind.WILDCARD, AdviceKind.MULTI_DOMAIN} & advised(*held, rules=self.RULES).keys()

    def test_nor_where_it_cannot_be_ordered(self) -> None:
        held = [holding("1", "example.com"), holding("2", "a.example.com"), holding("3", "b.example.com")]
        assert advised(*held) == {}


def test_certificates_of_other_cas_are_counted_by_their_names() -> None:
    held = [holding("1"), *(holding(str(n), ca="sectigo") for n in (2, 3)), holding("4", ca="globalsign")]
    rules = AdviceRules(competitors={"sectigo": "Sectigo", "globalsign": "GlobalSign"})
    advice = advised(*held, rules=rules)[AdviceKind.CONSOLIDATE]
    assert (advice.issuers, advice.count) == (("GlobalSign", "Sectigo"), 3)
    assert AdviceKind.CONSOLIDATE not in advised(*held, rules=AdviceRules())


def test_what_is_renewed_by_hand_is_counted_with_what_comes() -> None:
    held = [holding("1", auto_renew=False), holding("2"), holding("3", auto_renew=False)]
    advice = advised(*held)[AdviceKind.AUTOMATE]
    assert (advice.order_ids, advice.count) == (("1", "3"), 2)
    assert (advice.days, advice.from_on) == (100, date(2027, 3, 15))
    alone = advised(holding("1", auto_renew=False, ca="other"))[AdviceKind.AUTOMATE]
    assert (alone.days, alone.from_on) == (0, None)


def test_benefits_are_features_with_words() -> None:
    assert benefits(CATALOGUE.find("ssl_securesite_wildcard")) == (
        Benefit.SEAL,
        Benefit.WARRANTY,
        Benefit.MALWARE_SCAN,
        Benefit.PRIORITY_SUPPORT,
    )
    assert benefits(None) == ()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"orders_on_one_domain": 1}, "must be 2 or more"),
        ({"years": 0}, "years must be from 1 to 6"),
        ({"accounts": {"a": Terms(years=9)}}, "years must be from 1 to 6"),
    ],
)
def test_what_cannot_be_meant_is_refused(said: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        AdviceRules(**said)


def test_holdings_are_what_is_issued_and_runs(house: House) -> None:
    house.source.rows = [
        facts("1", ends_on=TODAY + timedelta(days=60), dns_names=("WWW1.example.com", "example.com")),
        facts("2", ends_on=TODAY - timedelta(days=1)),
        facts("3", ends_on=TODAY + timedelta(days=60), status=OrderStatus.REVOKED),
        facts("4", ends_on=TODAY + timedelta(days=60), is_renewed=True),
        facts("5", ends_on=TODAY + timedelta(days=60), account=account("beta")),
    ]
    house.sync(TODAY)
    house.write(update(orders).where(orders.c.outside_id == "9").values(vanished_on=TODAY))
    with house.store.read() as connection:
        found = holdings(connection, [1], TODAY)
        assert holdings(connection, [], TODAY) == {}
    assert [one.order_id for one in found[1]] == ["1"]
    assert found[1][0].names == {"www1.example.com", "example.com"}
    assert list(found) == [1]
