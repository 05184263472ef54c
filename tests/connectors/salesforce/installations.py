"""An org in the stand-in with our package in it, and our connector in front of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr, TypeAdapter

import connectors.salesforce
from connectors.crm.links import Links
from connectors.salesforce.blueprint import folders
from connectors.salesforce.connector import SalesforceCrm, open_crm, open_mailer
from connectors.salesforce.mailer import SalesforceMailer
from connectors.salesforce.settings import SalesforceSettings
from core.intake import store_reps
from core.model import RepFacts
from core.store import Store
from tests.fakes.hubspot.clock import ManualClock
from tests.fakes.salesforce import Org, SalesforceServer, running_salesforce

PACKAGE = Path(connectors.salesforce.__file__).parent / "package"
REPS = ("rep-1", "rep-2", "rep-3")
OPPORTUNITY_STAGES = (
    "upcoming=Prospecting", "contacted=Qualification", "in_progress=Negotiation/Review", "renewed=Closed Won",
    "lost=Closed Lost", "lapsed=Closed Lost", "won_back=Closed Won",
)  # fmt: skip
CASE_STAGES = ("upcoming=New", "contacted=Working", "renewed=Closed", "lapsed=Closed", "won_back=Closed")


@dataclass
class Installation:
    """The stand-in with its org, a store, and how to open the connector again."""

    server: SalesforceServer
    store: Store
    settings: SalesforceSettings

    @property
    def org(self) -> Org:
        return self.server.org

    @property
    def links(self) -> Links:
        return Links(self.store.engine, "salesforce")

    def crm(self, **changes: Any) -> SalesforceCrm:
        """A connector as a new process opens it, which lives by the org's clock."""
        settings = settings_for(self.server, **changes) if changes else self.settings
        opened = _hurried(open_crm(settings, self.store.engine))
        opened._target.now = self.org.clock.now
        return opened

    def mailer(self, **changes: Any) -> SalesforceMailer:
        return open_mailer(settings_for(self.server, **changes), self.store.engine)

    def one(self, sobject: str, **equal: Any) -> dict[str, Any]:
        """The only live record with these values."""
        (found,) = self.org.rows(sobject, **equal)
        return found

    def user(self, rep_key: str) -> str:
        """The id of a rep's user."""
        return str(self.one("User", Email=f"{rep_key}@ours.example")["Id"])

    def tick(self, seconds: float = 1) -> None:
        """Time passes in the org."""
        clock = self.org.clock
        assert isinstance(clock, ManualClock)
        clock.advance(seconds=seconds)


def _hurried(crm: SalesforceCrm) -> SalesforceCrm:
    """The connector without its pauses."""
    crm._target.client.caller.sleep = lambda _: None
    return crm


def settings_for(server: SalesforceServer, **changes: Any) -> SalesforceSettings:
    """Settings for the stand-in, without pauses."""
    usual: dict[str, Any] = {
        "auth": "session",
        "domain": "acme.my",
        "session_id": SecretStr(server.session_id),
        "base_url": server.base_url,
        "create": "always",
        "longest_pause": 0.02,
        "read_timeout": 20.0,
        "daily_reserve_percent": 0,
    }
    return TypeAdapter(SalesforceSettings).validate_python(usual | changes)


@contextmanager
def running_installation(store: Store, org: Org | None = None, **changes: Any) -> Iterator[Installation]:
    """An org with three reps and our package, as its administrator deploys it."""
    org = org or Org(clock=ManualClock())
    with running_salesforce(org) as server:
        settings = settings_for(server, **changes)
        for folder in folders(settings):
            org.deploy(PACKAGE / folder)
        for rep in REPS:
            org.add_user(f"{rep}@ours.example", rep.capitalize(), "Example")
        with store.begin() as connection:
            store_reps(connection, [RepFacts(rep, rep.capitalize(), f"{rep}@ours.example") for rep in REPS])
        yield Installation(server, store, settings)
