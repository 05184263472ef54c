"""Rows for the tests: the columns of a real report, filled with one plain order."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from connectors.order_report.mapping import USED

PLAIN = dict.fromkeys(USED, "") | {
    "order_id": "123456",
    "status": "issued",
    "date_created": "2026-05-01 10:00:00",
    "common_name": "www.larch.example",
    "valid_from": "2026-05-02",
    "valid_till": "2026-11-17",
    "validity_years": "1",
    "order_valid_till": "2027-05-02",
    "certificate_id": "998",
    "dns_names": "www.larch.example,larch.example",
    "product_name_id": "ssl_basic",
    "product_name": "Basic OV",
    "product_type": "ssl_certificate",
    "organization_id": "4711",
    "organization_name": "Larch Ltd",
    "organization_country": "gb",
    "container_id": "44",
    "container_name": "Sales",
    "account_id": "9",
    "tech_first_name": "Ada",
    "tech_last_name": "Shaw",
    "tech_email": "Ada@Larch.example",
    "tech_telephone": "+44 20 7946 0101",
    "user_first_name": "Neil",
    "user_last_name": "Frost",
    "user_email": "neil@larch.example",
}
CSR = "-----BEGIN CERTIFICATE REQUEST-----\nMIICabc\nMIICdef\n-----END CERTIFICATE REQUEST-----"


def row(**changes: str) -> dict[str, str]:
    """The plain order with other values."""
    return PLAIN | changes


def write(path: Path, rows: Iterable[Mapping[str, str]], columns: Iterable[str] | None = None) -> str:
    """Writes a report as CertCentral does, all values quoted and a request with line breaks in each row."""
    names = list(columns or [*PLAIN, "csr"])
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(names)
        writer.writerows([({"csr": CSR} | dict(one)).get(name, "") for name in names] for one in rows)
    return str(path)
