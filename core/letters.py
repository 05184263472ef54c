"""Builds the facts of mails and task scripts from dossiers: true at the moment at which they go."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core import parts
from core.dossiers import Contact, Dossier, Dossiers
from core.messages import Advice, LastContact, Letter, OrderLine, Script
from core.model import end_instant
from core.money import Money
from core.offers import Case, Promise
from core.parts import Known
from core.policy import Policy
from core.validity import early_window_opens_on, rest_of_order
from core.words import AdviceKind, Block, Certainty, Clock, Level, Nature, Question, TaskKind, Urgency

NOTHING_KNOWN = Known()


def line(
    dossier: Dossier,
    urgency: Urgency,
    moment: datetime,
    zone: ZoneInfo,
    *,
    renews_days_before: int | None = None,
    value: Money | None = None,
) -> OrderLine:
    """An order as a reader in this zone is told of it at this moment.

    `renews_days_before` is how many days before the end of an order its CA renews it by itself, where that is known.
    `value` is what it is worth to us, for readers of ours alone: no customer learns what the CA asks.
    """
    order = dossier.order
    ends_at = end_instant(dossier.ends_on) - timedelta(seconds=1)
    local_end = ends_at.astimezone(zone)
    ended = moment >= end_instant(dossier.ends_on)
    renewal = dossier.clock is Clock.RENEWAL
    issued_on = order.certificate_issued_on if renewal else dossier.starts_on
    return OrderLine(
        order_id=order.outside_id,
        order_key=order.order_key,
        common_name=order.common_name,
        product_name=order.product_name,
        level=dossier.level,
        issued_on=issued_on,
        ends_on=dossier.ends_on,
        ends_at=local_end,
        days_left=_days_left(dossier.ends_on, local_end, moment),
        ended=ended,
        validity_days=_validity_days(dossier),
        inferred=order.order_expires_inferred,
        certificate_expires_on=order.certificate_expires_on,
        order_expires_on=order.order_expires_on,
        urgency=Urgency.EXPIRED if ended else min(urgency, Urgency.CRITICAL, key=lambda one: one.rank),
        auto_renew=order.auto_renew,
        value_minor=value.minor if value else None,
        currency=value.currency if value else "",
        auto_renews_on=dossier.ends_on - timedelta(days=renews_days_before)
        if renewal and order.auto_renew and renews_days_before is not None
        else None,
        account_name=dossier.account.name,
    )


def _lines(
    policy: Policy,
    lines: Iterable[tuple[Dossier, Urgency]],
    moment: datetime,
    zone: ZoneInfo,
    *,
    valued: bool = False,
) -> list[OrderLine]:
    """The orders, the most pressing first; `valued`: with what they are worth to us."""
    cas = policy.validity.cas
    told = [
        line(
            dossier,
            urgency,
            moment,
            zone,
            renews_days_before=cas[dossier.order.ca].auto_renew_days if dossier.order.ca in cas else None,
            value=_value(policy, dossier, moment) if valued else None,
        )
        for dossier, urgency in lines
    ]
    return sorted(told, key=lambda one: (-one.urgency.rank, one.ends_on, one.order_key))


def _value(policy: Policy, dossier: Dossier, moment: datetime) -> Money | None:
    """What a renewal is worth to us: what the customer pays by their price list, else what the source says."""
    order = dossier.order
    cost = Money(order.value_minor, order.currency) if order.value_minor is not None else None
    return parts.price_of(policy, dossier, moment.date()) or cost


def _days_left(ends_on: date, local_end: datetime, moment: datetime) -> int:
    """Full days left; below two, and after the end, the reader's calendar decides what is today and tomorrow."""
    full = (end_instant(ends_on) - moment).days
    return full if full >= 2 else (local_end.date() - moment.astimezone(local_end.tzinfo).date()).days


def _validity_days(dossier: Dossier) -> int | None:
    days = (dossier.ends_on - dossier.starts_on).days
    return days if days > 0 else None


