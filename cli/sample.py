"""The sample portfolio: an order report, the people to go with it, and what happens in the 120 days that follow.

The same start always gives the same files. `write_sample` writes them as they are on the first day; `report_on` writes
the report as CertCentral would give it on a later one.
"""

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from cli.sample_portfolio import (
    CUSTOMERS,
    HEADER,
    NO_CONTACT,
    OPTS_OUT,
    PRODUCTS,
    REPS,
    UNSUBSCRIBED,
    WISHES,
    Customer,
    Wish,
)

DAYS = 120
CA = "digicert"
CUSTOMER = "container"  # each customer has a container of its own; DV orders name no organisation

# The longest certificate by its first day, as validity.toml has it for this CA.
_LONGEST = ((date(2029, 3, 15), 46), (date(2027, 3, 15), 99), (date(2026, 2, 24), 199), (date.min, 397))
_REISSUED_AHEAD = 21
_FIRST_ORGANISATION = 401_000
_FIRST_CONTAINER = 7_001


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate of an order."""

    id: str
    valid_from: date
    valid_till: date


@dataclass(frozen=True, slots=True)
class SampleOrder:
    """One order as it stands on a day."""

    id: str
    customer: int
    product: str
    names: tuple[str, ...]
    placed_on: date
    ends_on: date
    certificate: Certificate | None
    status: str = "issued"
    auto_renew: bool = False
    notices_off: bool = False
    renewed_by: str = ""
    renewal_of: str = ""
    lists_expired: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens on a day.

    `kind`: renewed, auto_renewed, replaced (old order, new order); placed, issued (old, new: a renewal that waits for
    validation); reissued, revoked, cancelled (order); confirmed (order: somebody outside says that it is renewed);
    reopened (order: that was a mistake); lost (order: its rep says that the customer will not renew); opted_out (no order:
    `address` refuses mails from now on).
    """

    day: date
    kind: str
    order_ids: tuple[str, ...] = ()
    address: str = ""
    order: SampleOrder | None = None  # the new order, or the order with its new certificate


@dataclass(frozen=True, slots=True)
class Sample:
    """The portfolio, its files, whom not to write to from the beginning, and what happens, in order of days.

    `ca` and `customer` are the settings of the order report with which the accounts of the files fit together.
    """

    start: date
    folder: Path
    report: Path
    accounts: Path
    reps: Path
    contacts: Path
    orders: tuple[SampleOrder, ...]
    suppressed: tuple[str, ...]
    consenting: tuple[str, ...]
    events: tuple[Event, ...]
    days: int = DAYS
    ca: str = CA
    customer: str = CUSTOMER

    def account_key(self, number: int) -> str:
        """The key of the customer of this number."""
        return _key(number)

    def on(self, day: date) -> tuple[Event, ...]:
        """What happens on this day."""
        return tuple(event for event in self.events if event.day == day)


def write_sample(folder: Path, start: date) -> Sample:
    """Writes order-report.csv, accounts.csv, reps.csv and contacts.csv into the folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    pairs = [(wish, _order(wish, number, start)) for number, wish in enumerate(WISHES)]
    events = [event for wish, order in pairs for event in _events(wish, order, start)]
    events.append(Event(start + timedelta(days=OPTS_OUT[1]), "opted_out", address=_address(OPTS_OUT[0], 0)))
    sample = Sample(
        start=start,
        folder=folder,
        report=folder / "order-report.csv",
        accounts=folder / "accounts.csv",
        reps=folder / "reps.csv",
        contacts=folder / "contacts.csv",
        orders=tuple(order for _, order in pairs),
        suppressed=(_address(UNSUBSCRIBED, 0),),
        consenting=tuple(
            _address(number, place)
            for number, one in enumerate(CUSTOMERS)
            if number % 4
            for place in range(len(one.people))
        ),
        events=tuple(sorted(events, key=lambda event: (event.day, event.order_ids, event.kind))),
    )
    _write(sample.accounts, _accounts())
    _write(sample.reps, [("rep_key", "name", "email", "phone", "job", "manager", "deputy", "active"), *REPS])
    _write(sample.contacts, _contacts())
    report_on(sample, start, sample.report)
    return sample


def report_on(sample: Sample, day: date, path: Path) -> None:
    """Writes the order report of this day: everything that has happened up to its end is in it.

    One order stands in it twice, and one row has a date that nobody can read.
    """
    orders = _orders_on(sample, day)
    rows = [_row(order, day) for order in orders]
    rows.insert(5, rows[4])
    spoilt = dict(zip(HEADER, _row(replace(orders[0], id="999999999"), day), strict=True))
    rows.append(list((spoilt | {"valid_till": "31/12/27"}).values()))
    _write(path, [HEADER, *rows])


def _orders_on(sample: Sample, day: date) -> list[SampleOrder]:
    now = {order.id: order for order in sample.orders}
    for event in sample.events:
        if event.day > day:
            break
        if event.order is not None:
            now[event.order.id] = event.order
        if event.kind in ("renewed", "auto_renewed", "issued"):
            old, new = event.order_ids
            now[old] = replace(now[old], renewed_by=new)
        elif event.kind in ("revoked", "cancelled"):
            (which,) = event.order_ids
            now[which] = replace(now[which], status="revoked" if event.kind == "revoked" else "canceled")
    return sorted(now.values(), key=lambda order: int(order.id))


def _order(wish: Wish, number: int, start: date) -> SampleOrder:
    end = start + timedelta(days=wish.ends)
    certificate_from: date | None = None
    if wish.shape == "running":
        certificate_from = end - timedelta(days=_longest_ending(end))
        placed_on, ends_on = certificate_from, certificate_from + timedelta(days=365)
    elif "certificate_first" in wish.flags:
        certificate_from = end - timedelta(days=_longest_ending(end))
        placed_on = start - timedelta(days=600)
        ends_on = placed_on + timedelta(days=3 * 365)
    else:
        days = {"plan": 365, "old": _longest(end - timedelta(days=397)), "years": 3 * 365}[wish.shape]
        placed_on, ends_on = end - timedelta(days=max(days, 365)), end
    order_id = _id(placed_on, number)
    return SampleOrder(
        id=order_id,
        customer=wish.customer,
        product=wish.product,
        names=tuple(_names(wish)),
        placed_on=placed_on,
        ends_on=ends_on,
        certificate=_certificate(order_id, certificate_from or placed_on, ends_on, start),
        auto_renew="auto_renew" in wish.flags,
        notices_off="notices_off" in wish.flags,
        lists_expired=number % 2 == 0,
    )


def _id(placed_on: date, number: int) -> str:
    """Numbers rise with the day, as the CA's do."""
    return str(100_000_000 + (placed_on - date(2015, 1, 1)).days * 1000 + number)


