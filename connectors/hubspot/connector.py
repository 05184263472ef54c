"""HubSpot as CRM and as carrier of mails."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Engine

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
from connectors.hubspot.opening import open_client
from connectors.hubspot.people import People
from connectors.hubspot.provisioning import Setup, undo
from connectors.hubspot.pushing import Pusher
from connectors.hubspot.reading import Reader
from connectors.hubspot.settings import HubSpotSettings
from connectors.hubspot.target import Target
from connectors.hubspot.tasking import Tasks
from core.crm_ports import TaskAssign
from core.ports import (
    Ambiguity,
    Connector,
    CrmChange,
    Decision,
    Finding,
    MailLog,
    OptOut,
    Record,
    Result,
    TaskClose,
    TaskDraft,
    TaskRaise,
)

NAME = "hubspot"


class HubSpotCrm:
    """One HubSpot account as a `Crm`. Each write goes in calls of a hundred; each item's result stands on its own."""

    name = NAME
    batch_size = 500
    records_together = 1000  # so many, that their companies and contacts, which are fewer, fill their calls too
    search_lag = timedelta(seconds=60)

    def __init__(self, target: Target) -> None:
        links, ledger = Links(target.engine, NAME), Ledger(target.engine)
        people = People(target, links, ledger.domain_users)
        self._target = target
        self._forecaster = Forecaster(target, links, ledger) if target.settings.forecast_deals else None
        self._pusher = Pusher(target, links, people, self._forecaster)
        self._linking = Linking(HubSpotCompanies(target), links)
        self._tasks = Tasks(target, links)
        self._timeline = Timeline(target, links, people)
        self._refusals = Refusals(target)
        self._reader = Reader(target, links, ledger)

    def push_records(self, records: Sequence[Record]) -> list[Result]:
        """Writes order records with their companies, contacts and associations."""
        return self._pusher.push(records) if records else []

    def find_tasks(self, keys: Sequence[str]) -> Mapping[str, str]:
        """The ids of those of our tasks that exist."""
        return self._tasks.find(keys)

    def create_tasks(self, drafts: Sequence[TaskDraft]) -> list[Result]:
        """Makes tasks, each once."""
        return self._tasks.create(drafts) if drafts else []

    def raise_tasks(self, raises: Sequence[TaskRaise]) -> list[Result]:
        """Raises tasks as far as their reps have left them alone."""
        return self._tasks.raise_all(raises) if raises else []

    def close_tasks(self, closes: Sequence[TaskClose]) -> list[Result]:
        """Completes the tasks that are still open."""
        return self._tasks.close(closes) if closes else []

    def assign_tasks(self, assigns: Sequence[TaskAssign]) -> list[Result]:
        """Gives open tasks to their new owners where nobody has given them to somebody else."""
        return self._tasks.assign(assigns) if assigns else []

    def changes(self, since: str | None) -> tuple[Sequence[CrmChange], str | None]:
        """What people changed since the cursor, and the next cursor."""
        return self._reader.changes(since)

    def changes_of(self, things: Sequence[str]) -> Sequence[CrmChange]:
        """What people changed in these records, read again by their ids."""
        return self._reader.changes_of(things)

    def address_of(self, thing: str) -> str:
        """The address of a contact that we have linked; empty for any other. HubSpot is not asked."""
        return self._reader.address_of(thing)

    def read(self, order_keys: Sequence[str]) -> Mapping[str, Record]:
        """Our records as HubSpot holds them."""
        return self._pusher.read(order_keys)

    def log_mail(self, mails: Sequence[MailLog]) -> list[Result]:
        """Logs mails on their contacts' timelines, each once."""
        return self._timeline.log(mails) if mails else []

    def write_optout(self, optouts: Sequence[OptOut]) -> list[Result]:
        """Writes refusals back."""
        return self._refusals.write(optouts)

    def ambiguities(self) -> list[Ambiguity]:
        """The accounts of ours of which nobody can tell which company they are."""
        return self._linking.ambiguities()

    def decide(self, decisions: Sequence[Decision]) -> list[Result]:
        """Links what a person decided; the fate of each, by our key."""
        return self._linking.decide(decisions)

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
