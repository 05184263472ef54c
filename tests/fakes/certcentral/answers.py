"""Orders as the service writes them down: rows of the list, order info, rows of the report, rows of subaccounts."""

import hashlib
from datetime import date, datetime
from typing import Any

from cli.sample_portfolio import HEADER
from tests.fakes.certcentral.records import Certificate, Container, Order, Organisation, Person, product
from tests.fakes.certcentral.world import World

# The documentation's copy of the header is cut behind this column; the sample has more.
REPORT_HEADER = HEADER[: HEADER.index("user_email") + 1]
_NAMELESS = ("code_signing_certificate", "client_certificate")
_NOTICES = ("send_minus_90", "send_minus_60", "send_minus_30", "send_minus_7", "send_minus_3", "send_plus_7")


def serial_number(certificate: Certificate) -> str:
    """32 hexadecimal digits that follow from the certificate's id."""
    return hashlib.blake2b(b"serial %d" % certificate.id, digest_size=16).hexdigest().upper()


def thumbprint(certificate: Certificate) -> str:
    """40 hexadecimal digits that follow from the certificate's id."""
    return hashlib.blake2b(b"thumbprint %d" % certificate.id, digest_size=20).hexdigest().upper()


def shown_status(world: World, order: Order, today: date) -> str:
    """The status as answers tell it."""
    if order.status != "issued" or order.ends_on is None or order.ends_on >= today:
        return order.status
    how = world.quirks.ended_status
    return "expired" if how == "expired" or (how == "mixed" and order.id % 2 == 0) else "issued"


def instant(at: datetime) -> str:
    """ISO 8601 in UTC."""
    return at.isoformat(timespec="seconds")


def without_nothing(told: dict[str, Any]) -> dict[str, Any]:
    """The fields that are there."""
    return {name: value for name, value in told.items() if value is not None}


def list_row(world: World, order: Order) -> dict[str, Any]:
    """A row of `GET /order/certificate`."""
    today = world.clock.today()
    name, kind, _ = product(order.product)
    told: dict[str, Any] = {
        "id": order.id,
        "certificate": _certificate(world, order, today),
        "status": shown_status(world, order, today),
        "is_renewed": order.is_renewed,
        "date_created": instant(order.placed_at),
        "organization": _organisation_name(world.organisation(order.organisation)),
        "validity_years": _years(order),
        "order_validity": _validity(order),
        "order_valid_till": _shown_end(world, order),
        "disable_renewal_notifications": order.notices_off,
        "container": _container(world.container(order.container)) | {"is_active": True},
        "product": {"name_id": order.product, "name": name, "type": kind},
        "duplicates_count": 0,
        "has_duplicates": False,
        "reissues_count": order.reissues,
        "has_reissues": order.reissues > 0,
        "price": _amount(order.price),
        "product_name_id": order.product,
        "number_of_sans": len(order.names),
        "is_multi_year_plan": "1" if order.multi_year else None,
        "custom_fields": _custom_fields(world, order) or None,
    }
    if world.quirks.renewal_of_in_list and order.renewal_of:
        told["renewal_of_order_id"] = order.renewal_of
    return without_nothing(told) | world.quirks.more_fields


def info(world: World, order: Order) -> dict[str, Any]:
    """`GET /order/certificate/{order_id}`."""
    today, quirks = world.clock.today(), world.quirks
    name, kind, level = product(order.product)
    told: dict[str, Any] = {
        "id": order.id,
        "certificate": _certificate(world, order, today, whole=True),
        "status": shown_status(world, order, today),
        "is_renewal": order.renewal_of > 0,
        "is_renewed": order.is_renewed,
        "renewed_order_id": _renewed_order_id(world, order),
        "renewal_of_order_id": (order.renewal_of or None) if quirks.renewal_of_in_info else None,
        "date_created": instant(order.placed_at),
        "order_valid_from": order.starts_on and str(order.starts_on),
        "order_valid_till": order.ends_on and str(order.ends_on),
        "order_validity": _validity(order),
        "validity_years": _years(order),
        "organization": _organisation(world.organisation(order.organisation)),
        "disable_renewal_notifications": order.notices_off,
        "auto_renew": int(order.auto_renew),
        "auto_reissue": int(order.auto_reissue),
        "custom_renewal_message": order.custom_renewal_message or None,
        "additional_emails": list(order.additional_emails) or None,
        "container": _container(world.container(order.container)),
        "product": {
            "name_id": order.product, "name": name, "type": kind, "validation_type": level,
            "validation_name": level.upper(), "validation_description": f"{level.upper()} validation",
        },
        "organization_contact": _contact(order.organisation_contact),
        "technical_contact": _contact(order.technical),
        "user": order.user and {
            "id": order.user_id, "first_name": order.user.first_name, "last_name": order.user.last_name,
            "email": order.user.email,
        },
        "requests": [_request(order)],
        "receipt_id": order.id % 1_000_000,
        "price": _amount(order.price),
        "currency": order.currency,
        "payment_method": "balance",
        "is_out_of_contract": order.out_of_contract,
        "allow_duplicates": True,
        "duplicates_count": 0,
        "reissues_count": order.reissues,
        "is_multi_year_plan": "1" if order.multi_year else None,
        "custom_fields": _custom_fields(world, order) or None,
        "has_pending_request": order.status in ("pending", "reissue_pending"),
        "dcv_method": "dns-txt-token",
    }  # fmt: skip
    if quirks.notice_switches:
        told |= dict.fromkeys(_NOTICES, not order.notices_off)
    return without_nothing(told) | quirks.more_fields