def letter(
    dossiers: Dossiers,
    contact: Contact,
    lines: Sequence[tuple[Dossier, Urgency]],
    clock: Clock,
    touchpoint: str,
    nature: Nature,
    moment: datetime,
    links: tuple[str, str],
    owner: Any,
    known: Known = NOTHING_KNOWN,
) -> Letter:
    """The facts of a mail, the most pressing order first. `links`: where to renew, and where to unsubscribe."""
    policy = dossiers.policy
    zone = dossiers.zone(lines[0][0], contact)
    told = _lines(policy, lines, moment, zone)
    in_order = _in_order(told, lines)
    leading = in_order[0]
    today = moment.astimezone(zone).date()
    home = leading.addressee
    language = language_of(policy, contact, home)
    brand = parts.brand_in(policy, language, leading.handling.brand)
    carried, lost, opens_on = _early_renewal(policy, leading, moment.date())
    facts = Letter(
        clock=clock,
        touchpoint=touchpoint,
        urgency=told[0].urgency,
        nature=nature,
        language=language,
        country=home.country,
        segment=leading.account.segment,
        account_name=home.name,
        person_name=contact.name,
        lines=tuple(told),
        brand=brand,
        written_at=moment.astimezone(zone),
        action_url=brand.console_url if links[0] == policy.brand.console_url else links[0],
        unsubscribe_url=links[1],
        unsubscribe_mailto=brand.sender,
        reply_to_name=owner.name if owner else "",
        reply_to_phone=owner.phone if owner else "",
        auto_renew_notice=all(dossier.order.auto_renew for dossier, _ in lines) and clock is Clock.RENEWAL,
        early_window_opens_on=opens_on,
        carried_over=carried,
        paid_days_lost=lost,
        steps=parts.steps(policy, clock, told, language, brand.console_name),
        rows=policy.rules.mail_rows,
    )
    if parts.sells(facts):
        facts = parts.sold(policy, leading, facts, in_order)
    elif nature is not Nature.SERVICE:
        facts = replace(facts, nature=Nature.SERVICE)
    return _with_blocks(policy, facts, in_order, known, today)


def _with_blocks(policy: Policy, facts: Letter, told: Sequence[Dossier], known: Known, today: date) -> Letter:
    """The letter with those of its blocks that are switched on and have their facts, the offer aside."""
    leading, first = told[0], facts.lines[0]
    on = parts.blocks_of(policy, leading, first, facts.nature)
    advised = on & {Block.AUTOMATION, Block.UPSELL} and facts.clock is Clock.RENEWAL
    rules = policy.messages
    filled = replace(
        facts,
        advice=parts.shown_advice(parts.advice_for(policy, leading, known, today), on) if advised else (),
        benefits=parts.benefits_of(policy, leading) if Block.BENEFITS in on else (),
        seal=parts.seal(policy, leading) if Block.SEAL in on else None,
        browser_warning=parts.browser_warning(leading, first) if Block.BROWSER_WARNING in on else None,
        no_days_lost=parts.no_days_lost(policy, leading, today) if Block.NO_DAYS_LOST in on else None,
        console_end=rules.consoles.end(rules.console, today, called=facts.brand.console_name)
        if Block.CONSOLE_END in on
        else None,
    )
    return replace(filled, blocks=parts.filled_blocks(filled))


def offer_cases(
    policy: Policy, facts: Letter, lines: Sequence[tuple[Dossier, Urgency]], moment: datetime
) -> list[Case]:
    """The renewals for which this mail may promise something: none where its kind, nature or switches forbid it."""
    if not parts.may_offer(facts.kind, facts.nature):
        return []
    told = _in_order(facts.lines, lines)
    on = parts.blocks_of(policy, told[0], facts.lines[0], facts.nature)
    return parts.cases(told, _zone(facts), moment) if Block.OFFER in on else []


def with_offer(
    policy: Policy, facts: Letter, lines: Sequence[tuple[Dossier, Urgency]], promised: Mapping[int, Promise]
) -> Letter:
    """The letter with what was promised for its renewals."""
    told = parts.offer(policy, _in_order(facts.lines, lines), promised, _zone(facts), facts.language)
    return replace(facts, offer=told, blocks=facts.blocks | {Block.OFFER}) if told else facts


def script_cases(facts: Script, lines: Sequence[tuple[Dossier, Urgency]], moment: datetime) -> list[Case]:
    """The renewals for which a rep may promise something on the phone."""
    return parts.cases(_in_order(facts.lines, lines), _zone(facts), moment) if sells(facts) else []


def script_with_offer(
    policy: Policy, facts: Script, lines: Sequence[tuple[Dossier, Urgency]], promised: Mapping[int, Promise]
) -> Script:
    """The script with what was promised for its renewals."""
    told = parts.offer(policy, _in_order(facts.lines, lines), promised, _zone(facts), facts.language)
    return replace(facts, offer=told)


def sells(facts: Script) -> bool:
    """Whether a task is a sales call about renewals."""
    return facts.kind is TaskKind.CALL and facts.clock is Clock.RENEWAL


def _in_order(told: Sequence[OrderLine], lines: Sequence[tuple[Dossier, Urgency]]) -> list[Dossier]:
    by_key = {dossier.order.order_key: dossier for dossier, _ in lines}
    return [by_key[one.order_key] for one in told]


def _zone(facts: Letter | Script) -> ZoneInfo:
    zone = facts.written_at.tzinfo
    assert isinstance(zone, ZoneInfo)
    return zone


