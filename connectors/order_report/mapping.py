"""The order report's columns in the engine's words. Pure: one row in, one order out, or `BadRow` that says why not.

The columns are those of CertCentral's `GET /report/order`; the oddities are told in BEHAVIOR.md.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from connectors.order_report.values import as_date, as_money, as_years, as_yes_no, email_addresses, is_nothing
from core.model import AccountFacts, BadRow, OrderFacts, Person, order_key
from core.money import minor_units
from core.products import Catalogue
from core.words import OrderStatus, ProductKind, Role

NEEDED = ("order_id", "status", "date_created", "common_name", "valid_from", "valid_till", "validity_years")
USED = (
    *NEEDED,
    "order_valid_from", "order_valid_till", "validity_days", "certificate_id", "serial_number", "thumbprint",
    "dns_names", "product_name_id", "product_name", "product_type", "auto_renew", "disable_renewal_notifications",
    "is_renewed", "renewed_order_id", "renewal_of_order_id", "price", "currency",
    "organization_id", "organization_name", "organization_country", "container_id", "container_name",
    "account_id", "account_name",
    "tech_first_name", "tech_last_name", "tech_email", "tech_telephone",
    "user_first_name", "user_last_name", "user_email", "user_telephone",
    "org_first_name", "org_last_name", "org_email", "org_telephone",
    "organization_contact_first_name", "organization_contact_last_name", "organization_contact_email",
    "organization_contact_telephone", "contacts_email", "email", "additional_emails",
)  # fmt: skip

_LONGEST_TEXT = 1000
_LONGEST_NAMES = 65_536
_ORDER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_BETWEEN_NAMES = re.compile(r"[\s,;|\[\]\"']+")
_CURRENCY = re.compile(r"[A-Z]{3}")
_FIRST_ISSUE_DAYS = 14
_PLAN_YEAR_DAYS = 365

_STATUSES = {
    "issued": OrderStatus.ISSUED,
    "expired": OrderStatus.EXPIRED,
    "revoked": OrderStatus.REVOKED,
    "canceled": OrderStatus.CANCELLED,
    "cancelled": OrderStatus.CANCELLED,
    "rejected": OrderStatus.REJECTED,
    "denied": OrderStatus.REJECTED,
    "pending": OrderStatus.PENDING,
    "needs_approval": OrderStatus.PENDING,
    "needs_csr": OrderStatus.PENDING,
    "processing": OrderStatus.PENDING,
    "approved": OrderStatus.PENDING,
    "waiting_pickup": OrderStatus.PENDING,
    "reissue_pending": OrderStatus.PENDING,
}
_ISSUED_WITH_DATES = {"processing", "approved", "waiting_pickup", "reissue_pending"}

# The columns of one person each: the beginning of their names, and what the person is to the order.
_PEOPLE = (
    ("org", Role.ORGANISATION),
    ("organization_contact", Role.ORGANISATION),
    ("tech", Role.TECHNICAL),
    ("user", Role.REQUESTER),
)


@dataclass(frozen=True, slots=True)
class Reading:
    """How rows are read: whose they are, and what the settings say. `latest` is the last day for `date_created`."""

    ca: str = "digicert"
    customer: str = "organisation"
    currency: str = "USD"
    catalogue: Catalogue = field(default_factory=Catalogue)
    latest: date = date.max


@dataclass(frozen=True, slots=True)
class _Dates:
    placed_on: date
    certificate_from: date | None
    certificate_till: date | None
    order_from: date | None
    order_till: date | None


def order_id(text: str) -> str:
    """An order's number as the report writes it. Raises `BadRow`."""
    text = text.strip()
    if not _ORDER_ID.fullmatch(text) or is_nothing(text):
        raise BadRow("order_id", "is no order number" if text else "is empty")
    return text


