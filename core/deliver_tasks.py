"""Tasks for reps and support, handed to the CRM: made once, raised by later steps, closed with the last order."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection

from core import call_notes, records
from core.answered import Answer
from core.answers import of_tasks
from core.call_notes import CallNote
from core.crm_ports import NotingCrm, TaskAssign
from core.dossiers import Contact, Dossier, Dossiers, load
from core.escalation import PRESSING
from core.holdings import holdings
from core.kinds import Sealed
from core.last_contacts import Reached, last_contacts
from core.letters import script, script_cases, script_with_offer
from core.members import Member, Ruling, judge_call, members_of, touches_done, write_ruling
from core.messages import Script
from core.offers import Case
from core.parts import Known
from core.policy import Policy
from core.ports import Crm, FillingCrm, Result, TaskClose, TaskDraft, TaskRaise
from core.promises import promise
from core.reasons import Reason
from core.schema import deliveries, reps, task_orders, tasks, touches
from core.sql import among
from core.tasks import Ask, Desk, creation_under_way, give_up
from core.timing import Timer
from core.wording import Writer
from core.words import Channel, Clock, DeliveryKind, DeliveryState, TaskKind, TaskState, Urgency

# Asked for where a mail cannot go or may be lost, and so without a touch of their own.
_OUTSIDE_CADENCE = (TaskKind.CONTACT, TaskKind.CHECK, TaskKind.ESCALATION)


class TaskKindBase:
    """What all kinds of delivery about tasks share."""

    def __init__(self, crm: Crm, policy: Policy) -> None:
        self._crm = crm
        self._policy = policy
        self.connector = crm.name
        filling: object = crm
        self.least_claim = filling.records_together if isinstance(filling, FillingCrm) else 0
        self.batch_size = max(crm.batch_size, self.least_claim)
        self.search_lag = crm.search_lag

    def key_of(self, item: TaskDraft | CallNote | TaskRaise | TaskClose | TaskAssign) -> str:
        return item.key

    def not_delivered(self, connection: Connection, row: Any, state: DeliveryState, timer: Timer) -> None:
        """A task that could not be made for good is given up, so that the next step makes a new one."""
        if state is DeliveryState.FAILED and row.kind == DeliveryKind.CALL_CREATE:
            connection.execute(
                update(tasks)
                .where(tasks.c.id == row.task_id, tasks.c.state == TaskState.PLANNED)
                .values(state=TaskState.CLOSED, reason="the CRM refused it", closed_at=timer.opening)
            )

    def _keys(self, connection: Connection, rows: Sequence[Any]) -> dict[int, Any]:
        ids = [row.task_id for row in rows]
        return {row.id: row for row in connection.execute(select(tasks).where(among(tasks.c.id, ids))).all()}


@dataclass(frozen=True, slots=True)
class _Told:
    """What is known for the scripts of a batch: holdings, last contacts by account, reps by key, answers by task."""

    known: Known
    reached: Mapping[int, Reached]
    reps: Mapping[str, Any]
    answers: Mapping[int, tuple[Answer, ...]]


@dataclass(frozen=True, slots=True)
class _Draft:
    """A task before it is worded."""

    facts: Script
    task: Any
    lines: Sequence[tuple[Dossier, Urgency]]
    contact: Contact | None
    first: Dossier
    cases: Sequence[Case]


class CreateKind(TaskKindBase):
    """Makes tasks. The CRM is asked by key before a call that may have arrived is repeated."""

    def __init__(self, crm: Crm, writer: Writer, links: Any, policy: Policy) -> None:
        super().__init__(crm, policy)
        self._writer = writer
        self._links = links

    def seal(self, connection: Connection, rows: Sequence[Any], timer: Timer) -> Sealed:
        """Re-checks every order of each task and words the script as of now."""
        known = self._keys(connection, rows)
        members = members_of(connection, [row.id for row in rows])
        wanted = _open_orders(connection, list(known))
        ids = {id for of_task in wanted.values() for id in of_task} | {member.cycle_id for member in members}
        dossiers = load(connection, ids, self._policy)
        ruling = Ruling()
        for member in members:
            judge_call(dossiers, member, self._policy, timer, ruling)
        write_ruling(connection, ruling, dossiers, timer)
        urgencies = {member.cycle_id: member.urgency for member in members}
        accounts = {one.order.account_id for one in dossiers.by_cycle.values()}
        told = _Told(
            Known(holdings(connection, _sold_to(known.values(), dossiers, timer), timer.day)),
            last_contacts(connection, accounts),
            self._reps(connection, known.values()),
            of_tasks(connection, [task.id for task in known.values() if task.kind == TaskKind.ANSWER]),
        )
        drafts: dict[int, _Draft] = {}
        withdrawn: dict[int, str] = {}
        notes = call_notes.why_notes(
            connection, {task.id: task for task in known.values()}, self._policy.tasks, timer.day
        )
        for row in rows:
            task = known[row.task_id]
            about = self._about(task, wanted[task.id], ruling.staying.get(row.id, ()), dossiers, timer)
            if task.state != TaskState.PLANNED or not about:
                withdrawn[row.id] = str(ruling.reasons.get(row.id, Reason.NO_MEMBERS))
                give_up(connection, task, timer)
                continue
            if task.id in notes and not isinstance(self._crm, NotingCrm):
                withdrawn[row.id] = notes[task.id]
                call_notes.write_down(connection, {row.id: task.id}, notes, timer)
                continue
            lines = [(one, urgencies.get(one.id, Urgency(task.urgency))) for one in about]
            drafts[row.id] = self._draft(row, task, lines, dossiers, told, timer)
        self._promise(connection, drafts)
        items = {id: self._word(draft, notes.get(draft.task.id)) for id, draft in drafts.items()}
        return Sealed(items, withdrawn)

    def _reps(self, connection: Connection, about: Iterable[Any]) -> Mapping[str, Any]:
        keys = {task.owner_key for task in about} - {""}
        query = select(reps).where(among(reps.c.rep_key, keys))
        return {row.rep_key: row for row in connection.execute(query).all()} if keys else {}

    def _about(
        self, task: Any, wanted: Sequence[int], staying: Sequence[Member], dossiers: Dossiers, timer: Timer
    ) -> list[Dossier]:
        """The cycles that the task is about: its steps that stay, and what was asked outside the cadence."""
        if TaskKind(task.kind) is TaskKind.ANSWER:
            return [dossiers.by_cycle[id] for id in wanted]
        stepwise = {member.cycle_id for member in staying}
        found = [dossiers.by_cycle[id] for id in wanted if id in stepwise]
        if TaskKind(task.kind) in _OUTSIDE_CADENCE:
            others = [dossiers.by_cycle[id] for id in wanted if id not in stepwise]
            # Whether a renewal that was placed gets on is what such a check is about.
            fine = (None, Reason.IN_PROGRESS) if task.kind == TaskKind.CHECK else (None,)
            found += [one for one in others if dossiers.why_not(one, Channel.MAIL, timer.day) in fine]
        return found

    def _draft(
        self,
        row: Any,
        task: Any,
        lines: Sequence[tuple[Dossier, Urgency]],
        dossiers: Dossiers,
        told: "_Told",
        timer: Timer,
    ) -> "_Draft":
        first = max(lines, key=lambda line: line[1].rank)[0]
        contact = _person_to_call(dossiers, first)
        moment = timer.moment(row.send_after)
        reached = told.reached.get(first.order.account_id)
        refused = contact is None or dossiers.why_not_sold_to(first, contact, timer.day, Channel.CALL) is not None
        facts = script(
            dossiers,
            TaskKind(task.kind),
            lines,
            task.due_on,
            moment,
            self._links.renewal(first.order.order_key, first.account.account_key),
            contact,
            rep=told.reps.get(task.owner_key),
            known=told.known,
            last_contact=reached.last if reached else None,
            mailed_on=reached.mailed_on if reached else None,
            may_sell=not refused,
        )
        facts = replace(facts, answers=told.answers.get(task.id, ()))
        return _Draft(facts, task, lines, contact, first, [] if refused else script_cases(facts, lines, moment))

    def _promise(self, connection: Connection, drafts: dict[int, "_Draft"]) -> None:
        """Puts offers into the scripts of sales calls: what a rep may promise counts as promised."""
        promised = promise(connection, self._policy.messages.offers, [one.cases for one in drafts.values()])
        for id, draft in drafts.items():
            if draft.cases:
                facts = script_with_offer(self._policy, draft.facts, draft.lines, promised)
                drafts[id] = replace(draft, facts=facts)

    def _word(self, draft: "_Draft", note: Reason | None) -> TaskDraft | CallNote:
        task, first, contact = draft.task, draft.first, draft.contact
        words = self._writer.task(draft.facts)
        keys = tuple(dict.fromkeys(one.order.order_key for one, _ in draft.lines))
        if note is not None:
            return CallNote.of(task, first.account, words, keys, draft.facts.written_at, note)
        return TaskDraft(
            key=task.task_key,
            kind=TaskKind(task.kind),
            account_key=first.account.account_key,
            account_name=first.account.name,
            owner_key=task.owner_key,
            subject=words.subject,
            body=words.body,
            due_on=task.due_on,
            urgency=Urgency(task.urgency),
            order_keys=keys,
            contact_name=contact.name if contact else "",
            contact_phone=contact.phone if contact else "",
            contact_email=contact.email if contact else "",
        )

    def hand_over(self, items: Sequence[TaskDraft | CallNote]) -> Sequence[Result]:
        drafts = [item for item in items if isinstance(item, TaskDraft)]
        notes = call_notes.hand_over(self._crm, [item.note for item in items if isinstance(item, CallNote)])
        return [*(self._crm.create_tasks(drafts) if drafts else ()), *notes]

    def delivered(
        self, connection: Connection, done: Sequence[tuple[Any, TaskDraft | CallNote | None, Result]], timer: Timer
    ) -> None:
        """The task is open; its touches are done and its renewals contacted. What became a note is over."""
        notes = {row.task_id: (row.id, item.why) for row, item, _ in done if isinstance(item, CallNote)}
        call_notes.write_down(
            connection,
            {id: task_id for task_id, (id, _) in notes.items()},
            {task_id: why for task_id, (_, why) in notes.items()},
            timer,
        )
        made = [(row, result) for row, _, result in done if row.task_id not in notes]
        if made:
            _open(connection, made, timer)
        connection.execute(
            update(deliveries).where(among(deliveries.c.id, [row.id for row, _ in made])).values(reason="")
        )
        records.queue(connection, touches_done(connection, [row.id for row, _ in made]), timer)

    def find(self, rows: Sequence[Any]) -> Mapping[str, str] | None:
        """The CRM is asked for the tasks by their keys, each of which its delivery keeps while it is under way."""
        keys = {row.key: row.payload["task_key"] for row in rows}
        found = self._crm.find_tasks(list(keys.values()))
        return {key: found[task_key] for key, task_key in keys.items() if task_key in found}


class RaiseKind(TaskKindBase):
    """Raises open tasks: priority, due date and our list of orders."""

    def seal(self, connection: Connection, rows: Sequence[Any], timer: Timer) -> Sealed:
        """Re-checks the steps; where the rep has closed the task meanwhile, they ask for a new one."""
        known = self._keys(connection, rows)
        members = members_of(connection, [row.id for row in rows])
        wanted = _open_orders(connection, list(known))
        ids = {id for of_task in wanted.values() for id in of_task} | {member.cycle_id for member in members}
        dossiers = load(connection, ids, self._policy)
        ruling = Ruling()
        for member in members:
            judge_call(dossiers, member, self._policy, timer, ruling)
        write_ruling(connection, ruling, dossiers, timer)
        in_making = creation_under_way(connection, list(known))
        items: dict[int, TaskRaise] = {}
        withdrawn: dict[int, str] = {}
        deferred: set[int] = set()
        for row in rows:
            task, staying = known[row.task_id], ruling.staying.get(row.id, [])
            if not staying:
                withdrawn[row.id] = str(ruling.reasons.get(row.id, Reason.NO_MEMBERS))
            elif task.id in in_making:
                deferred.add(row.id)
            elif task.state != TaskState.OPEN:
                if task.state == TaskState.PLANNED:
                    give_up(connection, task, timer)
                withdrawn[row.id] = Reason.TASK_CLOSED
                self._ask_anew(connection, task, staying, dossiers, timer)
            else:
                urgency = Urgency.highest(Urgency(task.urgency), *(member.urgency for member in staying))
                soonest = min(member.day for member in staying)
                due_on = min(task.due_on, soonest) if task.due_on >= timer.day else soonest
                keys = [dossiers.by_cycle[id].order.order_key for id in wanted[task.id]]
                items[row.id] = TaskRaise(
                    key=task.task_key,
                    outside_id=task.outside_id,
                    urgency=urgency,
                    due_on=due_on,
                    was_urgency=Urgency(task.urgency),
                    was_due_on=task.due_on,
                    order_keys=tuple(dict.fromkeys(keys)),
                )
        return Sealed(items, withdrawn, deferred)

    def _ask_anew(
        self, connection: Connection, task: Any, staying: Sequence[Member], dossiers: Dossiers, timer: Timer
    ) -> None:
        asks = {
            member.touch_id: Ask(
                task.account_id, TaskKind(task.kind), member.cycle_id, dossiers.by_cycle[member.cycle_id].clock,
                member.urgency, member.day, member.touchpoint, timer.opening,
            )
            for member in staying
        }  # fmt: skip
        carried = Desk(connection, self._policy.tasks, timer).ask(list(asks.values()))
        for touch_id, ask in asks.items():
            connection.execute(update(touches).where(touches.c.id == touch_id).values(delivery_id=carried[ask]))

    def hand_over(self, items: Sequence[TaskRaise]) -> Sequence[Result]:
        return self._crm.raise_tasks(items)

    def delivered(
        self, connection: Connection, done: Sequence[tuple[Any, TaskRaise | None, Result]], timer: Timer
    ) -> None:
        """What we last wrote is remembered, so that a rep's own edit is recognised next time."""
        for row, item, _ in done:
            if item is not None:
                mine = update(tasks).where(tasks.c.id == row.task_id)
                connection.execute(mine.values(urgency=item.urgency, due_on=item.due_on))
                if item.urgency in PRESSING:
                    connection.execute(mine.where(tasks.c.pressing_since.is_(None)).values(pressing_since=timer.day))
        records.queue(connection, touches_done(connection, [row.id for row, _, _ in done]), timer)

    def find(self, rows: Sequence[Any]) -> Mapping[str, str] | None:
        return {}


