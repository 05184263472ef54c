"""Made-up letters and scripts of every kind, to try templates on: all clocks and urgencies, single and several orders."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import product

from core.messages import Brand, Letter, OrderLine, Script
from core.words import Certainty, Clock, Level, Nature, TaskKind, Urgency

WRITTEN_AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
DAYS_LEFT = {
    Urgency.NOTICE: 60,
    Urgency.REMINDER: 30,
    Urgency.WARNING: 7,
    Urgency.CRITICAL: 0,
    Urgency.EXPIRED: -1,
}

BRAND = Brand(
    company="Example Certificates Ltd",
    sender="renewals@certificates.example",
    console_name="Example Console",
    console_url="https://console.certificates.example/",
    steps=(
        "Log in to the Example Console and open the order.",
        "Choose the certificate and check the details.",
        "Install the new certificate before the old one ends.",
    ),
    postal_address="1 Example Street, Exampletown",
    support="support@certificates.example",
)


def letters(language: str) -> Iterator[Letter]:
    """Letters for every clock, urgency, nature, number of orders, policy on the rest, and automatic renewal."""
    for clock, urgency, count, usual in product(Clock, Urgency, (1, 3), (True, False)):
        yield Letter(
            clock=clock,
            touchpoint="before-30",
            urgency=urgency,
            nature=Nature.COMMERCIAL if usual else Nature.SERVICE,
            language=language,
            account_name="Example GmbH",
            person_name="Alex Example" if usual else "",
            lines=lines(clock, urgency, count, inferred=not usual),
            brand=BRAND,
            written_at=WRITTEN_AT,
            action_url="https://renew.certificates.example/r/token",
            unsubscribe_url="https://renew.certificates.example/u/token" if usual else "",
            unsubscribe_mailto="mailto:renewals@certificates.example?subject=unsubscribe" if usual else "",
            reply_to_name="Robin Example" if usual else "",
            reply_to_phone="+44 20 7946 0000" if usual else "",
            auto_renew_notice=not usual and clock is Clock.RENEWAL and urgency is Urgency.NOTICE,
            early_window_opens_on=date(2026, 11, 1) if usual else None,
            carried_over=usual,
            paid_days_lost=0 if usual else max(DAYS_LEFT[urgency], 0),
        )


def scripts(language: str) -> Iterator[Script]:
    """Scripts for every kind of task, clock, urgency and number of orders, with and without what may be missing."""
    for kind, clock, urgency, count in product(TaskKind, Clock, Urgency, (1, 3)):
        known = count == 1
        yield Script(
            kind=kind,
            clock=clock,
            urgency=urgency,
            language=language,
            account_name="Example GmbH",
            lines=lines(clock, urgency, count, inferred=not known),
            brand=BRAND,
            written_at=WRITTEN_AT,
            due_on=date(2026, 12, 2),
            action_url="https://renew.certificates.example/r/token" if known else "",
            contact_name="Alex Example" if known else "",
            contact_email="alex@example.com" if known else "",
            contact_phone="+49 30 000000" if known else "",
            mailed_on=date(2026, 11, 30) if known else None,
            certainty=Certainty.PROBABLE if known else None,
            note="Prefers calls in the morning." if known else "",
        )


def lines(clock: Clock, urgency: Urgency, count: int, *, inferred: bool = False) -> tuple[OrderLine, ...]:
    """So many orders, the first as urgent as told, each of the others ending three days later than the one before."""
    return tuple(_line(clock, urgency, number, inferred) for number in range(count))


def _line(clock: Clock, urgency: Urgency, number: int, inferred: bool) -> OrderLine:
    left = DAYS_LEFT[urgency] + 3 * number
    ends_on = WRITTEN_AT.date() + timedelta(days=left)
    renewal = clock is Clock.RENEWAL
    return OrderLine(
        order_id=f"1234567{number}",
        order_key=f"digicert:1234567{number}",
        common_name=("www.example.com", "shop.example.com", "xn--bcher-kva.example")[number % 3],
        product_name="Secure Site OV",
        level=(Level.OV, Level.DV, None)[number % 3],
        issued_on=ends_on - timedelta(days=199) if number < 2 else None,
        ends_on=ends_on,
        ends_at=datetime.combine(ends_on, time(23, 59, 59), UTC),
        days_left=left,
        ended=left < 0,
        validity_days=365 if renewal else 199,
        inferred=inferred,
        certificate_expires_on=ends_on if number < 2 or not renewal else ends_on - timedelta(days=20),
        order_expires_on=ends_on if renewal else ends_on + timedelta(days=160),
        urgency=urgency if number == 0 else Urgency.NOTICE if left > 30 else Urgency.REMINDER,
        auto_renew=renewal and number == 2,
        value_minor=39900 if number < 2 else None,
        currency="EUR",
    )
