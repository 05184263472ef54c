"""What customers reach: the link of a mail to the renewal, and the way out of the mails.

Tokens are signed and name nobody. A renewal link ends after a time, one for unsubscribing never does. Looking at a page
changes nothing: programs that follow links on behalf of a reader decide and answer nothing for them.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Protocol

from flask import Blueprint, Response, request
from sqlalchemy import select
from sqlalchemy.engine import Connection

from core.answered import AnswerKind
from core.errors import StoreError, UsageError
from core.links import SignedLinks
from core.messages import Brand
from core.pages import Page, PageKind
from core.reasons import Reason
from core.schema import accounts, contacts, cycles, orders
from core.store import Store
from core.suppressions import queue_optout, suppress
from core.timing import RealTime
from core.words import Channel, Clock, Nature
from webhooks import answer_events
from webhooks.inlet import Inlet
from webhooks.metrics import Metrics
from webhooks.targets import Customer, Targets

_ONE_CLICK = "One-Click"
_WISHES = {"offers": Nature.COMMERCIAL, "all": Nature.SERVICE}
_RENEWED = (Reason.RENEWED, Reason.REPLACED)
_ABOUT_RENEWAL = (
    AnswerKind.RENEW, AnswerKind.QUOTE, AnswerKind.CALL, AnswerKind.NOT_RENEWING, AnswerKind.NOT_MINE,
)  # fmt: skip
_ABOUT_INSTALLING = (AnswerKind.INSTALLED, AnswerKind.CALL, AnswerKind.NOT_MINE)


class Pages(Protocol):
    """Whoever words the pages, in the reader's language."""

    style: str

    def page(self, page: Page) -> str: ...

    def language_for(self, *wishes: str, country: str = "") -> str:
        """The first of these languages that there are words in, else the country's, else the default."""
        ...


@dataclass(frozen=True, slots=True)
class Public:
    """What the public doors work with.

    `targets` say where a renewal is done. `crm` says whether there is a CRM that is to know of wishes. Answers go into
    the inbox by `inlet`.
    """

    inlet: Inlet
    links: SignedLinks
    pages: Pages
    brand: Brand
    targets: Targets
    crm: bool

    @property
    def store(self) -> Store:
        return self.inlet.store

    @property
    def metrics(self) -> Metrics:
        return self.inlet.metrics


def public(doors: Public, limit: Callable[[Blueprint], object]) -> Blueprint:
    """The blueprint of these doors; `limit` bounds how often one address may knock."""
    blueprint = Blueprint("public", __name__)
    limit(blueprint)

    @blueprint.get("/page.css")
    def style() -> Response:
        return Response(doors.pages.style, mimetype="text/css", headers={"Cache-Control": "public, max-age=3600"})

    @blueprint.get("/r/<token>")
    def renewal(token: str) -> Response:
        return _renewal(doors, token, lambda order: _lead(doors, order))

    @blueprint.post("/r/<token>")
    def answer(token: str) -> Response:
        return _renewal(doors, token, lambda order: _answer(doors, order))

    @blueprint.get("/u/<token>")
    def ask(token: str) -> Response:
        return _unsubscribe(doors, token, lambda reader: _page(doors, PageKind.UNSUBSCRIBE, reader))

    @blueprint.post("/u/<token>")
    def unsubscribe(token: str) -> Response:
        # A mail program's own button says so, and reads no page (RFC 8058, section 3.1).
        one_click = request.form.get("List-Unsubscribe") == _ONE_CLICK
        wish = "all" if one_click else request.form.get("wish", "")
        if wish not in _WISHES:
            return _unsubscribe(doors, token, lambda reader: _page(doors, PageKind.UNSUBSCRIBE, reader, 400))
        return _unsubscribe(doors, token, lambda reader: _stop(doors, reader, _WISHES[wish], one_click))

    return blueprint


@dataclass(frozen=True, slots=True)
class _Reader:
    """Somebody who followed a link: the address, and what is known of the person's language."""

    email: str = ""
    languages: tuple[str, ...] = ()
    country: str = ""


@dataclass(frozen=True, slots=True)
class _Order:
    """What a renewal link is about. `choices` are what may be answered now; none: there is nothing left to do."""

    key: str
    outside_id: str
    common_name: str
    customer: Customer
    reader: _Reader
    renewed: bool = False
    ends_on: date | None = None
    choices: tuple[AnswerKind, ...] = ()


def _renewal(doors: Public, token: str, then: Callable[[_Order], Response]) -> Response:
    try:
        order_key, _ = doors.links.read_renewal(token)
        with doors.store.read() as connection:
            order = _order(connection, order_key)
        return then(order)
    except UsageError:
        return _page(doors, PageKind.NOT_VALID, _Reader(), 404)
    except StoreError:
        return _page(doors, PageKind.TRY_LATER, _Reader(), 503)


def _lead(doors: Public, order: _Order) -> Response:
    """Leads on, or asks; where it is renewed already it says so."""
    target = doors.targets.of(order.customer, order.outside_id)
    if order.renewed and (target or not order.choices):
        return _page(doors, PageKind.RENEWED, order.reader, order_id=order.outside_id)
    if _followed_by_hand():
        doors.metrics.click("renewal")
    if not target:
        return _form(doors, order)
    return Response(status=302, headers={"Location": target})


