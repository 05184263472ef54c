"""Tasks for reps and support: one open task per account and kind, raised by later steps, closed with its last order."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.engine import Connection

from core.delivery_numbers import last_numbers
from core.owners import roster
from core.policy import TaskPolicy
from core.reasons import Reason
from core.schema import ASKED, accounts, deliveries, task_orders, tasks
from core.sql import among, insert_new
from core.timing import Timer
from core.words import Channel, Clock, DeliveryKind, DeliveryState, TaskKind, TaskState, Urgency

OPEN = (TaskState.PLANNED, TaskState.OPEN)


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody of ours is to act on a cycle of an account. One that does not `raises` leaves an open task as it is."""

    account_id: int
    kind: TaskKind
    cycle_id: int
    clock: Clock
    urgency: Urgency
    due_on: date
    touchpoint: str
    send_after: datetime
    raises: bool = True


@dataclass(slots=True)
class _Plan:
    """A task in the making, or one that is open, with what is asked of it."""

    account_id: int
    kind: TaskKind
    group: list[Ask]
    task: Any = None
    waiting: Any = None
    task_key: str = ""
    delivery_key: str = ""
    task_id: int = 0
    delivery_id: int | None = None

    @property
    def urgency(self) -> Urgency:
        return Urgency.highest(self.group[0].urgency, *(one.urgency for one in self.group))

    @property
    def due_on(self) -> date:
        return min(one.due_on for one in self.group)

    @property
    def send_after(self) -> datetime:
        return min(one.send_after for one in self.group)

    @property
    def first(self) -> Ask:
        return max(self.group, key=lambda one: one.urgency.rank)

    @property
    def silent(self) -> bool:
        """Whether an open task takes the asks in without being raised."""
        return self.task is not None and not any(one.raises for one in self.group)