def _sold_to(about: Iterable[Any], dossiers: Dossiers, timer: Timer) -> set[int]:
    """The accounts to whom something may be sold on a call of this batch: only for them advice is worth looking up."""
    called = {task.account_id for task in about if task.kind == TaskKind.CALL}
    found: set[int] = set()
    for one in dossiers.by_cycle.values():
        account_id = one.order.account_id
        if one.clock is Clock.RENEWAL and account_id in called - found:
            contact = _person_to_call(dossiers, one)
            if contact is not None and dossiers.why_not_sold_to(one, contact, timer.day, Channel.CALL) is None:
                found.add(account_id)
    return found


def _open(connection: Connection, made: Sequence[tuple[Any, Result]], timer: Timer) -> None:
    """Tasks have come into being; those of which a rep has said what came of them already stay closed."""
    rows: list[dict[str, Any]] = [
        {
            "which": row.task_id,
            "outside": result.outside_id,
            "pressing": timer.day if Urgency(row.urgency) in PRESSING else None,
        }
        for row, result in made
    ]
    mine = update(tasks).where(tasks.c.id == bindparam("which"))
    connection.execute(mine.values(outside_id=bindparam("outside"), opened_on=timer.day), rows)
    still = mine.where(tasks.c.state == TaskState.PLANNED)
    connection.execute(still.values(state=TaskState.OPEN, pressing_since=bindparam("pressing")), rows)


def _open_orders(connection: Connection, task_ids: Sequence[int]) -> dict[int, list[int]]:
    """The cycles that each task still is about."""
    query = (
        select(task_orders.c.task_id, task_orders.c.cycle_id)
        .where(among(task_orders.c.task_id, task_ids), ~task_orders.c.settled)
        .order_by(task_orders.c.cycle_id)
    )
    found: dict[int, list[int]] = defaultdict(list)
    for task_id, cycle_id in connection.execute(query).all():
        found[task_id].append(cycle_id)
    return found


def _person_to_call(dossiers: Dossiers, dossier: Dossier) -> Contact | None:
    """The person whom a mail would go to; a person with a phone number before one without."""
    choice = dossiers.recipient(dossier, Urgency.EXPIRED)
    people = [dossiers.people[one.contact_id] for one in dossier.candidates]
    chosen = dossiers.people[choice.candidate.contact_id] if choice.candidate else None
    if chosen is not None and chosen.phone:
        return chosen
    return next((person for person in people if person.phone), chosen or next(iter(people), None))
