"""What customers and reps are taken to do where days to come are played: when they reissue, renew, answer a call, leave.

Everything is drawn from the order's key and its end: the same ledger always has the same future. Pure.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from random import Random

from core.model import OrderFacts, order_key
from core.validity_rules import ValidityRules
from core.words import OrderStatus, ProductKind

_YEAR = 365


class Act(StrEnum):
    """What happens to an order on a day."""

    REISSUE = "reissue"  # it gets its next certificate
    RENEW = "renew"  # a new order that names it is placed and issued
    PLACE = "place"  # a new order that names it is placed and waits for validation
    ISSUE = "issue"  # a placed one is issued
    REPLACE = "replace"  # a new order that does not name it, for the same names
    CANCEL = "cancel"
    REVOKE = "revoke"
    INSTALL = "install"  # the certificate that came in place of its old one is installed, and somebody says so
    LEAVE = "leave"  # its customer tells the rep that it goes elsewhere
    NOTHING = "nothing"  # nobody does anything, and it lapses


class Conduct(StrEnum):
    """What a customer does about an order that is to end."""

    RENEWS = "renews"
    RENEWS_LATE = "renews_late"  # within a week after its end
    IS_VALIDATED = "is_validated"  # renews, and gets the certificate some days later
    REPLACES = "replaces"
    CANCELS = "cancels"
    REVOKES = "revokes"
    LEAVES = "leaves"
    DOES_NOTHING = "does_nothing"


@dataclass(frozen=True, slots=True)
class Habits:
    """What is taken for granted of people.

    `conduct` gives shares of all orders, from 0 to 1; what they leave lapses. `renew_ahead` and `reissue_ahead` are days
    before the end, on average. A rep makes a call `call_days` after it was asked for and reaches the customer in the
    share `reached` of them. `validation_days` lie between a placed order and its certificate. A share `installing` of new
    certificates is seen to be installed, or said to be, `install_days` after their issue.
    """

    conduct: Mapping[Conduct, float] = field(default_factory=lambda: {Conduct.RENEWS: 0.85})
    renew_ahead: int = 21
    reissue_ahead: int = 10
    call_days: int = 2
    reached: float = 0.6
    validation_days: int = 5
    installing: float = 0.9
    install_days: int = 2

    def with_order(self, key: str, ends_on: date) -> Conduct:
        """What its customer does about an order that ends on this day."""
        drawn = _chance("conduct", key, ends_on).random()
        for conduct, share in self.conduct.items():
            drawn -= share
            if drawn < 0:
                return conduct
        return Conduct.DOES_NOTHING

    def installs(self, key: str, issued_on: date) -> bool:
        """Whether anybody learns that the certificate which was issued on this day in place of an order's is installed."""
        return _chance("install", key, issued_on).random() < self.installing

    def reaches(self, task_key: str) -> bool:
        """Whether somebody answers this call."""
        return _chance("call", task_key).random() < self.reached


@dataclass(frozen=True, slots=True)
class Limits:
    """How long certificates run: by validity.toml as of the day of issue, or where `not_before` is set, as if every day
    were that one at least."""

    validity: ValidityRules
    not_before: date | None = None

    def longest(self, facts: OrderFacts, issued_on: date) -> int:
        """The longest certificate for this order on this day, in days.

        Where the CA has no rules the baseline holds. What no rules are known for runs as long as before.
        """
        day = max(issued_on, self.not_before or issued_on)
        rules = self.validity.cas.get(facts.ca)
        known = (rules.schedule if rules is not None else self.validity.baseline).on(day)
        if known is not None and facts.kind is ProductKind.TLS:
            return known
        begun, ended = facts.certificate_issued_on, facts.certificate_expires_on
        return max(1, (ended - begun).days) if begun and ended else _YEAR

    def carried_over(self, facts: OrderFacts, day: date) -> int:
        """The days that an order renewed on this day leaves to its successor."""
        ends_on = facts.order_expires_on
        rules = self.validity.cas.get(facts.ca)
        if rules is None or ends_on is None or not rules.carries_over(facts.product_id):
            return 0
        left = (ends_on - day).days
        return left if 0 < left <= self.validity.early_window_days else 0

    def renews_by_itself(self, facts: OrderFacts) -> int | None:
        """So many days before its end the CA renews this order by itself; None where it does not."""
        rules = self.validity.cas.get(facts.ca)
        return rules.auto_renew_days if rules is not None and facts.auto_renew else None


def runs(facts: OrderFacts) -> bool:
    """Whether anything can still happen to an order."""
    return facts.status is OrderStatus.ISSUED and not facts.is_renewed and not facts.renewed_by


