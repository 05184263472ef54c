"""The mapping alone: samples as they are documented, both ways of what is not, and input that means harm."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.certcentral import mapping
from connectors.order_report.mapping import Reading
from core.model import BadRow, OrderFacts
from core.products import Catalogue
from core.words import Level, OrderStatus, ProductKind, Role

TODAY = date(2026, 11, 20)
LISTED: dict[str, Any] = {
    "id": 139_941_333,
    "certificate": {
        "id": 140_900_444, "serial_number": "7S5R", "common_name": "*.example.com", "dns_names": ["*.example.com"],
        "valid_from": "2026-06-10", "valid_till": "2026-12-26", "days_remaining": 36, "cert_validity": {"days": 199},
        "signature_hash": "sha256",
    },
    "status": "issued", "is_renewed": False, "date_created": "2026-06-08T14:59:13+00:00",
    "organization": {"id": 11_111_111, "name": "My Org."}, "validity_years": 1, "order_validity": {"years": 1},
    "order_valid_till": "2027-06-09", "disable_renewal_notifications": False,
    "container": {"id": 44, "name": "MY_CONTAINER", "is_active": False},
    "product": {"name_id": "ssl_basic", "name": "Basic OV", "type": "ssl_certificate"}, "duplicates_count": 0,
    "has_duplicates": False, "reissues_count": 0, "has_reissues": False, "price": 300, "product_name_id": "ssl_basic",
    "number_of_sans": 1, "is_multi_year_plan": "1",
}  # fmt: skip


def facts(order: dict[str, Any], *others: dict[str, str], customer: str = "organisation") -> OrderFacts:
    columns = mapping.filled(mapping.columns_of(order), *others)
    return mapping.facts_of(columns, Reading("digicert", customer))


class TestListed:
    def test_a_row_as_it_is_documented(self) -> None:
        order = facts(LISTED)
        assert order.key == "digicert:139941333"
        assert (order.status, order.kind, order.level) == (OrderStatus.ISSUED, ProductKind.TLS, Level.OV)
        assert (order.order_expires_on, order.order_expires_inferred) == (date(2027, 6, 9), False)
        assert (order.certificate_id, order.certificate_expires_on) == ("140900444", date(2026, 12, 26))
        assert (order.common_name, order.dns_names) == ("*.example.com", ("*.example.com",))
        assert (order.value_minor, order.currency, order.term_days) == (30_000, "USD", 365)
        assert order.account.key == "digicert:organisation:11111111"
        assert mapping.unknown_fields(LISTED) == set()

    def test_the_report_fills_what_the_row_leaves_empty(self) -> None:
        report = {"tech_email": "ann@my.example", "auto_renew": "1", "status": "expired", "renewed_order_id": "0"}
        order = facts(LISTED, mapping.report_columns(report))
        assert (order.status, order.auto_renew) == (OrderStatus.ISSUED, True)
        assert [(one.email, one.roles) for one in order.people] == [("ann@my.example", (Role.TECHNICAL,))]
        assert order.renewed_by == ""

    def test_our_own_account_is_no_customer(self) -> None:
        assert mapping.report_columns({"account_id": "110022", "account_name": "We", "email": "x"}) == {"email": "x"}

    @pytest.mark.parametrize("flag", [True, 1, "1"])
    def test_switches_are_told_in_several_ways(self, flag: Any) -> None:
        order = facts(LISTED | {"is_renewed": flag, "disable_renewal_notifications": flag, "auto_renew": flag})
        assert (order.is_renewed, order.ca_notices_off, order.auto_renew) == (True, True, True)

    @pytest.mark.parametrize(("status", "renewed"), [("renewed", True), ("not_renewed", False)])
    def test_a_migrated_order_may_be_marked_by_its_status(self, status: str, renewed: bool) -> None:
        order = facts(LISTED | {"status": status, "is_renewed": None})
        assert (order.status, order.is_renewed) == (OrderStatus.ISSUED, renewed)

    @pytest.mark.parametrize(
        ("changes", "renewal_of", "renewed_by"),
        [
            ({"renewal_of_order_id": 100}, "digicert:100", ""),
            ({"renewed_order_id": 100}, "digicert:100", ""),
            ({"renewed_order_id": 999_999_999, "is_renewed": True}, "", "digicert:999999999"),
            ({"renewed_order_id": 0, "renewal_of_order_id": None}, "", ""),
            ({"renewed_order_id": "0"}, "", ""),
        ],
    )
    def test_links_point_either_way(self, changes: dict[str, Any], renewal_of: str, renewed_by: str) -> None:
        order = facts(LISTED | changes)
        assert (order.renewal_of, order.renewed_by) == (renewal_of, renewed_by)

    def test_an_unissued_order_has_no_dates(self) -> None:
        order = facts(
            LISTED | {"status": "pending", "certificate": {"common_name": "x.example"}, "order_valid_till": None}
        )
        assert (order.status, order.order_expires_on, order.certificate_issued_on) == (OrderStatus.PENDING, None, None)

    def test_a_length_stands_for_an_end_that_nobody_tells(self) -> None:
        bare = {name: LISTED[name] for name in ("id", "status", "date_created", "product")}
        order = facts(bare | {"validity_years": 2, "subaccount": {"account_id": "9", "organization_name": "Deep Ltd"}})
        assert (order.order_expires_on, order.order_expires_inferred) == (date(2028, 6, 7), True)
        assert (order.account.key, order.account.name) == ("digicert:account:9", "Deep Ltd")
        assert facts(bare).order_expires_on == date(2027, 6, 8)


class TestHostile:
    @pytest.mark.parametrize("number", [None, 0, "", "0", "x y", [], {}, "../account", "1\0", "9" * 65])
    def test_an_order_without_a_number_is_refused(self, number: Any) -> None:
        with pytest.raises(BadRow):
            mapping.number_of({"id": number})

    @pytest.mark.parametrize(
        "changes",
        [
            {"status": ["issued"]},
            {"date_created": {"at": 1}},
            {"date_created": "20/11/2026"},
            {"date_created": None},
            {"order_valid_till": "1999-01-01"},
            {"certificate": {"valid_till": "never"}},
            {"certificate": {"common_name": "a\0b", "valid_till": "2027-01-01"}},
            {"is_renewed": "perhaps"},
        ],
        ids=repr,
    )
    def test_what_cannot_be_meant_is_refused(self, changes: dict[str, Any]) -> None:
        with pytest.raises(BadRow):
            facts(LISTED | changes)

    @pytest.mark.parametrize(
        "changes",
        [
            {"price": "a lot"}, {"price": []}, {"price": -1}, {"price": 1e99}, {"price": float("nan")},
            {"currency": "pounds"}, {"currency": 7}, {"validity_years": "forever"}, {"validity_years": 10**9},
            {"order_validity": "1 year"}, {"organization": None}, {"organization": "Ltd"}, {"container": []},
            {"additional_emails": "not an address"}, {"additional_emails": [None, 7, "x@y"]},
            {"technical_contact": "Ann"}, {"technical_contact": {"email": 7, "first_name": None}},
            {"user": {"email": "nobody"}}, {"is_multi_year_plan": {}}, {"custom_fields": 3},
        ],
        ids=repr,
    )  # fmt: skip
    def test_what_does_not_matter_stops_nothing(self, changes: dict[str, Any]) -> None:
        assert facts(LISTED | changes).order_expires_on == date(2027, 6, 9)

    @given(
        st.dictionaries(
            st.sampled_from([*LISTED, "renewal_of_order_id", "user", "order_price", "subaccount", "auto_renew"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
                lambda inner: (
                    st.lists(inner, max_size=3)
                    | st.dictionaries(
                        st.sampled_from(["id", "name", "valid_till", "dns_names", "years", "email"]), inner
                    )
                ),
                max_leaves=6,
            ),
        )
    )
    def test_nothing_but_bad_row_ever_comes_of_it(self, changes: dict[str, Any]) -> None:
        order = LISTED | changes
        try:
            mapping.number_of(order)
            found = facts(order)
        except BadRow:
            return
        mapping.needs_info(found, TODAY, 95, organisation_contacts=True)
        assert found.key.startswith("digicert:")


class TestNeeds:
    def needs(self, organisation_contacts: bool = True, **said: Any) -> bool:
        people = {"tech_email": "ann@my.example"}
        order = facts(LISTED | {"order_valid_till": "2026-12-26"} | said, people)
        return mapping.needs_info(order, TODAY, 95, organisation_contacts=organisation_contacts)

    def test_the_contact_of_the_organisation(self) -> None:
        assert self.needs()
        assert not self.needs(organisation_contacts=False)
        assert not self.needs(organization_contact={"email": "olga@my.example"})
        assert not self.needs(product={"name_id": "ssl_dv_rapidssl"})
        assert not self.needs(product={"name_id": "code_signing"})

    def test_only_near_an_end(self) -> None:
        assert self.needs(order_valid_till="2027-02-23")
        assert not self.needs(
            order_valid_till="2027-06-01", certificate=LISTED["certificate"] | {"valid_till": "2027-03-01"}
        )

    def test_not_once_it_is_renewed_or_over(self) -> None:
        assert not self.needs(is_renewed=True)
        assert not self.needs(status="revoked")

    def test_of_a_young_order_that_waits_what_it_renews(self) -> None:
        waits: dict[str, Any] = {"status": "pending", "certificate": {}, "order_valid_till": None}
        assert self.needs(**waits, date_created="2026-11-01")
        assert not self.needs(**waits, date_created="2026-01-01")
        assert not self.needs(**waits, date_created="2026-11-01", renewal_of_order_id=100)


CONTRACT: dict[str, Any] = {
    "acme_contract_id": 12_345, "account_id": 67_890, "product_name_id": "ssl_dv_rapidssl",
    "created_at": "2026-01-29T10:30:00Z", "sans": ["Example.com"], "valid_till": "2027-01-29T10:30:00Z",
    "organization": None, "is_organization_validated": False, "auto_renew": False, "date_canceled": None,
}  # fmt: skip


class TestContract:
    def test_as_it_is_documented(self) -> None:
        order = mapping.contract_facts(CONTRACT, {}, Catalogue())
        assert (order.key, order.account.key) == ("digicert:acme-12345", "digicert:account:67890")
        assert (order.placed_on, order.order_expires_on) == (date(2026, 1, 29), date(2027, 1, 29))
        assert (order.dns_names, order.level, order.status) == (("example.com",), Level.DV, OrderStatus.ISSUED)
        assert not order.auto_renew

    def test_one_that_was_cancelled(self) -> None:
        told = CONTRACT | {"date_canceled": "2026-02-01T00:00:00Z"}
        assert mapping.contract_facts(told, {}, Catalogue()).status is OrderStatus.CANCELLED

    def test_the_names_of_its_fields_may_differ(self) -> None:
        told = {"id": 7, "product": "ssl_dv_rapidssl", "creation": "2026-01-01", "expiration": "2027-01-01"}
        order = mapping.contract_facts(told, {"account_id": 5}, Catalogue())
        assert (order.outside_id, order.account.key) == ("acme-7", "digicert:account:5")

    @pytest.mark.parametrize("field", ["acme_contract_id", "created_at", "valid_till"])
    def test_without_number_or_dates_it_is_refused(self, field: str) -> None:
        with pytest.raises(BadRow):
            mapping.contract_facts(CONTRACT | {field: None}, {}, Catalogue())
