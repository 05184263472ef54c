"""Reading orders: the list, one order, status changes, the report and the counts of what ends soon."""

import csv
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from io import StringIO
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, request

from tests.fakes.certcentral import query as read
from tests.fakes.certcentral.answers import (
    info,
    list_row,
    report_header,
    report_row,
    serial_number,
    shown_status,
    thumbprint,
)
from tests.fakes.certcentral.errors import ApiError, invalid, missing, not_found
from tests.fakes.certcentral.gate import Route, answer, empty_or
from tests.fakes.certcentral.query import Query
from tests.fakes.certcentral.records import Order, product
from tests.fakes.certcentral.world import World

PAGE = 1000
REPORT_PAGE, REPORT_MOST = 50_000, 100_000
LONGEST_WINDOW = timedelta(days=7)
STATUSES = ("pending", "issued", "rejected", "revoked", "waiting_pickup", "reissue_pending", "canceled")
_ROWS_AT_ONCE = 500
_SELECTIONS = 4

FieldOf = Callable[[World, Order], Any]
FilterOf = Callable[[str, tuple[str, ...]], read.Test]

_FIELDS: dict[str, tuple[FieldOf, FilterOf]] = {
    "id": (lambda world, order: order.id, read.number),
    "organization_id": (lambda world, order: order.organisation, read.number),
    "product_name_id": (lambda world, order: order.product, read.text),
    "valid_till": (lambda world, order: order.certificate and order.certificate.valid_till, read.when),
    "user_id": (lambda world, order: order.user_id, read.number),
    "common_name": (lambda world, order: order.names[0], read.text),
    "domain_name": (lambda world, order: order.names, read.text),
    "date_created": (lambda world, order: order.placed_at, read.when),
    "container_id": (lambda world, order: order.container, read.number),
    "is_renewed": (lambda world, order: order.is_renewed, read.switch),
    "disable_renewal_notifications": (lambda world, order: order.notices_off, read.switch),
    "email": (lambda world, order: order.user.email if order.user else "", read.text),
    "certificate_id": (lambda world, order: order.certificate.id if order.certificate else 0, read.number),
    "origin": (lambda world, order: order.origin, read.one_of("certcentral", "migrated")),
    "serial_number": (lambda world, order: serial_number(order.certificate) if order.certificate else "", read.text),
    "search": (lambda world, order: (order.names[0], order.user.email if order.user else ""), read.text),
}
LIST_FILTERS = (*_FIELDS, "status", "metadata_id")
REPORT_FILTERS = (
    "id", "common_name", "status", "date_created", "valid_till", "organization_id", "user_id", "product_name_id",
    "is_renewed", "container_id",
)  # fmt: skip

_SORTS: dict[str, FieldOf] = {
    "order_id": lambda world, order: order.id,
    "date_created": lambda world, order: order.placed_at,
    "common_name": lambda world, order: order.names[0],
    "status": lambda world, order: shown_status(world, order, world.clock.today()),
    "validity_years": lambda world, order: order.days,
    "product_name": lambda world, order: product(order.product)[0],
    "valid_till": lambda world, order: str(order.certificate.valid_till) if order.certificate else "",
}


def selected(world: World, query: Query, *, sorts: bool = True) -> list[int]:
    """The ids of the orders that the filters leave, in their order. Raises `ApiError`.

    They are kept until something changes, so that not each page looks at every order again.
    """
    tests = [_test(world, name, values) for name, values in query.filters.items()]
    if not world.quirks.combines_is_renewed and "is_renewed" in query.filters and "valid_till" in query.filters:
        raise invalid("filters[is_renewed]", "filters[is_renewed] stands alone.")
    sort = query.plain.get("sort", "") if sorts else ""
    if not tests and not sort:
        return world.order_ids()
    key = (world.version, world.clock.today(), tuple(sorted(query.filters.items())), sort)
    if key not in world.selections:
        found = [one for one in world.orders() if all(test(one) for test in tests)]
        arrange(world, found, sort, _SORTS)
        if len(world.selections) > _SELECTIONS:
            world.selections.clear()
        world.selections[key] = [one.id for one in found]
    return world.selections[key]


