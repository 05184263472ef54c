"""Mails on the timeline of their contact, and refusals written back."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from connectors.crm.customers import Someone
from connectors.crm.links import LinkKind, Links
from connectors.crm.tables import LinkState
from connectors.hubspot.batches import ItemResult, Write
from connectors.hubspot.errors import Refused
from connectors.hubspot.fields import Holder
from connectors.hubspot.mapping import mail_properties
from connectors.hubspot.once import Draft, Once
from connectors.hubspot.outcomes import failed, result_of
from connectors.hubspot.people import People
from connectors.hubspot.target import Target
from connectors.hubspot.transport import path_of
from core.errors import NolapseError
from core.ports import Handed, MailLog, OptOut, Result
from core.words import Channel, Nature

_STATUS = "/communication-preferences/v4/statuses/{address}"
_LOG = "log:"  # before the key of the mail that is logged
_WHY = "Asked for in answer to a renewal mail."


class Timeline:
    """Logs mails as e-mail engagements, each once, and brings the renewal facts of their contacts up to date."""

    def __init__(self, target: Target, links: Links, people: People) -> None:
        self._target = target
        self._links = links
        self._people = people
        self._once = Once(target, links, Holder.EMAIL, LinkKind.MAIL)

    def log(self, mails: Sequence[MailLog]) -> list[Result]:
        """Logs mails. One that HubSpot sent, or to somebody whom it does not know, is settled without an engagement."""
        companies = self._ids(LinkKind.COMPANY, [one.account_key for one in mails])
        contacts = self._ids(LinkKind.CONTACT, [one.to.lower() for one in mails])
        records = self._ids(LinkKind.RECORD, [key for one in mails for key in one.order_keys])
        object_type = self._target.layout.object_type if records else ""
        by_hubspot = self._links.get(LinkKind.ENROLMENT, [one.key.removeprefix(_LOG) for one in mails])
        drafts = []
        for one in mails:
            if one.key.removeprefix(_LOG) in by_hubspot:
                continue  # HubSpot shows what it has sent itself
            ends = [("contacts", contacts.get(one.to.lower(), "")), ("companies", companies.get(one.account_key, ""))]
            ends += [(object_type, records.get(key, "")) for key in one.order_keys]
            kept = tuple(dict.fromkeys(end for end in ends if end[1]))
            if kept:
                drafts.append(Draft(one.key, mail_properties(one), kept))
        made = {one.key: result_of(one.key, one) for one in self._once.make(drafts)}
        self._tell(mails)
        return [made.get(one.key) or Result(one.key, Handed.DELIVERED, "no engagement") for one in mails]

    def _tell(self, mails: Sequence[MailLog]) -> None:
        """The facts go again with the next mail or record, so that a failure here is no reason to log a mail twice."""
        told = {
            one.to.lower(): Someone(one.person, one.account_key, link=one.renewal_link)
            for one in mails
            if one.person is not None
        }
        self._people.tell(list(told.values()))

    def _ids(self, kind: LinkKind, keys: Sequence[str]) -> dict[str, str]:
        found = self._links.get(kind, keys)
        return {key: link.their_id for key, link in found.items() if link.state is LinkState.LINKED}


class Refusals:
    """Writes back who does not want mails or calls. Each may be repeated."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def write(self, optouts: Sequence[OptOut]) -> list[Result]:
        """All mails: opted out of everything. Offers: out of their subscription, and marked. Calls: marked."""
        if not optouts:
            return []
        marked = {one.key: one for one in self._mark([one for one in optouts if _mark_of(one)])}
        with ThreadPoolExecutor(self._target.client.parallel, thread_name_prefix="hubspot") as pool:
            return list(pool.map(lambda one: self._write(one, marked), optouts))

    def _mark(self, optouts: Sequence[OptOut]) -> list[ItemResult]:
        client = self._target.client
        there = client.batch_read("contacts", [one.address for one in optouts], (), "email") if optouts else {}
        writes = [
            Write(one.key, {_mark_of(one): "true"}, there[one.address].id) for one in optouts if one.address in there
        ]
        return client.batch_update("contacts", writes) if writes else []

    def _write(self, one: OptOut, marked: dict[str, ItemResult]) -> Result:
        if one.key in marked and marked[one.key].error is not None:
            return result_of(one.key, marked[one.key])
        try:
            if one.channel == Channel.MAIL and one.nature == Nature.SERVICE:
                path = path_of(_STATUS + "/unsubscribe-all", address=one.address)
                self._call(path, (("channel", "EMAIL"),), None)
            elif one.channel == Channel.MAIL and self._target.settings.subscription_id:
                self._call(path_of(_STATUS, address=one.address), (), self._out_of_offers())
        except NolapseError as error:
            return failed(one.key, error)
        return Result(one.key, Handed.DELIVERED, one.key)

    def _call(self, path: str, query: Sequence[tuple[str, str]], body: Any) -> None:
        try:
            self._target.client.call("POST", path, query, body, repeatable=True)
        except Refused as error:
            # Whoever is out of everything already cannot be opted out of one thing; that is what was wanted.
            if error.details.category != "CONFLICT":
                raise

    def _out_of_offers(self) -> dict[str, Any]:
        return {
            "channel": "EMAIL",
            "statusState": "UNSUBSCRIBED",
            "subscriptionId": self._target.settings.subscription_id,
            "legalBasis": "LEGITIMATE_INTEREST_OTHER",
            "legalBasisExplanation": _WHY,
        }


def _mark_of(one: OptOut) -> str:
    if one.channel == Channel.CALL:
        return "nolapse_do_not_call"
    return "nolapse_no_offers" if one.nature == Nature.COMMERCIAL else ""