def _longest(issued_on: date) -> int:
    return next(days for since, days in _LONGEST if issued_on >= since)


def _longest_ending(end: date) -> int:
    return next(days for _, days in reversed(_LONGEST) if _longest(end - timedelta(days=days)) >= days and days < 365)


def _certificate(order_id: str, issued_on: date, ends_on: date, today: date) -> Certificate:
    """The certificate that is in use today: each was reissued some weeks before its end."""
    number = 1
    till = min(issued_on + timedelta(days=_longest(issued_on)), ends_on)
    while till < ends_on and till < today:
        issued_on, number = till - timedelta(days=_REISSUED_AHEAD), number + 1
        till = min(issued_on + timedelta(days=_longest(issued_on)), ends_on)
    return Certificate(f"{order_id}{number}", issued_on, till)


def _names(wish: Wish) -> Iterator[str]:
    customer = CUSTOMERS[wish.customer]
    if PRODUCTS[wish.product][1] in ("code_signing_certificate", "client_certificate"):
        yield wish.host
        return
    yield f"{wish.host}.{customer.domain}"
    if wish.host in ("www", "*"):
        yield customer.domain
    if "names" in wish.flags:
        for more in ("pay", "help", "media"):
            yield f"{more}.{wish.host}.{customer.domain}"


def _events(wish: Wish, order: SampleOrder, start: date) -> Iterator[Event]:
    if not wish.fate:
        return
    day = start + timedelta(days=wish.ends - wish.before)
    if wish.fate in ("renew", "auto", "confirm_shown"):
        if wish.fate == "confirm_shown":
            yield Event(day, "confirmed", (order.id,))
            day += timedelta(days=5)
        new = _successor(order, day, renewal_of=order.id)
        yield Event(day, "auto_renewed" if wish.fate == "auto" else "renewed", (order.id, new.id), order=new)
    elif wish.fate == "replace":
        new = _successor(order, day)
        yield Event(day, "replaced", (order.id, new.id), order=replace(new, names=(*new.names, f"neu.{new.names[0]}")))
    elif wish.fate == "pending":
        new = _successor(order, day, renewal_of=order.id)
        waiting = replace(new, certificate=None, status="pending")
        yield Event(day, "placed", (order.id, new.id), order=waiting)
        issued_on = day + timedelta(days=9)
        issued = replace(_successor(order, issued_on, renewal_of=order.id), id=new.id, placed_on=day)
        yield Event(issued_on, "issued", (order.id, new.id), order=issued)
    elif wish.fate == "reissue":
        number = int(order.certificate.id.removeprefix(order.id)) + 1 if order.certificate else 1
        till = min(day + timedelta(days=_longest(day)), order.ends_on)
        reissued = replace(order, certificate=Certificate(f"{order.id}{number}", day, till))
        yield Event(day, "reissued", (order.id,), order=reissued)
    elif wish.fate == "mistake":
        yield Event(day, "confirmed", (order.id,))
        yield Event(day + timedelta(days=3), "reopened", (order.id,))
        new = _successor(order, order.ends_on - timedelta(days=1), renewal_of=order.id)
        yield Event(new.placed_on, "renewed", (order.id, new.id), order=new)
    elif wish.fate == "lost":
        yield Event(day, "lost", (order.id,))
    else:
        yield Event(day, {"revoke": "revoked", "cancel": "cancelled"}[wish.fate], (order.id,))