class Desk:
    """Puts asks into tasks and their deliveries, set-wise, within one transaction."""

    def __init__(self, connection: Connection, policy: TaskPolicy, timer: Timer) -> None:
        self._connection = connection
        self._policy = policy
        self._timer = timer
        self.created = 0

    def ask(self, asks: Sequence[Ask]) -> dict[Ask, int]:
        """The delivery that carries each ask: one that creates the account's task, or raises the open one.

        One that raises nothing has none where its task is open already and no delivery of it waits.
        """
        if not asks:
            return {}
        plans = self._group(asks)
        self._find_open(plans)
        self._create_tasks([plan for plan in plans if plan.task is None])
        insert_new(
            self._connection,
            task_orders,
            [{"task_id": plan.task_id, "cycle_id": one.cycle_id} for plan in plans for one in plan.group],
        )
        self._hasten([plan for plan in plans if plan.waiting is not None])
        self._create_deliveries([plan for plan in plans if plan.waiting is None and not plan.silent])
        return {one: plan.delivery_id for plan in plans if plan.delivery_id is not None for one in plan.group}

    def _group(self, asks: Sequence[Ask]) -> list[_Plan]:
        """By account and kind; where accounts may have several open tasks, by cycle too."""
        grouped: dict[tuple[int, TaskKind, int], list[Ask]] = defaultdict(list)
        for one in asks:
            grouped[one.account_id, one.kind, self._apart(one.kind, one.cycle_id)].append(one)
        return [_Plan(account_id, kind, group) for (account_id, kind, _), group in grouped.items()]

    def _apart(self, kind: TaskKind, cycle_id: int) -> int:
        """What keeps open tasks of a kind apart within an account; whom to write to is always asked once."""
        return 0 if self._policy.one_open_per_account or kind is TaskKind.CONTACT else cycle_id

    def _find_open(self, plans: Sequence[_Plan]) -> None:
        account_ids = {plan.account_id for plan in plans}
        query = (
            select(tasks, task_orders.c.cycle_id)
            .join(task_orders, task_orders.c.task_id == tasks.c.id)
            .where(among(tasks.c.account_id, account_ids), text(f"tasks.{ASKED}"))
            .order_by(tasks.c.id)
        )
        found = {
            (row.account_id, row.kind, self._apart(TaskKind(row.kind), row.cycle_id)): row
            for row in self._connection.execute(query).all()
        }
        # Locked, so that nobody claims what is about to take another step in.
        changing = (
            select(deliveries.c.task_id, deliveries.c.id, deliveries.c.urgency, deliveries.c.send_after)
            .where(
                among(deliveries.c.task_id, {row.id for row in found.values()}),
                deliveries.c.state == DeliveryState.PLANNED,
                deliveries.c.kind.in_((DeliveryKind.CALL_CREATE, DeliveryKind.CALL_RAISE)),
            )
            .order_by(deliveries.c.id)
            .with_for_update()
        )
        waiting = {row.task_id: row for row in self._connection.execute(changing).all()}
        for plan in plans:
            if plan.kind is TaskKind.ANSWER:
                continue  # each is another thing that was said
            plan.task = found.get((plan.account_id, plan.kind, self._apart(plan.kind, plan.group[0].cycle_id)))
            if plan.task is not None:
                plan.task_id, plan.task_key = plan.task.id, plan.task.task_key
                plan.waiting = waiting.get(plan.task_id)

    def _create_tasks(self, plans: Sequence[_Plan]) -> None:
        if not plans:
            return
        account_ids = {plan.account_id for plan in plans}
        owners = self._owners(account_ids)
        on_duty = roster(self._connection, self._policy, self._timer.day)
        generations = self._generations(account_ids)
        rows = []
        for plan in plans:
            counted = (plan.account_id, plan.kind)
            generation = generations[counted] = generations.get(counted, 0) + 1
            plan.task_key = f"{plan.kind}:account-{plan.account_id}:{generation}"
            rows.append(
                {
                    "task_key": plan.task_key,
                    "account_id": plan.account_id,
                    "kind": plan.kind,
                    "generation": generation,
                    "state": TaskState.PLANNED,
                    "owner_key": on_duty.does(plan.kind, owners.get(plan.account_id, "")),
                    "urgency": plan.urgency,
                    "due_on": plan.due_on,
                    "created_at": self._timer.opening,
                }
            )
        given = self._connection.execute(insert(tasks).returning(tasks.c.task_key, tasks.c.id), rows)
        ids = {key: id for key, id in given}
        for plan in plans:
            plan.task_id = ids[plan.task_key]

    def _owners(self, account_ids: Iterable[int]) -> dict[int, str]:
        query = select(accounts.c.id, accounts.c.owner_key).where(among(accounts.c.id, list(account_ids)))
        return {id: key for id, key in self._connection.execute(query).all()}

    def _generations(self, account_ids: Iterable[int]) -> dict[tuple[int, TaskKind], int]:
        query = (
            select(tasks.c.account_id, tasks.c.kind, func.max(tasks.c.generation))
            .where(among(tasks.c.account_id, list(account_ids)))
            .group_by(tasks.c.account_id, tasks.c.kind)
        )
        return {(account_id, TaskKind(kind)): last for account_id, kind, last in self._connection.execute(query).all()}

    def _hasten(self, plans: Sequence[_Plan]) -> None:
        """A delivery that still waits takes the asks in."""
        for plan in plans:
            plan.delivery_id = plan.waiting.id
            urgency = Urgency.highest(Urgency(plan.waiting.urgency), plan.urgency)
            soonest = min(plan.waiting.send_after, plan.send_after)
            if urgency != plan.waiting.urgency or soonest != plan.waiting.send_after:
                by_id = update(deliveries).where(deliveries.c.id == plan.delivery_id)
                self._connection.execute(by_id.values(urgency=urgency, send_after=soonest))
            if plan.task.state == TaskState.PLANNED:
                by_id = update(tasks).where(tasks.c.id == plan.task_id)
                due_on = min(plan.task.due_on, plan.due_on)
                self._connection.execute(by_id.values(urgency=urgency, due_on=due_on))

    def _create_deliveries(self, plans: Sequence[_Plan]) -> None:
        if not plans:
            return
        stems = [f"call:account-{plan.account_id}:{plan.first.clock}:{plan.due_on}" for plan in plans]
        numbers = last_numbers(self._connection, stems)
        rows = []
        for plan, stem in zip(plans, stems, strict=True):
            numbers[stem] += 1
            plan.delivery_key = f"{stem}:{numbers[stem]}"
            rows.append(
                {
                    "key": plan.delivery_key,
                    "kind": DeliveryKind.CALL_CREATE if plan.task is None else DeliveryKind.CALL_RAISE,
                    "channel": Channel.CALL,
                    "state": DeliveryState.PLANNED,
                    "clock": plan.first.clock,
                    "account_id": plan.account_id,
                    "task_id": plan.task_id,
                    "payload": {"task_key": plan.task_key},
                    "day": plan.due_on,
                    "send_after": plan.send_after,
                    "urgency": plan.urgency,
                    "touchpoint": plan.first.touchpoint,
                }
            )
        given = self._connection.execute(insert(deliveries).returning(deliveries.c.key, deliveries.c.id), rows)
        ids = {key: id for key, id in given}
        self.created += len(rows)
        for plan in plans:
            plan.delivery_id = ids[plan.delivery_key]


