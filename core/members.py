"""Who is still in a delivery at the moment it goes: the re-check of its touches, and where the others go."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection

from core.cadence import Scheduled, Step
from core.dossiers import Dossier, Dossiers, roles_at
from core.follow_ups import is_check
from core.mailboxes import Mailboxes, Wish
from core.policy import Policy
from core.reasons import Reason
from core.schema import cycles, touches
from core.sql import among
from core.tasks import Ask, Desk
from core.timing import Timer
from core.words import Channel, Clock, Nature, Stage, TaskKind, TouchState, Urgency


@dataclass(frozen=True, slots=True)
class Member:
    """A touch that is planned into a delivery."""

    touch_id: int
    delivery_id: int
    cycle_id: int
    clock: Clock
    touchpoint: str
    channel: Channel
    urgency: Urgency
    nature: Nature
    day: date


@dataclass(slots=True)
class Ruling:
    """What the re-check found: who stays, who falls away and why, whose recipient has changed."""

    staying: dict[int, list[Member]] = field(default_factory=lambda: defaultdict(list))
    withdrawn: dict[int, Reason] = field(default_factory=dict)
    rehomed: list[tuple[Member, Wish]] = field(default_factory=list)
    unreachable: list[tuple[Member, Reason]] = field(default_factory=list)
    reasons: dict[int, Reason] = field(default_factory=dict)


def members_of(connection: Connection, delivery_ids: Sequence[int]) -> list[Member]:
    """The planned touches of these deliveries whose cycle still exists."""
    query = (
        select(touches, cycles.c.clock)
        .join(cycles, cycles.c.id == touches.c.cycle_id)
        .where(among(touches.c.delivery_id, delivery_ids), touches.c.state == TouchState.PLANNED)
        .order_by(touches.c.id)
    )
    return [
        Member(
            row.id, row.delivery_id, row.cycle_id, Clock(row.clock), row.touchpoint, Channel(row.channel),
            Urgency(row.urgency), Nature(row.nature), row.day,
        )
        for row in connection.execute(query).all()
    ]  # fmt: skip


def write_ruling(connection: Connection, ruling: Ruling, dossiers: Dossiers, timer: Timer) -> None:
    """Stores what the re-check found: withdrawals, new homes for those whose recipient changed, tasks for the rest."""
    _mark(connection, TouchState.WITHDRAWN, ruling.withdrawn)
    _mark(connection, TouchState.SKIPPED, {member.touch_id: reason for member, reason in ruling.unreachable})
    asks = [_find_contact(dossiers, member, timer) for member, _ in ruling.unreachable]
    Desk(connection, dossiers.policy.tasks, timer).ask(asks)
    if not ruling.rehomed:
        return
    boxes = Mailboxes(connection, dossiers, timer)
    boxes.place([wish for _, wish in ruling.rehomed])
    boxes.write()
    by_wish = {id(wish): draft for wish, draft in boxes.placed}
    listed: dict[int, Reason] = {}
    moved = []
    for member, wish in ruling.rehomed:
        draft = by_wish[id(wish)]
        if draft is None:
            listed[member.touch_id] = Reason.LISTED
        else:
            moved.append({"which": member.touch_id, "home": draft.delivery_id, "person": draft.contact.id})
    _mark(connection, TouchState.MERGED, listed)
    if moved:
        connection.execute(
            update(touches)
            .where(touches.c.id == bindparam("which"))
            .values(delivery_id=bindparam("home"), contact_id=bindparam("person")),
            moved,
        )


def touches_done(connection: Connection, delivery_ids: Sequence[int]) -> list[int]:
    """Notes that the touches of these deliveries are done; a renewal that was only upcoming is contacted.

    Gives the orders whose stage that has changed.
    """
    mine = among(touches.c.delivery_id, delivery_ids) & (touches.c.state == TouchState.PLANNED)
    told = connection.execute(select(touches.c.cycle_id).where(mine).distinct()).scalars().all()
    connection.execute(update(touches).where(mine).values(state=TouchState.DONE))
    contacted = connection.execute(
        update(cycles)
        .where(among(cycles.c.id, told), cycles.c.clock == Clock.RENEWAL, cycles.c.stage == Stage.UPCOMING)
        .values(stage=Stage.CONTACTED)
        .returning(cycles.c.order_id)
    )
    return sorted(set(contacted.scalars()))


def _mark(connection: Connection, state: TouchState, reasons: dict[int, Reason]) -> None:
    if reasons:
        connection.execute(
            update(touches).where(touches.c.id == bindparam("which")).values(state=state, reason=bindparam("why")),
            [{"which": touch_id, "why": reason} for touch_id, reason in reasons.items()],
        )


def _find_contact(dossiers: Dossiers, member: Member, timer: Timer) -> Ask:
    dossier = dossiers.by_cycle[member.cycle_id]
    return Ask(
        account_id=dossier.order.account_id,
        kind=TaskKind.CONTACT,
        cycle_id=member.cycle_id,
        clock=dossier.clock,
        urgency=member.urgency,
        due_on=timer.day,
        touchpoint=member.touchpoint,
        send_after=timer.opening,
        raises=False,
    )


def judge_mail(
    dossiers: Dossiers, member: Member, contact_id: int, policy: Policy, timer: Timer, ruling: Ruling
) -> None:
    """Rules on a member of a mail: it stays, falls away, goes to somebody else, or nobody can be written to."""
    dossier = dossiers.by_cycle[member.cycle_id]
    reason = _why_not(dossiers, dossier, member, policy, timer)
    if reason is not None:
        ruling.withdrawn[member.touch_id] = reason
        ruling.reasons.setdefault(member.delivery_id, reason)
        return
    choice = dossiers.recipient(dossier, member.urgency, roles_at(dossier, member.touchpoint, policy))
    if choice.candidate is None:
        ruling.unreachable.append((member, choice.reason or Reason.NO_CONTACT))
        ruling.reasons.setdefault(member.delivery_id, choice.reason or Reason.NO_CONTACT)
    elif choice.candidate.contact_id != contact_id:
        ruling.rehomed.append((member, _wish(dossiers, dossier, member, choice.candidate.contact_id, timer)))
    else:
        ruling.staying[member.delivery_id].append(member)


def judge_call(dossiers: Dossiers, member: Member, policy: Policy, timer: Timer, ruling: Ruling) -> None:
    """Rules on a member of a call task: it stays or falls away."""
    reason = _why_not(dossiers, dossiers.by_cycle[member.cycle_id], member, policy, timer)
    if reason is None:
        ruling.staying[member.delivery_id].append(member)
    else:
        ruling.withdrawn[member.touch_id] = reason
        ruling.reasons.setdefault(member.delivery_id, reason)


def _why_not(dossiers: Dossiers, dossier: Dossier, member: Member, policy: Policy, timer: Timer) -> Reason | None:
    if member.day < timer.day - timedelta(days=policy.deliver.max_age_days):
        return Reason.TOO_OLD
    automatic = policy.cadences.auto_renew(dossier.clock)
    own = automatic is not None and any(
        step.touchpoint == member.touchpoint and step.channel is member.channel for step in automatic.steps
    )
    if member.channel is Channel.CALL and is_check(member.touchpoint):
        reason = dossiers.why_not(dossier, Channel.MAIL, timer.day)
        return None if reason is Reason.IN_PROGRESS else reason
    return dossiers.why_not(dossier, member.channel, timer.day, automatic=own)


def _wish(dossiers: Dossiers, dossier: Dossier, member: Member, contact_id: int, timer: Timer) -> Wish:
    name = member.touchpoint
    days = int(name.rpartition("-")[2]) * (-1 if name.startswith("after") else 1)
    step = Step(days, Channel.MAIL, member.urgency, member.nature)
    day = max(member.day, timer.day)
    return Wish(dossier, Scheduled(step, member.day, member.day), day, member.nature, dossiers.people[contact_id])