def _form(doors: Public, order: _Order, code: int = 200) -> Response:
    about = {"order_id": order.outside_id, "common_name": order.common_name, "ends_on": order.ends_on}
    return _page(doors, PageKind.FORM, order.reader, code, choices=order.choices or _ABOUT_RENEWAL, **about)


def _answer(doors: Public, order: _Order) -> Response:
    """Takes an answer in. It is an event like any other: stored now, applied soon."""
    if doors.targets.of(order.customer, order.outside_id):
        return _lead(doors, order)
    if order.renewed and not order.choices:
        return _page(doors, PageKind.RENEWED, order.reader, order_id=order.outside_id)
    given = request.form.get("answer", "")
    if given not in (order.choices or _ABOUT_RENEWAL):
        return _form(doors, order, 400)
    event = answer_events.said(order.key, AnswerKind(given), request.form)
    if doors.inlet.keep(answer_events.DOOR, [event]) is None:
        return _page(doors, PageKind.TRY_LATER, order.reader, 503)
    return _page(doors, PageKind.ANSWERED, order.reader, order_id=order.outside_id)


def _order(connection: Connection, order_key: str) -> _Order:
    """The order of a link with its customer, and what of it is open."""
    row = connection.execute(
        select(
            orders.c.id,
            orders.c.outside_id,
            orders.c.common_name,
            accounts.c.account_key,
            accounts.c.segment,
            accounts.c.route,
            accounts.c.language,
            accounts.c.country,
        )
        .join(accounts, accounts.c.id == orders.c.account_id)
        .where(orders.c.order_key == order_key)
    ).one_or_none()
    if row is None:
        raise UsageError("this link is not valid any more")
    order = _Order(
        order_key,
        row.outside_id,
        row.common_name,
        Customer(row.account_key, row.segment, row.route),
        _Reader("", (row.language,), row.country),
    )
    newest = select(cycles.c.clock, cycles.c.open, cycles.c.outcome, cycles.c.ends_on).where(
        cycles.c.order_id == row.id, cycles.c.clock.in_((Clock.RENEWAL, Clock.INSTALL))
    )
    by_clock = {Clock(one.clock): one for one in connection.execute(newest.order_by(cycles.c.number))}
    renewal, install = by_clock.get(Clock.RENEWAL), by_clock.get(Clock.INSTALL)
    if renewal is not None and renewal.outcome not in _RENEWED:
        return replace(order, ends_on=renewal.ends_on, choices=_ABOUT_RENEWAL)
    if install is not None and install.open:
        return replace(order, renewed=renewal is not None, ends_on=install.ends_on, choices=_ABOUT_INSTALLING)
    return replace(order, renewed=renewal is not None)


def _followed_by_hand() -> bool:
    """Whether a person followed the link: a browser says so, and what only looks at links does not."""
    headers = request.headers
    return request.method == "GET" and headers.get("Sec-Fetch-Mode") == "navigate" and "Sec-Purpose" not in headers


def _unsubscribe(doors: Public, token: str, then: Callable[[_Reader], Response]) -> Response:
    try:
        contact_id = doors.links.read_unsubscribe(token)
        with doors.store.read() as connection:
            reader = _contact(connection, contact_id)
        return then(reader)
    except UsageError:
        return _page(doors, PageKind.NOT_VALID, _Reader(), 404)
    except StoreError:
        return _page(doors, PageKind.TRY_LATER, _Reader(), 503)


def _contact(connection: Connection, contact_id: int) -> _Reader:
    row = connection.execute(
        select(contacts.c.email, contacts.c.language, accounts.c.language.label("of_account"), accounts.c.country)
        .join(accounts, accounts.c.id == contacts.c.account_id)
        .where(contacts.c.id == contact_id)
    ).one_or_none()
    if row is None:
        raise UsageError("this link is not valid")
    return _Reader(row.email, (row.language, row.of_account), row.country)


def _stop(doors: Public, reader: _Reader, nature: Nature, one_click: bool) -> Response:
    """Stops the mails to an address: at once, and in the CRM with the next delivery."""
    timer = RealTime()
    with doors.store.begin() as connection:
        suppress(
            connection, reader.email, Channel.MAIL, nature, "unsubscribe", "by the link of a mail", datetime.now(UTC)
        )
        if doors.crm:
            queue_optout(connection, reader.email, Channel.MAIL, nature, timer)
    doors.metrics.click("unsubscribe")
    if one_click:
        return Response("", 200, mimetype="text/plain")
    kind = PageKind.NO_OFFERS if nature is Nature.COMMERCIAL else PageKind.UNSUBSCRIBED
    return _page(doors, kind, reader)


def _page(doors: Public, kind: PageKind, reader: _Reader, code: int = 200, **facts: Any) -> Response:
    wishes = (*reader.languages, *(tag for tag, _ in request.accept_languages))
    page = Page(
        kind,
        doors.pages.language_for(*wishes, country=reader.country),
        doors.brand,
        address=_masked(reader.email),
        **facts,
    )
    return Response(doors.pages.page(page), code, mimetype="text/html")


def _masked(address: str) -> str:
    """An address of which its owner knows which it is, and nobody else."""
    local, at, domain = address.partition("@")
    return f"{local[:1]}…{at}{domain}" if at else ""