def settle_orders(connection: Connection, cycle_ids: Sequence[int], timer: Timer) -> None:
    """Settles these cycles in their tasks. A task whose last one that was is closed: in the CRM too if it is there."""
    if not cycle_ids:
        return
    mine = among(task_orders.c.cycle_id, cycle_ids)
    affected = set(connection.execute(select(task_orders.c.task_id).where(mine, ~task_orders.c.settled)).scalars())
    if not affected:
        return
    connection.execute(update(task_orders).where(mine).values(settled=True))
    unsettled = select(task_orders.c.task_id).where(among(task_orders.c.task_id, affected), ~task_orders.c.settled)
    finished = affected - set(connection.execute(unsettled).scalars())
    query = select(tasks).where(among(tasks.c.id, finished), tasks.c.state.in_(OPEN))
    close(connection, connection.execute(query).all(), Reason.NO_MEMBERS, timer)


def creation_under_way(connection: Connection, task_ids: Iterable[int]) -> set[int]:
    """Those of these tasks whose creation waits, is being handed over, or may have arrived."""
    states = (DeliveryState.PLANNED, DeliveryState.CLAIMED, DeliveryState.SENDING, DeliveryState.UNCERTAIN)
    query = select(deliveries.c.task_id).where(
        among(deliveries.c.task_id, list(task_ids)),
        deliveries.c.kind == DeliveryKind.CALL_CREATE,
        deliveries.c.state.in_(states),
    )
    return set(connection.execute(query).scalars())


def close(connection: Connection, closing: Sequence[Any], reason: Reason, timer: Timer) -> None:
    """Closes tasks (rows). Those that no CRM has seen yet are dropped with their deliveries, of the others the closing
    is queued."""
    if not closing:
        return
    ids = [task.id for task in closing]
    waiting = among(deliveries.c.task_id, ids) & (deliveries.c.state == DeliveryState.PLANNED)
    connection.execute(
        update(deliveries)
        .where(waiting, deliveries.c.kind.in_((DeliveryKind.CALL_CREATE, DeliveryKind.CALL_RAISE)))
        .values(state=DeliveryState.WITHDRAWN, reason=reason, settled_at=timer.opening)
    )
    planned = [task.id for task in closing if task.state == TaskState.PLANNED]
    never_made = set(planned) - creation_under_way(connection, planned)
    by_ids = update(tasks).values(reason=reason)
    if never_made:
        dropped = by_ids.where(tasks.c.id.in_(never_made))
        connection.execute(dropped.values(state=TaskState.CLOSED, closed_at=timer.opening))
    made = [task for task in closing if task.id not in never_made]
    if made:
        ended = by_ids.where(among(tasks.c.id, [task.id for task in made]))
        connection.execute(ended.values(state=TaskState.CLOSING, closed_at=None))
    rows = [
        {
            "key": f"close:{task.task_key}",
            "kind": DeliveryKind.CALL_CLOSE,
            "channel": "call",
            "state": DeliveryState.PLANNED,
            "account_id": task.account_id,
            "task_id": task.id,
            "day": timer.day,
            "send_after": timer.opening,
        }
        for task in made
    ]
    insert_new(connection, deliveries, rows)


def give_up(connection: Connection, task: Any, timer: Timer) -> None:
    """A task that no CRM has and that is about nothing any more is closed here."""
    connection.execute(
        update(tasks)
        .where(tasks.c.id == task.id, tasks.c.state.in_((TaskState.PLANNED, TaskState.CLOSING)))
        .values(state=TaskState.CLOSED, reason=Reason.NO_MEMBERS, closed_at=timer.opening)
    )
