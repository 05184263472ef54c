"""What must hold of a portfolio on the morning of going live and after a year, asked of the ledger itself.

Each answers with sentences about what is broken; none where everything holds.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.engine import Connection

from core.explain import explain
from core.policy import Policy
from core.reasons import Reason, sentence
from core.schema import contacts, cycles, deliveries, delivery_orders, orders, task_orders, tasks, touches
from core.sql import days_between
from core.words import Clock, DeliveryKind, DeliveryState, Outcome, TaskKind, TouchState, Urgency

_GONE = (DeliveryState.SENDING, DeliveryState.DELIVERED, DeliveryState.UNCERTAIN)
_SENT = (deliveries.c.kind == DeliveryKind.MAIL) & deliveries.c.state.in_(_GONE)
_URGENT = tuple(urgency for urgency in Urgency if urgency.passes_limits)
_EXPLAINED = 50
_NOT_SENT = (Outcome.SKIPPED, Outcome.MISSED, Outcome.MERGED, Outcome.WITHDRAWN)
_ENDINGS = {Reason.RENEWED, Reason.REPLACED, Reason.LAPSED, Reason.LOST, Reason.CANCELLED, Reason.REVOKED}


def morning(connection: Connection, first: date, policy: Policy) -> Iterator[str]:
    """On the first day nobody gets more than one mail, no rep more new tasks than the cap, and what ended before is
    left alone."""
    query = select(func.lower(contacts.c.email), func.count()).join(contacts, contacts.c.id == deliveries.c.contact_id)
    for _, count in connection.execute(query.where(_SENT).group_by(func.lower(contacts.c.email))):
        if count > 1:
            yield f"a person got {count} mails on the first day"
    yield from _too_many_tasks(connection, policy, tasks.c.opened_on <= first)
    yield from ended_before(connection, first)


def ended_before(connection: Connection, first: date) -> Iterator[str]:
    """What had ended before the first day is told to nobody."""
    old = select(cycles.c.id).where(cycles.c.ends_on < first)
    told = select(touches.c.cycle_id).where(touches.c.state == TouchState.DONE, touches.c.cycle_id.in_(old))
    listed = select(delivery_orders.c.cycle_id).where(delivery_orders.c.cycle_id.in_(old))
    asked = select(task_orders.c.cycle_id).where(task_orders.c.cycle_id.in_(old))
    for query in (told, listed, asked):
        yield from (f"cycle {id} had ended before the first day, and was told of" for id in connection.scalars(query))


def _too_many_tasks(connection: Connection, policy: Policy, when: ColumnElement[bool]) -> Iterator[str]:
    counted = select(tasks.c.owner_key, tasks.c.opened_on, func.count()).where(when, tasks.c.opened_on.is_not(None))
    of_reps = counted.where(tasks.c.kind != TaskKind.SUPPORT, tasks.c.owner_key != "")
    for owner, day, count in connection.execute(of_reps.group_by(tasks.c.owner_key, tasks.c.opened_on)):
        if policy.tasks.per_day and count > policy.tasks.per_day:
            yield f"{owner} got {count} new tasks on {day}"


def caps(connection: Connection, policy: Policy) -> Iterator[str]:
    """Nobody gets more mails in a day or in seven days than the caps allow, critical and expired ones set aside; no rep
    more new tasks in a day."""
    query = (
        select(func.lower(contacts.c.email), deliveries.c.day)
        .join(contacts, contacts.c.id == deliveries.c.contact_id)
        .where(_SENT, deliveries.c.urgency.not_in(_URGENT))
        .order_by(func.lower(contacts.c.email), deliveries.c.day)
    )
    of_person: defaultdict[str, list[date]] = defaultdict(list)
    for address, day in connection.execute(query):
        of_person[address].append(day)
    for days in of_person.values():
        for day, count in Counter(days).items():
            if 0 < policy.caps.mails_per_contact_day < count:
                yield f"a person got {count} mails on {day}"
        most = policy.caps.mails_per_contact_week
        for earlier, later in zip(days, days[most:], strict=False):
            if most and later - earlier < timedelta(days=7):
                yield f"a person got {most + 1} mails from {earlier} to {later}"
    yield from _too_many_tasks(connection, policy, tasks.c.opened_on.is_not(None))


def decided(connection: Connection, first: date, last: date) -> Iterator[str]:
    """Every renewal that ended in the span has an outcome with its reason, and no touch of it is left undecided."""
    query = (
        select(orders.c.order_key, cycles.c.id, cycles.c.outcome, cycles.c.reason, cycles.c.open, cycles.c.ends_on)
        .join(orders, orders.c.id == cycles.c.order_id)
        .where(cycles.c.clock == Clock.RENEWAL, cycles.c.ends_on.between(first, last))
    )
    for row in connection.execute(query):
        if row.open or row.outcome not in _ENDINGS:
            state = "still open" if row.open else f"closed as {row.outcome!r}"
            yield f"{row.order_key}, which ended on {row.ends_on}, is {state}"
    # Thanks for a renewal may wait for tomorrow when it is over.
    left = (touches.c.state == TouchState.PLANNED) & ~cycles.c.open & (deliveries.c.occasion == "")
    unexplained = touches.c.state.not_in((TouchState.DONE, TouchState.PLANNED)) & (touches.c.reason == "")
    bad = select(touches.c.id, touches.c.touchpoint, touches.c.state).join(cycles, cycles.c.id == touches.c.cycle_id)
    bad = bad.join(deliveries, deliveries.c.id == touches.c.delivery_id, isouter=True)
    for touch in connection.execute(bad.where(or_(left, unexplained))):
        yield f"touch {touch.id} ({touch.touchpoint}) is {touch.state}, without a reason"


def stopped(connection: Connection) -> Iterator[str]:
    """Nobody is written to about what is over, and no account has two open calls."""
    query = (
        select(deliveries.c.key, deliveries.c.day, cycles.c.closed_on)
        .join(touches, touches.c.delivery_id == deliveries.c.id)
        .join(cycles, cycles.c.id == touches.c.cycle_id)
        .where(_SENT, deliveries.c.occasion == "", touches.c.state == TouchState.DONE, ~cycles.c.open)
        # The day of a mail is its reader's, which may begin before ours has ended.
        .where(days_between(connection, deliveries.c.day, cycles.c.closed_on) > 1)
    )
    for row in connection.execute(query):
        yield f"{row.key} went on {row.day} about what was over on {row.closed_on}"
    calls = (tasks.c.kind == TaskKind.CALL) & tasks.c.closed_at.is_(None)
    counted = select(tasks.c.account_id, func.count()).where(calls).group_by(tasks.c.account_id)
    for account_id, count in connection.execute(counted):
        if count > 1:
            yield f"account {account_id} has {count} open calls"


def explained(connection: Connection, policy: Policy, today: date) -> Iterator[str]:
    """Of one order in many, each touchpoint is explained: it went, or a sentence says why not."""
    keys = connection.scalars(select(orders.c.order_key).order_by(orders.c.id)).all()
    for key in keys[:: max(1, len(keys) // _EXPLAINED)]:
        for told in explain(connection, key, policy, today):
            silent = told.outcome in _NOT_SENT and not sentence(told.reason)
            if silent:
                yield f"{key}: {told.touchpoint} by {told.channel} is {told.outcome} without a reason"
