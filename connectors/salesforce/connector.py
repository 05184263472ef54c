"""Salesforce as CRM and as carrier of mails."""

from datetime import timedelta

from sqlalchemy import Engine

from connectors.crm.composed import ComposedCrm, Parts
from connectors.crm.ledger import Ledger
from connectors.crm.linking import Linking
from connectors.crm.links import Links
from connectors.crm.persons import CrmPeople
from connectors.salesforce.cadences import Cadences
from connectors.salesforce.check import run_check
from connectors.salesforce.companies import SalesforceCompanies
from connectors.salesforce.engaging import NAME
from connectors.salesforce.forecast import Forecaster
from connectors.salesforce.mailer import SalesforceMailer
from connectors.salesforce.mails import Refusals, Timeline
from connectors.salesforce.noting import Notes
from connectors.salesforce.opening import open_client
from connectors.salesforce.people import People
from connectors.salesforce.provisioning import run_setup
from connectors.salesforce.pushing import Pusher
from connectors.salesforce.reading import Reader
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.target import Target
from connectors.salesforce.tasking import Tasks
from core.ports import Connector, Finding


class SalesforceCrm(ComposedCrm):
    """One org as a `Crm`. Writes go in calls of 200, or as one bulk job; each item's result stands on its own."""

    name = NAME
    batch_size = 200
    records_together = 10_000  # so many fill a bulk job, and their accounts and contacts, which are fewer, their calls
    search_lag = timedelta(minutes=10)  # a call goes on in the org for so long after its caller has gone

    def __init__(self, target: Target) -> None:
        links, ledger = Links(target.engine, NAME), Ledger(target.engine)
        people = People(target, links, ledger.domain_users)
        forecaster = Forecaster(target, links, ledger) if target.settings.forecast_opportunities else None
        tasks = Tasks(target, links)
        self._target = target
        super().__init__(
            Parts(
                records=Pusher(target, links, people, Cadences(target, links), forecaster),
                tasks=tasks,
                notes=Notes(target, links, tasks),
                timeline=Timeline(target, links, people),
                refusals=Refusals(target),
                reader=Reader(target, links, ledger),
                linking=Linking(SalesforceCompanies(target), links),
            )
        )

    def check(self) -> list[Finding]:
        """What the org can do, and what falls back to what."""
        return run_check(self._target.client, self._target.settings)

    def setup(self, dry_run: bool) -> list[Finding]:
        """What of the package the org lacks; deploying it is a command of Salesforce's own."""
        return run_setup(self._target.client, self._target.settings)


def _target(settings: SalesforceSettings, engine: Engine) -> Target:
    return Target(open_client(settings), settings, engine)


def open_crm(settings: SalesforceSettings, engine: Engine) -> SalesforceCrm:
    """The org of the settings. Nothing is called yet. Raises `ConfigurationError` for a login that lacks something."""
    return SalesforceCrm(_target(settings, engine))


def open_mailer(settings: SalesforceSettings, engine: Engine) -> SalesforceMailer:
    """Mails by the org of the settings."""
    return SalesforceMailer(_target(settings, engine), Links(engine, NAME))


def open_people(settings: SalesforceSettings) -> CrmPeople:
    """The links that name people. No org is needed for it."""
    return CrmPeople(NAME)


CONNECTOR = Connector(
    name=NAME,
    settings=SalesforceSettings,
    crm=open_crm,
    mailer=open_mailer,
    people=open_people,
    people_there=True,
)