def report_row(world: World, order: Order) -> list[Any]:
    """A row of `GET /report/order`, in the order of `report_header`."""
    name, kind, level = product(order.product)
    organisation = world.organisation(order.organisation)
    certificate, technical, user = order.certificate, order.technical, order.user
    row = [
        order.id, "", order.placed_at.isoformat(" ", "seconds")[:19], order.container,
        world.container(order.container).name, shown_status(world, order, world.clock.today()), order.user_id or "",
        *_report_organisation(organisation), "", *_report_person(technical), "-1", f"{order.product[:12].upper()}CA",
        "", _years(order), "sha256", "dns-txt-token" if level == "dv" else "email", order.names[0], "",
        ",".join(order.names) if kind not in _NAMELESS else "", "", order.product, name, kind, "", _csr(order),
        certificate.valid_from if certificate else "", certificate.valid_till if certificate else "", "",
        int(order.is_renewed), _renewed_order_id(world, order) or 0, order.id % 1_000_000, 0, "A",
        int(order.out_of_contract), int(order.notices_off), ",".join(order.additional_emails), int(order.auto_renew),
        order.custom_renewal_message, thumbprint(certificate) if certificate else "",
        serial_number(certificate) if certificate else "", world.account_id,
        *((user.first_name, user.last_name, user.email) if user else ("", "", "")),
    ]  # fmt: skip
    if world.quirks.report_order_end:
        row.append(order.ends_on or "")
    if world.quirks.renewal_of_in_report:
        row.append(order.renewal_of or 0)
    return row


def report_header(world: World) -> list[str]:
    """The columns of `GET /report/order`."""
    more = world.quirks.report_order_end * ["order_valid_till"]
    return [*REPORT_HEADER, *more, *world.quirks.renewal_of_in_report * ["renewal_of_order_id"]]


def subaccount_row(world: World, order: Order, *, whole: bool = False) -> dict[str, Any]:
    """A row of `GET /account/subaccount/order`, or the whole order. Only direct subaccounts tell of the certificate."""
    today = world.clock.today()
    name, kind, _ = product(order.product)
    account = world.subaccounts[order.subaccount]
    direct = account.parent_id == 0
    certificate = order.certificate
    told: dict[str, Any] = {
        "id": order.id,
        "certificate": without_nothing({
            "id": certificate.id if certificate else order.id * 100,
            "thumbprint": thumbprint(certificate) if certificate else None,
            "serial_number": serial_number(certificate) if certificate else None,
            "common_name": order.names[0],
            "dns_names": list(order.names),
            "valid_till": str(certificate.valid_till) if certificate else None,
            "organization_units": [],
            "signature_hash": "sha256",
        }) if direct else None,
        "subaccount": {
            "account_id": account.account_id, "account_type": account.account_type,
            "organization_name": account.organisation.name,
        },
        "product": {"name_id": order.product, "name": name, "type": kind},
        "order_price": {"cost": _amount(order.price), "currency": order.currency},
        "status": shown_status(world, order, today),
        "number_of_sans": len(order.names),
        "date_created": instant(order.placed_at),
        "validity_years": _years(order),
    }  # fmt: skip
    if whole:
        told |= {
            "organization": _organisation(world.organisation(order.organisation)) if direct else None,
            "is_multi_year_plan": "1" if order.multi_year else None,
            "order_valid_from": order.starts_on and str(order.starts_on),
            "order_valid_till": order.ends_on and str(order.ends_on),
        }
    return without_nothing(told) | world.quirks.more_fields