def next_reissue(facts: OrderFacts, habits: Habits, today: date) -> date | None:
    """The day on which its certificate is reissued, from today on; None where that runs as long as the order."""
    certificate_end, order_end = facts.certificate_expires_on, facts.order_expires_on
    if certificate_end is None or order_end is None or certificate_end >= order_end:
        return None
    issued_on = facts.certificate_issued_on or facts.placed_on
    half_way = issued_on + timedelta(days=max(1, (certificate_end - issued_on).days // 2))
    chance = _chance("reissue", facts.key, certificate_end)
    return _before(certificate_end, habits.reissue_ahead, max(today, half_way), chance)


def issued_by(facts: OrderFacts, habits: Habits, today: date) -> date:
    """The day on which an order that was placed gets its certificate: from today on, and after it was placed."""
    usual = facts.placed_on + timedelta(days=max(1, habits.validation_days))
    if usual >= today:
        return usual
    return today + timedelta(days=_chance("issue", facts.key).randint(0, habits.validation_days))


def ends_by(facts: OrderFacts, habits: Habits, limits: Limits, today: date) -> tuple[date, Act]:
    """What becomes of an order when it ends, and the day on which that happens, from today on."""
    ends_on = facts.order_expires_on or facts.certificate_expires_on
    if ends_on is None:
        return today, Act.NOTHING
    conduct = habits.with_order(facts.key, ends_on)
    earliest = max(today, facts.placed_on + timedelta(days=1))
    by_itself = limits.renews_by_itself(facts)
    if by_itself is not None and conduct not in (Conduct.CANCELS, Conduct.REVOKES):
        return max(earliest, ends_on - timedelta(days=by_itself)), Act.RENEW
    chance = _chance("day", facts.key, ends_on)
    if conduct is Conduct.RENEWS_LATE:
        return max(earliest, ends_on + timedelta(days=chance.randint(1, 7))), Act.RENEW
    return _before(ends_on, habits.renew_ahead, earliest, chance), _ACTS[conduct]


_ACTS = {
    Conduct.RENEWS: Act.RENEW,
    Conduct.IS_VALIDATED: Act.PLACE,
    Conduct.REPLACES: Act.REPLACE,
    Conduct.CANCELS: Act.CANCEL,
    Conduct.REVOKES: Act.REVOKE,
    Conduct.LEAVES: Act.LEAVE,
    Conduct.DOES_NOTHING: Act.NOTHING,
}


def _before(ends_on: date, ahead: int, earliest: date, chance: Random) -> date:
    """A day so long before an end on average; where that lies before `earliest`, any day from then to the end."""
    day = ends_on - timedelta(days=round(chance.triangular(0, 2 * ahead)))
    if day >= earliest:
        return day
    return earliest + timedelta(days=chance.randint(0, max(0, (ends_on - earliest).days)))


def _chance(*about: object) -> Random:
    return Random("|".join(map(str, about)))  # noqa: S311, the same future for the same ledger


def after(act: Act, facts: OrderFacts, day: date, limits: Limits) -> Iterator[OrderFacts]:
    """The orders that their source tells differently after this act on this day; the new one first."""
    match act:
        case Act.REISSUE:
            yield _issued(facts, day, limits)
        case Act.RENEW | Act.REPLACE | Act.PLACE:
            names_it = act is not Act.REPLACE
            new = _successor(facts, day, limits, named=names_it)
            if act is Act.PLACE:
                yield _unissued(new)
                return
            yield new
            if names_it:
                yield replace(facts, is_renewed=True, renewed_by=new.key)
        case Act.ISSUE:
            yield _issued(_term(replace(facts, status=OrderStatus.ISSUED, status_text="issued"), day, 0), day, limits)
        case Act.CANCEL:
            yield replace(facts, status=OrderStatus.CANCELLED, status_text="canceled")
        case Act.REVOKE:
            yield replace(facts, status=OrderStatus.REVOKED, status_text="revoked")


def _successor(facts: OrderFacts, day: date, limits: Limits, *, named: bool) -> OrderFacts:
    outside_id = f"{facts.outside_id}+"
    new = replace(
        facts,
        key=order_key(facts.ca, outside_id),
        outside_id=outside_id,
        status=OrderStatus.ISSUED,
        status_text="issued",
        placed_on=day,
        is_renewed=False,
        renewed_by="",
        renewal_of=facts.key if named else "",
    )
    return _issued(_term(new, day, limits.carried_over(facts, day)), day, limits)


def _term(facts: OrderFacts, day: date, carried_over: int) -> OrderFacts:
    begun, ended = facts.starts_on or facts.placed_on, facts.order_expires_on or facts.certificate_expires_on
    paid = facts.term_days or (max(1, (ended - begun).days) if ended else _YEAR)
    return replace(
        facts,
        term_days=paid,
        starts_on=day,
        order_expires_on=day + timedelta(days=paid + carried_over),
        order_expires_inferred=False,
    )


def _issued(facts: OrderFacts, day: date, limits: Limits) -> OrderFacts:
    ends_on = day + timedelta(days=limits.longest(facts, day))
    return replace(
        facts,
        certificate_id=f"{facts.outside_id}:{day}",
        certificate_issued_on=day,
        certificate_expires_on=min(ends_on, facts.order_expires_on or ends_on),
    )


def _unissued(facts: OrderFacts) -> OrderFacts:
    return replace(
        facts,
        status=OrderStatus.PENDING,
        status_text="pending",
        starts_on=None,
        order_expires_on=None,
        certificate_id="",
        certificate_issued_on=None,
        certificate_expires_on=None,
    )
