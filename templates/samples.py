"""Made-up letters and scripts of every kind, to try templates on and to look at: all kinds, urgencies and parts.

`python -m templates.samples LANGUAGE FOLDER` writes them down as files.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

from core.answered import Answer, AnswerKind
from core.messages import (
    Advice,
    BenefitUse,
    Brand,
    BrowserWarning,
    ConsoleEnd,
    LastContact,
    Letter,
    Link,
    NoDaysLost,
    Occasion,
    Offer,
    OrderLine,
    Renewed,
    Script,
    Seal,
    Step,
)
from core.money import Money
from core.words import (
    AdviceKind,
    Benefit,
    Block,
    Certainty,
    Channel,
    Clock,
    LetterKind,
    Level,
    Nature,
    Question,
    TaskKind,
    Urgency,
)

WRITTEN_AT = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
DAYS_LEFT = {
    Urgency.NOTICE: 60,
    Urgency.REMINDER: 30,
    Urgency.WARNING: 7,
    Urgency.CRITICAL: 3,
    Urgency.EXPIRED: -1,
}

BRAND = Brand(
    company="Example Certificates Ltd",
    sender="renewals@certificates.example",
    console_name="Example Console",
    console_url="https://console.certificates.example/",
    postal_address="1 Example Street, Exampletown",
    support="support@certificates.example",
    legal_footer="Example Certificates Ltd, registered in Exampletown, no. 123456",
    links=(Link("certificates.example", "https://www.certificates.example/"),),
)
_ABOUT_ONE = frozenset({LetterKind.SINGLE, LetterKind.EXPIRES_TODAY, LetterKind.EXPIRED})
_STEPS = (Step("Example Console → Certificates → Expiring Certificates"), Step("Renew Now"), Step("CSR → Install"))
_ADVICE = (
    Advice(AdviceKind.HIGHER_BRAND, product_name="Secure Site Pro", gains=(Benefit.MALWARE_SCAN, Benefit.WARRANTY)),
    Advice(AdviceKind.HIGHER_BRAND, product_name="Secure Site"),
    Advice(AdviceKind.HIGHER_LEVEL, product_name="Secure Site EV", level=Level.EV),
    Advice(AdviceKind.HIGHER_LEVEL, product_name="Secure Site OV", level=Level.OV),
    Advice(AdviceKind.MULTI_YEAR, years=3),
    Advice(AdviceKind.WILDCARD, domain="*.example.com", names=("www.example.com", "shop.example.com")),
    Advice(AdviceKind.MULTI_DOMAIN, product_name="Multi-Domain SSL", names=("example.com", "example.net")),
    Advice(AdviceKind.MULTI_DOMAIN, names=("example.com", "example.net")),
    Advice(AdviceKind.CONSOLIDATE, issuers=("Sectigo", "GlobalSign"), count=4),
    Advice(AdviceKind.CONSOLIDATE, issuers=("Sectigo",)),
    Advice(AdviceKind.AUTOMATE, count=4, days=100, from_on=date(2027, 3, 15)),
)
_BENEFITS = tuple(BenefitUse(key, None if number % 2 else False) for number, key in enumerate(Benefit))


def letters(language: str) -> Iterator[Letter]:
    """Letters for every clock, urgency, nature, number of orders, policy on the rest; then every kind with all parts."""
    for clock, urgency, count, usual in product(Clock, Urgency, (1, 3), (True, False)):
        yield letter(
            language,
            clock=clock,
            urgency=urgency,
            nature=Nature.COMMERCIAL if usual else Nature.SERVICE,
            person_name="Alex Example" if usual else "",
            lines=lines(clock, DAYS_LEFT[urgency], urgency, count, inferred=not usual),
            unsubscribe_url="https://renew.certificates.example/u/token" if usual else "",
            unsubscribe_mailto="mailto:renewals@certificates.example?subject=unsubscribe" if usual else "",
            reply_to_name="Robin Example" if usual else "",
            reply_to_phone="+44 20 7946 0000" if usual else "",
            auto_renew_notice=not usual and clock is Clock.RENEWAL and urgency is Urgency.NOTICE,
            early_window_opens_on=date(2026, 11, 1) if usual else None,
            carried_over=usual,
            paid_days_lost=0 if usual else max(DAYS_LEFT[urgency], 0),
            steps=_STEPS if usual else (),
        )
    for kind, count in product(LetterKind, (1, 3)):
        yield of_kind(kind, language, count=count, full=True)


def letter(language: str, **facts: object) -> Letter:
    """A plain letter about one order that ends in 60 days; `facts` take the place of its own."""
    given = Letter(
        clock=Clock.RENEWAL,
        touchpoint="before-60",
        urgency=Urgency.NOTICE,
        nature=Nature.COMMERCIAL,
        language=language,
        account_name="Example GmbH",
        person_name="Alex Example",
        lines=lines(Clock.RENEWAL, 60, Urgency.NOTICE, 1),
        brand=BRAND,
        written_at=WRITTEN_AT,
        action_url="https://renew.certificates.example/r/token",
        unsubscribe_url="https://renew.certificates.example/u/token",
        unsubscribe_mailto="mailto:renewals@certificates.example?subject=unsubscribe",
        reply_to_name="Robin Example",
        reply_to_phone="+44 20 7946 0000",
    )
    return replace(given, **facts)  # type: ignore[arg-type]


def of_kind(
    kind: LetterKind, language: str, urgency: Urgency = Urgency.WARNING, *, count: int = 1, full: bool = False
) -> Letter:
    """A letter of this kind. `full`: with every part that a mail can have, the calm urgency's offer included."""
    days = {LetterKind.EXPIRES_TODAY: 0, LetterKind.EXPIRED: -1, LetterKind.WIN_BACK: -40}.get(kind, DAYS_LEFT[urgency])
    days = max(days, 1) if kind not in (LetterKind.EXPIRES_TODAY, LetterKind.EXPIRED, LetterKind.WIN_BACK) else days
    count = max(count, 2) if kind is LetterKind.DIGEST else 1 if kind in _ABOUT_ONE else count
    clock = Clock(kind.value) if kind in (LetterKind.REISSUE, LetterKind.INSTALL) else Clock.RENEWAL
    urgency = Urgency.EXPIRED if days < 0 else Urgency.CRITICAL if days == 0 else urgency
    about = lines(clock, days, urgency, count, renewing=kind is LetterKind.AUTO_RENEW)
    occasion = Occasion(kind.value) if kind.value in tuple(Occasion) else Occasion.TOUCHPOINT
    service = kind in (LetterKind.REISSUE, LetterKind.INSTALL, LetterKind.AUTO_RENEW, LetterKind.VALIDATION)
    found = letter(
        language,
        clock=clock,
        urgency=urgency,
        nature=Nature.SERVICE if service else Nature.COMMERCIAL,
        lines=about,
        occasion=occasion,
        auto_renew_notice=kind is LetterKind.AUTO_RENEW,
        renewed=Renewed(date(2026, 11, 30), "7654321", date(2027, 12, 31), about[0].ends_on)
        if kind is LetterKind.THANK_YOU
        else None,
    )
    return with_all_parts(found) if full else found