def language_of(policy: Policy, contact: Contact | None, account: Any) -> str:
    """The language of a person, else of their account, else of its country, else the default."""
    wishes = (contact.language if contact else "", account.language)
    return policy.messages.languages.choose(*wishes, country=account.country)


def _early_renewal(policy: Policy, dossier: Dossier, on: date) -> tuple[bool, int, date | None]:
    """Whether the CA carries the rest of the order over, how many days renewing now gives away, when it is possible."""
    order = dossier.order
    if dossier.clock is not Clock.RENEWAL or order.ca not in policy.validity.cas:
        return False, 0, None
    rest = rest_of_order(
        order_expires_on=dossier.ends_on, renew_on=on, rules=policy.validity, ca=order.ca, product=order.product_id
    )
    opens_on = early_window_opens_on(dossier.ends_on, policy.validity)
    return rest.carried_over_days > 0, rest.given_away_days, opens_on


def script(
    dossiers: Dossiers,
    kind: TaskKind,
    lines: Sequence[tuple[Dossier, Urgency]],
    due_on: date,
    moment: datetime,
    action_url: str,
    contact: Contact | None,
    note: str = "",
    *,
    rep: Any = None,
    known: Known = NOTHING_KNOWN,
    last_contact: LastContact | None = None,
    mailed_on: date | None = None,
    may_sell: bool = True,
) -> Script:
    """The facts of a task, the most pressing order first.

    `rep` is the row of whoever reads it, where known; `may_sell` says that the contact may be sold to by phone.
    """
    policy = dossiers.policy
    first = lines[0][0]
    account = first.account
    zone = dossiers.zone(first, None)
    told = _lines(policy, lines, moment, zone, valued=True)
    in_order = _in_order(told, lines)
    leading = in_order[0]
    rules = policy.messages
    language = rules.languages.choose(rep.language if rep is not None else "", rules.rep_language)
    there = dossiers.zone(first, contact)
    brand = parts.brand_in(policy, language, leading.handling.brand)
    calling = kind is TaskKind.CALL and first.clock is Clock.RENEWAL
    selling = calling and may_sell
    carried, lost, _ = _early_renewal(policy, leading, moment.date())
    advice = parts.advice_for(policy, leading, known, moment.date()) if selling else ()
    return Script(
        kind=kind,
        clock=first.clock,
        urgency=told[0].urgency,
        language=language,
        country=account.country,
        account_name=account.name or account.account_key,
        lines=tuple(told),
        brand=brand,
        written_at=moment.astimezone(zone),
        due_on=due_on,
        action_url=action_url,
        rep_name=rep.name if rep is not None else "",
        contact_name=contact.name if contact else "",
        contact_email=contact.email if contact else "",
        contact_phone=contact.phone if contact else "",
        contact_time=moment.astimezone(there) if contact else None,
        contact_zone=there.key if contact else "",
        contact_language=language_of(policy, contact, first.addressee) if contact else "",
        last_contact=last_contact,
        mailed_on=mailed_on,
        certainty=_to_ask_about(kind, leading),
        value=_values(told),
        advice=advice,
        benefits=parts.benefits_of(policy, leading) if selling else (),
        questions=_questions(leading, advice) if selling else (),
        no_days_lost=parts.no_days_lost(policy, leading, moment.date()) if calling else None,
        paid_days_lost=lost,
        carried_over=carried,
        steps=parts.steps(policy, first.clock, told, language, brand.console_name),
        service_only=calling and not may_sell,
        note=note,
    )


def _to_ask_about(kind: TaskKind, leading: Dossier) -> Certainty | None:
    """What is thought of the renewal, where the rep is to ask about it."""
    if leading.certainty == Certainty.PROBABLE:
        return Certainty.PROBABLE
    placed = kind is TaskKind.CHECK and leading.certainty == Certainty.IN_PROGRESS
    return Certainty.IN_PROGRESS if placed else None


def _values(told: Sequence[OrderLine]) -> tuple[Money, ...]:
    """What these orders are worth, by currency; those of unknown value left out."""
    sums: dict[str, int] = {}
    for one in told:
        if one.value_minor:
            sums[one.currency] = sums.get(one.currency, 0) + one.value_minor
    return tuple(Money(minor, currency) for currency, minor in sums.items())


def _questions(leading: Dossier, advice: Sequence[Advice]) -> tuple[Question, ...]:
    """What to ask, without what is known: whoever holds EV needs no question that leads to it."""
    known = {
        Question.PERSONAL_DATA: leading.level is Level.EV,
        Question.PAYMENT_DATA: leading.level is Level.EV,
        Question.OTHER_CAS: any(one.kind is AdviceKind.CONSOLIDATE for one in advice),
        Question.AUTOMATION: bool(leading.order.auto_renew),
    }
    return tuple(question for question in Question if not known.get(question, False))
