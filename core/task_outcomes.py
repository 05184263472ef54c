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

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.engine import Connection

from core import engagements, follow_ups, wishes
from core.batches import batched
from core.confirmations import Confirmation, note, retract
from core.cycles import run_again
from core.follow_ups import FollowUp
from core.policy import Policy
from core.ports import CrmChange
from core.reasons import Reason
from core.schema import ASKED, accounts, confirmations, cycles, orders, task_orders, tasks
from core.sql import among
from core.tasks import OPEN, Ask, Desk, close
from core.timing import Timer
from core.words import Certainty, Clock, ConfirmationState, Stage, TaskKind, TaskOutcome, TaskState, Urgency


def take(connection: Connection, crm: str, changes: Sequence[CrmChange], policy: Policy, timer: Timer) -> None:
    """Closes the tasks that reps have done, and draws what follows from their outcomes. Names each task once."""
    query = select(tasks, accounts.c.account_key, accounts.c.country, accounts.c.zone)
    query = query.join(accounts, accounts.c.id == tasks.c.account_id)
    known = {
        row.task_key: row
        for batch in batched([change.task_key for change in changes], _BATCH)
        for row in connection.execute(query.where(among(tasks.c.task_key, batch))).all()
    }
    done = [(known[change.task_key], change) for change in changes if change.task_key in known]
    if not done:
        return
    shut = update(tasks).values(state=TaskState.CLOSED, closed_at=timer.opening, reason="done by the rep")
    for ids in batched([row.id for row, _ in done], _BATCH):
        connection.execute(shut.where(among(tasks.c.id, ids), tasks.c.state.in_(OPEN)))
    said = [(row, change) for row, change in done if row.outcome != change.value]
    if not said:
        return
    connection.execute(
        update(tasks).where(tasks.c.id == bindparam("which")).values(outcome=bindparam("said")),
        [{"which": row.id, "said": change.value} for row, change in said],
    )
    for row, _ in said:
        _take_back(connection, crm, row, timer)
    _end_escalations(connection, {row.account_id for row, _ in said if row.kind == TaskKind.CALL}, timer)
    talked = [row.account_id for row, change in said if change.value in engagements.TALKED]
    engagements.talked(connection, talked, timer.day)
    about = _orders_of(connection, [row.id for row, change in said if change.value in _ABOUT_ORDERS])
    unanswered: list[tuple[Any, Sequence[Any]]] = []
    for row, change in said:
        if change.value == TaskOutcome.NO_ANSWER and row.kind == TaskKind.CALL:
            unanswered.append((row, about[row.id]))
        else:
            _follow(connection, crm, row, change, about[row.id], policy, timer)
    _call_again(connection, unanswered, policy, timer)


_BATCH = 500
_ABOUT_ORDERS = frozenset(TaskOutcome) - {TaskOutcome.DONE, TaskOutcome.REACHED, TaskOutcome.DO_NOT_CALL}


def _follow(
    connection: Connection, crm: str, row: Any, change: CrmChange, about: Sequence[Any], policy: Policy, timer: Timer
) -> None:
    """What follows from the outcome of a task (row) for the orders that it is about."""
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


def _orders_of(connection: Connection, task_ids: Sequence[int]) -> dict[int, list[Any]]:
    """The open cycles that each task is, or was, about."""
    query = (
        select(cycles.c.id, cycles.c.clock, cycles.c.number, orders.c.order_key, task_orders.c.task_id)
        .join(orders, orders.c.id == cycles.c.order_id)
        .join(task_orders, task_orders.c.cycle_id == cycles.c.id)
        .where(cycles.c.open, cycles.c.closing == "")
        .order_by(cycles.c.id)
    )
    found: dict[int, list[Any]] = defaultdict(list)
    for batch in batched(task_ids, _BATCH):
        for row in connection.execute(query.where(among(task_orders.c.task_id, batch))).all():
            found[row.task_id].append(row)
    return found


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


def _call_again(
    connection: Connection, unanswered: Sequence[tuple[Any, Sequence[Any]]], policy: Policy, timer: Timer
) -> None:
    """Wants calls again that nobody has answered (tasks, and what each is about), unless that was so too often."""
    tried = _unanswered(connection, [one.id for _, about in unanswered for one in about])
    rules = policy.tasks
    day = timer.day + timedelta(days=rules.no_answer_days)
    wanted = [
        FollowUp(one.id, Clock(one.clock), task.account_id, task.country, task.zone, Urgency(task.urgency), day)
        for task, about in unanswered
        for one in about
        if tried.get(one.id, 0) <= rules.no_answer_times
    ]
    follow_ups.ask(connection, wanted, follow_ups.AGAIN, policy, timer)


def _unanswered(connection: Connection, cycle_ids: Sequence[int]) -> dict[int, int]:
    """How many calls about each cycle have had no answer since somebody last said anything else."""
    query = (
        select(task_orders.c.cycle_id, tasks.c.outcome)
        .join(tasks, tasks.c.id == task_orders.c.task_id)
        .where(tasks.c.kind == TaskKind.CALL, tasks.c.outcome != "")
        .order_by(tasks.c.generation)
    )
    found: dict[int, int] = {}
    for batch in batched(cycle_ids, _BATCH):
        for cycle_id, outcome in connection.execute(query.where(among(task_orders.c.cycle_id, batch))).all():
            found[cycle_id] = found.get(cycle_id, 0) + 1 if outcome == TaskOutcome.NO_ANSWER else 0
    return found


def _end_escalations(connection: Connection, account_ids: Collection[int], timer: Timer) -> None:
    """The manager need not see to a call that was made."""
    query = select(tasks).where(tasks.c.kind == TaskKind.ESCALATION, text(f"tasks.{ASKED}"))
    for batch in batched(sorted(account_ids), _BATCH):
        late = connection.execute(query.where(among(tasks.c.account_id, batch))).all()
        close(connection, late, Reason.CALL_ANSWERED, timer)
