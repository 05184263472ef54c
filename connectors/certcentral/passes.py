"""The two passes over CertCentral: the full one and the one over what changed since. Both are streams for sync.

A full pass of N orders takes ceil(N / 100,000) calls for the order report, ceil(N / 1000) for the list, and one for each
order inside a touchpoint window that still lacks a fact and was not asked for lately. A pass over changes takes one call
and one for each order that changed.
"""

import json
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import select

from connectors.certcentral import mapping
from connectors.certcentral.client import LOG, Client
from connectors.certcentral.memory import Memory, Told
from connectors.certcentral.reading import Listing, Report, known, reported, several
from connectors.order_report.mapping import Reading
from core.batches import batched
from core.errors import NolapseError
from core.model import BadRow, OrderFacts, Reject, SourceRow, digest_of, order_key
from core.schema import orders
from core.store import Store
from core.words import OrderStatus

SUSPECTS = 200  # vanished orders that are looked up one by one before they count as vanished
_ASKED_AT_ONCE = 50
_JOINED_AT_ONCE = 100
_ASKED_AHEAD = 2000  # their columns are held meanwhile, some kilobytes each


@dataclass(frozen=True, slots=True)
class Cursor:
    """Up to when everything has been read, and when the last full pass began; by the time of the service."""

    at: datetime
    full_at: datetime

    def __str__(self) -> str:
        return json.dumps({"at": self.at.isoformat(), "full_at": self.full_at.isoformat()})


def cursor_of(text: str | None) -> Cursor | None:
    """The cursor of an earlier pass; None for none, and for one that cannot be read: all is read again then."""
    try:
        told = json.loads(text or "null")
        found = Cursor(datetime.fromisoformat(told["at"]), datetime.fromisoformat(told["full_at"]))
    except (TypeError, ValueError, KeyError):
        return None
    return found if found.at.tzinfo is not None and found.full_at.tzinfo is not None else None


@dataclass(slots=True)
class Scene:
    """What a pass works with. `today` is the day of the service (UTC)."""

    client: Client
    store: Store
    memory: Memory
    reading: Reading
    source: str
    today: date
    window_days: int
    organisation_contacts: bool
    parallel: int
    unknown_fields: set[str] = field(default_factory=set)
    unknown_statuses: set[str] = field(default_factory=set)

    def info(self, order_id: str) -> Mapping[str, Any]:
        """One order as order info tells it. Raises `AbsentError`."""
        return self.client.get(f"/order/certificate/{order_id}")

    def wanted(self, facts: OrderFacts, told: Told | None) -> bool:
        """Whether order info is to be asked for this order."""
        if told is not None and told.answers(facts.certificate_id, self.today):
            return False
        return mapping.needs_info(facts, self.today, self.window_days, organisation_contacts=self.organisation_contacts)

    def facts(self, columns: Mapping[str, str]) -> OrderFacts:
        """The order that the columns tell. Raises `BadRow`."""
        facts = mapping.facts_of(columns, self.reading)
        if facts.status is OrderStatus.UNKNOWN:
            self.unknown_statuses.add(facts.status_text)
        return facts

    def remember(self, asked: Mapping[str, Mapping[str, str]]) -> None:
        """Remembers what order info told, by order."""
        self.memory.keep(
            {
                number: Told(columns.get("certificate_id", ""), self.today, mapping.kept(columns))
                for number, columns in asked.items()
            }
        )

    def tell_unknown(self) -> None:
        """Says what nothing here has heard of."""
        reported("fields of orders", self.unknown_fields)
        reported("statuses of orders", self.unknown_statuses)


def row_of(facts: OrderFacts) -> SourceRow:
    """An order in a stream. What counts is what was understood, whichever call has told it."""
    return SourceRow(facts.key, digest_of(repr(facts)), f"order {facts.outside_id}", partial(_given, facts))


def _given(facts: OrderFacts) -> OrderFacts:
    return facts


