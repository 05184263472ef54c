"""Builds the facts of mails and task scripts from dossiers: true at the moment at which they go."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from core.dossiers import Contact, Dossier, Dossiers
from core.messages import Brand, Letter, OrderLine, Script
from core.model import end_instant
from core.policy import Policy
from core.validity import early_window_opens_on, rest_of_order
from core.words import Clock, Nature, TaskKind, Urgency


def line(dossier: Dossier, urgency: Urgency, moment: datetime, zone: ZoneInfo) -> OrderLine:
    """An order as a reader in this zone is told of it at this moment."""
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
        value_minor=order.value_minor,
        currency=order.currency,
    )


def _most_pressing_first(lines: Iterable[OrderLine]) -> list[OrderLine]:
    return sorted(lines, key=lambda one: (-one.urgency.rank, one.ends_on, one.order_key))


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
) -> Letter:
    """The facts of a mail, the most pressing order first. `links`: where to renew, and where to unsubscribe."""
    policy = dossiers.policy
    first = lines[0][0]
    zone = dossiers.zone(first, contact)
    told = _most_pressing_first(line(dossier, urgency, moment, zone) for dossier, urgency in lines)
    by_key = {dossier.order.order_key: dossier for dossier, _ in lines}
    leading = by_key[told[0].order_key]
    carried, lost, opens_on = _early_renewal(policy, leading, moment.date())
    return Letter(
        clock=clock,
        touchpoint=touchpoint,
        urgency=told[0].urgency,
        nature=nature,
        language=contact.language or leading.account.language or "en",
        account_name=leading.account.name,
        person_name=contact.name,
        lines=tuple(told),
        brand=_brand(policy, clock, told),
        written_at=moment.astimezone(zone),
        action_url=links[0],
        unsubscribe_url=links[1],
        unsubscribe_mailto=policy.brand.sender,
        reply_to_name=owner.name if owner else "",
        reply_to_phone=owner.phone if owner else "",
        auto_renew_notice=all(dossier.order.auto_renew for dossier, _ in lines) and clock is Clock.RENEWAL,
        early_window_opens_on=opens_on,
        carried_over=carried,
        paid_days_lost=lost,
    )


def _brand(policy: Policy, clock: Clock, told: Sequence[OrderLine]) -> Brand:
    """The brand with the steps for this clock; they name the order where there is only one."""
    which = f"order {told[0].order_id}" if len(told) == 1 else "each order of the list above"
    said = (
        step.replace("{console}", policy.brand.console_name).replace("{order}", which)
        for step in policy.steps.get(clock, ())
    )
    return replace(policy.brand, steps=tuple(said))


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
) -> Script:
    """The facts of a task, the most pressing order first."""
    first = lines[0][0]
    zone = dossiers.zone(first, None)
    told = _most_pressing_first(line(dossier, urgency, moment, zone) for dossier, urgency in lines)
    return Script(
        kind=kind,
        clock=first.clock,
        urgency=told[0].urgency,
        language="en",
        account_name=first.account.name or first.account.account_key,
        lines=tuple(told),
        brand=_brand(dossiers.policy, first.clock, told),
        written_at=moment.astimezone(zone),
        due_on=due_on,
        action_url=action_url,
        contact_name=contact.name if contact else "",
        contact_email=contact.email if contact else "",
        contact_phone=contact.phone if contact else "",
        note=note,
    )
