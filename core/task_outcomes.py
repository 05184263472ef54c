"""What follows from what a rep says of a task.

| outcome | what follows |
|---|---|
| renewed | its orders are provisionally renewed |
| installed | its install clocks are closed |
| no_answer | it is asked for again some days later, so many times |
| will_renew | its renewals are committed until the day |
| wrong_person | a task to find a contact |
| lost | its renewals are lost, with reason, scope and the day to ask again |
| do_not_call | the account is called no more |

Each follows once. Where a rep corrects what they said, what followed from it is taken back first: a renewal that was
believed runs again with the next settle.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from core import engagements, follow_ups, wishes
from core.confirmations import Confirmation, note, retract
from core.cycles import run_again
from core.follow_ups import FollowUp
from core.policy import Policy
from core.ports import CrmChange
from core.reasons import Reason
from core.schema import accounts, confirmations, cycles, orders, task_orders, tasks
from core.tasks import OPEN, Ask, Desk, close
from core.timing import Timer
from core.words import Certainty, Clock, ConfirmationState, Stage, TaskKind, TaskOutcome, TaskState, Urgency


def take(connection: Connection, crm: str, change: CrmChange, policy: Policy, timer: Timer) -> None:
    """Closes the task that a rep has done, and draws what follows from its outcome."""
    query = select(tasks, accounts.c.account_key, accounts.c.country, accounts.c.zone)
    query = query.join(accounts, accounts.c.id == tasks.c.account_id)
    row = connection.execute(query.where(tasks.c.task_key == change.task_key)).one_or_none()
    if row is None:
        return
    mine = update(tasks).where(tasks.c.id == row.id)
    open_now = tasks.c.state.in_(OPEN)
    connection.execute(
        mine.where(open_now).values(state=TaskState.CLOSED, closed_at=timer.opening, reason="done by the rep")
    )
    if row.outcome == change.value:
        return
    connection.execute(mine.values(outcome=change.value))
    _take_back(connection, crm, row, timer)
    about = _orders_of(connection, row.id)
    if row.kind == TaskKind.CALL:
        _end_escalation(connection, row.account_id, timer)
    if change.value in engagements.TALKED:
        engagements.talked(connection, row.account_id, timer.day)
    match change.value:
        case TaskOutcome.DO_NOT_CALL:
            connection.execute(update(accounts).where(accounts.c.id == row.account_id).values(do_not_call=True))
        case TaskOutcome.RENEWED:
            note(connection, [_confirmed(crm, one, change, timer) for one in about], timer.opening)
        case TaskOutcome.INSTALLED:
            installed = [_confirmed(crm, one, change, timer) for one in about if one.clock == Clock.INSTALL]
            note(connection, installed, timer.opening)
        case TaskOutcome.WILL_RENEW:
            keys = [one.order_key for one in about if one.clock == Clock.RENEWAL]
            wishes.commit(connection, keys, change.facts.get("until", ""), timer)
        case TaskOutcome.LOST:
            for one in about:
                if one.clock == Clock.RENEWAL:
                    wishes.apply(connection, crm, replace(change, what="lost", order_key=one.order_key), timer)
        case TaskOutcome.WRONG_PERSON:
            Desk(connection, policy.tasks, timer).ask([_find_contact(row, one, timer) for one in about])
        case TaskOutcome.NO_ANSWER:
            if row.kind == TaskKind.CALL:
                _call_again(connection, row, about, policy, timer)


def _take_back(connection: Connection, crm: str, task: Any, timer: Timer) -> None:
    """Undoes what followed from what was said of a task (row) before."""
    mine = cycles.c.id.in_(select(task_orders.c.cycle_id).where(task_orders.c.task_id == task.id))
    match task.outcome:
        case TaskOutcome.NO_ANSWER:
            follow_ups.forget(connection, connection.execute(select(cycles.c.id).where(mine)).scalars().all(), timer)
        case TaskOutcome.RENEWED | TaskOutcome.INSTALLED:
            told = (confirmations.c.source == crm) & confirmations.c.source_key.startswith(f"{task.task_key}:")
            query = select(confirmations.c.source_key).where(told, confirmations.c.state != ConfirmationState.RETRACTED)
            retract(connection, crm, connection.execute(query).scalars().all())
        case TaskOutcome.WILL_RENEW:
            promised = update(cycles).where(mine, cycles.c.open, cycles.c.stage == Stage.COMMITTED)
            connection.execute(promised.values(stage=Stage.CONTACTED, committed_until=None))
        case TaskOutcome.LOST:
            lost = (cycles.c.closing == Reason.LOST) | (cycles.c.outcome == Reason.LOST)
            run_again(connection, connection.execute(select(cycles.c.id).where(mine, lost)).scalars().all())


def _orders_of(connection: Connection, task_id: int) -> Sequence[Any]:
    """The open cycles that the task is, or was, about."""
    query = (
        select(cycles.c.id, cycles.c.clock, cycles.c.number, orders.c.order_key)
        .join(orders, orders.c.id == cycles.c.order_id)
        .join(task_orders, task_orders.c.cycle_id == cycles.c.id)
        .where(task_orders.c.task_id == task_id, cycles.c.open, cycles.c.closing == "")
        .order_by(cycles.c.id)
    )
    return connection.execute(query).all()


def _confirmed(crm: str, one: Any, change: CrmChange, timer: Timer) -> Confirmation:
    return Confirmation(
        source=crm,
        source_key=f"{change.task_key}:{one.order_key}:{one.clock}:{one.number}",
        order_key=one.order_key,
        renewed_on=timer.day,
        certainty=Certainty.PROVISIONAL,
        evidence=f"the rep closed the task with the outcome {change.value}",
        clock=Clock(one.clock),
    )


def _find_contact(task: Any, one: Any, timer: Timer) -> Ask:
    return Ask(
        task.account_id, TaskKind.CONTACT, one.id, Clock(one.clock), Urgency(task.urgency), timer.day, follow_ups.AGAIN,
        timer.opening, raises=False,
    )  # fmt: skip


def _call_again(connection: Connection, task: Any, about: Sequence[Any], policy: Policy, timer: Timer) -> None:
    tried = _unanswered(connection, [one.id for one in about])
    rules = policy.tasks
    day = timer.day + timedelta(days=rules.no_answer_days)
    urgency = Urgency(task.urgency)
    wanted = [
        FollowUp(one.id, Clock(one.clock), task.account_id, task.country, task.zone, urgency, day)
        for one in about
        if tried.get(one.id, 0) <= rules.no_answer_times
    ]
    follow_ups.ask(connection, wanted, follow_ups.AGAIN, policy, timer)


def _unanswered(connection: Connection, cycle_ids: Sequence[int]) -> dict[int, int]:
    """How many calls about each cycle have had no answer since somebody last said anything else."""
    said = (tasks.c.kind == TaskKind.CALL) & (tasks.c.outcome != "") & task_orders.c.cycle_id.in_(cycle_ids)
    query = (
        select(task_orders.c.cycle_id, tasks.c.outcome)
        .join(tasks, tasks.c.id == task_orders.c.task_id)
        .where(said)
        .order_by(tasks.c.generation)
    )
    found: dict[int, int] = {}
    for cycle_id, outcome in connection.execute(query):
        found[cycle_id] = found.get(cycle_id, 0) + 1 if outcome == TaskOutcome.NO_ANSWER else 0
    return found


def _end_escalation(connection: Connection, account_id: int, timer: Timer) -> None:
    """The manager need not see to a call that was made."""
    query = select(tasks).where(
        tasks.c.account_id == account_id, tasks.c.kind == TaskKind.ESCALATION, tasks.c.state.in_(OPEN)
    )
    for task in connection.execute(query).all():
        close(connection, task, Reason.CALL_ANSWERED, timer)
