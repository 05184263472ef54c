"""HubSpot as CRM and as carrier of mails."""

from datetime import timedelta

from sqlalchemy import Engine

from connectors.crm.composed import ComposedCrm, Parts
from connectors.crm.ledger import Ledger
from connectors.crm.linking import Linking
from connectors.crm.links import Links
from connectors.crm.persons import CrmPeople
from connectors.hubspot.check import Check
from connectors.hubspot.companies import HubSpotCompanies
from connectors.hubspot.forecast import Forecaster
from connectors.hubspot.made import Made
from connectors.hubspot.mailer import HubSpotMailer
from connectors.hubspot.mails import Refusals, Timeline
from connectors.hubspot.noting import Notes
from connectors.hubspot.opening import open_client
from connectors.hubspot.people import People
from connectors.hubspot.provisioning import Setup, undo
from connectors.hubspot.pushing import Pusher
from connectors.hubspot.reading import Reader
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.target import Target
from connectors.hubspot.tasking import Tasks
from core.ports import Connector, Finding

NAME = "hubspot"


class HubSpotCrm(ComposedCrm):
    """One HubSpot account as a `Crm`. Each write goes in calls of a hundred; each item's result stands on its own."""

    name = NAME
    batch_size = 500
    records_together = 1000  # so many, that their companies and contacts, which are fewer, fill their calls too
    search_lag = timedelta(seconds=60)

    def __init__(self, target: Target) -> None:
        links, ledger = Links(target.engine, NAME), Ledger(target.engine)
        people = People(target, links, ledger.domain_users)
        forecaster = Forecaster(target, links, ledger) if target.settings.forecast_deals else None
        self._target = target
        self._reader = Reader(target, links, ledger)
        super().__init__(
            Parts(
                records=Pusher(target, links, people, forecaster),
                tasks=Tasks(target, links),
                notes=Notes(target, links),
                timeline=Timeline(target, links, people),
                refusals=Refusals(target),
                reader=self._reader,
                linking=Linking(HubSpotCompanies(target), links),
            )
        )

    def address_of(self, thing: str) -> str:
        """The address of a contact that we have linked; empty for any other. HubSpot is not asked."""
        return self._reader.address_of(thing)

    def check(self) -> list[Finding]:
        """What the account can do, and what falls back to what."""
        return Check(self._target.settings, self._target.client, self._made).run()

    def setup(self, dry_run: bool) -> list[Finding]:
        """Makes what is missing in the account, or tells what it would make."""
        portal = self._target.portal
        return Setup(self._target.settings, portal, self._made(portal.account.portal_id), dry_run).run()

    def undo_setup(self, dry_run: bool) -> list[Finding]:
        """Takes away what setup has made, or tells what it would take away."""
        portal = self._target.portal
        return undo(portal, self._made(portal.account.portal_id), dry_run)

    def _made(self, portal_id: str) -> Made:
        return Made(self._target.engine, portal_id)


def _target(settings: HubSpotSettings, engine: Engine) -> Target:
    return Target(open_client(settings, engine), settings, engine)


def open_crm(settings: HubSpotSettings, engine: Engine) -> HubSpotCrm:
    """The account of the settings. Nothing is called yet. Raises `ConfigurationError` without a token."""
    return HubSpotCrm(_target(settings, engine))


def open_mailer(settings: HubSpotSettings, engine: Engine) -> HubSpotMailer:
    """Mails by the account of the settings."""
    target = _target(settings, engine)
    return HubSpotMailer(target, Links(engine, NAME))


def open_people(settings: HubSpotSettings) -> CrmPeople:
    """The links that name people. No account is needed for it."""
    return CrmPeople(NAME)


CONNECTOR = Connector(
    name=NAME,
    settings=HubSpotSettings,
    crm=open_crm,
    mailer=open_mailer,
    people=open_people,
    people_there=True,
)
