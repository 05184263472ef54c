"""What an account at CertCentral holds. Plain data; `world.py` changes it, `answers.py` writes it down."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

READ, ORDERS, ALL = "102 View Only", "100 Orders", "none"
ORDERS_AND_MORE = "101 Orders, Domains, Organizations"
RESTRICTIONS = (ALL, ORDERS, ORDERS_AND_MORE, READ)


@dataclass(frozen=True, slots=True)
class Key:
    """An API key. `restriction` is one of `RESTRICTIONS`.

    `partner` marks a key of the Partner Subscriptions API; `account_id` is then 0 for the parent account.
    """

    secret: str
    restriction: str = ALL
    region: str = "us"
    name: str = "a key"
    partner: bool = False
    account_id: int = 0


@dataclass(frozen=True, slots=True)
class Person:
    """A contact or user."""

    first_name: str
    last_name: str
    email: str
    telephone: str = ""
    job_title: str = ""


@dataclass(frozen=True, slots=True)
class Organisation:
    """A company on whose name certificates run."""

    id: int
    name: str
    country: str = "us"
    city: str = ""
    state: str = ""
    telephone: str = ""


@dataclass(frozen=True, slots=True)
class Container:
    """A division of the account."""

    id: int
    name: str
    parent_id: int = 0
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Subaccount:
    """An account below ours; `parent_id` is 0 where it is a direct one."""

    account_id: int
    organisation: Organisation
    account_type: str = "enterprise"
    parent_id: int = 0
    created_at: datetime | None = None
    manager: str = ""
    master: Person | None = None
    language_id: int = 1
    allow_parent_order_renewal: bool = False
    bill_parent: bool = False


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate of an order; its serial number and thumbprint follow from its id."""

    id: int
    valid_from: date
    valid_till: date


@dataclass(frozen=True, slots=True)
class Order:
    """One order. `certificate`, `starts_on` and `ends_on` are None until it is issued.

    `status` is CertCentral's word; an issued order that has ended is told by the quirk `ended_status`. `subaccount` is
    0 for orders of the account itself.
    """

    id: int
    product: str
    names: tuple[str, ...]
    placed_at: datetime
    status: str = "issued"
    certificate: Certificate | None = None
    starts_on: date | None = None
    ends_on: date | None = None
    days: int = 365
    organisation: int = 0
    container: int = 1
    technical: Person | None = None
    organisation_contact: Person | None = None
    user: Person | None = None
    user_id: int = 0
    additional_emails: tuple[str, ...] = ()
    auto_renew: bool = False
    auto_reissue: bool = False
    notices_off: bool = False
    custom_renewal_message: str = ""
    custom_fields: tuple[tuple[int, str], ...] = ()
    renewal_of: int = 0
    renewed_by: int = 0
    is_renewed: bool = False
    multi_year: bool = False
    reissues: int = 0
    price: str = "0"
    currency: str = "USD"
    origin: str = "certcentral"
    subaccount: int = 0
    out_of_contract: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """A custom field; `data_type` empty takes anything."""

    id: int
    label: str
    data_type: str = ""
    is_required: bool = False
    is_active: bool = True


@dataclass(frozen=True, slots=True)
class Contract:
    """An ACME contract of the Partner Subscriptions API."""

    id: int
    account_id: int
    product: str
    names: tuple[str, ...]
    created_at: datetime
    valid_till: datetime
    auto_renew: bool = False
    cancelled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """When an order got the status it has."""

    at: datetime
    order_id: int
    certificate_id: int
    status: str


@dataclass
class Webhook:
    """The account's webhook. `status`: pending, active, inactive; `log`: its deliveries, oldest first."""

    id: int
    endpoint: str
    secret: str
    events: tuple[str, ...]
    settings: dict[str, Any]
    status: str = "pending"
    token: str = ""
    challenged_at: datetime | None = None
    log: list[dict[str, Any]] = field(default_factory=list)


# product_name_id: name, type, validation type
PRODUCTS = {
    "ssl_basic": ("Basic OV", "ssl_certificate", "ov"),
    "ssl_plus": ("Standard SSL", "ssl_certificate", "ov"),
    "ssl_ev_basic": ("Basic EV", "ssl_certificate", "ev"),
    "ssl_securesite_flex": ("Secure Site OV", "ssl_certificate", "ov"),
    "ssl_ev_securesite_flex": ("Secure Site EV", "ssl_certificate", "ev"),
    "ssl_securesite_pro": ("Secure Site Pro SSL", "ssl_certificate", "ov"),
    "ssl_wildcard": ("Wildcard SSL", "ssl_certificate", "ov"),
    "ssl_multi_domain": ("Multi-Domain SSL", "ssl_certificate", "ov"),
    "ssl_dv_geotrust_flex": ("GeoTrust DV SSL", "dv_ssl_certificate", "dv"),
    "ssl_dv_rapidssl": ("RapidSSL Standard DV", "dv_ssl_certificate", "dv"),
    "wildcard_dv_rapidssl": ("RapidSSL Wildcard DV", "dv_ssl_certificate", "dv"),
    "code_signing": ("Code Signing", "code_signing_certificate", "ov"),
    "code_signing_ev": ("EV Code Signing", "code_signing_certificate", "ev"),
    "secure_email_sponsor": ("Secure Email for Business", "client_certificate", "ov"),
    "private_ssl_plus": ("Private SSL", "private_ssl_certificate", "ov"),
}


def product(name_id: str) -> tuple[str, str, str]:
    """Name, type and validation type; a product that nobody knows is told by its id."""
    return PRODUCTS.get(name_id, (name_id.replace("_", " ").title(), "ssl_certificate", "ov"))