def with_all_parts(given: Letter) -> Letter:
    """The letter with every part switched on and every fact there."""
    first = given.lines[0]
    today = given.written_at.date()
    rest = (first.ends_on - today).days
    kept = NoDaysLost(today, first.ends_on, rest, 365, first.ends_on + timedelta(days=365)) if rest > 0 else None
    return replace(
        given,
        blocks=frozenset(Block),
        offer=Offer(
            "early", 20, date(2026, 12, 31), datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), "EARLY20",
            "Not with other offers.", ("Secure Site OV",), (first.order_id,),
        ),
        advice=_ADVICE,
        benefits=_BENEFITS,
        seal=Seal(first.product_name, None, "https://www.certificates.example/seal", False),
        browser_warning=BrowserWarning(first.common_name, first.ends_on, first.ended),
        no_days_lost=kept,
        carried_over=kept is not None,
        console_end=ConsoleEnd("Example Console", date(2027, 6, 30), "New Console", "https://new.certificates.example/"),
        steps=_STEPS,
    )  # fmt: skip


def scripts(language: str) -> Iterator[Script]:
    """Scripts for every kind of task, clock, urgency and number of orders, with and without what may be missing."""
    for kind, clock, urgency, count in product(TaskKind, Clock, Urgency, (1, 3, 300)):
        if count == 300 and (kind, clock, urgency) != (TaskKind.CALL, Clock.RENEWAL, Urgency.WARNING):
            continue  # one of them shows what many orders become; each costs as much as a hundred others
        known = count == 1
        yield Script(
            kind=kind,
            clock=clock,
            urgency=urgency,
            language=language,
            account_name="Example GmbH",
            lines=lines(clock, DAYS_LEFT[urgency], urgency, count, inferred=not known),
            brand=BRAND,
            written_at=WRITTEN_AT,
            due_on=date(2026, 12, 2),
            action_url="https://renew.certificates.example/r/token" if known else "",
            contact_name="Alex Example" if known else "",
            contact_email="alex@example.com" if known else "",
            contact_phone="+49 30 000000" if known else "",
            contact_time=WRITTEN_AT.astimezone(ZoneInfo("Europe/Berlin")) if known else None,
            contact_zone="Europe/Berlin" if known else "",
            contact_language="de" if known else "",
            last_contact=LastContact(date(2026, 11, 20), Channel.CALL) if known else None,
            mailed_on=date(2026, 11, 30) if not known else None,
            certainty=Certainty.PROBABLE if known else None,
            value=(Money(39900 * count, "EUR"), Money(120000, "JPY")),
            offer=Offer("early", 20, date(2026, 12, 31), datetime(2026, 12, 31, tzinfo=UTC), "EARLY20" if known else "")
            if urgency is Urgency.NOTICE
            else None,
            advice=_ADVICE if known else (),
            benefits=_BENEFITS if known else (),
            questions=tuple(Question),
            no_days_lost=NoDaysLost(date(2026, 12, 1), date(2027, 1, 1), 31, 365, date(2028, 1, 1)) if known else None,
            carried_over=known,
            paid_days_lost=0 if known else max(DAYS_LEFT[urgency], 0),
            steps=_STEPS if known else (),
            note="Prefers calls in the morning." if known else "",
            answers=_answers(urgency, known) if kind is TaskKind.ANSWER else (),
        )


