"""A made-up order report of CertCentral's form, of any length: the same from the same figures, always."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from random import Random

from bench.ledger import DAY, FIRST_ORDER, ORDERS_PER_ACCOUNT

COLUMNS = (
    "order_id", "customer_order_id", "date_created", "container_id", "container_name", "status", "user_id",
    "organization_id", "organization_name", "organization_address_1", "organization_city", "organization_state",
    "organization_country", "organization_unit", "tech_first_name", "tech_last_name", "tech_email", "tech_title",
    "tech_telephone", "server_type", "issuing_ca", "agreement_id", "validity_years", "signature_hash", "dcv_method",
    "common_name", "plus_feature", "dns_names", "product_id", "product_name_id", "product_name", "product_type",
    "csr", "valid_from", "valid_till", "is_renewed", "renewed_order_id", "disable_issuance_email", "pay_type",
    "is_out_of_contract", "disable_renewal_notifications", "additional_emails", "auto_renew", "thumbprint",
    "serial_number", "account_id", "user_first_name", "user_last_name", "user_email", "order_valid_till",
    "certificate_id", "renewal_of_order_id", "price", "currency", "validity_days",
)  # fmt: skip
"""The columns, 55 of them."""

_TERM = 365
_REQUEST_LINES = 5
_SEED = 20_261_118
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def write_report(path: Path, rows: int) -> None:
    """Writes a report of so many orders. Requests stand in it with their line breaks, as the CA gives them."""
    with path.open("w", encoding="utf-8", newline="", buffering=1 << 20) as file:
        file.write(",".join(f'"{name}"' for name in COLUMNS) + "\r\n")
        file.writelines(_lines(rows))


def _lines(rows: int) -> Iterator[str]:
    chance = Random(_SEED)  # noqa: S311, invented data
    days = [(DAY - timedelta(days=_TERM - left), DAY + timedelta(days=left)) for left in range(1, _TERM)]
    requests = [
        "".join(f"\n{''.join(chance.choices(_LETTERS, k=64))}" for _ in range(_REQUEST_LINES)) for _ in range(97)
    ]
    for number in range(rows):
        values = _values(number, *days[number * 7 % len(days)], requests[number % 97])
        yield '"' + '","'.join(values) + '"\r\n'


def _values(number: int, starts_on: date, ends_on: date, request: str) -> tuple[str, ...]:
    order_id = str(FIRST_ORDER + number)
    customer = number // ORDERS_PER_ACCOUNT
    name = f"www{number}.customer{customer}.example"
    start, end = starts_on.isoformat(), ends_on.isoformat()
    mark = f"{number * 2_654_435_761 % 2**32:08X}"
    return (
        order_id, "", f"{start} 09:{number % 60:02}:07", "7001", "All customers", "issued", str(9_000 + customer % 50),
        str(400_000 + customer), f"Customer {customer} Ltd", f"{customer % 200 + 1} Harbour Street", "Hamburg", "HH",
        "de", "", "Tina", f"Tech {customer}", f"admin@customer{customer}.example", "Administrator",
        "+49 40 123456", "-1", "DigiCert Global G2 TLS RSA SHA256 2020 CA1", "", "1", "sha256", "dns-txt-token",
        name, "0", f"{name},customer{customer}.example", "64", "ssl_securesite_flex", "Secure Site OV",
        "securesite_ssl_certificate",
        f"-----BEGIN CERTIFICATE REQUEST-----{request}\n-----END CERTIFICATE REQUEST-----", start, end, "0", "0", "0",
        "A", "0", "0", "", "0", mark * 5,
        mark * 4, "110022", "Ulf", f"Office {customer}", f"office@customer{customer}.example", end,
        order_id + "1", "0", "439.00", "USD", str(_TERM),
    )  # fmt: skip
