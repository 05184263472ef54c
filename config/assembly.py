"""Puts the application together from its settings: the store, the connectors, the policy, the kinds of delivery."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from config.brand import brand_of, messages_of
from config.rejects import RejectsFile
from config.settings import Settings
from core import inbox, migrations
from core.calendar import Calendar
from core.deliver_mail import Links, MailKind
from core.deliver_records import MailLogKind, OptOutKind, RecordKind
from core.deliver_tasks import CloseKind, CreateKind, RaiseKind
from core.eligibility import Scope
from core.errors import ConfigurationError
from core.inbox import Applier, InboxCounts
from core.kinds import Kind
from core.links import ConsoleLinks, SignedLinks
from core.locks import never
from core.messages import Writer
from core.policy import MailPolicy, Policy, SyncPolicy, TaskPolicy
from core.ports import Connector, Crm, Mailer, OrderSource
from core.rehearsal import RehearsedCrm, RehearsedMailer
from core.store import Store, open_store
from core.timing import Timer
from core.words import DeliveryKind

if TYPE_CHECKING:
    from templates.pages import PageWriter


@dataclass
class App:
    """The application. What it opens is opened when it is first used, and closed by `close`."""

    settings: Settings
    rehearsal: Store | None = None

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
            tasks=TaskPolicy(said.tasks.one_open_per_account, said.reps.fallback, said.reps.support),
            plan_batch=said.plan.batch_size,
            lock_wait_seconds=said.plan.lock_wait_seconds,
            mail=MailPolicy(said.mail.redirect_all_to, said.mail.bcc, domain),
            messages=messages_of(self.settings),
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
        from templates.writer import JinjaWriter

        return JinjaWriter(overrides=self._own_templates)

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

    def _kinds(self, mailer: Mailer, crm: Crm | None) -> Mapping[DeliveryKind, Kind]:
        found: dict[DeliveryKind, Kind] = {
            DeliveryKind.MAIL: MailKind(mailer, crm, self.writer, self.links, self.policy)
        }
        if crm is not None:
            found[DeliveryKind.CALL_CREATE] = CreateKind(crm, self.writer, self.links, self.policy)
            found[DeliveryKind.CALL_RAISE] = RaiseKind(crm, self.policy)
            found[DeliveryKind.CALL_CLOSE] = CloseKind(crm, self.policy)
            found[DeliveryKind.RECORD] = RecordKind(crm, self.links)
            found[DeliveryKind.MAIL_LOG] = MailLogKind(crm, self.links)
            found[DeliveryKind.OPTOUT] = OptOutKind(crm)
        return found

    @cached_property
    def appliers(self) -> Mapping[str, Applier]:
        """What is drawn from events that came in, by door."""
        from webhooks.renewal_events import DOOR, Renewals

        return {DOOR: Renewals(self.policy)}

    def take_in(self, timer: Timer, *, store: Store | None = None, stop: Callable[[], bool] = never) -> InboxCounts:
        """Applies the events that have come in, so that nothing goes out against them."""
        return inbox.apply(store or self.store, self.appliers, timer, stop=stop)

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
