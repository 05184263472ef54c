"""Letters and scripts for the tests, each fact replaceable by name."""

import html
import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from core.messages import Brand, Letter, OrderLine, Script
from core.words import Clock, Level, Nature, TaskKind, Urgency

NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)

BRAND = Brand(
    company="Partner Ltd",
    sender="renewals@partner.example",
    console_name="Partner Console",
    console_url="https://console.partner.example/",
    postal_address="1 Main Street, Town",
    support="help@partner.example",
)


def line(days_left: int = 7, **changes: Any) -> OrderLine:
    ends_on = changes.pop("ends_on", NOW.date() + timedelta(days=days_left))
    given = OrderLine(
        order_id="11223344",
        order_key="digicert:11223344",
        common_name="www.acme.example",
        product_name="Secure Site OV",
        level=Level.OV,
        issued_on=date(2026, 6, 15),
        ends_on=ends_on,
        ends_at=datetime.combine(ends_on, time(23, 59, 59), UTC),
        days_left=days_left,
        ended=days_left < 0,
        validity_days=365,
        inferred=False,
        certificate_expires_on=ends_on,
        order_expires_on=ends_on,
        urgency=Urgency.WARNING,
        value_minor=39900,
        currency="EUR",
    )
    return replace(given, **changes)


def inner(days_left: int = 7, **changes: Any) -> OrderLine:
    """A certificate that ends inside an order that runs on."""
    given = line(days_left, validity_days=199)
    return replace(given, **{"order_expires_on": given.ends_on + timedelta(days=160), **changes})


def letter(*lines: OrderLine, **changes: Any) -> Letter:
    given = Letter(
        clock=Clock.RENEWAL,
        touchpoint="before-7",
        urgency=Urgency.WARNING,
        nature=Nature.SERVICE,
        language="en",
        account_name="ACME GmbH",
        person_name="Anna Muster",
        lines=lines or (line(),),
        brand=BRAND,
        written_at=NOW,
        action_url="https://go.partner.example/r/abc.def",
        unsubscribe_url="https://go.partner.example/u/abc.def",
        unsubscribe_mailto="mailto:renewals@partner.example?subject=unsubscribe",
        reply_to_name="Robin Rep",
        reply_to_phone="+44 20 7946 0000",
    )
    return replace(given, **changes)


def script(*lines: OrderLine, **changes: Any) -> Script:
    given = Script(
        kind=TaskKind.CALL,
        clock=Clock.RENEWAL,
        urgency=Urgency.WARNING,
        language="en",
        account_name="ACME GmbH",
        lines=lines or (line(),),
        brand=BRAND,
        written_at=NOW,
        due_on=date(2026, 12, 2),
        action_url="https://go.partner.example/r/abc.def",
        contact_name="Anna Muster",
        contact_email="anna@acme.example",
        contact_phone="+49 30 123456",
    )
    return replace(given, **changes)


def flat(text: str) -> str:
    """The text on one line."""
    return " ".join(text.split())


def seen(page: str) -> str:
    """What a reader sees of an HTML page, on one line."""
    body = re.sub(r"<!--.*?-->", "", page[page.index("<body") :], flags=re.DOTALL)
    hidden, _, rest = body.partition("</div>")
    assert "display:none" in hidden
    return flat(html.unescape(re.sub(r"<[^>]*>", " ", rest)))
