"""CertCentral as an order source: full passes and passes over changes, and what is written back."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr
from sqlalchemy import Engine

from connectors.certcentral import checks, mapping, webhook
from connectors.certcentral.client import LOG, AbsentError, Client, limits_for
from connectors.certcentral.memory import Memory
from connectors.certcentral.others import contracts, subaccount_orders
from connectors.certcentral.passes import ChangesPass, Cursor, Extra, FullPass, Scene, cursor_of
from connectors.certcentral.persons import CertCentralPeople
from connectors.certcentral.reading import LONGEST_CHANGES_SECONDS, Listing, changed_orders
from connectors.certcentral.writing import Wishes, Writer
from connectors.order_report.mapping import Reading
from core.errors import ConfigurationError, NolapseError, UsageError
from core.limits import Window
from core.listening import LoggedEvent, Webhook
from core.model import BadRow, OrderFacts, OrderStream
from core.ports import Connector, Finding
from core.products import Catalogue
from core.store import Store, is_rehearsed

REGIONS = {
    "us": "https://www.digicert.com/services/v2",
    "eu": "https://certcentral.digicert.eu/services/v2",
}
PARTNER_URL = "https://www.digicert.com/partner-subscription/api/v1"
MOST_CHANGES = 500  # more of them are read by a full pass, which is then the cheaper one
_CREATED_AHEAD = timedelta(days=5 * 365)
_CLOCKS_APART = timedelta(minutes=1)
_QUESTIONS = 3


@dataclass(frozen=True)
class CertCentralSettings:
    """The section `[certcentral]`."""

    key: SecretStr | None = None
    """The API key: View Only for reading, Orders where something is written back."""

    region: Literal["us", "eu"] = "us"
    """Where the account lives."""

    base_url: str = ""
    """Another address of the Services API. Empty: that of the region."""

    customer: Literal["organisation", "container", "subaccount"] = "organisation"
    """What is one customer. Orders of subaccounts are always the subaccount's."""

    subaccounts: bool = False
    """Whether the orders of subaccounts are read too, in each full pass."""

    organisation_contacts: bool = True
    """Whether order info is asked for the organisation's contact of each OV and EV order inside the window, once."""

    currency: str = "USD"
    """The currency of prices in the list, which does not name it."""

    full_at: Annotated[str, Field(pattern=r"^(([01]\d|2[0-3]):[0-5]\d)?$")] = "02:00"
    """The first sync after this time of day (UTC) reads all orders, the others what changed. Empty: only after a gap."""

    overlap_minutes: Annotated[int, Field(ge=1, le=4320)] = 30
    """How far back beyond the last pass changes are read again."""

    window_days: Annotated[int, Field(ge=1, le=400)] = 95
    """So many days before an end a touchpoint may be near, and order info is asked for what is lacking."""

    parallel: Annotated[int, Field(ge=1, le=32)] = 6
    """How many orders are asked for at the same time."""

    timeout_seconds: Annotated[float, Field(gt=0, le=600)] = 60
    """For each step of a call."""

    calls_per_3_minutes: Annotated[int, Field(ge=1)] = 1000
    """The limits of DigiCert for each key, of which 95 % are used."""

    calls_per_5_seconds: Annotated[int, Field(ge=1)] = 100
    """Likewise."""

    switch_notices_off: bool = False
    """Whether CertCentral's own renewal notices rest for the orders to whose customers we write."""

    keep_last_notices: bool = True
    """Whether the notices of 3 days before and 7 days after the end go nevertheless."""

    notice_words: tuple[str, str] = ("enabled", "disabled")
    """The API's words for notices on and off."""

    renewal_message: Annotated[str, Field(max_length=2000)] = ""
    """The custom renewal message for the orders to whose customers we write. Empty: none."""

    crm_id_field: Annotated[int, Field(ge=0)] = 0
    """The id of the custom field that takes the id of the order's record in the CRM. 0: none."""

    partner_key: SecretStr | None = None
    """The key of the Partner Subscriptions API, whose ACME contracts are then read too."""

    partner_url: str = PARTNER_URL
    """The address of the Partner Subscriptions API."""


