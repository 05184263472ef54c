"""`nolapse validity`: what renewing on a day gives, what it costs, and when to reissue a certificate."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import click

from cli.common import common
from core.errors import NolapseError
from core.validity import (
    Certificate,
    ReissueAction,
    ReissueAdvice,
    RenewedOrder,
    RestReason,
    ValidityRules,
    days_left,
    early_window_opens_on,
    reissue_advice,
    renewed_order,
)

_LONGEST_LINE = 300

_REST_SENTENCES = {
    RestReason.CARRIED_OVER: "What is left ({left}) is added to the new order.",
    RestReason.NOT_OFFERED: "What is left ({left}) is not added: there is no carry-over for this order.",
    RestReason.BEFORE_WINDOW: "What is left ({left}) is not added: the early window opens only on {opens}.",
    RestReason.NOTHING_LEFT: "Nothing is left to add: the order ends on that very day.",
    RestReason.AFTER_END: "Nothing is left to add: the order ended on {end}.",
}
_ACTION_SENTENCES = {
    ReissueAction.NOW: "Reissue now, at the latest on {by}.",
    ReissueAction.LATER: "Reissue later, from {start} to {by}.",
    ReissueAction.LAPSED: "The certificate has ended: reissue it at once.",
    ReissueAction.NOT_NEEDED: "No reissue is needed: the certificate lasts as long as the order.",
    ReissueAction.ORDER_ENDED: "The order has ended: nothing can be reissued, only renewed.",
}


class InputError(click.ClickException):
    """What was asked makes no sense: told in one line, exit code 2."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        line = " ".join(message.split())
        super().__init__(line if len(line) <= _LONGEST_LINE else f"{line[:_LONGEST_LINE]}...")


class OneLineCommand(click.Command):
    """A command that tells wrong options in one line, without the block on its usage."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            raise InputError(error.format_message()) from error


def _day(word: str) -> date:
    """The date a word stands for, as YYYY-MM-DD and nothing else."""
    with suppress(ValueError):
        day = date.fromisoformat(word)
        if day.isoformat() == word:
            return day
    raise click.BadParameter(f"{word!r} is not a date; write it as YYYY-MM-DD.")


@dataclass(frozen=True, slots=True)
class Question:
    """What `nolapse validity` is asked. `carry_over` None means: as the policy says."""

    order_expires_on: date
    renew_on: date
    term_days: int = 365
    carry_over: bool | None = None
    ca: str = "digicert"
    product: str | None = None
    certificate_expires_on: date | None = None
    asked_on: date | None = None  # the day reissue advice is for; None: the day of the renewal


@dataclass(frozen=True, slots=True)
class _Reckoned:
    left: int
    window_opens_on: date
    policy: bool
    order: RenewedOrder
    with_rest: RenewedOrder
    without_rest: RenewedOrder
    asked_on: date
    advice: ReissueAdvice | None


def answer(question: Question, rules: ValidityRules) -> dict[str, object]:
    """The whole answer, ready for JSON: dates as YYYY-MM-DD, lengths in days.

    The renewal as asked for stands at the top, with and without carry-over below it. `reissue` is there if
    the certificate's end was given. Raises UsageError for what cannot be meant.
    """
    return _reply(question, _reckon(question, rules))


def rules_for(ctx: click.Context) -> ValidityRules:
    """The rules in force for this call: the operator's own where there are any. Raises ConfigurationError."""
    from config.settings import load

    config = ctx.ensure_object(dict).get("config")
    return load(Path(config) if config else None).validity


def today_for(ctx: click.Context) -> date:
    """The day it is, in UTC as the ends of certificates are."""
    return datetime.now(UTC).date()


@click.command(cls=OneLineCommand)
@click.option("--order-expires", type=_day, metavar="DATE", required=True, help="The day the paid order ends.")
@click.option("--renew-on", type=_day, metavar="DATE", help="The day it is renewed. [default: today]")
@click.option("--term-days", type=int, default=365, show_default=True, help="The length of the new order.")
@click.option(
    "--carry-over/--no-carry-over",
    default=None,
    help="Whether the rest is added. [default: as the CA's policy says]",
)
@click.option("--ca", default="digicert", show_default=True, help="Whose rules hold.")
@click.option("--product", help="The product's name at its CA, for its own policy.")
@click.option(
    "--certificate-expires",
    type=_day,
    metavar="DATE",
    help="The day the order's certificate ends: adds when to reissue it.",
)
@click.option("--today", type=_day, metavar="DATE", help="Take this day for today.")
@common
@click.pass_context
def validity(
    ctx: click.Context,
    order_expires: date,
    renew_on: date | None,
    term_days: int,
    carry_over: bool | None,
    ca: str,
    product: str | None,
    certificate_expires: date | None,
    today: date | None,
    as_json: bool,
) -> None:
    """Say how long a renewed order runs, which certificates it takes, and when to reissue.

    Dates are written YYYY-MM-DD. An early renewal keeps the days it has left only where the CA carries them
    over, and only inside the early window.
    """
    now = today or today_for(ctx)
    renewal_day = renew_on or now
    question = Question(
        order_expires_on=order_expires,
        renew_on=renewal_day,
        term_days=term_days,
        carry_over=carry_over,
        ca=ca.lower(),
        product=product,
        certificate_expires_on=certificate_expires,
        # A renewal in the past is a look back: the advice is then of that day, unless one is named.
        asked_on=today or min(now, renewal_day),
    )
    try:
        reckoned = _reckon(question, rules_for(ctx))
    except NolapseError as error:
        raise InputError(str(error)) from error
    if as_json:
        click.echo(json.dumps(_reply(question, reckoned), indent=2))
        return
    for line in _lines(question, reckoned):
        click.echo(line)