def arrange(world: World, found: list[Order], text: str, sorts: Mapping[str, FieldOf]) -> None:
    """Puts the orders into the order that `sort` says. Raises `ApiError` for a property that does not sort."""
    wanted = []
    for part in text.split(",") if text else ():
        # A plus sign in an address is a blank once it is read.
        sign, name = (part[0], part[1:]) if part[:1] in ("+", "-", " ") else ("", part)
        if name not in sorts or (not sign and world.quirks.sort_needs_sign):
            raise invalid("sort")
        wanted.append((sorts[name], sign == "-"))
    for field, falls in reversed(wanted):
        found.sort(key=partial(field, world), reverse=falls)


def field_test(
    world: World, name: str, values: tuple[str, ...], fields: Mapping[str, tuple[FieldOf, FilterOf]]
) -> Callable[[Order], bool]:
    """Whether an order passes a filter on one of these fields. Raises `ApiError`."""
    field, make = fields[name]
    matches = make(f"filters[{name}]", values)
    return lambda order: matches(field(world, order))


def _test(world: World, name: str, values: tuple[str, ...]) -> Callable[[Order], bool]:
    said = f"filters[{name}]"
    if name == "metadata_id":
        test = read.number(said, values)
        return lambda order: any(test(number) for number, _ in order.custom_fields)
    if name == "status":
        known = (*STATUSES, "expired") if world.quirks.filter_knows_expired else STATUSES
        status = read.one_of(*known)(said, values)
        today = world.clock.today()
        # Orders that have ended still count as issued.
        return lambda order: status(_filed_status(order)) or status(shown_status(world, order, today))
    return field_test(world, name, values, _FIELDS)


def _filed_status(order: Order) -> str:
    return "issued" if order.status == "expired" else order.status


def list_orders(world: World, query: Query, body: dict[str, Any]) -> Response:
    page = read.read_page(query, PAGE, PAGE)
    ids = selected(world, query)
    orders = (world.order(one) for one in page.cut(ids))
    if request.accept_mimetypes.best_match(["application/json", "text/csv"]) == "text/csv":
        return _csv(_LIST_COLUMNS, [_list_cells(world, order) for order in orders])
    return empty_or(world, "orders", [list_row(world, order) for order in orders], page=page.of(len(ids)))


# The columns of the list as CSV are documented nowhere; these are the fields of its rows.
_LIST_COLUMNS = [
    "id", "status", "common_name", "valid_from", "valid_till", "date_created", "order_valid_till", "product_name_id",
]  # fmt: skip


def _list_cells(world: World, order: Order) -> list[Any]:
    row = list_row(world, order)
    certificate = row["certificate"]
    return [row.get(name, certificate.get(name, "")) for name in _LIST_COLUMNS]


def order_info(world: World, query: Query, body: dict[str, Any], order_id: str) -> Response:
    return answer(info(world, by_any_id(world, order_id)))


def by_any_id(world: World, text: str) -> Order:
    """An order by its number, or by the thumbprint or serial number of its certificate. Raises `ApiError`."""
    found = world.find(int(text)) if text.isascii() and text.isdigit() and len(text) <= 12 else None
    if found is None and len(text) in (32, 40):
        wanted = text.upper()
        found = next(
            (
                one
                for one in world.orders()
                if one.certificate and wanted in (serial_number(one.certificate), thumbprint(one.certificate))
            ),
            None,
        )
    if found is None or found.subaccount:
        raise not_found("order")
    return found


