"""Who must not be contacted, and why: pure rules over what is known of an order, its account and a person."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from core.clocks import ENDED_BY_STATUS
from core.reasons import Reason
from core.words import Certainty, Channel, Clock, Nature, OrderStatus, ProductKind, Stage


@dataclass(frozen=True, slots=True)
class Scope:
    """What the operator leaves alone: kinds of product, and how far the CA's own notice switch is obeyed."""

    kinds: tuple[ProductKind, ...] = (ProductKind.TLS,)
    respect_ca_notice_switch: bool = False
    own_domains: tuple[str, ...] = ()


class Standing(NamedTuple):
    """What is known of one cycle at this moment. `awaited` is the surest confirmation that settle has not applied.

    `silent` says that by the account's route nobody of ours tells the customer anything.
    """

    clock: Clock
    open: bool
    outcome: str
    closing: str
    stage: Stage
    kind: ProductKind
    status: OrderStatus
    auto_renew: bool
    ca_notices_off: bool
    do_not_contact: bool
    do_not_call: bool
    snoozed_until: date | None = None
    committed_until: date | None = None
    answered_until: date | None = None
    awaited: Certainty | None = None
    silent: bool = False
    calls_paused_until: date | None = None
    held_until: date | None = None

    def is_held(self, day: date) -> bool:
        """Whether the operator has it left alone on this day."""
        return self.held_until is not None and day < self.held_until


def why_not(standing: Standing, channel: Channel, day: date, scope: Scope, *, automatic: bool = False) -> Reason | None:
    """Why this cycle must not be contacted on this channel and day, or None.

    `automatic` marks the steps made for orders that renew by themselves: for those, renewing by itself is no reason.
    """
    if not standing.open:
        return _closed_because(standing.outcome)
    if standing.closing:
        return _closed_because(standing.closing)
    if (ended := ENDED_BY_STATUS.get(standing.status)) is not None:
        return ended
    if standing.kind not in scope.kinds:
        return Reason.OUT_OF_SCOPE
    if (reason := _renewal_known(standing)) is not None:
        return reason
    if standing.do_not_contact:
        return Reason.DO_NOT_CONTACT
    if standing.silent:
        return Reason.SILENT
    if standing.is_held(day):
        return Reason.HELD
    if channel is Channel.CALL and standing.do_not_call:
        return Reason.DO_NOT_CALL
    if channel is Channel.CALL and standing.calls_paused_until is not None and day < standing.calls_paused_until:
        return Reason.PROBABLY_RENEWED
    if standing.snoozed_until is not None and day < standing.snoozed_until:
        return Reason.SNOOZED
    if standing.answered_until is not None and day < standing.answered_until:
        return Reason.ANSWERED
    if standing.clock is not Clock.RENEWAL:
        return None
    if standing.stage is Stage.LOST:
        return Reason.LOST
    if standing.committed_until is not None and day < standing.committed_until:
        return Reason.COMMITTED
    if standing.auto_renew and not automatic:
        return Reason.AUTO_RENEW
    if standing.ca_notices_off and scope.respect_ca_notice_switch:
        return Reason.CA_NOTICES_OFF
    return None


def _closed_because(outcome: str) -> Reason:
    return Reason(outcome) if outcome in Reason.__members__.values() else Reason.LAPSED


def _renewal_known(standing: Standing) -> Reason | None:
    if standing.awaited in (Certainty.CONFIRMED, Certainty.PROVISIONAL):
        return {
            Clock.RENEWAL: Reason.RENEWED,
            Clock.REISSUE: Reason.REISSUED,
            Clock.INSTALL: Reason.INSTALLED,
        }[standing.clock]
    if standing.clock is not Clock.RENEWAL:
        return None
    if standing.stage is Stage.IN_PROGRESS or standing.awaited is Certainty.IN_PROGRESS:
        return Reason.IN_PROGRESS
    return None


@dataclass(frozen=True, slots=True)
class Suppressions:
    """Who is not to be reached: by address, the (channel, nature) pairs refused and why."""

    by_address: Mapping[str, Collection[tuple[str, str, str]]] = field(default_factory=dict)

    def why_not(self, address: str, channel: Channel, nature: Nature) -> Reason | None:
        """Why this address gets no message of this nature on this channel, or None.

        Who refuses service messages refuses offers too; who refuses offers still hears of an outage.
        """
        for refused, of_nature, source in self.by_address.get(address.lower(), ()):
            if refused == channel and (of_nature == Nature.SERVICE or of_nature == nature):
                return Reason.UNSUBSCRIBED if source == "unsubscribe" else Reason.SUPPRESSED
        return None