def _certificate(world: World, order: Order, today: date, *, whole: bool = False) -> dict[str, Any]:
    certificate = order.certificate
    names = list(order.names) if product(order.product)[1] not in _NAMELESS else []
    blank = [" "] if world.quirks.no_names == "blank" else None
    told: dict[str, Any] = {
        "id": certificate.id if certificate else order.id * 100,
        "common_name": order.names[0],
        "dns_names": names or blank,
        "signature_hash": "sha256",
    }
    if certificate is not None:
        told |= {
            "serial_number": serial_number(certificate),
            "valid_from": str(certificate.valid_from),
            "valid_till": str(certificate.valid_till),
            "days_remaining": (certificate.valid_till - today).days,
            "cert_validity": {"days": (certificate.valid_till - certificate.valid_from).days},
        }
    if whole:
        told |= {"date_created": instant(order.placed_at), "key_size": 2048, "csr": _csr(order)}
        told["organization"] = {"id": order.organisation} if order.organisation else None
        told["server_platform"] = {"id": -1, "name": "OTHER"}
        told["ca_cert"] = {"id": "A0C1E2", "name": "DigiCert Global G2 TLS RSA SHA256 2020 CA1"}
        if certificate is not None:
            told["thumbprint"] = thumbprint(certificate)
            told["date_issued"] = f"{certificate.valid_from}T12:00:00+00:00"
    return without_nothing(told)


def _renewed_order_id(world: World, order: Order) -> int | None:
    which = world.quirks.renewed_order_id
    return {"newer": order.renewed_by, "older": order.renewal_of, "absent": None}[which]


def _shown_end(world: World, order: Order) -> str | None:
    how = world.quirks.list_order_end
    told = order.ends_on is not None and (how == "always" or (how == "some" and order.id % 2 == 0))
    return str(order.ends_on) if told else None


def _years(order: Order) -> int:
    return max(1, round(order.days / 365))


def _validity(order: Order) -> dict[str, int]:
    return {"years": order.days // 365} if order.days % 365 == 0 else {"days": order.days}


def _amount(text: str) -> int | float:
    amount = float(text)
    return int(amount) if amount.is_integer() else amount


def _organisation_name(one: Organisation | None) -> dict[str, Any] | None:
    return {"id": one.id, "name": one.name} if one else None


def _organisation(one: Organisation | None) -> dict[str, Any] | None:
    if one is None:
        return None
    return {
        "id": one.id, "name": one.name, "assumed_name": "", "display_name": one.name, "is_active": True,
        "city": one.city, "state": one.state, "country": one.country, "telephone": one.telephone,
    }  # fmt: skip


def _container(one: Container) -> dict[str, Any]:
    return {"id": one.id, "name": one.name}


def _contact(one: Person | None) -> dict[str, str] | None:
    if one is None:
        return None
    return {
        "first_name": one.first_name, "last_name": one.last_name, "email": one.email, "telephone": one.telephone,
        "job_title": one.job_title,
    }  # fmt: skip


def _request(order: Order) -> dict[str, Any]:
    status = {"pending": "pending", "needs_approval": "pending", "rejected": "rejected"}.get(order.status, "approved")
    return {"id": order.id % 1_000_000, "date": instant(order.placed_at), "type": "new_request", "status": status}


def _custom_fields(world: World, order: Order) -> list[dict[str, Any]]:
    return [
        {"metadata_id": number, "label": world.fields[number].label if number in world.fields else "", "value": value}
        for number, value in order.custom_fields
    ]


def _report_organisation(one: Organisation | None) -> tuple[Any, ...]:
    return (one.id, one.name, "", "", one.city, one.state, one.country) if one else ("",) * 7


def _report_person(one: Person | None) -> tuple[str, ...]:
    return (one.first_name, one.last_name, one.email, one.job_title, one.telephone) if one else ("",) * 5


def _csr(order: Order) -> str:
    """Lines that look like a request; there is no key behind them."""
    line = hashlib.blake2b(b"csr %d" % order.id, digest_size=32).hexdigest()
    return f"-----BEGIN CERTIFICATE REQUEST-----\nMII{line[3:]}\n{line}\n-----END CERTIFICATE REQUEST-----"