class CertCentral:
    """Orders of an account, of its subaccounts, and contracts. Opened once; `write_back` is called after each pass."""

    def __init__(self, settings: CertCentralSettings, engine: Engine, catalogue: Catalogue) -> None:
        self.name = "certcentral"
        self._settings = settings
        self._engine = engine
        self._catalogue = catalogue
        self._store = Store(engine)
        self._memory = Memory(engine)
        if settings.key is None and settings.partner_key is None:
            raise ConfigurationError("[certcentral]: no key; set NOLAPSE_CERTCENTRAL__KEY, or name a file in key_file")
        self._client = self._open(settings.base_url or REGIONS[settings.region]) if settings.key is not None else None
        self._partner = self._open_partner() if settings.partner_key is not None else None

    def orders(self, cursor: str | None) -> OrderStream:
        """A pass over what changed since the cursor, or over all orders where that is due or safer.

        All are read without a cursor, after a gap that reaches beyond what the API remembers (7 days), once a day after
        `full_at`, and where very many changed. Raises `NolapseError`s where the API cannot be used.
        """
        client = self._client
        if client is None:
            now = datetime.now(UTC)
            return FullPass(self._scene(self._required(self._partner)), None, self._contracts(), Cursor(now, now))
        before = cursor_of(cursor)
        if before is not None and (found := self._changes(client, before)) is not None:
            return found
        local = datetime.now(UTC)
        listing = Listing(client, "/order/certificate", "order_id")
        began = local + (client.now() - datetime.now(UTC))
        scene = self._scene(client)
        extras = self._contracts()
        if self._settings.subaccounts:
            others = Listing(client, "/account/subaccount/order", "id")
            extras = [(others.total, subaccount_orders(scene, others)), *extras]
        # The time of the service is told in whole seconds, cut off.
        return FullPass(scene, listing, extras, Cursor(began, client.now() + timedelta(seconds=1)))

    def order(self, key: str) -> OrderFacts | None:
        """One order as CertCentral has it now, or None. Raises `UsageError` where what it says makes no sense."""
        ca, _, number = key.partition(":")
        if ca != mapping.CA:
            return None
        try:
            if number.startswith(mapping.CONTRACT):
                found = (one for _, several in self._contracts() for one in several if one.key == key)
                return next((one for one in found if isinstance(one, OrderFacts)), None)
            return self._one(number) if self._client is not None and number.isalnum() else None
        except BadRow as error:
            raise UsageError(f"order {number}: {error}") from error

    def check(self) -> list[Finding]:
        """Key, region, account, rights and features, in plain words."""
        found: list[Finding] = []
        if self._client is not None:
            found += checks.findings(
                self._client, self._other_region, self._wishes(), subaccounts=self._settings.subaccounts
            )
            found += checks.notice_findings(self._store, self.name)
        if self._partner is not None:
            found.append(checks.contract_finding(self._partner))
        return found

    def write_back(self, today: date) -> None:
        """Writes back what the settings say. Trouble is told in one line and stops nothing; the next pass goes on."""
        if self._client is None or is_rehearsed(self._engine):
            return
        try:
            Writer(self._client, self._store, self._memory, self.name, self._wishes()).write(today)
        except NolapseError as error:
            LOG.warning("certcentral: not everything could be written back: %s", error)

    def logged_events(self, since: datetime) -> list[LoggedEvent]:
        """What CertCentral's webhook has sent since then; nothing without a key of the Services API."""
        return webhook.logged_events(self._client, since) if self._client is not None else []

    def setup_webhook(self, wanted: Webhook, dry_run: bool) -> list[Finding]:
        """Makes the account's webhook, or confirms it."""
        return webhook.setup(self._required(self._client), wanted, dry_run)

    def _changes(self, client: Client, before: Cursor) -> ChangesPass | None:
        """A pass over what changed since; None where all is to be read.

        The answer tells the time of the service. Where that is later than was thought, the question is put again.
        """
        began = client.now()
        for _ in range(_QUESTIONS):
            if self._full_is_due(before, began):
                return None
            since = before.at - timedelta(minutes=self._settings.overlap_minutes)
            changed = changed_orders(client, max(int((began - since).total_seconds()), 60))
            thought, began = began, client.now()
            if began - thought <= _CLOCKS_APART:
                if len(changed) > MOST_CHANGES:
                    return None
                cursor = Cursor(min(thought, began), before.full_at)
                return ChangesPass(self._scene(client), changed, self._contracts(), cursor)
        return None

    def _one(self, number: str) -> OrderFacts | None:
        client = self._required(self._client)
        scene = self._scene(client)
        paths = [f"/order/certificate/{number}"]
        if self._settings.subaccounts:
            paths.append(f"/account/subaccount/order/{number}")
        for path in paths:
            try:
                return scene.facts(mapping.columns_of(client.get(path)))
            except AbsentError:
                continue  # the next path may know it
        return None

    def _full_is_due(self, before: Cursor, now: datetime) -> bool:
        gap = now - before.at
        if gap < -_CLOCKS_APART:
            return True
        overlap = timedelta(minutes=self._settings.overlap_minutes)
        if gap + overlap > timedelta(seconds=LONGEST_CHANGES_SECONDS):
            return True
        if not self._settings.full_at:
            return False
        turn = datetime.combine(now.date(), time.fromisoformat(self._settings.full_at), UTC)
        return before.full_at < (turn if turn <= now else turn - timedelta(days=1))

    def _contracts(self) -> list[tuple[int, Extra]]:
        if self._partner is None:
            return []
        found = contracts(self._partner, self._catalogue)
        return [(len(found), found)]

    def _scene(self, client: Client) -> Scene:
        settings, today = self._settings, client.now().date()
        customer = "account" if settings.customer == "subaccount" else settings.customer
        reading = Reading(mapping.CA, customer, settings.currency, self._catalogue, today + _CREATED_AHEAD)
        return Scene(
            client, self._store, self._memory, reading, self.name, today, settings.window_days,
            settings.organisation_contacts, settings.parallel,
        )  # fmt: skip

    def _wishes(self) -> Wishes:
        said = self._settings
        return Wishes(
            said.switch_notices_off, said.keep_last_notices, said.notice_words, said.renewal_message, said.crm_id_field
        )

    def _open(self, base_url: str) -> Client:
        settings = self._settings
        assert settings.key is not None
        return self._client_for("CertCentral", base_url, "X-DC-DEVKEY", settings.key.get_secret_value())

    def _open_partner(self) -> Client:
        key = self._settings.partner_key
        assert key is not None
        return self._client_for(
            "Partner Subscriptions", self._settings.partner_url, "X-PARTNER-APIKEY", key.get_secret_value()
        )

    def _client_for(self, name: str, base_url: str, header: str, key: str) -> Client:
        settings = self._settings
        if not key or not key.isascii() or not key.isprintable():
            raise ConfigurationError(f"[certcentral]: the key of {name} is empty or holds strange characters")
        windows = (Window(settings.calls_per_3_minutes, 180), Window(settings.calls_per_5_seconds, 5))
        limits = limits_for(self._engine, name, key, windows)
        return Client(
            name, base_url, header, key, limits, timeout_seconds=settings.timeout_seconds, parallel=settings.parallel
        )

    def _other_region(self) -> Client | None:
        """A client of the other region, to see whether the key belongs there; None where the address is a special one."""
        here = self._settings.base_url or REGIONS[self._settings.region]
        others = [url for url in REGIONS.values() if url != here]
        return self._open(others[0]) if here in REGIONS.values() else None

    def _required(self, client: Client | None) -> Client:
        assert client is not None, "a pass is only made where there is a key"
        return client


def open_source(settings: Any, engine: Any, catalogue: Catalogue | None = None) -> CertCentral:
    """The order source of these settings. Raises `ConfigurationError` where there is no key."""
    return CertCentral(settings, engine, catalogue or Catalogue())


def open_people(settings: Any) -> CertCentralPeople:
    """What is kept of people from order info. No key is needed for it."""
    return CertCentralPeople()


CONNECTOR = Connector(
    "certcentral", CertCentralSettings, order_source=open_source, people=open_people, people_there=True
)