def to_facts(row: Mapping[str, str], reading: Reading) -> OrderFacts:
    """One row, by the names in `USED`; columns that the report lacks are absent or empty. Raises `BadRow`."""
    outside_id = order_id(row["order_id"])
    dates = _dates(row, reading.latest)
    status_text = _text(row, "status")
    status = _status(status_text, dates)
    if status is OrderStatus.ISSUED and dates.certificate_till is None and dates.order_till is None:
        raise BadRow("valid_till", "is empty although the order is issued")
    term = _term_days(row)
    anchor = _order_start(dates)
    expires_on, inferred = _order_end(dates, anchor, term)
    product_id = _text(row, "product_name_id")
    product_name = _text(row, "product_name")
    product = reading.catalogue.classify(product_id, _text(row, "product_type"), product_name)
    renewal_of, renewed_by, is_renewed = _renewal(row, reading.ca, outside_id)
    value, currency = _value(row, reading.currency)
    return OrderFacts(
        key=order_key(reading.ca, outside_id),
        ca=reading.ca,
        outside_id=outside_id,
        status=status,
        status_text=status_text,
        product_id=product_id,
        product_name=product_name or product.name,
        kind=product.kind,
        level=product.level,
        common_name=_common_name(row, product.kind),
        dns_names=tuple(_dns_names(row)),
        placed_on=dates.placed_on,
        starts_on=anchor,
        order_expires_on=expires_on,
        order_expires_inferred=inferred,
        certificate_id=_id(row, "certificate_id") or _id(row, "serial_number") or _id(row, "thumbprint"),
        certificate_issued_on=dates.certificate_from,
        certificate_expires_on=dates.certificate_till,
        term_days=term,
        auto_renew=as_yes_no("auto_renew", row.get("auto_renew", "")) or False,
        ca_notices_off=as_yes_no("disable_renewal_notifications", row.get("disable_renewal_notifications", ""))
        or False,
        is_renewed=is_renewed,
        renewed_by=renewed_by,
        renewal_of=renewal_of,
        value_minor=value,
        currency=currency,
        account=_account(row, reading, outside_id),
        people=_people(row, product.kind),
    )


def _text(row: Mapping[str, str], column: str) -> str:
    text = row.get(column, "")
    if not text:
        return text
    text = " ".join(text.split())
    if len(text) > _LONGEST_TEXT:
        raise BadRow(column, f"is longer than {_LONGEST_TEXT:,} characters")
    return text


def _id(row: Mapping[str, str], column: str) -> str:
    text = _text(row, column)
    return "" if is_nothing(text) else text


def _status(text: str, dates: _Dates) -> OrderStatus:
    word = text.lower().replace(" ", "_").replace("-", "_")
    if word in _ISSUED_WITH_DATES and dates.certificate_till is not None:
        return OrderStatus.ISSUED
    return _STATUSES.get(word, OrderStatus.UNKNOWN)


def _dates(row: Mapping[str, str], latest: date) -> _Dates:
    placed_on = as_date("date_created", row["date_created"])
    if placed_on is None:
        raise BadRow("date_created", "is empty")
    if placed_on > latest:
        raise BadRow("date_created", f"is {placed_on}, years ahead of today")
    found = _Dates(
        placed_on,
        as_date("valid_from", row["valid_from"]),
        as_date("valid_till", row["valid_till"]),
        as_date("order_valid_from", row.get("order_valid_from", "")),
        as_date("order_valid_till", row.get("order_valid_till", "")),
    )
    _refuse_backwards("valid_till", found.certificate_till, "valid_from", found.certificate_from)
    _refuse_backwards("order_valid_till", found.order_till, "order_valid_from", found.order_from)
    for column, end in (("valid_till", found.certificate_till), ("order_valid_till", found.order_till)):
        _refuse_backwards(column, end, "date_created", placed_on)
    return found


def _refuse_backwards(column: str, end: date | None, from_column: str, start: date | None) -> None:
    if end is not None and start is not None and end < start:
        raise BadRow(column, f"is {end}, before {from_column} {start}")


def _term_days(row: Mapping[str, str]) -> int | None:
    """The length that was ordered, in days; a year of a plan is 365 days. None where the row does not say."""
    days = as_years("validity_days", row.get("validity_days", ""), 366 * 30)
    if days:
        return int(days)
    years = as_years("validity_years", row["validity_years"], 30)
    return round(years * _PLAN_YEAR_DAYS) if years else None


def _order_start(dates: _Dates) -> date | None:
    """The first day of the order: its own column, else the first certificate's `valid_from`.

    The report tells the newest certificate's `valid_from` only. Where that is more than 14 days after the order was
    placed it may be a reissue's, and the day of the order is nearer to the truth, or too early, which is safer.
    """
    if dates.order_from is not None:
        return dates.order_from
    issued_on = dates.certificate_from
    if issued_on is None:
        return None
    return issued_on if issued_on - dates.placed_on <= timedelta(days=_FIRST_ISSUE_DAYS) else dates.placed_on


def _order_end(dates: _Dates, start: date | None, term: int | None) -> tuple[date | None, bool]:
    """The order's last day, and whether it had to be worked out: never earlier than the certificate's end."""
    if dates.order_till is not None:
        return dates.order_till, False
    if dates.certificate_till is None:
        return None, False
    if term is None or start is None:
        return dates.certificate_till, True
    return max(start + timedelta(days=term), dates.certificate_till), True


def _common_name(row: Mapping[str, str], kind: ProductKind) -> str:
    name = _text(row, "common_name")
    if kind not in (ProductKind.TLS, ProductKind.PRIVATE):
        return name
    return _dns_name(name) or next(_dns_names(row), "")


