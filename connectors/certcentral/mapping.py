"""CertCentral's orders in the engine's words. Pure.

The list, order info, the order report and the lists of subaccounts name the same things; each is first brought to the
columns of the order report, in which they can fill each other's gaps, and those are read as the report's are.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from connectors.order_report.mapping import Reading, order_id, to_facts
from connectors.order_report.values import as_date, as_money
from core.model import AccountFacts, BadRow, OrderFacts, order_key
from core.products import Catalogue
from core.words import Level, OrderStatus, Role

CA = "digicert"
CONTRACT = "acme-"
WINDOW_AFTER_DAYS = 14
PENDING_DAYS = 90
REISSUE_DAYS = 45
_YEAR_DAYS = 365
_TRUE = ("1", "true", "True")

# What order info tells and no list repeats; it is remembered.
KEPT = (
    "order_valid_from", "order_valid_till", "validity_days", "renewal_of_order_id", "currency",
    "organization_country", "auto_renew", "additional_emails",
    "tech_first_name", "tech_last_name", "tech_email", "tech_telephone",
    "org_first_name", "org_last_name", "org_email", "org_telephone",
    "user_first_name", "user_last_name", "user_email",
)  # fmt: skip
_LINKS = ("renewal_of_order_id", "renewed_order_id")
_CONTACTS = (("technical_contact", "tech"), ("organization_contact", "org"), ("user", "user"), ("master_user", "org"))
_PERSON = ("first_name", "last_name", "email", "telephone")

_KNOWN = frozenset((
    "additional_emails", "alternative_order_id", "allow_duplicates", "api_key", "auto_reissue", "auto_renew", "benefits",
    "certificate", "container", "cs_provisioning_method", "currency", "custom_fields", "custom_renewal_message",
    "date_created", "dcv_method", "disable_issuance_email", "disable_renewal_notifications", "duplicates_count",
    "has_duplicates", "has_pending_request", "has_reissues", "id", "is_multi_year_plan", "is_out_of_contract",
    "is_renewal", "is_renewed", "note", "notes", "number_of_sans", "order_price", "order_valid_from", "order_valid_till",
    "order_validity", "organization", "organization_contact", "payment_method", "payment_profile", "pay_type", "price",
    "prices", "product", "product_name_id", "public_id", "receipt_id", "reissues_count", "renewal_of_order_id",
    "renewed_order_id", "requests", "send_minus_3", "send_minus_30", "send_minus_60", "send_minus_7", "send_minus_90",
    "send_plus_7", "server_licenses", "status", "subaccount", "technical_contact", "user", "user_assignments",
    "validation_status", "validity_years", "verified_contacts", "dcv_random_value",
))  # fmt: skip


def unknown_fields(order: Mapping[str, Any]) -> set[str]:
    """The fields of an order that nothing here has heard of."""
    return {name for name in order if name not in _KNOWN}


def number_of(order: Mapping[str, Any]) -> str:
    """The order's id. Raises `BadRow`."""
    return order_id(_text("id", order.get("id")))


def columns_of(order: Mapping[str, Any]) -> dict[str, str]:
    """An order of the list, of order info, or of a subaccount as columns of the order report. Raises `BadRow`."""
    certificate, product = _object(order, "certificate"), _object(order, "product")
    organisation, container = _object(order, "organization"), _object(order, "container")
    subaccount, price, validity = (_object(order, name) for name in ("subaccount", "order_price", "order_validity"))
    status = _text("status", order.get("status"))
    renewed = _text("is_renewed", order.get("is_renewed"))
    if status in ("renewed", "not_renewed"):  # how a migrated order is marked
        status, renewed = "issued", str(int(status == "renewed"))
    found = {
        "order_id": number_of(order),
        "status": status,
        "is_renewed": renewed,
        "date_created": _text("date_created", order.get("date_created")),
        "common_name": _text("common_name", certificate.get("common_name")),
        "dns_names": _names(certificate.get("dns_names")),
        "valid_from": _text("valid_from", certificate.get("valid_from")),
        "valid_till": _text("valid_till", certificate.get("valid_till")),
        "certificate_id": _text("certificate.id", certificate.get("id")),
        "serial_number": _text("serial_number", certificate.get("serial_number")),
        "order_valid_from": _text("order_valid_from", order.get("order_valid_from")),
        "order_valid_till": _text("order_valid_till", order.get("order_valid_till")),
        "validity_years": _length(order.get("validity_years", validity.get("years")), 30),
        "validity_days": _length(validity.get("days"), 366 * 30),
        "product_name_id": _text("product", product.get("name_id", order.get("product_name_id"))),
        "product_name": _text("product", product.get("name")),
        "product_type": _text("product", product.get("type")),
        "auto_renew": _text("auto_renew", order.get("auto_renew")),
        "disable_renewal_notifications": _text(
            "disable_renewal_notifications", order.get("disable_renewal_notifications")
        ),
        "renewed_order_id": _link("renewed_order_id", order),
        "renewal_of_order_id": _link("renewal_of_order_id", order),
        "price": _price(order.get("price", price.get("cost"))),
        "currency": _currency(order.get("currency", price.get("currency"))),
        "organization_id": _text("organization.id", organisation.get("id")),
        "organization_name": _text("organization.name", organisation.get("name")),
        "organization_country": _text("organization.country", organisation.get("country")),
        "container_id": _text("container.id", container.get("id")),
        "container_name": _text("container.name", container.get("name")),
        "account_id": _text("subaccount.account_id", subaccount.get("account_id")),
        "account_name": _text("subaccount.name", subaccount.get("organization_name")),
        "additional_emails": _names(order.get("additional_emails")),
    }
    return {column: value for column, value in (found | people_of(order)).items() if value}


