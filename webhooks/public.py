"""What customers reach: the link of a mail to the renewal, and the way out of the mails.

Tokens are signed and name nobody. A renewal link ends after a time, one for unsubscribing never does. Looking at a page
changes nothing: programs that follow links on behalf of a reader decide nothing for them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import quote

from flask import Blueprint, Response, request
from sqlalchemy import select
from sqlalchemy.engine import Connection

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
from webhooks.metrics import Metrics

_ONE_CLICK = "One-Click"
_WISHES = {"offers": Nature.COMMERCIAL, "all": Nature.SERVICE}
_RENEWED = (Reason.RENEWED, Reason.REPLACED)


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

    `target` is where a renewal is done: an address of the operator's settings, with `{order}` for the order's id. `crm`
    says whether there is a CRM that is to know of wishes.
    """

    store: Store
    links: SignedLinks
    pages: Pages
    brand: Brand
    target: str
    metrics: Metrics
    crm: bool


def public(doors: Public, limit: Callable[[Blueprint], object]) -> Blueprint:
    """The blueprint of these doors; `limit` bounds how often one address may knock."""
    blueprint = Blueprint("public", __name__)
    limit(blueprint)

    @blueprint.get("/page.css")
    def style() -> Response:
        return Response(doors.pages.style, mimetype="text/css", headers={"Cache-Control": "public, max-age=3600"})

    @blueprint.get("/r/<token>")
    def renewal(token: str) -> Response:
        return _renewal(doors, token)

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


def _renewal(doors: Public, token: str) -> Response:
    try:
        order_key, _ = doors.links.read_renewal(token)
        with doors.store.read() as connection:
            outside_id, renewed, reader = _order(connection, order_key)
    except UsageError:
        return _page(doors, PageKind.NOT_VALID, _Reader(), 404)
    except StoreError:
        return _page(doors, PageKind.TRY_LATER, _Reader(), 503)
    if renewed:
        return _page(doors, PageKind.RENEWED, reader, order_id=outside_id)
    if _followed_by_hand():
        doors.metrics.click("renewal")
    return Response(status=302, headers={"Location": doors.target.replace("{order}", quote(outside_id, safe=""))})


def _order(connection: Connection, order_key: str) -> tuple[str, bool, _Reader]:
    """The order's id at its CA, whether its newest renewal cycle is won, and its account as a reader."""
    row = connection.execute(
        select(orders.c.outside_id, cycles.c.outcome, accounts.c.language, accounts.c.country)
        .join(accounts, accounts.c.id == orders.c.account_id)
        .join(cycles, (cycles.c.order_id == orders.c.id) & (cycles.c.clock == Clock.RENEWAL), isouter=True)
        .where(orders.c.order_key == order_key)
        .order_by(cycles.c.number.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        raise UsageError("this link is not valid any more")
    return row.outside_id, row.outcome in _RENEWED, _Reader("", (row.language,), row.country)


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
