"""Mails by HubSpot: transactional single-send, or for those whom a person has marked, enrolment in a sequence.

Single-send goes by its own key, so that a mail which is handed over again is not sent again. Transactional mail ignores
opt-outs; we look them up before each batch.
"""

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from connectors.crm.links import Link, LinkKind, Links
from connectors.crm.matching import domain_of
from connectors.crm.tables import LinkState
from connectors.hubspot.errors import Denied, HubSpotError, Refused, Unclear
from connectors.hubspot.fields import opted_out_field
from connectors.hubspot.foreign import mapping_of, text_of
from connectors.hubspot.mapping import clean
from connectors.hubspot.objects import CrmObject, Owner
from connectors.hubspot.outcomes import failed
from connectors.hubspot.target import Target
from connectors.hubspot.transport import path_of
from core.errors import NolapseError, PostponedError, SkippableError
from core.ports import Finding, Handed, Mail, Result
from core.words import Nature

log = logging.getLogger("nolapse.hubspot")

NAME = "hubspot"
_SEND = "/marketing/v3/transactional/single-email/send"
_ENROL = "/automation/v4/sequences/enrollments"
_ASKED = ("email", "hs_email_optout", "hs_sequences_is_enrolled", "nolapse_use_sequence")
_TAKEN = frozenset({"", "SENT", "QUEUED", "IDEMPOTENT_IGNORE"})


@dataclass(frozen=True, slots=True)
class _Recipient:
    """The contact behind an address, as far as HubSpot knows one."""

    contact: CrmObject | None

    def has(self, name: str) -> bool:
        return self.contact is not None and self.contact.properties.get(name) == "true"