def _answers(urgency: Urgency, known: bool) -> tuple[Answer, ...]:
    """An answer, another one with each urgency."""
    said = [kind for kind in AnswerKind if kind is not AnswerKind.INSTALLED]
    kind = said[(urgency.rank + known) % len(said)]
    words = "We move everything next month, please call before that." if known else ""
    return (Answer(kind, WRITTEN_AT, words, "Sam Sample" if known else "", "sam@example.com" if known else ""),)


def lines(
    clock: Clock, days: int, urgency: Urgency, count: int, *, inferred: bool = False, renewing: bool = False
) -> tuple[OrderLine, ...]:
    """So many orders: the first ends in so many days, each other three days after the one before."""
    return tuple(_line(clock, days, urgency, number, inferred, renewing) for number in range(count))


def _line(clock: Clock, days: int, urgency: Urgency, number: int, inferred: bool, renewing: bool) -> OrderLine:
    left = days + 3 * number
    ends_on = WRITTEN_AT.date() + timedelta(days=left)
    renewal = clock is Clock.RENEWAL
    return OrderLine(
        order_id=f"{12345670 + number}",
        order_key=f"digicert:{12345670 + number}",
        common_name=("www.example.com", "shop.example.com", "xn--bcher-kva.example")[number % 3],
        product_name="Secure Site OV",
        level=(Level.OV, Level.DV, None)[number % 3],
        issued_on=ends_on - timedelta(days=199) if number % 3 < 2 else None,
        ends_on=ends_on,
        ends_at=datetime.combine(ends_on, time(23, 59, 59), UTC),
        days_left=left,
        ended=left < 0,
        validity_days=365 if renewal else 199,
        inferred=inferred,
        certificate_expires_on=ends_on if number % 3 < 2 or not renewal else ends_on - timedelta(days=20),
        order_expires_on=ends_on if renewal else ends_on + timedelta(days=160),
        urgency=urgency if number == 0 else Urgency.NOTICE if left > 30 else Urgency.REMINDER,
        auto_renew=renewal and (number == 2 or renewing),
        value_minor=39900 if number % 3 < 2 else None,
        currency="EUR",
        auto_renews_on=ends_on - timedelta(days=30) if renewing else None,
    )


def main(language: str, folder: Path) -> None:
    """Writes a mail of every kind, and a script of every kind, into the folder."""
    from templates.writer import JinjaWriter

    writer = JinjaWriter()
    folder.mkdir(parents=True, exist_ok=True)
    found = [(f"{kind.value}-{urgency.value}", of_kind(kind, language, urgency, count=1, full=True))
             for kind in LetterKind for urgency in list(Urgency)[:4]]  # fmt: skip
    found.append(("digest-many", of_kind(LetterKind.DIGEST, language, count=25, full=True)))
    for name, given in found:
        worded = writer.mail(given)
        (folder / f"{name}.html").write_text(worded.html, encoding="utf-8")
        (folder / f"{name}.txt").write_text(f"{worded.subject}\n{worded.preheader}\n\n{worded.text}", encoding="utf-8")
    for number, script in enumerate(scripts(language)):
        task = writer.task(script)
        name = f"task-{script.kind.value}-{script.clock.value}-{number}.txt"
        (folder / name).write_text(f"{task.subject}\n\n{task.body}", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