def status_changes(world: World, query: Query, body: dict[str, Any]) -> Response:
    minutes, seconds = read.whole(query, "minutes", 10_080), read.whole(query, "seconds", 604_800)
    told = query.filters.get("status_last_updated")
    now = world.clock.now()
    if told is not None:
        begins, ends = read.span("filters[status_last_updated]", told[0], ZoneInfo(world.quirks.status_zone))
    elif minutes is None and seconds is None:
        raise missing("minutes")
    else:
        begins, ends = now - timedelta(minutes=minutes or 0, seconds=seconds or 0), now
    if ends - begins > LONGEST_WINDOW:
        raise ApiError(400, "time_frame_too_long", "The time frame is limited to 7 days.")
    changes = sorted(
        (one for one in world.changes.values() if begins <= one.at <= min(ends, now)),
        key=lambda one: (one.at, one.order_id),
    )
    orders = {one.order_id: world.find(one.order_id) for one in changes}
    rows = [
        {"order_id": one.order_id, "certificate_id": one.certificate_id, "status": one.status}
        for one in changes
        if (order := orders[one.order_id]) is not None and not order.subaccount
    ]
    return empty_or(world, "orders", rows)


def report(world: World, query: Query, body: dict[str, Any]) -> Response:
    page = read.read_page(query, REPORT_MOST, REPORT_PAGE)
    ids = page.cut(selected(world, query, sorts=False))

    def rows() -> Iterator[list[Any]]:
        for start in range(0, len(ids), _ROWS_AT_ONCE):
            with world.lock:
                found = [world.find(one) for one in ids[start : start + _ROWS_AT_ONCE]]
                some = [report_row(world, order) for order in found if order is not None]
            yield from some

    return _csv(report_header(world), rows())


def _csv(header: list[str], rows: Any) -> Response:
    def chunks() -> Iterator[str]:
        text = StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(header)
        for number, row in enumerate(rows, start=1):
            writer.writerow(row)
            if number % _ROWS_AT_ONCE == 0:
                yield text.getvalue()
                text.seek(0)
                text.truncate()
        yield text.getvalue()

    return Response(chunks(), content_type="text/csv")


def expiring(world: World, query: Query, body: dict[str, Any]) -> Response:
    container = read.whole(query, "container_id", 10**12)
    with_certificates = query.plain.get("include_expiring_certs", "false")
    if with_certificates not in ("true", "false"):
        raise invalid("include_expiring_certs")
    today = world.clock.today()
    orders, certificates = dict.fromkeys(_BUCKETS, 0), dict.fromkeys(_BUCKETS, 0)
    for one in world.orders():
        if one.status != "issued" or one.ends_on is None or container not in (None, one.container):
            continue
        if one.is_renewed and not world.quirks.counts_renewed:
            continue
        _count(orders, (one.ends_on - today).days)
        if one.certificate is not None:
            _count(certificates, (one.certificate.valid_till - today).days)
    told: dict[str, Any] = {"expiring_orders": _buckets(orders, "order_count")}
    if with_certificates == "true":
        told = {"expiring_orders": _buckets(orders, "count"), "expiring_certificates": _buckets(certificates, "count")}
    return answer(told)


_BUCKETS = (90, 60, 30, -7)


def _count(counts: dict[int, int], days: int) -> None:
    if 60 <= days <= 90:
        counts[90] += 1
    elif 30 <= days < 60:
        counts[60] += 1
    elif 0 < days < 30:
        counts[30] += 1
    elif -7 <= days <= 0:
        counts[-7] += 1


def _buckets(counts: dict[int, int], name: str) -> list[dict[str, int]]:
    return [{"days_expiring": days, name: counts[days]} for days in _BUCKETS]


ROUTES = (
    Route(
        "GET", "/order/certificate", list_orders, plain=("offset", "limit", "sort"), filters=LIST_FILTERS,
        accepts=("application/json", "text/csv"),
    ),
    Route("GET", "/order/certificate/<order_id>", order_info),
    Route(
        "GET", "/order/certificate/status-changes", status_changes, plain=("minutes", "seconds"),
        filters=("status_last_updated",),
    ),
    Route(
        "GET", "/report/order", report, plain=("offset", "limit"), filters=REPORT_FILTERS,
        accepts=("text/csv", "application/json"),
    ),
    Route("GET", "/report/order/expiring", expiring, plain=("container_id", "include_expiring_certs")),
)  # fmt: skip
