"""What each kind of delivery does in its own way, and what a run counts of it."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol, runtime_checkable

from sqlalchemy.engine import Connection

from core.claims import Claimer
from core.policy import Policy
from core.ports import Result
from core.store import Store
from core.timing import Timer
from core.words import DeliveryKind, DeliveryState


@dataclass(slots=True)
class KindCounts:
    """What became of the deliveries of one kind in this run; `waiting` are those that are still to go."""

    delivered: int = 0
    failed: int = 0
    uncertain: int = 0
    withdrawn: int = 0
    waiting: int = 0


@dataclass(slots=True)
class DeliverCounts:
    """What a delivery run did, by kind. `problems` are clear lines that an operator must act on.

    `waits` counts, by reason code, what was due and had to wait for a limit.
    """

    kinds: dict[DeliveryKind, KindCounts] = field(default_factory=lambda: {kind: KindCounts() for kind in DeliveryKind})
    problems: list[str] = field(default_factory=list)
    held_because: str = ""
    waits: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What a kind made of a batch: items ready to be handed over by delivery id, and ids that fell away, and why.

    `deferred` are ids that cannot go yet: they wait for the next run. `waits` says of some of them which limit they
    wait for, as a reason code.
    """

    items: Mapping[int, Any]
    withdrawn: Mapping[int, str]
    deferred: Collection[int] = ()
    waits: Mapping[int, str] = field(default_factory=dict)


class Kind(Protocol):
    """How one kind of delivery is sealed, handed over and written down. `connector` is the name of who carries it."""

    connector: str
    batch_size: int
    search_lag: timedelta

    def seal(self, connection: Connection, rows: Sequence[Any], timer: Timer) -> Sealed:
        """Re-checks claimed deliveries within the transaction that commits `sending`."""
        ...

    def key_of(self, item: Any) -> str:
        """The key under which the connector answers for an item."""
        ...

    def hand_over(self, items: Sequence[Any]) -> Sequence[Result]:
        """Calls the connector, outside any transaction."""
        ...

    def delivered(self, connection: Connection, done: Sequence[tuple[Any, Any, Result]], timer: Timer) -> None:
        """Writes down what follows from (row, item, result) of deliveries that have arrived."""
        ...

    def not_delivered(self, connection: Connection, row: Any, state: DeliveryState, timer: Timer) -> None:
        """Writes down what follows from a delivery that failed for good or is uncertain."""
        ...

    def find(self, rows: Sequence[Any]) -> Mapping[str, str] | None:
        """The outside ids of those that have arrived, by delivery key; None where nobody can tell.

        Kinds whose calls may be repeated without harm find nothing and so are repeated.
        """
        ...


@runtime_checkable
class FillsCalls(Protocol):
    """A kind whose deliveries go best so many together, more than `deliver.batch_size` where that is smaller."""

    least_claim: int


@runtime_checkable
class Preparing(Protocol):
    """A kind that can make ready while others are delivered."""

    def prepare(self, due: int) -> None:
        """Said before anything is delivered; `due` of its deliveries are about to go, or more than a batch of them."""
        ...

    def rest(self) -> None:
        """Said at the end of a run: what was made ready may go."""
        ...


@dataclass(slots=True)
class Run:
    """One run of deliver, with what it works on and what it has counted."""

    store: Store
    timer: Timer
    policy: Policy
    claimer: Claimer
    counts: DeliverCounts
    stop: Callable[[], bool]
