"""What the general door is told, and what follows from it."""

from datetime import UTC, date, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import select
from sqlalchemy.engine import Connection

from core.confirmations import Confirmation, note, retract
from core.errors import SkippableError, UsageError
from core.inbox import Event
from core.lookup import order_key_for
from core.policy import Policy
from core.reopen import reopen
from core.schema import confirmations
from core.timing import Timer
from core.words import Certainty, Clock, ConfirmationState

DOOR = "renewals"
SOURCE = "webhook"
_KEPT = (ConfirmationState.WAITING, ConfirmationState.APPLIED)
_CERTAINTY = {"renewal.placed": Certainty.IN_PROGRESS, "renewal.confirmed": Certainty.PROVISIONAL}

OrderName = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[!-~]+$")]


class RenewalData(BaseModel):
    """Which order it is about."""

    model_config = ConfigDict(extra="forbid")

    order: OrderName = Field(description="The order: `digicert:12345`, or its bare id where only one order has it.")
    renewed_on: date | None = Field(
        default=None, description="The day it happened (UTC). Without it, the day of the event."
    )
    new_order: OrderName | None = Field(default=None, description="The order that follows it.")
    clock: Literal["renewal", "reissue", "install"] = Field(
        default="renewal", description="What happened: the order renewed, its certificate reissued, or installed."
    )


class RenewalEvent(BaseModel):
    """One event. An order that is not known yet is kept in mind."""

    model_config = ConfigDict(extra="forbid")

    type: Literal["renewal.placed", "renewal.confirmed", "renewal.withdrawn"] = Field(
        description="Placed: the new order is on its way. Confirmed: it is there. Withdrawn: it was a mistake."
    )
    timestamp: AwareDatetime = Field(description="When it happened.")
    data: RenewalData


class Renewals:
    """Applies the events of this door."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def __call__(self, connection: Connection, event: Event, timer: Timer) -> str:
        try:
            said = RenewalEvent.model_validate_json(event.content)
        except ValidationError as error:
            raise SkippableError("what it says is not of the form that this door takes") from error
        key, known = order_key_for(connection, said.data.order)
        clock = Clock(said.data.clock)
        if said.type == "renewal.withdrawn":
            return self._withdraw(connection, event, said, key, timer)
        if _withdrawn_since(connection, key, clock, said.timestamp):
            return f"{key}: it was withdrawn before this came"
        new_key = order_key_for(connection, said.data.new_order)[0] if said.data.new_order else ""
        given = _confirmation(event, said, key, _CERTAINTY[said.type], new_key)
        note(connection, [given], said.timestamp.astimezone(UTC))
        return f"{key}: {given.certainty}{'' if known else '; the order is not known yet'}"

    def _withdraw(self, connection: Connection, event: Event, said: RenewalEvent, key: str, timer: Timer) -> str:
        """Takes back what this door has told; where nothing else speaks for the renewal, the cycle runs again."""
        clock = Clock(said.data.clock)
        mine = (confirmations.c.order_key == key) & (confirmations.c.clock == clock)
        found = connection.execute(
            select(confirmations.c.source, confirmations.c.source_key, confirmations.c.certainty).where(
                mine, confirmations.c.state.in_(_KEPT)
            )
        ).all()
        # What comes later but was said earlier must find that it no longer holds.
        note(connection, [_confirmation(event, said, key, Certainty.PROBABLE, "")], said.timestamp.astimezone(UTC))
        retract(connection, SOURCE, [event.key])
        told = [row.source_key for row in found if row.source == SOURCE]
        if not told:
            return f"{key}: there was nothing to take back"
        if all(row.source == SOURCE for row in found):
            try:
                reopen(connection, key, clock, "withdrawn by its sender", self._policy, timer)
                return f"{key}: taken back; it runs again"
            except UsageError:
                # No cycle was closed by it: taking the evidence back is all there is to do.
                pass
        retract(connection, SOURCE, told)
        return f"{key}: taken back"


def _confirmation(event: Event, said: RenewalEvent, key: str, certainty: Certainty, new_key: str) -> Confirmation:
    return Confirmation(
        source=SOURCE,
        source_key=event.key,
        order_key=key,
        renewed_on=said.data.renewed_on or said.timestamp.astimezone(UTC).date(),
        certainty=certainty,
        evidence=said.type,
        clock=Clock(said.data.clock),
        new_order_key=new_key,
    )


def _withdrawn_since(connection: Connection, key: str, clock: Clock, moment: datetime) -> bool:
    withdrawn = (confirmations.c.source == SOURCE) & (confirmations.c.evidence == "renewal.withdrawn")
    query = select(confirmations.c.id).where(
        withdrawn,
        confirmations.c.order_key == key,
        confirmations.c.clock == clock,
        confirmations.c.received_at >= moment.astimezone(UTC),
    )
    return connection.execute(query.limit(1)).first() is not None
