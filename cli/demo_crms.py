"""Where the demo's reps work: the embedded CRM, or a stand-in of another one that a checkout has."""

import importlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Protocol

from cli.common import many
from cli.sample_portfolio import REPS
from core.errors import UsageError

_HUBSPOT = """
[hubspot]
base_url = "{base_url}"
create = "always"
calls_per_10_seconds = 1000000     # the stand-in knows no limits here
searches_per_second = 1000000
daily_reserve_percent = 0
calls_per_day = 1000000
"""

_SALESFORCE = """
[salesforce]
auth = "session"
domain = "acme.my"
base_url = "{base_url}"
create = "always"
daily_reserve_percent = 0
"""


class StandIn(Protocol):
    """A CRM that stands in for the real one while the demo is played."""

    title: str
    settings: str
    """Its section of the settings."""
    environment: Mapping[str, str]

    def answer_call(self) -> bool:
        """A rep makes the call that has waited longest, and closes its task; whether there was one."""
        ...

    def held(self) -> str:
        """What stands there in the end, in one line."""
        ...


@contextmanager
def stand_in(name: str) -> Iterator[StandIn | None]:
    """The stand-in that takes the CRM's place, with our reps as its users; None for the embedded CRM.

    Raises `UsageError` where it is not there: it belongs to the tests, which are not installed.
    """
    if name == "embedded":
        yield None
        return
    title, open_one = _OPENERS[name]
    try:
        fake = importlib.import_module(f"tests.fakes.{name}")
    except ImportError as error:
        raise UsageError(f"the stand-in for {title} is not installed; run this from a checkout of Nolapse") from error
    with open_one(fake) as one:
        yield one


def _people() -> Iterator[tuple[str, str, str]]:
    """Our reps: address, first and last name."""
    for _, person, email, *_rest in REPS:
        first, _, last = person.partition(" ")
        yield email, first, last


def _tasks(several: int, calls: int, still_open: int) -> str:
    return f"{many(several, 'task')} ({calls} of them calls; {still_open} open)"


@dataclass
class _InHubSpot:
    server: Any
    title: str = "HubSpot"
    settings: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def answer_call(self) -> bool:
        waiting = [task for task in self.server.world.records("tasks") if self._open(task) and self._is_call(task)]
        if not waiting:
            return False
        first = min(waiting, key=lambda task: str(task.values.get("hs_timestamp")))
        said = {"hs_task_status": "COMPLETED", "nolapse_task_outcome": "reached"}
        self.server.world.edit("tasks", first.id, **said)
        return True

    def held(self) -> str:
        world = self.server.world
        tasks = world.records("tasks")
        parts = (
            many(len(world.records("tickets")), "ticket"),
            many(len(world.records("companies")), "company", "companies"),
            many(len(world.records("contacts")), "contact"),
            _tasks(len(tasks), sum(map(self._is_call, tasks)), sum(map(self._open, tasks))),
            f"{many(len(world.records('emails')), 'mail')} on timelines",
        )
        return f"{', '.join(parts)}; {many(self.server.count(), 'call')} of its API in all"

    @staticmethod
    def _open(task: Any) -> bool:
        return bool(task.values.get("hs_task_status") != "COMPLETED")

    @staticmethod
    def _is_call(task: Any) -> bool:
        return bool(task.values.get("hs_task_type") == "CALL")


@contextmanager
def _hubspot(fake: Any) -> Iterator[StandIn]:
    with fake.running_hubspot(fake.World()) as server:
        for email, first, last in _people():
            server.world.add_owner(email, first, last)
        token = {"NOLAPSE_HUBSPOT__TOKEN": server.token}
        yield _InHubSpot(server, settings=_HUBSPOT.format(base_url=server.base_url), environment=token)


@dataclass
class _InSalesforce:
    server: Any
    title: str = "Salesforce"
    settings: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)

    def answer_call(self) -> bool:
        waiting = [task for task in self._tasks() if self._open(task) and self._is_call(task)]
        if not waiting:
            return False
        first = min(waiting, key=lambda task: str(task["ActivityDate"]))
        said = {"Status": "Completed", "Nolapse_Task_Outcome__c": "reached"}
        self.server.org.edit(first["Id"], by=first["OwnerId"], **said)
        return True

    def held(self) -> str:
        org, tasks = self.server.org, self._tasks()
        parts = (
            many(len(org.rows("Certificate_Order__c")), "certificate order"),
            many(len(org.rows("Account")), "account"),
            many(len(org.rows("Contact")), "contact"),
            _tasks(len(tasks), sum(map(self._is_call, tasks)), sum(map(self._open, tasks))),
            f"{many(len(org.rows('EmailMessage')), 'mail')} on timelines",
        )
        return f"{', '.join(parts)}; {many(self.server.count(), 'call')} of its API in all"

    def _tasks(self) -> list[Any]:
        return [task for task in self.server.org.rows("Task") if task["Nolapse_Task_Key__c"]]

    @staticmethod
    def _open(task: Any) -> bool:
        return not task["IsClosed"]

    @staticmethod
    def _is_call(task: Any) -> bool:
        return bool(task["TaskSubtype"] == "Call")


@contextmanager
def _salesforce(fake: Any) -> Iterator[StandIn]:
    with fake.running_salesforce(fake.Org()) as server:
        package = resources.files("connectors.salesforce") / "package"
        for folder in ("force-app", "deals", "email-messages"):
            server.org.deploy(package / folder)
        for email, first, last in _people():
            server.org.add_user(email, first, last)
        session = {"NOLAPSE_SALESFORCE__SESSION_ID": server.session_id}
        yield _InSalesforce(server, settings=_SALESFORCE.format(base_url=server.base_url), environment=session)


_OPENERS: dict[str, tuple[str, Callable[[Any], AbstractContextManager[StandIn]]]] = {
    "hubspot": ("HubSpot", _hubspot),
    "salesforce": ("Salesforce", _salesforce),
}
