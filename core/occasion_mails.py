"""What goes into a mail outside the cadence, and whether it still may go, at the moment it does."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from core import occasions, parts
from core.dossiers import Dossiers
from core.members import Member, Ruling
from core.messages import Letter, Occasion, Renewed
from core.policy import Policy
from core.reasons import Reason
from core.schema import confirmations, cycles, orders
from core.sql import among
from core.timing import Timer
from core.words import Block, Certainty, Clock, ConfirmationState, Nature


def judge(dossiers: Dossiers, member: Member, row: Any, policy: Policy, timer: Timer, ruling: Ruling) -> None:
    """Rules on a member of such a mail: it stays or falls away. `row` is its delivery."""
    dossier, occasion = dossiers.by_cycle[member.cycle_id], Occasion(row.occasion)
    choice = occasions.recipient(dossiers, dossier, occasion)
    reason = occasions.why_not(dossiers, dossier, occasion, timer.day, choice)
    if reason is None and member.day < timer.day - timedelta(days=policy.deliver.max_age_days):
        reason = Reason.TOO_OLD
    if reason is None and choice.candidate is not None and choice.candidate.contact_id != row.contact_id:
        reason = Reason.OTHER_RECIPIENT
    if reason is None:
        ruling.staying[member.delivery_id].append(member)
    else:
        ruling.withdrawn[member.touch_id] = reason
        ruling.reasons.setdefault(member.delivery_id, reason)


def renewals(connection: Connection, ruling: Ruling, dossiers: Dossiers, rows: Sequence[Any]) -> Mapping[int, Renewed]:
    """What is to be told of the renewals in thank-yous, by delivery."""
    thanks = [row.id for row in rows if row.occasion == Occasion.THANK_YOU and row.id in ruling.staying]
    about = {id: [dossiers.by_cycle[member.cycle_id] for member in ruling.staying[id]] for id in thanks}
    every = [dossier for mine in about.values() for dossier in mine]
    if not every:
        return {}
    told = _told(connection, [dossier.id for dossier in every])
    installs = _installs(connection, [dossier.order.id for dossier in every])
    found: dict[int, Renewed] = {}
    for id, mine in about.items():
        row = told[mine[0].id]
        by = min((installs[one.order.id] for one in mine if one.order.id in installs), default=None)
        # Of several orders a mail says only what is true of all.
        one = len(mine) == 1
        on = row.renewed_on or row.closed_on
        found[id] = Renewed(on, (row.new_id or "") if one else "", row.new_ends_on if one else None, by)
    return found


def _told(connection: Connection, cycle_ids: Sequence[int]) -> dict[int, Any]:
    """When each of these cycles was renewed, and by which order where that is known."""
    new = orders.alias("new")
    spoken = (confirmations.c.order_key == orders.c.order_key) & (confirmations.c.cycle_id == cycles.c.id)
    sure = (confirmations.c.certainty == Certainty.CONFIRMED) & (confirmations.c.state == ConfirmationState.APPLIED)
    query = (
        select(cycles.c.id, cycles.c.closed_on, confirmations.c.renewed_on)
        .add_columns(new.c.outside_id.label("new_id"), new.c.order_expires_on.label("new_ends_on"))
        .join(orders, orders.c.id == cycles.c.order_id)
        .join(confirmations, spoken & sure, isouter=True)
        .join(new, new.c.order_key == confirmations.c.new_order_key, isouter=True)
        .where(among(cycles.c.id, cycle_ids))
        .order_by(new.c.outside_id.is_(None).desc(), confirmations.c.id)
    )
    return {row.id: row for row in connection.execute(query).all()}


def _installs(connection: Connection, order_ids: Sequence[int]) -> dict[int, date]:
    """Until when the old certificate of each of these orders is good, where its successor is not installed yet."""
    running = among(cycles.c.order_id, order_ids) & (cycles.c.clock == Clock.INSTALL) & cycles.c.open
    query = select(cycles.c.order_id, cycles.c.ends_on).where(running)
    return {order_id: ends_on for order_id, ends_on in connection.execute(query).all()}


def dressed(policy: Policy, facts: Letter, occasion: Occasion, renewed: Renewed | None) -> Letter:
    """The letter as one for the occasion. What urges or sells stands only where a lost customer is asked back.

    Their website may be in other hands by now: what its visitors see is not known.
    """
    told = replace(facts, occasion=occasion, browser_warning=None, no_days_lost=None)
    if occasion is Occasion.WIN_BACK:
        return replace(told, blocks=told.blocks - {Block.BROWSER_WARNING, Block.NO_DAYS_LOST})
    clock = Clock.INSTALL if occasion is Occasion.THANK_YOU else None
    steps = parts.steps(policy, clock, facts.lines, facts.language) if clock is not None else ()
    bare = replace(told, blocks=frozenset(), offer=None, advice=(), benefits=(), seal=None, console_end=None)
    return replace(bare, steps=steps, renewed=renewed, nature=Nature.SERVICE)
