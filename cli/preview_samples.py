"""Made-up mails and call scripts of every kind, in the operator's own brand: what a preview shows.

Orders, benefits and advice are made up, and so is the offer where none is set. What messages claim of a CA or a console
is what the settings say.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from core import parts
from core.answered import Answer, AnswerKind
from core.messages import (
    Advice,
    BenefitUse,
    BrowserWarning,
    LastContact,
    Letter,
    NoDaysLost,
    Occasion,
    Offer,
    OrderLine,
    Renewed,
    Script,
    Seal,
)
from core.money import Money
from core.offers import OfferRule
from core.policy import Policy
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

URGENCIES = {
    LetterKind.SINGLE: (Urgency.NOTICE, Urgency.REMINDER, Urgency.WARNING, Urgency.CRITICAL),
    LetterKind.DIGEST: (Urgency.NOTICE, Urgency.REMINDER, Urgency.WARNING, Urgency.CRITICAL, Urgency.EXPIRED),
    LetterKind.EXPIRES_TODAY: (Urgency.CRITICAL,),
    LetterKind.EXPIRED: (Urgency.EXPIRED,),
    LetterKind.AUTO_RENEW: (Urgency.NOTICE,),
    LetterKind.REISSUE: tuple(Urgency),
    LetterKind.INSTALL: (Urgency.REMINDER, Urgency.CRITICAL),
    LetterKind.WIN_BACK: (Urgency.EXPIRED,),
    LetterKind.THANK_YOU: (Urgency.NOTICE,),
    LetterKind.VALIDATION: (Urgency.REMINDER,),
}
"""The urgencies in which each kind of mail goes out."""

_DAYS = {
    Urgency.NOTICE: 60,
    Urgency.REMINDER: 30,
    Urgency.WARNING: 7,
    Urgency.CRITICAL: 2,
    Urgency.EXPIRED: -3,
}
_CLOCKS = {LetterKind.REISSUE: Clock.REISSUE, LetterKind.INSTALL: Clock.INSTALL}
_OCCASIONS = {kind: Occasion(kind.value) for kind in LetterKind if kind.value in tuple(Occasion)}
_STEPS_OF = {LetterKind.THANK_YOU: Clock.INSTALL}
_BARE = (LetterKind.THANK_YOU, LetterKind.VALIDATION)
_SOLD_IN = (LetterKind.SINGLE, LetterKind.DIGEST, LetterKind.WIN_BACK)
_TASK_CLOCKS = {TaskKind.SUPPORT: Clock.REISSUE}
_PRODUCT = "ssl_securesite_flex"
_NAMES = ("www.example.com", "shop.example.com", "xn--bcher-kva.example", "api.example.com", "*.example.net")
_ZONE = ZoneInfo("America/New_York")


def sample_letter(policy: Policy, kind: LetterKind, urgency: Urgency, language: str, today: date) -> Letter:
    """A mail of this kind as it would look, written on the morning of this day."""
    clock = _CLOCKS.get(kind, Clock.RENEWAL)
    moment = datetime.combine(today, time(9), _ZONE)
    lines = tuple(_lines(kind, clock, urgency, moment))
    sold = kind in _SOLD_IN
    facts = Letter(
        clock=clock,
        touchpoint="before-30",
        urgency=lines[0].urgency,
        nature=Nature.COMMERCIAL if sold else Nature.SERVICE,
        language=language,
        country="US",
        account_name="Example Inc.",
        person_name="Alex Example",
        lines=lines,
        brand=parts.brand_in(policy, language),
        written_at=moment,
        action_url=policy.brand.console_url,
        unsubscribe_url="https://example.com/unsubscribe",
        unsubscribe_mailto=policy.brand.sender,
        reply_to_name="Robin Example",
        reply_to_phone="+49 40 5550100",
        auto_renew_notice=kind is LetterKind.AUTO_RENEW,
        occasion=_OCCASIONS.get(kind, Occasion.TOUCHPOINT),
        early_window_opens_on=lines[0].ends_on - timedelta(days=90) if clock is Clock.RENEWAL else None,
        paid_days_lost=max(lines[0].days_left, 0) if clock is Clock.RENEWAL else 0,
        steps=parts.steps(policy, _STEPS_OF.get(kind, clock), lines, language)
        if kind is not LetterKind.VALIDATION
        else (),
        renewed=Renewed(today, "76543210", today + timedelta(days=365), lines[0].ends_on)
        if kind is LetterKind.THANK_YOU
        else None,
    )
    return facts if kind in _BARE else _with_blocks(policy, facts, today)


def sample_script(policy: Policy, kind: TaskKind, language: str, today: date) -> Script:
    """A task of this kind as a rep would read it, due on this day."""
    clock = _TASK_CLOCKS.get(kind, Clock.RENEWAL)
    moment = datetime.combine(today, time(9), _ZONE)
    lines = tuple(_lines(LetterKind.DIGEST, clock, Urgency.WARNING, moment))
    sold = kind is TaskKind.CALL
    return Script(
        kind=kind,
        clock=clock,
        urgency=Urgency.WARNING,
        language=language,
        country="US",
        account_name="Example Inc.",
        lines=lines,
        brand=parts.brand_in(policy, language),
        written_at=moment,
        due_on=today,
        action_url=policy.brand.console_url,
        rep_name="Robin Example",
        contact_name="Alex Example",
        contact_email="alex@example.com",
        contact_phone="+1 212 555 0199",
        contact_time=moment,
        contact_zone=_ZONE.key,
        contact_language="en",
        last_contact=LastContact(today - timedelta(days=5), Channel.MAIL),
        mailed_on=today - timedelta(days=5),
        certainty=Certainty.PROBABLE if kind is TaskKind.CHECK else None,
        value=(Money(sum(line.value_minor or 0 for line in lines), "EUR"),),
        offer=_offer(policy, language, today, lines) if sold else None,
        advice=_ADVICE if sold else (),
        benefits=_BENEFITS,
        questions=tuple(Question) if sold else (),
        paid_days_lost=7 if clock is Clock.RENEWAL else 0,
        steps=parts.steps(policy, clock, lines, language),
        answers=(Answer(AnswerKind.QUOTE, moment, name="Alex Example"),) if kind is TaskKind.ANSWER else (),
    )


def _lines(kind: LetterKind, clock: Clock, urgency: Urgency, moment: datetime) -> Iterator[OrderLine]:
    first = {LetterKind.EXPIRES_TODAY: 0, LetterKind.WIN_BACK: -60, LetterKind.AUTO_RENEW: 45}.get(kind, _DAYS[urgency])
    for number in range(len(_NAMES) if kind is LetterKind.DIGEST else 1):
        yield _line(kind, clock, urgency, moment, number, first + 6 * number)


def _line(kind: LetterKind, clock: Clock, urgency: Urgency, moment: datetime, number: int, days: int) -> OrderLine:
    ends_on = moment.date() + timedelta(days=days)
    renewal = clock is Clock.RENEWAL
    by_days = Urgency.NOTICE if days > 30 else Urgency.REMINDER if days > 14 else Urgency.WARNING
    own = urgency if number == 0 else Urgency.EXPIRED if days < 0 else Urgency.CRITICAL if days <= 3 else by_days
    return OrderLine(
        order_id=f"1567893{number}",
        order_key=f"digicert:1567893{number}",
        common_name=_NAMES[number],
        product_name="Secure Site OV",
        level=Level.OV,
        issued_on=ends_on - timedelta(days=365 if renewal else 199),
        ends_on=ends_on,
        ends_at=datetime.combine(ends_on, time(23, 59, 59), UTC).astimezone(_ZONE),
        days_left=days,
        ended=days < 0,
        validity_days=365 if renewal else 199,
        inferred=False,
        certificate_expires_on=ends_on,
        order_expires_on=ends_on if renewal else ends_on + timedelta(days=160),
        urgency=own,
        auto_renew=kind is LetterKind.AUTO_RENEW,
        auto_renews_on=ends_on - timedelta(days=30) if kind is LetterKind.AUTO_RENEW else None,
        value_minor=39900,
        currency="EUR",
        account_name="Example Inc.",
    )


def _with_blocks(policy: Policy, facts: Letter, today: date) -> Letter:
    """The mail with every part that could stand in one of its kind, as far as the switches let it."""
    first = facts.lines[0]
    renewal = facts.clock is Clock.RENEWAL
    allowed = policy.messages.switches.allowed(_PRODUCT, first.urgency, "", first.days_left)
    allowed = parts.by_nature(allowed, facts.nature)
    running = renewal and not first.ended
    found: dict[str, object] = {
        "offer": _offer(policy, facts.language, today, facts.lines) if running and Block.OFFER in allowed else None,
        "advice": parts.shown_advice(_ADVICE, allowed) if renewal else (),
        "benefits": _BENEFITS if Block.BENEFITS in allowed else (),
        "seal": Seal("Secure Site OV", policy.messages.seal, policy.messages.seal_help_url)
        if Block.SEAL in allowed
        else None,
        "browser_warning": BrowserWarning(first.common_name, first.ends_on, first.ended)
        if Block.BROWSER_WARNING in allowed
        else None,
        "no_days_lost": _no_days_lost(policy, facts, today) if running and Block.NO_DAYS_LOST in allowed else None,
        "console_end": policy.messages.consoles.end(policy.messages.console, today, called=facts.brand.console_name)
        if Block.CONSOLE_END in allowed
        else None,
    }
    filled = replace(facts, **found)  # type: ignore[arg-type]
    if filled.no_days_lost is not None:
        filled = replace(filled, carried_over=True, paid_days_lost=0)
    return replace(filled, blocks=parts.filled_blocks(filled))


def _no_days_lost(policy: Policy, facts: Letter, today: date) -> NoDaysLost | None:
    """As it reads where a CA carries the rest over."""
    first = facts.lines[0]
    left = first.days_left
    if left <= 0 or not any(ca.carries_over(_PRODUCT) for ca in policy.validity.cas.values()):
        return None
    return NoDaysLost(today, first.ends_on, left, 365, today + timedelta(days=left + 365), first.order_id)


def _offer(policy: Policy, language: str, today: date, lines: tuple[OrderLine, ...]) -> Offer:
    """The first offer that is set, ending in two weeks; else a made-up one."""
    last_day = today + timedelta(days=14)
    name, rule = next(iter(policy.messages.offers.rules.items()), ("early", OfferRule(percent=15, code="EARLY15")))
    return Offer(
        name=name,
        percent=rule.percent,
        code=rule.code or ("PREVIEW" if rule.single_use else ""),
        ends_on=last_day,
        ends_at=datetime.combine(last_day, time(23, 59, 59), _ZONE),
        conditions=rule.conditions.get(language, ""),
        order_ids=tuple(line.order_id for line in lines),
    )


_BENEFITS = (
    BenefitUse(Benefit.WARRANTY),
    BenefitUse(Benefit.MALWARE_SCAN, in_use=False),
    BenefitUse(Benefit.PRIORITY_SUPPORT),
    BenefitUse(Benefit.CT_MONITORING, in_use=True),
)
_ADVICE = (
    Advice(
        AdviceKind.HIGHER_BRAND,
        order_ids=("15678930",),
        product_id="ssl_securesite_pro",
        product_name="Secure Site Pro SSL",
        brand="DigiCert",
        level=Level.OV,
        gains=(Benefit.VULNERABILITY_ASSESSMENT, Benefit.CT_MONITORING),
    ),
    Advice(AdviceKind.MULTI_YEAR, order_ids=("15678930",), years=3),
    Advice(
        AdviceKind.WILDCARD,
        order_ids=("15678930", "15678931", "15678933"),
        product_name="Secure Site Wildcard SSL",
        domain="example.com",
        names=("api.example.com", "shop.example.com", "www.example.com"),
        count=3,
    ),
    Advice(AdviceKind.CONSOLIDATE, issuers=("Sectigo",), count=4),
    Advice(AdviceKind.AUTOMATE, order_ids=("15678930",), count=5, days=100, from_on=date(2027, 3, 15)),
)