def reject_of(order_id: str, error: BadRow) -> Reject:
    """An order that makes no sense."""
    key = order_key(mapping.CA, order_id) if order_id else ""
    return Reject(f"order {order_id or 'without a number'}", error.column, error.reason, (order_id,), key)


Extra = Iterable[OrderFacts | Reject]


class FullPass:
    """All orders: report and list joined, what others add (subaccounts, contracts), and whoever seems to have vanished."""

    complete = True
    header: tuple[str, ...] = ("order",)

    def __init__(
        self, scene: Scene, listing: Listing | None, extras: Sequence[tuple[int, Extra]], cursor: Cursor
    ) -> None:
        self._scene = scene
        self._listing = listing
        self._extras = extras
        self._cursor = cursor
        self._seen: set[str] = set()
        self.size: int | None = (listing.total if listing else 0) + sum(number for number, _ in extras)

    @property
    def cursor(self) -> str | None:
        return str(self._cursor)

    def __iter__(self) -> Iterator[SourceRow | Reject]:
        for one in self._all():
            self._seen.add(one.key)
            yield one
        self._scene.tell_unknown()

    def _all(self) -> Iterator[SourceRow | Reject]:
        with ExitStack() as stack:
            pool = ThreadPoolExecutor(self._scene.parallel)
            # A pass that breaks off does not wait for what it has asked ahead.
            stack.callback(pool.shutdown, wait=True, cancel_futures=True)
            if self._listing is not None:
                report = Report()
                folder = Path(stack.enter_context(TemporaryDirectory(prefix="nolapse-")))
                if why := report.load(self._scene.client, folder, self._listing.total):
                    LOG.warning("certcentral: without the order report, contacts come from order info alone: %s", why)
                # A few at a time: asking for many takes minutes, and meanwhile nothing would come.
                chunks = (some for page in self._listing.pages() for some in batched(page, _JOINED_AT_ONCE))
                yield from _joined(self._scene, pool, chunks, report)
            for _, facts in self._extras:
                for one in facts:
                    yield one if isinstance(one, Reject) else row_of(one)
            if self._listing is not None:
                yield from self._suspects(pool)

    def _suspects(self, pool: ThreadPoolExecutor) -> Iterator[SourceRow | Reject]:
        """Orders that no list named, as far as they are still there: a page may have changed while it was read."""
        held = select(orders.c.order_key, orders.c.outside_id).where(
            orders.c.source == self._scene.source, orders.c.vanished_on.is_(None)
        )
        with self._scene.store.read() as connection:
            missing = [which for key, which in connection.execute(held) if key not in self._seen and which.isdecimal()]
        yield from _asked(self._scene, pool, missing[:SUSPECTS])


class ChangesPass:
    """The orders whose status changed since the cursor, each as order info tells it, and what others add."""

    complete = False
    header: tuple[str, ...] = ("order",)
    size: int | None = None

    def __init__(
        self, scene: Scene, changed: Sequence[str], extras: Sequence[tuple[int, Extra]], cursor: Cursor
    ) -> None:
        self._scene = scene
        self._changed = changed
        self._extras = extras
        self._cursor = cursor

    @property
    def cursor(self) -> str | None:
        return str(self._cursor)

    def __iter__(self) -> Iterator[SourceRow | Reject]:
        with ThreadPoolExecutor(self._scene.parallel) as pool:
            yield from _asked(self._scene, pool, self._changed)
        for _, facts in self._extras:
            for one in facts:
                yield one if isinstance(one, Reject) else row_of(one)
        self._scene.tell_unknown()


@dataclass(frozen=True, slots=True)
class _Asked:
    """An order of the list that order info is asked for: its columns, what is remembered of it, and the answer to come."""

    number: str
    columns: Mapping[str, str]
    told: Mapping[str, str]
    answer: Future[Mapping[str, Any] | None]