def _successor(order: SampleOrder, day: date, renewal_of: str = "") -> SampleOrder:
    new_id = _id(day, int(order.id) % 1000)
    ends_on = day + timedelta(days=365)
    return replace(
        order,
        id=new_id,
        placed_on=day,
        ends_on=ends_on,
        certificate=_certificate(new_id, day, ends_on, day),
        renewal_of=renewal_of,
    )


def _row(order: SampleOrder, day: date) -> list[str]:
    customer = CUSTOMERS[order.customer]
    chance = random.Random(order.id)  # noqa: S311, invented data
    name, product_type, price = PRODUCTS[order.product]
    certificate = order.certificate
    dv = product_type == "dv_ssl_certificate"
    status = "expired" if order.lists_expired and order.status == "issued" and order.ends_on < day else order.status
    named = product_type not in ("code_signing_certificate", "client_certificate")
    row = dict.fromkeys(HEADER, "") | {
        "order_id": order.id,
        "date_created": f"{order.placed_on} {chance.randrange(8, 18):02}:{chance.randrange(60):02}:07",
        "container_id": str(_FIRST_CONTAINER + order.customer),
        "container_name": customer.name,
        "status": status,
        "user_id": str(9000 + order.customer),
        "organization_id": "" if dv else str(_FIRST_ORGANISATION + order.customer),
        "organization_name": "" if dv else customer.name,
        "organization_country": "" if dv else customer.country.lower(),
        "server_type": "-1",
        "issuing_ca": f"{order.product.upper()[:12]}CA",
        "validity_years": str(max(1, round((order.ends_on - order.placed_on).days / 365))),
        "signature_hash": "sha256",
        "dcv_method": "dns-txt-token" if dv else "email",
        "common_name": order.names[0],
        "dns_names": ",".join(order.names) if named else "",
        "product_name_id": order.product,
        "product_name": name,
        "product_type": product_type,
        "csr": _csr(chance) if named else "",
        "is_renewed": "1" if order.renewed_by else "0",
        "renewed_order_id": order.renewed_by or "0",
        "disable_issuance_email": "0",
        "pay_type": "A",
        "is_out_of_contract": "0",
        "disable_renewal_notifications": str(int(order.notices_off)),
        "auto_renew": str(int(order.auto_renew)),
        "account_id": "110022",
        "renewal_of_order_id": order.renewal_of or "0",
        "price": f"{price}.00",
        "currency": "USD",
    }
    row |= _people(order.customer, customer)
    if certificate is not None:
        row |= {
            "valid_from": str(certificate.valid_from),
            "valid_till": str(certificate.valid_till),
            "order_valid_till": str(order.ends_on),
            "certificate_id": certificate.id,
            "serial_number": f"{random.Random(certificate.id).getrandbits(128):032X}",  # noqa: S311, invented data
            "thumbprint": f"{random.Random(-int(certificate.id)).getrandbits(160):040X}",  # noqa: S311, invented data
        }
    return list(row.values())


def _people(number: int, customer: Customer) -> dict[str, str]:
    if number == NO_CONTACT:
        return {}
    _, first, last, _ = customer.people[0]
    address = _address(number, 0)
    return {
        "tech_first_name": first,
        "tech_last_name": last,
        "tech_email": address,
        "tech_telephone": customer.phone,
        "user_first_name": first,
        "user_last_name": last,
        "user_email": address,
    }


def _address(number: int, person: int) -> str:
    customer = CUSTOMERS[number]
    return f"{customer.people[person][0]}@{customer.domain}"


_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def _csr(chance: random.Random) -> str:
    """Lines that look like a request; there is no key behind them."""
    lines = [
        "MII" + "".join(chance.choices(_LETTERS, k=61)),
        *("".join(chance.choices(_LETTERS, k=64)) for _ in "abcd"),
    ]
    return "\n".join(("-----BEGIN CERTIFICATE REQUEST-----", *lines, "-----END CERTIFICATE REQUEST-----"))


def _key(number: int) -> str:
    return f"{CA}:{CUSTOMER}:{_FIRST_CONTAINER + number}"


def _accounts() -> Iterator[Sequence[str]]:
    yield ("account", "name", "country", "language", "zone", "segment", "route", "brand", "owner")
    for number, one in enumerate(CUSTOMERS):
        yield (
            _key(number),
            one.name,
            one.country,
            one.language,
            one.zone,
            one.segment,
            one.route,
            "",
            one.owner,
        )


def _contacts() -> Iterator[Sequence[str]]:
    yield ("account", "email", "name", "phone", "roles", "language", "zone")
    for number, one in enumerate(CUSTOMERS):
        for place, (_, first, last, roles) in enumerate(one.people):
            yield (
                _key(number), _address(number, place), f"{first} {last}", one.phone, roles, one.language, one.zone,
            )  # fmt: skip


def _write(path: Path, rows: Sequence[Sequence[str]] | Iterator[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
