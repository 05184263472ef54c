"""What an org offers our user: fields of Salesforce's own, e-mail, cadences; and what each lack falls back to.

A field that is hidden by field-level security cannot be told from one that is not there. Of consent it means unknown,
never given.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from connectors.salesforce.blueprint import DEALS
from connectors.salesforce.client import SalesforceClient
from connectors.salesforce.describing import FieldInfo
from connectors.salesforce.engaging import DEAL, EVENT, sees
from connectors.salesforce.fields import ORDER_OBJECT
from connectors.salesforce.layout import Shape, shape_of
from connectors.salesforce.settings import SalesforceSettings
from core.ports import Finding

SEND_MAIL = "emailSimple"
ASSIGN_CADENCE = "assignTargetToSalesCadence"
REMOVE_CADENCE = "removeTargetFromSalesCadence"
CADENCES = frozenset({ASSIGN_CADENCE, REMOVE_CADENCE})
"""The standard actions that Sales Engagement lists where the org has it and the user may use it."""

_FIELDS_ADVICE = "make them visible and editable for the user, in a permission set of yours"


@dataclass(frozen=True, slots=True)
class StandardField:
    """A field of Salesforce's own. `without` says what is done where it is hidden; empty: nothing can be."""

    sobject: str
    name: str
    written: bool = True
    without: str = ""


def standard_fields(settings: SalesforceSettings) -> list[StandardField]:
    """The fields of Salesforce's own that are used under these settings."""
    found = [
        StandardField("Contact", "Email", written=False),
        StandardField("Contact", "AccountId", written=False),
        StandardField(
            "Contact", "HasOptedOutOfEmail", written=False, without="who refuses mails is unknown: nobody gets offers"
        ),
        StandardField("Contact", "DoNotCall", without="who refuses calls is not marked there"),
        StandardField("Contact", "IndividualId", written=False, without="what an Individual refuses is unknown"),
        *(StandardField("Task", name) for name in _TASK),
        StandardField("Task", "TaskSubtype", without="calls are plain tasks"),
        *_of_shape(shape_of(settings)),
    ]
    if "website" in settings.match:
        found.append(StandardField("Account", "Website", written=False, without="accounts are not found by it"))
    if settings.reminder_hour >= 0:
        found.append(StandardField("Task", "ReminderDateTime", without="nobody is reminded of tasks"))
    return found


_TASK = ("Subject", "Status", "Priority", "ActivityDate", "Description", "OwnerId", "WhoId", "WhatId")


def _of_shape(shape: Shape) -> Iterator[StandardField]:
    """The object's own fields where an order is a case or opportunity; those of our own object come with it."""
    if shape.sobject == ORDER_OBJECT:
        return
    for name in filter(None, (shape.title, shape.stage, shape.account, shape.closes_on)):
        yield StandardField(shape.sobject, name)
    for name in filter(None, (shape.contact, shape.amount)):
        yield StandardField(shape.sobject, name, without="it stays empty")


def standard_findings(client: SalesforceClient, settings: SalesforceSettings) -> list[Finding]:
    """What is hidden or read-only of the fields of Salesforce's own. Raises `SalesforceError`."""
    lacking = [one for one in standard_fields(settings) if not _usable(client, one)]
    needed = [f"{one.sobject}.{one.name}" for one in lacking if not one.without]
    found = [
        Finding("Salesforce fields", True, f"{one.sobject}.{one.name} is hidden or read-only: {one.without}")
        for one in lacking
        if one.without
    ]
    if needed:
        text = f"{', '.join(needed)} hidden or read-only, but needed"
        return [Finding("Salesforce fields", False, text, _FIELDS_ADVICE), *found]
    return [Finding("Salesforce fields", True, "those of Salesforce's own that are needed can be used"), *found]


def _usable(client: SalesforceClient, one: StandardField) -> bool:
    info = client.describe(one.sobject)
    there = info.fields.get(one.name) if info is not None else None
    return there is not None and (not one.written or _written(there))


def _written(there: FieldInfo) -> bool:
    # Some are set on creation only, as the subtype of a task.
    return there.createable or there.updateable


def engagement_findings(client: SalesforceClient, settings: SalesforceSettings) -> list[Finding]:
    """Whether open deals and talks of people are seen, which turn calls into notes. Raises `SalesforceError`."""
    subject = "Salesforce open deals and talks"
    lacking = []
    if settings.open_deals and not sees(client.describe, DEAL):
        lacking.append(("opportunities", f"{DEALS} gives them, or set salesforce.open_deals = false"))
    if not sees(client.describe, EVENT):
        lacking.append(("events", "give the user Access Activities"))
    if not lacking:
        seen = "opportunities, tasks and events" if settings.open_deals else "tasks and events"
        return [Finding(subject, True, f"turn calls into notes; {seen} are seen")]
    unseen = " and ".join(what for what, _ in lacking)
    text = f"warning: {unseen} are not seen, so that calls are made all the same"
    return [Finding(subject, True, text, "; ".join(advice for _, advice in lacking))]


def has_mail_messages(client: SalesforceClient) -> bool:
    """Whether mails can be logged as e-mail messages: the org has enhanced e-mail or e-mail-to-case."""
    info = client.describe("EmailMessage")
    return info is not None and info.createable


def as_offered(client: SalesforceClient, settings: SalesforceSettings) -> SalesforceSettings:
    """The settings as far as the org allows them: without e-mail messages mails are logged as tasks."""
    return settings if has_mail_messages(client) else replace(settings, log_mails="task")


def mail_findings(client: SalesforceClient, settings: SalesforceSettings) -> list[Finding]:
    """What becomes of mails: how they are logged, whether Salesforce can send them, whether cadences can be used."""
    actions = client.actions()
    return [_logging(client, settings), _sending(actions), _cadences(actions, settings)]


def _logging(client: SalesforceClient, settings: SalesforceSettings) -> Finding:
    if settings.log_mails == "task":
        return Finding("Salesforce mail log", True, "mails are logged as completed tasks")
    if has_mail_messages(client):
        return Finding("Salesforce mail log", True, "mails are logged as e-mail messages")
    text = "the org has no enhanced e-mail, or the user may not use it: mails are logged as completed tasks"
    return Finding("Salesforce mail log", True, text)


def _sending(actions: Iterable[str]) -> Finding:
    if SEND_MAIL in actions:
        text = "can be sent; Salesforce drops them silently where the sender's domain is not verified in Setup"
        return Finding("Salesforce e-mail", True, text)
    return Finding("Salesforce e-mail", True, 'cannot be sent by the user (Send Email); mail.via = "smtp" does without')


def _cadences(actions: frozenset[str], settings: SalesforceSettings) -> Finding:
    if actions >= CADENCES:
        return Finding("Salesforce cadences", True, "can be used")
    text = "not available (Sales Engagement, and the user's permission for it); our own mails go instead"
    wanted = bool(settings.cadence)
    return Finding("Salesforce cadences", not wanted, text, "set salesforce.cadence to nothing" if wanted else "")
