"""What became of the renewals of a span, in figures: worth, renewed when, lost and why, lapsed, reachable, tasks, offers.

Each figure is counted by the database, grouped by one thing and by currency: amounts of different currencies are never
added up. A renewal belongs to the day on which its order ends.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, literal, select, union
from sqlalchemy.engine import Connection

from core.eligibility import Scope
from core.reasons import Reason
from core.report import matching
from core.schema import (
    accounts,
    confirmations,
    contacts,
    cycles,
    order_contacts,
    orders,
    promises,
    reps,
    suppressions,
    task_orders,
    tasks,
)
from core.sql import days_between, month_of
from core.words import Certainty, Channel, Clock, ConfirmationState, Nature, TaskState

EARLY_DAYS = 30
"""From so many days before the end on a renewal counts as early: an offer for renewing early ends then, too."""

WON = (Reason.RENEWED, Reason.REPLACED)
# What was never a renewal of ours to win: the same order went on under another number, or it was over before we came.
_NONE_OF_OURS = (Reason.SUPERSEDED, Reason.END_MOVED, Reason.REOPENED, Reason.ENDED_BEFORE_GO_LIVE)


class By(StrEnum):
    """What figures are grouped by."""

    ALL = "all"
    REP = "rep"
    ACCOUNT = "account"
    PRODUCT = "product"
    COUNTRY = "country"
    MONTH = "month"


class Fate(StrEnum):
    """What became of a renewal."""

    OPEN = "open"
    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"  # after the end: won back
    LOST = "lost"
    LAPSED = "lapsed"
    OVER = "over"  # cancelled, revoked or rejected


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which renewals are meant: those whose orders end from `first` to `last`, both included. Empty words mean all."""

    first: date
    last: date
    account: str = ""
    rep: str = ""
    product: str = ""
    country: str = ""
    early_days: int = EARLY_DAYS


@dataclass(slots=True)
class Sum:
    """So many orders, worth so much together in minor units of the currency."""

    orders: int = 0
    value_minor: int = 0


@dataclass(slots=True)
class Figures:
    """The figures of one group in one currency.

    `unvalued` counts orders of unknown worth, which count as nothing in every sum. `days_before` is how many days before
    the end renewals came, on average. `reachable` counts, of the open ones, those of which somebody can be written to. A
    task counts where one of its orders is in the group. `promised` are offers made, `offer_cost` what those cost at most
    that were renewed while they held.
    """

    key: str
    name: str
    currency: str
    due: Sum = field(default_factory=Sum)
    fates: dict[Fate, Sum] = field(default_factory=lambda: {fate: Sum() for fate in Fate})
    unvalued: int = 0
    days_before: float | None = None
    lost_why: dict[str, int] = field(default_factory=dict)
    reachable: int = 0
    tasks_open: int = 0
    tasks_overdue: int = 0
    promised: int = 0
    offer_cost: int = 0

    @property
    def renewed(self) -> Sum:
        """Those that were won, whenever."""
        won = [self.fates[fate] for fate in (Fate.EARLY, Fate.ON_TIME, Fate.LATE)]
        return Sum(sum(one.orders for one in won), sum(one.value_minor for one in won))

    @property
    def renewal_rate(self) -> float | None:
        """The share of those decided that were won, from 0 to 1; None where nothing is decided yet."""
        decided = self.renewed.orders + self.fates[Fate.LOST].orders + self.fates[Fate.LAPSED].orders
        return self.renewed.orders / decided if decided else None

    @property
    def reachable_share(self) -> float | None:
        """The share of open ones of which somebody can be written to, from 0 to 1; None where nothing is open."""
        return self.reachable / self.fates[Fate.OPEN].orders if self.fates[Fate.OPEN].orders else None


