"""Salesforce is held to what every CRM and mailer does."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest

from connectors.salesforce.mapping import PRIORITIES, clean
from core.store import Store
from core.words import Urgency
from tests.connectors.contract import CrmContract, MailerContract, OpenedCrm, OpenedMailer, SeenTask
from tests.connectors.salesforce.installations import Installation, running_installation


class SalesforceHands:
    """What a rep does with a task at the screen."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

    def look(self, task_key: str) -> SeenTask:
        task = self._task(task_key)
        owner = self._installation.org.row(task["OwnerId"])
        return SeenTask(
            urgency=Urgency(task["Nolapse_Urgency__c"]),
            due_on=date.fromisoformat(task["ActivityDate"]),
            owner_key=owner["Email"].partition("@")[0],
            body=task["Description"],
            is_open=not task["IsClosed"],
            order_keys=tuple(task["Nolapse_Order_Keys__c"].split()),
        )

    def edit(self, task_key: str, **changes: Any) -> None:
        said: dict[str, Any] = {}
        if "urgency" in changes:
            said = {"Priority": PRIORITIES[changes["urgency"]], "Nolapse_Urgency__c": str(changes["urgency"])}
        if "due_on" in changes:
            said["ActivityDate"] = changes["due_on"].isoformat()
        if "body" in changes:
            said["Description"] = changes["body"]
        if "owner_key" in changes:
            said["OwnerId"] = self._installation.user(changes["owner_key"])
        self._change(task_key, said)

    def finish(self, task_key: str, outcome: str) -> None:
        self._change(task_key, {"Status": "Completed", "Nolapse_Task_Outcome__c": outcome})

    def _task(self, task_key: str) -> dict[str, Any]:
        return self._installation.one("Task", Nolapse_Task_Key__c=task_key)

    def _change(self, task_key: str, said: dict[str, Any]) -> None:
        self._installation.tick()
        self._installation.org.edit(self._task(task_key)["Id"], **said)


class TestSalesforceCrm(CrmContract):
    @pytest.fixture
    def opened(self, ledger: Store) -> Iterator[OpenedCrm]:
        with running_installation(ledger) as installation:
            crm = installation.crm()
            assert crm.search_lag > timedelta(0)
            yield OpenedCrm(crm, SalesforceHands(installation), longest_name=255)


def _message(sent: dict[str, Any]) -> bytes:
    """A mail as Salesforce makes it. It has a number of its own: here that of the mail which the recipient got."""
    message = EmailMessage(policy=SMTP.clone(cte_type="8bit"))
    (message["To"],) = sent["to"]
    number = re.sub(r"\D", "", str(sent["to"]))
    message["Message-ID"] = f"<{number}.renewal@example.com>"
    message.set_content(clean(str(sent["emailBody"])).replace("\r", ""), subtype="html")
    return message.as_bytes()


class TestSalesforceMailer(MailerContract):
    @pytest.fixture
    def opened(self, installation: Installation) -> Iterator[OpenedMailer]:
        installation.org.put("OrgWideEmailAddress", Address="renewals@example.com", DisplayName="Example Trust")
        mailer = installation.mailer()
        yield OpenedMailer(mailer, lambda: [_message(sent) for sent in installation.org.mails])
        mailer.close()
