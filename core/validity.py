"""How long orders and certificates run: what a renewal gives, what it costs to renew early, when to reissue.

Pure reckoning with the figures of `core.validity_rules`. Days are calendar days in UTC; lengths are
half-open, from the day of issue to the day of expiry (1 December to 1 January: 31). All of it holds for
publicly trusted TLS certificates.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from itertools import pairwise

from core.errors import UsageError
from core.validity_rules import CaRules, Maximum, Schedule, ValidityRules

__all__ = [
    "LONGEST_ORDER_DAYS",
    "CaRules",
    "Certificate",
    "Maximum",
    "ReissueAction",
    "ReissueAdvice",
    "RenewedOrder",
    "Rest",
    "RestReason",
    "Schedule",
    "ValidityRules",
    "days_left",
    "early_window_opens_on",
    "reissue_advice",
    "renewed_order",
    "rest_of_order",
    "uncovered_days",
]

# Ten years, more than any CA sells: a longer order is a slip of the pen, not a plan.
LONGEST_ORDER_DAYS = 3660


class RestReason(StrEnum):
    """Why the rest of the old order is, or is not, added to the new one."""

    CARRIED_OVER = "carried_over"
    NOT_OFFERED = "not_offered"
    BEFORE_WINDOW = "before_window"
    NOTHING_LEFT = "nothing_left"
    AFTER_END = "after_end"


class ReissueAction(StrEnum):
    """What to do about the certificate of a running order."""

    NOW = "now"
    LATER = "later"
    LAPSED = "lapsed"  # the certificate has ended already: reissue at once
    NOT_NEEDED = "not_needed"  # the certificate lasts as long as the order: renew instead
    ORDER_ENDED = "order_ended"


@dataclass(frozen=True, slots=True)
class Certificate:
    """One certificate of an order, from its day of issue to its day of expiry."""

    issue_on: date
    expires_on: date

    @property
    def days(self) -> int:
        """Its length in days."""
        return (self.expires_on - self.issue_on).days


@dataclass(frozen=True, slots=True)
class Rest:
    """What becomes of the days an order has left at its renewal: carried over, or paid and given away."""

    carried_over_days: int
    given_away_days: int
    reason: RestReason


@dataclass(frozen=True, slots=True)
class RenewedOrder:
    """The order that a renewal gives: `days` is the term plus what is carried over.

    `certificates` follow each other without a gap up to the order's end. `max_certificate_days` is the
    longest a certificate issued on the day of the renewal may run.
    """

    starts_on: date
    expires_on: date
    rest: Rest
    max_certificate_days: int
    certificates: tuple[Certificate, ...]

    @property
    def days(self) -> int:
        """The length of the order in days."""
        return (self.expires_on - self.starts_on).days


@dataclass(frozen=True, slots=True)
class ReissueAdvice:
    """When to reissue inside a running order, so that no day is uncovered and no reissue is wasted.

    Reissue from `reissue_from` to `reissue_by`, both included; None where there is nothing to reissue.
    `reissues` counts those the order then needs to its end. For a reissue on the day asked about,
    `uncovered_days` is what its certificate leaves of the order, safety margin included, and
    `extra_reissues` how many more the order would need.
    """

    action: ReissueAction
    reissue_from: date | None = None
    reissue_by: date | None = None
    reissues: int = 0
    uncovered_days: int = 0
    extra_reissues: int = 0


def days_left(ends_on: date, on: date) -> int:
    """Days from a day to an end: 0 on the end's own day, negative after it."""
    return (ends_on - on).days


def early_window_opens_on(order_expires_on: date, rules: ValidityRules) -> date:
    """The first day on which an order can be renewed early without giving its rest away.

    Raises UsageError where no calendar holds that day.
    """
    return _shift(order_expires_on, -rules.early_window_days)


def rest_of_order(
    *,
    order_expires_on: date,
    renew_on: date,
    rules: ValidityRules,
    ca: str,
    product: str | None = None,
    carry_over: bool | None = None,
) -> Rest:
    """What becomes of the paid days an order has left when it is renewed on a day.

    `carry_over` stands in for the policy of the CA and product. Outside the early window and after the end
    nothing is carried over, whatever the policy. Raises UsageError for an unknown CA.
    """
    policy = rules.ca(ca).carries_over(product)
    left = days_left(order_expires_on, renew_on)
    if left < 0:
        return Rest(0, 0, RestReason.AFTER_END)
    if left == 0:
        return Rest(0, 0, RestReason.NOTHING_LEFT)
    if left > rules.early_window_days:
        return Rest(0, left, RestReason.BEFORE_WINDOW)
    if policy if carry_over is None else carry_over:
        return Rest(left, 0, RestReason.CARRIED_OVER)
    return Rest(0, left, RestReason.NOT_OFFERED)


