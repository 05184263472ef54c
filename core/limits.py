"""The limits of outside systems: taken at the call, in real time, shared by every process on one database.

A window of up to ten seconds is a rate: its calls are spaced evenly, so that no burst can meet the end of another. A
longer one is a budget: calls are counted until they have left it. Both hold for *every* span of that length.

Permits are reserved in small blocks, so that not each call costs a commit. A block is good for about half a second; what
was not used of it is given back with the next one, and what a dead process had reserved counts as used. The state is one
row per name, changed under its lock, by the clock of the database server (on SQLite that of the machine).
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from math import ceil
from threading import Lock
from typing import Any

from sqlalchemy import Engine, extract, func, select, update
from sqlalchemy.engine import Connection

from core.errors import RetriableError
from core.schema import call_limits
from core.sql import insert_new
from core.store import Store, is_rehearsed

RATE_SECONDS = 10.0
AHEAD_SECONDS = 0.5  # nothing is reserved further ahead, so that a hold is soon felt everywhere
BLOCK_SECONDS = 0.5
BLOCK_CALLS = 50
_LEAD_SECONDS = 5.0  # the slowest commit that is allowed for
_LATEST = _LEAD_SECONDS + AHEAD_SECONDS + 2 * BLOCK_SECONDS  # the last instant of a block after its reservation
_LOOK_AGAIN = 1.0


@dataclass(frozen=True, slots=True)
class Window:
    """At most so many `calls` in any span of so many `seconds`."""

    calls: int
    seconds: float


@dataclass(slots=True)
class Span:
    """Calls that were permitted from `first` to `last` (seconds since the epoch)."""

    first: float
    last: float
    calls: int


@dataclass(slots=True)
class State:
    """What all processes share: when the next call may go, a hold and since when, and what went lately."""

    next_at: float = 0.0
    held_at: float = 0.0
    held_for: float = 0.0
    spans: list[Span] = field(default_factory=list)


@dataclass(slots=True)
class Block:
    """Permits of this process: the first at `first`, each further one `spacing` seconds later.

    `spent` counts those used, `passed` those used or let go by. `opened` is the first instant by the monotonic clock.
    """

    first: float
    calls: int
    spacing: float
    opened: float = 0.0
    spent: int = 0
    passed: int = 0

    @property
    def next_at(self) -> float:
        return self.first + self.calls * self.spacing


class Quota:
    """The pure rule: when so many calls may go, by the clock and by what has gone. Raises `ValueError` for no window."""

    def __init__(self, windows: Sequence[Window], share: float) -> None:
        if not windows or not 0 < share <= 1 or any(one.calls < 1 or one.seconds <= 0 for one in windows):
            raise ValueError("a limit needs windows of at least one call, and a share above 0 up to 1")
        rates = [one for one in windows if one.seconds <= RATE_SECONDS]
        self.spacing = max((_spacing(one, share) for one in rates), default=0.0)
        # Half of the room between the spacing and the limit is for waking late, the other half for the network.
        rooms = [(one.calls * self.spacing - one.seconds) / 2 for one in rates]
        self.lapse = min(rooms, default=BLOCK_SECONDS)
        self.budgets = [
            Window(max(1, ceil(one.calls * share - 1e-9)), one.seconds + min(1.0, one.seconds / 20))
            for one in windows
            if one.seconds > RATE_SECONDS
        ]
        self.most = min(max(1, int(one.calls * share)) for one in windows)
        in_time = int(BLOCK_SECONDS / self.spacing) if self.spacing else BLOCK_CALLS
        self.block = max(1, min(in_time, self.most // 10))
        self._longest = max((one.seconds for one in self.budgets), default=0.0)
        self._rate_seconds = max((one.seconds for one in rates), default=0.0) / share

    def reserve(self, state: State, now: float, calls: int, want: int, patience: float) -> Block | float:
        """A block of at least `calls` permits, at most `want`, taken from the state; or the seconds to wait for it."""
        self._mend(state, now)
        at = max(now, state.next_at + (calls - 1) * self.spacing, state.held_at + state.held_for)
        free = want
        for window in self.budgets:
            free = min(free, window.calls - sum(span.calls for span in state.spans if span.last > now - window.seconds))
            at = max(at, self._when_free(state, now, window, calls))
        if at - now > min(AHEAD_SECONDS, patience):
            return at - now
        block = Block(at, max(calls, min(want, free)), self.spacing)
        state.next_at = block.next_at
        if self.budgets:
            state.spans.append(Span(at, at + (block.calls - 1) * self.spacing + self.lapse, block.calls))
        return block

    def give_back(self, state: State, block: Block) -> None:
        """Puts back what was not used of a block."""
        unused = block.calls - block.spent
        if state.next_at == block.next_at:
            state.next_at = block.first + block.passed * block.spacing
        # The earliest span that may hold it: what leaves the window too late errs on the safe side.
        span = next((span for span in state.spans if span.first <= block.first <= span.last), None)
        if span is not None:
            span.calls = max(0, span.calls - unused)

    def _when_free(self, state: State, now: float, window: Window, calls: int) -> float:
        """When this budget has room for so many calls; now or before where it has."""
        inside = [span for span in state.spans if span.last > now - window.seconds]
        missing = calls - window.calls + sum(span.calls for span in inside)
        at = now
        for span in inside:
            if missing <= 0:
                break
            missing -= span.calls
            at = span.last + window.seconds
        return at

    def _mend(self, state: State, now: float) -> None:
        """Forgets what has left every window, joins old spans, and draws the future back where a clock was set back."""
        state.held_at = min(state.held_at, now)
        state.next_at = min(state.next_at, now + _LATEST + self._rate_seconds)
        kept: list[Span] = []
        for span in state.spans:
            if span.calls < 1 or span.last <= now - self._longest:
                continue
            span.last = min(span.last, now + _LATEST)
            span.first = min(span.first, span.last)
            width = min((one.seconds for one in self.budgets if one.seconds >= now - span.last), default=0.0) / 100
            if kept and span.last - kept[-1].first <= width:
                kept[-1] = Span(kept[-1].first, max(kept[-1].last, span.last), kept[-1].calls + span.calls)
            else:
                kept.append(span)
        state.spans = kept


def _spacing(window: Window, share: float) -> float:
    """Seconds between two calls. A share of 1 still leaves 20 ms, since nobody wakes up at the very instant."""
    return max(window.seconds / (window.calls * share), (window.seconds + 0.02) / window.calls)


class Limits:
    """A quota that everybody with this `name` on this database shares.

    `share` is how much of it is used. To be called outside any transaction, from as many threads as wanted.
    """

    def __init__(
        self,
        engine: Engine,
        name: str,
        windows: tuple[Window, ...],
        *,
        share: float = 0.95,
        wait_at_most: float = 60.0,
    ) -> None:
        self.name = name
        self._engine = engine
        self._quota = Quota(windows, share)
        self._wait_at_most = wait_at_most
        self._turn = Lock()
        self._block: Block | None = None
        self._want = 1
        self._took = 0.0  # how long the last reservation took to commit
        self._lead = 0.0  # how far ahead of now permits are asked for, where committing is slow
        self._held_until = 0.0
        self._rehearsed: State | None = None

    def take(self, calls: int = 1) -> None:
        """Waits until so many calls may go at once; they must follow at once.

        Raises `RetriableError` where that takes longer than `wait_at_most`, without waiting, and `ValueError` for more
        calls than the windows ever allow together.
        """
        if not 1 <= calls <= self._quota.most:
            raise ValueError(f"{self.name}: between 1 and {self._quota.most} calls can be taken at once, not {calls}")
        deadline = time.monotonic() + self._wait_at_most
        if not self._turn.acquire(timeout=self._wait_at_most):
            raise self._used_up(self._wait_at_most)
        try:
            while not self._spend(calls, deadline):
                wait = self._reserve(calls, deadline)
                if time.monotonic() + wait > deadline:
                    raise self._used_up(wait)
                if wait > 0:
                    time.sleep(min(wait, _LOOK_AGAIN))
        finally:
            self._turn.release()

    def hold(self, seconds: float) -> None:
        """Lets nobody call for so long, as an outside system asks by Retry-After. Others feel it within a second."""
        self._held_until = max(self._held_until, time.monotonic() + seconds)
        with self._shared() as (state, now):
            left = min(state.held_at, now) + state.held_for - now
            state.held_at, state.held_for = now, max(seconds, left)

    def _spend(self, calls: int, deadline: float) -> bool:
        """Uses the next permits of the block when their time comes; False where it has none."""
        block = self._block
        # Evenly spaced permits cannot be used together.
        while block is not None and block.calls - block.passed >= calls and (calls == 1 or not block.spacing):
            at = block.opened + block.passed * block.spacing
            early = at - time.monotonic()
            if at > deadline:
                raise self._used_up(early)
            if early > 0:
                time.sleep(early)
            if time.monotonic() < self._held_until:
                return False
            block.passed += calls
            if time.monotonic() <= at + self._quota.lapse:
                block.spent += calls
                self._lead *= 0.9
                return True
            if early > 0:
                self._lead *= 0.5
            elif not block.spent:
                # It lapsed while it was committed; the next one must be for a little later.
                self._lead = min(_LEAD_SECONDS, 1.5 * self._took)
        return False

    def _reserve(self, calls: int, deadline: float) -> float:
        """Gets a new block, or gives the seconds after which to try again."""
        quota, old, self._block = self._quota, self._block, None
        if old is not None:
            self._want = max(1, min(quota.block, old.spent * 2 if old.spent == old.calls else old.spent))
        with self._shared() as (state, now):
            # Read after the clock that is shared: late at most, never early.
            apart = time.monotonic() - now
            if old is not None and old.spent < old.calls:
                quota.give_back(state, old)
            patience = deadline - apart - now
            got = quota.reserve(state, now + self._lead, calls, self._want if calls == 1 else calls, patience)
        self._took = time.monotonic() - apart - now
        if isinstance(got, float):
            return got
        got.opened = got.first + apart
        if calls > 1:
            got.spacing = 0.0
        self._block = got
        return 0.0

    def _used_up(self, wait: float) -> RetriableError:
        return RetriableError(f"{self.name}: its limit of calls is used up; the next may go in {ceil(wait)} seconds")

    @contextmanager
    def _shared(self) -> Iterator[tuple[State, float]]:
        """The state, locked for the time of the block and kept at its end, and the time by the clock all share."""
        store = Store(self._engine)
        if store.is_sqlite and is_rehearsed(self._engine):
            # A rehearsal holds the one writer of SQLite, so nobody else calls: what went before is read once.
            if self._rehearsed is None:
                with store.read() as connection:
                    self._rehearsed = _state(_load(connection, self.name))
            yield self._rehearsed, time.time()
            return
        with store.begin() as connection:
            insert_new(connection, call_limits, [{"name": self.name, "state": {}}])
            state = _state(_load(connection, self.name))
            yield state, _now(connection)
            mine = update(call_limits).where(call_limits.c.name == self.name)
            connection.execute(mine.values(state=asdict(state)))


def _load(connection: Connection, name: str) -> dict[str, Any]:
    query = select(call_limits.c.state).where(call_limits.c.name == name).with_for_update()
    return connection.execute(query).scalar() or {}


def _state(kept: dict[str, Any]) -> State:
    return State(**kept | {"spans": [Span(**span) for span in kept.get("spans", ())]})


def _now(connection: Connection) -> float:
    """The time in seconds since the epoch; asked for only when the row is locked."""
    if connection.dialect.name == "sqlite":
        return time.time()
    return float(connection.execute(select(extract("epoch", func.clock_timestamp()))).scalar_one())