def people_of(told: Mapping[str, Any]) -> dict[str, str]:
    """The people that an order or a subaccount names, as columns of the order report. Whatever is no text is left out."""
    found: dict[str, str] = {}
    for name, prefix in _CONTACTS:
        person = told.get(name)
        if not isinstance(person, Mapping):
            continue
        for field in _PERSON:
            value = person.get(field)
            if isinstance(value, str) and value.strip():
                found[f"{prefix}_{field}"] = value
    return found


def report_columns(row: Mapping[str, str]) -> dict[str, str]:
    """A row of the order report without what stands for nothing. The account is ours, and so no customer."""
    nothing = ("", "0", "null")
    return {
        column: value
        for column, value in row.items()
        if value and column not in ("account_id", "account_name") and not (column in _LINKS and value in nothing)
    }


def filled(first: Mapping[str, str], *others: Mapping[str, str]) -> dict[str, str]:
    """The columns of the first; what it leaves empty is taken from the others in turn."""
    found = dict(first)
    for other in others:
        for column, value in other.items():
            if value and not found.get(column):
                found[column] = value
    return found


def kept(columns: Mapping[str, str]) -> dict[str, str]:
    """What is worth remembering of order info."""
    return {column: columns[column] for column in KEPT if columns.get(column)}


def facts_of(columns: Mapping[str, str], reading: Reading) -> OrderFacts:
    """The order that the columns tell. Raises `BadRow`.

    An order of which only the length is told, as of a subaccount's subaccount, ends when that is over; this is marked
    as inferred. Orders of subaccounts are the subaccount's, whatever one customer is otherwise.
    """
    row = dict.fromkeys(("status", "date_created", "common_name", "valid_from", "valid_till", "validity_years"), "")
    row |= columns
    own = replace(reading, customer="account") if row.get("account_id") else reading
    inferred = not row["valid_till"] and not row.get("order_valid_till") and row["status"] in ("issued", "expired")
    if inferred:
        row["order_valid_till"] = _estimated_end(row)
    facts = to_facts(row, own)
    return replace(facts, order_expires_inferred=True) if inferred else facts


def _estimated_end(row: Mapping[str, str]) -> str:
    placed_on = as_date("date_created", row["date_created"])
    if placed_on is None:
        return ""
    days = float(row.get("validity_days") or 0) or float(row["validity_years"] or 1) * _YEAR_DAYS
    return str(placed_on + timedelta(days=int(days)))


def needs_info(facts: OrderFacts, today: date, days: int, *, organisation_contacts: bool) -> bool:
    """Whether order info could tell more that a touchpoint needs soon.

    That is for an order that ends within so many days, or whose certificate ends within 45: its end, and somebody to
    write to; with `organisation_contacts` also the organisation's contact of an order that ends, whom no list names.
    For a young order that waits: which one it renews.
    """
    if facts.certificate_issued_on is None and facts.status in (OrderStatus.PENDING, OrderStatus.UNKNOWN):
        return not facts.renewal_of and (today - facts.placed_on).days <= PENDING_DAYS
    if facts.is_renewed or facts.status in (OrderStatus.CANCELLED, OrderStatus.REVOKED, OrderStatus.REJECTED):
        return False
    ends = _near(facts.order_expires_on, today, days)
    if not ends and not _near(facts.certificate_expires_on, today, min(days, REISSUE_DAYS)):
        return False
    if facts.order_expires_on is None or facts.order_expires_inferred or not facts.people:
        return True
    roles = {role for person in facts.people for role in person.roles}
    return organisation_contacts and ends and facts.level in (Level.OV, Level.EV) and Role.ORGANISATION not in roles


