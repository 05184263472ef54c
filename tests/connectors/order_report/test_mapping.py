"""A row of the report as an order."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.order_report.mapping import NEEDED, USED, Reading, order_id, to_facts
from core.model import AccountFacts, BadRow, OrderFacts, Person
from core.words import Level, OrderStatus, ProductKind, Role
from tests.connectors.order_report.rows import row

READING = Reading()


def facts(reading: Reading = READING, /, **changes: str) -> OrderFacts:
    return to_facts(row(**changes), reading)


def refused(**changes: str) -> tuple[str, str]:
    with pytest.raises(BadRow) as error:
        facts(Reading(latest=date(2031, 1, 1)), **changes)
    return error.value.column, error.value.reason


def test_a_plain_row_whole() -> None:
    assert facts() == OrderFacts(
        key="digicert:123456",
        ca="digicert",
        outside_id="123456",
        status=OrderStatus.ISSUED,
        status_text="issued",
        product_id="ssl_basic",
        product_name="Basic OV",
        kind=ProductKind.TLS,
        level=Level.OV,
        common_name="www.larch.example",
        dns_names=("www.larch.example", "larch.example"),
        placed_on=date(2026, 5, 1),
        starts_on=date(2026, 5, 2),
        order_expires_on=date(2027, 5, 2),
        order_expires_inferred=False,
        certificate_id="998",
        certificate_issued_on=date(2026, 5, 2),
        certificate_expires_on=date(2026, 11, 17),
        term_days=365,
        account=AccountFacts("digicert:organisation:4711", "Larch Ltd", "GB"),
        people=(
            Person("ada@larch.example", (Role.TECHNICAL,), "Ada Shaw", "+44 20 7946 0101"),
            Person("neil@larch.example", (Role.REQUESTER,), "Neil Frost"),
        ),
    )


def test_the_needed_columns_are_enough() -> None:
    few = {name: value for name, value in row().items() if name in NEEDED}
    found = to_facts(few, READING)
    assert found.order_expires_inferred
    assert found.order_expires_on == date(2027, 5, 2)
    assert found.account == AccountFacts("digicert:order:123456")
    assert found.people == ()
    assert (found.kind, found.certificate_id, found.value_minor) == (ProductKind.OTHER, "", None)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("issued", OrderStatus.ISSUED), ("Issued ", OrderStatus.ISSUED), ("expired", OrderStatus.EXPIRED),
        ("revoked", OrderStatus.REVOKED), ("canceled", OrderStatus.CANCELLED), ("cancelled", OrderStatus.CANCELLED),
        ("rejected", OrderStatus.REJECTED), ("denied", OrderStatus.REJECTED), ("pending", OrderStatus.PENDING),
        ("needs_approval", OrderStatus.PENDING), ("Needs Approval", OrderStatus.PENDING),
        ("needs-csr", OrderStatus.PENDING), ("processing", OrderStatus.ISSUED), ("approved", OrderStatus.ISSUED),
        ("waiting_pickup", OrderStatus.ISSUED), ("reissue_pending", OrderStatus.ISSUED),
        ("frozen", OrderStatus.UNKNOWN), ("", OrderStatus.UNKNOWN),
    ],
)  # fmt: skip
def test_statuses_of_orders_with_a_certificate(text: str, status: OrderStatus) -> None:
    found = facts(status=text)
    assert found.status is status
    assert found.status_text == text.strip()


@pytest.mark.parametrize("text", ["pending", "processing", "approved", "waiting_pickup", "reissue_pending"])
def test_what_has_no_certificate_yet_is_pending(text: str) -> None:
    found = facts(status=text, valid_from="", valid_till="", order_valid_till="", certificate_id="")
    assert found.status is OrderStatus.PENDING
    assert (found.order_expires_on, found.starts_on, found.order_expires_inferred) == (None, None, False)


@pytest.mark.parametrize("text", ["rejected", "canceled", "revoked", "expired", "frozen"])
def test_orders_that_do_not_run_need_no_dates(text: str) -> None:
    assert facts(status=text, valid_from="", valid_till="", order_valid_till="").certificate_expires_on is None


def test_issued_without_any_end_is_refused() -> None:
    assert refused(valid_till="", order_valid_till="") == (
        "valid_till",
        "is empty although the order is issued",
    )
    assert facts(valid_till="").order_expires_on == date(2027, 5, 2)


def end(**changes: str) -> tuple[date | None, bool]:
    found = facts(**{"order_valid_till": ""} | changes)
    return found.order_expires_on, found.order_expires_inferred


def test_the_end_that_is_told_is_not_inferred() -> None:
    assert end(order_valid_till="2027-04-30") == (date(2027, 4, 30), False)


def test_the_end_is_worked_out_from_the_first_certificate() -> None:
    assert end() == (date(2027, 5, 2), True)
    assert end(valid_from="2026-05-15") == (date(2027, 5, 15), True)


def test_the_end_of_a_reissued_order_is_worked_out_from_its_day() -> None:
    reissued = facts(order_valid_till="", valid_from="2026-11-01", valid_till="2027-05-02")
    assert reissued.starts_on == date(2026, 5, 1)
    assert (reissued.order_expires_on, reissued.order_expires_inferred) == (date(2027, 5, 2), True)
    assert end(valid_from="2026-05-16") == (date(2027, 5, 1), True)


def test_the_order_s_own_first_day_wins() -> None:
    found = facts(order_valid_till="", order_valid_from="2026-05-07", valid_from="2026-11-01", valid_till="2027-03-01")
    assert (found.starts_on, found.order_expires_on) == (date(2026, 5, 7), date(2027, 5, 7))


def test_an_order_never_ends_before_its_certificate() -> None:
    assert end(valid_till="2027-06-03") == (date(2027, 6, 3), True)
    assert end(validity_years="0.25") == (date(2026, 11, 17), True)


@pytest.mark.parametrize("years", ["", "0", "null"])
def test_without_a_length_the_order_ends_with_its_certificate(years: str) -> None:
    assert end(validity_years=years) == (date(2026, 11, 17), True)
    assert facts(validity_years=years).term_days is None


def test_without_a_first_day_the_order_ends_with_its_certificate() -> None:
    assert end(valid_from="") == (date(2026, 11, 17), True)


@pytest.mark.parametrize(
    ("years", "days", "term"),
    [("1", "", 365), ("3", "", 1095), ("1.5", "", 548), ("1", "200", 200), ("2", "0", 730)],
)
def test_terms(years: str, days: str, term: int) -> None:
    assert facts(validity_years=years, validity_days=days).term_days == term


day = st.dates(date(2020, 1, 1), date(2030, 1, 1))


@given(day, st.integers(0, 400), st.integers(0, 400), st.integers(0, 6), st.booleans())
def test_the_end_is_never_before_the_certificate_s_nor_missing(
    placed: date, wait: int, life: int, years: int, first_day: bool
) -> None:
    valid_from = date.fromordinal(placed.toordinal() + wait)
    valid_till = date.fromordinal(valid_from.toordinal() + life)
    found = facts(
        date_created=str(placed),
        valid_from=str(valid_from),
        valid_till=str(valid_till),
        order_valid_from=str(placed) if first_day else "",
        order_valid_till="",
        validity_years=str(years),
    )
    assert found.order_expires_inferred
    assert found.order_expires_on is not None
    assert found.order_expires_on >= valid_till
    assert found.starts_on is not None
    assert placed <= found.starts_on <= valid_from


@pytest.mark.parametrize(
    ("changes", "column", "reason"),
    [
        ({"order_id": ""}, "order_id", "is empty"),
        ({"order_id": "0"}, "order_id", "is no order number"),
        ({"order_id": "1.39E+08"}, "order_id", "is no order number"),
        ({"order_id": "12 34"}, "order_id", "is no order number"),
        ({"date_created": ""}, "date_created", "is empty"),
        ({"date_created": "01/05/2026"}, "date_created", "dates are written"),
        ({"date_created": "2090-01-01"}, "date_created", "years ahead of today"),
        ({"date_created": "2026-12-01"}, "valid_till", "is 2026-11-17, before date_created 2026-12-01"),
        ({"valid_till": "2026-05-01"}, "valid_till", "is 2026-05-01, before valid_from 2026-05-02"),
        ({"valid_from": "0001-01-01"}, "valid_from", "no year of a certificate"),
        ({"order_valid_till": "9999-12-31"}, "order_valid_till", "no year of a certificate"),
        ({"order_valid_till": "2026-04-30"}, "order_valid_till", "before date_created"),
        ({"order_valid_from": "2027-05-03"}, "order_valid_till", "before order_valid_from"),
        ({"validity_years": "-1"}, "validity_years", "write a number"),
        ({"validity_days": "99999"}, "validity_days", "write a number"),
        ({"auto_renew": "perhaps"}, "auto_renew", "write 1 or 0"),
        ({"disable_renewal_notifications": "x"}, "disable_renewal_notifications", "write 1 or 0"),
        ({"is_renewed": "x"}, "is_renewed", "write 1 or 0"),
        ({"renewed_order_id": "a b"}, "renewed_order_id", "is no order number"),
        ({"price": "dear"}, "price", "write an amount"),
        ({"currency": "DOLLARS"}, "currency", "three letters"),
        ({"organization_name": "x" * 1001}, "organization_name", "longer than 1,000 characters"),
        ({"dns_names": "x" * 70_000}, "dns_names", "longer than 65,536 characters"),
    ],
)  # fmt: skip
def test_rows_that_make_no_sense(changes: dict[str, str], column: str, reason: str) -> None:
    found = refused(**changes)
    assert found[0] == column
    assert reason in found[1]


@pytest.mark.parametrize("text", ["123", " 123 ", "AB-12_x", "0123"])
def test_order_numbers(text: str) -> None:
    assert order_id(text) == text.strip()


def test_names_are_in_lower_case_and_each_once() -> None:
    found = facts(common_name="WWW.Larch.example.", dns_names='["www.larch.example", "LARCH.example"] larch.example\n')
    assert found.common_name == "www.larch.example"
    assert found.dns_names == ("www.larch.example", "larch.example")


def test_absent_names_and_a_common_name_among_the_others() -> None:
    assert facts(dns_names='[" "]').dns_names == ()
    assert facts(common_name="").common_name == "www.larch.example"
    assert facts(common_name="münchen.larch.example").common_name == "münchen.larch.example"


def test_a_name_that_is_no_host_keeps_its_letters() -> None:
    assert facts(product_name_id="code_signing", common_name="Larch Ltd").common_name == "Larch Ltd"


def test_certificates_are_told_by_the_first_of_three_columns() -> None:
    rest = {"serial_number": "0A", "thumbprint": "FF"}
    assert facts(**rest).certificate_id == "998"
    assert facts(certificate_id="", **rest).certificate_id == "0A"
    assert facts(certificate_id="0", serial_number="null", thumbprint="FF").certificate_id == "FF"


@pytest.mark.parametrize(
    ("own", "linked", "is_renewed", "renewed_by", "renewal_of"),
    [
        ("100", "200", "1", "digicert:200", ""),
        ("100", "200", "", "digicert:200", ""),
        ("100", "200", "0", "", ""),
        ("200", "100", "0", "", "digicert:100"),
        ("200", "100", "1", "", "digicert:100"),
        ("100", "0", "1", "", ""),
        ("100", "", "0", "", ""),
        ("100", "100", "1", "", ""),
        ("A1", "B2", "1", "digicert:B2", ""),
    ],
)
def test_the_direction_of_a_link(own: str, linked: str, is_renewed: str, renewed_by: str, renewal_of: str) -> None:
    found = facts(order_id=own, renewed_order_id=linked, is_renewed=is_renewed)
    assert (found.renewed_by, found.renewal_of, found.is_renewed) == (
        renewed_by,
        renewal_of,
        is_renewed == "1",
    )


def test_an_open_link_back_is_used() -> None:
    found = facts(order_id="200", renewal_of_order_id="100", renewed_order_id="300", is_renewed="1")
    assert (found.renewal_of, found.renewed_by) == ("digicert:100", "digicert:300")


def test_switches() -> None:
    found = facts(auto_renew="1", disable_renewal_notifications="true")
    assert (found.auto_renew, found.ca_notices_off) == (True, True)


@pytest.mark.parametrize(
    ("price", "currency", "value"),
    [
        ("300", "", (30000, "USD")), ("1,234.56", "eur", (123456, "EUR")), ("50000", "KRW", (50000, "KRW")),
        ("1.5", "KWD", (1500, "KWD")), ("", "EUR", (None, "")),
    ],
)  # fmt: skip
def test_values(price: str, currency: str, value: tuple[int | None, str]) -> None:
    found = facts(price=price, currency=currency)
    assert (found.value_minor, found.currency) == value


def test_the_setting_gives_the_currency_and_the_ca() -> None:
    found = facts(Reading(ca="other", currency="GBP"), price="1", renewal_of_order_id="7")
    assert (found.currency, found.key, found.renewal_of) == ("GBP", "other:123456", "other:7")
    assert found.account.key == "other:organisation:4711"


@pytest.mark.parametrize(
    ("customer", "key"),
    [
        ("organisation", "digicert:organisation:4711"),
        ("container", "digicert:container:44"),
        ("account", "digicert:account:9"),
    ],
)
def test_the_customer_is_what_the_setting_says(customer: str, key: str) -> None:
    assert facts(Reading(customer=customer)).account.key == key


NOBODY = {
    "organization_id": "",
    "organization_name": "",
    "container_id": "",
    "container_name": "",
    "account_id": "",
}


@pytest.mark.parametrize(
    ("customer", "known", "key"),
    [
        ("organisation", {"container_id": "44", "account_id": "9"}, "digicert:container:44"),
        ("organisation", {"account_id": "9"}, "digicert:account:9"),
        ("container", {"organization_id": "4711", "account_id": "9"}, "digicert:organisation:4711"),
        ("account", {"organization_name": "Larch  LTD"}, "digicert:organisation:larch ltd"),
        ("organisation", {"organization_id": "0", "container_id": "44"}, "digicert:container:44"),
        ("organisation", {}, "digicert:order:123456"),
    ],
)
def test_who_the_customer_is_where_the_row_does_not_say(customer: str, known: dict[str, str], key: str) -> None:
    assert facts(Reading(customer=customer), **NOBODY | known).account.key == key


@pytest.mark.parametrize(("text", "country"), [("de", "DE"), ("DEU", ""), ("", ""), ("d1", "")])
def test_countries(text: str, country: str) -> None:
    assert facts(organization_country=text).account.country == country


def test_one_person_in_several_roles_is_one_person() -> None:
    found = facts(user_email="ADA@larch.example", org_email="ada@larch.example", org_first_name="A")
    (person,) = found.people
    assert person == Person(
        "ada@larch.example", (Role.ORGANISATION, Role.TECHNICAL, Role.REQUESTER), "A", "+44 20 7946 0101"
    )


def test_everybody_a_row_can_name() -> None:
    found = facts(
        organization_contact_email="head@larch.example",
        contacts_email="desk@larch.example",
        email="box@larch.example",
        additional_emails="one@larch.example; two@larch.example,broken",
    )
    assert [(person.email, person.roles) for person in found.people] == [
        ("head@larch.example", (Role.ORGANISATION,)),
        ("ada@larch.example", (Role.TECHNICAL,)),
        ("neil@larch.example", (Role.REQUESTER,)),
        ("desk@larch.example", (Role.ORGANISATION,)),
        ("box@larch.example", (Role.REQUESTER,)),
        ("one@larch.example", (Role.REQUESTER,)),
        ("two@larch.example", (Role.REQUESTER,)),
    ]


def test_the_holder_of_an_s_mime_certificate_is_no_contact() -> None:
    found = facts(product_name_id="secure_email_sponsor", email="holder@larch.example")
    assert "holder@larch.example" not in [person.email for person in found.people]


def test_an_address_that_is_none_never_refuses_the_order() -> None:
    found = facts(tech_email="nobody", user_email="x@y", additional_emails="@")
    assert found.people == ()


def test_product_names_come_from_the_row_else_the_catalogue() -> None:
    assert facts(product_name="As sold").product_name == "As sold"
    assert facts(product_name="").product_name == "ssl_basic"


def test_the_last_day_for_creation_is_a_setting_of_the_reading() -> None:
    late = replace(READING, latest=date(2026, 4, 30))
    with pytest.raises(BadRow, match="date_created"):
        facts(late)


@given(st.dictionaries(st.sampled_from(USED), st.text(max_size=30)))
def test_no_row_is_a_surprise(changes: dict[str, str]) -> None:
    try:
        found = facts(**changes)
    except BadRow as error:
        assert error.column in USED  # noqa: PT017, most rows are fine
        return
    assert found.key == f"digicert:{found.outside_id}"