def renewed_order(
    *,
    order_expires_on: date,
    renew_on: date,
    term_days: int,
    rules: ValidityRules,
    ca: str,
    product: str | None = None,
    carry_over: bool | None = None,
) -> RenewedOrder:
    """The order that renewing on a day gives, and the certificates it takes, each as long as allowed.

    Every certificate obeys the maximum of its own day of issue. Arguments as in `rest_of_order`. Raises
    UsageError for a term or an end that cannot be meant, a day without a known maximum, an unknown CA, or an
    end beyond the calendar.
    """
    if not 1 <= term_days <= LONGEST_ORDER_DAYS:
        raise UsageError(f"A term must have from 1 to {LONGEST_ORDER_DAYS} days.")
    _refuse_far_end(order_expires_on, renew_on)
    rest = rest_of_order(
        order_expires_on=order_expires_on,
        renew_on=renew_on,
        rules=rules,
        ca=ca,
        product=product,
        carry_over=carry_over,
    )
    ca_rules = rules.ca(ca)
    expires_on = _shift(renew_on, term_days + rest.carried_over_days)
    certificates: list[Certificate] = []
    issue_on = renew_on
    while issue_on < expires_on:
        length = min(ca_rules.max_certificate_days(issue_on), (expires_on - issue_on).days)
        certificates.append(Certificate(issue_on, issue_on + timedelta(days=length)))
        issue_on = certificates[-1].expires_on
    return RenewedOrder(
        starts_on=renew_on,
        expires_on=expires_on,
        rest=rest,
        max_certificate_days=ca_rules.max_certificate_days(renew_on),
        certificates=tuple(certificates),
    )


def uncovered_days(*, order_expires_on: date, reissue_on: date, rules: ValidityRules, ca: str) -> int:
    """How many days of an order the certificate reissued on a day leaves to yet another certificate.

    The safety margin counts as uncovered. With 199 days and a margin of 1 this is DigiCert's own table for
    annual plans: a reissue 90 days before the first certificate's end leaves 58 days, 60 days before 28, 32
    days before or later none. Raises UsageError for an unknown CA or a day without a known maximum.
    """
    longest = rules.ca(ca).max_certificate_days(reissue_on)
    return max(0, days_left(order_expires_on, reissue_on) + rules.safety_margin_days - longest)


def reissue_advice(
    *, order_expires_on: date, certificate_expires_on: date, today: date, rules: ValidityRules, ca: str
) -> ReissueAdvice:
    """Whether to reissue the certificate of a running order on this day or later.

    Good days are those from which the order needs the fewest certificates to its end, each counted shorter by
    the safety margin. The last good day, `reissue_by`, is the margin before the certificate's end, or the
    eve of a lower maximum where that saves a certificate. Where one reissue covers the rest of the order,
    `reissue_from` is the first good day. Where more are needed (100- and 47-day certificates), the days to
    spare are shared evenly, so that each reissue may be that much early without adding one.

    Raises UsageError for an unknown CA, a day without a known maximum, or an end that cannot be meant.
    """
    ca_rules = rules.ca(ca)
    if today >= order_expires_on:
        return ReissueAdvice(ReissueAction.ORDER_ENDED)
    if certificate_expires_on >= order_expires_on:
        return ReissueAdvice(ReissueAction.NOT_NEEDED)
    _refuse_far_end(order_expires_on, today)
    uncovered = uncovered_days(order_expires_on=order_expires_on, reissue_on=today, rules=rules, ca=ca)
    plan = _Plan(ca_rules, rules.safety_margin_days, order_expires_on.toordinal())
    first, last = today.toordinal(), certificate_expires_on.toordinal() - rules.safety_margin_days
    days = [max(first, last), *(eve for eve in plan.eves if first <= eve < last)]
    needed, latest = min((plan.certificates_from(day), -day) for day in days)
    latest = -latest
    earliest = latest
    # Not cut off at today, or the advice would move on day by day.
    while earliest > plan.first_known and plan.certificates_from(earliest - 1) == needed:
        earliest -= 1
    reissue_from = latest - (latest - earliest) // needed
    if today > certificate_expires_on:
        action = ReissueAction.LAPSED
    else:
        action = ReissueAction.NOW if first >= reissue_from else ReissueAction.LATER
    return ReissueAdvice(
        action=action,
        reissue_from=date.fromordinal(reissue_from),
        reissue_by=date.fromordinal(latest),
        reissues=needed,
        uncovered_days=uncovered,
        extra_reissues=plan.certificates_from(first) - needed,
    )


class _Plan:
    """Counts the certificates that cover an order to its end. Days are ordinals."""

    def __init__(self, ca: CaRules, margin: int, end: int) -> None:
        steps = ca.schedule.steps
        self._ca, self._margin, self._end = ca, margin, end
        self.first_known = steps[0].issued_from.toordinal()
        # The last days of a higher maximum: a certificate issued then can outlast one issued later.
        self.eves = [after.issued_from.toordinal() - 1 for before, after in pairwise(steps) if after.days < before.days]

    def certificates_from(self, day: int) -> int:
        """The fewest certificates that cover the order from the one issued on this day on."""
        count, reach = 1, self._reach(day)
        while reach < self._end:
            day = max([reach, *(eve for eve in self.eves if day < eve < reach)], key=self._reach)
            count, reach = count + 1, self._reach(day)
        return count

    def _reach(self, day: int) -> int:
        return day + self._ca.max_certificate_days(date.fromordinal(day)) - self._margin


def _refuse_far_end(order_expires_on: date, on: date) -> None:
    if days_left(order_expires_on, on) > LONGEST_ORDER_DAYS:
        raise UsageError(f"An order that ends on {order_expires_on} is more than ten years away from {on}.")


def _shift(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        raise UsageError(f"{day} is too near the end of the calendar to count {days} days from it.") from None