def _dns_name(text: str) -> str:
    return text.strip().rstrip(".").lower()


def _dns_names(row: Mapping[str, str]) -> Iterator[str]:
    """The names on the certificate, each once. Some reports fill an absent list with a blank in brackets."""
    text = row.get("dns_names", "")
    if not text:
        return
    if len(text) > _LONGEST_NAMES:
        raise BadRow("dns_names", f"is longer than {_LONGEST_NAMES:,} characters")
    names = (_dns_name(name) for name in _BETWEEN_NAMES.split(text))
    yield from dict.fromkeys(name for name in names if name)


def _renewal(row: Mapping[str, str], ca: str, own_id: str) -> tuple[str, str, bool]:
    """The key of the order that this one renews, of the one that renewed it, and whether it says that it is renewed.

    CertCentral does not document which way `renewed_order_id` points. Its numbers rise, so a higher one is taken for
    the newer order, a lower one for the older. A newer one counts only where `is_renewed` does not deny it.
    """
    is_renewed = as_yes_no("is_renewed", row.get("is_renewed", ""))
    renewal_of = _other_order(row, "renewal_of_order_id", own_id)
    linked = _other_order(row, "renewed_order_id", own_id)
    renewed_by = ""
    if linked and linked.isdecimal() and own_id.isdecimal() and int(linked) < int(own_id):
        renewal_of = renewal_of or linked
    elif linked and is_renewed is not False:
        renewed_by = linked
    return (
        order_key(ca, renewal_of) if renewal_of else "",
        order_key(ca, renewed_by) if renewed_by else "",
        bool(is_renewed),
    )


def _other_order(row: Mapping[str, str], column: str, own_id: str) -> str:
    text = _id(row, column)
    if text and not _ORDER_ID.fullmatch(text):
        raise BadRow(column, "is no order number")
    return "" if text == own_id else text


def _value(row: Mapping[str, str], default_currency: str) -> tuple[int | None, str]:
    """What the order cost in minor units, and the currency; nothing where the report does not say."""
    currency = (_id(row, "currency") or default_currency).upper()
    if not _CURRENCY.fullmatch(currency):
        raise BadRow("currency", "is no currency of three letters")
    amount: Decimal | None = as_money("price", row.get("price", ""))
    if amount is None:
        return None, ""
    return int((amount * minor_units(currency)).to_integral_value()), currency


def _account(row: Mapping[str, str], reading: Reading, outside_id: str) -> AccountFacts:
    """The customer by the setting; where the row does not name one the next of organisation, container, account.

    A row that names none at all is a customer of its own, so that nobody reads of another's orders.
    """
    kinds = ("organisation", "container", "account")
    for kind in (reading.customer, *(kind for kind in kinds if kind != reading.customer)):
        column = "organization" if kind == "organisation" else kind
        name = _text(row, f"{column}_name")
        which = _id(row, f"{column}_id") or " ".join(name.casefold().split())
        if which:
            return AccountFacts(f"{reading.ca}:{kind}:{which}", name, _country(row))
    return AccountFacts(f"{reading.ca}:order:{outside_id}", country=_country(row))


def _country(row: Mapping[str, str]) -> str:
    code = _text(row, "organization_country").upper()
    return code if len(code) == 2 and code.isascii() and code.isalpha() else ""


def _people(row: Mapping[str, str], kind: ProductKind) -> tuple[Person, ...]:
    """Everybody the row names, one entry for each address; an address that is none is left out.

    `email` and `additional_emails` get the CA's notices for the order: they stand beside the requester, after him.
    In orders for S/MIME `email` is the certificate's holder, who is no contact.
    """
    found: dict[str, Person] = {}
    for prefix, role in _PEOPLE:
        if not row.get(f"{prefix}_email"):
            continue
        name = " ".join(filter(None, (_text(row, f"{prefix}_first_name"), _text(row, f"{prefix}_last_name"))))
        for address in email_addresses(_text(row, f"{prefix}_email")):
            _add(found, Person(address, (role,), name, _text(row, f"{prefix}_telephone")))
    others = ["contacts_email"] if kind is ProductKind.SMIME else ["contacts_email", "email"]
    for column in (*others, "additional_emails"):
        role = Role.ORGANISATION if column == "contacts_email" else Role.REQUESTER
        for address in email_addresses(_text(row, column)):
            _add(found, Person(address, (role,)))
    return tuple(found.values())


def _add(found: dict[str, Person], person: Person) -> None:
    before = found.get(person.email)
    if before is not None:
        roles = tuple(dict.fromkeys((*before.roles, *person.roles)))
        person = Person(person.email, roles, before.name or person.name, before.phone or person.phone)
    found[person.email] = person