def _reckon(question: Question, rules: ValidityRules) -> _Reckoned:
    order, with_rest, without_rest = (
        renewed_order(
            order_expires_on=question.order_expires_on,
            renew_on=question.renew_on,
            term_days=question.term_days,
            rules=rules,
            ca=question.ca,
            product=question.product,
            carry_over=carry_over,
        )
        for carry_over in (question.carry_over, True, False)
    )
    asked_on = question.asked_on or question.renew_on
    advice = None
    if question.certificate_expires_on is not None:
        advice = reissue_advice(
            order_expires_on=question.order_expires_on,
            certificate_expires_on=question.certificate_expires_on,
            today=asked_on,
            rules=rules,
            ca=question.ca,
        )
    return _Reckoned(
        left=days_left(question.order_expires_on, question.renew_on),
        window_opens_on=early_window_opens_on(question.order_expires_on, rules),
        policy=rules.ca(question.ca).carries_over(question.product),
        order=order,
        with_rest=with_rest,
        without_rest=without_rest,
        asked_on=asked_on,
        advice=advice,
    )


def _reply(question: Question, found: _Reckoned) -> dict[str, object]:
    reply: dict[str, object] = {
        "order_expires_on": question.order_expires_on.isoformat(),
        "renew_on": question.renew_on.isoformat(),
        "term_days": question.term_days,
        "ca": question.ca,
        "product": question.product,
        "days_left": found.left,
        "early_window_opens_on": found.window_opens_on.isoformat(),
        "max_certificate_days": found.order.max_certificate_days,
        "carry_over_policy": found.policy,
        **_order(found.order),
        "carried_over_note": _rest_sentence(question, found),
        "with_carry_over": _order(found.with_rest),
        "without_carry_over": _order(found.without_rest),
    }
    if found.advice is not None and question.certificate_expires_on is not None:
        reply["reissue"] = {
            "asked_on": found.asked_on.isoformat(),
            "certificate_expires_on": question.certificate_expires_on.isoformat(),
            **_advice(found.advice),
        }
    return reply


def _lines(question: Question, found: _Reckoned) -> Iterator[str]:
    order = found.order
    yield (
        f"The order ends on {question.order_expires_on}; {question.renew_on} is {_distance(found.left)}. "
        f"The early window opens on {found.window_opens_on}."
    )
    yield f"The new order runs {_days(order.days)}, from {order.starts_on} to {order.expires_on}."
    yield _rest_sentence(question, found)
    if order.rest.reason is RestReason.CARRIED_OVER:
        other = found.without_rest
        yield f"Without carry-over it would run {_days(other.days)}, to {other.expires_on}."
        if not found.policy:
            yield f"That is as asked for: by policy {question.ca} does not carry the rest over."
    elif order.rest.given_away_days:
        yield f"Renewing on that day gives {_days(order.rest.given_away_days)} away that are paid for."
    yield (
        f"Certificates ({_days(order.max_certificate_days)} at most when issued on {order.starts_on}; "
        f"{len(order.certificates)} needed):"
    )
    for certificate in order.certificates:
        yield f"  {certificate.issue_on} to {certificate.expires_on}, {_days(certificate.days)}"
    if found.advice is not None:
        yield _action_sentence(found.advice)


def _rest_sentence(question: Question, found: _Reckoned) -> str:
    return _REST_SENTENCES[found.order.rest.reason].format(
        left=_days(found.left), opens=found.window_opens_on, end=question.order_expires_on
    )


def _action_sentence(advice: ReissueAdvice) -> str:
    sentence = _ACTION_SENTENCES[advice.action].format(start=advice.reissue_from, by=advice.reissue_by)
    if advice.extra_reissues:
        more = advice.reissues + advice.extra_reissues
        return f"{sentence} Now the order would need {more} reissues to its end, then {advice.reissues}."
    if advice.reissues:
        sentence += f" Reissues needed to the order's end: {advice.reissues}."
    return sentence


def _days(count: int) -> str:
    return f"{count} day" if count == 1 else f"{count} days"


def _distance(left: int) -> str:
    if left == 0:
        return "that very day"
    return f"{_days(abs(left))} {'before' if left > 0 else 'after'} it"


def _order(order: RenewedOrder) -> dict[str, object]:
    return {
        "new_order_days": order.days,
        "new_order_expires_on": order.expires_on.isoformat(),
        "carried_over_days": order.rest.carried_over_days,
        "carried_over_reason": order.rest.reason.value,
        "given_away_days": order.rest.given_away_days,
        "certificates": [_certificate(certificate) for certificate in order.certificates],
    }


def _certificate(certificate: Certificate) -> dict[str, object]:
    return {
        "issue_on": certificate.issue_on.isoformat(),
        "expires_on": certificate.expires_on.isoformat(),
        "days": certificate.days,
    }


def _advice(advice: ReissueAdvice) -> dict[str, object]:
    return {
        "action": advice.action.value,
        "reissue_from": advice.reissue_from and advice.reissue_from.isoformat(),
        "reissue_by": advice.reissue_by and advice.reissue_by.isoformat(),
        "reissues": advice.reissues,
        "uncovered_days": advice.uncovered_days,
        "extra_reissues": advice.extra_reissues,
        "note": _action_sentence(advice),
    }