def _near(end: date | None, today: date, days: int) -> bool:
    return end is not None and -WINDOW_AFTER_DAYS <= (end - today).days <= days


def contract_facts(contract: Mapping[str, Any], account: Mapping[str, Any], catalogue: Catalogue) -> OrderFacts:
    """An ACME contract of the Partner Subscriptions API as an order: its certificates come and go by themselves.

    Raises `BadRow`. The names of some fields are not documented; the likely ones are all read.
    """
    outside_id = contract_number(contract)
    placed_on = as_date("created_at", _first(contract, "created_at", "creation", "date_created"))
    ends_on = as_date("valid_till", _first(contract, "valid_till", "expiration", "expires_at"))
    if placed_on is None:
        raise BadRow("created_at", "is empty")
    if ends_on is None:
        raise BadRow("valid_till", "is empty")
    cancelled = bool(_first(contract, "date_canceled", "cancellation", "canceled_at"))
    product = catalogue.classify(_first(contract, "product_name_id", "product"), "ssl_certificate")
    names = [name.strip().lower() for name in _names(contract.get("sans")).split(",") if name.strip()]
    organisation = _object(contract, "organization")
    account_id = _text("account_id", contract.get("account_id", account.get("account_id")))
    return OrderFacts(
        key=order_key(CA, outside_id),
        ca=CA,
        outside_id=outside_id,
        status=OrderStatus.CANCELLED if cancelled else OrderStatus.ISSUED,
        status_text="canceled" if cancelled else "active",
        product_id=product.id,
        product_name=product.name,
        kind=product.kind,
        level=product.level,
        common_name=names[0] if names else "",
        dns_names=tuple(dict.fromkeys(names)),
        placed_on=placed_on,
        starts_on=placed_on,
        order_expires_on=ends_on,
        order_expires_inferred=False,
        certificate_id="",
        certificate_issued_on=placed_on,
        certificate_expires_on=None,
        term_days=(ends_on - placed_on).days,
        auto_renew=_text("auto_renew", contract.get("auto_renew")) in _TRUE,
        account=AccountFacts(
            f"{CA}:account:{account_id}" if account_id else order_key(CA, outside_id),
            _text("organization", organisation.get("name", account.get("organization_name"))),
        ),
    )


def contract_number(contract: Mapping[str, Any]) -> str:
    """The contract's id, marked as one of a contract. Raises `BadRow`."""
    return CONTRACT + order_id(_first(contract, "acme_contract_id", "contract_id", "id"))


def _first(told: Mapping[str, Any], *names: str) -> str:
    return next((text for name in names if (text := _text(name, told.get(name)))), "")


def _object(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A part of an order; an empty one where it is absent or no object."""
    part = told.get(name)
    return part if isinstance(part, Mapping) else {}


def _text(name: str, value: object) -> str:
    """A single value as the report would write it. Raises `BadRow` for a list or an object."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, str):
        if "\0" in value:
            raise BadRow(name, "holds a NUL character")
        return value.strip()
    if isinstance(value, int | float):
        return str(value)
    raise BadRow(name, "is no single value")


def _names(value: object) -> str:
    """A list of names or addresses, separated by commas; some answers hold one text, or a blank for none."""
    several: Iterable[object] = value if isinstance(value, list) else (value,)
    return ",".join(one.strip() for one in several if isinstance(one, str) and one.strip() and "\0" not in one)


def _link(name: str, order: Mapping[str, Any]) -> str:
    text = _text(name, order.get(name))
    return "" if text == "0" else text


def _length(value: object, most: int) -> str:
    """A length that makes sense, or none: it is never worth losing the order."""
    text = _text("validity", value) if isinstance(value, str | int | float) else ""
    try:
        return text if 0 < float(text) <= most else ""
    except ValueError:
        return ""


def _price(value: object) -> str:
    text = _text("price", value) if isinstance(value, str | int | float) else ""
    try:
        return text if as_money("price", text) is not None else ""
    except BadRow:
        return ""


def _currency(value: object) -> str:
    text = value.strip().upper() if isinstance(value, str) else ""
    return text if len(text) == 3 and text.isascii() and text.isalpha() else ""
