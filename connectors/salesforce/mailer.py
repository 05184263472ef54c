"""Mails by Salesforce: the action `emailSimple`, or for contacts whom a person has marked, a sales cadence.

Salesforce sends whatever it is given here, to people who opted out too: we look their wishes up before each batch. It
knows no key of ours, so that a mail whose answer was lost cannot be looked up and is never sent again by itself.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors.crm.foreign import text_of
from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.tables import LinkState
from connectors.crm.values import is_address
from connectors.salesforce.cadences import Cadences, Seat
from connectors.salesforce.errors import Denied
from connectors.salesforce.fields import ContactField
from connectors.salesforce.mapping import clean
from connectors.salesforce.outcomes import failed
from connectors.salesforce.records import Row
from connectors.salesforce.statements import WISHES_BY_EMAIL
from connectors.salesforce.target import Target
from connectors.salesforce.wishes import OPTED_OUT, no_offers, opted_out, wishes_seen
from core.errors import SkippableError
from core.ports import Finding, Handed, Mail, Result
from core.words import Nature

log = logging.getLogger("nolapse.salesforce")

NAME = "salesforce"
SEND = "emailSimple"
"""The standard action that sends a mail."""

_RENAMED_IN = 65.0  # since this version of the API the recipients' input has another name


@dataclass(slots=True)
class _Recipient:
    """Everybody with an address: contacts, and leads that are still open."""

    contacts: list[Row] = field(default_factory=list)
    leads: list[Row] = field(default_factory=list)

    @property
    def contact_id(self) -> str:
        """The one contact with this address; empty where there is none, or several."""
        return text_of(self.contacts[0].get("Id")) if len(self.contacts) == 1 else ""

    @property
    def uses_cadence(self) -> bool:
        return any(row.get(ContactField.USE_CADENCE) is True for row in self.contacts)

    def why_not(self, nature: Nature) -> str:
        """Why no mail of this nature may go to them; empty where it may. One wish of one of them is enough."""
        people = [*self.contacts, *self.leads]
        wishes = [opted_out(row) for row in people]
        if any(wishes):
            return "the recipient has opted out of mails in Salesforce"
        if nature is Nature.SERVICE:
            return ""
        if any(no_offers(row) for row in people):
            return "the recipient wants no offers"
        if None in wishes:
            return f"whether the recipient wants offers is unknown: {OPTED_OUT} is hidden from the integration user"
        return ""


class SalesforceMailer:
    """Carries mails by Salesforce. It is a `Mailer`."""

    name = NAME
    batch_size = 100
    can_find = False

    def __init__(self, target: Target, links: Links) -> None:
        self._target = target
        self._links = links
        self._cadences = Cadences(target, links)

    def send(self, batch: Sequence[Mail]) -> list[Result]:
        """Hands over each mail once. Raises `NolapseError` only where none has been handed over."""
        if not batch:
            return []
        if SEND not in self._target.client.actions():
            raise Denied(f"the action {SEND} is not offered; give the integration user the permission Send Email")
        gone = self._links.get(LinkKind.ENROLMENT, [mail.key for mail in batch])
        results = {
            key: Result(key, Handed.DELIVERED, link.their_id)
            for key, link in gone.items()
            if link.state is LinkState.LINKED
        }
        waiting = [mail for mail in batch if mail.key not in results]
        there = self._recipients({mail.to.strip().lower() for mail in waiting if is_address(mail.to)})
        single: list[tuple[Mail, _Recipient]] = []
        seats: list[Seat] = []
        for mail in waiting:
            recipient = there.get(mail.to.strip().lower(), _Recipient())
            if (why := "" if is_address(mail.to) else "the recipient's address is none") or (
                why := recipient.why_not(mail.nature)
            ):
                results[mail.key] = failed(mail.key, SkippableError(why))
            elif self._by_cadence(mail, recipient):
                seats.append(Seat(mail, recipient.contact_id))
            else:
                single.append((mail, recipient))
        results |= self._seat(seats, there, single)
        results |= self._single(single)
        return [results[mail.key] for mail in batch]

    def find(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Nothing: Salesforce knows no key of a mail."""
        return {}

    def check(self) -> list[Finding]:
        """Whether a mail could be handed over, and what is missing for it."""
        subject = "Salesforce mails"
        if SEND not in self._target.client.actions():
            return [
                Finding(subject, False, f"the action {SEND} is not offered", "give the user the permission Send Email")
            ]
        found = [Finding(subject, True, f"go by {SEND}{self._sender_words()}")]
        if OPTED_OUT not in self._target.info("Contact").fields:
            advice = "give the integration user the field by the permission set of the package"
            found.append(Finding(subject, False, f"Contact.{OPTED_OUT} is hidden: offers are held back", advice))
        if self._target.settings.cadence:
            usable = self._cadences.usable()
            text = (
                "marked contacts go into the cadence" if usable else "the org offers no cadences: all get mails instead"
            )
            found.append(Finding("Salesforce cadence", True, f"{self._target.settings.cadence}: {text}"))
        return found

    def close(self) -> None:
        """Closes the connections."""
        self._target.client.close()

    def _sender_words(self) -> str:
        if self._target.settings.mail_sender == "user":
            return ", from the integration user's address"
        return ", from the org-wide address of mail.sender, whose domain must be verified in Salesforce"

    def _by_cadence(self, mail: Mail, recipient: _Recipient) -> bool:
        """Whether this mail's part is the cadence's: wanted by a person, and not so pressing that it must go today."""
        pressing = mail.urgency is not None and mail.urgency.passes_limits
        wanted = bool(self._target.settings.cadence) and recipient.uses_cadence and bool(recipient.contact_id)
        return wanted and not pressing and self._cadences.usable()

    def _seat(
        self, seats: Sequence[Seat], there: Mapping[str, _Recipient], single: list[tuple[Mail, _Recipient]]
    ) -> dict[str, Result]:
        """The fate of those whom the cadence takes; the others go as mails of their own."""
        stands, unclear = self._cadences.assign(seats)
        single += [
            (seat.mail, there[seat.mail.to.strip().lower()])
            for seat in seats
            if seat.mail.key not in stands and seat.mail.key not in unclear
        ]
        self._links.put(LinkKind.ENROLMENT, [Link(key, cadence) for key, cadence in stands.items()])
        results = {key: Result(key, Handed.DELIVERED, cadence) for key, cadence in stands.items()}
        return results | {key: failed(key, error) for key, error in unclear.items()}

    def _single(self, mails: Sequence[tuple[Mail, _Recipient]]) -> dict[str, Result]:
        if not mails:
            return {}
        records = self._links.get(LinkKind.RECORD, [mail.order_keys[0] for mail, _ in mails if mail.order_keys])
        inputs = [(mail.key, self._input(mail, recipient, records)) for mail, recipient in mails]
        results = {}
        for outcome in self._target.client.invoke(SEND, inputs):
            if outcome.error is None:
                results[outcome.key] = Result(outcome.key, Handed.DELIVERED, SEND)
            else:
                results[outcome.key] = failed(outcome.key, outcome.error)
        sent = [Link(one.key, SEND) for one in results.values() if one.handed is Handed.DELIVERED]
        self._links.put(LinkKind.ENROLMENT, sent)
        return results

    def _input(self, mail: Mail, recipient: _Recipient, records: Mapping[str, Link]) -> dict[str, Any]:
        newer = float(self._target.settings.api_version) >= _RENAMED_IN
        said: dict[str, Any] = {
            "emailSubject": clean(mail.subject),
            "emailBody": clean(mail.html),
            "sendRichBody": True,
        }
        if recipient.contact_id:
            said |= {"recipientId": recipient.contact_id, "logEmailOnSend": True}
            if mail.order_keys and mail.order_keys[0] in records:
                said["relatedRecordId"] = records[mail.order_keys[0]].their_id
        else:
            said["recipientAddresses" if newer else "emailAddresses"] = mail.to.strip()
        if mail.bcc and newer:
            said["bccAddresses"] = mail.bcc
        if self._target.settings.mail_sender == "org_wide":
            said |= {"senderType": "OrgWideEmailAddress", "senderAddress": mail.sender}
        return said

    def _recipients(self, addresses: set[str]) -> dict[str, _Recipient]:
        found: dict[str, _Recipient] = {}
        for row in self._people("Contact", addresses, ContactField.USE_CADENCE, ContactField.NO_OFFERS):
            found.setdefault(_address(row), _Recipient()).contacts.append(row)
        for row in self._people("Lead", addresses, "IsConverted"):
            if row.get("IsConverted") is not True:
                found.setdefault(_address(row), _Recipient()).leads.append(row)
        return found

    def _people(self, sobject: str, addresses: set[str], *own: str) -> list[Row]:
        if not addresses or self._target.client.describe(sobject) is None:
            return []
        fields = ["Id", "Email", *self._target.visible(sobject, *own), *wishes_seen(self._target, sobject)]
        wanted = sorted(addresses)
        return list(self._target.client.query_for(WISHES_BY_EMAIL, "emails", wanted, fields=fields, object=sobject))


def _address(row: Row) -> str:
    return text_of(row.get("Email")).strip().lower()