def _joined(
    scene: Scene, pool: ThreadPoolExecutor, chunks: Iterable[Sequence[Mapping[str, Any]]], report: Report
) -> Iterator[SourceRow | Reject]:
    """The orders of the list with what the report and order info know of them.

    Those that order info is asked for come later than the others, so that calls go while orders are read and stored.
    """
    waiting: deque[_Asked] = deque()
    for some in chunks:
        yield from _listed(scene, pool, some, report, waiting)
        while waiting and (len(waiting) > _ASKED_AHEAD or waiting[0].answer.done()):
            yield from _answered(scene, waiting)
    while waiting:
        yield from _answered(scene, waiting)


def _listed(
    scene: Scene,
    pool: ThreadPoolExecutor,
    some: Sequence[Mapping[str, Any]],
    report: Report,
    waiting: deque[_Asked],
) -> Iterator[SourceRow | Reject]:
    rows: dict[str, dict[str, str]] = {}
    for order in some:
        number = ""
        try:
            number = mapping.number_of(order)
            columns = mapping.columns_of(order)
            rows[number] = mapping.filled(columns, mapping.report_columns(report.columns(number)))
        except BadRow as error:
            yield reject_of(number, error)
        scene.unknown_fields |= mapping.unknown_fields(order)
    told = scene.memory.of(list(rows))
    for number, columns in rows.items():
        known_of_it = told.get(number)
        more = known_of_it.columns if known_of_it is not None else {}
        facts = _read(scene, columns)
        # What makes no sense as it was listed is not asked for one by one.
        if isinstance(facts, OrderFacts) and scene.wanted(facts, known_of_it):
            waiting.append(_Asked(number, columns, more, pool.submit(known, scene.info, number)))
            continue
        if more:
            facts = _read(scene, mapping.filled(columns, more))
        yield _row_or_reject(number, facts)


def _answered(scene: Scene, waiting: deque[_Asked]) -> Iterator[SourceRow | Reject]:
    """Takes the next of those that were asked for, waiting for their answers.

    Where one of them fails, those before it are given and remembered first: the next pass does not ask for them again.
    """
    some: list[_Asked] = []
    asked: dict[str, dict[str, str]] = {}
    failure: NolapseError | None = None
    while waiting and len(some) < _ASKED_AT_ONCE:
        one = waiting.popleft()
        try:
            order = one.answer.result()
        except NolapseError as error:
            failure = error
            break
        some.append(one)
        if order is None:
            continue
        scene.unknown_fields |= mapping.unknown_fields(order)
        try:
            asked[one.number] = mapping.columns_of(order)
        except BadRow as error:
            LOG.warning("certcentral: order info of %s cannot be used: %s", one.number, error)
    scene.remember(asked)
    for one in some:
        yield _row_or_reject(one.number, _read(scene, mapping.filled(one.columns, asked.get(one.number) or one.told)))
    if failure is not None:
        raise failure


def _row_or_reject(number: str, facts: OrderFacts | BadRow) -> SourceRow | Reject:
    return reject_of(number, facts) if isinstance(facts, BadRow) else row_of(facts)


def _read(scene: Scene, columns: Mapping[str, str]) -> OrderFacts | BadRow:
    try:
        return scene.facts(columns)
    except BadRow as error:
        return error


def _asked(scene: Scene, pool: ThreadPoolExecutor, numbers: Sequence[str]) -> Iterator[SourceRow | Reject]:
    """These orders by order info; one that the API does not know is left out."""
    for some in batched(numbers, _ASKED_AT_ONCE):
        infos = several(pool, some, scene.info)
        kept: dict[str, Mapping[str, str]] = {}
        found: list[SourceRow | Reject] = []
        for number, order in infos.items():
            if order is None:
                continue
            scene.unknown_fields |= mapping.unknown_fields(order)
            try:
                columns = mapping.columns_of(order)
                found.append(row_of(scene.facts(columns)))
            except BadRow as error:
                found.append(reject_of(number, error))
                continue
            kept[number] = columns
        scene.remember(kept)
        yield from found
