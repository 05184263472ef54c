"""Salesforce as CRM and as carrier of mails."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import Engine

from connectors.crm.ledger import Ledger
from connectors.crm.linking import Linking
from connectors.crm.links import Links
from connectors.crm.persons import CrmPeople
from connectors.salesforce.cadences import Cadences
from connectors.salesforce.check import run_check
from connectors.salesforce.companies import SalesforceCompanies
from connectors.salesforce.forecast import Forecaster
from connectors.salesforce.mailer import SalesforceMailer
from connectors.salesforce.mails import Refusals, Timeline
from connectors.salesforce.opening import open_client
from connectors.salesforce.people import People
from connectors.salesforce.provisioning import run_setup
from connectors.salesforce.pushing import Pusher
from connectors.salesforce.reading import NAME, Reader
from connectors.salesforce.settings import SalesforceSettings
from connectors.salesforce.target import Target
from connectors.salesforce.tasking import Assign, Tasks
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


class SalesforceCrm:
    """One org as a `Crm`. Writes go in calls of 200, or as one bulk job; each item's result stands on its own."""

    name = NAME
    batch_size = 200
    records_together = 10_000  # so many fill a bulk job, and their accounts and contacts, which are fewer, their calls
    search_lag = timedelta(minutes=10)  # a call goes on in the org for so long after its caller has gone

    def __init__(self, target: Target) -> None:
        links, ledger = Links(target.engine, NAME), Ledger(target.engine)
        people = People(target, links, ledger.domain_users)
        forecaster = Forecaster(target, links, ledger) if target.settings.forecast_opportunities else None
        self._target = target
        self._pusher = Pusher(target, links, people, Cadences(target, links), forecaster)
        self._linking = Linking(SalesforceCompanies(target), links)
        self._tasks = Tasks(target, links)
        self._timeline = Timeline(target, links, people)
        self._refusals = Refusals(target)
        self._reader = Reader(target, links, ledger)

    def push_records(self, records: Sequence[Record]) -> list[Result]:
        """Writes order records with their accounts and contacts."""
        return self._pusher.push(records) if records else []

    def find_tasks(self, keys: Sequence[str]) -> Mapping[str, str]:
        """The ids of those of our tasks that were made."""
        return self._tasks.find(keys)

    def create_tasks(self, drafts: Sequence[TaskDraft]) -> list[Result]:
        """Makes tasks, each once."""
        return self._tasks.create(drafts) if drafts else []

    def raise_tasks(self, raises: Sequence[TaskRaise]) -> list[Result]:
        """Raises tasks as far as their reps have left them alone."""
        return self._tasks.raise_all(raises) if raises else []

    def assign_tasks(self, assigns: Sequence[Assign]) -> list[Result]:
        """Gives open tasks to new owners where nobody has given them to somebody else."""
        return self._tasks.assign(assigns) if assigns else []

    def close_tasks(self, closes: Sequence[TaskClose]) -> list[Result]:
        """Completes the tasks that are still open."""
        return self._tasks.close(closes) if closes else []

    def changes(self, since: str | None) -> tuple[Sequence[CrmChange], str | None]:
        """What people changed since the cursor, and the next cursor."""
        return self._reader.changes(since)

    def changes_of(self, things: Sequence[str]) -> Sequence[CrmChange]:
        """What people changed in these records, each `OBJECT:ID`; they are read again."""
        return self._reader.changes_of(things)

    def read(self, order_keys: Sequence[str]) -> Mapping[str, Record]:
        """Our records as Salesforce holds them."""
        return self._pusher.read(order_keys)

    def log_mail(self, mails: Sequence[MailLog]) -> list[Result]:
        """Logs mails on their contacts' timelines, each once."""
        return self._timeline.log(mails) if mails else []

    def write_optout(self, optouts: Sequence[OptOut]) -> list[Result]:
        """Writes refusals back."""
        return self._refusals.write(optouts) if optouts else []

    def ambiguities(self) -> list[Ambiguity]:
        """The accounts of ours of which nobody can tell which account of theirs they are."""
        return self._linking.ambiguities()

    def decide(self, decisions: Sequence[Decision]) -> list[Result]:
        """Links what a person decided; the fate of each, by our key."""
        return self._linking.decide(decisions)

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
