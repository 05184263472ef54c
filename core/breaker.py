"""The circuit breaker of one kind of delivery and its connector, kept in the store so that all processes share it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, bindparam, delete, select, update
from sqlalchemy.engine import Connection

from core.circuits import Circuit, CircuitState, after_failure, failed_for_everything
from core.policy import DeliverPolicy
from core.ports import Result
from core.schema import circuits
from core.sql import upsert
from core.store import Store
from core.words import DeliveryKind

# Put together once: it is asked before every batch.
_CIRCUIT = select(circuits.c.failures, circuits.c.broken_until, circuits.c.why).where(
    circuits.c.kind == bindparam("of_kind"), circuits.c.connector == bindparam("of_connector")
)


@dataclass(frozen=True, slots=True)
class Broken:
    """A circuit that is not closed."""

    kind: str
    connector: str
    failures: int
    until: datetime
    state: CircuitState
    why: str

    @property
    def words(self) -> str:
        """What an operator reads."""
        when = f"until {self.until:%H:%M:%S} UTC"
        rests = f"is not tried {when}" if self.state is CircuitState.OPEN else "is tried with one item next"
        why = f" ({self.why})" if self.why else ""
        return f"{self.kind} {rests}: {self.connector} has failed for everything {self.failures} times in a row{why}"


@dataclass(frozen=True, slots=True)
class Breaker:
    """The breaker of one kind and connector."""

    kind: DeliveryKind
    connector: str
    policy: DeliverPolicy

    def broken(self, connection: Connection) -> Broken | None:
        """The circuit as it is now where it is not closed."""
        circuit = self._read(connection)
        state = circuit.state(datetime.now(UTC), self._pause)
        if circuit.broken_until is None or not self.policy.break_after:
            return None
        return Broken(self.kind, self.connector, circuit.failures, circuit.broken_until, state, circuit.why)

    def take_trial(self, store: Store) -> datetime | None:
        """Takes the right to try one item for this process alone; gives until when, or None where another has it."""
        now = datetime.now(UTC)
        until = now + self._pause
        rests = (circuits.c.broken_until > now) & (circuits.c.broken_until <= until)
        with store.begin() as connection:
            taken = connection.execute(update(circuits).where(self._mine, ~rests).values(broken_until=until))
            return until if taken.rowcount == 1 else None

    def give_trial_back(self, store: Store, until: datetime) -> None:
        """Returns a trial in which nothing was handed over."""
        with store.begin() as connection:
            untried = self._mine & (circuits.c.broken_until == until)
            connection.execute(update(circuits).where(untried).values(broken_until=datetime.now(UTC)))

    def note(self, connection: Connection, results: Mapping[str, Result]) -> bool:
        """Notes how a batch went. Gives whether the circuit is broken by it."""
        answers = list(results.values())
        if not failed_for_everything(answers):
            connection.execute(delete(circuits).where(self._mine))
            return False
        why = next((str(result.error) for result in answers if result.error is not None), "no answer came")
        circuit = self._read(connection, lock=True)
        after = after_failure(circuit, why, datetime.now(UTC), self.policy.break_after, self._pause)
        row = {
            "kind": self.kind,
            "connector": self.connector,
            "failures": after.failures,
            "broken_until": after.broken_until,
            "why": after.why,
        }
        upsert(connection, circuits, ["kind", "connector"], [row])
        return after.broken_until is not None

    def _read(self, connection: Connection, *, lock: bool = False) -> Circuit:
        which = {"of_kind": self.kind, "of_connector": self.connector}
        row = connection.execute(_CIRCUIT.with_for_update() if lock else _CIRCUIT, which).one_or_none()
        return Circuit() if row is None else Circuit(row.failures, row.broken_until, row.why)

    @property
    def _mine(self) -> ColumnElement[bool]:
        return (circuits.c.kind == self.kind) & (circuits.c.connector == self.connector)

    @property
    def _pause(self) -> timedelta:
        return timedelta(seconds=self.policy.break_seconds)


def broken_circuits(connection: Connection, policy: DeliverPolicy) -> Sequence[Broken]:
    """Every circuit that is not closed."""
    query = select(circuits.c.kind, circuits.c.connector).order_by(circuits.c.kind, circuits.c.connector)
    found = [
        Breaker(DeliveryKind(row.kind), row.connector, policy).broken(connection) for row in connection.execute(query)
    ]
    return [one for one in found if one is not None]
