"""Mails on the timeline of their contact, and refusals written back."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from connectors.crm.customers import Someone
from connectors.crm.foreign import text_of
from connectors.crm.links import LinkKind, Links
from connectors.salesforce.capabilities import has_mail_messages
from connectors.salesforce.fields import ContactField, MailField, TaskField
from connectors.salesforce.hanging import About, Ends, ends_of
from connectors.salesforce.mapping import clean, cut, is_id, moment_of
from connectors.salesforce.once import Once
from connectors.salesforce.outcomes import failed, result_of
from connectors.salesforce.people import People
from connectors.salesforce.records import Write
from connectors.salesforce.statements import WISHES_BY_EMAIL
from connectors.salesforce.target import Target
from core.batches import batched
from core.errors import NolapseError, SkippableError
from core.ports import Handed, MailLog, OptOut, Result
from core.words import Channel, Nature

_SENT = "3"
_LOG = "log:"  # before the key of the mail that is logged
_SUBJECT = 255  # of the activity that Salesforce makes of a message
_AT_ONCE = 200  # recipients of a message are a list, which a bulk job cannot carry
_MAIL, _TASK = "EmailMessage", "Task"
_CASE_PREFIX = "500"
_PEOPLE = ("Contact", "Lead")


class Timeline:
    """Logs mails, each once, and brings the renewal facts of their contacts up to date.

    A mail is an e-mail message where the org has them and the settings want them, else a completed task.
    """

    def __init__(self, target: Target, links: Links, people: People) -> None:
        self._target = target
        self._links = links
        self._people = people

    def log(self, mails: Sequence[MailLog]) -> list[Result]:
        """Logs mails. One that Salesforce sent, or that nothing there is about, is settled without a log."""
        about = [About(one.key, one.account_key, one.to, one.order_keys) for one in mails]
        ends = ends_of(self._links, about)
        by_salesforce = self._links.get(LinkKind.ENROLMENT, [one.key.removeprefix(_LOG) for one in mails])
        wanted = [
            one
            for one in mails
            if one.key.removeprefix(_LOG) not in by_salesforce and (ends[one.key].who or ends[one.key].what)
        ]
        made = self._make(wanted, ends) if wanted else {}
        self._tell(mails)
        return [made.get(one.key) or Result(one.key, Handed.DELIVERED, "no log") for one in mails]

    def _make(self, wanted: Sequence[MailLog], ends: Mapping[str, Ends]) -> dict[str, Result]:
        as_message = self._has_messages()
        sobject, key = (_MAIL, str(MailField.KEY)) if as_message else (_TASK, str(TaskField.MAIL_KEY))
        once = Once(self._target, self._links, LinkKind.MAIL, sobject, key)
        found: dict[str, Result] = {}
        for some in batched(wanted, _AT_ONCE):
            writes = []
            for one in some:
                end = ends[one.key]
                said = self._message(one, end) if as_message else _done_task(one, end)
                writes.append(
                    Write(one.key, self._target.fitting(sobject, said | {key: one.key}, new=True), parent=end.parent)
                )
            found |= {one.key: result_of(one.key, one) for one in once.make(writes)}
        return found

    def _has_messages(self) -> bool:
        """Whether the org keeps mails as messages, which Enhanced Email must be switched on for."""
        if self._target.settings.log_mails == "task":
            return False
        client = self._target.client
        return has_mail_messages(client) and bool(self._target.visible(_MAIL, MailField.KEY))

    def _message(self, log: MailLog, end: Ends) -> dict[str, Any]:
        said: dict[str, Any] = {
            "Subject": cut(clean(log.subject), _SUBJECT),
            "TextBody": log.text,
            "Status": _SENT,
            "Incoming": False,
            "MessageDate": moment_of(log.sent_at),
        }
        # People of the org must be named by their ids, addresses are for everybody else.
        said |= {"ToIds": [end.who]} if end.who else {"ToAddress": log.to}
        if end.what:
            said["ParentId" if is_id(end.what, _CASE_PREFIX) else "RelatedToId"] = end.what
        return said

    def _tell(self, mails: Sequence[MailLog]) -> None:
        """The facts go again with the next mail or record, so that a failure here is no reason to log a mail twice."""
        told = {
            one.to.lower(): Someone(one.person, one.account_key, link=one.renewal_link)
            for one in mails
            if one.person is not None
        }
        if told:
            self._people.tell(list(told.values()))


def _done_task(log: MailLog, end: Ends) -> dict[str, Any]:
    said: dict[str, Any] = {
        "Subject": log.subject,
        "Description": log.text,
        "Status": "Completed",
        "TaskSubtype": "Email",
        "ActivityDate": log.sent_at.date().isoformat(),
    }
    return said | {name: id for name, id in (("WhoId", end.who), ("WhatId", end.what)) if id}


class Refusals:
    """Writes back who does not want mails or calls, on contacts and leads. Each may be repeated."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def write(self, optouts: Sequence[OptOut]) -> list[Result]:
        """All mails: opted out. Offers: marked by our own field. Calls: do not call."""
        problems: dict[str, NolapseError] = {}
        for sobject in _PEOPLE:
            if self._target.client.describe(sobject) is not None:
                problems |= self._write_on(sobject, [one for one in optouts if one.key not in problems])
        return [
            failed(one.key, problems[one.key]) if one.key in problems else Result(one.key, Handed.DELIVERED, one.key)
            for one in optouts
        ]

    def _write_on(self, sobject: str, optouts: Sequence[OptOut]) -> dict[str, NolapseError]:
        """What went wrong, by key."""
        wanted = {one.key: _mark_of(one) for one in optouts}
        info = self._target.info(sobject)
        problems: dict[str, NolapseError] = {}
        rows = self._rows(sobject, {one.address.strip().lower() for one in optouts})
        writes, of_write = [], {}
        for one in optouts:
            name = wanted[one.key]
            ids = rows.get(one.address.strip().lower(), [])
            if not ids or (sobject != "Contact" and name == ContactField.NO_OFFERS):
                continue
            if name not in info.fields or not info.fields[name].updateable:
                problems[one.key] = SkippableError(
                    f"Salesforce: {sobject}.{name} is hidden from the integration user, so that the refusal cannot be "
                    "written; give it the field, or set the box by hand"
                )
                continue
            for number, id in enumerate(ids):
                write = Write(f"{one.key} {number}", {name: True}, id)
                writes.append(write)
                of_write[write.key] = one.key
        # Two wishes of one person are one record twice, which a call refuses.
        for some in _apart(writes):
            for outcome in self._target.client.update(sobject, some):
                if outcome.error is not None:
                    problems[of_write[outcome.key]] = outcome.error
        return problems

    def _rows(self, sobject: str, addresses: Iterable[str]) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        wanted = sorted(set(addresses) - {""})
        if not wanted:
            return found
        fields = ["Id", "Email"] + (["IsConverted"] if sobject == "Lead" else [])
        rows = self._target.client.query_for(
            WISHES_BY_EMAIL,
            "emails",
            wanted,
            fields=["Id", *self._target.visible(sobject, *fields[1:])],
            object=sobject,
        )
        for row in rows:
            if row.get("IsConverted") is not True:  # a converted lead is read-only: its contact speaks for it
                found.setdefault(text_of(row.get("Email")).strip().lower(), []).append(text_of(row.get("Id")))
        return found


def _apart(writes: Sequence[Write]) -> Iterable[list[Write]]:
    """The writes in rounds in which each record stands once."""
    rounds: list[dict[str, Write]] = []
    for write in writes:
        place = next((some for some in rounds if write.id not in some), None)
        if place is None:
            rounds.append({write.id: write})
        else:
            place[write.id] = write
    return [list(some.values()) for some in rounds]


def _mark_of(one: OptOut) -> str:
    if one.channel == Channel.CALL:
        return "DoNotCall"
    return str(ContactField.NO_OFFERS) if one.nature == Nature.COMMERCIAL else "HasOptedOutOfEmail"
