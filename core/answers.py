"""Takes in what customers answer: the rep gets a task with their words, and our own messages rest meanwhile.

An answer is not proof: whoever has a link may use it. So it closes nothing by itself. That somebody renews is believed as
a promise is; that a certificate is installed until something else shows; that nobody wants to renew is the rep's to settle.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, Index, Table, Text, insert, select, update
from sqlalchemy.engine import Connection

from core import wishes
from core.answered import Answer, AnswerKind
from core.columns import UtcTime, id_column, metadata, reference, word
from core.confirmations import Confirmation, note
from core.policy import Policy
from core.ports import CrmChange
from core.schema import accounts, cycles, deliveries, orders, tasks
from core.tasks import Ask, Desk
from core.timing import Timer
from core.words import Certainty, Clock, Stage, TaskKind, Urgency

REST_DAYS = 3
"""So long our messages rest after an answer: a rep has seen to it by then."""

_TOUCHPOINT = "answer"
_MOST_SHOWN = 10

answers = Table(
    "answers",
    metadata,
    id_column(),
    reference("account_id", "accounts.id"),
    reference("order_id", "orders.id", nullable=True),
    reference("task_id", "tasks.id", nullable=True),
    Column("kind", Text, nullable=False),
    word("words"),
    word("name"),
    word("address"),
    Column("at", UtcTime, nullable=False),
    Index("ix_answers_account_id", "account_id"),
    Index("ix_answers_task_id", "task_id"),
)


def about_order(
    connection: Connection, order_key: str, answer: Answer, source_key: str, policy: Policy, timer: Timer
) -> str:
    """Takes in an answer about one order, and says what follows. `source_key` tells this answer from all others."""
    order = connection.execute(
        select(orders.c.id, orders.c.account_id).where(orders.c.order_key == order_key)
    ).one_or_none()
    if order is None:
        return f"{order_key}: no such order is known"
    said = f"{order_key}: {answer.kind}"
    if answer.kind is AnswerKind.INSTALLED:
        _keep(connection, order.account_id, order.id, None, answer)
        note(connection, [_installed(order_key, answer, source_key)], timer.opening)
        return said
    running = _open(connection, cycles.c.order_id == order.id)
    task_id = _ask(connection, running, policy, timer)
    _keep(connection, order.account_id, order.id, task_id, answer)
    _rest(connection, running, timer)
    if answer.kind is AnswerKind.RENEW:
        change = CrmChange(f"answer:{source_key}", "stage", order_key=order_key, value=Stage.COMMITTED)
        wishes.apply(connection, _TOUCHPOINT, change, timer)
    return f"{said}; {'a rep is asked' if task_id else 'nothing of it is open'}"


def about_account(connection: Connection, account_id: int, answer: Answer, policy: Policy, timer: Timer) -> str:
    """Takes in an answer of a customer that names no order, such as a mail."""
    running = _open(connection, orders.c.account_id == account_id)
    task_id = _ask(connection, running, policy, timer)
    _keep(connection, account_id, None, task_id, answer)
    _rest(connection, running, timer)
    key = connection.execute(select(accounts.c.account_key).where(accounts.c.id == account_id)).scalar_one()
    return f"{key}: {answer.kind}; {'a rep is asked' if task_id else 'nothing of theirs is open'}"


def of_tasks(connection: Connection, task_ids: Sequence[int]) -> dict[int, tuple[Answer, ...]]:
    """The answers for which these tasks were made, read at once."""
    found: dict[int, tuple[Answer, ...]] = {}
    if not task_ids:
        return found
    for row in connection.execute(select(answers).where(answers.c.task_id.in_(task_ids)).order_by(answers.c.id)):
        answer = Answer(AnswerKind(row.kind), row.at, row.words, row.name, row.address)
        found[row.task_id] = (*found.get(row.task_id, ()), answer)
    return found


def _installed(order_key: str, answer: Answer, source_key: str) -> Confirmation:
    return Confirmation(
        source="answer",
        source_key=source_key,
        order_key=order_key,
        renewed_on=answer.at.date(),
        certainty=Certainty.PROVISIONAL,
        evidence="the customer says that it is installed",
        clock=Clock.INSTALL,
    )


def _open(connection: Connection, which: Any) -> Sequence[Any]:
    """The running cycles that it is about, the one that ends first at the head."""
    query = (
        select(cycles.c.id, cycles.c.clock, cycles.c.ends_on, orders.c.account_id)
        .join(orders, orders.c.id == cycles.c.order_id)
        .where(which, cycles.c.open, cycles.c.closing == "")
    )
    return connection.execute(query.order_by(cycles.c.ends_on, cycles.c.id)).all()


def _ask(connection: Connection, running: Sequence[Any], policy: Policy, timer: Timer) -> int | None:
    asks = [
        Ask(
            row.account_id, TaskKind.ANSWER, row.id, Clock(row.clock), Urgency.WARNING, timer.day, _TOUCHPOINT,
            timer.opening,
        )
        for row in running[:_MOST_SHOWN]
    ]  # fmt: skip
    carried = Desk(connection, policy.tasks, timer).ask(asks)
    if not carried:
        return None
    made = select(tasks.c.id).join(deliveries, deliveries.c.task_id == tasks.c.id)
    task_id: int = connection.execute(made.where(deliveries.c.id == carried[asks[0]])).scalar_one()
    return task_id


def _keep(connection: Connection, account_id: int, order_id: int | None, task_id: int | None, answer: Answer) -> None:
    row = {
        "account_id": account_id, "order_id": order_id, "task_id": task_id, "kind": answer.kind, "at": answer.at,
        "words": answer.words, "name": answer.name, "address": answer.address,
    }  # fmt: skip
    connection.execute(insert(answers), [row])


def _rest(connection: Connection, running: Sequence[Any], timer: Timer) -> None:
    until = timer.day + timedelta(days=REST_DAYS)
    mine = cycles.c.id.in_([row.id for row in running])
    connection.execute(update(cycles).where(mine).values(answered_until=until))
