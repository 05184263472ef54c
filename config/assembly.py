"""Puts the application together from its settings: the store, the connectors, the policy, the kinds of delivery."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from config import doors
from config.brand import brand_of, brands_of, messages_of
from config.rejects import RejectsFile
from config.reps import task_policy
from config.settings import Settings
from core import inbox, incoming_mail, looks, migrations
from core.calendar import Calendar
from core.deliver_assigns import AssignKind
from core.deliver_closes import CloseKind
from core.deliver_mail import Links, MailKind
from core.deliver_records import MailLogKind, OptOutKind, RecordKind
from core.deliver_tasks import CreateKind, RaiseKind
from core.eligibility import Scope
from core.errors import ConfigurationError, NolapseError, StoreError
from core.inbox import Applier, InboxCounts
from core.installs import Prober
from core.kinds import Kind
from core.links import ConsoleLinks, SignedLinks
from core.listening import Mailbox
from core.locks import never
from core.looks import Looker
from core.policy import CapPolicy, MailPolicy, Policy, SyncPolicy
from core.ports import Connector, Crm, Mailer, OrderSource
from core.rehearsal import RehearsedCrm, RehearsedMailer
from core.store import Store, open_store
from core.timing import Timer
from core.wording import Writer
from core.words import DeliveryKind

if TYPE_CHECKING:
    from core.habits import Habits
    from core.simulation import SimulatedCrm
    from templates.pages import PageWriter

LOG = logging.getLogger("nolapse.inbox")
_MAIL_SECONDS = 30.0


@dataclass
class App:
    """The application. What it opens is opened when it is first used, and closed by `close`."""

    settings: Settings
    rehearsal: Store | None = None
    mail_due_at: float = 0.0  # by the monotonic clock: when the mailbox may be read again

    @cached_property
    def store(self) -> Store:
        """The store, at the revision that the program needs. Raises `StoreError` with the way out."""
        store = self.bare_store
        migrations.require_newest(store)
        return store

    @cached_property
    def bare_store(self) -> Store:
        """The store, whatever its revision."""
        section = self.settings.sections.store
        return open_store(section.url, section.password.get_secret_value() if section.password else None)

    @cached_property
    def policy(self) -> Policy:
        """What the engine obeys."""
        said = self.settings.sections
        domain = said.mail.domain or said.brand.sender.rpartition("@")[2] or "nolapse.invalid"
        return Policy(
            cadences=self.settings.cadences,
            calendar=Calendar(self.settings.calendar),
            validity=self.settings.validity,
            brand=brand_of(self.settings),
            scope=Scope(said.scope.kinds, said.scope.respect_ca_notice_switch, said.scope.own_domains),
            sync=SyncPolicy(said.sync.batch_size, said.sync.max_shrink_percent),
            deliver=said.deliver,
            tasks=task_policy(said.tasks, said.reps),
            certainty=said.certainty,
            occasions=said.occasions,
            plan_batch=said.plan.batch_size,
            lock_wait_seconds=said.plan.lock_wait_seconds,
            mail=MailPolicy(said.mail.redirect_all_to, said.mail.bcc, domain),
            caps=CapPolicy(said.caps.mails_per_contact_day, said.caps.mails_per_contact_week, said.caps.ramp),
            messages=messages_of(self.settings),
            consent=self.settings.consent,
            prices=self.settings.prices,
            brands=brands_of(self.settings),
        )

    @cached_property
    def sources(self) -> Sequence[OrderSource]:
        """Where orders come from."""
        found = []
        for name in self.settings.sections.sync.sources:
            connector = self._connector(name)
            if connector.order_source is None:
                raise ConfigurationError(f"sync.sources: {name} is no order source")
            found.append(connector.order_source(self._settings_of(name), self.store.engine, self.settings.catalogue))
        return found

    @cached_property
    def crm(self) -> Crm | None:
        """Where the reps work; None where there is no CRM."""
        name = self.settings.sections.sync.crm
        if not name:
            return None
        connector = self._connector(name)
        if connector.crm is None:
            raise ConfigurationError(f"sync.crm: {name} is no CRM")
        return connector.crm(self._settings_of(name), self.store.engine)

    @cached_property
    def prober(self) -> Prober | None:
        """What looks whether new certificates are installed; None where nobody does."""
        name = self.settings.sections.sync.prober
        if not name:
            return None
        connector = self._connector(name)
        if connector.prober is None:
            raise ConfigurationError(f"sync.prober: {name} does not look for certificates")
        return connector.prober(self._settings_of(name), self.store.engine)

    @cached_property
    def mailer(self) -> Mailer:
        """What carries mails."""
        name = self.settings.sections.mail.via
        connector = self._connector(name)
        if connector.mailer is None:
            raise ConfigurationError(f"mail.via: {name} carries no mails")
        return connector.mailer(self._settings_of(name), self.store.engine)

    @cached_property
    def writer(self) -> Writer:
        """What words the messages."""
        from templates.helper import HelpedWriter

        return HelpedWriter(overrides=self._own_templates)

    @property
    def _own_templates(self) -> Path | None:
        own = self.settings.base / "templates"
        return own if own.is_dir() else None

    @cached_property
    def pages(self) -> "PageWriter":
        """What words the pages that customers see."""
        from templates.pages import PageWriter

        return PageWriter(self._own_templates, self.policy.messages.languages)

    @cached_property
    def links(self) -> Links:
        """Where mails lead."""
        web = self.settings.sections.web
        if not web.public_url:
            return ConsoleLinks(self.policy.brand.console_url)
        if web.link_secret is None:
            raise ConfigurationError("web.public_url is set but no secret to sign links; set NOLAPSE_WEB__LINK_SECRET")
        return SignedLinks(web.public_url, web.link_secret.get_secret_value())

    @cached_property
    def kinds(self) -> Mapping[DeliveryKind, Kind]:
        """How each kind of delivery goes."""
        return self._kinds(self.mailer, self.crm)

    def rehearsed_kinds(self) -> tuple[Mapping[DeliveryKind, Kind], Crm | None]:
        """The same with connectors that take everything and pass nothing on, and the CRM among them."""
        crm = RehearsedCrm() if self.settings.sections.sync.crm else None
        return self._kinds(RehearsedMailer(), crm), crm

    def simulated_kinds(self, habits: "Habits") -> "tuple[Mapping[DeliveryKind, Kind], SimulatedCrm | None]":
        """What mails and tasks go by where only their number counts, and the CRM whose reps keep to these habits.

        Nothing is worded, linked, logged or shown; no connector and no store is opened.
        """
        from core.simulation import SimulatedCrm, SimulatedMails, WordlessWriter

        crm = SimulatedCrm(habits) if self.settings.sections.sync.crm else None
        writer, links = WordlessWriter(), ConsoleLinks(self.policy.brand.console_url)
        mails: dict[DeliveryKind, Kind] = {DeliveryKind.MAIL: SimulatedMails(self.policy)}
        return mails | (self._task_kinds(crm, writer, links) if crm is not None else {}), crm

    def _kinds(self, mailer: Mailer, crm: Crm | None) -> Mapping[DeliveryKind, Kind]:
        found: dict[DeliveryKind, Kind] = {
            DeliveryKind.MAIL: MailKind(mailer, crm, self.writer, self.links, self.policy)
        }
        if crm is not None:
            found |= self._task_kinds(crm, self.writer, self.links)
            found[DeliveryKind.RECORD] = RecordKind(crm, self.links)
            found[DeliveryKind.MAIL_LOG] = MailLogKind(crm, self.links)
            found[DeliveryKind.OPTOUT] = OptOutKind(crm)
        return found

    def _task_kinds(self, crm: Crm, writer: Writer, links: Links) -> dict[DeliveryKind, Kind]:
        return {
            DeliveryKind.CALL_CREATE: CreateKind(crm, writer, links, self.policy),
            DeliveryKind.CALL_RAISE: RaiseKind(crm, self.policy),
            DeliveryKind.CALL_CLOSE: CloseKind(crm, self.policy),
            DeliveryKind.CALL_ASSIGN: AssignKind(crm, self.policy),
        }

    @cached_property
    def appliers(self) -> Mapping[str, Applier]:
        """What is drawn from events that came in, by door."""
        return doors.appliers(self)

    @cached_property
    def lookers(self) -> Mapping[str, Looker]:
        """Who is asked about what events have named."""
        return doors.lookers(self)

    @cached_property
    def mailbox(self) -> Mailbox | None:
        """What reads the mails that come back; None where nothing does."""
        name = self.settings.sections.mail.replies
        if not name:
            return None
        connector = self._connector(name)
        if connector.mailbox is None:
            raise ConfigurationError(f"mail.replies: {name} reads no mailbox")
        found: Mailbox = connector.mailbox(self._settings_of(name))
        return found

    def take_in(self, timer: Timer, *, store: Store | None = None, stop: Callable[[], bool] = never) -> InboxCounts:
        """Applies what has come in, so that nothing goes out against it: events, mails, and what these have named.

        A mailbox or system that cannot be asked now is told of in the log, and stops nothing. In a rehearsal (`store`)
        nobody outside is asked.
        """
        if store is None and self.mailbox is not None and monotonic() >= self.mail_due_at:
            self.mail_due_at = monotonic() + _MAIL_SECONDS
            try:
                incoming_mail.fetch(self.store, self.mailbox)
            except StoreError:
                raise
            except NolapseError as error:
                LOG.warning("mails that came back are read later: %s", error)
        counts = inbox.apply(store or self.store, self.appliers, timer, stop=stop)
        if store is None and looks.are_waiting(self.store):
            looks.look(self.store, self.lookers, timer, stop=stop)
        return counts

    @cached_property
    def desk(self) -> Any:
        """The reps' side of the embedded CRM. Raises `ConfigurationError` where reps work elsewhere."""
        if self.settings.sections.sync.crm != "embedded":
            raise ConfigurationError(f"the tasks are in {self.settings.sections.sync.crm}: reps work on them there")
        from connectors.embedded.desk import EmbeddedDesk

        return EmbeddedDesk(self.store.engine)

    @property
    def rejects(self) -> RejectsFile:
        """Where unusable rows are kept."""
        return RejectsFile(self.settings.sections.sync.rejects_path, self.settings.base)

    def _connector(self, name: str) -> Connector:
        return self.settings.connectors[name]

    def _settings_of(self, name: str) -> Any:
        return self.settings.of_connector[name]

    def close(self) -> None:
        """Closes what was opened."""
        if "mailer" in self.__dict__:
            self.mailer.close()
        if "writer" in self.__dict__:
            self.writer.close()
        if "bare_store" in self.__dict__:
            self.bare_store.close()


@contextmanager
def application(settings: Settings) -> Iterator[App]:
    """The application for the time of the block."""
    app = App(settings)
    try:
        yield app
    finally:
        app.close()
