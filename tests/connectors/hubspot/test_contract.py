"""HubSpot is held to what every CRM and mailer does, with and without unique keys on tasks."""

import html
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest

from connectors.hubspot.mapping import PRIORITIES, day_of, due_at, rich
from core.store import Store
from core.words import Urgency
from tests.connectors.contract import CrmContract, MailerContract, OpenedCrm, OpenedMailer, SeenTask
from tests.connectors.hubspot.accounts import Account, running_account
from tests.fakes.hubspot import ManualClock
from tests.fakes.hubspot.world import MAIL_TEMPLATE


class HubSpotHands:
    """What a rep does with a task at the screen."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def look(self, task_key: str) -> SeenTask:
        said = self._account.one("tasks", nolapse_task_key=task_key).values
        owner = self._account.world.owners[said["hubspot_owner_id"]]
        due_on = day_of(said["hs_timestamp"])
        assert due_on is not None
        return SeenTask(
            urgency=Urgency(said["nolapse_urgency"]),
            due_on=due_on,
            owner_key=owner.email.partition("@")[0],
            body=html.unescape(said["hs_task_body"].replace("<br>", "\n")),
            is_open=said["hs_task_status"] != "COMPLETED",
            order_keys=tuple(said["nolapse_order_keys"].split()),
        )

    def edit(self, task_key: str, **changes: Any) -> None:
        said = {}
        if "urgency" in changes:
            said = {"hs_task_priority": PRIORITIES[changes["urgency"]], "nolapse_urgency": str(changes["urgency"])}
        if "due_on" in changes:
            said["hs_timestamp"] = due_at(changes["due_on"], 15)
        if "body" in changes:
            said["hs_task_body"] = rich(changes["body"])
        if "owner_key" in changes:
            said["hubspot_owner_id"] = next(
                owner.id
                for owner in self._account.world.owners.values()
                if owner.email == f"{changes['owner_key']}@ours.example"
            )
        self._change(task_key, said)

    def finish(self, task_key: str, outcome: str) -> None:
        self._change(task_key, {"hs_task_status": "COMPLETED", "nolapse_task_outcome": outcome})

    def _change(self, task_key: str, said: dict[str, str]) -> None:
        clock = self._account.world.clock
        assert isinstance(clock, ManualClock)
        clock.advance(seconds=1)
        self._account.world.edit("tasks", self._account.one("tasks", nolapse_task_key=task_key).id, None, **said)


class TestHubSpotCrm(CrmContract):
    @pytest.fixture(params=[True, False], ids=["unique keys", "no unique keys"])
    def opened(self, ledger: Store, request: pytest.FixtureRequest) -> Iterator[OpenedCrm]:
        with running_account(ledger, unique=request.param) as account:
            crm = account.crm()
            crm.batch_size = 60
            assert crm.search_lag > timedelta(0)
            yield OpenedCrm(crm, HubSpotHands(account))


def _message(sent: Any) -> bytes:
    """What HubSpot makes of a transactional mail, as our template in it does."""
    message = EmailMessage(policy=SMTP.clone(cte_type="8bit"))
    message["To"] = sent.to
    message["Message-ID"] = f"<{sent.send_id}>"
    message.set_content(str(sent.custom["text"]).replace("\r", ""))
    return message.as_bytes()


class TestHubSpotMailer(MailerContract):
    @pytest.fixture
    def opened(self, account: Account) -> Iterator[OpenedMailer]:
        mailer = account.mailer(single_send_id=MAIL_TEMPLATE)
        yield OpenedMailer(mailer, lambda: [_message(sent) for sent in account.world.sent])
        mailer.close()
