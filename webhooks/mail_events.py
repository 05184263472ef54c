"""What follows from mails that came back: bad addresses and complaints are suppressed, a person's answer goes to the rep.

A bounce or a complaint is believed only where it names a mail of ours, and for the address to which that mail went: such a
report is easily forged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from core import answers
from core.answered import Answer, AnswerKind
from core.inbox import Event
from core.policy import Policy
from core.recipients import is_own
from core.returned import Returned, ReturnKind, understand
from core.schema import contacts, deliveries
from core.suppressions import queue_optout, suppress
from core.timing import Timer
from core.words import Channel, DeliveryKind, Nature

DOOR = "mail"
_UNSUBSCRIBE = "unsubscribe"
_MOST_ACCOUNTS = 5


@dataclass(frozen=True, slots=True)
class Mails:
    """Applies the mails that came back. `crm`: there is a CRM that is to know of wishes."""

    policy: Policy
    crm: bool

    def __call__(self, connection: Connection, event: Event, timer: Timer) -> str:
        said = understand(event.content)
        match said.kind:
            case ReturnKind.HARD_BOUNCE:
                return self._bounced(connection, said, timer)
            case ReturnKind.COMPLAINT:
                return self._complained(connection, said, timer)
            case ReturnKind.REPLY:
                return self._replied(connection, event, said, timer)
        return f"{said.kind}{f' {said.status}' if said.status else ''}: nothing follows"

    def _bounced(self, connection: Connection, said: Returned, timer: Timer) -> str:
        sent = _sent(connection, said.message_ids, said.addresses)
        if not sent:
            return "hard_bounce: it names no mail of ours to that address"
        for address in {row.email for row in sent}:
            suppress(
                connection,
                address,
                Channel.MAIL,
                Nature.SERVICE,
                "bounce",
                f"it bounced ({said.status})",
                timer.opening,
            )
        return f"hard_bounce {said.status}: the address is written to no more"

    def _complained(self, connection: Connection, said: Returned, timer: Timer) -> str:
        sent = _sent(connection, said.message_ids)
        if not sent:
            return "complaint: it names no mail of ours"
        self._stop(connection, {row.email for row in sent}, "complaint", "called spam", timer)
        return "complaint: the address is written to no more"

    def _replied(self, connection: Connection, event: Event, said: Returned, timer: Timer) -> str:
        if is_own(said.sender, self.policy.scope.own_domains):
            return "reply: by one of us"
        people = connection.execute(
            select(contacts.c.account_id, contacts.c.email).where(contacts.c.email == said.sender)
        ).all()
        if people and said.subject.strip().lower() == _UNSUBSCRIBE:
            self._stop(connection, {said.sender}, _UNSUBSCRIBE, "by a mail", timer)
            return "unsubscribe: the address is written to no more"
        asked = {row.account_id for row in _sent(connection, said.message_ids)}
        accounts = sorted(asked or {row.account_id for row in people})[:_MOST_ACCOUNTS]
        if not accounts:
            return "reply: neither the sender nor the mail is known"
        words = ": ".join(part for part in (said.subject, said.words) if part)
        answer = Answer(AnswerKind.REPLY, event.received_at, words, said.sender_name, said.sender)
        told = [answers.about_account(connection, which, answer, self.policy, timer) for which in accounts]
        return "; ".join(told)

    def _stop(self, connection: Connection, addresses: set[str], source: str, why: str, timer: Timer) -> None:
        for address in addresses:
            suppress(connection, address, Channel.MAIL, Nature.SERVICE, source, why, timer.opening)
            if self.crm:
                queue_optout(connection, address, Channel.MAIL, Nature.SERVICE, timer)


def _sent(connection: Connection, message_ids: Sequence[str], addresses: Sequence[str] = ()) -> Sequence[Any]:
    """Our mails of these ids, to these addresses or to any: of each its account, and the address that it went to."""
    if not message_ids:
        return ()
    query = (
        select(deliveries.c.account_id, contacts.c.email)
        .join(contacts, contacts.c.id == deliveries.c.contact_id)
        .where(deliveries.c.kind == DeliveryKind.MAIL, deliveries.c.outside_id.in_(message_ids))
    )
    if addresses:
        query = query.where(contacts.c.email.in_(addresses))
    return connection.execute(query).all()