class HubSpotMailer:
    """Carries mails by HubSpot. It is a `Mailer`."""

    name = NAME
    batch_size = 50
    can_find = True
    fileless = True  # neither single sends nor sequences take attachments

    def __init__(self, target: Target, links: Links) -> None:
        self._target = target
        self._links = links
        out_of_offers = opted_out_field(target.settings.subscription_id)
        self._no_offers = ("nolapse_no_offers", *filter(None, [out_of_offers]))

    def send(self, batch: Sequence[Mail]) -> list[Result]:
        """Hands over each mail once. Raises `NolapseError` only where none has been handed over."""
        if not batch:
            return []
        if not self._target.settings.single_send_id:
            raise Denied("no transactional e-mail is named; make one as its README says and set hubspot.single_send_id")
        gone = self._links.get(LinkKind.ENROLMENT, [mail.key for mail in batch])
        waiting = [mail for mail in batch if mail.key not in gone or gone[mail.key].state is not LinkState.LINKED]
        addresses = list(dict.fromkeys(mail.to.lower() for mail in waiting if _usable(mail.to)))
        asked = (*_ASKED, *self._no_offers)
        there = self._target.client.batch_read("contacts", addresses, asked, "email") if addresses else {}
        with ThreadPoolExecutor(self._target.client.parallel, thread_name_prefix="hubspot") as pool:
            sent = pool.map(lambda mail: self._one(mail, _Recipient(there.get(mail.to.lower())), gone), waiting)
            results = {result.key: result for result in sent}
        self._links.put(
            LinkKind.ENROLMENT,
            [Link(one.key, one.outside_id) for one in results.values() if one.handed is Handed.DELIVERED],
        )
        return [results.get(mail.key) or Result(mail.key, Handed.DELIVERED, gone[mail.key].their_id) for mail in batch]

    def find(self, keys: Sequence[str]) -> Mapping[str, str]:
        """Those that HubSpot has taken. A mail that is not among them may be sent again: its key keeps it single."""
        found = self._links.get(LinkKind.ENROLMENT, keys)
        begun = {key: link for key, link in found.items() if link.state is LinkState.SENDING}
        enrolled = [Link(key, id) for key, link in begun.items() if (id := self._enrolment(link.facts))]
        self._links.put(LinkKind.ENROLMENT, enrolled)
        linked = {key: link.their_id for key, link in found.items() if link.state is LinkState.LINKED}
        return linked | {link.our_key: link.their_id for link in enrolled}

    def check(self) -> list[Finding]:
        """Whether a mail could be handed over: which way mails go, and what is missing for it."""
        if not self._target.settings.single_send_id:
            advice = "make a transactional e-mail as the README says and set hubspot.single_send_id"
            return [Finding("HubSpot mails", False, "no transactional e-mail is named", advice)]
        named = self._target.settings.sequence_id
        also = f"; marked contacts go into the sequence {named}" if named else ""
        return [Finding("HubSpot mails", True, f"go by single-send {self._target.settings.single_send_id}{also}")]

    def close(self) -> None:
        """Closes the connections."""
        self._target.client.close()

    def _one(self, mail: Mail, recipient: _Recipient, gone: Mapping[str, Link]) -> Result:
        if not _usable(mail.to):
            return failed(mail.key, SkippableError("the recipient's address is none"))
        if recipient.has("hs_email_optout"):
            return failed(mail.key, SkippableError("the recipient has opted out of mails in HubSpot"))
        if mail.nature is Nature.COMMERCIAL and any(map(recipient.has, self._no_offers)):
            # The next sync takes the refusal in, and the mail is worded afresh, without offers.
            return failed(mail.key, PostponedError("the recipient has refused offers in HubSpot since the last sync"))
        try:
            begun = gone.get(mail.key)
            if begun is not None and (id := self._enrolment(begun.facts)):
                return Result(mail.key, Handed.DELIVERED, id)
            if self._by_sequence(mail, recipient) and (id := self._enrol(mail, recipient)):
                return Result(mail.key, Handed.DELIVERED, id)
            return self._single(mail)
        except Unclear as error:
            return Result(mail.key, Handed.UNCERTAIN, error=error)
        except NolapseError as error:
            return failed(mail.key, error)

    def _single(self, mail: Mail) -> Result:
        said = mapping_of(self._target.client.call("POST", _SEND, (), self._body(mail), repeatable=True))
        result = text_of(said.get("sendResult"))
        if result not in _TAKEN or said.get("status") == "CANCELED":
            return failed(mail.key, SkippableError(f"HubSpot did not send it: {result or 'cancelled'}"))
        return Result(mail.key, Handed.DELIVERED, text_of(said.get("statusId")) or mail.key)

    def _body(self, mail: Mail) -> dict[str, Any]:
        sender = f"{clean(mail.sender_name)} <{mail.sender}>" if mail.sender_name.isprintable() else mail.sender
        return {
            "emailId": self._target.settings.single_send_id,
            "message": {
                "to": mail.to,
                "from": sender.replace("\r", "").replace("\n", ""),
                "sendId": mail.message_id.strip("<>"),
                "replyTo": [mail.reply_to] if mail.reply_to else [],
                "cc": [],
                "bcc": [mail.bcc] if mail.bcc else [],
            },
            "contactProperties": {},
            "customProperties": {
                "subject": clean(mail.subject),
                "html": clean(mail.html),
                "text": clean(mail.text),
                "unsubscribe": mail.headers.get("List-Unsubscribe", "").strip("<>"),
            },
        }

    def _by_sequence(self, mail: Mail, recipient: _Recipient) -> bool:
        """Whether this mail's part is a sequence's: wanted by a person, and not so pressing that it must go today."""
        pressing = mail.urgency is not None and mail.urgency.passes_limits
        return bool(self._target.settings.sequence_id) and recipient.has("nolapse_use_sequence") and not pressing

    def _enrol(self, mail: Mail, recipient: _Recipient) -> str:
        """Enrols the contact; empty where the rules of sequences stand against it, and the mail goes by itself."""
        contact, owner = recipient.contact, self._target.owner(mail.owner_key)
        if contact is None or (why := self._why_not(recipient, owner)) or owner is None:
            if contact is not None and why == _IN_OURS:
                return f"sequence {self._target.settings.sequence_id}"
            log.warning("%s goes by single-send, not by sequence: %s", mail.key, why if contact else "no contact")
            return ""
        sequence_id = self._target.settings.sequence_id
        facts = {"contact": contact.id, "sequence": sequence_id}
        self._links.put(LinkKind.ENROLMENT, [Link(mail.key, state=LinkState.SENDING, facts=facts)])
        body = {"contactId": contact.id, "sequenceId": sequence_id, "senderEmail": owner.email}
        try:
            said = self._target.client.call("POST", _ENROL, (("userId", owner.user_id),), body, repeatable=False)
        except (Refused, Denied) as error:
            self._links.forget(LinkKind.ENROLMENT, [mail.key])
            log.warning("%s goes by single-send, not by sequence: %s", mail.key, error)
            return ""
        except HubSpotError as error:
            if not isinstance(error, Unclear):
                self._links.forget(LinkKind.ENROLMENT, [mail.key])
            raise
        return str(mapping_of(said).get("id", "")) or f"sequence {sequence_id}"

    def _why_not(self, recipient: _Recipient, owner: Owner | None) -> str:
        """The rules that can be looked up: one sequence at a time, and somebody with a user to send it."""
        if recipient.contact is not None and recipient.has("hs_sequences_is_enrolled"):
            facts = {"contact": recipient.contact.id, "sequence": self._target.settings.sequence_id}
            return _IN_OURS if self._enrolment(facts) else "the contact is in another sequence"
        if owner is None or not owner.user_id or not owner.email:
            return "the account's owner is no active user of HubSpot"
        return ""

    def _enrolment(self, facts: Mapping[str, Any]) -> str:
        """The id of the contact's enrolment in that sequence; empty where there is none."""
        if not facts.get("contact"):
            return ""
        path = path_of(f"{_ENROL}/contact/{{contact}}", contact=str(facts["contact"]))
        try:
            said = mapping_of(self._target.client.call("GET", path, repeatable=True))
        except Refused as error:
            if error.details.status == 404:
                return ""
            raise
        return str(said.get("id", "")) if str(said.get("sequenceId", "")) == facts.get("sequence") else ""


_IN_OURS = "the sequence is under way"


def _usable(address: str) -> bool:
    local = address.rpartition("@")[0]
    return bool(local) and "." in domain_of(address) and not any(sign.isspace() for sign in address)