def figures(connection: Connection, wanted: Wanted, by: By, scope: Scope, today: date) -> list[Figures]:
    """The figures of a span by group and currency: by month in order, else those with the highest worth first."""
    found: dict[tuple[str, str], Figures] = {}
    of_span = _of_span(connection, wanted, by, scope)
    columns = _with_fates(connection, of_span, wanted, scope).subquery("renewals").c
    query = select(
        columns.key, func.max(columns.name).label("name"), columns.currency, columns.fate,
        func.count().label("orders"), func.sum(columns.value).label("value"),
        func.sum(columns.unvalued).label("unvalued"), func.sum(columns.days_before).label("days_before"),
        func.sum(columns.reachable).label("reachable"), func.sum(columns.promised).label("promised"),
        func.sum(columns.percents).label("percents"),
    ).group_by(columns.key, columns.currency, columns.fate)  # fmt: skip
    days: dict[tuple[str, str], int] = defaultdict(int)
    percents: dict[tuple[str, str], int] = defaultdict(int)
    for row in connection.execute(query):
        group = (row.key, row.currency)
        one = found.setdefault(group, Figures(row.key, row.name, row.currency))
        one.name = one.name or row.name
        one.fates[Fate(row.fate)] = Sum(row.orders, int(row.value))
        one.due = Sum(one.due.orders + row.orders, one.due.value_minor + int(row.value))
        one.unvalued += int(row.unvalued)
        one.promised += int(row.promised)
        one.reachable += int(row.reachable)
        days[group] += int(row.days_before or 0)
        percents[group] += int(row.percents)
    for group, one in found.items():
        one.offer_cost = percents[group] // 100
        one.days_before = round(days[group] / one.renewed.orders, 1) if one.renewed.orders else None
    _note_lost(connection, of_span, found)
    _note_tasks(connection, of_span, found, today)
    if by is By.MONTH:
        return sorted(found.values(), key=lambda one: (one.key, one.currency))
    return sorted(found.values(), key=lambda one: (-one.due.value_minor, -one.due.orders, one.key, one.currency))


def _of_span(connection: Connection, wanted: Wanted, by: By, scope: Scope) -> Select[Any]:
    """One row for each renewal of the span, with its group and currency."""
    key, name = _group(connection, by)
    return (
        select(
            cycles.c.id.label("cycle_id"),
            key.label("key"),
            name.label("name"),
            currency_of(connection).label("currency"),
        )
        .select_from(cycles)
        .join(orders, orders.c.id == cycles.c.order_id)
        .join(accounts, accounts.c.id == orders.c.account_id)
        .join(reps, reps.c.rep_key == accounts.c.owner_key, isouter=True)
        .where(of_ours(scope), cycles.c.ends_on.between(wanted.first, wanted.last))
        .where(*matching(wanted.account, wanted.rep, wanted.product, wanted.country))
    )


def _with_fates(connection: Connection, of_span: Select[Any], wanted: Wanted, scope: Scope) -> Select[Any]:
    """The same with the fate of each and what it is worth."""
    evidence = (
        select(confirmations.c.cycle_id, func.min(confirmations.c.renewed_on).label("renewed_on"))
        .where(confirmations.c.state == ConfirmationState.APPLIED)
        .where(confirmations.c.certainty.in_((Certainty.CONFIRMED, Certainty.PROVISIONAL)))
        .group_by(confirmations.c.cycle_id)
        .subquery("evidence")
    )
    renewed_on = func.coalesce(evidence.c.renewed_on, cycles.c.closed_on)
    won = cycles.c.outcome.in_(WON)
    left = days_between(connection, cycles.c.ends_on, renewed_on)
    fate = case(
        (cycles.c.open, Fate.OPEN),
        (and_(won, left >= wanted.early_days), Fate.EARLY),
        (and_(won, left >= 0), Fate.ON_TIME),
        (won, Fate.LATE),
        (cycles.c.outcome == Reason.LOST, Fate.LOST),
        (cycles.c.outcome == Reason.LAPSED, Fate.LAPSED),
        else_=Fate.OVER,
    )
    value = func.coalesce(orders.c.value_minor, 0)
    taken = and_(won, promises.c.cycle_id.is_not(None), renewed_on <= promises.c.ends_on)
    reachable = and_(cycles.c.open, ~accounts.c.do_not_contact, orders.c.id.in_(reachable_orders(scope)))
    return (
        of_span.add_columns(
            fate.label("fate"),
            value.label("value"),
            case((orders.c.value_minor.is_(None), 1), else_=0).label("unvalued"),
            case((won, left), else_=None).label("days_before"),
            case((reachable, 1), else_=0).label("reachable"),
            case((promises.c.cycle_id.is_not(None), 1), else_=0).label("promised"),
            case((taken, value * promises.c.percent), else_=0).label("percents"),
        )
        .join(evidence, evidence.c.cycle_id == cycles.c.id, isouter=True)
        .join(promises, promises.c.cycle_id == cycles.c.id, isouter=True)
    )


