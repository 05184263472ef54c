"""Step 3, plan: what is due is decided, written down as touches and grouped into deliveries.

(1) read the cycles whose clock has a step due, an index range; (2) load their dossiers set-wise; (3) ask the cadence what
is due, eligibility who must not be contacted, and the order of roles who is written to; (4) put mails into mailboxes and
calls onto the desk; (5) write touches and deliveries. One transaction per batch. Planning twice adds nothing.
Planning looks one day ahead, because offices in the east open before the day has begun in UTC.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import Connection

from core.batches import batched
from core.cadence import Decision, Scheduled, Step, decide, schedule
from core.consequences import withdraw_empty
from core.dossiers import Dossier, Dossiers, load, table_of
from core.locks import holding, never
from core.mailboxes import Mailboxes, Wish
from core.model import end_instant
from core.policy import Policy
from core.reasons import Reason
from core.schema import cycles, deliveries, meta, touches
from core.sql import among, upsert
from core.store import Store
from core.tasks import Ask, Desk
from core.timing import Timer
from core.words import Channel, DeliveryState, Nature, TaskKind, TouchState, Urgency

LOOK_AHEAD = timedelta(days=1)
Progress = Callable[[int, int | None], None]


@dataclass(slots=True)
class PlanCounts:
    """What planning added: touches that will go, deliveries for them, and what will not go and why."""

    touches: int = 0
    deliveries: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    missed: int = 0
    merged: int = 0


@dataclass(slots=True)
class _Batch:
    """One batch of cycles while it is planned."""

    connection: Connection
    dossiers: Dossiers
    timer: Timer
    counts: PlanCounts
    older: dict[tuple[int, Channel], list[Any]]
    rows: list[dict[str, Any]] = field(default_factory=list)
    wishes: list[Wish] = field(default_factory=list)
    calls: list[tuple[Wish, Ask]] = field(default_factory=list)
    asks: list[Ask] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Going:
    """A step that goes: on which day, to whom, with which delivery."""

    wish: Wish
    day: date
    contact_id: int | None
    delivery_id: int

    @property
    def key(self) -> tuple[int, Channel]:
        return self.wish.dossier.id, self.wish.entry.step.channel


def plan(
    store: Store,
    timer: Timer,
    policy: Policy,
    *,
    progress: Progress | None = None,
    stop: Callable[[], bool] = never,
) -> PlanCounts:
    """Plans the day and the next, and gives what was added. Raises `StoppedError` between two batches where `stop` asks."""
    counts = PlanCounts()
    with holding(store, "plan", timer.day, policy.lock_wait_seconds, stop) as lock:
        with store.begin() as connection:
            lock.renew(connection)
            _plan_all_after_change(connection, policy, timer)
        with store.read() as connection:
            due = connection.execute(
                select(cycles.c.id).where(
                    cycles.c.open, cycles.c.closing == "", cycles.c.next_on <= timer.day + LOOK_AHEAD
                )
            )
            # Sorted here: asked for the order of ids, SQLite would read the whole table and not the range of days.
            ids = sorted(due.scalars())
        done = 0
        for batch in batched(ids, policy.plan_batch):
            with store.begin() as connection:
                lock.renew(connection)
                _plan_batch(connection, batch, timer, policy, counts)
            done += len(batch)
            if progress is not None:
                progress(done, len(ids))
        with store.begin() as connection:
            lock.done(connection, timer.day)
    return counts


def _plan_all_after_change(connection: Connection, policy: Policy, timer: Timer) -> None:
    """After a change of cadence or calendar every open cycle is looked at once more; what was decided stands."""
    digest = f"{policy.cadences.digest}:{policy.calendar.settings.digest}"
    known = connection.execute(select(meta.c.value).where(meta.c.key == "cadence")).scalar()
    if known == digest:
        return
    if known is not None:
        connection.execute(update(cycles).where(cycles.c.open).values(next_on=timer.day))
    upsert(connection, meta, ["key"], [{"key": "cadence", "value": digest}])


def _plan_batch(connection: Connection, ids: Sequence[int], timer: Timer, policy: Policy, counts: PlanCounts) -> None:
    dossiers = load(connection, ids, policy)
    handled, older = _touches_of(connection, ids)
    batch = _Batch(connection, dossiers, timer, counts, older)
    following: list[dict[str, Any]] = []
    for dossier in dossiers.by_cycle.values():
        next_on = _decide(batch, dossier, handled.get(dossier.id, set()))
        following.append({"which": dossier.id, "next_on": next_on})
    boxes = Mailboxes(connection, dossiers, timer)
    boxes.place(batch.wishes)
    desk = Desk(connection, policy.tasks, timer)
    carried = desk.ask([ask for _, ask in batch.calls] + batch.asks)
    boxes.write()
    _write(batch, boxes, carried)
    counts.deliveries += boxes.created + desk.created
    connection.execute(
        update(cycles).where(cycles.c.id == bindparam("which")).values(next_on=bindparam("next_on")), following
    )


def _touches_of(
    connection: Connection, ids: Sequence[int]
) -> tuple[dict[int, set[tuple[str, Channel]]], dict[tuple[int, Channel], list[Any]]]:
    """The steps that are decided already, by cycle, and those of them that still wait, by cycle and channel."""
    columns = (touches.c.id, touches.c.cycle_id, touches.c.touchpoint, touches.c.channel, touches.c.state)
    query = (
        select(*columns, touches.c.delivery_id, deliveries.c.state.label("delivery_state"))
        .add_columns(deliveries.c.day.label("delivery_day"))
        .join(deliveries, deliveries.c.id == touches.c.delivery_id, isouter=True)
        .where(among(touches.c.cycle_id, ids))
    )
    handled: dict[int, set[tuple[str, Channel]]] = {}
    older: dict[tuple[int, Channel], list[Any]] = {}
    for row in connection.execute(query).all():
        channel = Channel(row.channel)
        handled.setdefault(row.cycle_id, set()).add((row.touchpoint, channel))
        if row.state == TouchState.PLANNED and row.delivery_state == DeliveryState.PLANNED:
            older.setdefault((row.cycle_id, channel), []).append(row)
    return handled, older


def steps_of(dossier: Dossier, policy: Policy) -> list[tuple[tuple[Scheduled, ...], bool]]:
    """The steps of a cycle on the calendar; those made for orders that renew by themselves are marked true.

    Where both tables have a step of the same name and channel, the one made for automatic renewal counts.
    """
    account = dossier.account
    cadences = policy.cadences
    tables = [(table_of(dossier, policy), False)]
    if dossier.order.auto_renew and (automatic := cadences.auto_renew(dossier.clock)) is not None:
        tables.append((automatic, True))
    laid = [
        (
            schedule(
                chosen,
                starts_on=dossier.starts_on,
                ends_on=dossier.ends_on,
                calendar=policy.calendar,
                country=account.country,
                rules=policy.rules,
            ),
            automatic,
        )
        for chosen, automatic in tables
    ]
    if len(laid) > 1:
        own = {entry.step.key for entry in laid[1][0]}
        laid[0] = (tuple(entry for entry in laid[0][0] if entry.step.key not in own), False)
    return laid


def _decide(batch: _Batch, dossier: Dossier, handled: set[tuple[str, Channel]]) -> date | None:
    """Decides what is due for a cycle, and gives the day on which there is more to decide."""
    policy, today = batch.dossiers.policy, batch.timer.day
    if dossier.standing.is_held(today):
        return dossier.standing.held_until
    following: list[date] = []
    for scheduled, automatic in steps_of(dossier, policy):
        decision: Decision = decide(
            scheduled,
            horizon=today + LOOK_AHEAD,
            today=today,
            ends_on=dossier.ends_on,
            handled=handled,
            rules=policy.rules,
        )
        for entry in decision.missed:
            _note(batch, dossier, entry, TouchState.MISSED, Reason.PASSED_OVER)
        for entry in decision.merged:
            _note(batch, dossier, entry, TouchState.MERGED, Reason.SAME_DAY)
        for entry in decision.go:
            _wish(batch, dossier, entry, automatic)
        if decision.next_on is not None:
            following.append(decision.next_on)
    return min(following, default=None)


def _wish(batch: _Batch, dossier: Dossier, entry: Scheduled, automatic: bool) -> None:
    step, day = entry.step, max(entry.day, batch.timer.day)
    dossiers = batch.dossiers
    reason = _why_not(dossiers, dossier, step, day, automatic)
    if reason is not None:
        _note(batch, dossier, entry, TouchState.SKIPPED, reason)
        return
    if step.channel is Channel.CALL:
        wish = Wish(dossier, entry, day, Nature.SERVICE, None)
        batch.calls.append((wish, _ask(batch, dossier, entry, day, step.task or TaskKind.CALL)))
        return
    choice = dossiers.recipient(dossier, step.urgency, step.roles)
    if choice.candidate is None:
        _note(batch, dossier, entry, TouchState.SKIPPED, choice.reason or Reason.NO_CONTACT)
        batch.asks.append(replace(_ask(batch, dossier, entry, day, TaskKind.CONTACT), raises=False))
        return
    contact = dossiers.people[choice.candidate.contact_id]
    nature = Nature.SERVICE if step.nature is Nature.SERVICE else dossiers.nature(dossier, contact, day)
    batch.wishes.append(Wish(dossier, entry, day, nature, contact))


def why_skipped(dossiers: Dossiers, dossier: Dossier, step: Step, day: date, *, automatic: bool) -> Reason | None:
    """Why a step that is due on this day would not go as things stand, or None."""
    reason = _why_not(dossiers, dossier, step, day, automatic)
    if reason is not None or step.channel is Channel.CALL:
        return reason
    choice = dossiers.recipient(dossier, step.urgency, step.roles)
    return None if choice.candidate is not None else choice.reason or Reason.NO_CONTACT


def _why_not(dossiers: Dossiers, dossier: Dossier, step: Step, day: date, automatic: bool) -> Reason | None:
    reason = dossiers.why_not(dossier, step.channel, day, automatic=automatic)
    if reason is not None or automatic or step.channel is not Channel.CALL:
        return reason
    table = table_of(dossier, dossiers.policy)
    return None if table.allows_calls(dossier.order.value_minor) else Reason.BELOW_VALUE_FLOOR


def _ask(batch: _Batch, dossier: Dossier, entry: Scheduled, day: date, kind: TaskKind) -> Ask:
    calendar = batch.dossiers.policy.calendar
    opens = calendar.opens_at(day, batch.dossiers.zone(dossier, None))
    ended = [end_instant(dossier.ends_on)] if entry.step.urgency is Urgency.EXPIRED else []
    return Ask(
        account_id=dossier.order.account_id,
        kind=kind,
        cycle_id=dossier.id,
        clock=dossier.clock,
        urgency=entry.step.urgency,
        due_on=day,
        touchpoint=entry.step.touchpoint,
        send_after=max(opens, batch.timer.opening, *ended),
    )


def _note(batch: _Batch, dossier: Dossier, entry: Scheduled, state: TouchState, reason: str) -> None:
    batch.rows.append(_touch(batch, dossier, entry, entry.day, state, reason, Nature.SERVICE))
    if state is TouchState.SKIPPED:
        batch.counts.skipped[reason] = batch.counts.skipped.get(reason, 0) + 1
    elif state is TouchState.MISSED:
        batch.counts.missed += 1
    else:
        batch.counts.merged += 1


def _touch(
    batch: _Batch,
    dossier: Dossier,
    entry: Scheduled,
    day: date,
    state: TouchState,
    reason: str,
    nature: Nature,
    contact_id: int | None = None,
    delivery_id: int | None = None,
) -> dict[str, Any]:
    return {
        "cycle_id": dossier.id,
        "touchpoint": entry.step.touchpoint,
        "channel": entry.step.channel,
        "urgency": entry.step.urgency,
        "nature": nature,
        "day": day,
        "state": state,
        "reason": reason,
        "contact_id": contact_id,
        "delivery_id": delivery_id,
        "decided_at": batch.timer.opening,
    }


def _write(batch: _Batch, boxes: Mailboxes, carried: dict[Ask, int]) -> None:
    going: list[_Going] = []
    for wish, placed in boxes.placed:
        if placed is None:
            _note(batch, wish.dossier, wish.entry, TouchState.MERGED, Reason.LISTED)
            continue
        contact_id = wish.contact.id if wish.contact else None
        going.append(_Going(wish, max(placed.day, batch.timer.day), contact_id, placed.delivery_id))
    going += [_Going(wish, wish.day, None, carried[ask]) for wish, ask in batch.calls]
    going, emptied = _overtake(batch, going)
    superseded = [one for each in going for one in _go(batch, each, boxes.soonest(each.wish.dossier.order.account_id))]
    if batch.rows:
        batch.connection.execute(insert(touches), batch.rows)
    if superseded:
        values: dict[str, Any] = {"state": TouchState.MERGED, "reason": Reason.NEWER_STEP}
        batch.connection.execute(
            update(touches)
            .where(touches.c.id == bindparam("which"))
            .values(values | {"delivery_id": bindparam("into")}),
            superseded,
        )
        batch.counts.merged += len(superseded)
        emptied += [row.delivery_id for rows in batch.older.values() for row in rows if row.delivery_id is not None]
    withdraw_empty(batch.connection, emptied, batch.timer)


def _overtake(batch: _Batch, going: Sequence[_Going]) -> tuple[list[_Going], list[int]]:
    """Those that go, where today's step and tomorrow's of one order are planned at once: tomorrow's stands for both
    where they would go together. Gives the deliveries too that this may have emptied."""
    newest: dict[tuple[int, Channel], _Going] = {}
    left: list[_Going] = []
    emptied: list[int] = []
    for one in sorted(going, key=lambda each: each.wish.entry.day, reverse=True):
        newer = newest.setdefault(one.key, one)
        if newer is one or (one.delivery_id != newer.delivery_id and one.day < newer.day):
            left.append(one)
            continue
        dossier, entry = one.wish.dossier, one.wish.entry
        _note(batch, dossier, entry, TouchState.MERGED, Reason.NEWER_STEP)
        batch.rows[-1]["delivery_id"] = newer.delivery_id
        emptied.append(one.delivery_id)
    return left, emptied


def _go(batch: _Batch, one: _Going, soonest: date) -> list[dict[str, Any]]:
    """Notes that a step goes, and gives the older ones that still wait on its day: it stands for them."""
    wish = one.wish
    batch.rows.append(
        _touch(
            batch,
            wish.dossier,
            wish.entry,
            one.day,
            TouchState.PLANNED,
            "",
            wish.nature,
            one.contact_id,
            one.delivery_id,
        )
    )
    batch.counts.touches += 1
    return [
        {"which": older.id, "into": one.delivery_id}
        for older in batch.older.get(one.key, ())
        if older.delivery_id == one.delivery_id or max(older.delivery_day, soonest) >= one.day
    ]