def currency_of(connection: Connection) -> ColumnElement[str]:
    """The currency of an order. Where all have the same, it is also that of orders whose worth is not known."""
    query = select(orders.c.currency).where(orders.c.currency != "").distinct().limit(2)
    known = connection.execute(query).scalars().all()
    if len(known) != 1:
        return orders.c.currency
    return func.coalesce(func.nullif(orders.c.currency, ""), known[0])


def of_ours(scope: Scope) -> ColumnElement[bool]:
    """The renewals that were ours to win, as a condition on `cycles` joined with `orders`."""
    return and_(
        cycles.c.clock == Clock.RENEWAL,
        cycles.c.outcome.not_in(_NONE_OF_OURS),
        cycles.c.reason != Reason.ENDED_BEFORE_FIRST_SEEN,
        orders.c.kind.in_([str(kind) for kind in scope.kinds]),
    )


def reachable_orders(scope: Scope) -> Any:
    """The ids of orders of which somebody can be written to at all, as a subquery."""
    refused = select(suppressions.c.address).where(
        suppressions.c.channel == Channel.MAIL, suppressions.c.nature == Nature.SERVICE
    )
    email = func.lower(contacts.c.email)
    ends = [sign + domain.lower() for domain in scope.own_domains for sign in ("@", ".")]
    usable = (
        select(contacts.c.id, contacts.c.account_id, contacts.c.roles)
        .where(email.not_in(refused), *(~email.endswith(end, autoescape=True) for end in ends))
        .subquery("usable")
    )
    named = select(order_contacts.c.order_id).join(usable, usable.c.id == order_contacts.c.contact_id)
    general = select(orders.c.id).join(usable, usable.c.account_id == orders.c.account_id).where(usable.c.roles != "")
    return select(union(named, general).subquery("reachable").c.order_id)


def _group(connection: Connection, by: By) -> tuple[ColumnElement[str], ColumnElement[str]]:
    """The key of a renewal's group, and its name."""
    nothing = literal("")
    groups: Mapping[By, tuple[Any, Any]] = {
        By.ALL: (nothing, nothing),
        By.REP: (accounts.c.owner_key, func.coalesce(reps.c.name, "")),
        By.ACCOUNT: (accounts.c.account_key, accounts.c.name),
        By.PRODUCT: (orders.c.product_id, orders.c.product_name),
        By.COUNTRY: (accounts.c.country, nothing),
        By.MONTH: (month_of(connection, cycles.c.ends_on), nothing),
    }
    return groups[by]


def _note_lost(connection: Connection, of_span: Select[Any], found: Mapping[tuple[str, str], Figures]) -> None:
    lost = of_span.add_columns(cycles.c.lost_reason).where(cycles.c.outcome == Reason.LOST, ~cycles.c.open)
    columns = lost.subquery("lost").c
    query = (
        select(columns.key, columns.currency, columns.lost_reason, func.count())
        .group_by(columns.key, columns.currency, columns.lost_reason)
        .order_by(func.count().desc(), columns.lost_reason)
    )
    for key, currency, reason, count in connection.execute(query):
        found[key, currency].lost_why[reason or "no reason given"] = count


def _note_tasks(
    connection: Connection, of_span: Select[Any], found: Mapping[tuple[str, str], Figures], today: date
) -> None:
    mine = (
        of_span.add_columns(tasks.c.id.label("task_id"), tasks.c.due_on)
        .join(task_orders, task_orders.c.cycle_id == cycles.c.id)
        .join(tasks, tasks.c.id == task_orders.c.task_id)
        .where(tasks.c.state.in_((TaskState.PLANNED, TaskState.OPEN)), ~task_orders.c.settled)
        .subquery("mine")
    )
    each = select(mine.c.key, mine.c.currency, mine.c.task_id, mine.c.due_on).distinct().subquery("each_task")
    overdue = case((each.c.due_on < today, 1), else_=0)
    query = select(each.c.key, each.c.currency, func.count(), func.sum(overdue)).group_by(each.c.key, each.c.currency)
    for key, currency, count, late in connection.execute(query):
        found[key, currency].tasks_open, found[key, currency].tasks_overdue = count, int(late)
